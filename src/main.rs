//! The `pipe` program: hands its arguments to [`pipe::cli`] and its answer to the shell.

use std::process::ExitCode;

fn main() -> ExitCode {
    pipe::cli::main()
}
