//! What follows from what has happened: executions move on until each waits for something.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::state::{Ending, Execution, Id, Phase, Place, StageRun};
use super::{
    ActionStart, Command, Ended, Engine, RuleStart, Task, Verdict, Why, action_log, action_name, derived_id, millis,
};
use super::{rule_log, rule_name};
use crate::ir::limits::PARALLEL_MODE_ACTIONS;
use crate::ir::{self, ConditionResult, ExecutionMode, RetryMode};
use crate::run::event::{By, ConditionStatus, Event, Inherited, Kind, RuleStatus, TriggerType, Waiting};
use crate::run::outcome::{Failure, RunStatus, StageStatus, Status};
use crate::run::planned::{ActionRef, Position, RuleRef};
use crate::run::store::Artifact;

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
    /// An action that was cut off and is not to start again.
    Abandon(usize),
    Retry(RetryMode),
    EndStage(StageStatus),
    RollBack(usize),
}

impl Engine {
    /// Moves all executions on as far as they go. Only when each of them has come to where it stands are places given away, to
    /// the oldest one first.
    pub(super) fn settle(&mut self, now: Timestamp) {
        let mut moved = true;
        while moved {
            moved = false;
            let live: Vec<Id> = self.state.live.values().cloned().collect();
            for id in &live {
                while let Some(next) = self.next(id) {
                    self.take(now, id, next);
                    moved = true;
                }
            }
            if !moved {
                for was_cut_off in [true, false] {
                    for id in &live {
                        moved |= self.start_actions(now, id, was_cut_off);
                    }
                }
            }
        }
    }

