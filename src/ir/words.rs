//! The words that AWS has for a choice, the same in all formats.

use super::{ConditionResult, EnvironmentKind, ExecutionMode, PipelineType, PullRequestEvent, RetryMode};

impl ExecutionMode {
    pub fn word(self) -> &'static str {
        match self {
            Self::Superseded => "SUPERSEDED",
            Self::Queued => "QUEUED",
            Self::Parallel => "PARALLEL",
        }
    }
}

impl PipelineType {
    /// None where the service is to decide.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::V1 => Some("V1"),
            Self::V2 => Some("V2"),
            Self::Unset => None,
        }
    }
}

impl ConditionResult {
    pub fn word(self) -> &'static str {
        match self {
            Self::Rollback => "ROLLBACK",
            Self::Fail => "FAIL",
            Self::Retry => "RETRY",
            Self::Skip => "SKIP",
        }
    }
}

impl RetryMode {
    pub fn word(self) -> &'static str {
        match self {
            Self::FailedActions => "FAILED_ACTIONS",
            Self::AllActions => "ALL_ACTIONS",
        }
    }
}

impl EnvironmentKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::SecretsManager => "SECRETS_MANAGER",
            Self::ParameterStore => "PARAMETER_STORE",
        }
    }
}

impl PullRequestEvent {
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Updated => "UPDATED",
            Self::Closed => "CLOSED",
        }
    }
}
