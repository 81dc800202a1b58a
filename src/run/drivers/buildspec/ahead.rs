//! What can be known of a build before a run starts: whether there is a buildspec that can be read, and which secrets it asks for.

use std::path::{Path, PathBuf};

use super::environment::split_reference;
use super::spec::Spec;
use crate::run::outcome::Failure;

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

/// A secret or parameter that a build asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// As it is written: `npm:token`.
    pub reference: String,
    /// Whose value does as well: the whole secret, with the key in its JSON.
    pub whole: Option<String>,
}

/// What the buildspec's `env` asks for; see [`Spec::parse`] for what is wrong with a buildspec.
pub fn wanted(spec: &Spec) -> Vec<Wanted> {
    let Some(env) = &spec.env else { return Vec::new() };
    let parameters = env.parameter_store.iter().flatten().map(|(_, parameter)| Wanted {
        reference: parameter.clone(),
        whole: None,
    });
    let secrets = env.secrets_manager.iter().flatten().map(|(_, reference)| {
        let (id, _) = split_reference(reference);
        Wanted {
            reference: reference.clone(),
            whole: (id != reference).then(|| id.to_owned()),
        }
    });
    parameters.chain(secrets).collect()
}
