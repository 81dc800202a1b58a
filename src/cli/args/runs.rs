//! The arguments of the commands that look at runs and talk to them.

use std::num::NonZero;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{at_least_one, number};

/// Where runs are looked for.
#[derive(Debug, Args)]
pub(crate) struct StateArgs {
    /// Where the runs' state is, instead of the nearest `.pipe/` from here upwards
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

/// One run.
#[derive(Debug, Args)]
pub(crate) struct RunChoice {
    /// A run's id, or a unique start of it; the newest run, if not given
    pub(crate) run: Option<String>,

    #[command(flatten)]
    pub(crate) state: StateArgs,
}

/// One run, and an action of it.
#[derive(Debug, Args)]
pub(crate) struct ActionChoice {
    /// A run's id, or a unique start of it; the newest run, if not given
    pub(crate) run: Option<String>,

    /// `Build/test`, or `test` if only one stage has it; `test#2` is its second attempt
    pub(crate) action: Option<String>,

    #[command(flatten)]
    pub(crate) state: StateArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RecordFormat {
    /// For people
    Human,
    /// One document, for tools
    Json,
}

/// List the runs, and how they stand
///
/// The newest first. A run whose process was killed is `cut off`: `pipe resume` goes on with it. Journals that cannot be
/// read are told of on standard error.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe runs
  pipe runs --pipeline webshop --limit 5
  pipe runs --format json | jq -r '.runs[] | select(.status == \"failed\") | .id'")]
pub(crate) struct RunsArgs {
    /// Only those of this pipeline
    #[arg(long, value_name = "NAME")]
    pub(crate) pipeline: Option<String>,

    /// How many at most
    #[arg(long, value_name = "N", value_parser = number)]
    pub(crate) limit: Option<usize>,

    /// How to tell
    #[arg(long, value_enum, default_value_t = RecordFormat::Human)]
    pub(crate) format: RecordFormat,

    #[command(flatten)]
    pub(crate) state: StateArgs,
}

/// Tell all about a run
///
/// Stages and actions with their times, the critical path, variables, artifacts, conditions, who approved; why it
/// failed, with the last lines of what failed; where its logs and files are, and what can be done now. Secrets are
/// masked, as they are in the journal.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe show
  pipe show 7f3c
  pipe show --format json | jq .artifacts")]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) run: RunChoice,

    /// How to tell
    #[arg(long, value_enum, default_value_t = RecordFormat::Human)]
    pub(crate) format: RecordFormat,
}

/// Print what actions printed
///
/// One action's log as it is; all of them action by action in the order of their start, each line behind its action's
/// name. A single word that begins no run's id is an action of the newest run; `Build/bad` always is one.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe logs
  pipe logs Build/test
  pipe logs 7f3c test -f")]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub(crate) choice: ActionChoice,

    /// Go on with what comes, until the run ends
    #[arg(short, long)]
    pub(crate) follow: bool,
}

/// Approve what waits for an answer
///
/// A run that somebody carries out goes on within a second. If nobody does, the answer is written down, and `pipe
/// resume` goes on with the run.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe approve
  pipe approve 7f3c prod/approve --comment 'looks good'")]
pub(crate) struct ApproveArgs {
    #[command(flatten)]
    pub(crate) answer: AnswerArgs,
}

/// Reject what waits for an answer
///
/// The action fails, and with it its stage. A run that somebody carries out goes on within a second.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe reject --comment 'not before the holidays'
  pipe reject 7f3c prod/approve")]
pub(crate) struct RejectArgs {
    #[command(flatten)]
    pub(crate) answer: AnswerArgs,
}

/// An answer.
#[derive(Debug, Args)]
pub(crate) struct AnswerArgs {
    #[command(flatten)]
    pub(crate) choice: ActionChoice,

    /// Why; it is recorded
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,

    /// Answer only the question that has this token: `pipe show --format json` tells it
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
}

/// Stop a run
///
/// What runs comes to its end and nothing new starts; with --abandon what runs is ended, too (INT, after 5 s TERM,
/// then KILL). If nobody carries the run out, it is recorded as stopped. `pipe retry` tries a stopped run again.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe stop
  pipe stop 7f3c --abandon --reason 'wrong branch'")]
pub(crate) struct StopArgs {
    #[command(flatten)]
    pub(crate) run: RunChoice,

    /// End what runs instead of waiting for it
    #[arg(long)]
    pub(crate) abandon: bool,

    /// Why; it is recorded
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// List the artifacts of a run, or lay them out
///
/// Of each its name, the action that made it, its files, their size, and the digest of its content. With a name: its
/// files. With -o: they are laid out in a directory, which must not exist or be empty.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe artifacts
  pipe artifacts 7f3c site
  pipe artifacts site -o /tmp/site
  pipe artifacts site --zip site.zip")]
pub(crate) struct ArtifactsArgs {
    /// A run's id, or a unique start of it; the newest run, if not given
    pub(crate) run: Option<String>,

    /// The artifact; a single word that begins no run's id is one of the newest run
    pub(crate) name: Option<String>,

