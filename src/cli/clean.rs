//! `pipe clean`: removes old runs.

use std::fmt::Write;

use super::args::CleanArgs;
use super::console::Console;
use super::error::Error;
use super::history::state_dir;
use super::status::Status;
use crate::run::history::list::Unreadable;
use crate::run::history::page::{columns, when};
use crate::run::history::{self, StoredRun, clean as cleaning, find};
use crate::run::units::{bytes, count, short};

/// Removes the oldest ended runs of each pipeline, but some.
pub(super) fn clean(args: &CleanArgs, console: &mut Console) -> Result<Status, Error> {
    let state_dir = state_dir(&args.state)?;
    let mut runs = Vec::new();
    for dir in find::run_dirs(&state_dir) {
        match history::read(&dir) {
            Ok(run) => runs.push(run),
            Err(error) => {
                let it = Unreadable::of(&dir, &error);
                let (id, problem, help) = (short(&it.id), it.problem, it.help);
                console.note(&format!("run {id} is left alone: {problem}\n  help: {help}\n"));
            }
        }
    }
    let old = cleaning::choose(&runs, args.keep);
    let mut rows = Vec::new();
    let mut freed = 0;
    for run in &old {
        let size = if args.dry_run {
            Some(cleaning::size(&run.run_dir))
        } else {
            cleaning::remove(run).map_err(|why| Error::Remove {
                path: run.run_dir.clone(),
                why,
            })?
        };
        if let Some(size) = size {
            freed += size;
            rows.push(row(run, size));
        }
    }
    if !args.dry_run {
        cleaning::finish(&state_dir);
        match cleaning::sweep(&state_dir) {
            Ok(swept) => freed += swept.bytes,
            Err(why) => console.note(&format!(
                "artifacts are left alone: {why}\n  help: what that run needs is not known; remove its folder to clean up after it\n"
            )),
        }
    }
    let verb = if args.dry_run { "would remove" } else { "removed" };
    let mut text = columns(&rows, "");
    let left = count(runs.len() - rows.len(), "run");
    let _ = writeln!(
        text,
        "{verb} {} with {}; {left} left",
        count(rows.len(), "run"),
        bytes(freed)
    );
    console.print(&text)?;
    Ok(Status::Fine)
}

fn row(run: &StoredRun, size: u64) -> Vec<String> {
    vec![
        short(&run.record.id).to_owned(),
        run.record.pipeline.clone(),
        run.standing.to_string(),
        when(run.record.started),
        bytes(size),
    ]
}
