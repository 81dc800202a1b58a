//! The waist: a typed model of a CodePipeline declaration, no more and no less.
//!
//! Every front end ends here and every back end starts here. A node knows its [`Origin`]; apart from origins, two texts
//! that mean the same pipeline give equal IR. Field names follow the API (model 2015-07-09): `action.run_order` is
//! `runOrder`. What the API keeps as encoded strings is an encoded string here too, with its variable references as
//! [`TextPart::Variable`], because CodePipeline replaces them textually.
//!
//! [`local`](Action::local) and the `name`s of [`Handle`]s never reach CodePipeline: they are for running here and for
//! messages.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::source::Span;
pub use crate::syntax::ast::ConditionPosition;

pub mod codes;
mod deploy;
pub mod limits;
mod validate;
mod words;

pub use deploy::{DeployCondition, DeployValue, is_deploy_name};
pub use validate::{masked_secrets, validate};

/// Where a node came from, whatever the front end.
pub type Origin = Span;

/// A value that knows its origin. Equality looks at the value alone.
#[derive(Clone, Debug, Default, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Node<T> {
    pub value: T,
    #[serde(skip)]
    pub origin: Origin,
}

impl<T> Node<T> {
    pub fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}

impl<T: PartialEq> PartialEq for Node<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: fmt::Display> fmt::Display for Node<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// A string that may hold values known only later.
///
/// Normal form: no empty literal, no two literals side by side. Build with [`Text::push_str`] and [`Text::push`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text {
    parts: Vec<TextPart>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextPart {
    Literal(String),
    /// `#{namespace.key}`: known when running.
    Variable(VariableRef),
    /// Known when deploying: only a CloudFormation template can say it.
    Deploy(DeployValue),
}

/// `#{namespace.key}`. `variables` and `codepipeline` are the reserved namespaces: the pipeline's own variables, and the
/// execution's id.
#[derive(Clone, Debug, Eq, Serialize, Deserialize)]
pub struct VariableRef {
    pub namespace: String,
    pub key: String,
    #[serde(skip)]
    pub origin: Origin,
}

impl PartialEq for VariableRef {
    fn eq(&self, other: &Self) -> bool {
        self.namespace == other.namespace && self.key == other.key
    }
}

impl fmt::Display for VariableRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{{{}.{}}}", self.namespace, self.key)
    }
}

impl Text {
    pub fn literal(text: impl Into<String>) -> Self {
        let mut out = Self::default();
        out.push_str(&text.into());
        out
    }

    pub fn parts(&self) -> &[TextPart] {
        &self.parts
    }

    pub fn push_str(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(TextPart::Literal(last)) = self.parts.last_mut() {
            last.push_str(text);
        } else {
            self.push_part(TextPart::Literal(text.to_owned()));
        }
    }

    pub fn push(&mut self, part: TextPart) {
        match part {
            TextPart::Literal(text) => self.push_str(&text),
            other => self.push_part(other),
        }
    }

    fn push_part(&mut self, part: TextPart) {
        if self.parts.is_empty() {
            // Most texts have one.
            self.parts.reserve_exact(1);
        }
        self.parts.push(part);
    }

    pub fn append(&mut self, other: Text) {
        for part in other.parts {
            self.push(part);
        }
    }

    /// The text, if all of it is known when compiling.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [TextPart::Literal(text)] => Some(text),
            _ => None,
        }
    }

    pub fn variables(&self) -> impl Iterator<Item = &VariableRef> {
        self.parts.iter().filter_map(|part| match part {
            TextPart::Variable(variable) => Some(variable),
            _ => None,
        })
    }

    pub fn has_deploy_value(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, TextPart::Deploy(_)))
    }

    /// Splits text as CodePipeline reads it: `#{namespace.key}` are references, all else is literal.
    pub fn parse(text: &str, origin: Origin) -> Self {
        let mut out = Self::default();
        let mut rest = text;
        while let Some(start) = rest.find("#{") {
            let Some(length) = rest[start..].find('}') else { break };
            let inner = &rest[start + 2..start + length];
            match inner.split_once('.') {
                Some((namespace, key)) if is_reference_part(namespace) && is_reference_part(key) => {
                    out.push_str(&rest[..start]);
                    let (namespace, key) = (namespace.to_owned(), key.to_owned());
                    out.push(TextPart::Variable(VariableRef { namespace, key, origin }));
                    rest = &rest[start + length + 1..];
                }
                _ => {
                    out.push_str(&rest[..start + 2]);
                    rest = &rest[start + 2..];
                }
            }
        }
        out.push_str(rest);
        out
    }
}

