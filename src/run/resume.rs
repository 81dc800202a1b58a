//! Starting runs, and going on with those of earlier processes.
//!
//! All executions of a pipeline that have not ended share its stages, so a process that carries one out carries out all of them:
//! one that was cut off goes on before and beside a new one, as it would in the service.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::engine::{Execution, Id, Input, Refused, Start};
use super::event::{Event, Record, Started, Trigger, TriggerType};
use super::history::find;
use super::journal::{self, JournalError};
use super::lock::PipelineLock;
use super::lost::Rest;
use super::outcome::{RunOutcome, StageStatus};
use super::outlook::Outlook;
use super::part::stage_index;
use super::plan;
use super::planned::ActionRef;
use super::refusal::Refusal;
use super::restore::{self, RestoreError, Stored};
use super::session::{self, Hosted, Session, SessionError};
use super::setup::{Boot, Setup};
use super::units::short;
use super::watch::{Changes, Watch};
use super::{Drivers, RunOptions, prepare as preparing, say};
use crate::ir::{ExecutionMode, RetryMode, Stage};

/// How many earlier runs are looked at for one to roll back to.
const FAR_BACK: usize = 200;

/// What to do with a run of an earlier process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GoOn {
    /// Goes on where it was cut off or left waiting; opens the way into these stages.
    Resume { enable: Vec<String> },
    /// Tries a stage again; none: the one in which it ended.
    Retry { stage: Option<String>, mode: RetryMode },
    /// Puts a stage back to what this run did in it.
    Rollback { stage: String },
}

/// Everything that stands ready to be carried out.
pub(super) struct Going {
    session: Session,
    first: Vec<Input>,
    /// What has to be done again.
    lost: Vec<(Id, ActionRef)>,
    lock: Option<PipelineLock>,
}

impl Going {
    pub(super) fn carry_out(self, watch: Option<Watch<'_>>) -> Result<RunOutcome, SessionError> {
        let outcome = session::carry_out(self.session, self.first, watch);
        drop(self.lock);
        outcome
    }
}

/// Carries out a new run, and what is left of earlier ones.
pub(super) fn start(
    outlook: Outlook,
    drivers: &dyn Drivers,
    changes: Option<Changes<'_>>,
) -> Result<RunOutcome, SessionError> {
    let Outlook {
        pipeline,
        options,
        plan,
        inherited,
        ..
    } = outlook;
    let given = options.execution_id.clone();
    let id = given.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let stage = |name: &Option<String>| {
        let index = stage_index(&pipeline, name.as_ref()?)?;
        Some(pipeline.stages[index].name.value.clone())
    };
    let start = Start {
        execution: id.clone(),
        trigger: Trigger {
            kind: TriggerType::StartPipelineExecution,
            detail: options.command_line(),
        },
        variables: plan.variables.clone(),
        first_stage: stage(&options.first_stage),
        last_stage: stage(&options.last_stage),
        inherited,
    };
    let setup = Setup::new(&pipeline, drivers, &options);
    let pipeline = Arc::new(pipeline.into_owned());
    let session = preparing::session(pipeline, plan, setup, options, &id)?;
    let mut going = Going {
        lock: lock(&session, &id)?,
        session,
        first: Vec::new(),
        lost: Vec::new(),
    };
    if going.take_up_others(None)? {
        let reason = "it was cut off".to_owned();
        let lost = std::mem::take(&mut going.lost);
        going.first.push(Input::Resume { reason, lost });
    }
    going.first.push(Input::Start(Box::new(start)));
    let watch = changes.map(|changes| Watch::new(changes, &going.session.template));
    going.carry_out(watch.transpose()?)
}

