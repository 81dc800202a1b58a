//! How events change one execution.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, Unit};

use super::Task;
use super::definition::Definition;
use super::execution::{Execution, Phase, Place, Running, StageRun};
use crate::ir::{ConditionResult, RetryMode};
use crate::run::event::{By, ConditionStatus, Kind, RuleName, RuleStatus};
use crate::run::outcome::{RunStatus, StageStatus, Status};
use crate::run::planned::{ActionRef, Position};
use crate::run::store::Artifact;

/// How long an approval waits unless it says otherwise: seven days (`codepipeline.md`, 5.8).
pub const APPROVAL_MINUTES: u64 = 7 * 24 * 60;

impl Execution {
    pub(super) fn enter(&mut self, now: Timestamp, stage: &str, attempt: u32) {
        let Some(index) = self.definition.stage_index(stage) else {
            return;
        };
        let has_entry = self.definition.condition(index, Position::BeforeEntry).is_some();
        let state = &mut self.stages[index];
        state.attempt = attempt;
        state.is_entered = !has_entry;
        let steps = self.definition.steps(index).into_iter().map(VecDeque::from);
        self.place = Place::In(Box::new(StageRun {
            index,
            attempt,
            started: now,
            phase: first_phase(state.is_entered),
            todo: steps.collect(),
            running: BTreeMap::new(),
            interrupted: BTreeSet::new(),
            answered: BTreeMap::new(),
            overridden: None,
            failed: false,
            rules_running: BTreeMap::new(),
            rules_ended: BTreeMap::new(),
        }));
    }

    /// Goes back into a stage: with what runs in it, if it has not left it.
    pub(super) fn retry(&mut self, now: Timestamp, stage: &str, attempt: u32, mode: RetryMode, by: By) {
        let Some(index) = self.definition.stage_index(stage) else {
            return;
        };
        let (running, interrupted, answered) = match std::mem::replace(&mut self.place, Place::Done) {
            Place::In(run) => (run.running, run.interrupted, run.answered),
            _ => Default::default(),
        };
        let state = &mut self.stages[index];
        state.status = None;
        state.attempt = attempt;
        state.was_retried_automatically |= by == By::Automatic;
        if mode == RetryMode::AllActions {
            state.succeeded.clear();
        }
        let is_under_way = |action: usize| running.contains_key(&action) || interrupted.contains(&action);
        let todo = what_is_left(&self.definition, index, &state.succeeded, is_under_way);
        self.status = None;
        self.ending = None;
        self.place = Place::In(Box::new(StageRun {
            index,
            attempt,
            started: now,
            phase: first_phase(state.is_entered),
            todo,
            running,
            interrupted,
            answered,
            overridden: None,
            failed: false,
            rules_running: BTreeMap::new(),
            rules_ended: BTreeMap::new(),
        }));
    }

    pub(super) fn leave(&mut self, now: Timestamp, status: StageStatus) {
        let Place::In(run) = &self.place else { return };
        let index = run.index;
        self.stages[index].status = Some(status);
        self.stages[index].ended = Some(now);
        let leaving = |status| Place::Leaving { status, rollback: None };
        self.place = match status {
            StageStatus::Succeeded | StageStatus::Skipped if index == self.last_stage => {
                // Not into what comes after it.
                Place::Arriving(self.definition.pipeline.stages.len())
            }
            StageStatus::Succeeded | StageStatus::Skipped => Place::Arriving(index + 1),
            StageStatus::Failed => Place::Leaving {
                status: RunStatus::Failed,
                rollback: self.wants_rollback(run).then_some(index),
            },
            StageStatus::Stopped => leaving(RunStatus::Stopped),
            StageStatus::Cancelled => leaving(RunStatus::Cancelled),
        };
    }

    /// Whether the stage asks to be rolled back after the way in which it fails.
    fn wants_rollback(&self, run: &StageRun) -> bool {
        match run.phase {
            // It would go back to the same execution, and fail again.
            _ if self.kind == Kind::Rollback => false,
            Phase::Decided { rollback, .. } => rollback,
            Phase::Actions => self.failure_result(run.index) == Some(ConditionResult::Rollback),
            Phase::Condition(_) => false,
        }
    }

    /// Gives the time by which it has to have ended.
    pub(super) fn action_started(
        &mut self,
        now: Timestamp,
        at: ActionRef,
        attempt: u32,
        token: Option<String>,
    ) -> Option<Timestamp> {
        let action = self.definition.action(at);
        let minutes = action.timeout_minutes.as_ref().map(|minutes| minutes.value);
        let minutes = minutes.or_else(|| self.definition.is_approval(at).then_some(APPROVAL_MINUTES));
        let deadline = minutes.and_then(|minutes| after(now, minutes));
        self.attempts.insert(at, attempt);
        if let Some(run) = self.stage_run_mut() {
            if !run.interrupted.remove(&at.action)
                && let Some(step) = run.todo.front_mut()
            {
                match step.front() {
                    Some(first) if *first == at.action => drop(step.pop_front()),
                    _ => step.retain(|action| *action != at.action),
                }
            }
            let running = Running {
                attempt,
                started: now,
                deadline,
                token,
                why: None,
            };
            run.running.insert(at.action, running);
        }
        deadline
    }

