//! Zip archives: what artifacts are outside, and sources may be.
//!
//! Both ways the same names are allowed, so what is written can be read again (`entry_path`).

mod export;
mod import;

use std::path::PathBuf;

pub use export::export;
pub use import::{Limits, import};

/// The path that an entry's name stands for, relative to the folder that the archive is unpacked in; empty for that folder
/// itself. Fails with what is wrong with the name.
///
/// Names that mean something else on another system are refused too: an archive is made to be passed on.
fn entry_path(name: &str) -> Result<PathBuf, &'static str> {
    if name.contains('\0') {
        return Err("has a NUL in its name");
    }
    if name.contains('\\') {
        return Err("has a `\\` in its name, which some systems take for a separator and others do not");
    }
    let parts = name.split('/').filter(|part| !matches!(*part, "" | "."));
    // Of what is left: `./c:/x` is `c:/x`.
    let has_drive =
        |part: &str| part.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && part[1..].starts_with(':');
    if name.starts_with('/') || parts.clone().next().is_some_and(has_drive) {
        return Err("has an absolute path for its name");
    }
    if parts.clone().any(|part| part == "..") {
        return Err("would lead out of the archive");
    }
    Ok(parts.collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn names_stay_inside() {
        for (name, path) in [
            ("a/b", "a/b"),
            ("./a//b/.", "a/b"),
            ("a/", "a"),
            ("./", ""),
            ("..a/b..", "..a/b.."),
            ("é:", "é:"),
        ] {
            assert_eq!(entry_path(name), Ok(Path::new(path).to_owned()), "{name}");
        }
        for name in [
            "../a",
            "a/..",
            "a/../b",
            "/a",
            "c:/a",
            "C:a",
            "a\\..\\b",
            "\\\\host\\x",
            "a\0b",
        ] {
            assert!(entry_path(name).is_err(), "{name:?}");
        }
    }
}
