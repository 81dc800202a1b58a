//! What is known of runs afterwards, and what others can do to them.

use std::fs;
use std::path::Path;

use pipe::ir;
use pipe::run::engine::{Command, Input};
use pipe::run::event::{Event, Inherited, Kind, Record, Started, Trigger};
use pipe::run::history::index::{Filter, Index};
use pipe::run::history::{StoredRun, clean};
use pipe::run::outcome::RunStatus;
use pipe::run::restore::{self, RestoreError};
use pipe::run::{RunOptions, RunOutcome, journal};

use crate::support::runs::{ActionExt, Project, action, commands, pipeline, source, stage};

/// A pipeline that asks before it does the last thing.
fn asks() -> ir::Pipeline {
    pipeline(vec![
        stage("Source", vec![source("app")]),
        stage(
            "Prod",
            vec![
                action("approve", "Approval/AWS/Manual/1"),
                commands("rollout", &["echo out"]).input("app").step(2),
            ],
        ),
    ])
}

#[test]
fn a_stored_run_is_taken_up_where_its_journal_ends() {
    let project = Project::new(&[("a", "b")]);
    let ran = project.run(&asks());
    assert_eq!(ran.outcome, RunOutcome::Waits);
    let stored = restore::open(&ran.run_dir).unwrap();
    assert!(matches!(
        restore::open(&ran.run_dir),
        Err(RestoreError::Journal(journal::JournalError::Busy))
    ));
    assert_eq!(stored.records, ran.records);
    assert_eq!(stored.options().project_dir, project.path().canonicalize().unwrap());
    let mut engine = stored.engine(stored.recorded_plan()).unwrap();
    let running = &engine.execution(&stored.id).unwrap().stage_run().unwrap().running;
    assert_eq!(running.len(), 1);
    let stop = Input::Stop {
        execution: stored.id.clone(),
        reason: "enough".to_owned(),
        abandon: true,
    };
    let commands = engine.handle(jiff::Timestamp::now(), stop).unwrap();
    let [
        Command::Record { .. },
        Command::End { .. },
        ..,
        Command::Record {
            event: Event::RunFinished { status, .. },
            ..
        },
    ] = commands.as_slice()
    else {
        panic!("it is written down, the question is withdrawn, and the run ends: {commands:#?}");
    };
    assert_eq!(*status, RunStatus::Stopped);
}

/// Three runs, of which the first waits; it is of another pipeline, or else it would be in the others' way.
fn indexed() -> Project {
    let project = Project::new(&[("a", "b")]);
    let mut waits = asks();
    waits.name.value = "waits".to_owned();
    project.run(&waits);
    for _ in 0..2 {
        finish(&project);
    }
    project
}

fn finish(project: &Project) {
    let options = RunOptions {
        yes: true,
        ..project.options()
    };
    assert_eq!(project.run_with(&asks(), &options).outcome, RunOutcome::Succeeded);
}

fn open(project: &Project) -> Index {
    Index::open(&project.path().join(".pipe"))
}

/// How the runs stand, the newest first.
fn standings(index: &Index) -> Vec<String> {
    let list = index.runs(&Filter::default());
    list.runs.iter().map(|run| run.standing.to_string()).collect()
}

const ALL: [&str; 3] = ["succeeded", "succeeded", "waiting for Prod/approve"];

#[test]
fn the_index_says_what_the_journals_say() {
    let project = indexed();
    let index = open(&project);
    assert_eq!(standings(&index), ALL);
    for run in index.runs(&Filter::default()).runs {
        let dir = project.path().join(".pipe/runs").join(&run.id);
        let stored = pipe::run::history::read(&dir).unwrap();
        assert_eq!(run.standing, stored.standing);
        let record = stored.record;
        let duration_ms = record.end.map(|end| end.duration_ms);
        assert_eq!((run.duration_ms, run.trigger), (duration_ms, record.trigger));
        assert_eq!(run.started, record.started);
    }
    let filter = Filter {
        pipeline: Some("demo".to_owned()),
        limit: Some(2),
    };
    assert_eq!(index.runs(&filter).runs.len(), 2);
}

