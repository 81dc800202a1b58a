//! The words that AWS has for a choice: the same in all formats.

use crate::ir::{ConditionResult, EnvironmentKind, ExecutionMode, Node, PipelineType, PullRequestEvent, RetryMode};

/// The `providerType` of every trigger.
pub(super) const TRIGGER_PROVIDER: &str = "CodeStarSourceConnection";

pub(super) fn execution_mode(mode: &Node<ExecutionMode>) -> &'static str {
    match mode.value {
        ExecutionMode::Superseded => "SUPERSEDED",
        ExecutionMode::Queued => "QUEUED",
        ExecutionMode::Parallel => "PARALLEL",
    }
}

/// None where the service is to decide.
pub(super) fn pipeline_type(pipeline_type: &Node<PipelineType>) -> Option<&'static str> {
    match pipeline_type.value {
        PipelineType::V1 => Some("V1"),
        PipelineType::V2 => Some("V2"),
        PipelineType::Unset => None,
    }
}

pub(super) fn condition_result(result: &Node<ConditionResult>) -> &'static str {
    match result.value {
        ConditionResult::Rollback => "ROLLBACK",
        ConditionResult::Fail => "FAIL",
        ConditionResult::Retry => "RETRY",
        ConditionResult::Skip => "SKIP",
    }
}

pub(super) fn retry_mode(mode: &Node<RetryMode>) -> &'static str {
    match mode.value {
        RetryMode::FailedActions => "FAILED_ACTIONS",
        RetryMode::AllActions => "ALL_ACTIONS",
    }
}

pub(super) fn environment_kind(kind: EnvironmentKind) -> &'static str {
    match kind {
        EnvironmentKind::Plaintext => "PLAINTEXT",
        EnvironmentKind::SecretsManager => "SECRETS_MANAGER",
        EnvironmentKind::ParameterStore => "PARAMETER_STORE",
    }
}

pub(super) fn pull_request_event(event: &Node<PullRequestEvent>) -> &'static str {
    match event.value {
        PullRequestEvent::Open => "OPEN",
        PullRequestEvent::Updated => "UPDATED",
        PullRequestEvent::Closed => "CLOSED",
    }
}
