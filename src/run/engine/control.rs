//! What somebody asks for: starting, stopping, answering, trying again, going back. Each is granted or refused at once.

use std::sync::Arc;

use jiff::Timestamp;

use super::execution::{Ending, Execution, Id, Phase, Place, StageRun};
use super::{Answer, Engine, Refused, Start, action_name, derived_id};
use crate::ir::{ConditionResult, ExecutionMode, RetryMode};
use crate::run::event::{By, ConditionStatus, Event, Inherited, Kind, Started, Trigger, TriggerType};
use crate::run::outcome::{RunStatus, StageStatus};
use crate::run::planned::Position;

/// How many executions of a pipeline may be in progress in QUEUED or PARALLEL mode (`codepipeline.md`, 5.2).
pub(super) const MOST_EXECUTIONS: usize = 50;

impl Engine {
    pub(super) fn start(&mut self, now: Timestamp, start: Start) -> Result<(), Refused> {
        let is_limited = self.state.mode() != ExecutionMode::Superseded;
        if is_limited && self.state.live.len() >= MOST_EXECUTIONS {
            return Err(Refused::ConcurrentPipelineExecutionsLimitExceeded { limit: MOST_EXECUTIONS });
        }
        let place = |stage: &Option<String>| stage.as_ref().map(|stage| self.stage_named(stage)).transpose();
        if let (Some(first), Some(last)) = (place(&start.first_stage)?, place(&start.last_stage)?)
            && last < first
        {
            return Err(Refused::StagesOutOfOrder {
                first: start.first_stage.unwrap_or_default(),
                last: start.last_stage.unwrap_or_default(),
            });
        }
        self.begin(now, start, Kind::Standard);
        Ok(())
    }

    fn begin(&mut self, now: Timestamp, start: Start, kind: Kind) {
        let definition = Arc::clone(&self.state.definition);
        let id: Id = start.execution.as_str().into();
        let stages = definition.pipeline.stages.iter();
        let event = Event::RunStarted(Box::new(Started {
            pipeline: definition.pipeline.name.value.clone(),
            execution_id: start.execution,
            definition: definition.digest.clone(),
            mode: definition.mode(),
            kind,
            trigger: start.trigger,
            variables: start.variables,
            masked: Vec::new(),
            first_stage: start.first_stage,
            last_stage: start.last_stage,
            inherited: start.inherited.map(Box::new),
            jobs: self.jobs,
            stages: stages.map(|stage| stage.name.value.clone()).collect(),
            actions: definition.plan.lines(&definition.pipeline),
        }));
        self.emit(now, &id, event);
    }

    pub(super) fn start_rollback(
        &mut self,
        now: Timestamp,
        new: &str,
        stage: usize,
        target: &Id,
        trigger: TriggerType,
        detail: String,
    ) {
        let Some(target) = self.execution(target) else { return };
        let name = &self.state.definition.stage(stage).name.value;
        let start = Start {
            execution: new.to_owned(),
            trigger: Trigger { kind: trigger, detail },
            variables: target.variables.pipeline(),
            first_stage: Some(name.clone()),
            last_stage: Some(name.clone()),
            inherited: Some(Inherited {
                execution_id: target.id.to_string(),
                ..target.inherited()
            }),
        };
        self.begin(now, start, Kind::Rollback);
    }

    fn known(&self, id: &str) -> Result<&Execution, Refused> {
        self.execution(id).ok_or_else(|| Refused::PipelineExecutionNotFound {
            execution: id.to_owned(),
        })
    }

    fn stage_named(&self, stage: &str) -> Result<usize, Refused> {
        let index = self.state.definition.stage_index(stage);
        index.ok_or_else(|| Refused::StageNotFound {
            stage: stage.to_owned(),
        })
    }

