//! What is known of a pipeline's executions: changed by events alone, so that the fold of a journal gives it back.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::definition::Definition;
use super::{Answer, Task};
use crate::ir::{ConditionResult, ExecutionMode, RetryMode};
use crate::run::event::{By, ConditionStatus, Event, Kind, RuleName, RuleStatus, Started, Trigger};
use crate::run::outcome::{RunStatus, StageStatus, Status};
use crate::run::planned::{ActionRef, Position};
use crate::run::store::Artifact;
use crate::run::variables::{PIPELINE, Variables};

/// An execution's id: a UUID in lower case.
pub type Id = Arc<str>;

/// How long an approval waits unless it says otherwise: seven days (`codepipeline.md`, 5.8).
pub const APPROVAL_MINUTES: u64 = 7 * 24 * 60;

/// Everything about one pipeline.
#[derive(Debug)]
pub struct State {
    /// The current version.
    pub definition: Arc<Definition>,
    /// All versions that executions may have, by their digests.
    definitions: HashMap<String, Arc<Definition>>,
    /// What stands in front of each stage, by its name.
    gates: HashMap<String, Gate>,
    pub executions: HashMap<Id, Execution>,
    /// The executions that have not ended, in the order of their start.
    pub live: BTreeMap<u64, Id>,
    count: u64,
    /// How many actions run that take one of the places.
    pub places_taken: usize,
    /// When what runs has to have ended, the next first. What has ended before is taken out when it comes to the front.
    deadlines: BTreeSet<(Timestamp, Id, Task)>,
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

/// One execution.
#[derive(Debug)]
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

/// Where an execution is.
#[derive(Debug)]
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
#[derive(Debug)]
pub struct StageRun {
    pub index: usize,
    pub attempt: u32,
    pub started: Timestamp,
    pub phase: Phase,
    /// What has not been started of the current step and of those after it.
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

impl State {
    pub fn new(definition: Arc<Definition>) -> Self {
        let mut state = Self {
            definitions: HashMap::new(),
            gates: HashMap::new(),
            executions: HashMap::new(),
            live: BTreeMap::new(),
            count: 0,
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

    /// Changes the state by what happened to an execution.
    pub fn apply(&mut self, now: Timestamp, id: &Id, event: &Event) {
        if let Event::RunStarted(started) = event {
            return self.start(now, id, started);
        }
        if let Event::TransitionChanged { stage, enabled, reason } = event {
            self.gates.entry(stage.clone()).or_default().disabled = (!enabled).then(|| reason.clone());
            return;
        }
        let Some(execution) = self.executions.get_mut(id) else {
            return;
        };
        let has_lock = execution.definition.mode() != ExecutionMode::Parallel;
        match event {
            Event::StageWaiting { stage, .. } => {
                if let Some(index) = execution.definition.stage_index(stage) {
                    execution.place = Place::Waiting(index);
                }
                if has_lock {
                    let gate = self.gates.entry(stage.clone()).or_default();
                    gate.waiting.push_back(Arc::clone(id));
                }
            }
            Event::StageStarted { stage, attempt } => {
                self.gates.entry(stage.clone()).or_default().enter(id, has_lock);
                execution.enter(now, stage, *attempt);
            }
            Event::StageRetried {
                stage,
                attempt,
                mode,
                by,
            } => {
                self.gates.entry(stage.clone()).or_default().enter(id, has_lock);
                self.live.insert(execution.number, Arc::clone(id));
                execution.retry(now, stage, *attempt, *mode, *by);
            }
            Event::StageFinished { stage, status, .. } => {
                if let Some(gate) = self.gates.get_mut(stage) {
                    gate.leave(id);
                }
                execution.leave(now, *status);
            }
            Event::ActionStarted { name, token, .. } => {
                if let Some(at) = execution.definition.action_ref(&name.stage, &name.action) {
                    self.places_taken += usize::from(!execution.definition.is_approval(at));
                    let deadline = execution.action_started(now, at, name.attempt, token.clone());
                    let task = Task::Action(at, name.attempt);
                    self.deadlines
                        .extend(deadline.map(|deadline| (deadline, Arc::clone(id), task)));
                }
            }
            Event::ActionInterrupted { name } => {
                if let Some(at) = execution.definition.action_ref(&name.stage, &name.action)
                    && execution.action_interrupted(at)
                {
                    self.places_taken -= usize::from(!execution.definition.is_approval(at));
                }
            }
            Event::ActionFinished {
                name,
                status,
                variables,
                masked,
                artifacts,
                ..
            } => {
                if let Some(at) = execution.definition.action_ref(&name.stage, &name.action) {
                    let was_running = execution.action_finished(at, *status, artifacts);
                    self.places_taken -= usize::from(was_running && !execution.definition.is_approval(at));
                    if *status == Status::Succeeded {
                        execution.set_outputs(at, variables, masked);
                    }
                }
            }
            Event::RuleStarted { name, .. } => {
                let due = execution.rule_started(now, name);
                self.deadlines
                    .extend(due.map(|(deadline, task)| (deadline, Arc::clone(id), task)));
            }
            Event::RuleInterrupted { name } => execution.rule_ended(&name.stage, name.position, &name.rule, None),
            Event::RuleFinished { name, status, .. } => {
                execution.rule_ended(&name.stage, name.position, &name.rule, Some(*status));
            }
            Event::ConditionFinished {
                position,
                status,
                result,
                ..
            } => execution.condition_finished(*position, *status, *result),
            Event::ApprovalAnswered {
                name,
                approved,
                comment,
                by,
            } => {
                if let Some(at) = execution.definition.action_ref(&name.stage, &name.action)
                    && let Some(run) = execution.stage_run_mut()
                    && run.running.contains_key(&at.action)
                {
                    let answer = Answer {
                        approved: *approved,
                        comment: comment.clone(),
                        by: by.clone(),
                    };
                    run.answered.insert(at.action, answer);
                }
            }
            Event::RollbackStarted { .. } => {
                if let Place::Leaving { rollback, .. } = &mut execution.place {
                    *rollback = None;
                }
            }
            Event::StopRequested { abandon, .. } => execution.ending = Some(Ending::Stop { abandon: *abandon }),
            Event::CancelRequested { .. } => execution.ending = Some(Ending::Cancel),
            Event::RunFinished { status, .. } => {
                if let Place::Waiting(stage) = execution.place {
                    let name = &execution.definition.stage(stage).name.value;
                    if let Some(gate) = self.gates.get_mut(name) {
                        gate.waiting.retain(|waiting| waiting != id);
                    }
                }
                execution.status = Some(*status);
                execution.place = Place::Done;
                self.live.remove(&execution.number);
            }
            Event::RunStarted(_) | Event::TransitionChanged { .. } | Event::RunResumed { .. } | Event::Note { .. } => {}
        }
    }

    fn start(&mut self, now: Timestamp, id: &Id, started: &Started) {
        let definition = self.definitions.get(&started.definition).unwrap_or(&self.definition);
        let definition = Arc::clone(definition);
        let index = |name: &Option<String>| name.as_ref().and_then(|name| definition.stage_index(name));
        let stages = definition.pipeline.stages.len();
        let mut variables = Variables::new(id, started.variables.clone());
        let mut artifacts = BTreeMap::new();
        if let Some(inherited) = &started.inherited {
            artifacts.clone_from(&inherited.artifacts);
            for (namespace, values) in &inherited.namespaces {
                variables.set(namespace, values.clone());
            }
            for (namespace, name) in &inherited.masked {
                variables.lose(namespace, name);
            }
        }
        for name in &started.masked {
            variables.lose(PIPELINE, name);
        }
        self.count += 1;
        let first_stage = index(&started.first_stage).unwrap_or(0);
        let execution = Execution {
            id: Arc::clone(id),
            number: self.count,
            kind: started.kind,
            trigger: started.trigger.clone(),
            status: None,
            ending: None,
            started: now,
            place: Place::Arriving(first_stage),
            first_stage,
            last_stage: index(&started.last_stage).unwrap_or(stages.saturating_sub(1)),
            variables,
            artifacts,
            stages: vec![StageState::default(); stages],
            attempts: HashMap::new(),
            definition: Arc::clone(&definition),
        };
        self.live.insert(self.count, Arc::clone(id));
        self.executions.insert(Arc::clone(id), execution);
    }
}

impl Gate {
    fn enter(&mut self, id: &Id, has_lock: bool) {
        self.waiting.retain(|waiting| waiting != id);
        self.latest = Some(Arc::clone(id));
        if has_lock {
            self.holder = Some(Arc::clone(id));
        }
    }

    fn leave(&mut self, id: &Id) {
        if self.holder.as_ref() == Some(id) {
            self.holder = None;
        }
    }
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

    fn enter(&mut self, now: Timestamp, stage: &str, attempt: u32) {
        let Some(index) = self.definition.stage_index(stage) else {
            return;
        };
        let has_entry = self.definition.condition(index, Position::BeforeEntry).is_some();
        let state = &mut self.stages[index];
        state.attempt = attempt;
        state.is_entered = !has_entry;
        let steps = self.definition.steps(index).into_iter().map(VecDeque::from);
        self.place = Place::In(Box::new(StageRun {
            index,
            attempt,
            started: now,
            phase: first_phase(state.is_entered),
            todo: steps.collect(),
            running: BTreeMap::new(),
            interrupted: BTreeSet::new(),
            answered: BTreeMap::new(),
            overridden: None,
            failed: false,
            rules_running: BTreeMap::new(),
            rules_ended: BTreeMap::new(),
        }));
    }

    /// Goes back into a stage: with what runs in it, if it has not left it.
    fn retry(&mut self, now: Timestamp, stage: &str, attempt: u32, mode: RetryMode, by: By) {
        let Some(index) = self.definition.stage_index(stage) else {
            return;
        };
        let (running, interrupted, answered) = match std::mem::replace(&mut self.place, Place::Done) {
            Place::In(run) => (run.running, run.interrupted, run.answered),
            _ => Default::default(),
        };
        let state = &mut self.stages[index];
        state.status = None;
        state.attempt = attempt;
        state.was_retried_automatically |= by == By::Automatic;
        if mode == RetryMode::AllActions {
            state.succeeded.clear();
        }
        let is_under_way = |action: usize| running.contains_key(&action) || interrupted.contains(&action);
        let todo = what_is_left(&self.definition, index, &state.succeeded, is_under_way);
        self.status = None;
        self.ending = None;
        self.place = Place::In(Box::new(StageRun {
            index,
            attempt,
            started: now,
            phase: first_phase(state.is_entered),
            todo,
            running,
            interrupted,
            answered,
            overridden: None,
            failed: false,
            rules_running: BTreeMap::new(),
            rules_ended: BTreeMap::new(),
        }));
    }

    fn leave(&mut self, now: Timestamp, status: StageStatus) {
        let Place::In(run) = &self.place else { return };
        let index = run.index;
        self.stages[index].status = Some(status);
        self.stages[index].ended = Some(now);
        let leaving = |status| Place::Leaving { status, rollback: None };
        self.place = match status {
            StageStatus::Succeeded | StageStatus::Skipped if index == self.last_stage => {
                // Not into what comes after it.
                Place::Arriving(self.definition.pipeline.stages.len())
            }
            StageStatus::Succeeded | StageStatus::Skipped => Place::Arriving(index + 1),
            StageStatus::Failed => Place::Leaving {
                status: RunStatus::Failed,
                rollback: self.wants_rollback(run).then_some(index),
            },
            StageStatus::Stopped => leaving(RunStatus::Stopped),
            StageStatus::Cancelled => leaving(RunStatus::Cancelled),
        };
    }

    /// Whether the stage asks to be rolled back after the way in which it fails.
    fn wants_rollback(&self, run: &StageRun) -> bool {
        match run.phase {
            // It would go back to the same execution, and fail again.
            _ if self.kind == Kind::Rollback => false,
            Phase::Decided { rollback, .. } => rollback,
            Phase::Actions => self.failure_result(run.index) == Some(ConditionResult::Rollback),
            Phase::Condition(_) => false,
        }
    }

    /// What `onFailure` says without conditions.
    pub fn failure_result(&self, stage: usize) -> Option<ConditionResult> {
        let handling = self.definition.stage(stage).on_failure.as_ref()?;
        Some(handling.result.as_ref()?.value)
    }

    /// Gives the time by which it has to have ended.
    fn action_started(
        &mut self,
        now: Timestamp,
        at: ActionRef,
        attempt: u32,
        token: Option<String>,
    ) -> Option<Timestamp> {
        let action = self.definition.action(at);
        let minutes = action.timeout_minutes.as_ref().map(|minutes| minutes.value);
        let minutes = minutes.or_else(|| self.definition.is_approval(at).then_some(APPROVAL_MINUTES));
        let deadline = minutes.and_then(|minutes| after(now, minutes));
        self.attempts.insert(at, attempt);
        if let Some(run) = self.stage_run_mut() {
            if !run.interrupted.remove(&at.action)
                && let Some(step) = run.todo.front_mut()
            {
                match step.front() {
                    Some(first) if *first == at.action => drop(step.pop_front()),
                    _ => step.retain(|action| *action != at.action),
                }
            }
            let running = Running {
                attempt,
                started: now,
                deadline,
                token,
                why: None,
            };
            run.running.insert(at.action, running);
        }
        deadline
    }

    /// Says whether it was running. One that had succeeded has lost what it made: it is done again in its step, and what was cut
    /// off in later steps waits for it.
    fn action_interrupted(&mut self, at: ActionRef) -> bool {
        let Place::In(run) = &mut self.place else { return false };
        if run.running.remove(&at.action).is_some() {
            run.interrupted.insert(at.action);
            return true;
        }
        let state = &mut self.stages[at.stage];
        if run.index == at.stage && state.succeeded.remove(&at.action) {
            let definition = &self.definition;
            for output in &definition.action(at).outputs {
                self.artifacts.remove(&output.name.value);
            }
            let lost = definition.action(at).run_order;
            let order = |action| definition.action(ActionRef { action, ..at }).run_order;
            run.interrupted.retain(|action| order(*action) <= lost);
            let is_under_way = |action| run.running.contains_key(&action) || run.interrupted.contains(&action);
            run.todo = what_is_left(definition, at.stage, &state.succeeded, is_under_way);
        }
        false
    }

    fn set_outputs(&mut self, at: ActionRef, variables: &BTreeMap<String, String>, masked: &[String]) {
        if let Some(namespace) = &self.definition.action(at).namespace {
            self.variables.set(&namespace.value, variables.clone());
            for name in masked {
                self.variables.lose(&namespace.value, name);
            }
        }
    }

    /// Says whether it was running: one that was cut off before is not.
    fn action_finished(&mut self, at: ActionRef, status: Status, artifacts: &BTreeMap<String, Artifact>) -> bool {
        if status == Status::Succeeded {
            self.stages[at.stage].succeeded.insert(at.action);
            self.artifacts.extend(
                artifacts
                    .iter()
                    .map(|(name, artifact)| (name.clone(), artifact.clone())),
            );
        }
        let Some(run) = self.stage_run_mut() else { return false };
        let was_running = run.running.remove(&at.action).is_some();
        run.interrupted.remove(&at.action);
        run.answered.remove(&at.action);
        run.failed |= status != Status::Succeeded;
        run.pass_step();
        was_running
    }

    /// Gives the time by which it has to have ended, if there is one.
    fn rule_started(&mut self, now: Timestamp, name: &RuleName) -> Option<(Timestamp, Task)> {
        let definition = Arc::clone(&self.definition);
        let at = definition.rule_ref(&name.stage, name.position, &name.rule)?;
        let minutes = definition.rule(at)?.timeout_minutes.as_ref();
        let deadline = minutes.and_then(|minutes| after(now, minutes.value));
        if let Some(run) = self.stage_run_mut() {
            run.phase = Phase::Condition(name.position);
            let running = Running {
                attempt: name.attempt,
                started: now,
                deadline,
                token: None,
                why: None,
            };
            run.rules_running.insert(at.rule, running);
        }
        Some((deadline?, Task::Rule(at, name.attempt)))
    }

    fn rule_ended(&mut self, stage: &str, position: Position, rule: &str, status: Option<RuleStatus>) {
        let definition = Arc::clone(&self.definition);
        if let Some(at) = definition.rule_ref(stage, position, rule)
            && let Some(run) = self.stage_run_mut()
        {
            run.rules_running.remove(&at.rule);
            if run.rules_running.is_empty() {
                run.overridden = None;
            }
            // How one of an overridden condition ended has no part in what comes after it.
            if let (Some(status), true) = (status, run.phase == Phase::Condition(position)) {
                run.rules_ended.insert(at.rule, status);
            }
        }
    }

    fn condition_finished(&mut self, position: Position, status: ConditionStatus, result: Option<ConditionResult>) {
        let Place::In(run) = &mut self.place else { return };
        run.rules_ended.clear();
        let is_overridden = status == ConditionStatus::Overridden && !run.rules_running.is_empty();
        run.overridden = is_overridden.then_some(position);
        let goes_on = result.is_none();
        let decided = |status| Phase::Decided {
            status,
            rollback: result == Some(ConditionResult::Rollback),
        };
        run.phase = match position {
            Position::BeforeEntry if goes_on => {
                self.stages[run.index].is_entered = true;
                Phase::Actions
            }
            Position::BeforeEntry if result == Some(ConditionResult::Skip) => decided(StageStatus::Skipped),
            Position::OnSuccess if goes_on => decided(StageStatus::Succeeded),
            Position::BeforeEntry | Position::OnSuccess | Position::OnFailure => decided(StageStatus::Failed),
        };
    }
}

impl StageRun {
    /// Goes on to the next step that has something to start, if the current one has ended.
    fn pass_step(&mut self) {
        while !self.has_actions() && self.todo.front().is_some_and(VecDeque::is_empty) {
            self.todo.pop_front();
        }
    }

    /// What runs under this name in this stage, if it still does.
    fn task(&self, task: Task) -> Option<&Running> {
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

/// The steps of a stage without what has succeeded. One without anything to start stays while something of it is under way.
fn what_is_left(
    definition: &Definition,
    stage: usize,
    succeeded: &BTreeSet<usize>,
    is_under_way: impl Fn(usize) -> bool,
) -> VecDeque<VecDeque<usize>> {
    let mut todo = VecDeque::new();
    for step in definition.steps(stage) {
        let has_running = step.iter().any(|&action| is_under_way(action));
        let is_open = |action: &usize| !succeeded.contains(action) && !is_under_way(*action);
        let left: VecDeque<usize> = step.into_iter().filter(is_open).collect();
        if has_running || !left.is_empty() {
            todo.push_back(left);
        }
    }
    todo
}

fn first_phase(is_entered: bool) -> Phase {
    if is_entered {
        Phase::Actions
    } else {
        Phase::Condition(Position::BeforeEntry)
    }
}

fn after(now: Timestamp, minutes: u64) -> Option<Timestamp> {
    now.checked_add(SignedDuration::from_mins(i64::try_from(minutes).ok()?))
        .ok()
}
