//! What other processes ask of a run that goes on: files in its folder, looked for a few times a second.
//!
//! A request is a file that appears in one step, and so is its reply. Nothing is lost if the run ends in between: whoever asked finds
//! that nobody carries the run out any more, and does it without.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::engine::{Answer, Id, Input, Refused};
use super::planned::Position;
use crate::ir::RetryMode;

/// How often a run looks for requests.
const PERIOD: Duration = Duration::from_millis(200);
const FOLDER: &str = "inbox";

/// What somebody asks of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    Answer {
        stage: String,
        action: String,
        token: Option<String>,
        approved: bool,
        comment: String,
        by: String,
    },
    Stop {
        abandon: bool,
        reason: String,
    },
    Retry {
        stage: String,
        mode: RetryMode,
    },
    Override {
        stage: String,
        position: Position,
    },
    Transition {
        stage: String,
        disabled: Option<String>,
    },
}

impl Ask {
    pub fn input(self, execution: &Id) -> Input {
        let execution = Arc::clone(execution);
        match self {
            Self::Answer {
                stage,
                action,
                token,
                approved,
                comment,
                by,
            } => Input::Answer {
                execution,
                stage,
                action,
                token,
                answer: Answer { approved, comment, by },
            },
            Self::Stop { abandon, reason } => Input::Stop {
                execution,
                reason,
                abandon,
            },
            Self::Retry { stage, mode } => Input::Retry { execution, stage, mode },
            Self::Override { stage, position } => Input::Override {
                execution,
                stage,
                position,
            },
            Self::Transition { stage, disabled } => Input::Transition { stage, disabled },
        }
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    Granted,
    /// By the name of the service's exception, and in words.
    Refused {
        exception: String,
        message: String,
    },
}

/// A request that waits for its reply.
pub(super) struct Request {
    path: PathBuf,
    ask: Ask,
}

impl Request {
    pub(super) fn input(&self, execution: &Id) -> Input {
        self.ask.clone().input(execution)
    }

    /// Replies. If that fails whoever asked sees in the journal what has happened.
    pub(super) fn reply(self, result: Result<(), &Refused>) {
        let reply = match result {
            Ok(()) => Reply::Granted,
            Err(refused) => Reply::Refused {
                exception: refused.exception().to_owned(),
                message: refused.to_string(),
            },
        };
        let _ = write(&self.path.with_extension("reply"), &reply);
        let _ = fs::remove_file(&self.path);
    }
}

/// Wakes the run up to look for requests.
#[derive(Default)]
pub(super) struct Inbox {
    interval: Option<Interval>,
}

impl Inbox {
    pub(super) async fn wait(&mut self) {
        let interval = self.interval.get_or_insert_with(|| {
            let mut interval = interval(PERIOD);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        });
        interval.tick().await;
    }
}

/// The requests to a run; those that cannot be read are left lying.
pub(super) fn take(run_dir: &Path) -> Vec<Request> {
    let entries = fs::read_dir(run_dir.join(FOLDER)).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let read = |path: PathBuf| {
        let ask = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        Some(Request { path, ask })
    };
    paths.into_iter().filter_map(read).collect()
}

/// Puts a request where the run finds it; gives the path of the reply to come.
pub fn ask(run_dir: &Path, ask: &Ask) -> io::Result<PathBuf> {
    let folder = run_dir.join(FOLDER);
    fs::create_dir_all(&folder)?;
    // In the order of asking.
    let path = folder.join(format!("{}.json", uuid::Uuid::now_v7()));
    write(&path, ask)?;
    Ok(path.with_extension("reply"))
}

/// The reply, once it is there.
pub fn reply(path: &Path) -> Option<Reply> {
    let reply = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let _ = fs::remove_file(path);
    Some(reply)
}

/// Takes a request back that nobody has looked at.
pub fn withdraw(reply: &Path) {
    let _ = fs::remove_file(reply.with_extension("json"));
}

fn write(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut file, value)?;
    file.persist(path)?;
    Ok(())
}
