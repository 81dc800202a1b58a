//! How a run's record follows from its journal.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use super::find;
use super::record::{
    ActionRecord, Answered, Attempt, AttemptStatus, ConditionRecord, MadeArtifact, Rollback, RuleRecord, RunRecord,
    StageRecord, Standing, place,
};
use crate::run::engine::rule_log;
use crate::run::event::{ActionName, Event, Record, RuleName, RuleStatus, Started};
use crate::run::journal::{self, JournalError};
use crate::run::outcome::{RunStatus, StageStatus, Status};
use crate::run::planned::Position;

/// Reads a run.
pub fn read(run_dir: &Path) -> Result<RunRecord, ReadError> {
    // In this order: if a process ends in between, the run looks as if it went on, and not as if it had been cut off.
    let is_busy = journal::is_busy(run_dir);
    let records = journal::read(run_dir)?;
    fold(run_dir, &records, is_busy).ok_or(ReadError::Empty)
}

/// Why a run cannot be told of.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("nothing is recorded of it: it ended before it began")]
    Empty,
}

impl ReadError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Journal(JournalError::Version { .. }) => {
                "look at it with the version that recorded it, or remove its folder"
            }
            Self::Journal(JournalError::Damaged { .. }) => {
                "its logs and files are still there: take what you need, and remove its folder"
            }
            Self::Journal(JournalError::Io { .. } | JournalError::Busy) => "see whether the file can be read",
            Self::Empty => "remove its folder",
        }
    }
}

/// Folds a journal; none if it does not begin as one.
pub fn fold(run_dir: &Path, records: &[Record], is_busy: bool) -> Option<RunRecord> {
    let first = records.first()?;
    let mut run = RunRecord::new(run_dir, first.time, Started::of(records)?);
    for record in records {
        run.apply(record.time, &record.event);
    }
    run.standing = run.stands(is_busy);
    Some(run)
}

impl RunRecord {
    fn new(run_dir: &Path, time: Timestamp, started: &Started) -> Self {
        let inherited = started.inherited.as_deref();
        let taken_over = inherited.into_iter().flat_map(|inherited| {
            let artifacts = inherited.artifacts.iter();
            artifacts.map(|(name, artifact)| MadeArtifact {
                name: name.clone(),
                made_by: format!("run {}", inherited.execution_id),
                artifact: artifact.clone(),
            })
        });
        Self {
            id: find::id_of(run_dir).to_owned(),
            pipeline: started.pipeline.clone(),
            standing: Standing::Paused,
            started: time,
            last: time,
            duration_ms: None,
            kind: started.kind,
            trigger: started.trigger.clone(),
            definition: started.definition.clone(),
            variables: started.variables.clone(),
            inherited_from: inherited.map(|inherited| inherited.execution_id.clone()),
            stages: stages(started),
            artifacts: taken_over.collect(),
            rollbacks: Vec::new(),
            notes: Vec::new(),
            stop_reason: None,
            superseded_by: None,
            run_dir: run_dir.to_owned(),
            logs: Vec::new(),
            end: None,
        }
    }

