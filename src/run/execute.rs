//! Does what the engine says: starts actions, tells how they ended, writes events down, shows them.
//!
//! One loop owns engine and journal. Each action is a task of its own whose end the loop awaits; whatever a task holds
//! (processes, files, its log) is gone when it has ended.

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

use super::drivers::{self, Job};
use super::engine::{Command, Ended, Engine, Input, Verdict, log_path};
use super::event::ActionName;
use super::journal::Journal;
use super::log::Log;
use super::outcome::{Failure, RunOutcome, RunStatus};
use super::planned::Driver;
use super::planned::{ActionPlan, ActionRef, How, RuleRef};
use super::process::Level;
use super::settings::Settings;
use super::slots::remove_all;
use super::store::Artifact;
use super::variables::Resolved;
use super::{Run, keeper};
use crate::ir;

/// Runs to the end on a runtime of its own.
pub(super) fn execute(run: Arc<Run>, journal: Journal) -> io::Result<RunOutcome> {
    // More than there are cores, because a thread that starts a program sleeps until the program is loaded.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads((2 * cores).clamp(2, 16))
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        let mut loop_ = Loop::new(Arc::clone(&run), journal)?;
        let outcome = loop_.run().await;
        run.screen.finish();
        outcome
    });
    // A thread may still wait for a line on standard input.
    runtime.shutdown_timeout(Duration::from_millis(10));
    keeper::sweep();
    outcome
}

/// What a task is the execution of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum What {
    Action(ActionRef, u32),
    Rule(RuleRef),
}

struct Loop {
    run: Arc<Run>,
    engine: Engine,
    journal: Journal,
    tasks: JoinSet<Input>,
    running: HashMap<Id, (What, watch::Sender<Level>)>,
    signals: Signals,
    /// The first signal that asked us to end.
    ended_by: Option<i32>,
    level: Level,
}

impl Loop {
    fn new(run: Arc<Run>, journal: Journal) -> io::Result<Self> {
        let engine = Engine::new(
            Arc::clone(&run.pipeline),
            Arc::clone(&run.plan),
            &run.execution_id,
            run.jobs,
        );
        Ok(Self {
            run,
            engine,
            journal,
            tasks: JoinSet::new(),
            running: HashMap::new(),
            signals: Signals::new()?,
            ended_by: None,
            level: Level::Go,
        })
    }

    async fn run(&mut self) -> io::Result<RunOutcome> {
        let mut input = Input::Start;
        loop {
            if let Some(status) = self.step(input)? {
                self.clean_up(status);
                return Ok(match (status, self.ended_by) {
                    (RunStatus::Succeeded, _) => RunOutcome::Succeeded,
                    (_, Some(signal)) => RunOutcome::Interrupted { signal },
                    (RunStatus::Failed | RunStatus::Stopped, None) => RunOutcome::Failed,
                });
            }
            input = self.next_input().await;
        }
    }

