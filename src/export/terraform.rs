//! The resource `aws_codepipeline` in Terraform's JSON syntax: `{"resource": {"aws_codepipeline": {"webshop": {…}}}}`.
//!
//! Arguments stand in the order of the provider's page (hashicorp/aws 6.62, November 2026), configuration keys in that of
//! the alphabet; blocks are arrays, also where there may be one only; what is empty is left out. Terraform reads every
//! string as a template, so `${` and `%{` are escaped. The same pipeline gives the same bytes.

use super::document::{Document, Fields, to_json};
use super::{codes, deploy_values};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{self, Node, Origin, Stores, Text};

/// The document, with one newline at the end; `None` if the pipeline holds what the provider cannot say, which is
/// reported. The pipeline is expected to be valid; if it is not, neither is what comes out.
pub fn export(pipeline: &ir::Pipeline, diags: &mut Diagnostics) -> Option<String> {
    let no_deploy_values = deploy_values::check(pipeline, "Terraform", diags);
    if !check_provider(pipeline, diags) || !no_deploy_values {
        return None;
    }
    let resource = Fields::default().with(resource_name(&pipeline.handle.0), arguments(pipeline));
    let resources = Fields::default().with("aws_codepipeline", resource);
    Some(to_json(&Fields::default().with("resource", resources).into()))
}

/// The resource's name: letters, digits, `_` and `-`, and no digit or `-` at the start.
fn resource_name(handle: &str) -> String {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let name: String = handle.chars().map(|c| if is_legal(c) { c } else { '_' }).collect();
    match name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        true => name,
        false => format!("_{name}"),
    }
}

/// Reports all that the provider has no argument for; true if there is nothing.
fn check_provider(pipeline: &ir::Pipeline, diags: &mut Diagnostics) -> bool {
    let mut is_fine = true;
    let mut report = |what: String, at: Origin, help: &str| {
        is_fine = false;
        let message = format!("Terraform cannot say {what}");
        diags.emit(Diagnostic::new(&codes::NOT_IN_TERRAFORM, at, message).with_help(help));
    };
    if pipeline.pipeline_type.value == ir::PipelineType::Unset {
        let what = "that the service decides on the `pipeline_type`: it takes `V1` where none is given".to_owned();
        let help = "set `pipeline_type`";
        report(what, pipeline.pipeline_type.origin, help);
    }
    if let Stores::ByRegion { stores, origin, .. } = &pipeline.stores
        && stores.len() == 1
    {
        let what = "the region of the only artifact store".to_owned();
        report(
            what,
            *origin,
            "give the bucket as `artifact_store`: it is in the pipeline's region anyway",
        );
    }
    for action in pipeline.stages.iter().flat_map(|stage| &stage.actions) {
        if let Some(variable) = action.environment.first() {
            let what = format!("`environment_variables` of action `{}`", action.name);
            let help = "set them in the `commands`, or export to CloudFormation";
            report(what, variable.name.origin, help);
        }
        let with_files = action.outputs.iter().find(|output| !output.files.is_empty());
        if let Some(output) = with_files.filter(|_| !is_compute(action)) {
            let what = format!("the files of output `{}`, for its action does not compute", output.name);
            report(what, output.name.origin, "leave out `from`");
        }
    }
    is_fine
}

fn is_compute(action: &ir::Action) -> bool {
    action.type_id.category == "Compute"
}

fn arguments(pipeline: &ir::Pipeline) -> Fields {
    let stores = match &pipeline.stores {
        Stores::Missing => Vec::new(),
        Stores::One(one) => vec![store(one, None)],
        Stores::ByRegion { stores, .. } => stores.iter().map(|(region, it)| store(it, Some(region))).collect(),
    };
    let tags = pipeline
        .tags
        .iter()
        .map(|tag| (escape(&tag.key.value), name(&tag.value)));
    Fields::default()
        .with("name", name(&pipeline.name))
        .with_some("pipeline_type", pipeline.pipeline_type.value.word())
        .with_some("role_arn", pipeline.role_arn.as_ref().map(text))
        .with_list("artifact_store", stores)
        .with_some(
            "execution_mode",
            pipeline.execution_mode.as_ref().map(|mode| mode.value.word()),
        )
        .with_list("stage", pipeline.stages.iter().map(stage))
        .with_map("tags", tags.collect())
        .with_list("trigger", pipeline.triggers.iter().map(trigger))
        .with_list("variable", pipeline.variables.iter().map(variable))
}

