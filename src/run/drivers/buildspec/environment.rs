//! The environment of a build: what CodeBuild supplies (or what stands for it here), the buildspec's variables, the action's.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::super::{Environment, Job};
use super::spec::Spec;
use crate::run::outcome::Failure;
use crate::run::paths::variable;

/// The action's `EnvironmentVariables`, secrets looked up. With `lenient`, those without a value here are left out.
pub fn of_action(job: &Job, json: &str, lenient: bool) -> Result<Vec<(String, String)>, Failure> {
    #[derive(Deserialize)]
    struct Variable {
        name: String,
        value: String,
        #[serde(default, rename = "type")]
        kind: String,
    }
    let variables: Vec<Variable> = serde_json::from_str(json).map_err(|error| {
        Failure::new(format!(
            "`EnvironmentVariables` is not the JSON that CodeBuild expects: {error}"
        ))
        .with_help("a value with a quote or a line break breaks the JSON around it: commit messages often do")
    })?;
    let mut out = Vec::new();
    for Variable { name, value, kind } in variables {
        match kind.as_str() {
            "SECRETS_MANAGER" | "PARAMETER_STORE" => match job.secret(&value) {
                Ok(secret) => out.push((name, secret)),
                Err(_) if lenient => {}
                Err(failure) => return Err(failure),
            },
            _ => out.push((name, value)),
        }
    }
    Ok(out)
}

/// The whole environment that a build starts with. What comes later in the text wins: CodeBuild's own, the buildspec's
/// variables, the action's, the local block's.
pub fn of_build(job: &Job, spec: &Spec, folders: &[(String, PathBuf)]) -> Result<Environment, Failure> {
    let mut out = job.environment()?;
    let project = job.configuration("ProjectName").unwrap_or("local").to_owned();
    let region = job
        .action
        .region
        .as_ref()
        .map_or("us-east-1", |region| region.value.as_str());
    let arn = |resource: &str| format!("arn:aws:codebuild:{region}:000000000000:{resource}");
    let id = format!("{project}:{}", uuid::Uuid::new_v4());
    out.set("AWS_REGION", region);
    out.set("AWS_DEFAULT_REGION", region);
    out.set("CODEBUILD_BUILD_ARN", &arn(&format!("build/{id}")));
    out.set("CODEBUILD_BUILD_ID", &id);
    out.set("CODEBUILD_BUILD_IMAGE", "local");
    out.set("CODEBUILD_BUILD_NUMBER", &job.name.attempt.to_string());
    out.set("CODEBUILD_BUILD_SUCCEEDING", "1");
    out.set(
        "CODEBUILD_INITIATOR",
        &format!("codepipeline/{}", job.run.pipeline.name),
    );
    out.set("CODEBUILD_LOG_PATH", &id);
    out.set("CODEBUILD_PROJECT_ARN", &arn(&format!("project/{project}")));
    out.set("CODEBUILD_SOURCE_REPO_URL", "");
    out.set_path("CODEBUILD_SRC_DIR", &job.dir);
    out.set(
        "CODEBUILD_START_TIME",
        &jiff::Timestamp::now().as_millisecond().to_string(),
    );
    for (name, folder) in folders {
        let version = job
            .inputs
            .iter()
            .find(|(input, _)| input == name)
            .map(|(_, artifact)| artifact.digest.as_str());
        let version = version.and_then(|digest| digest.get(..40)).unwrap_or_default();
        let name = variable(name);
        if *folder == job.dir {
            // The content stands for the revision: an artifact need not come from a repository.
            out.set("CODEBUILD_RESOLVED_SOURCE_VERSION", version);
            out.set("CODEBUILD_SOURCE_VERSION", version);
        } else {
            out.set_path(&format!("CODEBUILD_SRC_DIR_{name}"), folder);
            out.set(&format!("CODEBUILD_SOURCE_VERSION_{name}"), version);
        }
    }
    for (name, value) in spec.variables() {
        out.set(name, value);
    }
    if let Some(env) = &spec.env {
        for (name, parameter) in env.parameter_store.iter().flatten() {
            out.set(name, &job.secret(parameter)?);
        }
        for (name, reference) in env.secrets_manager.iter().flatten() {
            out.set(name, &secret_value(job, reference)?);
        }
    }
    if let Some(json) = job.configuration("EnvironmentVariables") {
        for (name, value) in of_action(job, json, false)? {
            out.set(&name, &value);
        }
    }
    for (name, value) in &job.plan.settings.env {
        out.set(name, value);
    }
    Ok(out)
}

/// `secret-id[:json-key[:version-stage[:version-id]]]`; the id may be an ARN, which has colons of its own. Locally a value may be
/// given for the whole reference, or for the id alone: then the key is looked up in its JSON.
fn secret_value(job: &Job, reference: &str) -> Result<String, Failure> {
    let given_whole = job.known_secret(reference).is_some();
    let (id, key) = split_reference(reference);
    let Some(key) = key.filter(|_| !given_whole) else {
        return job.secret(if given_whole { reference } else { id });
    };
    let whole = job.secret(id)?;
    let json: serde_json::Value = serde_json::from_str(&whole).map_err(|_| {
        Failure::new(format!(
            "the secret `{id}` is not JSON, and `{reference}` asks for its key `{key}`"
        ))
    })?;
    let value = match json.get(key) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => return Err(Failure::new(format!("the secret `{id}` has no key `{key}`"))),
    };
    job.run.secrets.add(&value);
    Ok(value)
}

pub(super) fn split_reference(reference: &str) -> (&str, Option<&str>) {
    let colons = if reference.starts_with("arn:") { 7 } else { 1 };
    let Some((at, _)) = reference.match_indices(':').nth(colons - 1) else {
        return (reference, None);
    };
    let key = reference[at + 1..].split(':').next().filter(|key| !key.is_empty());
    (&reference[..at], key)
}

/// The folder that a path in the buildspec's words is relative to.
pub fn source_folder<'a>(folders: &'a [(String, PathBuf)], dir: &'a Path) -> &'a Path {
    folders
        .iter()
        .map(|(_, folder)| folder.as_path())
        .find(|folder| *folder == dir)
        .unwrap_or(dir)
}

#[cfg(test)]
mod tests {
    use super::split_reference;

    #[test]
    fn references_to_secrets() {
        assert_eq!(split_reference("npm"), ("npm", None));
        assert_eq!(split_reference("prod/npm:token"), ("prod/npm", Some("token")));
        assert_eq!(split_reference("npm:token:AWSCURRENT"), ("npm", Some("token")));
        assert_eq!(split_reference("npm::AWSPREVIOUS"), ("npm", None));
        let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:npm-a1b2c3";
        assert_eq!(split_reference(arn), (arn, None));
        assert_eq!(split_reference(&format!("{arn}:token")), (arn, Some("token")));
    }
}