fn is_reference_part(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"@-_".contains(&byte))
}

impl fmt::Display for Text {
    /// As CodePipeline reads it; a value known when deploying has no CodePipeline form and is shown as `${cfn:…}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                TextPart::Literal(text) => f.write_str(text)?,
                TextPart::Variable(variable) => variable.fmt(f)?,
                TextPart::Deploy(value) => value.fmt(f)?,
            }
        }
        Ok(())
    }
}

/// A whole pipeline.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pipeline {
    /// The identifier in the `.pipe` file; in other front ends the AWS name.
    pub handle: Handle,
    pub name: Node<String>,
    pub role_arn: Option<Node<Text>>,
    pub stores: Stores,
    pub pipeline_type: Node<PipelineType>,
    pub execution_mode: Option<Node<ExecutionMode>>,
    pub variables: Vec<Variable>,
    pub triggers: Vec<Trigger>,
    pub stages: Vec<Stage>,
    pub tags: Vec<Tag>,
    /// What only a CloudFormation template can say of the pipeline as a whole.
    pub deployment: Deployment,
    /// The pipeline's head: what to point at when something is missing.
    #[serde(skip)]
    pub origin: Origin,
    /// An error was reported in it, so something may be missing: rules about what is missing stay silent.
    #[serde(skip)]
    pub incomplete: bool,
}

impl From<Pipeline> for Cow<'_, Pipeline> {
    fn from(pipeline: Pipeline) -> Self {
        Self::Owned(pipeline)
    }
}

impl<'p> From<&'p Pipeline> for Cow<'p, Pipeline> {
    fn from(pipeline: &'p Pipeline) -> Self {
        Self::Borrowed(pipeline)
    }
}

/// Properties of the CloudFormation resource that are no part of a declaration (reference: `AWS::CodePipeline::Pipeline`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// `RestartExecutionOnUpdate`: `true`, `false`, or a value known when deploying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_execution_on_update: Option<Node<Text>>,
    /// `DisableInboundStageTransitions`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disabled_transitions: Vec<DisabledTransition>,
}

/// A stage that nothing enters until someone enables its transition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DisabledTransition {
    /// The AWS name of the stage.
    pub stage: Node<String>,
    pub reason: Node<Text>,
}

/// The name by which the user's file refers to a thing: `image["api"]`, `prod.rollout["api"]`. Not part of the
/// declaration: two pipelines that differ in handles alone are equal.
#[derive(Clone, Debug, Default, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Handle(pub String);

