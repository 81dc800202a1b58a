//! The loop that owns the engine and the journals of a session.

use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::tasks::Tasks;
use super::{Session, SessionError};
use crate::run::engine::{ActionStart, Command, Id, Input, RuleStart, Task};
use crate::run::eyes::Change;
use crate::run::inbox::{self, Inbox};
use crate::run::journal::{Journal, JournalError};
use crate::run::outcome::{RunOutcome, RunStatus};
use crate::run::signals::{self, Signals};
use crate::run::slots::remove_all;
use crate::run::task;
use crate::run::watch::Watch;

/// How long a line may be written but not on the disk, where nothing outside follows from it.
const SYNC_PERIOD: Duration = Duration::from_millis(50);

/// A session while it goes on.
pub(super) struct Loop<'a> {
    pub(super) session: Session,
    /// Starts another execution for each change.
    watch: Option<Watch<'a>>,
    /// Whether somebody was there to be asked when it began: a terminal that is closed is no terminal any more, and says so by a signal.
    can_ask: bool,
    /// It was said that changes are waited for.
    is_waiting: bool,
    tasks: Tasks,
    signals: Signals,
    inbox: Inbox,
    /// The first signal that asked us to end.
    ended_by: Option<i32>,
    /// How often somebody has asked gradually.
    asked: u32,
    /// Brings the journals to the disk.
    syncing: Option<JoinHandle<()>>,
}

impl<'a> Loop<'a> {
    pub(super) fn new(session: Session, watch: Option<Watch<'a>>) -> io::Result<Self> {
        Ok(Self {
            can_ask: session.template.options.can_ask(),
            session,
            watch,
            is_waiting: false,
            tasks: Tasks::default(),
            signals: Signals::new()?,
            inbox: Inbox::default(),
            ended_by: None,
            asked: 0,
            syncing: None,
        })
    }

    pub(super) async fn run(&mut self, first: Vec<Input>) -> Result<RunOutcome, SessionError> {
        for input in first {
            let is_rollback = matches!(input, Input::Rollback { .. });
            self.step(input)?;
            // Its end is what was asked for, not that of the run that is gone back to.
            if let (true, Some(newest)) = (is_rollback, self.session.engine.state().newest()) {
                self.session.main = newest;
            }
        }
        while !self.is_over() {
            match self.next().await {
                Happened::Input(input) => self.step_if_granted(input)?,
                // The run can be gone on with: it has not been stopped.
                Happened::Asked(asked) if asked.how == signals::How::Crash => {
                    let signal = asked.number;
                    return Ok(RunOutcome::Interrupted { signal });
                }
                Happened::Asked(asked) => self.stop(&asked)?,
                Happened::Request => self.answer_requests()?,
                Happened::Changed(Ok(change)) => self.follow(&change)?,
                Happened::Changed(Err(error)) => {
                    let text = format!("error: {error}\n  changes are not noticed any more");
                    self.session.template.screen.say(&text);
                    self.watch = None;
                }
            }
        }
        for hosted in self.session.runs.values_mut() {
            hosted.journal.sync()?;
        }
        Ok(self.outcome())
    }

    /// Does what follows from a change of the files that are watched.
    fn follow(&mut self, change: &Change) -> Result<(), SessionError> {
        let Some(watch) = &mut self.watch else { return Ok(()) };
        let inputs = match self.session.follow(change, watch) {
            Ok(inputs) => inputs,
            Err(wrong) => {
                self.session.template.screen.say(&wrong);
                return Ok(());
            }
        };
        self.session.retire()?;
        for input in inputs {
            match self.step(input) {
                Err(SessionError::Refused(refused)) => self.session.template.screen.say(&format!("error: {refused}")),
                result => result?,
            }
        }
        Ok(())
    }

    /// Says once, when all is done, that there will be more.
    fn wait_for_changes(&mut self) {
        let is_idle = self.session.engine.state().live.is_empty() && self.tasks.is_empty();
        if is_idle && !self.is_waiting {
            self.session.template.screen.say("waiting for changes; Ctrl-C ends it");
        }
        self.is_waiting = is_idle;
    }

