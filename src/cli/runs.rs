//! `pipe runs`: the runs, and how they stand.

use super::args::{RecordFormat, RunsArgs};
use super::console::Console;
use super::error::Error;
use super::history::state_dir;
use super::output::json;
use super::status::Status;
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
    let list = Index::open(&state_dir(&args.state)?).runs(&filter);
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
