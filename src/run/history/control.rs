//! Asks something of a run: of the process that carries it out, or, where there is none, by writing into its journal what follows.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::run::engine::{Command, Engine, Id, Input, Refused};
use crate::run::event::Event;
use crate::run::inbox::{self, Ask, Reply};
use crate::run::journal::{self, JournalError};
use crate::run::outcome::RunStatus;
use crate::run::planned::ActionRef;
use crate::run::restore::{self, RestoreError, Stored};
use crate::run::slots::remove_all;

/// A run looks for requests five times a second; one that does not answer for so long hangs.
const PATIENCE: Duration = Duration::from_secs(15);
const PERIOD: Duration = Duration::from_millis(20);

/// Who did what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoneBy {
    /// The process that carries the run out: it goes on.
    Runner,
    /// We: nobody carries the run out.
    Us,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// As the engine says.
    #[error("{0}")]
    Refused(String),
    #[error("the process that carries the run out does not answer")]
    Silent,
    #[error(transparent)]
    Restore(#[from] RestoreError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<Refused> for ControlError {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused.to_string())
    }
}

/// Asks, and waits for the answer.
pub fn ask(run_dir: &Path, ask: &Ask) -> Result<DoneBy, ControlError> {
    let start = Instant::now();
    loop {
        if journal::is_busy(run_dir)
            && let Some(reply) = ask_runner(run_dir, ask, start)?
        {
            return match reply {
                Reply::Granted => Ok(DoneBy::Runner),
                Reply::Refused { message, .. } => Err(ControlError::Refused(message)),
            };
        }
        match restore::open(run_dir) {
            Ok(stored) => return decide(stored, ask).map(|()| DoneBy::Us),
            // Somebody has taken it up in between.
            Err(RestoreError::Journal(JournalError::Busy)) if start.elapsed() < PATIENCE => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The reply of the process that carries the run out; none if it ended without one.
fn ask_runner(run_dir: &Path, ask: &Ask, start: Instant) -> Result<Option<Reply>, ControlError> {
    let path = inbox::ask(run_dir, ask)?;
    loop {
        // In this order: what was replied before the end is there to be read once the end was seen.
        let is_busy = journal::is_busy(run_dir);
        if let Some(reply) = inbox::reply(&path) {
            return Ok(Some(reply));
        }
        if !is_busy {
            inbox::withdraw(&path);
            return Ok(None);
        }
        if start.elapsed() > PATIENCE {
            inbox::withdraw(&path);
            return Err(ControlError::Silent);
        }
        std::thread::sleep(PERIOD);
    }
}

/// Writes down what follows from a request, as far as nothing new has to be started for it.
fn decide(mut stored: Stored, ask: &Ask) -> Result<(), ControlError> {
    let mut engine = stored.engine(stored.recorded_plan())?;
    let now = Timestamp::now();
    let mut ask = ask.clone();
    if let Ask::Stop { abandon, .. } = &mut ask {
        // For what was cut off there is no end to wait for.
        *abandon |= is_cut_off(&engine, &stored.id);
    }
    let mut commands = engine.handle(now, ask.clone().input(&stored.id))?;
    if matches!(ask, Ask::Stop { .. }) {
        // What was in progress is not any more.
        let reason = "to stop it".to_owned();
        commands.extend(engine.handle(
            now,
            Input::Resume {
                reason,
                lost: Vec::new(),
            },
        )?);
    }
    for command in commands {
        let Command::Record { time, execution, event } = command else {
            continue;
        };
        // Every beginning of what the engine says is a state to go on from. What comes behind this is for a process that can do
        // it, and that knows the pipeline's other runs.
        if execution != stored.id || !is_direct(&event) {
            break;
        }
        if matches!(
            event,
            Event::RunFinished {
                status: RunStatus::Succeeded,
                ..
            }
        ) && let Some(run_dir) = stored.journal.path().parent()
        {
            remove_all(&run_dir.join("work"));
        }
        stored.journal.append(time, event)?;
    }
    stored.journal.sync()?;
    Ok(())
}

/// Whether something was in progress that only a process can bring to its end.
fn is_cut_off(engine: &Engine, id: &Id) -> bool {
    let Some(execution) = engine.execution(id) else {
        return false;
    };
    execution.stage_run().is_some_and(|run| {
        let at = |action: &usize| ActionRef {
            stage: run.index,
            action: *action,
        };
        run.running
            .keys()
            .any(|action| !execution.definition.is_approval(at(action)))
    })
}

/// Whether an event says that something ended, and not that something begins.
fn is_direct(event: &Event) -> bool {
    matches!(
        event,
        Event::RunResumed { .. }
            | Event::ActionInterrupted { .. }
            | Event::RuleInterrupted { .. }
            | Event::ApprovalAnswered { .. }
            | Event::ActionFinished { .. }
            | Event::StageFinished { .. }
            | Event::StopRequested { .. }
            | Event::RunFinished { .. }
    )
}
