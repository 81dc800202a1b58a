//! Commands that carry on what an earlier process has left.

use std::fs;

use super::runs::{BROKEN, FINE, PIPELINE, place};
use super::*;

#[test]
fn a_report_is_written_of_what_is_carried_on() {
    let waits = place(FINE);
    assert_eq!(waits.pipe(&["run", "main.pipe"]).status(), 75);
    let report = |place: &Place, name: &str| fs::read_to_string(place.path(name)).unwrap();
    let resumed = waits.pipe(&["resume", "--yes", "--junit", "resumed.xml"]);
    assert_eq!(resumed.status(), 0, "{}", resumed.err());
    // What an earlier process has done is part of it.
    for case in ["test", "lint", "approve", "rollout"] {
        let text = report(&waits, "resumed.xml");
        assert!(text.contains(&format!("name=\"{case}\"")), "{case}: {text}");
    }
    let back = [
        "rollback",
        &waits.runs()[0],
        "--stage",
        "prod",
        "--yes",
        "--junit",
        "back.xml",
    ];
    assert_eq!(waits.pipe(&back).status(), 0);
    assert!(report(&waits, "back.xml").contains("name=\"rollout\""));

    let broken = place(BROKEN);
    assert_eq!(broken.pipe(&["run", "main.pipe"]).status(), 1);
    assert_eq!(broken.pipe(&["retry", "--junit", "again.xml"]).status(), 1);
    assert!(report(&broken, "again.xml").contains("the oven is cold"));
}

const SECRET: &str = r#"param token: string = "hidden-in-the-file"

pipeline demo {
  role_arn       = "arn:aws:iam::111122223333:role/demo"
  artifact_store = "demo-artifacts"

  stage source {
    action app = source.s3 {
      s3_bucket               = "demo-source"
      s3_object_key           = "app.zip"
      poll_for_source_changes = false

      local {
        path = "app"
      }
    }
  }

  stage prod {
    action approve = approval.manual {}

    action rollout = compute.commands {
      input       = app
      commands    = ["printf %s \"$TOKEN\" | wc -c"]
      environment_variables = { TOKEN = secret("demo/token") }

      local {
        secrets = { "demo/token" = token }
      }
    }
  }
}
"#;

fn with_a_secret(arguments: &[&str]) -> Place {
    let place = Place::new(&[("main.pipe", SECRET), ("app/x", "x")]);
    let answer = place.pipe(&[&["run", "main.pipe"], arguments].concat());
    assert_eq!(answer.status(), 75, "{}", answer.err());
    place
}

/// Whether a text is in any file below `.pipe/`.
fn is_kept(place: &Place, text: &str) -> bool {
    let found = std::process::Command::new("grep")
        .args(["-rqF", text])
        .arg(place.path(".pipe"))
        .status();
    found.unwrap().success()
}

#[test]
fn a_secret_of_the_definition_is_taken_from_its_file_again() {
    let place = with_a_secret(&[]);
    assert!(!is_kept(&place, "hidden-in-the-file"));
    // From wherever it is carried on; the rest of the file may be another now.
    place.write(
        "main.pipe",
        SECRET.replace("wc -c", "wc -l").replace("hidden-in-the-file", "hidden"),
    );
    place.write("elsewhere/x", "");
    let state = place.path(".pipe");
    let mut command = command(&place.path("elsewhere"));
    let answer = Answer(
        command
            .args(["resume", "--yes", "--state-dir"])
            .arg(state)
            .output()
            .unwrap(),
    );
    assert_eq!(answer.status(), 0, "{}", answer.err());
    let said = place.pipe(&["logs", "rollout"]);
    assert!(said.out().lines().any(|line| line.trim() == "6"), "{}", said.out());
    assert!(!is_kept(&place, "hidden"));
}

