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
use crate::support::pipeline::*;
use crate::support::{compile_text, report_of};

/// Writes pipelines and holds what is true of every source against it: it says all, it compiles to the same, it is formatted.
fn written(pipelines: &[Pipeline]) -> String {
    let catalog = Catalog::builtin();
    let mut diags = Diagnostics::default();
    let text = write(pipelines.to_vec(), &catalog, &mut diags);
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
    let formatted = syntax::fmt::format(text, &file);
    assert!(text == formatted, "formatting changes it:\n{text}\n---\n{formatted}");
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
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_pipeline_comes_back(pipeline in any_pipeline()) {
        let text = written(std::slice::from_ref(&pipeline));
        let errors = error_names(compile_text(&text).diagnostics.iter());
        let own = own_errors(&in_order(&pipeline));
        let new: Vec<_> = errors.difference(&own).collect();
        prop_assert!(new.is_empty(), "{new:?}\n{text}\n{}", report_of(&compile_text(&text)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn several_pipelines_share_a_file(pipelines in prop::collection::vec(any_pipeline(), 2..4)) {
        written(&pipelines);
    }
}

/// What is lost when a broken pipeline is written, and where.
fn lost(change: impl FnOnce(&mut Pipeline)) -> Vec<String> {
    let mut pipeline = good();
    change(&mut pipeline);
    let mut diags = Diagnostics::default();
    let text = write(vec![pipeline], &Catalog::builtin(), &mut diags);
    is_formatted(&text);
    let said = |diagnostic: &Diagnostic| {
        assert_eq!(diagnostic.code.name, "import-not-expressible");
        format!("{}: {}", diagnostic.primary.span.start / 10, diagnostic.message)
    };
    diags.iter().map(said).collect()
}

#[test]
fn nothing_is_lost_in_silence() {
    assert_eq!(lost(|_| {}), [""; 0]);
    let of_ship = |change: fn(&mut ir::Action)| lost(|pipeline| change(&mut pipeline.stages[2].actions[0]));
    assert_eq!(
        of_ship(|ship| input(ship, "Nothing", SHIP)),
        [
            "312: `.pipe` cannot say the input artifact `Nothing` of the action `ship` (no action makes it) as it is here"
        ]
    );
    assert_eq!(
        of_ship(|ship| ship.commands.push(text("make", SHIP))),
        ["310: `.pipe` cannot say the commands of the action `ship` as it is here"]
    );
    assert_eq!(
        of_ship(|ship| ship.type_id.provider = "no name".to_owned()),
        ["310: `.pipe` cannot say the type of the action `ship` as it is here"]
    );
    assert_eq!(
        lost(|pipeline| pipeline.stages[0].actions[0].outputs.clear()),
        [
            "110: `.pipe` cannot say the output artifacts of the action `app` as it is here",
            "212: `.pipe` cannot say the input artifact `app` of the action `compile` (no action makes it) as it is here",
        ]
    );
    assert_eq!(
        lost(|pipeline| pipeline.variables.push(variable("2nd", None, NEW))),
        ["51: `.pipe` cannot say the variable `2nd` as it is here"]
    );
    assert_eq!(
        lost(|pipeline| pipeline.variables.push(ir::Variable {
            description: Some("two\nlines".to_owned()),
            ..variable("note", None, NEW)
        })),
        ["51: `.pipe` cannot say the variable `note` as it is here"]
    );
    assert_eq!(
        lost(|pipeline| pipeline.triggers.push(ir::Trigger {
            source_action: name("nobody", NEW),
            ..trigger()
        })),
        ["50: `.pipe` cannot say the trigger of `nobody` as it is here"]
    );
    assert_eq!(
        lost(|pipeline| pipeline.tags.extend([tag("a", "1", NEW), tag("a", "2", NEW)])),
        ["1: `.pipe` cannot say the tags of the pipeline `demo` as it is here"]
    );
}

/// A use before its making is an error of the pipeline, and stays one in its source.
#[test]
fn mistakes_stay_mistakes() {
    let mut pipeline = good();
    input(&mut pipeline.stages[1].actions[0], "late", COMPILE);
    output(&mut pipeline.stages[1].actions[1], "late", TEST);
    let text = written(std::slice::from_ref(&pipeline));
    assert_eq!(
        error_names(compile_text(&text).diagnostics.iter()),
        own_errors(&pipeline)
    );
    assert!(own_errors(&pipeline).contains("artifact-used-before-made"));
}
