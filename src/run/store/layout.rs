//! Laying artifacts out as folders: on top of what is there ([`unpack`]), or so that nothing else is there ([`restore`]).
//!
//! Whoever gets the folder may do with it what they like, so every file is a copy of its own. All files of an artifact get one
//! and the same time: tools that compare times (`make`) see neither order nor age in them.
//!
//! Nothing is followed: whatever links a folder holds, all that is written and removed is below it.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;

use super::manifest::{Content, Entry, Hash, Manifest};
use super::objects::{Objects, at};
use super::parallel;
use super::stamps::{Known, Stamp};
use crate::run::files::unwritten;

/// The mode of folders that the artifact says nothing about.
const FOLDER_MODE: u32 = 0o755;

/// All but the file's type.
const MODE: u32 = 0o7777;

/// A file that is as the artifact has it.
pub(super) type Laid = (Stamp, Hash);

/// What a folder is laid out from.
#[derive(Clone, Copy)]
pub(super) struct Layout<'a> {
    pub(super) objects: &'a Objects,
    pub(super) manifest: &'a Manifest,
    pub(super) time: SystemTime,
}

/// Puts the artifact's files below `folder`, in the place of others of the same name.
pub(super) fn unpack(layout: Layout, folder: &Path) -> io::Result<Vec<Laid>> {
    fs::create_dir_all(folder).map_err(|error| unwritten(folder, error))?;
    make_folders(layout.manifest, folder)?;
    let laid = parallel::map(&layout.manifest.entries, |entry| {
        let to = folder.join(entry.path.as_path());
        write(layout, entry, &to).map_err(|error| unwritten(&to, error))
    })?;
    set_folder_modes(layout.manifest, folder)?;
    Ok(laid.into_iter().flatten().collect())
}

/// Makes `folder`, which some artifact was laid out in before, one that holds this artifact and nothing else. What is `known` to
/// be right stays, and gets the new time.
pub(super) fn restore(layout: Layout, folder: &Path, known: &Known) -> io::Result<Vec<Laid>> {
    let found = fs::symlink_metadata(folder)?;
    if !found.is_dir() {
        // A link that a command put here leads to what is none of ours.
        return Err(at(folder, io::ErrorKind::NotADirectory.into()));
    }
    remove_others(layout.manifest, folder)?;
    make_folders(layout.manifest, folder)?;
    let owner = found.uid();
    let laid = parallel::map(&layout.manifest.entries, |entry| {
        let to = folder.join(entry.path.as_path());
        let found = fs::symlink_metadata(&to).ok();
        let stays = found.filter(|found| found.uid() == owner && is_right(&entry.content, &to, found, known));
        let laid = match stays {
            Some(found) => retime(layout, entry, &to, found),
            None => write(layout, entry, &to),
        };
        laid.map_err(|error| unwritten(&to, error))
    })?;
    set_folder_modes(layout.manifest, folder)?;
    Ok(laid.into_iter().flatten().collect())
}

fn is_right(content: &Content, path: &Path, found: &Metadata, known: &Known) -> bool {
    match content {
        Content::File { hash, mode, .. } => {
            found.is_file()
                && found.nlink() == 1
                && found.mode() & MODE == *mode
                && known.get(&Stamp::new(found)) == Some(*hash)
        }
        Content::Link { to } => found.is_symlink() && fs::read_link(path).is_ok_and(|target| target == to.as_path()),
        Content::Directory { .. } => found.is_dir(),
    }
}

fn laid(entry: &Entry, found: &Metadata) -> Option<Laid> {
    match entry.content {
        Content::File { hash, .. } => Some((Stamp::new(found), hash)),
        Content::Link { .. } | Content::Directory { .. } => None,
    }
}

fn retime(layout: Layout, entry: &Entry, path: &Path, found: Metadata) -> io::Result<Option<Laid>> {
    if !found.is_file() || found.modified()? == layout.time {
        return Ok(laid(entry, &found));
    }
    let time = TimeSpec::from(layout.time.duration_since(UNIX_EPOCH).unwrap_or_default());
    // By name, which is half the calls of opening it.
    utimensat(
        AT_FDCWD,
        path,
        &TimeSpec::UTIME_OMIT,
        &time,
        UtimensatFlags::NoFollowSymlink,
    )?;
    Ok(laid(entry, &fs::symlink_metadata(path)?))
}

