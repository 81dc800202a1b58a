//! What goes on by itself: entering stages, starting actions, concluding.

use std::collections::BTreeMap;
use std::rc::Rc;

use pipe::ir::{ConditionResult, ExecutionMode, RetryMode};
use pipe::run::planned::Position;

use super::{
    APPROVAL_MINUTES, ActionRun, ActionState, Execution, Job, Model, OnFailure, PARALLEL_ACTIONS, Phase, Place,
    RuleRun, Spec, StageRun, Stop, mode_word, position_word, result_word,
};

/// What an execution begins with.
pub(super) struct Begin {
    pub(super) spec: Rc<Spec>,
    pub(super) trigger: &'static str,
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) variables: BTreeMap<String, String>,
}

impl Model {
    /// An execution begins; it comes to its first stage.
    pub(super) fn begin(&mut self, begin: Begin) -> usize {
        let id = self.executions.len();
        let first = begin.first;
        self.executions.push(Execution {
            spec: begin.spec,
            is_rollback: begin.trigger != "StartPipelineExecution",
            last: begin.last,
            place: Place::Before(first),
            stop: None,
            is_cancelled: false,
            variables: begin.variables,
            stages: BTreeMap::new(),
            arrival: 0,
        });
        self.say(id, format_args!("run_started {}", begin.trigger));
        self.arrive(id, first);
        id
    }

    fn arrive(&mut self, id: usize, stage: usize) {
        let arrivals = self.executions.iter().map(|other| other.arrival);
        let arrival = arrivals.max().unwrap_or(0) + 1;
        self.executions[id].arrival = arrival;
        self.executions[id].place = Place::Before(stage);
        if self.may_enter(id) {
            self.enter(id, stage);
            return;
        }
        let name = self.stage_name(id, stage);
        self.say(id, format_args!("stage_waiting {name}"));
        if self.executions[id].spec.mode == ExecutionMode::Superseded {
            let mut waiting = self.waiting(&name);
            waiting.retain(|&other| !self.is_parallel(other));
            waiting.sort_unstable();
            let newest = waiting.pop().unwrap_or(id);
            for older in waiting {
                self.executions[older].place = Place::Ended("superseded");
                self.say(older, format_args!("run_finished superseded by {newest}"));
            }
        }
    }

    /// Who waits in front of a stage, in the order of coming.
    pub(super) fn waiting(&self, name: &str) -> Vec<usize> {
        let mut waiting: Vec<usize> = (0..self.executions.len())
            .filter(|&id| match self.executions[id].place {
                Place::Before(stage) => self.stage_name(id, stage) == name,
                _ => false,
            })
            .collect();
        waiting.sort_by_key(|&id| self.executions[id].arrival);
        waiting
    }

    /// Who has the lock of a stage.
    pub(super) fn holder(&self, name: &str) -> Option<usize> {
        (0..self.executions.len()).find(|&id| match self.executions[id].place {
            Place::In(stage) => self.stage_name(id, stage) == name && !self.is_parallel(id),
            _ => false,
        })
    }

    fn may_enter(&self, id: usize) -> bool {
        let Place::Before(stage) = self.executions[id].place else {
            return false;
        };
        let name = self.stage_name(id, stage);
        let mut waiting = self.waiting(&name);
        waiting.retain(|&other| !self.is_parallel(other));
        !self.disabled.contains(&name)
            && (self.is_parallel(id) || self.holder(&name).is_none() && waiting.first() == Some(&id))
    }

    fn enter(&mut self, id: usize, stage: usize) {
        let name = self.stage_name(id, stage);
        self.entered.push((name.clone(), id));
        let execution = &mut self.executions[id];
        execution.place = Place::In(stage);
        let not_started = ActionRun {
            attempt: 0,
            state: ActionState::NotStarted,
        };
        let actions = execution.spec.stages[stage].actions.len();
        execution.stages.insert(
            stage,
            StageRun {
                attempt: 1,
                phase: Phase::Actions,
                entry_is_met: false,
                was_retried_automatically: false,
                actions: vec![not_started; actions],
                rules: Vec::new(),
                status: None,
            },
        );
        self.say(id, format_args!("stage_started {name} 1"));
        self.begin_attempt(id, stage);
    }

