//! How a run stands now.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::run::outcome::{RunStatus, StageStatus, Status};
use crate::run::record::{ActionRecord, Progress, RunRecord};

/// How a run stands now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Standing {
    /// A process carries it out.
    Running {
        actions: Vec<String>,
    },
    /// All that goes on waits for answers; with or without a process.
    WaitsForAnswer {
        actions: Vec<String>,
        carried_out: bool,
    },
    /// It stands in front of a stage.
    WaitsForStage {
        stage: String,
        carried_out: bool,
    },
    /// The process that carried it out is gone; these actions were in progress.
    CutOff {
        actions: Vec<String>,
    },
    /// Nothing is in progress, and no process carries it on.
    Paused,
    Succeeded,
    Failed {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        actions: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stage: Option<String>,
    },
    Stopped,
    Superseded,
    Cancelled,
}

impl Standing {
    /// What a run's record says of it; a process carries it out, or none does.
    pub fn of(run: &RunRecord, is_busy: bool) -> Self {
        if let Some(end) = run.end {
            return match end.status {
                RunStatus::Succeeded => Self::Succeeded,
                RunStatus::Failed => Self::Failed {
                    actions: failed_actions(run),
                    stage: failed_stage(run),
                },
                RunStatus::Stopped => Self::Stopped,
                RunStatus::Superseded => Self::Superseded,
                RunStatus::Cancelled => Self::Cancelled,
            };
        }
        let open: Vec<&ActionRecord> = run.actions().filter(|action| action.is_open()).collect();
        let names = || open.iter().map(|action| action.place()).collect();
        let waits_for_stage = run.stages.iter().find(|stage| stage.waits_for.is_some());
        match (waits_for_stage, is_busy) {
            (Some(stage), carried_out) => Self::WaitsForStage {
                stage: stage.name.clone(),
                carried_out,
            },
            (None, carried_out) if !open.is_empty() && open.iter().all(|action| action.is_approval()) => {
                Self::WaitsForAnswer {
                    actions: names(),
                    carried_out,
                }
            }
            (None, true) => Self::Running { actions: names() },
            (None, false) if open.is_empty() && !has_open_rules(run) => Self::Paused,
            (None, false) => Self::CutOff { actions: names() },
        }
    }
}

fn has_open_rules(run: &RunRecord) -> bool {
    let conditions = run.stages.iter().flat_map(|stage| &stage.conditions);
    let mut rules = conditions
        .filter(|condition| condition.status.is_none())
        .flat_map(|condition| &condition.rules);
    rules.any(|rule| rule.status.is_none())
}

fn failed_actions(run: &RunRecord) -> Vec<String> {
    let failed = |action: &&ActionRecord| {
        let last = action.attempts.last().map(|attempt| &attempt.progress);
        matches!(last, Some(Progress::Ended(end)) if end.status == Status::Failed)
    };
    run.actions().filter(failed).map(ActionRecord::place).collect()
}

fn failed_stage(run: &RunRecord) -> Option<String> {
    let mut stages = run.stages.iter();
    let failed = stages.rfind(|stage| stage.end.is_some_and(|end| end.status == StageStatus::Failed));
    failed.map(|stage| stage.name.clone())
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running { .. } => f.write_str("running"),
            Self::WaitsForAnswer { actions, .. } => write!(f, "waiting for {}", some(actions)),
            Self::WaitsForStage { stage, .. } => write!(f, "waiting in front of {stage}"),
            Self::CutOff { actions } if actions.is_empty() => f.write_str("cut off"),
            Self::CutOff { actions } => write!(f, "cut off in {}", some(actions)),
            Self::Paused => f.write_str("paused"),
            Self::Succeeded => f.write_str("succeeded"),
            Self::Failed { actions, .. } if !actions.is_empty() => write!(f, "failed in {}", some(actions)),
            Self::Failed { stage: Some(stage), .. } => write!(f, "failed in {stage}"),
            Self::Failed { stage: None, .. } => f.write_str("failed"),
            Self::Stopped => f.write_str("stopped"),
            Self::Superseded => f.write_str("superseded"),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

/// The first of some names, and how many more there are.
fn some(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}
