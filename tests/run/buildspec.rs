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
        .filter(|line| !line.starts_with("$ ") && !line.starts_with("phase "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn one_shell_goes_through_all_phases() {
    let ran = built(
        r#"
version: 0.2
env:
  variables: {GREETING: "hello $USER", N: 1.10}
phases:
  install:
    commands:
      - twice() { echo "$1 $1"; }
      - cd src
      - PLAIN=kept
  build:
    commands:
      - twice "$PLAIN"
      - pwd | sed 's,.*/,,'
      - echo "$GREETING $N"
      - |
        if true; then
          echo a block
        fi
"#,
    );
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{}", ran.log("Build/build"));
    let lines = printed(&ran);
    assert_eq!(lines[..3], ["kept kept", "src", "hello $USER 1.10"]);
    assert_eq!(lines.last().map(String::as_str), Some("a block"));
}

#[test]
fn version_0_1_has_a_fresh_shell_for_each_command() {
    let ran = built(
        r#"
version: 0.1
environment_variables:
  plaintext: {A: "1"}
phases:
  build:
    commands: ["cd src; B=2; export B", "echo \"$A$B\"", "ls"]
"#,
    );
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{}", ran.log("Build/build"));
    assert_eq!(printed(&ran), ["1", "buildspec.yml", "src"]);
}

#[test]
fn the_first_failing_command_skips_the_rest_and_not_finally() {
    let ran = built(
        "
version: 0.2
phases:
  pre_build:
    commands: [echo one, sh -c 'exit 4', echo two]
    finally: ['echo finally $CODEBUILD_BUILD_SUCCEEDING', echo more]
  build:
    commands: [echo build]
",
    );
    assert_eq!(ran.outcome, RunOutcome::Failed);
    assert_eq!(printed(&ran), ["one", "finally 0", "more"]);
    let failure = ran.failure("Build/build");
    assert_eq!(failure.message, "the command ended with exit status 4");
    assert_eq!(failure.command.as_deref(), Some("sh -c 'exit 4'"));
}

#[test]
fn post_build_runs_after_a_failed_build() {
    let ran = built(
        "
version: 0.2
phases:
  build:
    commands: [echo $CODEBUILD_BUILD_SUCCEEDING, 'false']
  post_build:
    commands: [echo post $CODEBUILD_BUILD_SUCCEEDING]
",
    );
    assert_eq!(ran.outcome, RunOutcome::Failed);
    assert_eq!(printed(&ran), ["1", "post 0"]);
}

#[test]
fn on_failure_decides() {
    let phases = |on_failure: &str| {
        format!(
            "
version: 0.2
phases:
  build:
    on-failure: {on_failure}
    commands: ['echo x >> tries', '[ $(wc -l < tries) -ge 3 ] || exit 1']
  post_build:
    commands: ['wc -l < tries | tr -d \" \"']
"
        )
    };
    let aborted = built(&phases("ABORT"));
    assert_eq!((&aborted.outcome, printed(&aborted).len()), (&RunOutcome::Failed, 0));
    let continued = built(&phases("CONTINUE"));
    assert_eq!(continued.outcome, RunOutcome::Failed);
    assert_eq!(printed(&continued), ["1"]);
    let retried = built(&phases("RETRY"));
    assert_eq!(retried.outcome, RunOutcome::Succeeded, "{}", retried.log("Build/build"));
    assert_eq!(printed(&retried).last().map(String::as_str), Some("3"));
    let once = built(&phases("RETRY-1"));
    assert_eq!(once.outcome, RunOutcome::Failed);
    let other = built(&phases("RETRY-5-no such message"));
    assert_eq!(other.outcome, RunOutcome::Failed);
    assert_eq!(printed(&other).last().map(String::as_str), Some("1"));
    let matching = built(&phases("RETRY-5-exit status [0-9]"));
    assert_eq!(matching.outcome, RunOutcome::Succeeded);
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
fn artifacts_are_what_the_section_says() {
    let section = "
version: 0.2
phases:
  build:
    commands: [mkdir -p dist/css, echo a > dist/index.html, echo b > dist/css/main.css, echo c > dist/debug.map]
artifacts:
  files: ['**/*']
  base-directory: dist
  exclude-paths: ['**/*.map']
  secondary-artifacts:
    page: {files: index.html, base-directory: dist}
    style: {files: ['dist/**/*.css'], discard-paths: yes}
";
    let project = Project::new(&[("buildspec.yml", section)]);
    let list = |input: &str| commands("list", &["find . -type f | sort"]).input(input);
    let one = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Build", vec![build("build").input("app").output("site", &[])]),
        stage("List", vec![list("site")]),
    ]);
    let ran = project.run(&one);
    assert!(
        ran.log("List/list").ends_with("./css/main.css\n./index.html\n"),
        "{}",
        ran.log("List/list")
    );

    let several = |outputs: [&str; 2]| {
        let action = outputs
            .iter()
            .fold(build("build").input("app"), |action, name| action.output(name, &[]));
        pipeline(vec![
            stage("Source", vec![source("app")]),
            stage("Build", vec![action]),
            stage("List", vec![list(outputs[1])]),
        ])
    };
    let ran = project.run(&several(["page", "style"]));
    assert!(
        ran.log("List/list").ends_with("\n./main.css\n"),
        "{}",
        ran.log("List/list")
    );
    let ran = project.run(&several(["page", "other"]));
    assert!(
        ran.failure("Build/build")
            .message
            .contains("no secondary artifact `other`")
    );
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
        ["batch builds are not carried out on this machine"]
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
    let mut refused = Vec::new();
    let mut read = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        match Spec::parse(&text, "buildspec.yml") {
            Ok(_) => read += 1,
            Err(problem) => {
                assert!(problem.starts_with("buildspec.yml:"), "{problem}");
                refused.push(format!("{}: {problem}", path.file_name().unwrap().to_string_lossy()));
            }
        }
    }
    println!("{read} read, {} refused:\n{}", refused.len(), refused.join("\n"));
    assert!(read > refused.len() * 9, "{refused:#?}");
}
