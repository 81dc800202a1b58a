//! What a run knows before it starts: how each action is carried out, stood in for or simulated, and what stands in the way.
//!
//! *No false green*: what can neither be carried out nor checked here is refused now, not half-way; all of it at once.

mod action;
mod builds;
mod checkout;
mod command_line;
mod invoked;
mod references;
mod rules;

use std::ops::Range;

use super::outcome::Failure;
use super::part::stage_index;
use super::planned::Plan;
use super::refusal::{Refusal, RefusalKind};
use super::{Drivers, RunOptions};
use crate::ir;

/// Plans a run, or says all that stands in its way.
pub fn plan(pipeline: &ir::Pipeline, drivers: &dyn Drivers, options: &RunOptions) -> Result<Plan, Vec<Refusal>> {
    let (plan, refusals) = look(pipeline, drivers, options);
    if refusals.is_empty() { Ok(plan) } else { Err(refusals) }
}

/// Plans a run as far as that goes, and says all that stands in its way.
pub fn look(pipeline: &ir::Pipeline, drivers: &dyn Drivers, options: &RunOptions) -> (Plan, Vec<Refusal>) {
    let mut planner = Planner {
        pipeline,
        drivers,
        options,
        part: 0..pipeline.stages.len(),
        plan: Plan {
            secrets: options.secrets.local_values(),
            ..Plan::default()
        },
        refusals: Vec::new(),
    };
    planner.check_command_line();
    planner.check_secrets();
    planner.choose_part();
    planner.variables();
    for stage in &pipeline.stages {
        let plans = stage
            .actions
            .iter()
            .map(|action| planner.action(stage, action))
            .collect();
        planner.plan.actions.push(plans);
    }
    planner.share_out_the_checkout();
    planner.builds();
    for (index, stage) in pipeline.stages.iter().enumerate() {
        planner.rules(index, stage);
    }
    planner.references();
    (planner.plan, planner.refusals)
}

struct Planner<'a> {
    pipeline: &'a ir::Pipeline,
    drivers: &'a dyn Drivers,
    options: &'a RunOptions,
    /// The stages that are carried out.
    part: Range<usize>,
    plan: Plan,
    refusals: Vec<Refusal>,
}

impl Planner<'_> {
    fn refuse(&mut self, kind: RefusalKind, place: Option<String>, message: String, help: Option<String>) {
        let refusal = Refusal {
            kind,
            place,
            message,
            help,
        };
        let stage = refusal.stage().and_then(|stage| stage_index(self.pipeline, stage));
        let is_meant = stage.is_none_or(|stage| self.part.contains(&stage));
        if is_meant && !self.refusals.contains(&refusal) {
            self.refusals.push(refusal);
        }
    }

    fn usage(&mut self, message: String, help: String) {
        self.refuse(RefusalKind::Usage, None, message, Some(help));
    }

    fn impossible(&mut self, place: &str, message: impl Into<String>, help: impl Into<String>) {
        let place = Some(place.to_owned());
        self.refuse(RefusalKind::Impossible, place, message.into(), Some(help.into()));
    }

    /// What would fail in any case.
    fn failed(&mut self, place: &str, failure: Failure) {
        let place = Some(place.to_owned());
        self.refuse(RefusalKind::Impossible, place, failure.message, failure.help);
    }
}
