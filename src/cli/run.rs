//! `pipe run`: carries a pipeline out on this machine.

use std::path::{Path, PathBuf};

use super::args::{PlanFormat, RunArgs, RunWith};
use super::console::Console;
use super::error::Error;
use super::input::Input;
use super::load::{compile_any, load, select};
use super::plan;
use super::status::Status;
use crate::catalog::Catalog;
use crate::compile;
use crate::diagnostic::{Severity, human};
use crate::ir::Pipeline;
use crate::run::drivers::pipeline::Neighbours;
use crate::run::secrets::Sources;
use crate::run::watch::{Changes, Compiled};
use crate::run::{self, RunOptions, Show, keeper};

/// Compiles a file and runs one of its pipelines; nothing starts if there are errors.
pub(super) fn run(args: &RunArgs, console: &mut Console) -> Result<Status, Error> {
    if args.dry_run {
        let format = if args.json { PlanFormat::Json } else { PlanFormat::Human };
        return plan::tell(&args.with, format, console);
    }
    if args.watch && Input::new(&args.with.file) == Input::Stdin {
        return Err(Error::WatchStdin);
    }
    // Before anything else: from here on this is the runner, unless its keeper has come back with the runner's answer.
    if let Some(status) = keeper::keep() {
        return Ok(Status::OfRun(status));
    }
    let Some(definition) = definition(&args.with, console)? else {
        return Ok(Status::No);
    };
    let options = RunOptions {
        show: if args.json { Show::Json } else { Show::Fitting },
        junit: args.junit.clone(),
        ..definition.options
    };
    let Definition { pipeline, catalog, .. } = definition;
    let outcome = if args.watch {
        let changes = Changes {
            files: definition.files,
            compile: Box::new(|| again(&args.with, console)),
        };
        run::watch(&pipeline, &catalog, &options, changes)
    } else {
        run::run(&pipeline, &catalog, &options)
    };
    Ok(Status::OfRun(outcome.exit_code()))
}

/// Compiles the file once more; `Err`: what is wrong with it.
fn again(with: &RunWith, console: &Console) -> Result<Compiled, String> {
    let error = |error: Error| format!("error: {error}\n");
    let input = Input::new(&with.file);
    let compiled = compile_any(&input, &with.params.options().map_err(error)?).map_err(error)?;
    if compiled.diagnostics.iter().any(|it| it.severity == Severity::Error) {
        return Err(human::render(
            &compiled.diagnostics,
            &compiled.sources,
            console.err_style,
        ));
    }
    let definition = Definition::of(compiled, with).map_err(error)?;
    Ok(Compiled {
        pipeline: definition.pipeline,
        drivers: Box::new(definition.catalog),
        neighbours: definition.options.neighbours,
        files: definition.files,
    })
}

/// A pipeline that is meant, with all that a run of it needs to know.
pub(super) struct Definition {
    pub(super) pipeline: Pipeline,
    pub(super) catalog: Catalog,
    pub(super) options: RunOptions,
    /// What it was made of; absolute.
    pub(super) files: Vec<PathBuf>,
}

/// Compiles the file; none if there are errors, which are told.
pub(super) fn definition(with: &RunWith, console: &mut Console) -> Result<Option<Definition>, Error> {
    if with.keep_going {
        return Err(Error::NoKeepGoing);
    }
    let Some(compiled) = load(&with.file, &with.params, console)? else {
        return Ok(None);
    };
    Definition::of(compiled, with).map(Some)
}

impl Definition {
    fn of(compiled: compile::Compiled, with: &RunWith) -> Result<Self, Error> {
        let neighbours = Neighbours {
            pipelines: compiled.pipelines.clone(),
            arguments: [vec![with.file.clone().into()], with.params.arguments()].concat(),
        };
        let files = compiled.sources.files().filter_map(|file| file.path.as_deref());
        Ok(Self {
            pipeline: select(compiled.pipelines, &with.file, with.pipeline.as_deref())?,
            catalog: compiled.catalog,
            options: RunOptions {
                neighbours,
                ..options(with)
            },
            files: files.map(absolute).collect(),
        })
    }
}

/// A file's path, by the real name of its folder.
fn absolute(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = std::fs::canonicalize(folder.unwrap_or(Path::new(".")));
    folder.map_or_else(
        |_| path.to_owned(),
        |folder| folder.join(path.file_name().unwrap_or_default()),
    )
}

/// What the arguments ask for besides the pipeline.
fn options(with: &RunWith) -> RunOptions {
    RunOptions {
        file: Some(with.file.display().to_string()),
        project_dir: project_dir(&with.file),
        state_dir: with.state_dir.clone(),
        variables: with.variables.clone(),
        conditions: with.conditions.clone(),
        sources: with.sources.clone(),
        revisions: with.revisions.clone(),
        first_stage: with.from.clone().or_else(|| with.only.clone()),
        last_stage: with.only.clone(),
        based_on: with.based_on.clone(),
        execution_id: with.execution_id.map(|id| id.to_string()),
        secrets: Sources::new(with.secrets.clone(), with.secret_command.clone()),
        yes: with.yes,
        wait: with.wait,
        jobs: with.jobs.map(Into::into),
        ..RunOptions::default()
    }
}

/// The folder that the file lies in; for standard input the working directory.
fn project_dir(file: &Path) -> PathBuf {
    match Input::new(file) {
        Input::Stdin => PathBuf::new(),
        Input::File(path) => path.parent().map(Path::to_owned).unwrap_or_default(),
    }
}