    /// An attempt begins: with the entry condition, unless it was met before.
    pub(super) fn begin_attempt(&mut self, id: usize, stage: usize) {
        self.run(id, stage).status = None;
        if self.run(id, stage).entry_is_met || !self.evaluate(id, stage, Position::BeforeEntry) {
            self.run(id, stage).entry_is_met = true;
            self.run(id, stage).phase = Phase::Actions;
        }
    }

    pub(super) fn run(&mut self, id: usize, stage: usize) -> &mut StageRun {
        self.executions[id].stages.get_mut(&stage).expect("it was entered")
    }

    /// Begins to evaluate a condition, if there is one.
    fn evaluate(&mut self, id: usize, stage: usize, position: Position) -> bool {
        let spec = Rc::clone(&self.executions[id].spec);
        let Some(condition) = spec.stages[stage].condition(position) else {
            return false;
        };
        self.run(id, stage).phase = Phase::Rules(position);
        self.run(id, stage).rules.clear();
        for rule in 0..condition.rules.len() {
            let not_yet = RuleRun::Ended { is_satisfied: false };
            self.run(id, stage).rules.push(not_yet);
            self.start_rule(id, stage, position, rule);
        }
        true
    }

    pub(super) fn start_rule(&mut self, id: usize, stage: usize, position: Position, rule: usize) {
        let spec = Rc::clone(&self.executions[id].spec);
        let condition = spec.stages[stage].condition(position).expect("it is evaluated");
        let deadline = condition.rules[rule].map(|minutes| self.now + minutes);
        let run = self.run(id, stage);
        run.rules[rule] = RuleRun::Running { deadline, why: None };
        let attempt = run.attempt;
        let name = self.stage_name(id, stage);
        let position_words = position_word(position);
        self.say(
            id,
            format_args!("rule_started {name} {position_words} {rule} {attempt}"),
        );
        let job = Job::Rule(stage, position, rule, attempt);
        self.said.started.insert((id, job, String::new()));
    }

    pub(super) fn start_action(&mut self, id: usize, stage: usize, action: usize) {
        let spec = Rc::clone(&self.executions[id].spec);
        let spec = &spec.stages[stage].actions[action];
        let standard = spec.is_approval.then_some(APPROVAL_MINUTES);
        let deadline = spec.timeout_minutes.or(standard).map(|minutes| self.now + minutes);
        let run = &mut self.run(id, stage).actions[action];
        run.attempt += 1;
        run.state = ActionState::Running { deadline, why: None };
        let attempt = run.attempt;
        let name = self.action_name(id, stage, action);
        self.say(id, format_args!("action_started {name} {attempt}"));
        let Some(value) = self.used_value(id, stage, action) else {
            self.end_action(id, stage, action, ActionState::Failed);
            return;
        };
        let job = Job::Action(stage, action, attempt);
        self.said.started.insert((id, job, value));
    }

    /// What an action that uses another's output variable is given; none: there is no such value.
    pub(super) fn used_value(&self, id: usize, stage: usize, action: usize) -> Option<String> {
        let execution = &self.executions[id];
        match &execution.spec.stages[stage].actions[action].uses {
            None => Some(String::new()),
            Some(used) => execution.variables.get(used).cloned(),
        }
    }

    pub(super) fn end_action(&mut self, id: usize, stage: usize, action: usize, state: ActionState) {
        let run = &mut self.run(id, stage).actions[action];
        run.state = state;
        let attempt = run.attempt;
        let status = match state {
            ActionState::Succeeded => "succeeded",
            ActionState::Failed => "failed",
            _ => "abandoned",
        };
        let name = self.action_name(id, stage, action);
        self.say(id, format_args!("action_finished {name} {attempt} {status}"));
    }

    /// Goes over everything until nothing changes.
    pub(super) fn settle(&mut self) {
        while self.conclude_something() || self.admit_someone() || self.start_something() {}
    }

    /// Whoever stands in front of a stage that may be entered enters.
    fn admit_someone(&mut self) -> bool {
        let mut waiting: Vec<usize> = (0..self.executions.len()).filter(|&id| self.may_enter(id)).collect();
        waiting.sort_by_key(|&id| self.executions[id].arrival);
        let Some(&id) = waiting.first() else {
            return false;
        };
        let Place::Before(stage) = self.executions[id].place else {
            unreachable!("it waits");
        };
        self.enter(id, stage);
        true
    }

    fn running(&self, id: usize, stage: usize) -> usize {
        let actions = self.executions[id].stages[&stage].actions.iter();
        actions
            .filter(|action| matches!(action.state, ActionState::Running { .. }))
            .count()
    }

