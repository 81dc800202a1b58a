//! `pipe runs`: the runs, and how they stand.

use std::collections::BTreeSet;

use super::args::{RecordFormat, RunsArgs};
use super::console::Console;
use super::error::Error;
use super::history::state_dir;
use super::output::json;
use super::status::Status;
use crate::diagnostic::suggest::nearest;
use crate::run::history::index::{Filter, Index};
use crate::run::history::list::Row;
use crate::run::history::page::{columns, trigger, when};
use crate::run::units::{duration, short};

/// Lists the runs of the nearest state directory.
pub(super) fn runs(args: &RunsArgs, console: &mut Console) -> Result<Status, Error> {
    let filter = Filter {
        pipeline: args.pipeline.clone(),
        limit: args.limit,
    };
    let index = Index::open(&state_dir(&args.state)?);
    let list = index.runs(&filter);
    if let Some(name) = args
        .pipeline
        .as_deref()
        .filter(|_| list.runs.is_empty() && args.limit != Some(0))
    {
        let all = index.runs(&Filter::default()).runs;
        console.note(&no_pipeline(name, &all));
    }
    match args.format {
        RecordFormat::Json => console.print(&json(&list))?,
        RecordFormat::Human => {
            console.print(&table(&list.runs))?;
            for it in &list.unreadable {
                let (id, problem, help) = (short(&it.id), &it.problem, &it.help);
                console.note(&format!("run {id} cannot be read: {problem}\n  help: {help}\n"));
            }
        }
    }
    Ok(Status::Fine)
}

/// What is said where no run is of the pipeline that was asked for.
fn no_pipeline(name: &str, all: &[Row]) -> String {
    let names: BTreeSet<&str> = all.iter().map(|run| run.pipeline.as_str()).collect();
    let help = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => return String::new(),
        None => {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("there are runs of {}", names.join(", "))
        }
    };
    format!("no run is of a pipeline `{name}`\n  help: {help}\n")
}

fn table(runs: &[Row]) -> String {
    if runs.is_empty() {
        return "no runs\n".to_owned();
    }
    let heads = ["RUN", "PIPELINE", "STATUS", "STARTED", "TOOK", "TRIGGER"];
    let row = |run: &Row| {
        vec![
            short(&run.id).to_owned(),
            run.pipeline.clone(),
            run.standing.to_string(),
            when(run.started),
            run.duration_ms.map(duration).unwrap_or_default(),
            trigger(&run.trigger),
        ]
    };
    let heads = std::iter::once(heads.map(str::to_owned).to_vec());
    let rows: Vec<Vec<String>> = heads.chain(runs.iter().map(row)).collect();
    columns(&rows, "")
}
