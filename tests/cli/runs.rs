//! Commands about runs: looking at them.

use super::*;

/// A pipeline whose second stage does what a file says, and which asks before its last.
pub(super) const PIPELINE: &str = r#"pipeline demo {
  role_arn       = "arn:aws:iam::111122223333:role/demo"
  artifact_store = "demo-artifacts"

  variable size = "small"

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
      action test = compute.commands {
        input    = app
        commands = ["sh test.sh"]

        output report from ["report.txt"]
      }

      action lint = compute.commands { input = app, commands = ["echo clean"] }
    }
  }

  stage prod {
    action approve = approval.manual {}

    action rollout = compute.commands { input = app, commands = ["echo out with #{variables.size}"] }
  }
}
"#;

/// A place with the pipeline and what its build does.
pub(super) fn place(test: &str) -> Place {
    Place::new(&[("main.pipe", PIPELINE), ("app/test.sh", test)])
}

pub(super) const FINE: &str = "echo testing\necho fine > report.txt\n";
pub(super) const BROKEN: &str = "echo testing\necho 'the oven is cold' >&2\nexit 3\n";

impl Place {
    /// The ids of the runs, the newest first.
    pub(super) fn runs(&self) -> Vec<String> {
        let answer = self.pipe(&["runs", "--format", "json"]);
        let list: serde_json::Value = serde_json::from_str(answer.out()).unwrap();
        let runs = list["runs"].as_array().unwrap().iter();
        runs.map(|run| run["id"].as_str().unwrap().to_owned()).collect()
    }

    fn status(&self) -> String {
        let answer = self.pipe(&["runs", "--limit", "1", "--format", "json"]);
        let list: serde_json::Value = serde_json::from_str(answer.out()).unwrap();
        list["runs"][0]["status"].as_str().unwrap().to_owned()
    }

