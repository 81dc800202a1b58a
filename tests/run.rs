//! Runs with real processes, from IR built here.

mod buildspec;

use pipe::ir::EnvironmentKind;
use pipe::run::RunOutcome;
use serde_json::json;

use crate::support::runs::{ActionExt, Project, action, commands, pipeline, source, stage, variable};

#[test]
fn files_and_variables_go_from_action_to_action() {
    let project = Project::new(&[("flour.txt", "500 g"), ("sub/a b.txt", "x"), (".pipe/old", "state")]);
    let mix = commands(
        "mix",
        &[
            "export BATCH=\"#{variables.size}-7\"",
            "mkdir out",
            "cat flour.txt > out/dough",
            "cd out",
            "echo $PWD > where",
        ],
    )
    .input("app")
    .output("dough", &["out/**/*"])
    .gives("BATCH");
    let bake = commands(
        "bake",
        &[
            "test -f out/dough",
            "test ! -e flour.txt",
            "echo \"baking #{mix.BATCH}\"",
        ],
    )
    .input("dough");
    let taste = commands(
        "taste",
        &[
            "cat out/dough \"$CODEBUILD_SRC_DIR_app/sub/a b.txt\"",
            "test ! -e \"$CODEBUILD_SRC_DIR_app/.pipe\"",
        ],
    )
    .input("dough")
    .input("app");
    let mut demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Mix", vec![mix]),
        stage("Bake", vec![bake, taste]),
    ]);
    demo.variables.push(variable("size", Some("small")));
    let ran = project.run(&demo);
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{:#?}", ran.records);
    assert_eq!(ran.variable("Mix/mix", "BATCH").as_deref(), Some("small-7"));
    assert!(
        ran.log("Bake/bake").contains("\nbaking small-7\n"),
        "{}",
        ran.log("Bake/bake")
    );
    assert!(ran.log("Bake/taste").contains("500 gx"), "{}", ran.log("Bake/taste"));
    assert!(!ran.run_dir.join("work").exists());
}

#[test]
fn the_first_failing_command_ends_the_action_and_the_run() {
    let project = Project::new(&[]);
    let test = commands("test", &["echo before", "sh -c 'echo oops >&2; exit 3'", "echo never"]).input("app");
    let sibling = commands("sibling", &["sleep 0.2; echo end"]).input("app");
    let next = commands("next", &["true"]).input("app").step(2);
    let demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Build", vec![test, sibling, next]),
    ]);
    let ran = project.run(&demo);
    assert_eq!(ran.outcome, RunOutcome::Failed);
    let failure = ran.failure("Build/test");
    assert_eq!(failure.message, "the command ended with exit status 3");
    assert_eq!(failure.command.as_deref(), Some("sh -c 'echo oops >&2; exit 3'"));
    assert_eq!(failure.tail.last().map(String::as_str), Some("oops"));
    assert!(failure.directory.unwrap().is_dir());
    assert_eq!(
        ran.endings(),
        ["Source/app succeeded", "Build/test failed", "Build/sibling succeeded"]
    );
}

#[test]
fn an_action_has_a_clean_environment() {
    let project = Project::new(&[]);
    let show = commands("show", &["env"])
        .input("app")
        .env("CHANNEL", "beta", EnvironmentKind::Plaintext)
        .local("env", json!({"EXTRA": "1"}));
    let demo = pipeline(vec![stage("Source", vec![source("app")]), stage("Build", vec![show])]);
    let ran = project.run(&demo);
    let log = ran.log("Build/show");
    for line in ["CHANNEL=beta", "EXTRA=1", "TERM=dumb", "PIPE_STAGE=Build"] {
        assert!(log.lines().any(|found| found == line), "{line} in {log}");
    }
    assert!(!log.contains("CARGO"), "{log}");
}

#[test]
fn a_command_of_the_users_stands_in() {
    let project = Project::new(&[("notes.md", "hello")]);
    let invoke = action("ask", "Invoke/AWS/Lambda/1")
        .input("app")
        .output("answer", &[])
        .set("FunctionName", "oracle")
        .local("run", json!("cp notes.md \"$PIPE_ARTIFACT_answer/\"; echo \"ANSWER=$PIPE_CONFIG_FunctionName says 42\" >> \"$PIPE_OUTPUT\""));
    let read = commands("read", &["cat notes.md; echo '#{ask.ANSWER}'"]).input("answer");
    let demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Ask", vec![invoke]),
        stage("Read", vec![read]),
    ]);
    let ran = project.run(&demo);
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{:#?}", ran.records);
    assert!(
        ran.log("Read/read").contains("hellooracle says 42"),
        "{}",
        ran.log("Read/read")
    );
}
