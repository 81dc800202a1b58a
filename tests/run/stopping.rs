//! Stopping: signals, killed runners, and that nothing is ever left running.
//!
//! The runs are processes of their own, keeper and all: this test binary starts itself again as the program.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use pipe::ir::Pipeline;
use pipe::ir::RetryMode;
use pipe::run::{GoOn, RunOptions, Show, go_on, keeper, run};

use crate::support::runs::{Project, StandardDrivers, commands, pipeline, source, stage};

/// The folder of the project to run, for [`program`].
pub(super) const PROGRAM: &str = "PIPE_TEST_PROJECT";
/// Long enough on the busiest machine; nobody waits for it where all is well.
const LONG: Duration = Duration::from_secs(60);

#[test]
#[ignore = "it is the program that the other tests start"]
#[expect(clippy::exit, reason = "it stands for a whole program")]
fn program() {
    let Some(project) = std::env::var_os(PROGRAM) else {
        return;
    };
    if let Some(code) = keeper::keep() {
        std::process::exit(code.into());
    }
    let project = Path::new(&project);
    let state_dir = std::env::var_os("PIPE_TEST_STATE").map(PathBuf::from);
    let options = RunOptions {
        project_dir: project.to_path_buf(),
        show: Show::Plain,
        state_dir: state_dir.clone(),
        ..RunOptions::default()
    };
    let outcome = if let Some(run_dir) = std::env::var_os("PIPE_TEST_RESUME") {
        let request = match std::env::var_os("PIPE_TEST_RETRY") {
            None => GoOn::Resume { enable: Vec::new() },
            Some(_) => GoOn::Retry {
                stage: None,
                mode: RetryMode::FailedActions,
            },
        };
        go_on(Path::new(&run_dir), &request, &options)
    } else {
        let folder = state_dir.as_deref().unwrap_or(project);
        let pipeline =
            std::env::var_os("PIPE_TEST_PIPELINE").map_or_else(|| folder.join("pipeline.json"), PathBuf::from);
        let pipeline = std::fs::read(pipeline).unwrap();
        run(
            serde_json::from_slice::<Pipeline>(&pipeline).unwrap(),
            &StandardDrivers,
            &options,
        )
    };
    std::process::exit(outcome.exit_code().into());
}

