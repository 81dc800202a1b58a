//! What can happen from outside, and what is refused.

use std::rc::Rc;

use pipe::ir::{ConditionResult, ExecutionMode, RetryMode};
use pipe::run::planned::Position;

use super::flow::Begin;
use super::{
    ActionState, EXECUTIONS, Job, Model, Phase, Place, Refused, RuleRun, Said, Spec, Start, Stop, Token, position_word,
};

type Answered = Result<Said, Refused>;

impl Model {
    fn done(&mut self) -> Answered {
        self.settle();
        Ok(std::mem::take(&mut self.said))
    }

    pub(crate) fn start(&mut self, start: &Start) -> Answered {
        let stages = &self.spec.stages;
        let index = |name: &Option<String>, otherwise: usize| match name {
            None => Ok(otherwise),
            Some(name) => stages
                .iter()
                .position(|stage| stage.name == *name)
                .ok_or("StageNotFoundException"),
        };
        let first = index(&start.first_stage, 0)?;
        let last = index(&start.last_stage, stages.len() - 1)?;
        if last < first {
            return Err("ValidationException");
        }
        let live = self.executions.iter().filter(|other| other.is_live()).count();
        if self.spec.mode != ExecutionMode::Superseded && live >= EXECUTIONS {
            return Err("ConcurrentPipelineExecutionsLimitExceededException");
        }
        self.begin(Begin {
            spec: Rc::clone(&self.spec),
            trigger: "StartPipelineExecution",
            first,
            last,
            variables: start.inherited.clone(),
        });
        self.done()
    }

    /// An action has ended, with an output variable if it gave one. Of one that does not run this means nothing.
    pub(crate) fn action_ended(
        &mut self,
        id: usize,
        (stage, action, attempt): (usize, usize, u32),
        is_ok: bool,
        value: Option<String>,
    ) -> Answered {
        if let Some(run) = self
            .executions
            .get(id)
            .and_then(|execution| execution.stages.get(&stage))
            && run.actions[action].attempt == attempt
            && let ActionState::Running { why, .. } = run.actions[action].state
        {
            let state = match why {
                Some("Abandoned") => ActionState::Abandoned,
                Some(_) => ActionState::Failed,
                None if is_ok => ActionState::Succeeded,
                None => ActionState::Failed,
            };
            if state == ActionState::Succeeded {
                // In place of what an earlier attempt gave.
                let execution = &mut self.executions[id];
                let name = &execution.spec.stages[stage].actions[action].name;
                execution.variables.remove(name);
                execution.variables.extend(value.map(|value| (name.clone(), value)));
            }
            self.end_action(id, stage, action, state);
        }
        self.done()
    }

    pub(crate) fn rule_ended(
        &mut self,
        id: usize,
        (stage, position, rule, attempt): (usize, Position, usize, u32),
        is_satisfied: bool,
    ) -> Answered {
        if let Some(run) = self
            .executions
            .get(id)
            .and_then(|execution| execution.stages.get(&stage))
            && run.attempt == attempt
            && run.phase == Phase::Rules(position)
            && let Some(&RuleRun::Running { why, .. }) = run.rules.get(rule)
        {
            let (is_satisfied, status) = match why {
                Some("Abandoned") => (false, "abandoned"),
                Some(_) => (false, "failed"),
                None if is_satisfied => (true, "succeeded"),
                None => (false, "failed"),
            };
            self.run(id, stage).rules[rule] = RuleRun::Ended { is_satisfied };
            self.say_rule(id, stage, position, rule, status);
        }
        self.done()
    }

    fn say_rule(&mut self, id: usize, stage: usize, position: Position, rule: usize, status: &str) {
        let name = self.stage_name(id, stage);
        let attempt = self.run(id, stage).attempt;
        let words = position_word(position);
        self.say(
            id,
            format_args!("rule_finished {name} {words} {rule} {attempt} {status}"),
        );
    }

    /// The indices of a stage of an execution, if there are such.
    fn find(&self, id: usize, stage: &str) -> Result<usize, Refused> {
        let execution = self.executions.get(id).ok_or("PipelineExecutionNotFoundException")?;
        let mut stages = execution.spec.stages.iter();
        stages
            .position(|found| found.name == stage)
            .ok_or("StageNotFoundException")
    }

