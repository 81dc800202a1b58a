//! Does what the engine says: starts actions, tells how they ended, writes events down, shows them.
//!
//! One loop owns the engine and the journals. Each action is a task of its own whose end the loop awaits; whatever a task holds
//! (processes, files, its log) is gone when it has ended.

use std::collections::{BTreeMap, HashMap};
use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::drivers::Job;
use super::engine::{
    ActionStart, Command, Engine, Id, Input, Place, Refused, RuleStart, Task, Why, action_log, rule_log,
};
use super::event::{ActionName, Event};
use super::eyes::Change;
use super::history::find::RUNS;
use super::inbox::Inbox;
use super::journal::{Journal, JournalError};
use super::log::Log;
use super::outcome::{RunOutcome, RunStatus};
use super::planned::{ActionPlan, ActionRef, Driver, How};
use super::process::Level;
use super::restore::RestoreError;
use super::settings::Settings;
use super::setup::{Pinned, Setup};
use super::signals::{self, Signals};
use super::slots::{Slots, remove_all};
use super::store::Artifact;
use super::variables::Resolved;
use super::view::report::short;
use super::watch::Watch;
use super::{Run, keeper, task};
use crate::ir;

/// How long what is ended has after INT before it gets TERM, and after that before it is killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a line may be written but not on the disk, where nothing outside follows from it.
const SYNC_PERIOD: Duration = Duration::from_millis(50);

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
}

