//! `pipe simulate`: plays through what a script lets happen.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use super::args::{SimulateArgs, SimulateFormat};
use super::console::Console;
use super::error::Error;
use super::input::Input;
use super::load::{load, select};
use super::status::Status;
use crate::ir::Pipeline;
use crate::run::refusal::Refusal;
use crate::run::simulate::{Problem, read, simulate as play};
use crate::source::ReadError;

/// Compiles a file, reads the script for one of its pipelines, and tells what happens.
pub(super) fn simulate(args: &SimulateArgs, console: &mut Console) -> Result<Status, Error> {
    let Some(compiled) = load(&args.file, &args.params, console)? else {
        return Ok(Status::No);
    };
    let pipeline = select(compiled.pipelines, &args.file, args.pipeline.as_deref())?;
    let pipeline: Pipeline = match pipeline.decided(&args.conditions.iter().cloned().collect()) {
        Ok(pipeline) => pipeline.into_owned(),
        Err(open) => {
            for refusal in Refusal::undecided(&open) {
                tell(console, "", &refusal.message, refusal.help.as_deref());
            }
            return Ok(Status::CouldNotAsk);
        }
    };
    let script = match read(&text(&args.script)?, &pipeline) {
        Ok(script) => script,
        Err(problems) => {
            for Problem { at, message, help } in problems {
                let name = args.script.display();
                let place = match at {
                    Some((line, column)) => format!("{name}:{line}:{column}: "),
                    None => format!("{name}: "),
                };
                tell(console, &place, &message, help.as_deref());
            }
            return Ok(Status::CouldNotAsk);
        }
    };
    let simulation = play(&pipeline, &script);
    console.print(&match args.format {
        SimulateFormat::Human => simulation.in_words(),
        SimulateFormat::Json => {
            let json = serde_json::to_string_pretty(&simulation).map_err(|why| Error::Output(why.into()))?;
            json + "\n"
        }
    })?;
    Ok(Status::Fine)
}

fn tell(console: &mut Console, place: &str, message: &str, help: Option<&str>) {
    console.note(&format!("error: {place}{message}\n"));
    if let Some(help) = help {
        console.note(&format!("  help: {help}\n"));
    }
}

fn text(script: &Path) -> Result<String, Error> {
    match Input::new(script) {
        Input::Stdin => {
            let mut text = String::new();
            let read = io::stdin().read_to_string(&mut text);
            read.map_err(|why| Error::Stdin(ReadError::Io(why)))?;
            Ok(text)
        }
        Input::File(path) => fs::read_to_string(&path).map_err(|why| Error::Read {
            path,
            why: ReadError::Io(why),
        }),
    }
}
