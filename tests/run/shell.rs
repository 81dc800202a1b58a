//! Commands: one shell for all of them, the first failure their end, output variables and files at the end.

use pipe::run::RunOutcome;
use serde_json::json;

use crate::support::runs::{ActionExt, Project, Ran, action, commands, pipeline, source, stage};

fn ran(action: pipe::ir::Action) -> Ran {
    let project = Project::new(&[("a.txt", "a"), ("sub/b.txt", "b")]);
    project.run(&pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Do", vec![action.input("app")]),
    ]))
}

#[test]
fn folder_variables_and_functions_carry_over() {
    let ran = ran(commands(
        "a",
        &[
            "cd sub",
            "count=2; greet() { echo \"hello $1\"; }",
            "greet $count",
            "cat b.txt; pwd | sed 's|.*/||'",
        ],
    ));
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{:#?}", ran.records);
    let log = ran.log("Do/a");
    assert!(log.contains("\nhello 2\n") && log.ends_with("bsub\n"), "{log}");
}

#[test]
fn a_command_cannot_swallow_the_next() {
    let ran = ran(commands("a", &["echo one", "echo \"two", "echo \" three"]));
    let failure = ran.failure("Do/a");
    assert_eq!(failure.command.as_deref(), Some("echo \"two"));
    assert!(!ran.log("Do/a").contains("three"));
}

#[test]
fn a_failure_in_the_middle_of_a_command_is_not_its_end() {
    let ran = ran(commands("a", &["false; echo on", "false && true", "echo never"]));
    assert_eq!(ran.failure("Do/a").command.as_deref(), Some("false && true"));
    assert!(ran.log("Do/a").contains("\non\n"));
}

#[test]
fn output_variables_are_what_was_exported() {
    let ran = ran(commands(
        "a",
        &[
            "export SET='two\nlines'",
            "LOST=1",
            "export EMPTY=",
            "export LATER=1; LATER=2",
            "exit 0",
            "false",
        ],
    )
    .gives("SET")
    .gives("LOST")
    .gives("EMPTY")
    .gives("LATER"));
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{:#?}", ran.records);
    let variable = |name: &str| ran.variable("Do/a", name);
    assert_eq!(variable("SET").as_deref(), Some("two\nlines"));
    assert_eq!(variable("EMPTY").as_deref(), Some(""));
    assert_eq!(variable("LATER").as_deref(), Some("2"));
    assert_eq!(variable("LOST"), None);
    let told = serde_json::to_string(&ran.records).unwrap();
    assert!(told.contains("no value for `LOST`: no command exported it"), "{told}");
}

#[test]
fn a_configuration_has_a_size() {
    let give = commands("a", &["export BIG=$(head -c 102400 /dev/zero | tr '\\0' x)"]).gives("BIG");
    let take = action("b", "Deploy/AWS/ECS/1").set("ServiceName", "#{a.BIG}");
    let demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Do", vec![give, take.step(2)]),
    ]);
    let failure = Project::new(&[]).run(&demo).failure("Do/b");
    assert!(failure.message.contains("102411 bytes"), "{}", failure.message);
    assert!(failure.help.unwrap().contains("`ServiceName`"));
}

#[test]
fn output_variables_have_a_size() {
    let ran = ran(commands("a", &["export BIG=$(head -c 122880 /dev/zero | tr '\\0' x)"]).gives("BIG"));
    let failure = ran.failure("Do/a");
    assert!(failure.message.contains("122883 bytes"), "{}", failure.message);
    assert!(failure.help.unwrap().contains("`BIG`"));
}

#[test]
fn what_has_no_shell_here_is_refused() {
    let refused = |action: pipe::ir::Action| assert_eq!(ran(action).outcome, RunOutcome::Refused);
    refused(commands("a", &["dir"]).set("EnvironmentType", "WINDOWS_SERVER_2022_CONTAINER"));
    refused(commands("a", &["true"]).local("shell", json!("no-such-shell")));
    let stood_in = commands("a", &["dir"]).set("EnvironmentType", "WINDOWS_SERVER_2022_CONTAINER");
    assert_eq!(ran(stood_in.local("run", json!("ls"))).outcome, RunOutcome::Succeeded);
}

#[test]
fn an_output_takes_the_files_that_match() {
    let project = Project::new(&[("a.txt", "a"), ("sub/b.txt", "b")]);
    let list = |files: &[&str]| {
        let make = commands("make", &["mkdir -p out/deep; touch out/x out/deep/y out/.z"]);
        let make = make.input("app").output("made", files);
        let ran = project.run_with(
            &pipeline(vec![
                stage("Source", vec![source("app")]),
                stage("Make", vec![make]),
                stage(
                    "List",
                    vec![commands("list", &["find . -type f | sort | tr '\\n' ' '"]).input("made")],
                ),
            ]),
            &project.options(),
        );
        ran.log("List/list")
            .lines()
            .nth(1)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    assert_eq!(list(&["out/*"]), "./out/.z ./out/x");
    assert_eq!(list(&["out/**/*", "*.txt"]), "./a.txt ./out/.z ./out/deep/y ./out/x");
    assert_eq!(list(&["**/b.txt"]), "./sub/b.txt");
}