    pub(crate) fn answer(&mut self, id: usize, stage: &str, action: &str, token: Token, is_approved: bool) -> Answered {
        let stage = match self.find(id, stage) {
            Err("StageNotFoundException") => return Err("ActionNotFoundException"),
            other => other?,
        };
        let specs = &self.executions[id].spec.stages[stage].actions;
        let action = specs
            .iter()
            .position(|found| found.name == action && found.is_approval)
            .ok_or("ActionNotFoundException")?;
        let Some(run) = self.executions[id].stages.get(&stage) else {
            return Err("ActionNotFoundException");
        };
        let run = run.actions[action];
        if run.attempt == 0 {
            return Err("ActionNotFoundException");
        }
        let attempt = run.attempt;
        let ActionState::Running { why: None, .. } = run.state else {
            return Err("ApprovalAlreadyCompletedException");
        };
        match token {
            Token::Nonsense => return Err("InvalidApprovalTokenException"),
            Token::Of(attempt) if attempt != run.attempt => return Err("InvalidApprovalTokenException"),
            Token::Of(_) | Token::Absent => {}
        }
        let name = self.action_name(id, stage, action);
        self.say(id, format_args!("approval_answered {name} {attempt} {is_approved}"));
        let state = if is_approved {
            ActionState::Succeeded
        } else {
            ActionState::Failed
        };
        self.end_action(id, stage, action, state);
        let job = Job::Action(stage, action, attempt);
        self.said.ended.insert((id, job, "Answered"));
        self.done()
    }

    pub(crate) fn stop(&mut self, id: usize, abandon: bool) -> Answered {
        let execution = self.executions.get(id).ok_or("PipelineExecutionNotFoundException")?;
        if !execution.is_live() {
            return Err("PipelineExecutionNotStoppableException");
        }
        let may_be_asked = execution.stop.is_none() || abandon && self.is_stopping(id, Stop::Wait);
        if !may_be_asked {
            return Err("DuplicatedStopRequestException");
        }
        self.executions[id].stop = Some(if abandon { Stop::Abandon } else { Stop::Wait });
        self.say(id, format_args!("stop_requested {abandon}"));
        match self.executions[id].place {
            Place::Before(_) => self.finish(id, "stopped"),
            Place::In(stage) if abandon => {
                self.withdraw_approvals(id, stage);
                self.tell_to_end(id, stage, "Abandoned", |_| true);
            }
            Place::In(_) | Place::Ended(_) => {}
        }
        self.done()
    }

    /// Approvals that wait in a stage end at once: nothing of them has to come to its end.
    fn withdraw_approvals(&mut self, id: usize, stage: usize) {
        let spec = Rc::clone(&self.executions[id].spec);
        for (action, spec) in spec.stages[stage].actions.iter().enumerate() {
            let run = self.run(id, stage).actions[action];
            let ActionState::Running { why, .. } = run.state else {
                continue;
            };
            if !spec.is_approval {
                continue;
            }
            self.end_action(id, stage, action, ActionState::Abandoned);
            if why.is_none() {
                let job = Job::Action(stage, action, run.attempt);
                self.said.ended.insert((id, job, "Abandoned"));
            }
        }
    }

    /// Tells everything in a stage to end that runs, was not told to, and of whose deadline that holds.
    fn tell_to_end(&mut self, id: usize, stage: usize, reason: &'static str, holds: impl Fn(Option<u64>) -> bool) {
        let run = self.run(id, stage);
        let mut told = Vec::new();
        for (action, run) in run.actions.iter_mut().enumerate() {
            if let ActionState::Running { deadline, why } = &mut run.state
                && why.is_none()
                && holds(*deadline)
            {
                *why = Some(reason);
                told.push(Job::Action(stage, action, run.attempt));
            }
        }
        let (attempt, phase) = (run.attempt, run.phase);
        for (rule, run) in run.rules.iter_mut().enumerate() {
            if let RuleRun::Running { deadline, why } = run
                && let Phase::Rules(position) = phase
                && why.is_none()
                && holds(*deadline)
            {
                *why = Some(reason);
                told.push(Job::Rule(stage, position, rule, attempt));
            }
        }
        self.said.ended.extend(told.into_iter().map(|job| (id, job, reason)));
    }

