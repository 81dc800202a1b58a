//! An event in the form in which EventBridge delivers it.

use jiff::Timestamp;
use serde::Serialize;

use crate::run::event::{Event, TriggerType};

/// There is no account, and no region, that a local run belongs to.
pub(super) const ACCOUNT: &str = "000000000000";
pub(super) const REGION: &str = "local";
/// Local runs know one version of a pipeline: the file's.
pub(super) const VERSION: u32 = 1;

/// An event as EventBridge delivers it.
#[derive(Debug, Serialize)]
pub struct Notice {
    pub(super) version: &'static str,
    pub(super) id: String,
    #[serde(rename = "detail-type")]
    pub(super) detail_type: &'static str,
    pub(super) source: &'static str,
    pub(super) account: &'static str,
    pub(super) time: Timestamp,
    pub(super) region: &'static str,
    pub(super) resources: [String; 1],
    pub(super) detail: Detail,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Detail {
    Service(Box<Service>),
    Own(Box<Own>),
}

/// The detail of the service's three kinds of events; what a kind does not have is absent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Service {
    pub pipeline: String,
    pub execution_id: String,
    pub start_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_trigger: Option<ExecutionTrigger>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_execution_comments: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage_last_retry_attempt_time: Option<Timestamp>,
    #[serde(flatten)]
    pub action: Option<ActionDetail>,
    pub state: State,
    pub version: u32,
    pub pipeline_execution_attempt: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ExecutionTrigger {
    pub trigger_type: TriggerType,
    pub trigger_detail: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ActionDetail {
    pub action: String,
    pub action_execution_id: String,
    pub region: String,
    #[serde(rename = "type")]
    pub action_type: ActionType,
    pub input_artifacts: Vec<ArtifactDetail>,
    pub output_artifacts: Vec<ArtifactDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_result: Option<ExecutionResult>,
}

#[derive(Debug, Serialize)]
pub(super) struct ActionType {
    pub owner: String,
    pub category: String,
    pub provider: String,
    pub version: String,
}

#[derive(Debug, Serialize)]
pub(super) struct ArtifactDetail {
    pub name: String,
    pub s3location: Location,
}

/// Where an artifact lies: the state folder's store, by content.
#[derive(Debug, Serialize)]
pub(super) struct Location {
    pub bucket: &'static str,
    pub key: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ExecutionResult {
    pub external_execution_summary: String,
    pub external_execution_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum State {
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
pub(super) struct Own {
    pub pipeline: String,
    #[serde(rename = "execution-id")]
    pub execution_id: String,
    /// What the journal says, apart, since it names some of the same things in its own way.
    pub record: Event,
}
