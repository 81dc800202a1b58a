//! One execution: where it is, and what it has come to.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::definition::Definition;
use super::{Answer, Task};
use crate::ir::ConditionResult;
use crate::run::event::{Kind, RuleStatus, Trigger};
use crate::run::outcome::{RunStatus, StageStatus};
use crate::run::planned::{ActionRef, Position};
use crate::run::store::Artifact;
use crate::run::variables::Variables;

/// An execution's id: a UUID in lower case.
pub type Id = Arc<str>;

/// One execution.
#[derive(Clone, Debug)]
pub struct Execution {
    pub id: Id,
    /// Counts the executions in the order of their start.
    pub number: u64,
    pub definition: Arc<Definition>,
    pub kind: Kind,
    pub trigger: Trigger,
    /// None while it goes on.
    pub status: Option<RunStatus>,
    pub ending: Option<Ending>,
    pub started: Timestamp,
    pub place: Place,
    /// The stage that it began with.
    pub first_stage: usize,
    /// The stage that it ends after.
    pub last_stage: usize,
    pub variables: Variables,
    pub artifacts: BTreeMap<String, Artifact>,
    /// By stage.
    pub stages: Vec<StageState>,
    /// How often each action was started.
    pub attempts: HashMap<ActionRef, u32>,
}

/// Why nothing new may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Stop { abandon: bool },
    Cancel,
}

impl Ending {
    /// Whether approvals wait no longer: only a stop that waits for what is in progress waits for answers, too.
    pub(super) fn withdraws_approvals(self) -> bool {
        match self {
            Self::Stop { abandon } => abandon,
            Self::Cancel => true,
        }
    }
}

/// Where an execution is.
#[derive(Clone, Debug)]
pub enum Place {
    /// On the way into a stage; after the last one, at the end.
    Arriving(usize),
    /// In front of a stage.
    Waiting(usize),
    In(Box<StageRun>),
    /// Out of a stage that ended it.
    Leaving {
        status: RunStatus,
        /// The stage that is to be rolled back first.
        rollback: Option<usize>,
    },
    Done,
}

/// What remains of a stage over all attempts.
#[derive(Clone, Debug, Default)]
pub struct StageState {
    pub status: Option<StageStatus>,
    /// When it came to this status.
    pub ended: Option<Timestamp>,
    pub attempt: u32,
    pub succeeded: BTreeSet<usize>,
    /// The before-entry condition was met, overridden, or is not there.
    pub is_entered: bool,
    pub was_retried_automatically: bool,
}

/// The stage that an execution is in.
#[derive(Clone, Debug)]
pub struct StageRun {
    pub index: usize,
    pub attempt: u32,
    pub started: Timestamp,
    pub phase: Phase,
    /// What has not been started of the current step and, unless something has failed, of those after it.
    pub todo: VecDeque<VecDeque<usize>>,
    pub running: BTreeMap<usize, Running>,
    /// What the end of an earlier process has cut off: it starts again, whatever has failed or was stopped meanwhile.
    pub interrupted: BTreeSet<usize>,
    /// The answers to its approvals that nothing has followed from yet: what follows is written down as something of its own.
    pub answered: BTreeMap<usize, Answer>,
    /// The condition that somebody has overridden while rules of it ran, which are told to end.
    pub overridden: Option<Position>,
    /// An action of this attempt did not succeed.
    pub failed: bool,
    /// The rules of the condition of this phase that run, and those that have ended.
    pub rules_running: BTreeMap<usize, Running>,
    pub rules_ended: BTreeMap<usize, RuleStatus>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Condition(Position),
    Actions,
    /// It is known how the stage ends.
    Decided {
        status: StageStatus,
        rollback: bool,
    },
}

/// An action or rule in progress.
#[derive(Clone, Debug)]
pub struct Running {
    pub attempt: u32,
    pub started: Timestamp,
    pub deadline: Option<Timestamp>,
    pub token: Option<String>,
    /// Why it is being ended. Not in the journal: what was cut off starts anew.
    pub why: Option<super::Why>,
}

impl Execution {
    pub fn is_live(&self) -> bool {
        self.status.is_none()
    }

    pub fn stage_run(&self) -> Option<&StageRun> {
        match &self.place {
            Place::In(run) => Some(run),
            _ => None,
        }
    }

    pub fn stage_run_mut(&mut self) -> Option<&mut StageRun> {
        match &mut self.place {
            Place::In(run) => Some(run),
            _ => None,
        }
    }

    /// Whether its approvals wait no longer.
    pub(super) fn withdraws_approvals(&self) -> bool {
        self.ending.is_some_and(Ending::withdraws_approvals)
    }

    /// What `onFailure` says without conditions.
    pub fn failure_result(&self, stage: usize) -> Option<ConditionResult> {
        let handling = self.definition.stage(stage).on_failure.as_ref()?;
        Some(handling.result.as_ref()?.value)
    }
}

impl StageRun {
    /// Goes on to the next step that has something to start, if the current one has ended.
    pub(super) fn pass_step(&mut self) {
        while !self.has_actions() && self.todo.front().is_some_and(VecDeque::is_empty) {
            self.todo.pop_front();
        }
    }

    /// What runs under this name in this stage, if it still does.
    pub(super) fn task(&self, task: Task) -> Option<&Running> {
        let (running, attempt) = match task {
            Task::Action(at, attempt) if at.stage == self.index => (self.running.get(&at.action)?, attempt),
            Task::Rule(at, attempt) if at.stage == self.index && self.phase == Phase::Condition(at.position) => {
                (self.rules_running.get(&at.rule)?, attempt)
            }
            Task::Action(..) | Task::Rule(..) => return None,
        };
        (running.attempt == attempt).then_some(running)
    }

    /// As [`StageRun::task`], to say why it is being ended.
    pub(super) fn task_mut(&mut self, task: Task) -> Option<&mut Running> {
        self.task(task)?;
        match task {
            Task::Action(at, _) => self.running.get_mut(&at.action),
            Task::Rule(at, _) => self.rules_running.get_mut(&at.rule),
        }
    }

    /// Whether anything of it is in progress.
    pub fn is_busy(&self) -> bool {
        self.has_actions() || !self.rules_running.is_empty()
    }

    /// Whether an action is in progress or is to be so again.
    pub(super) fn has_actions(&self) -> bool {
        !self.running.is_empty() || !self.interrupted.is_empty()
    }
}
