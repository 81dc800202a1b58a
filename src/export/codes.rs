//! What an exporter cannot say.

use crate::diagnostic::Code;

/// A `cfn.…` value in a format that CloudFormation does not read.
pub static DEPLOY_TIME_VALUE: Code = Code::error(
    "deploy-time-value",
    "a value that is known when deploying is exported to a format that cannot hold it",
);

/// A part of the declaration that the schema of `AWS::CodePipeline::Pipeline` lacks.
pub static NOT_IN_CLOUDFORMATION: Code = Code::error(
    "not-in-cloudformation",
    "CloudFormation has no property for a part of the pipeline",
);

/// A part of the declaration that Terraform's `aws_codepipeline` lacks.
pub static NOT_IN_TERRAFORM: Code = Code::error(
    "not-in-terraform",
    "Terraform has no argument for a part of the pipeline",
);

/// A template that names what it does not hold.
pub static TEMPLATE_INCOMPLETE: Code = Code::warning(
    "template-incomplete",
    "a template names a resource, condition or mapping of another",
);

/// A policy that allows more than it must, because something is not known.
pub static POLICY_TOO_WIDE: Code = Code::warning(
    "policy-too-wide",
    "a policy allows more than the pipeline needs, because it is not known what that is",
);

pub static ALL: &[&Code] = &[
    &DEPLOY_TIME_VALUE,
    &NOT_IN_CLOUDFORMATION,
    &NOT_IN_TERRAFORM,
    &POLICY_TOO_WIDE,
    &TEMPLATE_INCOMPLETE,
];