    /// What happens next.
    async fn next_input(&mut self) -> Input {
        let deadline = self.engine.next_deadline();
        let timer = async move {
            match deadline {
                Some(deadline) => {
                    let wait = deadline.duration_since(Timestamp::now());
                    tokio::time::sleep(wait.try_into().unwrap_or_default()).await;
                }
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            asked = self.signals.next() => {
                self.ended_by.get_or_insert(asked.number);
                Input::StopRequested { reason: asked.reason, at_once: asked.at_once }
            }
            Some(ended) = self.tasks.join_next_with_id() => match ended {
                Ok((id, input)) => {
                    self.running.remove(&id);
                    input
                }
                Err(error) => {
                    let what = self.running.remove(&error.id());
                    what.map_or(Input::Tick, |(what, _)| broken(what))
                }
            },
            () = timer => Input::Tick,
        }
    }

    /// Gives an input to the engine and does what it says.
    fn step(&mut self, input: Input) -> io::Result<Option<RunStatus>> {
        let now = Timestamp::now();
        let mut finished = None;
        let commands = self.engine.handle(now, input);
        for command in &commands {
            if let Command::Record(event) = command {
                // What is recorded is what is shown: neither may hold a secret.
                let event = event.clone().masked(|text| self.run.secrets.mask_in(text));
                let record = self.journal.append(now, event)?;
                self.run.screen.record(&record);
            }
        }
        // All causes are written down before the first consequence.
        self.journal.flush()?;
        for command in commands {
            match command {
                Command::Record(_) => {}
                Command::StartAction {
                    at,
                    attempt,
                    resolved,
                    inputs,
                } => self.start_action(at, attempt, *resolved, inputs),
                Command::StartRule { at, resolved, inputs } => self.start_rule(at, *resolved, inputs),
                Command::SignalAll(level) => {
                    self.level = level;
                    #[expect(clippy::iter_over_hash_type, reason = "all get it, in whatever order")]
                    for (_, stop) in self.running.values() {
                        let _ = stop.send(level);
                    }
                }
                Command::Signal(at, level) => {
                    let of = |what: &What| matches!(what, What::Action(action, _) if *action == at);
                    for (_, stop) in self.running.values().filter(|(what, _)| of(what)) {
                        let _ = stop.send(level);
                    }
                }
                Command::Finish(status) => finished = Some(status),
            }
        }
        Ok(finished)
    }

    fn start_action(&mut self, at: ActionRef, attempt: u32, resolved: Resolved, inputs: Vec<(String, Artifact)>) {
        let stage = &self.run.pipeline.stages[at.stage];
        let action = &stage.actions[at.action];
        let name = ActionName {
            stage: stage.name.value.clone(),
            action: action.name.value.clone(),
            attempt,
        };
        let (stop, job) = self.job(
            name,
            Arc::new(action.clone()),
            self.run.plan.action(at).clone(),
            resolved,
            inputs,
        );
        let handle = self.tasks.spawn(async move {
            let ended = run_action(job).await;
            Input::ActionEnded { at, attempt, ended }
        });
        self.running.insert(handle.id(), (What::Action(at, attempt), stop));
    }

    fn start_rule(&mut self, at: RuleRef, resolved: Resolved, inputs: Vec<(String, Artifact)>) {
        let stage = &self.run.pipeline.stages[at.stage];
        let condition = match at.position {
            super::planned::Position::BeforeEntry => stage.before_entry.as_ref(),
            super::planned::Position::OnSuccess => stage.on_success.as_ref(),
            super::planned::Position::OnFailure => {
                stage.on_failure.as_ref().and_then(|failure| failure.condition.as_ref())
            }
        };
        let Some(rule) = condition.and_then(|condition| condition.rules.get(at.rule)) else {
            return;
        };
        let name = ActionName {
            stage: stage.name.value.clone(),
            // A space cannot be in an action's name.
            action: format!("{} {}", at.position.words().replace(' ', "-"), rule.name),
            attempt: 1,
        };
        let driver = self.run.plan.rules.get(&at).copied().unwrap_or(Driver::Simulate);
        let plan = ActionPlan {
            how: if driver == Driver::Simulate {
                How::Simulated
            } else {
                How::CarriedOut
            },
            driver,
            settings: Settings::default(),
            source: None,
        };
        let (stop, job) = self.job(name, Arc::new(as_action(rule)), plan, resolved, inputs);
        let handle = self.tasks.spawn(async move { run_rule(at, job).await });
        self.running.insert(handle.id(), (What::Rule(at), stop));
    }

    fn job(
        &self,
        name: ActionName,
        action: Arc<ir::Action>,
        plan: ActionPlan,
        resolved: Resolved,
        inputs: Vec<(String, Artifact)>,
    ) -> (watch::Sender<Level>, Job) {
        let (stop, stopped) = watch::channel(self.level);
        let run = Arc::clone(&self.run);
        let log = run.run_dir.join(log_path(&name));
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
        };
        (stop, job)
    }

    /// Leaves of the run's working folders only what helps to understand a failure.
    fn clean_up(&self, status: RunStatus) {
        if status == RunStatus::Succeeded {
            remove_all(&self.run.run_dir.join("work"));
        } else {
            self.run.slots.remove_empty();
        }
    }
}

/// A task that ended in a bug of ours: its action failed, and the run comes to an orderly end.
fn broken(what: What) -> Input {
    match what {
        What::Action(at, attempt) => Input::ActionEnded {
            at,
            attempt,
            ended: Ended {
                failure: Some(Failure::new(
                    "the program itself failed while carrying it out; please report this",
                )),
                ..Ended::default()
            },
        },
        What::Rule(at) => Input::RuleEnded {
            at,
            verdict: Verdict {
                satisfied: false,
                simulated: false,
                message: "the program itself failed while looking; please report this".to_owned(),
            },
        },
    }
}