/// The command that starts [`program`]: it says nothing.
pub(super) fn program_for(project: &Project) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "run::stopping::program",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(PROGRAM, project.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// A run whose one action has started, with the processes that it started.
struct Started {
    project: Project,
    keeper: Child,
    runner: Pid,
    processes: Vec<Pid>,
}

/// Starts a run of `command`, which must write the ids of its processes to `$OUT/…`; there are `count` of them.
fn start(command: &str, count: usize) -> Started {
    let project = Project::new(&[]);
    let out = project.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let script = format!("OUT='{}'; echo $PPID > $OUT/runner; {command}", out.display());
    let demo = pipeline(vec![
        stage("S", vec![source("app")]),
        stage("B", vec![commands("a", &[&script])]),
    ]);
    project.file("pipeline.json", &serde_json::to_string(&demo).unwrap());
    let keeper = program_for(&project)
        .stderr(std::fs::File::create(project.path().join("stderr")).unwrap())
        .process_group(0)
        .spawn()
        .unwrap();
    let ids = || -> Vec<(String, i32)> {
        let entries = std::fs::read_dir(&out).unwrap().map(Result::unwrap);
        let read = entries.filter_map(|entry| {
            let id = std::fs::read_to_string(entry.path()).ok()?.trim().parse().ok()?;
            Some((entry.file_name().into_string().unwrap(), id))
        });
        read.collect()
    };
    wait_until("the action has started its processes", || ids().len() == count + 1);
    let (runner, processes): (Vec<_>, Vec<_>) = ids().into_iter().partition(|(name, _)| name == "runner");
    Started {
        project,
        keeper,
        runner: Pid::from_raw(runner[0].1),
        processes: processes.into_iter().map(|(_, id)| Pid::from_raw(id)).collect(),
    }
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < LONG, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_running(id: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(')')
        .is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

impl Started {
    /// Waits for the end; gives the exit status (of a signal: 128 and it) and what was said.
    fn end(mut self) -> (i32, String) {
        use std::os::unix::process::ExitStatusExt;
        let mut status = None;
        wait_until("the program has ended", || {
            status = self.keeper.try_wait().unwrap();
            status.is_some()
        });
        wait_until("all its processes have ended", || {
            !is_running(self.runner) && !self.processes.iter().any(|id| is_running(*id))
        });
        let status = status.unwrap();
        let said = std::fs::read_to_string(self.project.path().join("stderr")).unwrap();
        (
            status.code().or(status.signal().map(|signal| 128 + signal)).unwrap(),
            said,
        )
    }

    fn keeper_id(&self) -> Pid {
        Pid::from_raw(self.keeper.id().try_into().unwrap())
    }
}

/// Ways to start a process, each nastier than the one before.
const WAYS: [(&str, &str); 4] = [
    ("in the foreground", "sh -c 'echo $$ > $0/1; exec sleep 600' $OUT; true"),
    ("in the background", "sleep 600 & echo $! > $OUT/1; wait"),
    (
        "in a session of its own",
        "setsid sh -c 'echo $$ > $0/1; exec sleep 600' $OUT & sleep 600",
    ),
    (
        "as a daemon",
        "setsid sh -c '(sh -c \"echo \\$\\$ > $0/1; exec sleep 600\" >/dev/null 2>&1 &)' $OUT; sleep 600",
    ),
];

#[test]
fn terminating_the_program_leaves_nothing() {
    for (way, command) in WAYS {
        let started = start(command, 1);
        kill(started.keeper_id(), Signal::SIGTERM).unwrap();
        let (status, said) = started.end();
        assert_eq!(status, 143, "{way}: {said}");
        assert!(
            said.contains("asked to terminate: what runs is asked to end"),
            "{way}: {said}"
        );
        assert!(
            said.contains("stopped: 1 of 2 actions succeeded; 1 ended"),
            "{way}: {said}"
        );
    }
}

#[test]
fn killing_the_runner_leaves_nothing() {
    for (way, command) in WAYS {
        let started = start(command, 1);
        kill(started.runner, Signal::SIGKILL).unwrap();
        let (status, said) = started.end();
        assert_eq!(status, 137, "{way}: {said}");
        assert!(said.contains("the runner was killed; "), "{way}: {said}");
        let (_, id) = said.split_once("run ").unwrap();
        let next = format!("\nto go on: pipe resume {} --state-dir ", &id[..8]);
        assert!(said.contains(&next), "{way}: {said}");
    }
}

#[test]
fn killing_the_keeper_leaves_nothing() {
    for (way, command) in WAYS {
        let started = start(command, 1);
        kill(started.keeper_id(), Signal::SIGKILL).unwrap();
        let (status, said) = started.end();
        assert_eq!(status, 137, "{way}: {said}");
    }
}

impl Started {
    /// As Ctrl-C does: the terminal signals the whole foreground group, keeper and runner. Waits until it was noticed.
    fn interrupt(&self, answer: &str) {
        let stderr = self.project.path().join("stderr");
        killpg(self.keeper_id(), Signal::SIGINT).unwrap();
        wait_until("the interrupt was noticed", || {
            std::fs::read_to_string(&stderr).unwrap().contains(answer)
        });
    }
}

#[test]
fn the_first_interrupt_waits_for_what_runs() {
    let started = start("echo $$ > $OUT/1; until test -e $OUT/../on; do sleep 0.01; done", 1);
    started.interrupt("what runs comes to its end, nothing new starts; again: end it");
    std::fs::write(started.project.path().join("on"), "").unwrap();
    let (status, said) = started.end();
    assert_eq!(status, 130, "{said}");
    assert!(said.contains("B/a ok"), "{said}");
    assert_eq!(said.matches("interrupted: ").count(), 1, "{said}");
}

#[test]
fn the_second_interrupt_gives_time_to_clean_up() {
    let command = "trap 'echo cleaning up; exit 9' INT; sh -c 'echo $$ > $0/1; exec sleep 600' $OUT";
    let started = start(command, 1);
    started.interrupt("again: end it");
    started.interrupt("again: kill it");
    let (status, said) = started.end();
    assert_eq!(status, 130, "{said}");
    assert!(said.contains("cleaning up"), "it had time to: {said}");
    assert!(said.contains("B/a ended"), "{said}");
}

#[test]
fn the_third_interrupt_kills_what_does_not_listen() {
    let command = "trap '' INT TERM; sh -c 'echo $$ > $0/1; while :; do sleep 1; done' $OUT";
    let started = start(command, 1);
    started.interrupt("again: end it");
    started.interrupt("again: kill it");
    killpg(started.keeper_id(), Signal::SIGINT).unwrap();
    let (status, said) = started.end();
    assert_eq!(status, 130, "{said}");
    assert!(said.contains("ended by SIGKILL"), "{said}");
}

#[test]
fn a_closed_terminal_ends_the_run() {
    let started = start(WAYS[1].1, 1);
    kill(started.runner, Signal::SIGHUP).unwrap();
    let (status, said) = started.end();
    assert_eq!(status, 129, "{said}");
}

#[test]
fn a_terminal_that_closes_upon_the_keeper_ends_the_run() {
    let started = start(WAYS[1].1, 1);
    kill(started.keeper_id(), Signal::SIGHUP).unwrap();
    let (status, said) = started.end();
    assert_eq!(status, 129, "{said}");
    assert!(said.contains("the terminal was closed"), "{said}");
}

#[test]
fn a_daemon_does_not_outlive_a_run_that_succeeds() {
    let command = "setsid sh -c '(sh -c \"echo \\$\\$ > $0/1; exec sleep 600\" >/dev/null 2>&1 &)' $OUT; \
                   until test -s $OUT/1; do sleep 0.01; done";
    let (status, said) = start(command, 1).end();
    assert_eq!(status, 0, "{said}");
}

/// It prints faster than that could be read to its end.
#[test]
fn what_prints_on_and_on_ends_with_its_program() {
    for command in [
        "yes & echo $! > $OUT/1; sleep 0.1",
        "setsid sh -c 'echo $$ > $0/1; exec yes' $OUT & until test -s $OUT/1; do sleep 0.01; done",
    ] {
        let (status, said) = start(command, 1).end();
        assert_eq!(status, 0, "{command}: {}", said.chars().take(2000).collect::<String>());
    }
}

#[test]
fn what_prints_on_and_on_can_be_interrupted() {
    let started = start("echo $$ > $OUT/1; exec yes", 1);
    started.interrupt("again: end it");
    started.interrupt("again: kill it");
    let (status, said) = started.end();
    assert_eq!(status, 130, "{}", said.chars().take(2000).collect::<String>());
}
