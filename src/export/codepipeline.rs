//! The JSON of `aws codepipeline create-pipeline --cli-input-json`: `{"pipeline": {…}, "tags": […]}`.
//!
//! Keys stand in the order of the API's model (2015-07-09, as botocore 1.43.11 ships it), configuration keys in that of
//! the alphabet; what is empty is left out; `runOrder` and `pipelineType` are always there, and `version`, which the
//! service counts by itself, never is. The same pipeline gives the same bytes.
//!
//! The output types borrow from the IR and are built while they are written, so nothing is copied but the text itself.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::{Serialize, Serializer};

use super::deploy_values;
use crate::diagnostic::Diagnostics;
use crate::ir::{self, Node, Text};

/// The pipeline's JSON, with two-space indentation and one newline at the end; `None` if it holds what CodePipeline JSON
/// cannot say, which is reported. The pipeline is expected to be valid; if it is not, neither is what comes out.
pub fn export(pipeline: &ir::Pipeline, diags: &mut Diagnostics) -> Option<String> {
    if !deploy_values::check(pipeline, "CodePipeline JSON", diags) {
        return None;
    }
    let output = CreatePipeline {
        pipeline: Pipeline::from(pipeline),
        tags: List::of(&pipeline.tags),
    };
    // About what an action takes.
    let actions: usize = pipeline.stages.iter().map(|stage| stage.actions.len()).sum();
    let mut json = Vec::with_capacity(1024 * (actions + 1));
    serde_json::to_writer_pretty(&mut json, &output).expect("writing strings and string keys to memory does not fail");
    json.push(b'\n');
    Some(String::from_utf8(json).expect("JSON is UTF-8"))
}

#[derive(Serialize)]
struct CreatePipeline<'a> {
    pipeline: Pipeline<'a>,
    #[serde(skip_serializing_if = "List::is_empty")]
    tags: List<'a, ir::Tag, Tag<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pipeline<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<Value<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_store: Option<Store<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_stores: Option<BTreeMap<&'a str, Store<'a>>>,
    stages: List<'a, ir::Stage, Stage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline_type: Option<&'static str>,
    #[serde(skip_serializing_if = "List::is_empty")]
    variables: List<'a, ir::Variable, Variable<'a>>,
    #[serde(skip_serializing_if = "List::is_empty")]
    triggers: List<'a, ir::Trigger, Trigger<'a>>,
}

