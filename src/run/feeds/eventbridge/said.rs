//! What the service says when something happens.

use jiff::Timestamp;

use super::execution::Execution;
use super::notice::{
    ActionDetail, ActionType, ArtifactDetail, Detail, ExecutionResult, ExecutionTrigger, Location, REGION, Service,
    State, VERSION,
};
use crate::ir;
use crate::run::engine::derived_id;
use crate::run::event::{ActionName, Event, Record};
use crate::run::outcome::{RunStatus, StageStatus, Status};

/// One event of the journal, with all that its notices need.
pub(super) struct Said<'a> {
    pub execution: &'a Execution,
    pub id: &'a str,
    pub record: &'a Record,
}

/// Source, kind, and what is said.
pub(super) type Told = (&'static str, &'static str, Detail);

impl Said<'_> {
    pub(super) fn service(&self) -> Vec<Told> {
        match &self.record.event {
            Event::RunStarted(_) => vec![self.of_pipeline(State::Started, None)],
            Event::StageStarted { stage, .. } => vec![self.of_stage(stage, State::Started)],
            Event::StageRetried { stage, .. } => {
                // The pipeline goes on only if it had come to its end.
                let pipeline = self.execution.has_ended.then(|| self.of_pipeline(State::Resumed, None));
                let stage = self.of_stage(stage, State::Resumed);
                pipeline.into_iter().chain([stage]).collect()
            }
            Event::StageFinished { stage, status, .. } => {
                let state = match status {
                    StageStatus::Succeeded => State::Succeeded,
                    StageStatus::Failed => State::Failed,
                    StageStatus::Stopped => State::Stopped,
                    StageStatus::Cancelled => State::Canceled,
                    StageStatus::Skipped => return Vec::new(),
                };
                vec![self.of_stage(stage, state)]
            }
            Event::ActionStarted { name, .. } => vec![self.of_action(name, State::Started, None)],
            Event::ActionFinished {
                name,
                status,
                failure,
                notes,
                ..
            } => {
                let (state, error_code) = match status {
                    Status::Succeeded => (State::Succeeded, None),
                    Status::Failed => (State::Failed, Some("JobFailed")),
                    Status::Abandoned => (State::Abandoned, None),
                };
                let message = failure.as_ref().map(|failure| failure.message.clone());
                let result = ExecutionResult {
                    external_execution_summary: message.unwrap_or_else(|| notes.join("; ")),
                    external_execution_id: self.action_id(name),
                    error_code,
                };
                vec![self.of_action(name, state, Some(result))]
            }
            Event::StopRequested { reason, .. } => {
                let pipeline = self.of_pipeline(State::Stopping, Some(reason.clone()));
                let stage = self.execution.stage.as_ref();
                let stage = stage.map(|stage| self.of_stage(stage, State::Stopping));
                [pipeline].into_iter().chain(stage).collect()
            }
            Event::RunFinished { status, .. } => {
                let state = match status {
                    RunStatus::Succeeded => State::Succeeded,
                    RunStatus::Failed => State::Failed,
                    RunStatus::Stopped => State::Stopped,
                    RunStatus::Superseded => State::Superseded,
                    RunStatus::Cancelled => State::Canceled,
                };
                vec![self.of_pipeline(state, None)]
            }
            Event::RunResumed { .. }
            | Event::StageWaiting { .. }
            | Event::RuleStarted { .. }
            | Event::RuleInterrupted { .. }
            | Event::RuleFinished { .. }
            | Event::ConditionFinished { .. }
            | Event::ActionInterrupted { .. }
            | Event::ApprovalAnswered { .. }
            | Event::RollbackStarted { .. }
            | Event::CancelRequested { .. }
            | Event::TransitionChanged { .. }
            | Event::Note { .. } => Vec::new(),
        }
    }

    fn common(&self, start_time: Timestamp, state: State) -> Service {
        Service {
            pipeline: self.execution.pipeline.clone(),
            execution_id: self.id.to_owned(),
            start_time,
            execution_trigger: None,
            stop_execution_comments: None,
            stage: None,
            stage_last_retry_attempt_time: None,
            action: None,
            state,
            version: VERSION,
            pipeline_execution_attempt: self.execution.attempt,
        }
    }

    fn of_pipeline(&self, state: State, stop_execution_comments: Option<String>) -> Told {
        let trigger = &self.execution.trigger;
        let detail = Service {
            execution_trigger: Some(ExecutionTrigger {
                trigger_type: trigger.kind,
                trigger_detail: trigger.detail.clone(),
            }),
            stop_execution_comments,
            ..self.common(self.execution.started, state)
        };
        told("CodePipeline Pipeline Execution State Change", detail)
    }

    fn of_stage(&self, stage: &str, state: State) -> Told {
        let times = self.execution.stages.get(stage);
        let started = times.map_or(self.record.time, |times| times.started);
        let detail = Service {
            stage: Some(stage.to_owned()),
            stage_last_retry_attempt_time: times.and_then(|times| times.retried),
            ..self.common(started, state)
        };
        told("CodePipeline Stage Execution State Change", detail)
    }

    fn of_action(&self, name: &ActionName, state: State, execution_result: Option<ExecutionResult>) -> Told {
        let started = self.execution.actions.get(name).copied();
        let declared = self.declared(name);
        let names = |declared: fn(&ir::Action) -> Vec<String>| self.declared(name).map(declared).unwrap_or_default();
        let inputs = names(|action| action.inputs.iter().map(|input| input.value.clone()).collect());
        let outputs = names(|action| action.outputs.iter().map(|output| output.name.value.clone()).collect());
        let has_outputs = matches!(state, State::Succeeded);
        let region = declared.and_then(|action| action.region.as_ref());
        let detail = Service {
            stage: Some(name.stage.clone()),
            action: Some(ActionDetail {
                action: name.action.clone(),
                action_execution_id: self.action_id(name),
                region: region.map_or(REGION, |region| region.value.as_str()).to_owned(),
                action_type: self.action_type(name),
                input_artifacts: self.artifacts(inputs),
                output_artifacts: if has_outputs {
                    self.artifacts(outputs)
                } else {
                    Vec::new()
                },
                execution_result,
            }),
            ..self.common(started.unwrap_or(self.record.time), state)
        };
        told("CodePipeline Action Execution State Change", detail)
    }

    fn declared(&self, name: &ActionName) -> Option<&ir::Action> {
        let stage = self
            .execution
            .definition
            .stages
            .iter()
            .find(|stage| stage.name.value == name.stage)?;
        stage.actions.iter().find(|action| action.name.value == name.action)
    }

    fn action_type(&self, name: &ActionName) -> ActionType {
        let known = self.declared(name).map(|action| action.type_id.clone());
        let part = |pick: fn(ir::TypeId) -> String| known.clone().map(pick).unwrap_or_default();
        ActionType {
            owner: part(|id| id.owner),
            category: part(|id| id.category),
            provider: part(|id| id.provider),
            version: part(|id| id.version),
        }
    }

    fn action_id(&self, name: &ActionName) -> String {
        derived_id(&["action", self.id, &name.stage, &name.action, &name.attempt.to_string()])
    }

    fn artifacts(&self, names: Vec<String>) -> Vec<ArtifactDetail> {
        let found = names.into_iter().filter_map(|name| {
            let key = self.execution.artifacts.get(&name)?.digest.clone();
            let bucket = REGION;
            let s3location = Location { bucket, key };
            Some(ArtifactDetail { name, s3location })
        });
        found.collect()
    }
}