fn write(layout: Layout, entry: &Entry, to: &Path) -> io::Result<Option<Laid>> {
    match &entry.content {
        Content::File { hash, size, mode } => {
            let object = layout.objects.open(hash, *size)?;
            let mut file = replacing(to, || {
                OpenOptions::new().write(true).create_new(true).mode(*mode).open(to)
            })?;
            let written = object
                .copy_to(&mut file)
                .and_then(|()| finish(&file, *mode, layout.time));
            // Half a file is worse than none.
            let metadata = written.inspect_err(|_| drop(fs::remove_file(to)))?;
            Ok(Some((Stamp::new(&metadata), *hash)))
        }
        Content::Link { to: target } => replacing(to, || symlink(target.as_path(), to)).map(|()| None),
        // Made already.
        Content::Directory { .. } => Ok(None),
    }
}

/// Gives a new file its mode, whatever the process's mask took from it, and its time.
fn finish(file: &File, mode: u32, time: SystemTime) -> io::Result<Metadata> {
    file.set_modified(time)?;
    let metadata = file.metadata()?;
    if metadata.mode() & MODE == mode {
        return Ok(metadata);
    }
    file.set_permissions(Permissions::from_mode(mode))?;
    file.metadata()
}

/// Makes something at `path`, in the place of what may be there.
fn replacing<T>(path: &Path, make: impl Fn() -> io::Result<T>) -> io::Result<T> {
    make().or_else(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            remove(path)?;
            make()
        }
        _ => Err(error),
    })
}

fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

/// Every folder that the artifact names, or has something in; those above others first.
fn folders(manifest: &Manifest) -> Vec<&Path> {
    let mut seen = HashSet::new();
    let mut out = Vec::new();
    for entry in &manifest.entries {
        let own = matches!(entry.content, Content::Directory { .. });
        let above = entry.path.as_path().ancestors().skip(usize::from(!own));
        let new: Vec<&Path> = above
            .take_while(|path| !path.as_os_str().is_empty() && seen.insert(*path))
            .collect();
        out.extend(new.into_iter().rev());
    }
    out
}

/// Makes the folders that are not there yet, in the place of files and links of the same name. All can be written in for now.
fn make_folders(manifest: &Manifest, folder: &Path) -> io::Result<()> {
    for path in folders(manifest) {
        let path = folder.join(path);
        let made = replacing(&path, || match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() && found.mode() & 0o700 == 0o700 => Ok(()),
            Ok(found) if found.is_dir() => fs::set_permissions(&path, Permissions::from_mode(FOLDER_MODE)),
            _ => fs::DirBuilder::new().mode(FOLDER_MODE).create(&path),
        });
        made.map_err(|error| at(&path, error))?;
    }
    Ok(())
}

/// Last, because a folder that cannot be written in could not have been filled; those below others first.
fn set_folder_modes(manifest: &Manifest, folder: &Path) -> io::Result<()> {
    let entries = manifest.entries.iter();
    let modes: HashMap<&Path, u32> = entries
        .filter_map(|entry| match entry.content {
            Content::Directory { mode } => Some((entry.path.as_path(), mode)),
            Content::File { .. } | Content::Link { .. } => None,
        })
        .collect();
    for path in folders(manifest).into_iter().rev() {
        let mode = modes.get(path).copied().unwrap_or(FOLDER_MODE);
        let path = folder.join(path);
        if fs::symlink_metadata(&path)?.mode() & MODE != mode {
            fs::set_permissions(&path, Permissions::from_mode(mode)).map_err(|error| at(&path, error))?;
        }
    }
    Ok(())
}

/// Removes what the artifact has not, or has as something else.
fn remove_others(manifest: &Manifest, folder: &Path) -> io::Result<()> {
    let mut wanted: HashMap<&Path, bool> = folders(manifest).into_iter().map(|path| (path, true)).collect();
    for entry in &manifest.entries {
        wanted.entry(entry.path.as_path()).or_insert(false);
    }
    let mut stack = vec![PathBuf::new()];
    while let Some(below) = stack.pop() {
        let here = folder.join(&below);
        if fs::symlink_metadata(&here)?.mode() & 0o700 != 0o700 {
            fs::set_permissions(&here, Permissions::from_mode(FOLDER_MODE))?;
        }
        for found in fs::read_dir(&here)? {
            let found = found?;
            let path = below.join(found.file_name());
            let is_folder = found.file_type()?.is_dir();
            match wanted.get(path.as_path()) {
                Some(true) if is_folder => stack.push(path),
                Some(false) if !is_folder => {}
                _ => remove(&found.path()).map_err(|error| at(&found.path(), error))?,
            }
        }
    }
    Ok(())
}
