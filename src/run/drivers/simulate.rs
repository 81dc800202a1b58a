//! `simulate`: for what has no meaning off AWS. It checks what can be checked, says what it would do, and is always labelled.
//!
//! Checked is that every file that the configuration names as `Artifact::path` (and those that the action takes by
//! convention) is in the artifact, and that it parses where its name ends in `.json`, `.yml` or `.yaml`.
//! Outputs hold what `local { files = "folder" }` names; output variables come from `local { outputs = { … } }`.

use serde_json::Value;

use super::{Done, Job, blocking};
use crate::ir::Action;
use crate::run::outcome::Failure;
use crate::run::store::Artifact;

/// Whether the action gives the output variable `key` by itself.
pub fn gives(_action: &Action, _key: &str) -> bool {
    false
}

pub fn carry_out(job: &mut Job) -> Result<Done, Failure> {
    let mut done = Done::default();
    let mut checked = Vec::new();
    let configuration = job.resolved.configuration.clone();
    for (key, value) in &configuration {
        if let Some((artifact, path)) = value.split_once("::")
            && let Some((name, artifact)) = job.inputs.iter().find(|(name, _)| name == artifact)
        {
            check_file(job, name, artifact, path).map_err(|failure| Failure {
                message: format!("`{key}` names `{value}`: {}", failure.message),
                ..failure
            })?;
            checked.push(value.clone());
        }
    }
    if let Some(path) = conventional_file(job)
        && let Some((name, artifact)) = job.inputs.first()
    {
        check_file(job, name, artifact, &path)?;
        checked.push(format!("{name}::{path}"));
    }
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
        let folder = path.parent().unwrap_or(std::path::Path::new("."));
        job.run
            .store
            .import_files(folder, std::iter::once((name.clone(), name)))
    })?)
}

/// The file that an action takes from its input without being told.
fn conventional_file(job: &Job) -> Option<String> {
    match job.action.type_id.provider.as_str() {
        "ECS" => Some(
            job.configuration("FileName")
                .unwrap_or("imagedefinitions.json")
                .to_owned(),
        ),
        "CodeDeploy" => Some("appspec.yml".to_owned()),
        _ => None,
    }
}

fn check_file(job: &Job, name: &str, artifact: &Artifact, path: &str) -> Result<(), Failure> {
    if artifact.files == 0 {
        // What a simulated action gave is empty: there is nothing to look into.
        return Ok(());
    }
    let Some(bytes) = job.run.store.read(artifact, path)? else {
        return Err(Failure::new(format!("the artifact `{name}` has no file `{path}`"))
            .with_help("let the action that makes the artifact put it in, or correct the path"));
    };
    parses(path, &bytes).map_err(|problem| Failure::new(format!("`{path}` in `{name}` does not parse: {problem}")))
}

fn parses(path: &str, bytes: &[u8]) -> Result<(), String> {
    let extension = path
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("json") => serde_json::from_slice::<serde::de::IgnoredAny>(bytes)
            .map(|_| ())
            .map_err(|error| error.to_string()),
        Some("yml" | "yaml" | "template") => {
            let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
            serde_saphyr::from_str::<Value>(text)
                .map(|_| ())
                .map_err(|error| error.to_string())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::parses;

    #[test]
    fn files_parse_by_their_names() {
        assert!(parses("a.json", b"{\"a\": 1}").is_ok());
        assert!(parses("a.json", b"{a}").is_err());
        assert!(parses("t.yml", b"Resources:\n  A: !Ref B\n  C: !GetAtt [D, E]\n  F: !Sub x\n").is_ok());
        assert!(parses("t.yml", b"a: [").is_err());
        assert!(parses("a.txt", b"{").is_ok());
    }
}
