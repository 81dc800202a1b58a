//! What happens in a run, as it is written to the journal: one [`Record`] a line.
//!
//! The journal is the run's state, its history and the stream that every view is drawn from, so an event says all that is
//! needed to know the state after it: [`super::engine`] changes its state by events alone, and folding a journal gives the
//! state back. `docs/events.md` describes the lines for other programs; fields are only ever added.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::outcome::{Failure, RunStatus, StageStatus, Status};
use super::planned::{PlannedAction, Position};
use super::store::Artifact;
use crate::ir::{ConditionResult, ExecutionMode, RetryMode};

/// The version of the lines' form; a reader refuses any other.
pub const VERSION: u32 = 2;

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

/// Names the evaluation of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RuleName {
    pub stage: String,
    pub position: Position,
    pub rule: String,
    /// The stage's attempt, from 1.
    pub attempt: u32,
}

/// What set an execution off, in CodePipeline's words (`codepipeline.md`, section 4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// `StartPipelineExecution`, `ManualRollback`, …
    #[serde(rename = "type")]
    pub kind: TriggerType,
    /// Who or what, at most 1,024 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TriggerType {
    #[default]
    StartPipelineExecution,
    /// A source changed while the run watched it.
    CloudWatchEvent,
    ManualRollback,
    AutomatedRollback,
}

/// Whether an execution is one of its own or puts a stage back to an earlier one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Kind {
    #[default]
    Standard,
    Rollback,
}

/// What an execution takes over of an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inherited {
    /// The earlier execution's id.
    pub execution_id: String,
    pub artifacts: BTreeMap<String, Artifact>,
    /// The output variables of its actions, by namespace and name.
    pub namespaces: BTreeMap<String, BTreeMap<String, String>>,
    /// Those whose values hold secrets, which are not kept: namespace and name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<(String, String)>,
}

/// The first event of a journal: all that an execution starts from, besides its definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Started {
    pub pipeline: String,
    pub execution_id: String,
    /// The digest of the definition, which is kept beside the journal.
    pub definition: String,
    pub mode: ExecutionMode,
    #[serde(rename = "type")]
    pub kind: Kind,
    pub trigger: Trigger,
    /// The pipeline's variables, by name.
    pub variables: BTreeMap<String, String>,
    /// Those whose values hold secrets, which are not kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<String>,
    /// The stage that it begins with, if not the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_stage: Option<String>,
    /// The stage that it ends after, if not the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_stage: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited: Option<Box<Inherited>>,
    pub jobs: usize,
    pub stages: Vec<String>,
    pub actions: Vec<PlannedAction>,
}

impl Started {
    /// What a journal begins with; none if it does not begin as one.
    pub fn of(records: &[Record]) -> Option<&Self> {
        match &records.first()?.event {
            Event::RunStarted(started) => Some(started),
            _ => None,
        }
    }
}

/// How a rule ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleStatus {
    Succeeded,
    Failed,
    /// The condition was overridden, or the run stopped, meanwhile.
    Abandoned,
}

/// How a condition ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionStatus {
    /// All rules succeeded.
    Succeeded,
    Failed,
    /// Somebody decided that the stage goes on.
    Overridden,
}

