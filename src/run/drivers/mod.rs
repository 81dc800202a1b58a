//! Drivers: each carries out one kind of action on this machine.
//!
//! To add one: a variant of [`Driver`] with its name, a file named after it, a line in [`carry_out`]; what of a `local` block
//! it takes, in [`crate::catalog::drivers`].

pub mod approval;
pub mod buildspec;
pub mod deployment_window;
pub mod file_source;
pub mod git_source;
mod job_event;
pub mod pipeline;
pub mod s3_deploy;
pub mod shell;
pub mod simulate;
pub mod stand_in;
pub mod variable_check;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::Run;
use super::event::ActionName;
use super::files;
use super::log::Log;
use super::outcome::{Exit, Failure};
use super::paths::component;
use super::planned::{ActionPlan, Driver};
use super::process::{self, Level, Program};
use super::secrets;
use super::store::Artifact;
use super::variables::Resolved;
use crate::ir::{self, EnvironmentKind};

/// How many bytes all output variables of one action may have.
const MOST_OF_VARIABLES: usize = 122_880;

/// How many bytes the configuration of one action may have, variables replaced.
const MOST_OF_CONFIGURATION: usize = 102_400;

/// One execution of an action (or of a rule, as an action of that type).
pub struct Job {
    pub run: Arc<Run>,
    pub action: Arc<ir::Action>,
    pub plan: ActionPlan,
    pub name: ActionName,
    pub resolved: Resolved,
    /// By name, in the order of the declaration.
    pub inputs: Vec<(String, Artifact)>,
    /// The action's own folder; made by whoever needs it.
    pub dir: PathBuf,
    pub log: Log,
    pub stop: watch::Receiver<Level>,
    /// Of an approval: what its answer must name.
    pub token: Option<String>,
    /// What a reader should know of it, whichever driver finds it out.
    pub notes: Mutex<Vec<String>>,
}

/// What a successful action leaves.
#[derive(Debug, Default)]
pub struct Done {
    pub variables: BTreeMap<String, String>,
    pub artifacts: BTreeMap<String, Artifact>,
    pub notes: Vec<String>,
}

/// Carries an action out.
pub async fn carry_out(job: &mut Job) -> Result<Done, Failure> {
    check_configuration(&job.resolved.configuration)?;
    let mut done = match job.plan.driver {
        Driver::GitSource => git_source::carry_out(job).await,
        Driver::FileSource => file_source::carry_out(job),
        Driver::Shell => shell::carry_out(job).await,
        Driver::Buildspec => buildspec::carry_out(job).await,
        // Its answer is an input of its own: see [`approval::ask`].
        Driver::Approval => Ok(Done::default()),
        Driver::Pipeline => pipeline::carry_out(job).await,
        Driver::S3Deploy => s3_deploy::carry_out(job),
        Driver::Simulate => simulate::carry_out(job),
        Driver::StandIn => stand_in::carry_out(job).await,
        Driver::VariableCheck => variable_check::carry_out(job),
        Driver::DeploymentWindow => deployment_window::carry_out(job),
    }?;
    done.notes
        .append(job.notes.get_mut().unwrap_or_else(PoisonError::into_inner));
    // What the user says of the outputs holds for every driver.
    for (name, value) in &job.plan.settings.outputs {
        done.variables.insert(name.clone(), value.clone());
    }
    check_size(&done.variables)?;
    Ok(done)
}

/// What AWS takes of a configuration whose variables have their values.
fn check_configuration(configuration: &BTreeMap<String, String>) -> Result<(), Failure> {
    let size: usize = configuration.iter().map(|(key, value)| key.len() + value.len()).sum();
    if size <= MOST_OF_CONFIGURATION {
        return Ok(());
    }
    let longest = configuration.iter().max_by_key(|(_, value)| value.len());
    let longest = longest.map(|(key, _)| key.as_str()).unwrap_or_default();
    let message = format!(
        "with the values of its variables its configuration has {size} bytes: AWS takes {MOST_OF_CONFIGURATION} of an action"
    );
    Err(Failure::new(message).with_help(format!("put what `{longest}` holds into a file of an input artifact")))
}

/// What AWS takes of output variables.
fn check_size(variables: &BTreeMap<String, String>) -> Result<(), Failure> {
    let size: usize = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size <= MOST_OF_VARIABLES {
        return Ok(());
    }
    let longest = variables.iter().max_by_key(|(_, value)| value.len());
    let longest = longest.map(|(name, _)| name.as_str()).unwrap_or_default();
    let message =
        format!("its output variables have {size} bytes: AWS takes {MOST_OF_VARIABLES} of an action, together");
    Err(Failure::new(message).with_help(format!("put what `{longest}` holds into a file of an output artifact")))
}

impl Job {
    /// A folder beside the action's own, for things that must not lie among its files.
    pub fn beside(&self, what: &str) -> PathBuf {
        let mut name = self.dir.file_name().unwrap_or_default().to_owned();
        // No action's name holds a `+`, so nothing else is called like this.
        name.push(format!("+{what}"));
        self.dir.with_file_name(name)
    }

    /// Lays out the inputs: `primary`, or else the first, in the action's own folder, which is where its commands start; the
    /// others beside it. Gives the folders of all by artifact name.
    pub fn unpack(&self, primary: Option<&str>) -> Result<Vec<(String, PathBuf)>, Failure> {
        let primary = primary.or_else(|| self.inputs.first().map(|(name, _)| name.as_str()));
        let mut out = Vec::new();
        for (name, artifact) in &self.inputs {
            let folder = if Some(name.as_str()) == primary {
                self.dir.clone()
            } else {
                self.beside("inputs").join(component(name))
            };
            let unpacked = many(artifact.files, || {
                self.run.slots.lay_out(&self.run.store, artifact, &folder)
            });
            unpacked.map_err(|error| Failure::new(format!("the artifact `{name}` could not be unpacked: {error}")))?;
            out.push((name.clone(), folder));
        }
        if !out.iter().any(|(_, folder)| *folder == self.dir) {
            std::fs::create_dir_all(&self.dir)?;
        }
        Ok(out)
    }

