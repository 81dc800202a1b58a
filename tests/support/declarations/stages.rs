//! Stages, conditions, actions, and rows of them that differ in one string.

use pipe::catalog::Exports;
use pipe::ir::*;
use pipe::source::Span;

use super::{Maker, node};

impl Maker {
    pub(super) fn when(&mut self) -> Vec<DeployCondition> {
        let count = [0, 0, 0, 0, 1, 1, 2][self.dice.pick(7)];
        (0..count)
            .map(|index| DeployCondition {
                name: ["Prod", "Is \"Beta\""][(index + self.dice.pick(2)) % 2].to_owned(),
                holds: self.dice.pick(2) == 0,
            })
            .collect()
    }

    pub(super) fn stage(&mut self, index: usize) -> Stage {
        let base = if index == 0 { "Source".to_owned() } else { self.name() };
        let name = self.deploy_name(format!("{base}_{index}"));
        let mut actions = Vec::new();
        let mut run_order = 1;
        let count = 1 + self.dice.pick(4);
        for number in 0..count {
            let mut action = self.action(index == 0);
            action.name.value = match self.dice.pick(3) {
                0 => format!("{}.{number}", action.name.value),
                1 => format!("Step-{}", ["api", "web", "worker", "db"][number % 4]),
                _ => format!("{number}-{}", action.name.value),
            };
            action.run_order = run_order;
            action.when = self.when();
            run_order += [0, 1, 7][self.dice.pick(3)];
            // What it makes can be used by what comes after it.
            self.artifacts
                .extend(action.outputs.iter().map(|output| output.name.value.clone()));
            if let Some(namespace) = &action.namespace {
                let keys = ["CommitId", "BranchName", "IMAGE_TAG", "x@y", "if"];
                let declared = action.output_variables.iter().map(|name| name.value.as_str());
                let all: Vec<&str> = keys.into_iter().chain(declared).collect();
                let key = *self.dice.one(&all);
                self.references.push((namespace.value.clone(), key.to_owned()));
            }
            actions.push(action);
        }
        if index > 0 && self.dice.rarely(3) {
            actions.extend(self.family(run_order + 1));
        }
        // A template may put an action where the text has it, not where it runs.
        if self.dice.rarely(4) {
            actions.reverse();
        }
        Stage {
            handle: Handle::default(),
            name: node(name),
            actions,
            before_entry: self.dice.rarely(4).then(|| self.condition()),
            on_success: self.dice.rarely(5).then(|| self.condition()),
            on_failure: self.dice.rarely(4).then(|| self.failure()),
            when: self.when(),
            origin: Span::default(),
            incomplete: false,
        }
    }

    /// Actions that differ in one string, or in a little more.
    pub(super) fn family(&mut self, run_order: u32) -> Vec<Action> {
        let mut action = self.action(false);
        action.name.value = ["KEY", "roll-KEY", "KEY.roll", "RollKEY"][self.dice.pick(4)].to_owned();
        action.run_order = run_order;
        action.namespace = None;
        self.mark_with_key(&mut action);
        let mut members = copies(&action);
        if self.dice.rarely(3) {
            members.truncate(2);
        }
        if self.dice.rarely(3) {
            let odd = self.entry_of(None);
            let keys: Vec<String> = members[0].configuration.keys().cloned().collect();
            for key in keys.into_iter().take(1) {
                members[1].configuration.insert(key, odd.clone());
            }
        }
        let outputs = members.iter().flat_map(|action| &action.outputs);
        self.artifacts.extend(outputs.map(|output| output.name.value.clone()));
        members
    }

    /// Stages that differ in one string.
    pub(super) fn stage_family(&mut self) -> Vec<Stage> {
        let before = self.artifacts.len();
        let mut stage = self.stage(9);
        stage.name.value = ["KEY", "Release-KEY", "release_KEY"][self.dice.pick(3)].to_owned();
        for action in &mut stage.actions {
            action.namespace = None;
            if self.dice.rarely(3) {
                action.name.value = format!("{}KEY", action.name.value);
            }
        }
        // Its artifacts differ, and with them whatever uses them.
        let mut json = serde_json::to_string(&stage).unwrap();
        for artifact in self.artifacts.split_off(before) {
            for end in ["\"", "::"] {
                json = json.replace(&format!("\"{artifact}{end}"), &format!("\"{artifact}_KEY{end}"));
            }
        }
        copies(&serde_json::from_str::<Stage>(&json).unwrap())
    }

    pub(super) fn result(&mut self) -> Node<ConditionResult> {
        node(*self.dice.one(&[
            ConditionResult::Fail,
            ConditionResult::Rollback,
            ConditionResult::Skip,
            ConditionResult::Retry,
        ]))
    }

    pub(super) fn condition(&mut self) -> Condition {
        Condition {
            result: self.dice.rarely(2).then(|| self.result()),
            rules: (0..1 + self.dice.pick(2)).map(|_| self.rule()).collect(),
            origin: Span::default(),
        }
    }

    pub(super) fn failure(&mut self) -> FailureHandling {
        let has_rules = self.dice.rarely(2);
        FailureHandling {
            result: (!has_rules && self.dice.rarely(2)).then(|| self.result()),
            retry_mode: self.dice.some(2, |dice| {
                node(*dice.one(&[RetryMode::FailedActions, RetryMode::AllActions]))
            }),
            condition: has_rules.then(|| self.condition()),
            origin: Span::default(),
        }
    }

