//! `file_source`: S3 and ECR sources, from a file or folder on this machine (`local { path = … }`, or `--source`).
//!
//! A `.zip` is unpacked, as CodePipeline does. An ECR source gives `imageDetail.json`, made up from its configuration where no file is named.
//! `--revision` sets what an object or image is called; its content is what lies here.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Done, Job, blocking, git_source};
use crate::ir::Action;
use crate::run::RunOptions;
use crate::run::archive::{self, Limits};
use crate::run::outcome::Failure;
use crate::run::paths::tidy;
use crate::run::planned::ActionPlan;
use crate::run::revision::RevisionType;
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

pub fn carry_out(job: &mut Job) -> Result<Done, Failure> {
    let from = path(&job.plan, &job.run.options);
    let mut done = Done::default();
    if let Some(path) = &from {
        done.notes.push(format!("from {}", path.display()));
    }
    let artifact = if job.action.type_id.provider == "ECR" {
        image(job, from.as_deref(), &mut done)?
    } else {
        object(job, from.as_deref(), &mut done)?
    };
    for note in &done.notes {
        job.log.say(note);
    }
    for output in &job.action.outputs {
        done.artifacts.insert(output.name.value.clone(), artifact.clone());
    }
    Ok(done)
}

fn object(job: &mut Job, from: Option<&Path>, done: &mut Done) -> Result<Artifact, Failure> {
    let Some(from) = from else {
        return Err(Failure::new("nobody says which files stand for this source here"));
    };
    let artifact = import(job, from)?;
    let given = |kind, key| {
        job.plan
            .revision(kind)
            .or_else(|| job.configuration(key))
            .unwrap_or_default()
    };
    // By content, as the service's are.
    let content = &artifact.digest[..32];
    let version = job.plan.revision(RevisionType::S3ObjectVersionId).unwrap_or(content);
    done.variables = [
        ("BucketName", job.configuration("S3Bucket").unwrap_or_default()),
        ("ObjectKey", given(RevisionType::S3ObjectKey, "S3ObjectKey")),
        ("ETag", content),
        ("VersionId", version),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for revision in &job.plan.revisions {
        let note = format!(
            "{} `{}` is taken to be what lies here",
            revision.kind.name(),
            revision.value
        );
        done.notes.push(note);
    }
    Ok(artifact)
}

fn import(job: &mut Job, path: &Path) -> Result<Artifact, Failure> {
    let is_archive = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    if is_archive && !path.is_dir() {
        return blocking(|| archive::import(&job.run.store, path, &Limits::default()));
    }
    let untaken = |error| git_source::untaken(path, &error);
    if path.is_dir() {
        let files = blocking(|| git_source::walk_with_empty(path, &job.run.state_dir)).map_err(untaken)?;
        git_source::announce(job, path, &files);
        return blocking(|| job.run.store.import_source(path, files.into_iter())).map_err(untaken);
    }
    let artifact = blocking(|| {
        let name = path.file_name().map(PathBuf::from).unwrap_or_default();
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::metadata(path)?;
        job.run
            .store
            .import_files(folder, std::iter::once((name.clone(), name)))
    });
    artifact.map_err(untaken)
}

/// The document that the ECR source gives, as AWS writes it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageDetail {
    #[serde(default)]
    image_size_in_bytes: String,
    image_digest: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    image_pushed_at: String,
    registry_id: String,
    repository_name: String,
    #[serde(rename = "ImageURI")]
    image_uri: String,
    #[serde(default)]
    image_tags: Vec<String>,
}

fn image(job: &Job, from: Option<&Path>, done: &mut Done) -> Result<Artifact, Failure> {
    let wanted = job.plan.revision(RevisionType::ImageDigest);
    let (detail, text) = match from {
        Some(path) => read_detail(path)?,
        None => {
            let note = "no image was pulled: imageDetail.json is made up from the configuration";
            done.notes.push(note.to_owned());
            let detail = made_up(job, wanted);
            let text = serde_json::to_vec_pretty(&detail).map_err(|error| Failure::new(error.to_string()))?;
            (detail, text)
        }
    };
    if let Some(wanted) = wanted.filter(|wanted| *wanted != detail.image_digest) {
        let message = format!("the image that lies here is `{}`, not `{wanted}`", detail.image_digest);
        return Err(Failure::new(message).with_help("leave out the revision, or name the image's own"));
    }
    let artifact = job.run.store.import_texts(&[("imageDetail.json", &text)])?;
    let mut set = |name: &str, value: &str| done.variables.insert(name.to_owned(), value.to_owned());
    set("ImageDigest", &detail.image_digest);
    set("ImageURI", &detail.image_uri);
    set("RegistryId", &detail.registry_id);
    set("RepositoryName", &detail.repository_name);
    // As in the service, whoever asks for a digest asks for no tag.
    if wanted.is_none() {
        set("ImageTag", tag(job));
    }
    Ok(artifact)
}

/// A file, whatever it is called; or `imageDetail.json` in a folder.
fn read_detail(path: &Path) -> Result<(ImageDetail, Vec<u8>), Failure> {
    let path = if path.is_dir() {
        path.join("imageDetail.json")
    } else {
        path.to_owned()
    };
    let failed = |problem: String| {
        Failure::new(format!("{}: {problem}", path.display()))
            .with_help("let it say what ECR's source says: `ImageDigest`, `RegistryId`, `RepositoryName`, `ImageURI`")
    };
    let text = std::fs::read(&path).map_err(|error| failed(error.to_string()))?;
    let detail = serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))?;
    Ok((detail, text))
}

fn tag(job: &Job) -> &str {
    job.configuration("ImageTag").unwrap_or("latest")
}

fn made_up(job: &Job, digest: Option<&str>) -> ImageDetail {
    const REGISTRY: &str = "000000000000";
    let repository = job.configuration("RepositoryName").unwrap_or("image");
    let region = job
        .action
        .region
        .as_ref()
        .map_or("us-east-1", |region| region.value.as_str());
    let named = blake3::hash(format!("{repository}:{}", tag(job)).as_bytes());
    let digest = digest.map_or_else(|| format!("sha256:{}", named.to_hex()), str::to_owned);
    ImageDetail {
        image_size_in_bytes: "0".to_owned(),
        image_uri: format!("{REGISTRY}.dkr.ecr.{region}.amazonaws.com/{repository}@{digest}"),
        image_digest: digest,
        version: "1.0".to_owned(),
        image_pushed_at: "Thu Jan 01 00:00:00 UTC 1970".to_owned(),
        registry_id: REGISTRY.to_owned(),
        repository_name: repository.to_owned(),
        image_tags: vec![tag(job).to_owned()],
    }
}
