//! The service's own events: what happens in a run in the form in which EventBridge tells it of a pipeline at AWS
//! (`codepipeline.md`, section 6), so that what listens there can listen here.
//!
//! What the service has no event for goes under a source of our own, with the journal's event as its detail.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::ir::{self, Pipeline};
use crate::run::engine::derived_id;
use crate::run::event::{ActionName, By, Event, Record, Trigger};
use crate::run::outcome::{RunStatus, StageStatus, Status};
use crate::run::store::Artifact;

/// There is no account, and no region, that a local run belongs to.
const ACCOUNT: &str = "000000000000";
const REGION: &str = "local";
/// Local runs know one version of a pipeline: the file's.
const VERSION: u32 = 1;

/// An event as EventBridge delivers it.
#[derive(Debug, Serialize)]
pub struct Notice {
    version: &'static str,
    id: String,
    #[serde(rename = "detail-type")]
    detail_type: &'static str,
    source: &'static str,
    account: &'static str,
    time: Timestamp,
    region: &'static str,
    resources: [String; 1],
    detail: Detail,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Detail {
    Service(Box<Service>),
    Own(Box<Own>),
}

/// The detail of the service's three kinds of events; what a kind does not have is absent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Service {
    pipeline: String,
    execution_id: String,
    start_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_trigger: Option<ExecutionTrigger>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_execution_comments: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage_last_retry_attempt_time: Option<Timestamp>,
    #[serde(flatten)]
    action: Option<ActionDetail>,
    state: State,
    version: u32,
    pipeline_execution_attempt: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct ExecutionTrigger {
    trigger_type: crate::run::event::TriggerType,
    trigger_detail: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct ActionDetail {
    action: String,
    action_execution_id: String,
    region: String,
    #[serde(rename = "type")]
    action_type: ActionType,
    input_artifacts: Vec<ArtifactDetail>,
    output_artifacts: Vec<ArtifactDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_result: Option<ExecutionResult>,
}

#[derive(Debug, Serialize)]
struct ActionType {
    owner: String,
    category: String,
    provider: String,
    version: String,
}

#[derive(Debug, Serialize)]
struct ArtifactDetail {
    name: String,
    s3location: Location,
}

/// Where an artifact lies: the state folder's store, by content.
#[derive(Debug, Serialize)]
struct Location {
    bucket: &'static str,
    key: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct ExecutionResult {
    external_execution_summary: String,
    external_execution_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum State {
    Started,
    Resumed,
    Succeeded,
    Failed,
    Canceled,
    Stopping,
    Stopped,
    Superseded,
    Abandoned,
}

/// The detail of an event of ours.
#[derive(Debug, Serialize)]
struct Own {
    pipeline: String,
    #[serde(rename = "execution-id")]
    execution_id: String,
    /// What the journal says, apart, since it names some of the same things in its own way.
    record: Event,
}

/// Puts journals into the service's words.
pub struct Translator {
    pipeline: Arc<Pipeline>,
    executions: BTreeMap<String, Execution>,
}

/// What must be remembered of an execution.
struct Execution {
    pipeline: String,
    started: Timestamp,
    trigger: Trigger,
    /// How often it was begun, with manual retries.
    attempt: u32,
    has_ended: bool,
    /// The stage that it is in.
    stage: Option<String>,
    stages: BTreeMap<String, StageTimes>,
    actions: BTreeMap<ActionName, Timestamp>,
    artifacts: BTreeMap<String, Artifact>,
}

#[derive(Clone, Copy)]
struct StageTimes {
    started: Timestamp,
    retried: Option<Timestamp>,
}

impl Translator {
    pub fn new(pipeline: Arc<Pipeline>) -> Self {
        Self {
            pipeline,
            executions: BTreeMap::new(),
        }
    }

    /// The service's events for one of the journal's, in order: first the service's own, then ours.
    pub fn translate(&mut self, id: &str, record: &Record) -> Vec<Notice> {
        self.remember(id, record);
        let Some(execution) = self.executions.get(id) else {
            return Vec::new();
        };
        let said = Said {
            pipeline: &self.pipeline,
            execution,
            id,
            record,
        };
        let mut details = said.service();
        if let Some(kind) = own_kind(&record.event) {
            let own = Own {
                pipeline: execution.pipeline.clone(),
                execution_id: id.to_owned(),
                record: record.event.clone(),
            };
            details.push(("pipe", kind, Detail::Own(Box::new(own))));
        }
        self.forget(id, record);
        let Some(execution) = self.executions.get(id) else {
            return Vec::new();
        };
        let notices = details.into_iter().enumerate();
        let notice = |(index, (source, detail_type, detail)): (usize, (_, _, Detail))| Notice {
            version: "0",
            // The same line of a journal always has the same id.
            id: derived_id(&["event", id, &record.seq.to_string(), &index.to_string()]),
            detail_type,
            source,
            account: ACCOUNT,
            time: record.time,
            region: REGION,
            resources: [format!(
                "arn:aws:codepipeline:{REGION}:{ACCOUNT}:{}",
                execution.pipeline
            )],
            detail,
        };
        notices.map(notice).collect()
    }

    /// What the event says that its own notices need.
    fn remember(&mut self, id: &str, record: &Record) {
        let now = record.time;
        if let Event::RunStarted(started) = &record.event {
            let inherited = started.inherited.as_ref();
            let execution = Execution {
                pipeline: started.pipeline.clone(),
                started: now,
                trigger: started.trigger.clone(),
                attempt: 1,
                has_ended: false,
                stage: None,
                stages: BTreeMap::new(),
                actions: BTreeMap::new(),
                artifacts: inherited
                    .map(|inherited| inherited.artifacts.clone())
                    .unwrap_or_default(),
            };
            self.executions.insert(id.to_owned(), execution);
        }
        let Some(execution) = self.executions.get_mut(id) else {
            return;
        };
        match &record.event {
            Event::StageStarted { stage, .. } => {
                let retried = execution.stages.get(stage).and_then(|times| times.retried);
                let times = StageTimes { started: now, retried };
                execution.stages.insert(stage.clone(), times);
                execution.stage = Some(stage.clone());
            }
            Event::StageRetried { stage, by, .. } => {
                let started = execution.stages.get(stage).map_or(now, |times| times.started);
                let retried = Some(now);
                execution.stages.insert(stage.clone(), StageTimes { started, retried });
                execution.stage = Some(stage.clone());
                execution.attempt += u32::from(*by == By::Manual);
            }
            Event::ActionStarted { name, .. } => drop(execution.actions.insert(name.clone(), now)),
            Event::ActionFinished { artifacts, .. } => execution.artifacts.extend(artifacts.clone()),
            _ => {}
        }
    }

    /// What is over once the event has been told.
    fn forget(&mut self, id: &str, record: &Record) {
        let Some(execution) = self.executions.get_mut(id) else {
            return;
        };
        match &record.event {
            Event::StageFinished { .. } => execution.stage = None,
            Event::ActionFinished { name, .. } => drop(execution.actions.remove(name)),
            Event::RunFinished { .. } => execution.has_ended = true,
            Event::StageRetried { .. } => execution.has_ended = false,
            _ => {}
        }
    }
}

/// One event of the journal, with all that its notices need.
struct Said<'a> {
    pipeline: &'a Pipeline,
    execution: &'a Execution,
    id: &'a str,
    record: &'a Record,
}

type Told = (&'static str, &'static str, Detail);

impl Said<'_> {
    fn service(&self) -> Vec<Told> {
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
            .pipeline
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
fn own_kind(event: &Event) -> Option<&'static str> {
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
