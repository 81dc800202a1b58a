//! Going on with runs: killed at any moment, left waiting, failed, rolled back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pipe::ir::{Pipeline, RetryMode};
use pipe::run::event::{Event, Kind, Record};
use pipe::run::outcome::RunStatus;
use pipe::run::store::{Content, Store};
use pipe::run::{GoOn, RunOptions, RunOutcome, go_on, journal};

use super::stopping::program_for;
use crate::support::runs::{ActionExt, Project, action, commands, pipeline, retry, source, stage};

fn resume() -> GoOn {
    GoOn::Resume { enable: Vec::new() }
}

fn runs(project: &Project) -> Vec<PathBuf> {
    let entries = fs::read_dir(project.path().join(".pipe/runs"))
        .into_iter()
        .flatten()
        .flatten();
    entries.map(|entry| entry.path()).collect()
}

/// The one run that is not among `known`.
fn new_run(project: &Project, known: &[PathBuf]) -> PathBuf {
    let mut new = runs(project);
    new.retain(|run| !known.contains(run));
    assert_eq!(new.len(), 1, "{new:?}");
    new.remove(0)
}

fn status(records: &[Record]) -> Option<RunStatus> {
    match &records.last()?.event {
        Event::RunFinished { status, .. } => Some(*status),
        _ => None,
    }
}

/// What a run has come to, whatever happened on the way: each action's status, variables and artifacts, and the run's.
fn end_state(records: &[Record]) -> (BTreeMap<String, String>, Option<RunStatus>) {
    let mut actions = BTreeMap::new();
    for record in records {
        if let Event::ActionFinished {
            name,
            status,
            variables,
            artifacts,
            ..
        } = &record.event
        {
            let digests: Vec<&str> = artifacts.values().map(|artifact| artifact.digest.as_str()).collect();
            let before = actions.insert(
                format!("{}/{}", name.stage, name.action),
                format!("{status} {variables:?} {digests:?}"),
            );
            assert!(before.is_none(), "{} has ended twice", name.action);
        }
    }
    (actions, status(records))
}

/// Three stages with actions beside and after each other, which hand on files and variables.
fn demo() -> Pipeline {
    let make = |name: &str, input: &str| {
        commands(
            name,
            &["cat in.txt > out.txt 2>/dev/null; echo $PIPE_ACTION >> out.txt; export V=$PIPE_ACTION"],
        )
        .input(input)
        .output(&format!("{name}-out"), &["out.txt"])
        .gives("V")
    };
    pipeline(vec![
        stage("S", vec![source("app")]),
        stage(
            "B",
            vec![
                make("a", "app"),
                make("b", "app"),
                make("c", "a-out").step(2),
                make("d", "b-out").step(2),
            ],
        ),
        stage(
            "T",
            vec![make("e", "c-out"), make("f", "d-out"), make("g", "e-out").step(3)],
        ),
        stage(
            "D",
            vec![
                commands("h", &["echo '#{g.V} #{a.V}' > out.txt"])
                    .input("g-out")
                    .output("last", &["out.txt"]),
            ],
        ),
    ])
}

