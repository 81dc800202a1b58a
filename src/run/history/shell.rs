//! What it takes to look around where an action failed: its directory, its environment, the command that failed.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::stored::StoredRun;
use crate::ir::{Action, EnvironmentKind, Pipeline};
use crate::run::RunOptions;
use crate::run::outcome::{Failure, Status};
use crate::run::paths::{component, quoted, variable};
use crate::run::process;
use crate::run::record::RunRecord;
use crate::run::secrets;
use crate::run::settings::Settings;
use crate::run::setup::{self, Setup};
use crate::run::variables::{Resolved, Variables};

/// Where an action failed.
#[derive(Debug)]
pub struct Scene {
    /// `Build/test`.
    pub place: String,
    pub failure: Failure,
    pub directory: PathBuf,
    /// What the action had in its environment beside the user's own.
    pub environment: Vec<(String, String)>,
    /// Variables whose values are secrets that nobody has given.
    pub withheld: Vec<String>,
}

/// Why no shell can be opened.
#[derive(Debug, thiserror::Error)]
pub enum NoShell {
    #[error("no action of run {run} has failed")]
    NothingFailed { run: String },
    #[error("{place} has not failed")]
    NotFailed { place: String },
    #[error("the files of {place} are not there any more")]
    Gone { place: String },
    #[error("run {run} cannot be read: {why}")]
    Unreadable { run: String, why: io::Error },
}

impl NoShell {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::NothingFailed { run } => format!("`pipe show {run}` says how it went"),
            Self::NotFailed { .. } => "only actions that failed leave their directories".to_owned(),
            Self::Gone { .. } => "they are kept until the run is tried again or cleaned; run it again".to_owned(),
            Self::Unreadable { .. } => "see whether its folder is whole".to_owned(),
        }
    }
}

