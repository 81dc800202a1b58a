//! Words that mean nothing where they stand: what is said, and what is offered instead.

use std::fs;

use super::runs::{BROKEN, FINE, PIPELINE, place};
use super::*;

/// What is said to a command that fails.
fn said(place: &Place, arguments: &[&str]) -> String {
    let answer = place.pipe(arguments);
    assert_ne!(answer.status(), 0, "{}", answer.whole());
    format!("$ pipe {}\n{}\n", arguments.join(" "), place.filtered(&answer))
}

#[test]
fn an_action_may_have_a_hexadecimal_name() {
    let place = place(BROKEN);
    let text = PIPELINE
        .replace("action test", "action bad")
        .replace("output report", "output feed");
    place.write("main.pipe", text);
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 1);
    let logs = place.pipe(&["logs", "bad"]);
    assert!(logs.out().contains("testing"), "{}", logs.whole());
    assert_eq!(logs.out(), place.pipe(&["logs", "build/bad"]).out());
    let mut shell = command(place.folder.path());
    let shell = Answer(shell.args(["shell", "bad"]).env("SHELL", "/bin/true").output().unwrap());
    assert_eq!(shell.status(), 0, "{}", shell.whole());
    place.write("app/test.sh", FINE);
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 75);
    let files = place.pipe(&["artifacts", "feed"]);
    assert!(files.out().contains("report.txt"), "{}", files.whole());
    assert_snapshot!(
        "hexadecimal",
        said(&place, &["logs", "add"]) + &said(&place, &["artifacts", "bad"])
    );
}

#[test]
fn a_run_that_has_ended_is_not_resumed() {
    let broken = place(BROKEN);
    assert_eq!(broken.pipe(&["run", "main.pipe"]).status(), 1);
    let fine = place(FINE);
    assert_eq!(fine.pipe(&["run", "main.pipe", "--yes"]).status(), 0);
    assert_snapshot!("resume_ended", said(&broken, &["resume"]) + &said(&fine, &["resume"]));
}

#[test]
fn a_stage_that_is_not_there_is_told_of() {
    let place = place(BROKEN);
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 1);
    let said = |arguments: &[&str]| {
        assert_eq!(place.pipe(arguments).status(), 2);
        said(&place, arguments)
    };
    let retry = said(&["retry", "--stage", "buld"]);
    let rollback = said(&["rollback", "--stage", "production"]);
    let resume = place.pipe(&["resume", "--enable", "x"]);
    assert_eq!(resume.status(), 3, "it has ended");
    assert_snapshot!("no_stage", retry + &rollback + &said(&["rollback", "--stage", "prod"]));
}

#[test]
fn only_what_waits_is_offered_for_an_answer() {
    let place = place(FINE);
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 75);
    assert_snapshot!(
        "not_waiting",
        said(&place, &["approve", "prod/aprove"]) + &said(&place, &["approve", "build/test"])
    );
}

#[test]
fn a_pipeline_without_runs_is_told_of() {
    let place = place(FINE);
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 75);
    let runs = |name: &str| place.filtered(&place.pipe(&["runs", "--pipeline", name]));
    assert_snapshot!("no_such_runs", runs("nope") + &runs("dmo"));
}

#[test]
fn another_run_is_offered_where_the_newest_is_damaged() {
    let place = place(FINE);
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 75);
    let journal = place.path(&format!(".pipe/runs/{}/journal.jsonl", place.runs()[0]));
    let mut text = fs::read_to_string(&journal).unwrap();
    let second = text.find('\n').unwrap() + 1;
    text.insert_str(second, "what is this\n");
    fs::write(&journal, text).unwrap();
    let all: String = ["show", "logs", "artifacts"]
        .iter()
        .map(|it| said(&place, &[it]))
        .collect();
    assert_snapshot!("damaged", all);
}

