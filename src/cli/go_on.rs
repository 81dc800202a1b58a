//! `pipe resume`, `pipe retry`, `pipe rollback`: carry on what an earlier process has left.

use std::path::{Path, PathBuf};

use super::args::{CarryOnArgs, ResumeArgs, RetryArgs, RollbackArgs};
use super::console::Console;
use super::definition::{carried_out, secrets_again, told};
use super::error::Error;
use super::history::{self, read, run_dir, stage, state_dir};
use super::status::Status;
use super::stop::refused;
use crate::ir::RetryMode;
use crate::run::event::TriggerType;
use crate::run::history::{Standing, StoredRun, find};
use crate::run::outcome::{RunOutcome, StageStatus};
use crate::run::setup::{Setup, read_pipeline};
use crate::run::{self, GoOn, keeper};

/// Goes on with a run.
pub(super) fn resume(args: &ResumeArgs, console: &mut Console) -> Result<Status, Error> {
    carry_on(&args.how, || {
        let run_dir = run_dir(&args.run)?;
        if let Ok(run) = history::read(&run_dir)
            && run.record.has_ended()
        {
            return Ok(Found::Ended(ended(&run, console)));
        }
        let enable = args.enable.iter().map(|word| stage(&run_dir, word));
        let enable = enable.collect::<Result<_, _>>()?;
        Ok(Found::Run(run_dir, GoOn::Resume { enable }))
    })
}

/// Says of a run that has ended what can be done instead.
fn ended(run: &StoredRun, console: &mut Console) -> Status {
    let (id, trigger) = (run.record.short_id(), &run.record.trigger);
    let help = match run.standing {
        Standing::Failed { .. } | Standing::Stopped => format!("try it again: `pipe retry {id}`"),
        _ if trigger.kind == TriggerType::StartPipelineExecution => format!("start a new one: `{}`", trigger.detail),
        _ => "start a new one: `pipe run FILE`".to_owned(),
    };
    refused(
        &format!("run `{id}` has ended already: {}", run.standing),
        &help,
        console,
    );
    Status::OfRun(RunOutcome::Refused.exit_code())
}

/// Tries a stage again.
pub(super) fn retry(args: &RetryArgs) -> Result<Status, Error> {
    let mode = if args.all {
        RetryMode::AllActions
    } else {
        RetryMode::FailedActions
    };
    carry_on(&args.how, || {
        let run_dir = run_dir(&args.run)?;
        let stage = args.stage.as_ref().map(|word| stage(&run_dir, word)).transpose()?;
        Ok(Found::Run(run_dir, GoOn::Retry { stage, mode }))
    })
}

/// Puts a stage back.
pub(super) fn rollback(args: &RollbackArgs) -> Result<Status, Error> {
    carry_on(&args.how, || {
        let state = state_dir(&args.state)?;
        let (run_dir, stage) = match &args.run {
            Some(run) => {
                let run_dir = find::run(&state, Some(run))?;
                let stage = stage(&run_dir, &args.stage)?;
                (run_dir, stage)
            }
            None => target(&state, &args.stage)?,
        };
        Ok(Found::Run(run_dir, GoOn::Rollback { stage }))
    })
}

/// What a command is about.
enum Found {
    /// A run, and what is to be done with it.
    Run(PathBuf, GoOn),
    /// A run with which that cannot be done, of which somebody was told.
    Ended(Status),
}

fn carry_on(args: &CarryOnArgs, find: impl FnOnce() -> Result<Found, Error>) -> Result<Status, Error> {
    // Before anything else: from here on this is the runner, unless its keeper has come back with the runner's answer.
    if let Some(status) = keeper::keep() {
        return Ok(Status::OfRun(status));
    }
    let (run_dir, request) = match find()? {
        Found::Run(run_dir, request) => (run_dir, request),
        Found::Ended(status) => return Ok(status),
    };
    let mut options = told(&args.tell, carried_out(&args.how))?;
    // A folder that cannot be read is told of by whoever takes the run up.
    if let (Ok(setup), Ok(pipeline)) = (Setup::read(&run_dir), read_pipeline(&run_dir))
        && let Some(local) = setup.local_secrets
    {
        let again = secrets_again(&local, &pipeline.name.value);
        options.secrets = options.secrets.and_local(local.names(), again);
    }
    Ok(Status::OfRun(run::go_on(&run_dir, &request, &options).exit_code()))
}

/// The newest run that succeeded in a stage before the last one that entered it; and the stage's name.
fn target(state: &Path, word: &str) -> Result<(PathBuf, String), Error> {
    let mut dirs = find::run_dirs(state);
    dirs.sort_by_key(|dir| std::cmp::Reverse(find::started(dir)));
    let stage = match dirs.iter().find_map(|dir| stage(dir, word).ok()) {
        Some(stage) => stage,
        // The newest has names to offer.
        None => stage(&find::run(state, None)?, word)?,
    };
    let mut pipeline = None;
    for dir in dirs {
        let Ok(run) = read(&dir) else { continue };
        let run = run.record;
        let Some(found) = run.stage(&stage).filter(|found| found.attempt > 0) else {
            continue;
        };
        match &pipeline {
            None => pipeline = Some(run.pipeline),
            Some(name)
                if *name == run.pipeline && found.end.is_some_and(|end| end.status == StageStatus::Succeeded) =>
            {
                return Ok((dir, stage));
            }
            Some(_) => {}
        }
    }
    Err(Error::NothingToGoBackTo { stage })
}
