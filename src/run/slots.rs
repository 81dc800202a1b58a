//! The folders that actions work in, `work/1`, `work/2`, …: at any time each belongs to one action. An action that succeeded
//! leaves its folder empty for the next one, because making and removing a folder for each would cost more than a
//! small action; one that failed keeps it for whoever looks into the failure.
//!
//! A large artifact that was laid out stays when its action is done, in `work/tree-1`, `work/tree-2`, …. The next action that
//! takes that artifact, or one like it, gets the folder, in which only what has changed since is laid out again.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::store::{Artifact, Manifest, Store};

/// From here on a laid-out artifact is worth keeping.
const MANY_FILES: u64 = 64;
const MANY_BYTES: u64 = 8 << 20;

/// How folders begin that wait with an artifact in them.
const TREE: &str = "tree-";

/// How many are kept that nobody uses; there is never more than one for each action that ran at once, and these.
const MOST_TREES: usize = 4;

#[derive(Debug)]
pub struct Slots {
    root: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    free: Vec<PathBuf>,
    made: usize,
    /// What was laid out in folders that are in use.
    laid: BTreeMap<PathBuf, Tree>,
    /// Folders that wait for an action that can use what is in them; the one given back last is the last.
    waiting: Vec<(PathBuf, Tree)>,
    trees: usize,
    /// The artifact that was laid out last.
    last: String,
}

/// What was laid out in a folder. Anything may have happened to it since.
#[derive(Clone, Debug)]
struct Tree {
    digest: String,
    manifest: Arc<Manifest>,
    /// The time of all its files.
    time: SystemTime,
}

impl Slots {
    /// Folders beside those that an earlier process has left in `root`.
    pub(super) fn new(root: PathBuf) -> Self {
        let entries = fs::read_dir(&root).into_iter().flatten().flatten();
        let number = |name: &str| name.strip_prefix(TREE).unwrap_or(name).parse::<usize>().ok();
        let made = entries.filter_map(|entry| number(entry.file_name().to_str()?)).max();
        let made = made.unwrap_or(0);
        let state = State {
            made,
            trees: made,
            ..State::default()
        };
        Self {
            root,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A folder that is empty, or not there yet.
    pub(super) fn take(&self) -> PathBuf {
        let mut state = self.state();
        if let Some(folder) = state.free.pop() {
            return folder;
        }
        state.made += 1;
        self.root.join(state.made.to_string())
    }

    /// Lays an artifact out in `folder`, which is empty, or not there yet.
    pub(super) fn lay_out(&self, store: &Store, artifact: &Artifact, folder: &Path) -> io::Result<()> {
        if artifact.files < MANY_FILES && artifact.bytes < MANY_BYTES {
            self.state().last.clone_from(&artifact.digest);
            return store.unpack(artifact, folder);
        }
        let mut tree = Tree {
            digest: artifact.digest.clone(),
            manifest: store.manifest(artifact)?,
            time: SystemTime::now(),
        };
        if !self.reuse(store, artifact, &mut tree, folder) {
            store.unpack_at(artifact, folder, tree.time)?;
        }
        self.state().laid.insert(folder.to_path_buf(), tree);
        Ok(())
    }

    /// Puts one of the waiting folders in the place of `folder`, with the artifact in it; false if none will do.
    fn reuse(&self, store: &Store, artifact: &Artifact, tree: &mut Tree, folder: &Path) -> bool {
        let (found, surplus, is_same) = {
            let mut state = self.state();
            let found = best(&state.waiting, tree).map(|index| state.waiting.remove(index));
            let surplus = found.is_none() && state.waiting.len() >= MOST_TREES;
            let surplus = surplus.then(|| state.waiting.remove(0).0);
            let before = std::mem::replace(&mut state.last, tree.digest.clone());
            (found, surplus, before == tree.digest)
        };
        if let Some(surplus) = surplus {
            remove_all(&surplus);
        }
        let Some((waiting, was)) = found else {
            return false;
        };
        // While nothing else was laid out, no tool can have seen other files of these names: they need not look new to it.
        if is_same && was.digest == tree.digest {
            tree.time = was.time;
        }
        // It is put right where it waits: a folder that resists (files of another user, say) is in nobody's way there.
        let restored = store.restore(artifact, &waiting, tree.time).and_then(|()| {
            if let Err(error) = fs::remove_dir(folder)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error);
            }
            fs::create_dir_all(folder.parent().unwrap_or(&self.root))?;
            fs::rename(&waiting, folder)
        });
        if restored.is_err() {
            remove_all(&waiting);
        }
        restored.is_ok()
    }

