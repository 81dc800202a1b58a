//! Does what the engine says: starts actions, tells how they ended, writes events down, shows them.
//!
//! One loop owns the engine and the journals. Each action is a task of its own whose end the loop awaits; whatever a task holds
//! (processes, files, its log) is gone when it has ended.

mod event_loop;
mod follow;
mod jobs;
mod tasks;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::engine::{Ambiguous, Engine, Id, Input, Place, Refused};
use super::event::{Event, Record};
use super::history::find::RUNS;
use super::journal::{Journal, JournalError};
use super::outcome::{RunOutcome, RunStatus};
use super::planned::ActionRef;
use super::restore::RestoreError;
use super::setup::{Pinned, Setup};
use super::slots::{Slots, remove_all};
use super::units::short;
use super::view::next::Next;
use super::watch::Watch;
use super::{Run, keeper};
use event_loop::Loop;

/// All that a process carries out: one engine, and the runs that it has a hand in.
pub(super) struct Session {
    /// What each run is made after.
    pub template: Run,
    pub pinned: Pinned,
    pub setup: Setup,
    pub engine: Engine,
    /// By execution.
    pub runs: BTreeMap<Id, Hosted>,
    /// The run whose end is the answer.
    pub main: Id,
}

/// A run that this process carries out.
pub(super) struct Hosted {
    pub run: Arc<Run>,
    pub journal: Journal,
}

/// Why a session could not go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Restore(#[from] RestoreError),
    #[error("{0}")]
    Refused(#[from] Refused),
    #[error(transparent)]
    Ambiguous(#[from] Ambiguous),
}

impl SessionError {
    /// What to do.
    pub(super) fn help(&self) -> Option<String> {
        let journal = match self {
            Self::Journal(error) | Self::Restore(RestoreError::Journal(error)) => error,
            Self::Ambiguous(_) | Self::Restore(RestoreError::Ambiguous { .. }) => {
                return Some("rename one of them, and start a new run".to_owned());
            }
            Self::Io(_) | Self::Restore(_) | Self::Refused(_) => return None,
        };
        Some(match journal {
            JournalError::Busy => "look at it with `pipe logs -f`, or end it with `pipe stop`".to_owned(),
            JournalError::Io { .. } => {
                "what ran was ended; when the journal can be written again, `pipe resume` goes on".to_owned()
            }
            JournalError::Unbegun { .. } => {
                "the run has not begun: make room there, or keep the state elsewhere with `--state-dir`".to_owned()
            }
            JournalError::Version { .. } => {
                "start a new run; what was logged can still be read in its folder".to_owned()
            }
            JournalError::Damaged { .. } => {
                "start a new run: what has happened after that line is not known".to_owned()
            }
        })
    }
}

/// Carries everything out on a runtime of its own.
pub(super) fn carry_out(
    session: Session,
    first: Vec<Input>,
    watch: Option<Watch<'_>>,
) -> Result<RunOutcome, SessionError> {
    // More than there are cores, because a thread that starts a program sleeps until the program is loaded.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads((2 * super::cores()).clamp(2, 16))
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        let screen = Arc::clone(&session.template.screen);
        let mut going = Loop::new(session, watch)?;
        let outcome = going.run(first).await;
        match &outcome {
            Ok(RunOutcome::Waits) => screen.leave(&going.session.what_it_waits_for()),
            _ => screen.finish(),
        }
        outcome
    });
    // A thread may still wait for a line on standard input.
    runtime.shutdown_timeout(Duration::from_millis(10));
    keeper::sweep();
    outcome
}

impl Session {
    /// Takes an event to the journal; gives what is to be shown once it is written. The first one of an execution makes its folder.
    fn record(&mut self, now: Timestamp, id: &Id, event: &Event) -> Result<Option<(Arc<Run>, Record)>, SessionError> {
        if matches!(event, Event::RunStarted(_)) && !self.runs.contains_key(id) {
            let run = self.template.of(id);
            self.pinned.save(&run.run_dir, &self.setup)?;
            let journal = Journal::create(&run.run_dir)?;
            let run = Arc::new(run);
            self.runs.insert(Arc::clone(id), Hosted { run, journal });
        }
        let Some(hosted) = self.runs.get_mut(id) else {
            return Ok(None);
        };
        // What is recorded is what is shown: neither may hold a secret.
        let event = event.clone().masked(|text| hosted.run.secrets.mask_in(text));
        let record = hosted.journal.append(now, event)?;
        Ok(Some((Arc::clone(&hosted.run), record)))
    }

    /// What the runs wait for that nobody here can give, and how they go on.
    fn what_it_waits_for(&self) -> String {
        let runs = self.template.state_dir.join(RUNS);
        let mut out = String::new();
        for id in self.engine.state().live.values() {
            let Some(execution) = self.engine.execution(id) else {
                continue;
            };
            let next = Next::new(&runs.join(&**id));
            match &execution.place {
                Place::In(stage) => {
                    let definition = execution.definition.stage(stage.index);
                    for action in stage.running.keys() {
                        let place = format!("{}/{}", definition.name, definition.actions[*action].name);
                        out.push_str(&format!("{place} waits for an answer\n{}", next.answer(&place)));
                    }
                }
                Place::Waiting(stage) => {
                    let (name, id) = (&execution.definition.stage(*stage).name, short(id));
                    out.push_str(&format!(
                        "the way into stage {name} is disabled: run {id} waits in front of it\n"
                    ));
                }
                Place::Arriving(_) | Place::Leaving { .. } | Place::Done => {}
            }
            out.push_str(&format!("then, {}", next.resume()));
        }
        out
    }

    /// Whether an action does something that cannot be taken back, so that its start must be known for certain.
    fn reaches_out(&self, execution: &Id, at: ActionRef) -> bool {
        self.engine.execution(execution).is_some_and(|execution| {
            let category = &execution.definition.action(at).type_id.category;
            matches!(category.as_str(), "Deploy" | "Invoke")
        })
    }

    /// Whether an event must survive a crash of the machine before anything follows from it.
    fn matters(&self, execution: &Id, event: &Event) -> bool {
        match event {
            Event::RunStarted(_) | Event::ApprovalAnswered { .. } | Event::RunFinished { .. } => true,
            Event::ActionFinished { name, .. } => self.engine.execution(execution).is_some_and(|found| {
                let at = found.definition.action_ref(&name.stage, &name.action);
                at.is_some_and(|at| self.reaches_out(execution, at))
            }),
            _ => false,
        }
    }
}

impl Run {
    /// Shows what the journal has, and tidies up behind the last of it.
    fn show(&self, record: &Record) {
        self.screen.record(&self.execution_id, record);
        if let Event::RunFinished { status, .. } = &record.event {
            self.clean_up(*status);
        }
    }

    /// Leaves of the run's working folders only what helps to understand a failure.
    fn clean_up(&self, status: RunStatus) {
        if status == RunStatus::Succeeded {
            remove_all(&self.run_dir.join("work"));
        } else {
            self.slots.remove_empty();
        }
    }

    /// A run of another execution in the same process.
    pub(super) fn of(&self, id: &str) -> Self {
        let run_dir = self.state_dir.join(RUNS).join(id);
        Self {
            execution_id: id.to_owned(),
            slots: Arc::new(Slots::new(run_dir.join("work"))),
            screen: Arc::new(self.screen.of(id)),
            run_dir,
            ..self.clone()
        }
    }
}
