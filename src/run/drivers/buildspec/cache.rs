//! `cache`: files that one build leaves for the next, under the state folder.
//!
//! Only a build that succeeded saves, and it saves all or nothing: an entry is written beside the old one and takes its place
//! in one step. What the source holds is never replaced by what is in a cache. Paths outside of the build's folder stay on
//! this machine as they are, so they need no cache.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::artifacts::Ground;
use super::spec::{self, CacheAction};
use crate::run::files;
use crate::run::outcome::Failure;
use crate::run::paths::component;
use crate::run::store::{Artifact, Store};

/// How many entries a project keeps.
const MOST_ENTRIES: usize = 8;

/// The caches of one project.
pub struct Cache {
    folder: PathBuf,
}

/// An entry's description; it lies beside the entry's files.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    key: String,
    /// Of two entries the newer has the higher number.
    number: u64,
    content: Artifact,
}

/// The keys of a build, worked out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Empty without a key: then a project has one cache.
    pub key: String,
    pub fallbacks: Vec<String>,
}

impl Cache {
    pub fn new(state_dir: &Path, project: &str) -> Self {
        Self {
            folder: state_dir.join("cache").join(component(project)),
        }
    }

    /// Lays what was cached for one of the keys into the build's folder. Gives what to say of it.
    pub fn restore(&self, keys: &Keys, source: &Path, scratch: &Path) -> Result<String, Failure> {
        if !self.folder.is_dir() {
            return Ok("cache: nothing is cached yet".to_owned());
        }
        let _lock = self.lock(File::lock_shared)?;
        let Some((entry, folder)) = self.find(keys) else {
            return Ok(format!("cache: nothing is cached{}", for_key(&keys.key)));
        };
        let _ = fs::remove_dir_all(scratch);
        // Not straight into the folder: half of an entry that cannot be read must not be left there.
        let unpacked = Store::new(folder.join("content")).unpack(&entry.content, scratch);
        if let Err(error) = unpacked {
            let _ = fs::remove_dir_all(scratch);
            return Ok(format!(
                "cache: the entry{} cannot be read, and is not used: {error}",
                for_key(&entry.key)
            ));
        }
        merge(scratch, source)?;
        let _ = fs::remove_dir_all(scratch);
        Ok(format!(
            "cache: {} restored{}",
            entry.content.file_count(),
            for_key(&entry.key)
        ))
    }

    /// Keeps the files that match for the next build. Gives what to say of it.
    pub fn save(&self, keys: &Keys, section: &spec::Cache, ground: Ground<'_>) -> Result<Vec<String>, Failure> {
        let (patterns, mut notes) = patterns(section, ground);
        let include = files::set(patterns.iter().map(String::as_str))?;
        let found = files::select(ground.source, &include, &globset::GlobSet::empty())?;
        if found.is_empty() {
            if !patterns.is_empty() {
                notes.push("cache: nothing is there to be kept".to_owned());
            }
            return Ok(notes);
        }
        fs::create_dir_all(&self.folder)?;
        let _lock = self.lock(File::lock)?;
        let name = entry_name(&keys.key);
        let new = self.folder.join(format!("{name}.new"));
        let _ = fs::remove_dir_all(&new);
        let found = found.into_iter().map(|path| (path.clone(), path));
        let content = Store::new(new.join("content")).import_files(ground.source, found)?;
        let entry = Entry {
            key: keys.key.clone(),
            number: self.entries().last().map_or(0, |(newest, _)| newest.number + 1),
            content,
        };
        fs::write(
            new.join("entry.json"),
            serde_json::to_vec(&entry).map_err(io::Error::from)?,
        )?;
        let place = self.folder.join(&name);
        let _ = fs::remove_dir_all(&place);
        fs::rename(&new, &place)?;
        self.forget_the_oldest();
        notes.push(format!(
            "cache: {} kept{}",
            entry.content.file_count(),
            for_key(&entry.key)
        ));
        Ok(notes)
    }