    /// Running actions that do something: an approval only waits.
    fn busy_places(&self) -> usize {
        let mut count = 0;
        for execution in &self.executions {
            for (stage, run) in &execution.stages {
                for (action, run) in run.actions.iter().enumerate() {
                    let is_running = matches!(run.state, ActionState::Running { .. });
                    let is_approval = execution.spec.stages[*stage].actions[action].is_approval;
                    if is_running && !is_approval {
                        count += 1;
                    }
                }
            }
        }
        count
    }

    /// The next actions of an execution: those of its first step that is not done, even beside one that has failed.
    fn next_actions(&self, id: usize) -> Vec<usize> {
        let execution = &self.executions[id];
        let Place::In(stage) = execution.place else {
            return Vec::new();
        };
        let run = &execution.stages[&stage];
        if execution.is_ending() || run.phase != Phase::Actions {
            return Vec::new();
        }
        let specs = &execution.spec.stages[stage].actions;
        let open = (0..specs.len()).filter(|&action| run.actions[action].state != ActionState::Succeeded);
        let Some(order) = open.clone().map(|action| specs[action].order).min() else {
            return Vec::new();
        };
        let mut next: Vec<usize> = open
            .filter(|&action| specs[action].order == order && run.actions[action].state == ActionState::NotStarted)
            .collect();
        next.sort_by_key(|&action| !specs[action].is_approval);
        next
    }

    /// Starts something there is a place for, the oldest execution's actions first.
    fn start_something(&mut self) -> bool {
        for id in 0..self.executions.len() {
            let Place::In(stage) = self.executions[id].place else {
                continue;
            };
            let has_room = !self.is_parallel(id) || self.running(id, stage) < PARALLEL_ACTIONS;
            for action in self.next_actions(id) {
                let is_approval = self.executions[id].spec.stages[stage].actions[action].is_approval;
                if has_room && (is_approval || self.busy_places() < self.jobs) {
                    self.start_action(id, stage, action);
                    return true;
                }
            }
        }
        false
    }

    /// Lets a stage in which nothing is left to do come to its end.
    fn conclude_something(&mut self) -> bool {
        for id in 0..self.executions.len() {
            let Place::In(stage) = self.executions[id].place else {
                continue;
            };
            let run = self.executions[id].stages[&stage].clone();
            if run.is_busy() {
                continue;
            }
            if self.executions[id].stop.is_some() {
                self.leave(id, stage, "stopped", false);
            } else if self.executions[id].is_cancelled {
                self.leave(id, stage, "cancelled", false);
            } else {
                match run.phase {
                    Phase::Rules(position) => self.conclude_condition(id, stage, position),
                    Phase::Actions if !self.next_actions(id).is_empty() => continue,
                    Phase::Actions if run.has(ActionState::Failed) => self.handle_failure(id, stage),
                    Phase::Actions => {
                        if !self.evaluate(id, stage, Position::OnSuccess) {
                            self.leave(id, stage, "succeeded", false);
                        }
                    }
                }
            }
            return true;
        }
        false
    }

    fn conclude_condition(&mut self, id: usize, stage: usize, position: Position) {
        let run = self.run(id, stage);
        let is_met = run
            .rules
            .iter()
            .all(|rule| *rule == RuleRun::Ended { is_satisfied: true });
        let spec = Rc::clone(&self.executions[id].spec);
        let condition = spec.stages[stage].condition(position).expect("it was evaluated");
        // A failure condition acts when it is met.
        let acts = is_met == (position == Position::OnFailure);
        let result = if acts { result_word(condition.result) } else { "-" };
        let status = if is_met { "succeeded" } else { "failed" };
        let name = self.stage_name(id, stage);
        let words = position_word(position);
        self.say(id, format_args!("condition_finished {name} {words} {status} {result}"));
        self.run(id, stage).rules.clear();
        match (position, acts) {
            (Position::BeforeEntry, false) => {
                self.run(id, stage).entry_is_met = true;
                self.run(id, stage).phase = Phase::Actions;
            }
            (Position::BeforeEntry, true) => match condition.result {
                ConditionResult::Skip => self.leave(id, stage, "skipped", false),
                _ => self.leave(id, stage, "failed", false),
            },
            (Position::OnSuccess, false) => self.leave(id, stage, "succeeded", false),
            (Position::OnFailure, false) => self.leave(id, stage, "failed", false),
            (Position::OnSuccess | Position::OnFailure, true) => {
                self.leave(id, stage, "failed", condition.result == ConditionResult::Rollback);
            }
        }
    }

