//! The arguments. The doc comments are the help.

use std::ffi::OsString;
use std::num::NonZero;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(super) use self::runs::*;
use super::error::{Error, words};
use crate::compile::Options;

mod runs;

/// Delivery pipelines in a language of their own: check them, run them here, export them to AWS CodePipeline
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "`pipe COMMAND --help` says more about a command. `-` as a file is standard input.",
    after_long_help = "\
`pipe COMMAND --help` says more about a command. `-` as a file is standard input.

Results go to standard output, everything else to standard error. Exit status:
  0    fine
  1    the answer is no: errors were found, it is not formatted, they differ, the run failed
  2    it could not be asked: bad arguments, an unreadable file
  3    the run was refused before it began
  75   the run waits for an approval that nobody here can give
  130  interrupted (143: terminated)"
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(CheckArgs),
    Fmt(FmtArgs),
    Export(ExportArgs),
    Import(ImportArgs),
    Diff(DiffArgs),
    Graph(GraphArgs),
    Plan(PlanArgs),
    Run(RunArgs),
    Runs(RunsArgs),
    Show(ShowArgs),
    Logs(LogsArgs),
    Approve(ApproveArgs),
    Reject(RejectArgs),
    Stop(StopArgs),
    Resume(ResumeArgs),
    Retry(RetryArgs),
    Rollback(RollbackArgs),
    Artifacts(ArtifactsArgs),
    Shell(ShellArgs),
    Clean(CleanArgs),
    Index(IndexArgs),
    Simulate(SimulateArgs),
    New(NewArgs),
    Doc(DocArgs),
    Explain(ExplainArgs),
}

/// Report errors, and what you would regret
///
/// Compiles every file as far as it goes and reports all that is wrong with it. Nothing is executed, and nothing is
/// written.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe check                            every .pipe file under this directory
  pipe check main.pipe -D region=eu-west-1
  pipe check --format json . | jq .summary
  cat main.pipe | pipe check -")]
pub(super) struct CheckArgs {
    /// Files, and directories to look for .pipe files in
    #[arg(default_value = ".")]
    pub(super) paths: Vec<PathBuf>,

    /// How to report
    #[arg(long, value_enum, default_value_t = ReportFormat::Human)]
    pub(super) format: ReportFormat,

    /// What else, besides errors, makes the answer a no
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(super) deny: Option<Deny>,

    #[command(flatten)]
    pub(super) params: Params,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// With the source, for people
    Human,
    /// One document, for tools
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Deny {
    Warnings,
}

/// Format files in place
///
/// There is one style and no options. Every comment is kept, and so is the meaning. A file with syntax errors is left
/// as it is.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe fmt                              every .pipe file under this directory
  pipe fmt --check                      for CI: says what is not formatted
  pipe fmt --stdin < main.pipe          for editors: the result goes to standard output")]
pub(super) struct FmtArgs {
    /// Files, and directories to look for .pipe files in
    #[arg(default_value = ".", conflicts_with = "stdin")]
    pub(super) paths: Vec<PathBuf>,

    /// Write nothing, show what would change; the answer is a no if anything would
    #[arg(long)]
    pub(super) check: bool,

    /// Format standard input to standard output
    #[arg(long)]
    pub(super) stdin: bool,
}

/// Compile to CodePipeline JSON, CloudFormation or Terraform
///
/// CodePipeline JSON, where nothing else is asked for, is what `aws codepipeline create-pipeline --cli-input-json` takes.
/// What a format cannot say is an error, and then nothing is written. The same file gives the same bytes.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe export main.pipe
  pipe export main.pipe --to cloudformation -o template.yml
  pipe export main.pipe -D region=eu-west-1 -o pipeline.json
  pipe export all.pipe --pipeline webshop | jq .pipeline.stages")]
pub(super) struct ExportArgs {
    /// The file to compile
    pub(super) file: PathBuf,

