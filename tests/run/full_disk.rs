//! Runs whose disk is full, at one moment or another: the run fails and says so, nothing is left running, and once there is room
//! it goes on and comes to the end of an undisturbed run.
//!
//! The state lies in a file system in memory with so many pages, in a name space of its own. Where nobody may make one the tests
//! say that they were skipped.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use pipe::ir::Pipeline;
use pipe::run::event::{Event, Record};
use pipe::run::journal;
use pipe::run::outcome::{RunStatus, Status};

use super::stopping::PROGRAM;
use crate::support::runs::{ActionExt, Project, commands, pipeline, source, stage};

/// Starts the program in a file system of `$PAGES` pages; then takes a look, makes room, and goes on, until the run has ended.
const STORY: &str = r#"
mount -t tmpfs -o size=$((PAGES * 4))k tmpfs "$STATE" || exit 77
cd /
program() {
    "$PROGRAM_FILE" --exact run::stopping::program --ignored --nocapture --test-threads=1 > "$OUT/$1.out" 2>&1
    echo $? > "$OUT/$1.status"
    ls -l /proc/[0-9]*/cwd 2> /dev/null | grep -F "$STATE" > "$OUT/$1.left"
    cp "$STATE"/runs/*/journal.jsonl "$OUT/$1.jsonl" 2> /dev/null
}
program first
mount -o remount,size=64m "$STATE" || exit 77
for again in second third; do
    export PIPE_TEST_RESUME=$(echo "$STATE"/runs/*)
    # Of a run that never began there is nothing to go on with.
    test -s "$PIPE_TEST_RESUME/journal.jsonl" || { unset PIPE_TEST_RESUME; rm -rf "$STATE"/runs; }
    grep -q '"event":"run_finished"' "$STATE"/runs/*/journal.jsonl 2> /dev/null && export PIPE_TEST_RETRY=1
    grep -q '"event":"run_finished","status":"succeeded"' "$STATE"/runs/*/journal.jsonl 2> /dev/null || program $again
done
exit 0
"#;

/// Each action writes more than a page, into its folder and into an artifact; `slow` runs while `big` fails.
fn demo() -> Pipeline {
    let make = |name: &str, input: &str| {
        commands(name, &["cat in.txt in.txt > out.txt && echo $PIPE_ACTION >> out.txt"])
            .input(input)
            .output(&format!("{name}-out"), &["out.txt"])
    };
    let hand_on = |name: &str, input: &str| {
        commands(name, &["cat out.txt && echo $PIPE_ACTION >> out.txt"])
            .input(input)
            .output(&format!("{name}-out"), &["out.txt"])
    };
    pipeline(vec![
        stage("S", vec![source("app")]),
        stage(
            "B",
            vec![
                make("big", "app"),
                commands("slow", &["sleep 0.1"]),
                hand_on("next", "big-out").step(2),
            ],
        ),
        stage("C", vec![hand_on("last", "next-out")]),
    ])
}

struct Told {
    status: i32,
    words: String,
    left: String,
    records: Vec<Record>,
}

/// What one process of the story has left; none if it was not started.
fn told(out: &Path, name: &str) -> Option<Told> {
    let read = |ending: &str| fs::read_to_string(out.join(format!("{name}.{ending}")));
    let status = read("status").ok()?.trim().parse().unwrap();
    // As a journal lies in its folder.
    let folder = out.join(name);
    fs::create_dir(&folder).unwrap();
    let records = match fs::copy(out.join(format!("{name}.jsonl")), folder.join(journal::FILE_NAME)) {
        Ok(_) => journal::read(&folder).unwrap(),
        Err(_) => Vec::new(),
    };
    Some(Told {
        status,
        words: read("out").unwrap(),
        left: read("left").unwrap(),
        records,
    })
}

/// Plays the story with so many pages; none if nobody may make file systems here.
fn play(pages: usize) -> Option<(Told, Option<Told>, Option<Told>)> {
    let project = Project::new(&[("in.txt", &"0123456789abcdef\n".repeat(700))]);
    let definition = tempfile::tempdir().unwrap();
    let (state, out) = (definition.path().join("state"), definition.path().join("out"));
    fs::create_dir(&state).unwrap();
    fs::create_dir(&out).unwrap();
    fs::write(
        definition.path().join("pipeline.json"),
        serde_json::to_string(&demo()).unwrap(),
    )
    .unwrap();
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", STORY])
        .env("PAGES", pages.to_string())
        .env("STATE", &state)
        .env("OUT", &out)
        .env("PROGRAM_FILE", std::env::current_exe().unwrap())
        .env(PROGRAM, project.path())
        .env("PIPE_TEST_STATE", &state)
        .env("PIPE_TEST_PIPELINE", definition.path().join("pipeline.json"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let first = told(&out, "first").filter(|_| status.is_ok_and(|status| status.code() != Some(77)))?;
    Some((first, told(&out, "second"), told(&out, "third")))
}

fn status(records: &[Record]) -> Option<RunStatus> {
    match &records.last()?.event {
        Event::RunFinished { status, .. } => Some(*status),
        _ => None,
    }
}

/// How each action ended at last, with what it made.
fn ends(records: &[Record]) -> BTreeMap<String, (Status, Vec<String>)> {
    let mut out = BTreeMap::new();
    for record in records {
        if let Event::ActionFinished {
            name,
            status,
            artifacts,
            ..
        } = &record.event
        {
            let made = artifacts.values().map(|artifact| artifact.digest.clone()).collect();
            out.insert(format!("{}/{}", name.stage, name.action), (*status, made));
        }
    }
    out
}

#[test]
fn a_run_on_a_full_disk_says_so_and_goes_on_when_there_is_room() {
    let Some((undisturbed, ..)) = play(10_000) else {
        println!("skipped: no file system can be mounted here (`unshare --user --map-root-user --mount`)");
        return;
    };
    assert_eq!(undisturbed.status, 0, "{}", undisturbed.words);
    let expected = ends(&undisturbed.records);
    assert_eq!(expected.len(), 5);
    let (mut in_the_journal, mut in_an_action, mut before_the_start) = (0, 0, 0);
    for pages in (1..).step_by(2) {
        let (first, second, third) = play(pages).unwrap();
        let words = &first.words;
        assert_eq!(first.left, "", "{pages} pages: something is left running");
        assert!(!words.contains("panicked"), "{pages} pages: {words}");
        // What was said to have ended has ended.
        for name in ends(&undisturbed.records).keys() {
            let is_said = words.contains(&format!("{name} succeeded"));
            let is_known = ends(&first.records)
                .get(name)
                .is_some_and(|end| end.0 == Status::Succeeded);
            assert!(is_known || !is_said, "{pages} pages: {name}: {words}");
        }
        if first.status == 0 {
            assert!(second.is_none());
            break;
        }
        assert_eq!(first.status, 1, "{pages} pages: {words}");
        let lower = words.to_lowercase();
        let is_said = ["no space left on device", "the disk is full"]
            .iter()
            .any(|it| lower.contains(it));
        assert!(is_said, "{pages} pages: {words}");
        match (status(&first.records), first.records.is_empty()) {
            (_, true) => {
                assert!(
                    words.contains("state") && words.contains("make room there"),
                    "{pages} pages: {words}"
                );
                before_the_start += 1;
            }
            (None, _) => {
                assert!(words.contains("pipe resume"), "{pages} pages: {words}");
                in_the_journal += 1;
            }
            (Some(_), _) => in_an_action += 1,
        }
        let last = third.or(second).unwrap();
        assert_eq!(last.status, 0, "{pages} pages: {words}\nand then: {}", last.words);
        assert_eq!(status(&last.records), Some(RunStatus::Succeeded));
        assert_eq!(ends(&last.records), expected, "{pages} pages");
    }
    println!("full before the start {before_the_start}, in the journal {in_the_journal}, in an action {in_an_action}");
    assert!(before_the_start > 0 && in_an_action > 0 && in_the_journal > 0);
}
