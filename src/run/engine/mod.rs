//! CodePipeline's semantics as a pure state machine: inputs in, commands out.
//!
//! The engine has no clock (each input comes with the time), no randomness, starts no process, and reads and writes nothing.
//! All that can happen to it is [`Input`]; all that it can ask for is [`Command`]. One engine is one pipeline with any number of
//! executions at once.
//!
//! It is *event-sourced*: what it decides it says as an [`Event`] to record, and its [`State`] changes by events alone. So
//! the fold of a journal is the state, and going on after a crash is nothing but asking what comes next.
//!
//! The semantics are those of `codepipeline.md`, section 5; where the service's documentation is silent,
//! `docs/decisions/execution-semantics.md` says what is done and why.

mod changes;
mod control;
mod definition;
mod execution;
mod flow;
mod fold;
mod refused;
mod restart;
mod stages;
mod state;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use changes::APPROVAL_MINUTES;
pub use definition::{Ambiguous, Definition};
pub use execution::{Ending, Execution, Id, Phase, Place, Running, StageRun, StageState};
pub use refused::Refused;
pub use state::{Gate, State};
pub use work::UNANSWERED;

use super::event::{ActionName, Event, Inherited, Record, RuleName, Trigger};
use super::outcome::Failure;
use super::planned::{ActionRef, Position, RuleRef};
use super::store::Artifact;
use super::variables::Resolved;
use crate::ir::RetryMode;

/// All that can happen.
#[derive(Clone, Debug)]
pub enum Input {
    Start(Box<Start>),
    ActionEnded {
        execution: Id,
        at: ActionRef,
        attempt: u32,
        ended: Box<Ended>,
    },
    RuleEnded {
        execution: Id,
        at: RuleRef,
        attempt: u32,
        verdict: Verdict,
    },
    /// Somebody answers an approval.
    Answer {
        execution: Id,
        stage: String,
        action: String,
        /// Must be that of the approval, if it is given.
        token: Option<String>,
        answer: Answer,
    },
    Stop {
        execution: Id,
        reason: String,
        /// End what runs instead of waiting for it.
        abandon: bool,
    },
    Retry {
        execution: Id,
        stage: String,
        mode: RetryMode,
    },
    /// Puts a stage back to what an earlier execution did in it.
    Rollback {
        stage: String,
        target: Id,
        /// Who asks.
        detail: String,
    },
    /// Lets a stage go on in spite of a condition that is being evaluated.
    Override {
        execution: Id,
        stage: String,
        position: Position,
    },
    /// Closes the way into a stage with a reason, or opens it.
    Transition {
        stage: String,
        disabled: Option<String>,
    },
    /// The pipeline's definition was changed.
    Define(Arc<Definition>),
    /// Another process goes on with what [`Engine::restore`] has read: what was in progress is started anew.
    Resume {
        reason: String,
        /// Actions of the stages that executions are in which have succeeded, and whose artifacts are lost.
        lost: Vec<(Id, ActionRef)>,
    },
    /// Time has passed: see [`Engine::next_deadline`].
    Tick,
}

/// What an execution is started with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Start {
    pub execution: String,
    pub trigger: Trigger,
    pub variables: BTreeMap<String, String>,
    /// Where it begins, if not at the first stage; what comes before it is taken from [`Start::inherited`].
    pub first_stage: Option<String>,
    /// Where it ends, if not after the last stage.
    pub last_stage: Option<String>,
    pub inherited: Option<Inherited>,
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

/// What somebody says to an approval.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub approved: bool,
    pub comment: String,
    pub by: String,
}

/// All that the engine can ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// To the execution's journal, before anything that follows it.
    Record {
        /// No two events of an engine have the same: it tells their order even where they are in different journals.
        time: Timestamp,
        execution: Id,
        event: Event,
    },
    StartAction(Box<ActionStart>),
    StartRule(Box<RuleStart>),
    /// End something that runs. How it ended is told as always.
    End {
        execution: Id,
        task: Task,
        why: Why,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct ActionStart {
    pub execution: Id,
    pub at: ActionRef,
    pub attempt: u32,
    pub resolved: Resolved,
    pub inputs: Vec<(String, Artifact)>,
    /// Of an approval.
    pub token: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RuleStart {
    pub execution: Id,
    pub at: RuleRef,
    pub attempt: u32,
    pub resolved: Resolved,
    pub inputs: Vec<(String, Artifact)>,
}

/// Something that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Task {
    Action(ActionRef, u32),
    Rule(RuleRef, u32),
}

/// Why something is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    TimedOut,
    Abandoned,
    /// Its answer is known already.
    Answered,
}

/// The state machine.
#[derive(Clone)]
pub struct Engine {
    state: State,
    /// How many actions run at the same time at most; approvals do not count.
    jobs: usize,
    out: Vec<Command>,
}

impl Engine {
    pub fn new(definition: Arc<Definition>, jobs: usize) -> Self {
        Self {
            state: State::new(definition),
            jobs: jobs.max(1),
            out: Vec::new(),
        }
    }

    /// Knows an earlier version of the definition, before executions of it are restored.
    pub fn remember(&mut self, definition: Arc<Definition>) {
        self.state.remember(definition);
    }

