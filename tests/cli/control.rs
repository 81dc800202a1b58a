//! Commands that do something to runs.

use std::process::{Child, Command};
use std::time::Duration;

use super::runs::{BROKEN, FINE, PIPELINE, place};
use super::*;

/// A run in the background, and whether it has come so far that it answers.
fn start(place: &Place, args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_pipe"))
        .args(args)
        .current_dir(place.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until `pipe logs` shows a text.
fn wait_for(place: &Place, text: &str) {
    for _ in 0..6000 {
        if place.path(".pipe/runs").exists() && place.pipe(&["logs"]).out().contains(text) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("`{text}` never came");
}

fn events(place: &Place) -> Vec<String> {
    let id = place.runs().remove(0);
    let journal = place.read(&format!(".pipe/runs/{id}/journal.jsonl"));
    let event = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        let status = event["status"].as_str().map(|status| format!(" {status}"));
        format!("{}{}", event["event"].as_str().unwrap(), status.unwrap_or_default())
    };
    journal.lines().map(event).collect()
}

/// A pipeline that ends with its approval.
fn ends_with_approval() -> Place {
    let place = place(FINE);
    let (text, rest) = PIPELINE.split_once("\n    action rollout").unwrap();
    let (_, end) = rest.split_once('\n').unwrap();
    place.write("main.pipe", format!("{text}{end}"));
    place
}

#[test]
fn what_nobody_carries_out_is_approved_in_its_journal() {
    let place = place(FINE);
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 75);
    assert_snapshot!(
        "approve_offline",
        place.filtered(&place.pipe(&["approve", "--comment", "looks good"]))
    );
    let events = events(&place);
    let last: Vec<&str> = events.iter().rev().take(2).map(String::as_str).collect();
    assert_eq!(last, ["action_finished succeeded", "approval_answered"]);
    let shown = place.pipe(&["show"]);
    assert!(
        shown.out().contains("approved by somebody: looks good"),
        "{}",
        shown.out()
    );
    assert!(shown.out().contains("of demo: paused\n"), "{}", shown.out());
    let again = place.pipe(&["approve", "approve"]);
    assert_snapshot!("approve_again", place.filtered(&again));
    assert_eq!(place.pipe(&["approve"]).status(), 1);
}

#[test]
fn a_run_whose_last_action_is_approved_has_succeeded() {
    let place = ends_with_approval();
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 75);
    let answer = place.pipe(&["approve", "prod/approve"]);
    assert!(answer.out().ends_with(": succeeded\n"), "{}", answer.whole());
    let id = place.runs().remove(0);
    assert!(!place.path(&format!(".pipe/runs/{id}/work")).exists());
}

#[test]
fn a_rejection_fails_the_run() {
    let place = place(FINE);
    place.pipe(&["run", "main.pipe"]);
    assert_snapshot!(
        "reject_offline",
        place.filtered(&place.pipe(&["reject", "--comment", "not now"]))
    );
    assert_eq!(events(&place).last().unwrap(), "run_finished failed");
    assert!(place.pipe(&["show"]).out().contains("somebody rejected it: not now"));
}

#[test]
fn only_the_question_with_the_token_is_answered() {
    let place = place(FINE);
    place.pipe(&["run", "main.pipe"]);
    let wrong = place.pipe(&["approve", "--token", "no"]);
    assert_snapshot!("approve_wrong_token", place.filtered(&wrong));
    let shown = place.pipe(&["show", "--format", "json"]);
    let shown: serde_json::Value = serde_json::from_str(shown.out()).unwrap();
    let token = shown["stages"][2]["actions"][0]["attempts"][0]["token"]
        .as_str()
        .unwrap();
    assert_eq!(place.pipe(&["approve", "--token", token]).status(), 0);
}

