//! Runs that begin at a later stage, on what an earlier run has made.

use std::fs;
use std::path::PathBuf;

use pipe::ir::Pipeline;
use pipe::run::event::{Event, Started};
use pipe::run::{RunOptions, RunOutcome};
use serde_json::json;

use crate::support::runs::{ActionExt, Project, Ran, commands, pipeline, source, stage, variable};

/// Each stage writes what it was given, and adds its name and the variable.
fn demo() -> Pipeline {
    let make = |name: &str, input: &str| {
        let line =
            format!("cat in.txt > out.txt 2>/dev/null; cp out.txt in.txt; echo {name} '#{{variables.v}}' >> in.txt");
        commands(name, &[&line, "export SAID=yes"])
            .input(input)
            .output(&format!("{name}-out"), &["in.txt"])
            .gives("SAID")
    };
    let last = commands("d", &["cat in.txt; echo '#{c.SAID} #{b.SAID}'"]).input("c-out");
    let mut demo = pipeline(vec![
        stage("S", vec![source("app")]),
        stage("B", vec![make("b", "app")]),
        stage("C", vec![make("c", "b-out")]),
        stage("D", vec![last]),
    ]);
    demo.variables = vec![variable("v", Some("default"))];
    demo
}

fn from(project: &Project, stage: &str) -> RunOptions {
    RunOptions {
        first_stage: Some(stage.to_owned()),
        ..project.options()
    }
}

fn started(ran: &Ran) -> &Started {
    match &ran.records[0].event {
        Event::RunStarted(started) => started,
        other => panic!("{other:?}"),
    }
}

