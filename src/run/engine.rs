//! CodePipeline's semantics as a pure state machine: inputs in, commands out.
//!
//! The engine has no clock (each input comes with the time), starts no process, and reads and writes nothing. All that can
//! happen to it is [`Input`]; all that it can ask for is [`Command`]. What it decides it says as an [`Event`] to record,
//! which stands before the commands that follow from it. One engine is one execution of one pipeline.
//!
//! The semantics (`codepipeline.md`, section 5): stages one after the other; in a stage, before-entry conditions, then the
//! steps in ascending run order, then success conditions; the members of a step at the same time; a failing action does
//! not end its siblings, but nothing new starts, and the stage fails when they have ended; one automatic retry where the
//! stage asks for it. A rollback needs an earlier execution, which one run on its own does not have: it is said, not done.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::event::{ActionName, Event};
use super::outcome::{Failure, RunStatus, StageStatus, Status};
use super::planned::{ActionRef, Plan, Position, RuleRef};
use super::process::Level;
use super::store::Artifact;
use super::variables::{Resolved, Unresolved, Variables};
use crate::ir::{self, ConditionResult, RetryMode};

/// How long actions have after an interrupt before they are terminated, and after that before they are killed.
pub const PATIENCE: SignedDuration = SignedDuration::from_secs(5);
/// How long an approval waits unless it says otherwise.
const APPROVAL_MINUTES: u64 = 7 * 24 * 60;

/// All that can happen to an execution.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    Start,
    ActionEnded {
        at: ActionRef,
        attempt: u32,
        ended: Ended,
    },
    RuleEnded {
        at: RuleRef,
        verdict: Verdict,
    },
    /// Somebody wants the run to end; the second time, at once.
    StopRequested {
        reason: String,
        /// Without patience from the first.
        at_once: bool,
    },
    /// Time has passed: see [`Engine::next_deadline`].
    Tick,
}

/// How an action ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ended {
    /// None: it succeeded.
    pub failure: Option<Failure>,
    pub variables: BTreeMap<String, String>,
    pub artifacts: BTreeMap<String, Artifact>,
    pub notes: Vec<String>,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub satisfied: bool,
    pub simulated: bool,
    pub message: String,
}

/// All that the engine can ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// To the journal, before anything that follows it.
    Record(Event),
    StartAction {
        at: ActionRef,
        attempt: u32,
        resolved: Box<Resolved>,
        inputs: Vec<(String, Artifact)>,
    },
    StartRule {
        at: RuleRef,
        resolved: Box<Resolved>,
        inputs: Vec<(String, Artifact)>,
    },
    /// To everything that runs.
    SignalAll(Level),
    /// To one action, whose time is over.
    Signal(ActionRef, Level),
    /// The execution has ended.
    Finish(RunStatus),
}

pub struct Engine {
    pipeline: Arc<ir::Pipeline>,
    plan: Arc<Plan>,
    /// How many actions run at the same time at most; approvals do not count.
    jobs: usize,
    execution_id: String,
    variables: Variables,
    artifacts: BTreeMap<String, Artifact>,
    /// How often each action was started.
    attempts: BTreeMap<ActionRef, u32>,
    started: Option<Timestamp>,
    stage: Option<StageRun>,
    running: BTreeMap<ActionRef, Running>,
    rules: BTreeSet<RuleRef>,
    stopping: Option<Stopping>,
    finished: bool,
    out: Vec<Command>,
    /// What the engine has found out about an action that it never got to start.
    pending: VecDeque<Input>,
}

/// The stage that the execution is in.
struct StageRun {
    index: usize,
    attempt: u32,
    started: Timestamp,
    /// Actions of the steps in ascending order, each step a list.
    steps: Vec<Vec<ActionRef>>,
    /// How many steps have been entered.
    entered: usize,
    waiting: VecDeque<ActionRef>,
    succeeded: BTreeSet<ActionRef>,
    failed: bool,
    /// The condition that is being evaluated: its rules' verdicts so far.
    condition: Option<(Position, bool)>,
}

struct Running {
    attempt: u32,
    started: Timestamp,
    deadline: Option<Timestamp>,
    /// Why it is being ended.
    overdue: Option<Level>,
}

struct Stopping {
    level: Level,
    next: Timestamp,
}

impl Engine {
    pub fn new(pipeline: Arc<ir::Pipeline>, plan: Arc<Plan>, execution_id: &str, jobs: usize) -> Self {
        Self {
            variables: Variables::new(execution_id, plan.variables.clone()),
            pipeline,
            plan,
            jobs: jobs.max(1),
            execution_id: execution_id.to_owned(),
            artifacts: BTreeMap::new(),
            attempts: BTreeMap::new(),
            started: None,
            stage: None,
            running: BTreeMap::new(),
            rules: BTreeSet::new(),
            stopping: None,
            finished: false,
            out: Vec::new(),
            pending: VecDeque::new(),
        }
    }