    fn handle_failure(&mut self, id: usize, stage: usize) {
        let spec = Rc::clone(&self.executions[id].spec);
        match &spec.stages[stage].on_failure {
            OnFailure::Retry(mode) if !self.run(id, stage).was_retried_automatically => {
                self.run(id, stage).was_retried_automatically = true;
                self.retry_stage(id, stage, *mode, "automatic");
            }
            OnFailure::Nothing | OnFailure::Retry(_) => self.leave(id, stage, "failed", false),
            OnFailure::Rollback => self.leave(id, stage, "failed", true),
            OnFailure::Condition(_) => {
                self.evaluate(id, stage, Position::OnFailure);
            }
        }
    }

    /// Another attempt at a stage, which the execution is in.
    pub(super) fn retry_stage(&mut self, id: usize, stage: usize, mode: RetryMode, by: &str) {
        let run = self.run(id, stage);
        run.attempt += 1;
        let attempt = run.attempt;
        for action in &mut run.actions {
            let again = match mode {
                RetryMode::AllActions => true,
                RetryMode::FailedActions => matches!(action.state, ActionState::Failed | ActionState::Abandoned),
            };
            if again {
                action.state = ActionState::NotStarted;
            }
        }
        let name = self.stage_name(id, stage);
        let words = mode_word(mode);
        self.say(id, format_args!("stage_retried {name} {attempt} {words} {by}"));
    }

    /// The stage has ended: its lock is free, the execution goes on or ends.
    pub(super) fn leave(&mut self, id: usize, stage: usize, status: &'static str, rolls_back: bool) {
        let name = self.stage_name(id, stage);
        let run = self.run(id, stage);
        run.status = Some(status);
        let attempt = run.attempt;
        self.say(id, format_args!("stage_finished {name} {attempt} {status}"));
        if status == "succeeded" {
            self.succeeded.push((name.clone(), id));
        }
        if status == "succeeded" || status == "skipped" {
            if stage == self.executions[id].last {
                self.finish(id, "succeeded");
            } else {
                self.arrive(id, stage + 1);
            }
            return;
        }
        let rolls_back = rolls_back && !self.executions[id].is_rollback;
        let target = if rolls_back {
            self.rollback_target(id, &name)
        } else {
            None
        };
        match target {
            Some(target) => {
                let new = self.executions.len();
                self.say(id, format_args!("rollback_started {name} {new} to {target} automatic"));
            }
            None if rolls_back => self.say(id, format_args!("note")),
            None => {}
        }
        self.finish(id, status);
        if let Some(target) = target {
            // Whoever waits in front of the stage enters first.
            if let Some(&next) = self.waiting(&name).iter().find(|&&next| self.may_enter(next))
                && let Place::Before(stage) = self.executions[next].place
            {
                self.enter(next, stage);
            }
            self.begin_rollback(&name, target, "AutomatedRollback");
        }
    }

    pub(super) fn finish(&mut self, id: usize, status: &'static str) {
        self.executions[id].place = Place::Ended(status);
        self.say(id, format_args!("run_finished {status}"));
    }

    /// The execution that succeeded last in a stage, under the definition of now, and was no rollback itself.
    fn rollback_target(&self, id: usize, name: &str) -> Option<usize> {
        if self.is_parallel(id) {
            return None;
        }
        let candidates = self.succeeded.iter().rev().filter(|(stage, _)| stage == name);
        candidates.map(|&(_, target)| target).find(|&target| {
            target != id && self.executions[target].spec == self.spec && !self.executions[target].is_rollback
        })
    }

    /// A new execution carries out one stage with what the target had.
    pub(super) fn begin_rollback(&mut self, name: &str, target: usize, trigger: &'static str) {
        let spec = Rc::clone(&self.executions[target].spec);
        let stage = spec
            .stages
            .iter()
            .position(|stage| stage.name == name)
            .expect("it succeeded in it");
        let variables = self.executions[target].variables.clone();
        self.begin(Begin {
            spec,
            trigger,
            first: stage,
            last: stage,
            variables,
        });
    }

    pub(super) fn is_stopping(&self, id: usize, how: Stop) -> bool {
        self.executions[id].stop == Some(how)
    }
}
