//! Artifacts, kept by content: a manifest (paths, modes, links) names each file's content by its hash, and the manifest's own
//! hash names the artifact. What two artifacts share is stored once, whatever actions and runs they are of.
//!
//! An action gets a copy of its own, so that it cannot change what another one sees. Why that is not slow, and what was not
//! done instead: `docs/decisions/artifacts-by-content.md`.
//!
//! Several processes may use one store at once.

mod layout;
mod lease;
mod manifest;
mod objects;
mod parallel;
mod stamps;
mod sweep;

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use layout::Layout;
use lease::{Lease, Shared};
use manifest::invalid;
pub use manifest::{Content, Entry, Hash, Manifest, Name};
use objects::{Objects, at};
use stamps::{Kept, Known, Now, Stamp};
pub use sweep::Swept;

/// A stored artifact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// The manifest's hash.
    pub digest: String,
    pub files: u64,
    pub bytes: u64,
}

impl Artifact {
    /// `1 file`, `12 files`.
    pub fn file_count(&self) -> String {
        format!("{} file{}", self.files, if self.files == 1 { "" } else { "s" })
    }
}

/// From how many files on it pays to remember which ones were read.
const MANY: usize = 64;

/// From how many files on it pays to keep that from run to run.
const VERY_MANY: usize = 500;

/// How many entries the manifests that are kept in memory have together.
const ENTRIES_IN_MEMORY: usize = 200_000;

/// The folder that holds all artifacts of all runs.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    objects: Objects,
    known: Known,
    manifests: Mutex<BTreeMap<String, Arc<Manifest>>>,
    lease: Mutex<Option<Lease>>,
}

impl Store {
    /// Writes nothing yet.
    pub fn new(root: PathBuf) -> Self {
        Self {
            objects: Objects::new(&root),
            root,
            known: Known::default(),
            manifests: Mutex::default(),
            lease: Mutex::default(),
        }
    }

    /// Stores all that is below `folder`, empty folders too. Links are kept as links, wherever they lead.
    pub fn import(&self, folder: &Path) -> io::Result<Artifact> {
        self.import_files(folder, walk(folder)?.into_iter().map(|path| (path.clone(), path)))
    }

    /// Stores some files below `folder`: where each is, and where it stands in the artifact. One that is gone is left out.
    pub fn import_files(&self, folder: &Path, files: impl Iterator<Item = (PathBuf, PathBuf)>) -> io::Result<Artifact> {
        self.import_known(folder, files, None)
    }

    /// As [`Store::import_files`], from a folder that will be imported by other runs too: they read only what has changed since.
    pub fn import_source(&self, folder: &Path, files: impl Iterator<Item = PathBuf>) -> io::Result<Artifact> {
        let name = blake3::hash(folder.as_os_str().as_encoded_bytes()).to_hex();
        let kept = self.root.join("sources").join(&name[..32]);
        self.import_known(folder, files.map(|path| (path.clone(), path)), Some(&kept))
    }

    fn import_known(
        &self,
        folder: &Path,
        files: impl Iterator<Item = (PathBuf, PathBuf)>,
        kept_at: Option<&Path>,
    ) -> io::Result<Artifact> {
        let files: Vec<(PathBuf, PathBuf)> = files.collect();
        let mut new = self.begin()?;
        // Before the first look at a file: what is changed later than this has another stamp.
        let now = if files.len() >= MANY { self.now().ok() } else { None };
        let kept_at = kept_at.filter(|_| files.len() >= VERY_MANY);
        let kept = kept_at.map(Kept::load).unwrap_or_default();
        let found = parallel::map(&files, |(from, to)| {
            let path = folder.join(from);
            let content = self.content(&path, &kept).map_err(|error| at(&path, error))?;
            Ok(content.map(|(content, stamp)| (Name::new(to), content, stamp)))
        })?;
        let mut stamps = Vec::new();
        for (name, content, stamp) in found.into_iter().flatten() {
            if let (Some(stamp), Content::File { hash, .. }) = (stamp, &content) {
                stamps.push((stamp, *hash));
            }
            new.insert(name, content);
        }
        let artifact = new.finish()?;
        if let Some(now) = now {
            if let Some(path) = kept_at.filter(|_| !kept.holds_all(&stamps)) {
                self.keep(path, &stamps, &now);
            }
            self.known.remember(stamps, &now);
        }
        Ok(artifact)
    }

    /// Keeps for other runs what was read. Without it they only take longer, so nobody hears of a failure.
    fn keep(&self, path: &Path, stamps: &[(Stamp, Hash)], now: &Now) {
        if let Some(bytes) = Kept::bytes(stamps, now) {
            let _ = self.objects.place(path, |file| file.write_all(&bytes));
        }
    }

