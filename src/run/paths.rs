//! Names and texts as parts of paths, variables and commands.

use std::path::{Path, PathBuf};

/// A stage's, action's or artifact's name as one component of a path. Legal names stand for themselves, except `.` and `..`,
/// which AWS allows.
pub(super) fn component(name: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "@-_.".contains(c);
    if name.is_empty() || name.chars().all(|c| c == '.') {
        return format!("{name}+");
    }
    name.chars().map(|c| if is_safe(c) { c } else { '+' }).collect()
}

/// A name as a part of an environment variable's name.
pub(super) fn variable(name: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    name.chars().map(keep).collect()
}

/// A path without its `.` components, as people write it.
pub(super) fn tidy(path: impl AsRef<Path>) -> PathBuf {
    path.as_ref().components().collect()
}

/// Text as one word of a shell script.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Text as one word of a shell command, as people would write it: quoted only where it has to be.
pub(super) fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "=/._-:@,+".contains(c);
    if text.chars().all(is_plain) {
        text.to_owned()
    } else {
        quoted(text)
    }
}