    /// What to write
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ExportFormat::Codepipeline)]
    pub(super) to: ExportFormat,

    /// Which pipeline, if the file has several
    #[arg(long, value_name = "NAME")]
    pub(super) pipeline: Option<String>,

    #[command(flatten)]
    pub(super) params: Params,

    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ExportFormat {
    /// The JSON of CodePipeline's API
    Codepipeline,
    /// A CloudFormation template in YAML
    Cloudformation,
    /// The same in JSON
    CloudformationJson,
    /// The resource aws_codepipeline in Terraform's JSON syntax
    Terraform,
    /// The service role's trust policy, and the least policy that it needs
    IamPolicy,
    /// The compiler's own model of the pipeline, as JSON
    Ir,
}

/// Turn CodePipeline JSON or a CloudFormation template into `.pipe` source
///
/// Takes the JSON of `aws codepipeline get-pipeline` (or of `create-pipeline`, or the declaration alone) and templates
/// in JSON or YAML; every pipeline of a template is written. Values that CloudFormation fills in become `cfn.…` values.
/// What cannot be said in `.pipe` is an error, and then nothing is written. The templates' other resources stay theirs.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  aws codepipeline get-pipeline --name webshop | pipe import - -o webshop.pipe
  pipe import template.yaml
  pipe check template.yaml              the same rules, with places in that file")]
pub(super) struct ImportArgs {
    /// The document to read
    pub(super) file: PathBuf,

    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

/// Tell what differs in meaning between two definitions
///
/// Whether an action waits for another, has lost its approval, or takes another artifact is told; what artifacts and
/// namespaces are called, and which numbers run orders have, is not. The answer is a no if anything differs.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe diff old.pipe new.pipe
  pipe diff old.pipe new.pipe --format json | jq .summary
  git show HEAD:main.pipe | pipe diff - main.pipe")]
pub(super) struct DiffArgs {
    /// What it was
    pub(super) old: PathBuf,

    /// What it is now
    pub(super) new: PathBuf,

    /// Which pipeline, if the files have several
    #[arg(long, value_name = "NAME")]
    pub(super) pipeline: Option<String>,

    /// How to tell
    #[arg(long, value_enum, default_value_t = DiffFormat::Human)]
    pub(super) format: DiffFormat,

    #[command(flatten)]
    pub(super) params: Params,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DiffFormat {
    /// A line for each difference
    Human,
    /// One document, for tools
    Json,
}

/// Draw a pipeline
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe graph main.pipe                  Mermaid, for Markdown pages
  pipe graph main.pipe --to dot | dot -Tsvg > main.svg")]
pub(super) struct GraphArgs {
    /// The file to compile
    pub(super) file: PathBuf,

    /// What to write
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = GraphFormat::Mermaid)]
    pub(super) to: GraphFormat,

    /// Which pipeline, if the file has several
    #[arg(long, value_name = "NAME")]
    pub(super) pipeline: Option<String>,

    #[command(flatten)]
    pub(super) params: Params,

    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum GraphFormat {
    /// A Mermaid flowchart
    Mermaid,
    /// Graphviz
    Dot,
}

/// Carry a pipeline out on this machine
///
/// Stages, steps and parallel actions run in CodePipeline's order and by its rules. Sources come from this machine,
/// commands and buildspecs run in directories of their own, and what has no meaning here is checked and labelled
/// "simulated". Logs, artifacts and deployed files are kept in `.pipe/` beside the file.
///
/// When an action fails, those beside it come to their end and nothing new starts, as in the service.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe run main.pipe
  pipe run main.pipe --var channel=beta --source app=../checkout
  pipe run main.pipe --from Deploy      with what the newest run has made before it
  pipe run main.pipe --yes --json | jq -c .")]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) with: RunWith,

    /// Say what would be done, as `pipe plan` does, and do nothing
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Run again when the sources or the file have changed, until Ctrl-C
    #[arg(long, conflicts_with_all = ["dry_run", "part"])]
    pub(super) watch: bool,

