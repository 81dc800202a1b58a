//! What the command line gives a run: its part, its variables, sources and revisions.

use super::Planner;
use crate::run::part::{is_called, part};
use crate::run::refusal::RefusalKind;

impl Planner<'_> {
    pub(super) fn check_command_line(&mut self) {
        for (name, _) in &self.options.variables {
            if !self
                .pipeline
                .variables
                .iter()
                .any(|variable| variable.name.value == *name)
            {
                let known = self
                    .pipeline
                    .variables
                    .iter()
                    .map(|variable| variable.name.value.as_str());
                let message = format!("`--var {name}=…`: the pipeline has no variable `{name}`");
                self.usage(message, say_known("its variables are", known));
            }
        }
        let pipeline = self.pipeline;
        let sources = || {
            let actions = pipeline.stages.iter().flat_map(|stage| &stage.actions);
            actions.filter(|action| action.type_id.is_source())
        };
        let options = self.options;
        for (option, given) in [("--source", &options.sources), ("--revision", &options.revisions)] {
            for (name, _) in given {
                if !sources().any(|action| is_called(action, name)) {
                    let known = sources().map(|action| action.name.value.as_str());
                    let message = format!("`{option} {name}=…`: the pipeline has no source action `{name}`");
                    self.usage(message, say_known("its sources are", known));
                }
            }
        }
    }

    pub(super) fn check_secrets(&mut self) {
        if let Err(failure) = self.options.secrets.check() {
            let help = "correct the file that `--secrets` names".to_owned();
            self.refuse(RefusalKind::Usage, None, failure.message, Some(help));
        }
    }

    /// What is not carried out cannot stand in the way.
    pub(super) fn choose_part(&mut self) {
        match part(self.pipeline, self.options) {
            Ok(part) => self.part = part,
            Err(stage) => {
                let stages = self.pipeline.stages.iter().map(|stage| stage.name.value.as_str());
                let help = say_known("its stages are", stages);
                self.usage(format!("the pipeline has no stage `{stage}`"), help);
            }
        }
    }

    pub(super) fn variables(&mut self) {
        for variable in &self.pipeline.variables {
            let name = &variable.name.value;
            let given = self.options.variables.iter().rev().find(|(given, _)| given == name);
            let default = variable.default.as_ref().map(|default| &default.value);
            if let Some(value) = given.map(|(_, value)| value).or(default) {
                self.plan.variables.insert(name.clone(), value.clone());
            } else {
                self.refuse(
                    RefusalKind::Impossible,
                    None,
                    format!("the pipeline variable `{name}` has no value and no default"),
                    Some(format!("give it one: `--var {name}=…`")),
                );
            }
        }
    }
}

fn say_known<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        "leave it out: there are none".to_owned()
    } else {
        format!("{what} {}", names.join(", "))
    }
}
