//! `pipe graph`: a pipeline as a picture.

use super::args::{GraphArgs, GraphFormat};
use super::console::Console;
use super::error::Error;
use super::load::{load, select};
use super::output::deliver;
use super::status::Status;
use crate::graph::{dot, mermaid};

/// Compiles a file and draws one of its pipelines.
pub(super) fn graph(args: &GraphArgs, console: &mut Console) -> Result<Status, Error> {
    let Some(compiled) = load(&args.file, &args.params, console)? else {
        return Ok(Status::No);
    };
    let pipeline = select(compiled.pipelines, &args.file, args.pipeline.as_deref())?;
    let text = match args.to {
        GraphFormat::Mermaid => mermaid(&pipeline),
        GraphFormat::Dot => dot(&pipeline),
    };
    deliver(&text, args.output.as_deref(), console)?;
    Ok(Status::Fine)
}