    #[command(flatten)]
    pub(super) tell: TellArgs,
}

/// Say what a run would do, and what stands in its way
///
/// Stages, conditions, steps and actions in their order: what is carried out, stood in for by a command of yours,
/// simulated, or cannot run here, and why; where sources come from; how long it takes, where earlier runs tell. Nothing
/// is executed, and nothing is written. The answer is 3 if such a run would be refused.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe plan main.pipe
  pipe plan main.pipe --from Deploy
  pipe plan main.pipe --format json | jq '.obstacles[].message'")]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) with: RunWith,

    /// How to tell
    #[arg(long, value_enum, default_value_t = PlanFormat::Human)]
    pub(super) format: PlanFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PlanFormat {
    /// In its order, for people
    Human,
    /// One document, for tools
    Json,
}

/// What a run is started with.
#[derive(Debug, Args)]
pub(super) struct RunWith {
    /// The file to run
    pub(super) file: PathBuf,

    /// Which pipeline, if the file has several
    #[arg(long, value_name = "NAME")]
    pub(super) pipeline: Option<String>,

    /// Give a pipeline variable a value; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = key_value)]
    pub(super) variables: Vec<(String, String)>,

    /// Say how a condition of a template comes out; may be repeated
    #[arg(long = "condition", value_name = "NAME=true|false", value_parser = outcome)]
    pub(super) conditions: Vec<(String, bool)>,

    /// Take a source action's files from here; may be repeated
    #[arg(long = "source", value_name = "ACTION=PATH|URL[@REV]", value_parser = source)]
    pub(super) sources: Vec<(String, String)>,

    /// Take this revision of a source: a commit, an image's digest, a version of an object; may be repeated
    #[arg(long = "revision", value_name = "ACTION=[TYPE:]VALUE", value_parser = revision)]
    pub(super) revisions: Vec<(String, String)>,

    /// Begin with this stage, with the artifacts and variables of an earlier run
    #[arg(long, value_name = "STAGE", group = "part")]
    pub(super) from: Option<String>,

    /// Carry out this stage alone, with the artifacts and variables of an earlier run
    #[arg(long, alias = "only-stage", value_name = "STAGE", group = "part")]
    pub(super) only: Option<String>,

    /// The earlier run: its id, or the start of it; if not given, the newest that has completed all stages before
    #[arg(long = "of", value_name = "RUN", requires = "part")]
    pub(super) based_on: Option<String>,

    #[command(flatten)]
    pub(super) how: HowArgs,

    /// The run's id, for the run that starts this one
    #[arg(long, value_name = "ID", hide = true)]
    pub(super) execution_id: Option<uuid::Uuid>,

    /// Where to keep logs and artifacts instead of `.pipe/` beside the file
    #[arg(long, value_name = "DIR")]
    pub(super) state_dir: Option<PathBuf>,

    /// There is none, and whoever looks for it is told so
    #[arg(long, hide = true)]
    pub(super) keep_going: bool,

    #[command(flatten)]
    pub(super) params: Params,
}

/// Play through what a script lets happen
///
/// The rules that `pipe run` keeps, on a clock of their own: actions, approvals and rules end as the script says, further
/// runs start, and somebody stops, retries or rolls back. Nothing is executed, and eight days take a millisecond. The
/// trace goes to standard output; the status is 0 however the runs end.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe simulate main.pipe --script weekend.yml
  pipe simulate main.pipe --script weekend.yml --format json | jq .runs
  echo 'actions: {Build/image: [fail, succeed]}' | pipe simulate main.pipe --script -")]
pub(super) struct SimulateArgs {
    /// The file with the pipeline
    pub(super) file: PathBuf,

    /// What happens: YAML
    #[arg(long, value_name = "SCRIPT")]
    pub(super) script: PathBuf,

    /// Which pipeline, if the file has several
    #[arg(long, value_name = "NAME")]
    pub(super) pipeline: Option<String>,

