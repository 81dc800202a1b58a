//! What a run's folder holds besides its journal, so that another process can go on with it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Drivers, RunOptions};
use crate::ir::{Action, Pipeline, TypeId};

/// The definition, as it is carried out.
pub const PIPELINE: &str = "pipeline.json";
/// The [`Setup`].
const SETUP: &str = "setup.json";

/// What a run was started with, besides what its journal says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// The `.pipe` file as it was given.
    pub file: Option<String>,
    /// Absolute.
    pub project_dir: PathBuf,
    /// `--source`, by action; paths are absolute.
    pub sources: Vec<(String, String)>,
    /// The drivers that the providers name, by type.
    pub drivers: BTreeMap<String, String>,
}

impl Setup {
    pub fn new(pipeline: &Pipeline, drivers: &dyn Drivers, options: &RunOptions) -> Self {
        let actions = pipeline.stages.iter().flat_map(|stage| &stage.actions);
        let actions = actions.map(|action| &action.type_id);
        let rules = pipeline.stages.iter().flat_map(|stage| stage.rules());
        let types = actions.chain(rules.map(|rule| &rule.type_id));
        Self {
            file: options.file.clone(),
            project_dir: options.project_dir.clone(),
            sources: options.sources.clone(),
            drivers: types
                .filter_map(|type_id| Some((type_id.to_string(), drivers.driver(type_id)?)))
                .collect(),
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
        let json = serde_json::to_vec(&without_secrets(pipeline))?;
        let digest = blake3::hash(&json).to_hex().to_string();
        Ok(Self { json, digest })
    }

    /// Makes the folder of a new run.
    pub fn save(&self, run_dir: &Path, setup: &Setup) -> io::Result<()> {
        fs::create_dir_all(run_dir)?;
        fs::write(run_dir.join(PIPELINE), &self.json)?;
        fs::write(run_dir.join(SETUP), serde_json::to_vec(setup)?)
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
