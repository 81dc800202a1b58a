//! Which run a command is about, and which action of it.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::args::{ActionChoice, RunChoice, StateArgs};
use super::error::Error;
use crate::diagnostic::suggest::nearest;
use crate::run::history::{self, NotFound, StoredRun, find};
use crate::run::part::stage_index;
use crate::run::record::RunRecord;
use crate::run::setup::read_pipeline;

/// The state directory.
pub(super) fn state_dir(args: &StateArgs) -> Result<PathBuf, Error> {
    let here = env::current_dir().unwrap_or_default();
    let state = find::state_dir(args.state_dir.as_deref(), &here)?;
    // What is not there yet holds no runs; what cannot be read may.
    for path in [state.clone(), state.join(find::RUNS)] {
        match fs::read_dir(&path) {
            Err(why) if why.kind() != ErrorKind::NotFound => return Err(Error::State { path, why }),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(state)
}

/// The folder of the run that is meant.
pub(super) fn run_dir(args: &RunChoice) -> Result<PathBuf, Error> {
    Ok(find::run(&state_dir(&args.state)?, args.run.as_deref())?)
}

/// The run that is meant, and the word for an action of it: a single word that is no run's id is one.
pub(super) fn with_word(args: &ActionChoice) -> Result<(PathBuf, Option<String>), Error> {
    let has = |run: &RunRecord, word: &str| !matches!(action(run, word), Err(Error::NoAction { .. }));
    run_and_word(args.run.as_deref(), args.action.as_deref(), &args.state, has)
}

/// As [`with_word`], from the two words, for whatever a run has by that name.
pub(super) fn run_and_word(
    run: Option<&str>,
    word: Option<&str>,
    state: &StateArgs,
    has: impl Fn(&RunRecord, &str) -> bool,
) -> Result<(PathBuf, Option<String>), Error> {
    let state = state_dir(state)?;
    let (run, word) = match (run, word) {
        (Some(only), None) if !find::is_id(only) => (None, Some(only)),
        both => both,
    };
    match find::run(&state, run) {
        // Some words consist of hexadecimal digits: `add`, `bad`, `feed`.
        Err(unknown @ NotFound::Run { .. }) if word.is_none() => {
            let newest = find::run(&state, None)?;
            match run {
                Some(only) if history::read(&newest).is_ok_and(|run| has(&run.record, only)) => {
                    Ok((newest, Some(only.to_owned())))
                }
                _ => Err(unknown.into()),
            }
        }
        found => Ok((found?, word.map(str::to_owned))),
    }
}

/// The name of the stage of a run that a word means.
pub(super) fn stage(run_dir: &Path, word: &str) -> Result<String, Error> {
    // A folder that cannot be read is told of by whoever takes the run up.
    let Ok(pipeline) = read_pipeline(run_dir) else {
        return Ok(word.to_owned());
    };
    match stage_index(&pipeline, word) {
        Some(index) => Ok(pipeline.stages[index].name.value.clone()),
        None => {
            let names = pipeline.stages.iter().map(|stage| stage.name.value.as_str());
            Err(Error::NoStage {
                name: word.to_owned(),
                near: nearest(word, names.clone()).map(str::to_owned),
                all: names.map(str::to_owned).collect(),
            })
        }
    }
}

/// What is known of a run.
pub(super) fn read(run_dir: &Path) -> Result<StoredRun, Error> {
    history::read(run_dir).map_err(|why| Error::Record {
        run: find::id_of(run_dir).to_owned(),
        why,
    })
}

/// The one action that a word means, `Build/test`.
pub(super) fn action(run: &RunRecord, word: &str) -> Result<String, Error> {
    let all: Vec<(String, &str)> = run
        .actions()
        .map(|action| (action.place(), action.name.as_str()))
        .collect();
    let bare = word.split('#').next().unwrap_or(word);
    let mut found = all.iter().filter(|(place, name)| place == bare || *name == bare);
    match (found.next(), found.next()) {
        (Some((place, _)), None) => Ok(place.clone()),
        (None, _) => {
            let names = all.iter().flat_map(|(place, name)| [place.as_str(), name]);
            Err(Error::NoAction {
                name: word.to_owned(),
                near: nearest(bare, names).map(str::to_owned),
                all: all.iter().map(|(place, _)| place.clone()).collect(),
            })
        }
        (Some(_), Some(_)) => {
            let meant = all.iter().filter(|(_, name)| *name == bare);
            Err(Error::SeveralActions {
                name: word.to_owned(),
                all: meant.map(|(place, _)| place.clone()).collect(),
            })
        }
    }
}
