//! A run that its folder holds.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::find::id_of;
use super::standing::Standing;
use crate::run::event::Record;
use crate::run::journal::{self, JournalError};
use crate::run::record::RunRecord;

/// What is known of a run from its folder.
#[derive(Clone, Debug, Serialize)]
pub struct StoredRun {
    #[serde(flatten)]
    pub record: RunRecord,
    #[serde(flatten)]
    pub standing: Standing,
    pub run_dir: PathBuf,
}

impl StoredRun {
    /// None if the journal does not begin as one.
    pub fn of(run_dir: &Path, records: &[Record], is_busy: bool) -> Option<Self> {
        let mut record = RunRecord::fold(records)?;
        // The name by which it is found.
        id_of(run_dir).clone_into(&mut record.id);
        Some(Self {
            standing: Standing::of(&record, is_busy),
            run_dir: run_dir.to_owned(),
            record,
        })
    }
}

/// Reads a run.
pub fn read(run_dir: &Path) -> Result<StoredRun, ReadError> {
    // In this order: if a process ends in between, the run looks as if it went on, and not as if it had been cut off.
    let is_busy = journal::is_busy(run_dir);
    let records = journal::read(run_dir)?;
    StoredRun::of(run_dir, &records, is_busy).ok_or(ReadError::Empty)
}

/// Why a run cannot be told of.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("nothing is recorded of it: it ended before it began")]
    Empty,
}

impl ReadError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Journal(JournalError::Version { .. }) => {
                "look at it with the version that recorded it, or remove its folder"
            }
            Self::Journal(JournalError::Damaged { .. }) => {
                "its logs and files are still there: take what you need, and remove its folder"
            }
            Self::Journal(JournalError::Io { .. } | JournalError::Unbegun { .. } | JournalError::Busy) => {
                "see whether the file can be read"
            }
            Self::Empty => "remove its folder",
        }
    }
}
