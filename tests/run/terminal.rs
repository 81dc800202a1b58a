//! `pipe run` on a terminal, and what it leaves of one that it does not come to give back.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;
use pipe::run::event::Event;
use pipe::run::journal;
use pipe::run::outcome::RunStatus;

/// Long enough on the busiest machine; nobody waits for it where all is well.
const LONG: Duration = Duration::from_secs(60);

const ASKS: &str = r#"pipeline demo {
  role_arn       = "arn:aws:iam::111122223333:role/demo"
  artifact_store = "demo-artifacts"
  stage Source {
    action app = source.codecommit { repository_name = "demo", branch_name = "main", poll_for_source_changes = false }
  }
  stage Prod {
    action go = approval.manual {}
  }
}
"#;

/// A run on a terminal of its own.
struct OnTerminal {
    folder: tempfile::TempDir,
    child: Child,
    /// Our end of what the run has as its terminal.
    line: File,
    keys: Option<File>,
    printed: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// Whether the other end is to go on: a terminal lives as long as somebody has that.
    is_open: Arc<AtomicBool>,
}

impl OnTerminal {
    fn start(definition: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("main.pipe"), definition).unwrap();
        let size = Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(&size, None).unwrap();
        // Both ends in a form that programs do not inherit.
        let (line, mut ours) = (own(pty.slave), own(pty.master));
        let end = || line.try_clone().unwrap();
        // In a session of its own, so that this is the terminal whose keys it gets.
        let child = Command::new("setsid")
            .args(["--ctty", "--wait", env!("CARGO_BIN_EXE_pipe"), "run", "main.pipe"])
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .env("TERM", "xterm")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let (sender, printed) = channel();
        let is_open = Arc::new(AtomicBool::new(true));
        let goes_on = Arc::clone(&is_open);
        let keys = Some(ours.try_clone().unwrap());
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while goes_on.load(Ordering::Relaxed) {
                match ours.read(&mut buffer) {
                    Ok(count @ 1..) if sender.send(buffer[..count].to_vec()).is_ok() => {}
                    _ => return,
                }
            }
        });
        Self {
            folder,
            child,
            line,
            keys,
            printed,
            screen: vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 100),
            is_open,
        }
    }

    /// Closes the window, as soon as there is something new in it: the clock.
    fn close(&mut self) {
        self.keys = None;
        self.is_open.store(false, Ordering::Relaxed);
    }

    fn text(&self) -> String {
        self.screen.screen().contents()
    }

    fn wait_for(&mut self, what: &str) {
        let end = Instant::now() + LONG;
        while !self.text().contains(what) {
            let left = end.saturating_duration_since(Instant::now());
            let bytes = self.printed.recv_timeout(left);
            let text = self.text();
            self.screen
                .process(&bytes.unwrap_or_else(|_| panic!("nobody says `{what}`: {text}")));
        }
    }

    fn type_in(&mut self, keys: &str) {
        let line = self.keys.as_mut().unwrap();
        line.write_all(keys.as_bytes()).unwrap();
    }

    /// Whether the terminal shows what is typed, line by line, as a shell wants it.
    fn is_as_before(&self) -> bool {
        let modes = tcgetattr(&self.line).unwrap().local_flags;
        modes.contains(LocalFlags::ECHO | LocalFlags::ICANON)
    }

    fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// The process that carries the run out: the only child of the one that was started.
    fn runner(&self) -> Pid {
        let keeper = self.child.id();
        let children = fs::read_to_string(format!("/proc/{keeper}/task/{keeper}/children")).unwrap();
        Pid::from_raw(children.trim().parse().unwrap())
    }
}

fn own(end: OwnedFd) -> File {
    File::from(end).try_clone().unwrap()
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_killed_runner_leaves_the_terminal_as_it_was() {
    let mut run = OnTerminal::start(ASKS);
    assert!(run.is_as_before());
    run.wait_for("approve?");
    assert!(!run.is_as_before(), "keys are given one by one");
    kill(run.runner(), Signal::SIGKILL).unwrap();
    run.wait_for("to go on: pipe resume ");
    assert_eq!(run.wait().code(), Some(137));
    assert!(run.is_as_before());
    let text = run.text();
    assert!(
        text.contains("the runner was killed") && !text.contains("approve?"),
        "{text}"
    );
}

#[test]
fn a_run_whose_terminal_is_closed_while_it_asks_is_stopped() {
    let mut run = OnTerminal::start(ASKS);
    run.wait_for("approve?");
    run.close();
    assert_eq!(run.wait().code(), Some(129));
    let runs: Vec<_> = fs::read_dir(run.folder.path().join(".pipe/runs")).unwrap().collect();
    assert_eq!(runs.len(), 1);
    let run_dir = runs.into_iter().next().unwrap().unwrap().path();
    let records = journal::read(&run_dir).unwrap();
    let last = records.last().map(|record| &record.event);
    let Some(Event::RunFinished { status, .. }) = last else {
        panic!("it has no end: {last:?}");
    };
    assert_eq!(*status, RunStatus::Stopped);
}

/// A pipeline whose second stage carries out a command.
fn carries_out(command: &str) -> String {
    let stage = format!("action x = compute.commands {{ input = app, commands = [{command:?}] }}");
    ASKS.replace("action go = approval.manual {}", &stage)
}

#[test]
fn progress_is_seen_before_its_line_ends() {
    let mut run = OnTerminal::start(&carries_out("printf 'part 1 of 3\\rpart 2 of 3'; sleep 600"));
    run.wait_for("part 2 of 3");
    assert!(!run.text().contains("part 1 of 3"), "{}", run.text());
}

#[test]
fn an_answer_that_is_none_is_asked_for_again() {
    let mut run = OnTerminal::start(ASKS);
    run.wait_for("approve?");
    run.type_in("maybe\r");
    run.wait_for("`maybe` is no answer: say `y` or `yes`, or `n` or `no`; a comment may follow");
    run.wait_for("[y/n, and a comment if you like] _");
    run.type_in("y it is\r");
    run.wait_for("Prod/go approved by");
    assert!(run.wait().success());
}

#[test]
fn each_ctrl_c_says_what_it_does() {
    let mut run = OnTerminal::start(&carries_out(
        "trap '' INT TERM; echo traps are set; while :; do sleep 0.1; done",
    ));
    run.wait_for("x  0 s  traps are set");
    run.type_in("\u{3}");
    run.wait_for("interrupted: what runs comes to its end, nothing new starts; again: end it");
    run.type_in("\u{3}");
    run.wait_for("interrupted: what runs is asked to end (INT, after 5 s TERM, then KILL); again: kill it");
    run.type_in("\u{3}");
    run.wait_for("interrupted: what runs is killed");
    run.wait_for("stopped: 1 of 2 actions succeeded");
    assert_eq!(run.wait().code(), Some(130));
}

#[test]
fn a_question_alone_holds_no_run_that_is_interrupted() {
    let mut run = OnTerminal::start(ASKS);
    run.wait_for("approve?");
    run.type_in("\u{3}");
    run.wait_for("interrupted: nothing runs that would have to end first, so the run ends at once");
    assert_eq!(run.wait().code(), Some(130));
}