    /// Say how a condition of a template comes out; may be repeated
    #[arg(long = "condition", value_name = "NAME=true|false", value_parser = outcome)]
    pub(super) conditions: Vec<(String, bool)>,

    /// How to tell
    #[arg(long, value_enum, default_value_t = SimulateFormat::Human)]
    pub(super) format: SimulateFormat,

    #[command(flatten)]
    pub(super) params: Params,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SimulateFormat {
    /// A line for each thing that happens
    Human,
    /// One document, for tools
    Json,
}

/// Write a first pipeline
///
/// It checks, runs on this machine, and exports, and is small enough to be read in a minute. Files that exist already
/// are never overwritten.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe new hello && pipe run hello/main.pipe")]
pub(super) struct NewArgs {
    /// Where to; it is made if it does not exist
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,
}

/// Show the library: modules, providers, their fields
///
/// A provider's fields have the types that its documentation at AWS gives them, and the names of its configuration keys
/// in snake_case. `source build test deploy approval invoke compute rule` are always in scope.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe doc
  pipe doc build
  pipe doc build.codebuild")]
pub(super) struct DocArgs {
    /// A module, a provider, or a module's provider
    pub(super) name: Option<String>,
}

/// Tell the whole story of a diagnostic
///
/// Every report has a name, in brackets after its severity. Its page says what it means and why it matters, with an
/// example that fails and the same one mended. Without a name: the list of all.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  pipe explain
  pipe explain unknown-name")]
pub(super) struct ExplainArgs {
    /// The name in the brackets
    pub(super) name: Option<String>,
}

/// Values for the file's parameters.
#[derive(Debug, Args)]
pub(super) struct Params {
    /// Give a parameter a value; may be repeated
    #[arg(short = 'D', long = "define", value_name = "NAME=VALUE", value_parser = key_value)]
    defines: Vec<(String, String)>,

    /// Take the parameters' values from a JSON file; -D wins over it
    #[arg(long, value_name = "FILE")]
    params: Option<PathBuf>,
}

impl Params {
    /// As they were written, for this program to read them again.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let defines = self
            .defines
            .iter()
            .flat_map(|(name, value)| ["-D".into(), format!("{name}={value}").into()]);
        // The one who reads it again may stand in another directory.
        let file = self
            .params
            .iter()
            .map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()));
        let file = file.flat_map(|path| ["--params".into(), path.into()]);
        defines.chain(file).collect()
    }

    /// As the compiler takes them. Reads the parameter file.
    pub(super) fn options(&self) -> Result<Options, Error> {
        let params = match &self.params {
            None => serde_json::Map::new(),
            Some(path) => {
                let because = |why: String| Error::Params {
                    path: path.clone(),
                    why,
                };
                let bytes = std::fs::read(path).map_err(|why| because(words(&why)))?;
                serde_json::from_slice(&bytes).map_err(|why| because(format!("it is not a JSON object: {why}")))?
            }
        };
        Ok(Options {
            defines: self.defines.clone(),
            params,
        })
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    pair(text, "NAME=VALUE")
}

fn source(text: &str) -> Result<(String, String), String> {
    pair(text, "ACTION=PATH, ACTION=URL, or either with @REVISION behind it")
}

fn revision(text: &str) -> Result<(String, String), String> {
    pair(text, "ACTION=VALUE or ACTION=TYPE:VALUE")
}

fn pair(text: &str, form: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("write it as {form}")),
    }
}

fn outcome(text: &str) -> Result<(String, bool), String> {
    const FORM: &str = "NAME=true or NAME=false";
    let (name, value) = pair(text, FORM)?;
    match value.parse() {
        Ok(value) => Ok((name, value)),
        Err(_) => Err(format!("write it as {FORM}")),
    }
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "give a whole number".to_owned())
}

fn at_least_one(text: &str) -> Result<NonZero<usize>, String> {
    text.parse().map_err(|_| "give a whole number, 1 or more".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_arguments_agree_with_each_other() {
        Cli::command().debug_assert();
    }
}