/// Who asked for a retry or a rollback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The stage's own failure handling.
    Automatic,
    Manual,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    RunStarted(Box<Started>),
    /// Another process goes on with the run.
    RunResumed {
        reason: String,
    },
    /// It has come to a stage that it cannot enter yet.
    StageWaiting {
        stage: String,
        reason: Waiting,
    },
    StageStarted {
        stage: String,
        attempt: u32,
    },
    RuleStarted {
        #[serde(flatten)]
        name: RuleName,
        driver: String,
        log: String,
    },
    /// The evaluation was cut off by the end of the program; it is done again.
    RuleInterrupted {
        #[serde(flatten)]
        name: RuleName,
    },
    RuleFinished {
        #[serde(flatten)]
        name: RuleName,
        status: RuleStatus,
        simulated: bool,
        /// What was found.
        message: String,
    },
    ConditionFinished {
        stage: String,
        position: Position,
        status: ConditionStatus,
        /// What follows from it; none: the stage goes on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<ConditionResult>,
    },
    ActionStarted {
        #[serde(flatten)]
        name: ActionName,
        driver: String,
        /// The log's path within the run's folder; the file exists once something was written.
        log: String,
        /// What an answer to an approval must name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
    },
    /// It was cut off by the end of the program; it is started again from the beginning.
    ActionInterrupted {
        #[serde(flatten)]
        name: ActionName,
    },
    ApprovalAnswered {
        #[serde(flatten)]
        name: ActionName,
        approved: bool,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        comment: String,
        /// Who answered.
        by: String,
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
        /// Those whose values hold secrets, which are not kept.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        masked: Vec<String>,
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
        /// The attempt that begins.
        attempt: u32,
        mode: RetryMode,
        by: By,
    },
    /// A stage is put back to an earlier execution's state, by an execution of its own.
    RollbackStarted {
        stage: String,
        /// The new execution's id.
        execution_id: String,
        /// The id of the execution that is gone back to.
        target: String,
        by: By,
    },
    StopRequested {
        reason: String,
        /// What runs is ended, and not waited for.
        abandon: bool,
    },
    /// The definition was changed underneath it: what runs is waited for, nothing new starts.
    CancelRequested {
        reason: String,
    },
    /// The way into a stage was closed or opened.
    TransitionChanged {
        stage: String,
        enabled: bool,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    Note {
        message: String,
    },
    RunFinished {
        status: RunStatus,
        duration_ms: u64,
        /// The newer execution that took its place.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        superseded_by: Option<String>,
    },
}

/// Why an execution stands in front of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// Another execution is in the stage.
    Occupied { execution_id: String },
    /// Others wait before it.
    Queued,
    /// The transition is disabled.
    Disabled { reason: String },
}

impl Event {
    /// The event as it may be written down and shown: with everything that came from an action, from the user or out of a file
    /// handed through `mask`. The engine and later actions keep the real values.
    pub(super) fn masked(mut self, mask: impl Fn(&mut String)) -> Self {
        match &mut self {
            Self::RunStarted(started) => {
                mask_values(&mut started.variables, &mut started.masked, &mask);
                if let Some(inherited) = &mut started.inherited {
                    for (namespace, values) in &mut inherited.namespaces {
                        let mut masked = Vec::new();
                        mask_values(values, &mut masked, &mask);
                        let named = masked.into_iter().map(|name| (namespace.clone(), name));
                        inherited.masked.extend(named);
                    }
                }
            }
            Self::RuleFinished { message, .. } | Self::Note { message } => mask(message),
            Self::ApprovalAnswered { comment, .. } => mask(comment),
            Self::ActionFinished {
                failure,
                variables,
                masked,
                notes,
                ..
            } => {
                mask_values(variables, masked, &mask);
                notes.iter_mut().for_each(&mask);
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
            Self::StopRequested { reason, .. }
            | Self::CancelRequested { reason }
            | Self::RunResumed { reason }
            | Self::TransitionChanged { reason, .. } => mask(reason),
            Self::StageWaiting { .. }
            | Self::StageStarted { .. }
            | Self::RuleStarted { .. }
            | Self::RuleInterrupted { .. }
            | Self::ConditionFinished { .. }
            | Self::ActionStarted { .. }
            | Self::ActionInterrupted { .. }
            | Self::StageFinished { .. }
            | Self::StageRetried { .. }
            | Self::RollbackStarted { .. }
            | Self::RunFinished { .. } => {}
        }
        self
    }
}

/// Masks values, and notes the names of those that held a secret: a process that goes on with the run does not have them.
fn mask_values(values: &mut BTreeMap<String, String>, masked: &mut Vec<String>, mask: impl Fn(&mut String)) {
    for (name, value) in values {
        let before = value.clone();
        mask(value);
        if *value != before {
            masked.push(name.clone());
        }
    }
}
