//! `pipe new`: a first pipeline that checks, runs and exports.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::args::NewArgs;
use super::console::Console;
use super::error::Error;
use super::status::Status;

/// The files of the first pipeline.
const FILES: [(&str, &str); 4] = [
    ("main.pipe", include_str!("main.pipe")),
    ("app/buildspec.yml", include_str!("app/buildspec.yml")),
    ("app/page.sh", include_str!("app/page.sh")),
    (".gitignore", include_str!("gitignore")),
];

/// Writes all files, or none if one of them exists.
pub(super) fn new(args: &NewArgs, console: &mut Console) -> Result<Status, Error> {
    for (name, _) in FILES {
        let path = args.dir.join(name);
        if path.symlink_metadata().is_ok() {
            let path = path.strip_prefix(".").unwrap_or(&path).to_owned();
            return Err(Error::Exists { path });
        }
    }
    let mut told = String::new();
    for (name, text) in FILES {
        let path = args.dir.join(name);
        create(&path, text).map_err(|why| Error::Write {
            path: path.clone(),
            why,
        })?;
        told.push_str(&format!("wrote {}\n", shown(&path)));
    }
    let main = shown(&args.dir.join("main.pipe"));
    told.push_str(&format!("\nTry it:\n  pipe check {main}\n  pipe run {main}\n"));
    console.print(&told)?;
    Ok(Status::Fine)
}

/// Writes a file that did not exist, and the directories above it.
fn create(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::File::create_new(path)?.write_all(text.as_bytes())
}

fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}