    /// Takes one input at the time `now`; gives what is to be done, in order.
    pub fn handle(&mut self, now: Timestamp, input: Input) -> Vec<Command> {
        self.pending.push_back(input);
        while let Some(input) = self.pending.pop_front() {
            if self.finished {
                break;
            }
            match input {
                Input::Start => self.start(now),
                Input::ActionEnded { at, attempt, ended } => self.action_ended(now, at, attempt, ended),
                Input::RuleEnded { at, verdict } => self.rule_ended(now, at, verdict),
                Input::StopRequested { reason, at_once } => self.stop(now, reason, at_once),
                Input::Tick => self.tick(now),
            }
        }
        std::mem::take(&mut self.out)
    }

    /// When the engine wants a [`Input::Tick`], if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let actions = self.running.values().filter_map(|running| running.deadline);
        let stopping = self.stopping.as_ref().filter(|stopping| stopping.level < Level::Kill);
        actions.chain(stopping.map(|stopping| stopping.next)).min()
    }

    fn record(&mut self, event: Event) {
        self.out.push(Command::Record(event));
    }

    fn start(&mut self, now: Timestamp) {
        if self.started.is_some() {
            return;
        }
        self.started = Some(now);
        self.record(Event::RunStarted {
            pipeline: self.pipeline.name.value.clone(),
            execution_id: self.execution_id.clone(),
            variables: self.plan.variables.clone(),
            jobs: self.jobs,
            stages: self
                .pipeline
                .stages
                .iter()
                .map(|stage| stage.name.value.clone())
                .collect(),
            actions: self.plan.lines(&self.pipeline),
        });
        self.enter_stage(now, 0);
    }

    fn enter_stage(&mut self, now: Timestamp, index: usize) {
        let Some(stage) = self.pipeline.stages.get(index) else {
            return self.finish(now, RunStatus::Succeeded);
        };
        let name = stage.name.value.clone();
        self.stage = Some(StageRun {
            index,
            attempt: 1,
            started: now,
            steps: steps(stage, index),
            entered: 0,
            waiting: VecDeque::new(),
            succeeded: BTreeSet::new(),
            failed: false,
            condition: None,
        });
        self.record(Event::StageStarted {
            stage: name,
            attempt: 1,
        });
        if !self.evaluate(now, Position::BeforeEntry) {
            self.next_step(now);
        }
    }

    /// Starts the rules of a condition; false if the stage has none there.
    fn evaluate(&mut self, now: Timestamp, position: Position) -> bool {
        let Some(run) = &mut self.stage else { return false };
        let pipeline = Arc::clone(&self.pipeline);
        let stage_index = run.index;
        let Some(condition) = condition(&pipeline.stages[stage_index], position) else {
            return false;
        };
        if condition.rules.is_empty() {
            return false;
        }
        run.condition = Some((position, true));
        let rules = condition.rules.iter().enumerate();
        let refs: Vec<RuleRef> = rules
            .map(|(rule, _)| RuleRef {
                stage: stage_index,
                position,
                rule,
            })
            .collect();
        self.rules.extend(&refs);
        for (at, rule) in refs.into_iter().zip(&condition.rules) {
            match self.variables.resolve_rule(rule) {
                Ok(resolved) => {
                    let inputs = self.inputs(&rule.inputs);
                    self.out.push(Command::StartRule {
                        at,
                        resolved: Box::new(resolved),
                        inputs,
                    });
                }
                Err(Unresolved(reference)) => {
                    let verdict = Verdict {
                        satisfied: false,
                        simulated: false,
                        message: format!("`{reference}` has no value"),
                    };
                    self.pending.push_back(Input::RuleEnded { at, verdict });
                }
            }
        }
        let _ = now;
        true
    }

    fn rule_ended(&mut self, now: Timestamp, at: RuleRef, verdict: Verdict) {
        if !self.rules.remove(&at) {
            return;
        }
        let pipeline = Arc::clone(&self.pipeline);
        let stage = &pipeline.stages[at.stage];
        let Some(condition) = condition(stage, at.position) else {
            return;
        };
        if let Some((_, satisfied)) = self.stage.as_mut().and_then(|run| run.condition.as_mut()) {
            *satisfied &= verdict.satisfied;
        }
        self.record(Event::RuleFinished {
            stage: stage.name.value.clone(),
            position: at.position,
            rule: condition.rules[at.rule].name.value.clone(),
            satisfied: verdict.satisfied,
            simulated: verdict.simulated,
            message: verdict.message,
        });
        if self.rules.is_empty() {
            self.condition_ended(now, stage, condition, at.position);
        }
    }

    fn condition_ended(&mut self, now: Timestamp, stage: &ir::Stage, condition: &ir::Condition, position: Position) {
        let Some((_, satisfied)) = self.stage.as_mut().and_then(|run| run.condition.take()) else {
            return;
        };
        if self.stopping.is_some() {
            return self.end_stage(now, StageStatus::Stopped);
        }
        let result = condition.result.as_ref().map(|result| result.value);
        // Entry and success conditions act when they are not met, a failure condition when it is: an alarm that rings
        // satisfies a failure condition and rolls back.
        let acts = (position == Position::OnFailure) == satisfied;
        let words = acts.then_some(match result {
            Some(ConditionResult::Skip) => "the stage is skipped",
            Some(ConditionResult::Rollback) => "CodePipeline would roll the stage back",
            Some(ConditionResult::Fail | ConditionResult::Retry) | None => "the stage fails",
        });
        self.record(Event::ConditionFinished {
            stage: stage.name.value.clone(),
            position,
            satisfied,
            result: words.map(str::to_owned),
        });
        match (position, acts, result) {
            (Position::BeforeEntry, false, _) => self.next_step(now),
            (Position::BeforeEntry, true, Some(ConditionResult::Skip)) => self.end_stage(now, StageStatus::Skipped),
            (Position::OnSuccess, false, _) => self.end_stage(now, StageStatus::Succeeded),
            (_, true, Some(ConditionResult::Rollback)) => {
                self.note_rollback(stage);
                self.end_stage(now, StageStatus::Failed);
            }
            (Position::BeforeEntry | Position::OnSuccess | Position::OnFailure, _, _) => {
                self.end_stage(now, StageStatus::Failed);
            }
        }
    }

    fn note_rollback(&mut self, stage: &ir::Stage) {
        let message = format!(
            "CodePipeline would now roll stage `{}` back to the newest execution that succeeded in it; a run on this \
             machine has no earlier execution, so nothing was rolled back",
            stage.name
        );
        self.record(Event::Note { message });
    }

    /// Goes on in the stage: fills free places, enters the next step when one has ended, ends the stage after the last.
    fn next_step(&mut self, now: Timestamp) {
        loop {
            self.fill(now);
            let Some(run) = &mut self.stage else { return };
            if !self.running.is_empty() || !run.waiting.is_empty() || !self.pending.is_empty() {
                return;
            }
            if self.stopping.is_some() {
                return self.end_stage(now, StageStatus::Stopped);
            }
            if run.failed {
                return self.stage_failed(now);
            }
            let Some(step) = run.steps.get(run.entered) else {
                if !self.evaluate(now, Position::OnSuccess) {
                    self.end_stage(now, StageStatus::Succeeded);
                }
                return;
            };
            // On a retry of failed actions those that succeeded are left out.
            run.waiting = step.iter().filter(|at| !run.succeeded.contains(at)).copied().collect();
            run.entered += 1;
        }
    }

    /// Starts what waits, as long as there is a place for it.
    fn fill(&mut self, now: Timestamp) {
        let Some(run) = &mut self.stage else { return };
        if self.stopping.is_some() {
            run.waiting.clear();
            return;
        }
        let mut taken = self
            .running
            .keys()
            .filter(|at| self.plan.action(**at).driver.takes_a_place())
            .count();
        let mut start = Vec::new();
        run.waiting.retain(|&at| {
            let takes_a_place = self.plan.action(at).driver.takes_a_place();
            let fits = !takes_a_place || taken < self.jobs;
            if fits {
                taken += usize::from(takes_a_place);
                start.push(at);
            }
            !fits
        });
        for at in start {
            self.start_action(now, at);
        }
    }

    fn start_action(&mut self, now: Timestamp, at: ActionRef) {
        let pipeline = Arc::clone(&self.pipeline);
        let stage = &pipeline.stages[at.stage];
        let action = &stage.actions[at.action];
        let plan = self.plan.action(at);
        let attempt = self.attempts.entry(at).or_default();
        *attempt += 1;
        let attempt = *attempt;
        let minutes = action.timeout_minutes.as_ref().map(|minutes| minutes.value);
        let minutes = minutes.or_else(|| (!plan.driver.takes_a_place()).then_some(APPROVAL_MINUTES));
        let deadline = minutes.and_then(|minutes| {
            let minutes = i64::try_from(minutes).ok()?;
            now.checked_add(SignedDuration::from_mins(minutes)).ok()
        });
        let driver = plan.driver.name().to_owned();
        self.running.insert(
            at,
            Running {
                attempt,
                started: now,
                deadline,
                overdue: None,
            },
        );
        let name = action_name(stage, action, attempt);
        let log = log_path(&name);
        self.record(Event::ActionStarted { name, driver, log });
        match self.variables.resolve_action(action) {
            Ok(resolved) => {
                let inputs = self.inputs(&action.inputs);
                self.out.push(Command::StartAction {
                    at,
                    attempt,
                    resolved: Box::new(resolved),
                    inputs,
                });
            }
            Err(Unresolved(reference)) => {
                let failure = Failure::new(format!("`{reference}` has no value: nothing has set it"))
                    .with_help("let the action that should give it export it");
                let ended = Ended {
                    failure: Some(failure),
                    ..Ended::default()
                };
                self.pending.push_back(Input::ActionEnded { at, attempt, ended });
            }
        }
    }

    fn inputs(&self, names: &[ir::Node<String>]) -> Vec<(String, Artifact)> {
        let known = |name: &ir::Node<String>| Some((name.value.clone(), self.artifacts.get(&name.value)?.clone()));
        names.iter().filter_map(known).collect()
    }

    fn action_ended(&mut self, now: Timestamp, at: ActionRef, attempt: u32, ended: Ended) {
        let Some(running) = self.running.get(&at).filter(|running| running.attempt == attempt) else {
            return;
        };
        let duration_ms = millis(running.started, now);
        let overdue = running.overdue.is_some();
        self.running.remove(&at);
        let pipeline = Arc::clone(&self.pipeline);
        let stage = &pipeline.stages[at.stage];
        let action = &stage.actions[at.action];
        let mut failure = ended.failure;
        if overdue {
            let minutes = action
                .timeout_minutes
                .as_ref()
                .map_or(APPROVAL_MINUTES, |minutes| minutes.value);
            let message = format!("its time was over after {minutes} minutes");
            failure = Some(Failure {
                message,
                ..failure.unwrap_or_default()
            });
        }
        let status = match (&failure, &self.stopping) {
            (None, _) => Status::Succeeded,
            (Some(_), Some(_)) => Status::Stopped,
            (Some(_), None) => Status::Failed,
        };
        if let Some(run) = &mut self.stage {
            if status == Status::Succeeded {
                run.succeeded.insert(at);
            } else {
                // What has not started yet never does; what runs comes to its end.
                run.failed = true;
                run.waiting.clear();
            }
        }
        if status == Status::Succeeded {
            self.artifacts.extend(ended.artifacts.clone());
            if let Some(namespace) = &action.namespace {
                self.variables.set(&namespace.value, ended.variables.clone());
            }
        }
        self.record(Event::ActionFinished {
            name: action_name(stage, action, attempt),
            status,
            duration_ms,
            failure: failure.map(Box::new),
            variables: ended.variables,
            artifacts: ended.artifacts,
            notes: ended.notes,
        });
        self.next_step(now);
    }

    fn stage_failed(&mut self, now: Timestamp) {
        let pipeline = Arc::clone(&self.pipeline);
        let Some(run) = &mut self.stage else { return };
        let stage = &pipeline.stages[run.index];
        let Some(handling) = &stage.on_failure else {
            return self.end_stage(now, StageStatus::Failed);
        };
        match handling.result.as_ref().map(|result| result.value) {
            Some(ConditionResult::Retry) if run.attempt == 1 => {
                let mode = handling
                    .retry_mode
                    .as_ref()
                    .map_or(RetryMode::FailedActions, |mode| mode.value);
                run.attempt = 2;
                run.failed = false;
                run.entered = 0;
                if mode == RetryMode::AllActions {
                    run.succeeded.clear();
                }
                let mode = match mode {
                    RetryMode::FailedActions => "FAILED_ACTIONS",
                    RetryMode::AllActions => "ALL_ACTIONS",
                };
                let (name, mode) = (stage.name.value.clone(), mode.to_owned());
                self.record(Event::StageRetried {
                    stage: name.clone(),
                    mode,
                });
                self.record(Event::StageStarted {
                    stage: name,
                    attempt: 2,
                });
                self.next_step(now);
            }
            Some(ConditionResult::Rollback) => {
                self.note_rollback(stage);
                self.end_stage(now, StageStatus::Failed);
            }
            Some(_) => self.end_stage(now, StageStatus::Failed),
            None => {
                if !self.evaluate(now, Position::OnFailure) {
                    self.end_stage(now, StageStatus::Failed);
                }
            }
        }
    }

    fn end_stage(&mut self, now: Timestamp, status: StageStatus) {
        let Some(run) = self.stage.take() else { return };
        self.record(Event::StageFinished {
            stage: self.pipeline.stages[run.index].name.value.clone(),
            attempt: run.attempt,
            status,
            duration_ms: millis(run.started, now),
        });
        match status {
            StageStatus::Succeeded | StageStatus::Skipped => {
                if self.stopping.is_some() && run.index + 1 < self.pipeline.stages.len() {
                    self.finish(now, RunStatus::Stopped);
                } else {
                    self.enter_stage(now, run.index + 1);
                }
            }
            StageStatus::Failed => self.finish(now, RunStatus::Failed),
            StageStatus::Stopped => self.finish(now, RunStatus::Stopped),
        }
    }

    fn finish(&mut self, now: Timestamp, status: RunStatus) {
        self.finished = true;
        let duration_ms = self.started.map_or(0, |started| millis(started, now));
        self.record(Event::RunFinished { status, duration_ms });
        self.out.push(Command::Finish(status));
    }

    fn stop(&mut self, now: Timestamp, reason: String, at_once: bool) {
        let first = self.stopping.is_none();
        let level = if first && !at_once {
            Level::Interrupt
        } else {
            Level::Kill
        };
        if self.stopping.as_ref().is_some_and(|stopping| stopping.level >= level) {
            return;
        }
        let next = now.checked_add(PATIENCE).unwrap_or(now);
        self.stopping = Some(Stopping { level, next });
        let action = match (self.running.len() + self.rules.len(), level) {
            (0, _) => "nothing is running".to_owned(),
            (count, Level::Kill) => format!(
                "{} ended at once",
                things(count, "running action is", "running actions are")
            ),
            (count, _) => format!(
                "{} asked to end; again: at once",
                things(count, "running action is", "running actions are")
            ),
        };
        self.record(Event::StopRequested { reason, action });
        self.out.push(Command::SignalAll(level));
        if self.rules.is_empty() {
            self.next_step(now);
        }
    }

    fn tick(&mut self, now: Timestamp) {
        let mut signals = Vec::new();
        for (at, running) in &mut self.running {
            if running.deadline.is_some_and(|deadline| deadline <= now) {
                let level = match running.overdue {
                    None => Level::Terminate,
                    Some(_) => Level::Kill,
                };
                running.overdue = Some(level);
                running.deadline = (level < Level::Kill).then(|| now.checked_add(PATIENCE).unwrap_or(now));
                signals.push(Command::Signal(*at, level));
            }
        }
        self.out.extend(signals);
        if let Some(stopping) = &mut self.stopping
            && stopping.level < Level::Kill
            && stopping.next <= now
        {
            stopping.level = stopping.level.next();
            stopping.next = now.checked_add(PATIENCE).unwrap_or(now);
            let level = stopping.level;
            let count = self.running.len() + self.rules.len();
            let message = format!(
                "{} still running after {} seconds: sending {}",
                things(count, "action is", "actions are"),
                PATIENCE.as_secs(),
                if level == Level::Kill { "KILL" } else { "TERM" }
            );
            self.record(Event::Note { message });
            self.out.push(Command::SignalAll(level));
        }
    }
}

