//! `pipe stop`: lets a run come to its end, or ends it.

use std::path::Path;

use super::args::StopArgs;
use super::console::Console;
use super::error::Error;
use super::history::{read, run_dir};
use super::status::Status;
use crate::run::history::Standing;
use crate::run::history::control::{self, ControlError, DoneBy};
use crate::run::inbox::Ask;
use crate::run::view::next::Next;

/// Stops a run.
pub(super) fn stop(args: &StopArgs, console: &mut Console) -> Result<Status, Error> {
    let run_dir = run_dir(&args.run)?;
    let run = read(&run_dir)?;
    let id = run.record.short_id();
    let ask = Ask::Stop {
        abandon: args.abandon,
        reason: args.reason.clone().unwrap_or_else(|| format!("stopped by {}", user())),
    };
    match control::ask(&run_dir, &ask) {
        Ok(DoneBy::Runner) => {
            let how = if args.abandon {
                "what runs is asked to end"
            } else {
                "what runs comes to its end, nothing new starts"
            };
            console.print(&format!("run {id} of {} stops: {how}\n", run.record.pipeline))?;
            Ok(Status::Fine)
        }
        Ok(DoneBy::Us) => {
            let run = read(&run_dir)?;
            console.print(&match &run.standing {
                Standing::WaitsForAnswer { actions, .. } => format!(
                    "run {id} of {} stops when {} is answered; to end it now: pipe stop {id} --abandon\n",
                    run.record.pipeline,
                    actions.join(" and ")
                ),
                standing => format!("run {id} of {}: {standing}\n", run.record.pipeline),
            })?;
            Ok(Status::Fine)
        }
        Err(ControlError::Refused(message)) => {
            let help = if run.record.has_ended() {
                format!("`pipe show {id}` says how it ended")
            } else {
                format!("to end what runs: `pipe stop {id} --abandon`")
            };
            Ok(refused(&message, &help, console))
        }
        Err(why) => Err(Error::Control {
            run: run.record.id,
            why,
        }),
    }
}

/// Says that something was not granted: the answer is no.
pub(super) fn refused(message: &str, help: &str, console: &mut Console) -> Status {
    console.note(&format!("refused: {message}\n  help: {help}\n"));
    Status::No
}

/// Says how a run stands after something was done to it, and how it goes on if nobody carries it out.
pub(super) fn carry_on(run_dir: &Path, by: DoneBy, console: &mut Console) -> Result<Status, Error> {
    let run = read(run_dir)?;
    let id = run.record.short_id();
    match by {
        DoneBy::Runner => {}
        DoneBy::Us if run.record.has_ended() => console.print(&format!("run {id}: {}\n", run.standing))?,
        DoneBy::Us => console.print(&format!(
            "nobody carries the run out now; {}",
            Next::new(run_dir).resume()
        ))?,
    }
    Ok(Status::Fine)
}

/// Who asks, as the journal will name them.
pub(super) fn user() -> String {
    let name = ["USER", "LOGNAME"].into_iter().find_map(std::env::var_os);
    let name = name.map(|name| name.to_string_lossy().into_owned());
    name.filter(|name| !name.is_empty())
        .unwrap_or_else(|| "somebody".to_owned())
}
