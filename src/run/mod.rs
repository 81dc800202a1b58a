//! Carries a pipeline out on this machine: everything behind `pipe run`.
//!
//! The way of a run:
//!
//! 1. [`plan`] finds out how each action is done here, and refuses what cannot be done, before anything starts.
//! 2. [`engine`] is CodePipeline's semantics as a pure state machine: it is told what happened and says what to do.
//! 3. `session` does it: it starts actions by their [`drivers`], tells the engine how they ended, and writes every
//!    [`event`] to the [`journal`] before its consequence is done. Tokio lives only here and below.
//! 4. [`record`] is what the journal comes to for people; [`view`] draws it, [`feeds`] tell it, [`history`] finds it again.
//!
//! State lies in `.pipe/` beside the `.pipe` file:
//!
//! ```text
//! .pipe/runs/<execution id>/journal.jsonl   one event a line
//!                           pipeline.json   the IR that runs
//!                           setup.json      what else is needed to go on with it
//!                           boot            when its artifacts were last known to be whole
//!                           inbox/          what other processes ask of it
//!                           logs/<stage>/<action>.log
//!                           work/<n>/   an action's folder, kept only if the action failed
//! .pipe/index.db            what can be asked of all runs at once; made from their journals
//! .pipe/store/              artifacts, by content
//! .pipe/cache/<project>/    what builds keep for the next one
//! .pipe/s3/<bucket>/…       what was deployed to a bucket
//! ```

pub mod archive;
pub mod drivers;
mod earlier;
pub mod engine;
pub mod event;
mod eyes;
pub mod feeds;
mod files;
pub mod history;
pub mod inbox;
pub mod journal;
pub mod keeper;
mod lock;
pub mod log;
mod lost;
mod options;
pub mod outcome;
mod outlook;
pub mod part;
mod paths;
pub mod plan;
pub mod plan_report;
pub mod planned;
mod prepare;
pub mod process;
pub mod record;
pub mod refusal;
pub mod restore;
mod resume;
pub mod revision;
pub mod secrets;
mod session;
mod settings;
pub mod setup;
mod signals;
pub mod simulate;
mod slots;
pub mod store;
mod task;
mod terminal;
pub mod units;
pub mod variables;
pub mod view;
pub mod watch;
mod yaml;

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use files::words;
pub use options::{RunOptions, Show};
pub use outcome::RunOutcome;
pub use resume::GoOn;

use crate::catalog::Catalog;
use crate::ir::{Pipeline, TypeId};
use outlook::Outlook;
use planned::Plan;
use refusal::{Refusal, RefusalKind};
use secrets::Secrets;
use session::SessionError;
use store::Store;
use view::{Asker, Screen};
use watch::Changes;

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

/// All that the parts of a run share.
#[derive(Clone)]
pub struct Run {
    pub pipeline: Arc<Pipeline>,
    pub plan: Arc<Plan>,
    pub options: Arc<RunOptions>,
    pub execution_id: String,
    /// Absolute.
    pub state_dir: PathBuf,
    /// Absolute; this run's own.
    pub run_dir: PathBuf,
    pub store: Arc<Store>,
    /// Folders to work in.
    pub slots: Arc<slots::Slots>,
    pub secrets: Arc<Secrets>,
    pub screen: Arc<Screen>,
    pub asker: Arc<Asker>,
    /// What every command finds in its environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Where `sh` is.
    pub shell: PathBuf,
    pub jobs: usize,
}

/// Runs a pipeline to its end and shows how it goes: events on standard output with [`Show::Json`], all else on standard
/// error. Blocks; must not be called from within an asynchronous runtime.
pub fn run<'p>(pipeline: impl Into<Cow<'p, Pipeline>>, drivers: &dyn Drivers, options: &RunOptions) -> RunOutcome {
    begin(pipeline.into(), drivers, options, None)
}

/// Runs a pipeline, and again each time when what its sources take or its definition has changed, until a signal ends it.
pub fn watch<'p>(
    pipeline: impl Into<Cow<'p, Pipeline>>,
    drivers: &dyn Drivers,
    options: &RunOptions,
    changes: Changes<'_>,
) -> RunOutcome {
    begin(pipeline.into(), drivers, options, Some(changes))
}

fn begin(
    pipeline: Cow<'_, Pipeline>,
    drivers: &dyn Drivers,
    options: &RunOptions,
    changes: Option<Changes<'_>>,
) -> RunOutcome {
    let outlook = Outlook::new(pipeline, drivers, options);
    if !outlook.refusals.is_empty() {
        return refuse(&outlook.refusals);
    }
    if let Some(warning) = options.secrets.warning() {
        say(&format!("warning: {warning}\n"));
    }
    end(resume::start(outlook, drivers, changes))
}

/// Goes on with a run of an earlier process, tries a stage of it again, or goes back to it.
pub fn go_on(run_dir: &Path, request: &GoOn, options: &RunOptions) -> RunOutcome {
    match resume::prepare(run_dir, request, options) {
        Ok(Ok(going)) => end(going.carry_out(None)),
        Ok(Err(refusals)) => refuse(&refusals),
        Err(error) => end(Err(error)),
    }
}

fn end(outcome: Result<RunOutcome, SessionError>) -> RunOutcome {
    outcome.unwrap_or_else(|error| {
        say(&format!("error: {error}\n"));
        if let Some(help) = error.help() {
            say(&format!("  help: {help}\n"));
        }
        match error {
            SessionError::Refused(_) => RunOutcome::Refused,
            SessionError::Journal(_) | SessionError::Io(_) | SessionError::Restore(_) | SessionError::Ambiguous(_) => {
                RunOutcome::Failed
            }
        }
    })
}

/// How many actions run at the same time if nobody says.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
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

/// Says all that stands in the way.
fn refuse(refusals: &[Refusal]) -> RunOutcome {
    say(&refusal_words(refusals));
    if refusals.iter().any(|refusal| refusal.kind == RefusalKind::Usage) {
        RunOutcome::Unusable
    } else {
        RunOutcome::Refused
    }
}

fn refusal_words(refusals: &[Refusal]) -> String {
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
    text
}

/// To standard error; there is nobody to tell if that fails.
fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