impl<'a> From<&'a ir::Pipeline> for Pipeline<'a> {
    fn from(pipeline: &'a ir::Pipeline) -> Self {
        let (artifact_store, artifact_stores) = match &pipeline.stores {
            ir::Stores::Missing => (None, None),
            ir::Stores::One(store) => (Some(Store::from(store)), None),
            ir::Stores::ByRegion { stores, .. } => {
                let stores = stores
                    .iter()
                    .map(|(region, store)| (region.as_str(), Store::from(store)));
                (None, Some(stores.collect()))
            }
        };
        Self {
            name: &pipeline.name.value,
            role_arn: pipeline.role_arn.as_ref().map(Value::from),
            artifact_store,
            artifact_stores,
            stages: List::of(&pipeline.stages),
            execution_mode: pipeline.execution_mode.as_ref().map(|mode| mode.value.word()),
            pipeline_type: pipeline.pipeline_type.value.word(),
            variables: List::of(&pipeline.variables),
            triggers: List::of(&pipeline.triggers),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Store<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    location: Value<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_key: Option<EncryptionKey<'a>>,
}

#[derive(Serialize)]
struct EncryptionKey<'a> {
    id: Value<'a>,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl<'a> From<&'a ir::Store> for Store<'a> {
    fn from(store: &'a ir::Store) -> Self {
        Self {
            kind: "S3",
            location: Value::from(&store.location),
            encryption_key: store.encryption_key.as_ref().map(|key| EncryptionKey {
                id: Value::from(key),
                kind: "KMS",
            }),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stage<'a> {
    name: &'a str,
    actions: List<'a, ir::Action, Action<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_failure: Option<FailureConditions<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_success: Option<Conditions<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before_entry: Option<Conditions<'a>>,
}

impl<'a> From<&'a ir::Stage> for Stage<'a> {
    fn from(stage: &'a ir::Stage) -> Self {
        Self {
            name: &stage.name.value,
            actions: List::of(&stage.actions),
            on_failure: stage.on_failure.as_ref().map(FailureConditions::from),
            on_success: stage.on_success.as_ref().map(Conditions::from),
            before_entry: stage.before_entry.as_ref().map(Conditions::from),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureConditions<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_configuration: Option<RetryConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conditions: Option<[Condition<'a>; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RetryConfiguration {
    retry_mode: &'static str,
}

impl<'a> From<&'a ir::FailureHandling> for FailureConditions<'a> {
    fn from(handling: &'a ir::FailureHandling) -> Self {
        Self {
            result: handling.result.as_ref().map(|result| result.value.word()),
            retry_configuration: handling.retry_mode.as_ref().map(|mode| RetryConfiguration {
                retry_mode: mode.value.word(),
            }),
            conditions: handling
                .condition
                .as_ref()
                .map(|condition| [Condition::from(condition)]),
        }
    }
}

/// `beforeEntry` and `onSuccess`.
#[derive(Serialize)]
struct Conditions<'a> {
    conditions: [Condition<'a>; 1],
}

impl<'a> From<&'a ir::Condition> for Conditions<'a> {
    fn from(condition: &'a ir::Condition) -> Self {
        Self {
            conditions: [Condition::from(condition)],
        }
    }
}

#[derive(Serialize)]
struct Condition<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
    #[serde(skip_serializing_if = "List::is_empty")]
    rules: List<'a, ir::Rule, Rule<'a>>,
}

impl<'a> From<&'a ir::Condition> for Condition<'a> {
    fn from(condition: &'a ir::Condition) -> Self {
        Self {
            result: condition.result.as_ref().map(|result| result.value.word()),
            rules: List::of(&condition.rules),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'a> {
    name: &'a str,
    rule_type_id: TypeId<'a>,
    #[serde(skip_serializing_if = "Configuration::is_empty")]
    configuration: Configuration<'a>,
    #[serde(skip_serializing_if = "List::is_empty")]
    commands: List<'a, Node<Text>, Value<'a>>,
    #[serde(skip_serializing_if = "List::is_empty")]
    input_artifacts: List<'a, Node<String>, InputArtifact<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<Value<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_in_minutes: Option<u64>,
}

impl<'a> From<&'a ir::Rule> for Rule<'a> {
    fn from(rule: &'a ir::Rule) -> Self {
        Self {
            name: &rule.name.value,
            rule_type_id: TypeId::from(&rule.type_id),
            configuration: Configuration(&rule.configuration),
            commands: List::of(&rule.commands),
            input_artifacts: List::of(&rule.inputs),
            role_arn: rule.role_arn.as_ref().map(Value::from),
            region: rule.region.as_ref().map(|region| region.value.as_str()),
            timeout_in_minutes: rule.timeout_minutes.as_ref().map(|timeout| timeout.value),
        }
    }
}

#[derive(Serialize)]
struct TypeId<'a> {
    category: &'a str,
    owner: &'a str,
    provider: &'a str,
    version: &'a str,
}

impl<'a> From<&'a ir::TypeId> for TypeId<'a> {
    fn from(id: &'a ir::TypeId) -> Self {
        Self {
            category: &id.category,
            owner: &id.owner,
            provider: &id.provider,
            version: &id.version,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Action<'a> {
    name: &'a str,
    action_type_id: TypeId<'a>,
    run_order: u32,
    #[serde(skip_serializing_if = "Configuration::is_empty")]
    configuration: Configuration<'a>,
    #[serde(skip_serializing_if = "List::is_empty")]
    commands: List<'a, Node<Text>, Value<'a>>,
    #[serde(skip_serializing_if = "List::is_empty")]
    output_artifacts: List<'a, ir::OutputArtifact, OutputArtifact<'a>>,
    #[serde(skip_serializing_if = "List::is_empty")]
    input_artifacts: List<'a, Node<String>, InputArtifact<'a>>,
    #[serde(skip_serializing_if = "List::is_empty")]
    output_variables: List<'a, Node<String>, Name<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<Value<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_in_minutes: Option<u64>,
    #[serde(skip_serializing_if = "List::is_empty")]
    environment_variables: List<'a, ir::EnvironmentVariable, EnvironmentVariable<'a>>,
}

impl<'a> From<&'a ir::Action> for Action<'a> {
    fn from(action: &'a ir::Action) -> Self {
        Self {
            name: &action.name.value,
            action_type_id: TypeId::from(&action.type_id),
            run_order: action.run_order,
            configuration: Configuration(&action.configuration),
            commands: List::of(&action.commands),
            output_artifacts: List::of(&action.outputs),
            input_artifacts: List::of(&action.inputs),
            output_variables: List::of(&action.output_variables),
            role_arn: action.role_arn.as_ref().map(Value::from),
            region: action.region.as_ref().map(|region| region.value.as_str()),
            namespace: action.namespace.as_ref().map(|namespace| namespace.value.as_str()),
            timeout_in_minutes: action.timeout_minutes.as_ref().map(|timeout| timeout.value),
            environment_variables: List::of(&action.environment),
        }
    }
}

#[derive(Serialize)]
struct OutputArtifact<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "List::is_empty")]
    files: List<'a, Node<String>, Name<'a>>,
}

impl<'a> From<&'a ir::OutputArtifact> for OutputArtifact<'a> {
    fn from(output: &'a ir::OutputArtifact) -> Self {
        Self {
            name: &output.name.value,
            files: List::of(&output.files),
        }
    }
}

#[derive(Serialize)]
struct InputArtifact<'a> {
    name: &'a str,
}

impl<'a> From<&'a Node<String>> for InputArtifact<'a> {
    fn from(input: &'a Node<String>) -> Self {
        Self { name: &input.value }
    }
}