/// Takes up a run; or says why it cannot be carried out here.
pub(super) fn prepare(
    run_dir: &Path,
    request: &GoOn,
    options: &RunOptions,
) -> Result<Result<Going, Vec<Refusal>>, SessionError> {
    let state_dir = run_dir.parent().and_then(Path::parent).unwrap_or(run_dir);
    let stored = restore::open(run_dir)?;
    let options = RunOptions {
        state_dir: Some(state_dir.to_owned()),
        secrets: options.secrets.clone(),
        yes: options.yes,
        wait: options.wait,
        jobs: options.jobs,
        show: options.show,
        junit: options.junit.clone(),
        environment: options.environment.clone(),
        answers_from_stdin: options.answers_from_stdin,
        ..stored.options()
    };
    let (plan, mut refusals) = plan::look(&stored.pipeline, &stored.setup, &options);
    if !refusals.is_empty() {
        drop_what_is_done(&mut refusals, &stored, request)?;
    }
    if !refusals.is_empty() {
        return Ok(Err(refusals));
    }
    let id = Arc::clone(&stored.id);
    let session = preparing::session(Arc::clone(&stored.pipeline), plan, stored.setup.clone(), options, &id)?;
    let mut going = Going {
        lock: lock(&session, &id)?,
        session,
        first: Vec::new(),
        lost: Vec::new(),
    };
    going.take_up_others(Some(stored))?;
    if let Err(refusals) = going.look_for_losses(&id, run_dir, request)? {
        return Ok(Err(refusals));
    }
    going.ask(&id, request)?;
    going.try_out()?;
    Ok(Ok(going))
}

/// Leaves what stands in the way of something that may still be carried out.
fn drop_what_is_done(refusals: &mut Vec<Refusal>, stored: &Stored, request: &GoOn) -> Result<(), SessionError> {
    let engine = stored.engine(stored.recorded_plan())?;
    if let Some(rest) = engine
        .execution(&stored.id)
        .and_then(|execution| rest_of(execution, request))
    {
        refusals.retain(|refusal| rest.is_concerned(refusal));
    }
    Ok(())
}

/// What a request leaves to be done; none where it names a stage that is not there, which the engine refuses.
fn rest_of<'a>(execution: &'a Execution, request: &GoOn) -> Option<Rest<'a>> {
    let index = |stage: &str| execution.definition.stage_index(stage);
    match request {
        GoOn::Resume { .. } => Some(Rest::of(execution)),
        GoOn::Retry { stage, mode } => {
            let stage = stage.clone().or_else(|| failed_stage(execution));
            let all = *mode == RetryMode::AllActions;
            index(&stage?).map(|stage| Rest::retried(execution, stage, all))
        }
        GoOn::Rollback { stage } => index(stage).map(|stage| Rest::rolled_back(execution, stage)),
    }
}

/// The stage in which an execution ended.
fn failed_stage(execution: &Execution) -> Option<String> {
    let has_ended = |status: &Option<StageStatus>| matches!(status, Some(StageStatus::Failed | StageStatus::Stopped));
    let index = execution.stages.iter().rposition(|stage| has_ended(&stage.status))?;
    Some(execution.definition.stage(index).name.value.clone())
}

/// In PARALLEL mode executions have nothing to do with each other.
fn lock(session: &Session, id: &str) -> io::Result<Option<PipelineLock>> {
    let template = &session.template;
    if session.engine.state().mode() == ExecutionMode::Parallel {
        return Ok(None);
    }
    let name = &template.pipeline.name.value;
    PipelineLock::acquire(&template.state_dir, name, short(id)).map(Some)
}

impl Going {
    /// Turns the request into inputs.
    fn ask(&mut self, id: &Id, request: &GoOn) -> Result<(), SessionError> {
        let reason = "the process that carried it out is gone".to_owned();
        let lost = std::mem::take(&mut self.lost);
        self.first.push(Input::Resume { reason, lost });
        let execution = Arc::clone(id);
        match request {
            GoOn::Resume { enable } => {
                let is_over = self
                    .session
                    .engine
                    .execution(id)
                    .is_none_or(|execution| !execution.is_live());
                if is_over {
                    let execution = short(id).to_owned();
                    return Err(Refused::PipelineExecutionNotStoppable { execution }.into());
                }
                let open = enable.iter().map(|stage| Input::Transition {
                    stage: stage.clone(),
                    disabled: None,
                });
                self.first.extend(open);
            }
            GoOn::Retry { stage, mode } => {
                let stage = stage
                    .clone()
                    .or_else(|| self.session.engine.execution(id).and_then(failed_stage))
                    .unwrap_or_default();
                let mode = *mode;
                self.first.push(Input::Retry { execution, stage, mode });
            }
            GoOn::Rollback { stage } => {
                let stage = stage.clone();
                let target = execution;
                let detail = "pipe rollback".to_owned();
                self.first.push(Input::Rollback { stage, target, detail });
            }
        }
        Ok(())
    }