#[test]
fn a_live_run_takes_answers_from_elsewhere() {
    let place = place(FINE);
    // Something else goes on, so that the run does not leave.
    let go = place.path("go");
    let wait = format!(
        "action approve = approval.manual {{}}\n    action wait = compute.commands {{ input = app, commands = [\"echo here; until test -e {}; do sleep 0.01; done\"] }}",
        go.display()
    );
    let both = PIPELINE.replace(
        "action approve = approval.manual {}",
        &format!("parallel {{\n{wait}\n}}"),
    );
    place.write("main.pipe", both);
    let mut run = start(&place, &["run", "main.pipe"]);
    wait_for(&place, "prod/wait | here");
    let answer = place.pipe(&["approve"]);
    assert_eq!(answer.status(), 0, "{}", answer.whole());
    assert!(
        answer.out().starts_with("approved prod/approve of run "),
        "{}",
        answer.out()
    );
    assert_eq!(answer.out().lines().count(), 1);
    let again = place.pipe(&["reject", "approve"]);
    assert_eq!(again.status(), 1);
    assert!(
        again.err().contains("`approve` was answered already"),
        "{}",
        again.err()
    );
    fs::write(go, "").unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(0));
    assert_eq!(place.pipe(&["stop"]).status(), 1);
}

#[test]
fn a_live_run_is_stopped() {
    let place = place("echo here\nsleep 600\n");
    let mut run = start(&place, &["run", "main.pipe"]);
    wait_for(&place, "build/test | here");
    let stop = place.pipe(&["stop", "--reason", "wrong branch"]);
    assert_snapshot!("stop_live", place.filtered(&stop));
    let twice = place.pipe(&["stop"]);
    assert_snapshot!("stop_twice", place.filtered(&twice));
    assert_eq!(place.pipe(&["stop", "--abandon"]).status(), 0);
    assert_eq!(run.wait().unwrap().code(), Some(1));
    assert!(place.pipe(&["show"]).out().contains("wrong branch"));
    assert_eq!(events(&place).last().unwrap(), "run_finished stopped");
}

#[test]
fn what_nobody_carries_out_is_stopped_in_its_journal() {
    let place = place(FINE);
    place.pipe(&["run", "main.pipe"]);
    assert_snapshot!("stop_waiting", place.filtered(&place.pipe(&["stop"])));
    assert_snapshot!(
        "stop_waiting_abandon",
        place.filtered(&place.pipe(&["stop", "--abandon"]))
    );
    assert_eq!(events(&place).last().unwrap(), "run_finished stopped");
    let missing = place.pipe(&["stop", "ffff"]);
    assert_eq!(missing.status(), 2);
}

#[test]
fn a_run_that_was_cut_off_is_stopped_without_running_anything() {
    let place = place(FINE);
    place.pipe(&["run", "main.pipe", "--yes"]);
    let id = place.runs().remove(0);
    let path = format!(".pipe/runs/{id}/journal.jsonl");
    let journal = place.read(&path);
    // As if the machine had died while `build/test` ran.
    let end = journal
        .find("\"event\":\"action_finished\",\"stage\":\"build\"")
        .unwrap();
    let end = journal[..end].rfind('\n').unwrap() + 1;
    place.write(&path, &journal[..end]);
    assert!(place.pipe(&["runs"]).out().contains("cut off in build/test and 1 more"));
    let stop = place.pipe(&["stop"]);
    assert!(stop.out().ends_with(": stopped\n"), "{}", stop.whole());
    assert_eq!(
        events(&place)[events(&place).len() - 8..],
        [
            "stop_requested",
            "run_resumed",
            "action_interrupted",
            "action_interrupted",
            "action_finished abandoned",
            "action_finished abandoned",
            "stage_finished stopped",
            "run_finished stopped"
        ]
    );
}

