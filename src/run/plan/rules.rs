//! The rules of conditions.

use super::Planner;
use crate::ir;
use crate::run::drivers::{deployment_window, variable_check};
use crate::run::part::rule_place;
use crate::run::planned::{Driver, Position, RuleRef};

impl Planner<'_> {
    pub(super) fn rules(&mut self, index: usize, stage: &ir::Stage) {
        let failure = stage.on_failure.as_ref().and_then(|failure| failure.condition.as_ref());
        let conditions = [
            (Position::BeforeEntry, stage.before_entry.as_ref()),
            (Position::OnSuccess, stage.on_success.as_ref()),
            (Position::OnFailure, failure),
        ];
        for (position, condition) in conditions {
            for (rule_index, rule) in condition.iter().flat_map(|condition| &condition.rules).enumerate() {
                let driver = self.drivers.driver(&rule.type_id);
                let driver = driver
                    .as_deref()
                    .and_then(Driver::from_name)
                    .unwrap_or(Driver::Simulate);
                let at = RuleRef {
                    stage: index,
                    position,
                    rule: rule_index,
                };
                // A CodeBuild project is known only by its name here: without an input there is no buildspec to carry out.
                let driver = match driver {
                    // Java understands more: then it is one of those that are not evaluated here.
                    Driver::VariableCheck if !variable_check::can_be_made(rule) => Driver::Simulate,
                    Driver::VariableCheck | Driver::DeploymentWindow | Driver::Shell => driver,
                    Driver::Buildspec if !rule.inputs.is_empty() => driver,
                    _ => Driver::Simulate,
                };
                self.plan.rules.insert(at, driver);
                let place = rule_place(stage, position, rule);
                if driver == Driver::DeploymentWindow
                    && let Err(failure) = deployment_window::check(rule)
                {
                    self.failed(&place, failure);
                }
            }
        }
    }
}
