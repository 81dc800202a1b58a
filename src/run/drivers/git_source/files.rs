//! The files that a source takes, and those that it has to speak of: submodules, and what git LFS keeps elsewhere.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::super::{Job, blocking};
use super::git::git_ok;
use crate::run::files::words;
use crate::run::outcome::Failure;
use crate::run::units::{bytes, count};

/// What a file begins with that stands for one in git LFS.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";
/// Of more files than so many, or of larger ones, is said beforehand what is taken in: it may not be what was meant.
const MANY_FILES: usize = 50_000;
const LARGE: u64 = 1_000_000_000;
/// So many names are said; of others, how many there are.
const MOST_NAMES: usize = 5;

/// What a checkout holds, relative to its folder.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) files: Vec<PathBuf>,
    pub(super) submodules: Vec<PathBuf>,
}

/// Tracked files, and untracked ones that are not ignored, also those of untracked repositories within; never our own state.
pub(super) async fn in_checkout(job: &mut Job, folder: &Path) -> Result<Listed, Failure> {
    let state = job.run.state_dir.clone();
    let mut out = Listed::default();
    let mut repositories = vec![PathBuf::new()];
    while let Some(below) = repositories.pop() {
        let arguments = [
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "--deduplicate",
        ];
        let listed = git_ok(job, &folder.join(&below), &arguments).await?;
        for name in listed.stdout.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
            let path = below.join(OsStr::from_bytes(name));
            if is_state(folder, &path, &state) {
                continue;
            }
            match fs::symlink_metadata(folder.join(&path)) {
                // A folder in the list is a repository in the repository: an untracked one ends with a slash.
                Ok(metadata) if metadata.is_dir() && name.ends_with(b"/") => repositories.push(path),
                Ok(metadata) if metadata.is_dir() => out.submodules.push(path),
                Ok(_) => out.files.push(path),
                // Deleted in the working tree.
                Err(_) => {}
            }
        }
    }
    Ok(out)
}

/// All files of a folder that `.gitignore` does not hold back; never our own state.
pub fn walk(folder: &Path, state: &Path) -> io::Result<Vec<PathBuf>> {
    let (files, _) = files_and_folders(folder, state)?;
    Ok(files)
}

/// As [`walk`], and the folders in which there is nothing at all.
pub fn walk_with_empty(folder: &Path, state: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut out, folders) = files_and_folders(folder, state)?;
    for below in folders {
        if !below.as_os_str().is_empty() && fs::read_dir(folder.join(&below))?.next().is_none() {
            out.push(below);
        }
    }
    Ok(out)
}

fn files_and_folders(folder: &Path, state: &Path) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (state, root) = (state.to_path_buf(), folder.to_path_buf());
    let walker = ignore::WalkBuilder::new(folder)
        .hidden(false)
        .require_git(false)
        .parents(false)
        .git_global(false)
        .follow_links(false)
        .filter_entry(move |entry| {
            let below = entry.path().strip_prefix(&root).unwrap_or(Path::new(""));
            entry.file_name() != ".git" && !is_state(&root, below, &state)
        })
        .build();
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in walker {
        let entry = entry.map_err(|error| unreadable(folder, error))?;
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        if let Ok(path) = entry.path().strip_prefix(folder) {
            let list = if is_folder { &mut folders } else { &mut files };
            list.push(path.to_path_buf());
        }
    }
    Ok((files, folders))
}

/// Why a folder's content cannot be listed, in plain words, with the place once: that below the folder, if it is one.
fn unreadable(folder: &Path, error: ignore::Error) -> io::Error {
    let mut inner = &error;
    while let ignore::Error::WithDepth { err, .. } = inner {
        inner = err;
    }
    let place = match inner {
        ignore::Error::WithPath { path, .. } => path.strip_prefix(folder).unwrap_or(path).display().to_string(),
        _ => String::new(),
    };
    let text = error.to_string();
    match error.into_io_error() {
        Some(why) if place.is_empty() => io::Error::new(why.kind(), words(&why)),
        Some(why) => io::Error::new(why.kind(), format!("`{place}`: {}", words(&why))),
        None => io::Error::other(text),
    }
}

/// Says in the action's log what it takes in, if that is a lot.
pub fn announce(job: &mut Job, folder: &Path, files: &[PathBuf]) {
    let length = |file: &PathBuf| fs::symlink_metadata(folder.join(file)).map_or(0, |found| found.len());
    let size = blocking(|| files.iter().map(length).sum());
    if let Some(text) = announcement(folder, files.len(), size) {
        job.log.say(&text);
    }
}

