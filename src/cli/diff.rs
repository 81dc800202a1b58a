//! `pipe diff`: what differs in meaning between two definitions.

use super::args::{DiffArgs, DiffFormat};
use super::console::Console;
use super::error::Error;
use super::load::{load, select};
use super::status::Status;
use crate::diff;

/// Compares two pipelines, whatever they are written in; a file with errors in it cannot be compared.
pub(super) fn diff(args: &DiffArgs, console: &mut Console) -> Result<Status, Error> {
    let mut pipelines = Vec::with_capacity(2);
    for file in [&args.old, &args.new] {
        let Some(compiled) = load(file, &args.params, console)? else {
            return Ok(Status::CouldNotAsk);
        };
        pipelines.push(select(compiled.pipelines, file, args.pipeline.as_deref())?);
    }
    let differences = diff::diff(&pipelines[0], &pipelines[1]);
    let text = match args.format {
        DiffFormat::Human => differences.iter().map(|difference| format!("{difference}\n")).collect(),
        DiffFormat::Json => diff::to_json(&differences),
    };
    console.print(&text)?;
    Ok(match differences.is_empty() {
        true => Status::Fine,
        false => Status::No,
    })
}
