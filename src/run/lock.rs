//! One process at a time carries out a pipeline in a state directory: the executions of one pipeline share its stages.
//!
//! The lock is on an open file, so the system takes it back when the process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::files::unwritten;
use super::paths::component;
use super::say;

/// The right to carry out a pipeline; given back when it is dropped.
#[derive(Debug)]
pub(super) struct PipelineLock {
    _file: File,
}

impl PipelineLock {
    /// Waits, and says for whom, if another process has it. `run` is what others are told.
    pub(super) fn acquire(state_dir: &Path, pipeline: &str, run: &str) -> io::Result<Self> {
        let folder = state_dir.join("pipelines");
        std::fs::create_dir_all(&folder).map_err(|error| unwritten(&folder, error))?;
        let path = folder.join(format!("{}.lock", component(pipeline)));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| unwritten(&path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder)?;
                let holder = holder.trim();
                say(&format!(
                    "waiting for {holder} of {pipeline}, which is carried out in the same place\n  \
                     help: `pipe stop` ends it; with a `--state-dir` of its own a run need not wait\n"
                ));
                file.lock()?;
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let told = format!("run {run} (process {})", std::process::id());
        let written = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(told.as_bytes()));
        written.map_err(|error| unwritten(&path, error))?;
        Ok(Self { _file: file })
    }
}
