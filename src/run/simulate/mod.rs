//! `pipe simulate`: the engine that carries out real runs, on a clock of its own and with outcomes that a script tells.
//!
//! Nothing is executed, read or written, and no time passes: seven days until an approval times out are one step. The same
//! script gives the same trace.

mod script;
mod trace;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::ir;
use crate::run::engine::Definition;
use crate::run::event::Event;
use crate::run::outcome::RunStatus;
use crate::run::planned::{ActionPlan, Driver, How, Plan, Position, RuleRef};
use crate::run::settings::Settings;

pub use script::Script;

/// Why an action fails that fails because the script says so.
const SCRIPTED: &str = "the script lets it fail";

/// Something that is wrong with a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line and column, from 1; none: of the script as a whole.
    pub at: Option<(u64, u64)>,
    /// One sentence.
    pub message: String,
    /// What to do, as an order or a question.
    pub help: Option<String>,
}

/// What came of a script.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Simulation {
    pub runs: Vec<SimulatedRun>,
    /// In the order in which it happened.
    pub events: Vec<Happened>,
}

/// One execution of the pipeline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SimulatedRun {
    /// The script's name of it; rollbacks are `rollback-1`, `rollback-2` …
    pub name: String,
    pub execution_id: String,
    /// None: it still waits when nothing happens any more.
    pub status: Option<RunStatus>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Happened {
    /// The virtual clock begins in 1970.
    pub time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum What {
    Event(Box<Event>),
    /// The engine has not granted what the script asks for.
    Refused {
        /// The script's line.
        line: u64,
        exception: &'static str,
        refused: String,
    },
}

/// Reads a script for a pipeline; gives all that is wrong with it.
pub fn read(text: &str, pipeline: &ir::Pipeline) -> Result<Script, Vec<Problem>> {
    script::read(text, pipeline)
}

/// Lets happen what a script says.
///
/// # Panics
///
/// If two stages, or two actions of a stage, have the same name: no pipeline that was compiled has that.
pub fn simulate(pipeline: &ir::Pipeline, script: &Script) -> Simulation {
    let pipeline = Arc::new(pipeline.clone());
    let plan = Arc::new(plan(&pipeline));
    let definition = Definition::new(pipeline, plan, String::new());
    let definition = definition.unwrap_or_else(|ambiguous| panic!("the pipeline was not checked: {ambiguous}"));
    world::World::new(Arc::new(definition), script).run()
}

impl Simulation {
    /// The trace in words, and how each run ended.
    pub fn in_words(&self) -> String {
        trace::words(self)
    }
}

/// Whether an action only waits for an answer.
fn is_approval(action: &ir::Action) -> bool {
    action.type_id.category == "Approval"
}

/// All actions are simulated; that is all that has to be known of them.
fn plan(pipeline: &ir::Pipeline) -> Plan {
    let gives = referenced(pipeline);
    let action = |action: &ir::Action| {
        let mut settings = Settings::read(&action.local).unwrap_or_default();
        let namespace = action.namespace.as_ref().map(|namespace| &namespace.value);
        // A value for every output variable that somebody uses.
        for key in namespace
            .and_then(|namespace| gives.get(namespace))
            .into_iter()
            .flatten()
        {
            let value = settings.outputs.entry(key.clone());
            value.or_insert_with(|| format!("simulated {key}"));
        }
        ActionPlan {
            how: How::Simulated,
            driver: if is_approval(action) {
                Driver::Approval
            } else {
                Driver::Simulate
            },
            settings,
            source: None,
            revisions: Vec::new(),
        }
    };
    let mut rules = BTreeMap::new();
    for (stage, node) in pipeline.stages.iter().enumerate() {
        for position in [Position::BeforeEntry, Position::OnSuccess, Position::OnFailure] {
            let count = rules_at(node, position).len();
            rules.extend((0..count).map(|rule| (RuleRef { stage, position, rule }, Driver::Simulate)));
        }
    }
    Plan {
        actions: pipeline
            .stages
            .iter()
            .map(|stage| stage.actions.iter().map(action).collect())
            .collect(),
        rules,
        ..Plan::default()
    }
}

/// The rules of a stage's condition.
fn rules_at(stage: &ir::Stage, position: Position) -> &[ir::Rule] {
    let condition = match position {
        Position::BeforeEntry => stage.before_entry.as_ref(),
        Position::OnSuccess => stage.on_success.as_ref(),
        Position::OnFailure => stage
            .on_failure
            .as_ref()
            .and_then(|handling| handling.condition.as_ref()),
    };
    condition.map_or(&[], |condition| &condition.rules)
}

/// The output variables that are used, by namespace.
fn referenced(pipeline: &ir::Pipeline) -> BTreeMap<String, Vec<String>> {
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let actions = pipeline.stages.iter().flat_map(|stage| &stage.actions);
    let of_actions = actions.flat_map(|action| {
        let configuration = action.configuration.values().map(|entry| &entry.value);
        let commands = action.commands.iter().map(|command| &command.value);
        let environment = action.environment.iter().map(|variable| &variable.value.value);
        configuration.chain(commands).chain(environment)
    });
    let rules = pipeline.stages.iter().flat_map(|stage| stage.rules());
    let of_rules = rules.flat_map(|rule| {
        let configuration = rule.configuration.values().map(|entry| &entry.value);
        configuration.chain(rule.commands.iter().map(|command| &command.value))
    });
    for reference in of_actions.chain(of_rules).flat_map(ir::Text::variables) {
        let keys = out.entry(reference.namespace.clone()).or_default();
        if !keys.contains(&reference.key) {
            keys.push(reference.key.clone());
        }
    }
    out
}
