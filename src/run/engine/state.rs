//! What is known of a pipeline and all its executions.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Task;
use super::definition::Definition;
use super::execution::{Execution, Id};
use crate::ir::ExecutionMode;

/// Everything about one pipeline.
#[derive(Clone, Debug)]
pub struct State {
    /// The current version.
    pub definition: Arc<Definition>,
    /// All versions that executions may have, by their digests.
    pub(super) definitions: HashMap<String, Arc<Definition>>,
    /// What stands in front of each stage, by its name.
    pub(super) gates: HashMap<String, Gate>,
    pub executions: HashMap<Id, Execution>,
    /// The executions that have not ended, in the order of their start.
    pub live: BTreeMap<u64, Id>,
    pub(super) count: u64,
    /// The time of the last event.
    pub(super) last: Timestamp,
    /// How many actions run that take one of the places.
    pub places_taken: usize,
    /// When what runs has to have ended, the next first. What has ended before is taken out when it comes to the front.
    pub(super) deadlines: BTreeSet<(Timestamp, Id, Task)>,
}

/// The way into a stage, and the stage's lock.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    /// Why the transition is disabled.
    pub disabled: Option<String>,
    pub holder: Option<Id>,
    /// In the order of arrival; in SUPERSEDED mode one at most, in PARALLEL mode none.
    pub waiting: VecDeque<Id>,
    /// The execution that entered last.
    pub latest: Option<Id>,
}

impl State {
    pub fn new(definition: Arc<Definition>) -> Self {
        let mut state = Self {
            definitions: HashMap::new(),
            gates: HashMap::new(),
            executions: HashMap::new(),
            live: BTreeMap::new(),
            count: 0,
            last: Timestamp::UNIX_EPOCH,
            places_taken: 0,
            deadlines: BTreeSet::new(),
            definition: Arc::clone(&definition),
        };
        state.define(definition);
        state
    }

    /// Takes another version of the definition: stages keep their locks by their names, and stay closed if somebody has closed
    /// them. Even what belongs to a stage that is gone is kept: it may come back.
    pub fn define(&mut self, definition: Arc<Definition>) {
        for transition in &self.definition.pipeline.deployment.disabled_transitions {
            self.gates.entry(transition.stage.value.clone()).or_default().disabled = None;
        }
        for transition in &definition.pipeline.deployment.disabled_transitions {
            let reason = transition.reason.value.to_string();
            self.gates.entry(transition.stage.value.clone()).or_default().disabled = Some(reason);
        }
        self.remember(Arc::clone(&definition));
        self.definition = definition;
    }

    /// The time of the next event: a little later than the last one, if that was in the same moment. A clock that was put back is
    /// followed.
    pub(super) fn stamp(&self, now: Timestamp) -> Timestamp {
        let next = self.last.saturating_add(SignedDuration::from_nanos(1)).unwrap_or(now);
        let is_same_moment = now < next && next.duration_since(now) < SignedDuration::from_millis(1);
        if is_same_moment { next } else { now }
    }

    /// Knows an earlier version of the definition, for the executions that have it.
    pub fn remember(&mut self, definition: Arc<Definition>) {
        self.definitions.insert(definition.digest.clone(), definition);
    }

    pub fn gate(&self, execution: &Execution, stage: usize) -> Option<&Gate> {
        self.gate_of(&execution.definition.stage(stage).name.value)
    }

    pub fn gate_of(&self, stage: &str) -> Option<&Gate> {
        self.gates.get(stage)
    }

    pub fn mode(&self) -> ExecutionMode {
        self.definition.mode()
    }

    /// The execution that goes on and was started last.
    pub fn newest(&self) -> Option<Id> {
        self.live.values().next_back().cloned()
    }

    /// What has to have ended next, and when.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        Some(self.deadlines.first()?.0)
    }

    /// Takes out what has to have ended by now, and is asked for only once.
    pub(super) fn take_overdue(&mut self, now: Timestamp) -> Option<(Id, Task)> {
        self.forget_deadlines();
        let (deadline, ..) = self.deadlines.first()?;
        if *deadline > now {
            return None;
        }
        let (_, id, task) = self.deadlines.pop_first()?;
        Some((id, task))
    }

    /// Forgets the deadlines that stand in front of that of something which still runs. Each of them is looked at once in its
    /// life.
    pub(super) fn forget_deadlines(&mut self) {
        while let Some((deadline, id, task)) = self.deadlines.first()
            && !self.is_due(id, *task, *deadline)
        {
            self.deadlines.pop_first();
        }
    }

    /// Whether something runs until then that nobody has asked to end. One that was cut off, and started again, has another deadline.
    fn is_due(&self, id: &Id, task: Task, deadline: Timestamp) -> bool {
        let run = self.executions.get(id).and_then(Execution::stage_run);
        run.and_then(|run| run.task(task))
            .is_some_and(|running| running.why.is_none() && running.deadline == Some(deadline))
    }
}
