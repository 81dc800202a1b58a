//! `pipe index`: looks after the index over all runs.

use super::args::{IndexArgs, IndexCommand};
use super::console::Console;
use super::error::Error;
use super::history::state_dir;
use super::status::Status;
use crate::run::history::index::{Filter, Index};
use crate::run::units::count;

/// Makes the index anew.
pub(super) fn index(args: &IndexArgs, console: &mut Console) -> Result<Status, Error> {
    match &args.command {
        IndexCommand::Rebuild(state) => {
            let index = Index::rebuild(&state_dir(state)?).map_err(Error::Index)?;
            let list = index.runs(&Filter::default());
            let mut text = format!("{} in the index", count(list.runs.len(), "run"));
            if !list.unreadable.is_empty() {
                text.push_str(&format!("; {} cannot be read: see `pipe runs`", list.unreadable.len()));
            }
            console.print(&format!("{text}\n"))?;
            Ok(Status::Fine)
        }
    }
}