    /// An answer without what differs from time to time.
    pub(super) fn filtered(&self, answer: &Answer) -> String {
        let folder = self.folder.path().canonicalize().unwrap();
        let text = answer.whole().replace(folder.to_str().unwrap(), "[folder]");
        let filters = [
            (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[id]"),
            (r"\b[0-9a-f]{12}\b", "[digest]"),
            (r"\b[0-9a-f]{8}\b", "[short]"),
            (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "[time]"),
            (r"\b(\d+ min )?\d+(\.\d+)? (ms|s)\b", "[took]"),
            (r"(\S)  +", "$1  "),
            (r"\bwork/\d+", "work/[n]"),
            // Whichever took longer.
            (r"build/(test|lint) \[took\]", "build/… [took]"),
        ];
        filters.iter().fold(text, |text, (pattern, with)| {
            regex::Regex::new(pattern)
                .unwrap()
                .replace_all(&text, *with)
                .into_owned()
        })
    }
}

#[test]
fn a_failed_run_is_told_of() {
    let place = place(BROKEN);
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 1);
    assert_snapshot!("runs_failed", place.filtered(&place.pipe(&["runs"])));
    assert_snapshot!("show_failed", place.filtered(&place.pipe(&["show"])));
    let shown = place.pipe(&["show", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(shown.out()).unwrap();
    assert_eq!(json["status"], "failed");
    assert_eq!(json["actions"][0], "build/test");
    assert_eq!(
        json["stages"][1]["actions"][0]["attempts"][0]["failure"]["exit"]["code"],
        3
    );
    assert_eq!(json["variables"]["size"], "small");
}

#[test]
fn a_run_that_waits_is_told_of() {
    let place = place(FINE);
    assert_eq!(place.pipe(&["run", "main.pipe"]).status(), 75);
    assert_snapshot!("runs_waiting", place.filtered(&place.pipe(&["runs"])));
    assert_snapshot!("show_waiting", place.filtered(&place.pipe(&["show"])));
}

#[test]
fn a_finished_run_is_told_of() {
    let place = place(FINE);
    assert_eq!(place.pipe(&["run", "main.pipe", "--yes"]).status(), 0);
    assert_snapshot!("show_succeeded", place.filtered(&place.pipe(&["show"])));
    assert_eq!(place.status(), "succeeded");
}

#[test]
fn runs_are_found_by_the_start_of_their_id_from_folders_below() {
    let place = place(FINE);
    let nowhere = place.pipe(&["runs"]);
    assert_eq!((nowhere.status(), nowhere.out()), (2, ""));
    assert!(nowhere.err().contains("there is no `.pipe/`"), "{}", nowhere.err());
    for _ in 0..2 {
        place.pipe(&["run", "main.pipe", "--yes"]);
    }
    let runs = place.runs();
    assert_eq!(runs.len(), 2);
    for (index, wanted) in [
        (0, None),
        (1, Some(&runs[1][..])),
        (1, Some(&runs[1][..8])),
        (0, Some(&runs[0][..13])),
    ] {
        let args: Vec<&str> = ["show"].into_iter().chain(wanted).collect();
        let answer = place.pipe(&args);
        assert!(
            answer.out().starts_with(&format!("run {} ", runs[index])),
            "{}",
            answer.whole()
        );
    }
    let below = command(&place.path("app")).arg("show").output().unwrap();
    assert!(below.status.success());
    let there = place.pipe(&["runs", "--state-dir", ".pipe", "--pipeline", "nobody's"]);
    assert_eq!((there.status(), there.out()), (0, "no runs\n"));
    let missing = place.pipe(&["show", "ffffffffffff"]);
    assert_eq!(missing.status(), 2);
    assert_snapshot!(missing.err(), @r"
    error: there is no run `ffffffffffff`
      help: `pipe runs` lists them all
    ");
}

#[test]
fn the_start_of_several_ids_is_not_enough() {
    let place = place(FINE);
    place.pipe(&["run", "main.pipe", "--yes"]);
    let id = place.runs().remove(0);
    let other = format!("{}-1111-1111-1111-111111111111", &id[..8]);
    fs::rename(place.path(&format!(".pipe/runs/{id}")), place.path(".pipe/runs/a")).unwrap();
    for to in [&id, &other] {
        let to = place.path(&format!(".pipe/runs/{to}"));
        fs::create_dir(&to).unwrap();
        fs::copy(place.path(".pipe/runs/a/journal.jsonl"), to.join("journal.jsonl")).unwrap();
    }
    let answer = place.pipe(&["show", &id[..8]]);
    assert_eq!(answer.status(), 2);
    assert!(answer.err().contains(&format!("`{id}`")), "{}", answer.err());
    assert!(answer.err().contains(&format!("`{other}`")), "{}", answer.err());
    assert_eq!(place.pipe(&["show", &id]).status(), 0);
}

#[test]
fn damaged_and_foreign_journals_are_listed_with_what_to_do() {
    let place = place(FINE);
    for _ in 0..3 {
        place.pipe(&["run", "main.pipe", "--yes"]);
    }
    let runs = place.runs();
    let journal = |id: &str| format!(".pipe/runs/{id}/journal.jsonl");
    let damaged = place
        .read(&journal(&runs[0]))
        .replacen("stage_started", "stage_startet", 1);
    place.write(&journal(&runs[0]), damaged);
    place.write(&journal(&runs[1]), "{\"v\":1,\"seq\":1}\n");
    let answer = place.pipe(&["runs"]);
    assert_eq!(answer.status(), 0);
    assert_eq!(answer.out().lines().count(), 2, "{}", answer.out());
    assert!(
        answer.err().contains("line 2 is damaged: its checksum is wrong"),
        "{}",
        answer.err()
    );
    assert!(
        answer.err().contains("form 1; this one reads form 2"),
        "{}",
        answer.err()
    );
    assert_eq!(answer.err().matches("help: ").count(), 2);
    let shown = place.pipe(&["show", &runs[0]]);
    assert_eq!((shown.status(), shown.out()), (2, ""));
}

#[test]
fn logs_are_printed_by_action() {
    let place = place(FINE);
    place.pipe(&["run", "main.pipe", "--yes"]);
    let all = place.pipe(&["logs"]);
    let (first, rest) = all.out().split_once('\n').unwrap();
    assert!(first.starts_with("source/app | from "), "{first}");
    assert_snapshot!(rest, @r"
    build/test | $ sh test.sh
    build/test | testing
    build/lint | $ echo clean
    build/lint | clean
    prod/approve | approved by --yes
    prod/rollout | $ echo out with small
    prod/rollout | out with small
    ");
    for word in ["build/lint", "lint", "lint#1"] {
        assert_eq!(place.pipe(&["logs", word]).out(), "$ echo clean\nclean\n", "{word}");
    }
    let id = place.runs().remove(0);
    assert_eq!(place.pipe(&["logs", &id[..8], "lint"]).out(), "$ echo clean\nclean\n");
    assert_eq!(place.pipe(&["logs", "lint#2"]).out(), "");
    let unknown = place.pipe(&["logs", "lnt"]);
    assert_eq!(unknown.status(), 2);
    assert!(unknown.err().contains("did you mean `lint`?"), "{}", unknown.err());
    // Nothing comes any more.
    assert_eq!(place.pipe(&["logs", "-f"]).out(), all.out());
}

#[test]
fn logs_of_a_live_run_are_followed_to_its_end() {
    let place = place("echo one\nuntil test -e \"$GO\"; do sleep 0.01; done\nprintf two\n");
    let go = place.path("go");
    let text = PIPELINE.replace("\"sh test.sh\"", &format!("\"GO={} sh test.sh\"", go.display()));
    let text = text.replace("        output report from [\"report.txt\"]\n", "");
    place.write("main.pipe", text);
    let start = |args: &[&str]| {
        std::process::Command::new(env!("CARGO_BIN_EXE_pipe"))
            .args(args)
            .current_dir(place.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut run = start(&["run", "main.pipe", "--yes"]);
    while !place.path(".pipe/runs").exists() || !place.pipe(&["logs"]).out().contains("one") {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let mut follower = start(&["logs", "-f"]);
    let mut first = [0; 21];
    std::io::Read::read_exact(follower.stdout.as_mut().unwrap(), &mut first).unwrap();
    fs::write(go, "").unwrap();
    let answer = Answer(follower.wait_with_output().unwrap());
    let all = String::from_utf8(first.to_vec()).unwrap() + answer.out();
    assert!(
        all.contains("build/test | one\n") && all.contains("build/test | two\n"),
        "{all}"
    );
    assert!(all.contains("prod/rollout | out with small\n"), "{all}");
    assert!(answer.err().ends_with(": succeeded\n"), "{}", answer.err());
    run.wait().unwrap();
}