    /// Finds out whether the request is refused, before anything is done: not even other runs are gone on with then.
    fn try_out(&self) -> Result<(), Refused> {
        let mut engine = self.session.engine.clone();
        let now = Timestamp::now();
        self.first
            .iter()
            .try_for_each(|input| engine.handle(now, input.clone()).map(drop))
    }

    /// Finds out what of a run the machine has lost since, if it was started anew; or why it cannot be carried on.
    fn look_for_losses(
        &mut self,
        id: &Id,
        run_dir: &Path,
        request: &GoOn,
    ) -> Result<Result<(), Vec<Refusal>>, SessionError> {
        let Some(boot) = Boot::now().filter(|boot| !boot.is_that_of(run_dir)) else {
            return Ok(Ok(()));
        };
        let Some(execution) = self.session.engine.execution(id) else {
            return Ok(Ok(()));
        };
        let Some(rest) = rest_of(execution, request) else {
            return Ok(Ok(()));
        };
        match rest.check(&self.session.template.store) {
            Ok(lost) => {
                // All that is left was looked at, and need not be again; but what has to be done again is not there yet.
                if lost.is_empty() && !matches!(request, GoOn::Rollback { .. }) {
                    boot.save(run_dir)?;
                }
                self.lost.extend(lost.into_iter().map(|at| (Arc::clone(id), at)));
                Ok(Ok(()))
            }
            Err(refusals) => Ok(Err(refusals)),
        }
    }

    /// Takes up what other runs of the pipeline have left, and what has to be known of those that have ended. In the order of their
    /// start. Whether there is anything to go on with.
    fn take_up_others(&mut self, this: Option<Stored>) -> Result<bool, SessionError> {
        let mut found = self.others(this.as_ref())?;
        found.extend(this.map(|this| Found::Open(Box::new(this))));
        found.sort_by_key(Found::started);
        let mut goes_on = false;
        let mut others = self.session.template.clone();
        // Who says yes to this run has not said it to those.
        others.options = Arc::new(RunOptions {
            yes: false,
            ..(*others.options).clone()
        });
        let journals: Vec<_> = found.iter().map(Found::journal).collect();
        self.session.engine.restore_all(&journals);
        for found in found {
            let Found::Open(stored) = found else { continue };
            // The views and feeds know it, too.
            self.session.template.screen.restore(&stored.id, &stored.records);
            let is_this = stored.id == self.session.main;
            let template = if is_this { &self.session.template } else { &others };
            let run = Arc::new(template.of(&stored.id));
            goes_on |= !is_over(&stored.records);
            let journal = stored.journal;
            self.session.runs.insert(stored.id, Hosted { run, journal });
        }
        Ok(goes_on)
    }

    fn others(&self, this: Option<&Stored>) -> Result<Vec<Found>, SessionError> {
        let template = &self.session.template;
        if self.session.engine.state().mode() == ExecutionMode::Parallel {
            return Ok(Vec::new());
        }
        let needs_history = this.is_some() || template.pipeline.stages.iter().any(Stage::can_roll_back);
        let mut out = Vec::new();
        let dirs = if needs_history {
            find::by_age(&template.state_dir)
        } else {
            find::run_dirs(&template.state_dir)
        };
        let mut ended = 0;
        for dir in dirs {
            let is_this = this.is_some_and(|this| dir.ends_with(&*this.id));
            if is_this || !dir.join(journal::FILE_NAME).exists() {
                continue;
            }
            if has_ended(&dir) {
                if needs_history && ended < FAR_BACK {
                    ended += 1;
                    out.extend(self.ended(&dir));
                }
            } else {
                out.extend(self.unfinished(&dir)?);
            }
        }
        Ok(out)
    }

