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
            let bucket = setting("BucketName").unwrap_or_default();
            let key = setting("ObjectKey").unwrap_or_default();
            let to = format!("{bucket}/{}", key.trim_matches('/'));
            format!("{how} to s3/{} in the state", to.trim_end_matches('/'))
        }
        Driver::Pipeline => format!("runs the pipeline {}", setting("PipelineName").unwrap_or_default()),
        Driver::Simulate => "checks what can be checked, and does nothing".to_owned(),
        Driver::StandIn => {
            let command = plan.settings.run.as_deref().unwrap_or_default().trim();
            format!("runs your command `{}`", first_line(command))
        }
        // These are of rules.
        Driver::VariableCheck | Driver::DeploymentWindow => String::new(),
    }
}

/// ``asks the clock: is it within `* * 9-17 ? * MON-FRI`, UTC?``
pub(super) fn of_rule(rule: &Rule, driver: Driver) -> String {
    let setting = |key: &str| {
        let entry = rule.configuration.get(key);
        entry.map(|entry| entry.value.to_string()).unwrap_or_default()
    };
    match driver {
        Driver::Shell => format!("runs {}", count(rule.commands.len(), "command")),
        Driver::Buildspec => {
            let chosen = rule.configuration.get("BuildspecOverride");
            let chosen = chosen.and_then(|entry| Text::as_literal(&entry.value));
            format!("carries out {}", buildspec(chosen))
        }
        Driver::VariableCheck => {
            let (variable, value) = (setting("Variable"), setting("Value"));
            format!("compares: `{variable}` {} `{value}`?", setting("Operator"))
        }
        Driver::DeploymentWindow => {
            let zone = Some(setting("TimeZone")).filter(|zone| !zone.is_empty());
            let zone = zone.unwrap_or_else(|| "UTC".to_owned());
            format!("asks the clock: is it within `{}`, {zone}?", setting("Cron"))
        }
        _ => "counts as satisfied".to_owned(),
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
