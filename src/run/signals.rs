//! The signals that ask a run to end.

use std::io;
use std::time::Duration;

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
    lost: Signal,
    kept_hangup: Signal,
    /// How many of each kind came directly, and by the keeper: a Ctrl-C reaches both and counts once.
    interrupts: (u32, u32),
    terminations: (u32, u32),
    /// A signal that has come and was not handed on: its number, and what it means.
    noticed: Option<(i32, &'static str)>,
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
    /// The keeper was killed: what is left of a run is as if this process had been killed as well.
    Crash,
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
            lost: signal(SignalKind::from_raw(keeper::LOST as i32))?,
            kept_hangup: signal(SignalKind::alarm())?,
            interrupts: (0, 0),
            terminations: (0, 0),
            noticed: None,
        })
    }

    /// The next request. Nothing is lost if nobody waits for it to the end.
    pub(super) async fn next(&mut self) -> Asked {
        if self.noticed.is_none() {
            self.noticed = Some(self.notice().await);
        }
        if self.noticed.is_some_and(|(number, _)| number == 1) {
            // Where the keeper leads a session, the kernel says the end of its terminal a moment before that of the keeper.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let (number, reason) = self.noticed.take().unwrap_or((2, "interrupted"));
        let how = match number {
            _ if number == keeper::LOST as i32 || keeper::is_lost() => How::Crash,
            2 => How::Gradually,
            3 => How::AtOnce,
            // A terminal that was closed, or a system that shuts down, gives little time.
            _ => How::Soon,
        };
        Asked { number, reason, how }
    }

    async fn notice(&mut self) -> (i32, &'static str) {
        loop {
            let (counts, direct, number, reason) = tokio::select! {
                _ = self.interrupt.recv() => (&mut self.interrupts, true, 2, "interrupted"),
                _ = self.kept_interrupt.recv() => (&mut self.interrupts, false, 2, "interrupted"),
                _ = self.terminate.recv() => (&mut self.terminations, true, 15, "asked to terminate"),
                _ = self.kept_terminate.recv() => (&mut self.terminations, false, 15, "asked to terminate"),
                _ = self.hangup.recv() => (&mut self.terminations, true, 1, "the terminal was closed"),
                _ = self.lost.recv() => return (keeper::LOST as i32, "its keeper was killed"),
                _ = self.kept_hangup.recv() => (&mut self.terminations, false, 1, "the terminal was closed"),
                _ = self.quit.recv() => return (3, "asked to quit"),
            };
            let before = counts.0.max(counts.1);
            if direct {
                counts.0 += 1;
            } else {
                counts.1 += 1;
            }
            if counts.0.max(counts.1) > before {
                return (number, reason);
            }
        }
    }
}