fn things(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn steps(stage: &ir::Stage, index: usize) -> Vec<Vec<ActionRef>> {
    let mut steps: BTreeMap<u32, Vec<ActionRef>> = BTreeMap::new();
    for (action, node) in stage.actions.iter().enumerate() {
        let at = ActionRef { stage: index, action };
        steps.entry(node.run_order).or_default().push(at);
    }
    steps.into_values().collect()
}

fn condition(stage: &ir::Stage, position: Position) -> Option<&ir::Condition> {
    match position {
        Position::BeforeEntry => stage.before_entry.as_ref(),
        Position::OnSuccess => stage.on_success.as_ref(),
        Position::OnFailure => stage.on_failure.as_ref()?.condition.as_ref(),
    }
}

fn action_name(stage: &ir::Stage, action: &ir::Action, attempt: u32) -> ActionName {
    ActionName {
        stage: stage.name.value.clone(),
        action: action.name.value.clone(),
        attempt,
    }
}

/// The path of an attempt's log within the run's folder.
pub fn log_path(name: &ActionName) -> String {
    let stage = super::paths::component(&name.stage);
    let action = super::paths::component(&name.action);
    match name.attempt {
        1 => format!("logs/{stage}/{action}.log"),
        attempt => format!("logs/{stage}/{action}.{attempt}.log"),
    }
}

fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}