    pub(super) fn rule(&mut self) -> Rule {
        let provider = self.dice.one(&self.rules.clone()).clone();
        let name = self.name();
        let (commands, _) = self.beside(&provider);
        Rule {
            handle: Handle::default(),
            name: node(self.deploy_name(name)),
            type_id: provider.type_id.clone(),
            configuration: self.configuration(&provider),
            commands,
            inputs: self.inputs(),
            role_arn: self.dice.rarely(4).then(|| node(self.fixed_text())),
            region: self.region(),
            timeout_minutes: self.dice.some(4, |dice| node([5, 60, 90, 1440][dice.pick(4)])),
            origin: Span::default(),
            incomplete: false,
        }
    }

    pub(super) fn region(&mut self) -> Option<Node<String>> {
        self.dice
            .rarely(4)
            .then(|| node(self.deploy_name("eu-west-1".to_owned())))
    }

    pub(super) fn inputs(&mut self) -> Vec<Node<String>> {
        let mut inputs: Vec<Node<String>> = Vec::new();
        for _ in 0..self.dice.pick(4) {
            if self.artifacts.is_empty() {
                break;
            }
            let artifact = self.dice.one(&self.artifacts.clone()).clone();
            if inputs.iter().all(|input| input.value != artifact) {
                inputs.push(node(artifact));
            }
        }
        inputs
    }

    pub(super) fn action(&mut self, is_first: bool) -> Action {
        let fitting: Vec<_> = self
            .providers
            .iter()
            .filter(|provider| provider.type_id.is_source() == is_first)
            .cloned()
            .collect();
        let is_custom = self.dice.rarely(6);
        let provider = self.dice.one(&fitting).clone();
        let mut name = self.name();
        let type_id = match is_custom {
            true => TypeId {
                category: if is_first { "Source" } else { "Build" }.to_owned(),
                owner: "Custom".to_owned(),
                provider: (*self.dice.one(&["Jenkins-2", "MyTool", "json", "2fast"])).to_owned(),
                version: (*self.dice.one(&["1", "2"])).to_owned(),
            },
            false => provider.type_id.clone(),
        };
        name = self.deploy_name(name);
        let inputs = if is_first { Vec::new() } else { self.inputs() };
        let (commands, environment) = if is_custom {
            Default::default()
        } else {
            self.beside(&provider)
        };
        let exports = if is_custom {
            Exports::Open
        } else {
            provider.exports.clone()
        };
        Action {
            handle: Handle::default(),
            name: node(name),
            type_id,
            run_order: 1,
            configuration: match is_custom {
                true => self.custom_configuration(),
                false => {
                    let kept = self.artifacts.clone();
                    self.artifacts = inputs.iter().map(|input| input.value.clone()).collect();
                    let configuration = self.configuration(&provider);
                    self.artifacts = kept;
                    configuration
                }
            },
            commands,
            environment,
            outputs: self.outputs(
                is_first,
                if is_custom { 2 } else { provider.outputs.max as usize },
                provider.output_files && !is_custom,
            ),
            inputs,
            output_variables: match exports {
                Exports::Declared => ["TAG", "x_y"][..self.dice.pick(3)]
                    .iter()
                    .map(|name| node((*name).to_owned()))
                    .collect(),
                Exports::Open | Exports::Fixed(_) => Vec::new(),
            },
            role_arn: self.dice.rarely(5).then(|| node(self.fixed_text())),
            region: self.region(),
            namespace: self.dice.rarely(2).then(|| {
                self.count += 1;
                node(format!(
                    "{}{}",
                    ["Vars", "ns-", "Build", "x_"][self.dice.pick(4)],
                    self.count
                ))
            }),
            timeout_minutes: self.dice.some(6, |dice| node([5, 60, 90, 1440, 2880][dice.pick(5)])),
            exports: Vec::new(),
            when: Vec::new(),
            local: Local::default(),
            origin: Span::default(),
            incomplete: false,
        }
    }

    pub(super) fn outputs(&mut self, is_source: bool, max: usize, with_files: bool) -> Vec<OutputArtifact> {
        let count = match is_source {
            true => 1,
            false => self.dice.pick(max.min(3) + 1),
        };
        (0..count)
            .map(|_| {
                self.count += 1;
                OutputArtifact {
                    handle: Handle::default(),
                    name: node(format!(
                        "{}_{}",
                        ["App", "source_output", "BuildOutput", "if", "x"][self.dice.pick(5)],
                        self.count
                    )),
                    files: match with_files {
                        true => ["**/*", "dist/\"x\".txt"][..self.dice.pick(3)]
                            .iter()
                            .map(|pattern| node((*pattern).to_owned()))
                            .collect(),
                        false => Vec::new(),
                    },
                }
            })
            .collect()
    }
}

/// Copies that have another word each where the original has `KEY`.
fn copies<T: serde::Serialize + serde::de::DeserializeOwned>(of: &T) -> Vec<T> {
    let json = serde_json::to_string(of).unwrap();
    let copy = |key: &str| serde_json::from_str(&json.replace("KEY", key)).unwrap();
    ["api", "web-2", "job"].map(copy).into()
}