    /// The time by the clock of the store's file system.
    fn now(&self) -> io::Result<Now> {
        Now::at(&self.root.join(format!(".now-{}", uuid::Uuid::new_v4())))
    }

    /// Stores one artifact with the given files and nothing else.
    pub fn import_texts(&self, files: &[(&str, &[u8])]) -> io::Result<Artifact> {
        let mut new = self.begin()?;
        for (path, bytes) in files {
            new.add_file(Name::Text((*path).to_owned()), 0o644, bytes.len() as u64, *bytes)?;
        }
        new.finish()
    }

    /// Begins an artifact that is put together file by file.
    pub(super) fn begin(&self) -> io::Result<NewArtifact<'_>> {
        Ok(NewArtifact {
            store: self,
            lock: lease::shared(&self.root)?,
            entries: BTreeMap::new(),
        })
    }

    /// What is at `path`, with the stamp of its content; none if it is gone, or has no content to pass on, as sockets have not.
    fn content(&self, path: &Path, kept: &Kept) -> io::Result<Option<(Content, Option<Stamp>)>> {
        let Some(metadata) = unless_gone(fs::symlink_metadata(path))? else {
            return Ok(None);
        };
        let mode = metadata.permissions().mode() & 0o777;
        if metadata.is_symlink() {
            let target = unless_gone(fs::read_link(path))?;
            return Ok(target.map(|target| (Content::Link { to: Name::new(&target) }, None)));
        }
        if metadata.is_dir() {
            return Ok(Some((Content::Directory { mode }, None)));
        }
        if !metadata.is_file() {
            return Ok(None);
        }
        if let Some(hash) = self.known_hash(&metadata, kept) {
            let size = metadata.len();
            return Ok(Some((Content::File { hash, size, mode }, Some(Stamp::new(&metadata)))));
        }
        let Some(file) = unless_gone(File::open(path))? else {
            return Ok(None);
        };
        let before = Stamp::new(&file.metadata()?);
        let (hash, size) = self.objects.add(&file, metadata.len())?;
        // One that changed while it was read is not known.
        let stamp = Some(before).filter(|before| file.metadata().is_ok_and(|now| Stamp::new(&now) == *before));
        Ok(Some((Content::File { hash, size, mode }, stamp)))
    }

    fn known_hash(&self, metadata: &Metadata, kept: &Kept) -> Option<Hash> {
        let stamp = Stamp::new(metadata);
        // What this process stored it has in use, so it is there; what an earlier one stored may have been swept away.
        self.known
            .get(&stamp)
            .or_else(|| kept.get(&stamp).filter(|hash| self.objects.holds(hash, metadata.len())))
    }

    fn manifest_path(&self, digest: &str) -> io::Result<PathBuf> {
        match blake3::Hash::from_hex(digest) {
            Ok(_) => Ok(self.root.join("manifests").join(format!("{digest}.json"))),
            Err(_) => Err(invalid(format!("`{digest}` names no artifact"))),
        }
    }

    /// What an artifact holds. From now on it is in use by this process, and not swept away.
    pub fn manifest(&self, artifact: &Artifact) -> io::Result<Arc<Manifest>> {
        if let Some(manifest) = lock(&self.manifests).get(&artifact.digest) {
            return Ok(Arc::clone(manifest));
        }
        let shared = lease::shared(&self.root)?;
        let manifest = self.load(&artifact.digest)?;
        self.take_into_use(&artifact.digest, &shared)?;
        Ok(self.remember(&artifact.digest, manifest))
    }

    fn load(&self, digest: &str) -> io::Result<Manifest> {
        let path = self.manifest_path(digest)?;
        let bytes = fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => io::Error::new(
                io::ErrorKind::NotFound,
                format!(
                    "{} is not in the store any more: run the action again that made it",
                    path.display()
                ),
            ),
            _ => at(&path, error),
        })?;
        let damaged = || {
            // So that whoever stores it again mends it.
            let _ = fs::remove_file(&path);
            invalid(format!(
                "{} is damaged: run the action again that made the artifact",
                path.display()
            ))
        };
        if blake3::hash(&bytes).to_hex().as_str() != digest {
            return Err(damaged());
        }
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        manifest.check()?;
        Ok(manifest)
    }

    fn remember(&self, digest: &str, manifest: Manifest) -> Arc<Manifest> {
        let manifest = Arc::new(manifest);
        let mut manifests = lock(&self.manifests);
        let entries: usize = manifests.values().map(|manifest| manifest.entries.len()).sum();
        if entries + manifest.entries.len() > ENTRIES_IN_MEMORY {
            manifests.clear();
        }
        manifests.insert(digest.to_owned(), Arc::clone(&manifest));
        manifest
    }

    fn take_into_use(&self, digest: &str, shared: &Shared) -> io::Result<()> {
        let mut lease = lock(&self.lease);
        if lease.is_none() {
            *lease = Some(Lease::new(&self.root, shared)?);
        }
        lease.as_mut().map_or(Ok(()), |lease| lease.add(digest, shared))
    }

    /// Lays an artifact's files out below `folder`, which is made if need be, in the place of others of the same name. They belong
    /// to whoever takes them.
    pub fn unpack(&self, artifact: &Artifact, folder: &Path) -> io::Result<()> {
        self.unpack_at(artifact, folder, SystemTime::now())
    }

    /// As [`Store::unpack`], and `time` is the time of all the files.
    pub(super) fn unpack_at(&self, artifact: &Artifact, folder: &Path, time: SystemTime) -> io::Result<()> {
        let manifest = self.manifest(artifact)?;
        let laid = layout::unpack(self.layout(&manifest, time), folder)?;
        self.remember_laid(laid);
        Ok(())
    }

    /// Makes `folder` hold an artifact and nothing else, where this process laid out that one or another like it before and
    /// anything may have happened to it since.
    pub(super) fn restore(&self, artifact: &Artifact, folder: &Path, time: SystemTime) -> io::Result<()> {
        let manifest = self.manifest(artifact)?;
        let laid = layout::restore(self.layout(&manifest, time), folder, &self.known)?;
        self.remember_laid(laid);
        Ok(())
    }

    fn layout<'a>(&'a self, manifest: &'a Manifest, time: SystemTime) -> Layout<'a> {
        Layout {
            objects: &self.objects,
            manifest,
            time,
        }
    }

    /// Remembers what was laid out, before anybody can change it.
    fn remember_laid(&self, laid: Vec<layout::Laid>) {
        let is_large = stamps::is_worth_a_tick(&laid);
        if laid.len() < MANY && !is_large {
            return;
        }
        let Ok(mut now) = self.now() else { return };
        if is_large && laid.iter().any(|(stamp, _)| !stamp.is_old_at(&now)) {
            thread::sleep(stamps::A_TICK);
            now = self.now().unwrap_or(now);
        }
        self.known.remember(laid, &now);
    }

    /// Whether all that an artifact holds is there, and is what was stored: after a power cut the last ones that were stored may
    /// not be. Reads all of it.
    pub fn is_whole(&self, artifact: &Artifact) -> bool {
        let Ok(manifest) = self.manifest(artifact) else {
            return false;
        };
        let read = parallel::map(&manifest.entries, |entry| match &entry.content {
            Content::File { hash, size, .. } => {
                io::copy(&mut self.objects.open(hash, *size)?, &mut io::sink()).map(|_| ())
            }
            Content::Link { .. } | Content::Directory { .. } => Ok(()),
        });
        read.is_ok()
    }

    /// The bytes of one file in an artifact; none if it has no such file.
    pub fn read(&self, artifact: &Artifact, path: &str) -> io::Result<Option<Vec<u8>>> {
        let manifest = self.manifest(artifact)?;
        let mut entries = manifest.entries.iter();
        match entries.find(|entry| entry.path.as_path() == Path::new(path)) {
            Some(Entry {
                content: Content::File { hash, size, .. },
                ..
            }) => self.objects.read(hash, *size).map(Some),
            _ => Ok(None),
        }
    }

    /// One file's content, which is checked when it is read to its end.
    pub(super) fn open(&self, hash: &Hash, size: u64) -> io::Result<impl Read> {
        self.objects.open(hash, size)
    }
}

