//! Taking in zip archives that somebody else made. An archive is never unpacked into a folder: each entry goes to the store as it
//! is read, and the artifact comes to be only when all went well. So nothing can be written elsewhere, and nothing half-done stays.
//!
//! What is refused besides: links that lead out of the archive (whoever unpacks the artifact would have them), devices, entries
//! that are encrypted, and archives beyond the [`Limits`].

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use super::entry_path;
use crate::run::outcome::Failure;
use crate::run::store::{Artifact, Content, Name, NewArtifact, Store};

/// How much is taken from one archive.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Files, links and folders.
    pub entries: usize,
    /// Of all files together, unpacked. CodePipeline takes archives of 7 GB at most.
    pub bytes: u64,
    /// How many times its own size an archive may hold. Sources compress to a fifth; deflate can make 1,032 of one.
    pub ratio: u64,
    /// What an archive may hold whatever its size: a small one of zeros harms nobody.
    pub free_bytes: u64,
    /// Of a name, in bytes.
    pub name: usize,
    /// How many folders deep.
    pub depth: usize,
    /// Of a part of a name, in bytes: what file systems take.
    pub part: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 500_000,
            bytes: 32 << 30,
            ratio: 200,
            free_bytes: 256 << 20,
            name: 2_048,
            depth: 128,
            part: 255,
        }
    }
}

/// How long what a link leads to may be, as the system has it.
const LINK: u64 = 4_096;

/// How many links one path may lead over, as the system has it.
const LINKS_IN_A_ROW: usize = 40;

/// Stores what the archive at `path` holds. Of two entries with the same name the later one counts.
pub fn import(store: &Store, path: &Path, limits: &Limits) -> Result<Artifact, Failure> {
    let import = || {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut archive = ZipArchive::new(BufReader::new(file))?;
        let mut taken = Taken {
            limits,
            left: limits
                .bytes
                .min(limits.free_bytes.max(size.saturating_mul(limits.ratio))),
            new: store.begin()?,
            links: BTreeMap::new(),
        };
        taken.all(&mut archive)?;
        taken.check_links()?;
        Ok(taken.new.finish()?)
    };
    import().map_err(|refusal: Refusal| refusal.into_failure(path))
}

struct Taken<'a> {
    limits: &'a Limits,
    /// How many bytes may still come.
    left: u64,
    new: NewArtifact<'a>,
    /// By where they are.
    links: BTreeMap<PathBuf, PathBuf>,
}

impl Taken<'_> {
    fn all(&mut self, archive: &mut ZipArchive<BufReader<File>>) -> Result<(), Refusal> {
        if archive.len() > self.limits.entries {
            return Err(Refusal::limit("entries", self.limits.entries));
        }
        // Names and kinds first, so that nothing is unpacked in vain.
        let metadata = archive.metadata();
        for index in 0..metadata.len() {
            let entry = metadata.entry(index)?;
            let name = entry.name()?;
            self.path_of(&name)?;
            Kind::of(entry.unix_mode(), &name)?;
            if entry.encrypted() {
                return Err(Refusal::entry(&name, "is encrypted", "pack it without a password"));
            }
        }
        for index in 0..archive.len() {
            let entry = archive
                .by_index(index)
                .map_err(|error| unreadable(&metadata, index, error))?;
            self.one(entry)?;
        }
        Ok(())
    }

    fn path_of(&self, name: &str) -> Result<PathBuf, Refusal> {
        let path = entry_path(name).map_err(|why| Refusal::entry(name, why, REPACK))?;
        let limits = self.limits;
        if name.len() > limits.name {
            return Err(Refusal::entry_limit(name, "bytes in a name", limits.name));
        }
        if path.components().count() > limits.depth {
            return Err(Refusal::entry_limit(name, "folders inside each other", limits.depth));
        }
        if path.components().any(|part| part.as_os_str().len() > limits.part) {
            return Err(Refusal::entry_limit(
                name,
                "bytes in the name of a file or folder",
                limits.part,
            ));
        }
        Ok(path)
    }

    fn one(&mut self, entry: ZipFile<'_, BufReader<File>>) -> Result<(), Refusal> {
        let name = entry.name()?.into_owned();
        let path = self.path_of(&name)?;
        if path.as_os_str().is_empty() {
            return Ok(());
        }
        let kind = Kind::of(entry.unix_mode(), &name)?;
        // Of two with the same name the later one counts, also if the earlier was a link.
        self.links.remove(&path);
        let stored_as = Name::new(&path);
        let damaged = |error: io::Error| Refusal::content(&name, error);
        match kind {
            Kind::File { mode } => {
                let (size, left) = (entry.size(), self.left);
                let mut limited = entry.take(left.saturating_add(1));
                let count = self
                    .new
                    .add_file(stored_as, mode, size.min(left), &mut limited)
                    .map_err(damaged)?;
                self.left = left.checked_sub(count).ok_or_else(|| self.too_large())?;
            }
            Kind::Link => {
                let mut target = String::new();
                entry.take(LINK).read_to_string(&mut target).map_err(damaged)?;
                if target.is_empty() || target.contains('\0') || target.len() as u64 == LINK {
                    return Err(Refusal::entry(&name, "is a link that leads nowhere", REPACK));
                }
                self.links.insert(path, PathBuf::from(&target));
                self.new.insert(stored_as, Content::Link { to: Name::Text(target) });
            }
            Kind::Folder { mode } => self.new.insert(stored_as, Content::Directory { mode }),
        }
        Ok(())
    }

    fn too_large(&self) -> Refusal {
        let limits = self.limits;
        Refusal {
            message: format!(
                "holds more than is taken from an archive of its size: {} times that, and no more than {} GiB",
                limits.ratio,
                limits.bytes >> 30
            ),
            help: UNPACK.to_owned(),
        }
    }

    /// No link may lead out, by way of others neither.
    fn check_links(&self) -> Result<(), Refusal> {
        let leads_out = |path: &&PathBuf| !self.stays_inside(path);
        match self.links.keys().find(leads_out) {
            Some(path) => {
                let name = path.to_string_lossy();
                Err(Refusal::entry(&name, "is a link that leads out of the archive", REPACK))
            }
            None => Ok(()),
        }
    }

    /// Walks as the system would, from the link at `path`, for as long as that is in the archive.
    fn stays_inside(&self, path: &Path) -> bool {
        let mut here = PathBuf::new();
        let mut ahead: Vec<Component> = path.components().rev().collect();
        let mut links = 0;
        while let Some(part) = ahead.pop() {
            match part {
                Component::Normal(name) => {
                    here.push(name);
                    let Some(target) = self.links.get(&here) else { continue };
                    links += 1;
                    if links > LINKS_IN_A_ROW {
                        // The system gives up too: it leads nowhere.
                        return true;
                    }
                    here.pop();
                    ahead.extend(target.components().rev());
                }
                Component::CurDir => {}
                Component::ParentDir => {
                    if !here.pop() {
                        return false;
                    }
                }
                Component::RootDir | Component::Prefix(_) => return false,
            }
        }
        true
    }
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File { mode: u32 },
    Link,
    Folder { mode: u32 },
}

