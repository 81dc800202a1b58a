//! `pipe run` on a terminal, and what it leaves of one that it does not come to give back.

use std::fs::{self, File};
use std::io::Read;
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
            printed,
            screen: vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 100),
            is_open,
        }
    }

    /// Closes the window, as soon as there is something new in it: the clock.
    fn close(&self) {
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
    run.wait_for("`pipe resume` goes on with the run");
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