/// The process that carries the run out: the child of `keeper`.
fn runner_of(keeper: u32) -> Option<i32> {
    let children = fs::read_to_string(format!("/proc/{keeper}/task/{keeper}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

#[test]
fn a_killed_run_goes_on_and_repeats_nothing() {
    let kills: usize = std::env::var("PIPE_TEST_KILLS").map_or(60, |kills| kills.parse().unwrap());
    let seed = std::env::var("PIPE_TEST_SEED").map_or(7, |seed| seed.parse().unwrap());
    let mut random = fastrand::Rng::with_seed(seed);
    let undisturbed = Project::new(&[("in.txt", "start\n")]);
    let mut options = undisturbed.options();
    // State beside the project would be part of the source.
    let state = tempfile::tempdir().unwrap();
    options.state_dir = Some(state.path().to_owned());
    let expected = end_state(&undisturbed.run_with(&demo(), &options).records);
    assert_eq!(expected.1, Some(RunStatus::Succeeded));
    let mut killed = 0;
    while killed < kills {
        let project = Project::new(&[("in.txt", "start\n")]);
        let definition = serde_json::to_string(&demo()).unwrap();
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join("pipeline.json"), definition).unwrap();
        let records = loop {
            let run_dir = fs::read_dir(state.path().join("runs"))
                .ok()
                .and_then(|mut runs| Some(runs.next()?.ok()?.path()));
            let run_dir = run_dir.filter(|run_dir| journal::read(run_dir).is_ok_and(|records| !records.is_empty()));
            if let Some(records) = run_dir.as_ref().map(|run_dir| journal::read(run_dir).unwrap())
                && status(&records).is_some()
            {
                break records;
            }
            if run_dir.is_none() {
                // Killed before its first line was written: there is no run.
                let _ = fs::remove_dir_all(state.path().join("runs"));
            }
            let mut program = spawn_in(&project, state.path(), run_dir.as_deref());
            std::thread::sleep(Duration::from_micros(random.u64(3_000..90_000)));
            // The runner, or the keeper: which of both must not matter.
            let id = if random.bool() { None } else { runner_of(program.id()) };
            let id = id.unwrap_or_else(|| i32::try_from(program.id()).unwrap());
            let _ = kill(Pid::from_raw(id), Signal::SIGKILL);
            program.wait().unwrap();
            killed += 1;
            wait_until_free(state.path());
        };
        assert_eq!(end_state(&records), expected, "{records:#?}");
    }
}

/// Waits until no runner holds the pipeline any more: one whose keeper was killed ends a moment later.
fn wait_until_free(state: &Path) {
    let Ok(locks) = fs::read_dir(state.join("pipelines")) else {
        return;
    };
    for lock in locks.flatten() {
        fs::File::open(lock.path()).unwrap().lock().unwrap();
    }
}

fn spawn_in(project: &Project, state: &Path, run_dir: Option<&Path>) -> std::process::Child {
    let mut command = program_for(project);
    command.env("PIPE_TEST_STATE", state);
    if let Some(run_dir) = run_dir {
        command.env("PIPE_TEST_RESUME", run_dir);
    }
    command.spawn().unwrap()
}

#[test]
fn a_run_left_waiting_goes_on_with_an_answer() {
    let project = Project::new(&[]);
    let demo = pipeline(vec![
        stage("S", vec![source("app")]),
        stage(
            "B",
            vec![
                action("go", "Approval/AWS/Manual/1"),
                commands("after", &["true"]).step(2),
            ],
        ),
    ]);
    let ran = project.run(&demo);
    assert_eq!(ran.outcome, RunOutcome::Waits);
    assert_eq!(go_on(&ran.run_dir, &resume(), &project.options()), RunOutcome::Waits);
    let yes = RunOptions {
        yes: true,
        ..project.options()
    };
    assert_eq!(go_on(&ran.run_dir, &resume(), &yes), RunOutcome::Succeeded);
    let records = journal::read(&ran.run_dir).unwrap();
    // It is the same question all the time.
    let is_asked = |record: &&Record| matches!(&record.event, Event::ActionStarted { name, .. } if name.action == "go");
    assert_eq!(records.iter().filter(is_asked).count(), 1);
    // What has ended cannot go on.
    assert_eq!(go_on(&ran.run_dir, &resume(), &yes), RunOutcome::Refused);
}

/// The process died between the request and the end that follows from it.
#[test]
fn a_run_that_was_to_stop_or_was_cancelled_ends_and_asks_no_more() {
    let demo = pipeline(vec![
        stage("S", vec![source("app")]),
        stage("B", vec![action("go", "Approval/AWS/Manual/1")]),
    ]);
    let reason = || "it died".to_owned();
    let stop = Event::StopRequested {
        reason: reason(),
        abandon: true,
    };
    let cancel = Event::CancelRequested { reason: reason() };
    for (request, end) in [(stop, RunStatus::Stopped), (cancel, RunStatus::Cancelled)] {
        let project = Project::new(&[]);
        let ran = project.run(&demo);
        assert_eq!(ran.outcome, RunOutcome::Waits);
        let (mut journal, records) = journal::Journal::open(&ran.run_dir).unwrap();
        journal.append(records.last().unwrap().time, request).unwrap();
        journal.sync().unwrap();
        drop(journal);
        let yes = RunOptions {
            yes: true,
            ..project.options()
        };
        go_on(&ran.run_dir, &resume(), &yes);
        let records = journal::read(&ran.run_dir).unwrap();
        assert_eq!(status(&records), Some(end));
        let is_answer = |record: &Record| matches!(record.event, Event::ApprovalAnswered { .. });
        assert!(!records.iter().any(is_answer));
        let log = fs::read_to_string(ran.run_dir.join("logs/B/go.log")).unwrap_or_default();
        assert!(!log.contains("approved"), "{log}");
    }
}

#[test]
fn a_failed_stage_is_retried_in_the_same_run() {
    let project = Project::new(&[]);
    let mark = project.path().join("mended");
    let script = format!("test -e {}", mark.display());
    let demo = pipeline(vec![
        stage("S", vec![source("app")]),
        stage("B", vec![commands("good", &["true"]), commands("bad", &[&script])]),
        stage("C", vec![commands("last", &["true"])]),
    ]);
    let ran = project.run(&demo);
    assert_eq!(ran.outcome, RunOutcome::Failed);
    let again = |mode| GoOn::Retry { stage: None, mode };
    assert_eq!(
        go_on(&ran.run_dir, &again(RetryMode::FailedActions), &project.options()),
        RunOutcome::Failed
    );
    fs::write(mark, "").unwrap();
    assert_eq!(
        go_on(&ran.run_dir, &again(RetryMode::FailedActions), &project.options()),
        RunOutcome::Succeeded
    );
    assert_eq!(runs(&project).len(), 1);
    let records = journal::read(&ran.run_dir).unwrap();
    let attempts = |wanted: &str| {
        let started = records
            .iter()
            .filter(|record| matches!(&record.event, Event::ActionStarted { name, .. } if name.action == wanted));
        started.count()
    };
    assert_eq!((attempts("good"), attempts("bad"), attempts("last")), (1, 3, 1));
    assert_eq!(
        go_on(&ran.run_dir, &again(RetryMode::AllActions), &project.options()),
        RunOutcome::Refused
    );
}

#[test]
fn a_stage_is_rolled_back_to_an_earlier_run() {
    let project = Project::new(&[("version", "1")]);
    let script = "cat version; test $(cat version) != 2";
    let mut demo = pipeline(vec![
        stage("S", vec![source("app")]),
        stage("D", vec![commands("deploy", &[script]).input("app")]),
    ]);
    demo.stages[1].on_failure = Some({
        let mut handling = retry(RetryMode::FailedActions);
        handling.result.as_mut().unwrap().value = pipe::ir::ConditionResult::Rollback;
        handling.retry_mode = None;
        handling
    });
    let first = project.run(&demo);
    assert_eq!(first.outcome, RunOutcome::Succeeded);
    project.file("version", "2");
    let known = runs(&project);
    assert_eq!(
        pipe::run::run(&demo, &crate::support::runs::StandardDrivers, &project.options()),
        RunOutcome::Failed
    );
    let mut new = runs(&project);
    new.retain(|run| !known.contains(run));
    assert_eq!(new.len(), 2, "the run that failed, and the one that rolls back");
    let rollback = new.iter().find(|run| match &journal::read(run).unwrap()[0].event {
        Event::RunStarted(started) => started.kind == Kind::Rollback,
        _ => false,
    });
    let rollback = rollback.unwrap();
    let said = |run: &Path| fs::read_to_string(run.join("logs/D/deploy.log")).unwrap();
    assert!(said(rollback).trim_end().ends_with("\n1"), "{}", said(rollback));
    assert_eq!(status(&journal::read(rollback).unwrap()), Some(RunStatus::Succeeded));

    // By hand, too.
    let known = runs(&project);
    let back = GoOn::Rollback { stage: "D".to_owned() };
    assert_eq!(go_on(&first.run_dir, &back, &project.options()), RunOutcome::Succeeded);
    let by_hand = new_run(&project, &known);
    assert!(said(&by_hand).trim_end().ends_with("\n1"));
    assert_eq!(
        go_on(rollback, &back, &project.options()),
        RunOutcome::Refused,
        "it is a rollback itself"
    );
    assert!(!by_hand.join("logs/S").exists());
}

#[test]
fn the_next_run_goes_on_with_what_was_left_by_the_same_definition() {
    let waits = |name: &str| {
        pipeline(vec![
            stage("S", vec![source("app")]),
            stage("A", vec![action(name, "Approval/AWS/Manual/1")]),
        ])
    };
    let project = Project::new(&[]);
    let first = project.run(&waits("go"));
    assert_eq!(first.outcome, RunOutcome::Waits);
    // The second stands in front of the stage that the first is in.
    let known = runs(&project);
    assert_eq!(project.run(&waits("go")).outcome, RunOutcome::Waits);
    let second = new_run(&project, &known);
    let stands = |run: &Path| {
        let records = journal::read(run).unwrap();
        records
            .iter()
            .any(|record| matches!(record.event, Event::StageWaiting { .. }))
    };
    assert!(stands(&second) && !stands(&first.run_dir));
    // A third takes the place of the second, and saying yes to it says nothing to the first.
    let known = runs(&project);
    let yes = RunOptions {
        yes: true,
        ..project.options()
    };
    assert_eq!(project.run_with(&waits("go"), &yes).outcome, RunOutcome::Waits);
    let third = new_run(&project, &known);
    let ended = |run: &Path| status(&journal::read(run).unwrap());
    assert_eq!(ended(&first.run_dir), None);
    assert_eq!(ended(&second), Some(RunStatus::Superseded));
    assert_eq!(go_on(&first.run_dir, &resume(), &yes), RunOutcome::Succeeded);
    assert_eq!(
        ended(&third),
        None,
        "it is in the stage now, and waits for its own answer"
    );
    assert_eq!(go_on(&third, &resume(), &yes), RunOutcome::Succeeded);

    let left = project.run(&waits("go"));
    assert_eq!(left.outcome, RunOutcome::Waits);
    let left = runs(&project).into_iter().find(|run| ended(run).is_none()).unwrap();
    assert_eq!(project.run_with(&waits("renamed"), &yes).outcome, RunOutcome::Succeeded);
    // The definition is another one now: it waits for somebody to say what is to become of it.
    assert_eq!(ended(&left), None);
    assert_eq!(go_on(&left, &resume(), &yes), RunOutcome::Succeeded);
}

#[test]
fn a_torn_line_is_cut_off_and_a_damaged_one_is_not_guessed() {
    let project = Project::new(&[]);
    let demo = pipeline(vec![
        stage("S", vec![source("app")]),
        stage("B", vec![action("go", "Approval/AWS/Manual/1")]),
    ]);
    let ran = project.run(&demo);
    let path = ran.run_dir.join(journal::FILE_NAME);
    let whole = fs::read(&path).unwrap();
    let yes = RunOptions {
        yes: true,
        ..project.options()
    };
    // The power went off in the middle of a line.
    fs::write(&path, [&whole[..], b"{\"v\":2,\"seq\":99,\"ti"].concat()).unwrap();
    assert_eq!(journal::read(&ran.run_dir).unwrap(), ran.records);
    assert_eq!(go_on(&ran.run_dir, &resume(), &yes), RunOutcome::Succeeded);
    assert!(journal::read(&ran.run_dir).unwrap().len() > ran.records.len());
    // A line in the middle was changed.
    let text = String::from_utf8(whole.clone()).unwrap();
    fs::write(&path, text.replacen("\"S\"", "\"X\"", 1)).unwrap();
    let error = journal::read(&ran.run_dir).unwrap_err().to_string();
    assert!(error.contains("is damaged: its checksum is wrong"), "{error}");
    assert_eq!(go_on(&ran.run_dir, &resume(), &yes), RunOutcome::Failed);
    // An earlier version wrote it.
    fs::write(
        &path,
        "{\"v\":1,\"seq\":1,\"time\":\"2026-01-01T00:00:00Z\",\"event\":\"run_started\"}\n",
    )
    .unwrap();
    let error = journal::read(&ran.run_dir).unwrap_err().to_string();
    assert!(error.contains("recorded by another version"), "{error}");
}

#[test]
fn a_definition_that_was_made_ambiguous_is_refused() {
    let project = Project::new(&[]);
    let demo = pipeline(vec![
        stage("S", vec![source("app")]),
        stage(
            "B",
            vec![action("go", "Approval/AWS/Manual/1"), commands("a", &["true"])],
        ),
    ]);
    let ran = project.run(&demo);
    let mut changed = demo;
    changed.stages[1].actions[1].name.value = "go".to_owned();
    fs::write(ran.run_dir.join("pipeline.json"), serde_json::to_vec(&changed).unwrap()).unwrap();
    assert_eq!(go_on(&ran.run_dir, &resume(), &project.options()), RunOutcome::Failed);
    let error = pipe::run::restore::look(&ran.run_dir).err().unwrap().to_string();
    assert!(
        error.contains("two actions that are called `go` in stage `B`"),
        "{error}"
    );
}

/// The file in the store that holds the first file of an artifact.
fn object_of(project: &Project, records: &[Record], artifact: &str) -> PathBuf {
    let root = project.path().join(".pipe/store");
    let made = records.iter().find_map(|record| match &record.event {
        Event::ActionFinished { artifacts, .. } => artifacts.get(artifact),
        _ => None,
    });
    let manifest = Store::new(root.clone()).manifest(made.unwrap()).unwrap();
    let hash = manifest.entries.iter().find_map(|entry| match &entry.content {
        Content::File { hash, .. } => Some(hash.to_hex()),
        Content::Link { .. } | Content::Directory { .. } => None,
    });
    let hash = hash.unwrap();
    root.join("objects").join(&hash[..2]).join(&hash[2..])
}

fn replace(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

/// As if the machine had been started anew since.
fn start_the_machine_anew(run_dir: &Path) {
    fs::write(run_dir.join("boot"), "another").unwrap();
}

/// A source, an action that makes something, a question, and an action that takes in what was made.
fn made_and_asked() -> Pipeline {
    pipeline(vec![
        stage("S", vec![source("app")]),
        stage(
            "B",
            vec![
                commands("make", &["cat in.txt > out.txt; echo made >> out.txt"])
                    .input("app")
                    .output("made", &["out.txt"]),
                action("go", "Approval/AWS/Manual/1").step(2),
                commands("take", &["cat out.txt"]).input("made").step(3),
            ],
        ),
    ])
}

fn attempts(records: &[Record], wanted: &str) -> usize {
    let is_start =
        |record: &&Record| matches!(&record.event, Event::ActionStarted { name, .. } if name.action == wanted);
    records.iter().filter(is_start).count()
}

#[test]
fn what_the_machine_has_lost_is_made_again() {
    for damage in [&b""[..], b"start", b"start\nMADE\n", b"start\nmade\nmore\n"] {
        let project = Project::new(&[("in.txt", "start\n")]);
        let ran = project.run(&made_and_asked());
        assert_eq!(ran.outcome, RunOutcome::Waits);
        replace(&object_of(&project, &ran.records, "made"), damage);
        start_the_machine_anew(&ran.run_dir);
        let yes = RunOptions {
            yes: true,
            ..project.options()
        };
        assert_eq!(go_on(&ran.run_dir, &resume(), &yes), RunOutcome::Succeeded);
        let records = journal::read(&ran.run_dir).unwrap();
        let counts = ["app", "make", "go", "take"].map(|action| attempts(&records, action));
        assert_eq!(counts, [1, 2, 1, 1]);
        let log = fs::read_to_string(ran.run_dir.join("logs/B/take.log")).unwrap();
        assert!(log.ends_with("start\nmade\n"), "{log}");
    }
}

#[test]
fn a_run_that_has_lost_nothing_repeats_nothing_and_looks_once() {
    let project = Project::new(&[("in.txt", "start\n")]);
    let ran = project.run(&made_and_asked());
    start_the_machine_anew(&ran.run_dir);
    assert_eq!(go_on(&ran.run_dir, &resume(), &project.options()), RunOutcome::Waits);
    // It is known to be whole now, as it is of every run of this start of the machine.
    replace(&object_of(&project, &ran.records, "made"), b"lost later");
    let yes = RunOptions {
        yes: true,
        ..project.options()
    };
    assert_eq!(go_on(&ran.run_dir, &resume(), &yes), RunOutcome::Failed);
    let records = journal::read(&ran.run_dir).unwrap();
    assert_eq!(attempts(&records, "make"), 1);
    // What fails for it can be mended all the same.
    let all = GoOn::Retry {
        stage: None,
        mode: RetryMode::AllActions,
    };
    assert_eq!(go_on(&ran.run_dir, &all, &yes), RunOutcome::Succeeded);
}

#[test]
fn a_run_that_cannot_be_without_what_is_lost_is_refused() {
    let project = Project::new(&[("in.txt", "start\n")]);
    let mut demo = made_and_asked();
    demo.stages[1].actions[2] = commands("take", &["cat in.txt"]).input("app").step(3);
    let ran = project.run(&demo);
    let object = object_of(&project, &ran.records, "app");
    let whole = fs::read(&object).unwrap();
    replace(&object, b"");
    start_the_machine_anew(&ran.run_dir);
    let yes = RunOptions {
        yes: true,
        ..project.options()
    };
    assert_eq!(go_on(&ran.run_dir, &resume(), &yes), RunOutcome::Refused);
    assert_eq!(
        journal::read(&ran.run_dir).unwrap(),
        ran.records,
        "nothing has happened"
    );
    fs::write(&object, whole).unwrap();
    assert_eq!(go_on(&ran.run_dir, &resume(), &yes), RunOutcome::Succeeded);
}

#[test]
fn a_second_writer_is_refused_and_readers_are_not() {
    let project = Project::new(&[]);
    let demo = pipeline(vec![
        stage("S", vec![source("app")]),
        stage("B", vec![action("go", "Approval/AWS/Manual/1")]),
    ]);
    let ran = project.run(&demo);
    let (writer, records) = journal::Journal::open(&ran.run_dir).unwrap();
    assert!(journal::is_busy(&ran.run_dir));
    assert_eq!(go_on(&ran.run_dir, &resume(), &project.options()), RunOutcome::Failed);
    assert_eq!(journal::read(&ran.run_dir).unwrap(), records);
    drop(writer);
    assert!(!journal::is_busy(&ran.run_dir));
}
