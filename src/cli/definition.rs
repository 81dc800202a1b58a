//! From the arguments of a run to the pipeline that is meant.

use std::path::{Path, PathBuf};

use super::args::RunWith;
use super::console::Console;
use super::error::Error;
use super::input::Input;
use super::load::{load, select};
use crate::catalog::Catalog;
use crate::compile;
use crate::ir::Pipeline;
use crate::run::RunOptions;
use crate::run::drivers::pipeline::Neighbours;
use crate::run::secrets::Sources;

/// A pipeline that is meant, with all that a run of it needs to know.
pub(super) struct Definition {
    pub(super) pipeline: Pipeline,
    pub(super) catalog: Catalog,
    pub(super) options: RunOptions,
    /// What it was made of; absolute.
    pub(super) files: Vec<PathBuf>,
}

/// Compiles the file; none if there are errors, which are told.
pub(super) fn definition(with: &RunWith, console: &mut Console) -> Result<Option<Definition>, Error> {
    if with.keep_going {
        return Err(Error::NoKeepGoing);
    }
    let Some(compiled) = load(&with.file, &with.params, console)? else {
        return Ok(None);
    };
    Definition::of(compiled, with).map(Some)
}

impl Definition {
    pub(super) fn of(compiled: compile::Compiled, with: &RunWith) -> Result<Self, Error> {
        let neighbours = Neighbours {
            pipelines: compiled.pipelines.clone(),
            arguments: [vec![with.file.clone().into()], with.params.arguments()].concat(),
        };
        let files = compiled.sources.files().filter_map(|file| file.path.as_deref());
        Ok(Self {
            pipeline: select(compiled.pipelines, &with.file, with.pipeline.as_deref())?,
            catalog: compiled.catalog,
            options: RunOptions {
                neighbours,
                ..options(with)
            },
            files: files.map(absolute).collect(),
        })
    }
}

/// A file's path, by the real name of its folder.
fn absolute(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = std::fs::canonicalize(folder.unwrap_or(Path::new(".")));
    folder.map_or_else(
        |_| path.to_owned(),
        |folder| folder.join(path.file_name().unwrap_or_default()),
    )
}

/// What the arguments ask for besides the pipeline.
fn options(with: &RunWith) -> RunOptions {
    RunOptions {
        file: Some(with.file.display().to_string()),
        project_dir: project_dir(&with.file),
        state_dir: with.state_dir.clone(),
        variables: with.variables.clone(),
        conditions: with.conditions.clone(),
        sources: with.sources.clone(),
        revisions: with.revisions.clone(),
        first_stage: with.from.clone().or_else(|| with.only.clone()),
        last_stage: with.only.clone(),
        based_on: with.based_on.clone(),
        execution_id: with.execution_id.map(|id| id.to_string()),
        secrets: Sources::new(with.secrets.clone(), with.secret_command.clone()),
        yes: with.yes,
        wait: with.wait,
        jobs: with.jobs.map(Into::into),
        ..RunOptions::default()
    }
}

/// The folder that the file lies in; for standard input the working directory.
fn project_dir(file: &Path) -> PathBuf {
    match Input::new(file) {
        Input::Stdin => PathBuf::new(),
        Input::File(path) => path.parent().map(Path::to_owned).unwrap_or_default(),
    }
}
