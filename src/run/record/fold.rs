//! How a run's record follows from its journal.

use jiff::Timestamp;

use super::{
    ActionRecord, Answered, Attempt, AttemptEnd, ConditionRecord, End, MadeArtifact, Progress, Rollback, RuleRecord,
    RunRecord, StageEnd, StageRecord,
};
use crate::ir::RetryMode;
use crate::run::event::{ActionName, Event, Record, RuleName, Started};
use crate::run::outcome::Status;
use crate::run::planned::Position;

impl RunRecord {
    /// Folds a journal; none if it does not begin as one.
    pub fn fold(records: &[Record]) -> Option<Self> {
        let (first, rest) = records.split_first()?;
        let mut run = Self::begin(first)?;
        rest.iter().for_each(|record| run.apply(record));
        Some(run)
    }

    /// What the first line of a journal says; none if it is another.
    pub fn begin(first: &Record) -> Option<Self> {
        let Event::RunStarted(started) = &first.event else {
            return None;
        };
        let inherited = started.inherited.as_deref();
        let taken_over = inherited.into_iter().flat_map(|inherited| {
            let artifacts = inherited.artifacts.iter();
            artifacts.map(|(name, artifact)| MadeArtifact {
                name: name.clone(),
                made_by: format!("run {}", inherited.execution_id),
                artifact: artifact.clone(),
            })
        });
        let place = |name: &Option<String>| {
            let name = name.as_ref()?;
            started.stages.iter().position(|stage| stage == name)
        };
        let first_stage = place(&started.first_stage).unwrap_or(0);
        let end = place(&started.last_stage).map_or(started.stages.len(), |last| last + 1);
        Some(Self {
            id: started.execution_id.clone(),
            pipeline: started.pipeline.clone(),
            started: first.time,
            last: first.time,
            end: None,
            kind: started.kind,
            trigger: started.trigger.clone(),
            definition: started.definition.clone(),
            variables: started.variables.clone(),
            inherited_from: inherited.map(|inherited| inherited.execution_id.clone()),
            stages: stages(started),
            part: first_stage.min(end)..end,
            artifacts: taken_over.collect(),
            rollbacks: Vec::new(),
            notes: Vec::new(),
            stop_reason: None,
            superseded_by: None,
        })
    }

