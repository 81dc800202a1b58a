//! IR back into source: what is written means the same, is formatted, and reads well.

use std::collections::BTreeSet;
use std::path::Path;

use pipe::catalog::Catalog;
use pipe::compile::{Compiled, Main, Options, compile};
use pipe::diagnostic::{Diagnostic, Diagnostics, Severity};
use pipe::import::write::{in_order, normal, write};
use pipe::ir::{self, Pipeline};
use pipe::sema::conform::conform;
use pipe::sema::eval::{Evaluator, NoReader};
use pipe::sema::program::Program;
use pipe::sema::signature::Signatures;
use pipe::sema::wording::Wording;
use pipe::source::{DiskHost, FileId};
use pipe::syntax;
use proptest::prelude::*;

use crate::support::declarations::any_pipeline;
use crate::support::{compile_text, report_of};

/// Writes pipelines and holds what is true of every source against it: it says all, it compiles to the same, it is formatted.
fn written(pipelines: &[Pipeline]) -> String {
    let catalog = Catalog::builtin();
    let mut diags = Diagnostics::default();
    let text = write(pipelines, &catalog, &mut diags);
    let lost: Vec<&str> = diags.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
    assert!(lost.is_empty(), "{lost:#?}\n{text}");
    let compiled = compile_text(&text);
    let wanted: Vec<Pipeline> = pipelines.iter().map(|pipeline| normal(pipeline, &catalog)).collect();
    let meant: Vec<Pipeline> = compiled
        .pipelines
        .iter()
        .map(|pipeline| normal(pipeline, &catalog))
        .collect();
    assert_eq!(wanted, meant, "{text}");
    is_formatted(&text);
    text
}

fn is_formatted(text: &str) {
    let mut diags = Diagnostics::default();
    let file = syntax::parse(text, FileId(0), &mut diags);
    assert!(diags.is_empty(), "{diags:?}\n{text}");
    similar_asserts(text, &syntax::fmt::format(text, &file));
}

fn similar_asserts(a: &str, b: &str) {
    assert!(a == b, "formatting changes it:\n{a}\n---\n{b}");
}

fn compile_file(path: &Path) -> Compiled {
    compile(&DiskHost, &Main::Path(path.to_owned()), &Options::default()).unwrap()
}

/// Errors only, as people see them.
fn errors(compiled: &mut Compiled) -> String {
    compiled
        .diagnostics
        .retain(|diagnostic| diagnostic.severity == Severity::Error);
    report_of(compiled)
}

#[test]
fn cases() {
    insta::glob!("cases/import/*.pipe", |path| {
        let mut compiled = compile_file(path);
        assert_eq!(errors(&mut compiled), "");
        let text = written(&compiled.pipelines);
        let mut again = compile_text(&text);
        assert_eq!(errors(&mut again), "", "{text}");
        insta::assert_snapshot!(text);
    });
}

#[test]
fn examples() {
    insta::glob!("../examples", "*/main.pipe", |path| {
        let text = written(&compile_file(path).pipelines);
        assert_eq!(report_of(&compile_text(&text)), "", "{text}");
        insta::assert_snapshot!(text);
    });
}

/// The errors that hold of the IR itself, whatever it was written in.
fn own_errors(pipeline: &Pipeline) -> BTreeSet<&'static str> {
    let mut diags = Diagnostics::default();
    ir::validate(pipeline, &mut diags);
    let program = Program::default();
    let mut silent = Diagnostics::default();
    let mut ev = Evaluator::new(&program, &NoReader, &mut silent);
    let mut signatures = Signatures::new(&program, &mut ev);
    conform(
        pipeline,
        &mut |id| signatures.by_type(id, &mut ev),
        Wording::Pipe,
        &mut diags,
    );
    error_names(diags.iter())
}

fn error_names<'d>(diagnostics: impl Iterator<Item = &'d Diagnostic>) -> BTreeSet<&'static str> {
    let errors = diagnostics.filter(|diagnostic| diagnostic.severity == Severity::Error);
    errors.map(|diagnostic| diagnostic.code.name).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_pipeline_comes_back(pipeline in any_pipeline()) {
        let text = written(std::slice::from_ref(&pipeline));
        let errors = error_names(compile_text(&text).diagnostics.iter());
        let own = own_errors(&in_order(&pipeline));
        let new: Vec<_> = errors.difference(&own).collect();
        prop_assert!(new.is_empty(), "{new:?}\n{text}\n{}", report_of(&compile_text(&text)));
    }

    #[test]
    fn several_pipelines_share_a_file(pipelines in prop::collection::vec(any_pipeline(), 2..4)) {
        written(&pipelines);
    }
}