    /// Starts what was cut off, or else the current step, as far as there are places; says whether anything was started.
    fn start_actions(&mut self, now: Timestamp, id: &Id, was_cut_off: bool) -> bool {
        let execution = self.execution(id);
        let run = execution.and_then(Execution::stage_run);
        let (Some(execution), Some(run)) = (execution, run) else {
            return false;
        };
        let start = if was_cut_off {
            self.with_a_place(execution, run, run.interrupted.iter())
        } else {
            self.with_a_place(execution, run, current_step(execution, run))
        };
        for &at in &start {
            self.start_action(now, id, at);
            // One that could not even start is a failure like any other: what stands beside it does not start any more.
            let run = self.execution(id).and_then(Execution::stage_run);
            if !was_cut_off && run.is_some_and(|run| run.failed) {
                break;
            }
        }
        !start.is_empty()
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

    /// As many of some actions as there are places for.
    fn with_a_place<'a>(
        &self,
        execution: &Execution,
        run: &StageRun,
        actions: impl Iterator<Item = &'a usize>,
    ) -> Vec<ActionRef> {
        let mut free = self.jobs.saturating_sub(self.state.places_taken);
        let mut room = match execution.definition.mode() {
            ExecutionMode::Parallel => PARALLEL_MODE_ACTIONS.max.saturating_sub(run.running.len()),
            ExecutionMode::Superseded | ExecutionMode::Queued => usize::MAX,
        };
        let stage = run.index;
        let actions = actions.map(|&action| ActionRef { stage, action });
        let mut has_a_place = |at: &ActionRef| {
            let takes_a_place = !execution.definition.is_approval(*at);
            if room == 0 || (takes_a_place && free == 0) {
                return false;
            }
            free -= usize::from(takes_a_place);
            room -= 1;
            true
        };
        actions.take_while(|at| has_a_place(at)).collect()
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

    pub(super) fn finish(&mut self, now: Timestamp, id: &Id, status: RunStatus, superseded_by: Option<&Id>) {
        let Some(execution) = self.execution(id) else { return };
        let event = Event::RunFinished {
            status,
            duration_ms: millis(execution.started, now),
            superseded_by: superseded_by.map(ToString::to_string),
        };
        self.emit(now, id, event);
    }

    fn enter(&mut self, now: Timestamp, id: &Id, stage: usize) {
        let Some(execution) = self.execution(id) else { return };
        let event = Event::StageStarted {
            stage: execution.definition.stage(stage).name.value.clone(),
            attempt: execution.stages[stage].attempt + 1,
        };
        self.emit(now, id, event);
    }

    /// Stands in front of a stage.
    fn wait(&mut self, now: Timestamp, id: &Id, stage: usize, reason: Waiting) {
        let Some(execution) = self.execution(id) else { return };
        let stage = execution.definition.stage(stage).name.value.clone();
        self.emit(now, id, Event::StageWaiting { stage, reason });
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

    fn start_rule(&mut self, now: Timestamp, id: &Id, at: RuleRef) {
        let Some(execution) = self.execution(id) else { return };
        let definition = Arc::clone(&execution.definition);
        let attempt = execution.stages[at.stage].attempt;
        let (Some(name), Some(rule)) = (rule_name(execution, at, attempt), definition.rule(at)) else {
            return;
        };
        let started = match execution.variables.resolve_rule(rule) {
            Ok(resolved) => Ok(RuleStart {
                execution: Arc::clone(id),
                at,
                attempt,
                resolved,
                inputs: inputs(execution, &rule.inputs),
            }),
            Err(unresolved) => Err(Verdict {
                satisfied: false,
                simulated: false,
                message: unresolved.failure().message,
            }),
        };
        let driver = definition
            .plan
            .rules
            .get(&at)
            .map_or("", |driver| driver.name())
            .to_owned();
        let (_, log) = rule_log(&name.stage, name.position, &name.rule, name.attempt);
        self.emit(now, id, Event::RuleStarted { name, driver, log });
        match started {
            Ok(start) => self.out.push(Command::StartRule(Box::new(start))),
            Err(verdict) => self.rule_ended(now, id, at, attempt, verdict),
        }
    }

    pub(super) fn rule_ended(&mut self, now: Timestamp, id: &Id, at: RuleRef, attempt: u32, verdict: Verdict) {
        let Some(execution) = self.execution(id) else { return };
        let Some(run) = execution.stage_run() else { return };
        let is_this = run.index == at.stage && run.phase == Phase::Condition(at.position);
        let running = run
            .rules_running
            .get(&at.rule)
            .filter(|running| running.attempt == attempt);
        let (Some(running), true) = (running, is_this) else {
            return;
        };
        let Some(name) = rule_name(execution, at, attempt) else {
            return;
        };
        let (status, message) = match running.why {
            Some(Why::Abandoned | Why::Answered) => (RuleStatus::Abandoned, verdict.message),
            Some(Why::TimedOut) => (RuleStatus::Failed, "its time was over".to_owned()),
            None if verdict.satisfied => (RuleStatus::Succeeded, verdict.message),
            None => (RuleStatus::Failed, verdict.message),
        };
        let event = Event::RuleFinished {
            name,
            status,
            simulated: verdict.simulated,
            message,
        };
        self.emit(now, id, event);
    }

    /// What follows from an answer: the approval has ended with it, whoever still asks.
    fn end_approval(&mut self, now: Timestamp, id: &Id, action: usize) {
        let Some(execution) = self.execution(id) else { return };
        let Some(run) = execution.stage_run() else { return };
        let (Some(running), Some(answer)) = (run.running.get(&action), run.answered.get(&action)) else {
            return;
        };
        let stage = run.index;
        let at = ActionRef { stage, action };
        let attempt = running.attempt;
        let why = match answer.comment.as_str() {
            "" => String::new(),
            comment => format!(": {comment}"),
        };
        let rejected = || Box::new(Failure::new(format!("{} rejected it{why}", answer.by)));
        // What the user says of the outputs holds for every action.
        let outputs = || execution.definition.plan.action(at).settings.outputs.clone();
        let event = Event::ActionFinished {
            name: action_name(execution, at, attempt),
            status: if answer.approved {
                Status::Succeeded
            } else {
                Status::Failed
            },
            duration_ms: millis(running.started, now),
            failure: (!answer.approved).then(rejected),
            variables: if answer.approved { outputs() } else { Default::default() },
            masked: Vec::new(),
            artifacts: Default::default(),
            notes: Vec::new(),
        };
        self.emit(now, id, event);
        self.end_answered(id, Task::Action(at, attempt));
    }

    /// What follows from somebody's overriding a condition: its rules have ended, whoever still evaluates them.
    fn end_overridden_rules(&mut self, now: Timestamp, id: &Id, position: Position) {
        let Some(execution) = self.execution(id) else { return };
        let Some(run) = execution.stage_run() else { return };
        let stage = run.index;
        let rules = run.rules_running.iter();
        let rules = rules.filter_map(|(&rule, running)| {
            let (at, attempt) = (RuleRef { stage, position, rule }, running.attempt);
            Some((at, attempt, rule_name(execution, at, attempt)?))
        });
        for (at, attempt, name) in rules.collect::<Vec<_>>() {
            let event = Event::RuleFinished {
                name,
                status: RuleStatus::Abandoned,
                simulated: false,
                message: "the condition was overridden".to_owned(),
            };
            self.emit(now, id, event);
            self.end_answered(id, Task::Rule(at, attempt));
        }
    }

    fn end_answered(&mut self, id: &Id, task: Task) {
        self.out.push(Command::End {
            execution: Arc::clone(id),
            task,
            why: Why::Answered,
        });
    }

    /// All rules of a condition have ended.
    fn end_condition(&mut self, now: Timestamp, id: &Id, position: Position) {
        let Some(execution) = self.execution(id) else { return };
        let Some(run) = execution.stage_run() else { return };
        let is_met = run.rules_ended.values().all(|status| *status == RuleStatus::Succeeded);
        let condition = execution.definition.condition(run.index, position);
        let configured = condition
            .and_then(|condition| condition.result.as_ref())
            .map(|result| result.value);
        // Entry and success conditions act when they are not met, a failure condition when it is: an alarm that rings
        // satisfies a failure condition and rolls back (`codepipeline.md`, 2.6).
        let acts = (position == Position::OnFailure) == is_met;
        let event = Event::ConditionFinished {
            stage: execution.definition.stage(run.index).name.value.clone(),
            position,
            status: if is_met {
                ConditionStatus::Succeeded
            } else {
                ConditionStatus::Failed
            },
            result: acts.then_some(configured.unwrap_or(ConditionResult::Fail)),
        };
        self.emit(now, id, event);
    }

    fn start_action(&mut self, now: Timestamp, id: &Id, at: ActionRef) {
        let Some(execution) = self.execution(id) else { return };
        let attempt = execution.attempts.get(&at).copied().unwrap_or(0) + 1;
        let name = action_name(execution, at, attempt);
        let is_approval = execution.definition.is_approval(at);
        let number = attempt.to_string();
        let token = is_approval.then(|| derived_id(&["approval", id, &name.stage, &name.action, &number]));
        let event = Event::ActionStarted {
            driver: execution.definition.plan.action(at).driver.name().to_owned(),
            log: action_log(&name),
            token: token.clone(),
            name,
        };
        self.emit(now, id, event);
        self.send_action(now, id, at, attempt, token);
    }

    /// Asks for an action that is recorded as started.
    pub(super) fn send_action(&mut self, now: Timestamp, id: &Id, at: ActionRef, attempt: u32, token: Option<String>) {
        let Some(execution) = self.execution(id) else { return };
        let action = execution.definition.action(at);
        match execution.variables.resolve_action(action) {
            Ok(resolved) => {
                let start = ActionStart {
                    execution: Arc::clone(id),
                    at,
                    attempt,
                    resolved,
                    inputs: inputs(execution, &action.inputs),
                    token,
                };
                self.out.push(Command::StartAction(Box::new(start)));
            }
            Err(unresolved) => {
                let ended = Ended {
                    failure: Some(unresolved.failure()),
                    ..Ended::default()
                };
                self.action_ended(now, id, at, attempt, ended);
            }
        }
    }

    pub(super) fn action_ended(&mut self, now: Timestamp, id: &Id, at: ActionRef, attempt: u32, ended: Ended) {
        let Some(execution) = self.execution(id) else { return };
        let Some(run) = execution.stage_run().filter(|run| run.index == at.stage) else {
            return;
        };
        let running = run.running.get(&at.action).filter(|running| running.attempt == attempt);
        let Some(running) = running else { return };
        let (status, failure) = match (running.why, ended.failure) {
            (Some(Why::Abandoned), failure) => (Status::Abandoned, failure),
            (Some(Why::TimedOut), failure) => {
                let minutes = execution.definition.action(at).timeout_minutes.as_ref();
                let minutes = minutes.map_or(super::APPROVAL_MINUTES, |minutes| minutes.value);
                let message = format!("its time was over after {minutes} minutes");
                let failure = failure.unwrap_or_default();
                (Status::Failed, Some(Failure { message, ..failure }))
            }
            (Some(Why::Answered) | None, None) => (Status::Succeeded, None),
            (Some(Why::Answered) | None, Some(failure)) => (Status::Failed, Some(failure)),
        };
        let succeeded = status == Status::Succeeded;
        let event = Event::ActionFinished {
            name: action_name(execution, at, attempt),
            status,
            duration_ms: millis(running.started, now),
            failure: failure.map(Box::new),
            variables: if succeeded { ended.variables } else { Default::default() },
            masked: Vec::new(),
            artifacts: if succeeded { ended.artifacts } else { Default::default() },
            notes: ended.notes,
        };
        self.emit(now, id, event);
    }

    pub(super) fn abandon(&mut self, now: Timestamp, id: &Id, action: usize) {
        let Some(execution) = self.execution(id) else { return };
        let Some(run) = execution.stage_run() else { return };
        let at = ActionRef {
            stage: run.index,
            action,
        };
        let attempt = execution.attempts.get(&at).copied().unwrap_or(1);
        let event = Event::ActionFinished {
            name: action_name(execution, at, attempt),
            status: Status::Abandoned,
            duration_ms: 0,
            failure: None,
            variables: Default::default(),
            masked: Vec::new(),
            artifacts: Default::default(),
            notes: Vec::new(),
        };
        self.emit(now, id, event);
    }

    pub(super) fn retry_stage(&mut self, now: Timestamp, id: &Id, mode: RetryMode, by: By) {
        let Some(execution) = self.execution(id) else { return };
        let Some(run) = execution.stage_run() else { return };
        let event = Event::StageRetried {
            stage: execution.definition.stage(run.index).name.value.clone(),
            attempt: run.attempt + 1,
            mode,
            by,
        };
        self.emit(now, id, event);
    }

    fn end_stage(&mut self, now: Timestamp, id: &Id, status: StageStatus) {
        let Some(execution) = self.execution(id) else { return };
        let Some(run) = execution.stage_run() else { return };
        let event = Event::StageFinished {
            stage: execution.definition.stage(run.index).name.value.clone(),
            attempt: run.attempt,
            status,
            duration_ms: millis(run.started, now),
        };
        self.emit(now, id, event);
    }

    fn roll_back_automatically(&mut self, now: Timestamp, id: &Id, stage: usize) {
        let Some(execution) = self.execution(id) else { return };
        let name = execution.definition.stage(stage).name.value.clone();
        let Some(target) = self.rollback_target(execution, stage) else {
            let message = format!(
                "stage `{name}` asks to be rolled back, but no earlier execution of this definition has succeeded in it: \
                 nothing is rolled back"
            );
            self.emit(now, id, Event::Note { message });
            let Some(Place::Leaving { status, .. }) = self.execution(id).map(|execution| &execution.place) else {
                return;
            };
            let status = *status;
            return self.finish(now, id, status, None);
        };
        let attempt = execution.stages[stage].attempt.to_string();
        let new = derived_id(&["rollback", id, &name, &attempt]);
        // After a crash in between it may have been started already.
        if self.execution(&new).is_none() {
            let detail = format!("stage {name} of {id} failed");
            self.start_rollback(now, &new, stage, &target, TriggerType::AutomatedRollback, detail);
        }
        let event = Event::RollbackStarted {
            stage: name,
            execution_id: new,
            target: target.to_string(),
            by: By::Automatic,
        };
        self.emit(now, id, event);
    }

    /// The other execution that succeeded last in a stage, of those that may be gone back to.
    fn rollback_target(&self, failed: &Execution, stage: usize) -> Option<Id> {
        let fits = |other: &&Execution| {
            other.id != failed.id
                && other.kind == Kind::Standard
                && other.definition.digest == failed.definition.digest
                && other.stages[stage].status == Some(StageStatus::Succeeded)
        };
        if failed.definition.mode() == ExecutionMode::Parallel {
            return None;
        }
        let candidates = self.state.executions.values().filter(fits);
        let newest = candidates.max_by_key(|execution| (execution.stages[stage].ended, execution.number))?;
        Some(Arc::clone(&newest.id))
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
    if run.has_actions() {
        return None;
    }
    if let Some(status) = ended_status(execution) {
        return Some(Next::EndStage(status));
    }
    if run.failed {
        return Some(after_failure(execution, run));
    }
    if run.todo.iter().any(|step| !step.is_empty()) {
        // It goes on as soon as there is a place.
        return None;
    }
    Some(match start_rules(execution, run, Position::OnSuccess) {
        Some(rules) => rules,
        None => Next::EndStage(StageStatus::Succeeded),
    })
}

/// What may start of an execution's current step.
fn current_step<'a>(execution: &Execution, run: &'a StageRun) -> impl Iterator<Item = &'a usize> {
    let may_go_on = run.phase == Phase::Actions && !run.failed && execution.ending.is_none();
    // An empty step is still there while its actions run.
    run.todo.front().filter(|_| may_go_on).into_iter().flatten()
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

fn inputs(execution: &Execution, names: &[ir::Node<String>]) -> Vec<(String, Artifact)> {
    let known = |name: &ir::Node<String>| Some((name.value.clone(), execution.artifacts.get(&name.value)?.clone()));
    names.iter().filter_map(known).collect()
}

impl Execution {
    /// What a new execution takes over of this one.
    pub fn inherited(&self) -> Inherited {
        Inherited {
            execution_id: self.id.to_string(),
            artifacts: self.artifacts.clone(),
            namespaces: self.variables.outputs(),
            masked: self.variables.lost().cloned().collect(),
        }
    }
}