impl SessionError {
    /// What to do.
    pub(super) fn help(&self) -> Option<String> {
        let journal = match self {
            Self::Journal(error) | Self::Restore(RestoreError::Journal(error)) => error,
            Self::Io(_) | Self::Restore(_) | Self::Refused(_) => return None,
        };
        Some(match journal {
            JournalError::Busy => "look at it with `pipe logs -f`, or end it with `pipe stop`".to_owned(),
            JournalError::Io { .. } => {
                "what ran was ended; when the journal can be written again, `pipe resume` goes on".to_owned()
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
        let mut session = Loop::new(session, watch)?;
        let outcome = session.run(first).await;
        match &outcome {
            Ok(RunOutcome::Waits) => screen.leave(&session.what_it_waits_for()),
            _ => screen.finish(),
        }
        outcome
    });
    // A thread may still wait for a line on standard input.
    runtime.shutdown_timeout(Duration::from_millis(10));
    keeper::sweep();
    outcome
}

struct Loop<'a> {
    session: Session,
    /// Starts another execution for each change.
    watch: Option<Watch<'a>>,
    /// It was said that changes are waited for.
    is_waiting: bool,
    tasks: JoinSet<Input>,
    running: HashMap<tokio::task::Id, (Id, Task, Arc<watch::Sender<Level>>)>,
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
    fn new(session: Session, watch: Option<Watch<'a>>) -> io::Result<Self> {
        Ok(Self {
            session,
            watch,
            is_waiting: false,
            tasks: JoinSet::new(),
            running: HashMap::new(),
            signals: Signals::new()?,
            inbox: Inbox::default(),
            ended_by: None,
            asked: 0,
            syncing: None,
        })
    }

    async fn run(&mut self, first: Vec<Input>) -> Result<RunOutcome, SessionError> {
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
        let inputs = match watch.follow(change, &mut self.session) {
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
        let is_idle = self.session.engine.state().live.is_empty() && self.running.is_empty();
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
        let only_waits = || {
            let mut tasks = self.running.values();
            !options.can_ask() && !options.wait && tasks.all(|(id, task, _)| self.is_unanswerable(id, *task))
        };
        // Without live executions there may still be tasks whose end is waited for.
        if self.session.engine.state().live.is_empty() {
            self.running.is_empty()
        } else {
            self.session.engine.is_idle() || only_waits()
        }
    }

    /// Whether it is an approval that `--yes` does not answer.
    fn is_unanswerable(&self, id: &Id, task: Task) -> bool {
        let is_answered = self.session.runs.get(id).is_some_and(|hosted| hosted.run.options.yes);
        !is_answered && self.is_approval(id, task)
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

    /// What the runs wait for that nobody here can give, and how they go on.
    fn what_it_waits_for(&self) -> String {
        let mut out = String::new();
        for id in self.session.engine.state().live.values() {
            let Some(execution) = self.session.engine.execution(id) else {
                continue;
            };
            let id = short(id);
            match &execution.place {
                Place::In(stage) => {
                    let name = &execution.definition.stage(stage.index).name;
                    for action in stage.running.keys() {
                        let action = &execution.definition.stage(stage.index).actions[*action].name;
                        out.push_str(&format!(
                            "{name}/{action} waits for an answer: pipe approve {id} {action}\n"
                        ));
                    }
                }
                Place::Waiting(stage) => {
                    let name = &execution.definition.stage(*stage).name;
                    out.push_str(&format!(
                        "the way into stage {name} is disabled: run {id} waits in front of it\n"
                    ));
                }
                Place::Arriving(_) | Place::Leaving { .. } | Place::Done => {}
            }
            out.push_str(&format!("to go on: pipe resume {id}\n"));
        }
        out
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
            Some(ended) = self.tasks.join_next_with_id() => match ended {
                Ok((id, input)) => {
                    self.running.remove(&id);
                    Happened::Input(input)
                }
                Err(error) => Happened::Input(match self.running.remove(&error.id()) {
                    Some((execution, task, _)) if error.is_panic() => task::broken(execution, task),
                    _ => Input::Tick,
                }),
            },
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
        for command in &commands {
            match command {
                Command::Record { execution, event } => {
                    has_weight |= self.session.matters(execution, event);
                    self.session.record(now, execution, event)?;
                }
                Command::StartAction(start) => has_weight |= self.session.reaches_out(&start.execution, start.at),
                Command::StartRule(_) | Command::End { .. } => {}
            }
        }
        // All causes are written down before the first consequence.
        for hosted in self.session.runs.values_mut() {
            if has_weight {
                hosted.journal.sync()?;
            } else {
                hosted.journal.flush()?;
            }
        }
        self.sync_soon();
        for command in commands {
            match command {
                Command::Record { .. } => {}
                Command::StartAction(start) => self.start_action(*start),
                Command::StartRule(start) => self.start_rule(*start),
                Command::End { execution, task, why } => self.end(&execution, task, why),
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
        let mut tasks = self.running.values();
        let only_waits = tasks.all(|(id, task, _)| self.is_approval(id, *task));
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
        if self.asked >= 3 {
            #[expect(clippy::iter_over_hash_type, reason = "all get it, in whatever order")]
            for (_, _, stop) in self.running.values() {
                let _ = stop.send(Level::Kill);
            }
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
            for request in super::inbox::take(&run_dir) {
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
        let Some(hosted) = self.session.runs.get(&start.execution) else {
            return;
        };
        let Some(execution) = self.session.engine.execution(&start.execution) else {
            return;
        };
        let stage = execution.definition.stage(start.at.stage);
        let action = &stage.actions[start.at.action];
        let name = ActionName {
            stage: stage.name.value.clone(),
            action: action.name.value.clone(),
            attempt: start.attempt,
        };
        let plan = execution.definition.plan.action(start.at).clone();
        let log = action_log(&name);
        let action = Arc::new(action.clone());
        let (stop, mut job) = job(&hosted.run, name, &log, action, plan, start.resolved, start.inputs);
        job.token = start.token;
        let (at, attempt) = (start.at, start.attempt);
        let id = Arc::clone(&start.execution);
        let handle = self.tasks.spawn(task::run_action(id, at, attempt, job));
        let started = (start.execution, Task::Action(at, attempt), Arc::new(stop));
        self.running.insert(handle.id(), started);
    }

    fn start_rule(&mut self, start: RuleStart) {
        let Some(hosted) = self.session.runs.get(&start.execution) else {
            return;
        };
        let Some(execution) = self.session.engine.execution(&start.execution) else {
            return;
        };
        let Some(rule) = execution.definition.rule(start.at) else {
            return;
        };
        let driver = execution.definition.plan.rules.get(&start.at).copied();
        let driver = driver.unwrap_or(Driver::Simulate);
        let plan = ActionPlan {
            how: if driver == Driver::Simulate {
                How::Simulated
            } else {
                How::CarriedOut
            },
            driver,
            settings: Settings::default(),
            source: None,
            revisions: Vec::new(),
        };
        let stage = execution.definition.stage(start.at.stage);
        let (name, log) = rule_log(&stage.name.value, start.at.position, &rule.name.value, start.attempt);
        let action = Arc::new(task::as_action(rule));
        let (stop, job) = job(&hosted.run, name, &log, action, plan, start.resolved, start.inputs);
        let (at, attempt) = (start.at, start.attempt);
        let id = Arc::clone(&start.execution);
        let handle = self.tasks.spawn(task::run_rule(id, at, attempt, job));
        let started = (start.execution, Task::Rule(at, attempt), Arc::new(stop));
        self.running.insert(handle.id(), started);
    }

    /// Ends something that runs: it gets time to clean up.
    fn end(&self, execution: &Id, task: Task, why: Why) {
        #[expect(clippy::iter_over_hash_type, reason = "at most one is meant")]
        for (id, running, stop) in self.running.values() {
            if id == execution && *running == task {
                let stop = Arc::clone(stop);
                let first = match why {
                    Why::Abandoned => Level::Interrupt,
                    Why::TimedOut => Level::Terminate,
                    Why::Answered => Level::Kill,
                };
                tokio::spawn(insist(stop, first));
            }
        }
    }
}

enum Happened {
    Input(Input),
    Asked(signals::Asked),
    Request,
    Changed(io::Result<Change>),
}

/// Asks for an end harder and harder, until it has come.
async fn insist(stop: Arc<watch::Sender<Level>>, first: Level) {
    let mut level = first;
    loop {
        // Somebody may have asked harder meanwhile.
        stop.send_if_modified(|known| {
            let is_harder = *known < level;
            *known = level.max(*known);
            is_harder
        });
        if level == Level::Kill {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(PATIENCE) => level = level.next(),
            () = stop.closed() => return,
        }
    }
}

impl Session {
    /// Writes an event down and shows it. The first one of an execution makes its folder.
    fn record(&mut self, now: Timestamp, id: &Id, event: &Event) -> Result<(), SessionError> {
        if matches!(event, Event::RunStarted(_)) && !self.runs.contains_key(id) {
            let run = self.template.of(id);
            self.pinned.save(&run.run_dir, &self.setup)?;
            let journal = Journal::create(&run.run_dir)?;
            let run = Arc::new(run);
            self.runs.insert(Arc::clone(id), Hosted { run, journal });
        }
        let Some(hosted) = self.runs.get_mut(id) else {
            return Ok(());
        };
        // What is recorded is what is shown: neither may hold a secret.
        let event = event.clone().masked(|text| hosted.run.secrets.mask_in(text));
        let record = hosted.journal.append(now, event)?;
        hosted.run.screen.record(id, &record);
        if let Event::RunFinished { status, .. } = &record.event {
            hosted.clean_up(*status);
        }
        Ok(())
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

impl Hosted {
    /// Leaves of the run's working folders only what helps to understand a failure.
    fn clean_up(&self, status: RunStatus) {
        if status == RunStatus::Succeeded {
            remove_all(&self.run.run_dir.join("work"));
        } else {
            self.run.slots.remove_empty();
        }
    }
}

impl Run {
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

fn job(
    run: &Arc<Run>,
    name: ActionName,
    log: &str,
    action: Arc<ir::Action>,
    plan: ActionPlan,
    resolved: Resolved,
    inputs: Vec<(String, Artifact)>,
) -> (watch::Sender<Level>, Job) {
    let (stop, stopped) = watch::channel(Level::Go);
    let run = Arc::clone(run);
    let log = run.run_dir.join(log);
    let log = Log::new(log, name.clone(), Arc::clone(&run.secrets), Arc::clone(&run.screen));
    let job = Job {
        run,
        action,
        plan,
        name,
        resolved,
        inputs,
        dir: PathBuf::new(),
        log,
        stop: stopped,
        token: None,
        notes: Mutex::default(),
    };
    (stop, job)
}
