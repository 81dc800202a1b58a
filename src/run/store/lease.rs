//! How runs that store and one that sweeps keep out of each other's way, with locks on open files, which end with their process.
//!
//! - `lock`: shared by whoever stores, or takes an artifact into use, for as long as that takes; the sweeper has it alone.
//! - `leases/<process>`: locked as long as its process lives. It lists the artifacts that the process stored or used: they stay,
//!   whether or not a journal names them already.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::objects::at;
use crate::run::files::unwritten;

const FOLDER: &str = "leases";

/// Held while something is stored: nothing is swept meanwhile.
#[derive(Debug)]
pub(super) struct Shared {
    _lock: File,
}

/// Held by the one that sweeps: nothing is stored meanwhile.
#[derive(Debug)]
pub(super) struct Alone {
    _lock: File,
}

pub(super) fn shared(store: &Path) -> io::Result<Shared> {
    let (path, file) = open(store)?;
    file.lock_shared().map_err(|error| at(&path, error))?;
    Ok(Shared { _lock: file })
}

/// Waits until nobody stores.
pub(super) fn alone(store: &Path) -> io::Result<Alone> {
    let (path, file) = open(store)?;
    file.lock().map_err(|error| at(&path, error))?;
    Ok(Alone { _lock: file })
}

fn open(store: &Path) -> io::Result<(PathBuf, File)> {
    let path = store.join("lock");
    let open = || OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = open().or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            fs::create_dir_all(store)?;
            open()
        }
        _ => Err(error),
    });
    file.map(|file| (path.clone(), file))
        .map_err(|error| unwritten(&path, error))
}

/// What this process has in use.
#[derive(Debug)]
pub(super) struct Lease {
    path: PathBuf,
    file: File,
    digests: BTreeSet<String>,
}

impl Lease {
    /// Under the shared lock: before the file is locked it looks as if its process had ended.
    pub(super) fn new(store: &Path, _: &Shared) -> io::Result<Self> {
        let folder = store.join(FOLDER);
        fs::create_dir_all(&folder).map_err(|error| unwritten(&folder, error))?;
        let path = folder.join(uuid::Uuid::new_v4().to_string());
        let file = File::create_new(&path).and_then(|file| file.lock().map(|()| file));
        let file = file.map_err(|error| unwritten(&path, error))?;
        Ok(Self {
            path,
            file,
            digests: BTreeSet::new(),
        })
    }

    /// Under the shared lock: afterwards it is in use, and the sweeper knows.
    pub(super) fn add(&mut self, digest: &str, _: &Shared) -> io::Result<()> {
        if self.digests.contains(digest) {
            return Ok(());
        }
        // What a full disk has cut off before stands on a line of its own.
        let line = format!("\n{digest}\n");
        self.file
            .write_all(line.as_bytes())
            .map_err(|error| unwritten(&self.path, error))?;
        self.digests.insert(digest.to_owned());
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// What processes that live have in use; the files of those that do not are removed.
pub(super) fn in_use(store: &Path, _: &Alone) -> io::Result<BTreeSet<String>> {
    let mut out = BTreeSet::new();
    let entries = match fs::read_dir(store.join(FOLDER)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(out),
        Err(error) => return Err(at(&store.join(FOLDER), error)),
    };
    for entry in entries {
        let path = entry?.path();
        let file = match File::open(&path) {
            Ok(file) => file,
            // Its process has just ended.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(at(&path, error)),
        };
        match file.try_lock() {
            Ok(()) => fs::remove_file(&path).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(at(&path, error)),
            })?,
            Err(TryLockError::WouldBlock) => {
                let text = fs::read_to_string(&path).map_err(|error| at(&path, error));
                match text {
                    Ok(text) => out.extend(text.lines().map(str::to_owned)),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            Err(TryLockError::Error(error)) => return Err(at(&path, error)),
        }
    }
    Ok(out)
}
