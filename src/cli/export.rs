//! `pipe export`: a pipeline in a format of the world outside.

use super::args::{ExportArgs, ExportFormat};
use super::console::Console;
use super::error::Error;
use super::load::{load, select};
use super::output::deliver;
use super::status::Status;
use crate::diagnostic::{Diagnostics, human};
use crate::export;

/// Compiles a file and writes one of its pipelines out; nothing is written if there are errors.
pub(super) fn run(args: &ExportArgs, console: &mut Console) -> Result<Status, Error> {
    let Some(compiled) = load(&args.file, &args.params, console)? else {
        return Ok(Status::No);
    };
    let pipeline = select(compiled.pipelines, &args.file, args.pipeline.as_deref())?;
    let mut diags = Diagnostics::default();
    let text = match args.to {
        ExportFormat::Codepipeline => export::codepipeline::export(&pipeline, &mut diags),
        ExportFormat::Ir => Some(export::ir::export(&pipeline)),
    };
    let Some(text) = text else {
        console.note(&human::render(
            &diags.into_sorted(),
            &compiled.sources,
            console.err_style,
        ));
        return Ok(Status::No);
    };
    deliver(&text, args.output.as_deref(), console)?;
    Ok(Status::Fine)
}
