//! The keeper: makes sure that no process of a run outlives it, whoever is killed.
//!
//! `pipe run` is two processes. The one that the user started becomes the *keeper*: it starts the *runner*, which is the
//! same program with the same arguments, waits for it, and ends with its status. Both are child subreapers, so whatever an action
//! starts (in the background, in a session of its own, forked twice to get away) stays a descendant of the runner, and when the runner dies,
//! of the keeper.
//!
//! - When the run ends, the runner ends what is left of its descendants.
//! - When the runner is killed, the keeper ends them.
//! - When the keeper is killed, the kernel tells the runner, which ends everything at once and itself.
//!
//! This costs a run one start of the program and an action nothing. Only when both are killed in the same moment can something be left.
//! A runner that is killed or stopped cannot give the terminal back as it was: the keeper does.
//! Signals that the keeper gets it hands on by other numbers, because those from a terminal reach both: the runner counts
//! each pair once.

mod words;

use std::collections::BTreeMap;
use std::io;
use std::process::{Command, ExitStatus};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, getppid};
use tokio::signal::unix::{SignalKind, signal};

use super::terminal::{self, Modes};
use words::{Pen, Words};

/// Set in the runner's environment: the keeper's process id, and the number of the file in it where words can be left: `4711:9`.
const KEPT_BY: &str = "PIPE_KEPT_BY";

/// What the kernel tells a runner whose keeper has died. One that nobody else sends: for a moment the parent is still there, so
/// who sent another one could not be told.
pub(super) const LOST: Signal = Signal::SIGPWR;

/// The keeper, in a runner.
static KEEPER: OnceLock<Keeper> = OnceLock::new();

struct Keeper {
    id: Pid,
    /// None if there is no way to it.
    pen: Option<Pen>,
}

/// Divides keeper and runner. To be called before anything else of a run, with a single thread.
///
/// In the process that the user started it comes back, when the run is over, with the exit status to end with. In the runner it comes back
/// at once with none: go on. Where no keeper can be had (not on Linux, or the program cannot be found again) it comes back with none as well.
pub fn keep() -> Option<u8> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let kept_by = std::env::var(KEPT_BY).unwrap_or_default();
    let (id, number) = kept_by.split_once(':').unwrap_or_default();
    // Any other id was inherited from a run around this one, which gets a keeper of its own.
    if id.parse() == Ok(getppid().as_raw()) {
        become_runner(getppid(), number);
        return None;
    }
    become_keeper().ok()
}

fn become_runner(keeper: Pid, number: &str) {
    let _ = nix::sys::prctl::set_child_subreaper(true);
    let _ = nix::sys::prctl::set_pdeathsig(LOST);
    let pen = number.parse().ok().and_then(|number| Pen::of(keeper, number).ok());
    let _ = KEEPER.set(Keeper { id: keeper, pen });
}

/// Leaves with the keeper, in a runner, what is to be said to people if this process is killed.
pub fn leave_words(text: &str) {
    if let Some(pen) = KEEPER.get().and_then(|keeper| keeper.pen.as_ref()) {
        // Without them the keeper says what holds for every run.
        let _ = pen.leave(text);
    }
}

/// Whether this is a runner whose keeper has died.
pub fn is_lost() -> bool {
    KEEPER.get().is_some_and(|keeper| getppid() != keeper.id)
}

fn become_keeper() -> io::Result<u8> {
    nix::sys::prctl::set_child_subreaper(true)?;
    let program = std::env::current_exe()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let before = Modes::now();
    // A run can do without them.
    let words = Words::new().ok();
    let number = words.as_ref().map_or(-1, Words::number);
    let status = runtime.block_on(async {
        // From here on signals are handed on and no longer end us.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let mut quit = signal(SignalKind::quit())?;
        let mut stop = signal(SignalKind::from_raw(Signal::SIGTSTP as i32))?;
        let mut command = Command::new(program);
        command
            .args(std::env::args_os().skip(1))
            .env(KEPT_BY, format!("{}:{number}", getpid()));
        let mut runner = tokio::process::Command::from(command).spawn()?;
        let id = runner.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        let forward = |number: Signal| {
            if let Some(id) = id {
                let _ = kill(id, number);
            }
        };
        loop {
            tokio::select! {
                status = runner.wait() => break status,
                _ = interrupt.recv() => forward(Signal::SIGUSR1),
                _ = terminate.recv() => forward(Signal::SIGUSR2),
                _ = hangup.recv() => forward(Signal::SIGALRM),
                // From the keyboard it reaches the runner too, and sent to us alone it is not meant for a run.
                _ = quit.recv() => forward(Signal::SIGQUIT),
                // From the keyboard, it has stopped the runner already.
                _ = stop.recv() => stop_too(before.as_ref()),
            }
        }
    })?;
    let was_killed = status.code().is_none();
    if was_killed {
        give_back(before.as_ref());
    }
    let ended = end_descendants();
    if was_killed {
        let left = match ended {
            0 => String::new(),
            1 => "; 1 process that it left was ended".to_owned(),
            ended => format!("; {ended} processes that it left were ended"),
        };
        let words = words.map(Words::read).unwrap_or_default();
        super::say(&format!("pipe: the runner was killed{left}\n{words}"));
    }
    Ok(exit_code(status))
}

/// Stops until somebody lets us go on, with the terminal as it was before the run meanwhile.
fn stop_too(before: Option<&Modes>) {
    let during = Modes::now();
    give_back(before);
    let _ = kill(getpid(), Signal::SIGSTOP);
    if let Some(during) = during {
        during.set();
    }
}

/// Gives the terminal back in place of a runner that cannot any more.
fn give_back(before: Option<&Modes>) {
    terminal::clear_below();
    if let Some(before) = before {
        before.set();
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Ends what is left of a run's processes, in a runner. Without a keeper it does nothing: the processes might be another's.
pub fn sweep() {
    if KEEPER.get().is_some() {
        end_descendants();
    }
}

/// How long descendants have between TERM and KILL.
const PATIENCE: Duration = Duration::from_millis(1000);

/// Ends all descendants; gives how many there were. To be called when no child of ours is waited for elsewhere.
fn end_descendants() -> usize {
    let mut known = std::collections::BTreeSet::new();
    let start = Instant::now();
    let give_up = start + PATIENCE * 5;
    loop {
        let left = reap();
        if !left || Instant::now() > give_up {
            return known.len();
        }
        let number = if start.elapsed() < PATIENCE {
            Signal::SIGTERM
        } else {
            Signal::SIGKILL
        };
        for id in descendants(getpid()) {
            // TERM once, KILL as often as it takes: new ones may have been born.
            if known.insert(id) || number == Signal::SIGKILL {
                let _ = kill(id, number);
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Takes leave of children that have ended; whether any are left.
fn reap() -> bool {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => return true,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
}

/// All processes below `root` that still run, by what `/proc` says.
fn descendants(root: Pid) -> Vec<Pid> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        // The name, in parentheses, may hold anything; after its last `)` come state and parent.
        let mut fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
        let (state, parent) = (
            fields.next(),
            fields.next().and_then(|parent| parent.parse::<i32>().ok()),
        );
        if let Some(parent) = parent
            && state != Some("Z")
        {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut out = Vec::new();
    let mut stack = vec![root.as_raw()];
    while let Some(id) = stack.pop() {
        for child in children.remove(&id).unwrap_or_default() {
            out.push(Pid::from_raw(child));
            stack.push(child);
        }
    }
    out
}
