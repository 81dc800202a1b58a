//! What a process needs to carry runs out.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;

use super::engine::{Definition, Engine};
use super::files::unwritten;
use super::history::find::RUNS;
use super::planned::Plan;
use super::secrets::Secrets;
use super::session::{Session, SessionError};
use super::setup::{Pinned, Setup};
use super::slots::Slots;
use super::store::Store;
use super::view::{Asker, Context, Screen};
use super::{Run, RunOptions, paths, process};
use crate::ir::Pipeline;

/// A session for a definition, without any run in it.
pub(super) fn session(
    pipeline: Arc<Pipeline>,
    plan: Plan,
    setup: Setup,
    options: RunOptions,
    execution_id: &str,
) -> Result<Session, SessionError> {
    let state_dir = paths::tidy(std::path::absolute(options.state_folder())?);
    let run_dir = state_dir.join(RUNS).join(execution_id);
    std::fs::create_dir_all(&state_dir).map_err(|error| unwritten(&state_dir, error))?;
    // Nobody wants state in their repository.
    let ignore = state_dir.join(".gitignore");
    if !ignore.exists() {
        std::fs::write(&ignore, "*\n").map_err(|error| unwritten(&ignore, error))?;
    }
    let secrets = Secrets::default();
    secrets.add_all(plan.secrets.values().map(String::as_str));
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let context = Context {
        run_dir: run_dir.clone(),
        given: options.secret_options(),
        colour,
    };
    let shell = process::find("sh").unwrap_or_else(|| PathBuf::from("/bin/sh"));
    let pinned = Pinned::new(&pipeline)?;
    let template = Run {
        plan: Arc::new(plan),
        store: Arc::new(Store::new(state_dir.join("store"))),
        slots: Arc::new(Slots::new(run_dir.join("work"))),
        state_dir,
        run_dir,
        secrets: Arc::new(secrets),
        screen: Arc::new(Screen::choose(&options, &pipeline, context)),
        pipeline,
        asker: Arc::new(Asker::default()),
        environment: base_environment(),
        shell,
        jobs: options.jobs.unwrap_or_else(super::cores),
        options: Arc::new(options),
        execution_id: execution_id.to_owned(),
    };
    let definition = Definition::new(
        Arc::clone(&template.pipeline),
        Arc::clone(&template.plan),
        pinned.digest.clone(),
    )?;
    Ok(Session {
        engine: Engine::new(Arc::new(definition), template.jobs),
        template,
        pinned,
        setup,
        runs: BTreeMap::new(),
        main: execution_id.into(),
    })
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
