//! `pipe resume`, `pipe retry`, `pipe rollback`: carry on what an earlier process has left.

use std::path::{Path, PathBuf};

use super::args::{CarryOnArgs, ResumeArgs, RetryArgs, RollbackArgs};
use super::definition::{carried_out, secrets_again, told};
use super::error::Error;
use super::history::{read, run_dir, state_dir};
use super::status::Status;
use crate::ir::RetryMode;

use crate::run::history::find;
use crate::run::outcome::StageStatus;
use crate::run::setup::{Setup, read_pipeline};
use crate::run::{self, GoOn, keeper};

/// Goes on with a run.
pub(super) fn resume(args: &ResumeArgs) -> Result<Status, Error> {
    let enable = args.enable.clone();
    carry_on(&args.how, &GoOn::Resume { enable }, || run_dir(&args.run))
}

/// Tries a stage again.
pub(super) fn retry(args: &RetryArgs) -> Result<Status, Error> {
    let stage = args.stage.clone();
    let mode = if args.all {
        RetryMode::AllActions
    } else {
        RetryMode::FailedActions
    };
    carry_on(&args.how, &GoOn::Retry { stage, mode }, || run_dir(&args.run))
}

/// Puts a stage back.
pub(super) fn rollback(args: &RollbackArgs) -> Result<Status, Error> {
    let stage = args.stage.clone();
    carry_on(&args.how, &GoOn::Rollback { stage }, || {
        let state = state_dir(&args.state)?;
        match &args.run {
            Some(run) => Ok(find::run(&state, Some(run))?),
            None => target(&state, &args.stage),
        }
    })
}

fn carry_on(
    args: &CarryOnArgs,
    request: &GoOn,
    find: impl FnOnce() -> Result<PathBuf, Error>,
) -> Result<Status, Error> {
    // Before anything else: from here on this is the runner, unless its keeper has come back with the runner's answer.
    if let Some(status) = keeper::keep() {
        return Ok(Status::OfRun(status));
    }
    let run_dir = find()?;
    let mut options = told(&args.tell, carried_out(&args.how));
    // A folder that cannot be read is told of by whoever takes the run up.
    if let (Ok(setup), Ok(pipeline)) = (Setup::read(&run_dir), read_pipeline(&run_dir))
        && let Some(local) = setup.local_secrets
    {
        let again = secrets_again(&local, &pipeline.name.value);
        options.secrets = options.secrets.and_local(local.names(), again);
    }
    Ok(Status::OfRun(run::go_on(&run_dir, request, &options).exit_code()))
}

/// The newest run that succeeded in a stage before the last one that entered it.
fn target(state: &Path, stage: &str) -> Result<PathBuf, Error> {
    let mut dirs = find::run_dirs(state);
    dirs.sort_by_key(|dir| std::cmp::Reverse(find::started(dir)));
    let mut pipeline = None;
    for dir in dirs {
        let Ok(run) = read(&dir) else { continue };
        let run = run.record;
        let Some(found) = run.stage(stage).filter(|found| found.attempt > 0) else {
            continue;
        };
        match &pipeline {
            None => pipeline = Some(run.pipeline),
            Some(name)
                if *name == run.pipeline && found.end.is_some_and(|end| end.status == StageStatus::Succeeded) =>
            {
                return Ok(dir);
            }
            Some(_) => {}
        }
    }
    Err(Error::NothingToGoBackTo {
        stage: stage.to_owned(),
    })
}
