//! Processes: started in a group of their own, their output taken in as it comes, ended with all that they started.
//!
//! The program is always an absolute path and the folder is changed by the shell itself: that way the standard library can
//! start it with `posix_spawn`, whose cost does not grow with our own memory, also in a static binary.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::net::unix::pipe;
use tokio::sync::watch;
use tokio::time::Instant;

use super::outcome::Exit;

/// How hard something is asked to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Not at all.
    #[default]
    Go,
    Interrupt,
    Terminate,
    Kill,
}

impl Level {
    pub fn next(self) -> Self {
        match self {
            Self::Go => Self::Interrupt,
            Self::Interrupt => Self::Terminate,
            Self::Terminate | Self::Kill => Self::Kill,
        }
    }

    fn signal(self) -> Option<Signal> {
        match self {
            Self::Go => None,
            Self::Interrupt => Some(Signal::SIGINT),
            Self::Terminate => Some(Signal::SIGTERM),
            Self::Kill => Some(Signal::SIGKILL),
        }
    }
}

/// A program to start.
#[derive(Clone, Debug)]
pub struct Program {
    /// Absolute.
    pub path: PathBuf,
    pub arguments: Vec<OsString>,
    /// All of its environment.
    pub environment: Vec<(OsString, OsString)>,
}

impl Program {
    /// A shell that runs `script`, in which `$0` is `pipe`.
    pub fn shell(shell: &Path, script: impl AsRef<OsStr>) -> Self {
        Self {
            path: shell.to_path_buf(),
            arguments: vec!["-c".into(), script.as_ref().to_owned(), "pipe".into()],
            environment: Vec::new(),
        }
    }
}

/// How long what a finished program has left running in its group may take to end.
const LEFT_OVER_PATIENCE: Duration = Duration::from_secs(2);

/// How much is read at once, in bytes. Most programs say little.
const LEAST: usize = 4 * 1024;

/// The most that is read at once of what prints a lot.
const MOST: usize = 256 * 1024;

/// Runs a program to its end and hands on what it prints, both streams as one, in the order in which it was printed.
///
/// It ends early when `stop` rises; then the whole group gets the signal of that level. When the program has ended, so has all
/// that it left running in its group. Fails if it cannot be started.
pub async fn run(
    program: &Program,
    stop: &mut watch::Receiver<Level>,
    mut output: impl FnMut(&[u8]),
) -> io::Result<Exit> {
    let (reader, writer) = io::pipe()?;
    let mut command = Command::new(&program.path);
    command
        .args(&program.arguments)
        .env_clear()
        .envs(program.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0);
    let mut child = tokio::process::Command::from(command).spawn()?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
    let reader = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
    let mut buffer = vec![0; LEAST];
    let mut open = true;
    let status = loop {
        tokio::select! {
            biased;
            changed = stop.changed() => {
                if changed.is_err() {
                    // Nobody can stop it any more: nobody waits for it either.
                    signal(group, Signal::SIGKILL);
                    break child.wait().await?;
                }
                let level = *stop.borrow_and_update();
                if let Some(number) = level.signal() {
                    signal(group, number);
                }
            }
            status = child.wait() => break status?,
            ready = reader.readable(), if open => {
                ready?;
                match reader.try_read(&mut buffer) {
                    Ok(0) => open = false,
                    Ok(count) => {
                        output(&buffer[..count]);
                        if count == buffer.len() && count < MOST {
                            widen(&reader, &mut buffer);
                        }
                        // There may always be more: the runtime looks at signals and clocks only when nothing is to be done.
                        tokio::task::yield_now().await;
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
        }
    };
    if open {
        drain(&reader, &mut buffer, &mut output);
    }
    let at_once = *stop.borrow() >= Level::Kill;
    end_left_overs(group, &reader, &mut buffer, &mut output, at_once).await;
    Ok(status.into())
}

/// Makes room for more, where a program prints faster than it is read: the two wait for each other less often.
fn widen(reader: &pipe::Receiver, buffer: &mut Vec<u8>) {
    buffer.resize(buffer.len() * 4, 0);
    // The system may refuse more, to a user who has many of them.
    let size = i32::try_from(buffer.len() * 4).unwrap_or_default();
    let _ = fcntl(reader, FcntlArg::F_SETPIPE_SZ(size));
}

fn signal(group: Option<Pid>, signal: Signal) -> bool {
    group.is_some_and(|group| killpg(group, signal) == Ok(()))
}

/// Ends what the program left behind in its group: a server that it started in the background, say.
async fn end_left_overs(
    group: Option<Pid>,
    reader: &pipe::Receiver,
    buffer: &mut [u8],
    output: &mut impl FnMut(&[u8]),
    at_once: bool,
) {
    let is_empty = || group.is_none_or(|group| killpg(group, None) == Err(Errno::ESRCH));
    if is_empty() {
        return;
    }
    let end = Instant::now() + LEFT_OVER_PATIENCE;
    signal(group, if at_once { Signal::SIGKILL } else { Signal::SIGTERM });
    while !is_empty() {
        if Instant::now() >= end {
            signal(group, Signal::SIGKILL);
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        drain(reader, buffer, output);
    }
    drain(reader, buffer, output);
}

/// Reads what is there now, and no more than that: what prints on and on would never come to an end. It asks the kernel, not
/// tokio, which would know of it only after its next look.
fn drain(reader: &pipe::Receiver, buffer: &mut [u8], output: &mut impl FnMut(&[u8])) {
    let holds = fcntl(reader, FcntlArg::F_GETPIPE_SZ);
    let mut left = holds.ok().and_then(|size| usize::try_from(size).ok()).unwrap_or(MOST);
    while left > 0 {
        let most = left.min(buffer.len());
        match nix::unistd::read(reader, &mut buffer[..most]) {
            Ok(0) => return,
            Ok(count) => {
                output(&buffer[..count]);
                left -= count;
            }
            Err(Errno::EINTR) => {}
            Err(_) => return,
        }
    }
}

/// What a program printed, with its exit; both streams apart.
#[derive(Debug)]
pub struct Captured {
    pub exit: Exit,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// Runs one of our own helpers (`git`), in our own environment but for `environment`, and takes in what it prints. It is killed,
/// with its group, when `stop` rises.
pub async fn capture(
    path: &Path,
    arguments: &[&OsStr],
    environment: &[(&str, &str)],
    without: &[&str],
    stop: &mut watch::Receiver<Level>,
) -> io::Result<Captured> {
    let mut command = Command::new(path);
    command
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    for name in without {
        command.env_remove(name);
    }
    let child = tokio::process::Command::from(command).spawn()?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
    let output = child.wait_with_output();
    tokio::pin!(output);
    let output = loop {
        tokio::select! {
            output = &mut output => break output?,
            changed = stop.changed() => {
                signal(group, Signal::SIGKILL);
                if changed.is_err() {
                    break output.await?;
                }
            }
        }
    };
    Ok(Captured {
        exit: output.status.into(),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// The absolute path of a program, found as a shell would.
pub fn find(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        let path = PathBuf::from(name);
        return path.is_file().then_some(path);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|candidate| nix::unistd::access(candidate, nix::unistd::AccessFlags::X_OK).is_ok() && candidate.is_file())
}
