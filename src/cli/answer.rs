//! `pipe approve` and `pipe reject`: answers what waits for one.

use super::args::AnswerArgs;
use super::console::Console;
use super::error::Error;
use super::history::{self, action, with_word};
use super::status::Status;
use super::stop::{carry_on, refused, user};
use crate::run::history::StoredRun;
use crate::run::history::control::{self, ControlError};
use crate::run::inbox::Ask;
use crate::run::record::{ActionRecord, RunRecord};

/// Approves or rejects an action of a run.
pub(super) fn answer(args: &AnswerArgs, approved: bool, console: &mut Console) -> Result<Status, Error> {
    let (run_dir, word) = with_word(&args.choice)?;
    let StoredRun {
        record: run, standing, ..
    } = history::read(&run_dir)?;
    let waiting = waiting(&run);
    let place = match (word, waiting.as_slice()) {
        (Some(word), _) => action(&run, &word).map_err(|why| match why {
            Error::NoAction { name, .. } => Error::NotWaiting {
                name,
                waiting: waiting.clone(),
            },
            other => other,
        })?,
        (None, [one]) => one.clone(),
        (None, []) => {
            let id = run.short_id();
            let message = format!("nothing in run {id} waits for an answer: it is {standing}");
            return Ok(refused(&message, "`pipe runs` says what waits", console));
        }
        (None, several) => {
            return Err(Error::SeveralAnswers {
                actions: several.to_vec(),
            });
        }
    };
    let Some((stage, name)) = place.split_once('/') else {
        return Err(Error::NoAction {
            name: place,
            near: None,
            all: waiting,
        });
    };
    let ask = Ask::Answer {
        stage: stage.to_owned(),
        action: name.to_owned(),
        token: args.token.clone(),
        approved,
        comment: args.comment.clone().unwrap_or_default(),
        by: user(),
    };
    let verdict = if approved { "approved" } else { "rejected" };
    let id = run.short_id();
    match control::ask(&run_dir, &ask) {
        Ok(by) => {
            console.print(&format!("{verdict} {place} of run {id} of {}\n", run.pipeline))?;
            carry_on(&run_dir, by, console)
        }
        Err(ControlError::Refused(message)) => {
            let help = match waiting.as_slice() {
                [] => format!("`pipe show {id}` says how the run stands"),
                waiting => format!("what waits: {}", waiting.join(", ")),
            };
            Ok(refused(&message, &help, console))
        }
        Err(why) => Err(Error::Control { run: run.id, why }),
    }
}

/// The actions that wait for an answer, `Prod/approve`.
fn waiting(run: &RunRecord) -> Vec<String> {
    let open = run.actions().filter(|action| action.is_approval() && action.is_open());
    open.map(ActionRecord::place).collect()
}
