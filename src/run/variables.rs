//! The values behind `#{namespace.key}`, and their textual replacement just before an action starts.

use std::collections::{BTreeMap, BTreeSet};

use super::outcome::Failure;
use crate::ir::{Action, EnvironmentKind, Rule, Text, TextPart, VariableRef};

/// All values known at one moment of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variables {
    /// By namespace and key. `variables` are the pipeline's own, `codepipeline` the execution's.
    namespaces: BTreeMap<String, BTreeMap<String, String>>,
    /// Those that had a value which was not kept, because it held a secret: namespace and key.
    lost: BTreeSet<(String, String)>,
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
pub struct Unresolved {
    pub reference: VariableRef,
    /// It had one, which held a secret, and no journal keeps secrets.
    pub is_lost: bool,
}

impl Unresolved {
    pub fn failure(&self) -> Failure {
        let reference = &self.reference;
        if self.is_lost {
            Failure::new(format!(
                "the value of `{reference}` is gone: it held a secret, which is not kept for a run that goes on"
            ))
            .with_help("run the action that gives it again: retry its stage with all actions, or start a new run")
        } else {
            Failure::new(format!("`{reference}` has no value: nothing has set it"))
                .with_help("let the action that should give it export it")
        }
    }
}

impl Variables {
    pub fn new(execution_id: &str, pipeline: BTreeMap<String, String>) -> Self {
        let execution = BTreeMap::from([(EXECUTION_ID.to_owned(), execution_id.to_owned())]);
        Self {
            namespaces: BTreeMap::from([(PIPELINE.to_owned(), pipeline), (EXECUTION.to_owned(), execution)]),
            lost: BTreeSet::new(),
        }
    }

    /// Takes in an action's output variables, in place of those of an earlier attempt.
    pub fn set(&mut self, namespace: &str, values: BTreeMap<String, String>) {
        self.lost.retain(|(known, _)| known != namespace);
        self.namespaces.insert(namespace.to_owned(), values);
    }

    /// Forgets a value that was not kept.
    pub fn lose(&mut self, namespace: &str, key: &str) {
        if let Some(values) = self.namespaces.get_mut(namespace) {
            values.remove(key);
        }
        self.lost.insert((namespace.to_owned(), key.to_owned()));
    }

    /// The values that were not kept, by namespace and key.
    pub fn lost(&self) -> impl Iterator<Item = &(String, String)> {
        self.lost.iter()
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

    fn unresolved(&self, reference: &VariableRef) -> Unresolved {
        let key = (reference.namespace.clone(), reference.key.clone());
        Unresolved {
            reference: reference.clone(),
            is_lost: self.lost.contains(&key),
        }
    }

    /// Replaces references once: what a value holds is never looked at again.
    pub fn resolve(&self, text: &Text) -> Result<String, Unresolved> {
        let mut out = String::new();
        for part in text.parts() {
            match part {
                TextPart::Literal(literal) => out.push_str(literal),
                TextPart::Variable(reference) => {
                    out.push_str(self.get(reference).ok_or_else(|| self.unresolved(reference))?);
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
