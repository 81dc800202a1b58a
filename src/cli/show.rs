//! `pipe show`: all about a run.

use super::args::{RecordFormat, ShowArgs};
use super::console::Console;
use super::error::Error;
use super::history::{read, run_dir};
use super::output::json;
use super::status::Status;
use crate::run::history::page;

/// Shows a run as its journal has it.
pub(super) fn show(args: &ShowArgs, console: &mut Console) -> Result<Status, Error> {
    let run = read(&run_dir(&args.run)?)?;
    let text = match args.format {
        RecordFormat::Json => json(&run),
        RecordFormat::Human => page::page(&run) + &page::closing(&run),
    };
    console.print(&text)?;
    Ok(Status::Fine)
}
