//! What is run is what is exported: a pipeline, and its export read back, run the same.
//!
//! No format holds `local` blocks: both sides get those of the original, found by the names of stage and action.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::Arc;

use jiff::Timestamp;
use pipe::catalog::Catalog;
use pipe::compile::{Compiled, Main, Options, compile};
use pipe::diagnostic::Diagnostics;
use pipe::export::{self, cloudformation::Syntax};
use pipe::import;
use pipe::ir::{self, Pipeline, VariableRef};
use pipe::run::engine::{Answer, Command, Definition, Ended, Engine, Execution, Id, Input, Start, Task, Verdict};
use pipe::run::event::Record;
use pipe::run::outcome::Failure;
use pipe::run::store::Artifact;
use pipe::run::{Drivers, RunOptions, RunOutcome, Show, journal, plan, run};
use pipe::source::{DiskHost, Sources};
use proptest::prelude::*;

use crate::support::declarations::any_pipeline;
use crate::support::pipeline::text;

/// What the formats hold of a pipeline; one that cannot hold it is left out.
fn read_back(pipeline: &Pipeline) -> Vec<(&'static str, Pipeline)> {
    let mut diags = Diagnostics::default();
    let formats = [
        ("codepipeline", export::codepipeline::export(pipeline, &mut diags)),
        (
            "cloudformation",
            export::cloudformation::export(pipeline, Syntax::Yaml, &mut diags),
        ),
        (
            "cloudformation-json",
            export::cloudformation::export(pipeline, Syntax::Json, &mut diags),
        ),
    ];
    let texts = formats.into_iter().filter_map(|(format, text)| Some((format, text?)));
    texts
        .map(|(format, text)| (format, imported(&text, pipeline)))
        .collect()
}

fn imported(text: &str, original: &Pipeline) -> Pipeline {
    let mut sources = Sources::default();
    let file = sources.add("document", None, text);
    let mut diags = Diagnostics::default();
    let mut document = import::document::read(text, file, &mut diags);
    assert!(!document.lost, "{diags:?}\n{text}");
    assert_eq!(document.pipelines.len(), 1);
    let mut pipeline = document.pipelines.remove(0);
    for (stage, before) in pipeline.stages.iter_mut().zip(&original.stages) {
        for action in &mut stage.actions {
            let twin = before.actions.iter().find(|twin| twin.name == action.name);
            action.local = twin.unwrap_or_else(|| panic!("{}", action.name)).local.clone();
        }
    }
    pipeline
}

/// Conditions of templates that generated pipelines use.
fn decided(pipeline: &Pipeline) -> Pipeline {
    let outcomes = [("Prod".to_owned(), true), ("Is \"Beta\"".to_owned(), false)];
    pipeline.decided(&BTreeMap::from(outcomes)).unwrap().into_owned()
}

/// A number that follows from a text.
fn chance(parts: &[&str]) -> u8 {
    let bytes = parts.concat().into_bytes();
    bytes
        .iter()
        .fold(7u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte))
}

/// All that a run of two executions does, told by the engine, where what happens follows from the names alone.
struct Story {
    engine: Engine,
    lines: Vec<String>,
    waiting: VecDeque<(Id, Task)>,
    wanted: Vec<VariableRef>,
}

impl Story {
    fn of(pipeline: &Pipeline, drivers: &dyn Drivers) -> Vec<String> {
        let pipeline = decided(pipeline);
        let options = RunOptions {
            project_dir: PathBuf::from("/nowhere"),
            ..RunOptions::default()
        };
        // What cannot run here stands in the way of both sides alike; the engine does not mind.
        let (plan, refusals) = plan::look(&pipeline, drivers, &options);
        let mut lines: Vec<String> = refusals.iter().map(|refusal| format!("{refusal:?}")).collect();
        lines.extend(plan.lines(&pipeline).iter().map(|line| format!("{line:?}")));
        let wanted = wanted(&pipeline);
        let stages: Vec<String> = pipeline.stages.iter().map(|stage| stage.name.value.clone()).collect();
        let variables = plan.variables.clone();
        let definition = Definition::new(Arc::new(pipeline), Arc::new(plan), "one".to_owned()).unwrap();
        let mut story = Self {
            engine: Engine::new(Arc::new(definition), 3),
            lines,
            waiting: VecDeque::new(),
            wanted,
        };
        for execution in ["first", "second"] {
            story.step(Input::Start(Box::new(Start {
                execution: execution.to_owned(),
                variables: variables.clone(),
                ..Start::default()
            })));
        }
        story.go_on();
        for stage in stages {
            story.step(Input::Transition { stage, disabled: None });
            story.go_on();
        }
        story.lines
    }

