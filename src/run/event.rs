//! What happens in a run, as it is written to the journal: one [`Record`] a line.
//!
//! The journal is the run's state, its history and the stream that every view is drawn from, so an event says all that a
//! reader needs to know of it. `docs/events.md` describes the lines for other programs; fields are only ever added.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::outcome::{Failure, RunStatus, StageStatus, Status};
use super::planned::{PlannedAction, Position};
use super::store::Artifact;

/// The version of the lines' form; a reader refuses a higher one.
pub const VERSION: u32 = 1;

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub v: u32,
    /// Counts from 1 without gaps.
    pub seq: u64,
    pub time: Timestamp,
    #[serde(flatten)]
    pub event: Event,
}

/// Names the execution of an action: which one, and which try.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ActionName {
    pub stage: String,
    pub action: String,
    /// From 1.
    pub attempt: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    RunStarted {
        pipeline: String,
        execution_id: String,
        variables: BTreeMap<String, String>,
        jobs: usize,
        stages: Vec<String>,
        actions: Vec<PlannedAction>,
    },
    StageStarted {
        stage: String,
        attempt: u32,
    },
    RuleFinished {
        stage: String,
        position: Position,
        rule: String,
        satisfied: bool,
        simulated: bool,
        /// What was found.
        message: String,
    },
    ConditionFinished {
        stage: String,
        position: Position,
        /// Whether all rules were satisfied.
        satisfied: bool,
        /// What follows, in words; none: the stage goes on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<String>,
    },
    ActionStarted {
        #[serde(flatten)]
        name: ActionName,
        driver: String,
        /// The log's path within the run's folder; the file exists once something was written.
        log: String,
    },
    ActionFinished {
        #[serde(flatten)]
        name: ActionName,
        status: Status,
        duration_ms: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Box<Failure>>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        variables: BTreeMap<String, String>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        artifacts: BTreeMap<String, Artifact>,
        /// What a reader should know: what a simulated action would have done, what a source took in.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
    },
    StageFinished {
        stage: String,
        attempt: u32,
        status: StageStatus,
        duration_ms: u64,
    },
    /// A failed stage is tried once more.
    StageRetried {
        stage: String,
        /// `FAILED_ACTIONS` or `ALL_ACTIONS`.
        mode: String,
    },
    StopRequested {
        reason: String,
        /// What is done to running actions.
        action: String,
    },
    Note {
        message: String,
    },
    RunFinished {
        status: RunStatus,
        duration_ms: u64,
    },
}

impl Event {
    /// The event as it may be written down and shown: with everything that came from an action, from the user or out of a file
    /// handed through `mask`. The engine and later actions keep the real values.
    pub(super) fn masked(mut self, mask: impl Fn(&mut String)) -> Self {
        match &mut self {
            Self::RunStarted { variables, .. } => variables.values_mut().for_each(mask),
            Self::RuleFinished { message, .. } | Self::Note { message } => mask(message),
            Self::ConditionFinished { result, .. } => result.iter_mut().for_each(mask),
            Self::ActionFinished {
                failure,
                variables,
                notes,
                ..
            } => {
                variables.values_mut().chain(notes).for_each(&mask);
                if let Some(failure) = failure {
                    let Failure {
                        message,
                        command,
                        help,
                        tail,
                        exit: _,
                        directory: _,
                    } = &mut **failure;
                    mask(message);
                    command.iter_mut().chain(help).chain(tail).for_each(mask);
                }
            }
            Self::StopRequested { reason, .. } => mask(reason),
            Self::StageStarted { .. }
            | Self::ActionStarted { .. }
            | Self::StageFinished { .. }
            | Self::StageRetried { .. }
            | Self::RunFinished { .. } => {}
        }
        self
    }
}
