//! Which files an action takes from its inputs, and what they are.

use super::super::Job;

/// A file in an input artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedFile {
    pub(super) artifact: String,
    pub(super) path: String,
    pub(super) kind: Kind,
    /// The key of the configuration that names it, with its value; none if it is taken by convention.
    pub(super) key: Option<(String, String)>,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something that parses, where its name says that it is JSON or YAML.
    Data,
    /// An object in JSON or YAML.
    Object,
    Template,
    /// Of a template: parameters, tags, a policy.
    Configuration,
    ImageDefinitions,
    ImageDetail,
    TaskDefinition,
    AppSpec,
}

impl Kind {
    /// How large it may be.
    pub(super) fn most_bytes(self) -> Option<usize> {
        match self {
            Self::Template => Some(1 << 20),
            Self::ImageDefinitions => Some(100 << 10),
            Self::Data
            | Self::Object
            | Self::Configuration
            | Self::ImageDetail
            | Self::TaskDefinition
            | Self::AppSpec => None,
        }
    }
}

/// All files that the action's configuration names, or that it takes by convention.
pub(super) fn files(job: &Job) -> Vec<NamedFile> {
    let mut out = with_artifact(job);
    match job.action.type_id.provider.as_str() {
        "ECS" => out.extend(in_first(
            job,
            "FileName",
            Some("imagedefinitions.json"),
            Kind::ImageDefinitions,
        )),
        "CodeDeploy" => out.extend(in_first(job, "", Some("appspec.yml"), Kind::AppSpec)),
        "CodeDeployToECS" => out.extend(blue_green(job)),
        "AppConfig" => out.extend(in_first(job, "InputArtifactConfigurationPath", None, Kind::Data)),
        "ServiceCatalog" => {
            out.extend(in_first(job, "TemplateFilePath", None, Kind::Template));
            out.extend(in_first(job, "ConfigurationFilePath", None, Kind::Object));
        }
        _ => {}
    }
    out
}

/// What is written `Artifact::path`.
fn with_artifact(job: &Job) -> Vec<NamedFile> {
    let named = job.resolved.configuration.iter().filter_map(|(key, value)| {
        let (artifact, path) = value.split_once("::")?;
        job.inputs.iter().any(|(name, _)| name == artifact).then(|| NamedFile {
            artifact: artifact.to_owned(),
            path: path.to_owned(),
            kind: match key.as_str() {
                "TemplatePath" => Kind::Template,
                "TemplateConfiguration" => Kind::Configuration,
                _ => Kind::Data,
            },
            key: Some((key.clone(), value.clone())),
        })
    });
    named.collect()
}

/// A path that a key gives, or a convention, in the first input.
fn in_first(job: &Job, key: &str, convention: Option<&str>, kind: Kind) -> Option<NamedFile> {
    let given = job.configuration(key).filter(|path| !path.contains("::"));
    let (artifact, _) = job.inputs.first()?;
    Some(NamedFile {
        artifact: artifact.clone(),
        path: given.or(convention)?.trim_start_matches("./").to_owned(),
        kind,
        key: given.map(|path| (key.to_owned(), path.to_owned())),
    })
}

/// The files of a blue/green deployment, each in an artifact of its own.
fn blue_green(job: &Job) -> Vec<NamedFile> {
    let file = |artifact_key: &str, path: &str, kind| {
        Some(NamedFile {
            artifact: job.configuration(artifact_key)?.to_owned(),
            path: path.to_owned(),
            kind,
            key: None,
        })
    };
    let task = job
        .configuration("TaskDefinitionTemplatePath")
        .unwrap_or("taskdef.json");
    let spec = job.configuration("AppSpecTemplatePath").unwrap_or("appspec.yaml");
    let images = (1..=4).filter_map(|number| {
        let key = format!("Image{number}ArtifactName");
        file(&key, "imageDetail.json", Kind::ImageDetail)
    });
    let templates = [
        file("TaskDefinitionTemplateArtifact", task, Kind::TaskDefinition),
        file("AppSpecTemplateArtifact", spec, Kind::AppSpec),
    ];
    templates.into_iter().flatten().chain(images).collect()
}

/// What stands for images in a task definition.
pub(super) fn placeholders(job: &Job) -> Vec<String> {
    let names = (1..=4).filter_map(|number| job.configuration(&format!("Image{number}ContainerName")));
    names.map(str::to_owned).collect()
}

/// Whether a file's name says that it is JSON or YAML.
pub(super) fn is_document(path: &str) -> bool {
    let extension = path
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase());
    matches!(extension.as_deref(), Some("json" | "yml" | "yaml" | "template"))
}
