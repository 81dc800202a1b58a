//! Which run a command is about, and which action of it.

use std::env;
use std::path::PathBuf;

use super::args::{ActionChoice, RunChoice, StateArgs};
use super::error::Error;
use crate::diagnostic::suggest::nearest;
use crate::run::history::{self, StoredRun, find};
use crate::run::record::RunRecord;

/// The state directory.
pub(super) fn state_dir(args: &StateArgs) -> Result<PathBuf, Error> {
    let here = env::current_dir().unwrap_or_default();
    Ok(find::state_dir(args.state_dir.as_deref(), &here)?)
}

/// The folder of the run that is meant.
pub(super) fn run_dir(args: &RunChoice) -> Result<PathBuf, Error> {
    Ok(find::run(&state_dir(&args.state)?, args.run.as_deref())?)
}

/// The run that is meant, and the word for something in it: a single word that cannot be an id is one.
pub(super) fn with_word(args: &ActionChoice) -> Result<(PathBuf, Option<String>), Error> {
    run_and_word(args.run.as_deref(), args.action.as_deref(), &args.state)
}

/// As [`with_word`], from the two words.
pub(super) fn run_and_word(
    run: Option<&str>,
    word: Option<&str>,
    state: &StateArgs,
) -> Result<(PathBuf, Option<String>), Error> {
    let (run, word) = match (run, word) {
        (Some(only), None) if !find::is_id(only) => (None, Some(only)),
        both => both,
    };
    Ok((find::run(&state_dir(state)?, run)?, word.map(str::to_owned)))
}

/// What is known of a run.
pub(super) fn read(run_dir: &std::path::Path) -> Result<StoredRun, Error> {
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
