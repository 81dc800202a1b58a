//! Artifacts, kept by content: a manifest (paths, modes, links) names each file's content by its hash, and the manifest's own
//! hash names the artifact. What two artifacts share is stored once.
//!
//! An action gets a copy of its own, so that it cannot change what another one sees.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

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

/// What an artifact holds, by path, in the order of the paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Manifest {
    pub entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub path: Name,
    #[serde(flatten)]
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    File { hash: String, size: u64, mode: u32 },
    Link { to: Name },
    Directory { mode: u32 },
}

/// A path, which need not be text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Name {
    Text(String),
    Bytes(Vec<u8>),
}

impl Name {
    pub fn new(path: &Path) -> Self {
        path.to_str().map_or_else(
            || Self::Bytes(path.as_os_str().as_bytes().to_vec()),
            |text| Self::Text(text.to_owned()),
        )
    }

    pub fn to_path(&self) -> PathBuf {
        match self {
            Self::Text(text) => PathBuf::from(text),
            Self::Bytes(bytes) => PathBuf::from(OsString::from_vec(bytes.clone())),
        }
    }
}

/// The folder that holds all artifacts of all runs.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    temporary: AtomicU64,
    manifests: Mutex<BTreeMap<String, Arc<Manifest>>>,
}

impl Store {
    pub fn new(root: PathBuf) -> Self {
        Self {
            root,
            temporary: AtomicU64::new(0),
            manifests: Mutex::default(),
        }
    }

    /// Stores all that is below `folder`, empty folders too. Links are kept as links, wherever they lead.
    pub fn import(&self, folder: &Path) -> io::Result<Artifact> {
        let mut files = Vec::new();
        walk(folder, Path::new(""), &mut files)?;
        self.import_files(folder, files.into_iter().map(|path| (path.clone(), path)))
    }

    /// Stores some files below `folder`: where each is, and where it stands in the artifact. One that is gone is left out.
    pub fn import_files(&self, folder: &Path, files: impl Iterator<Item = (PathBuf, PathBuf)>) -> io::Result<Artifact> {
        let mut entries = BTreeMap::new();
        for (from, to) in files {
            let path = folder.join(&from);
            match self.content(&path) {
                Ok(Some(content)) => {
                    entries.insert(Name::new(&to), content);
                }
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
            }
        }
        let entries = entries.into_iter().map(|(path, content)| Entry { path, content });
        self.save(Manifest {
            entries: entries.collect(),
        })
    }

    /// Stores one artifact with the given files and nothing else.
    pub fn import_texts(&self, files: &[(&str, &[u8])]) -> io::Result<Artifact> {
        let mut entries = BTreeMap::new();
        for (path, bytes) in files {
            let hash = blake3::hash(bytes).to_hex().to_string();
            let object = self.object(&hash);
            if !object.exists() {
                self.place(&object, |to| fs::write(to, bytes))?;
            }
            let content = Content::File {
                hash,
                size: bytes.len() as u64,
                mode: 0o644,
            };
            entries.insert(Name::Text((*path).to_owned()), content);
        }
        let entries = entries.into_iter().map(|(path, content)| Entry { path, content });
        self.save(Manifest {
            entries: entries.collect(),
        })
    }

    /// Stores what a zip archive holds. Names that lead out of it are refused.
    pub fn import_zip(&self, archive: &Path, scratch: &Path) -> io::Result<Artifact> {
        let mut zip = zip::ZipArchive::new(fs::File::open(archive)?)?;
        fs::create_dir_all(scratch)?;
        zip.extract(scratch)?;
        let artifact = self.import(scratch);
        fs::remove_dir_all(scratch)?;
        artifact
    }

    fn content(&self, path: &Path) -> io::Result<Option<Content>> {
        let metadata = fs::symlink_metadata(path)?;
        let mode = metadata.permissions().mode() & 0o777;
        if metadata.is_symlink() {
            let to = Name::new(&fs::read_link(path)?);
            return Ok(Some(Content::Link { to }));
        }
        if metadata.is_dir() {
            return Ok(Some(Content::Directory { mode }));
        }
        if !metadata.is_file() {
            // Sockets and the like have no content to pass on.
            return Ok(None);
        }
        let (hash, size) = self.add_object(path)?;
        Ok(Some(Content::File { hash, size, mode }))
    }

