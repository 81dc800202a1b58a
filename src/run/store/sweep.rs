//! Taking away what nobody needs any more.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use super::manifest::{Content, Hash};
use super::objects::{TEMPORARY, at};
use super::stamps::Kept;
use super::{Store, lease};

/// What was taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub artifacts: u64,
    /// Files of artifacts, and what was left of some that were never completed.
    pub files: u64,
    pub bytes: u64,
}

impl Store {
    /// Removes every artifact but those that `keep` names, and those that a process has in use that is still alive.
    ///
    /// `keep` is asked when nobody can store anything any more, so it must look at the journals then and not before: whatever was
    /// stored until then is either in use or in a journal.
    pub fn sweep<K: IntoIterator<Item = String>>(&self, keep: impl FnOnce() -> io::Result<K>) -> io::Result<Swept> {
        let alone = lease::alone(&self.root)?;
        let mut wanted = lease::in_use(&self.root, &alone)?;
        wanted.extend(keep()?);
        let mut swept = Swept::default();
        // Manifests first: should this break off, none is left that lacks its files.
        let needed = self.sweep_manifests(&wanted, &mut swept)?;
        for folder in entries(self.objects.root())? {
            if folder.file_type()?.is_dir() {
                self.sweep_objects(&folder.path(), &needed, &mut swept)?;
            } else if is_temporary(&folder) {
                remove(&folder, &mut swept.files, &mut swept.bytes)?;
            }
        }
        self.sweep_sources(&needed)?;
        for entry in entries(&self.root)? {
            if entry.file_name().as_encoded_bytes().starts_with(b".now-") {
                remove(&entry, &mut 0, &mut 0)?;
            }
        }
        Ok(swept)
    }

    /// Gives the objects that stay.
    fn sweep_manifests(&self, wanted: &BTreeSet<String>, swept: &mut Swept) -> io::Result<HashSet<PathBuf>> {
        let mut needed = HashSet::new();
        for entry in entries(&self.root.join("manifests"))? {
            let name = entry.file_name().to_string_lossy().into_owned();
            let digest = name.strip_suffix(".json").filter(|digest| wanted.contains(*digest));
            let Some(digest) = digest else {
                remove(&entry, &mut swept.artifacts, &mut swept.bytes)?;
                continue;
            };
            match self.load(digest) {
                Ok(manifest) => needed.extend(manifest.entries.iter().filter_map(|entry| match &entry.content {
                    Content::File { hash, .. } => Some(self.objects.path(hash)),
                    Content::Link { .. } | Content::Directory { .. } => None,
                })),
                // It is damaged, so its files are of no use to anybody.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
                Err(error) => return Err(error),
            }
        }
        Ok(needed)
    }

    fn sweep_objects(&self, folder: &Path, needed: &HashSet<PathBuf>, swept: &mut Swept) -> io::Result<()> {
        for entry in entries(folder)? {
            if !needed.contains(&entry.path()) {
                remove(&entry, &mut swept.files, &mut swept.bytes)?;
            }
        }
        Ok(())
    }

    /// What is kept of sources of which nothing is left serves nobody.
    fn sweep_sources(&self, needed: &HashSet<PathBuf>) -> io::Result<()> {
        for entry in entries(&self.root.join("sources"))? {
            let is_needed = |hash: &Hash| needed.contains(&self.objects.path(hash));
            if is_temporary(&entry) || !Kept::load(&entry.path()).hashes().any(is_needed) {
                remove(&entry, &mut 0, &mut 0)?;
            }
        }
        Ok(())
    }
}

fn is_temporary(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(TEMPORARY.as_bytes())
}

fn remove(entry: &DirEntry, count: &mut u64, bytes: &mut u64) -> io::Result<()> {
    let path = entry.path();
    let size = entry.metadata().map_or(0, |metadata| metadata.len());
    match fs::remove_file(&path) {
        Ok(()) => {
            *count += 1;
            *bytes += size;
            Ok(())
        }
        // A damaged object is removed by whoever finds it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(at(&path, error)),
    }
}

/// What is in a folder; nothing if it is not there.
fn entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(at(folder, error)),
    }
}