    fn go_on(&mut self) {
        while let Some((execution, task)) = self.waiting.pop_front() {
            let input = self.end_of(&execution, task);
            self.step(input);
        }
    }

    fn step(&mut self, input: Input) {
        match self.engine.handle(Timestamp::UNIX_EPOCH, input) {
            Err(refused) => self.lines.push(refused.to_string()),
            Ok(commands) => commands.into_iter().for_each(|command| self.take(command)),
        }
    }

    fn take(&mut self, command: Command) {
        self.lines.push(format!("{command:?}"));
        match command {
            Command::StartAction(start) => {
                let task = Task::Action(start.at, start.attempt);
                self.waiting.push_back((start.execution, task));
            }
            Command::StartRule(start) => {
                let task = Task::Rule(start.at, start.attempt);
                self.waiting.push_back((start.execution, task));
            }
            Command::Record { .. } | Command::End { .. } => {}
        }
    }

    fn execution(&self, id: &Id) -> &Execution {
        self.engine.execution(id).unwrap()
    }

    fn end_of(&self, id: &Id, task: Task) -> Input {
        let execution = Arc::clone(id);
        let definition = &self.execution(id).definition;
        match task {
            Task::Action(at, attempt) => {
                let (stage, action) = (&definition.stage(at.stage).name.value, definition.action(at));
                let fails = chance(&[stage, &action.name.value, &attempt.to_string()]).is_multiple_of(7);
                if definition.is_approval(at) {
                    return Input::Answer {
                        execution,
                        stage: stage.clone(),
                        action: action.name.value.clone(),
                        token: None,
                        answer: Answer {
                            approved: !fails,
                            comment: String::new(),
                            by: "somebody".to_owned(),
                        },
                    };
                }
                let ended = Box::new(self.ended(action, fails));
                Input::ActionEnded {
                    execution,
                    at,
                    attempt,
                    ended,
                }
            }
            Task::Rule(at, attempt) => {
                let name = &definition.rule(at).unwrap().name.value;
                let satisfied = !chance(&[name, at.position.words()]).is_multiple_of(3);
                let verdict = Verdict {
                    satisfied,
                    simulated: false,
                    message: String::new(),
                };
                Input::RuleEnded {
                    execution,
                    at,
                    attempt,
                    verdict,
                }
            }
        }
    }

    fn ended(&self, action: &ir::Action, fails: bool) -> Ended {
        let of_namespace = |wanted: &&VariableRef| {
            let namespace = action.namespace.as_ref();
            namespace.is_some_and(|namespace| namespace.value == wanted.namespace)
        };
        let variables = self.wanted.iter().filter(of_namespace);
        let artifacts = action.outputs.iter().map(|output| {
            let artifact = Artifact {
                digest: output.name.value.clone(),
                ..Artifact::default()
            };
            (output.name.value.clone(), artifact)
        });
        Ended {
            failure: fails.then(|| Failure::new("it does not want to")),
            variables: variables
                .map(|wanted| (wanted.key.clone(), format!("value of {}", wanted.key)))
                .collect(),
            artifacts: artifacts.collect(),
            notes: Vec::new(),
        }
    }
}

/// Each variable that an action uses.
fn wanted(pipeline: &Pipeline) -> Vec<VariableRef> {
    let actions = pipeline.stages.iter().flat_map(|stage| &stage.actions);
    let texts = actions.flat_map(|action| {
        let configuration = action.configuration.values().map(|entry| &entry.value);
        let commands = action.commands.iter().map(|command| &command.value);
        let environment = action.environment.iter().map(|variable| &variable.value.value);
        configuration.chain(commands).chain(environment)
    });
    texts.flat_map(ir::Text::variables).cloned().collect()
}

