//! What `pipe` costs: in time, as ratios ([`speed`]), and in instructions, as a gate ([`instructions`]); what a run costs beside
//! its actions ([`runner`]); what it takes to capture output ([`masking`]); and what a large artifact costs, in time and on the
//! disk ([`artifacts`]).
//!
//!     cargo build --profile dist
//!     cargo bench --profile dist --bench bench -- speed [--quick] [--slack 1.5]
//!     cargo bench --profile dist --bench bench -- runner [--quick] [--slack 1.5]
//!     cargo bench --profile dist --bench bench -- instructions [--record]
//!     cargo bench --profile dist --bench bench -- masking
//!     cargo bench --profile dist --bench bench -- artifacts [--quick]
//!     cargo bench --profile dist --bench bench -- generate DIR            writes the measured pipelines, nothing else

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench reports on its standard output"
)]

mod artifacts;
mod generate;
mod instructions;
mod masking;
mod programs;
mod ratios;
mod runner;
mod speed;
mod stand_in;

use std::env;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["speed", options @ ..] => speed::run(options),
        ["runner", options @ ..] => runner::run(options),
        ["artifacts", options @ ..] => artifacts::run(options),
        ["instructions"] => instructions::gate(),
        ["instructions", "--record"] => instructions::record(),
        ["masking"] => masking::run(),
        ["generate", folder] => generate::write_all(Path::new(folder)).map(|_| true),
        ["stand-in", what @ ..] => stand_in::run(what).map(|()| true),
        _ => Err("say what to measure: speed, runner, instructions, masking, artifacts, or generate DIR".to_owned()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("bench: {message}");
            ExitCode::from(2)
        }
    }
}