#[test]
fn a_secret_of_the_definition_that_is_gone_has_to_be_given() {
    let refused = |change: &dyn Fn(&Place)| {
        let place = with_a_secret(&[]);
        change(&place);
        let answer = place.pipe(&["resume", "--yes"]);
        assert_eq!(answer.status(), 3, "{}", answer.err());
        place.write("secrets.json", r#"{"demo/token": "from elsewhere"}"#);
        let given = place.pipe(&["resume", "--yes", "--secrets", "secrets.json"]);
        assert_eq!(given.status(), 0, "{}", given.err());
        place.filtered(&answer)
    };
    assert_snapshot!(
        "secret_without_file",
        refused(&|place| fs::remove_file(place.path("main.pipe")).unwrap())
    );
    assert_snapshot!(
        "secret_without_sense",
        refused(&|place| place.write("main.pipe", "pipeline"))
    );
    let gone = SECRET
        .replace("secrets = {", "env = {")
        .replace("demo/token\" = token", "X\" = token");
    assert_snapshot!(
        "secret_not_in_file",
        refused(&|place| place.write("main.pipe", gone.clone()))
    );
}

#[test]
fn a_secret_given_as_a_parameter_is_not_kept() {
    let place = with_a_secret(&["-D", "token=given-by-hand"]);
    assert!(!is_kept(&place, "given-by-hand"));
    // The file's own value counts, since there is no other.
    assert_eq!(place.pipe(&["resume", "--yes"]).status(), 0);
    assert!(place.pipe(&["logs", "rollout"]).out().contains("18"));
}

/// Whether a run waits for an answer.
fn waits(place: &Place, id: &str) -> bool {
    let answer = place.pipe(&["show", id, "--format", "json"]);
    let run: serde_json::Value = serde_json::from_str(answer.out()).unwrap();
    run["status"] == "waits_for_answer"
}

#[test]
fn what_others_have_left_is_gone_on_with_by_its_own_definition_alone() {
    let place = place(FINE);
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 75);
    let first = place.runs()[0].clone();
    assert_eq!(place.pipe(&["reject", &first]).status(), 0);
    // The same pipeline, in other words.
    place.write("main.pipe", PIPELINE.replace("echo clean", "echo very clean"));
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 75);
    let second = place.runs()[0].clone();

    // It has ended: nothing happens, to no run.
    let refused = place.pipe(&["resume", &first]);
    assert_eq!(refused.status(), 3, "{}", refused.err());
    assert!(waits(&place, &second), "{}", refused.err());

    let retried = place.pipe(&["retry", &first]);
    assert_eq!(retried.status(), 75, "{}", retried.err());
    let left = format!(
        "run {} has not ended, and the definition is another one now",
        &second[..8]
    );
    assert!(retried.err().contains(&left), "{}", retried.err());
    assert!(waits(&place, &first) && waits(&place, &second));

    place.write("main.pipe", PIPELINE.replace("echo clean", "echo cleaner"));
    let third = place.pipe(&["run", "main.pipe", "--yes"]);
    assert_eq!(third.status(), 0, "{}", third.err());
    assert!(third.err().contains(&left), "{}", third.err());
    for run in [&first, &second] {
        assert!(waits(&place, run));
        let resumed = place.pipe(&["resume", run, "--yes"]);
        assert_eq!(resumed.status(), 0, "{}", resumed.err());
    }
}

/// A build that is done, and one that fails until there is a file `mended`.
const BUILT: &str = r#"pipeline demo {
  role_arn       = "arn:aws:iam::111122223333:role/demo"
  artifact_store = "demo-artifacts"

  stage source {
    action app = source.s3 {
      s3_bucket               = "demo-source"
      s3_object_key           = "app.zip"
      poll_for_source_changes = false

      local {
        path = "app"
      }
    }
  }

  stage build {
    parallel {
      action use = compute.commands {
        input                 = app
        commands              = ["test -n \"$TOKEN\""]
        environment_variables = { TOKEN = secret("demo/token") }
      }

      action fail = compute.commands { input = app, commands = ["test -e 'MENDED'"] }
    }
  }
}
"#;

#[test]
fn only_what_still_runs_needs_its_secrets() {
    let place = Place::new(&[("app/x", "x"), ("secrets.env", "DEMO_TOKEN=hidden\n")]);
    let mended = place.path("mended");
    place.write("main.pipe", BUILT.replace("MENDED", mended.to_str().unwrap()));
    let first = place.pipe(&["run", "main.pipe", "--secrets", "secrets.env"]);
    assert_eq!(first.status(), 1, "{}", first.err());
    // It says what a retry may need.
    let retry = first.err().lines().find(|line| line.starts_with("retry: ")).unwrap();
    assert!(retry.ends_with(" --secrets secrets.env"), "{retry}");
    let all = place.pipe(&["retry", "--all"]);
    assert_eq!(all.status(), 3, "{}", all.err());
    assert_snapshot!("retry_without_secret", place.filtered(&all));
    place.write("mended", "");
    let failed = place.pipe(&["retry"]);
    assert_eq!(failed.status(), 0, "{}", failed.err());
}
