//! What an exporter cannot say.

use crate::diagnostic::Code;

/// A `cfn.…` value in a format that CloudFormation does not read.
pub static DEPLOY_TIME_VALUE: Code = Code::error(
    "deploy-time-value",
    "a value that is known when deploying is exported to a format that cannot hold it",
);

pub static ALL: &[&Code] = &[&DEPLOY_TIME_VALUE];
