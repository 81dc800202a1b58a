//! What can be seen of builds.

use std::path::PathBuf;

use super::Planner;
use crate::ir;
use crate::run::drivers::buildspec::{self, ahead};
use crate::run::drivers::{file_source, git_source};
use crate::run::outcome::Failure;
use crate::run::part::place;
use crate::run::planned::{ActionPlan, ActionRef, Driver};

impl Planner<'_> {
    /// Looks into the buildspecs that can be seen already: in the text itself, or in a folder that a source takes as it is.
    pub(super) fn builds(&mut self) {
        for (stage_index, stage) in self.pipeline.stages.iter().enumerate() {
            for (action_index, action) in stage.actions.iter().enumerate() {
                let at = ActionRef {
                    stage: stage_index,
                    action: action_index,
                };
                if self.plan.action(at).driver != Driver::Buildspec {
                    continue;
                }
                match self.build(self.plan.action(at), action) {
                    Ok(notes) if notes.is_empty() => {}
                    Ok(notes) => {
                        self.plan.notes.insert(at, notes);
                    }
                    Err(failure) => self.failed(&place(stage, action), failure),
                }
            }
        }
    }

    fn build(&self, plan: &ActionPlan, action: &ir::Action) -> Result<Vec<String>, Failure> {
        let entry = |key: &str| action.configuration.get(key).map(|entry| entry.value.as_literal());
        let is_open = |key: &str| matches!(entry(key), Some(None));
        // It depends on variables.
        if is_open("BatchEnabled") || (is_open("BuildspecOverride") && plan.settings.buildspec.is_none()) {
            return Ok(Vec::new());
        }
        let first = || action.inputs.first().map(|input| input.value.as_str());
        let source_name = entry("PrimarySource").flatten().or_else(first).unwrap_or_default();
        let source = self.source_folder(source_name);
        ahead::check(&ahead::Build {
            place: ahead::Place {
                local: plan.settings.buildspec.as_deref(),
                chosen: entry("BuildspecOverride").flatten(),
                source: source.as_deref(),
                source_name,
                project: &self.options.project_dir,
            },
            shell: plan.settings.shell.as_deref(),
            is_batch: entry("BatchEnabled").flatten().is_some_and(buildspec::is_true),
            combines: entry("CombineArtifacts").flatten().is_some_and(buildspec::is_true),
            outputs: action.outputs.iter().map(|output| output.name.value.as_str()).collect(),
            secret: &|name| self.find_secret(name),
            options: self.options,
        })
    }

    /// The folder that an artifact will be made of, if it comes from a source that takes one as it is.
    fn source_folder(&self, artifact: &str) -> Option<PathBuf> {
        let plans = self.plan.actions.iter().flatten();
        let actions = self.pipeline.stages.iter().flat_map(|stage| &stage.actions);
        let gives = |action: &ir::Action| action.outputs.iter().any(|output| output.name.value == artifact);
        let (plan, _) = plans.zip(actions).find(|(_, action)| gives(action))?;
        let folder = match plan.driver {
            Driver::GitSource => git_source::folder(plan, self.options),
            Driver::FileSource => file_source::path(plan, self.options),
            _ => None,
        };
        folder.filter(|folder| folder.is_dir())
    }
}
