//! What several tests need.

pub(crate) mod declarations;
pub(crate) mod listing;
pub(crate) mod pipeline;
pub(crate) mod program;
pub(crate) mod runs;
pub(crate) mod spans;
pub(crate) mod story;

use std::path::PathBuf;

use pipe::compile::{Compiled, Main, Options, compile};
use pipe::diagnostic::human::{Style, render};
use pipe::source::MemoryHost;

/// Compiles one file, `main.pipe`, that stands alone.
pub(crate) fn compile_text(text: &str) -> Compiled {
    compile_files(&[("main.pipe", text)])
}

/// Compiles the first of some files in memory, which may import the others.
pub(crate) fn compile_files(files: &[(&str, &str)]) -> Compiled {
    let entries = files
        .iter()
        .map(|(name, text)| (PathBuf::from(name), text.as_bytes().to_vec()));
    let host = MemoryHost {
        files: entries.collect(),
    };
    let main = Main::Path(PathBuf::from(files[0].0));
    compile(&host, &main, &Options::default()).unwrap()
}

/// Reads and checks a document that is JSON or YAML.
pub(crate) fn check_document(name: &str, text: &str) -> Compiled {
    let main = Main::Text {
        name: name.to_owned(),
        path: Some(PathBuf::from(name)),
        text: text.to_owned(),
    };
    pipe::import::load(&MemoryHost::default(), &main).unwrap().compiled
}

/// What `pipe check` says of a file that stands alone; empty if it has nothing to say.
pub(crate) fn report(text: &str) -> String {
    report_of(&compile_text(text))
}

/// As [`report`], for the first of some files in memory.
pub(crate) fn report_files(files: &[(&str, &str)]) -> String {
    report_of(&compile_files(files))
}

/// The reports of a compilation as people see them, without colours.
pub(crate) fn report_of(compiled: &Compiled) -> String {
    render(&compiled.diagnostics, &compiled.sources, Style::PLAIN)
}
