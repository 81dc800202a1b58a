//! Takes old runs away: those that have ended, that nobody needs, and of which there are enough newer ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use super::find::run_dirs;
use super::stored::StoredRun;
use crate::run::event::Event;
use crate::run::journal::{self, Journal, JournalError};
use crate::run::slots::remove_all;
use crate::run::store::{Store, Swept};

/// What a folder is called while it is being removed, beside `runs/`.
const REMOVED: &str = "removed-";

/// The runs to remove, the oldest first, if of each pipeline the newest `keep` that have ended are kept.
pub fn choose(runs: &[StoredRun], keep: usize) -> Vec<&StoredRun> {
    let mut by_pipeline: BTreeMap<&str, Vec<&StoredRun>> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.record.has_ended()) {
        by_pipeline.entry(&run.record.pipeline).or_default().push(run);
    }
    let mut old: Vec<&StoredRun> = Vec::new();
    for mut ended in by_pipeline.into_values() {
        ended.sort_by(|a, b| key(b).cmp(&key(a)));
        old.extend(ended.into_iter().skip(keep));
    }
    // Whoever is kept keeps those that it names, and they those that they name.
    loop {
        let removed: BTreeSet<&str> = old.iter().map(|run| run.record.id.as_str()).collect();
        let kept = runs.iter().filter(|run| !removed.contains(run.record.id.as_str()));
        let needed: BTreeSet<&str> = kept.flat_map(names).collect();
        let count = old.len();
        old.retain(|run| !needed.contains(run.record.id.as_str()));
        if old.len() == count {
            old.sort_by(|a, b| key(a).cmp(&key(b)));
            return old;
        }
    }
}

/// The order of the start.
fn key(run: &StoredRun) -> (jiff::Timestamp, &str) {
    (run.record.started, &run.record.id)
}

/// The runs that a run has to do with.
fn names(run: &StoredRun) -> impl Iterator<Item = &str> {
    let rollbacks = run.record.rollbacks.iter();
    let rollbacks = rollbacks.flat_map(|rollback| [rollback.execution_id.as_str(), rollback.target.as_str()]);
    run.record.inherited_from.as_deref().into_iter().chain(rollbacks)
}

/// How many bytes a folder's files hold.
pub fn size(folder: &Path) -> u64 {
    let mut stack = vec![folder.to_owned()];
    let mut bytes = 0;
    while let Some(folder) = stack.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => stack.push(entry.path()),
                Ok(metadata) => bytes += metadata.len(),
                Err(_) => {}
            }
        }
    }
    bytes
}

/// Removes a run; gives the bytes that it held, or none if a process has taken it up meanwhile.
pub fn remove(run: &StoredRun) -> io::Result<Option<u64>> {
    let _lock = match Journal::open(&run.run_dir) {
        Ok((journal, _)) => journal,
        Err(JournalError::Busy) => return Ok(None),
        Err(error) => return Err(io::Error::other(error)),
    };
    let bytes = size(&run.run_dir);
    let state_dir = run.run_dir.ancestors().nth(2).unwrap_or(&run.run_dir);
    // In one step: nobody ever sees half a run.
    let away = state_dir.join(format!("{REMOVED}{}", run.record.id));
    fs::rename(&run.run_dir, &away)?;
    remove_all(&away);
    Ok(Some(bytes))
}

/// Removes what an earlier call was kept from removing.
pub fn finish(state_dir: &Path) {
    for entry in fs::read_dir(state_dir).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(REMOVED.as_bytes()) {
            remove_all(&entry.path());
        }
    }
}

/// Removes the artifacts that no run needs any more. Fails if a journal cannot be read: what it names is not known then.
pub fn sweep(state_dir: &Path) -> io::Result<Swept> {
    let store = Store::new(state_dir.join("store"));
    store.sweep(|| digests(state_dir))
}

/// The digests of all artifacts that runs have made or begun with.
fn digests(state_dir: &Path) -> io::Result<BTreeSet<String>> {
    let mut out = BTreeSet::new();
    for dir in run_dirs(state_dir) {
        let records = match journal::read(&dir) {
            Ok(records) => records,
            Err(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(io::Error::other(error)),
        };
        for record in records {
            let artifacts = match record.event {
                Event::RunStarted(started) => started.inherited.map(|inherited| inherited.artifacts),
                Event::ActionFinished { artifacts, .. } => Some(artifacts),
                _ => None,
            };
            out.extend(artifacts.into_iter().flatten().map(|(_, artifact)| artifact.digest));
        }
    }
    Ok(out)
}
