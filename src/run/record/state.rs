//! How actions stand, and how many of them stand how.

use super::{ActionRecord, RunRecord, StageRecord};
use crate::run::outcome::{StageStatus, Status};
use crate::run::planned::How;

/// How an action stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Failed,
    /// Ended before it was done.
    Ended,
    Running,
    Succeeded,
    Skipped,
    Waiting,
}

/// How many actions stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub all: usize,
    pub succeeded: usize,
    pub failed: usize,
    pub ended: usize,
    pub running: usize,
    pub skipped: usize,
    pub waiting: usize,
    /// Of those that succeeded.
    pub simulated: usize,
    /// Of those that succeeded.
    pub stood_in: usize,
}

impl RunRecord {
    /// Of the stages that it has to do with.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for stage in self.part() {
            counts.add(stage.counts());
        }
        counts
    }

    /// The actions that stand so, of the stages that it has to do with.
    pub fn actions_that(&self, stand: State) -> impl Iterator<Item = &ActionRecord> {
        let stages = self.part().iter();
        stages.flat_map(move |stage| {
            let actions = stage.actions.iter();
            actions.filter(move |action| stage.state(action) == stand)
        })
    }
}

impl StageRecord {
    /// How one of its actions stands.
    pub fn state(&self, action: &ActionRecord) -> State {
        match action.tries().next_back() {
            Some(attempt) if !action.again => match attempt.end() {
                None => State::Running,
                Some(end) => match end.status {
                    Status::Succeeded => State::Succeeded,
                    Status::Failed => State::Failed,
                    Status::Abandoned => State::Ended,
                },
            },
            _ if self.end.is_some_and(|end| end.status == StageStatus::Skipped) => State::Skipped,
            _ => State::Waiting,
        }
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for action in &self.actions {
            let state = self.state(action);
            counts.all += 1;
            *counts.of(state) += 1;
            match action.how {
                How::Simulated => counts.simulated += usize::from(state == State::Succeeded),
                How::StoodIn => counts.stood_in += usize::from(state == State::Succeeded),
                How::CarriedOut => {}
            }
        }
        counts
    }
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.all += other.all;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.ended += other.ended;
        self.running += other.running;
        self.skipped += other.skipped;
        self.waiting += other.waiting;
        self.simulated += other.simulated;
        self.stood_in += other.stood_in;
    }

    fn of(&mut self, state: State) -> &mut usize {
        match state {
            State::Failed => &mut self.failed,
            State::Ended => &mut self.ended,
            State::Running => &mut self.running,
            State::Succeeded => &mut self.succeeded,
            State::Skipped => &mut self.skipped,
            State::Waiting => &mut self.waiting,
        }
    }

    /// Leaves one that stands so out of the count.
    pub fn take_out(&mut self, state: State) {
        self.all -= 1;
        *self.of(state) -= 1;
    }

    /// What is over, however it ended.
    pub fn over(&self) -> usize {
        self.succeeded + self.failed + self.ended + self.skipped
    }
}
