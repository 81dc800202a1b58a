//! Whole pipelines of every kind, made from a row of choices: what a property test draws and shrinks.
//!
//! They use all that the IR can hold, names and texts that are awkward in source included. They are well-formed as far as
//! artifacts, names and namespaces go; whether AWS would take their configuration is left to chance.

use std::sync::Arc;

use pipe::catalog::{Catalog, Encoding, Exports, Provider, type_text};
use pipe::ir::*;
use pipe::source::Span;
use proptest::prelude::*;
use serde_json::json;

/// Choices, one after the other; when they have run out, the first of all that can be chosen.
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    choices: Vec<u16>,
    at: usize,
}

impl Dice {
    fn pick(&mut self, sides: usize) -> usize {
        let choice = self.choices.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(choice) % sides.max(1)
    }

    fn one<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.pick(of.len())]
    }

    /// One in `n`, and never when the choices have run out.
    fn rarely(&mut self, n: usize) -> bool {
        self.pick(n) == 1
    }

    fn some<T>(&mut self, n: usize, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.rarely(n).then(|| make(self))
    }
}

/// A pipeline that uses any part of the IR.
pub(crate) fn any_pipeline() -> impl Strategy<Value = Pipeline> {
    let choices = prop::collection::vec(any::<u16>(), 0..900);
    choices.prop_map(|choices| Maker::new(Dice { choices, at: 0 }).pipeline())
}

fn node<T>(value: T) -> Node<T> {
    Node::new(value, Span::default())
}

const NAMES: &[&str] = &[
    "Source",
    "Build",
    "Deploy",
    "my-app",
    "MyApp",
    "json",
    "if",
    "2048",
    "a.b@c",
    "deploy_prod",
    "Deploy-Prod",
    "x",
    "SourceArtifact",
    "SourceOutput",
    "name",
    "execution",
    "cfn",
    "item",
    "Build.Image",
];
const WORDS: &[&str] = &[
    "app",
    "web,api",
    "a b",
    "\"quoted\"",
    "back\\slash",
    "${brace}",
    "$",
    "#{",
    "#{not",
    "line\nbreak",
    "a\nb\nc\nd",
    "a\nb\n",
    "\t",
    "é",
    "\u{1F370}",
    "true",
    "12",
    "0",
    "007",
    "",
    " ",
    "{\"a\":\"b\"}",
    "App::path/to.yml",
    "x::y",
    "\"\"\"",
    "\r\n",
    "\u{7}",
    "//",
    "!",
    "/*",
    "}",
    "arn:aws:iam::111122223333:role/x",
    "https://example.com/#{x}",
];
const KEYS: &[&str] = &[
    "TargetName",
    "url",
    "HTMLReport",
    "region",
    "Input",
    "A1b2",
    "x-y",
    "Configuration",
    "Name",
    "field name",
];

struct Maker {
    dice: Dice,
    providers: Vec<Arc<Provider>>,
    rules: Vec<Arc<Provider>>,
    /// Artifacts made so far.
    artifacts: Vec<String>,
    /// References that can be made so far.
    references: Vec<(String, String)>,
    count: usize,
}

impl Maker {
    fn new(dice: Dice) -> Self {
        let catalog = Catalog::builtin();
        let all: Vec<Arc<Provider>> = catalog
            .modules()
            .flat_map(|module| catalog.names(module).map(move |name| format!("{module}.{name}")))
            .filter_map(|name| catalog.get(&name))
            .collect();
        let (rules, providers) = all
            .into_iter()
            .partition(|provider| provider.type_id.category == "Rule");
        Self {
            dice,
            providers,
            rules,
            artifacts: Vec::new(),
            references: vec![("codepipeline".to_owned(), "PipelineExecutionId".to_owned())],
            count: 0,
        }
    }

    fn name(&mut self) -> String {
        let base = *self.dice.one(NAMES);
        self.count += 1;
        match self.dice.pick(4) {
            0 => format!("{base}{}", self.count),
            1 => format!("{base}-{}", self.count),
            _ => base.to_owned(),
        }
    }