    /// The environment that every command of an action has, with what the action and the user add.
    pub fn environment(&self) -> Result<Environment, Failure> {
        let mut out = Environment {
            variables: self.run.environment.clone(),
        };
        out.set("PIPE_PIPELINE", &self.run.pipeline.name.value);
        out.set("PIPE_EXECUTION_ID", &self.run.execution_id);
        out.set("PIPE_STAGE", &self.name.stage);
        out.set("PIPE_ACTION", &self.name.action);
        if let Some(above) = self.dir.parent() {
            // An action must not find the checkout that the state lies in: on AWS there is none.
            out.set_path("GIT_CEILING_DIRECTORIES", above);
        }
        if let Some(traceparent) = self.run.traceparent(&self.name) {
            out.set("TRACEPARENT", &traceparent);
        }
        if let Some(region) = &self.action.region {
            out.set("AWS_REGION", &region.value);
            out.set("AWS_DEFAULT_REGION", &region.value);
        }
        for (name, value) in &self.plan.settings.env {
            out.set(name, value);
        }
        for variable in &self.resolved.environment {
            match variable.kind {
                EnvironmentKind::Plaintext => out.set(&variable.name, &variable.value),
                EnvironmentKind::SecretsManager | EnvironmentKind::ParameterStore => {
                    out.set(&variable.name, &self.secret(variable.kind, &variable.value)?);
                }
            }
        }
        Ok(out)
    }

    /// The value of a parameter, or of a reference to a secret; from now on it is masked, and so is the whole secret that it
    /// is a part of.
    pub fn secret(&self, kind: EnvironmentKind, name: &str) -> Result<String, Failure> {
        let lookup = |name: &str| {
            let value = self.known_secret(name)?;
            self.run.secrets.add(&value);
            Some(value)
        };
        let value = secrets::value_of_kind(kind, name, lookup, &self.run.options)?;
        if !self.run.secrets.add(&value) && self.run.secrets.is_news(name) {
            let note = format!(
                "the secret `{name}` is not masked: it is shorter than {} characters",
                secrets::SHORTEST
            );
            self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
        }
        Ok(value)
    }

    /// The value of a secret or parameter, if it has one on this machine.
    fn known_secret(&self, name: &str) -> Option<String> {
        let known = self.run.plan.secrets.get(name).cloned();
        known.or_else(|| secrets::find(name, &self.run.options))
    }

    /// Runs a shell script in the action's folder; its output goes to the log.
    pub async fn shell(&mut self, script: &str, environment: Environment) -> Result<Exit, Failure> {
        let shell = match &self.plan.settings.shell {
            None => self.run.shell.clone(),
            Some(name) => find_shell(name)?,
        };
        self.shell_at(&shell, script, environment).await
    }

    pub async fn shell_at(
        &mut self,
        shell: &std::path::Path,
        script: &str,
        environment: Environment,
    ) -> Result<Exit, Failure> {
        let mut program = Program::shell(shell, script);
        program.environment = environment.variables;
        let log = &mut self.log;
        process::run(&program, &mut self.stop, |bytes| log.write(bytes))
            .await
            .map_err(|error| Failure::new(format!("{} could not be started: {error}", shell.display())))
    }

    /// Stores what matches `patterns` below `folder` as the output `name`.
    pub fn store_files(&self, name: &str, folder: &std::path::Path, patterns: &[String]) -> Result<Artifact, Failure> {
        if patterns.is_empty() {
            return Ok(blocking(|| self.run.store.import(folder))?);
        }
        let include = files::set(patterns.iter().map(String::as_str))?;
        let selected = blocking(|| files::select(folder, &include, &globset::GlobSet::empty()))?;
        if selected.is_empty() {
            let patterns: Vec<String> = patterns.iter().map(|pattern| format!("`{pattern}`")).collect();
            return Err(Failure::new(format!(
                "no file for the output `{name}`: {} match nothing",
                patterns.join(", ")
            ))
            .with_help("a pattern names files: everything in a folder is `folder/**/*`"));
        }
        let selected = selected.into_iter().map(|path| (path.clone(), path));
        Ok(blocking(|| self.run.store.import_files(folder, selected))?)
    }

    pub fn configuration(&self, key: &str) -> Option<&str> {
        self.resolved.configuration.get(key).map(String::as_str)
    }

    /// The path of an entry in a `local` block: relative to the folder of the `.pipe` file.
    pub fn project_path(&self, path: &str) -> PathBuf {
        self.run.options.project_dir.join(path)
    }
}

/// A shell by its name, `bash`, or its path.
pub fn find_shell(name: &str) -> Result<PathBuf, Failure> {
    process::find(name).ok_or_else(|| Failure::new(format!("there is no shell `{name}` on this machine")))
}

/// A command's environment.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    pub variables: Vec<(OsString, OsString)>,
}

impl Environment {
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.into(), value.into()));
    }

    pub fn set_path(&mut self, name: &str, value: &std::path::Path) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.into(), value.into()));
    }
}

/// Does work on files; others of the runtime's tasks go on elsewhere.
pub fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// As [`blocking`] where there are many files; for a few the change of threads would cost more than the work.
fn many<T>(files: u64, work: impl FnOnce() -> T) -> T {
    if files > 32 { blocking(work) } else { work() }
}
