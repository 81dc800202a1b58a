//! File patterns, as builds give them for their artifacts (`dist/**/*`, `*.jar`, `**/*`), and what is said where files cannot be
//! written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use super::outcome::Failure;

/// A pattern in which `*` stays within a folder and `**` does not.
pub(super) fn glob(pattern: &str) -> Result<Glob, Failure> {
    let trimmed = pattern.trim().trim_start_matches("./");
    let built = GlobBuilder::new(trimmed)
        .literal_separator(true)
        .backslash_escape(true)
        .build();
    built.map_err(|error| Failure::new(format!("`{pattern}` is not a file pattern: {}", error.kind())))
}

pub(super) fn set<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<GlobSet, Failure> {
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        builder.add(glob(pattern)?);
    }
    builder.build().map_err(|error| Failure::new(error.to_string()))
}

/// The files and links below `folder` that match, relative to it, sorted. Links are not followed.
pub(super) fn select(folder: &Path, include: &GlobSet, exclude: &GlobSet) -> io::Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    let mut stack = vec![PathBuf::new()];
    while let Some(below) = stack.pop() {
        for entry in fs::read_dir(folder.join(&below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                stack.push(path);
            } else if include.is_match(&path) && !exclude.is_match(&path) {
                out.push(path);
            }
        }
    }
    out.sort();
    Ok(out)
}

/// An error in writing below the state directory, with the place it is about; a full disk is the user's to mend.
pub(super) fn unwritten(path: &Path, error: io::Error) -> io::Error {
    // A folder may be there already; what is there is none.
    let what = match error.kind() {
        io::ErrorKind::AlreadyExists => "it is not a directory".to_owned(),
        _ => words(&error),
    };
    let help = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; make room there, or keep the state elsewhere with `--state-dir`"
        }
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::AlreadyExists => "; keep the state elsewhere with `--state-dir`",
        _ => "",
    };
    io::Error::new(error.kind(), format!("{}: {what}{help}", path.display()))
}

/// The usual causes in plain words, without the system's numbers.
pub fn words(why: &io::Error) -> String {
    match why.kind() {
        io::ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission is denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        io::ErrorKind::NotADirectory => "a part of the path is not a directory".to_owned(),
        io::ErrorKind::AlreadyExists => "it exists already".to_owned(),
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        _ => why.to_string(),
    }
}