    /// A run that has ended, if it was one of this definition.
    fn ended(&self, dir: &Path) -> Option<Found> {
        let records = journal::read(dir).ok()?;
        let started = Started::of(&records)?;
        let id: Id = started.execution_id.as_str().into();
        (started.definition == self.session.pinned.digest).then_some(Found::Ended(id, records))
    }

    /// A run that has not ended, if it can be gone on with here.
    fn unfinished(&self, dir: &Path) -> Result<Option<Found>, SessionError> {
        let name = &self.session.template.pipeline.name.value;
        let stored = match restore::open(dir) {
            Ok(stored) if stored.started.pipeline == *name => stored,
            // Of another pipeline, carried out elsewhere, never begun, damaged: it is not in the way.
            Ok(_) | Err(RestoreError::Empty { .. } | RestoreError::Journal(JournalError::Busy)) => return Ok(None),
            Err(error) => {
                say(&format!("warning: {error}\n"));
                return Ok(None);
            }
        };
        if stored.started.definition != self.session.pinned.digest {
            // In the service it would be cancelled. Here the definition changes with every change of the file, and work would be lost.
            say(&format!(
                "run {0} has not ended, and the definition is another one now: `pipe resume {0}` goes on with it, `pipe stop {0}` ends it\n",
                short(&stored.id)
            ));
            return Ok(None);
        }
        if stored.setup.sources != self.session.setup.sources {
            say(&format!(
                "run {0} was cut off, and takes its sources from elsewhere: `pipe resume {0}` goes on with it\n",
                short(&stored.id)
            ));
            return Ok(None);
        }
        if Boot::now().is_some_and(|boot| !boot.is_that_of(dir)) && !self.is_all_there(&stored)? {
            say(&format!(
                "run {0} was cut off when the machine ended, and has lost something: `pipe resume {0}` says what\n",
                short(&stored.id)
            ));
            return Ok(None);
        }
        Ok(Some(Found::Open(Box::new(stored))))
    }

    /// Whether the machine has kept all that is needed to go on with a run.
    fn is_all_there(&self, stored: &Stored) -> Result<bool, SessionError> {
        let engine = stored.engine(stored.recorded_plan())?;
        let rest = engine.execution(&stored.id).map(Rest::of);
        let found = rest.map(|rest| rest.check(&self.session.template.store));
        Ok(found.is_none_or(|found| found.is_ok_and(|lost| lost.is_empty())))
    }
}

/// A run that was found in the state directory.
enum Found {
    Open(Box<Stored>),
    Ended(Id, Vec<Record>),
}

impl Found {
    fn journal(&self) -> (&Id, &[Record]) {
        match self {
            Self::Open(stored) => (&stored.id, &stored.records),
            Self::Ended(id, records) => (id, records),
        }
    }

    fn started(&self) -> Option<Timestamp> {
        Some(self.journal().1.first()?.time)
    }
}

fn is_over(records: &[Record]) -> bool {
    matches!(
        records.last().map(|record| &record.event),
        Some(Event::RunFinished { .. })
    )
}

/// Whether a journal's last line says so, without reading all of it.
fn has_ended(dir: &Path) -> bool {
    const LINE: u64 = 512;
    let tail = || -> io::Result<Vec<u8>> {
        let mut file = File::open(dir.join(journal::FILE_NAME))?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LINE)))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        Ok(tail)
    };
    let tail = tail().unwrap_or_default();
    let last = tail
        .trim_ascii_end()
        .rsplit(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    String::from_utf8_lossy(last).contains("\"event\":\"run_finished\"")
}