fn told(kind: &'static str, detail: Service) -> Told {
    ("aws.codepipeline", kind, Detail::Service(Box::new(detail)))
}

/// Under which name an event goes out that the service has none for, or not all of it.
pub(super) fn own_kind(event: &Event) -> Option<&'static str> {
    Some(match event {
        Event::RunStarted(_) => "Pipe Run Planned",
        Event::RunResumed { .. } => "Pipe Run Taken Up",
        Event::StageWaiting { .. } => "Pipe Stage Waiting",
        Event::StageRetried { .. } => "Pipe Stage Retried",
        Event::StageFinished {
            status: StageStatus::Skipped,
            ..
        } => "Pipe Stage Skipped",
        Event::RuleStarted { .. } => "Pipe Rule Started",
        Event::RuleInterrupted { .. } => "Pipe Rule Interrupted",
        Event::RuleFinished { .. } => "Pipe Rule Finished",
        Event::ConditionFinished { .. } => "Pipe Condition Finished",
        Event::ActionStarted { token: Some(_), .. } => "Pipe Approval Needed",
        Event::ApprovalAnswered { .. } => "Pipe Approval Answered",
        Event::ActionInterrupted { .. } => "Pipe Action Interrupted",
        Event::ActionFinished { .. } => "Pipe Action Finished",
        Event::RollbackStarted { .. } => "Pipe Rollback Started",
        Event::CancelRequested { .. } => "Pipe Cancel Requested",
        Event::TransitionChanged { .. } => "Pipe Transition Changed",
        Event::Note { .. } => "Pipe Note",
        Event::RunFinished {
            superseded_by: Some(_), ..
        } => "Pipe Run Superseded",
        Event::StageStarted { .. }
        | Event::StageFinished { .. }
        | Event::ActionStarted { .. }
        | Event::StopRequested { .. }
        | Event::RunFinished { .. } => return None,
    })
}