impl Kind {
    /// By its mode, if it has one, and else by its name.
    fn of(mode: Option<u32>, name: &str) -> Result<Self, Refusal> {
        let mode = mode.unwrap_or(0);
        let rights = |usual: u32| {
            if mode & 0o7777 == 0 && mode >> 12 == 0 {
                usual
            } else {
                mode & 0o777
            }
        };
        match (mode >> 12, name.ends_with('/')) {
            (0o00 | 0o04, true) => Ok(Self::Folder { mode: rights(0o755) }),
            (0o00 | 0o10, false) => Ok(Self::File { mode: rights(0o644) }),
            (0o12, false) => Ok(Self::Link),
            (0o04 | 0o10 | 0o12, _) => Err(Refusal::entry(name, "is a folder by half", REPACK)),
            _ => Err(Refusal::entry(
                name,
                "is neither a file nor a folder nor a link",
                REPACK,
            )),
        }
    }
}

const REPACK: &str = "pack the archive again without it";
const UNPACK: &str = "unpack it yourself and give the folder in its place: a folder may be of any size";

/// Why an archive is not taken in.
#[derive(Debug)]
struct Refusal {
    /// Continues "the archive …".
    message: String,
    help: String,
}

impl Refusal {
    fn limit(what: impl fmt::Display, limit: usize) -> Self {
        Self {
            message: format!("has more than {limit} {what}, which is the most that is taken"),
            help: UNPACK.to_owned(),
        }
    }

    fn entry_limit(name: &str, what: &str, limit: usize) -> Self {
        let short: String = name.chars().take(60).collect();
        let message =
            format!("has the entry `{short}…` with more than {limit} {what}, which is the most that is taken");
        Self {
            message,
            help: UNPACK.to_owned(),
        }
    }

    fn entry(name: &str, why: &str, help: &str) -> Self {
        Self {
            message: format!("is refused: its entry `{}` {why}", name.escape_debug()),
            help: help.to_owned(),
        }
    }

    fn content(name: &str, error: io::Error) -> Self {
        Self {
            message: format!("could not be taken in at its entry `{}`: {error}", name.escape_debug()),
            help: String::new(),
        }
    }

    fn into_failure(self, path: &Path) -> Failure {
        let failure = Failure::new(format!("the archive {} {}", path.display(), self.message));
        if self.help.is_empty() {
            failure
        } else {
            failure.with_help(self.help)
        }
    }
}

fn unreadable(metadata: &zip::read::ZipArchiveMetadata, index: usize, error: ZipError) -> Refusal {
    let name = metadata.entry(index).ok();
    let name = name.and_then(|entry| Some(entry.name().ok()?.into_owned()));
    Refusal::content(&name.unwrap_or_default(), error.into())
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self {
            message: format!("could not be taken in: {error}"),
            help: String::new(),
        }
    }
}

impl From<ZipError> for Refusal {
    fn from(error: ZipError) -> Self {
        Self::from(io::Error::from(error))
    }
}
