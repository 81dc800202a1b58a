//! Whole pipelines of every kind, made from a row of choices: what a property test draws and shrinks.
//!
//! They use all that the IR can hold, names and texts that are awkward in source included. They are well-formed as far as
//! artifacts, names and namespaces go; whether AWS would take their configuration is left to chance.

mod stages;
mod values;

use std::sync::Arc;

use pipe::catalog::{Catalog, Provider};
use pipe::ir::*;
use pipe::source::Span;
use proptest::prelude::*;

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
    "ビルド",
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

    fn pipeline(mut self) -> Pipeline {
        let name = self.name();
        let name = self.deploy_name(name);
        let variables = self.variables();
        let mut stages: Vec<Stage> = (0..2 + self.dice.pick(3)).map(|index| self.stage(index)).collect();
        if self.dice.rarely(4) {
            stages.extend(self.stage_family());
        }
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
}

const LONG: &str = "A description that is so long that no one would leave it on one line of a source file, and so it has to be broken \
somewhere between its words and put together again.";
