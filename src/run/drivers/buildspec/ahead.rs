//! What can be known of a build before a run starts: whether there is a buildspec that can be read and carried out here, which
//! secrets it asks for, and whether it gives what the action is to give.

use std::path::{Path, PathBuf};

use super::possible::possible;
use super::spec::{Read, Spec, Task};
use super::{artifacts, batch, differences};
use crate::run::RunOptions;
use crate::run::outcome::Failure;
use crate::run::secrets::{self, value_of};

/// Where a build's buildspec comes from.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// `local { buildspec = … }`.
    pub local: Option<&'a str>,
    /// The configuration's `BuildspecOverride`.
    pub chosen: Option<&'a str>,
    /// The files of the primary source; none: not known yet.
    pub source: Option<&'a Path>,
    /// The primary source's name.
    pub source_name: &'a str,
    /// The folder of the `.pipe` file.
    pub project: &'a Path,
}

/// The buildspec's name and text: the local setting, the override, or the file of the primary source. None if that is not known yet.
pub fn find(place: Place<'_>) -> Result<Option<(String, String)>, Failure> {
    let path = match place.local.or(place.chosen) {
        Some(inline) if inline.contains('\n') || inline.trim_start().starts_with("version:") => {
            return Ok(Some(("the inline buildspec".to_owned(), inline.to_owned())));
        }
        Some(arn) if arn.starts_with("arn:") => {
            return Err(Failure::new(format!(
                "the buildspec `{arn}` is in a bucket, which cannot be read here"
            ))
            .with_help("name a file with the same text: `local { buildspec = \"…\" }`"));
        }
        Some(path) => path,
        None => "buildspec.yml",
    };
    let Some(source) = place.source else { return Ok(None) };
    let is_file = |path: &PathBuf| path.is_file();
    let in_source = Some(source.join(path)).filter(is_file);
    // Only what a `local` block names is looked for beside the pipeline: AWS knows nothing of that folder.
    let in_project = || place.local.map(|path| place.project.join(path)).filter(is_file);
    let Some(found) = in_source.or_else(in_project) else {
        let name = place.source_name;
        return Err(Failure::new(format!("there is no buildspec `{path}` in the source `{name}`")).with_help(
            "put it there, name another with `local { buildspec = \"…\" }`, or let a command stand in: `local { run = \"…\" }`",
        ));
    };
    let text = std::fs::read(&found)
        .map_err(|error| error.to_string())
        .and_then(|bytes| crate::source::decode(bytes).map_err(|error| error.to_string()))
        .map_err(|error| Failure::new(format!("{path}: {error}")))?;
    Ok(Some((path.to_owned(), text)))
}

/// As [`find`], read.
pub fn read(place: Place<'_>) -> Result<Option<Read>, Failure> {
    let Some((name, text)) = find(place)? else {
        return Ok(None);
    };
    let read = Spec::read(&text, &name).map_err(|problem| {
        Failure::new(problem).with_help("correct the buildspec: CodeBuild would not take it either")
    })?;
    Ok(Some(read))
}

/// The buildspecs of a batch's builds, in the order of the builds: their own, or else that of the whole batch.
pub fn read_tasks(place: Place<'_>, whole: &Read) -> Result<Vec<(Task, Read)>, Failure> {
    let tasks = batch::tasks(&whole.spec)?;
    let with_spec = |task: Task| {
        let Some(path) = &task.buildspec else {
            return Ok((task, whole.clone()));
        };
        let place = Place {
            local: None,
            chosen: Some(path),
            ..place
        };
        let read = read(place).map_err(|failure| Failure {
            message: format!("the build `{}`: {}", task.identifier, failure.message),
            ..failure
        })?;
        Ok((task, read.unwrap_or_else(|| whole.clone())))
    };
    tasks.into_iter().map(with_spec).collect()
}

/// What an action says of its build.
pub struct Build<'a> {
    pub place: Place<'a>,
    /// `local { shell = … }`.
    pub shell: Option<&'a str>,
    pub is_batch: bool,
    pub combines: bool,
    pub outputs: Vec<&'a str>,
    /// The value of a secret here.
    pub secret: &'a dyn Fn(&str) -> Option<String>,
    pub options: &'a RunOptions,
}

/// Gives what is to be said of the build before it runs; fails with what would fail in any case.
pub fn check(build: &Build<'_>) -> Result<Vec<String>, Failure> {
    let Some(whole) = read(build.place)? else {
        return Ok(Vec::new());
    };
    let mut notes = notes_of(&whole);
    if !build.is_batch {
        possible(&whole.spec, build.shell)?;
        secrets_of(&whole.spec, build)?;
        artifacts::sections(&whole.spec, &build.outputs)?;
        return Ok(notes);
    }
    let tasks = read_tasks(build.place, &whole)?;
    for (task, read) in &tasks {
        possible(&read.spec, build.shell)?;
        secrets_of(&read.spec, build)?;
        if task.buildspec.is_some() {
            notes.extend(notes_of(read));
        }
    }
    batch::check_outputs(&tasks, &build.outputs, build.combines)?;
    let named: Vec<&Task> = tasks.iter().map(|(task, _)| task).collect();
    let of_batch = whole.spec.batch.as_ref();
    notes.extend(
        of_batch
            .into_iter()
            .flat_map(|batch| differences::of_batch(batch, &named)),
    );
    Ok(notes)
}

fn notes_of(read: &Read) -> Vec<String> {
    let differences = differences::of_spec(&read.spec);
    read.warnings.iter().cloned().chain(differences).collect()
}

/// Fails for a secret or parameter without a value here. If the file with secrets cannot be read, nobody knows which have none.
fn secrets_of(spec: &Spec, build: &Build<'_>) -> Result<(), Failure> {
    let Some(env) = spec.env.as_ref().filter(|_| build.options.secrets.check().is_ok()) else {
        return Ok(());
    };
    for parameter in env.parameter_store.iter().flatten().map(|(_, parameter)| parameter) {
        (build.secret)(parameter).ok_or_else(|| secrets::missing(parameter, build.options))?;
    }
    for reference in env.secrets_manager.iter().flatten().map(|(_, reference)| reference) {
        value_of(reference, build.secret, build.options)?;
    }
    Ok(())
}