    fn lock(&self, take: fn(&File) -> io::Result<()>) -> io::Result<File> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.folder.join("lock"))?;
        take(&file)?;
        Ok(file)
    }

    /// The entry of the key itself, or the newest whose key begins like the first fallback for which there is one.
    fn find(&self, keys: &Keys) -> Option<(Entry, PathBuf)> {
        let mut entries = self.entries();
        let begins = |prefix: &String| {
            let is_meant = |(entry, _): &(Entry, PathBuf)| entry.key.starts_with(prefix.as_str());
            entries.iter().rposition(is_meant)
        };
        let exact = entries.iter().position(|(entry, _)| entry.key == keys.key);
        let found = exact.or_else(|| keys.fallbacks.iter().find_map(begins))?;
        Some(entries.swap_remove(found))
    }

    /// All entries with their folders, the oldest first. One that is not finished has another kind of name.
    fn entries(&self) -> Vec<(Entry, PathBuf)> {
        let folders = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let folders = folders
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_none());
        let mut out: Vec<(Entry, PathBuf)> = folders.filter_map(|folder| Some((read(&folder)?, folder))).collect();
        out.sort_by_key(|(entry, _)| entry.number);
        out
    }

    fn forget_the_oldest(&self) {
        let entries = self.entries();
        let too_many = entries.len().saturating_sub(MOST_ENTRIES);
        for (_, folder) in entries.into_iter().take(too_many) {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// Whether the section asks for this half of the work.
pub fn does(section: &spec::Cache, action: CacheAction) -> bool {
    section.action.is_none_or(|only| only == action)
}

/// A key may hold anything, a file's name not.
fn entry_name(key: &str) -> String {
    blake3::hash(key.as_bytes()).to_hex()[..32].to_owned()
}

fn read(folder: &Path) -> Option<Entry> {
    serde_json::from_slice(&fs::read(folder.join("entry.json")).ok()?).ok()
}

fn for_key(key: &str) -> String {
    if key.is_empty() {
        String::new()
    } else {
        format!(" for `{key}`")
    }
}

/// The patterns below the build's folder, and what is to be said of the others. One that names a folder means all of it.
fn patterns(section: &spec::Cache, ground: Ground<'_>) -> (Vec<String>, Vec<String>) {
    let mut out = Vec::new();
    let mut notes = Vec::new();
    for written in section.paths.iter().flat_map(|paths| &paths.0) {
        let pattern = ground.pattern(written);
        let is_elsewhere =
            pattern.starts_with(['/', '~']) || Path::new(&pattern).components().any(|part| part.as_os_str() == "..");
        if is_elsewhere {
            notes.push(format!(
                "cache: `{written}` is not in the build's folder: it stays on this machine as it is"
            ));
        } else if ground.source.join(&pattern).is_dir() {
            out.push(format!("{}/**/*", pattern.trim_end_matches('/')));
        } else {
            out.push(pattern);
        }
    }
    (out, notes)
}

/// Moves what is below `from` to `to`, where there is nothing of that name yet.
fn merge(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let is_folder = entry.file_type()?.is_dir();
        match fs::symlink_metadata(&target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(entry.path(), &target)?,
            Err(error) => return Err(error),
            Ok(known) if known.is_dir() && is_folder => merge(&entry.path(), &target)?,
            Ok(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::spec::OneOrMany;
    use super::*;

    fn keys(key: &str, fallbacks: &[&str]) -> Keys {
        Keys {
            key: key.to_owned(),
            fallbacks: fallbacks.iter().map(|key| (*key).to_owned()).collect(),
        }
    }

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn cache(&self) -> Cache {
            Cache::new(&self.0.path().join("state"), "demo")
        }

        fn save(&self, key: &str, content: &str) {
            let source = self.0.path().join("build");
            let _ = fs::remove_dir_all(&source);
            fs::create_dir_all(source.join("dep")).unwrap();
            fs::write(source.join("dep/a"), content).unwrap();
            let section = spec::Cache {
                paths: Some(OneOrMany(vec!["dep/**/*".to_owned(), "/var/cache/m2/**/*".to_owned()])),
                ..spec::Cache::default()
            };
            let variables = BTreeMap::new();
            let ground = Ground {
                source: &source,
                variables: &variables,
            };
            let notes = self.cache().save(&keys(key, &[]), &section, ground).unwrap();
            assert!(
                notes[0].contains("`/var/cache/m2/**/*` is not in the build's folder"),
                "{notes:?}"
            );
            assert!(notes[1].starts_with("cache: 1 file kept"), "{notes:?}");
        }

        /// What is restored, and what is said.
        fn restore(&self, keys: &Keys) -> (Option<String>, String) {
            let source = self.0.path().join("next");
            let _ = fs::remove_dir_all(&source);
            fs::create_dir_all(&source).unwrap();
            let said = self
                .cache()
                .restore(keys, &source, &self.0.path().join("scratch"))
                .unwrap();
            (fs::read_to_string(source.join("dep/a")).ok(), said)
        }
    }

    #[test]
    fn the_key_decides_and_then_the_fallbacks() {
        let folder = Folder::new();
        assert_eq!(
            folder.restore(&keys("", &[])),
            (None, "cache: nothing is cached yet".to_owned())
        );
        folder.save("npm-1", "one");
        folder.save("npm-2", "two");
        folder.save("", "all");
        let restored = |key: &str, fallbacks: &[&str]| folder.restore(&keys(key, fallbacks)).0;
        assert_eq!(restored("npm-1", &["npm-2"]).as_deref(), Some("one"));
        assert_eq!(restored("npm-3", &["pip-", "npm-"]).as_deref(), Some("two"));
        assert_eq!(restored("npm-3", &["npm-1"]).as_deref(), Some("one"));
        assert_eq!(restored("npm-3", &[]), None);
        assert_eq!(restored("", &[]).as_deref(), Some("all"));
        folder.save("npm-1", "newer");
        assert_eq!(restored("npm-1", &[]).as_deref(), Some("newer"));
    }

    #[test]
    fn a_spoilt_entry_is_not_used() {
        let folder = Folder::new();
        folder.save("k", "content");
        let entry = folder.cache().folder.join(entry_name("k"));
        fs::remove_dir_all(entry.join("content/objects")).unwrap();
        let (restored, said) = folder.restore(&keys("k", &[]));
        assert_eq!(restored, None);
        assert!(said.contains("cannot be read, and is not used"), "{said}");
    }

    #[test]
    fn old_entries_go() {
        let folder = Folder::new();
        for number in 0..MOST_ENTRIES + 3 {
            folder.save(&format!("k{number}"), "x");
        }
        assert_eq!(folder.cache().entries().len(), MOST_ENTRIES);
        assert!(folder.restore(&keys("k10", &[])).0.is_some());
    }

    #[test]
    fn what_the_source_holds_stays() {
        let folder = Folder::new();
        folder.save("k", "old");
        let source = folder.0.path().join("next");
        fs::create_dir_all(source.join("dep")).unwrap();
        fs::write(source.join("dep/a"), "new").unwrap();
        let scratch = folder.0.path().join("scratch");
        folder.cache().restore(&keys("k", &[]), &source, &scratch).unwrap();
        assert_eq!(fs::read_to_string(source.join("dep/a")).unwrap(), "new");
        assert!(!scratch.exists());
    }
}
