//! Looks for changes: of what sources take, and of the files that a definition was made of.
//!
//! The system tells that something has happened in a folder, which may be anything: what counts is what has changed when it has
//! been quiet for a moment. Folders that `.gitignore` holds back are not watched at all, and neither is our own state.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// How long it must be quiet: whoever saves several files, or one in several steps, is waited for.
const QUIET: Duration = Duration::from_millis(100);

/// What is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    /// Files, and folders with all below them; absolute.
    pub sources: Vec<PathBuf>,
    /// The files that the definition was made of; absolute.
    pub definition: Vec<PathBuf>,
    /// Never looked at.
    pub state_dir: PathBuf,
}

pub(super) struct Eyes {
    view: View,
    watcher: RecommendedWatcher,
    events: mpsc::UnboundedReceiver<()>,
    /// The folders that the system tells of.
    watched: BTreeSet<PathBuf>,
    seen: BTreeMap<PathBuf, Stamp>,
    /// Something has happened since the last look.
    is_stirred: bool,
}

/// What tells a file from what it was. Not the time of the last change to the inode: links to a file change that too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: (i64, i64),
    size: u64,
    mode: u32,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            size: metadata.size(),
            mode: metadata.mode(),
            inode: metadata.ino(),
        }
    }
}

/// What has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// The definition's own files.
    pub definition: Vec<PathBuf>,
    /// All others.
    pub sources: Vec<PathBuf>,
}

impl Change {
    /// `main.pipe and 2 more have changed`
    pub(super) fn words(&self, shown: impl Fn(&Path) -> String) -> String {
        let all: Vec<&PathBuf> = self.definition.iter().chain(&self.sources).collect();
        match all.as_slice() {
            [] => "nothing has changed".to_owned(),
            [one] => format!("{} has changed", shown(one)),
            [first, rest @ ..] => format!("{} and {} more have changed", shown(first), rest.len()),
        }
    }
}

impl Eyes {
    /// Takes in how everything is now; what changes from here on is noticed.
    pub(super) fn open(view: View) -> io::Result<Self> {
        let (sender, events) = mpsc::unbounded_channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Looking at a file is an event too, and we do that ourselves. After an error anything may have happened.
            if event.map_or(true, |event| !event.kind.is_access()) {
                // If nobody listens any more the run is over.
                let _ = sender.send(());
            }
        });
        let mut eyes = Self {
            view,
            watcher: watcher.map_err(io::Error::other)?,
            events,
            watched: BTreeSet::new(),
            seen: BTreeMap::new(),
            is_stirred: false,
        };
        eyes.seen = eyes.look()?;
        Ok(eyes)
    }

    /// Looks at something else from here on.
    pub(super) fn turn_to(&mut self, view: View) -> io::Result<()> {
        if view != self.view {
            self.view = view;
            self.seen = self.look()?;
        }
        Ok(())
    }

    /// The next change. Nothing is lost if nobody waits for it to the end.
    pub(super) async fn next(&mut self) -> io::Result<Change> {
        loop {
            if !self.is_stirred {
                // The sender lives in the watcher, which lives here.
                self.is_stirred = self.events.recv().await.is_some();
            }
            while let Ok(Some(())) = tokio::time::timeout(QUIET, self.events.recv()).await {}
            let now = super::drivers::blocking(|| self.look())?;
            self.is_stirred = false;
            let change = self.compare(&now);
            self.seen = now;
            if change != Change::default() {
                return Ok(change);
            }
        }
    }

    fn compare(&self, now: &BTreeMap<PathBuf, Stamp>) -> Change {
        let mut change = Change::default();
        let paths: BTreeSet<&PathBuf> = self.seen.keys().chain(now.keys()).collect();
        for path in paths.into_iter().filter(|path| self.seen.get(*path) != now.get(*path)) {
            let of = if self.view.definition.contains(path) {
                &mut change.definition
            } else {
                &mut change.sources
            };
            of.push(path.clone());
        }
        change
    }

    /// All files as they are. Folders are watched before they are looked at, so that nothing is missed in between.
    fn look(&mut self) -> io::Result<BTreeMap<PathBuf, Stamp>> {
        loop {
            let (folders, files) = self.view.walk();
            let new: Vec<PathBuf> = folders.difference(&self.watched).cloned().collect();
            for gone in self.watched.difference(&folders) {
                // If it was removed the system has forgotten it already.
                let _ = self.watcher.unwatch(gone);
            }
            self.watched.retain(|folder| folders.contains(folder));
            if new.is_empty() {
                return Ok(files);
            }
            for folder in new {
                match self.watcher.watch(&folder, RecursiveMode::NonRecursive) {
                    Ok(()) => drop(self.watched.insert(folder)),
                    // It is gone again: the next walk does not find it.
                    Err(_) if !folder.exists() => {}
                    Err(error) => return Err(io::Error::other(format!("cannot watch {}: {error}", folder.display()))),
                }
            }
        }
    }
}