    pub(super) fn stop(&mut self, now: Timestamp, id: &Id, reason: String, abandon: bool) -> Result<(), Refused> {
        let execution = self.known(id)?;
        let named = || id.to_string();
        match execution.ending {
            _ if !execution.is_live() => return Err(Refused::PipelineExecutionNotStoppable { execution: named() }),
            Some(Ending::Stop { abandon: false }) if abandon => {}
            Some(Ending::Stop { .. }) => return Err(Refused::DuplicatedStopRequest { execution: named() }),
            Some(Ending::Cancel) | None => {}
        }
        self.emit(now, id, Event::StopRequested { reason, abandon });
        if abandon {
            self.abandon_tasks(id);
        }
        Ok(())
    }

    pub(super) fn answer(
        &mut self,
        now: Timestamp,
        id: &Id,
        stage: &str,
        action: &str,
        token: Option<&str>,
        answer: Answer,
    ) -> Result<(), Refused> {
        let execution = self.known(id)?;
        let not_found = || Refused::ActionNotFound {
            stage: stage.to_owned(),
            action: action.to_owned(),
        };
        let at = execution.definition.action_ref(stage, action).ok_or_else(not_found)?;
        if !execution.definition.is_approval(at) {
            return Err(not_found());
        }
        let run = execution.stage_run().filter(|run| run.index == at.stage);
        let waits = |run: &&StageRun| !run.answered.contains_key(&at.action);
        let running = run.filter(waits).and_then(|run| run.running.get(&at.action));
        // One whose time is over or that is abandoned waits no longer.
        let Some(running) = running.filter(|running| running.why.is_none()) else {
            let was_started = execution.attempts.contains_key(&at);
            return Err(if was_started {
                let action = action.to_owned();
                Refused::ApprovalAlreadyCompleted { action }
            } else {
                not_found()
            });
        };
        if token.is_some() && token != running.token.as_deref() {
            return Err(Refused::InvalidApprovalToken);
        }
        let event = Event::ApprovalAnswered {
            name: action_name(execution, at, running.attempt),
            approved: answer.approved,
            comment: answer.comment,
            by: answer.by,
        };
        // All that follows follows from this one line.
        self.emit(now, id, event);
        Ok(())
    }

    pub(super) fn retry(&mut self, now: Timestamp, id: &Id, stage: &str, mode: RetryMode) -> Result<(), Refused> {
        let index = self.stage_named(stage)?;
        let execution = self.known(id)?;
        let refuse = |why| {
            Err(Refused::StageNotRetryable {
                stage: stage.to_owned(),
                why,
            })
        };
        if execution.definition.digest != self.state.definition.digest {
            return refuse("the pipeline's definition has changed since");
        }
        if let Place::In(run) = &execution.place {
            return match run.phase {
                _ if run.index != index => refuse("the execution is in another stage"),
                _ if execution.ending.is_some() => refuse("the execution is stopping"),
                Phase::Actions if run.failed && mode == RetryMode::FailedActions => {
                    self.retry_stage(now, id, mode, By::Manual);
                    Ok(())
                }
                Phase::Actions if run.failed => Err(Refused::Conflict {
                    why: "actions are still in progress: all of them can be retried when they have ended",
                }),
                Phase::Actions => refuse("no action in it has failed"),
                Phase::Condition(_) | Phase::Decided { .. } => Err(Refused::Conflict {
                    why: "the stage's condition is being evaluated",
                }),
            };
        }
        let state = &execution.stages[index];
        match (execution.status, state.status) {
            (Some(RunStatus::Superseded), _) => return refuse("the execution was superseded"),
            (Some(RunStatus::Cancelled), _) => return refuse("the execution was cancelled"),
            (None | Some(RunStatus::Succeeded), _) => return refuse("no action in it has failed"),
            (Some(RunStatus::Failed | RunStatus::Stopped), Some(StageStatus::Failed | StageStatus::Stopped)) => {}
            (_, Some(StageStatus::Skipped)) => return refuse("it was skipped"),
            (_, _) => return refuse("it is not where the execution ended"),
        }
        let has_all = state.succeeded.len() == execution.definition.stage(index).actions.len();
        if state.is_entered && has_all {
            return refuse("all its actions succeeded");
        }
        if execution.definition.mode() != ExecutionMode::Parallel
            && let Some(latest) = self.state.gate_of(stage).and_then(|gate| gate.latest.as_ref())
            && latest != id
        {
            return Err(Refused::NotLatestPipelineExecution {
                stage: stage.to_owned(),
                latest: latest.to_string(),
            });
        }
        let event = Event::StageRetried {
            stage: stage.to_owned(),
            attempt: state.attempt + 1,
            mode,
            by: By::Manual,
        };
        self.emit(now, id, event);
        Ok(())
    }