/// Whether all names are there once, without which nothing can be told apart: the compiler sees to it.
fn can_run(pipeline: &Pipeline) -> bool {
    let is_once = |names: Vec<&String>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
    let rules = |condition: &ir::Condition| is_once(condition.rules.iter().map(|rule| &rule.name.value).collect());
    is_once(pipeline.stages.iter().map(|stage| &stage.name.value).collect())
        && pipeline.stages.iter().all(|stage| {
            is_once(stage.actions.iter().map(|action| &action.name.value).collect())
                && stage.conditions().all(|(_, condition)| rules(condition))
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_pipeline_runs_as_its_export_does(mut pipeline in any_pipeline()) {
        // What AWS wants is missed when it is not there.
        pipeline.role_arn.get_or_insert(text("arn:aws:iam::111122223333:role/x", 1));
        // A variable without a default, and one with a default that is no value, are the same in a template.
        let no_value = ir::DeployValue::no_value().to_string();
        for variable in &mut pipeline.variables {
            variable.default.take_if(|default| default.value == no_value);
        }
        prop_assume!(can_run(&pipeline));
        let drivers = Catalog::builtin();
        let story = Story::of(&pipeline, &drivers);
        for (format, again) in read_back(&pipeline) {
            let other = Story::of(&again, &drivers);
            let difference = || {
                let (before, after) = (story.join("\n"), other.join("\n"));
                similar::TextDiff::from_lines(&before, &after).unified_diff().to_string()
            };
            prop_assert!(story == other, "{format}\n{}", difference());
        }
    }
}

fn examples() -> Vec<PathBuf> {
    let all = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")).unwrap();
    let mut all: Vec<PathBuf> = all.map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.is_dir());
    all.sort();
    all
}

fn compiled(folder: &Path) -> Compiled {
    let main = Main::Path(folder.join("main.pipe"));
    compile(&DiskHost, &main, &Options::default()).unwrap()
}

/// What happens in a run, without times and ids: an event's name, and whom it is about.
fn told(records: &[Record]) -> Vec<String> {
    let one = |record: &Record| {
        let event = serde_json::to_value(&record.event).unwrap();
        let keys = [
            "event",
            "stage",
            "action",
            "rule",
            "position",
            "attempt",
            "status",
            "satisfied",
            "result",
        ];
        let words: Vec<String> = keys
            .iter()
            .filter_map(|key| Some(event.get(key)?.to_string()))
            .collect();
        words.join(" ")
    };
    records.iter().map(one).collect()
}

/// Copies of an example's folder are all alike.
fn place(example: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copied = Process::new("cp")
        .arg("-r")
        .arg(example.join("."))
        .arg(folder.path())
        .status();
    assert!(copied.unwrap().success());
    let _ = fs::remove_dir_all(folder.path().join(".pipe"));
    folder
}

#[test]
fn the_examples_run_as_their_exports_do() {
    for example in examples() {
        let folder = place(&example);
        let Compiled { pipelines, catalog, .. } = compiled(folder.path());
        for pipeline in &pipelines {
            let story = |pipeline: &Pipeline, name: &str| {
                let state = tempfile::tempdir().unwrap();
                let options = RunOptions {
                    project_dir: folder.path().to_owned(),
                    state_dir: Some(state.path().to_owned()),
                    yes: true,
                    // Side by side nobody knows who ends first.
                    jobs: Some(1),
                    show: Show::Nothing,
                    ..RunOptions::default()
                };
                let outcome = run(pipeline, &catalog, &options);
                assert_eq!(outcome, RunOutcome::Succeeded, "{} {name}", example.display());
                let runs: Vec<_> = fs::read_dir(state.path().join("runs")).unwrap().flatten().collect();
                assert_eq!(runs.len(), 1);
                told(&journal::read(&runs[0].path()).unwrap())
            };
            let original = story(pipeline, "as it is written");
            assert!(original.len() > 8, "{original:?}");
            for (index, (format, again)) in read_back(pipeline).into_iter().enumerate() {
                let name = format!("{} {format}", example.display());
                assert_eq!(Story::of(&again, &catalog), Story::of(pipeline, &catalog), "{name}");
                // Carried out for real once: what the engine is told of the others is the same.
                if index == 0 {
                    assert_eq!(story(&again, format), original, "{name}");
                }
            }
        }
    }
}
