//! `pipe logs`: what actions printed.

use super::args::LogsArgs;
use super::console::Console;
use super::error::Error;
use super::history::{action, read, with_word};
use super::status::Status;
use crate::run::history::logs::{self, LogError, Wanted};

/// Prints the logs of a run, or follows them.
pub(super) fn logs(args: &LogsArgs, console: &mut Console) -> Result<Status, Error> {
    let (run_dir, word) = with_word(&args.choice)?;
    let wanted = match word {
        None => Wanted::default(),
        Some(word) => {
            let place = action(&read(&run_dir)?.record, &word)?;
            let attempt = word.split_once('#').map(|(_, attempt)| format!("#{attempt}"));
            Wanted {
                action: Some(place + &attempt.unwrap_or_default()),
            }
        }
    };
    let mut out = |bytes: &[u8]| console.print_bytes(bytes);
    let printed = if args.follow {
        logs::follow(&run_dir, &wanted, &mut out)
    } else {
        logs::print(&run_dir, &wanted, &mut out)
    };
    printed.map_err(|error| match error {
        LogError::Out(why) => Error::Output(why),
        other => Error::Logs(other),
    })?;
    if args.follow {
        let run = read(&run_dir)?;
        console.note(&format!("run {}: {}\n", run.record.short_id(), run.standing));
    }
    Ok(Status::Fine)
}
