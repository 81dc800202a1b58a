//! `simulate`: for what has no meaning off AWS. It checks what can be checked, says what it would do, and is always labelled.
//!
//! Checked is every file that the configuration names, and those that an action takes by convention: it is in the artifact,
//! it parses, and it is what AWS makes of it. Outputs hold what `local { files = "folder" }` names; output variables come
//! from `local { outputs = { … } }`.

mod appspec;
mod containers;
mod document;
mod named;
mod template;

use std::path::Path;

use super::{Done, Job, blocking};
use crate::ir::Action;
use crate::run::outcome::Failure;
use crate::run::store::Artifact;
use appspec::Around;
use document::Document;
use named::{Kind, NamedFile};
use template::Taken;

/// Whether the action gives the output variable `key` by itself.
pub fn gives(_action: &Action, _key: &str) -> bool {
    false
}

pub fn carry_out(job: &mut Job) -> Result<Done, Failure> {
    let mut done = Done::default();
    let checked = check(job)?;
    let configuration = job.resolved.configuration.clone();
    job.log.say(&format!(
        "simulated: {} is not carried out on this machine",
        job.action.type_id
    ));
    for (key, value) in &configuration {
        job.log.say(&format!("  {key} = {value}"));
    }
    for (name, artifact) in &job.inputs.clone() {
        job.log
            .say(&format!("  takes the artifact {name} ({})", artifact.file_count()));
    }
    if !checked.is_empty() {
        let note = format!("checked {}", checked.join(", "));
        job.log.say(&format!("  {note}"));
        done.notes.push(note);
    }
    for output in &job.action.outputs {
        let artifact = output_artifact(job)?;
        done.artifacts.insert(output.name.value.clone(), artifact);
    }
    Ok(done)
}

fn output_artifact(job: &Job) -> Result<Artifact, Failure> {
    let Some(path) = job.plan.settings.files.first() else {
        return Ok(job.run.store.import_texts(&[])?);
    };
    let path = job.project_path(path);
    Ok(blocking(|| {
        if path.is_dir() {
            return job.run.store.import(&path);
        }
        let name = path.file_name().map(std::path::PathBuf::from).unwrap_or_default();
        let folder = path.parent().unwrap_or(Path::new("."));
        job.run
            .store
            .import_files(folder, std::iter::once((name.clone(), name)))
    })?)
}

/// Checks all files; gives their names.
fn check(job: &Job) -> Result<Vec<String>, Failure> {
    let mut read: Vec<(NamedFile, Option<Document>)> = Vec::new();
    for file in named::files(job) {
        let document = open(job, &file)?;
        read.push((file, document));
    }
    // What is held against a template is wrong only if the template is right.
    read.sort_by_key(|(file, _)| file.kind != Kind::Template);
    let find = |kind: Kind| {
        let found = read.iter().find(|(file, _)| file.kind == kind);
        found.and_then(|(_, document)| document.as_ref())
    };
    let (a_template, tasks) = (find(Kind::Template), find(Kind::TaskDefinition));
    for (file, document) in &read {
        let Some(document) = document else { continue };
        let tree = &document.tree;
        let outcome = match file.kind {
            Kind::Data => Ok(()),
            Kind::ImageDefinitions => containers::image_definitions(tree),
            Kind::ImageDetail => containers::image_detail(tree),
            Kind::TaskDefinition => containers::task_definition(tree, &named::placeholders(job)),
            Kind::Configuration => template::configuration(tree, a_template),
            Kind::Template => template::template(tree),
            Kind::Object => document::object(tree, "it").map(|_| ()),
            Kind::AppSpec => {
                let around = Around {
                    has: &|path| has(job, &file.artifact, path),
                    containers: tasks.map(|tasks| containers::container_names(&tasks.tree)),
                    registers: job.action.type_id.provider == "CodeDeployToECS",
                };
                appspec::check(tree, &around)
            }
        };
        outcome.map_err(|problem| document.failure(problem))?;
    }
    overrides(job, a_template)?;
    let looked_into = read.into_iter().filter(|(file, _)| !is_empty(job, &file.artifact));
    Ok(looked_into
        .map(|(file, _)| format!("{}::{}", file.artifact, file.path))
        .collect())
}

