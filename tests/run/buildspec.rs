//! CodeBuild actions: `buildspec.md`, case by case.

use std::path::Path;

use pipe::run::RunOutcome;
use pipe::run::drivers::buildspec::spec::Spec;
use serde_json::json;

use crate::support::runs::{ActionExt, Project, Ran, StandardDrivers, build, commands, pipeline, source, stage};

/// Builds a source that holds this buildspec.
fn built(buildspec: &str) -> Ran {
    built_with(buildspec, |action| action)
}

fn built_with(buildspec: &str, change: impl FnOnce(pipe::ir::Action) -> pipe::ir::Action) -> Ran {
    let project = Project::new(&[("buildspec.yml", buildspec), ("src/main.c", "int main;")]);
    let action = change(build("build").input("app"));
    project.run(&pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Build", vec![action]),
    ]))
}

/// The lines of the build's log that its commands printed.
fn printed(ran: &Ran) -> Vec<String> {
    let log = ran.log("Build/build");
    log.lines()
        .filter(|line| {
            !["[Container] ", "phase ", "warning: "]
                .iter()
                .any(|start| line.starts_with(start))
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_command_may_end_the_shell() {
    for end in ["exit 3", "set -e; false; true", "export T=1; if"] {
        let ran = built(&format!(
            "
version: 0.2
env: {{exported-variables: [V]}}
phases:
  build:
    commands:
      - export V=kept
      - cd src
      - {end:?}
      - echo never
    finally:
      - echo $V; pwd | sed 's,.*/,,'
"
        ));
        assert_eq!(ran.outcome, RunOutcome::Failed, "{end}");
        let lines = printed(&ran);
        assert_eq!(lines[lines.len() - 2..], ["kept", "src"], "{end}: {lines:?}");
        assert_eq!(ran.failure("Build/build").command.as_deref(), Some(end));
    }
    let fine = built("version: 0.2\nphases:\n  build:\n    commands: ['export A=1', 'exit 0', 'echo $A']\n");
    assert_eq!(fine.outcome, RunOutcome::Succeeded);
    assert_eq!(printed(&fine), ["1"]);
}

#[test]
fn variables_win_over_each_other_and_are_exported() {
    let project = Project::new(&[(
        "buildspec.yml",
        r#"
version: 0.2
env:
  variables: {A: spec, B: spec}
  secrets-manager: {TOKEN: "npm:token"}
  exported-variables: [TAG, A, UNSET, LOCAL]
phases:
  build:
    commands: ["export TAG=\"v1 of $A\"", "LOCAL=x", "echo $TOKEN", "echo $CODEBUILD_INITIATOR"]
"#,
    )]);
    let action = build("build")
        .input("app")
        .set("EnvironmentVariables", r##"[{"name":"A","value":"action #{codepipeline.PipelineExecutionId}"},{"name":"S","value":"/p","type":"PARAMETER_STORE"}]"##)
        .local("secrets", json!({"npm": "{\"token\": \"t0p-s3cret\"}", "/p": "parameter"}));
    let next = commands("next", &["echo '#{build.TAG}'"]).input("app");
    let demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Build", vec![action]),
        stage("Next", vec![next]),
    ]);
    let ran = project.run(&demo);
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{}", ran.log("Build/build"));
    let tag = ran.variable("Build/build", "TAG").unwrap();
    assert!(tag.starts_with("v1 of action ") && tag.len() > 40, "{tag}");
    assert_eq!(ran.variable("Build/build", "UNSET"), None);
    assert_eq!(ran.variable("Build/build", "LOCAL"), None, "it was not exported");
    assert_eq!(printed(&ran), ["***", "codepipeline/demo"]);
    assert!(ran.log("Next/next").contains(&tag));
}

#[test]
fn several_inputs_have_folders() {
    let project = Project::new(&[
        (
            "buildspec.yml",
            "version: 0.2\nphases: {build: {commands: [cat lib.txt $CODEBUILD_SRC_DIR_app/app.txt]}}",
        ),
        ("app.txt", "app"),
    ]);
    let lib = commands("lib", &["mkdir l", "echo lib > l/lib.txt; cp buildspec.yml l; cd l"])
        .input("app")
        .output("lib", &["l/**/*"]);
    let action = build("build").input("app").input("lib").set("PrimarySource", "lib");
    // The artifact keeps its paths: the buildspec is named with them.
    let action = action.set("BuildspecOverride", "l/buildspec.yml");
    let demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Lib", vec![lib]),
        stage("Build", vec![action]),
    ]);
    let ran = project.run(&demo);
    assert!(
        ran.log("Build/build").contains("No such file"),
        "it starts in the artifact: {}",
        ran.log("Build/build")
    );
    assert!(ran.log("Build/build").contains("app"), "{}", ran.log("Build/build"));
}