#[test]
fn the_index_follows_what_happens_to_the_runs() {
    let project = indexed();
    let ids: Vec<String> = open(&project)
        .runs(&Filter::default())
        .runs
        .into_iter()
        .map(|run| run.id)
        .collect();
    let journal = |id: &str| project.path().join(".pipe/runs").join(id).join(journal::FILE_NAME);
    // As if somebody had gone on with it.
    let text = fs::read_to_string(journal(&ids[0])).unwrap();
    let end = text.find("\"event\":\"action_finished\"").unwrap();
    fs::write(journal(&ids[0]), &text[..=text[..end].rfind('\n').unwrap()]).unwrap();
    fs::remove_dir_all(journal(&ids[1]).parent().unwrap()).unwrap();
    let standing = ["cut off in Source/app", "waiting for Prod/approve"];
    assert_eq!(standings(&open(&project)), standing);
    fs::write(journal(&ids[0]), "nonsense\n{}\n").unwrap();
    let list = open(&project).runs(&Filter::default());
    assert_eq!((list.runs.len(), list.unreadable.len()), (1, 1));
}

#[test]
fn an_index_that_is_no_use_is_made_anew_or_done_without() {
    let project = indexed();
    let path = project.path().join(".pipe/index.db");
    drop(open(&project));
    assert!(path.is_file());
    let whole = fs::read(&path).unwrap();

    fs::remove_file(&path).unwrap();
    assert_eq!(standings(&open(&project)), ALL, "it is missing");

    fs::write(&path, b"SQLite format 3, or so").unwrap();
    assert_eq!(standings(&open(&project)), ALL, "it is none");
    assert!(fs::read(&path).unwrap().starts_with(b"SQLite format 3\0"));

    let mut damaged = whole.clone();
    damaged[100..].fill(0x5a);
    fs::write(&path, damaged).unwrap();
    assert_eq!(standings(&open(&project)), ALL, "it is damaged");

    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(standings(&open(&project)), ALL, "it is cut off");

    let other = rusqlite::Connection::open(&path).unwrap();
    other.pragma_update(None, "user_version", 99).unwrap();
    drop(other);
    assert_eq!(standings(&open(&project)), ALL, "it is another version's");

    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM runs")
        .unwrap();
    assert_eq!(standings(&open(&project)), ALL, "it is locked");
    drop(other);
    assert_eq!(standings(&open(&project)), ALL, "it was locked");

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(standings(&open(&project)), ALL, "it is a folder");
}

#[test]
fn several_processes_may_bring_the_index_up_to_date() {
    let project = indexed();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(standings(&open(&project)), ALL));
        }
    });
    assert_eq!(standings(&open(&project)), ALL);
}

/// The record of a run that has ended, or goes on from another.
fn record(id: &str, from: Option<&str>, ended: bool) -> StoredRun {
    let inherited = from.map(|from| {
        Box::new(Inherited {
            execution_id: from.to_owned(),
            ..Inherited::default()
        })
    });
    let started = Event::RunStarted(Box::new(Started {
        pipeline: "demo".to_owned(),
        execution_id: id.to_owned(),
        definition: String::new(),
        mode: ir::ExecutionMode::default(),
        kind: Kind::Standard,
        trigger: Trigger::default(),
        variables: std::collections::BTreeMap::new(),
        masked: Vec::new(),
        first_stage: None,
        last_stage: None,
        inherited,
        jobs: 1,
        stages: Vec::new(),
        actions: Vec::new(),
    }));
    let finished = Event::RunFinished {
        status: RunStatus::Succeeded,
        duration_ms: 1,
        superseded_by: None,
    };
    let events = std::iter::once(started).chain(ended.then_some(finished));
    let records = events.zip(1..).map(|(event, seq)| Record {
        v: pipe::run::event::VERSION,
        seq,
        // The later in the alphabet, the newer.
        time: jiff::Timestamp::from_second(id.as_bytes()[0].into()).unwrap(),
        event,
    });
    StoredRun::of(Path::new(id), &records.collect::<Vec<_>>(), false).unwrap()
}

#[test]
fn what_is_needed_is_not_removed() {
    let runs = [
        record("a", None, true),
        record("b", Some("a"), true),
        record("c", None, true),
        record("d", None, false),
        record("e", Some("b"), true),
        record("f", Some("e"), true),
    ];
    let chosen = |keep| -> Vec<String> {
        clean::choose(&runs, keep)
            .into_iter()
            .map(|run| run.record.id.clone())
            .collect()
    };
    // `f` was begun with what `e` had made, and so on down to `a`.
    assert_eq!(chosen(1), ["c"]);
    assert_eq!(chosen(0), ["a", "b", "c", "e", "f"]);
    assert_eq!(chosen(5), [""; 0]);
    assert_eq!(clean::choose(&runs[..4], 1).len(), 2);
}