    pub(crate) fn tick(&mut self, minutes: u64) -> Answered {
        self.now += minutes;
        let now = self.now;
        for id in 0..self.executions.len() {
            if let Place::In(stage) = self.executions[id].place {
                self.tell_to_end(id, stage, "TimedOut", |deadline| {
                    deadline.is_some_and(|deadline| deadline <= now)
                });
            }
        }
        self.done()
    }

    pub(crate) fn retry(&mut self, id: usize, stage: &str, mode: RetryMode) -> Answered {
        let name = stage;
        if !self.spec.stages.iter().any(|found| found.name == name) {
            return Err("StageNotFoundException");
        }
        let execution = self.executions.get(id).ok_or("PipelineExecutionNotFoundException")?;
        if execution.spec != self.spec {
            return Err("StageNotRetryableException");
        }
        let stage = self.find(id, stage)?;
        let Some(run) = execution.stages.get(&stage) else {
            return Err("StageNotRetryableException");
        };
        if execution.is_live() {
            // A failed action may be retried before the stage completes.
            if execution.place != Place::In(stage) || execution.is_ending() {
                return Err("StageNotRetryableException");
            }
            if run.phase != Phase::Actions {
                return Err("ConflictException");
            }
            if !run.has(ActionState::Failed) {
                return Err("StageNotRetryableException");
            }
            if mode == RetryMode::AllActions {
                return Err("ConflictException");
            }
        } else {
            if !matches!(run.status, Some("failed" | "stopped")) {
                return Err("StageNotRetryableException");
            }
            if run.actions.iter().all(|action| action.state == ActionState::Succeeded) {
                return Err("StageNotRetryableException");
            }
            let latest = self.entered.iter().rev().find(|(entered, _)| entered == name);
            if !self.is_parallel(id) && latest.is_some_and(|&(_, latest)| latest != id) {
                return Err("NotLatestPipelineExecutionException");
            }
        }
        let was_live = execution.is_live();
        self.executions[id].place = Place::In(stage);
        self.executions[id].stop = None;
        self.retry_stage(id, stage, mode, "manual");
        if !was_live {
            self.begin_attempt(id, stage);
        }
        self.done()
    }

    pub(crate) fn roll_back(&mut self, stage: &str, target: usize) -> Answered {
        let index = self.spec.stages.iter().position(|found| found.name == stage);
        let index = index.ok_or("StageNotFoundException")?;
        let execution = self
            .executions
            .get(target)
            .ok_or("PipelineExecutionNotFoundException")?;
        if self.spec.mode == ExecutionMode::Parallel || index == 0 {
            return Err("UnableToRollbackStageException");
        }
        if execution.spec != self.spec {
            return Err("PipelineExecutionOutdatedException");
        }
        if execution.is_rollback || !self.succeeded.contains(&(stage.to_owned(), target)) {
            return Err("UnableToRollbackStageException");
        }
        self.begin_rollback(stage, target, "ManualRollback");
        self.done()
    }

    pub(crate) fn override_condition(&mut self, id: usize, stage: &str, position: Position) -> Answered {
        let stage = self.find(id, stage)?;
        let execution = &self.executions[id];
        let is_evaluated = execution.place == Place::In(stage)
            && execution.stages[&stage].phase == Phase::Rules(position)
            && !execution.is_ending();
        let condition = execution.spec.stages[stage].condition(position);
        let can_be = condition.is_some_and(|condition| condition.result != ConditionResult::Skip);
        if !is_evaluated || !can_be || position == Position::OnFailure {
            return Err("ConditionNotOverridableException");
        }
        // One answer is one line, and what follows from it comes behind it.
        let name = self.stage_name(id, stage);
        let words = position_word(position);
        self.say(id, format_args!("condition_finished {name} {words} overridden -"));
        let run = self.run(id, stage);
        let attempt = run.attempt;
        let rules = std::mem::take(&mut run.rules);
        for (rule, run) in rules.into_iter().enumerate() {
            if let RuleRun::Running { .. } = run {
                self.say_rule(id, stage, position, rule, "abandoned");
                let job = Job::Rule(stage, position, rule, attempt);
                self.said.ended.insert((id, job, "Answered"));
            }
        }
        if position == Position::BeforeEntry {
            self.run(id, stage).entry_is_met = true;
            self.run(id, stage).phase = Phase::Actions;
        } else {
            self.leave(id, stage, "succeeded", false);
        }
        self.done()
    }