    /// Lay the artifact out here; without a name all of them, each in a directory of its name
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,

    /// Write the artifact to a zip archive; the same artifact always gives the same bytes
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    pub(crate) zip: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) state: StateArgs,
}

/// Remove old runs
///
/// Of each pipeline the newest N runs that have ended are kept. Never removed: what has not ended, because it can be
/// gone on with, and what a kept run took artifacts over from or was rolled back to.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe clean --keep 20 --dry-run
  pipe clean --keep 20")]
pub(crate) struct CleanArgs {
    /// How many ended runs of each pipeline to keep
    #[arg(long, value_name = "N", value_parser = number)]
    pub(crate) keep: usize,

    /// Remove nothing, say what would be
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) state: StateArgs,
}

/// Open a shell where an action failed
///
/// In the directory that the action left behind, with the environment that it had: `PIPE_…`, its own variables, and
/// those of `local { env = … }`. Secrets are there only if PIPE_SECRET_… is set for this command, too. The shell is
/// $SHELL; its exit status is that of the command.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe shell
  pipe shell 7f3c Build/test
  echo 'ls -l' | pipe shell")]
pub(crate) struct ShellArgs {
    #[command(flatten)]
    pub(crate) choice: ActionChoice,
}

/// Look after the index over all runs
///
/// `.pipe/index.db` saves reading all journals again. It is brought up to date whenever it is opened; nothing is lost
/// with it.
#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    #[command(subcommand)]
    pub(crate) command: IndexCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IndexCommand {
    /// Make it anew from the journals
    Rebuild(StateArgs),
}

/// How actions are carried out.
#[derive(Debug, Args)]
pub(crate) struct HowArgs {
    /// Take the values of secrets from a file: lines `NAME=value`, or an object in JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) secrets: Option<PathBuf>,

    /// Ask a command for the values of secrets: it finds a name in $PIPE_SECRET_NAME and prints the value
    #[arg(long, value_name = "CMD")]
    pub(crate) secret_command: Option<String>,

    /// Approve whatever asks in this run
    #[arg(short, long)]
    pub(crate) yes: bool,

    /// Without a terminal: wait for answers by `pipe approve` and `pipe reject`, instead of leaving the run with status 75
    #[arg(long)]
    pub(crate) wait: bool,

    /// How many actions may run at the same time; as many as there are processors, if not given
    #[arg(short, long, value_name = "N", value_parser = at_least_one)]
    pub(crate) jobs: Option<NonZero<usize>>,
}

/// What is told of a run in place of a view, or besides.
#[derive(Debug, Args)]
pub(crate) struct TellArgs {
    /// Print events as EventBridge delivers them, one JSON object a line, instead of a view
    #[arg(long)]
    pub(crate) json: bool,

    /// Write a JUnit report: a suite a stage, a case an action
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}

/// How a run is carried on.
#[derive(Debug, Args)]
pub(crate) struct CarryOnArgs {
    #[command(flatten)]
    pub(crate) how: HowArgs,

    #[command(flatten)]
    pub(crate) tell: TellArgs,
}

/// Go on with a run that was cut off, or left waiting
///
/// What had ended is not done again; what was in progress starts anew, in a clean directory. The run keeps its
/// definition, its sources and its variables, whatever the file says now.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe resume
  pipe resume 7f3c --yes
  pipe resume 7f3c --enable prod        goes on through a transition that is disabled")]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub(crate) run: RunChoice,

    /// Open the disabled way into this stage; may be repeated
    #[arg(long, value_name = "STAGE")]
    pub(crate) enable: Vec<String>,

    #[command(flatten)]
    pub(crate) how: CarryOnArgs,
}

/// Try a failed or stopped stage again
///
/// It is the same run, with the definition and the sources that it began with: actions that succeeded are not done
/// again, and what follows the stage follows.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe retry
  pipe retry 7f3c --all")]
pub(crate) struct RetryArgs {
    #[command(flatten)]
    pub(crate) run: RunChoice,

    /// The stage; that in which the run ended, if not given
    #[arg(long, value_name = "STAGE")]
    pub(crate) stage: Option<String>,

    /// All actions of the stage, not only those that failed
    #[arg(long)]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) how: CarryOnArgs,
}

/// Put a stage back to what an earlier run did in it
///
/// A new run carries out that stage alone, with the artifacts and variables of the earlier one. Its definition must be
/// the same, and it must have succeeded in the stage.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe rollback --stage prod            to the run before the last one in it
  pipe rollback 7f3c --stage prod")]
pub(crate) struct RollbackArgs {
    /// The run to go back to: its id, or a unique start of it; if not given, the newest that succeeded in the stage before
    /// the last one that entered it
    pub(crate) run: Option<String>,

    #[command(flatten)]
    pub(crate) state: StateArgs,

    /// The stage
    #[arg(long, value_name = "STAGE")]
    pub(crate) stage: String,

    #[command(flatten)]
    pub(crate) how: CarryOnArgs,
}
