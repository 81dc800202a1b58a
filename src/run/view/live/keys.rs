//! The terminal while somebody is asked: it gives each key at once and shows none, because the line that is being typed is drawn
//! with the rest. Signals stay what they are.

use std::io;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp};

/// Gives the terminal back as it was when it is dropped.
pub(super) struct Keys {
    before: Termios,
}

impl Keys {
    /// None where there is no terminal to type at, or another program has it.
    pub(super) fn take() -> Option<Self> {
        let input = io::stdin();
        let is_ours = tcgetpgrp(&input).is_ok_and(|group| group == getpgrp());
        let before = tcgetattr(&input).ok().filter(|_| is_ours)?;
        let mut mode = before.clone();
        mode.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
        tcsetattr(&input, SetArg::TCSANOW, &mode).ok()?;
        Some(Self { before })
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &self.before);
    }
}