    /// Whether nothing happens any more, or only what nobody here can do.
    fn is_over(&mut self) -> bool {
        if self.watch.is_some() && self.ended_by.is_none() {
            self.wait_for_changes();
            return false;
        }
        let options = &self.session.template.options;
        let only_waits = || !self.can_ask && !options.wait && self.tasks.all(|id, task| self.is_unanswerable(id, task));
        // Without live executions there may still be tasks whose end is waited for.
        if self.session.engine.state().live.is_empty() {
            self.tasks.is_empty()
        } else {
            self.session.engine.is_idle() || only_waits()
        }
    }

    /// Whether it is an approval that `--yes` does not answer.
    fn is_unanswerable(&self, id: &Id, task: Task) -> bool {
        let is_answered = self.session.runs.get(id).is_some_and(|hosted| hosted.run.options.yes);
        let execution = self.session.engine.execution(id);
        // One that is being ended comes to its end by itself.
        let is_ending = execution.is_some_and(|execution| execution.ending.is_some());
        !is_answered && !is_ending && self.is_approval(id, task)
    }

    fn is_approval(&self, id: &Id, task: Task) -> bool {
        let execution = self.session.engine.execution(id);
        match task {
            Task::Action(at, _) => execution.is_some_and(|execution| execution.definition.is_approval(at)),
            Task::Rule(..) => false,
        }
    }

    fn outcome(&self) -> RunOutcome {
        let execution = self.session.engine.execution(&self.session.main);
        let status = execution.and_then(|execution| execution.status);
        match (status, self.ended_by) {
            // Nothing else ends it.
            (_, Some(signal)) if self.watch.is_some() => RunOutcome::Interrupted { signal },
            (Some(RunStatus::Succeeded), _) => RunOutcome::Succeeded,
            (Some(_), Some(signal)) => RunOutcome::Interrupted { signal },
            (Some(_), None) => RunOutcome::Failed,
            (None, _) => RunOutcome::Waits,
        }
    }

