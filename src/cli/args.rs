//! The arguments. The doc comments are the help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::error::{Error, words};
use crate::compile::Options;

/// Delivery pipelines in a language of their own: check them, run them here, export them to AWS CodePipeline
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "`pipe COMMAND --help` says more about a command. `-` as a file is standard input.",
    after_long_help = "\
`pipe COMMAND --help` says more about a command. `-` as a file is standard input.

Results go to standard output, everything else to standard error. Exit status:
  0    fine
  1    the answer is no: errors were found, it is not formatted, the run failed
  2    it could not be asked: bad arguments, an unreadable file
  3    the run was refused before it began
  75   the run waits for an approval that nobody here can give
  130  interrupted (143: terminated)"
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(CheckArgs),
    New(NewArgs),
}

/// Report errors, and what you would regret
///
/// Compiles every file as far as it goes and reports all that is wrong with it. Nothing is executed, and nothing is
/// written.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe check                            every .pipe file under this directory
  pipe check main.pipe -D region=eu-west-1
  pipe check --format json . | jq .summary
  cat main.pipe | pipe check -")]
pub(super) struct CheckArgs {
    /// Files, and directories to look for .pipe files in
    #[arg(default_value = ".")]
    pub(super) paths: Vec<PathBuf>,

    /// How to report
    #[arg(long, value_enum, default_value_t = ReportFormat::Human)]
    pub(super) format: ReportFormat,

    /// What else, besides errors, makes the answer a no
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(super) deny: Option<Deny>,

    #[command(flatten)]
    pub(super) params: Params,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// With the source, for people
    Human,
    /// One document, for tools
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Deny {
    Warnings,
}

/// Write a first pipeline
///
/// It checks, runs on this machine, and exports, and is small enough to be read in a minute. Files that exist already
/// are never overwritten.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe new hello && pipe run hello/main.pipe")]
pub(super) struct NewArgs {
    /// Where to; it is made if it does not exist
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,
}

/// Values for the file's parameters.
#[derive(Debug, Args)]
pub(super) struct Params {
    /// Give a parameter a value; may be repeated
    #[arg(short = 'D', long = "define", value_name = "NAME=VALUE", value_parser = key_value)]
    defines: Vec<(String, String)>,

    /// Take the parameters' values from a JSON file; -D goes before it
    #[arg(long, value_name = "FILE")]
    params: Option<PathBuf>,
}

impl Params {
    /// As the compiler takes them. Reads the parameter file.
    pub(super) fn options(&self) -> Result<Options, Error> {
        let params = match &self.params {
            None => serde_json::Map::new(),
            Some(path) => {
                let because = |why: String| Error::Params {
                    path: path.clone(),
                    why,
                };
                let bytes = std::fs::read(path).map_err(|why| because(words(&why)))?;
                serde_json::from_slice(&bytes).map_err(|why| because(format!("it is not a JSON object: {why}")))?
            }
        };
        Ok(Options {
            defines: self.defines.clone(),
            params,
        })
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_arguments_agree_with_each_other() {
        Cli::command().debug_assert();
    }
}
