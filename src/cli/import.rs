//! `pipe import`: a foreign document as `.pipe` source.

use super::args::ImportArgs;
use super::console::Console;
use super::error::Error;
use super::input::Input;
use super::output::deliver;
use super::status::Status;
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, human};
use crate::import::{self, codes, write};
use crate::ir;
use crate::source::DiskHost;

/// Writes the pipelines of a document as a person would; nothing is written if anything would be lost.
pub(super) fn import(args: &ImportArgs, console: &mut Console) -> Result<Status, Error> {
    let input = Input::new(&args.file);
    let main = input.to_main()?;
    let read = import::read(&DiskHost, &main).map_err(|why| input.unreadable(why))?;
    let mut diagnostics = read.diagnostics;
    // What else is wrong with a pipeline is said when the `.pipe` file is checked; a secret that is not there, is lost.
    for pipeline in &read.pipelines {
        ir::masked_secrets(pipeline, &mut diagnostics);
    }
    let mut text = None;
    if !read.lost && is_whole(&diagnostics) {
        text = Some(write::write(read.pipelines, &Catalog::builtin(), &mut diagnostics));
    }
    let text = text.filter(|_| is_whole(&diagnostics));
    console.note(&human::render(
        &diagnostics.into_sorted(),
        &read.sources,
        console.err_style,
    ));
    match text {
        Some(text) => deliver(&text, args.output.as_deref(), console).map(|()| Status::Fine),
        None => Ok(Status::No),
    }
}

/// Whether all is there, or can be.
fn is_whole(diagnostics: &Diagnostics) -> bool {
    diagnostics
        .iter()
        .all(|it| it.severity != Severity::Error || is_coerced(it))
}

/// AWS refuses it, and there is no doubt about what is meant.
fn is_coerced(diagnostic: &Diagnostic) -> bool {
    [&codes::NOT_A_STRING, &codes::BLANK_VALUE]
        .iter()
        .any(|code| code.name == diagnostic.code.name)
}
