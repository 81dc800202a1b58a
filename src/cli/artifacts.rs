//! `pipe artifacts`: what a run made.

use std::fs;
use std::path::Path;

use super::args::ArtifactsArgs;
use super::console::Console;
use super::error::Error;
use super::history::{read, run_and_word};
use super::output;
use super::status::Status;
use crate::diagnostic::suggest::nearest;
use crate::run::archive;
use crate::run::history::page::{artifact_rows, columns};
use crate::run::record::{MadeArtifact, RunRecord};
use crate::run::store::{Content, Store};
use crate::run::units::{bytes, count};

/// Lists a run's artifacts or an artifact's files, lays them out, or packs one.
pub(super) fn artifacts(args: &ArtifactsArgs, console: &mut Console) -> Result<Status, Error> {
    let has = |run: &RunRecord, name: &str| named(run, name).is_ok();
    let (run_dir, name) = run_and_word(args.run.as_deref(), args.name.as_deref(), &args.state, has)?;
    let run = read(&run_dir)?.record;
    let state_dir = run_dir.ancestors().nth(2).unwrap_or(&run_dir);
    let store = Store::new(state_dir.join("store"));
    let chosen = name.as_deref().map(|name| named(&run, name)).transpose()?;
    if let Some(file) = &args.zip {
        let made = chosen.map_or_else(|| only(&run), Ok)?;
        pack(&store, made, file, console)?;
        return Ok(Status::Fine);
    }
    match (chosen, &args.output) {
        (None, None) if run.artifacts.is_empty() => console.print("no artifacts\n")?,
        (None, None) => console.print(&columns(&artifact_rows(&run), ""))?,
        (Some(made), None) => console.print(&files(&store, made)?)?,
        (Some(made), Some(output)) => {
            must_be_empty(output)?;
            lay_out(&store, made, output, console)?;
        }
        (None, Some(output)) => {
            must_be_empty(output)?;
            for made in &run.artifacts {
                lay_out(&store, made, &output.join(made.folder_name()), console)?;
            }
        }
    }
    Ok(Status::Fine)
}

fn named<'a>(run: &'a RunRecord, name: &str) -> Result<&'a MadeArtifact, Error> {
    let found = run.artifacts.iter().find(|made| made.name == name);
    found.ok_or_else(|| {
        let names = run.artifacts.iter().map(|made| made.name.as_str());
        Error::NoArtifact {
            name: name.to_owned(),
            near: nearest(name, names.clone()).map(str::to_owned),
            all: names.map(str::to_owned).collect(),
        }
    })
}

/// The artifact of a run that made one; an archive holds no more.
fn only(run: &RunRecord) -> Result<&MadeArtifact, Error> {
    match run.artifacts.as_slice() {
        [made] => Ok(made),
        all => Err(Error::WhichArtifact {
            all: all.iter().map(|made| made.name.clone()).collect(),
        }),
    }
}

fn because(made: &MadeArtifact) -> impl FnOnce(std::io::Error) -> Error {
    let name = made.name.clone();
    |why| Error::Artifact { name, why }
}

/// What an artifact holds: a line for each file, with its rights and size.
fn files(store: &Store, made: &MadeArtifact) -> Result<String, Error> {
    let manifest = store.manifest(&made.artifact).map_err(because(made))?;
    let rows = manifest.entries.iter().map(|entry| {
        let path = shown(&entry.path.to_path());
        match &entry.content {
            Content::File { size, mode, .. } => vec![format!("{mode:03o}"), bytes(*size), path],
            Content::Directory { mode } => vec![format!("{mode:03o}"), String::new(), format!("{path}/")],
            Content::Link { to } => {
                let path = format!("{path} → {}", shown(&to.to_path()));
                vec!["link".to_owned(), String::new(), path]
            }
        }
    });
    Ok(columns(&rows.collect::<Vec<_>>(), ""))
}

/// A path on one line: quoted, with escapes, where it holds what cannot be printed.
fn shown(path: &Path) -> String {
    match path.to_str() {
        Some(text) if !text.contains(char::is_control) => text.to_owned(),
        _ => format!("{path:?}"),
    }
}

fn lay_out(store: &Store, made: &MadeArtifact, folder: &Path, console: &mut Console) -> Result<(), Error> {
    store.unpack(&made.artifact, folder).map_err(because(made))?;
    say_where(made, folder, console)
}

fn pack(store: &Store, made: &MadeArtifact, file: &Path, console: &mut Console) -> Result<(), Error> {
    let packed = output::replace(file, |file| archive::export(store, &made.artifact, file));
    packed.map_err(|why| Error::Pack {
        name: made.name.clone(),
        path: file.to_owned(),
        why,
    })?;
    say_where(made, file, console)
}

fn say_where(made: &MadeArtifact, place: &Path, console: &mut Console) -> Result<(), Error> {
    let files = usize::try_from(made.artifact.files).unwrap_or(usize::MAX);
    console.print(&format!(
        "{}: {} in {}\n",
        made.name,
        count(files, "file"),
        place.display()
    ))
}

fn must_be_empty(folder: &Path) -> Result<(), Error> {
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::NotEmpty {
            path: folder.to_owned(),
        }),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(why) => Err(Error::Write {
            path: folder.to_owned(),
            why,
        }),
    }
}