    /// What happens next.
    async fn next(&mut self) -> Happened {
        let deadline = self.session.engine.next_deadline();
        let timer = async move {
            match deadline {
                Some(deadline) => {
                    let wait = deadline.duration_since(Timestamp::now());
                    tokio::time::sleep(wait.try_into().unwrap_or_default()).await;
                }
                None => pending().await,
            }
        };
        let watch = &mut self.watch;
        let change = async {
            match watch {
                Some(watch) => watch.next().await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            asked = self.signals.next() => Happened::Asked(asked),
            input = self.tasks.next() => Happened::Input(input),
            () = timer => Happened::Input(Input::Tick),
            () = self.inbox.wait() => Happened::Request,
            change = change => Happened::Changed(change),
        }
    }

    /// Gives an input to the engine; one that comes too late is nobody's mistake.
    fn step_if_granted(&mut self, input: Input) -> Result<(), SessionError> {
        match self.step(input) {
            Err(SessionError::Refused(_)) => Ok(()),
            result => result,
        }
    }

    /// Gives an input to the engine and does what it says.
    fn step(&mut self, input: Input) -> Result<(), SessionError> {
        let now = Timestamp::now();
        let commands = self.session.engine.handle(now, input)?;
        let mut has_weight = false;
        let mut written = Vec::new();
        for command in &commands {
            match command {
                Command::Record { time, execution, event } => {
                    has_weight |= self.session.matters(execution, event);
                    written.extend(self.session.record(*time, execution, event)?);
                }
                Command::StartAction(start) => has_weight |= self.session.reaches_out(&start.execution, start.at),
                Command::StartRule(_) | Command::End { .. } => {}
            }
        }
        // All causes are written down before the first consequence.
        for hosted in self.session.runs.values_mut() {
            let written = if has_weight {
                hosted.journal.sync()
            } else {
                hosted.journal.flush()
            };
            if matches!(written, Err(JournalError::Unbegun { .. })) {
                // There is nothing that could be gone on with.
                remove_all(&hosted.run.run_dir);
            }
            written?;
        }
        self.sync_soon();
        // To be seen is a consequence, too.
        for (run, record) in &written {
            run.show(record);
        }
        for command in commands {
            match command {
                Command::Record { .. } => {}
                Command::StartAction(start) => self.start_action(*start),
                Command::StartRule(start) => self.start_rule(*start),
                Command::End { execution, task, why } => self.tasks.end(&execution, task, why),
            }
        }
        Ok(())
    }

    /// Sees to it that what was written is soon on the disk, without waiting for it.
    fn sync_soon(&mut self) {
        if self.syncing.as_ref().is_some_and(|syncing| !syncing.is_finished()) {
            return;
        }
        let journals = self.session.runs.values_mut().map(|hosted| &mut hosted.journal);
        let files: Vec<_> = journals.filter_map(Journal::unsynced).collect();
        self.syncing = (!files.is_empty()).then(|| {
            tokio::spawn(async move {
                tokio::time::sleep(SYNC_PERIOD).await;
                // If it fails the next one that is waited for says so.
                let _ = tokio::task::spawn_blocking(move || files.iter().try_for_each(|file| file.sync_data())).await;
            })
        });
    }

    /// One step further towards the end.
    fn stop(&mut self, asked: &signals::Asked) -> Result<(), SessionError> {
        self.ended_by.get_or_insert(asked.number);
        self.asked = match asked.how {
            signals::How::Gradually => self.asked + 1,
            signals::How::Soon => (self.asked + 1).max(2),
            signals::How::AtOnce | signals::How::Crash => 3,
        };
        // For what only waits for an answer there is no point in waiting.
        let only_waits = self.tasks.all(|id, task| self.is_approval(id, task));
        let abandon = self.asked >= 2 || only_waits;
        let live: Vec<Id> = self.session.engine.state().live.values().cloned().collect();
        for execution in live {
            let reason = asked.reason.to_owned();
            self.step_if_granted(Input::Stop {
                execution,
                reason,
                abandon,
            })?;
        }
        if self.asked >= 3 && !self.tasks.is_empty() {
            let text = format!("{}: what runs is killed", asked.reason);
            self.session.template.screen.say(&text);
            self.tasks.kill();
        }
        Ok(())
    }

    /// Does what other processes have asked for.
    fn answer_requests(&mut self) -> Result<(), SessionError> {
        let dirs: Vec<(Id, PathBuf)> = self
            .session
            .runs
            .iter()
            .map(|(id, hosted)| (Arc::clone(id), hosted.run.run_dir.clone()))
            .collect();
        for (id, run_dir) in dirs {
            for request in inbox::take(&run_dir) {
                let result = self.step(request.input(&id));
                match result {
                    Err(SessionError::Refused(refused)) => request.reply(Err(&refused)),
                    Err(error) => return Err(error),
                    Ok(()) => request.reply(Ok(())),
                }
            }
        }
        Ok(())
    }

    fn start_action(&mut self, start: ActionStart) {
        let (id, at, attempt) = (Arc::clone(&start.execution), start.at, start.attempt);
        if let Some((stop, job)) = self.session.action_job(start) {
            let work = task::run_action(Arc::clone(&id), at, attempt, job);
            self.tasks.start(id, Task::Action(at, attempt), stop, work);
        }
    }

    fn start_rule(&mut self, start: RuleStart) {
        let (id, at, attempt) = (Arc::clone(&start.execution), start.at, start.attempt);
        if let Some((stop, job)) = self.session.rule_job(start) {
            let work = task::run_rule(Arc::clone(&id), at, attempt, job);
            self.tasks.start(id, Task::Rule(at, attempt), stop, work);
        }
    }
}

enum Happened {
    Input(Input),
    Asked(signals::Asked),
    Request,
    Changed(io::Result<Change>),
}
