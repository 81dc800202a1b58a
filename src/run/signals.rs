//! The signals that ask a run to end.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::keeper;

/// What asks us to end.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    quit: Signal,
    /// What the keeper forwards of signals that it got: see [`keeper`].
    kept_interrupt: Signal,
    kept_terminate: Signal,
    /// How many of each kind came directly, and by the keeper: a Ctrl-C reaches both and counts once.
    interrupts: (u32, u32),
    terminations: (u32, u32),
}

/// One request to end.
pub(super) struct Asked {
    pub number: i32,
    pub reason: &'static str,
    pub how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// One step further each time: wait for what runs, end it, kill it.
    Gradually,
    /// Nobody will ask again: end what runs.
    Soon,
    /// Kill it.
    AtOnce,
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
            kept_interrupt: signal(SignalKind::user_defined1())?,
            kept_terminate: signal(SignalKind::user_defined2())?,
            interrupts: (0, 0),
            terminations: (0, 0),
        })
    }

    pub(super) async fn next(&mut self) -> Asked {
        loop {
            let (counts, direct, number, reason) = tokio::select! {
                _ = self.interrupt.recv() => (&mut self.interrupts, true, 2, "interrupted"),
                _ = self.kept_interrupt.recv() => (&mut self.interrupts, false, 2, "interrupted"),
                _ = self.terminate.recv() => (&mut self.terminations, true, 15, "asked to terminate"),
                _ = self.kept_terminate.recv() => (&mut self.terminations, false, 15, "asked to terminate"),
                _ = self.hangup.recv() => (&mut self.terminations, true, 1, "the terminal was closed"),
                _ = self.quit.recv() => return Asked { number: 3, reason: "asked to quit", how: How::AtOnce },
            };
            let before = counts.0.max(counts.1);
            if direct {
                counts.0 += 1;
            } else {
                counts.1 += 1;
            }
            if counts.0.max(counts.1) == before {
                continue;
            }
            if keeper::is_lost() {
                let reason = "the keeper is gone";
                return Asked {
                    number,
                    reason,
                    how: How::AtOnce,
                };
            }
            // A terminal that was closed, or a system that shuts down, gives little time.
            let how = if number == 2 { How::Gradually } else { How::Soon };
            return Asked { number, reason, how };
        }
    }
}
