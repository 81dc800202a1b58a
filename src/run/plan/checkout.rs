//! Which source takes the checkout that the pipeline lies in.

use std::collections::BTreeMap;

use super::Planner;
use crate::run::drivers::git_source;
use crate::run::part::place;
use crate::run::planned::{ActionRef, Driver};

impl Planner<'_> {
    /// One checkout cannot be two repositories: where several sources are git repositories, only that which the checkout
    /// was cloned from may take it.
    pub(super) fn share_out_the_checkout(&mut self) {
        let mut takers: BTreeMap<String, Vec<ActionRef>> = BTreeMap::new();
        for (stage, plans) in self.plan.actions.iter().enumerate() {
            for (action, plan) in plans.iter().enumerate() {
                if plan.driver == Driver::GitSource && plan.source.is_none() && plan.settings.path.is_none() {
                    let at = ActionRef { stage, action };
                    let repository = git_source::repository_of(&self.pipeline.stages[stage].actions[action]);
                    takers.entry(repository).or_default().push(at);
                }
            }
        }
        if takers.len() < 2 {
            return;
        }
        let here = git_source::remote_name(&self.options.project_dir);
        for (repository, actions) in takers {
            if here
                .as_deref()
                .is_some_and(|here| git_source::is_same_repository(here, &repository))
            {
                continue;
            }
            for at in actions {
                let stage = &self.pipeline.stages[at.stage];
                let action = &stage.actions[at.action];
                let message = match &here {
                    Some(here) => format!("this checkout is `{here}`, not `{repository}`"),
                    None => format!("nothing says that this checkout is `{repository}` rather than another source"),
                };
                let help = format!(
                    "say where it is: `--source {}=PATH|URL[@REV]`, or `local {{ path = \"…\" }}`",
                    action.name
                );
                self.impossible(&place(stage, action), message, help);
            }
        }
    }
}
