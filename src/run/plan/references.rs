//! Which output variables are used, and who gives them.

use std::collections::BTreeSet;

use super::Planner;
use crate::ir;
use crate::run::drivers::{file_source, git_source, simulate};
use crate::run::part::place;
use crate::run::planned::{ActionPlan, Driver};
use crate::run::variables::{EXECUTION, PIPELINE};

impl Planner<'_> {
    /// Every reference must get its value: from a driver that gives such a variable, or from `local { outputs = … }`.
    pub(super) fn references(&mut self) {
        let mut missing = BTreeSet::new();
        let actions = self.pipeline.stages[self.part.clone()]
            .iter()
            .flat_map(|stage| &stage.actions);
        for action in actions {
            let configuration = action.configuration.values().map(|entry| &entry.value);
            let commands = action.commands.iter().map(|command| &command.value);
            let environment = action.environment.iter().map(|variable| &variable.value.value);
            for reference in configuration
                .chain(commands)
                .chain(environment)
                .flat_map(ir::Text::variables)
            {
                if reference.namespace != PIPELINE && reference.namespace != EXECUTION {
                    missing.insert((reference.namespace.clone(), reference.key.clone()));
                }
            }
        }
        for (index, stage) in self.pipeline.stages.iter().enumerate() {
            for (action_index, action) in stage.actions.iter().enumerate() {
                let Some(namespace) = &action.namespace else { continue };
                let plan = &self.plan.actions[index][action_index];
                let gives: Vec<String> = missing
                    .iter()
                    .filter(|(wanted, key)| *wanted == namespace.value && !gives(plan, action, key))
                    .map(|(_, key)| key.clone())
                    .collect();
                for key in gives {
                    self.impossible(
                        &place(stage, action),
                        format!("its output variable `{key}` is used, and nothing gives it a value here"),
                        format!("add `local {{ outputs = {{ {key} = \"…\" }} }}` to it"),
                    );
                }
            }
        }
    }
}

/// Whether the action's driver can give the output variable `key`.
fn gives(plan: &ActionPlan, action: &ir::Action, key: &str) -> bool {
    plan.settings.outputs.contains_key(key)
        || match plan.driver {
            Driver::GitSource => git_source::VARIABLES.contains(&key),
            Driver::FileSource => file_source::variables_of(action).contains(&key),
            Driver::Simulate => simulate::gives(action, key),
            Driver::Shell => action.output_variables.iter().any(|variable| variable.value == key),
            Driver::S3Deploy
            | Driver::Pipeline
            | Driver::Approval
            | Driver::VariableCheck
            | Driver::DeploymentWindow => false,
            // What a build exports is known when it has ended.
            Driver::Buildspec | Driver::StandIn => true,
        }
}
