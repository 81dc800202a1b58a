//! `pipe plan`, through the binary.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::program;

const DEMO: &str = r#"pipeline demo {
  role_arn       = "arn:aws:iam::111122223333:role/demo"
  artifact_store = "demo-artifacts"

  variable channel = "beta"

  stage source {
    action app = source.codecommit {
      repository_name         = "demo"
      branch_name             = "main"
      poll_for_source_changes = false
    }
  }

  stage build {
    parallel {
      action quick = compute.commands { input = app, commands = ["echo ${channel}"] }
      action slow  = compute.commands { input = app, commands = ["sleep 0.05"], output site from ["main.pipe"] }
    }
    action go = approval.manual {}
  }

  stage prod {
    action deploy = deploy.s3 { input = slow, bucket_name = "demo-site", extract = true }
  }
}
"#;

struct Answer {
    status: i32,
    out: String,
    err: String,
}

fn run(folder: &Path, name: &str, arguments: &[&str]) -> Answer {
    let output = program(folder, name).args(arguments).output().unwrap();
    Answer {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn pipe(folder: &TempDir, arguments: &[&str]) -> Answer {
    run(folder.path(), env!("CARGO_BIN_EXE_pipe"), arguments)
}

fn json(folder: &TempDir, arguments: &[&str]) -> Value {
    let answer = pipe(
        folder,
        &[&["plan", "main.pipe", "--format", "json"], arguments].concat(),
    );
    serde_json::from_str(&answer.out).unwrap_or_else(|why| panic!("{why}\n{}{}", answer.out, answer.err))
}

fn demo() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.pipe"), DEMO).unwrap();
    folder
}

/// A checkout with one commit, and a file that is not in it.
fn checkout() -> TempDir {
    let folder = demo();
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=Baker", "-c", "user.email=baker@example.com"];
        let answer = run(folder.path(), "git", &[&identity, arguments].concat());
        assert_eq!(answer.status, 0, "{}", answer.err);
    };
    git(&["init", "--quiet", "--initial-branch=main"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message=Open the shop"]);
    fs::write(folder.path().join("new.txt"), "").unwrap();
    folder
}

#[test]
fn it_tells_what_a_run_would_do_and_does_nothing() {
    let folder = demo();
    let answer = pipe(&folder, &["plan", "main.pipe", "--jobs", "4"]);
    assert_eq!((answer.status, answer.err.as_str()), (0, ""));
    insta::assert_snapshot!(answer.out);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is written");
    let dry = pipe(&folder, &["run", "main.pipe", "--jobs", "4", "--dry-run"]);
    assert_eq!((dry.status, dry.out), (0, answer.out));
    let as_json = pipe(&folder, &["run", "main.pipe", "--dry-run", "--json"]);
    let as_json: Value = serde_json::from_str(&as_json.out).unwrap();
    assert_eq!(as_json, json(&folder, &[]));
}

#[test]
fn a_checkout_is_told_with_its_commit_and_what_differs_from_it() {
    let folder = checkout();
    let index = fs::metadata(folder.path().join(".git/index"))
        .unwrap()
        .modified()
        .unwrap();
    let source = &json(&folder, &[])["stages"][0]["steps"][0][0]["source"];
    let head = run(folder.path(), "git", &["rev-parse", "HEAD"]).out;
    assert_eq!(source["kind"], "checkout");
    assert_eq!(source["commit"], head.trim());
    assert_eq!((&source["branch"], &source["changed"]), (&"main".into(), &1.into()));
    let after = fs::metadata(folder.path().join(".git/index"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(index, after, "asking writes nothing");
    let told = pipe(&folder, &["plan", "main.pipe"]).out;
    let line = format!(
        "takes this folder, commit {} on main, with 1 uncommitted change",
        &head[..8]
    );
    assert!(told.contains(&line), "{told}");
}

#[test]
fn what_stands_in_the_way_is_told_and_the_status_says_so() {
    let folder = demo();
    let git = &DEMO[DEMO.find("source.codecommit").unwrap()..DEMO.find("  stage build").unwrap()];
    let bucket = r#"source.s3 { s3_bucket = "b", s3_object_key = "k.zip", poll_for_source_changes = false }
  }

"#;
    fs::write(folder.path().join("main.pipe"), DEMO.replace(git, bucket)).unwrap();
    let answer = pipe(&folder, &["plan", "main.pipe", "--jobs", "4"]);
    assert_eq!(answer.status, 3, "{}{}", answer.out, answer.err);
    let told = json(&folder, &[]);
    assert_eq!(told["can_run"], false);
    let places: Vec<&Value> = told["obstacles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["place"])
        .collect();
    assert_eq!(places, ["source/app"]);
    let action = &told["stages"][0]["steps"][0][0];
    assert_eq!(action["how"], "impossible");
    assert_eq!(action["obstacles"], told["obstacles"]);
    // It is what a run says, too.
    let run = pipe(&folder, &["run", "main.pipe", "--yes"]);
    assert_eq!(run.status, 3);
    assert!(
        run.err.contains(told["obstacles"][0]["message"].as_str().unwrap()),
        "{}",
        run.err
    );
}

#[test]
fn what_cannot_be_asked_is_a_usage_error() {
    let folder = demo();
    for arguments in [
        &["--var", "chanel=x"][..],
        &["--source", "web=."],
        &["--from", "nowhere"],
        &["--only", "prod", "--of", "0000"],
        &["--only", "prod", "--from", "prod"],
        &["--of", "0000"],
        &["--keep-going"],
    ] {
        let answer = pipe(&folder, &[&["plan", "main.pipe"], arguments].concat());
        assert_eq!(answer.status, 2, "{arguments:?}: {}{}", answer.out, answer.err);
    }
    let answer = pipe(&folder, &["run", "main.pipe", "--keep-going"]);
    assert_eq!(answer.status, 2);
    assert!(answer.err.contains("the service has none"), "{}", answer.err);
    let errors = demo();
    fs::write(errors.path().join("main.pipe"), "pipeline {").unwrap();
    assert_eq!(pipe(&errors, &["plan", "main.pipe"]).status, 1);
}

#[test]
fn earlier_runs_tell_how_long_it_takes() {
    let folder = demo();
    assert_eq!(json(&folder, &[]).get("prediction"), None);
    assert_eq!(pipe(&folder, &["run", "main.pipe", "--yes"]).status, 0);
    let told = json(&folder, &["--jobs", "4"]);
    let prediction = &told["prediction"];
    assert_eq!(prediction["runs"], 1);
    let path = prediction["critical_path"].as_array().unwrap();
    let names: Vec<&Value> = path.iter().map(|member| &member["action"]).collect();
    assert_eq!(
        names,
        ["app", "slow", "deploy"],
        "nobody knows how long an approval takes"
    );
    let total: u64 = path.iter().map(|member| member["predicted_ms"].as_u64().unwrap()).sum();
    assert_eq!(prediction["critical_path_ms"], total);
    assert_eq!(prediction["total_ms"], total, "there are places for all");
    assert!(
        json(&folder, &["--jobs", "1"])["prediction"]["total_ms"]
            .as_u64()
            .unwrap()
            > total
    );
    let only = json(&folder, &["--only", "prod"]);
    let included: Vec<&Value> = only["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["included"])
        .collect();
    assert_eq!(included, [false, false, true]);
    assert_eq!(only["prediction"]["critical_path"].as_array().unwrap().len(), 1);
    assert!(only["based_on"].is_string());
}

#[test]
fn what_a_build_does_not_get_here_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = DEMO.replace(
        r#"action go = approval.manual {}"#,
        r#"action test = build.codebuild { input = app, project_name = "demo" }"#,
    );
    fs::write(folder.path().join("main.pipe"), pipeline).unwrap();
    let buildspec = "version: 0.2\nproxy: {logs: yes}\nphases: {build: {commands: [ls]}}\nartefacts: {}\n";
    fs::write(folder.path().join("buildspec.yml"), buildspec).unwrap();
    let notes = [
        "buildspec.yml:4:1: the key `artefacts` has no meaning in a buildspec, and is ignored; did you mean `artifacts`?",
        "`proxy` has no effect here: nothing is sent to AWS",
    ];
    let plan = json(&folder, &["--source", "app=."]);
    assert_eq!(plan["stages"][1]["steps"][1][0]["notes"], serde_json::json!(notes));
    let words = pipe(&folder, &["plan", "main.pipe", "--source", "app=."]).out;
    let unwrapped = words.split_whitespace().collect::<Vec<_>>().join(" ");
    for note in notes {
        assert!(unwrapped.contains(&format!("note: {note}")), "{words}");
    }
}