#[test]
fn artifacts_are_listed_and_laid_out() {
    let place = place(FINE);
    place.pipe(&["run", "main.pipe", "--yes"]);
    assert_snapshot!("artifacts", place.filtered(&place.pipe(&["artifacts"])));
    assert_eq!(place.pipe(&["artifacts", "report"]).out(), "644  5 B  report.txt\n");
    let out = place.pipe(&["artifacts", "report", "-o", "out"]);
    assert_eq!(out.out(), "report: 1 file in out\n");
    assert_eq!(place.read("out/report.txt"), "fine\n");
    let again = place.pipe(&["artifacts", "report", "-o", "out"]);
    assert_eq!(again.status(), 2);
    assert_snapshot!(again.err(), @r"
    error: `out` is not empty
      help: choose a directory that does not exist or is empty
    ");
    let all = place.pipe(&["artifacts", "-o", "all"]);
    assert_eq!(all.out(), "app: 1 file in all/app\nreport: 1 file in all/report\n");
    let unknown = place.pipe(&["artifacts", "repotr"]);
    assert_eq!(unknown.status(), 2);
    assert!(unknown.err().contains("did you mean `report`?"), "{}", unknown.err());
}

#[test]
fn old_runs_are_removed_and_others_are_not() {
    let place = place(FINE);
    for _ in 0..3 {
        place.pipe(&["run", "main.pipe", "--yes"]);
    }
    place.pipe(&["run", "main.pipe"]);
    let runs = place.runs();
    let dry = place.pipe(&["clean", "--keep", "1", "--dry-run"]);
    assert!(dry.out().contains("would remove 2 runs with "), "{}", dry.whole());
    assert_eq!(place.runs(), runs);
    let clean = place.pipe(&["clean", "--keep", "1"]);
    assert!(clean.out().contains("removed 2 runs with ") && clean.out().ends_with("; 2 runs left\n"));
    // The one that waits, and the newest that has ended.
    assert_eq!(place.runs(), [runs[0].clone(), runs[1].clone()]);
    assert_eq!(fs::read_dir(place.path(".pipe/runs")).unwrap().count(), 2);
    // What they have made is still there, and nothing that only the others had.
    let laid = place.pipe(&["artifacts", &runs[1], "report", "-o", "kept"]);
    assert_eq!((laid.status(), place.read("kept/report.txt").as_str()), (0, "fine\n"));
    fs::remove_dir_all(place.path(&format!(".pipe/runs/{}", runs[1]))).unwrap();
    fs::remove_dir_all(place.path(&format!(".pipe/runs/{}", runs[0]))).unwrap();
    assert_eq!(place.pipe(&["clean", "--keep", "1"]).status(), 0);
    assert_eq!(fs::read_dir(place.path(".pipe/store/manifests")).unwrap().count(), 0);
    assert!(
        !fs::read_dir(place.path(".pipe"))
            .unwrap()
            .any(|entry| { entry.unwrap().file_name().to_str().unwrap().starts_with("removed-") })
    );
}

#[test]
fn a_shell_opens_where_an_action_failed() {
    let place = place(BROKEN);
    let text = PIPELINE.replace("sh test.sh\"]", "sh test.sh\"]\n        environment_variables = { OVEN = \"cold\", KEY = secret(\"oven/key\") }\n        local { env = { TRAY = \"#7\" } }");
    place.write("main.pipe", text);
    let run = command(place.folder.path())
        .args(["run", "main.pipe"])
        .env("PIPE_SECRET_OVEN_KEY", "hidden-key")
        .output()
        .unwrap();
    let run = Answer(run);
    assert_eq!(run.status(), 1, "{}", run.whole());
    let script = "echo $PIPE_STAGE/$PIPE_ACTION of $PIPE_PIPELINE: $OVEN $TRAY [$KEY]; ls; exit 5\n";
    let answer = place.pipe_with(&["shell"], script);
    assert_snapshot!("shell", place.filtered(&answer));
    let fine = place.pipe(&["shell", "lint"]);
    assert_eq!(fine.status(), 2);
    assert_snapshot!(fine.err(), @r"
    error: build/lint has not failed
      help: only actions that failed leave their directories
    ");
}