    fn deploy(&mut self) -> DeployValue {
        let intrinsic = |function: &str, argument| DeployValue::Intrinsic {
            function: function.to_owned(),
            argument,
        };
        match self.dice.pick(16) {
            0 => DeployValue::Ref("Project".to_owned()),
            1 => DeployValue::GetAtt("Role".to_owned(), "Arn".to_owned()),
            // Of a longer text the reader makes parts, which mean the same.
            2 => DeployValue::Sub("${Env}".to_owned()),
            3 => DeployValue::ImportValue("stack-Export".to_owned()),
            4 => DeployValue::no_value(),
            5 => intrinsic(
                "Fn::Join",
                json!(["-", ["a", {"Ref": "B"}, {"Fn::GetAtt": ["C", "D.E"]}]]),
            ),
            6 => intrinsic("Fn::Join", json!([",", {"Ref": "List"}])),
            7 => intrinsic("Fn::Select", json!(["1", {"Fn::Split": [":", {"Ref": "Arn"}]}])),
            8 => intrinsic("Fn::Select", json!([1, ["a", "b"]])),
            9 => intrinsic("Fn::FindInMap", json!(["Map", {"Ref": "AWS::Region"}, "Key"])),
            10 => intrinsic("Fn::Base64", json!({"Fn::Sub": "x ${Y}"})),
            11 => intrinsic(
                "Fn::If",
                json!(["Prod", {"Ref": "A"}, {"Fn::If": ["Beta", "b", {"Ref": "AWS::NoValue"}]}]),
            ),
            12 => intrinsic("Fn::Sub", json!(["${A}", {"A": {"Ref": "B"}}])),
            13 => intrinsic(
                "Fn::Join",
                json!(["", [{"Fn::GetAtt": ["A", "B"]}, {"Ref": "C", "D": true}]]),
            ),
            14 => intrinsic("Fn::ImportValue", json!({"Fn::Sub": "${Stack}-x"})),
            _ => intrinsic("Fn::GetAZs", json!("")),
        }
    }

    /// A name that a template may compute in part.
    fn deploy_name(&mut self, plain: String) -> String {
        match self.dice.pick(12) {
            1 => format!("{}-{plain}", self.deploy()),
            2 => self.deploy().to_string(),
            _ => plain,
        }
    }

    fn text(&mut self) -> Text {
        let mut text = Text::default();
        for _ in 0..=self.dice.pick(3) {
            match self.dice.pick(5) {
                0..=2 => text.push_str(self.dice.one::<&str>(WORDS)),
                3 => self.reference(&mut text),
                _ => text.push(TextPart::Deploy(self.deploy())),
            }
        }
        text
    }

    fn reference(&mut self, text: &mut Text) {
        let (namespace, key) = self.dice.one(&self.references.clone()).clone();
        let origin = Span::default();
        text.push(TextPart::Variable(VariableRef { namespace, key, origin }));
    }

    /// Text where no reference is resolved.
    fn fixed_text(&mut self) -> Text {
        let mut text = Text::literal(
            *self
                .dice
                .one(&["arn:aws:iam::111122223333:role/x", "bucket-1", "${x} \"y\""]),
        );
        if self.dice.rarely(3) {
            text.push(TextPart::Deploy(self.deploy()));
        }
        text
    }

    fn pipeline(mut self) -> Pipeline {
        let name = self.name();
        let name = self.deploy_name(name);
        let variables = self.variables();
        let stages: Vec<Stage> = (0..2 + self.dice.pick(3)).map(|index| self.stage(index)).collect();
        let triggers = self.triggers(&stages);
        let stores = match self.dice.pick(4) {
            0 | 1 => Stores::One(self.store()),
            2 => Stores::Missing,
            _ => Stores::ByRegion {
                stores: ["eu-west-1", "us-east-1", "${cfn:{\"Ref\":\"AWS::Region\"}}"]
                    .map(|region| (region.to_owned(), self.store()))
                    .into(),
                both: None,
                origin: Span::default(),
            },
        };
        let tags = (0..self.dice.pick(3)).map(|index| Tag {
            key: node(format!("{} {index}", NAMES[index])),
            value: node(WORDS[self.dice.pick(WORDS.len())].to_owned()),
        });
        let tags = tags.collect();
        let disabled = (0..self.dice.pick(2)).map(|index| DisabledTransition {
            stage: stages[index].name.clone(),
            reason: node(Text::literal("frozen: \"until\" Monday")),
        });
        let disabled_transitions = disabled.collect();
        Pipeline {
            handle: Handle::default(),
            name: node(name),
            role_arn: self.dice.some(2, |_| ()).map(|()| node(self.fixed_text())),
            stores,
            pipeline_type: node(*self.dice.one(&[
                PipelineType::V2,
                PipelineType::V2,
                PipelineType::V1,
                PipelineType::Unset,
            ])),
            execution_mode: self.dice.some(2, |dice| {
                node(*dice.one(&[
                    ExecutionMode::Queued,
                    ExecutionMode::Superseded,
                    ExecutionMode::Parallel,
                ]))
            }),
            variables,
            triggers,
            stages,
            tags,
            deployment: Deployment {
                restart_execution_on_update: self.dice.some(5, |_| ()).map(|()| {
                    node(match self.dice.pick(3) {
                        0 => Text::literal("true"),
                        1 => Text::literal("false"),
                        _ => {
                            let mut text = Text::default();
                            text.push(TextPart::Deploy(self.deploy()));
                            text
                        }
                    })
                }),
                disabled_transitions,
            },
            origin: Span::default(),
            incomplete: false,
        }
    }

