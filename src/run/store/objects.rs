//! The contents of files, each under its hash: `objects/ab/cdef…`.
//!
//! An object comes to be in one step, by renaming a file that is complete; what a crash or a full disk leaves is a file whose
//! name is no hash, and [`super::Store::sweep`] takes it away. What is read is compared with its hash: a damaged object is
//! never handed on, and is removed when it is found, so that whoever stores that content again mends it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::manifest::{Hash, invalid};
use crate::run::files::unwritten;

/// How files that are not complete are called.
pub(super) const TEMPORARY: &str = ".new-";

/// How much is read at once, in bytes.
const BUFFER: u64 = 128 * 1024;

#[derive(Debug)]
pub(super) struct Objects {
    root: PathBuf,
    /// In the names of temporary files, so that no two processes choose the same.
    owner: String,
    temporary: AtomicU64,
}

impl Objects {
    pub(super) fn new(store: &Path) -> Self {
        Self {
            root: store.join("objects"),
            owner: uuid::Uuid::new_v4().simple().to_string(),
            temporary: AtomicU64::new(0),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn path(&self, hash: &Hash) -> PathBuf {
        let hex = hash.to_hex();
        self.root.join(&hex[..2]).join(&hex[2..])
    }

    /// Whether the object is there, in its full length. Which it is not if the machine lost power before it was written.
    pub(super) fn holds(&self, hash: &Hash, size: u64) -> bool {
        fs::symlink_metadata(self.path(hash)).is_ok_and(|metadata| metadata.is_file() && metadata.len() == size)
    }

    pub(super) fn add_bytes(&self, bytes: &[u8]) -> io::Result<Hash> {
        let hash = blake3::hash(bytes);
        if !self.holds(&hash, bytes.len() as u64) {
            self.place(&self.path(&hash), |file| file.write_all(bytes))?;
        }
        Ok(hash)
    }

    /// Takes in what `reader` gives, to its end. `size` is what is expected, and needs not be right.
    pub(super) fn add(&self, mut reader: impl Read, size: u64) -> io::Result<(Hash, u64)> {
        if size > BUFFER {
            return self.add_stream(reader);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
        (&mut reader).take(BUFFER + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > BUFFER {
            return self.add_stream(bytes.as_slice().chain(reader));
        }
        Ok((self.add_bytes(&bytes)?, bytes.len() as u64))
    }

    /// The hash is that of the bytes written, not of what the source may hold a moment later.
    fn add_stream(&self, mut reader: impl Read) -> io::Result<(Hash, u64)> {
        let temporary = self.root.join(self.temporary_name());
        let result = self.create(&temporary).and_then(|mut file| {
            let mut hasher = blake3::Hasher::new();
            let size = copy_in(&mut reader, &mut file, &mut hasher, &temporary)?;
            let hash = hasher.finalize();
            if self.holds(&hash, size) {
                fs::remove_file(&temporary)?;
            } else {
                self.rename(&temporary, &self.path(&hash))?;
            }
            Ok((hash, size))
        });
        result.inspect_err(|_| remove(&temporary))
    }

    /// Puts a file in its place in one step, so that nobody ever sees half of it.
    pub(super) fn place(&self, path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        let temporary = path.with_file_name(self.temporary_name());
        let result = self
            .create(&temporary)
            .and_then(|mut file| write(&mut file).map_err(|error| no_room(&temporary, error)))
            .and_then(|()| self.rename(&temporary, path));
        result.inspect_err(|_| remove(&temporary))
    }

    fn temporary_name(&self) -> String {
        let number = self.temporary.fetch_add(1, Ordering::Relaxed);
        format!("{TEMPORARY}{}-{number}", self.owner)
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        let open = || OpenOptions::new().write(true).create_new(true).mode(0o444).open(path);
        let file = open().or_else(|error| match (error.kind(), path.parent()) {
            (io::ErrorKind::NotFound, Some(folder)) => {
                fs::create_dir_all(folder)?;
                open()
            }
            _ => Err(error),
        });
        file.map_err(|error| no_room(path, error))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let renamed = fs::rename(from, to).or_else(|error| match (error.kind(), to.parent()) {
            (io::ErrorKind::NotFound, Some(folder)) => {
                fs::create_dir_all(folder)?;
                fs::rename(from, to)
            }
            _ => Err(error),
        });
        renamed.map_err(|error| no_room(to, error))
    }

    /// Opens an object; reading it to its end fails if it is not what was stored.
    pub(super) fn open(&self, hash: &Hash, size: u64) -> io::Result<Checked> {
        let path = self.path(hash);
        match File::open(&path) {
            Ok(file) => Ok(Checked {
                file,
                path,
                hash: *hash,
                hasher: blake3::Hasher::new(),
                left: size,
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(damaged(&path, "is missing")),
            Err(error) => Err(at(&path, error)),
        }
    }

    /// The bytes of an object.
    pub(super) fn read(&self, hash: &Hash, size: u64) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        self.open(hash, size)?.read_to_end(&mut out)?;
        Ok(out)
    }
}

/// An object that is compared with its hash while it is read.
pub(super) struct Checked {
    file: File,
    path: PathBuf,
    hash: Hash,
    hasher: blake3::Hasher,
    left: u64,
}

impl Checked {
    /// Takes the damaged object away, unless somebody has just put a sound one in its place.
    fn remove(&self) {
        let (own, there) = (self.file.metadata(), fs::symlink_metadata(&self.path));
        if own.is_ok_and(|own| there.is_ok_and(|there| own.ino() == there.ino())) {
            remove(&self.path);
        }
    }

    /// Writes all of it to `file`.
    pub(super) fn copy_to(mut self, file: &mut File) -> io::Result<()> {
        let mut buffer = vec![0; usize::try_from(BUFFER.min(self.left + 1)).unwrap_or(1)];
        loop {
            match self.read(&mut buffer)? {
                0 => return Ok(()),
                count => file.write_all(&buffer[..count])?,
            }
        }
    }
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        let left = self.left.checked_sub(count as u64);
        let is_wrong = left.is_none() || (count == 0 && (left != Some(0) || self.hasher.finalize() != self.hash));
        if is_wrong {
            self.remove();
            return Err(damaged(&self.path, "is damaged"));
        }
        self.left = left.unwrap_or_default();
        Ok(count)
    }
}

fn copy_in(from: &mut impl Read, to: &mut File, hasher: &mut blake3::Hasher, path: &Path) -> io::Result<u64> {
    let mut buffer = vec![0; usize::try_from(BUFFER).unwrap_or(1)];
    let mut size = 0;
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok(size);
        }
        hasher.update(&buffer[..count]);
        to.write_all(&buffer[..count]).map_err(|error| no_room(path, error))?;
        size += count as u64;
    }
}

/// Takes away what nobody is to see. If that fails it is swept away later.
fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}

fn damaged(path: &Path, how: &str) -> io::Error {
    invalid(format!(
        "a stored file {how} ({}): run the action again that made the artifact",
        path.display()
    ))
}

/// An error with the place it is about.
pub(super) fn at(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// An error in writing to the store.
fn no_room(path: &Path, error: io::Error) -> io::Error {
    let (folder, kind) = (path.parent().unwrap_or(path), error.kind());
    io::Error::new(
        kind,
        format!("nothing more can be written to {}", unwritten(folder, error)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> Vec<PathBuf> {
        let mut out = Vec::new();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                out.extend(files(&entry.path()));
            } else {
                out.push(entry.path());
            }
        }
        out
    }

    #[test]
    fn the_same_bytes_are_one_object_however_they_come() {
        let temp = tempfile::tempdir().unwrap();
        let objects = Objects::new(temp.path());
        for size in [0, 1, BUFFER - 1, BUFFER, BUFFER + 1, 5 * BUFFER + 3] {
            let bytes: Vec<u8> = (0..size).map(|index| (index * 31 % 251) as u8).collect();
            let hash = objects.add_bytes(&bytes).unwrap();
            for expected in [0, size, size + 1, BUFFER * 9] {
                assert_eq!(objects.add(bytes.as_slice(), expected).unwrap(), (hash, size));
            }
            assert_eq!(objects.read(&hash, size).unwrap(), bytes);
        }
        assert_eq!(files(temp.path()).len(), 6);
    }

    /// A reader that fails after its first bytes.
    struct Broken(u64);

    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(1).ok_or_else(|| io::Error::other("torn"))?;
            Ok(buffer.len())
        }
    }

