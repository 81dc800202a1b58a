//! `pipe plan`: says what a run would do, and what stands in its way.

mod human;

use super::args::{PlanArgs, PlanFormat, RunWith};
use super::console::Console;
use super::definition::definition;
use super::error::Error;
use super::status::Status;
use crate::run::plan_report;

pub(super) fn plan(args: &PlanArgs, console: &mut Console) -> Result<Status, Error> {
    tell(&args.with, args.format, console)
}

/// Compiles a file and plans one of its pipelines. Nothing is written.
pub(super) fn tell(with: &RunWith, format: PlanFormat, console: &mut Console) -> Result<Status, Error> {
    let Some(definition) = definition(with, console)? else {
        return Ok(Status::No);
    };
    let report = plan_report::report(&definition.pipeline, &definition.catalog, &definition.options);
    let text = match format {
        PlanFormat::Human => human::render(&report, console.out_style.width, console.paint()),
        PlanFormat::Json => json(&report),
    };
    console.print(&text)?;
    Ok(Status::OfRun(report.outcome().exit_code()))
}

fn json(report: &plan_report::PlanReport) -> String {
    let text = serde_json::to_string_pretty(report);
    text.expect("all keys of a report are texts") + "\n"
}
