//! The earlier run that a run begins on when it does not begin with the first stage: which one it is, and what is taken over of it.
//!
//! The new run is an execution of its own, so its definition may be another one: artifacts, variables and stages are matched by
//! their names.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use super::RunOptions;
use super::engine::{Engine, Execution, Id};
use super::event::{Inherited, Kind, Started};
use super::history::find::{self, by_age};
use super::journal;
use super::outcome::StageStatus;
use super::part::{place, rule_place};
use super::refusal::{Refusal, RefusalKind};
use super::restore;
use super::store::Store;
use super::units::short;
use super::variables::{EXECUTION, PIPELINE};
use crate::ir::{self, Action, Pipeline, Rule, Text, VariableRef};

/// What a run takes over of an earlier one.
#[derive(Debug)]
pub(super) struct Ground {
    pub inherited: Inherited,
    /// Values of the pipeline's own variables.
    pub variables: BTreeMap<String, String>,
    /// Those of them whose values were not kept.
    pub lost: BTreeSet<String>,
}

/// Finds the earlier run; none if everything is carried out. The stages that are asked for exist.
pub(super) fn find(pipeline: &Pipeline, options: &RunOptions, part: &Range<usize>) -> Result<Option<Ground>, Refusal> {
    let state_dir = options.state_folder();
    if let Some(run) = &options.based_on {
        let run_dir = find::named(&state_dir, run).map_err(|not_found| Refusal {
            kind: RefusalKind::Usage,
            ..impossible(not_found.to_string(), Some(not_found.help()))
        })?;
        let (id, engine) = restore::look(&run_dir).map_err(|error| impossible(error.to_string(), None))?;
        return engine.execution(&id).map(|found| Some(ground(found))).ok_or_else(|| {
            let message = format!("nothing is recorded of run {}", short(&id));
            impossible(message, None)
        });
    }
    if part.start == 0 {
        return Ok(None);
    }
    let before: Vec<&str> = pipeline.stages[..part.start]
        .iter()
        .map(|stage| stage.name.value.as_str())
        .collect();
    newest(&state_dir, &pipeline.name.value, &before)
        .map(Some)
        .ok_or_else(|| {
            let stages = before.join(", ");
            let message = format!(
                "no earlier run of `{}` has completed what comes before: {stages}",
                pipeline.name
            );
            impossible(
                message,
                Some("run the whole pipeline first, or name a run with `--of RUN`".to_owned()),
            )
        })
}

fn impossible(message: String, help: Option<String>) -> Refusal {
    Refusal {
        kind: RefusalKind::Impossible,
        place: None,
        message,
        help,
    }
}

/// The run that was started last of those that have come through all these stages.
fn newest(state_dir: &Path, pipeline: &str, stages: &[&str]) -> Option<Ground> {
    let has_completed = |engine: &Engine, id: &Id| {
        let execution = engine.execution(id)?;
        let is_standard = execution.kind == Kind::Standard;
        (is_standard && stages.iter().all(|stage| has_passed(execution, stage))).then(|| ground(execution))
    };
    by_age(state_dir).into_iter().find_map(|dir| {
        let records = journal::read(&dir).ok()?;
        if Started::of(&records)?.pipeline != pipeline {
            return None;
        }
        let (id, engine) = restore::look_at(&dir, &records).ok()?;
        has_completed(&engine, &id)
    })
}

/// Whether an execution has a stage behind it, itself or the one that it began on.
fn has_passed(execution: &Execution, stage: &str) -> bool {
    execution.definition.stage_index(stage).is_some_and(|index| {
        let status = execution.stages[index].status;
        index < execution.first_stage || matches!(status, Some(StageStatus::Succeeded | StageStatus::Skipped))
    })
}

fn ground(execution: &Execution) -> Ground {
    let mut inherited = execution.inherited();
    let is_own = |(namespace, _): &(String, String)| namespace == PIPELINE;
    // The pipeline's own variables get values anew.
    let (own, of_actions) = inherited.masked.into_iter().partition(is_own);
    inherited.masked = of_actions;
    let own: Vec<(String, String)> = own;
    Ground {
        inherited,
        variables: execution.variables.pipeline(),
        lost: own.into_iter().map(|(_, name)| name).collect(),
    }
}

/// The options, with the earlier run's values for variables that nobody has given one.
pub(super) fn with_variables(pipeline: &Pipeline, options: &RunOptions, ground: &Ground) -> RunOptions {
    let is_declared = |name: &str| pipeline.variables.iter().any(|variable| variable.name.value == name);
    let known = ground.variables.iter().filter(|(name, _)| is_declared(name));
    let mut variables: Vec<(String, String)> = known.map(|(name, value)| (name.clone(), value.clone())).collect();
    // The last of a name counts.
    variables.extend(options.variables.iter().cloned());
    RunOptions {
        variables,
        ..options.clone()
    }
}

