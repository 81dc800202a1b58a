//! How things ended: actions, stages, runs.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// How an action ended, in CodePipeline's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Succeeded,
    Failed,
    /// It was ended because the run was to end at once.
    Abandoned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageStatus {
    Succeeded,
    Failed,
    Skipped,
    Stopped,
    /// The definition was changed meanwhile.
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    Succeeded,
    Failed,
    Stopped,
    /// A newer execution took its place in front of a stage.
    Superseded,
    /// The definition was changed meanwhile.
    Cancelled,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        })
    }
}

impl fmt::Display for StageStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Stopped => "stopped",
            Self::Cancelled => "cancelled",
        })
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Superseded => "superseded",
            Self::Cancelled => "cancelled",
        })
    }
}

/// Why an action failed, with all that helps to understand it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// One sentence, lower case: `the command ended with exit status 3`.
    pub message: String,
    /// The command that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The last lines of its output.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tail: Vec<String>,
    /// Where its files still are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<Box<Path>>,
}

impl Failure {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A command that did not end well.
    pub fn command(command: Option<String>, exit: Exit) -> Self {
        Self {
            message: match exit {
                Exit::Code(127) => "the command ended with exit status 127: a program was not found".to_owned(),
                Exit::Code(code) => format!("the command ended with exit status {code}"),
                Exit::Signal(signal) => format!("the command was ended by {}", signal_name(signal)),
            },
            command,
            exit: Some(exit),
            ..Self::default()
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    Code(i32),
    Signal(i32),
}

impl Exit {
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }
}

impl From<std::process::ExitStatus> for Exit {
    fn from(status: std::process::ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt;
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Code(-1),
        }
    }
}

/// `SIGKILL`, or `signal 64`.
pub fn signal_name(signal: i32) -> String {
    nix::sys::signal::Signal::try_from(signal)
        .map_or_else(|_| format!("signal {signal}"), |signal| signal.as_str().to_owned())
}

/// How a run ended, for the program's exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    Succeeded,
    Failed,
    /// It could not be asked: a variable or action named on the command line does not exist.
    Unusable,
    /// Refused before anything started.
    Refused,
    /// It waits for something that nobody here can give: an answer to an approval, a transition that is disabled.
    Waits,
    /// Ended by a signal.
    Interrupted {
        signal: i32,
    },
}

impl RunOutcome {
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Succeeded => 0,
            Self::Failed => 1,
            Self::Unusable => 2,
            Self::Refused => 3,
            Self::Waits => 75,
            Self::Interrupted { signal } => 128u8.saturating_add(u8::try_from(*signal).unwrap_or(127)),
        }
    }
}
