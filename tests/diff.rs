//! `pipe diff`: pairs of definitions in `cases/diff/`, and what differs in meaning between them.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin;
use pipe::diagnostic::Severity;
use pipe::diff::{diff, to_json};
use pipe::ir::Pipeline;

use crate::support::pipeline::good;
use crate::support::{compile_text, report_of};

fn pipeline(text: &str) -> Pipeline {
    let mut compiled = compile_text(text);
    let has_errors = compiled.diagnostics.iter().any(|it| it.severity == Severity::Error);
    assert!(!has_errors, "{}", report_of(&compiled));
    compiled.pipelines.remove(0)
}

#[test]
fn cases() {
    insta::glob!("cases/diff", "*/new.pipe", |path| {
        let read = |name| fs::read_to_string(path.with_file_name(name)).unwrap();
        let (old, new) = (pipeline(&read("old.pipe")), pipeline(&read("new.pipe")));
        let lines = |old, new| -> String { diff(old, new).iter().map(|it| format!("{it}\n")).collect() };
        let both = format!("{}--- and back\n{}", lines(&old, &new), lines(&new, &old));
        insta::assert_snapshot!(both);
        insta::assert_snapshot!("json", to_json(&diff(&old, &new)));
        assert_eq!(diff(&old, &old), []);
        assert_eq!(diff(&new, &new), []);
    });
}

#[test]
fn gaps_in_run_orders_and_names_of_artifacts_are_no_difference() {
    let old = good();
    let mut new = good();
    for action in new.stages.iter_mut().flat_map(|stage| &mut stage.actions) {
        action.run_order *= 10;
        let names = action
            .inputs
            .iter_mut()
            .chain(action.outputs.iter_mut().map(|output| &mut output.name));
        names.for_each(|name| name.value.push_str("-renamed"));
    }
    assert_eq!(diff(&old, &new), []);
    new.stages[1].actions[1].run_order = 10;
    assert_eq!(
        diff(&old, &new).iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["stage build: action test no longer waits for compile"]
    );
}

fn pipe(arguments: &[&str]) -> assert_cmd::assert::Assert {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/diff/approval_lost");
    let mut command = Command::new(cargo_bin("pipe"));
    command.current_dir(folder).arg("diff").args(arguments).assert()
}

#[test]
fn the_status_tells_whether_they_differ() {
    let line = "stage Prod: action Deploy now runs without an approval before it\n";
    pipe(&["old.pipe", "new.pipe"]).code(1).stdout(line);
    pipe(&["old.pipe", "old.pipe"]).code(0).stdout("");
    let json = "{\n  \"differences\": [],\n  \"summary\": {\n    \"differences\": 0\n  }\n}\n";
    pipe(&["old.pipe", "old.pipe", "--format", "json"]).code(0).stdout(json);
}

#[test]
fn what_cannot_be_compared_is_status_2() {
    pipe(&["old.pipe", "missing.pipe"]).code(2).stdout("");
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.pipe");
    fs::write(&broken, "pipeline x {").unwrap();
    pipe(&["old.pipe", broken.to_str().unwrap()]).code(2).stdout("");
}
