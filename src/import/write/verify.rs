//! The proof: what the written source means is held against what went in.

use std::collections::HashSet;

use crate::catalog::Catalog;
use crate::ir::{Action, Node, Origin, Pipeline, Rule, Stage};

use super::kinds;
use super::normal::{adopt_spelling, into_order};

/// What has a configuration, by its number among all of its pipeline's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    Action(usize),
    Rule(usize),
}

/// Something that the source does not say, or says otherwise.
#[derive(Debug)]
pub(super) struct Difference {
    /// The pipeline's number and whose it is, if it is an action's or a rule's.
    pub owner: Option<(usize, Owner)>,
    /// In words: ``the input artifacts of action `Deploy` ``.
    pub what: String,
    pub origin: Origin,
}

/// All that differs between pipelines in the order of their steps and what their source means.
pub(super) fn differences(wanted: &[Pipeline], meant: Vec<Pipeline>, catalog: &Catalog) -> Vec<Difference> {
    let mut found = Found::default();
    let mut meant = meant.into_iter().map(into_order);
    for (index, wanted) in wanted.iter().enumerate() {
        found.pipeline = index;
        match meant.next() {
            Some(mut meant) => {
                adopt_spelling(&mut meant, wanted, catalog);
                found.pipeline(wanted, &meant);
            }
            None => found.note(format!("the pipeline `{}`", wanted.name), wanted.origin),
        }
    }
    found.differences
}

#[derive(Default)]
struct Found {
    /// All that the pipeline's actions make.
    artifacts: HashSet<String>,
    pipeline: usize,
    owner: Option<Owner>,
    differences: Vec<Difference>,
}

impl Found {
    fn note(&mut self, what: String, origin: Origin) {
        self.differences.push(Difference {
            owner: self.owner.map(|owner| (self.pipeline, owner)),
            what,
            origin,
        });
    }

    fn pipeline(&mut self, wanted: &Pipeline, meant: &Pipeline) {
        if wanted == meant {
            return;
        }
        let outputs = kinds::actions(wanted).flat_map(|action| &action.outputs);
        self.artifacts = outputs.map(|output| output.name.value.clone()).collect();
        let whole = wanted.origin;
        let parts = [
            (wanted.name == meant.name, "the name", wanted.name.origin),
            (wanted.role_arn == meant.role_arn, "the role", whole),
            (wanted.stores == meant.stores, "the artifact stores", whole),
            (
                wanted.pipeline_type == meant.pipeline_type,
                "the type",
                wanted.pipeline_type.origin,
            ),
            (
                wanted.execution_mode == meant.execution_mode,
                "the execution mode",
                whole,
            ),
            (wanted.tags == meant.tags, "the tags", whole),
            (
                wanted.deployment == meant.deployment,
                "what its resource says of deployment",
                whole,
            ),
        ];
        for (_, what, origin) in parts.into_iter().filter(|(is_same, ..)| !is_same) {
            self.note(format!("{what} of the pipeline `{}`", wanted.name), origin);
        }
        for variable in wanted
            .variables
            .iter()
            .filter(|variable| !meant.variables.contains(variable))
        {
            self.note(format!("the variable `{}`", variable.name), variable.name.origin);
        }
        for trigger in wanted
            .triggers
            .iter()
            .filter(|trigger| !meant.triggers.contains(trigger))
        {
            self.note(format!("the trigger of `{}`", trigger.source_action), trigger.origin);
        }
        if self.differences.is_empty() && wanted.variables != meant.variables {
            self.note("the order of the variables".to_owned(), whole);
        }
        let mut first = (0, 0);
        for (index, stage) in wanted.stages.iter().enumerate() {
            match meant.stages.get(index) {
                Some(other) => self.stage(stage, other, first),
                None => self.note(format!("the stage `{}`", stage.name), stage.origin),
            }
            first.0 += stage.actions.len();
            first.1 += stage.rules().count();
        }
        if self.differences.is_empty() {
            self.note(format!("a part of the pipeline `{}`", wanted.name), whole);
        }
    }

    /// `first`: the numbers of the stage's first action and rule.
    fn stage(&mut self, wanted: &Stage, meant: &Stage, first: (usize, usize)) {
        if wanted == meant {
            return;
        }
        let before = self.differences.len();
        let rules: Vec<&Rule> = meant.rules().collect();
        for (index, rule) in wanted.rules().enumerate() {
            if rules.get(index) != Some(&rule) {
                self.owner = Some(Owner::Rule(first.1 + index));
                self.note(format!("the rule `{}`", rule.name), rule.origin);
                self.owner = None;
            }
        }
        for (index, action) in wanted.actions.iter().enumerate() {
            self.owner = Some(Owner::Action(first.0 + index));
            match meant.actions.get(index) {
                Some(other) => self.action(action, other),
                None => self.note(format!("the action `{}`", action.name), action.origin),
            }
            self.owner = None;
        }
        if self.differences.len() == before {
            let (what, origin) = match wanted {
                _ if wanted.name != meant.name => ("the name", wanted.name.origin),
                _ if wanted.when != meant.when => ("the condition of the template", wanted.origin),
                _ => ("a condition", wanted.origin),
            };
            self.note(format!("{what} of the stage `{}`", wanted.name), origin);
        }
    }

    fn action(&mut self, wanted: &Action, meant: &Action) {
        if wanted == meant {
            return;
        }
        let before = self.differences.len();
        let name = &wanted.name;
        let orphans = wanted
            .inputs
            .iter()
            .filter(|input| !self.artifacts.contains(&input.value));
        let orphans: Vec<&Node<String>> = orphans.collect();
        let has_orphans = !orphans.is_empty();
        for input in orphans {
            let what = format!("the input artifact `{input}` of the action `{name}` (no action makes it)");
            self.note(what, input.origin);
        }
        let whole = wanted.origin;
        let parts = [
            (wanted.name == meant.name, "the name", name.origin),
            (wanted.type_id == meant.type_id, "the type", whole),
            (wanted.run_order == meant.run_order, "the step", whole),
            (wanted.commands == meant.commands, "the commands", whole),
            (wanted.environment == meant.environment, "the environment", whole),
            (
                wanted.inputs == meant.inputs || has_orphans,
                "the input artifacts",
                whole,
            ),
            (wanted.outputs == meant.outputs, "the output artifacts", whole),
            (
                wanted.output_variables == meant.output_variables,
                "the output variables",
                whole,
            ),
            (wanted.role_arn == meant.role_arn, "the role", whole),
            (wanted.region == meant.region, "the region", whole),
            (wanted.namespace == meant.namespace, "the namespace", whole),
            (wanted.timeout_minutes == meant.timeout_minutes, "the time-out", whole),
            (wanted.when == meant.when, "the condition of the template", whole),
        ];
        for (_, what, origin) in parts.into_iter().filter(|(is_same, ..)| !is_same) {
            self.note(format!("{what} of the action `{name}`"), origin);
        }
        for (key, entry) in &wanted.configuration {
            if meant.configuration.get(key) != Some(entry) {
                self.note(
                    format!("the configuration key `{key}` of the action `{name}`"),
                    entry.origin,
                );
            }
        }
        if self.differences.len() == before {
            self.note(format!("a configuration key of the action `{name}`"), whole);
        }
    }
}
