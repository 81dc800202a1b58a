//! Which files need not be read again: what the system says of a file (its inode, size and times) stands for its content, as in
//! git's index.
//!
//! That holds only for a file that was last changed a while before it was looked at. One changed in the same tick of the file
//! system's clock could be changed again and look the same, so it is not remembered.

use std::collections::HashMap;
use std::fs::{self, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::manifest::Hash;

/// The longest tick of a kernel's clock is 10 ms.
const TICK: i64 = 20_000_000;

/// Where times are kept in whole seconds, or in two.
const COARSE_TICK: i64 = 2_000_000_000;

const SECOND: i64 = 1_000_000_000;

/// How many files are remembered at most; one takes about a hundred bytes.
const MOST: usize = 400_000;

/// After this, what was just written can be remembered, where times are kept exactly.
pub(super) const A_TICK: Duration = Duration::from_millis(25);

/// What is written in a tick or so: as many bytes, with so many for each file.
const BYTES_OF_A_TICK: u64 = 32 << 20;
const BYTES_OF_A_FILE: u64 = 32 << 10;

/// Whether it takes longer to write these files again than to wait until they can be remembered.
pub(super) fn is_worth_a_tick<'a>(files: impl IntoIterator<Item = &'a (Stamp, Hash)>) -> bool {
    let bytes = files.into_iter().map(|(stamp, _)| stamp.size + BYTES_OF_A_FILE);
    bytes.sum::<u64>() > BYTES_OF_A_TICK
}

/// What changes whenever a file's content does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    /// In nanoseconds, like the next.
    modified: i64,
    /// Nobody can set this one.
    changed: i64,
}

impl Stamp {
    pub(super) fn new(metadata: &Metadata) -> Self {
        let nanoseconds = |seconds: i64, rest: i64| seconds.wrapping_mul(SECOND).wrapping_add(rest);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether a change after `now` is sure to change the stamp.
    pub(super) fn is_old_at(&self, now: &Now) -> bool {
        let tick = if self.changed % SECOND == 0 { COARSE_TICK } else { TICK };
        self.device == now.device && self.modified.max(self.changed).saturating_add(tick) < now.time
    }
}

/// The time by the clock of a file system, which is what the times of its files are taken from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    device: u64,
    time: i64,
}

impl Now {
    /// The time on the file system that holds `probe`, a file that is made and removed for it.
    pub(super) fn at(probe: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(probe)?;
        let stamp = file.metadata().map(|metadata| Stamp::new(&metadata));
        fs::remove_file(probe)?;
        let stamp = stamp?;
        Ok(Self {
            device: stamp.device,
            time: stamp.changed,
        })
    }
}

/// The contents of files that were read, or written, by this process.
#[derive(Debug, Default)]
pub(super) struct Known {
    hashes: RwLock<HashMap<Stamp, Hash>>,
}

impl Known {
    pub(super) fn get(&self, stamp: &Stamp) -> Option<Hash> {
        let hashes = self.hashes.read().unwrap_or_else(PoisonError::into_inner);
        hashes.get(stamp).copied()
    }

    /// Remembers the files that were last changed well before `now`.
    pub(super) fn remember(&self, files: impl IntoIterator<Item = (Stamp, Hash)>, now: &Now) {
        let mut hashes = self.hashes.write().unwrap_or_else(PoisonError::into_inner);
        if hashes.len() > MOST {
            hashes.clear();
        }
        hashes.extend(files.into_iter().filter(|(stamp, _)| stamp.is_old_at(now)));
    }
}

/// What is kept of a folder from run to run: the files that were in it, in a file that checks itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    hashes: HashMap<Stamp, Hash>,
}

impl Kept {
    /// What the file at `path` holds: nothing if it is not there, or damaged.
    pub(super) fn load(path: &Path) -> Self {
        fs::read(path)
            .ok()
            .and_then(|bytes| Self::parse(&bytes))
            .unwrap_or_default()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (sum, rest) = bytes.split_first_chunk::<{ blake3::OUT_LEN }>()?;
        if blake3::hash(rest) != blake3::Hash::from_bytes(*sum) {
            return None;
        }
        let files: Vec<(Stamp, [u8; blake3::OUT_LEN])> = postcard::from_bytes(rest).ok()?;
        let files = files.into_iter().map(|(stamp, hash)| (stamp, Hash::from_bytes(hash)));
        Some(Self {
            hashes: files.collect(),
        })
    }

    pub(super) fn get(&self, stamp: &Stamp) -> Option<Hash> {
        self.hashes.get(stamp).copied()
    }

    pub(super) fn hashes(&self) -> impl Iterator<Item = &Hash> {
        self.hashes.values()
    }

    /// The bytes of the file that keeps `files`, those of them that were last changed well before `now`.
    pub(super) fn bytes(files: &[(Stamp, Hash)], now: &Now) -> Option<Vec<u8>> {
        let files = files.iter().filter(|(stamp, _)| stamp.is_old_at(now));
        let files: Vec<(Stamp, &[u8; blake3::OUT_LEN])> =
            files.map(|(stamp, hash)| (*stamp, hash.as_bytes())).collect();
        let rest = postcard::to_allocvec(&files).ok()?;
        let mut out = blake3::hash(&rest).as_bytes().to_vec();
        out.extend(rest);
        Some(out)
    }

    pub(super) fn holds_all(&self, files: &[(Stamp, Hash)]) -> bool {
        files.iter().all(|(stamp, hash)| self.get(stamp) == Some(*hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(changed: i64) -> Stamp {
        Stamp {
            device: 1,
            inode: 2,
            size: 3,
            modified: 4,
            changed,
        }
    }

    fn now(time: i64) -> Now {
        Now { device: 1, time }
    }

    #[test]
    fn what_was_changed_just_now_is_not_remembered() {
        let known = Known::default();
        let hash = blake3::hash(b"x");
        let changed = 1_000_000_000_001;
        known.remember([(stamp(changed), hash)], &now(changed + TICK));
        assert_eq!(known.get(&stamp(changed)), None);
        known.remember(
            [(stamp(changed), hash)],
            &Now {
                device: 9,
                time: changed * 2,
            },
        );
        assert_eq!(known.get(&stamp(changed)), None);
        known.remember([(stamp(changed), hash)], &now(changed + TICK + 1));
        assert_eq!(known.get(&stamp(changed)), Some(hash));
        assert_eq!(known.get(&stamp(changed + 1)), None);
        // In whole seconds.
        let changed = 1_000_000_000_000;
        known.remember([(stamp(changed), hash)], &now(changed + SECOND));
        assert_eq!(known.get(&stamp(changed)), None);
    }

    #[test]
    fn a_damaged_file_keeps_nothing() {
        let hash = blake3::hash(b"x");
        let files = [(stamp(5), hash), (stamp(6), hash)];
        let bytes = Kept::bytes(&files, &now(SECOND)).unwrap();
        let kept = Kept::parse(&bytes).unwrap();
        assert!(kept.holds_all(&files) && kept.get(&stamp(7)).is_none());
        for index in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[index] ^= 1;
            assert_eq!(Kept::parse(&damaged), None, "{index}");
            assert_eq!(Kept::parse(&bytes[..index]), None, "{index}");
        }
    }
}