    /// Says whether it was running. One that had succeeded has lost what it made: it is done again in its step, and what was cut
    /// off in later steps waits for it.
    pub(super) fn action_interrupted(&mut self, at: ActionRef) -> bool {
        let Place::In(run) = &mut self.place else { return false };
        if run.running.remove(&at.action).is_some() {
            run.interrupted.insert(at.action);
            return true;
        }
        let state = &mut self.stages[at.stage];
        if run.index == at.stage && state.succeeded.remove(&at.action) {
            let definition = &self.definition;
            for output in &definition.action(at).outputs {
                self.artifacts.remove(&output.name.value);
            }
            let lost = definition.action(at).run_order;
            let order = |action| definition.action(ActionRef { action, ..at }).run_order;
            run.interrupted.retain(|action| order(*action) <= lost);
            let is_under_way = |action| run.running.contains_key(&action) || run.interrupted.contains(&action);
            run.todo = what_is_left(definition, at.stage, &state.succeeded, is_under_way);
        }
        false
    }

    pub(super) fn set_outputs(&mut self, at: ActionRef, variables: &BTreeMap<String, String>, masked: &[String]) {
        if let Some(namespace) = &self.definition.action(at).namespace {
            self.variables.set(&namespace.value, variables.clone());
            for name in masked {
                self.variables.lose(&namespace.value, name);
            }
        }
    }

    /// Says whether it was running: one that was cut off before is not.
    pub(super) fn action_finished(
        &mut self,
        at: ActionRef,
        status: Status,
        artifacts: &BTreeMap<String, Artifact>,
    ) -> bool {
        if status == Status::Succeeded {
            self.stages[at.stage].succeeded.insert(at.action);
            self.artifacts.extend(
                artifacts
                    .iter()
                    .map(|(name, artifact)| (name.clone(), artifact.clone())),
            );
        }
        let definition = Arc::clone(&self.definition);
        let Some(run) = self.stage_run_mut() else { return false };
        let was_running = run.running.remove(&at.action).is_some();
        run.interrupted.remove(&at.action);
        run.answered.remove(&at.action);
        if status != Status::Succeeded {
            run.failed = true;
            // What stands beside it has begun with it, though it may still wait for a place; later steps do not begin.
            let order = |action| definition.action(ActionRef { action, ..at }).run_order;
            let is_begun =
                |step: &VecDeque<usize>| step.front().is_none_or(|&action| order(action) <= order(at.action));
            run.todo.retain(is_begun);
        }
        run.pass_step();
        was_running
    }

    /// Gives the time by which it has to have ended, if there is one.
    pub(super) fn rule_started(&mut self, now: Timestamp, name: &RuleName) -> Option<(Timestamp, Task)> {
        let definition = Arc::clone(&self.definition);
        let at = definition.rule_ref(&name.stage, name.position, &name.rule)?;
        let minutes = definition.rule(at)?.timeout_minutes.as_ref();
        let deadline = minutes.and_then(|minutes| after(now, minutes.value));
        if let Some(run) = self.stage_run_mut() {
            run.phase = Phase::Condition(name.position);
            let running = Running {
                attempt: name.attempt,
                started: now,
                deadline,
                token: None,
                why: None,
            };
            run.rules_running.insert(at.rule, running);
        }
        Some((deadline?, Task::Rule(at, name.attempt)))
    }

    pub(super) fn rule_ended(&mut self, stage: &str, position: Position, rule: &str, status: Option<RuleStatus>) {
        let definition = Arc::clone(&self.definition);
        if let Some(at) = definition.rule_ref(stage, position, rule)
            && let Some(run) = self.stage_run_mut()
        {
            run.rules_running.remove(&at.rule);
            if run.rules_running.is_empty() {
                run.overridden = None;
            }
            // How one of an overridden condition ended has no part in what comes after it.
            if let (Some(status), true) = (status, run.phase == Phase::Condition(position)) {
                run.rules_ended.insert(at.rule, status);
            }
        }
    }

    pub(super) fn condition_finished(
        &mut self,
        position: Position,
        status: ConditionStatus,
        result: Option<ConditionResult>,
    ) {
        let Place::In(run) = &mut self.place else { return };
        run.rules_ended.clear();
        let is_overridden = status == ConditionStatus::Overridden && !run.rules_running.is_empty();
        run.overridden = is_overridden.then_some(position);
        let goes_on = result.is_none();
        let decided = |status| Phase::Decided {
            status,
            rollback: result == Some(ConditionResult::Rollback),
        };
        run.phase = match position {
            Position::BeforeEntry if goes_on => {
                self.stages[run.index].is_entered = true;
                Phase::Actions
            }
            Position::BeforeEntry if result == Some(ConditionResult::Skip) => decided(StageStatus::Skipped),
            Position::OnSuccess if goes_on => decided(StageStatus::Succeeded),
            Position::BeforeEntry | Position::OnSuccess | Position::OnFailure => decided(StageStatus::Failed),
        };
    }
}

/// The steps of a stage without what has succeeded. One without anything to start stays while something of it is under way.
fn what_is_left(
    definition: &Definition,
    stage: usize,
    succeeded: &BTreeSet<usize>,
    is_under_way: impl Fn(usize) -> bool,
) -> VecDeque<VecDeque<usize>> {
    let mut todo = VecDeque::new();
    for step in definition.steps(stage) {
        let has_running = step.iter().any(|&action| is_under_way(action));
        let is_open = |action: &usize| !succeeded.contains(action) && !is_under_way(*action);
        let left: VecDeque<usize> = step.into_iter().filter(is_open).collect();
        if has_running || !left.is_empty() {
            todo.push_back(left);
        }
    }
    todo
}

fn first_phase(is_entered: bool) -> Phase {
    if is_entered {
        Phase::Actions
    } else {
        Phase::Condition(Position::BeforeEntry)
    }
}

fn after(now: Timestamp, minutes: u64) -> Option<Timestamp> {
    // What began in the same moment has to end in the same, too.
    let now = now.round(Unit::Millisecond).ok()?;
    now.checked_add(SignedDuration::from_mins(i64::try_from(minutes).ok()?))
        .ok()
}
