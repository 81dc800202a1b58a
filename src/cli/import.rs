//! `pipe import`: a foreign document as `.pipe` source.

use super::args::ImportArgs;
use super::console::Console;
use super::error::Error;
use super::input::Input;
use super::output::deliver;
use super::status::Status;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, human};
use crate::import::{self, codes, write};
use crate::ir::codes::MASKED_SECRET;
use crate::source::DiskHost;

/// Writes the pipelines of a document as a person would; nothing is written if anything would be lost.
pub(super) fn import(args: &ImportArgs, console: &mut Console) -> Result<Status, Error> {
    let input = Input::new(&args.file);
    let main = input.to_main()?;
    let loaded = import::load(&DiskHost, &main).map_err(|why| input.unreadable(why))?;
    let compiled = loaded.compiled;
    let mut diagnostics = Diagnostics::default();
    let mut lost = loaded.lost;
    // What is wrong with the pipeline itself is said when the `.pipe` file is checked.
    for diagnostic in compiled.diagnostics.into_iter().filter(is_of_the_document) {
        lost |= diagnostic.code.name == MASKED_SECRET.name;
        diagnostics.emit(diagnostic);
    }
    let text = (!lost).then(|| write::write(&compiled.pipelines, &compiled.catalog, &mut diagnostics));
    let lost = lost
        || diagnostics
            .iter()
            .any(|it| it.severity == Severity::Error && !is_coerced(it));
    console.note(&human::render(
        &diagnostics.into_sorted(),
        &compiled.sources,
        console.err_style,
    ));
    match text {
        Some(text) if !lost => deliver(&text, args.output.as_deref(), console).map(|()| Status::Fine),
        _ => Ok(Status::No),
    }
}

fn is_of_the_document(diagnostic: &Diagnostic) -> bool {
    let own = codes::ALL.iter().any(|code| code.name == diagnostic.code.name);
    own || diagnostic.code.name == MASKED_SECRET.name
}

/// AWS refuses it, and there is no doubt about what is meant.
fn is_coerced(diagnostic: &Diagnostic) -> bool {
    [&codes::NOT_A_STRING, &codes::BLANK_VALUE]
        .iter()
        .any(|code| code.name == diagnostic.code.name)
}
