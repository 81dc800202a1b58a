//! What a run knows before it starts: how each action is carried out, stood in for or simulated, and what stands in the way.
//!
//! *No false green*: what can neither be carried out nor checked here is refused now, not half-way; all of it at once.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::drivers::buildspec::{self, ahead};
use super::drivers::{self, file_source, git_source, shell};
use super::outcome::Failure;
use super::planned::{ActionPlan, ActionRef, Driver, How, Plan, Position, RuleRef};
use super::revision::Revision;
use super::secrets;
use super::settings::Settings;
use super::variables::{EXECUTION, PIPELINE};
use super::{Drivers, RunOptions};
use crate::ir::{self, EnvironmentKind, TypeId};

/// Something that keeps a run from starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub kind: RefusalKind,
    /// `Prod/rollout`; none for the pipeline as a whole.
    pub place: Option<String>,
    pub message: String,
    /// What to do, as an order.
    pub help: Option<String>,
}

impl Refusal {
    /// The stage that it belongs to: what its place begins with. Names of stages hold no commas and slashes.
    pub fn stage(&self) -> Option<&str> {
        self.place.as_deref()?.split([',', '/']).next()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// The command line names something that does not exist.
    Usage,
    /// It cannot be done here.
    Impossible,
}

/// Plans a run, or says all that stands in its way.
pub fn plan(pipeline: &ir::Pipeline, drivers: &dyn Drivers, options: &RunOptions) -> Result<Plan, Vec<Refusal>> {
    let (plan, refusals) = look(pipeline, drivers, options);
    if refusals.is_empty() { Ok(plan) } else { Err(refusals) }
}

/// Plans a run as far as that goes, and says all that stands in its way.
pub fn look(pipeline: &ir::Pipeline, drivers: &dyn Drivers, options: &RunOptions) -> (Plan, Vec<Refusal>) {
    let mut planner = Planner {
        pipeline,
        drivers,
        options,
        part: 0..pipeline.stages.len(),
        plan: Plan {
            secrets: options.secrets.local_values(),
            ..Plan::default()
        },
        refusals: Vec::new(),
    };
    planner.check_command_line();
    planner.check_secrets();
    planner.choose_part();
    planner.variables();
    for stage in &pipeline.stages {
        let plans = stage
            .actions
            .iter()
            .map(|action| planner.action(stage, action))
            .collect();
        planner.plan.actions.push(plans);
    }
    planner.share_out_the_checkout();
    planner.builds();
    for (index, stage) in pipeline.stages.iter().enumerate() {
        planner.rules(index, stage);
    }
    planner.references();
    (planner.plan, planner.refusals)
}

/// Why a pipeline cannot run whose stages or actions depend on conditions that only a template decides.
pub fn undecided(names: &[String]) -> Vec<Refusal> {
    let refusal = |name: &String| Refusal {
        kind: RefusalKind::Impossible,
        place: None,
        message: format!("a part of the pipeline depends on the template's condition `{name}`"),
        help: Some(format!("say how it comes out: `--condition {name}=true`, or `=false`")),
    };
    names.iter().map(refusal).collect()
}

struct Planner<'a> {
    pipeline: &'a ir::Pipeline,
    drivers: &'a dyn Drivers,
    options: &'a RunOptions,
    /// The stages that are carried out.
    part: Range<usize>,
    plan: Plan,
    refusals: Vec<Refusal>,
}

