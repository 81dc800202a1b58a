//! What the service hands to what it invokes: on standard input of the command that stands in for it.

use serde_json::{Value, json};

use super::Job;
use crate::run::outcome::Failure;

/// Stands for an account, which a run here has not.
const ACCOUNT: &str = "000000000000";

/// The text for an action that invokes something; none for any other.
pub(super) fn input(job: &Job) -> Result<Option<String>, Failure> {
    match (
        job.action.type_id.category.as_str(),
        job.action.type_id.provider.as_str(),
    ) {
        ("Invoke", "Lambda") => Ok(Some(lambda(job).to_string())),
        ("Invoke", "StepFunctions") => state_machine(job).map(Some),
        _ => Ok(None),
    }
}

/// The event of a Lambda function: the job.
fn lambda(job: &Job) -> Value {
    let outputs = job.action.outputs.iter().map(|output| output.name.value.as_str());
    let inputs: Vec<Value> = job
        .inputs
        .iter()
        .map(|(name, artifact)| location(job, name, &artifact.digest))
        .collect();
    json!({ "CodePipeline.job": {
        "id": uuid::Uuid::new_v4().to_string(),
        "accountId": ACCOUNT,
        "data": {
            "actionConfiguration": { "configuration": job.resolved.configuration },
            "inputArtifacts": inputs,
            "outputArtifacts": outputs.map(|name| location(job, name, "new")).collect::<Vec<_>>(),
            // There is nothing that they would open: artifacts are folders here, which the environment names.
            "artifactCredentials": { "accessKeyId": "", "secretAccessKey": "", "sessionToken": "" },
        },
    }})
}

fn location(job: &Job, name: &str, object: &str) -> Value {
    let key = format!("{}/{name}/{object}", job.run.pipeline.name.value);
    json!({
        "name": name,
        "revision": null,
        "location": { "type": "S3", "s3Location": { "bucketName": "local", "objectKey": key } },
    })
}

/// The input of a state machine: the text itself, or a file of the input artifact; it has to be JSON.
fn state_machine(job: &Job) -> Result<String, Failure> {
    let given = job.configuration("Input");
    let text = match (job.configuration("InputType"), given) {
        (Some("FilePath"), Some(path)) => read(job, path)?,
        (_, given) => given.unwrap_or("{}").to_owned(),
    };
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        return Err(Failure::new(format!("`Input` is not JSON: {error}")));
    }
    Ok(text)
}

fn read(job: &Job, path: &str) -> Result<String, Failure> {
    let path = path.split_once("::").map_or(path, |(_, path)| path);
    let Some((name, artifact)) = job.inputs.first() else {
        return Err(Failure::new(format!(
            "there is no input artifact that could hold `{path}`"
        )));
    };
    let bytes = job.run.store.read(artifact, path)?;
    let bytes = bytes.ok_or_else(|| {
        Failure::new(format!("the artifact `{name}` has no file `{path}`"))
            .with_help("let the action that makes the artifact put it in, or correct `Input`")
    })?;
    String::from_utf8(bytes).map_err(|_| Failure::new(format!("`{path}` in `{name}` is not UTF-8")))
}
