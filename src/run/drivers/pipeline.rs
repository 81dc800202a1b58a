//! `pipeline`: an action that starts another pipeline and waits for it. The other one is a pipeline of the same file, and its
//! run one of its own, carried out by this program as a child of the run that starts it.

use std::ffi::OsString;

use serde::{Deserialize, Serialize};

use super::{Done, Job};
use crate::ir::Pipeline;
use crate::run::outcome::{Exit, Failure};
use crate::run::planned::Driver;
use crate::run::process::{self, Program};
use crate::run::{Drivers, RunOptions};

/// The pipelines of the file that runs, and how this program is told to compile it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Neighbours {
    pub pipelines: Vec<Pipeline>,
    /// `main.pipe -D region=eu-west-1`
    pub arguments: Vec<OsString>,
}

impl Neighbours {
    /// Without the pipelines if none of them starts one: they can be large.
    pub fn of(pipelines: &[Pipeline], drivers: &dyn Drivers, arguments: Vec<OsString>) -> Self {
        let pipelines = if pipelines.iter().any(|pipeline| starts_another(pipeline, drivers)) {
            pipelines.to_vec()
        } else {
            Vec::new()
        };
        Self { pipelines, arguments }
    }

    pub fn find(&self, name: &str) -> Option<&Pipeline> {
        self.pipelines.iter().find(|pipeline| pipeline.name.value == name)
    }
}

/// Whether an action of a pipeline starts another one.
pub fn starts_another(pipeline: &Pipeline, drivers: &dyn Drivers) -> bool {
    let mut actions = pipeline.stages.iter().flat_map(|stage| &stage.actions);
    actions.any(|action| drivers.driver(&action.type_id).as_deref() == Some(Driver::Pipeline.name()))
}

/// What the invoked pipeline is given.
#[derive(Debug, Default)]
pub struct Given {
    variables: Vec<(String, String)>,
    revisions: Vec<(String, String)>,
}

impl Given {
    pub fn read(variables: Option<&str>, revisions: Option<&str>) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Variable {
            name: String,
            value: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Revision {
            action_name: String,
            revision_type: String,
            revision_value: String,
        }
        fn list<T: for<'de> Deserialize<'de>>(key: &str, json: Option<&str>) -> Result<Vec<T>, Failure> {
            let list = serde_json::from_str(json.unwrap_or("[]"));
            list.map_err(|error| {
                Failure::new(format!("`{key}` is not the JSON that AWS expects: {error}"))
                    .with_help("a value with a quote or a line break breaks the JSON around it")
            })
        }
        let variables = list::<Variable>("Variables", variables)?.into_iter();
        let revisions = list::<Revision>("SourceRevisions", revisions)?.into_iter();
        Ok(Self {
            variables: variables.map(|variable| (variable.name, variable.value)).collect(),
            revisions: revisions
                .map(|revision| {
                    let value = format!("{}:{}", revision.revision_type, revision.revision_value);
                    (revision.action_name, value)
                })
                .collect(),
        })
    }

    /// The options of the invoked pipeline's run: nobody is there to be asked.
    pub fn options(&self, of: &RunOptions) -> RunOptions {
        RunOptions {
            variables: self.variables.clone(),
            revisions: self.revisions.clone(),
            sources: Vec::new(),
            is_unattended: true,
            // The part that is asked for is one of the pipeline that invokes it.
            first_stage: None,
            last_stage: None,
            based_on: None,
            ..of.clone()
        }
    }
}

pub async fn carry_out(job: &mut Job) -> Result<Done, Failure> {
    let name = job.configuration("PipelineName").unwrap_or_default().to_owned();
    let id = uuid::Uuid::new_v4().to_string();
    let given = Given::read(job.configuration("Variables"), job.configuration("SourceRevisions"))?;
    let program = Program {
        path: std::env::current_exe()?,
        arguments: arguments(job, &name, &id, &given),
        environment: std::env::vars_os().collect(),
    };
    let log = &mut job.log;
    let exit = process::run(&program, &mut job.stop, |bytes| log.write(bytes)).await?;
    let note = format!("run {id} of the pipeline `{name}`");
    match exit {
        Exit::Code(0) => Ok(Done {
            notes: vec![note],
            ..Done::default()
        }),
        Exit::Code(1) => Err(Failure::new(format!("{note} failed"))),
        other => {
            let ended = Failure::command(None, other);
            Err(Failure::new(format!("{note} did not succeed: {}", ended.message)))
        }
    }
}

fn arguments(job: &Job, name: &str, id: &str, given: &Given) -> Vec<OsString> {
    let options = given.options(&job.run.options);
    let mut out: Vec<OsString> = vec!["run".into()];
    out.extend(options.neighbours.arguments.iter().cloned());
    let mut pair = |option: &str, value: OsString| out.extend([option.into(), value]);
    pair("--pipeline", name.into());
    pair("--execution-id", id.into());
    pair("--state-dir", job.run.state_dir.clone().into());
    pair("--jobs", job.run.jobs.to_string().into());
    for (option, pairs) in [("--var", &options.variables), ("--revision", &options.revisions)] {
        for (name, value) in pairs {
            pair(option, format!("{name}={value}").into());
        }
    }
    for (name, holds) in &options.conditions {
        pair("--condition", format!("{name}={holds}").into());
    }
    if let Some(file) = options.secrets.file() {
        pair("--secrets", file.into());
    }
    if let Some(command) = options.secrets.command() {
        pair("--secret-command", command.into());
    }
    if options.yes {
        out.push("--yes".into());
    }
    if options.wait {
        out.push("--wait".into());
    }
    out
}
