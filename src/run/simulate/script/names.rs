//! What a script names: runs, stages, actions, rules.

use serde_saphyr::Location;

use super::super::{is_approval, rules_at};
use super::{POSITIONS, Reader};
use crate::diagnostic::suggest::listed;
use crate::ir::Stage;
use crate::run::planned::{ActionRef, RuleRef};
use crate::run::yaml::Placed;

impl Reader<'_> {
    /// The run that an event is about: it need not be named if there is but one.
    pub(super) fn run(&mut self, node: Option<&Placed>, event: &Placed) -> Option<String> {
        let Some(node) = node else {
            if let [only] = self.runs.as_slice() {
                return Some(only.clone());
            }
            let message = "there are several runs, and this event names none".to_owned();
            let help = format!("add `run:` with {}", listed(self.runs.iter().map(String::as_str)));
            self.problem(event.referenced, message, Some(help));
            return None;
        };
        let name = self.text(node, "a run's name")?;
        let is_rollback = name
            .strip_prefix("rollback-")
            .is_some_and(|number| number.parse::<u32>().is_ok());
        if !is_rollback && !self.runs.contains(&name) {
            let runs = self.runs.clone();
            let message = format!("no run is called `{name}`");
            self.unknown(node.referenced, message, &name, runs.iter().map(String::as_str));
            return None;
        }
        Some(name)
    }

    pub(super) fn stage(&mut self, node: &Placed) -> Option<String> {
        let name = self.text(node, "a stage's name")?;
        self.stage_index(&name, &name, node.referenced)?;
        Some(name)
    }

    pub(super) fn stage_index(&mut self, name: &str, whole: &str, at: Location) -> Option<usize> {
        let stages = &self.pipeline.stages;
        let found = stages.iter().position(|stage| stage.name.value == name);
        if found.is_none() {
            let known: Vec<String> = stages
                .iter()
                .map(|stage| format!("{}{}", stage.name.value, &whole[name.len()..]))
                .collect();
            self.unknown(
                at,
                format!("the pipeline has no stage `{name}`"),
                whole,
                known.iter().map(String::as_str),
            );
        }
        found
    }

    /// `Build/image`
    pub(super) fn action(&mut self, name: &str, at: Location) -> Option<ActionRef> {
        let Some((stage_name, action)) = name.split_once('/') else {
            let stages = self.pipeline.stages.iter();
            let all: Vec<String> = stages.flat_map(names_of_actions).collect();
            let message = format!("`{name}` is no action: its stage and its name are written `Stage/action`");
            let ends_so = all.iter().find(|known| known.ends_with(&format!("/{name}")));
            let help = ends_so.map(|known| format!("did you mean `{known}`?"));
            self.problem(at, message, help);
            return None;
        };
        let stage = self.stage_index(stage_name, name, at)?;
        let actions = &self.pipeline.stages[stage].actions;
        let found = actions.iter().position(|found| found.name.value == action);
        if found.is_none() {
            let known: Vec<String> = names_of_actions(&self.pipeline.stages[stage]).collect();
            let message = format!("stage `{stage_name}` has no action `{action}`");
            self.unknown(at, message, name, known.iter().map(String::as_str));
        }
        let action = found?;
        Some(ActionRef { stage, action })
    }

    pub(super) fn approval(&mut self, node: &Placed) -> Option<ActionRef> {
        let name = self.text(node, "an approval's name")?;
        let at = self.action(&name, node.referenced)?;
        if !is_approval(&self.pipeline.stages[at.stage].actions[at.action]) {
            let help = "say under `actions` how it ends".to_owned();
            self.problem(node.referenced, format!("`{name}` is no approval"), Some(help));
            return None;
        }
        Some(at)
    }

    /// `Prod/before_entry/window`
    pub(super) fn rule(&mut self, name: &str, at: Location) -> Option<RuleRef> {
        let parts: Vec<&str> = name.split('/').collect();
        let [stage_name, position, rule] = parts.as_slice() else {
            let message = format!("`{name}` is no rule: one is written `Stage/before_entry/rule`");
            self.problem(at, message, None);
            return None;
        };
        let stage = self.stage_index(stage_name, name, at)?;
        let node = &self.pipeline.stages[stage];
        let all = POSITIONS.iter().flat_map(|(word, position)| {
            let rules = rules_at(node, *position).iter();
            rules.map(move |rule| format!("{stage_name}/{word}/{}", rule.name.value))
        });
        let all: Vec<String> = all.collect();
        if !all.iter().any(|known| known == name) {
            let message = format!("stage `{stage_name}` has no rule `{position}/{rule}`");
            self.unknown(at, message, name, all.iter().map(String::as_str));
            return None;
        }
        let (_, position) = *POSITIONS.iter().find(|(word, _)| word == position)?;
        let rule = rules_at(node, position)
            .iter()
            .position(|found| found.name.value == *rule)?;
        Some(RuleRef { stage, position, rule })
    }
}

fn names_of_actions(stage: &Stage) -> impl Iterator<Item = String> {
    let names = stage.actions.iter().map(|action| &action.name.value);
    names.map(|action| format!("{}/{action}", stage.name.value))
}
