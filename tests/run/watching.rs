//! `pipe run --watch`, through the binary.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pipe::run::event::{Event, Record, Started, TriggerType};
use pipe::run::journal;
use pipe::run::outcome::RunStatus;
use serde_json::Value;

/// Long enough on the busiest machine; nobody waits for it where all is well.
const LONG: Duration = Duration::from_secs(60);

/// A pipeline whose one stage after the source runs a command.
fn definition(stage: &str, command: &str) -> String {
    format!(
        r#"pipeline demo {{
  role_arn       = "arn:aws:iam::111122223333:role/demo"
  artifact_store = "demo-artifacts"
  stage Source {{
    action app = source.codecommit {{ repository_name = "demo", branch_name = "main", poll_for_source_changes = false }}
  }}
  stage {stage} {{
    action show = compute.commands {{ input = app, commands = ["{command}"] }}
  }}
}}
"#
    )
}

/// A run that watches its folder.
struct Watched {
    folder: tempfile::TempDir,
    child: Child,
    said: Receiver<String>,
}

impl Watched {
    fn start(definition: &str) -> Self {
        Self::start_with(definition, &[])
    }

    fn start_with(definition: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("main.pipe"), definition).unwrap();
        fs::write(folder.path().join("text.txt"), "first\n").unwrap();
        fs::write(folder.path().join(".gitignore"), "*.log\n").unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_pipe"))
            .args(["run", "main.pipe", "--watch"])
            .args(more)
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(fs::File::create(folder.path().join("told.log")).unwrap())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, said) = channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || lines.map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        Self { folder, child, said }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Waits until it says something.
    fn wait_for(&self, what: &str) {
        let end = Instant::now() + LONG;
        let mut all = Vec::new();
        while !all.last().is_some_and(|line: &String| line.contains(what)) {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.said.recv_timeout(left);
            all.push(line.unwrap_or_else(|_| panic!("nobody says `{what}`: {}", all.join("\n"))));
        }
    }

    fn wait_for_changes(&self) {
        self.wait_for("waiting for changes");
    }

    /// How the runs have ended, the oldest first.
    fn statuses(&self) -> Vec<Option<RunStatus>> {
        self.runs().iter().map(|(_, records)| status(records)).collect()
    }

    /// The runs in the order of their start, each with its journal.
    fn runs(&self) -> Vec<(Started, Vec<Record>)> {
        let entries = fs::read_dir(self.path(".pipe/runs")).unwrap();
        let mut runs = BTreeMap::new();
        for entry in entries {
            let records = journal::read(&entry.unwrap().path()).unwrap();
            if let Event::RunStarted(started) = &records[0].event {
                runs.insert(records[0].time, ((**started).clone(), records));
            }
        }
        runs.into_values().collect()
    }

    fn log(&self, run: &Started, stage: &str) -> String {
        let log = Path::new(".pipe/runs")
            .join(&run.execution_id)
            .join("logs")
            .join(stage)
            .join("show.log");
        fs::read_to_string(self.path(log.to_str().unwrap())).unwrap()
    }

    fn interrupt(mut self) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), Signal::SIGINT).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(130));
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // Only where a test has failed: the keeper ends what is left.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn status(records: &[Record]) -> Option<RunStatus> {
    match records.last()?.event {
        Event::RunFinished { status, .. } => Some(status),
        _ => None,
    }
}

#[test]
fn each_change_of_a_source_starts_a_run() {
    let watched = Watched::start(&definition("Show", "cat text.txt"));
    watched.wait_for_changes();
    assert_eq!(watched.runs().len(), 1);
    // Neither what is ignored nor our own state counts: what is said next is of the third file.
    watched.write("some.log", "ignored\n");
    watched.write(".pipe/note", "state\n");
    watched.write("text.txt", "second\n");
    watched.wait_for_changes();
    let runs = watched.runs();
    assert_eq!(runs.len(), 2);
    let (started, records) = &runs[1];
    assert_eq!(started.trigger.kind, TriggerType::CloudWatchEvent);
    assert_eq!(started.trigger.detail.rsplit('/').next(), Some("text.txt has changed"));
    assert_eq!(status(records), Some(RunStatus::Succeeded));
    assert!(watched.log(started, "Show").contains("second"));
    watched.interrupt();
}

