//! The runs that a process has a hand in.

use std::collections::BTreeMap;

use super::RunRecord;
use crate::run::event::Record;

/// Each execution's record, by its id.
#[derive(Debug, Default)]
pub struct Runs {
    by_id: BTreeMap<String, RunRecord>,
    /// How many were forgotten.
    forgotten: usize,
}

impl Runs {
    /// Takes in what has happened in an execution, and gives what is known of it then; none before it has begun.
    pub fn apply(&mut self, execution: &str, record: &Record) -> Option<&RunRecord> {
        match self.by_id.get_mut(execution) {
            Some(run) => run.apply(record),
            None => drop(self.by_id.insert(execution.to_owned(), RunRecord::begin(record)?)),
        }
        self.get(execution)
    }

    /// Takes in what an execution's journal said before.
    pub fn restore(&mut self, execution: &str, records: &[Record]) {
        if let Some(run) = RunRecord::fold(records) {
            self.by_id.insert(execution.to_owned(), run);
        }
    }

    /// Lets go of a run of which nothing more will be told.
    pub fn forget(&mut self, execution: &str) {
        self.forgotten += usize::from(self.by_id.remove(execution).is_some());
    }

    pub fn get(&self, execution: &str) -> Option<&RunRecord> {
        self.by_id.get(execution)
    }

    pub fn iter(&self) -> impl Iterator<Item = &RunRecord> {
        self.by_id.values()
    }

    /// Whether it has to be said which one is meant.
    pub fn are_several(&self) -> bool {
        self.by_id.len() + self.forgotten > 1
    }
}
