//! Programs, apart from whoever runs the tests.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// A program in `folder`, which is its home too: of this environment it has `PATH` alone.
pub(crate) fn program(folder: &Path, name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1");
    command
}