impl View {
    /// The folders to watch, and the files in them.
    fn walk(&self) -> (BTreeSet<PathBuf>, BTreeMap<PathBuf, Stamp>) {
        let mut folders = BTreeSet::new();
        let mut files = BTreeMap::new();
        for root in &self.sources {
            self.walk_below(root, &mut folders, &mut files);
        }
        let single = self.sources.iter().filter(|root| !root.is_dir());
        for file in single.chain(&self.definition) {
            // A file that is saved may be another one of the same name: its folder is what stays.
            folders.extend(file.parent().filter(|folder| folder.is_dir()).map(Path::to_owned));
            if let Ok(metadata) = fs::metadata(file) {
                files.insert(file.clone(), Stamp::of(&metadata));
            }
        }
        (folders, files)
    }

    fn walk_below(&self, root: &Path, folders: &mut BTreeSet<PathBuf>, files: &mut BTreeMap<PathBuf, Stamp>) {
        let state = self.state_dir.clone();
        let walker = ignore::WalkBuilder::new(root)
            .hidden(false)
            .ignore(false)
            .require_git(false)
            .filter_entry(move |entry| {
                let name = entry.file_name();
                name != ".git" && name != ".pipe" && entry.path() != state
            })
            .build();
        // What cannot be looked at is what a run will complain of.
        for entry in walker.flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => drop(folders.insert(entry.into_path())),
                Ok(metadata) => drop(files.insert(entry.into_path(), Stamp::of(&metadata))),
                Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(folder: &Path) -> View {
        View {
            sources: vec![folder.to_owned()],
            definition: vec![folder.join("main.pipe")],
            state_dir: folder.join("state"),
        }
    }

    fn names(paths: &[PathBuf]) -> Vec<&str> {
        let names = paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap());
        names.collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn only_what_sources_take_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for dir in ["src", "out", "state", ".git", "deep/.pipe"] {
            fs::create_dir_all(path(dir)).unwrap();
        }
        fs::write(path(".gitignore"), "out/\n*.log\n").unwrap();
        fs::write(path("main.pipe"), "").unwrap();
        let mut eyes = Eyes::open(view(folder.path())).unwrap();
        for name in [
            "out/x",
            "a.log",
            "src/b.log",
            "state/journal",
            ".git/index",
            "deep/.pipe/x",
        ] {
            fs::write(path(name), "1").unwrap();
        }
        // In a folder that is new, and was not watched when this run began.
        fs::create_dir_all(path("src/new/deep")).unwrap();
        fs::write(path("src/new/deep/a.txt"), "1").unwrap();
        let change = eyes.next().await.unwrap();
        assert_eq!(
            (names(&change.sources), names(&change.definition)),
            (vec!["a.txt"], vec![])
        );
        fs::write(path("src/new/deep/a.txt"), "22").unwrap();
        assert_eq!(names(&eyes.next().await.unwrap().sources), ["a.txt"]);
        fs::write(path("new.pipe"), "new").unwrap();
        fs::rename(path("new.pipe"), path("main.pipe")).unwrap();
        let change = eyes.next().await.unwrap();
        assert_eq!(
            (names(&change.sources), names(&change.definition)),
            (vec![], vec!["main.pipe"])
        );
        fs::remove_dir_all(path("src/new")).unwrap();
        assert_eq!(names(&eyes.next().await.unwrap().sources), ["a.txt"]);
    }

    #[test]
    fn changes_are_said_in_one_line() {
        let shown = |path: &Path| path.display().to_string();
        let mut change = Change {
            sources: vec!["a".into()],
            ..Change::default()
        };
        assert_eq!(change.words(shown), "a has changed");
        change.definition = vec!["main.pipe".into(), "lib.pipe".into()];
        assert_eq!(change.words(shown), "main.pipe and 2 more have changed");
    }
}