#[test]
fn a_changed_definition_is_what_runs_next_and_a_broken_one_is_told() {
    let watched = Watched::start(&definition("Show", "cat text.txt"));
    watched.wait_for_changes();
    watched.write("main.pipe", "pipeline demo {\n");
    watched.wait_for("error");
    // The old one stays.
    watched.write("text.txt", "second\n");
    watched.wait_for("going on with the definition before that");
    watched.wait_for_changes();
    watched.write("main.pipe", &definition("Tell", "echo told; cat text.txt"));
    watched.wait_for_changes();
    let runs = watched.runs();
    let stages: Vec<&str> = runs.iter().map(|(started, _)| started.stages[1].as_str()).collect();
    assert_eq!(stages, ["Show", "Show", "Tell"]);
    let (last, records) = &runs[2];
    assert_eq!(status(records), Some(RunStatus::Succeeded));
    assert!(
        watched.log(last, "Tell").contains("told\nsecond"),
        "{}",
        watched.log(last, "Tell")
    );
    assert_ne!(last.definition, runs[1].0.definition);
    let kept = fs::read_to_string(watched.path(&format!(".pipe/runs/{}/pipeline.json", last.execution_id)));
    assert!(kept.unwrap().contains("echo told"), "what is kept is what runs");
    watched.interrupt();
}

#[test]
fn programs_are_told_of_the_definition_that_runs() {
    let watched = Watched::start_with(&definition("Show", "cat text.txt"), &["--json"]);
    watched.wait_for_changes();
    watched.write("main.pipe", &definition("Tell", "cat text.txt"));
    watched.wait_for_changes();
    let told = fs::read_to_string(watched.path("told.log")).unwrap();
    let notices = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let actions = notices.filter(|it| it["detail-type"] == "CodePipeline Action Execution State Change");
    let begun = actions.filter(|it| it["detail"]["state"] == "STARTED" && it["detail"]["stage"] != "Source");
    let seen: Vec<_> = begun
        .map(|it| {
            let detail = &it["detail"];
            let input = &detail["input-artifacts"][0]["name"];
            [&detail["stage"], &detail["type"]["category"], input].map(Clone::clone)
        })
        .collect();
    assert_eq!(seen, [["Show", "Compute", "app"], ["Tell", "Compute", "app"]]);
    watched.interrupt();
}

#[test]
fn a_changed_definition_cancels_what_runs() {
    // It ends when a file appears that no source takes.
    let command = "until test -e $PWD_OF_TEST/go; do sleep 0.02; done";
    let folder = tempfile::tempdir().unwrap();
    let command = command.replace("$PWD_OF_TEST", folder.path().to_str().unwrap());
    let watched = Watched::start(&definition("Show", &command));
    watched.wait_for("Show/show started");
    watched.write("main.pipe", &definition("Show", "echo quick"));
    watched.wait_for("the pipeline's definition was changed");
    fs::write(folder.path().join("go"), "").unwrap();
    watched.wait_for_changes();
    assert_eq!(
        watched.statuses(),
        [Some(RunStatus::Cancelled), Some(RunStatus::Succeeded)]
    );
    watched.interrupt();
}

/// Nobody answers the old question any more, and nobody has to.
#[test]
fn a_changed_definition_waits_for_no_answer() {
    let asks = |question: &str| {
        let show = definition("Show", "echo shown");
        let ask = format!("action ask = approval.manual {{ custom_data = \"{question}\" }}\n    action show =");
        show.replace("action show =", &ask)
    };
    let watched = Watched::start(&asks("To all?"));
    watched.wait_for("Show/ask started");
    watched.write("main.pipe", &definition("Show", "echo shown"));
    watched.wait_for_changes();
    assert_eq!(
        watched.statuses(),
        [Some(RunStatus::Cancelled), Some(RunStatus::Succeeded)]
    );
    watched.interrupt();
}

#[test]
fn standard_input_cannot_be_watched() {
    let output = Command::new(env!("CARGO_BIN_EXE_pipe"))
        .args(["run", "-", "--watch"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}
