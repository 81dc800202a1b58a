//! The values behind `#{namespace.key}`, and their textual replacement just before an action starts.

use std::collections::BTreeMap;

use crate::ir::{Action, EnvironmentKind, Rule, Text, TextPart, VariableRef};

/// All values known at one moment of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variables {
    /// By namespace and key. `variables` are the pipeline's own, `codepipeline` the execution's.
    namespaces: BTreeMap<String, BTreeMap<String, String>>,
}

/// The namespace of the pipeline's own variables.
pub const PIPELINE: &str = "variables";
/// The namespace of what CodePipeline gives.
pub const EXECUTION: &str = "codepipeline";
/// The one key of [`EXECUTION`].
pub const EXECUTION_ID: &str = "PipelineExecutionId";

/// What an action or rule is given, with all references replaced.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolved {
    pub configuration: BTreeMap<String, String>,
    pub commands: Vec<String>,
    pub environment: Vec<EnvironmentValue>,
}

/// An environment variable; of a secret, `value` is its name.
#[derive(Clone, Debug, PartialEq)]
pub struct EnvironmentValue {
    pub name: String,
    pub value: String,
    pub kind: EnvironmentKind,
}

/// A reference without a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Unresolved(pub VariableRef);

impl Variables {
    pub fn new(execution_id: &str, pipeline: BTreeMap<String, String>) -> Self {
        let execution = BTreeMap::from([(EXECUTION_ID.to_owned(), execution_id.to_owned())]);
        Self {
            namespaces: BTreeMap::from([(PIPELINE.to_owned(), pipeline), (EXECUTION.to_owned(), execution)]),
        }
    }

    /// Takes in an action's output variables, in place of those of an earlier attempt.
    pub fn set(&mut self, namespace: &str, values: BTreeMap<String, String>) {
        self.namespaces.insert(namespace.to_owned(), values);
    }

    /// The values of the pipeline's own variables.
    pub fn pipeline(&self) -> BTreeMap<String, String> {
        self.namespaces.get(PIPELINE).cloned().unwrap_or_default()
    }

    /// The output variables of all actions that gave any, by namespace.
    pub fn outputs(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let is_output = |name: &str| name != PIPELINE && name != EXECUTION;
        let namespaces = self.namespaces.iter().filter(|(name, _)| is_output(name));
        namespaces
            .map(|(name, values)| (name.clone(), values.clone()))
            .collect()
    }

    pub fn get(&self, reference: &VariableRef) -> Option<&str> {
        let value = self.namespaces.get(&reference.namespace)?.get(&reference.key)?;
        Some(value)
    }

    /// Replaces references once: what a value holds is never looked at again.
    pub fn resolve(&self, text: &Text) -> Result<String, Unresolved> {
        let mut out = String::new();
        for part in text.parts() {
            match part {
                TextPart::Literal(literal) => out.push_str(literal),
                TextPart::Variable(reference) => {
                    out.push_str(self.get(reference).ok_or_else(|| Unresolved(reference.clone()))?);
                }
                // Only CloudFormation knows it: shown as it is written. The plan says so.
                TextPart::Deploy(_) => {
                    let mut alone = Text::default();
                    alone.push(part.clone());
                    out.push_str(&alone.to_string());
                }
            }
        }
        Ok(out)
    }

    pub fn resolve_action(&self, action: &Action) -> Result<Resolved, Unresolved> {
        let environment = action.environment.iter().map(|variable| {
            Ok(EnvironmentValue {
                name: variable.name.value.clone(),
                value: self.resolve(&variable.value.value)?,
                kind: variable.kind,
            })
        });
        Ok(Resolved {
            configuration: self.resolve_configuration(&action.configuration)?,
            commands: self.resolve_commands(&action.commands)?,
            environment: environment.collect::<Result<_, _>>()?,
        })
    }

    pub fn resolve_rule(&self, rule: &Rule) -> Result<Resolved, Unresolved> {
        Ok(Resolved {
            configuration: self.resolve_configuration(&rule.configuration)?,
            commands: self.resolve_commands(&rule.commands)?,
            environment: Vec::new(),
        })
    }

    fn resolve_configuration(
        &self,
        configuration: &crate::ir::Configuration,
    ) -> Result<BTreeMap<String, String>, Unresolved> {
        let entries = configuration.iter();
        entries
            .map(|(key, entry)| Ok((key.clone(), self.resolve(&entry.value)?)))
            .collect()
    }

    fn resolve_commands(&self, commands: &[crate::ir::Node<Text>]) -> Result<Vec<String>, Unresolved> {
        commands.iter().map(|command| self.resolve(&command.value)).collect()
    }
}
