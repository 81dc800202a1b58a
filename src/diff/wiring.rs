//! What names in a pipeline mean: artifacts, namespaces and run orders are bookkeeping, and stand for actions.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::ir::{Action, ConfigEntry, Configuration, Node, OutputArtifact, Pipeline, Stage, Text, TextPart};

/// A pipeline with the meaning of its names.
pub(super) struct Wiring<'a> {
    pub(super) pipeline: &'a Pipeline,
    /// By artifact: `Build/compile`, or `Build/compile#2` where the action has several outputs.
    artifacts: HashMap<&'a str, String>,
    /// By namespace: `Build/compile`.
    namespaces: HashMap<&'a str, String>,
}

impl<'a> Wiring<'a> {
    pub(super) fn of(pipeline: &'a Pipeline) -> Self {
        let (mut artifacts, mut namespaces) = (HashMap::new(), HashMap::new());
        for stage in &pipeline.stages {
            for action in &stage.actions {
                let path = format!("{}/{}", stage.name, action.name);
                for (at, output) in action.outputs.iter().enumerate() {
                    let label = match action.outputs.len() {
                        1 => path.clone(),
                        _ => format!("{path}#{}", output_label(action, at, output)),
                    };
                    artifacts.entry(output.name.value.as_str()).or_insert(label);
                }
                if let Some(namespace) = &action.namespace {
                    namespaces.entry(namespace.value.as_str()).or_insert(path);
                }
            }
        }
        Self {
            pipeline,
            artifacts,
            namespaces,
        }
    }

    /// Where an artifact comes from; a name that nothing makes stands for itself.
    pub(super) fn artifact(&self, name: &str) -> String {
        self.artifacts.get(name).cloned().unwrap_or_else(|| name.to_owned())
    }

    /// An action's inputs, by where they come from, sorted. Several inputs of a build have names that its commands see:
    /// `CODEBUILD_SRC_DIR_name`.
    pub(super) fn inputs(&self, provider: &str, inputs: &[Node<String>]) -> Vec<String> {
        let shows_names = inputs.len() > 1 && is_build(provider);
        let label = |input: &Node<String>| match shows_names {
            true => format!("{} as {input}", self.artifact(&input.value)),
            false => self.artifact(&input.value),
        };
        let mut labels: Vec<String> = inputs.iter().map(label).collect();
        labels.sort();
        labels
    }

    /// A text with its references by the actions that they are about: `#{Build/compile.TAG}`.
    pub(super) fn text(&self, text: &Text) -> String {
        let mut out = String::new();
        for part in text.parts() {
            match part {
                TextPart::Literal(text) => out.push_str(text),
                TextPart::Variable(variable) => {
                    let namespace = self.namespaces.get(variable.namespace.as_str());
                    let namespace = namespace.unwrap_or(&variable.namespace);
                    out.push_str(&format!("#{{{namespace}.{}}}", variable.key));
                }
                TextPart::Deploy(value) => out.push_str(&value.to_string()),
            }
        }
        out
    }

    /// Configuration by key; of JSON in a value, by the names in it: `EnvironmentVariables.CHANNEL`.
    pub(super) fn configuration(
        &self,
        configuration: &Configuration,
        inputs: &[Node<String>],
    ) -> BTreeMap<String, String> {
        let mut out = BTreeMap::new();
        for (key, entry) in configuration {
            self.insert_entry(key, entry, inputs, &mut out);
        }
        out
    }

    fn insert_entry(
        &self,
        key: &str,
        entry: &ConfigEntry,
        inputs: &[Node<String>],
        out: &mut BTreeMap<String, String>,
    ) {
        let text = self.text(&entry.value);
        let is_input = |name: &str| inputs.iter().any(|input| input.value == name);
        // `app::template.yml`
        if let Some((artifact, path)) = text.split_once("::").filter(|(artifact, _)| is_input(artifact)) {
            out.insert(key.to_owned(), format!("{}::{path}", self.artifact(artifact)));
            return;
        }
        let names_artifact = key == "PrimarySource" || key.ends_with("Artifact") || key.ends_with("ArtifactName");
        if names_artifact && is_input(&text) {
            out.insert(key.to_owned(), self.artifact(&text));
            return;
        }
        match serde_json::from_str::<Value>(&text) {
            Ok(Value::Object(entries)) => {
                for (name, value) in entries {
                    let value = self.in_json(value, inputs);
                    out.insert(format!("{key}.{name}"), plain(&value));
                }
            }
            Ok(Value::Array(entries)) if entries.iter().all(|entry| entry["name"].is_string()) => {
                for entry in &entries {
                    let name = entry["name"].as_str().unwrap_or_default();
                    out.insert(format!("{key}.{name}"), environment_value(entry));
                }
            }
            Ok(value @ Value::Array(_)) => {
                out.insert(key.to_owned(), value.to_string());
            }
            _ => {
                out.insert(key.to_owned(), text);
            }
        }
    }

    /// The functions with which parameters of a stack take values from an artifact name it.
    fn in_json(&self, value: Value, inputs: &[Node<String>]) -> Value {
        let Value::Object(entries) = value else { return value };
        let takes_artifact = |name: &str| name == "Fn::GetArtifactAtt" || name == "Fn::GetParam";
        let renamed = entries.into_iter().map(|(name, mut argument)| {
            let artifact = argument.get_mut(0).filter(|_| takes_artifact(&name));
            if let Some(Value::String(artifact)) = artifact
                && inputs.iter().any(|input| input.value == *artifact)
            {
                *artifact = self.artifact(artifact);
            }
            (name, argument)
        });
        Value::Object(renamed.collect())
    }
}

/// What a build's own text calls an output by: its name where there are several, else its number.
pub(super) fn output_label(action: &Action, at: usize, output: &OutputArtifact) -> String {
    match action.outputs.len() > 1 && action.type_id.provider == "CodeBuild" {
        true => output.name.value.clone(),
        false => (at + 1).to_string(),
    }
}

fn is_build(provider: &str) -> bool {
    provider == "CodeBuild" || provider == "Commands"
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// An entry of CodeBuild's `EnvironmentVariables`: `{"name", "value", "type"}`.
fn environment_value(entry: &Value) -> String {
    let value = plain(&entry["value"]);
    match entry["type"].as_str() {
        None | Some("PLAINTEXT") => value,
        Some(kind) => format!("{kind} {value}"),
    }
}

/// The number of the step in which each action of a stage runs.
pub(super) fn steps(stage: &Stage) -> Vec<usize> {
    let mut orders: Vec<u32> = stage.actions.iter().map(|action| action.run_order).collect();
    orders.sort_unstable();
    orders.dedup();
    let step = |action: &Action| orders.partition_point(|order| *order < action.run_order);
    stage.actions.iter().map(step).collect()
}