    pub(super) fn roll_back(
        &mut self,
        now: Timestamp,
        stage: &str,
        target: &Id,
        detail: String,
    ) -> Result<(), Refused> {
        let index = self.stage_named(stage)?;
        let execution = self.known(target)?;
        let refuse = |why| {
            Err(Refused::UnableToRollbackStage {
                stage: stage.to_owned(),
                why,
            })
        };
        if self.state.mode() == ExecutionMode::Parallel {
            return refuse("a pipeline in PARALLEL mode has no rollback");
        }
        if index == 0 {
            return refuse("it is the source stage");
        }
        if execution.definition.digest != self.state.definition.digest {
            let execution = target.to_string();
            return Err(Refused::PipelineExecutionOutdated { execution });
        }
        if execution.kind == Kind::Rollback {
            return refuse("the execution to go back to is a rollback itself");
        }
        if execution.stages[index].status != Some(StageStatus::Succeeded) {
            return refuse("the execution to go back to has not succeeded in it");
        }
        if self.state.mode() == ExecutionMode::Queued && self.state.live.len() >= MOST_EXECUTIONS {
            return Err(Refused::ConcurrentPipelineExecutionsLimitExceeded { limit: MOST_EXECUTIONS });
        }
        let count = self.state.executions.len().to_string();
        let new = derived_id(&["rollback", target, stage, &count, &now.to_string()]);
        self.start_rollback(now, &new, index, target, TriggerType::ManualRollback, detail);
        Ok(())
    }

    pub(super) fn override_condition(
        &mut self,
        now: Timestamp,
        id: &Id,
        stage: &str,
        position: Position,
    ) -> Result<(), Refused> {
        let execution = self.known(id)?;
        // It may have another definition than the one of now.
        let index = execution.definition.stage_index(stage);
        let index = index.ok_or_else(|| Refused::StageNotFound {
            stage: stage.to_owned(),
        })?;
        let refuse = |why| {
            Err(Refused::ConditionNotOverridable {
                stage: stage.to_owned(),
                why,
            })
        };
        if execution.ending.is_some() {
            return refuse("the execution is stopping");
        }
        let run = execution.stage_run().filter(|run| run.index == index);
        if run.is_none_or(|run| run.phase != Phase::Condition(position)) {
            return refuse("it is not being evaluated");
        }
        if position == Position::OnFailure {
            return refuse("only conditions before entry and on success can be");
        }
        let condition = execution.definition.condition(index, position);
        let result = condition.and_then(|condition| condition.result.as_ref());
        if result.is_some_and(|result| result.value == ConditionResult::Skip) {
            return refuse("one that skips the stage cannot be");
        }
        let event = Event::ConditionFinished {
            stage: stage.to_owned(),
            position,
            status: ConditionStatus::Overridden,
            result: None,
        };
        // All that follows follows from this one line.
        self.emit(now, id, event);
        Ok(())
    }

    pub(super) fn transition(&mut self, now: Timestamp, stage: &str, disabled: Option<String>) -> Result<(), Refused> {
        self.stage_named(stage)?;
        let event = Event::TransitionChanged {
            stage: stage.to_owned(),
            enabled: disabled.is_none(),
            reason: disabled.unwrap_or_default(),
        };
        let mut told: Vec<Id> = self.state.live.values().cloned().collect();
        if told.is_empty() {
            // Some journal has to know of it.
            let newest = self.state.executions.values().max_by_key(|execution| execution.number);
            told.extend(newest.map(|newest| Arc::clone(&newest.id)));
        }
        if told.is_empty() {
            self.state.apply(now, &Id::from(""), &event);
        }
        for id in told {
            self.emit(now, &id, event.clone());
        }
        Ok(())
    }
}
