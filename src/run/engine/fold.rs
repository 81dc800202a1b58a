//! How events change what is known: nothing else does, so that the fold of the journals gives it back.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::execution::{Ending, Execution, Id, Place, StageState};
use super::state::{Gate, State};
use super::{Answer, Task};
use crate::ir::ExecutionMode;
use crate::run::event::{Event, Started};
use crate::run::outcome::Status;
use crate::run::variables::{PIPELINE, Variables};

impl State {
    /// Changes the state by what happened to an execution.
    pub fn apply(&mut self, now: Timestamp, id: &Id, event: &Event) {
        self.last = now;
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