    fn add_object(&self, path: &Path) -> io::Result<(String, u64)> {
        let mut hasher = blake3::Hasher::new();
        let mut file = fs::File::open(path)?;
        let mut buffer = vec![0; 64 * 1024];
        let mut size = 0;
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            size += count as u64;
            hasher.update(&buffer[..count]);
        }
        let hash = hasher.finalize().to_hex().to_string();
        let object = self.object(&hash);
        if !object.exists() {
            self.place(&object, |to| {
                fs::copy(path, to)?;
                fs::set_permissions(to, fs::Permissions::from_mode(0o644))
            })?;
        }
        Ok((hash, size))
    }

    fn object(&self, hash: &str) -> PathBuf {
        self.root.join("objects").join(&hash[..2]).join(&hash[2..])
    }

    fn manifest_path(&self, digest: &str) -> PathBuf {
        self.root.join("manifests").join(format!("{digest}.json"))
    }

    /// Puts a file in its place in one step, so that nobody ever sees half of it.
    fn place(&self, path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        let number = self.temporary.fetch_add(1, Ordering::Relaxed);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)?;
        let temporary = folder.join(format!(".new-{}-{number}", std::process::id()));
        write(&temporary)?;
        fs::rename(&temporary, path)
    }

    fn save(&self, manifest: Manifest) -> io::Result<Artifact> {
        let json = serde_json::to_vec(&manifest)?;
        let digest = blake3::hash(&json).to_hex().to_string();
        let path = self.manifest_path(&digest);
        if !path.exists() {
            self.place(&path, |to| fs::write(to, &json))?;
        }
        let mut artifact = Artifact {
            digest: digest.clone(),
            ..Artifact::default()
        };
        for entry in &manifest.entries {
            if let Content::File { size, .. } = entry.content {
                artifact.bytes += size;
            }
            artifact.files += u64::from(!matches!(entry.content, Content::Directory { .. }));
        }
        let mut cache = self.manifests.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(digest, Arc::new(manifest));
        Ok(artifact)
    }

    pub fn manifest(&self, artifact: &Artifact) -> io::Result<Arc<Manifest>> {
        let mut cache = self.manifests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(manifest) = cache.get(&artifact.digest) {
            return Ok(Arc::clone(manifest));
        }
        let manifest: Manifest = serde_json::from_slice(&fs::read(self.manifest_path(&artifact.digest))?)?;
        let manifest = Arc::new(manifest);
        cache.insert(artifact.digest.clone(), Arc::clone(&manifest));
        Ok(manifest)
    }

    /// Lays an artifact's files out below `folder`, which is made if need be. They belong to whoever takes them.
    pub fn unpack(&self, artifact: &Artifact, folder: &Path) -> io::Result<()> {
        let manifest = self.manifest(artifact)?;
        fs::create_dir_all(folder)?;
        let mut made = folder.to_path_buf();
        let mut modes = Vec::new();
        for entry in &manifest.entries {
            let path = entry.path.to_path();
            if !path.components().all(|part| matches!(part, Component::Normal(_))) {
                let message = format!("`{}` would lead out of the artifact", path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            let to = folder.join(&path);
            if let Some(parent) = to.parent()
                && parent != made
            {
                fs::create_dir_all(parent)?;
                made = parent.to_path_buf();
            }
            match &entry.content {
                Content::File { hash, mode, .. } => {
                    // Two inputs may be laid over each other: the later one wins.
                    fs::copy(self.object(hash), &to)?;
                    if *mode != 0o644 {
                        fs::set_permissions(&to, fs::Permissions::from_mode(*mode))?;
                    }
                }
                Content::Link { to: target } => {
                    let _ = fs::remove_file(&to);
                    symlink(target.to_path(), &to)?;
                }
                Content::Directory { mode } => {
                    fs::create_dir_all(&to)?;
                    modes.push((to, *mode));
                }
            }
        }
        // Last, because a folder that cannot be written could not have been filled.
        for (path, mode) in modes.into_iter().rev() {
            fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        }
        Ok(())
    }

    /// The bytes of one file in an artifact; none if it has no such file.
    pub fn read(&self, artifact: &Artifact, path: &str) -> io::Result<Option<Vec<u8>>> {
        let manifest = self.manifest(artifact)?;
        let found = manifest
            .entries
            .iter()
            .find(|entry| entry.path.to_path() == Path::new(path));
        match found.map(|entry| &entry.content) {
            Some(Content::File { hash, .. }) => Ok(Some(fs::read(self.object(hash))?)),
            _ => Ok(None),
        }
    }
}

/// All that is below `folder`, relative to it: files, links, and folders that are empty.
fn walk(root: &Path, folder: &Path, out: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut stack = vec![folder.to_path_buf()];
    while let Some(folder) = stack.pop() {
        let mut is_empty = true;
        for entry in fs::read_dir(root.join(&folder))? {
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
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &Path, text: &str, mode: u32) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn modes_links_and_empty_folders_are_kept() {
        let temp = tempfile::tempdir().unwrap();
        let from = temp.path().join("from");
        file(&from.join("bin/run"), "#!/bin/sh", 0o755);
        file(&from.join("a name with spaces"), "x", 0o600);
        fs::create_dir_all(from.join("empty/folder")).unwrap();
        symlink("bin/run", from.join("link")).unwrap();
        let odd = Path::new(std::ffi::OsStr::from_bytes(b"odd-\xff"));
        file(&from.join(odd), "y", 0o644);
        let store = Store::new(temp.path().join("store"));
        let artifact = store.import(&from).unwrap();
        assert_eq!((artifact.files, artifact.bytes), (4, 11));

        let to = temp.path().join("to");
        Store::new(temp.path().join("store")).unpack(&artifact, &to).unwrap();
        let mode = |path: &str| fs::metadata(to.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("bin/run"), mode("a name with spaces")), (0o755, 0o600));
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("bin/run"));
        assert!(to.join("empty/folder").is_dir());
        assert_eq!(fs::read(to.join(odd)).unwrap(), b"y");
        assert_eq!(store.import(&to).unwrap(), artifact);
    }

    #[test]
    fn changing_a_copy_changes_nothing_else() {
        let temp = tempfile::tempdir().unwrap();
        let store = Store::new(temp.path().join("store"));
        let artifact = store.import_texts(&[("f", b"one")]).unwrap();
        for name in ["a", "b"] {
            let to = temp.path().join(name);
            store.unpack(&artifact, &to).unwrap();
            assert_eq!(fs::read(to.join("f")).unwrap(), b"one");
            fs::write(to.join("f"), "two").unwrap();
        }
    }

    #[test]
    fn a_manifest_cannot_lead_out() {
        let temp = tempfile::tempdir().unwrap();
        let store = Store::new(temp.path().join("store"));
        let artifact = store.import_texts(&[("../out", b"x")]).unwrap();
        assert!(store.unpack(&artifact, &temp.path().join("to")).is_err());
    }
}
