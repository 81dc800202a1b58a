//! Actions and rules: how they start, and what their ends say.

use std::sync::Arc;

use jiff::Timestamp;

use super::changes::APPROVAL_MINUTES;
use super::execution::{Execution, Id, Phase};
use super::{ActionStart, Command, Ended, Engine, RuleStart, Task, Verdict, Why};
use super::{action_log, action_name, derived_id, millis, rule_log, rule_name};
use crate::ir::{self, ConditionResult};
use crate::run::event::{ConditionStatus, Event, RuleStatus};
use crate::run::outcome::{Failure, Status};
use crate::run::planned::{ActionRef, Position, RuleRef};
use crate::run::store::Artifact;
use crate::run::units::span;

/// Why an approval has failed that nobody has answered.
pub const UNANSWERED: &str = "it was still waiting for an answer";

impl Engine {
    pub(super) fn start_rule(&mut self, now: Timestamp, id: &Id, at: RuleRef) {
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

    /// All rules of a condition have ended.
    pub(super) fn end_condition(&mut self, now: Timestamp, id: &Id, position: Position) {
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

    /// What follows from somebody's overriding a condition: its rules have ended, whoever still evaluates them.
    pub(super) fn end_overridden_rules(&mut self, now: Timestamp, id: &Id, position: Position) {
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

    pub(super) fn start_action(&mut self, now: Timestamp, id: &Id, at: ActionRef) {
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
                let minutes = minutes.map_or(APPROVAL_MINUTES, |minutes| minutes.value);
                let message = format!("its time was over after {}", span(minutes));
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

    /// What follows from an answer: the approval has ended with it, whoever still asks.
    pub(super) fn end_approval(&mut self, now: Timestamp, id: &Id, action: usize) {
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

    fn end_answered(&mut self, id: &Id, task: Task) {
        self.out.push(Command::End {
            execution: Arc::clone(id),
            task,
            why: Why::Answered,
        });
    }

    /// Writes down that something is abandoned of which nothing runs that would have to end first: it was cut off, or only waits.
    pub(super) fn abandon(&mut self, now: Timestamp, id: &Id, action: usize) {
        let Some(execution) = self.execution(id) else { return };
        let Some(run) = execution.stage_run() else { return };
        let at = ActionRef {
            stage: run.index,
            action,
        };
        let attempt = execution.attempts.get(&at).copied().unwrap_or(1);
        let task = Task::Action(at, attempt);
        let running = run.task(task);
        let event = Event::ActionFinished {
            name: action_name(execution, at, attempt),
            status: Status::Abandoned,
            duration_ms: running.map_or(0, |running| millis(running.started, now)),
            failure: running.map(|_| Box::new(Failure::new(UNANSWERED))),
            variables: Default::default(),
            masked: Vec::new(),
            artifacts: Default::default(),
            notes: Vec::new(),
        };
        self.end_task(id, task, Why::Abandoned);
        self.emit(now, id, event);
    }

    pub(super) fn tick(&mut self, now: Timestamp) {
        while let Some((id, task)) = self.state.take_overdue(now) {
            self.end_task(&id, task, Why::TimedOut);
        }
    }

    /// Asks for the end of all that an execution has in progress, except approvals: they end by themselves.
    pub(super) fn abandon_tasks(&mut self, id: &Id) {
        let Some(execution) = self.execution(id) else { return };
        let Some(run) = execution.stage_run() else { return };
        let stage = run.index;
        let actions = run.running.iter();
        let actions = actions.map(|(&action, running)| (ActionRef { stage, action }, running.attempt));
        let mut tasks: Vec<Task> = actions
            .filter(|(at, _)| !execution.definition.is_approval(*at))
            .map(|(at, attempt)| Task::Action(at, attempt))
            .collect();
        if let Phase::Condition(position) = run.phase {
            let rules = run.rules_running.iter();
            tasks.extend(rules.map(|(&rule, running)| Task::Rule(RuleRef { stage, position, rule }, running.attempt)));
        }
        for task in tasks {
            self.end_task(id, task, Why::Abandoned);
        }
    }

    /// Asks for the end of something, if it still runs and nobody has asked before.
    fn end_task(&mut self, id: &Id, task: Task, why: Why) {
        let run = self.state.executions.get_mut(id).and_then(Execution::stage_run_mut);
        let running = run.and_then(|run| run.task_mut(task));
        if let Some(running) = running.filter(|running| running.why.is_none()) {
            running.why = Some(why);
            self.out.push(Command::End {
                execution: Arc::clone(id),
                task,
                why,
            });
        }
    }
}

fn inputs(execution: &Execution, names: &[ir::Node<String>]) -> Vec<(String, Artifact)> {
    let known = |name: &ir::Node<String>| Some((name.value.clone(), execution.artifacts.get(&name.value)?.clone()));
    names.iter().filter_map(known).collect()
}
