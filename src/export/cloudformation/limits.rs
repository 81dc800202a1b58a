//! What the resource's schema has no place for (`AWS::CodePipeline::Pipeline`, as of November 2026).
//!
//! Only what CodePipeline itself takes: the rest was reported before. So `FailureConditions.Result` and second filters of a
//! trigger, of which the schema says more, are not looked at.

use super::super::codes;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{self, Node, Origin};

/// Reports all that CloudFormation would refuse; true if there is nothing.
pub(super) fn check(pipeline: &ir::Pipeline, diags: &mut Diagnostics) -> bool {
    let mut found = Vec::new();
    for trigger in &pipeline.triggers {
        check_trigger(trigger, &mut found);
    }
    for stage in &pipeline.stages {
        check_rules(stage, &mut found);
        stage.actions.iter().for_each(|action| check_action(action, &mut found));
    }
    let is_fine = found.is_empty();
    found.into_iter().for_each(|diagnostic| diags.emit(diagnostic));
    is_fine
}

fn check_rules(stage: &ir::Stage, found: &mut Vec<Diagnostic>) {
    for rule in stage.rules() {
        if let Some(timeout) = &rule.timeout_minutes {
            let what = format!("the timeout of rule `{}`", rule.name);
            let help = "leave out `timeout`, or export to another format";
            found.push(report(&what, timeout.origin, help));
        }
    }
}

fn check_action(action: &ir::Action, found: &mut Vec<Diagnostic>) {
    let of = format!("of action `{}`", action.name);
    once("output variable", &of, &action.output_variables, found);
    for output in &action.outputs {
        once("pattern", &format!("of output `{}`", output.name), &output.files, found);
    }
}

fn check_trigger(trigger: &ir::Trigger, found: &mut Vec<Diagnostic>) {
    let of = format!("of the trigger of `{}`", trigger.source_action);
    let push = trigger.push.iter();
    let of_push = push.flat_map(|filter| [&filter.tags, &filter.branches, &filter.file_paths]);
    let pull_request = trigger.pull_request.iter();
    let of_pull_request = pull_request.flat_map(|filter| [&filter.branches, &filter.file_paths]);
    for patterns in of_push.chain(of_pull_request).flatten() {
        once("pattern", &of, &patterns.includes, found);
        once("pattern", &of, &patterns.excludes, found);
    }
}

/// CloudFormation wants each entry of a list once.
fn once(what: &str, of: &str, entries: &[Node<String>], found: &mut Vec<Diagnostic>) {
    for (at, entry) in entries.iter().enumerate() {
        if entries[..at].contains(entry) {
            found.push(report(
                &format!("{what} `{entry}` {of} twice"),
                entry.origin,
                "remove one of them",
            ));
        }
    }
}

fn report(what: &str, at: Origin, help: &str) -> Diagnostic {
    Diagnostic::new(
        &codes::NOT_IN_CLOUDFORMATION,
        at,
        format!("CloudFormation cannot say {what}"),
    )
    .with_help(help)
}
