//! `pipe simulate`: `cases/simulate/PIPELINE.NAME.yml` is a script for `PIPELINE.pipe`.

use std::fs;
use std::path::Path;

use pipe::ir::Pipeline;
use pipe::run::simulate::{read, simulate};
use serde_json::json;

use crate::support::{compile_text, report_of};

fn pipeline(path: &Path) -> Pipeline {
    let mut compiled = compile_text(&fs::read_to_string(path).unwrap());
    assert_eq!(report_of(&compiled), "");
    compiled.pipelines.remove(0)
}

/// The trace, or what is wrong with the script.
fn told(pipeline: &Pipeline, script: &str) -> String {
    match read(script, pipeline) {
        Ok(script) => simulate(pipeline, &script).in_words(),
        Err(problems) => {
            let told = problems.into_iter().map(|problem| {
                let (line, column) = problem.at.unwrap_or_default();
                let help = problem.help.map(|help| format!("  help: {help}\n")).unwrap_or_default();
                format!("{line}:{column}: {}\n{help}", problem.message)
            });
            told.collect()
        }
    }
}

#[test]
fn cases() {
    insta::glob!("cases/simulate/*.yml", |path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let (of, _) = name.split_once('.').unwrap();
        let pipeline = pipeline(&path.with_file_name(format!("{of}.pipe")));
        let script = fs::read_to_string(path).unwrap();
        insta::assert_snapshot!(format!("{script}---\n{}", told(&pipeline, &script)));
    });
}

#[test]
fn tools_read_the_journals_events() {
    let pipeline = pipeline(Path::new("tests/cases/simulate/queued.pipe"));
    let script = "events:\n  - start: one\n  - retry: Build\n    at: 10s\n  - stop: one\n    at: 30s\n";
    let script = read(script, &pipeline).unwrap();
    let told = serde_json::to_value(simulate(&pipeline, &script)).unwrap();
    assert_eq!(
        told["runs"],
        json!([{"name": "one", "execution_id": "one", "status": "stopped"}])
    );
    let events = told["events"].as_array().unwrap();
    let names: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(
        names,
        [
            "run_started",
            "stage_started",
            "action_started",
            "stop_requested",
            "action_finished",
            "stage_finished",
            "run_finished"
        ]
    );
    assert_eq!(
        events[3],
        json!({
            "time": "1970-01-01T00:00:10Z",
            "run": "one",
            "line": 3,
            "exception": "StageNotRetryableException",
            "refused": "stage `Build` cannot be retried: the execution is in another stage",
        })
    );
}

#[test]
fn the_same_script_gives_the_same_trace() {
    let pipeline = pipeline(Path::new("tests/cases/simulate/webshop.pipe"));
    let script = fs::read_to_string("tests/cases/simulate/webshop.rollback.yml").unwrap();
    assert_eq!(told(&pipeline, &script), told(&pipeline, &script));
}
