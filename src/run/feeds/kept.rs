//! Leaves with the keeper how each run goes on, in case that the runner is killed.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::Feed;
use crate::run::event::{Event, Record};
use crate::run::keeper;
use crate::run::view::next::Next;

/// The runs that this process carries out and that have not ended.
pub(super) struct Kept {
    /// The folder of one of them, beside which all are.
    run_dir: PathBuf,
    live: BTreeSet<String>,
}

impl Kept {
    pub(super) fn new(run_dir: PathBuf) -> Self {
        Self {
            run_dir,
            live: BTreeSet::new(),
        }
    }

    fn words(&self) -> String {
        let resume = |id: &String| Next::new(&self.run_dir.with_file_name(id)).resume();
        self.live.iter().map(resume).collect()
    }
}

impl Feed for Kept {
    fn restore(&mut self, _execution: &str, _records: &[Record]) {}

    fn record(&mut self, execution: &str, record: &Record) -> Option<String> {
        let has_changed = match &record.event {
            Event::RunStarted(_) | Event::RunResumed { .. } | Event::StageRetried { .. } => {
                self.live.insert(execution.to_owned())
            }
            Event::RunFinished { .. } => self.live.remove(execution),
            _ => false,
        };
        if has_changed {
            keeper::leave_words(&self.words());
        }
        None
    }

    fn finish(&mut self) -> Option<String> {
        None
    }
}
