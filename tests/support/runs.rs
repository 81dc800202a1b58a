//! Pipelines to run, built without the front end, and a place to run them in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pipe::ir::{self, Node, Text, TypeId};
use pipe::run::event::{Event, Record};
use pipe::run::outcome::{Failure, Status};
use pipe::run::{Drivers, RunOptions, RunOutcome, Show, journal, run};

/// The drivers as the library's providers name them.
pub(crate) struct StandardDrivers;

impl Drivers for StandardDrivers {
    fn driver(&self, type_id: &TypeId) -> Option<String> {
        let driver = match (type_id.category.as_str(), type_id.provider.as_str()) {
            ("Source", "S3" | "ECR") => "file_source",
            ("Source", _) => "git_source",
            ("Rule", "VariableCheck") => "variable_check",
            ("Rule", "DeploymentWindow") => "deployment_window",
            (_, "Commands") => "shell",
            (_, "CodeBuild") => "buildspec",
            ("Approval", _) => "approval",
            ("Invoke", "CodePipeline") => "pipeline",
            ("Deploy", "S3") => "s3_deploy",
            (_, "Unknown") => return None,
            _ => "simulate",
        };
        Some(driver.to_owned())
    }
}

fn node<T>(value: T) -> Node<T> {
    Node::new(value, ir::Origin::default())
}

fn text(value: &str) -> Text {
    Text::parse(value, ir::Origin::default())
}

pub(crate) fn action(name: &str, type_id: &str) -> ir::Action {
    ir::Action {
        handle: ir::Handle(name.to_owned()),
        name: node(name.to_owned()),
        type_id: TypeId::parse(type_id).unwrap(),
        run_order: 1,
        configuration: ir::Configuration::new(),
        commands: Vec::new(),
        environment: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        output_variables: Vec::new(),
        role_arn: None,
        region: None,
        namespace: Some(node(name.to_owned())),
        timeout_minutes: None,
        exports: Vec::new(),
        when: Vec::new(),
        local: ir::Local::default(),
        origin: ir::Origin::default(),
        incomplete: false,
    }
}

/// A git source whose output is called as it is.
pub(crate) fn source(name: &str) -> ir::Action {
    action(name, "Source/AWS/CodeStarSourceConnection/1").output(name, &[])
}

pub(crate) fn commands(name: &str, commands: &[&str]) -> ir::Action {
    let mut out = action(name, "Compute/AWS/Commands/1");
    out.commands = commands.iter().map(|command| node(text(command))).collect();
    out
}

pub(crate) fn build(name: &str) -> ir::Action {
    action(name, "Build/AWS/CodeBuild/1").set("ProjectName", "demo")
}

/// Says of an action what a file would say.
pub(crate) trait ActionExt: Sized {
    fn input(self, name: &str) -> Self;
    fn output(self, name: &str, files: &[&str]) -> Self;
    fn set(self, key: &str, value: &str) -> Self;
    fn env(self, name: &str, value: &str, kind: ir::EnvironmentKind) -> Self;
    fn gives(self, variable: &str) -> Self;
    fn step(self, run_order: u32) -> Self;
    fn local(self, name: &str, value: serde_json::Value) -> Self;
}

impl ActionExt for ir::Action {
    fn input(mut self, name: &str) -> Self {
        self.inputs.push(node(name.to_owned()));
        self
    }

    fn output(mut self, name: &str, files: &[&str]) -> Self {
        self.outputs.push(ir::OutputArtifact {
            handle: ir::Handle(name.to_owned()),
            name: node(name.to_owned()),
            files: files.iter().map(|pattern| node((*pattern).to_owned())).collect(),
        });
        self
    }

    fn set(mut self, key: &str, value: &str) -> Self {
        self.configuration.insert(key.to_owned(), entry(value));
        self
    }

    fn env(mut self, name: &str, value: &str, kind: ir::EnvironmentKind) -> Self {
        self.environment.push(ir::EnvironmentVariable {
            name: node(name.to_owned()),
            value: node(text(value)),
            kind,
        });
        self
    }

    fn gives(mut self, variable: &str) -> Self {
        self.output_variables.push(node(variable.to_owned()));
        self
    }

    fn step(mut self, run_order: u32) -> Self {
        self.run_order = run_order;
        self
    }

    fn local(mut self, name: &str, value: serde_json::Value) -> Self {
        let setting = ir::LocalSetting {
            value,
            origin: ir::Origin::default(),
            key_origin: ir::Origin::default(),
        };
        self.local.settings.insert(name.to_owned(), setting);
        self
    }
}

fn entry(value: &str) -> ir::ConfigEntry {
    ir::ConfigEntry {
        value: text(value),
        origin: ir::Origin::default(),
        key_origin: ir::Origin::default(),
    }
}

pub(crate) fn stage(name: &str, actions: Vec<ir::Action>) -> ir::Stage {
    ir::Stage {
        handle: ir::Handle(name.to_owned()),
        name: node(name.to_owned()),
        actions,
        before_entry: None,
        on_success: None,
        on_failure: None,
        when: Vec::new(),
        origin: ir::Origin::default(),
        incomplete: false,
    }
}

pub(crate) fn rule(name: &str, provider: &str, configuration: &[(&str, &str)]) -> ir::Rule {
    ir::Rule {
        handle: ir::Handle(name.to_owned()),
        name: node(name.to_owned()),
        type_id: TypeId::parse(&format!("Rule/AWS/{provider}/1")).unwrap(),
        configuration: configuration
            .iter()
            .map(|(key, value)| ((*key).to_owned(), entry(value)))
            .collect(),
        commands: Vec::new(),
        inputs: Vec::new(),
        role_arn: None,
        region: None,
        timeout_minutes: None,
        incomplete: false,
        origin: ir::Origin::default(),
    }
}

