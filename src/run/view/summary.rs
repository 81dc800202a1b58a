//! A run so far, folded from its events: what every view and report is drawn from.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::ir::{ConditionResult, RetryMode};
use crate::run::event::{ActionName, ConditionStatus, Event, Record, RuleName, RuleStatus, Started, Trigger};
use crate::run::outcome::{Failure, RunStatus, StageStatus, Status};
use crate::run::planned::{How, PlannedAction, Position};

#[derive(Debug, Default)]
pub struct Summary {
    pub pipeline: String,
    pub execution_id: String,
    pub trigger: Trigger,
    pub started: Option<Timestamp>,
    /// Those that the run has to do with, in order.
    pub stages: Vec<Stage>,
    /// Conditions that made a stage fail, in the order of time.
    pub conditions: Vec<FailedCondition>,
    pub rules_simulated: usize,
    pub notes: Vec<String>,
    pub end: Option<End>,
    places: HashMap<String, usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    pub status: RunStatus,
    pub at: Timestamp,
    pub duration_ms: u64,
}

#[derive(Debug, Default)]
pub struct Stage {
    pub name: String,
    /// Of the latest attempt; none before it has begun.
    pub started: Option<Timestamp>,
    /// Of the first attempt.
    pub begun: Option<Timestamp>,
    /// None while it goes on.
    pub end: Option<StageEnd>,
    pub attempt: u32,
    /// In the order of the declaration.
    pub actions: Vec<Action>,
    /// The rules that run, with the start of each.
    pub rules: Vec<(RuleName, Timestamp)>,
    rules_failed: Vec<FailedRule>,
    logs: HashMap<RuleName, String>,
    places: HashMap<String, usize>,
}

#[derive(Clone, Copy, Debug)]
pub struct StageEnd {
    pub status: StageStatus,
    pub at: Timestamp,
    pub duration_ms: u64,
}

#[derive(Debug)]
pub struct Action {
    pub planned: PlannedAction,
    pub attempts: Vec<Attempt>,
    /// It is to be tried once more.
    again: bool,
}

#[derive(Debug)]
pub struct Attempt {
    pub number: u32,
    pub started: Timestamp,
    /// The log's path within the run's folder.
    pub log: String,
    /// None while it runs.
    pub end: Option<AttemptEnd>,
}

#[derive(Debug)]
pub struct AttemptEnd {
    pub status: Status,
    pub at: Timestamp,
    pub duration_ms: u64,
    pub failure: Option<Box<Failure>>,
    pub notes: Vec<String>,
}

/// How an action stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Failed,
    /// Ended before it was done.
    Ended,
    Running,
    Succeeded,
    Skipped,
    Waiting,
}

#[derive(Debug)]
pub struct FailedCondition {
    pub stage: String,
    pub position: Position,
    pub at: Timestamp,
    pub rules: Vec<FailedRule>,
}

#[derive(Clone, Debug)]
pub struct FailedRule {
    pub name: RuleName,
    pub message: String,
    pub log: Option<String>,
}

/// How many actions stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub all: usize,
    pub succeeded: usize,
    pub failed: usize,
    pub ended: usize,
    pub running: usize,
    pub skipped: usize,
    pub waiting: usize,
    /// Of those that succeeded.
    pub simulated: usize,
    /// Of those that succeeded.
    pub stood_in: usize,
}

