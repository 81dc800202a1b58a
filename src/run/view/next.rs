//! What can be done with a run now: commands as somebody would type them, worded the same wherever they are told.

use std::path::Path;

use crate::run::paths::shell_word;
use crate::run::units::{short, show_path};

/// The commands about one run.
#[derive(Clone, Debug)]
pub struct Next {
    id: String,
    /// What a command needs to find the run; nothing where it looks by itself.
    state_dir: String,
}

impl Next {
    /// For the run in a folder.
    pub fn new(run_dir: &Path) -> Self {
        let id = run_dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let state_dir = run_dir.parent().and_then(Path::parent).map(show_path);
        Self {
            id: short(id).to_owned(),
            state_dir: match state_dir.as_deref() {
                None | Some("" | ".pipe") => String::new(),
                Some(state_dir) => format!(" --state-dir {}", shell_word(state_dir)),
            },
        }
    }

    /// After a failure, with what has to be given again.
    pub fn retry(&self, given: &str) -> String {
        format!("retry: pipe retry {}{}{given}\n", self.id, self.state_dir)
    }

    /// When nobody carries it out.
    pub fn resume(&self) -> String {
        format!("to go on: pipe resume {}{}\n", self.id, self.state_dir)
    }

    /// When an action, `Prod/approve`, waits for an answer.
    pub fn answer(&self, place: &str) -> String {
        let Self { id, state_dir } = self;
        format!("to answer: pipe approve {id} {place}{state_dir}, or pipe reject {id} {place}{state_dir}\n")
    }

    /// While it goes on.
    pub fn follow(&self) -> String {
        format!("to watch it: pipe logs -f {}{}\n", self.id, self.state_dir)
    }

    /// The command alone: a shell where an action failed.
    pub fn shell(&self, place: &str) -> String {
        format!("pipe shell {} {place}{}", self.id, self.state_dir)
    }
}
