//! What other programs and systems are told of a run, besides what people see of it.

pub mod eventbridge;
pub mod junit;
mod kept;
pub mod traces;

use std::path::Path;

use super::RunOptions;
use super::event::Record;

/// Takes in a run's events for someone who does not look at the screen. Nothing that goes wrong in it ends a run: it
/// gives a note for people.
pub trait Feed: Send {
    /// What an execution's journal said before this process took it up.
    fn restore(&mut self, execution: &str, records: &[Record]);
    /// Something has happened in an execution.
    fn record(&mut self, execution: &str, record: &Record) -> Option<String>;
    /// All is over.
    fn finish(&mut self) -> Option<String>;
}

/// The keeper's, and those that the user asks for, of the run in a folder and those beside it.
pub fn chosen(options: &RunOptions, run_dir: &Path) -> Vec<Box<dyn Feed>> {
    let mut feeds: Vec<Box<dyn Feed>> = vec![Box::new(kept::Kept::new(run_dir.to_path_buf()))];
    if let Some(path) = &options.junit {
        feeds.push(Box::new(junit::Junit::new(path.clone())));
    }
    if let Some(traces) = traces::Traces::of(options) {
        feeds.push(Box::new(traces));
    }
    feeds
}
