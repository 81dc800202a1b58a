//! `file_source`: S3 and ECR sources, from a file or folder on this machine (`local { path = … }`, or `--source`).
//!
//! A `.zip` is unpacked, as CodePipeline does. An ECR source gives `imageDetail.json`, made up from its configuration where no file is named.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Done, Job, blocking, git_source};
use crate::ir::Action;
use crate::run::RunOptions;
use crate::run::archive::{self, Limits};
use crate::run::outcome::Failure;
use crate::run::paths::tidy;
use crate::run::planned::ActionPlan;
use crate::run::store::Artifact;

/// The output variables that a source of this type gives.
pub fn variables_of(action: &Action) -> &'static [&'static str] {
    match action.type_id.provider.as_str() {
        "ECR" => &["ImageDigest", "ImageTag", "ImageURI", "RegistryId", "RepositoryName"],
        _ => &["BucketName", "ETag", "ObjectKey", "VersionId"],
    }
}

/// The file or folder that stands for the source.
pub fn path(plan: &ActionPlan, options: &RunOptions) -> Option<PathBuf> {
    match (&plan.source, &plan.settings.path) {
        (Some(source), _) => Some(options.given_path(source)),
        (None, Some(path)) => Some(tidy(options.project_dir.join(path))),
        (None, None) => None,
    }
}

pub async fn carry_out(job: &mut Job) -> Result<Done, Failure> {
    let from = path(&job.plan, &job.run.options);
    let mut done = Done::default();
    let artifact = match &from {
        Some(path) => {
            done.notes.push(format!("from {}", path.display()));
            import(job, path)?
        }
        None => {
            done.notes
                .push("no image was pulled: imageDetail.json is made up from the configuration".to_owned());
            image_detail(job)?
        }
    };
    set_variables(job, &artifact, &mut done);
    job.log.say(&done.notes.join("; "));
    for output in &job.action.outputs {
        done.artifacts.insert(output.name.value.clone(), artifact.clone());
    }
    Ok(done)
}

fn import(job: &Job, path: &Path) -> Result<Artifact, Failure> {
    let store = &job.run.store;
    let is_archive = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    if is_archive && !path.is_dir() {
        return blocking(|| archive::import(store, path, &Limits::default()));
    }
    let artifact = blocking(|| {
        if path.is_dir() {
            let files = git_source::walk(path, &job.run.state_dir)?;
            return store.import_source(path, files.into_iter());
        }
        let name = path.file_name().map(PathBuf::from).unwrap_or_default();
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::metadata(path)?;
        store.import_files(folder, std::iter::once((name.clone(), name)))
    });
    artifact.map_err(|error| Failure::new(format!("{} could not be taken in: {error}", path.display())))
}

/// What the ECR source action gives.
fn image_detail(job: &Job) -> Result<Artifact, Failure> {
    let (repository, tag) = image(job);
    let digest = placeholder_digest(&repository, &tag);
    let detail = json!({
        "ImageSizeInBytes": "0",
        "ImageDigest": digest,
        "Version": "1.0",
        "ImagePushedAt": "Thu Jan 01 00:00:00 UTC 1970",
        "RegistryId": "000000000000",
        "RepositoryName": repository,
        "ImageURI": format!("{}/{repository}@{digest}", registry()),
        "ImageTags": [tag],
    });
    let text = serde_json::to_vec_pretty(&detail).map_err(|error| Failure::new(error.to_string()))?;
    Ok(job.run.store.import_texts(&[("imageDetail.json", &text)])?)
}

fn image(job: &Job) -> (String, String) {
    let repository = job.configuration("RepositoryName").unwrap_or("image").to_owned();
    let tag = job.configuration("ImageTag").unwrap_or("latest").to_owned();
    (repository, tag)
}

fn registry() -> &'static str {
    "000000000000.dkr.ecr.local.amazonaws.com"
}

fn placeholder_digest(repository: &str, tag: &str) -> String {
    format!(
        "sha256:{}",
        blake3::hash(format!("{repository}:{tag}").as_bytes()).to_hex()
    )
}

fn set_variables(job: &Job, artifact: &Artifact, done: &mut Done) {
    let mut set = |name: &str, value: &str| done.variables.insert(name.to_owned(), value.to_owned());
    if job.action.type_id.provider == "ECR" {
        let (repository, tag) = image(job);
        let digest = placeholder_digest(&repository, &tag);
        set("ImageDigest", &digest);
        set("ImageTag", &tag);
        set("ImageURI", &format!("{}/{repository}@{digest}", registry()));
        set("RegistryId", "000000000000");
        set("RepositoryName", &repository);
        return;
    }
    set("BucketName", job.configuration("S3Bucket").unwrap_or_default());
    set("ObjectKey", job.configuration("S3ObjectKey").unwrap_or_default());
    // By content, as the service's are.
    set("ETag", &artifact.digest[..32]);
    set("VersionId", &artifact.digest[..32]);
}