    fn store(&mut self) -> Store {
        Store {
            location: node(self.fixed_text()),
            encryption_key: self.dice.some(3, |_| ()).map(|()| node(self.fixed_text())),
            origin: Span::default(),
        }
    }

    fn variables(&mut self) -> Vec<Variable> {
        let names = ["channel", "if", "name", "Build", "item", "x-y"];
        let count = self.dice.pick(names.len());
        let mut variables = Vec::new();
        for name in &names[..count] {
            self.references.push(("variables".to_owned(), (*name).to_owned()));
            let description = ["Where it goes.", "", "Two  blanks, \"quotes\" and ${x}", LONG];
            let default = self.dice.some(2, |dice| (*dice.one(WORDS)).to_owned());
            variables.push(Variable {
                name: node((*name).to_owned()),
                default: default.map(|default| node(self.deploy_name(default))),
                description: self.dice.some(2, |dice| (*dice.one(&description)).to_owned()),
                origin: Span::default(),
            });
        }
        variables
    }

    fn triggers(&mut self, stages: &[Stage]) -> Vec<Trigger> {
        let Some(source) = stages[0].actions.first() else {
            return Vec::new();
        };
        let source_action = source.name.clone();
        let make = |maker: &mut Self| Trigger {
            source_action,
            push: (0..maker.dice.pick(3))
                .map(|_| PushFilter {
                    tags: maker.patterns(),
                    branches: maker.patterns(),
                    file_paths: maker.patterns(),
                    origin: Span::default(),
                })
                .collect(),
            pull_request: (0..maker.dice.pick(3))
                .map(|_| PullRequestFilter {
                    events: [
                        PullRequestEvent::Open,
                        PullRequestEvent::Updated,
                        PullRequestEvent::Closed,
                    ][..maker.dice.pick(4)]
                        .iter()
                        .map(|event| node(*event))
                        .collect(),
                    branches: maker.patterns(),
                    file_paths: maker.patterns(),
                    origin: Span::default(),
                })
                .collect(),
            origin: Span::default(),
        };
        let wanted = self.dice.rarely(2);
        wanted.then(|| make(self)).into_iter().collect()
    }

    fn patterns(&mut self) -> Option<Patterns> {
        let all = [
            "main",
            "release/*",
            "**/*.{md,txt}",
            "\\*",
            "${x}",
            "${cfn:{\"Ref\":\"Branch\"}}",
        ];
        let some = |maker: &mut Self| -> Vec<Node<String>> {
            let count = maker.dice.pick(3);
            (0..count).map(|_| node((*maker.dice.one(&all)).to_owned())).collect()
        };
        self.dice.rarely(2).then(|| Patterns {
            includes: some(self),
            excludes: some(self),
            origin: Span::default(),
        })
    }

    fn when(&mut self) -> Vec<DeployCondition> {
        let count = [0, 0, 0, 0, 1, 1, 2][self.dice.pick(7)];
        (0..count)
            .map(|index| DeployCondition {
                name: ["Prod", "Is \"Beta\""][(index + self.dice.pick(2)) % 2].to_owned(),
                holds: self.dice.pick(2) == 0,
            })
            .collect()
    }