impl Summary {
    pub fn apply(&mut self, record: &Record) {
        let now = record.time;
        match &record.event {
            Event::RunStarted(started) => self.start(now, started),
            Event::StageStarted { stage, attempt } => {
                if let Some(stage) = self.stage_mut(stage) {
                    stage.begin(now, *attempt);
                }
            }
            Event::StageRetried {
                stage, attempt, mode, ..
            } => {
                self.end = None;
                self.conditions.retain(|condition| condition.stage != *stage);
                if let Some(stage) = self.stage_mut(stage) {
                    stage.begin(now, *attempt);
                    stage.try_again(*mode);
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
            Event::ActionStarted { name, log, .. } => {
                if let Some(action) = self.action_mut(name) {
                    action.again = false;
                    action.attempts.push(Attempt {
                        number: name.attempt,
                        started: now,
                        log: log.clone(),
                        end: None,
                    });
                }
            }
            Event::ActionInterrupted { name } => {
                if let Some(action) = self.action_mut(name) {
                    action.attempts.retain(|attempt| attempt.end.is_some());
                    action.again = !action.attempts.is_empty();
                }
            }
            Event::ActionFinished {
                name,
                status,
                duration_ms,
                failure,
                notes,
                ..
            } => {
                let attempt = self.action_mut(name).and_then(|action| action.attempts.last_mut());
                if let Some(attempt) = attempt {
                    attempt.end = Some(AttemptEnd {
                        status: *status,
                        at: now,
                        duration_ms: *duration_ms,
                        failure: failure.clone(),
                        notes: notes.clone(),
                    });
                }
            }
            Event::RuleStarted { name, log, .. } => {
                if let Some(stage) = self.stage_mut(&name.stage) {
                    stage.rules.push((name.clone(), now));
                    stage.logs.insert(name.clone(), log.clone());
                }
            }
            Event::RuleInterrupted { name } => {
                if let Some(stage) = self.stage_mut(&name.stage) {
                    stage.rules.retain(|(rule, _)| rule != name);
                }
            }
            Event::RuleFinished {
                name,
                status,
                simulated,
                message,
            } => {
                self.rules_simulated += usize::from(*simulated);
                if let Some(stage) = self.stage_mut(&name.stage) {
                    stage.rule_finished(name, *status, message);
                }
            }
            Event::ConditionFinished {
                stage,
                position,
                status,
                result,
            } => self.condition_finished(now, stage, *position, *status, *result),
            Event::Note { message } => self.notes.push(message.clone()),
            Event::RunFinished {
                status, duration_ms, ..
            } => {
                self.end = Some(End {
                    status: *status,
                    at: now,
                    duration_ms: *duration_ms,
                });
            }
            Event::StageWaiting { .. }
            | Event::ApprovalAnswered { .. }
            | Event::RollbackStarted { .. }
            | Event::CancelRequested { .. }
            | Event::TransitionChanged { .. }
            | Event::RunResumed { .. }
            | Event::StopRequested { .. } => {}
        }
    }

    fn start(&mut self, now: Timestamp, started: &Started) {
        self.pipeline.clone_from(&started.pipeline);
        self.execution_id.clone_from(&started.execution_id);
        self.trigger.clone_from(&started.trigger);
        self.started = Some(now);
        let at = |name: &Option<String>| {
            let name = name.as_ref()?;
            started.stages.iter().position(|stage| stage == name)
        };
        let first = at(&started.first_stage).unwrap_or(0);
        let last = at(&started.last_stage).unwrap_or(started.stages.len().saturating_sub(1));
        let names = started.stages.iter().take(last + 1).skip(first);
        self.stages = names.map(|name| Stage::new(name)).collect();
        let places = self.stages.iter().enumerate();
        self.places = places.map(|(index, stage)| (stage.name.clone(), index)).collect();
        for planned in &started.actions {
            if let Some(stage) = self.stage_mut(&planned.stage) {
                stage.places.insert(planned.action.clone(), stage.actions.len());
                stage.actions.push(Action {
                    planned: planned.clone(),
                    attempts: Vec::new(),
                    again: false,
                });
            }
        }
    }

    fn condition_finished(
        &mut self,
        now: Timestamp,
        stage: &str,
        position: Position,
        status: ConditionStatus,
        result: Option<ConditionResult>,
    ) {
        let Some(found) = self.stage_mut(stage) else { return };
        let rules = std::mem::take(&mut found.rules_failed);
        let fails = matches!(
            result,
            Some(ConditionResult::Fail | ConditionResult::Rollback | ConditionResult::Retry)
        );
        // What a condition on failure decides has an action's failure as its cause.
        if fails && status == ConditionStatus::Failed && position != Position::OnFailure {
            self.conditions.push(FailedCondition {
                stage: stage.to_owned(),
                position,
                at: now,
                rules,
            });
        }
    }

    pub fn stage(&self, name: &str) -> Option<&Stage> {
        self.stages.get(*self.places.get(name)?)
    }

    fn stage_mut(&mut self, name: &str) -> Option<&mut Stage> {
        self.stages.get_mut(*self.places.get(name)?)
    }

    pub fn action(&self, name: &ActionName) -> Option<&Action> {
        let stage = self.stage(&name.stage)?;
        stage.actions.get(*stage.places.get(&name.action)?)
    }

    fn action_mut(&mut self, name: &ActionName) -> Option<&mut Action> {
        let stage = self.stage_mut(&name.stage)?;
        let place = *stage.places.get(&name.action)?;
        stage.actions.get_mut(place)
    }

    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.stages.iter().flat_map(|stage| &stage.actions)
    }

    pub fn how(&self, name: &ActionName) -> Option<How> {
        Some(self.action(name)?.planned.how)
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for stage in &self.stages {
            counts.add(stage.counts());
        }
        counts
    }

    /// The run's id, as people say it.
    pub fn short_id(&self) -> &str {
        super::units::short(&self.execution_id)
    }
}

impl Stage {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    fn begin(&mut self, now: Timestamp, attempt: u32) {
        self.started = Some(now);
        self.begun.get_or_insert(now);
        self.end = None;
        self.attempt = attempt;
    }

