//! What holds of any text, be it a pipeline or not. The fuzz targets and `tests/fuzz.rs` both call these.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pipe::compile::{Main, Options, compile};
use pipe::diagnostic::{Diagnostic, Diagnostics, human, json};
use pipe::import;
use pipe::source::{FileId, MemoryHost, Span};
use pipe::syntax;

/// Parsing ends, and what it reports lies in the text.
pub fn parse(text: &str) {
    let mut diagnostics = Diagnostics::default();
    syntax::parse(text, FileId(0), &mut diagnostics);
    for diagnostic in diagnostics.iter() {
        for span in spans(diagnostic) {
            assert_in(text, span, diagnostic);
        }
    }
}

/// Compiling ends, what it reports lies in its texts, and can be drawn.
pub fn check(text: &str) {
    let path = PathBuf::from("main.pipe");
    // The file is there too, so that a text may import itself.
    let host = MemoryHost {
        files: BTreeMap::from([(path.clone(), text.as_bytes().to_vec())]),
    };
    let main = Main::Text {
        name: "main.pipe".to_owned(),
        path: Some(path),
        text: text.to_owned(),
    };
    let Ok(compiled) = compile(&host, &main, &Options::default()) else {
        return;
    };
    for diagnostic in &compiled.diagnostics {
        for span in spans(diagnostic) {
            assert_in(&compiled.sources.file(span.file).text, span, diagnostic);
        }
    }
    human::render(&compiled.diagnostics, &compiled.sources, human::Style::PLAIN);
    let report = json::render(&compiled.diagnostics, &compiled.sources, 1);
    serde_json::from_str::<serde_json::Value>(&report).expect("a report in JSON is JSON");
}

/// Reading a document ends, be it taken for JSON or YAML; what it reports lies in its text and can be drawn; what is
/// understood of it can be written as source that parses.
pub fn document(text: &str) {
    for name in ["main.json", "main.yaml"] {
        let main = Main::Text {
            name: name.to_owned(),
            path: Some(PathBuf::from(name)),
            text: text.to_owned(),
        };
        let Ok(loaded) = import::load(&MemoryHost::default(), &main) else {
            return;
        };
        let compiled = &loaded.compiled;
        for diagnostic in &compiled.diagnostics {
            for span in spans(diagnostic) {
                assert_in(&compiled.sources.file(span.file).text, span, diagnostic);
            }
        }
        human::render(&compiled.diagnostics, &compiled.sources, human::Style::PLAIN);
        json::render(&compiled.diagnostics, &compiled.sources, 1);
        if loaded.lost {
            continue;
        }
        let mut lost = Diagnostics::default();
        let source = import::write::write(compiled.pipelines.clone(), &compiled.catalog, &mut lost);
        if !lost.has_errors() {
            let mut diagnostics = Diagnostics::default();
            syntax::parse(&source, FileId(0), &mut diagnostics);
            assert!(!diagnostics.has_errors(), "what was written does not parse:\n{source}");
        }
    }
}

/// A text without syntax errors keeps its meaning when it is formatted, and its form when it is formatted again.
pub fn fmt(text: &str) {
    let mut diagnostics = Diagnostics::default();
    let file = syntax::parse(text, FileId(0), &mut diagnostics);
    if diagnostics.has_errors() {
        return;
    }
    let once = syntax::fmt::format(text, &file);
    let again = syntax::parse(&once, FileId(0), &mut diagnostics);
    assert!(!diagnostics.has_errors(), "what was formatted does not parse:\n{once}");
    assert_eq!(
        syntax::dump(&file),
        syntax::dump(&again),
        "the tree has changed; formatted:\n{once}"
    );
    assert_eq!(
        syntax::fmt::format(&once, &again),
        once,
        "formatted twice is not formatted once"
    );
}

fn spans(diagnostic: &Diagnostic) -> impl Iterator<Item = Span> {
    let labels = std::iter::once(&diagnostic.primary).chain(&diagnostic.others);
    labels
        .map(|label| label.span)
        .chain(diagnostic.fix.iter().map(|edit| edit.span))
}

fn assert_in(text: &str, span: Span, diagnostic: &Diagnostic) {
    assert!(
        text.get(span.range()).is_some(),
        "{span:?} is no place in a text of {} bytes: {diagnostic:?}",
        text.len()
    );
}
