//! The files that a source takes, and those that it has to speak of: submodules, and what git LFS keeps elsewhere.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::super::Job;
use super::git::git_ok;
use crate::run::outcome::Failure;

/// What a file begins with that stands for one in git LFS.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";
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
    let mut out = Vec::new();
    for entry in walker {
        let entry = entry.map_err(io::Error::other)?;
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        if let Ok(path) = entry.path().strip_prefix(folder)
            && !is_folder
        {
            out.push(path.to_path_buf());
        }
    }
    Ok(out)
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
