//! What a run's folder holds besides its journal, so that another process can go on with it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::drivers::pipeline::{Neighbours, starts_another};
use super::files::unwritten;
use super::part;
use super::settings::Settings;
use super::slots::remove_all;
use super::{Drivers, RunOptions};
use crate::ir::{Action, Pipeline, TypeId};

/// The definition, as it is carried out.
pub const PIPELINE: &str = "pipeline.json";
/// The [`Setup`].
const SETUP: &str = "setup.json";
/// The [`Boot`].
const BOOT: &str = "boot";

/// What a run was started with, besides what its journal says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Setup {
    /// The `.pipe` file as it was given.
    pub file: Option<String>,
    /// Absolute.
    pub project_dir: PathBuf,
    /// `--source`, by action; paths are absolute.
    pub sources: Vec<(String, String)>,
    /// `--revision`, by action.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<(String, String)>,
    /// The pipelines that this one may invoke.
    #[serde(default)]
    pub neighbours: Neighbours,
    /// The drivers that the providers name, by type.
    pub drivers: BTreeMap<String, String>,
    /// The secrets that the definition gives values, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_secrets: Option<LocalSecrets>,
}

/// Which secrets had their values from `local { secrets = … }`, and how to come by them again: the values themselves are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalSecrets {
    /// How this program is told to compile the file: with absolute paths, and without what holds a secret.
    pub arguments: Vec<OsString>,
    /// By `Stage/action`.
    names: BTreeMap<String, BTreeSet<String>>,
}

impl LocalSecrets {
    fn new(pipeline: &Pipeline, arguments: &[OsString]) -> Option<Self> {
        let mut values = BTreeSet::new();
        let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (place, secrets) in given(pipeline) {
            names.insert(place, secrets.keys().cloned().collect());
            values.extend(secrets.into_values());
        }
        (!names.is_empty()).then(|| Self {
            arguments: without(arguments, &values),
            names,
        })
    }

    pub fn names(&self) -> BTreeSet<String> {
        self.names.values().flatten().cloned().collect()
    }

    /// The values that the same actions of a definition give the same secrets.
    pub fn values_in(&self, pipeline: &Pipeline) -> BTreeMap<String, String> {
        let mut out = BTreeMap::new();
        for (place, secrets) in given(pipeline) {
            let Some(names) = self.names.get(&place) else { continue };
            out.extend(secrets.into_iter().filter(|(name, _)| names.contains(name)));
        }
        out
    }
}

/// The secrets that actions give values, by `Stage/action`.
fn given(pipeline: &Pipeline) -> impl Iterator<Item = (String, BTreeMap<String, String>)> {
    let actions = pipeline
        .stages
        .iter()
        .flat_map(|stage| stage.actions.iter().map(move |action| (stage, action)));
    actions.filter_map(|(stage, action)| {
        let secrets = Settings::read(&action.local).ok()?.secrets;
        (!secrets.is_empty()).then(|| (part::place(stage, action), secrets))
    })
}

/// The arguments without the definitions of parameters whose values hold a secret.
fn without(arguments: &[OsString], secrets: &BTreeSet<String>) -> Vec<OsString> {
    let holds_one = |text: &OsString| {
        let text = text.to_string_lossy();
        secrets
            .iter()
            .any(|secret| !secret.is_empty() && text.contains(secret.as_str()))
    };
    let mut out = Vec::new();
    for argument in arguments {
        if !holds_one(argument) {
            out.push(argument.clone());
        } else if out.last().is_some_and(|option| option == "-D") {
            out.pop();
        }
    }
    out
}

impl Setup {
    pub fn new(pipeline: &Pipeline, drivers: &dyn Drivers, options: &RunOptions) -> Self {
        let actions = pipeline.stages.iter().flat_map(|stage| &stage.actions);
        let actions = actions.map(|action| &action.type_id);
        let rules = pipeline.stages.iter().flat_map(|stage| stage.rules());
        let types = actions.chain(rules.map(|rule| &rule.type_id));
        let invokes = starts_another(pipeline, drivers);
        let drivers: BTreeMap<String, String> = types
            .filter_map(|type_id| Some((type_id.to_string(), drivers.driver(type_id)?)))
            .collect();
        Self {
            file: options.file.clone(),
            project_dir: options.project_dir.clone(),
            sources: options.sources.clone(),
            revisions: options.revisions.clone(),
            neighbours: if invokes {
                kept(pipeline, &options.neighbours)
            } else {
                Neighbours::default()
            },
            drivers,
            local_secrets: LocalSecrets::new(pipeline, &options.neighbours.arguments),
        }
    }

