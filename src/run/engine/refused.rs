//! Why a request is not granted, by the names of the service's exceptions.

use std::fmt;

/// A request that cannot be granted; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    ConcurrentPipelineExecutionsLimitExceeded { limit: usize },
    PipelineExecutionNotFound { execution: String },
    StageNotFound { stage: String },
    StagesOutOfOrder { first: String, last: String },
    ActionNotFound { stage: String, action: String },
    PipelineExecutionNotStoppable { execution: String },
    DuplicatedStopRequest { execution: String },
    StageNotRetryable { stage: String, why: &'static str },
    NotLatestPipelineExecution { stage: String, latest: String },
    Conflict { why: &'static str },
    UnableToRollbackStage { stage: String, why: &'static str },
    PipelineExecutionOutdated { execution: String },
    InvalidApprovalToken,
    ApprovalAlreadyCompleted { action: String },
    ConditionNotOverridable { stage: String, why: &'static str },
}

impl Refused {
    /// The name of the service's exception.
    pub fn exception(&self) -> &'static str {
        match self {
            Self::ConcurrentPipelineExecutionsLimitExceeded { .. } => {
                "ConcurrentPipelineExecutionsLimitExceededException"
            }
            Self::PipelineExecutionNotFound { .. } => "PipelineExecutionNotFoundException",
            Self::StageNotFound { .. } => "StageNotFoundException",
            Self::StagesOutOfOrder { .. } => "ValidationException",
            Self::ActionNotFound { .. } => "ActionNotFoundException",
            Self::PipelineExecutionNotStoppable { .. } => "PipelineExecutionNotStoppableException",
            Self::DuplicatedStopRequest { .. } => "DuplicatedStopRequestException",
            Self::StageNotRetryable { .. } => "StageNotRetryableException",
            Self::NotLatestPipelineExecution { .. } => "NotLatestPipelineExecutionException",
            Self::Conflict { .. } => "ConflictException",
            Self::UnableToRollbackStage { .. } => "UnableToRollbackStageException",
            Self::PipelineExecutionOutdated { .. } => "PipelineExecutionOutdatedException",
            Self::InvalidApprovalToken => "InvalidApprovalTokenException",
            Self::ApprovalAlreadyCompleted { .. } => "ApprovalAlreadyCompletedException",
            Self::ConditionNotOverridable { .. } => "ConditionNotOverridableException",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConcurrentPipelineExecutionsLimitExceeded { limit } => {
                write!(f, "{limit} executions are in progress, and there may not be more")
            }
            Self::PipelineExecutionNotFound { execution } => write!(f, "there is no run `{execution}`"),
            Self::StageNotFound { stage } => write!(f, "the pipeline has no stage `{stage}`"),
            Self::StagesOutOfOrder { first, last } => {
                write!(
                    f,
                    "a run cannot begin with stage `{first}` and end after `{last}`, which comes before it"
                )
            }
            Self::ActionNotFound { stage, action } => write!(f, "no action `{action}` waits in stage `{stage}`"),
            Self::PipelineExecutionNotStoppable { execution } => write!(f, "run `{execution}` has ended already"),
            Self::DuplicatedStopRequest { execution } => write!(f, "run `{execution}` is stopping already"),
            Self::StageNotRetryable { stage, why } => write!(f, "stage `{stage}` cannot be retried: {why}"),
            Self::NotLatestPipelineExecution { stage, latest } => {
                write!(f, "run `{latest}` has entered stage `{stage}` since")
            }
            Self::Conflict { why } => f.write_str(why),
            Self::UnableToRollbackStage { stage, why } => write!(f, "stage `{stage}` cannot be rolled back: {why}"),
            Self::PipelineExecutionOutdated { execution } => {
                write!(f, "run `{execution}` had another definition of the pipeline")
            }
            Self::InvalidApprovalToken => f.write_str("the token is not that of the approval that waits"),
            Self::ApprovalAlreadyCompleted { action } => {
                write!(f, "`{action}` was answered already, or waits no longer")
            }
            Self::ConditionNotOverridable { stage, why } => {
                write!(f, "the condition of stage `{stage}` cannot be overridden: {why}")
            }
        }
    }
}

impl std::error::Error for Refused {}