    fn stage(&mut self, index: usize) -> Stage {
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

    fn result(&mut self) -> Node<ConditionResult> {
        node(*self.dice.one(&[
            ConditionResult::Fail,
            ConditionResult::Rollback,
            ConditionResult::Skip,
            ConditionResult::Retry,
        ]))
    }

    fn condition(&mut self) -> Condition {
        Condition {
            result: self.dice.rarely(2).then(|| self.result()),
            rules: (0..1 + self.dice.pick(2)).map(|_| self.rule()).collect(),
            origin: Span::default(),
        }
    }

    fn failure(&mut self) -> FailureHandling {
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

    fn rule(&mut self) -> Rule {
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

    fn region(&mut self) -> Option<Node<String>> {
        self.dice
            .rarely(4)
            .then(|| node(self.deploy_name("eu-west-1".to_owned())))
    }

    fn inputs(&mut self) -> Vec<Node<String>> {
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

    fn action(&mut self, is_first: bool) -> Action {
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

    fn outputs(&mut self, is_source: bool, max: usize, with_files: bool) -> Vec<OutputArtifact> {
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

    /// What AWS keeps beside the configuration.
    fn beside(&mut self, provider: &Provider) -> (Vec<Node<Text>>, Vec<EnvironmentVariable>) {
        let has = |encoding| provider.fields.iter().any(|field| field.encoding == encoding);
        let mut commands = Vec::new();
        if has(Encoding::Commands) {
            for _ in 0..1 + self.dice.pick(3) {
                let mut command = Text::literal("run ");
                command.append(self.text());
                commands.push(node(command));
            }
        }
        let mut environment = Vec::new();
        let secrets = provider
            .fields
            .iter()
            .any(|field| field.encoding == Encoding::Environment && type_text(&field.ty).contains("secret"));
        if has(Encoding::Environment) {
            for name in &["CHANNEL", "a.b", "if"][..self.dice.pick(4)] {
                let kind = match secrets && self.dice.rarely(3) {
                    true => EnvironmentKind::SecretsManager,
                    false => EnvironmentKind::Plaintext,
                };
                environment.push(EnvironmentVariable {
                    name: node((*name).to_owned()),
                    value: node(self.text()),
                    kind,
                });
            }
        }
        (commands, environment)
    }

    fn custom_configuration(&mut self) -> Configuration {
        let mut configuration = Configuration::new();
        for _ in 0..self.dice.pick(4) {
            let key = (*self.dice.one(KEYS)).to_owned();
            configuration.insert(key, self.entry_of(None));
        }
        configuration
    }

    fn configuration(&mut self, provider: &Provider) -> Configuration {
        let mut configuration = Configuration::new();
        for field in &provider.fields {
            if field.encoding.is_configuration() && (!field.optional || self.dice.rarely(3)) {
                let kind = match field.encoding {
                    Encoding::EnvJson => "env".to_owned(),
                    Encoding::Json => "json".to_owned(),
                    _ => type_text(&field.ty),
                };
                configuration.insert(field.key.clone(), self.entry_of(Some(&kind)));
            }
        }
        if self.dice.rarely(8) {
            configuration.insert("NewKey".to_owned(), self.entry_of(None));
        }
        configuration
    }

    fn entry_of(&mut self, kind: Option<&str>) -> ConfigEntry {
        let is_junk = self.dice.rarely(5);
        let value = match kind.filter(|_| !is_junk) {
            Some("env") => self.environment_json(),
            Some("json") => Text::literal(*self.dice.one(&[
                "{\"A\":\"b\",\"C\":\"\\\"\"}",
                "{ \"Z\" : \"x\", \"A\" : { \"Fn::GetParam\" : [\"App\", \"f.json\", \"k\"] } }",
                "[{\"name\":\"a\",\"value\":\"b\"}]",
                "{\"A\":1}",
                "{\"A\":null}",
                "{\"A\":\"1\",\"A\":\"2\"}",
            ])),
            Some(kind) if kind.starts_with("bool") => Text::literal(*self.dice.one(&["true", "false", "True"])),
            Some(kind) if kind.starts_with("int") => Text::literal(*self.dice.one(&["1", "20", "1_0", "-3"])),
            Some(kind) if kind.starts_with("artifact") => match self.artifacts.first() {
                Some(artifact) => Text::literal(artifact.clone()),
                None => Text::literal("Nothing"),
            },
            Some(kind) if kind.starts_with("file") => {
                let artifact = self.artifacts.last().cloned().unwrap_or_else(|| "Nothing".to_owned());
                let mut text = Text::literal(format!(
                    "{artifact}::{}",
                    self.dice.one(&["t.yml", "/t.yml", "", "a \"b\""])
                ));
                if self.dice.rarely(4) {
                    self.reference(&mut text);
                }
                text
            }
            Some(kind) if kind.contains("list<") => {
                Text::literal(*self.dice.one(&["a,b", "a", "a, b", ",", "CAPABILITY_IAM"]))
            }
            _ => self.text(),
        };
        ConfigEntry {
            value,
            origin: Span::default(),
            key_origin: Span::default(),
        }
    }

    fn environment_json(&mut self) -> Text {
        let mut text = Text::literal(*self.dice.one(&[
            "[{\"name\":\"A\",\"value\":\"b\",\"type\":\"PLAINTEXT\"}",
            "[ {\"value\":\"\\u00e9 \\\"\", \"name\":\"A\"}",
            "[{\"name\":\"T\",\"value\":\"s:t\",\"type\":\"SECRETS_MANAGER\"},{\"name\":\"P\",\"type\":\"PARAMETER_STORE\",\"value\":\"/p\"}",
            "[{\"name\":\"T\",\"value\":1}",
        ]));
        if self.dice.rarely(2) {
            text.push_str(",{\"name\":\"if\",\"value\":\"x ");
            self.reference(&mut text);
            text.push_str("\"}");
        }
        text.push_str("]");
        text
    }
}

const LONG: &str = "A description that is so long that no one would leave it on one line of a source file, and so it has to be broken \
somewhere between its words and put together again.";
