//! All that is known of a run before it starts: the same for `pipe plan` and `pipe run`.

use std::borrow::Cow;

use super::event::Inherited;
use super::part::part;
use super::planned::Plan;
use super::refusal::Refusal;
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
    pub(super) fn new(pipeline: &'a Pipeline, drivers: &dyn Drivers, options: &RunOptions) -> Self {
        let options = RunOptions {
            project_dir: absolute(&options.project_dir),
            ..options.clone()
        };
        let mut refusals = Vec::new();
        let outcomes = options.conditions.iter().cloned().collect();
        let pipeline = pipeline.decided(&outcomes).unwrap_or_else(|open| {
            refusals = Refusal::undecided(&open);
            Cow::Borrowed(pipeline)
        });
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
