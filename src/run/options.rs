//! What the user asks of a run besides the pipeline.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use super::{drivers, paths, secrets};

/// How a run is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// Live on a terminal, else in plain lines.
    #[default]
    Fitting,
    /// Plain lines also on a terminal.
    Plain,
    /// Events as lines of JSON on standard output.
    Json,
    /// Not at all: the journal has it.
    Nothing,
}

/// What the user asks for besides the pipeline.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// The `.pipe` file as it was given, for the commands that messages name.
    pub file: Option<String>,
    /// The folder of the `.pipe` file.
    pub project_dir: PathBuf,
    /// In place of `.pipe` in the project's folder.
    pub state_dir: Option<PathBuf>,
    /// `--var name=value`; the last of a name counts.
    pub variables: Vec<(String, String)>,
    /// `--condition name=true`: how the conditions of a template come out.
    pub conditions: Vec<(String, bool)>,
    /// `--source action=PATH|URL[@REV]`, relative to the current folder.
    pub sources: Vec<(String, String)>,
    /// `--revision action=[TYPE:]VALUE`: what a source takes in place of its newest revision.
    pub revisions: Vec<(String, String)>,
    /// The stage that the run begins with, if not the first.
    pub first_stage: Option<String>,
    /// The stage that it ends after, if not the last.
    pub last_stage: Option<String>,
    /// The earlier run that gives what the stages before would: its id, or a unique start of it; none: the newest that can.
    pub based_on: Option<String>,
    /// Approves everything.
    pub yes: bool,
    /// Waits for answers from elsewhere although there is no terminal.
    pub wait: bool,
    /// How many actions run at the same time at most; none: as many as there are cores.
    pub jobs: Option<usize>,
    pub show: Show,
    /// Where to write a JUnit report.
    pub junit: Option<PathBuf>,
    /// Environment variables that are looked up before the process's own (`PIPE_SECRET_…`).
    pub environment: BTreeMap<String, String>,
    /// The file's pipelines, for the actions that invoke one of them.
    pub neighbours: drivers::pipeline::Neighbours,
    /// The run's id, if whoever starts it has to know it.
    pub execution_id: Option<String>,
    /// Nobody is there to be asked.
    pub is_unattended: bool,
    /// Where values of secrets come from besides the environment.
    pub secrets: secrets::Sources,
    /// Questions can be asked although standard input is no terminal.
    pub answers_from_stdin: bool,
}

impl RunOptions {
    pub(crate) fn environment(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned().or_else(|| std::env::var(name).ok())
    }

    pub(super) fn can_ask(&self) -> bool {
        !self.is_unattended && self.has_somebody_to_ask()
    }

    fn has_somebody_to_ask(&self) -> bool {
        self.answers_from_stdin || (io::stdin().is_terminal() && io::stderr().is_terminal())
    }

    /// Where the run's state lies.
    pub(super) fn state_folder(&self) -> PathBuf {
        let default = || self.project_dir.join(".pipe");
        self.state_dir.clone().unwrap_or_else(default)
    }

    /// A path from the command line.
    pub(super) fn given_path(&self, path: &str) -> PathBuf {
        paths::tidy(std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path)))
    }

    /// The command that starts such a run.
    pub(super) fn command_line(&self) -> String {
        let mut out = format!("pipe run {}", self.file.as_deref().unwrap_or("FILE"));
        for (name, value) in &self.variables {
            out.push_str(&format!(" --var {}", paths::shell_word(&format!("{name}={value}"))));
        }
        for (name, value) in &self.conditions {
            out.push_str(&format!(
                " --condition {}",
                paths::shell_word(&format!("{name}={value}"))
            ));
        }
        for (name, value) in &self.sources {
            let value = drivers::git_source::without_user(value);
            out.push_str(&format!(" --source {}", paths::shell_word(&format!("{name}={value}"))));
        }
        for (name, value) in &self.revisions {
            out.push_str(&format!(
                " --revision {}",
                paths::shell_word(&format!("{name}={value}"))
            ));
        }
        match (&self.first_stage, &self.last_stage) {
            (Some(first), None) => out.push_str(&format!(" --from {}", paths::shell_word(first))),
            (_, Some(last)) => out.push_str(&format!(" --only {}", paths::shell_word(last))),
            (None, None) => {}
        }
        if let Some(run) = &self.based_on {
            out.push_str(&format!(" --of {}", paths::shell_word(run)));
        }
        out.push_str(&self.secret_options());
        if self.yes {
            out.push_str(" --yes");
        }
        out
    }

    /// Those that say where values of secrets come from, each after a space.
    pub(super) fn secret_options(&self) -> String {
        let mut out = String::new();
        if let Some(file) = self.secrets.file() {
            out.push_str(&format!(
                " --secrets {}",
                paths::shell_word(&file.display().to_string())
            ));
        }
        if let Some(command) = self.secrets.command() {
            out.push_str(&format!(" --secret-command {}", paths::shell_word(command)));
        }
        out
    }
}
