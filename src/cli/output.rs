//! Files that are written.

use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use super::console::Console;
use super::error::Error;

/// Writes a result to `path`, or to standard output if none is given.
pub(super) fn deliver(text: &str, path: Option<&Path>, console: &mut Console) -> Result<(), Error> {
    match path {
        None => console.print(text),
        Some(path) => write(path, text),
    }
}

/// One document for tools.
pub(super) fn json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_else(|bug| panic!("it has no form in JSON: {bug}"));
    text.push('\n');
    text
}

/// Gives a file its new content in one step: whoever looks, or whatever happens, it holds the old text or the new one.
/// Permissions are kept, and a link keeps pointing at its file.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Error> {
    replace(path, |file| file.write_all(text.as_bytes())).map_err(|why| Error::Write {
        path: path.to_owned(),
        why,
    })
}

/// As [`write()`], whatever `fill` writes.
pub(super) fn replace(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let target: PathBuf = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(why) if why.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(why) => return Err(why),
    };
    let old = fs::metadata(&target).ok();
    if let Some(old) = &old {
        // A file that may not be written is not replaced either; this also finds directories.
        let mut file = File::options().write(true).open(&target)?;
        if !old.is_file() {
            // A device or a named pipe: there is nothing to replace, and no going back in what was written.
            let mut whole = tempfile::tempfile()?;
            fill(&mut whole)?;
            whole.rewind()?;
            return io::copy(&mut whole, &mut file).map(|_| ());
        }
    }
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut new = NamedTempFile::new_in(folder)?;
    fill(new.as_file_mut())?;
    match old {
        Some(old) => new.as_file().set_permissions(old.permissions())?,
        None => return create(new, &target),
    }
    new.persist(&target)?;
    Ok(())
}

/// Puts a file where there was none, with the permissions that new files have here.
fn create(new: NamedTempFile, target: &Path) -> io::Result<()> {
    // A temporary file is for its owner alone; what others may do with a new one is for the umask to say, which can
    // be asked only by making one.
    let permissions = File::create_new(target)?.metadata()?.permissions();
    new.as_file().set_permissions(permissions)?;
    new.persist(target)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn keeps_permissions_and_links() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.pipe"), folder.path().join("link.pipe"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o751)).unwrap();
        symlink(&file, &link).unwrap();
        write(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o751);
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            2,
            "nothing else is left behind"
        );
    }

    #[test]
    fn new_files_are_as_the_umask_wants_them() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, usual) = (folder.path().join("ours"), folder.path().join("usual"));
        write(&ours, "text").unwrap();
        fs::write(&usual, "text").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&usual));
    }

    #[test]
    fn devices_are_written_to() {
        write(Path::new("/dev/null"), "text").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn says_which_file_could_not_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no/such/place.json");
        let told = write(&missing, "text").unwrap_err().to_string();
        assert!(
            told.contains("place.json`: there is no such file or directory"),
            "{told}"
        );
        let told = write(folder.path(), "text").unwrap_err().to_string();
        assert!(told.contains("it is a directory"), "{told}");
    }
}