fn announcement(folder: &Path, files: usize, size: u64) -> Option<String> {
    let is_a_lot = files > MANY_FILES || size > LARGE;
    is_a_lot.then(|| {
        let (files, folder) = (count(files, "file"), folder.display());
        format!("takes in {files}, {}, of {folder}", bytes(size))
    })
}

/// Whether `path` below `folder` is our own state. A clone lies in the state folder itself, and all of it is wanted.
fn is_state(folder: &Path, path: &Path, state: &Path) -> bool {
    let is_inside = !folder.starts_with(state) && folder.join(path).starts_with(state);
    is_inside || path.components().any(|part| part.as_os_str() == ".pipe")
}

/// What is said of submodules: CodePipeline never takes them.
pub(super) fn submodule_note(submodules: &[PathBuf], is_clone: bool) -> Option<String> {
    let names = names(submodules.iter())?;
    Some(if is_clone {
        format!(
            "of submodules only their places are taken, as by CodeBuild ({names}): the build fetches them with `git submodule update --init`"
        )
    } else {
        format!("submodules are left out, as by CodePipeline: {names}")
    })
}

/// What is said of files in git LFS: CodePipeline's archives hold pointers in their place.
pub(super) async fn lfs_notes(
    job: &mut Job,
    folder: &Path,
    files: &[PathBuf],
    is_clone: bool,
) -> Result<Vec<String>, Failure> {
    let says_so = |file: &&PathBuf| {
        let is_attributes = file.file_name() == Some(OsStr::new(".gitattributes"));
        is_attributes && fs::read_to_string(folder.join(file)).is_ok_and(|text| text.contains("filter=lfs"))
    };
    if !files.iter().any(|file| says_so(&file)) {
        return Ok(Vec::new());
    }
    let listed = git_ok(job, folder, &["ls-files", "-z", ":(attr:filter=lfs)"]).await?;
    let kept = listed.stdout.split(|&byte| byte == 0).filter(|name| !name.is_empty());
    let kept = kept.map(|name| PathBuf::from(OsStr::from_bytes(name)));
    let (pointers, contents): (Vec<_>, Vec<_>) = kept
        .filter(|file| folder.join(file).is_file())
        .partition(|file| is_pointer(&folder.join(file)).unwrap_or(false));
    let mut notes = Vec::new();
    if let Some(names) = names(pointers.iter()) {
        notes.push(format!(
            "pointers of git LFS are taken in place of what they stand for: {names}"
        ));
    }
    if let Some(names) = names(contents.iter()).filter(|_| !is_clone) {
        notes.push(format!(
            "CodePipeline would take pointers of git LFS in place of {names}"
        ));
    }
    Ok(notes)
}

fn is_pointer(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    fs::File::open(path)?
        .take(POINTER.len() as u64)
        .read_to_end(&mut start)?;
    Ok(start == POINTER)
}

fn names<'a>(paths: impl ExactSizeIterator<Item = &'a PathBuf>) -> Option<String> {
    let count = paths.len();
    let first: Vec<String> = paths
        .take(MOST_NAMES)
        .map(|path| format!("`{}`", path.display()))
        .collect();
    let more = match count.saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (count > 0).then(|| first.join(", ") + &more)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use super::{announcement, unreadable, walk};

    #[test]
    fn a_folder_that_cannot_be_read_is_named_once() {
        let folder = Path::new("/src");
        let denied = |path: &str| {
            let why = Box::new(ignore::Error::Io(io::ErrorKind::PermissionDenied.into()));
            let path = path.into();
            let err = Box::new(ignore::Error::WithPath { path, err: why });
            unreadable(folder, ignore::Error::WithDepth { depth: 1, err }).to_string()
        };
        assert_eq!(denied("/src"), "permission is denied");
        assert_eq!(denied("/src/a/b"), "`a/b`: permission is denied");
        let gone = walk(Path::new("/nowhere/at/all"), folder).unwrap_err();
        assert_eq!(gone.to_string(), "there is no such file or directory");
    }

    #[test]
    fn a_lot_is_announced() {
        let said = |files, size| announcement(Path::new("/src"), files, size);
        assert_eq!(said(50_000, 1_000_000_000), None);
        let many = said(50_001, 2_500).unwrap();
        assert_eq!(many, "takes in 50001 files, 2.5 kB, of /src");
        let large = said(1, 9_000_000_000).unwrap();
        assert_eq!(large, "takes in 1 file, 9.0 GB, of /src");
    }
}
