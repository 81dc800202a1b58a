//! What became of a run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ir::ConditionResult;
use crate::run::event::{ActionName, By, ConditionStatus, Kind, RuleStatus, Trigger, Waiting};
use crate::run::outcome::{Failure, RunStatus, StageStatus};
use crate::run::paths::component;
use crate::run::planned::{How, Position};
use crate::run::store::Artifact;

/// A run, as its journal has it.
#[derive(Clone, Debug, Serialize)]
pub struct RunRecord {
    pub id: String,
    pub pipeline: String,
    #[serde(flatten)]
    pub standing: Standing,
    pub started: Timestamp,
    /// When the last event was.
    pub last: Timestamp,
    /// None while it goes on.
    pub duration_ms: Option<u64>,
    #[serde(rename = "type")]
    pub kind: Kind,
    pub trigger: Trigger,
    /// The definition's digest.
    pub definition: String,
    pub variables: BTreeMap<String, String>,
    /// The run whose artifacts and output variables it began with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited_from: Option<String>,
    pub stages: Vec<StageRecord>,
    /// In the order of their making, the latest of each name.
    pub artifacts: Vec<MadeArtifact>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rollbacks: Vec<Rollback>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Why it was asked to stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<String>,
    pub run_dir: PathBuf,
    /// All names under which something was logged, in the order of the start, with the logs' paths within the run's folder.
    #[serde(skip)]
    pub logs: Vec<(ActionName, String)>,
    #[serde(skip)]
    pub(super) end: Option<RunStatus>,
}

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

#[derive(Clone, Debug, Serialize)]
pub struct StageRecord {
    pub name: String,
    /// None if it has not ended.
    pub status: Option<StageStatus>,
    /// How often it was begun; 0: never.
    pub attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<Waiting>,
    pub retries: Vec<By>,
    pub conditions: Vec<ConditionRecord>,
    pub actions: Vec<ActionRecord>,
}

#[derive(Clone, Debug, Serialize)]
pub struct ConditionRecord {
    pub position: Position,
    /// The stage's attempt.
    pub attempt: u32,
    pub status: Option<ConditionStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<ConditionResult>,
    pub rules: Vec<RuleRecord>,
}

#[derive(Clone, Debug, Serialize)]
pub struct RuleRecord {
    pub rule: String,
    pub status: Option<RuleStatus>,
    pub simulated: bool,
    pub message: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct ActionRecord {
    pub name: String,
    pub action_type: String,
    pub step: u32,
    pub how: How,
    pub driver: String,
    pub attempts: Vec<Attempt>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    pub attempt: u32,
    pub started: Timestamp,
    pub status: AttemptStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    pub log: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answered>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptStatus {
    /// It has not ended, as far as the journal knows.
    Open,
    Succeeded,
    Failed,
    Abandoned,
    /// The end of the program cut it off; another attempt took its place.
    CutOff,
}

#[derive(Clone, Debug, Serialize)]
pub struct Answered {
    pub approved: bool,
    pub by: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comment: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct MadeArtifact {
    pub name: String,
    /// `Build/compile`; of one that was taken over, the run that made it.
    pub made_by: String,
    #[serde(flatten)]
    pub artifact: Artifact,
}

#[derive(Clone, Debug, Serialize)]
pub struct Rollback {
    pub stage: String,
    pub execution_id: String,
    pub target: String,
}

impl RunRecord {
    /// All actions in the order of the definition, each with its stage.
    pub fn actions(&self) -> impl Iterator<Item = (&StageRecord, &ActionRecord)> {
        let stages = self.stages.iter();
        stages.flat_map(|stage| stage.actions.iter().map(move |action| (stage, action)))
    }

    /// Whether the run has ended, so that nothing more happens unless somebody tries it again.
    pub fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// How it ended.
    pub fn end(&self) -> Option<RunStatus> {
        self.end
    }

    /// The actions that kept the run going: of each step the one that took longest, with its time over all attempts.
    pub fn critical_path(&self) -> Vec<(String, u64)> {
        let mut out = Vec::new();
        for stage in &self.stages {
            let mut longest: BTreeMap<u32, (&ActionRecord, u64)> = BTreeMap::new();
            for action in stage.actions.iter().filter(|action| action.has_ended()) {
                let took = action.took_ms();
                let known = longest.entry(action.step).or_insert((action, took));
                if took > known.1 {
                    *known = (action, took);
                }
            }
            out.extend(longest.into_values().map(|(action, took)| (place(stage, action), took)));
        }
        out
    }
}

impl ActionRecord {
    pub fn last_status(&self) -> Option<AttemptStatus> {
        Some(self.attempts.last()?.status)
    }

    pub fn is_approval(&self) -> bool {
        self.driver == "approval"
    }

    /// Whether one attempt at least has come to its end.
    fn has_ended(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.duration_ms.is_some())
    }

    /// The time of all attempts.
    pub fn took_ms(&self) -> u64 {
        self.attempts.iter().filter_map(|attempt| attempt.duration_ms).sum()
    }
}

impl MadeArtifact {
    /// The name as that of a folder.
    pub fn folder_name(&self) -> String {
        component(&self.name)
    }
}

/// `Prod/rollout`, as people see it.
pub fn place(stage: &StageRecord, action: &ActionRecord) -> String {
    format!("{}/{}", stage.name, action.name)
}
