//! What is to be said when a runner is killed: the runner leaves the words with its keeper while it can, in memory that both know.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::Pid;

/// The keeper's end.
pub(super) struct Words(File);

impl Words {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(memfd_create("words", MFdFlags::MFD_CLOEXEC)?.into()))
    }

    /// By what a runner finds it.
    pub(super) fn number(&self) -> i32 {
        self.0.as_raw_fd()
    }

    /// What the runner has left; nothing, if it had nothing to say.
    pub(super) fn read(mut self) -> String {
        let mut text = String::new();
        let read = self.0.rewind().and_then(|()| self.0.read_to_string(&mut text));
        read.map(|_| text).unwrap_or_default()
    }
}

/// The runner's end.
pub(super) struct Pen(File);

impl Pen {
    pub(super) fn of(keeper: Pid, number: i32) -> io::Result<Self> {
        let path = format!("/proc/{keeper}/fd/{number}");
        Ok(Self(File::options().write(true).open(path)?))
    }

    /// Leaves these words in place of those before.
    pub(super) fn leave(&self, text: &str) -> io::Result<()> {
        self.0.set_len(0)?;
        self.0.write_all_at(text.as_bytes(), 0)
    }
}
