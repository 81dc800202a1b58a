//! From paths on the command line to texts: files, directories that are walked, and `-` for standard input.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use super::error::Error;
use crate::compile::Main;
use crate::source::{DiskHost, Host, MAX_FILE_SIZE, ReadError, decode, read_text};

/// What standard input is called in reports. Its imports resolve against the working directory.
const STDIN_NAME: &str = "<stdin>";

/// Something to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Stdin,
    File(PathBuf),
}

impl Input {
    /// What a path on the command line stands for; a directory is not looked into.
    pub(super) fn new(path: &Path) -> Self {
        match path.as_os_str() == "-" {
            true => Self::Stdin,
            false => Self::File(path.to_owned()),
        }
    }

    /// As the compiler takes it. Files are read by the compiler, standard input here.
    pub(super) fn to_main(&self) -> Result<Main, Error> {
        Ok(match self {
            Self::File(path) => Main::Path(path.clone()),
            Self::Stdin => Main::Text {
                name: STDIN_NAME.to_owned(),
                path: Some(PathBuf::from(STDIN_NAME)),
                text: read_stdin()?,
            },
        })
    }

    /// Its text.
    pub(super) fn read(&self) -> Result<String, Error> {
        match self {
            Self::Stdin => read_stdin(),
            Self::File(path) => read_text(&DiskHost, path).map_err(|why| self.unreadable(why)),
        }
    }

    /// As reports call it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Stdin => STDIN_NAME.to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// The error that it could not be read.
    pub(super) fn unreadable(&self, why: ReadError) -> Error {
        match self {
            Self::Stdin => Error::Stdin(why),
            Self::File(path) => Error::Read {
                path: path.clone(),
                why,
            },
        }
    }
}

/// All of standard input.
fn read_stdin() -> Result<String, Error> {
    let mut bytes = Vec::new();
    let most = MAX_FILE_SIZE + 1;
    let read = std::io::stdin().lock().take(most).read_to_end(&mut bytes);
    read.map_err(|why| Error::Stdin(why.into()))?;
    if bytes.len() as u64 == most {
        return Err(Error::Stdin(ReadError::TooLarge { size: most }));
    }
    decode(bytes).map_err(Error::Stdin)
}

/// Which files some paths stand for.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Each file once, in the order of the paths, and by name within a directory.
    pub(super) inputs: Vec<Input>,
    /// What could not be looked at.
    pub(super) failures: Vec<Error>,
}

/// Looks for `.pipe` files in the directories among `paths`; files are taken whatever they are called. Skips what is
/// hidden (`.pipe/`, `.git/`) and what git ignores.
pub(super) fn find(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for path in paths {
        if path.is_dir() {
            found.walk(path);
        } else {
            found.inputs.push(Input::new(path));
        }
    }
    if found.inputs.len() > 1 {
        let mut seen = HashSet::new();
        found.inputs.retain(|input| {
            seen.insert(match input {
                Input::Stdin => None,
                Input::File(path) => Some(DiskHost.canonical(path)),
            })
        });
    }
    found
}

impl Found {
    /// Standard input alone.
    pub(super) fn stdin() -> Self {
        Self {
            inputs: vec![Input::Stdin],
            failures: Vec::new(),
        }
    }

    fn walk(&mut self, root: &Path) {
        let before = (self.inputs.len(), self.failures.len());
        let walk = WalkBuilder::new(root).sort_by_file_name(OsStr::cmp).build();
        for entry in walk {
            match entry {
                Ok(entry) => {
                    let is_file = entry.file_type().is_some_and(|kind| !kind.is_dir());
                    if is_file && entry.path().extension() == Some(OsStr::new("pipe")) {
                        let path = entry.path().strip_prefix("./").unwrap_or(entry.path());
                        self.inputs.push(Input::File(path.to_owned()));
                    }
                }
                Err(why) => self.failures.push(Error::Walk {
                    path: root.to_owned(),
                    why: why.to_string(),
                }),
            }
        }
        if before == (self.inputs.len(), self.failures.len()) {
            self.failures.push(Error::NoFiles { path: root.to_owned() });
        }
    }
}
