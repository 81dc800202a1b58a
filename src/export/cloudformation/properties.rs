//! The properties of `AWS::CodePipeline::Pipeline`, one function a property type of CloudFormation's pages.

use super::super::document::{Document, Fields};
use super::conditional;
use crate::ir::{self, Node, Text, TextPart};

pub(super) fn of(pipeline: &ir::Pipeline) -> Fields {
    let (store, stores) = match &pipeline.stores {
        ir::Stores::Missing => (None, Vec::new()),
        ir::Stores::One(one) => (Some(store(one)), Vec::new()),
        ir::Stores::ByRegion { stores, .. } => (None, stores.iter().map(store_map).collect()),
    };
    let deployment = &pipeline.deployment;
    let is_named =
        !matches!(Text::of_name(&pipeline.name.value).parts(), [TextPart::Deploy(value)] if value.is_no_value());
    let stages = pipeline.stages.iter().map(|it| (it.when.as_slice(), stage(it).into()));
    Fields::default()
        .with_some("ArtifactStore", store)
        .with_list("ArtifactStores", stores)
        .with_list(
            "DisableInboundStageTransitions",
            deployment.disabled_transitions.iter().map(stage_transition),
        )
        .with_some(
            "ExecutionMode",
            pipeline.execution_mode.as_ref().map(|mode| mode.value.word()),
        )
        .with_some("Name", is_named.then(|| name(&pipeline.name)))
        .with_some("PipelineType", pipeline.pipeline_type.value.word())
        .with_some(
            "RestartExecutionOnUpdate",
            deployment.restart_execution_on_update.as_ref().map(boolean),
        )
        .with_some("RoleArn", pipeline.role_arn.as_ref().map(text))
        .with_list("Stages", conditional::list(stages))
        .with_list("Tags", pipeline.tags.iter().map(tag))
        .with_list("Triggers", pipeline.triggers.iter().map(trigger))
        .with_list("Variables", pipeline.variables.iter().map(variable))
}

/// A name, which may hold values known when deploying.
fn name(name: &Node<String>) -> Document {
    string(&name.value)
}

fn string(text: &str) -> Document {
    match ir::is_deploy_name(text) {
        true => Text::of_name(text).to_template().into(),
        false => text.into(),
    }
}

fn text(text: &Node<Text>) -> Document {
    text.value.to_template().into()
}

/// `true` and `false` as such; whatever else as text.
fn boolean(value: &Node<Text>) -> Document {
    match value.value.as_literal() {
        Some("true") => Document::Bool(true),
        Some("false") => Document::Bool(false),
        _ => text(value),
    }
}

fn store(store: &ir::Store) -> Fields {
    let key = |id| Fields::default().with("Id", text(id)).with("Type", "KMS");
    Fields::default()
        .with_some("EncryptionKey", store.encryption_key.as_ref().map(key))
        .with("Location", text(&store.location))
        .with("Type", "S3")
}

fn store_map((region, one): (&String, &ir::Store)) -> Fields {
    Fields::default()
        .with("ArtifactStore", store(one))
        .with("Region", string(region))
}

fn stage_transition(transition: &ir::DisabledTransition) -> Fields {
    Fields::default()
        .with("Reason", text(&transition.reason))
        .with("StageName", name(&transition.stage))
}

fn stage(stage: &ir::Stage) -> Fields {
    let actions = stage.actions.iter().map(|it| (it.when.as_slice(), action(it).into()));
    Fields::default()
        .with("Actions", conditional::list(actions))
        .with_some("BeforeEntry", stage.before_entry.as_ref().map(conditions))
        .with("Name", name(&stage.name))
        .with_some("OnFailure", stage.on_failure.as_ref().map(failure_conditions))
        .with_some("OnSuccess", stage.on_success.as_ref().map(conditions))
}

/// `BeforeEntryConditions` and `SuccessConditions`.
fn conditions(one: &ir::Condition) -> Fields {
    Fields::default().with_list("Conditions", [condition(one)])
}

fn failure_conditions(handling: &ir::FailureHandling) -> Fields {
    let retry = handling.retry_mode.as_ref().map(|mode| mode.value.word());
    Fields::default()
        .with_list("Conditions", handling.condition.as_ref().map(condition))
        .with_some("Result", handling.result.as_ref().map(|result| result.value.word()))
        .with_some(
            "RetryConfiguration",
            retry.map(|mode| Fields::default().with("RetryMode", mode)),
        )
}

