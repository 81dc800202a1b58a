//! `buildspec`: carries out what a CodeBuild project would: the phases of a buildspec, with their failure rules, its artifacts
//! and its exported variables. `buildspec.md` is the reference; what it leaves open is decided here:
//!
//! - artifacts are taken only from a build that succeeded: those of a failed one would reach nobody;
//! - a retried phase is repeated as a whole, `finally` included;
//! - with `on-failure: CONTINUE` the build goes on and still fails in the end.

pub mod ahead;
pub mod artifacts;
pub mod environment;
pub mod phases;
pub mod session;
pub mod spec;

use std::path::Path;

use super::{Done, Job, blocking, find_shell, shell};
use crate::run::outcome::Failure;
use crate::run::process::Level;
use phases::Phases;
use session::Session;
use spec::Spec;

pub async fn carry_out(job: &mut Job) -> Result<Done, Failure> {
    if job.configuration("BatchEnabled").is_some_and(is_true) {
        return Err(no_batches());
    }
    let primary = job.configuration("PrimarySource").map(str::to_owned);
    let folders = job.unpack(primary.as_deref())?;
    let (name, text) = find(job)?;
    let spec = Spec::parse(&text, &name).map_err(Failure::new)?;
    for key in spec::unknown_keys(&text) {
        job.log.say(&format!(
            "{name}: the key `{key}` is not known to CodeBuild, and ignored"
        ));
    }
    let environment = environment::of_build(job, &spec, &folders)?;
    let exports = job.beside("build").join("exports");
    build(job, &spec, environment, &exports).await?;
    let mut done = Done {
        variables: shell::read_variables(&exports)?,
        ..Done::default()
    };
    upload(job, &spec, &mut done)?;
    Ok(done)
}

/// Whether a configuration's value says yes.
pub fn is_true(value: &str) -> bool {
    value.eq_ignore_ascii_case("true")
}

pub fn no_batches() -> Failure {
    Failure::new("batch builds are not carried out on this machine")
        .with_help("let a command of yours stand in for it: `local { run = \"…\" }`")
}

/// The buildspec's name and text.
fn find(job: &Job) -> Result<(String, String), Failure> {
    let primary = job.configuration("PrimarySource");
    let place = ahead::Place {
        local: job.plan.settings.buildspec.as_deref(),
        chosen: job.configuration("BuildspecOverride"),
        source: Some(&job.dir),
        source_name: primary.unwrap_or_else(|| job.inputs.first().map_or("", |(name, _)| name)),
        project: &job.run.options.project_dir,
    };
    ahead::find(place)?.ok_or_else(|| Failure::new("there is no buildspec"))
}

/// Runs all phases; afterwards the exported variables are in the file `exports`.
async fn build(job: &mut Job, spec: &Spec, environment: super::Environment, exports: &Path) -> Result<(), Failure> {
    let shell = match (
        &job.plan.settings.shell,
        spec.env.as_ref().and_then(|env| env.shell.as_ref()),
    ) {
        (Some(name), _) | (None, Some(name)) => find_shell(name)?,
        (None, None) => job.run.shell.clone(),
    };
    let (dir, scratch) = (job.dir.clone(), job.beside("build"));
    let channels = (&mut job.log, &mut job.stop);
    let mut session = Session::new(shell, &dir, scratch, environment, channels, spec.is_old())?;
    let user = spec
        .run_as
        .iter()
        .chain(spec.phases().filter_map(|(_, phase)| phase.run_as.as_ref()))
        .next();
    if let Some(user) = user {
        session.say(&format!(
            "`run-as: {user}` is not followed here: all commands run as you"
        ));
    }
    let mut phases = Phases::new(spec, shell::export_script(&spec.exported(), exports));
    session.run(|exit| phases.next(exit)).await?;
    let (failure, lines) = phases.end();
    for line in lines {
        session.say(&line);
    }
    failure.map_or(Ok(()), Err)
}

/// Stores what the build gives.
fn upload(job: &mut Job, spec: &Spec, done: &mut Done) -> Result<(), Failure> {
    if *job.stop.borrow() > Level::Go {
        return Err(Failure::new("it was stopped"));
    }
    let outputs: Vec<String> = job
        .action
        .outputs
        .iter()
        .map(|output| output.name.value.clone())
        .collect();
    for name in &outputs {
        let section = match (&spec.artifacts, outputs.len()) {
            (Some(artifacts), 1) => artifacts,
            (Some(artifacts), _) => {
                let secondary = artifacts.secondary_artifacts.as_ref();
                secondary.and_then(|secondary| secondary.get(name)).ok_or_else(|| {
                    Failure::new(format!(
                        "the buildspec has no secondary artifact `{name}`, which is an output of the action"
                    ))
                    .with_help(format!("add `{name}` with its `files` to `secondary-artifacts`"))
                })?
            }
            (None, _) => {
                return Err(Failure::new(format!(
                    "the buildspec has no `artifacts`, and the action has the output `{name}`"
                ))
                .with_help("add an `artifacts` section with `files`, or take the output away"));
            }
        };
        let selected = artifacts::select(&job.dir, section).map_err(|failure| Failure {
            message: format!("the output `{name}`: {}", failure.message),
            ..failure
        })?;
        let artifact = blocking(|| job.run.store.import_files(&job.dir, selected.into_iter()))?;
        job.log.say(&format!("artifact {name}: {}", artifact.file_count()));
        done.artifacts.insert(name.clone(), artifact);
    }
    Ok(())
}
