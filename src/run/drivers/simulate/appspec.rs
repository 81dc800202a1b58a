//! AppSpec files of AWS CodeDeploy: for servers, for Amazon ECS, for Lambda functions.

use super::containers::container_exists;
use super::document::{Checked, Problem, field, list, object, only, scalar, text};
use crate::import::tree::Tree;

/// The moments of a deployment at which scripts can run; a server's others belong to CodeDeploy.
const SERVER_HOOKS: [&str; 9] = [
    "ApplicationStop",
    "BeforeInstall",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
    "BeforeBlockTraffic",
    "AfterBlockTraffic",
    "BeforeAllowTraffic",
    "AfterAllowTraffic",
];
const ECS_HOOKS: [&str; 5] = [
    "BeforeInstall",
    "AfterInstall",
    "AfterAllowTestTraffic",
    "BeforeAllowTraffic",
    "AfterAllowTraffic",
];
const LAMBDA_HOOKS: [&str; 2] = ["BeforeAllowTraffic", "AfterAllowTraffic"];

/// What an AppSpec is held against.
pub(super) struct Around<'a> {
    /// Whether the artifact has a file, or a folder, of this path.
    pub(super) has: &'a dyn Fn(&str) -> bool,
    /// The task definition's containers, if there is one.
    pub(super) containers: Option<Vec<&'a str>>,
    /// Whether the action registers a task definition, whose name it puts into the AppSpec.
    pub(super) registers: bool,
}

pub(super) fn check(tree: &Tree, around: &Around<'_>) -> Checked {
    let version = field(tree, "version", "the AppSpec")?;
    if scalar(version).as_deref() != Some("0.0") {
        return Err(Problem::at(version, "the only `version` is 0.0").with_help("write `version: 0.0`"));
    }
    match tree.get("Resources").or_else(|| tree.get("resources")) {
        Some(resources) => cloud(tree, resources, around),
        None => server(tree, around),
    }
}

fn server(tree: &Tree, around: &Around<'_>) -> Checked {
    only(
        tree,
        "the AppSpec",
        &["version", "os", "files", "file_exists_behavior", "hooks", "permissions"],
    )?;
    let os = field(tree, "os", "the AppSpec")?;
    if !matches!(os.as_str(), Some("linux" | "windows")) {
        return Err(Problem::at(os, "`os` is `linux` or `windows`"));
    }
    if let Some(files) = tree.get("files") {
        for file in list(files, "`files`")? {
            let source = field(file, "source", "an entry of `files`")?;
            exists(source, text(source, "`source`")?, around)?;
            text(field(file, "destination", "an entry of `files`")?, "`destination`")?;
        }
    }
    let Some(hooks) = tree.get("hooks") else { return Ok(()) };
    only(hooks, "`hooks`", &SERVER_HOOKS)?;
    for (hook, scripts) in object(hooks, "`hooks`")? {
        for script in list(scripts, &format!("`{}`", hook.value))? {
            only(script, "a script", &["location", "timeout", "runas"])?;
            let location = field(script, "location", "a script")?;
            exists(location, text(location, "`location`")?, around)?;
            if let Some(timeout) = script.get("timeout")
                && scalar(timeout)
                    .and_then(|seconds| seconds.parse::<u32>().ok())
                    .is_none()
            {
                return Err(Problem::at(timeout, "`timeout` is a number of seconds"));
            }
        }
    }
    Ok(())
}

fn exists(at: &Tree, path: &str, around: &Around<'_>) -> Checked {
    let below = path.trim_start_matches("./").trim_matches('/');
    if below.is_empty() || (around.has)(below) {
        return Ok(());
    }
    Err(Problem::at(at, format!("the artifact has no file or folder `{path}`"))
        .with_help("let the action that makes the artifact put it in, or correct the path"))
}

/// For Amazon ECS and Lambda: resources, and functions as hooks.
fn cloud(tree: &Tree, resources: &Tree, around: &Around<'_>) -> Checked {
    let mut is_ecs = false;
    for resource in list(resources, "`Resources`")? {
        for (name, resource) in object(resource, "a resource")? {
            let kind = field(resource, "Type", &format!("`{}`", name.value))?;
            let properties = field(resource, "Properties", &format!("`{}`", name.value))?;
            match kind.as_str() {
                Some("AWS::ECS::Service") => {
                    is_ecs = true;
                    service(properties, around)?;
                }
                Some("AWS::Lambda::Function") => {
                    for key in ["Name", "Alias", "CurrentVersion", "TargetVersion"] {
                        field(properties, key, "`Properties`")?;
                    }
                }
                _ => {
                    let message = "`Type` is `AWS::ECS::Service` or `AWS::Lambda::Function`";
                    return Err(Problem::at(kind, message));
                }
            }
        }
    }
    let Some(hooks) = tree.get("Hooks").or_else(|| tree.get("hooks")) else {
        return Ok(());
    };
    for hook in list(hooks, "`Hooks`")? {
        let known: &[&str] = if is_ecs { &ECS_HOOKS } else { &LAMBDA_HOOKS };
        only(hook, "a hook", known)?;
    }
    Ok(())
}

fn service(properties: &Tree, around: &Around<'_>) -> Checked {
    let task_definition = field(properties, "TaskDefinition", "`Properties`")?;
    let name = text(task_definition, "`TaskDefinition`")?;
    if around.registers && name != "<TASK_DEFINITION>" {
        return Err(Problem::at(task_definition, format!("`TaskDefinition` is `{name}`"))
            .with_help("write `<TASK_DEFINITION>`: the action puts what it has registered there"));
    }
    let balancer = field(properties, "LoadBalancerInfo", "`Properties`")?;
    let name = field(balancer, "ContainerName", "`LoadBalancerInfo`")?;
    field(balancer, "ContainerPort", "`LoadBalancerInfo`")?;
    match &around.containers {
        Some(known) => container_exists(name, known),
        None => Ok(()),
    }
}