fn condition(condition: &ir::Condition) -> Fields {
    Fields::default()
        .with_some("Result", condition.result.as_ref().map(|result| result.value.word()))
        .with_list("Rules", condition.rules.iter().map(rule))
}

fn rule(rule: &ir::Rule) -> Fields {
    Fields::default()
        .with_list("Commands", rule.commands.iter().map(text))
        .with_map("Configuration", configuration(&rule.configuration))
        .with_list("InputArtifacts", rule.inputs.iter().map(input_artifact))
        .with("Name", name(&rule.name))
        .with_some("Region", rule.region.as_ref().map(name))
        .with_some("RoleArn", rule.role_arn.as_ref().map(text))
        .with("RuleTypeId", type_id(&rule.type_id))
}

/// `ActionTypeId` and `RuleTypeId`.
fn type_id(id: &ir::TypeId) -> Fields {
    Fields::default()
        .with("Category", string(&id.category))
        .with("Owner", string(&id.owner))
        .with("Provider", string(&id.provider))
        .with("Version", string(&id.version))
}

fn action(action: &ir::Action) -> Fields {
    Fields::default()
        .with("ActionTypeId", type_id(&action.type_id))
        .with_list("Commands", action.commands.iter().map(text))
        .with_map("Configuration", configuration(&action.configuration))
        .with_list(
            "EnvironmentVariables",
            action.environment.iter().map(environment_variable),
        )
        .with_list("InputArtifacts", action.inputs.iter().map(input_artifact))
        .with("Name", name(&action.name))
        .with_some("Namespace", action.namespace.as_ref().map(name))
        .with_list("OutputArtifacts", action.outputs.iter().map(output_artifact))
        .with_list("OutputVariables", action.output_variables.iter().map(name))
        .with_some("Region", action.region.as_ref().map(name))
        .with_some("RoleArn", action.role_arn.as_ref().map(text))
        .with("RunOrder", u64::from(action.run_order))
        .with_some("TimeoutInMinutes", action.timeout_minutes.as_ref().map(|it| it.value))
}

fn configuration(configuration: &ir::Configuration) -> Fields {
    configuration
        .iter()
        .map(|(key, entry)| (key.clone(), entry.value.to_template().into()))
        .collect()
}

fn environment_variable(variable: &ir::EnvironmentVariable) -> Fields {
    Fields::default()
        .with("Name", name(&variable.name))
        .with("Type", variable.kind.word())
        .with("Value", text(&variable.value))
}

fn input_artifact(input: &Node<String>) -> Fields {
    Fields::default().with("Name", name(input))
}

fn output_artifact(output: &ir::OutputArtifact) -> Fields {
    Fields::default()
        .with_list("Files", output.files.iter().map(name))
        .with("Name", name(&output.name))
}

fn tag(tag: &ir::Tag) -> Fields {
    Fields::default()
        .with("Key", name(&tag.key))
        .with("Value", name(&tag.value))
}

fn trigger(trigger: &ir::Trigger) -> Fields {
    let git = Fields::default()
        .with_list("PullRequest", trigger.pull_request.iter().map(pull_request_filter))
        .with_list("Push", trigger.push.iter().map(push_filter))
        .with("SourceActionName", name(&trigger.source_action));
    Fields::default()
        .with("GitConfiguration", git)
        .with("ProviderType", ir::Trigger::PROVIDER)
}

fn push_filter(filter: &ir::PushFilter) -> Fields {
    Fields::default()
        .with_some("Branches", filter.branches.as_ref().map(patterns))
        .with_some("FilePaths", filter.file_paths.as_ref().map(patterns))
        .with_some("Tags", filter.tags.as_ref().map(patterns))
}

fn pull_request_filter(filter: &ir::PullRequestFilter) -> Fields {
    Fields::default()
        .with_some("Branches", filter.branches.as_ref().map(patterns))
        .with_list("Events", filter.events.iter().map(|event| event.value.word()))
        .with_some("FilePaths", filter.file_paths.as_ref().map(patterns))
}

fn patterns(patterns: &ir::Patterns) -> Fields {
    Fields::default()
        .with_list("Excludes", patterns.excludes.iter().map(name))
        .with_list("Includes", patterns.includes.iter().map(name))
}

fn variable(variable: &ir::Variable) -> Fields {
    let description = variable.description.as_deref().filter(|text| !text.is_empty());
    Fields::default()
        .with_some("DefaultValue", variable.default.as_ref().map(name))
        .with_some("Description", description.map(string))
        .with("Name", name(&variable.name))
}