/// What the stages that are carried out need and do not find.
pub(super) fn missing(
    pipeline: &Pipeline,
    part: &Range<usize>,
    ground: &Ground,
    options: &RunOptions,
    store: &Store,
) -> Vec<Refusal> {
    let stages = &pipeline.stages[part.clone()];
    let actions = || stages.iter().flat_map(|stage| &stage.actions);
    let mut seeker = Seeker {
        made: actions()
            .flat_map(|action| &action.outputs)
            .map(|output| output.name.value.as_str())
            .collect(),
        given: actions()
            .filter_map(|action| Some(action.namespace.as_ref()?.value.as_str()))
            .collect(),
        ground,
        store,
        refusals: Vec::new(),
    };
    for name in &ground.lost {
        let is_given = options.variables.iter().any(|(given, _)| given == name);
        let is_declared = pipeline.variables.iter().any(|variable| variable.name.value == *name);
        if is_declared && !is_given {
            let run = short(&ground.inherited.execution_id);
            let message =
                format!("the pipeline variable `{name}` of run {run} held a secret, and no journal keeps secrets");
            let help = Some(format!("give it a value: `--var {name}=…`"));
            seeker.refusals.push(impossible(message, help));
        }
    }
    for stage in stages {
        for action in &stage.actions {
            seeker.action(&place(stage, action), action);
        }
        for (position, condition) in stage.conditions() {
            for rule in &condition.rules {
                seeker.rule(&rule_place(stage, position.into(), rule), rule);
            }
        }
    }
    seeker.refusals
}

struct Seeker<'a> {
    /// What is made on the way.
    made: BTreeSet<&'a str>,
    /// The namespaces that are filled on the way.
    given: BTreeSet<&'a str>,
    ground: &'a Ground,
    store: &'a Store,
    refusals: Vec<Refusal>,
}

impl Seeker<'_> {
    fn action(&mut self, place: &str, action: &Action) {
        for input in &action.inputs {
            self.artifact(place, &input.value);
        }
        self.texts(place, &action.configuration, &action.commands);
        for variable in &action.environment {
            self.text(place, &variable.value.value);
        }
    }

    fn rule(&mut self, place: &str, rule: &Rule) {
        for input in &rule.inputs {
            self.artifact(place, &input.value);
        }
        self.texts(place, &rule.configuration, &rule.commands);
    }

    fn texts(&mut self, place: &str, configuration: &ir::Configuration, commands: &[ir::Node<Text>]) {
        for entry in configuration.values() {
            self.text(place, &entry.value);
        }
        for command in commands {
            self.text(place, &command.value);
        }
    }

    fn text(&mut self, place: &str, text: &Text) {
        for reference in text.variables() {
            self.variable(place, reference);
        }
    }

    fn artifact(&mut self, place: &str, name: &str) {
        if self.made.contains(name) {
            return;
        }
        let run = short(&self.ground.inherited.execution_id);
        let message = match self.ground.inherited.artifacts.get(name) {
            None => format!("it needs the artifact `{name}`, which run {run} has not made"),
            Some(artifact) if self.store.manifest(artifact).is_err() => {
                format!("it needs the artifact `{name}` of run {run}, which is not kept any more")
            }
            Some(_) => return,
        };
        self.refuse(place, message);
    }

    fn variable(&mut self, place: &str, reference: &VariableRef) {
        let VariableRef { namespace, key, .. } = reference;
        let is_own = namespace == PIPELINE || namespace == EXECUTION || self.given.contains(namespace.as_str());
        let inherited = &self.ground.inherited;
        let is_known = || {
            inherited
                .namespaces
                .get(namespace)
                .is_some_and(|keys| keys.contains_key(key))
        };
        if is_own || is_known() {
            return;
        }
        let run = short(&inherited.execution_id);
        let is_lost = inherited
            .masked
            .iter()
            .any(|(lost, name)| lost == namespace && name == key);
        let message = match is_lost {
            true => format!("the value of `{reference}` in run {run} held a secret, and no journal keeps secrets"),
            false => format!("it needs `{reference}`, which run {run} has not given a value"),
        };
        self.refuse(place, message);
    }

    fn refuse(&mut self, place: &str, message: String) {
        let help = "begin with an earlier stage, or name another run with `--of RUN`".to_owned();
        let refusal = Refusal {
            place: Some(place.to_owned()),
            ..impossible(message, Some(help))
        };
        if !self.refusals.contains(&refusal) {
            self.refusals.push(refusal);
        }
    }
}