fn artifact<'j>(job: &'j Job, name: &str) -> Option<&'j Artifact> {
    job.inputs
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, artifact)| artifact)
}

/// What a simulated action gave is empty: there is nothing to look into.
fn is_empty(job: &Job, name: &str) -> bool {
    artifact(job, name).is_none_or(|artifact| artifact.files == 0)
}

/// The file as a document; none if it cannot be looked into, or is neither JSON nor YAML.
fn open(job: &Job, file: &NamedFile) -> Result<Option<Document>, Failure> {
    let Some(artifact) = artifact(job, &file.artifact).filter(|artifact| artifact.files > 0) else {
        return Ok(None);
    };
    let in_words = |problem: String| match &file.key {
        Some((key, value)) => format!("`{key}` names `{value}`: {problem}"),
        None => problem,
    };
    let Some(bytes) = job.run.store.read(artifact, &file.path)? else {
        let problem = format!("the artifact `{}` has no file `{}`", file.artifact, file.path);
        return Err(Failure::new(in_words(problem))
            .with_help("let the action that makes the artifact put it in, or correct the path"));
    };
    if let Some(most) = file.kind.most_bytes().filter(|most| bytes.len() > *most) {
        let problem = format!(
            "`{}` in `{}` has {} bytes: AWS takes {most} of such a file",
            file.path,
            file.artifact,
            bytes.len()
        );
        return Err(Failure::new(in_words(problem)).with_help("make it smaller, or divide it"));
    }
    if file.kind == Kind::Data && !named::is_document(&file.path) {
        return Ok(None);
    }
    let name = format!("`{}` in `{}`", file.path, file.artifact);
    let document = Document::read(name, bytes).map_err(|failure| Failure {
        message: in_words(failure.message),
        help: failure.help,
        ..Failure::default()
    })?;
    Ok(Some(document))
}

/// Whether an artifact has a file, or something below a folder, of this path.
fn has(job: &Job, name: &str, path: &str) -> bool {
    let manifest = artifact(job, name).and_then(|artifact| job.run.store.manifest(artifact).ok());
    manifest.is_some_and(|manifest| {
        let mut paths = manifest.entries.iter().map(|entry| entry.path.to_path());
        paths.any(|entry| entry.starts_with(path))
    })
}

/// Overrides of parameters: an object, whose parameters the template has, and whose files are there.
fn overrides(job: &Job, a_template: Option<&Document>) -> Result<(), Failure> {
    let text = job
        .configuration("ParameterOverrides")
        .filter(|text| text.trim_start().starts_with('{'));
    let Some(text) = text else { return Ok(()) };
    let document = Document::read("`ParameterOverrides`".to_owned(), text.as_bytes().to_vec())?;
    for taken in template::overrides(&document, a_template)? {
        let (Taken::Attribute { artifact: name } | Taken::Value { artifact: name, .. }) = taken;
        if artifact(job, name).is_none() {
            let message = format!("`ParameterOverrides` takes something from `{name}`, which is not an input");
            return Err(Failure::new(message).with_help("add it to the action's inputs"));
        }
        let Taken::Value { file, key, .. } = taken else {
            continue;
        };
        let named = NamedFile {
            artifact: name.to_owned(),
            path: file.to_owned(),
            kind: Kind::Object,
            key: Some(("ParameterOverrides".to_owned(), format!("{name}::{file}"))),
        };
        if let Some(document) = open(job, &named)?
            && document.tree.get(key).is_none()
        {
            let message = format!("{} has no key `{key}`, which `ParameterOverrides` takes", document.name);
            return Err(
                Failure::new(message).with_help("let the action that writes the file write it, or correct the key")
            );
        }
    }
    Ok(())
}