    pub fn read(run_dir: &Path) -> io::Result<Self> {
        read_json(&run_dir.join(SETUP))
    }
}

impl Drivers for Setup {
    fn driver(&self, type_id: &TypeId) -> Option<String> {
        self.drivers.get(&type_id.to_string()).cloned()
    }
}

/// The definition that a run carries out.
pub fn read_pipeline(run_dir: &Path) -> io::Result<Pipeline> {
    read_json(&run_dir.join(PIPELINE))
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> io::Result<T> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let bytes = fs::read(path).map_err(named)?;
    serde_json::from_slice(&bytes).map_err(|error| named(error.into()))
}

/// A definition in the form in which it is kept, with the digest that tells it from others.
pub struct Pinned {
    json: Vec<u8>,
    pub digest: String,
}

impl Pinned {
    pub fn new(pipeline: &Pipeline) -> io::Result<Self> {
        let mut json = serde_json::to_vec(&without_secrets(pipeline))?;
        json.shrink_to_fit();
        let digest = blake3::hash(&json).to_hex().to_string();
        Ok(Self { json, digest })
    }

    /// Makes the folder of a new run.
    pub fn save(&self, run_dir: &Path, setup: &Setup) -> io::Result<()> {
        let setup = serde_json::to_vec(setup)?;
        let made = fs::create_dir_all(run_dir).map_err(|error| unwritten(run_dir, error));
        let saved = made
            .and_then(|()| save(&run_dir.join(PIPELINE), &self.json))
            .and_then(|()| save(&run_dir.join(SETUP), &setup))
            .and_then(|()| Boot::now().map_or(Ok(()), |boot| boot.save(run_dir)));
        // A folder without a journal is no run.
        saved.inspect_err(|_| remove_all(run_dir))
    }
}

/// Without these there is no going on with a run: they are on the disk before its journal is.
fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = File::create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_data()
    });
    written.map_err(|error| unwritten(path, error))
}

/// Tells whether the machine was started anew: what was stored before that, and not flushed to the disk, may be gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Boot(String);

impl Boot {
    /// None: the system does not tell.
    pub(super) fn now() -> Option<Self> {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(Self(id.trim().to_owned()))
    }

    /// Whether all that a run knows of was stored, or found to be whole, since the machine was started.
    pub(super) fn is_that_of(&self, run_dir: &Path) -> bool {
        fs::read_to_string(run_dir.join(BOOT)).is_ok_and(|id| id == self.0)
    }

    /// Says so of a run.
    pub(super) fn save(&self, run_dir: &Path) -> io::Result<()> {
        let path = run_dir.join(BOOT);
        fs::write(&path, &self.0).map_err(|error| unwritten(&path, error))
    }
}

fn kept(pipeline: &Pipeline, neighbours: &Neighbours) -> Neighbours {
    let pipelines = neighbours.pipelines.iter();
    let secrets = pipelines.clone().chain([pipeline]).flat_map(given);
    let secrets = secrets.flat_map(|(_, secrets)| secrets.into_values()).collect();
    Neighbours {
        pipelines: pipelines
            .map(|pipeline| without_secrets(pipeline).into_owned())
            .collect(),
        arguments: without(&neighbours.arguments, &secrets),
    }
}

/// The pipeline as it may be kept: the values that `local { secrets = … }` gives stay in the user's own file.
fn without_secrets(pipeline: &Pipeline) -> Cow<'_, Pipeline> {
    let has_some = |action: &Action| action.local.settings.contains_key("secrets");
    let mut pipeline = Cow::Borrowed(pipeline);
    if pipeline.stages.iter().flat_map(|stage| &stage.actions).any(has_some) {
        let stages = &mut pipeline.to_mut().stages;
        for action in stages.iter_mut().flat_map(|stage| &mut stage.actions) {
            action.local.settings.remove("secrets");
        }
    }
    pipeline
}