    fn apply(&mut self, time: Timestamp, event: &Event) {
        self.last = time;
        match event {
            Event::StageWaiting { stage, reason } => {
                if let Some(stage) = self.stage_mut(stage) {
                    stage.waits_for = Some(reason.clone());
                }
            }
            Event::StageStarted { stage, attempt } => self.stage_started(time, stage, *attempt),
            Event::StageRetried { stage, attempt, by, .. } => {
                self.end = None;
                self.duration_ms = None;
                self.stop_reason = None;
                self.stage_started(time, stage, *attempt);
                if let Some(stage) = self.stage_mut(stage) {
                    stage.retries.push(*by);
                }
            }
            Event::StageFinished {
                stage,
                status,
                duration_ms,
                ..
            } => {
                if let Some(stage) = self.stage_mut(stage) {
                    stage.status = Some(*status);
                    stage.duration_ms = Some(*duration_ms);
                }
            }
            Event::RuleStarted { name, log, .. } => self.rule_started(name, log),
            Event::RuleInterrupted { .. } => {}
            Event::RuleFinished {
                name,
                status,
                simulated,
                message,
            } => self.rule_finished(name, *status, *simulated, message),
            Event::ConditionFinished {
                stage,
                position,
                status,
                result,
            } => {
                if let Some(stage) = self.stage_mut(stage) {
                    let attempt = stage.attempt;
                    let condition = stage.condition_mut(*position, attempt);
                    condition.status = Some(*status);
                    condition.result = *result;
                }
            }
            Event::ActionStarted { name, log, token, .. } => self.action_started(time, name, log, token.clone()),
            Event::ActionInterrupted { name } => {
                if let Some(attempt) = self.attempt_mut(name) {
                    attempt.status = AttemptStatus::CutOff;
                }
            }
            Event::ApprovalAnswered {
                name,
                approved,
                comment,
                by,
            } => {
                if let Some(attempt) = self.attempt_mut(name) {
                    attempt.answer = Some(Answered {
                        approved: *approved,
                        by: by.clone(),
                        comment: comment.clone(),
                    });
                }
            }
            Event::ActionFinished { name, .. } => self.action_finished(name, event),
            Event::RollbackStarted {
                stage,
                execution_id,
                target,
                ..
            } => self.rollbacks.push(Rollback {
                stage: stage.clone(),
                execution_id: execution_id.clone(),
                target: target.clone(),
            }),
            Event::StopRequested { reason, .. } | Event::CancelRequested { reason } => {
                // Whoever asks for more than before seldom says why again.
                self.stop_reason.get_or_insert_with(|| reason.clone());
            }
            Event::Note { message } => self.notes.push(message.clone()),
            Event::RunFinished {
                status,
                duration_ms,
                superseded_by,
            } => {
                self.end = Some(*status);
                self.duration_ms = Some(*duration_ms);
                self.superseded_by.clone_from(superseded_by);
            }
            Event::RunStarted(_) | Event::RunResumed { .. } | Event::TransitionChanged { .. } => {}
        }
    }

    fn stage_started(&mut self, time: Timestamp, stage: &str, attempt: u32) {
        if let Some(stage) = self.stage_mut(stage) {
            stage.attempt = attempt;
            stage.started.get_or_insert(time);
            stage.status = None;
            stage.duration_ms = None;
            stage.waits_for = None;
        }
    }

    fn rule_started(&mut self, name: &RuleName, log: &str) {
        if let Some(stage) = self.stage_mut(&name.stage) {
            let condition = stage.condition_mut(name.position, name.attempt);
            if !condition.rules.iter().any(|rule| rule.rule == name.rule) {
                condition.rules.push(RuleRecord {
                    rule: name.rule.clone(),
                    status: None,
                    simulated: false,
                    message: String::new(),
                });
            }
        }
        let (name, _) = rule_log(&name.stage, name.position, &name.rule, name.attempt);
        // A rule that was cut off is evaluated again under the same name.
        if !self.logs.iter().any(|(known, _)| *known == name) {
            self.logs.push((name, log.to_owned()));
        }
    }

    fn rule_finished(&mut self, name: &RuleName, status: RuleStatus, simulated: bool, message: &str) {
        if let Some(stage) = self.stage_mut(&name.stage)
            && let Some(rule) = stage
                .condition_mut(name.position, name.attempt)
                .rules
                .iter_mut()
                .find(|rule| rule.rule == name.rule)
        {
            rule.status = Some(status);
            rule.simulated = simulated;
            message.clone_into(&mut rule.message);
        }
    }

    fn action_started(&mut self, time: Timestamp, name: &ActionName, log: &str, token: Option<String>) {
        self.logs.push((name.clone(), log.to_owned()));
        if let Some(action) = self.action_mut(name) {
            action.attempts.push(Attempt {
                attempt: name.attempt,
                started: time,
                status: AttemptStatus::Open,
                duration_ms: None,
                log: log.to_owned(),
                token,
                answer: None,
                failure: None,
                variables: BTreeMap::new(),
                notes: Vec::new(),
            });
        }
    }

    fn action_finished(&mut self, name: &ActionName, event: &Event) {
        let Event::ActionFinished {
            status,
            duration_ms,
            failure,
            variables,
            artifacts,
            notes,
            ..
        } = event
        else {
            return;
        };
        if let Some(attempt) = self.attempt_mut(name) {
            attempt.status = match status {
                Status::Succeeded => AttemptStatus::Succeeded,
                Status::Failed => AttemptStatus::Failed,
                Status::Abandoned => AttemptStatus::Abandoned,
            };
            attempt.duration_ms = Some(*duration_ms);
            attempt.failure = failure.as_deref().cloned();
            attempt.variables.clone_from(variables);
            attempt.notes.clone_from(notes);
        }
        for (artifact_name, artifact) in artifacts {
            self.artifacts.retain(|made| made.name != *artifact_name);
            self.artifacts.push(MadeArtifact {
                name: artifact_name.clone(),
                made_by: format!("{}/{}", name.stage, name.action),
                artifact: artifact.clone(),
            });
        }
    }

