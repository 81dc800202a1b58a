//! `pipe run`: carries a pipeline out on this machine.

use super::args::{PlanFormat, RunArgs, RunWith};
use super::console::Console;
use super::definition::{Definition, definition, told};
use super::error::Error;
use super::input::Input;
use super::load::compile_any;
use super::plan;
use super::status::Status;
use crate::diagnostic::{Severity, human};
use crate::run::watch::{Changes, Compiled};
use crate::run::{self, keeper};

/// Compiles a file and runs one of its pipelines; nothing starts if there are errors.
pub(super) fn run(args: &RunArgs, console: &mut Console) -> Result<Status, Error> {
    if args.dry_run {
        let format = if args.tell.json {
            PlanFormat::Json
        } else {
            PlanFormat::Human
        };
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
    let options = told(&args.tell, definition.options)?;
    let Definition { pipeline, catalog, .. } = definition;
    let outcome = if args.watch {
        let changes = Changes {
            files: definition.files,
            compile: Box::new(|| again(&args.with)),
        };
        run::watch(pipeline, &catalog, &options, changes)
    } else {
        run::run(pipeline, &catalog, &options)
    };
    Ok(Status::OfRun(outcome.exit_code()))
}

/// Compiles the file once more; `Err`: what is wrong with it.
fn again(with: &RunWith) -> Result<Compiled, String> {
    let error = |error: Error| format!("error: {error}\n");
    let input = Input::new(&with.file);
    let compiled = compile_any(&input, &with.params.options().map_err(error)?).map_err(error)?;
    if compiled.diagnostics.iter().any(|it| it.severity == Severity::Error) {
        // The terminal may have another width now than when the run began.
        let style = Console::of_this_process().err_style;
        return Err(human::render(&compiled.diagnostics, &compiled.sources, style));
    }
    let definition = Definition::of(compiled, with).map_err(error)?;
    Ok(Compiled {
        pipeline: definition.pipeline,
        drivers: Box::new(definition.catalog),
        neighbours: definition.options.neighbours,
        files: definition.files,
    })
}