#[test]
fn the_buildspec_can_be_elsewhere() {
    let inline = "version: 0.2\nphases: {build: {commands: [echo inline]}}";
    let ran = built_with("x", |action| action.set("BuildspecOverride", inline));
    assert_eq!(printed(&ran), ["inline"]);
}

/// What is said of a pipeline that cannot be run.
fn refusals(project: &Project, demo: &pipe::ir::Pipeline) -> Vec<String> {
    let options = project.options();
    let refused = pipe::run::plan::plan(demo, &StandardDrivers, &options)
        .err()
        .unwrap_or_default();
    if !refused.is_empty() {
        let ran = project.run_with(demo, &options);
        assert_eq!((ran.outcome, ran.records.len()), (RunOutcome::Refused, 0));
    }
    refused.into_iter().map(|refusal| refusal.message).collect()
}

#[test]
fn what_can_be_seen_of_a_buildspec_is_checked_before_the_start() {
    let refused = |buildspec: &str, change: fn(pipe::ir::Action) -> pipe::ir::Action| {
        let project = Project::new(&[("buildspec.yml", buildspec)]);
        let build = change(build("build").input("app"));
        refusals(
            &project,
            &pipeline(vec![stage("Source", vec![source("app")]), stage("Build", vec![build])]),
        )
    };
    let good = "version: 0.2\nphases: {build: {commands: [echo]}}\n";
    assert!(refused(good, |action| action).is_empty());
    assert_eq!(
        refused(good, |action| action.set("BuildspecOverride", "other.yml")),
        ["there is no buildspec `other.yml` in the source `app`"]
    );
    let malformed = refused("version: 0.2\nphases: {build: {commands: [a: b]}}", |action| action);
    assert!(malformed[0].starts_with("buildspec.yml:2:"), "{malformed:?}");
    assert_eq!(
        refused(good, |action| action.set("BatchEnabled", "true")),
        ["the buildspec has no `batch`, and the action has `BatchEnabled`"]
    );
    let secret = "version: 0.2\nenv: {secrets-manager: {T: 'npm:token'}}\nphases: {build: {commands: [echo]}}\n";
    assert_eq!(
        refused(secret, |action| action),
        ["the secret `npm:token` has no value on this machine"]
    );
    for (name, value) in [("npm", "{\"token\": \"t0ken\"}"), ("npm:token", "t0ken")] {
        let project = Project::new(&[("buildspec.yml", secret)]);
        let build = build("build").input("app").local("secrets", json!({name: value}));
        let ran = project.run(&pipeline(vec![
            stage("Source", vec![source("app")]),
            stage("Build", vec![build]),
        ]));
        assert_eq!(ran.outcome, RunOutcome::Succeeded, "{name}");
    }
    let parameter = "version: 0.2\nenv: {parameter-store: {T: /app/key}}\nphases: {build: {commands: [echo]}}\n";
    assert_eq!(
        refused(parameter, |action| action),
        ["the secret `/app/key` has no value on this machine"]
    );
    assert!(refused(parameter, |action| action.local("run", json!("true"))).is_empty());
}

