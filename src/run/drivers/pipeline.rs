//! `pipeline`: an action that starts another pipeline and waits for it. The other one is a pipeline of the same file, and its
//! run one of its own, carried out by this program as a child of the run that starts it.

use std::ffi::OsString;

use serde::{Deserialize, Serialize};

use super::{Done, Job};
use crate::ir::{self, Pipeline};
use crate::run::outcome::{Exit, Failure};
use crate::run::plan::{Refusal, RefusalKind};
use crate::run::planned::{ActionPlan, Driver, Plan};
use crate::run::process::{self, Program};
use crate::run::{Drivers, RunOptions, plan};

/// The pipelines of the file that runs, and how this program is told to compile it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Neighbours {
    pub pipelines: Vec<Pipeline>,
    /// `main.pipe -D region=eu-west-1`
    pub arguments: Vec<OsString>,
}

impl Neighbours {
    fn find(&self, name: &str) -> Option<&Pipeline> {
        self.pipelines.iter().find(|pipeline| pipeline.name.value == name)
    }
}

/// The text of a configuration's entry, with references as they are written.
fn written(action: &ir::Action, key: &str) -> Option<String> {
    action.configuration.get(key).map(|entry| entry.value.to_string())
}

/// Looks at the pipeline that an action invokes, as far as it can be seen before the start: what would keep it from running
/// keeps this run from starting.
pub(crate) fn check(
    action: &ir::Action,
    from: &Pipeline,
    drivers: &dyn Drivers,
    options: &RunOptions,
) -> Result<(), Vec<Failure>> {
    let way_out =
        "let a command of yours stand in for it: `local { run = \"…\" }`; or simulate it: `local { outputs = {} }`";
    let refused = |message: String| Err(vec![Failure::new(message).with_help(way_out)]);
    let name = action
        .configuration
        .get("PipelineName")
        .and_then(|entry| entry.value.as_literal());
    let Some(name) = name else {
        return refused("which pipeline it invokes is not known before the start".to_owned());
    };
    let Some(invoked) = options.neighbours.find(name) else {
        return refused(format!("the pipeline `{name}`, which it invokes, is not in this file"));
    };
    if let Some(circle) = circle(&from.name.value, name, options) {
        let circle: Vec<String> = circle.iter().map(|name| format!("`{name}`")).collect();
        return refused(format!(
            "pipelines invoke each other in a circle: {}",
            circle.join(" → ")
        ));
    }
    let given = Given::read(
        written(action, "Variables").as_deref(),
        written(action, "SourceRevisions").as_deref(),
    );
    let given = given.map_err(|failure| vec![failure])?;
    let outcomes = options.conditions.iter().cloned().collect();
    let refusals = match invoked.decided(&outcomes) {
        Err(open) => plan::undecided(&open),
        Ok(invoked) => match plan::plan(&invoked, drivers, &given.options(options)) {
            Ok(plan) => match unanswered(&invoked, &plan, options) {
                None => return Ok(()),
                Some(refusal) => vec![refusal],
            },
            Err(refusals) => refusals,
        },
    };
    let failures = refusals.into_iter().map(|refusal| {
        let place = refusal.place.map(|place| format!(", {place}")).unwrap_or_default();
        Failure {
            message: format!("the pipeline `{name}`{place}: {}", refusal.message),
            help: refusal.help,
            ..Failure::default()
        }
    });
    Err(failures.collect())
}

/// The invoked run has no terminal to ask on: it must be known how its approvals are answered.
fn unanswered(invoked: &Pipeline, plan: &Plan, options: &RunOptions) -> Option<Refusal> {
    let is_approval = |plan: &ActionPlan| plan.driver == Driver::Approval;
    let actions = invoked.stages.iter().zip(&plan.actions).flat_map(|(stage, plans)| {
        let actions = stage.actions.iter().zip(plans);
        actions.map(move |(action, plan)| (stage, action, plan))
    });
    let mut approvals = actions.filter(|(_, _, plan)| is_approval(plan));
    let (stage, action, _) = approvals.next().filter(|_| !options.yes && !options.wait)?;
    Some(Refusal {
        kind: RefusalKind::Impossible,
        place: Some(plan::place(stage, action)),
        message: "it waits for an approval, and an invoked run has no terminal to ask on".to_owned(),
        help: Some("answer yes to all approvals, `--yes`; or `--wait` for `pipe approve` from elsewhere".to_owned()),
    })
}

/// The way back to `start` by what `name` invokes, if there is one; or a circle that is met on the way.
fn circle(start: &str, name: &str, options: &RunOptions) -> Option<Vec<String>> {
    let mut way = vec![start.to_owned()];
    fn walk(name: &str, way: &mut Vec<String>, options: &RunOptions) -> bool {
        let is_known = way.iter().any(|known| known == name);
        way.push(name.to_owned());
        let actions = || {
            options
                .neighbours
                .find(name)
                .into_iter()
                .flat_map(|pipeline| &pipeline.stages)
        };
        let mut invoked = actions().flat_map(|stage| &stage.actions).filter_map(|action| {
            let entry = action.configuration.get("PipelineName")?;
            (action.type_id.category == "Invoke")
                .then(|| entry.value.as_literal())
                .flatten()
        });
        if is_known || invoked.any(|next| walk(next, way, options)) {
            return true;
        }
        way.pop();
        false
    }
    walk(name, &mut way, options).then_some(way)
}

/// What the invoked pipeline is given.
#[derive(Debug, Default)]
struct Given {
    variables: Vec<(String, String)>,
    revisions: Vec<(String, String)>,
}

impl Given {
    fn read(variables: Option<&str>, revisions: Option<&str>) -> Result<Self, Failure> {
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
    fn options(&self, of: &RunOptions) -> RunOptions {
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
