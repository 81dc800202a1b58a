//! `pipe fmt`: the one canonical style.

use std::path::Path;

use std::time::Duration;

use similar::TextDiff;

use super::args::FmtArgs;
use super::console::Console;
use super::error::Error;
use super::input::{Found, Input, find};
use super::output;
use super::report::Reports;
use super::status::Status;
use crate::diagnostic::{Diagnostics, human};
use crate::source::Sources;
use crate::syntax;

/// How long the smallest difference is looked for; then any that is right will do. Only files of tens of thousands of
/// lines, most of them changed, take as long.
const LONGEST_DIFF: Duration = Duration::from_millis(500);
/// Lines of a difference that are shown of one file.
const SHOWN_LINES: usize = 40;

/// Formats all files in place, or says which are not formatted.
pub(super) fn fmt(args: &FmtArgs, console: &mut Console) -> Result<Status, Error> {
    let Found { inputs, mut failures } = match args.stdin {
        true => Found::stdin(),
        false => find(&args.paths),
    };
    let mut status = Status::Fine;
    let mut broken = Vec::new();
    for input in &inputs {
        match fmt_one(input, args.check, console) {
            Ok(Outcome::Fine) => {}
            Ok(Outcome::NotFormatted) => status = Status::No,
            Ok(Outcome::Broken(reports)) => broken.push(reports),
            Err(error) if error.is_closed_pipe() => return Err(error),
            Err(error) => failures.push(error),
        }
    }
    if !broken.is_empty() {
        status = Status::No;
        let reports = Reports::merge(broken);
        console.note(&human::render(
            &reports.diagnostics,
            &reports.sources,
            console.err_style,
        ));
    }
    for failure in &failures {
        status = Status::CouldNotAsk;
        console.complain(failure);
    }
    Ok(status)
}

enum Outcome {
    /// It is formatted now.
    Fine,
    /// It was asked whether it is, and it is not.
    NotFormatted,
    /// It has syntax errors, and was left as it is.
    Broken(Reports),
}

fn fmt_one(input: &Input, only_check: bool, console: &mut Console) -> Result<Outcome, Error> {
    let text = input.read()?;
    let formatted = match format(input, &text) {
        Ok(formatted) => formatted,
        Err(reports) => return Ok(Outcome::Broken(reports)),
    };
    let is_formatted = formatted == text;
    if only_check {
        if is_formatted {
            return Ok(Outcome::Fine);
        }
        console.print(&difference(&input.name(), &text, &formatted))?;
        return Ok(Outcome::NotFormatted);
    }
    match input {
        Input::Stdin => console.print(&formatted)?,
        Input::File(_) if is_formatted => {}
        Input::File(path) => {
            output::write(path, &formatted)?;
            console.print(&format!("formatted {}\n", path.display()))?;
        }
    }
    Ok(Outcome::Fine)
}

/// The text in the canonical style, or its syntax errors.
fn format(input: &Input, text: &str) -> Result<String, Reports> {
    let mut sources = Sources::default();
    let path = match input {
        Input::Stdin => None,
        Input::File(path) => Some(path.clone()),
    };
    let file = sources.add(input.name(), path, text);
    let mut diagnostics = Diagnostics::default();
    let parsed = syntax::parse(text, file, &mut diagnostics);
    match diagnostics.has_errors() {
        true => Err(Reports::of_one(sources, diagnostics.into_sorted())),
        false => Ok(syntax::fmt::format(text, &parsed)),
    }
}

/// The file's name and the beginning of what would change, as a unified diff.
fn difference(name: &str, text: &str, formatted: &str) -> String {
    let diff = TextDiff::configure().timeout(LONGEST_DIFF).diff_lines(text, formatted);
    let label = Path::new(name).display().to_string();
    let unified = diff
        .unified_diff()
        .context_radius(1)
        .header(&label, &format!("{label} (formatted)"))
        .to_string();
    let lines: Vec<&str> = unified.lines().collect();
    let mut out = lines[..lines.len().min(SHOWN_LINES)].join("\n");
    if lines.len() > SHOWN_LINES {
        out.push_str(&format!("\n… {} more lines", lines.len() - SHOWN_LINES));
    }
    out.push('\n');
    out
}