    #[test]
    fn what_breaks_off_leaves_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let objects = Objects::new(temp.path());
        assert_eq!(objects.add(Broken(3), BUFFER * 8).unwrap_err().to_string(), "torn");
        assert_eq!(objects.add(Broken(0), 10).unwrap_err().to_string(), "torn");
        let full = objects.place(&temp.path().join("objects/a"), |_| {
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(full.unwrap_err().to_string().contains("--state-dir"));
        assert_eq!(files(temp.path()), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_damaged_object_is_found_removed_and_mended() {
        let temp = tempfile::tempdir().unwrap();
        let objects = Objects::new(temp.path());
        let hash = objects.add_bytes(b"flour").unwrap();
        for damage in [&b"flou"[..], b"flouR", b"flours", b""] {
            fs::remove_file(objects.path(&hash)).unwrap();
            fs::write(objects.path(&hash), damage).unwrap();
            let error = objects.read(&hash, 5).unwrap_err();
            assert!(error.to_string().contains("is damaged"), "{error}");
            let error = objects.read(&hash, 5).unwrap_err();
            assert!(error.to_string().contains("is missing"), "{error}");
            assert_eq!(objects.add_bytes(b"flour").unwrap(), hash);
            assert_eq!(objects.read(&hash, 5).unwrap(), b"flour");
        }
    }
}