    /// Takes in what a journal says of an execution, as if it had happened here.
    pub fn restore(&mut self, execution: &Id, records: &[Record]) {
        for record in records {
            self.state.apply(record.time, execution, &record.event);
        }
    }

    /// Takes in the journals of several executions, in the order of their start: who came to a stage before whom is known only
    /// from all of them together.
    pub fn restore_all(&mut self, journals: &[(&Id, &[Record])]) {
        let mut all = Vec::new();
        for (id, records) in journals {
            let mut latest = Timestamp::MIN;
            for record in *records {
                // A clock that was put back does not turn a journal around.
                latest = latest.max(record.time);
                all.push((latest, *id, record));
            }
        }
        // What happened at the same time stays in the order of the executions.
        all.sort_by_key(|(time, ..)| *time);
        for (_, id, record) in all {
            self.state.apply(record.time, id, &record.event);
        }
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn execution(&self, id: &str) -> Option<&Execution> {
        self.state.executions.get(id)
    }

    /// Takes one input at the time `now`; gives what is to be done, in order. A request that cannot be granted changes nothing.
    pub fn handle(&mut self, now: Timestamp, input: Input) -> Result<Vec<Command>, Refused> {
        match input {
            Input::Start(start) => self.start(now, *start)?,
            Input::ActionEnded {
                execution,
                at,
                attempt,
                ended,
            } => self.action_ended(now, &execution, at, attempt, *ended),
            Input::RuleEnded {
                execution,
                at,
                attempt,
                verdict,
            } => self.rule_ended(now, &execution, at, attempt, verdict),
            Input::Answer {
                execution,
                stage,
                action,
                token,
                answer,
            } => self.answer(now, &execution, &stage, &action, token.as_deref(), answer)?,
            Input::Stop {
                execution,
                reason,
                abandon,
            } => self.stop(now, &execution, reason, abandon)?,
            Input::Retry { execution, stage, mode } => self.retry(now, &execution, &stage, mode)?,
            Input::Rollback { stage, target, detail } => self.roll_back(now, &stage, &target, detail)?,
            Input::Override {
                execution,
                stage,
                position,
            } => self.override_condition(now, &execution, &stage, position)?,
            Input::Transition { stage, disabled } => self.transition(now, &stage, disabled)?,
            Input::Define(definition) => self.define(now, definition),
            Input::Resume { reason, lost } => self.resume(now, &reason, &lost),
            Input::Tick => self.tick(now),
        }
        self.settle(now);
        self.state.forget_deadlines();
        Ok(std::mem::take(&mut self.out))
    }

    /// When the engine wants a [`Input::Tick`], if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.state.next_deadline()
    }

    /// Whether nothing is in progress, so that nothing happens any more unless someone asks for it.
    pub fn is_idle(&self) -> bool {
        let mut runs = self
            .state
            .live
            .values()
            .filter_map(|id| self.execution(id)?.stage_run());
        !runs.any(StageRun::is_busy)
    }

    /// Lets something happen: writes it down, and changes the state by it.
    fn emit(&mut self, now: Timestamp, id: &Id, event: Event) {
        let time = self.state.stamp(now);
        self.state.apply(time, id, &event);
        self.out.push(Command::Record {
            time,
            execution: Arc::clone(id),
            event,
        });
    }
}

fn action_name(execution: &Execution, at: ActionRef, attempt: u32) -> ActionName {
    let stage = execution.definition.stage(at.stage);
    ActionName {
        stage: stage.name.value.clone(),
        action: stage.actions[at.action].name.value.clone(),
        attempt,
    }
}

fn rule_name(execution: &Execution, at: RuleRef, attempt: u32) -> Option<RuleName> {
    Some(RuleName {
        stage: execution.definition.stage(at.stage).name.value.clone(),
        position: at.position,
        rule: execution.definition.rule(at)?.name.value.clone(),
        attempt,
    })
}

/// The path of an attempt's log within the run's folder.
pub fn action_log(name: &ActionName) -> String {
    let stage = super::paths::component(&name.stage);
    let action = super::paths::component(&name.action);
    match name.attempt {
        1 => format!("logs/{stage}/{action}.log"),
        attempt => format!("logs/{stage}/{action}.{attempt}.log"),
    }
}

/// A rule under the name of an action, for its log: the name, and the log's path within the run's folder.
pub fn rule_log(stage: &str, position: Position, rule: &str, attempt: u32) -> (ActionName, String) {
    let position = position.words().replace(' ', "-");
    let name = ActionName {
        stage: stage.to_owned(),
        // A space cannot be in an action's name.
        action: format!("{position} {rule}"),
        attempt,
    };
    let path = action_log(&name);
    (name, path)
}

/// An id that follows from others: the engine has no randomness, and the same question gets the same id.
pub(in crate::run) fn derived_id(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&part.len().to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

fn millis(from: Timestamp, to: Timestamp) -> u64 {
    // What happened in the same moment stands nanoseconds apart.
    let duration = to.duration_since(from).saturating_add(SignedDuration::from_micros(500));
    u64::try_from(duration.as_millis()).unwrap_or(0)
}