    /// Takes in what has happened since.
    pub fn apply(&mut self, record: &Record) {
        let now = record.time;
        self.last = now;
        match &record.event {
            Event::StageWaiting { stage, reason } => {
                if let Some(stage) = self.stage_mut(stage) {
                    stage.waits_for = Some(reason.clone());
                }
            }
            Event::StageStarted { stage, attempt } => {
                if let Some(stage) = self.stage_mut(stage) {
                    stage.begin(now, *attempt);
                }
            }
            Event::StageRetried {
                stage,
                attempt,
                mode,
                by,
            } => {
                self.end = None;
                self.stop_reason = None;
                if let Some(stage) = self.stage_mut(stage) {
                    stage.begin(now, *attempt);
                    stage.try_again(*mode);
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
                    stage.end = Some(StageEnd {
                        status: *status,
                        at: now,
                        duration_ms: *duration_ms,
                    });
                }
            }
            Event::RuleStarted { name, log, .. } => {
                if let Some(stage) = self.stage_mut(&name.stage) {
                    stage.rule_started(now, name, log);
                }
            }
            Event::RuleInterrupted { name } => {
                if let Some(rule) = self.rule_mut(name) {
                    rule.running_since = None;
                }
            }
            Event::RuleFinished {
                name,
                status,
                simulated,
                message,
            } => {
                if let Some(rule) = self.rule_mut(name) {
                    rule.running_since = None;
                    rule.status = Some(*status);
                    rule.simulated = *simulated;
                    rule.message.clone_from(message);
                }
            }
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
                    condition.at = Some(now);
                }
            }
            Event::ActionStarted { name, log, token, .. } => {
                if let Some(action) = self.action_mut(name) {
                    action.again = false;
                    action.attempts.push(Attempt {
                        attempt: name.attempt,
                        started: now,
                        progress: Progress::Open,
                        log: log.clone(),
                        token: token.clone(),
                        answer: None,
                    });
                }
            }
            Event::ActionInterrupted { name } => {
                if let Some(attempt) = self.attempt_mut(name) {
                    attempt.progress = Progress::CutOff;
                }
                if let Some(action) = self.action_mut(name) {
                    let is_tried = action.tries().next().is_some();
                    action.again = is_tried;
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
            Event::ActionFinished {
                name,
                status,
                duration_ms,
                failure,
                variables,
                artifacts,
                notes,
                masked: _,
            } => {
                if let Some(attempt) = self.attempt_mut(name) {
                    attempt.progress = Progress::Ended(Box::new(AttemptEnd {
                        status: *status,
                        at: now,
                        duration_ms: *duration_ms,
                        failure: failure.as_deref().cloned(),
                        variables: variables.clone(),
                        notes: notes.clone(),
                    }));
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
                self.end = Some(End {
                    status: *status,
                    at: now,
                    duration_ms: *duration_ms,
                });
                self.superseded_by.clone_from(superseded_by);
            }
            Event::RunStarted(_) | Event::RunResumed { .. } | Event::TransitionChanged { .. } => {}
        }
    }

    fn stage_mut(&mut self, name: &str) -> Option<&mut StageRecord> {
        self.stages.iter_mut().find(|stage| stage.name == name)
    }

    fn action_mut(&mut self, name: &ActionName) -> Option<&mut ActionRecord> {
        let stage = self.stage_mut(&name.stage)?;
        stage.actions.iter_mut().find(|action| action.name == name.action)
    }

    fn attempt_mut(&mut self, name: &ActionName) -> Option<&mut Attempt> {
        let mut attempts = self.action_mut(name)?.attempts.iter_mut();
        attempts.rfind(|attempt| attempt.attempt == name.attempt)
    }

    fn rule_mut(&mut self, name: &RuleName) -> Option<&mut RuleRecord> {
        let stage = self.stage_mut(&name.stage)?;
        let mut rules = stage.condition_mut(name.position, name.attempt).rules.iter_mut();
        rules.find(|rule| rule.rule == name.rule)
    }
}

impl StageRecord {
    fn begin(&mut self, now: Timestamp, attempt: u32) {
        self.attempt = attempt;
        self.started.get_or_insert(now);
        self.attempt_started = Some(now);
        self.end = None;
        self.waits_for = None;
    }

    fn try_again(&mut self, mode: RetryMode) {
        for action in &mut self.actions {
            let last = action.last();
            let is_tried =
                last.is_some_and(|(_, end)| mode == RetryMode::AllActions || end.status != Status::Succeeded);
            action.again |= is_tried;
        }
    }

    /// One that was cut off is evaluated again under the same name.
    fn rule_started(&mut self, now: Timestamp, name: &RuleName, log: &str) {
        let condition = self.condition_mut(name.position, name.attempt);
        let known = condition.rules.iter_mut().find(|rule| rule.rule == name.rule);
        if let Some(rule) = known {
            rule.running_since = Some(now);
            return;
        }
        condition.rules.push(RuleRecord {
            rule: name.rule.clone(),
            status: None,
            simulated: false,
            message: String::new(),
            running_since: Some(now),
            log: log.to_owned(),
        });
    }

    fn condition_mut(&mut self, position: Position, attempt: u32) -> &mut ConditionRecord {
        let is_it = |condition: &ConditionRecord| condition.position == position && condition.attempt == attempt;
        let index = self.conditions.iter().position(is_it).unwrap_or_else(|| {
            self.conditions.push(ConditionRecord {
                position,
                attempt,
                status: None,
                result: None,
                at: None,
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
        end: None,
        attempt: 0,
        started: None,
        attempt_started: None,
        waits_for: None,
        retries: Vec::new(),
        conditions: Vec::new(),
        actions: Vec::new(),
    };
    let mut stages: Vec<StageRecord> = started.stages.iter().map(stage_of).collect();
    for action in &started.actions {
        if let Some(stage) = stages.iter_mut().find(|stage| stage.name == action.stage) {
            stage.actions.push(ActionRecord {
                stage: action.stage.clone(),
                name: action.action.clone(),
                action_type: action.action_type.clone(),
                step: action.step,
                how: action.how,
                driver: action.driver.clone(),
                attempts: Vec::new(),
                again: false,
            });
        }
    }
    stages
}
