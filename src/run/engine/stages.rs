//! Into stages and out of them, back to an earlier execution, and to the end.

use std::sync::Arc;

use jiff::Timestamp;

use super::execution::{Execution, Id, Place};
use super::{Engine, derived_id, millis};
use crate::ir::{ExecutionMode, RetryMode};
use crate::run::event::{By, Event, Inherited, Kind, TriggerType, Waiting};
use crate::run::outcome::{RunStatus, StageStatus};

impl Engine {
    pub(super) fn enter(&mut self, now: Timestamp, id: &Id, stage: usize) {
        let Some(execution) = self.execution(id) else { return };
        let event = Event::StageStarted {
            stage: execution.definition.stage(stage).name.value.clone(),
            attempt: execution.stages[stage].attempt + 1,
        };
        self.emit(now, id, event);
    }

    /// Stands in front of a stage.
    pub(super) fn wait(&mut self, now: Timestamp, id: &Id, stage: usize, reason: Waiting) {
        let Some(execution) = self.execution(id) else { return };
        let stage = execution.definition.stage(stage).name.value.clone();
        self.emit(now, id, Event::StageWaiting { stage, reason });
    }

    pub(super) fn end_stage(&mut self, now: Timestamp, id: &Id, status: StageStatus) {
        let Some(execution) = self.execution(id) else { return };
        let Some(run) = execution.stage_run() else { return };
        let event = Event::StageFinished {
            stage: execution.definition.stage(run.index).name.value.clone(),
            attempt: run.attempt,
            status,
            duration_ms: millis(run.started, now),
        };
        self.emit(now, id, event);
    }

    pub(super) fn retry_stage(&mut self, now: Timestamp, id: &Id, mode: RetryMode, by: By) {
        let Some(execution) = self.execution(id) else { return };
        let Some(run) = execution.stage_run() else { return };
        let event = Event::StageRetried {
            stage: execution.definition.stage(run.index).name.value.clone(),
            attempt: run.attempt + 1,
            mode,
            by,
        };
        self.emit(now, id, event);
    }

    pub(super) fn finish(&mut self, now: Timestamp, id: &Id, status: RunStatus, superseded_by: Option<&Id>) {
        let Some(execution) = self.execution(id) else { return };
        let event = Event::RunFinished {
            status,
            duration_ms: millis(execution.started, now),
            superseded_by: superseded_by.map(ToString::to_string),
        };
        self.emit(now, id, event);
    }

    pub(super) fn roll_back_automatically(&mut self, now: Timestamp, id: &Id, stage: usize) {
        let Some(execution) = self.execution(id) else { return };
        let name = execution.definition.stage(stage).name.value.clone();
        let Some(target) = self.rollback_target(execution, stage) else {
            let message = format!(
                "stage `{name}` asks to be rolled back, but no earlier execution of this definition has succeeded in it: \
                 nothing is rolled back"
            );
            self.emit(now, id, Event::Note { message });
            let Some(Place::Leaving { status, .. }) = self.execution(id).map(|execution| &execution.place) else {
                return;
            };
            let status = *status;
            return self.finish(now, id, status, None);
        };
        let attempt = execution.stages[stage].attempt.to_string();
        let new = derived_id(&["rollback", id, &name, &attempt]);
        // After a crash in between it may have been started already.
        if self.execution(&new).is_none() {
            let detail = format!("stage {name} of {id} failed");
            self.start_rollback(now, &new, stage, &target, TriggerType::AutomatedRollback, detail);
        }
        let event = Event::RollbackStarted {
            stage: name,
            execution_id: new,
            target: target.to_string(),
            by: By::Automatic,
        };
        self.emit(now, id, event);
    }

    /// The other execution that succeeded last in a stage, of those that may be gone back to.
    fn rollback_target(&self, failed: &Execution, stage: usize) -> Option<Id> {
        let fits = |other: &&Execution| {
            other.id != failed.id
                && other.kind == Kind::Standard
                && other.definition.digest == failed.definition.digest
                && other.stages[stage].status == Some(StageStatus::Succeeded)
        };
        if failed.definition.mode() == ExecutionMode::Parallel {
            return None;
        }
        let candidates = self.state.executions.values().filter(fits);
        let newest = candidates.max_by_key(|execution| (execution.stages[stage].ended, execution.number))?;
        Some(Arc::clone(&newest.id))
    }
}

impl Execution {
    /// What a new execution takes over of this one.
    pub fn inherited(&self) -> Inherited {
        Inherited {
            execution_id: self.id.to_string(),
            artifacts: self.artifacts.clone(),
            namespaces: self.variables.outputs(),
            masked: self.variables.lost().cloned().collect(),
        }
    }
}
