//! What follows from what has happened: executions move on until each waits for something.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::Engine;
use super::execution::{Ending, Execution, Id, Phase, Place, StageRun};
use crate::ir::limits::PARALLEL_MODE_ACTIONS;
use crate::ir::{ConditionResult, ExecutionMode, RetryMode};
use crate::run::event::{By, Waiting};
use crate::run::outcome::{RunStatus, StageStatus};
use crate::run::planned::{ActionRef, Position, RuleRef};

/// What an execution does next.
enum Next {
    Finish(RunStatus),
    Enter(usize),
    Wait(usize, Waiting),
    /// It gives way to a newer one.
    Supersede(Id),
    StartRules(RuleRef, Vec<usize>),
    EndCondition(Position),
    /// The rules that run of a condition that was overridden.
    EndRules(Position),
    /// An approval that was answered.
    EndApproval(usize),
    /// An action that was cut off and is not to start again, or an approval that is to wait no longer.
    Abandon(usize),
    Retry(RetryMode),
    EndStage(StageStatus),
    RollBack(usize),
}

impl Engine {
    /// Moves all executions on as far as they go. Only when each of them has come to where it stands is a place given away, and
    /// all of them move on again before the next one is: what happens next follows from the state alone, wherever it comes from.
    pub(super) fn settle(&mut self, now: Timestamp) {
        loop {
            let live: Vec<Id> = self.state.live.values().cloned().collect();
            let mut moved = false;
            for id in &live {
                while let Some(next) = self.next(id) {
                    self.take(now, id, next);
                    moved = true;
                }
            }
            if !moved && !self.give_place_away(now, &live) {
                break;
            }
        }
    }

    /// Starts one action, if there is a place for it: what was cut off comes first, then the oldest execution.
    fn give_place_away(&mut self, now: Timestamp, live: &[Id]) -> bool {
        let ways = [true, false].into_iter();
        let mut candidates = ways.flat_map(|was_cut_off| live.iter().map(move |id| (id, was_cut_off)));
        let first = candidates.find_map(|(id, was_cut_off)| Some((id, self.startable(id, was_cut_off)?)));
        let Some((id, at)) = first else { return false };
        self.start_action(now, id, at);
        true
    }

    /// What is next of what was cut off, or else of the current step, if there is a place for it.
    fn startable(&self, id: &Id, was_cut_off: bool) -> Option<ActionRef> {
        let execution = self.execution(id)?;
        let run = execution.stage_run()?;
        let action = if was_cut_off {
            run.interrupted.first()
        } else {
            next_of_step(execution, run)
        };
        let at = ActionRef {
            stage: run.index,
            action: *action?,
        };
        self.has_place(execution, run, at).then_some(at)
    }

    fn next(&self, id: &Id) -> Option<Next> {
        let execution = self.execution(id)?;
        let ended = execution.ending.map(|ending| match ending {
            Ending::Stop { .. } => RunStatus::Stopped,
            Ending::Cancel => RunStatus::Cancelled,
        });
        match &execution.place {
            Place::Arriving(_) | Place::Waiting(_) if ended.is_some() => ended.map(Next::Finish),
            Place::Arriving(stage) if *stage >= execution.definition.pipeline.stages.len() => {
                Some(Next::Finish(RunStatus::Succeeded))
            }
            Place::Arriving(stage) => Some(match self.in_the_way(execution, *stage) {
                None => Next::Enter(*stage),
                Some(reason) => Next::Wait(*stage, reason),
            }),
            Place::Waiting(stage) => {
                if let Some(newer) = self.newer(execution, *stage) {
                    return Some(Next::Supersede(newer));
                }
                let is_free = self.in_the_way(execution, *stage).is_none();
                is_free.then_some(Next::Enter(*stage))
            }
            Place::In(run) => next_in_stage(execution, run),
            Place::Leaving {
                rollback: Some(stage), ..
            } => Some(Next::RollBack(*stage)),
            Place::Leaving { status, rollback: None } => Some(Next::Finish(*status)),
            Place::Done => None,
        }
    }

    /// What keeps an execution from entering a stage.
    fn in_the_way(&self, execution: &Execution, stage: usize) -> Option<Waiting> {
        let gate = self.state.gate(execution, stage)?;
        if let Some(reason) = &gate.disabled {
            let reason = reason.clone();
            return Some(Waiting::Disabled { reason });
        }
        if execution.definition.mode() == ExecutionMode::Parallel {
            return None;
        }
        if let Some(holder) = &gate.holder {
            let execution_id = holder.to_string();
            return Some(Waiting::Occupied { execution_id });
        }
        let is_behind = || gate.waiting.front().is_some_and(|first| *first != execution.id);
        let is_queue = execution.definition.mode() == ExecutionMode::Queued;
        (is_queue && is_behind()).then_some(Waiting::Queued)
    }

    fn has_place(&self, execution: &Execution, run: &StageRun, at: ActionRef) -> bool {
        let has_room = match execution.definition.mode() {
            ExecutionMode::Parallel => run.running.len() < PARALLEL_MODE_ACTIONS.max,
            ExecutionMode::Superseded | ExecutionMode::Queued => true,
        };
        has_room && (execution.definition.is_approval(at) || self.state.places_taken < self.jobs)
    }

