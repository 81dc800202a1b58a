//! What is known of runs afterwards, and from other processes: which there are, what became of each, what they printed.
//!
//! All of it comes from the journals and the folders beside them; nothing here is needed to carry a run out.

pub mod clean;
pub mod control;
pub mod find;
pub mod fold;
pub mod index;
pub mod list;
pub mod logs;
pub mod page;
pub mod record;
pub mod shell;

use std::fmt;

pub use find::NotFound;
pub use fold::{ReadError, read};
pub use record::{RunRecord, Standing};

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running { .. } => f.write_str("running"),
            Self::WaitsForAnswer { actions, .. } => write!(f, "waiting for {}", some(actions)),
            Self::WaitsForStage { stage, .. } => write!(f, "waiting in front of {stage}"),
            Self::CutOff { actions } if actions.is_empty() => f.write_str("cut off"),
            Self::CutOff { actions } => write!(f, "cut off in {}", some(actions)),
            Self::Paused => f.write_str("paused"),
            Self::Succeeded => f.write_str("succeeded"),
            Self::Failed { actions, .. } if !actions.is_empty() => write!(f, "failed in {}", some(actions)),
            Self::Failed { stage: Some(stage), .. } => write!(f, "failed in {stage}"),
            Self::Failed { stage: None, .. } => f.write_str("failed"),
            Self::Stopped => f.write_str("stopped"),
            Self::Superseded => f.write_str("superseded"),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

/// The first of some names, and how many more there are.
fn some(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}