impl Planner<'_> {
    fn refuse(&mut self, kind: RefusalKind, place: Option<String>, message: String, help: Option<String>) {
        let refusal = Refusal {
            kind,
            place,
            message,
            help,
        };
        let stage = refusal.stage().and_then(|stage| stage_index(self.pipeline, stage));
        let is_meant = stage.is_none_or(|stage| self.part.contains(&stage));
        if is_meant && !self.refusals.contains(&refusal) {
            self.refusals.push(refusal);
        }
    }

    fn usage(&mut self, message: String, help: String) {
        self.refuse(RefusalKind::Usage, None, message, Some(help));
    }

    fn impossible(&mut self, place: &str, message: impl Into<String>, help: impl Into<String>) {
        let place = Some(place.to_owned());
        self.refuse(RefusalKind::Impossible, place, message.into(), Some(help.into()));
    }

    /// What would fail in any case.
    fn failed(&mut self, place: &str, failure: Failure) {
        let place = Some(place.to_owned());
        self.refuse(RefusalKind::Impossible, place, failure.message, failure.help);
    }

    fn check_command_line(&mut self) {
        for (name, _) in &self.options.variables {
            if !self
                .pipeline
                .variables
                .iter()
                .any(|variable| variable.name.value == *name)
            {
                let known = self
                    .pipeline
                    .variables
                    .iter()
                    .map(|variable| variable.name.value.as_str());
                let message = format!("`--var {name}=…`: the pipeline has no variable `{name}`");
                self.usage(message, say_known("its variables are", known));
            }
        }
        let pipeline = self.pipeline;
        let sources = || {
            let actions = pipeline.stages.iter().flat_map(|stage| &stage.actions);
            actions.filter(|action| action.type_id.is_source())
        };
        let options = self.options;
        for (option, given) in [("--source", &options.sources), ("--revision", &options.revisions)] {
            for (name, _) in given {
                if !sources().any(|action| is_called(action, name)) {
                    let known = sources().map(|action| action.name.value.as_str());
                    let message = format!("`{option} {name}=…`: the pipeline has no source action `{name}`");
                    self.usage(message, say_known("its sources are", known));
                }
            }
        }
    }

    /// What is not carried out cannot stand in the way.
    fn choose_part(&mut self) {
        match part(self.pipeline, self.options) {
            Ok(part) => self.part = part,
            Err(stage) => {
                let stages = self.pipeline.stages.iter().map(|stage| stage.name.value.as_str());
                let help = say_known("its stages are", stages);
                self.usage(format!("the pipeline has no stage `{stage}`"), help);
            }
        }
    }

    fn check_secrets(&mut self) {
        if let Err(failure) = self.options.secrets.check() {
            let help = "correct the file that `--secrets` names".to_owned();
            self.refuse(RefusalKind::Usage, None, failure.message, Some(help));
        }
    }

    fn variables(&mut self) {
        for variable in &self.pipeline.variables {
            let name = &variable.name.value;
            let given = self.options.variables.iter().rev().find(|(given, _)| given == name);
            let default = variable.default.as_ref().map(|default| &default.value);
            if let Some(value) = given.map(|(_, value)| value).or(default) {
                self.plan.variables.insert(name.clone(), value.clone());
            } else {
                self.refuse(
                    RefusalKind::Impossible,
                    None,
                    format!("the pipeline variable `{name}` has no value and no default"),
                    Some(format!("give it one: `--var {name}=…`")),
                );
            }
        }
    }

    fn action(&mut self, stage: &ir::Stage, action: &ir::Action) -> ActionPlan {
        let place = place(stage, action);
        let settings = Settings::read(&action.local).unwrap_or_else(|problem| {
            self.impossible(&place, problem, "correct its `local` block");
            Settings::default()
        });
        let source = self
            .options
            .sources
            .iter()
            .rev()
            .find(|(name, _)| action.type_id.is_source() && is_called(action, name))
            .map(|(_, source)| source.clone());
        let (how, driver) = self.choose(&place, action, &settings, source.as_deref());
        let revisions = self.revisions(&place, action);
        self.collect_secrets(&place, action, &settings);
        self.check_shell(&place, action, driver, &settings);
        if driver == Driver::FileSource && source.is_none() {
            self.check_path(&place, action, &settings);
        }
        if driver == Driver::Simulate {
            for folder in &settings.files {
                if !self.options.project_dir.join(folder).exists() {
                    let message = format!("the local setting `files` names `{folder}`, which does not exist");
                    self.impossible(&place, message, "name a file or folder beside the pipeline");
                }
            }
        }
        if driver == Driver::Pipeline
            && let Err(failures) = drivers::pipeline::check(action, self.pipeline, self.drivers, self.options)
        {
            for failure in failures {
                self.failed(&place, failure);
            }
        }
        ActionPlan {
            how,
            driver,
            settings,
            source,
            revisions,
        }
    }

    fn revisions(&mut self, place: &str, action: &ir::Action) -> Vec<Revision> {
        let mut out = Vec::new();
        for (name, text) in &self.options.revisions {
            if action.type_id.is_source() && is_called(action, name) {
                match Revision::read(text, action) {
                    Ok(revision) => out.push(revision),
                    Err(problem) => {
                        let message = format!("`--revision {name}={text}`: {problem}");
                        let help = Some("correct it, or leave it out".to_owned());
                        self.refuse(RefusalKind::Usage, Some(place.to_owned()), message, help);
                    }
                }
            }
        }
        out
    }

    fn choose(&mut self, place: &str, action: &ir::Action, settings: &Settings, source: Option<&str>) -> (How, Driver) {
        if settings.run.is_some() && source.is_none() {
            return (How::StoodIn, Driver::StandIn);
        }
        let Some(name) = self.drivers.driver(&action.type_id) else {
            if !settings.outputs.is_empty() || !settings.files.is_empty() {
                return (How::Simulated, Driver::Simulate);
            }
            self.impossible(
                place,
                format!("nothing here can carry out or check `{}`", action.type_id),
                "let a command of yours stand in for it: `local { run = \"…\" }`; or simulate it: `local { outputs = { … } }`",
            );
            return (How::Simulated, Driver::Simulate);
        };
        match Driver::from_name(&name) {
            // What it gives is said: then it need not run.
            Some(Driver::Pipeline) if action.local.settings.contains_key("outputs") => {
                (How::Simulated, Driver::Simulate)
            }
            Some(Driver::Simulate) => (How::Simulated, Driver::Simulate),
            Some(driver) => (How::CarriedOut, driver),
            None => {
                let message = format!("its provider names the driver `{name}`, which does not exist");
                self.impossible(
                    place,
                    message,
                    "let a command of yours stand in for it: `local { run = \"…\" }`",
                );
                (How::Simulated, Driver::Simulate)
            }
        }
    }

    fn check_shell(&mut self, place: &str, action: &ir::Action, driver: Driver, settings: &Settings) {
        if driver == Driver::Shell
            && let Err(failure) = shell::check(action)
        {
            self.failed(place, failure);
        }
        if let Some(name) = &settings.shell
            && let Err(failure) = drivers::find_shell(name)
        {
            self.failed(
                place,
                failure.with_help("install it, or correct the local setting `shell`"),
            );
        }
    }

    fn check_path(&mut self, place: &str, action: &ir::Action, settings: &Settings) {
        match &settings.path {
            Some(path) if !self.options.project_dir.join(path).exists() => {
                let message = format!("its local setting `path` names `{path}`, which does not exist");
                self.impossible(place, message, "name a file or folder beside the pipeline");
            }
            Some(_) => {}
            // An image can be described without having it.
            None if action.type_id.provider == "ECR" => {}
            None => self.impossible(
                place,
                "nobody says which files stand for this source here",
                format!(
                    "add `local {{ path = \"…\" }}` to it, or give `--source {}=PATH`",
                    action.name
                ),
            ),
        }
    }

    fn collect_secrets(&mut self, place: &str, action: &ir::Action, settings: &Settings) {
        for (name, value) in &settings.secrets {
            self.plan.secrets.insert(name.clone(), value.clone());
        }
        let mut wanted: Vec<String> = action
            .environment
            .iter()
            .filter(|variable| variable.kind != EnvironmentKind::Plaintext)
            .filter_map(|variable| variable.value.value.as_literal().map(str::to_owned))
            .collect();
        if let Some(entry) = action.configuration.get("EnvironmentVariables") {
            wanted.extend(secrets::names_in(&entry.value.to_string()));
        }
        if settings.run.is_some() {
            // The command decides what it needs; what is known is handed to it.
            wanted.retain(|name| self.find_secret(name).is_some());
        }
        for name in wanted {
            if let Some(value) = self.find_secret(&name) {
                self.plan.secrets.insert(name, value);
            } else {
                self.failed(place, secrets::missing(&name, self.options));
            }
        }
    }

    fn find_secret(&self, name: &str) -> Option<String> {
        let known = self.plan.secrets.get(name).cloned();
        known.or_else(|| secrets::find(name, self.options))
    }

    /// One checkout cannot be two repositories: where several sources are git repositories, only that which the checkout
    /// was cloned from may take it.
    fn share_out_the_checkout(&mut self) {
        let mut takers: BTreeMap<String, Vec<ActionRef>> = BTreeMap::new();
        for (stage, plans) in self.plan.actions.iter().enumerate() {
            for (action, plan) in plans.iter().enumerate() {
                if plan.driver == Driver::GitSource && plan.source.is_none() && plan.settings.path.is_none() {
                    let at = ActionRef { stage, action };
                    let repository = git_source::repository_of(&self.pipeline.stages[stage].actions[action]);
                    takers.entry(repository).or_default().push(at);
                }
            }
        }
        if takers.len() < 2 {
            return;
        }
        let here = git_source::remote_name(&self.options.project_dir);
        for (repository, actions) in takers {
            if here
                .as_deref()
                .is_some_and(|here| git_source::is_same_repository(here, &repository))
            {
                continue;
            }
            for at in actions {
                let stage = &self.pipeline.stages[at.stage];
                let action = &stage.actions[at.action];
                let message = match &here {
                    Some(here) => format!("this checkout is `{here}`, not `{repository}`"),
                    None => format!("nothing says that this checkout is `{repository}` rather than another source"),
                };
                let help = format!(
                    "say where it is: `--source {}=PATH|URL[@REV]`, or `local {{ path = \"…\" }}`",
                    action.name
                );
                self.impossible(&place(stage, action), message, help);
            }
        }
    }

    /// Looks into the buildspecs that can be seen already: in the text itself, or in a folder that a source takes as it is.
    fn builds(&mut self) {
        for (index, stage) in self.pipeline.stages.iter().enumerate() {
            for (action_index, action) in stage.actions.iter().enumerate() {
                if self.plan.actions[index][action_index].driver == Driver::Buildspec
                    && let Err(failure) = self.build(&self.plan.actions[index][action_index], action)
                {
                    self.failed(&place(stage, action), failure);
                }
            }
        }
    }

    fn build(&self, plan: &ActionPlan, action: &ir::Action) -> Result<(), Failure> {
        let entry = |key: &str| action.configuration.get(key).map(|entry| entry.value.as_literal());
        let is_open = |key: &str| matches!(entry(key), Some(None));
        // It depends on variables.
        if is_open("BatchEnabled") || (is_open("BuildspecOverride") && plan.settings.buildspec.is_none()) {
            return Ok(());
        }
        let first = || action.inputs.first().map(|input| input.value.as_str());
        let source_name = entry("PrimarySource").flatten().or_else(first).unwrap_or_default();
        let source = self.source_folder(source_name);
        ahead::check(&ahead::Build {
            place: ahead::Place {
                local: plan.settings.buildspec.as_deref(),
                chosen: entry("BuildspecOverride").flatten(),
                source: source.as_deref(),
                source_name,
                project: &self.options.project_dir,
            },
            shell: plan.settings.shell.as_deref(),
            is_batch: entry("BatchEnabled").flatten().is_some_and(buildspec::is_true),
            combines: entry("CombineArtifacts").flatten().is_some_and(buildspec::is_true),
            outputs: action.outputs.iter().map(|output| output.name.value.as_str()).collect(),
            secret: &|name| self.find_secret(name),
            options: self.options,
        })
    }

    /// The folder that an artifact will be made of, if it comes from a source that takes one as it is.
    fn source_folder(&self, artifact: &str) -> Option<PathBuf> {
        let plans = self.plan.actions.iter().flatten();
        let actions = self.pipeline.stages.iter().flat_map(|stage| &stage.actions);
        let gives = |action: &ir::Action| action.outputs.iter().any(|output| output.name.value == artifact);
        let (plan, _) = plans.zip(actions).find(|(_, action)| gives(action))?;
        let folder = match plan.driver {
            Driver::GitSource => git_source::folder(plan, self.options),
            Driver::FileSource => file_source::path(plan, self.options),
            _ => None,
        };
        folder.filter(|folder| folder.is_dir())
    }

    fn rules(&mut self, index: usize, stage: &ir::Stage) {
        let failure = stage.on_failure.as_ref().and_then(|failure| failure.condition.as_ref());
        let conditions = [
            (Position::BeforeEntry, stage.before_entry.as_ref()),
            (Position::OnSuccess, stage.on_success.as_ref()),
            (Position::OnFailure, failure),
        ];
        for (position, condition) in conditions {
            for (rule_index, rule) in condition.iter().flat_map(|condition| &condition.rules).enumerate() {
                let driver = self.drivers.driver(&rule.type_id);
                let driver = driver
                    .as_deref()
                    .and_then(Driver::from_name)
                    .unwrap_or(Driver::Simulate);
                let at = RuleRef {
                    stage: index,
                    position,
                    rule: rule_index,
                };
                // A CodeBuild project is known only by its name here: without an input there is no buildspec to carry out.
                let driver = match driver {
                    // Java understands more: then it is one of those that are not evaluated here.
                    Driver::VariableCheck if !drivers::variable_check::can_be_made(rule) => Driver::Simulate,
                    Driver::VariableCheck | Driver::DeploymentWindow | Driver::Shell => driver,
                    Driver::Buildspec if !rule.inputs.is_empty() => driver,
                    _ => Driver::Simulate,
                };
                self.plan.rules.insert(at, driver);
                let place = rule_place(stage, position, rule);
                if driver == Driver::DeploymentWindow
                    && let Err(problem) = drivers::deployment_window::check(rule)
                {
                    self.impossible(
                        &place,
                        problem,
                        "correct it: six fields (the first is `*`), and optionally a year",
                    );
                }
            }
        }
    }

    /// Every reference must get its value: from a driver that gives such a variable, or from `local { outputs = … }`.
    fn references(&mut self) {
        let mut missing = BTreeSet::new();
        let actions = self.pipeline.stages[self.part.clone()]
            .iter()
            .flat_map(|stage| &stage.actions);
        for action in actions {
            let configuration = action.configuration.values().map(|entry| &entry.value);
            let commands = action.commands.iter().map(|command| &command.value);
            let environment = action.environment.iter().map(|variable| &variable.value.value);
            for reference in configuration
                .chain(commands)
                .chain(environment)
                .flat_map(ir::Text::variables)
            {
                if reference.namespace != PIPELINE && reference.namespace != EXECUTION {
                    missing.insert((reference.namespace.clone(), reference.key.clone()));
                }
            }
        }
        for (index, stage) in self.pipeline.stages.iter().enumerate() {
            for (action_index, action) in stage.actions.iter().enumerate() {
                let Some(namespace) = &action.namespace else { continue };
                let plan = &self.plan.actions[index][action_index];
                let gives: Vec<String> = missing
                    .iter()
                    .filter(|(wanted, key)| *wanted == namespace.value && !gives(plan, action, key))
                    .map(|(_, key)| key.clone())
                    .collect();
                for key in gives {
                    self.impossible(
                        &place(stage, action),
                        format!("its output variable `{key}` is used, and nothing gives it a value here"),
                        format!("add `local {{ outputs = {{ {key} = \"…\" }} }}` to it"),
                    );
                }
            }
        }
    }
}

