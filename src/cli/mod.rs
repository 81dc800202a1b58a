//! The command line: one file a subcommand.
//!
//! `main` parses the arguments, hands them to the subcommand, and turns its answer into an exit status: a
//! `Status`, or an operational `Error`, which is told on standard error. Results go to standard output, everything
//! else to standard error. A closed pipe is success: whoever reads has read enough.

use std::process::ExitCode;

use clap::Parser;

use self::args::{Cli, Command};
use self::console::Console;
use self::error::Error;
use self::status::Status;

pub use self::explain::codes;

mod answer;
mod args;
mod artifacts;
mod check;
mod clean;
mod console;
mod definition;
mod diff;
mod doc;
mod error;
mod explain;
mod export;
mod fmt;
mod go_on;
mod graph;
mod history;
mod import;
mod index;
mod input;
mod load;
mod logs;
mod new;
mod output;
mod plan;
mod report;
mod run;
mod runs;
mod shell;
mod show;
mod simulate;
mod status;
mod stop;

/// Runs the program with this process's arguments.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => {
            // Help and version come here, too. There is nobody left to tell if they cannot be printed.
            let _ = answer.print();
            return ExitCode::from(answer.exit_code() as u8);
        }
    };
    let mut console = Console::of_this_process();
    let status = match execute(cli.command, &mut console).and_then(|status| console.finish(status)) {
        Ok(status) => status,
        Err(error) if error.is_closed_pipe() => Status::Fine,
        Err(error) => {
            console.complain(&error);
            Status::CouldNotAsk
        }
    };
    ExitCode::from(status.code())
}

fn execute(command: Command, console: &mut Console) -> Result<Status, Error> {
    match command {
        Command::Check(args) => check::check(&args, console),
        Command::Fmt(args) => fmt::fmt(&args, console),
        Command::Export(args) => export::export(&args, console),
        Command::Import(args) => import::import(&args, console),
        Command::Diff(args) => diff::diff(&args, console),
        Command::Graph(args) => graph::graph(&args, console),
        Command::Plan(args) => plan::plan(&args, console),
        Command::Run(args) => run::run(&args, console),
        Command::Runs(args) => runs::runs(&args, console),
        Command::Show(args) => show::show(&args, console),
        Command::Logs(args) => logs::logs(&args, console),
        Command::Approve(args) => answer::answer(&args.answer, true, console),
        Command::Reject(args) => answer::answer(&args.answer, false, console),
        Command::Stop(args) => stop::stop(&args, console),
        Command::Resume(args) => go_on::resume(&args, console),
        Command::Retry(args) => go_on::retry(&args),
        Command::Rollback(args) => go_on::rollback(&args),
        Command::Artifacts(args) => artifacts::artifacts(&args, console),
        Command::Shell(args) => shell::shell(&args, console),
        Command::Clean(args) => clean::clean(&args, console),
        Command::Index(args) => index::index(&args, console),
        Command::Simulate(args) => simulate::simulate(&args, console),
        Command::New(args) => new::new(&args, console),
        Command::Doc(args) => doc::doc(&args, console),
        Command::Explain(args) => explain::explain(&args, console),
    }
}
