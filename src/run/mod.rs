//! Carries a pipeline out on this machine: everything behind `pipe run`.
//!
//! The way of a run:
//!
//! 1. [`plan`] finds out how each action is done here, and refuses what cannot be done, before anything starts.
//! 2. [`engine`] is CodePipeline's semantics as a pure state machine: it is told what happened and says what to do.
//! 3. `execute` does it: it starts actions by their [`drivers`], tells the engine how they ended, and writes every
//!    [`event`] to the [`journal`] before its consequence is done. Tokio lives only here and below.
//! 4. [`view`] draws what the journal says.
//!
//! State lies in `.pipe/` beside the `.pipe` file:
//!
//! ```text
//! .pipe/runs/<execution id>/journal.jsonl   one event a line
//!                           pipeline.json   the IR that runs
//!                           logs/<stage>/<action>.log
//!                           work/<n>/   an action's folder, kept only if the action failed
//! .pipe/store/              artifacts, by content
//! .pipe/s3/<bucket>/…       what was deployed to a bucket
//! ```

pub mod drivers;
pub mod engine;
pub mod event;
mod execute;
mod files;
pub mod journal;
pub mod keeper;
mod log;
pub mod outcome;
mod paths;
pub mod plan;
pub mod planned;
pub mod process;
pub mod secrets;
mod settings;
mod slots;
pub mod store;
pub mod variables;
pub mod view;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use outcome::RunOutcome;

use crate::catalog::Catalog;
use crate::ir::{Action, Pipeline, TypeId};
use plan::{Refusal, RefusalKind};
use planned::Plan;
use secrets::Secrets;
use store::Store;
use view::{Asker, Screen};

/// Knows the driver that a provider's `local` clause names.
pub trait Drivers: Sync {
    /// The driver's name, of an action's or a rule's type; none if the type is unknown or has none.
    fn driver(&self, type_id: &TypeId) -> Option<String>;

    /// The provider's name in the language, `deploy.ecs`.
    fn provider(&self, _type_id: &TypeId) -> Option<String> {
        None
    }
}

impl<F: Fn(&TypeId) -> Option<String> + Sync> Drivers for F {
    fn driver(&self, type_id: &TypeId) -> Option<String> {
        self(type_id)
    }
}

impl Drivers for Catalog {
    fn driver(&self, type_id: &TypeId) -> Option<String> {
        self.by_type(type_id)?.driver.clone()
    }

    fn provider(&self, type_id: &TypeId) -> Option<String> {
        Some(self.by_type(type_id)?.name.clone())
    }
}

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
    /// Approves everything.
    pub yes: bool,
    /// How many actions run at the same time at most; none: as many as there are cores.
    pub jobs: Option<usize>,
    pub show: Show,
    /// Environment variables that are looked up before the process's own (`PIPE_SECRET_…`).
    pub environment: BTreeMap<String, String>,
    /// Questions can be asked although standard input is no terminal.
    pub answers_from_stdin: bool,
}

impl RunOptions {
    pub(crate) fn environment(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned().or_else(|| std::env::var(name).ok())
    }

    fn can_ask(&self) -> bool {
        self.answers_from_stdin || (io::stdin().is_terminal() && io::stderr().is_terminal())
    }

    /// A path from the command line.
    fn given_path(&self, path: &str) -> PathBuf {
        paths::tidy(std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path)))
    }

    /// The command that starts such a run.
    fn command_line(&self) -> String {
        let mut out = format!("pipe run {}", self.file.as_deref().unwrap_or("FILE"));
        for (name, value) in &self.variables {
            out.push_str(&format!(" --var {}", shell_word(&format!("{name}={value}"))));
        }
        for (name, value) in &self.conditions {
            out.push_str(&format!(" --condition {}", shell_word(&format!("{name}={value}"))));
        }
        for (name, value) in &self.sources {
            out.push_str(&format!(" --source {}", shell_word(&format!("{name}={value}"))));
        }
        if self.yes {
            out.push_str(" --yes");
        }
        out
    }
}

fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "=/._-:@,+".contains(c);
    if text.chars().all(is_plain) {
        text.to_owned()
    } else {
        paths::quoted(text)
    }
}

/// All that the parts of a run share.
pub struct Run {
    pub pipeline: Arc<Pipeline>,
    pub plan: Arc<Plan>,
    pub options: RunOptions,
    pub execution_id: String,
    /// Absolute.
    pub state_dir: PathBuf,
    /// Absolute; this run's own.
    pub run_dir: PathBuf,
    pub store: Store,
    /// Folders to work in.
    pub slots: slots::Slots,
    pub secrets: Arc<Secrets>,
    pub screen: Arc<Screen>,
    pub asker: Asker,
    /// What every command finds in its environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Where `sh` is.
    pub shell: PathBuf,
    pub jobs: usize,
}