impl Scene {
    /// Looks for where an action failed: `wanted`, or the first one that did.
    pub fn find(run: &StoredRun, wanted: Option<&str>) -> Result<Self, NoShell> {
        let mut actions = run.record.actions();
        let failed = actions.find_map(|action| {
            let place = action.place();
            let end = action.attempts.last()?.end()?;
            let is_it = wanted.is_none_or(|wanted| place == wanted) && end.status != Status::Succeeded;
            let failure = end.failure.clone().filter(|_| is_it)?;
            Some((action, place, failure))
        });
        let Some((action, place, failure)) = failed else {
            let run = run.record.short_id().to_owned();
            return Err(
                wanted.map_or(NoShell::NothingFailed { run }, |place| NoShell::NotFailed {
                    place: place.to_owned(),
                }),
            );
        };
        let Some(directory) = failure.directory.as_ref().filter(|directory| directory.is_dir()) else {
            return Err(NoShell::Gone { place });
        };
        let mut scene = Self {
            directory: directory.to_path_buf(),
            place,
            failure,
            environment: Vec::new(),
            withheld: Vec::new(),
        };
        let unreadable = |why| NoShell::Unreadable {
            run: run.record.id.clone(),
            why,
        };
        let pipeline = setup::read_pipeline(&run.run_dir).map_err(unreadable)?;
        let setup = Setup::read(&run.run_dir).map_err(unreadable)?;
        let stages = pipeline.stages.iter().filter(|it| it.name.value == action.stage);
        let definition = stages
            .flat_map(|stage| &stage.actions)
            .find(|it| it.name.value == action.name);
        if let Some(definition) = definition {
            scene.set_environment(&run.record, &pipeline, &setup, &action.stage, definition);
        }
        Ok(scene)
    }

    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.into()));
    }

    fn set_path(&mut self, name: &str, path: &Path) {
        self.set(name, path.to_string_lossy());
    }

    fn set_environment(&mut self, run: &RunRecord, pipeline: &Pipeline, setup: &Setup, stage: &str, action: &Action) {
        self.set("PIPE_PIPELINE", &run.pipeline);
        self.set("PIPE_EXECUTION_ID", &run.id);
        self.set("PIPE_STAGE", stage);
        self.set("PIPE_ACTION", &action.name.value);
        self.set_path("PIPE_PROJECT", &setup.project_dir);
        if let Some(region) = &action.region {
            self.set("AWS_REGION", &region.value);
            self.set("AWS_DEFAULT_REGION", &region.value);
        }
        self.set_inputs(action);
        for (name, value) in Settings::read(&action.local).unwrap_or_default().env {
            self.set(&name, value);
        }
        // One that has no value here is the failure itself.
        let resolved = variables(run, pipeline).resolve_action(action).unwrap_or_default();
        self.set_own(resolved);
    }

    fn set_inputs(&mut self, action: &Action) {
        let directory = self.directory.clone();
        self.set_path("CODEBUILD_SRC_DIR", &directory);
        let mut beside = directory.file_name().unwrap_or_default().to_owned();
        beside.push("+inputs");
        let beside = directory.with_file_name(beside);
        for input in &action.inputs {
            let folder = beside.join(component(&input.value));
            let folder = if folder.is_dir() { folder } else { directory.clone() };
            self.set_path(&format!("CODEBUILD_SRC_DIR_{}", variable(&input.value)), &folder);
            self.set_path(&format!("PIPE_INPUT_{}", variable(&input.value)), &folder);
        }
    }

    /// What the action's own environment and configuration say.
    fn set_own(&mut self, resolved: Resolved) {
        #[derive(serde::Deserialize)]
        struct Variable {
            name: String,
            value: String,
            #[serde(default, rename = "type")]
            kind: String,
        }
        let json = resolved.configuration.get("EnvironmentVariables");
        let of_build: Vec<Variable> = json
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default();
        for it in of_build {
            self.set_one(&it.name, &it.value, secrets::kind(&it.kind));
        }
        for (key, value) in resolved.configuration {
            if key != "EnvironmentVariables" {
                self.set(&format!("PIPE_CONFIG_{}", variable(&key)), value);
            }
        }
        for it in resolved.environment {
            self.set_one(&it.name, &it.value, it.kind);
        }
    }

    /// Sets a variable to a value, or to that of the secret that it names, if it is given again.
    fn set_one(&mut self, name: &str, value: &str, kind: EnvironmentKind) {
        let lookup = |secret: &str| env::var(secrets::environment_name(secret)).ok();
        match secrets::value_of_kind(kind, value, lookup, &RunOptions::default()) {
            Ok(value) => self.set(name, value),
            Err(_) => self.withheld.push(name.to_owned()),
        }
    }

    /// A command that opens the shell; an interactive one has the failing command in its history, if it is bash.
    pub fn command(&self, is_interactive: bool) -> Command {
        let own = env::var_os("SHELL").map(PathBuf::from).filter(|shell| shell.is_file());
        let shell = own
            .or_else(|| process::find("sh"))
            .unwrap_or_else(|| PathBuf::from("/bin/sh"));
        let mut command = Command::new(&shell);
        if is_interactive
            && shell.file_name().is_some_and(|name| name == "bash")
            && let Some(file) = self.with_history()
        {
            command.arg("--rcfile").arg(file);
        }
        command.current_dir(&self.directory);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// A start-up file for bash, beside the action's directory.
    fn with_history(&self) -> Option<PathBuf> {
        let command = self.failure.command.as_ref()?;
        let mut name = self.directory.file_name()?.to_owned();
        name.push("+bashrc");
        let file = self.directory.with_file_name(name);
        let text = format!("[ -r ~/.bashrc ] && . ~/.bashrc\nhistory -s -- {}\n", quoted(command));
        fs::write(&file, text).ok()?;
        Some(file)
    }
}

/// The values that the action's references had.
fn variables(run: &RunRecord, pipeline: &Pipeline) -> Variables {
    let mut out = Variables::new(&run.id, run.variables.clone());
    let definitions = pipeline.stages.iter().flat_map(|stage| &stage.actions);
    for (definition, action) in definitions.zip(run.actions()) {
        if let (Some(namespace), Some(end)) = (&definition.namespace, action.success()) {
            out.set(&namespace.value, end.variables.clone());
        }
    }
    out
}