fn runs(project: &Project) -> Vec<PathBuf> {
    let entries = fs::read_dir(project.path().join(".pipe/runs")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn it_begins_with_what_an_earlier_run_has_made() {
    let project = Project::new(&[("in.txt", "start\n")]);
    let options = RunOptions {
        variables: vec![("v".to_owned(), "given".to_owned())],
        ..project.options()
    };
    let first = project.run_with(&demo(), &options);
    assert_eq!(first.outcome, RunOutcome::Succeeded);
    project.file("in.txt", "changed\n");
    let second = project.run_with(&demo(), &from(&project, "C"));
    assert_eq!(second.outcome, RunOutcome::Succeeded, "{:?}", second.records);
    assert_eq!(second.endings(), ["C/c succeeded", "D/d succeeded"]);
    let log = second.log("D/d");
    assert!(log.contains("start\nb given\nc given\n"), "{log}");
    assert!(log.contains("yes yes"), "{log}");
    let inherited = started(&second).inherited.as_ref().unwrap();
    assert_eq!(inherited.execution_id, started(&first).execution_id);
    assert_eq!(started(&second).first_stage.as_deref(), Some("C"));
    assert!(started(&second).trigger.detail.ends_with(" --from C"));
}

#[test]
fn a_variable_can_be_given_anew() {
    let project = Project::new(&[("in.txt", "start\n")]);
    project.run(&demo());
    let options = RunOptions {
        variables: vec![("v".to_owned(), "new".to_owned())],
        ..from(&project, "C")
    };
    let ran = project.run_with(&demo(), &options);
    assert!(ran.log("D/d").contains("b default\nc new\n"), "{}", ran.log("D/d"));
}

#[test]
fn one_stage_alone() {
    let project = Project::new(&[("in.txt", "start\n")]);
    project.run(&demo());
    let options = RunOptions {
        last_stage: Some("C".to_owned()),
        ..from(&project, "C")
    };
    let ran = project.run_with(&demo(), &options);
    assert_eq!(
        (ran.outcome.clone(), ran.endings()),
        (RunOutcome::Succeeded, vec!["C/c succeeded".to_owned()])
    );
    // It has all that comes after it needs, and is the newest.
    let after = project.run_with(&demo(), &from(&project, "D"));
    assert_eq!(after.outcome, RunOutcome::Succeeded);
    let inherited = started(&after).inherited.as_ref().unwrap();
    assert_eq!(inherited.execution_id, started(&ran).execution_id);
}

#[test]
fn the_newest_run_that_came_far_enough_is_taken_however_it_ended() {
    let project = Project::new(&[("in.txt", "start\n")]);
    let mut fails_in_c = demo();
    fails_in_c.stages[2].actions[0] = commands("c", &["false"])
        .input("b-out")
        .output("c-out", &["in.txt"])
        .gives("SAID");
    let far = project.run(&fails_in_c);
    let mut fails_in_b = demo();
    fails_in_b.stages[1].actions[0] = commands("b", &["false"])
        .input("app")
        .output("b-out", &["in.txt"])
        .gives("SAID");
    assert_eq!(project.run(&fails_in_b).outcome, RunOutcome::Failed);
    // The definition is another one than that of either.
    let ran = project.run_with(&demo(), &from(&project, "C"));
    assert_eq!(ran.outcome, RunOutcome::Succeeded);
    let inherited = started(&ran).inherited.as_ref().unwrap();
    assert_eq!(inherited.execution_id, started(&far).execution_id);
    let nothing_far_enough = project.run_with(
        &demo(),
        &RunOptions {
            based_on: Some("0000".to_owned()),
            ..from(&project, "C")
        },
    );
    assert_eq!(nothing_far_enough.outcome, RunOutcome::Unusable);
}

#[test]
fn what_is_missing_refuses_it() {
    let project = Project::new(&[("in.txt", "start\n")]);
    let none = project.run_with(&demo(), &from(&project, "C"));
    assert_eq!(none.outcome, RunOutcome::Refused);
    assert!(!project.path().join(".pipe").exists(), "nothing was written");

    let mut fails_in_b = demo();
    fails_in_b.stages[1].actions[0] = commands("b", &["false"])
        .input("app")
        .output("b-out", &["in.txt"])
        .gives("SAID");
    let failed = project.run(&fails_in_b);
    let options = RunOptions {
        based_on: Some(started(&failed).execution_id[..8].to_owned()),
        ..from(&project, "C")
    };
    let before = runs(&project);
    assert_eq!(project.run_with(&demo(), &options).outcome, RunOutcome::Refused);
    assert_eq!(runs(&project), before);
    let report = pipe::run::plan_report::report(&demo(), &crate::support::runs::StandardDrivers, &options);
    let told: Vec<String> = report
        .obstacles
        .iter()
        .map(|obstacle| {
            format!(
                "{}: {}",
                obstacle.place.as_deref().unwrap_or_default(),
                obstacle.message
            )
        })
        .collect();
    let run = &started(&failed).execution_id[..8];
    assert_eq!(
        told,
        [
            format!("C/c: it needs the artifact `b-out`, which run {run} has not made"),
            format!("D/d: it needs `#{{b.SAID}}`, which run {run} has not given a value"),
        ]
    );
}

#[test]
fn an_artifact_that_is_not_kept_any_more_refuses_it() {
    let project = Project::new(&[("in.txt", "start\n")]);
    project.run(&demo());
    fs::remove_dir_all(project.path().join(".pipe/store")).unwrap();
    let ran = project.run_with(&demo(), &from(&project, "C"));
    assert_eq!(ran.outcome, RunOutcome::Refused);
}

#[test]
fn what_is_not_carried_out_cannot_stand_in_the_way() {
    let project = Project::new(&[("in.txt", "start\n")]);
    assert_eq!(project.run(&demo()).outcome, RunOutcome::Succeeded);
    let mut changed = demo();
    changed.stages[0].actions[0] = source("app").local("path", json!(["no", "path"]));
    assert_eq!(project.run(&changed).outcome, RunOutcome::Refused);
    assert_eq!(
        project.run_with(&changed, &from(&project, "C")).outcome,
        RunOutcome::Succeeded
    );
}

#[test]
fn a_secret_that_was_not_kept_must_be_given_again() {
    let project = Project::new(&[("in.txt", "start\n")]);
    let mut demo = demo();
    demo.stages[1].actions[0] = commands("b", &["true"])
        .input("app")
        .output("b-out", &["in.txt"])
        .local("secrets", json!({"token": "given-in-secret"}))
        .gives("SAID")
        .local("outputs", json!({"SAID": "x"}));
    let options = RunOptions {
        variables: vec![("v".to_owned(), "given-in-secret".to_owned())],
        ..project.options()
    };
    let first = project.run_with(&demo, &options);
    assert_eq!(first.outcome, RunOutcome::Succeeded, "{:?}", first.records);
    assert_eq!(started(&first).masked, ["v"]);
    assert_eq!(
        project.run_with(&demo, &from(&project, "C")).outcome,
        RunOutcome::Refused
    );
    let again = RunOptions {
        variables: vec![("v".to_owned(), "plain".to_owned())],
        ..from(&project, "C")
    };
    let ran = project.run_with(&demo, &again);
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{:?}", ran.records);
    assert!(ran.log("D/d").contains("c plain"), "{}", ran.log("D/d"));
}