/// A build whose buildspec an earlier action writes: nothing is known of it before the start.
fn built_from(buildspec: &str) -> Ran {
    let project = Project::new(&[("spec", buildspec)]);
    let write = commands("write", &["mkdir out; cp spec out/buildspec.yml; cd out"])
        .input("app")
        .output("made", &["out/**/*"]);
    let action = build("build")
        .input("made")
        .set("BuildspecOverride", "out/buildspec.yml");
    project.run(&pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Write", vec![write]),
        stage("Build", vec![action]),
    ]))
}

#[test]
fn what_is_seen_late_is_refused_before_the_first_command() {
    let spec = |user: &str| format!("version: 0.2\nrun-as: {user}\nphases: {{build: {{commands: [echo ran]}}}}");
    let other = built_from(&spec("no-such-user"));
    assert_eq!(
        other.failure("Build/build").message,
        "the buildspec has `run-as: no-such-user`, and commands run as you here"
    );
    assert!(
        !other.log("Build/build").contains("ran"),
        "{}",
        other.log("Build/build")
    );
    let us = std::process::Command::new("id").arg("-un").output().unwrap().stdout;
    let own = built_from(&spec(std::str::from_utf8(&us).unwrap().trim()));
    assert_eq!(own.outcome, RunOutcome::Succeeded, "{}", own.log("Build/build"));
}

#[test]
fn a_failed_build_leaves_the_cache_as_it_was() {
    let project = Project::new(&[(
        "buildspec.yml",
        "
version: 0.2
phases:
  build:
    commands: ['cat deps/a || true', 'mkdir -p deps; cat content > deps/a', 'test \"$(cat content)\" != bad']
cache: {paths: [deps]}
",
    )]);
    let demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Build", vec![build("build").input("app")]),
    ]);
    let run = |content: &str| {
        project.file("content", &format!("{content}\n"));
        project.run(&demo)
    };
    assert_eq!(run("good").outcome, RunOutcome::Succeeded);
    assert_eq!(run("bad").outcome, RunOutcome::Failed);
    let third = run("better");
    assert!(
        printed(&third).iter().any(|line| line == "good"),
        "{}",
        third.log("Build/build")
    );
}

#[test]
fn a_failed_build_of_a_batch_leaves_its_own_folder() {
    let buildspec = "
version: 0.2
batch: {build-list: [{identifier: a}, {identifier: b}]}
phases: {build: {commands: ['touch made-by-$CODEBUILD_BATCH_BUILD_IDENTIFIER', '[ $CODEBUILD_BATCH_BUILD_IDENTIFIER = a ]']}}
";
    let project = Project::new(&[("buildspec.yml", buildspec)]);
    let ran = project.run(&pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Build", vec![build("build").input("app").set("BatchEnabled", "true")]),
    ]));
    let directory = ran.failure("Build/build").directory.unwrap();
    assert!(directory.join("made-by-b").is_file(), "{}", directory.display());
    assert!(!directory.join("made-by-a").exists());
}

#[test]
fn what_a_build_leaves_running_is_ended() {
    let ran = built("version: 0.2\nphases: {build: {commands: ['sleep 600 & echo $! > pid; cat pid', 'echo done']}}");
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{}", ran.log("Build/build"));
    let pid: i32 = printed(&ran)[0].parse().unwrap();
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
}

#[test]
fn real_buildspecs_are_read() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/buildspec");
    let Ok(entries) = std::fs::read_dir(&corpus) else {
        eprintln!("skipped: {} is missing", corpus.display());
        return;
    };
    let (mut refused, mut warned) = (Vec::new(), Vec::new());
    let mut read = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        match Spec::read(&text, "buildspec.yml") {
            Ok(found) => {
                read += 1;
                warned.extend(found.warnings.into_iter().map(|warning| format!("{name}: {warning}")));
            }
            Err(problem) => refused.push(format!("{name}: {problem}")),
        }
    }
    println!("{read} read, {} refused:\n{}", refused.len(), refused.join("\n"));
    println!("{} warnings:\n{}", warned.len(), warned.join("\n"));
    // A placeholder stands where a string must.
    refused.retain(|problem| !problem.contains("StaticWebSiteWithPipeline"));
    assert!(refused.is_empty(), "{refused:#?}");
}