async fn run_action(mut job: Job) -> Ended {
    job.dir = job.run.slots.take();
    let result = drivers::carry_out(&mut job).await;
    let result = match (result, job.log.finish()) {
        (Ok(_), Err(error)) => Err(Failure::new(format!("its log could not be kept: {error}"))),
        (result, _) => result,
    };
    match result {
        Ok(done) => {
            give_back(&job);
            Ended {
                failure: None,
                variables: done.variables,
                artifacts: done.artifacts,
                notes: done.notes,
            }
        }
        Err(mut failure) => {
            // Of an approval the log says no more than the message.
            if failure.tail.is_empty() && job.plan.driver != Driver::Approval {
                failure.tail = job.log.tail();
            }
            let has_files = std::fs::read_dir(&job.dir).is_ok_and(|mut entries| entries.next().is_some());
            if has_files {
                failure.directory = Some(job.dir.clone().into());
            } else {
                give_back(&job);
            }
            Ended {
                failure: Some(failure),
                ..Ended::default()
            }
        }
    }
}

async fn run_rule(at: RuleRef, mut job: Job) -> Input {
    job.dir = job.run.slots.take();
    let result = drivers::carry_out(&mut job).await;
    let _ = job.log.finish();
    give_back(&job);
    let simulated = job.plan.how == How::Simulated;
    let verdict = match result {
        Ok(_) if simulated => Verdict {
            satisfied: true,
            simulated,
            message: format!(
                "{} is not evaluated on this machine; taken as satisfied",
                job.action.type_id.provider
            ),
        },
        Ok(done) => Verdict {
            satisfied: true,
            simulated,
            message: if done.notes.is_empty() {
                "yes".to_owned()
            } else {
                done.notes.join("; ")
            },
        },
        Err(failure) => Verdict {
            satisfied: false,
            simulated,
            message: match failure.command {
                Some(command) => format!("{} (`{command}`)", failure.message),
                None => failure.message,
            },
        },
    };
    Input::RuleEnded { at, verdict }
}

/// Removes the folders beside the action's own, and empties that for the next one: in this order, since with it the next one
/// gets those beside it too.
fn give_back(job: &Job) {
    if job.inputs.len() > 1 {
        remove_all(&job.beside("inputs"));
    }
    for what in ["outputs", "build", "clone", "unzipped"] {
        if has_such_folder(job, what) {
            remove_all(&job.beside(what));
        }
    }
    job.run.slots.give_back(&job.dir);
}

/// Which drivers make which folders, so that a thousand small actions do not ask for what was never there.
fn has_such_folder(job: &Job, what: &str) -> bool {
    match what {
        "outputs" => job.plan.driver == Driver::StandIn && !job.action.outputs.is_empty(),
        "build" => job.plan.driver == Driver::Buildspec,
        "clone" => job.plan.driver == Driver::GitSource,
        _ => job.plan.driver == Driver::FileSource,
    }
}

/// A rule in the form of an action, for the drivers.
fn as_action(rule: &ir::Rule) -> ir::Action {
    ir::Action {
        handle: rule.handle.clone(),
        name: rule.name.clone(),
        type_id: rule.type_id.clone(),
        run_order: 1,
        configuration: rule.configuration.clone(),
        commands: rule.commands.clone(),
        environment: Vec::new(),
        inputs: rule.inputs.clone(),
        outputs: Vec::new(),
        output_variables: Vec::new(),
        role_arn: rule.role_arn.clone(),
        region: rule.region.clone(),
        namespace: None,
        timeout_minutes: rule.timeout_minutes.clone(),
        exports: Vec::new(),
        when: Vec::new(),
        local: ir::Local::default(),
        origin: rule.origin,
        incomplete: rule.incomplete,
    }
}

/// What asks us to end.
struct Signals {
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

struct Asked {
    number: i32,
    reason: String,
    at_once: bool,
}

impl Signals {
    fn new() -> io::Result<Self> {
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

    async fn next(&mut self) -> Asked {
        loop {
            let (counts, direct, number, reason) = tokio::select! {
                _ = self.interrupt.recv() => (&mut self.interrupts, true, 2, "interrupted"),
                _ = self.kept_interrupt.recv() => (&mut self.interrupts, false, 2, "interrupted"),
                _ = self.terminate.recv() => (&mut self.terminations, true, 15, "asked to terminate"),
                _ = self.kept_terminate.recv() => (&mut self.terminations, false, 15, "asked to terminate"),
                _ = self.hangup.recv() => (&mut self.terminations, true, 1, "the terminal was closed"),
                _ = self.quit.recv() => return Asked { number: 3, reason: "asked to quit".to_owned(), at_once: true },
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
            let at_once = keeper::is_lost();
            let reason = if at_once { "the keeper is gone" } else { reason }.to_owned();
            return Asked {
                number,
                reason,
                at_once,
            };
        }
    }
}
