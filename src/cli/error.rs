//! Operational errors: what could not be done, to which file, and what to do about it where that is known.

use std::io;
use std::path::PathBuf;

use crate::run::history::control::ControlError;
use crate::run::history::logs::LogError;
use crate::run::history::shell::NoShell;
use crate::run::history::{self, NotFound};
pub(super) use crate::run::words;
use crate::source::ReadError;

/// Why a subcommand could not give its answer. All of these end with status 2.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("cannot read `{}`: {}", .path.display(), reading(.why))]
    Read { path: PathBuf, why: ReadError },
    #[error("cannot read standard input: {}", reading(.0))]
    Stdin(ReadError),
    #[error("cannot look for files under `{}`: {why}", .path.display())]
    Walk { path: PathBuf, why: String },
    #[error("there is no `.pipe` file under `{}`", .path.display())]
    NoFiles { path: PathBuf },
    #[error("cannot read parameters from `{}`: {why}", .path.display())]
    Params { path: PathBuf, why: String },
    #[error("there is no pipeline in `{}`", .file.display())]
    NoPipelines { file: PathBuf },
    #[error("`{}` has several pipelines: {}", .file.display(), listed(.names))]
    SeveralPipelines { file: PathBuf, names: Vec<String> },
    #[error("there is no pipeline `{name}` in `{}`", .file.display())]
    NoSuchPipeline {
        name: String,
        near: Option<String>,
        file: PathBuf,
        names: Vec<String>,
    },
    #[error("there is no diagnostic `{name}`")]
    NoPage { name: String, near: Option<String> },
    #[error("the library has no module or provider `{name}`")]
    NoDoc { name: String, near: Option<String> },
    #[error("there is no `--keep-going`, because the service has none")]
    NoKeepGoing,
    #[error("standard input cannot be watched")]
    WatchStdin,
    #[error("`{}` exists already", .path.display())]
    Exists { path: PathBuf },
    #[error("the runs in `{}` cannot be looked for: {}", .path.display(), words(.why))]
    State { path: PathBuf, why: io::Error },
    #[error("the JUnit report `{}` cannot be written: {}", .path.display(), words(.why))]
    Junit { path: PathBuf, why: io::Error },
    #[error(transparent)]
    NotFound(#[from] NotFound),
    #[error("run `{run}` cannot be read: {why}")]
    Record { run: String, why: history::ReadError },
    #[error("the run has no action `{name}`")]
    NoAction {
        name: String,
        near: Option<String>,
        all: Vec<String>,
    },
    #[error("the run has no stage `{name}`")]
    NoStage {
        name: String,
        near: Option<String>,
        all: Vec<String>,
    },
    #[error("no action `{name}` waits for an answer")]
    NotWaiting { name: String, waiting: Vec<String> },
    #[error("several actions are called `{name}`: {}", listed(.all))]
    SeveralActions { name: String, all: Vec<String> },
    #[error("no earlier run has succeeded in stage `{stage}`")]
    NothingToGoBackTo { stage: String },
    #[error("several actions wait for an answer: {}", listed(.actions))]
    SeveralAnswers { actions: Vec<String> },
    #[error("run `{run}` could not be asked: {why}")]
    Control { run: String, why: ControlError },
    #[error("the run has no artifact `{name}`")]
    NoArtifact {
        name: String,
        near: Option<String>,
        all: Vec<String>,
    },
    #[error("the artifact `{name}` cannot be had: {}", words(.why))]
    Artifact { name: String, why: io::Error },
    #[error("{}", which_artifact(.all))]
    WhichArtifact { all: Vec<String> },
    #[error("the artifact `{name}` cannot be packed into `{}`: {}", .path.display(), words(.why))]
    Pack {
        name: String,
        path: PathBuf,
        why: io::Error,
    },
    #[error("`{}` is not empty", .path.display())]
    NotEmpty { path: PathBuf },
    #[error("cannot remove `{}`: {}", .path.display(), words(.why))]
    Remove { path: PathBuf, why: io::Error },
    #[error("the index cannot be made anew: {}", words(.0))]
    Index(io::Error),
    #[error(transparent)]
    NoShell(#[from] NoShell),
    #[error("cannot start `{}`: {}", .shell.display(), words(.why))]
    Shell { shell: PathBuf, why: io::Error },
    #[error("the logs cannot be read: {0}")]
    Logs(LogError),
    #[error("cannot write `{}`: {}", .path.display(), words(.why))]
    Write { path: PathBuf, why: io::Error },
    #[error("cannot write to standard output: {}", words(.0))]
    Output(io::Error),
}

impl Error {
    /// Whoever reads our output has gone.
    pub(super) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(why) if why.kind() == io::ErrorKind::BrokenPipe)
    }

    /// What to do about it.
    pub(super) fn help(&self) -> Option<String> {
        match self {
            Self::NoFiles { .. } => Some("write a first one with `pipe new`".to_owned()),
            Self::SeveralPipelines { .. } => Some("say which one with `--pipeline NAME`".to_owned()),
            Self::NoSuchPipeline { near: None, names, .. } if names.is_empty() => None,
            Self::NoSuchPipeline { near: None, names, .. } => Some(format!("there is {}", listed(names))),
            Self::NoSuchPipeline { near: Some(near), .. }
            | Self::NoPage { near: Some(near), .. }
            | Self::NoAction { near: Some(near), .. }
            | Self::NoStage { near: Some(near), .. }
            | Self::NoArtifact { near: Some(near), .. }
            | Self::NoDoc { near: Some(near), .. } => Some(format!("did you mean `{near}`?")),
            Self::NoPage { near: None, .. } => Some("`pipe explain` lists them all".to_owned()),
            Self::NoDoc { near: None, .. } => Some("`pipe doc` lists them all".to_owned()),
            Self::NoKeepGoing => Some(
                "when an action fails, those beside it come to their end and nothing new starts: leave it out"
                    .to_owned(),
            ),
            Self::WatchStdin => Some("name a file".to_owned()),
            Self::Exists { .. } => Some("choose an empty directory: `pipe new DIR`".to_owned()),
            Self::State { .. } => Some("say where the state is: `--state-dir DIR`".to_owned()),
            Self::Junit { .. } => Some("name a file in a folder that exists".to_owned()),
            Self::NotFound(why) => Some(why.help()),
            Self::Record { why, .. } => Some(format!("{}; or name another run: `pipe runs` lists them", why.help())),
            Self::Logs(LogError::Journal(_)) => Some("name another run: `pipe runs` lists them".to_owned()),
            Self::NotWaiting { waiting, .. } if waiting.is_empty() => Some("nothing waits".to_owned()),
            Self::NotWaiting { waiting, .. } => Some(format!("what waits: {}", listed(waiting))),
            Self::NoAction { near: None, all, .. } | Self::NoStage { near: None, all, .. } => {
                Some(format!("there is {}", listed(all)))
            }
            Self::NoArtifact { near: None, all, .. } if all.is_empty() => None,
            Self::NoArtifact { near: None, all, .. } => Some(format!("there is {}", listed(all))),
            Self::NothingToGoBackTo { .. } => Some("`pipe runs` lists what there is".to_owned()),
            Self::SeveralAnswers { .. } => Some("say which one: `pipe approve RUN STAGE/ACTION`".to_owned()),
            Self::Control {
                why: ControlError::Silent,
                ..
            } => Some("see whether that process is stopped or its disk is full; nothing was changed".to_owned()),
            Self::WhichArtifact { all } if all.is_empty() => None,
            Self::WhichArtifact { .. } => Some("say which one: `pipe artifacts NAME --zip FILE`".to_owned()),
            Self::NotEmpty { .. } => Some("choose a directory that does not exist or is empty".to_owned()),
            Self::NoShell(why) => Some(why.help()),
            Self::SeveralActions { .. } => Some("say which stage's: `STAGE/ACTION`".to_owned()),
            Self::Read { .. }
            | Self::Logs(_)
            | Self::Control { .. }
            | Self::Artifact { .. }
            | Self::Pack { .. }
            | Self::Remove { .. }
            | Self::Index(_)
            | Self::Shell { .. }
            | Self::Stdin(_)
            | Self::Walk { .. }
            | Self::Params { .. }
            | Self::NoPipelines { .. }
            | Self::Write { .. }
            | Self::Output(_) => None,
        }
    }
}

/// `a`, `b` and `c`
fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [head @ .., last] if !head.is_empty() => format!("{} and {last}", head.join(", ")),
        _ => quoted.concat(),
    }
}

fn which_artifact(all: &[String]) -> String {
    match all {
        [] => "the run has no artifacts".to_owned(),
        all => format!("the run has several artifacts: {}", listed(all)),
    }
}

fn reading(why: &ReadError) -> String {
    match why {
        ReadError::Io(why) => words(why),
        other => other.to_string(),
    }
}