/// An artifact in the making. While there is one, nothing is swept.
pub(super) struct NewArtifact<'a> {
    store: &'a Store,
    lock: Shared,
    entries: BTreeMap<Name, Content>,
}

impl NewArtifact<'_> {
    /// The later one of two with the same name stays.
    pub(super) fn insert(&mut self, name: Name, content: Content) {
        self.entries.insert(name, content);
    }

    /// Stores what `reader` gives; gives its size.
    pub(super) fn add_file(&mut self, name: Name, mode: u32, size: u64, reader: impl Read) -> io::Result<u64> {
        let (hash, size) = self.store.objects.add(reader, size)?;
        self.insert(name, Content::File { hash, size, mode });
        Ok(size)
    }

    pub(super) fn finish(self) -> io::Result<Artifact> {
        let manifest = Manifest::new(self.entries)?;
        let json = serde_json::to_vec(&manifest)?;
        let digest = blake3::hash(&json).to_hex().to_string();
        let path = self.store.manifest_path(&digest)?;
        if !fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.len() == json.len() as u64) {
            self.store.objects.place(&path, |file| file.write_all(&json))?;
        }
        self.store.take_into_use(&digest, &self.lock)?;
        let (files, bytes) = manifest.totals();
        self.store.remember(&digest, manifest);
        Ok(Artifact { digest, files, bytes })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// All that is below `folder`, relative to it: files, links, and folders that are empty.