    fn try_again(&mut self, mode: RetryMode) {
        for action in &mut self.actions {
            let last = action.attempts.last().and_then(|attempt| attempt.end.as_ref());
            let is_open = last.is_some_and(|end| mode == RetryMode::AllActions || end.status != Status::Succeeded);
            action.again |= is_open;
        }
    }

    fn rule_finished(&mut self, name: &RuleName, status: RuleStatus, message: &str) {
        self.rules.retain(|(rule, _)| rule != name);
        let log = self.logs.remove(name);
        if status == RuleStatus::Failed {
            self.rules_failed.push(FailedRule {
                name: name.clone(),
                message: message.to_owned(),
                log,
            });
        }
    }

    /// How one of its actions stands.
    pub fn standing(&self, action: &Action) -> Standing {
        match action.attempts.last() {
            Some(attempt) if !action.again => match &attempt.end {
                None => Standing::Running,
                Some(end) => match end.status {
                    Status::Succeeded => Standing::Succeeded,
                    Status::Failed => Standing::Failed,
                    Status::Abandoned => Standing::Ended,
                },
            },
            _ if self.end.is_some_and(|end| end.status == StageStatus::Skipped) => Standing::Skipped,
            _ => Standing::Waiting,
        }
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            all: self.actions.len(),
            ..Counts::default()
        };
        for action in &self.actions {
            match self.standing(action) {
                Standing::Failed => counts.failed += 1,
                Standing::Ended => counts.ended += 1,
                Standing::Running => counts.running += 1,
                Standing::Skipped => counts.skipped += 1,
                Standing::Waiting => counts.waiting += 1,
                Standing::Succeeded => {
                    counts.succeeded += 1;
                    match action.planned.how {
                        How::Simulated => counts.simulated += 1,
                        How::StoodIn => counts.stood_in += 1,
                        How::CarriedOut => {}
                    }
                }
            }
        }
        counts
    }
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.all += other.all;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.ended += other.ended;
        self.running += other.running;
        self.skipped += other.skipped;
        self.waiting += other.waiting;
        self.simulated += other.simulated;
        self.stood_in += other.stood_in;
    }

    /// Leaves one that stands so out of the count.
    pub fn take_out(&mut self, standing: Standing) {
        self.all -= 1;
        match standing {
            Standing::Failed => self.failed -= 1,
            Standing::Ended => self.ended -= 1,
            Standing::Running => self.running -= 1,
            Standing::Succeeded => self.succeeded -= 1,
            Standing::Skipped => self.skipped -= 1,
            Standing::Waiting => self.waiting -= 1,
        }
    }

    /// What is over, however it ended.
    pub fn over(&self) -> usize {
        self.succeeded + self.failed + self.ended + self.skipped
    }
}

impl Action {
    pub fn last(&self) -> Option<(&Attempt, &AttemptEnd)> {
        let attempt = self.attempts.last()?;
        Some((attempt, attempt.end.as_ref()?))
    }
}
