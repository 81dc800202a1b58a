//! What a driver does with an action or a rule, in words.

use crate::ir::{Action, Rule, Text};
use crate::run::planned::{ActionPlan, Driver};
use crate::run::units::count;

/// `runs 3 commands`
pub(super) fn of_action(action: &Action, plan: &ActionPlan) -> String {
    let setting = |key: &str| action.configuration.get(key).map(|entry| entry.value.to_string());
    match plan.driver {
        Driver::GitSource => "takes files from git".to_owned(),
        Driver::FileSource => "takes files".to_owned(),
        Driver::Shell => format!("runs {}", count(action.commands.len(), "command")),
        Driver::Buildspec => {
            let chosen = plan.settings.buildspec.clone().or_else(|| setting("BuildspecOverride"));
            format!("carries out {}", buildspec(chosen.as_deref()))
        }
        Driver::Approval => "waits for an answer".to_owned(),
        Driver::S3Deploy => {
            let is_extracted = setting("Extract").is_some_and(|value| value.eq_ignore_ascii_case("true"));
            let how = if is_extracted { "unpacks" } else { "copies" };
            format!("{how} to s3/{} in the state", setting("BucketName").unwrap_or_default())
        }
        Driver::Pipeline => format!("runs the pipeline {}", setting("PipelineName").unwrap_or_default()),
        Driver::Simulate => "checks what can be checked, and does nothing".to_owned(),
        Driver::StandIn => {
            let command = plan.settings.run.as_deref().unwrap_or_default().trim();
            format!("runs your command `{}`", first_line(command))
        }
        Driver::VariableCheck | Driver::DeploymentWindow => of_driver(plan.driver).to_owned(),
    }
}

/// `asks the clock`
pub(super) fn of_rule(rule: &Rule, driver: Driver) -> String {
    match driver {
        Driver::Shell => format!("runs {}", count(rule.commands.len(), "command")),
        Driver::Buildspec => {
            let chosen = rule.configuration.get("BuildspecOverride");
            let chosen = chosen.and_then(|entry| Text::as_literal(&entry.value));
            format!("carries out {}", buildspec(chosen))
        }
        other => of_driver(other).to_owned(),
    }
}

fn of_driver(driver: Driver) -> &'static str {
    match driver {
        Driver::VariableCheck => "compares the values",
        Driver::DeploymentWindow => "asks the clock",
        _ => "counts as satisfied",
    }
}

fn buildspec(chosen: Option<&str>) -> String {
    match chosen {
        None => "the buildspec buildspec.yml".to_owned(),
        Some(text) if text.contains('\n') => "its inline buildspec".to_owned(),
        Some(path) => format!("the buildspec {path}"),
    }
}

fn first_line(command: &str) -> String {
    match command.split_once('\n') {
        None => command.to_owned(),
        Some((first, _)) => format!("{first} …"),
    }
}
