//! `pipe export`: a pipeline in a format of the world outside.

use super::args::{ExportArgs, ExportFormat};
use super::console::Console;
use super::error::Error;
use super::load::{load, select};
use super::output::deliver;
use super::status::Status;
use crate::diagnostic::{Diagnostics, human};
use crate::export::{cloudformation, codepipeline, iam_policy, ir, terraform};

/// Compiles a file and writes one of its pipelines out; nothing is written if there are errors.
pub(super) fn export(args: &ExportArgs, console: &mut Console) -> Result<Status, Error> {
    let Some(compiled) = load(&args.file, &args.params, console)? else {
        return Ok(Status::No);
    };
    let pipeline = select(compiled.pipelines, &args.file, args.pipeline.as_deref())?;
    let mut diagnostics = Diagnostics::default();
    let text = match args.to {
        ExportFormat::Codepipeline => codepipeline::export(&pipeline, &mut diagnostics),
        ExportFormat::Cloudformation => {
            cloudformation::export(&pipeline, cloudformation::Syntax::Yaml, &mut diagnostics)
        }
        ExportFormat::CloudformationJson => {
            cloudformation::export(&pipeline, cloudformation::Syntax::Json, &mut diagnostics)
        }
        ExportFormat::Terraform => terraform::export(&pipeline, &mut diagnostics),
        ExportFormat::IamPolicy => Some(iam_policy::export(&pipeline, &compiled.catalog, &mut diagnostics)),
        ExportFormat::Ir => Some(ir::export(&pipeline)),
    };
    let diagnostics = diagnostics.into_sorted();
    console.note(&human::render(&diagnostics, &compiled.sources, console.err_style));
    let Some(text) = text else {
        return Ok(Status::No);
    };
    deliver(&text, args.output.as_deref(), console)?;
    Ok(Status::Fine)
}