fn walk(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    let mut stack = vec![PathBuf::new()];
    while let Some(folder) = stack.pop() {
        let mut is_empty = true;
        let here = root.join(&folder);
        for entry in fs::read_dir(&here).map_err(|error| at(&here, error))? {
            let entry = entry?;
            is_empty = false;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                stack.push(path);
            } else {
                out.push(path);
            }
        }
        if is_empty && !folder.as_os_str().is_empty() {
            out.push(folder);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files that were all changed before the last tick.
    fn old_files(folder: &Path, count: usize) -> Vec<PathBuf> {
        fs::create_dir_all(folder).unwrap();
        let names: Vec<PathBuf> = (0..count).map(|index| PathBuf::from(format!("file-{index}"))).collect();
        for name in &names {
            fs::write(folder.join(name), name.as_os_str().as_encoded_bytes()).unwrap();
        }
        thread::sleep(stamps::A_TICK);
        names
    }

    #[test]
    fn the_next_run_reads_only_what_changed() {
        let temp = tempfile::tempdir().unwrap();
        let (root, source) = (temp.path().join("store"), temp.path().join("source"));
        let names = old_files(&source, VERY_MANY);
        let import = |store: &Store| store.import_source(&source, names.iter().cloned()).unwrap();
        let first = import(&Store::new(root.clone()));
        let kept = || {
            Kept::load(
                &fs::read_dir(root.join("sources"))
                    .unwrap()
                    .next()
                    .unwrap()
                    .unwrap()
                    .path(),
            )
        };
        let is_known = |name: &str| {
            let metadata = fs::symlink_metadata(source.join(name)).unwrap();
            Store::new(root.clone()).known_hash(&metadata, &kept()).is_some()
        };
        assert!(names.iter().all(|name| is_known(name.to_str().unwrap())));

        // Of the same size, and made to look as old as it was.
        let before = fs::metadata(source.join("file-7")).unwrap().modified().unwrap();
        fs::write(source.join("file-7"), "other!").unwrap();
        let file = fs::OpenOptions::new().write(true).open(source.join("file-7")).unwrap();
        file.set_modified(before).unwrap();
        assert!(!is_known("file-7") && is_known("file-8"));
        let store = Store::new(root.clone());
        let second = import(&store);
        assert_ne!(first, second);
        assert_eq!(store.read(&second, "file-7").unwrap().unwrap(), b"other!");
        assert_eq!(store.read(&second, "file-8").unwrap().unwrap(), b"file-8");

        // What is known of a source is worth nothing without what it leads to.
        fs::remove_dir_all(root.join("objects")).unwrap();
        assert_eq!(import(&Store::new(root.clone())), second);
        assert!(Store::new(root.clone()).is_whole(&second));
        assert!(!Store::new(root.clone()).is_whole(&first));
    }

    #[test]
    fn a_damaged_manifest_is_found_and_mended() {
        let temp = tempfile::tempdir().unwrap();
        let new = || Store::new(temp.path().to_path_buf());
        let artifact = new().import_texts(&[("a", b"one")]).unwrap();
        let path = new().manifest_path(&artifact.digest).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "[]").unwrap();
        let error = new().manifest(&artifact).unwrap_err().to_string();
        assert!(error.contains("is damaged"), "{error}");
        assert_eq!(new().import_texts(&[("a", b"one")]).unwrap(), artifact);
        assert_eq!(new().read(&artifact, "a").unwrap().unwrap(), b"one");
    }

    #[test]
    fn no_digest_leads_out_of_the_store() {
        let temp = tempfile::tempdir().unwrap();
        let store = Store::new(temp.path().join("store"));
        fs::write(temp.path().join("x.json"), "[]").unwrap();
        for digest in ["../../x", "", "/etc/passwd", &"g".repeat(64)] {
            let artifact = Artifact {
                digest: digest.to_owned(),
                ..Artifact::default()
            };
            let error = store.manifest(&artifact).unwrap_err().to_string();
            assert!(error.contains("names no artifact"), "{error}");
        }
    }
}