/// Whether the action's driver can give the output variable `key`.
fn gives(plan: &ActionPlan, action: &ir::Action, key: &str) -> bool {
    plan.settings.outputs.contains_key(key)
        || match plan.driver {
            Driver::GitSource => git_source::VARIABLES.contains(&key),
            Driver::FileSource => drivers::file_source::variables_of(action).contains(&key),
            Driver::Simulate => drivers::simulate::gives(action, key),
            Driver::Shell => action.output_variables.iter().any(|variable| variable.value == key),
            Driver::S3Deploy
            | Driver::Pipeline
            | Driver::Approval
            | Driver::VariableCheck
            | Driver::DeploymentWindow => false,
            // What a build exports is known when it has ended.
            Driver::Buildspec | Driver::StandIn => true,
        }
}

/// `Prod/rollout`, as people see it.
pub fn place(stage: &ir::Stage, action: &ir::Action) -> String {
    format!("{}/{}", stage.name, action.name)
}

/// `Prod, before entry, rule alarms`
pub fn rule_place(stage: &ir::Stage, position: Position, rule: &ir::Rule) -> String {
    format!("{}, {}, rule {}", stage.name, position.words(), rule.name)
}

/// The stage of this name, or of this identifier in the file.
pub fn stage_index(pipeline: &ir::Pipeline, name: &str) -> Option<usize> {
    let by = |is: &dyn Fn(&ir::Stage) -> bool| pipeline.stages.iter().position(is);
    by(&|stage| stage.name.value == name).or_else(|| by(&|stage| stage.handle.0 == name))
}