    /// Takes a folder back and empties it; one that cannot be emptied is not used again.
    pub(super) fn give_back(&self, folder: &Path) {
        self.keep_trees(folder);
        if empty(folder).is_ok() {
            self.state().free.push(folder.to_path_buf());
        }
    }

    /// Moves what was laid out in `folder`, or in folders below it, to where it waits for the next action.
    pub(super) fn keep_trees(&self, folder: &Path) {
        let mut state = self.state();
        let found: Vec<PathBuf> = state
            .laid
            .keys()
            .filter(|laid| laid.starts_with(folder))
            .cloned()
            .collect();
        for folder in found {
            let Some(tree) = state.laid.remove(&folder) else {
                continue;
            };
            state.trees += 1;
            let waiting = self.root.join(format!("{TREE}{}", state.trees));
            if fs::rename(&folder, &waiting).is_ok() {
                state.waiting.push((waiting, tree));
            }
        }
    }

    /// Removes the folders that nobody works in and that hold nothing of interest.
    pub(super) fn remove_empty(&self) {
        let mut state = self.state();
        for folder in state.free.drain(..) {
            let _ = fs::remove_dir(folder);
        }
        for (folder, _) in state.waiting.drain(..) {
            remove_all(&folder);
        }
    }
}

/// The waiting folder that the artifact is least work in: the one that has it, or else the one that has most of its files.
fn best(waiting: &[(PathBuf, Tree)], wanted: &Tree) -> Option<usize> {
    let same = waiting.iter().rposition(|(_, tree)| tree.digest == wanted.digest);
    same.or_else(|| {
        let shared = waiting
            .iter()
            .map(|(_, tree)| wanted.manifest.shared(&tree.manifest))
            .enumerate();
        let (index, shared) = shared.max_by_key(|(_, shared)| *shared)?;
        (shared * 2 >= wanted.manifest.entries.len()).then_some(index)
    })
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    /// Enough of them that they are worth keeping.
    const FILES: usize = 140;

    struct Place {
        temp: tempfile::TempDir,
        store: Store,
        slots: Slots,
        artifact: Artifact,
    }

    impl Place {
        fn new() -> Self {
            let temp = tempfile::tempdir().unwrap();
            let source = temp.path().join("source");
            for index in 0..FILES {
                let folder = source.join(format!("d{}/sub", index % 7));
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join(index.to_string()), format!("content {index}")).unwrap();
            }
            fs::create_dir_all(source.join("empty")).unwrap();
            symlink("d0/sub/0", source.join("link")).unwrap();
            let outside = temp.path().join("outside");
            fs::create_dir_all(&outside).unwrap();
            fs::write(outside.join("mine"), "mine").unwrap();
            let store = Store::new(temp.path().join("store"));
            let artifact = store.import(&source).unwrap();
            let slots = Slots::new(temp.path().join("work"));
            Self {
                temp,
                store,
                slots,
                artifact,
            }
        }

        fn outside(&self) -> PathBuf {
            self.temp.path().join("outside")
        }

        /// Afterwards the files are known: they are old enough for it.
        fn lay_out(&self, artifact: &Artifact) -> PathBuf {
            let folder = self.slots.take();
            self.slots.lay_out(&self.store, artifact, &folder).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(30));
            assert_eq!(self.store.import(&folder).unwrap(), *artifact);
            folder
        }

        /// What another store, which knows nothing of these files, says of a folder.
        fn content(&self, folder: &Path) -> Artifact {
            Store::new(self.temp.path().join("other")).import(folder).unwrap()
        }
    }

    fn inodes(folder: &Path) -> BTreeSet<u64> {
        let paths = (0..FILES).map(|index| folder.join(format!("d{}/sub/{index}", index % 7)));
        paths.map(|path| fs::symlink_metadata(path).unwrap().ino()).collect()
    }

    fn times(folder: &Path) -> BTreeSet<SystemTime> {
        let paths = (0..FILES).map(|index| folder.join(format!("d{}/sub/{index}", index % 7)));
        paths
            .map(|path| fs::symlink_metadata(path).unwrap().modified().unwrap())
            .collect()
    }

    #[test]
    fn what_nobody_changed_is_handed_on() {
        let place = Place::new();
        let first = place.lay_out(&place.artifact);
        let (inodes_before, times_before) = (inodes(&first), times(&first));
        assert_eq!(times_before.len(), 1);
        place.slots.give_back(&first);
        let second = place.lay_out(&place.artifact);
        assert!(inodes(&second) == inodes_before && times(&second) == times_before);
        assert_eq!(place.content(&second), place.artifact);
        // It is in use now, so the next one gets files of its own.
        let third = place.lay_out(&place.artifact);
        assert!(inodes(&third).is_disjoint(&inodes(&second)));
        place.slots.give_back(&second);
        place.slots.give_back(&third);

        // Something else in between might have been seen by a tool that goes by times: now all must look new.
        let other = place.store.import_texts(&[("a", b"b")]).unwrap();
        let between = place.lay_out(&other);
        place.slots.give_back(&between);
        let fourth = place.lay_out(&place.artifact);
        assert_eq!(times(&fourth).len(), 1);
        assert!(times(&fourth) > times_before);
        assert_eq!(place.content(&fourth), place.artifact);
        place.slots.give_back(&fourth);
        place.slots.remove_empty();
        assert_eq!(fs::read_dir(place.temp.path().join("work")).unwrap().count(), 0);
    }

    /// Does something to a folder; the other one is outside.
    type Deed = fn(&Path, &Path);

    /// What a command may do to its folder.
    const DEEDS: &[(&str, Deed)] = &[
        ("changes a file and hides it", |folder, _| {
            let path = folder.join("d1/sub/1");
            let before = fs::metadata(&path).unwrap().modified().unwrap();
            fs::write(&path, "CONTENT 1").unwrap();
            fs::File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_modified(before)
                .unwrap();
        }),
        ("removes a file", |folder, _| {
            fs::remove_file(folder.join("d1/sub/1")).unwrap();
        }),
        ("adds a file", |folder, _| {
            fs::write(folder.join("d1/sub/new"), "x").unwrap();
        }),
        ("adds folders", |folder, _| {
            fs::create_dir_all(folder.join("d1/a/b/c")).unwrap();
        }),
        ("changes modes", |folder, _| {
            fs::set_permissions(folder.join("d1/sub/1"), fs::Permissions::from_mode(0o777)).unwrap();
            fs::set_permissions(folder.join("d2/sub"), fs::Permissions::from_mode(0o500)).unwrap();
            fs::set_permissions(folder.join("empty"), fs::Permissions::from_mode(0o000)).unwrap();
        }),
        ("exchanges files", |folder, _| {
            fs::rename(folder.join("d1/sub/1"), folder.join("x")).unwrap();
            fs::rename(folder.join("d2/sub/2"), folder.join("d1/sub/1")).unwrap();
            fs::rename(folder.join("x"), folder.join("d2/sub/2")).unwrap();
        }),
        ("exchanges folders", |folder, _| {
            fs::rename(folder.join("d1"), folder.join("x")).unwrap();
            fs::rename(folder.join("d2"), folder.join("d1")).unwrap();
            fs::rename(folder.join("x"), folder.join("d2")).unwrap();
        }),
        ("keeps a link to a file's content", |folder, outside| {
            fs::hard_link(folder.join("d1/sub/1"), outside.join("kept")).unwrap();
        }),
        ("puts a link for a folder", |folder, outside| {
            fs::remove_dir_all(folder.join("d3")).unwrap();
            symlink(outside, folder.join("d3")).unwrap();
        }),
        ("puts a link for a file", |folder, outside| {
            fs::remove_file(folder.join("d1/sub/1")).unwrap();
            symlink(outside.join("mine"), folder.join("d1/sub/1")).unwrap();
        }),
        ("puts a folder for a file", |folder, _| {
            fs::remove_file(folder.join("d1/sub/1")).unwrap();
            fs::create_dir_all(folder.join("d1/sub/1/deep")).unwrap();
        }),
        ("puts a file for a folder", |folder, _| {
            fs::remove_dir_all(folder.join("d1")).unwrap();
            fs::write(folder.join("d1"), "x").unwrap();
        }),
        ("turns a link", |folder, outside| {
            fs::remove_file(folder.join("link")).unwrap();
            symlink(outside, folder.join("link")).unwrap();
        }),
        ("removes everything", |folder, _| fs::remove_dir_all(folder).unwrap()),
        ("puts a link for its own folder", |folder, outside| {
            fs::remove_dir_all(folder).unwrap();
            symlink(outside, folder).unwrap();
        }),
    ];

    #[test]
    fn whatever_a_command_did_the_next_action_has_the_artifact() {
        let place = Place::new();
        for (name, deed) in DEEDS {
            let folder = place.lay_out(&place.artifact);
            assert_eq!(place.content(&folder), place.artifact, "before one {name}");
            deed(&folder, &place.outside());
            place.slots.give_back(&folder);
            let next = place.lay_out(&place.artifact);
            assert_eq!(place.content(&next), place.artifact, "after one {name}");
            assert_eq!(times(&next).len(), 1, "after one {name}");
            let mode = fs::symlink_metadata(next.join("d2/sub")).unwrap().mode() & 0o777;
            assert_eq!(mode, 0o755, "after one {name}");
            place.slots.give_back(&next);
            assert_eq!(
                fs::read_to_string(place.outside().join("mine")).unwrap(),
                "mine",
                "after one {name}"
            );
        }
        let kept = fs::symlink_metadata(place.outside().join("kept")).unwrap();
        assert_eq!(kept.nlink(), 1);
    }

    #[test]
    fn an_artifact_like_it_takes_what_they_share() {
        let place = Place::new();
        let folder = place.lay_out(&place.artifact);
        let before = inodes(&folder);
        fs::write(folder.join("new"), "x").unwrap();
        fs::write(folder.join("d1/sub/1"), "changed").unwrap();
        let changed = place.store.import(&folder).unwrap();
        place.slots.give_back(&folder);
        let next = place.lay_out(&changed);
        assert_eq!(place.content(&next), changed);
        assert!(inodes(&next).intersection(&before).count() > FILES / 2);
        assert_eq!(times(&next).len(), 1);
    }

    #[test]
    fn folders_that_nobody_wants_do_not_pile_up() {
        let place = Place::new();
        for index in 0..10 {
            let files: Vec<(String, String)> = (0..100)
                .map(|file| (format!("f{file}"), format!("{index} {file}")))
                .collect();
            let files: Vec<(&str, &[u8])> = files
                .iter()
                .map(|(path, text)| (path.as_str(), text.as_bytes()))
                .collect();
            let artifact = place.store.import_texts(&files).unwrap();
            let folder = place.lay_out(&artifact);
            assert_eq!(place.content(&folder), artifact);
            place.slots.give_back(&folder);
            assert!(fs::read_dir(place.temp.path().join("work")).unwrap().count() <= MOST_TREES + 1);
        }
    }
}
