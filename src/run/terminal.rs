//! The terminal's modes: how it was, how it is while somebody is asked, and giving it back.

use std::io::{self, IsTerminal, Write};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp};

/// How the terminal that we read from treats keys.
#[derive(Clone, Debug)]
pub(super) struct Modes(Termios);

impl Modes {
    /// As it is now; none where there is no terminal to type at, or another program has it.
    pub(super) fn now() -> Option<Self> {
        tcgetattr(io::stdin()).ok().filter(|_| is_ours()).map(Self)
    }

    /// Each key is given at once and none is shown; signals stay what they are.
    pub(super) fn key_by_key(mut self) -> Self {
        self.0.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
        self
    }

    /// Sets the terminal so, unless another program has it: then its modes are that one's.
    pub(super) fn set(&self) {
        if is_ours() {
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &self.0);
        }
    }
}

fn is_ours() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp())
}

/// Whether we may draw: where another program has the terminal, it is that one's screen. One that no program has, is nobody's.
pub(super) fn is_in_front() -> bool {
    tcgetpgrp(io::stderr()).map_or(true, |group| group == getpgrp())
}

/// Whether standard error is a terminal that can be drawn on.
pub(super) fn can_be_drawn_on() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    io::stderr().is_terminal() && !is_dumb
}

/// Takes away what a view has drawn below the cursor and will not draw over any more.
pub(super) fn clear_below() {
    if can_be_drawn_on() && is_in_front() {
        // And it breaks lines again, if the view was cut off while it drew.
        let _ = io::stderr().write_all(b"\x1b[?7h\r\x1b[J");
    }
}
