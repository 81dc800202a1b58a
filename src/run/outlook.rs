//! All that is known of a run before it starts: the same for `pipe plan` and `pipe run`.

use std::borrow::Cow;

use super::drivers::{file_source, git_source};
use super::event::Inherited;
use super::part::{part, place};
use super::planned::{ActionPlan, Driver, Plan};
use super::refusal::{Refusal, RefusalKind};
use super::store::Store;
use super::{Drivers, RunOptions, absolute, earlier, plan};
use crate::ir::Pipeline;

/// What a run would do, and what stands in its way. Nothing is written to find it out.
pub(super) struct Outlook<'a> {
    /// As the template's conditions make it.
    pub pipeline: Cow<'a, Pipeline>,
    /// With an absolute folder.
    pub options: RunOptions,
    pub plan: Plan,
    /// Of the earlier run that it begins on.
    pub inherited: Option<Inherited>,
    /// Empty: it can start.
    pub refusals: Vec<Refusal>,
}

impl<'a> Outlook<'a> {
    pub(super) fn new(pipeline: Cow<'a, Pipeline>, drivers: &dyn Drivers, options: &RunOptions) -> Self {
        let options = RunOptions {
            project_dir: absolute(&options.project_dir),
            sources: options
                .sources
                .iter()
                .map(|(name, source)| (name.clone(), git_source::absolute(source, options)))
                .collect(),
            ..options.clone()
        };
        let mut refusals = Vec::new();
        let outcomes = options.conditions.iter().cloned().collect();
        let decided = match pipeline.decided(&outcomes) {
            Ok(Cow::Owned(decided)) => Some(decided),
            Ok(Cow::Borrowed(_)) => None,
            Err(open) => {
                refusals = Refusal::undecided(&open);
                None
            }
        };
        let pipeline = decided.map_or(pipeline, Cow::Owned);
        let mut inherited = None;
        let mut missing = Vec::new();
        let mut asked = Cow::Borrowed(&options);
        if let Ok(part) = part(&pipeline, &options) {
            match earlier::find(&pipeline, &options, &part) {
                Ok(None) => {}
                Ok(Some(ground)) => {
                    asked = Cow::Owned(earlier::with_variables(&pipeline, &options, &ground));
                    let store = Store::new(options.state_folder().join("store"));
                    missing = earlier::missing(&pipeline, &part, &ground, &options, &store);
                    inherited = Some(ground.inherited);
                }
                Err(refusal) => refusals.push(refusal),
            }
        }
        let (plan, found) = plan::look(&pipeline, drivers, &asked);
        drop(asked);
        refusals.extend(found);
        refusals.extend(missing_sources(&pipeline, &plan, &options));
        refusals.append(&mut missing);
        Self {
            pipeline,
            options,
            plan,
            inherited,
            refusals,
        }
    }
}

/// What `--source` or a `local` block names, and is not there. A run that goes on may be past its sources, so it is not asked.
fn missing_sources(pipeline: &Pipeline, plan: &Plan, options: &RunOptions) -> Vec<Refusal> {
    let is_missing = |plan: &ActionPlan| match plan.driver {
        Driver::GitSource => !git_source::is_there(plan, options),
        // The planner has looked at its `local` block.
        Driver::FileSource if plan.source.is_some() => {
            !file_source::path(plan, options).is_some_and(|path| path.exists())
        }
        _ => false,
    };
    let included = part(pipeline, options).unwrap_or(0..pipeline.stages.len());
    let mut out = Vec::new();
    for (stage, plans) in pipeline.stages[included.clone()]
        .iter()
        .zip(&plan.actions[included.clone()])
    {
        let git = |(_, plan): &(_, &ActionPlan)| plan.driver == Driver::GitSource;
        for (action, plan) in stage.actions.iter().zip(plans).filter(git) {
            let Some((from, revision)) = git_source::missing_revision(plan, options) else {
                continue;
            };
            out.push(Refusal {
                kind: RefusalKind::Usage,
                place: Some(place(stage, action)),
                message: format!("{from} has no revision `{revision}`"),
                help: Some("name a branch, a tag or a commit that it has".to_owned()),
            });
        }
    }
    for (stage, plans) in pipeline.stages[included.clone()].iter().zip(&plan.actions[included]) {
        for (action, plan) in stage.actions.iter().zip(plans).filter(|(_, plan)| is_missing(plan)) {
            let (kind, named, base) = match &plan.source {
                Some(source) => (
                    RefusalKind::Usage,
                    format!("`--source {}={source}`", action.name),
                    "the folder that `pipe` is called in",
                ),
                None => (
                    RefusalKind::Impossible,
                    "what its local setting `path` names".to_owned(),
                    "that of the `.pipe` file",
                ),
            };
            let what = match plan.driver {
                Driver::GitSource => "is neither a folder nor the address of a repository",
                _ => "is no file or folder",
            };
            out.push(Refusal {
                kind,
                place: Some(place(stage, action)),
                message: format!("{named} {what}"),
                help: Some(format!("correct it: a path is relative to {base}")),
            });
        }
    }
    out
}
