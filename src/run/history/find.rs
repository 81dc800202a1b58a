//! Which run is meant: the state directory, and the runs in it by their ids.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::run::event::Record;
use crate::run::journal;
use crate::run::paths::tidy;
use crate::run::setup::PIPELINE;
use crate::run::units::short;

/// The state directory's name beside a `.pipe` file.
const STATE: &str = ".pipe";
/// The folder of all runs in it.
pub const RUNS: &str = "runs";

/// Why no run was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    #[error("there is no `.pipe/` in `{}` or above it", .from.display())]
    State { from: PathBuf },
    #[error("`{}` holds no runs", .state_dir.display())]
    AnyRun { state_dir: PathBuf },
    #[error("there is no run `{wanted}`")]
    Run { wanted: String },
    #[error("several runs begin with `{wanted}`: {}", listed(.ids))]
    Unique { wanted: String, ids: Vec<String> },
}

impl NotFound {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::State { .. } => {
                "go to where the pipeline is, or say where its state is: `--state-dir DIR`".to_owned()
            }
            Self::AnyRun { .. } => "start one: `pipe run FILE`".to_owned(),
            Self::Run { .. } => "`pipe runs` lists them all".to_owned(),
            Self::Unique { .. } => "give more of the id".to_owned(),
        }
    }
}

fn listed(ids: &[String]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
    ids.join(", ")
}

/// The state directory: the one that is given, else the nearest `.pipe/` from `here` upwards.
pub fn state_dir(given: Option<&Path>, here: &Path) -> Result<PathBuf, NotFound> {
    if let Some(given) = given {
        return Ok(tidy(std::path::absolute(given).unwrap_or_else(|_| given.to_owned())));
    }
    let found = here.ancestors().map(|folder| folder.join(STATE)).find(|it| it.is_dir());
    found.ok_or_else(|| NotFound::State { from: here.to_owned() })
}

/// The folders of all runs, in no order.
pub fn run_dirs(state_dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(state_dir.join(RUNS)).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).collect()
}

/// The folders of all runs, that of the newest first: by the time of the first thing that was written into each.
pub fn by_age(state_dir: &Path) -> Vec<PathBuf> {
    let written = |dir: &Path| fs::metadata(dir.join(PIPELINE)).and_then(|file| file.modified());
    let dirs = run_dirs(state_dir).into_iter();
    let mut dirs: Vec<_> = dirs.filter_map(|dir| Some((written(&dir).ok()?, dir))).collect();
    dirs.sort();
    dirs.into_iter().rev().map(|(_, dir)| dir).collect()
}

/// The id of the run that a folder holds.
pub fn id_of(run_dir: &Path) -> &str {
    run_dir.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// The folder of the run that is meant: by its id, a unique start of it, or the newest one.
pub fn run(state_dir: &Path, wanted: Option<&str>) -> Result<PathBuf, NotFound> {
    if let Some(wanted) = wanted {
        return named(state_dir, wanted);
    }
    let dirs = run_dirs(state_dir).into_iter();
    let newest = dirs.max_by_key(|dir| (started(dir), dir.clone()));
    newest.ok_or_else(|| NotFound::AnyRun {
        state_dir: state_dir.to_owned(),
    })
}

/// The folder of the one run whose id is this, or begins so.
pub fn named(state_dir: &Path, wanted: &str) -> Result<PathBuf, NotFound> {
    let start = wanted.to_ascii_lowercase();
    let mut dirs = run_dirs(state_dir);
    dirs.retain(|dir| id_of(dir).starts_with(&start));
    dirs.sort();
    match dirs.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(NotFound::Run {
            wanted: wanted.to_owned(),
        }),
        [first, ..] if id_of(first) == start => Ok(first.clone()),
        several => Err(NotFound::Unique {
            wanted: wanted.to_owned(),
            ids: several
                .iter()
                .map(|dir| shortest(id_of(dir), &start).to_owned())
                .collect(),
        }),
    }
}

/// An id as people say it, unless the short form is the one that was not enough.
fn shortest<'a>(id: &'a str, wanted: &str) -> &'a str {
    if wanted.len() < short(id).len() { short(id) } else { id }
}

/// Whether a word on the command line means a run: ids consist of hexadecimal digits.
pub fn is_id(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// When a run was started; none if its journal does not begin as it should.
pub fn started(run_dir: &Path) -> Option<Timestamp> {
    let file = fs::File::open(run_dir.join(journal::FILE_NAME)).ok()?;
    let mut line = String::new();
    BufReader::new(file).read_line(&mut line).ok()?;
    Some(serde_json::from_str::<Record>(&line).ok()?.time)
}