impl PartialEq for Handle {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `artifactStore` or `artifactStores`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stores {
    /// Neither was given.
    Missing,
    One(Store),
    /// By region; `both` is the origin of an `artifact_store` that was given as well.
    ByRegion {
        stores: BTreeMap<String, Store>,
        #[serde(skip)]
        both: Option<Origin>,
        #[serde(skip)]
        origin: Origin,
    },
}

impl Stores {
    /// All stores, those by region in the order of the regions.
    pub fn all(&self) -> impl Iterator<Item = &Store> {
        let (one, by_region) = match self {
            Self::Missing => (None, None),
            Self::One(store) => (Some(store), None),
            Self::ByRegion { stores, .. } => (None, Some(stores.values())),
        };
        one.into_iter().chain(by_region.into_iter().flatten())
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Store {
    /// The bucket's name.
    pub location: Node<Text>,
    pub encryption_key: Option<Node<Text>>,
    #[serde(skip)]
    pub origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PipelineType {
    V1,
    V2,
    /// Not said: the service decides. Only foreign documents leave it out; `.pipe` says so with `pipeline_type = none`.
    Unset,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ExecutionMode {
    #[default]
    Superseded,
    Queued,
    Parallel,
}

/// A pipeline variable.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Variable {
    pub name: Node<String>,
    pub default: Option<Node<String>>,
    pub description: Option<String>,
    #[serde(skip)]
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tag {
    pub key: Node<String>,
    pub value: Node<String>,
}

/// A git trigger: `providerType` is always `CodeStarSourceConnection`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trigger {
    /// The AWS name of the source action.
    pub source_action: Node<String>,
    pub push: Vec<PushFilter>,
    pub pull_request: Vec<PullRequestFilter>,
    #[serde(skip)]
    pub origin: Origin,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PushFilter {
    pub tags: Option<Patterns>,
    pub branches: Option<Patterns>,
    pub file_paths: Option<Patterns>,
    #[serde(skip)]
    pub origin: Origin,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PullRequestFilter {
    pub events: Vec<Node<PullRequestEvent>>,
    pub branches: Option<Patterns>,
    pub file_paths: Option<Patterns>,
    #[serde(skip)]
    pub origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PullRequestEvent {
    Open,
    Updated,
    Closed,
}

/// Glob patterns that must match, and that must not.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Patterns {
    pub includes: Vec<Node<String>>,
    pub excludes: Vec<Node<String>>,
    #[serde(skip)]
    pub origin: Origin,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stage {
    pub handle: Handle,
    pub name: Node<String>,
    /// In the order of the text; [`Action::run_order`] says when each runs.
    pub actions: Vec<Action>,
    pub before_entry: Option<Condition>,
    pub on_success: Option<Condition>,
    pub on_failure: Option<FailureHandling>,
    /// There only if all of these hold (`Fn::If` in a template); empty: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<DeployCondition>,
    #[serde(skip)]
    pub origin: Origin,
    /// An error was reported in it, so something may be missing: rules about what is missing stay silent.
    #[serde(skip)]
    pub incomplete: bool,
}

impl Trigger {
    /// The `providerType` of every trigger.
    pub const PROVIDER: &'static str = "CodeStarSourceConnection";
}

impl Stage {
    /// The stage's steps, by ascending run order: what runs at the same time stands together, in the order of the text.
    pub fn steps(&self) -> Vec<Vec<&Action>> {
        let mut steps: BTreeMap<u32, Vec<&Action>> = BTreeMap::new();
        for action in &self.actions {
            steps.entry(action.run_order).or_default().push(action);
        }
        steps.into_values().collect()
    }

    /// The conditions in the order in which they are evaluated.
    pub fn conditions(&self) -> impl Iterator<Item = (ConditionPosition, &Condition)> {
        let on_failure = self
            .on_failure
            .as_ref()
            .and_then(|handling| handling.condition.as_ref());
        [
            (ConditionPosition::BeforeEntry, self.before_entry.as_ref()),
            (ConditionPosition::OnSuccess, self.on_success.as_ref()),
            (ConditionPosition::OnFailure, on_failure),
        ]
        .into_iter()
        .filter_map(|(position, condition)| Some((position, condition?)))
    }

    /// Whether a failure or a condition may put the stage back to an earlier execution.
    pub fn can_roll_back(&self) -> bool {
        let of_failure = self.on_failure.as_ref().and_then(|handling| handling.result.as_ref());
        let of_conditions = self.conditions().filter_map(|(_, condition)| condition.result.as_ref());
        let mut results = of_failure.into_iter().chain(of_conditions);
        results.any(|result| result.value == ConditionResult::Rollback)
    }

    /// The rules of all conditions.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.conditions().flat_map(|(_, condition)| &condition.rules)
    }
}

/// `onFailure`: a result at once, or conditions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FailureHandling {
    /// Without rules.
    pub result: Option<Node<ConditionResult>>,
    pub retry_mode: Option<Node<RetryMode>>,
    pub condition: Option<Condition>,
    #[serde(skip)]
    pub origin: Origin,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Condition {
    /// What happens when a rule is not satisfied.
    pub result: Option<Node<ConditionResult>>,
    pub rules: Vec<Rule>,
    #[serde(skip)]
    pub origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ConditionResult {
    Rollback,
    Fail,
    Retry,
    Skip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RetryMode {
    FailedActions,
    AllActions,
}

/// Category, owner, provider and version: `Build/AWS/CodeBuild/1`. A rule's category is `Rule`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TypeId {
    pub category: String,
    pub owner: String,
    pub provider: String,
    pub version: String,
}

impl fmt::Display for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.category, self.owner, self.provider, self.version)
    }
}

impl TypeId {
    /// Reads `Build/AWS/CodeBuild/1`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/').map(str::to_owned);
        let id = Self {
            category: parts.next()?,
            owner: parts.next()?,
            provider: parts.next()?,
            version: parts.next()?,
        };
        parts.next().is_none().then_some(id)
    }

    pub fn is_source(&self) -> bool {
        self.category == "Source"
    }
}

/// A rule of a condition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rule {
    pub handle: Handle,
    pub name: Node<String>,
    pub type_id: TypeId,
    pub configuration: Configuration,
    pub commands: Vec<Node<Text>>,
    pub inputs: Vec<Node<String>>,
    pub role_arn: Option<Node<Text>>,
    pub region: Option<Node<String>>,
    pub timeout_minutes: Option<Node<u64>>,
    #[serde(skip)]
    pub origin: Origin,
    /// An error was reported in it, so something may be missing: rules about what is missing stay silent.
    #[serde(skip)]
    pub incomplete: bool,
}

/// What an action or rule is configured with, by key.
pub type Configuration = BTreeMap<String, ConfigEntry>;

#[derive(Clone, Debug, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfigEntry {
    pub value: Text,
    /// The value's place.
    #[serde(skip)]
    pub origin: Origin,
    /// The field or key, to point at its name.
    #[serde(skip)]
    pub key_origin: Origin,
}

impl PartialEq for ConfigEntry {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Action {
    pub handle: Handle,
    pub name: Node<String>,
    pub type_id: TypeId,
    /// The step within its stage, from 1.
    pub run_order: u32,
    pub configuration: Configuration,
    pub commands: Vec<Node<Text>>,
    pub environment: Vec<EnvironmentVariable>,
    /// Names of artifacts.
    pub inputs: Vec<Node<String>>,
    pub outputs: Vec<OutputArtifact>,
    /// `outputVariables`: what compute actions read from their environment at the end.
    pub output_variables: Vec<Node<String>>,
    pub role_arn: Option<Node<Text>>,
    pub region: Option<Node<String>>,
    pub namespace: Option<Node<String>>,
    pub timeout_minutes: Option<Node<u64>>,
    /// Output variables that the user's own build defines (`export NAME`), where the declaration has no place for them:
    /// actions that differ in them alone are equal.
    pub exports: Vec<Node<String>>,
    /// There only if all of these hold (`Fn::If` in a template); empty: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<DeployCondition>,
    /// What only a run on this machine needs.
    pub local: Local,
    /// The action's head: `action image[svc]`.
    #[serde(skip)]
    pub origin: Origin,
    /// An error was reported in it, so something may be missing: rules about what is missing stay silent.
    #[serde(skip)]
    pub incomplete: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentVariable {
    pub name: Node<String>,
    pub value: Node<Text>,
    pub kind: EnvironmentKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EnvironmentKind {
    Plaintext,
    SecretsManager,
    ParameterStore,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputArtifact {
    pub handle: Handle,
    pub name: Node<String>,
    /// Patterns of the files that a compute action puts in.
    pub files: Vec<Node<String>>,
}

/// An action's `local { … }` block, evaluated: `run`, `path`, `buildspec`, `outputs`, `env` and what else drivers take.
/// Never part of the declaration: pipelines that differ in it alone are equal.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Local {
    pub settings: BTreeMap<String, LocalSetting>,
}

impl PartialEq for Local {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LocalSetting {
    pub value: serde_json::Value,
    #[serde(skip)]
    pub origin: Origin,
    #[serde(skip)]
    pub key_origin: Origin,
}

/// Equality by what a declaration says. The fields that take no part are named too, so that a new field asks where it belongs.
macro_rules! equal_but_for_origins {
    ($ty:ident: $($field:ident),+; $($ignored:ident),+) => {
        impl PartialEq for $ty {
            fn eq(&self, other: &Self) -> bool {
                let Self { $($field,)+ $($ignored: _),+ } = self;
                $(*$field == other.$field)&&+
            }
        }
    };
}

equal_but_for_origins!(Pipeline: handle, name, role_arn, stores, pipeline_type, execution_mode, variables, triggers, stages, tags, deployment; origin, incomplete);
equal_but_for_origins!(Store: location, encryption_key; origin);
equal_but_for_origins!(Variable: name, default, description; origin);
equal_but_for_origins!(Trigger: source_action, push, pull_request; origin);
equal_but_for_origins!(PushFilter: tags, branches, file_paths; origin);
equal_but_for_origins!(PullRequestFilter: events, branches, file_paths; origin);
equal_but_for_origins!(Patterns: includes, excludes; origin);
equal_but_for_origins!(Stage: handle, name, actions, before_entry, on_success, on_failure, when; origin, incomplete);
equal_but_for_origins!(FailureHandling: result, retry_mode, condition; origin);
equal_but_for_origins!(Condition: result, rules; origin);
equal_but_for_origins!(Rule: handle, name, type_id, configuration, commands, inputs, role_arn, region, timeout_minutes; origin, incomplete);
equal_but_for_origins!(Action: handle, name, type_id, run_order, configuration, commands, environment, inputs, outputs, output_variables, role_arn, region, namespace, timeout_minutes, when, local; exports, origin, incomplete);

impl PartialEq for Stores {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Stores::Missing, Stores::Missing) => true,
            (Stores::One(a), Stores::One(b)) => a == b,
            (Stores::ByRegion { stores: a, .. }, Stores::ByRegion { stores: b, .. }) => a == b,
            (Stores::Missing | Stores::One(_) | Stores::ByRegion { .. }, _) => false,
        }
    }
}