pub(crate) fn condition(result: ir::ConditionResult, rules: Vec<ir::Rule>) -> ir::Condition {
    ir::Condition {
        result: Some(node(result)),
        rules,
        origin: ir::Origin::default(),
    }
}

pub(crate) fn retry(mode: ir::RetryMode) -> ir::FailureHandling {
    ir::FailureHandling {
        result: Some(node(ir::ConditionResult::Retry)),
        retry_mode: Some(node(mode)),
        condition: None,
        origin: ir::Origin::default(),
    }
}

pub(crate) fn pipeline(stages: Vec<ir::Stage>) -> ir::Pipeline {
    ir::Pipeline {
        handle: ir::Handle("demo".to_owned()),
        name: node("demo".to_owned()),
        role_arn: None,
        stores: ir::Stores::Missing,
        pipeline_type: node(ir::PipelineType::V2),
        execution_mode: None,
        variables: Vec::new(),
        triggers: Vec::new(),
        stages,
        tags: Vec::new(),
        deployment: ir::Deployment::default(),
        origin: ir::Origin::default(),
        incomplete: false,
    }
}

pub(crate) fn variable(name: &str, default: Option<&str>) -> ir::Variable {
    ir::Variable {
        name: node(name.to_owned()),
        default: default.map(|default| node(default.to_owned())),
        description: None,
        origin: ir::Origin::default(),
    }
}

/// A folder with a pipeline's files.
pub(crate) struct Project {
    temp: tempfile::TempDir,
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) outcome: RunOutcome,
    pub(crate) records: Vec<Record>,
    pub(crate) run_dir: PathBuf,
    /// By `Stage/action`.
    logs: BTreeMap<String, String>,
}

impl Project {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let project = Self { temp };
        for (path, content) in files {
            project.file(path, content);
        }
        project
    }

    pub(crate) fn file(&self, path: &str, content: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.temp.path()
    }

    pub(crate) fn options(&self) -> RunOptions {
        RunOptions {
            project_dir: self.path().to_path_buf(),
            show: Show::Nothing,
            jobs: Some(8),
            ..RunOptions::default()
        }
    }

    pub(crate) fn run(&self, pipeline: &ir::Pipeline) -> Ran {
        self.run_with(pipeline, &self.options())
    }

    pub(crate) fn run_with(&self, pipeline: &ir::Pipeline, options: &RunOptions) -> Ran {
        let outcome = run(pipeline, &StandardDrivers, options);
        let state = options.state_dir.clone().unwrap_or_else(|| self.path().join(".pipe"));
        let newest = fs::read_dir(state.join("runs"))
            .into_iter()
            .flatten()
            .flatten()
            .max_by_key(|entry| {
                let metadata = entry.metadata().unwrap();
                metadata.created().or_else(|_| metadata.modified()).unwrap()
            });
        let run_dir = newest.map(|entry| entry.path()).unwrap_or_default();
        let records = if run_dir.as_os_str().is_empty() {
            Vec::new()
        } else {
            journal::read(&run_dir).unwrap()
        };
        let mut logs = BTreeMap::new();
        for stage in fs::read_dir(run_dir.join("logs")).into_iter().flatten().flatten() {
            for log in fs::read_dir(stage.path()).unwrap().flatten() {
                let name = format!(
                    "{}/{}",
                    stage.file_name().display(),
                    log.path().file_stem().unwrap().display()
                );
                let text = fs::read(log.path()).unwrap();
                logs.insert(name, String::from_utf8_lossy(&text).into_owned());
            }
        }
        Ran {
            outcome,
            records,
            run_dir,
            logs,
        }
    }
}

impl Ran {
    pub(crate) fn log(&self, action: &str) -> String {
        self.logs.get(action).cloned().unwrap_or_default()
    }

    /// How the actions ended, in that order: `Build/test succeeded`.
    pub(crate) fn endings(&self) -> Vec<String> {
        let ending = |record: &Record| match &record.event {
            Event::ActionFinished { name, status, .. } => Some(format!("{}/{} {status}", name.stage, name.action)),
            _ => None,
        };
        self.records.iter().filter_map(ending).collect()
    }

    pub(crate) fn failure(&self, action: &str) -> Failure {
        let found = self.records.iter().rev().find_map(|record| match &record.event {
            Event::ActionFinished {
                name,
                status: Status::Failed | Status::Abandoned,
                failure,
                ..
            } if format!("{}/{}", name.stage, name.action) == action => failure.clone(),
            _ => None,
        });
        *found.unwrap_or_else(|| panic!("{action} did not fail: {:#?}", self.records))
    }

    pub(crate) fn variable(&self, action: &str, variable: &str) -> Option<String> {
        self.records.iter().rev().find_map(|record| match &record.event {
            Event::ActionFinished { name, variables, .. } if format!("{}/{}", name.stage, name.action) == action => {
                variables.get(variable).cloned()
            }
            _ => None,
        })
    }

    /// The events' names.
    pub(crate) fn story(&self) -> Vec<String> {
        let name = |record: &Record| {
            serde_json::to_value(&record.event).unwrap()["event"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        self.records.iter().map(name).collect()
    }
}