    fn stands(&self, is_busy: bool) -> Standing {
        if let Some(end) = self.end {
            return match end {
                RunStatus::Succeeded => Standing::Succeeded,
                RunStatus::Failed => Standing::Failed {
                    actions: self.failed_actions(),
                    stage: self.failed_stage(),
                },
                RunStatus::Stopped => Standing::Stopped,
                RunStatus::Superseded => Standing::Superseded,
                RunStatus::Cancelled => Standing::Cancelled,
            };
        }
        let open: Vec<(&StageRecord, &ActionRecord)> = self
            .actions()
            .filter(|(_, action)| action.last_status() == Some(AttemptStatus::Open))
            .collect();
        let names = || open.iter().map(|(stage, action)| place(stage, action)).collect();
        let waits_for_stage = self.stages.iter().find(|stage| stage.waits_for.is_some());
        match (waits_for_stage, is_busy) {
            (Some(stage), carried_out) => Standing::WaitsForStage {
                stage: stage.name.clone(),
                carried_out,
            },
            (None, carried_out) if !open.is_empty() && open.iter().all(|(_, action)| action.is_approval()) => {
                Standing::WaitsForAnswer {
                    actions: names(),
                    carried_out,
                }
            }
            (None, true) => Standing::Running { actions: names() },
            (None, false) if open.is_empty() && !self.has_open_rules() => Standing::Paused,
            (None, false) => Standing::CutOff { actions: names() },
        }
    }

    fn has_open_rules(&self) -> bool {
        let conditions = self.stages.iter().flat_map(|stage| &stage.conditions);
        let mut rules = conditions
            .filter(|condition| condition.status.is_none())
            .flat_map(|condition| &condition.rules);
        rules.any(|rule| rule.status.is_none())
    }

    fn failed_actions(&self) -> Vec<String> {
        let failed = |action: &ActionRecord| action.last_status() == Some(AttemptStatus::Failed);
        let actions = self.actions().filter(|(_, action)| failed(action));
        actions.map(|(stage, action)| place(stage, action)).collect()
    }

    fn failed_stage(&self) -> Option<String> {
        let failed = self
            .stages
            .iter()
            .rfind(|stage| stage.status == Some(StageStatus::Failed));
        failed.map(|stage| stage.name.clone())
    }

    fn stage_mut(&mut self, name: &str) -> Option<&mut StageRecord> {
        self.stages.iter_mut().find(|stage| stage.name == name)
    }

    fn action_mut(&mut self, name: &ActionName) -> Option<&mut ActionRecord> {
        let stage = self.stage_mut(&name.stage)?;
        stage.actions.iter_mut().find(|action| action.name == name.action)
    }

    fn attempt_mut(&mut self, name: &ActionName) -> Option<&mut Attempt> {
        let action = self.action_mut(name)?;
        action
            .attempts
            .iter_mut()
            .rfind(|attempt| attempt.attempt == name.attempt)
    }
}

impl StageRecord {
    fn condition_mut(&mut self, position: Position, attempt: u32) -> &mut ConditionRecord {
        let is_it = |condition: &ConditionRecord| condition.position == position && condition.attempt == attempt;
        let index = self.conditions.iter().position(is_it).unwrap_or_else(|| {
            self.conditions.push(ConditionRecord {
                position,
                attempt,
                status: None,
                result: None,
                rules: Vec::new(),
            });
            self.conditions.len() - 1
        });
        &mut self.conditions[index]
    }
}

fn stages(started: &Started) -> Vec<StageRecord> {
    let stage_of = |name: &String| StageRecord {
        name: name.clone(),
        status: None,
        attempt: 0,
        started: None,
        duration_ms: None,
        waits_for: None,
        retries: Vec::new(),
        conditions: Vec::new(),
        actions: Vec::new(),
    };
    let mut stages: Vec<StageRecord> = started.stages.iter().map(stage_of).collect();
    for action in &started.actions {
        if let Some(stage) = stages.iter_mut().find(|stage| stage.name == action.stage) {
            stage.actions.push(ActionRecord {
                name: action.action.clone(),
                action_type: action.action_type.clone(),
                step: action.step,
                how: action.how,
                driver: action.driver.clone(),
                attempts: Vec::new(),
            });
        }
    }
    stages
}
