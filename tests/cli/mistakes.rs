//! Words that mean nothing where they stand: what is said, and what is offered instead.

use std::fs;

use super::runs::{BROKEN, FINE, PIPELINE, place};
use super::*;

/// What is said to a command that fails.
fn said(place: &Place, arguments: &[&str]) -> String {
    let answer = place.pipe(arguments);
    assert_ne!(answer.status(), 0, "{}", answer.whole());
    format!("$ pipe {}\n{}\n", arguments.join(" "), place.filtered(&answer))
}

#[test]
fn an_action_may_have_a_hexadecimal_name() {
    let place = place(BROKEN);
    let text = PIPELINE
        .replace("action test", "action bad")
        .replace("output report", "output feed");
    place.write("main.pipe", text);
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 1);
    let logs = place.pipe(&["logs", "bad"]);
    assert!(logs.out().contains("testing"), "{}", logs.whole());
    assert_eq!(logs.out(), place.pipe(&["logs", "build/bad"]).out());
    let mut shell = command(place.folder.path());
    let shell = Answer(shell.args(["shell", "bad"]).env("SHELL", "/bin/true").output().unwrap());
    assert_eq!(shell.status(), 0, "{}", shell.whole());
    place.write("app/test.sh", FINE);
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 75);
    let files = place.pipe(&["artifacts", "feed"]);
    assert!(files.out().contains("report.txt"), "{}", files.whole());
    assert_snapshot!(
        "hexadecimal",
        said(&place, &["logs", "add"]) + &said(&place, &["artifacts", "bad"])
    );
}

#[test]
fn a_run_that_has_ended_is_not_resumed() {
    let broken = place(BROKEN);
    assert_eq!(broken.pipe(&["run", "main.pipe"]).status(), 1);
    let fine = place(FINE);
    assert_eq!(fine.pipe(&["run", "main.pipe", "--yes"]).status(), 0);
    assert_snapshot!("resume_ended", said(&broken, &["resume"]) + &said(&fine, &["resume"]));
}

#[test]
fn a_stage_that_is_not_there_is_told_of() {
    let place = place(BROKEN);
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 1);
    let said = |arguments: &[&str]| {
        assert_eq!(place.pipe(arguments).status(), 2);
        said(&place, arguments)
    };
    let retry = said(&["retry", "--stage", "buld"]);
    let rollback = said(&["rollback", "--stage", "production"]);
    let resume = place.pipe(&["resume", "--enable", "x"]);
    assert_eq!(resume.status(), 3, "it has ended");
    assert_snapshot!("no_stage", retry + &rollback + &said(&["rollback", "--stage", "prod"]));
}

#[test]
fn only_what_waits_is_offered_for_an_answer() {
    let place = place(FINE);
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 75);
    assert_snapshot!(
        "not_waiting",
        said(&place, &["approve", "prod/aprove"]) + &said(&place, &["approve", "build/test"])
    );
}

#[test]
fn a_pipeline_without_runs_is_told_of() {
    let place = place(FINE);
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 75);
    let runs = |name: &str| place.filtered(&place.pipe(&["runs", "--pipeline", name]));
    assert_snapshot!("no_such_runs", runs("nope") + &runs("dmo"));
}

#[test]
fn another_run_is_offered_where_the_newest_is_damaged() {
    let place = place(FINE);
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 75);
    let journal = place.path(&format!(".pipe/runs/{}/journal.jsonl", place.runs()[0]));
    let mut text = fs::read_to_string(&journal).unwrap();
    let second = text.find('\n').unwrap() + 1;
    text.insert_str(second, "what is this\n");
    fs::write(&journal, text).unwrap();
    let all: String = ["show", "logs", "artifacts"]
        .iter()
        .map(|it| said(&place, &[it]))
        .collect();
    assert_snapshot!("damaged", all);
}