#[derive(Serialize)]
struct EnvironmentVariable<'a> {
    name: &'a str,
    value: Value<'a>,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl<'a> From<&'a ir::EnvironmentVariable> for EnvironmentVariable<'a> {
    fn from(variable: &'a ir::EnvironmentVariable) -> Self {
        Self {
            name: &variable.name.value,
            value: Value::from(&variable.value),
            kind: variable.kind.word(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Variable<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

impl<'a> From<&'a ir::Variable> for Variable<'a> {
    fn from(variable: &'a ir::Variable) -> Self {
        Self {
            name: &variable.name.value,
            default_value: variable.default.as_ref().map(|default| default.value.as_str()),
            description: variable.description.as_deref().filter(|text| !text.is_empty()),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trigger<'a> {
    provider_type: &'static str,
    git_configuration: GitConfiguration<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GitConfiguration<'a> {
    source_action_name: &'a str,
    #[serde(skip_serializing_if = "List::is_empty")]
    push: List<'a, ir::PushFilter, PushFilter<'a>>,
    #[serde(skip_serializing_if = "List::is_empty")]
    pull_request: List<'a, ir::PullRequestFilter, PullRequestFilter<'a>>,
}

impl<'a> From<&'a ir::Trigger> for Trigger<'a> {
    fn from(trigger: &'a ir::Trigger) -> Self {
        Self {
            provider_type: ir::Trigger::PROVIDER,
            git_configuration: GitConfiguration {
                source_action_name: &trigger.source_action.value,
                push: List::of(&trigger.push),
                pull_request: List::of(&trigger.pull_request),
            },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PushFilter<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Patterns<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    branches: Option<Patterns<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_paths: Option<Patterns<'a>>,
}

impl<'a> From<&'a ir::PushFilter> for PushFilter<'a> {
    fn from(filter: &'a ir::PushFilter) -> Self {
        Self {
            tags: filter.tags.as_ref().map(Patterns::from),
            branches: filter.branches.as_ref().map(Patterns::from),
            file_paths: filter.file_paths.as_ref().map(Patterns::from),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PullRequestFilter<'a> {
    #[serde(skip_serializing_if = "List::is_empty")]
    events: List<'a, Node<ir::PullRequestEvent>, Event>,
    #[serde(skip_serializing_if = "Option::is_none")]
    branches: Option<Patterns<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_paths: Option<Patterns<'a>>,
}

impl<'a> From<&'a ir::PullRequestFilter> for PullRequestFilter<'a> {
    fn from(filter: &'a ir::PullRequestFilter) -> Self {
        Self {
            events: List::of(&filter.events),
            branches: filter.branches.as_ref().map(Patterns::from),
            file_paths: filter.file_paths.as_ref().map(Patterns::from),
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Event(&'static str);

impl From<&Node<ir::PullRequestEvent>> for Event {
    fn from(event: &Node<ir::PullRequestEvent>) -> Self {
        Self(event.value.word())
    }
}

#[derive(Serialize)]
struct Patterns<'a> {
    #[serde(skip_serializing_if = "List::is_empty")]
    includes: List<'a, Node<String>, Name<'a>>,
    #[serde(skip_serializing_if = "List::is_empty")]
    excludes: List<'a, Node<String>, Name<'a>>,
}

impl<'a> From<&'a ir::Patterns> for Patterns<'a> {
    fn from(patterns: &'a ir::Patterns) -> Self {
        Self {
            includes: List::of(&patterns.includes),
            excludes: List::of(&patterns.excludes),
        }
    }
}

#[derive(Serialize)]
struct Tag<'a> {
    key: &'a str,
    value: &'a str,
}

impl<'a> From<&'a ir::Tag> for Tag<'a> {
    fn from(tag: &'a ir::Tag) -> Self {
        Self {
            key: &tag.key.value,
            value: &tag.value.value,
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Name<'a>(&'a str);

impl<'a> From<&'a Node<String>> for Name<'a> {
    fn from(name: &'a Node<String>) -> Self {
        Self(&name.value)
    }
}

/// A text as CodePipeline reads it.
struct Value<'a>(&'a Text);

impl<'a> From<&'a Node<Text>> for Value<'a> {
    fn from(text: &'a Node<Text>) -> Self {
        Self(&text.value)
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_literal() {
            Some(text) => serializer.serialize_str(text),
            None => serializer.collect_str(self.0),
        }
    }
}

struct Configuration<'a>(&'a ir::Configuration);

impl Configuration<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Configuration<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, entry)| (key, Value(&entry.value))))
    }
}

/// A list of the IR, of which each entry is turned into its output type while it is written.
struct List<'a, T, O> {
    entries: &'a [T],
    output: PhantomData<O>,
}

impl<'a, T, O> List<'a, T, O> {
    fn of(entries: &'a [T]) -> Self {
        Self {
            entries,
            output: PhantomData,
        }
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<'a, T, O: From<&'a T> + Serialize> Serialize for List<'a, T, O> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.entries.iter().map(O::from))
    }
}
