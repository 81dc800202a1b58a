//! `pipe run`: carries a pipeline out on this machine.

use std::path::{Path, PathBuf};

use super::args::RunArgs;
use super::console::Console;
use super::error::Error;
use super::input::Input;
use super::load::{load, select};
use super::status::Status;
use crate::catalog::Catalog;
use crate::ir::TypeId;
use crate::run::drivers::pipeline::Neighbours;
use crate::run::secrets::Sources;
use crate::run::{self, Drivers, RunOptions, Show, keeper};

/// Compiles a file and runs one of its pipelines; nothing starts if there are errors.
pub(super) fn run(args: &RunArgs, console: &mut Console) -> Result<Status, Error> {
    // Before anything else: from here on this is the runner, unless its keeper has come back with the runner's answer.
    if let Some(status) = keeper::keep() {
        return Ok(Status::OfRun(status));
    }
    let Some(compiled) = load(&args.file, &args.params, console)? else {
        return Ok(Status::No);
    };
    let neighbours = Neighbours {
        pipelines: compiled.pipelines.clone(),
        arguments: [vec![args.file.clone().into()], args.params.arguments()].concat(),
    };
    let pipeline = select(compiled.pipelines, &args.file, args.pipeline.as_deref())?;
    let options = RunOptions {
        file: Some(args.file.display().to_string()),
        project_dir: project_dir(&args.file),
        state_dir: args.state_dir.clone(),
        variables: args.variables.clone(),
        conditions: args.conditions.clone(),
        sources: args.sources.clone(),
        revisions: args.revisions.clone(),
        neighbours,
        execution_id: args.execution_id.map(|id| id.to_string()),
        secrets: Sources::new(args.secrets.clone(), args.secret_command.clone()),
        yes: args.yes,
        wait: args.wait,
        jobs: args.jobs.map(Into::into),
        show: if args.json { Show::Json } else { Show::Fitting },
        ..RunOptions::default()
    };
    let outcome = run::run(&pipeline, &ByCatalog(&compiled.catalog), &options);
    Ok(Status::OfRun(outcome.exit_code()))
}

/// The folder that the file lies in; for standard input the working directory.
fn project_dir(file: &Path) -> PathBuf {
    match Input::new(file) {
        Input::Stdin => PathBuf::new(),
        Input::File(path) => path.parent().map(Path::to_owned).unwrap_or_default(),
    }
}

/// The drivers that the providers of a compilation name.
struct ByCatalog<'a>(&'a Catalog);

impl Drivers for ByCatalog<'_> {
    fn driver(&self, type_id: &TypeId) -> Option<String> {
        self.0.by_type(type_id)?.driver.clone()
    }

    fn provider(&self, type_id: &TypeId) -> Option<String> {
        Some(self.0.by_type(type_id)?.name.clone())
    }
}
