//! The folders that actions work in, `work/1`, `work/2`, …: at any time each belongs to one action. An action that succeeded
//! leaves its folder empty for the next one, because making and removing a folder for each would cost more than a
//! small action; one that failed keeps it for whoever looks into the failure.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

#[derive(Debug)]
pub struct Slots {
    root: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    free: Vec<PathBuf>,
    made: usize,
}

impl Slots {
    /// Folders beside those that an earlier process has left in `root`.
    pub(super) fn new(root: PathBuf) -> Self {
        let entries = fs::read_dir(&root).into_iter().flatten().flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<usize>().ok());
        let made = numbers.max().unwrap_or(0);
        Self {
            root,
            state: Mutex::new(State { free: Vec::new(), made }),
        }
    }

    /// A folder that is empty, or not there yet.
    pub(super) fn take(&self) -> PathBuf {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = state.free.pop() {
            return folder;
        }
        state.made += 1;
        self.root.join(state.made.to_string())
    }

    /// Takes a folder back and empties it; one that cannot be emptied is not used again.
    pub(super) fn give_back(&self, folder: &Path) {
        if empty(folder).is_ok() {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.free.push(folder.to_path_buf());
        }
    }

    /// Removes the folders that nobody works in and that hold nothing.
    pub(super) fn remove_empty(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for folder in state.free.drain(..) {
            let _ = fs::remove_dir(folder);
        }
    }
}

fn empty(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut had_folders = false;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            had_folders = true;
            super::drivers::blocking(|| remove_all(&entry.path()));
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    let is_writable = fs::metadata(folder)?.permissions().mode() & 0o700 == 0o700;
    if is_writable && (!had_folders || fs::read_dir(folder)?.next().is_none()) {
        Ok(())
    } else {
        Err(io::Error::from(io::ErrorKind::DirectoryNotEmpty))
    }
}

/// Removes a folder even if a build has taken away the right to write in it (as Go's module cache does).
pub(super) fn remove_all(folder: &Path) {
    if fs::remove_dir_all(folder).is_ok() {
        return;
    }
    let mut stack = vec![folder.to_path_buf()];
    while let Some(folder) = stack.pop() {
        let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o700));
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        stack.extend(folders.map(|entry| entry.path()));
    }
    let _ = fs::remove_dir_all(folder);
}