#[test]
fn a_value_of_the_wrong_form_is_told_of() {
    let place = place(FINE);
    let of_run = [
        "--source=app",
        "--revision=app",
        "--condition=x",
        "--condition=x=y",
        "--jobs=0",
        "--jobs=x",
    ];
    let mut all: String = of_run
        .iter()
        .map(|it| said(&place, &["run", "main.pipe", it]))
        .collect();
    all += &said(&place, &["clean", "--keep", "x"]);
    assert_snapshot!("forms", all.replace("\n\nFor more information, try '--help'.", ""));
}

#[test]
fn a_state_folder_that_cannot_be_read_or_made_is_named() {
    let place = place(FINE);
    let state = ["--state-dir", "main.pipe"];
    let commands: [&[&str]; 3] = [&["runs"], &["show"], &["run", "main.pipe"]];
    let mut all: String = commands
        .iter()
        .map(|it| said(&place, &[*it, &state].concat()))
        .collect();
    all += &said(&place, &["run", "main.pipe", "--state-dir", "main.pipe/x"]);
    assert_snapshot!("state_folder", all);
}

#[test]
fn a_report_that_cannot_be_written_is_told_of_at_the_start() {
    let place = place(FINE);
    let said = |path: &str| said(&place, &["run", "main.pipe", "--yes", "--junit", path]);
    assert_snapshot!("junit", said("main.pipe/x.xml") + &said("nowhere/x.xml") + &said("app"));
    assert!(!place.path(".pipe").exists(), "nothing was started");
}

#[test]
fn a_file_of_secrets_that_is_broken_is_told_of_once() {
    let place = place(FINE);
    let text = PIPELINE.replace(
        "commands = [\"sh test.sh\"]",
        "commands = [\"sh test.sh\"]\n        environment_variables = { A = secret(\"a\"), B = secret(\"b:c\") }",
    );
    place.write("main.pipe", text);
    place.write("bad.env", "# fine\nA=hidden\nhidden hidden\n");
    let said = |file: &str| said(&place, &["run", "main.pipe", "--yes", "--secrets", file]);
    assert_snapshot!("secrets_broken", said("bad.env") + &said("nowhere.env"));
}

#[test]
fn names_of_files_stay_on_their_lines() {
    let odd = PIPELINE.replace("from [\"report.txt\"]", "from [\"**/*.txt\"]");
    let place = Place::new(&[(
        "app/test.sh",
        "echo x > 'a\nb.txt'; echo x > \"$(printf 'c\\377').txt\"; echo x > d.txt",
    )]);
    place.write("main.pipe", odd);
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 75);
    assert_snapshot!("odd_names", place.filtered(&place.pipe(&["artifacts", "report"])));
}

#[test]
fn empty_folders_of_a_source_are_kept() {
    let place = place(FINE);
    fs::create_dir_all(place.path("app/a/empty")).unwrap();
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 75);
    let files = place.pipe(&["artifacts", "app"]);
    assert!(files.out().contains("a/empty/\n"), "{}", files.whole());
}

const CONNECTED: &str = r#"pipeline demo {
  role_arn       = "arn:aws:iam::111122223333:role/demo"
  artifact_store = "demo-artifacts"

  stage source {
    action app = source.connection {
      connection_arn     = "arn:aws:codestar-connections:eu-west-1:111122223333:connection/x"
      full_repository_id = "acme/app"
      branch_name        = "main"
    }
  }

  stage build {
    action test = compute.commands { input = app, commands = ["true"] }
  }
}
"#;

#[test]
fn a_revision_and_a_branch_that_are_not_those_of_the_checkout_are_told_of() {
    let place = Place::new(&[("main.pipe", CONNECTED)]);
    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        let git = git
            .current_dir(place.folder.path())
            .args(["-c", "user.name=a", "-c", "user.email=a"]);
        assert!(git.args(arguments).status().unwrap().success(), "{arguments:?}");
    };
    git(&["init", "--quiet", "--initial-branch", "master"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "one"]);
    let of_run = ["--revision=app=nonsense", "--source=app=@nonsense", "--source=app=@"];
    let all: String = of_run
        .iter()
        .map(|it| said(&place, &["run", "main.pipe", it]))
        .collect();
    let plan = place.filtered(&place.pipe(&["plan", "main.pipe"]));
    assert_snapshot!("revision_and_branch", all + &plan);
}
