//! From the arguments of a run to the pipeline that is meant.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use clap::Parser;

use super::args::{HowArgs, Params, RunWith, TellArgs};
use super::console::Console;
use super::error::Error;
use super::input::Input;
use super::load::{compile_any, load, select};
use crate::catalog::Catalog;
use crate::compile;
use crate::diagnostic::Severity;
use crate::ir::Pipeline;
use crate::run::drivers::pipeline::Neighbours;
use crate::run::secrets::Sources;
use crate::run::setup::LocalSecrets;
use crate::run::{RunOptions, Show};

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
        let file = match Input::new(&with.file) {
            Input::Stdin => with.file.clone(),
            Input::File(path) => absolute(&path),
        };
        let arguments = [vec![file.into()], with.params.arguments()].concat();
        let neighbours = Neighbours::of(&compiled.pipelines, &compiled.catalog, arguments);
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

/// What the file that a run was compiled from says now of the secrets that the run had from it; or why it says nothing.
pub(super) fn secrets_again(of: &LocalSecrets, pipeline: &str) -> Result<BTreeMap<String, String>, String> {
    let words = [OsString::from("pipe")].into_iter().chain(of.arguments.iter().cloned());
    let Ok(Again { file, params }) = Again::try_parse_from(words) else {
        return Err("which file it was is not known".to_owned());
    };
    let input = Input::new(&file);
    if input == Input::Stdin {
        return Err("that came from standard input".to_owned());
    }
    let name = file.display();
    let compiled = params.options().and_then(|options| compile_any(&input, &options));
    let compiled = compiled.map_err(|error| format!("that cannot be read any more: {error}"))?;
    if compiled.diagnostics.iter().any(|it| it.severity == Severity::Error) {
        return Err(format!("{name} has errors now: `pipe check {name}`"));
    }
    match select(compiled.pipelines, &file, Some(pipeline)) {
        Ok(pipeline) => Ok(of.values_in(&pipeline)),
        Err(_) => Err(format!("{name} has no pipeline `{pipeline}` any more")),
    }
}

/// A file and its parameters, as [`Definition::of`] writes them down.
#[derive(Debug, Parser)]
struct Again {
    file: PathBuf,
    #[command(flatten)]
    params: Params,
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
        ..carried_out(&with.how)
    }
}

/// As whoever starts or carries on a run wants its actions to be carried out.
pub(super) fn carried_out(how: &HowArgs) -> RunOptions {
    RunOptions {
        secrets: Sources::new(how.secrets.clone(), how.secret_command.clone()),
        yes: how.yes,
        wait: how.wait,
        jobs: how.jobs.map(Into::into),
        ..RunOptions::default()
    }
}

/// As a run is to be told of; fails if there will be no way to.
pub(super) fn told(tell: &TellArgs, options: RunOptions) -> Result<RunOptions, Error> {
    if let Some(path) = &tell.junit {
        can_be_written(path).map_err(|why| Error::Junit {
            path: path.clone(),
            why,
        })?;
    }
    Ok(RunOptions {
        show: if tell.json { Show::Json } else { Show::Fitting },
        junit: tell.junit.clone(),
        ..options
    })
}

/// Whether a file can be made, or replaced, at a path.
fn can_be_written(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    tempfile::tempfile_in(folder.unwrap_or(Path::new("."))).map(drop)
}

/// The folder that the file lies in; for standard input the working directory.
fn project_dir(file: &Path) -> PathBuf {
    match Input::new(file) {
        Input::Stdin => PathBuf::new(),
        Input::File(path) => path.parent().map(Path::to_owned).unwrap_or_default(),
    }
}