    pub(crate) fn transition(&mut self, stage: &str, is_disabled: bool) -> Answered {
        if !self.spec.stages.iter().any(|found| found.name == stage) {
            return Err("StageNotFoundException");
        }
        if is_disabled {
            self.disabled.insert(stage.to_owned());
        } else {
            self.disabled.remove(stage);
        }
        self.done()
    }

    pub(crate) fn define(&mut self, spec: Rc<Spec>) -> Answered {
        let is_new = self.spec != spec;
        self.spec = spec;
        for id in 0..self.executions.len() {
            if !is_new || !self.executions[id].is_live() || self.is_parallel(id) {
                continue;
            }
            if self.executions[id].is_ending() {
                continue;
            }
            self.executions[id].is_cancelled = true;
            self.say(id, format_args!("cancel_requested"));
            match self.executions[id].place {
                Place::Before(_) => self.finish(id, "cancelled"),
                Place::In(stage) => self.withdraw_approvals(id, stage),
                Place::Ended(_) => {}
            }
        }
        self.done()
    }

    /// Another process goes on: what was in progress is started anew, unless it was to be abandoned.
    pub(crate) fn resume(&mut self) -> Answered {
        for id in 0..self.executions.len() {
            if !self.executions[id].is_live() {
                continue;
            }
            self.say(id, format_args!("run_resumed"));
            let Place::In(stage) = self.executions[id].place else {
                continue;
            };
            let is_abandoned = self.is_stopping(id, Stop::Abandon);
            let is_ending = self.executions[id].is_ending();
            let run = self.run(id, stage).clone();
            let mut cut_off = Vec::new();
            for (action, action_run) in run.actions.iter().enumerate() {
                let ActionState::Running { deadline, .. } = action_run.state else {
                    continue;
                };
                let name = self.action_name(id, stage, action);
                let attempt = action_run.attempt;
                if self.executions[id].spec.stages[stage].actions[action].is_approval {
                    // Nothing of it was lost: it goes on waiting for the same answer.
                    let state = &mut self.run(id, stage).actions[action].state;
                    *state = ActionState::Running { deadline, why: None };
                    let value = self.used_value(id, stage, action).unwrap_or_default();
                    let job = Job::Action(stage, action, attempt);
                    self.said.started.insert((id, job, value));
                } else {
                    self.say(id, format_args!("action_interrupted {name} {attempt}"));
                    cut_off.push(action);
                }
            }
            for action in cut_off {
                if is_abandoned {
                    self.end_action(id, stage, action, ActionState::Abandoned);
                } else {
                    self.start_action(id, stage, action);
                }
            }
            let Phase::Rules(position) = run.phase else { continue };
            let is_running = |rule: &usize| matches!(run.rules[*rule], RuleRun::Running { .. });
            let cut_off: Vec<usize> = (0..run.rules.len()).filter(is_running).collect();
            let (name, words) = (self.stage_name(id, stage), position_word(position));
            for &rule in &cut_off {
                self.say(
                    id,
                    format_args!("rule_interrupted {name} {words} {rule} {}", run.attempt),
                );
            }
            for &rule in &cut_off {
                if is_ending {
                    // Its verdict would not count.
                    self.run(id, stage).rules[rule] = RuleRun::Ended { is_satisfied: false };
                } else {
                    self.start_rule(id, stage, position, rule);
                }
            }
        }
        self.done()
    }
}