    fn take(&mut self, now: Timestamp, id: &Id, next: Next) {
        match next {
            Next::Finish(status) => self.finish(now, id, status, None),
            Next::Supersede(newer) => self.finish(now, id, RunStatus::Superseded, Some(&newer)),
            Next::Enter(stage) => self.enter(now, id, stage),
            Next::Wait(stage, reason) => self.wait(now, id, stage, reason),
            Next::StartRules(first, rules) => {
                for rule in rules {
                    self.start_rule(now, id, RuleRef { rule, ..first });
                }
            }
            Next::EndCondition(position) => self.end_condition(now, id, position),
            Next::EndRules(position) => self.end_overridden_rules(now, id, position),
            Next::EndApproval(action) => self.end_approval(now, id, action),
            Next::Abandon(action) => self.abandon(now, id, action),
            Next::Retry(mode) => self.retry_stage(now, id, mode, By::Automatic),
            Next::EndStage(status) => self.end_stage(now, id, status),
            Next::RollBack(stage) => self.roll_back_automatically(now, id, stage),
        }
    }

    /// Who takes the place of an execution that waits: in SUPERSEDED mode only the one that was started last stays.
    fn newer(&self, execution: &Execution, stage: usize) -> Option<Id> {
        if execution.definition.mode() != ExecutionMode::Superseded {
            return None;
        }
        let waiting = self.state.gate(execution, stage)?.waiting.iter();
        let waiting = waiting.filter_map(|id| self.execution(id));
        let newest = waiting.max_by_key(|other| other.number)?;
        (newest.number > execution.number).then(|| Arc::clone(&newest.id))
    }
}

fn next_in_stage(execution: &Execution, run: &StageRun) -> Option<Next> {
    if let Some(position) = run.overridden {
        return Some(Next::EndRules(position));
    }
    if let Some((&action, _)) = run.answered.first_key_value() {
        return Some(Next::EndApproval(action));
    }
    match run.phase {
        Phase::Condition(position) => next_in_condition(execution, run, position),
        Phase::Actions => next_in_actions(execution, run),
        Phase::Decided { status, .. } => Some(Next::EndStage(status)),
    }
}

fn next_in_actions(execution: &Execution, run: &StageRun) -> Option<Next> {
    let is_abandoned = execution.ending == Some(Ending::Stop { abandon: true });
    if let Some(action) = run.interrupted.first().filter(|_| is_abandoned) {
        return Some(Next::Abandon(*action));
    }
    if execution.withdraws_approvals()
        && let Some(action) = approvals(execution, run).next()
    {
        return Some(Next::Abandon(action));
    }
    if run.has_actions() {
        return None;
    }
    if let Some(status) = ended_status(execution) {
        return Some(Next::EndStage(status));
    }
    if run.todo.iter().any(|step| !step.is_empty()) {
        // It goes on as soon as there is a place.
        return None;
    }
    if run.failed {
        return Some(after_failure(execution, run));
    }
    Some(match start_rules(execution, run, Position::OnSuccess) {
        Some(rules) => rules,
        None => Next::EndStage(StageStatus::Succeeded),
    })
}

/// The approvals that wait for an answer.
fn approvals(execution: &Execution, run: &StageRun) -> impl Iterator<Item = usize> {
    let stage = run.index;
    let is_approval = move |action: &usize| execution.definition.is_approval(ActionRef { stage, action: *action });
    run.running.keys().copied().filter(is_approval)
}

/// What starts next of an execution's current step.
fn next_of_step<'a>(execution: &Execution, run: &'a StageRun) -> Option<&'a usize> {
    let may_go_on = run.phase == Phase::Actions && execution.ending.is_none();
    // An empty step is still there while its actions run.
    run.todo.front().filter(|_| may_go_on)?.front()
}

fn next_in_condition(execution: &Execution, run: &StageRun, position: Position) -> Option<Next> {
    if let Some(status) = ended_status(execution) {
        return run.rules_running.is_empty().then_some(Next::EndStage(status));
    }
    if let Some(rules) = start_rules(execution, run, position) {
        return Some(rules);
    }
    run.rules_running.is_empty().then_some(Next::EndCondition(position))
}

/// How the stage ends if nothing more may start.
fn ended_status(execution: &Execution) -> Option<StageStatus> {
    execution.ending.map(|ending| match ending {
        Ending::Stop { .. } => StageStatus::Stopped,
        Ending::Cancel => StageStatus::Cancelled,
    })
}

/// The rules of a condition that have not been started.
fn start_rules(execution: &Execution, run: &StageRun, position: Position) -> Option<Next> {
    let condition = execution.definition.condition(run.index, position)?;
    let known: BTreeSet<&usize> = run.rules_running.keys().chain(run.rules_ended.keys()).collect();
    let rules: Vec<usize> = (0..condition.rules.len())
        .filter(|rule| !known.contains(rule))
        .collect();
    let first = RuleRef {
        stage: run.index,
        position,
        rule: 0,
    };
    (!rules.is_empty()).then_some(Next::StartRules(first, rules))
}

/// What a stage does whose actions have ended, not all of them well.
fn after_failure(execution: &Execution, run: &StageRun) -> Next {
    if execution.failure_result(run.index) == Some(ConditionResult::Retry)
        && !execution.stages[run.index].was_retried_automatically
    {
        let handling = execution.definition.stage(run.index).on_failure.as_ref();
        let mode = handling.and_then(|handling| handling.retry_mode.as_ref());
        return Next::Retry(mode.map_or(RetryMode::FailedActions, |mode| mode.value));
    }
    start_rules(execution, run, Position::OnFailure).unwrap_or(Next::EndStage(StageStatus::Failed))
}
