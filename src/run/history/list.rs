//! All runs, in short.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::find::id_of;
use super::standing::Standing;
use super::stored::{ReadError, StoredRun};
use crate::run::event::Trigger;

/// A run in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub id: String,
    pub pipeline: String,
    #[serde(flatten)]
    pub standing: Standing,
    pub started: Timestamp,
    /// None while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    pub trigger: Trigger,
    /// The definition's digest.
    pub definition: String,
}

/// A run of which nothing can be told.
#[derive(Clone, Debug, Serialize)]
pub struct Unreadable {
    pub id: String,
    pub run_dir: PathBuf,
    pub problem: String,
    /// What to do.
    pub help: String,
}

/// All runs of a state directory.
#[derive(Clone, Debug, Default, Serialize)]
pub struct List {
    /// The newest first.
    pub runs: Vec<Row>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<Unreadable>,
}

impl Row {
    pub fn of(run: &StoredRun) -> Self {
        let record = &run.record;
        Self {
            id: record.id.clone(),
            pipeline: record.pipeline.clone(),
            standing: run.standing.clone(),
            started: record.started,
            duration_ms: record.end.map(|end| end.duration_ms),
            trigger: record.trigger.clone(),
            definition: record.definition.clone(),
        }
    }
}

impl Unreadable {
    pub fn of(run_dir: &Path, error: &ReadError) -> Self {
        Self {
            id: id_of(run_dir).to_owned(),
            run_dir: run_dir.to_owned(),
            problem: error.to_string(),
            help: error.help().to_owned(),
        }
    }
}
