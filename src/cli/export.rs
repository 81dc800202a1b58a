//! `pipe export`: a pipeline in a format of the world outside.

use super::args::{ExportArgs, ExportFormat};
use super::console::Console;
use super::error::Error;
use super::load::{load, select};
use super::output::deliver;
use super::status::Status;

/// Compiles a file and writes one of its pipelines out; nothing is written if there are errors.
pub(super) fn export(args: &ExportArgs, console: &mut Console) -> Result<Status, Error> {
    let Some(compiled) = load(&args.file, &args.params, console)? else {
        return Ok(Status::No);
    };
    let pipeline = select(compiled.pipelines, &args.file, args.pipeline.as_deref())?;
    let text = match args.to {
        ExportFormat::Codepipeline => crate::export::codepipeline(&pipeline),
        ExportFormat::Ir => crate::export::ir(&pipeline),
    };
    deliver(&text, args.output.as_deref(), console)?;
    Ok(Status::Fine)
}