/// Terraform reads strings as templates.
fn escape(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

fn name(name: &Node<String>) -> Document {
    escape(&name.value).into()
}

fn text(text: &Node<Text>) -> Document {
    value(&text.value)
}

fn value(text: &Text) -> Document {
    escape(&text.to_string()).into()
}

/// A block of which there is one.
fn block(fields: Fields) -> Vec<Document> {
    vec![fields.into()]
}

fn store(store: &ir::Store, region: Option<&str>) -> Fields {
    let key = |id| block(Fields::default().with("id", text(id)).with("type", "KMS"));
    Fields::default()
        .with("location", text(&store.location))
        .with("type", "S3")
        .with_some("encryption_key", store.encryption_key.as_ref().map(key))
        .with_some("region", region)
}

fn stage(stage: &ir::Stage) -> Fields {
    Fields::default()
        .with("name", name(&stage.name))
        .with_list("action", stage.actions.iter().map(action))
        .with_some("before_entry", stage.before_entry.as_ref().map(conditions))
        .with_some("on_success", stage.on_success.as_ref().map(conditions))
        .with_some("on_failure", stage.on_failure.as_ref().map(on_failure))
}

fn action(action: &ir::Action) -> Fields {
    let names = |nodes: &[Node<String>]| -> Vec<Document> { nodes.iter().map(name).collect() };
    let (plain, computed) = match is_compute(action) {
        true => (Vec::new(), action.outputs.iter().map(computed_output).collect()),
        false => (action.outputs.iter().map(|it| name(&it.name)).collect(), Vec::new()),
    };
    let id = &action.type_id;
    Fields::default()
        .with("category", escape(&id.category))
        .with("owner", escape(&id.owner))
        .with("name", name(&action.name))
        .with("provider", escape(&id.provider))
        .with("version", escape(&id.version))
        .with_list("commands", action.commands.iter().map(text))
        .with_map("configuration", configuration(&action.configuration))
        .with_list("input_artifacts", names(&action.inputs))
        .with_list("output_artifacts", plain)
        .with_list("output_artifacts_for_compute_action", computed)
        .with_list("output_variables", names(&action.output_variables))
        .with_some("role_arn", action.role_arn.as_ref().map(text))
        .with("run_order", u64::from(action.run_order))
        .with_some("region", action.region.as_ref().map(name))
        .with_some("namespace", action.namespace.as_ref().map(name))
        .with_some("timeout_in_minutes", action.timeout_minutes.as_ref().map(|it| it.value))
}

fn computed_output(output: &ir::OutputArtifact) -> Document {
    Fields::default()
        .with("name", name(&output.name))
        .with_list("files", output.files.iter().map(name))
        .into()
}

fn configuration(configuration: &ir::Configuration) -> Fields {
    configuration
        .iter()
        .map(|(key, entry)| (escape(key), value(&entry.value)))
        .collect()
}

/// `before_entry` and `on_success`.
fn conditions(one: &ir::Condition) -> Vec<Document> {
    block(Fields::default().with("condition", block(condition(one))))
}

fn on_failure(handling: &ir::FailureHandling) -> Vec<Document> {
    let retry = |mode: &Node<ir::RetryMode>| block(Fields::default().with("retry_mode", mode.value.word()));
    let fields = Fields::default()
        .with_some("condition", handling.condition.as_ref().map(|it| block(condition(it))))
        .with_some("result", handling.result.as_ref().map(|result| result.value.word()))
        .with_some("retry_configuration", handling.retry_mode.as_ref().map(retry));
    block(fields)
}

fn condition(condition: &ir::Condition) -> Fields {
    Fields::default()
        .with_some("result", condition.result.as_ref().map(|result| result.value.word()))
        .with_list("rule", condition.rules.iter().map(rule))
}

fn rule(rule: &ir::Rule) -> Fields {
    let id = &rule.type_id;
    let type_id = Fields::default()
        .with("category", escape(&id.category))
        .with("owner", escape(&id.owner))
        .with("provider", escape(&id.provider))
        .with("version", escape(&id.version));
    Fields::default()
        .with("name", name(&rule.name))
        .with("rule_type_id", block(type_id))
        .with_list("commands", rule.commands.iter().map(text))
        .with_map("configuration", configuration(&rule.configuration))
        .with_list("input_artifacts", rule.inputs.iter().map(name))
        .with_some("region", rule.region.as_ref().map(name))
        .with_some("role_arn", rule.role_arn.as_ref().map(text))
        .with_some("timeout_in_minutes", rule.timeout_minutes.as_ref().map(|it| it.value))
}

fn trigger(trigger: &ir::Trigger) -> Fields {
    let git = Fields::default()
        .with("source_action_name", name(&trigger.source_action))
        .with_list("push", trigger.push.iter().map(push))
        .with_list("pull_request", trigger.pull_request.iter().map(pull_request));
    Fields::default()
        .with("provider_type", ir::Trigger::PROVIDER)
        .with("git_configuration", block(git))
}

fn push(filter: &ir::PushFilter) -> Fields {
    Fields::default()
        .with_some("branches", filter.branches.as_ref().map(patterns))
        .with_some("file_paths", filter.file_paths.as_ref().map(patterns))
        .with_some("tags", filter.tags.as_ref().map(patterns))
}

fn pull_request(filter: &ir::PullRequestFilter) -> Fields {
    Fields::default()
        .with_list("events", filter.events.iter().map(|event| event.value.word()))
        .with_some("branches", filter.branches.as_ref().map(patterns))
        .with_some("file_paths", filter.file_paths.as_ref().map(patterns))
}

fn patterns(patterns: &ir::Patterns) -> Vec<Document> {
    let fields = Fields::default()
        .with_list("includes", patterns.includes.iter().map(name))
        .with_list("excludes", patterns.excludes.iter().map(name));
    block(fields)
}

fn variable(variable: &ir::Variable) -> Fields {
    let description = variable.description.as_deref().filter(|text| !text.is_empty());
    Fields::default()
        .with("name", name(&variable.name))
        .with_some("default_value", variable.default.as_ref().map(name))
        .with_some("description", description.map(escape))
}
