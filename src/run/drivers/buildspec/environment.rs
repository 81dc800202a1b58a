//! The environment of a build: what CodeBuild supplies (or what stands for it here), the buildspec's variables, the action's.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::super::{Environment, Job, blocking, git_source};
use super::spec::{Spec, Task};
use crate::ir::EnvironmentKind;
use crate::run::outcome::Failure;
use crate::run::paths::variable;
use crate::run::secrets;

/// One of the action's `EnvironmentVariables`.
#[derive(Deserialize)]
struct Variable {
    name: String,
    value: String,
    #[serde(default, rename = "type")]
    kind: String,
}

impl Variable {
    fn is_secret(&self) -> bool {
        secrets::kind(&self.kind) != EnvironmentKind::Plaintext
    }
}

fn variables_of(json: &str) -> Result<Vec<Variable>, Failure> {
    serde_json::from_str(json).map_err(|error| {
        Failure::new(format!(
            "`EnvironmentVariables` is not the JSON that CodeBuild expects: {error}"
        ))
        .with_help("a value with a quote or a line break breaks the JSON around it: commit messages often do")
    })
}

/// The action's `EnvironmentVariables`, secrets looked up. With `lenient`, those without a value here are left out.
pub fn of_action(job: &Job, json: &str, lenient: bool) -> Result<Vec<(String, String)>, Failure> {
    let mut out = Vec::new();
    for variable in variables_of(json)? {
        if !variable.is_secret() {
            out.push((variable.name, variable.value));
            continue;
        }
        match job.secret(secrets::kind(&variable.kind), &variable.value) {
            Ok(secret) => out.push((variable.name, secret)),
            Err(_) if lenient => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(out)
}

/// The whole environment that a build starts with. What comes later in the text wins: CodeBuild's own, the buildspec's
/// variables, those of the build's place in a batch, the action's, the local block's.
pub fn of_build(
    job: &Job,
    spec: &Spec,
    folders: &[(String, PathBuf)],
    task: Option<&Task>,
) -> Result<Environment, Failure> {
    let mut out = job.environment()?;
    supplied(job, &mut out);
    sources(job, folders, &mut out);
    if let Some(task) = task {
        out.set("CODEBUILD_BATCH_BUILD_IDENTIFIER", &task.identifier);
    }
    let of_batch = task.iter().flat_map(|task| &task.variables);
    let of_batch = of_batch.map(|(name, value)| (name, value.as_str()));
    for (name, value) in spec.variables().chain(of_batch) {
        hide_access_key(job, name, value);
        out.set(name, value);
    }
    if let Some(env) = &spec.env {
        for (name, parameter) in env.parameter_store.iter().flatten() {
            out.set(name, &job.secret(EnvironmentKind::ParameterStore, parameter)?);
        }
        for (name, reference) in env.secrets_manager.iter().flatten() {
            out.set(name, &job.secret(EnvironmentKind::SecretsManager, reference)?);
        }
    }
    if let Some(json) = job.configuration("EnvironmentVariables") {
        for (name, value) in of_action(job, json, false)? {
            hide_access_key(job, &name, &value);
            out.set(&name, &value);
        }
    }
    for (name, value) in &job.plan.settings.env {
        hide_access_key(job, name, value);
        out.set(name, value);
    }
    Ok(out)
}

/// Access keys are masked although nobody calls them secrets.
fn hide_access_key(job: &Job, name: &str, value: &str) {
    if matches!(
        name,
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" | "AWS_SESSION_TOKEN"
    ) {
        job.run.secrets.add(value);
    }
}

/// What CodeBuild supplies, or what stands for it here.
fn supplied(job: &Job, out: &mut Environment) {
    let project = job.configuration("ProjectName").unwrap_or("local").to_owned();
    let region = job
        .action
        .region
        .as_ref()
        .map_or("us-east-1", |region| region.value.as_str());
    let arn = |service: &str, resource: &str| format!("arn:aws:{service}:{region}:000000000000:{resource}");
    let id = format!("{project}:{}", uuid::Uuid::new_v4());
    let start = jiff::Timestamp::now().as_millisecond().to_string();
    let values = [
        ("AWS_REGION", region.to_owned()),
        ("AWS_DEFAULT_REGION", region.to_owned()),
        ("CODEBUILD_BUILD_ARN", arn("codebuild", &format!("build/{id}"))),
        ("CODEBUILD_BUILD_ID", id.clone()),
        ("CODEBUILD_BUILD_IMAGE", "local".to_owned()),
        ("CODEBUILD_BUILD_NUMBER", job.name.attempt.to_string()),
        ("CODEBUILD_BUILD_SUCCEEDING", "1".to_owned()),
        ("CODEBUILD_BUILD_URL", format!("file://{}", job.run.run_dir.display())),
        ("CODEBUILD_INITIATOR", format!("codepipeline/{}", job.run.pipeline.name)),
        ("CODEBUILD_KMS_KEY_ID", arn("kms", "alias/aws/s3")),
        ("CODEBUILD_LOG_PATH", id),
        ("CODEBUILD_PROJECT_ARN", arn("codebuild", &format!("project/{project}"))),
        ("CODEBUILD_SOURCE_REPO_URL", String::new()),
        ("CODEBUILD_START_TIME", start),
    ];
    for (name, value) in values {
        out.set(name, &value);
    }
    out.set_path("CODEBUILD_SRC_DIR", &job.dir);
}

/// The folders of the inputs, and their versions: as CodePipeline starts builds, the object that the artifact is for the
/// primary source, nothing for the others; and a revision for what a source gave.
fn sources(job: &Job, folders: &[(String, PathBuf)], out: &mut Environment) {
    let sources = job.run.pipeline.stages.iter().flat_map(|stage| &stage.actions);
    let sources: Vec<_> = sources.filter(|action| action.type_id.is_source()).collect();
    let is_of_a_source = |name: &str| {
        let mut outputs = sources.iter().flat_map(|action| &action.outputs);
        outputs.any(|output| output.name.value == name)
    };
    for (name, folder) in folders {
        if *folder == job.dir {
            let digest = job.inputs.iter().find(|(input, _)| input == name);
            let digest = digest.map_or("", |(_, artifact)| artifact.digest.as_str());
            out.set("CODEBUILD_SOURCE_VERSION", &format!("arn:aws:s3:::local/{digest}"));
            if is_of_a_source(name) {
                // Without a history its content stands for the revision: what lies in a checkout need not be of any commit.
                let by_content = || digest.get(..40).unwrap_or_default().to_owned();
                let revision = commit_of_clone(&job.dir).unwrap_or_else(by_content);
                out.set("CODEBUILD_RESOLVED_SOURCE_VERSION", &revision);
            }
        } else {
            let name = variable(name);
            out.set_path(&format!("CODEBUILD_SRC_DIR_{name}"), folder);
            out.set(&format!("CODEBUILD_SOURCE_VERSION_{name}"), "");
            out.set(&format!("CODEBUILD_SOURCE_REPO_URL_{name}"), "");
        }
    }
}

/// The commit of a source that came with its history.
fn commit_of_clone(folder: &Path) -> Option<String> {
    let has_history = folder.join(".git").is_dir();
    let commit = has_history.then(|| blocking(|| git_source::ask(folder, &["rev-parse", "HEAD"])));
    Some(commit??.trim().to_owned())
}

/// The variables that are exported at the end, and what is to be said of those that are not: what has its value from a secret
/// of the project (here: of the action) stays where it is.
pub fn exported<'a>(job: &Job, spec: &'a Spec) -> (Vec<&'a str>, Vec<String>) {
    let json = job.configuration("EnvironmentVariables").unwrap_or("[]");
    let secrets = variables_of(json).unwrap_or_default();
    let is_secret = |name: &str| {
        secrets
            .iter()
            .any(|variable| variable.name == name && variable.is_secret())
    };
    let (kept, held): (Vec<&str>, Vec<&str>) = spec
        .exported()
        .filter(|name| !name.starts_with("AWS_"))
        .partition(|name| !is_secret(name));
    let notes = held.into_iter().map(|name| {
        format!("`{name}` is not exported: the action gives it the value of a secret, which CodeBuild does not let out")
    });
    (kept, notes.collect())
}
