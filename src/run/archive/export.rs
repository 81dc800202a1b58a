//! An artifact as a zip archive. The same artifact always gives the same bytes: entries in the order of their names, all of one
//! time, with their modes, links as links and empty folders as folders.

use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;

use super::entry_path;
use crate::run::store::{Artifact, Content, Entry, Store};

/// From here on an entry needs the longer form of its sizes; what does not compress may grow a little.
const LARGE: u64 = u32::MAX as u64 - (64 << 20);

/// Writes `artifact` to `file`. What has a name that an archive cannot hold is refused by that name.
pub fn export(store: &Store, artifact: &Artifact, file: impl Write + Seek) -> io::Result<()> {
    let manifest = store.manifest(artifact)?;
    let mut archive = zip::ZipWriter::new(BufWriter::new(file));
    if let Err(error) = add(store, &manifest.entries, &mut archive) {
        // Dropped, it would write its end, and complain on standard error if the disk is full.
        std::mem::forget(archive);
        return Err(error);
    }
    archive.finish()?.flush()
}

fn add(store: &Store, entries: &[Entry], archive: &mut zip::ZipWriter<impl Write + Seek>) -> io::Result<()> {
    // Whatever the clock and the system say.
    let options = SimpleFileOptions::DEFAULT.system(zip::System::Unix);
    for entry in entries {
        let name = name_of(entry.path.as_path())?;
        match &entry.content {
            Content::File { hash, size, mode } => {
                let options = options.unix_permissions(*mode | S_IFREG).large_file(*size >= LARGE);
                archive.start_file(name, options)?;
                io::copy(&mut store.open(hash, *size)?, archive)?;
            }
            Content::Link { to } => {
                let target = to
                    .as_path()
                    .to_str()
                    .ok_or_else(|| refused(entry.path.as_path(), "is a link to something whose name is not UTF-8"))?;
                archive.add_symlink(name, target, options)?;
            }
            Content::Directory { mode } => archive.add_directory(name, options.unix_permissions(*mode))?,
        }
    }
    Ok(())
}

/// A plain file, said outright: a mode of 000 would else look like none.
const S_IFREG: u32 = 0o100_000;

fn name_of(path: &Path) -> io::Result<&str> {
    let name = path
        .to_str()
        .ok_or_else(|| refused(path, "has a name that is not UTF-8"))?;
    entry_path(name).map_err(|why| refused(path, why))?;
    Ok(name)
}

fn refused(path: &Path, why: &str) -> io::Error {
    let message = format!("`{}` cannot be put into a zip archive: it {why}", path.display());
    io::Error::new(io::ErrorKind::InvalidInput, message)
}