/// Runs a pipeline to its end and shows how it goes: events on standard output with [`Show::Json`], all else on standard
/// error. Blocks; must not be called from within an asynchronous runtime.
pub fn run(pipeline: &Pipeline, drivers: &dyn Drivers, options: &RunOptions) -> RunOutcome {
    let mut options = options.clone();
    options.project_dir = absolute(&options.project_dir);
    let outcomes = options.conditions.iter().cloned().collect();
    let pipeline = match pipeline.decided(&outcomes) {
        Ok(pipeline) => pipeline,
        Err(open) => return refuse(&plan::undecided(&open)),
    };
    let plan = match plan::plan(&pipeline, drivers, &options) {
        Ok(plan) => plan,
        Err(refusals) => return refuse(&refusals),
    };
    let prepared = prepare(&pipeline, plan, options);
    match prepared.and_then(|(run, journal)| execute::execute(Arc::new(run), journal)) {
        Ok(outcome) => outcome,
        Err(error) => {
            say(&format!("error: the run could not be carried out: {error}\n"));
            RunOutcome::Failed
        }
    }
}

fn absolute(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    std::fs::canonicalize(path)
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_path_buf())
}

fn prepare(pipeline: &Pipeline, plan: Plan, options: RunOptions) -> io::Result<(Run, journal::Journal)> {
    let state_dir = paths::tidy(std::path::absolute(plan::state_dir(&options))?);
    let execution_id = uuid::Uuid::new_v4().to_string();
    let run_dir = state_dir.join("runs").join(&execution_id);
    let context = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", run_dir.display()));
    std::fs::create_dir_all(&run_dir).map_err(context)?;
    // Nobody wants state in their repository.
    let ignore = state_dir.join(".gitignore");
    if !ignore.exists() {
        std::fs::write(&ignore, "*\n")?;
    }
    std::fs::write(
        run_dir.join("pipeline.json"),
        serde_json::to_vec(&without_secrets(pipeline))?,
    )?;
    let journal = journal::Journal::create(&run_dir).map_err(context)?;
    let secrets = Secrets::default();
    for value in plan.secrets.values() {
        secrets.add(value);
    }
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let context = view::Context {
        run_dir: run_dir.clone(),
        command_line: options.command_line(),
        colour,
    };
    let shell = process::find("sh").unwrap_or_else(|| PathBuf::from("/bin/sh"));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let run = Run {
        pipeline: Arc::new(pipeline.clone()),
        plan: Arc::new(plan),
        execution_id,
        store: Store::new(state_dir.join("store")),
        slots: slots::Slots::new(run_dir.join("work")),
        state_dir,
        run_dir,
        secrets: Arc::new(secrets),
        screen: Arc::new(Screen::choose(&options, context)),
        asker: Asker::default(),
        environment: base_environment(),
        shell,
        jobs: options.jobs.unwrap_or(cores),
        options,
    };
    Ok((run, journal))
}

/// The pipeline as it may be kept: the values that `local { secrets = … }` gives stay in the user's own file.
fn without_secrets(pipeline: &Pipeline) -> Cow<'_, Pipeline> {
    let has_some = |action: &Action| action.local.settings.contains_key("secrets");
    let mut pipeline = Cow::Borrowed(pipeline);
    if pipeline.stages.iter().flat_map(|stage| &stage.actions).any(has_some) {
        let stages = &mut pipeline.to_mut().stages;
        for action in stages.iter_mut().flat_map(|stage| &mut stage.actions) {
            action.local.settings.remove("secrets");
        }
    }
    pipeline
}

/// What a command gets of the user's environment: enough to find programs, caches and the network, and nothing that would make
/// a run depend on who starts it.
fn base_environment() -> Vec<(OsString, OsString)> {
    const KEPT: &[&str] = &[
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "LANG",
        "LC_ALL",
        "TZ",
        "TMPDIR",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
    ];
    let kept = KEPT
        .iter()
        .filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
    let mut out: Vec<(OsString, OsString)> = kept.collect();
    out.push(("TERM".into(), "dumb".into()));
    out
}

/// Says all that stands in the way.
fn refuse(refusals: &[Refusal]) -> RunOutcome {
    let mut text = String::from("the run was refused before anything started:\n");
    for refusal in refusals {
        let place = refusal
            .place
            .as_ref()
            .map(|place| format!("{place}: "))
            .unwrap_or_default();
        text.push_str(&format!("  {place}{}\n", refusal.message));
        if let Some(help) = &refusal.help {
            text.push_str(&format!("    help: {help}\n"));
        }
    }
    say(&text);
    let any = |kind: RefusalKind| refusals.iter().any(|refusal| refusal.kind == kind);
    if any(RefusalKind::Usage) {
        RunOutcome::Unusable
    } else if any(RefusalKind::Impossible) {
        RunOutcome::Refused
    } else {
        RunOutcome::WaitsForApproval
    }
}

/// To standard error; there is nobody to tell if that fails.
fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
