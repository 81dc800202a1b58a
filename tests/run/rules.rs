//! Rules: answered here where they can be, else simulated and labelled.

use pipe::ir::{ConditionResult, Rule};
use pipe::run::RunOutcome;
use pipe::run::event::{Event, RuleStatus};

use crate::support::runs::{Project, commands, condition, pipeline, rule, source, stage};

/// How the rule came out before a stage: whether it was satisfied, whether it was simulated; none if the run was refused.
fn verdict(rule: Rule) -> Option<(bool, bool)> {
    let mut guarded = stage("Guarded", vec![commands("act", &["true"])]);
    guarded.before_entry = Some(condition(ConditionResult::Fail, vec![rule]));
    let ran = Project::new(&[]).run(&pipeline(vec![stage("Source", vec![source("app")]), guarded]));
    let found = ran.records.iter().find_map(|record| match record.event {
        Event::RuleFinished { status, simulated, .. } => Some((status == RuleStatus::Succeeded, simulated)),
        _ => None,
    });
    assert_eq!(
        found.is_none(),
        ran.outcome == RunOutcome::Refused,
        "{:#?}",
        ran.records
    );
    found
}

fn compared(variable: &str, operator: &str, value: &str) -> Option<(bool, bool)> {
    let configuration = [("Variable", variable), ("Operator", operator), ("Value", value)];
    verdict(rule("check", "VariableCheck", &configuration))
}

#[test]
fn values_are_compared() {
    assert_eq!(compared("main", "EQ", "main"), Some((true, false)));
    assert_eq!(compared("main", "NE", "main"), Some((false, false)));
    assert_eq!(compared("a fix", "CONTAINS", "fix"), Some((true, false)));
    assert_eq!(compared("v1.2", "MATCHES", r"v\d+\.\d+"), Some((true, false)));
    assert_eq!(compared("v1.2-rc", "MATCHES", r"v\d+\.\d+"), Some((false, false)));
    // Only Java understands it: taken as satisfied, and labelled.
    assert_eq!(compared("v1", "MATCHES", "(?!x)v1"), Some((true, true)));
}

#[test]
fn windows_are_held_against_the_clock() {
    let window = |cron: &str, zone: &str| {
        let configuration = [("Cron", cron), ("TimeZone", zone)];
        verdict(rule("window", "DeploymentWindow", &configuration))
    };
    assert_eq!(window("* * * ? * *", "Europe/Berlin"), Some((true, false)));
    assert_eq!(window("* * * ? * * 2001", "UTC"), Some((false, false)));
    assert_eq!(window("* * * ? *", "UTC"), None);
    assert_eq!(window("* * * ? * *", "Middle/Earth"), None);
}

#[test]
fn the_others_are_labelled() {
    for provider in ["CloudWatchAlarm", "LambdaInvoke", "CodeBuild"] {
        assert_eq!(verdict(rule("other", provider, &[])), Some((true, true)), "{provider}");
    }
}