/// The stages that the options ask for; `Err`: one that does not exist.
pub fn part<'a>(pipeline: &ir::Pipeline, options: &'a RunOptions) -> Result<Range<usize>, &'a str> {
    let index = |name: &'a String| stage_index(pipeline, name).ok_or(name.as_str());
    let first = options.first_stage.as_ref().map(index).transpose()?;
    let last = options.last_stage.as_ref().map(index).transpose()?;
    let end = last.map_or(pipeline.stages.len(), |last| last + 1);
    Ok(first.unwrap_or(0).min(end)..end)
}

/// Whether `name` on the command line means this action: its name, or the identifier in the file.
fn is_called(action: &ir::Action, name: &str) -> bool {
    action.name.value == name || action.handle.0 == name
}

fn say_known<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        "leave it out: there are none".to_owned()
    } else {
        format!("{what} {}", names.join(", "))
    }
}

/// What stands for the user's type id in messages: `deploy.ecs`, or the id itself.
pub fn provider_name(drivers: &dyn Drivers, type_id: &TypeId) -> String {
    drivers.provider(type_id).unwrap_or_else(|| type_id.to_string())
}

/// Where the run's state lies.
pub fn state_dir(options: &RunOptions) -> PathBuf {
    let default = || options.project_dir.join(".pipe");
    options.state_dir.as_deref().map_or_else(default, Path::to_path_buf)
}
