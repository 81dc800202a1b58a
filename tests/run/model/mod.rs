//! A reference model of CodePipeline's semantics, to be held against the engine: simple and slow, written from the text
//! of `codepipeline.md`, section 5, and of `docs/decisions/execution-semantics.md`, and from nothing else.
//!
//! It remembers everything in plain lists, has no events of its own to fold, and after each input goes over all executions
//! again and again until nothing changes any more. What it says is words: `3 action_started B a 2`.

mod flow;
mod requests;
pub(crate) mod spec;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

use pipe::ir::{ConditionResult, ExecutionMode, RetryMode};
use pipe::run::planned::Position;

/// A pipeline's definition, as far as it matters for when something happens.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spec {
    /// Tells versions apart.
    pub(crate) digest: String,
    pub(crate) mode: ExecutionMode,
    pub(crate) stages: Vec<StageSpec>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StageSpec {
    pub(crate) name: String,
    pub(crate) actions: Vec<ActionSpec>,
    pub(crate) before_entry: Option<ConditionSpec>,
    pub(crate) on_success: Option<ConditionSpec>,
    pub(crate) on_failure: OnFailure,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ActionSpec {
    /// Its namespace too.
    pub(crate) name: String,
    pub(crate) order: u32,
    pub(crate) is_approval: bool,
    pub(crate) timeout_minutes: Option<u64>,
    /// The action whose output variable it uses.
    pub(crate) uses: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ConditionSpec {
    pub(crate) result: ConditionResult,
    /// The rules' time limits in minutes.
    pub(crate) rules: Vec<Option<u64>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OnFailure {
    Nothing,
    Retry(RetryMode),
    Rollback,
    Condition(ConditionSpec),
}

impl StageSpec {
    pub(crate) fn condition(&self, position: Position) -> Option<&ConditionSpec> {
        match (position, &self.on_failure) {
            (Position::BeforeEntry, _) => self.before_entry.as_ref(),
            (Position::OnSuccess, _) => self.on_success.as_ref(),
            (Position::OnFailure, OnFailure::Condition(condition)) => Some(condition),
            (Position::OnFailure, _) => None,
        }
    }
}

/// What an answer to an approval names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Token {
    Absent,
    /// That of the action's attempt.
    Of(u32),
    Nonsense,
}

/// An action or rule of an execution, by the number of its stage and its own, and the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Job {
    Action(usize, usize, u32),
    Rule(usize, Position, usize, u32),
}

/// How an execution is started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Start {
    pub(crate) first_stage: Option<String>,
    pub(crate) last_stage: Option<String>,
    /// Values of output variables by action, taken from an earlier execution.
    pub(crate) inherited: BTreeMap<String, String>,
}

/// What the model says to one input.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Said {
    /// By execution, in order.
    pub(crate) events: BTreeMap<usize, Vec<String>>,
    /// What is to be started; an action with the value that it uses.
    pub(crate) started: BTreeSet<(usize, Job, String)>,
    /// What is to be ended.
    pub(crate) ended: BTreeSet<(usize, Job, &'static str)>,
}

/// The name of an exception.
pub(crate) type Refused = &'static str;

pub(crate) struct Model {
    spec: Rc<Spec>,
    jobs: usize,
    /// Minutes since the beginning.
    now: u64,
    pub(crate) executions: Vec<Execution>,
    /// Stages that may not be entered, by name.
    disabled: BTreeSet<String>,
    /// Who has entered which stage, by its name, in order.
    entered: Vec<(String, usize)>,
    /// Who has succeeded in which stage, in order.
    succeeded: Vec<(String, usize)>,
    said: Said,
}

#[derive(Debug)]
pub(crate) struct Execution {
    spec: Rc<Spec>,
    pub(crate) is_rollback: bool,
    last: usize,
    place: Place,
    stop: Option<Stop>,
    is_cancelled: bool,
    /// The output variable of each action that has given it.
    variables: BTreeMap<String, String>,
    stages: BTreeMap<usize, StageRun>,
    /// When it came to where it waits.
    arrival: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// In front of a stage.
    Before(usize),
    In(usize),
    Ended(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stop {
    Wait,
    Abandon,
}

/// What an execution did in a stage.
#[derive(Clone, Debug)]
struct StageRun {
    attempt: u32,
    phase: Phase,
    entry_is_met: bool,
    was_retried_automatically: bool,
    actions: Vec<ActionRun>,
    rules: Vec<RuleRun>,
    /// Once it has ended.
    status: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Actions,
    Rules(Position),
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct ActionRun {
    attempt: u32,
    state: ActionState,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum ActionState {
    NotStarted,
    Running {
        deadline: Option<u64>,
        /// It was told to end.
        why: Option<&'static str>,
    },
    Succeeded,
    Failed,
    Abandoned,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum RuleRun {
    Running {
        deadline: Option<u64>,
        why: Option<&'static str>,
    },
    Ended {
        is_satisfied: bool,
    },
}

const APPROVAL_MINUTES: u64 = 7 * 24 * 60;
/// Running actions of an execution in PARALLEL mode.
const PARALLEL_ACTIONS: usize = 5;
/// Executions at once in QUEUED and PARALLEL mode.
const EXECUTIONS: usize = 50;

impl Model {
    pub(crate) fn new(spec: Rc<Spec>, jobs: usize) -> Self {
        Self {
            spec,
            jobs,
            now: 0,
            executions: Vec::new(),
            disabled: BTreeSet::new(),
            entered: Vec::new(),
            succeeded: Vec::new(),
            said: Said::default(),
        }
    }

    fn say(&mut self, id: usize, words: fmt::Arguments<'_>) {
        self.said.events.entry(id).or_default().push(words.to_string());
    }

    fn stage_name(&self, id: usize, stage: usize) -> String {
        self.executions[id].spec.stages[stage].name.clone()
    }

    fn action_name(&self, id: usize, stage: usize, action: usize) -> String {
        let spec = &self.executions[id].spec.stages[stage];
        format!("{} {}", spec.name, spec.actions[action].name)
    }

    fn is_parallel(&self, id: usize) -> bool {
        self.executions[id].spec.mode == ExecutionMode::Parallel
    }
}

impl Execution {
    fn is_live(&self) -> bool {
        !matches!(self.place, Place::Ended(_))
    }

    /// Nothing new may begin in it.
    fn is_ending(&self) -> bool {
        self.stop.is_some() || self.is_cancelled
    }
}

impl StageRun {
    fn is_busy(&self) -> bool {
        let running = |action: &ActionRun| matches!(action.state, ActionState::Running { .. });
        let evaluated = |rule: &RuleRun| matches!(rule, RuleRun::Running { .. });
        self.actions.iter().any(running) || self.rules.iter().any(evaluated)
    }

    fn has(&self, state: ActionState) -> bool {
        self.actions.iter().any(|action| action.state == state)
    }
}

fn position_word(position: Position) -> &'static str {
    match position {
        Position::BeforeEntry => "before_entry",
        Position::OnSuccess => "on_success",
        Position::OnFailure => "on_failure",
    }
}

fn result_word(result: ConditionResult) -> &'static str {
    match result {
        ConditionResult::Rollback => "ROLLBACK",
        ConditionResult::Fail => "FAIL",
        ConditionResult::Retry => "RETRY",
        ConditionResult::Skip => "SKIP",
    }
}

fn mode_word(mode: RetryMode) -> &'static str {
    match mode {
        RetryMode::FailedActions => "FAILED_ACTIONS",
        RetryMode::AllActions => "ALL_ACTIONS",
    }
}
