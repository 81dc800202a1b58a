//! Conditions of stages: what they may lead to, and by which rules.

use super::context::{Ctx, place};
use super::words;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{
    Condition, ConditionPosition, ConditionResult, ExecutionMode, FailureHandling, Node, Origin, Stage, codes, limits,
};

/// The rules that a condition with the result SKIP may have.
const SKIP_RULES: [&str; 2] = ["LambdaInvoke", "VariableCheck"];

pub(super) fn check(ctx: &Ctx, diags: &mut Diagnostics) {
    for (index, stage) in ctx.pipeline.stages.iter().enumerate() {
        for (position, condition) in stage.conditions() {
            one_condition(ctx, index, position, condition, diags);
        }
        if let Some(handling) = &stage.on_failure {
            on_failure(ctx, index, handling, diags);
        }
    }
}

fn word(result: ConditionResult) -> &'static str {
    match result {
        ConditionResult::Rollback => "ROLLBACK",
        ConditionResult::Fail => "FAIL",
        ConditionResult::Retry => "RETRY",
        ConditionResult::Skip => "SKIP",
    }
}

/// What a condition with rules may lead to.
fn allowed(position: ConditionPosition) -> &'static [ConditionResult] {
    match position {
        ConditionPosition::BeforeEntry => &[ConditionResult::Fail, ConditionResult::Skip],
        ConditionPosition::OnSuccess => &[ConditionResult::Rollback, ConditionResult::Fail],
        ConditionPosition::OnFailure => &[ConditionResult::Rollback],
    }
}

fn one_condition(ctx: &Ctx, index: usize, position: ConditionPosition, condition: &Condition, diags: &mut Diagnostics) {
    let stage = ctx.stage(index);
    let at = place(condition.origin, stage.origin);
    let what = format!(
        "the condition {} of stage `{}`",
        words::position(position),
        words::stage(stage)
    );
    match &condition.result {
        Some(result) => {
            result_is_allowed(&what, result, at, allowed(position), diags);
            rollback(ctx, index, result, at, diags);
            if result.value == ConditionResult::Skip {
                skip(condition, result, at, diags);
            }
        }
        None if stage.incomplete => {}
        None => without_result(&what, at, allowed(position), diags),
    }
    let most = limits::CONDITION_RULES.max;
    if let Some(rule) = condition.rules.get(most) {
        diags.emit(
            Diagnostic::new(
                &codes::TOO_MANY_RULES,
                place(rule.origin, at),
                format!("{what} has {} rules, and {most} is the most", condition.rules.len()),
            )
            .with_label(format!("the {} rule", words::ordinal(most + 1)))
            .with_help("leave some out, or check them in one Lambda function"),
        );
    }
    if condition.rules.is_empty() && !stage.incomplete {
        diags.emit(
            Diagnostic::new(&codes::CONDITION_WITHOUT_RULES, at, format!("{what} has no rules"))
                .with_help("add a rule, or remove the condition"),
        );
    }
}

fn without_result(what: &str, at: Origin, allowed: &[ConditionResult], diags: &mut Diagnostics) {
    diags.emit(
        Diagnostic::new(
            &codes::CONDITION_WITHOUT_RESULT,
            at,
            format!("{what} does not say what is to happen"),
        )
        .with_help(format!("give it a result: {}", list(allowed))),
    );
}

fn list(results: &[ConditionResult]) -> String {
    let words: Vec<&str> = results.iter().map(|&result| word(result)).collect();
    words.join(" or ")
}

fn result_is_allowed(
    what: &str,
    result: &Node<ConditionResult>,
    at: Origin,
    allowed: &[ConditionResult],
    diags: &mut Diagnostics,
) {
    if allowed.contains(&result.value) {
        return;
    }
    diags.emit(
        Diagnostic::new(
            &codes::CONDITION_RESULT_INVALID,
            place(result.origin, at),
            format!("{what} cannot lead to {}", word(result.value)),
        )
        .with_help(format!("use {}", list(allowed))),
    );
}

fn skip(condition: &Condition, result: &Node<ConditionResult>, at: Origin, diags: &mut Diagnostics) {
    for rule in &condition.rules {
        let provider = rule.type_id.provider.as_str();
        if SKIP_RULES.contains(&provider) || rule.incomplete {
            continue;
        }
        diags.emit(
            Diagnostic::new(
                &codes::SKIP_RULE_UNSUPPORTED,
                place(rule.origin, at),
                format!(
                    "rule `{}` is a {provider}, which cannot skip a stage",
                    words::rule(rule)
                ),
            )
            .with_other(place(result.origin, at), "SKIP is asked for here")
            .with_help(format!("use {}, or another result", SKIP_RULES.join(" or "))),
        );
    }
}

fn rollback(ctx: &Ctx, index: usize, result: &Node<ConditionResult>, at: Origin, diags: &mut Diagnostics) {
    if result.value != ConditionResult::Rollback {
        return;
    }
    let stage = ctx.stage(index);
    let at = place(result.origin, at);
    if index == 0 && holds_sources(stage) {
        diags.emit(
            Diagnostic::new(
                &codes::ROLLBACK_IN_SOURCE_STAGE,
                at,
                format!(
                    "stage `{}` holds the sources, and cannot be rolled back",
                    words::stage(stage)
                ),
            )
            .with_help("remove it: a stage is rolled back to sources that it was given before"),
        );
    }
    if let Some(mode) = &ctx.pipeline.execution_mode
        && mode.value == ExecutionMode::Parallel
    {
        diags.emit(
            Diagnostic::new(
                &codes::PARALLEL_ROLLBACK,
                at,
                format!(
                    "stage `{}` asks for a rollback, which there is none of in PARALLEL mode",
                    words::stage(stage)
                ),
            )
            .with_other(place(mode.origin, ctx.pipeline.origin), "the mode is chosen here")
            .with_help("choose the execution mode QUEUED or SUPERSEDED, or another result"),
        );
    }
}

fn holds_sources(stage: &Stage) -> bool {
    stage.actions.iter().any(|action| action.type_id.is_source())
}

/// What `onFailure` says beside a condition; the condition itself has been checked as one.
fn on_failure(ctx: &Ctx, index: usize, handling: &FailureHandling, diags: &mut Diagnostics) {
    let stage = ctx.stage(index);
    let at = place(handling.origin, stage.origin);
    let what = format!("the failure handling of stage `{}`", words::stage(stage));
    let results = [ConditionResult::Rollback, ConditionResult::Retry];
    match (&handling.result, &handling.condition) {
        (Some(result), Some(condition)) => {
            diags.emit(
                Diagnostic::new(
                    &codes::FAILURE_RESULT_WITH_CONDITIONS,
                    place(result.origin, at),
                    format!("{what} has both a result at once and a condition, and AWS takes one of them"),
                )
                .with_label("the result")
                .with_other(place(condition.origin, at), "the condition")
                .with_help("remove one of them"),
            );
            return;
        }
        (Some(result), None) => {
            result_is_allowed(&what, result, at, &results, diags);
            rollback(ctx, index, result, at, diags);
        }
        (None, Some(_)) => {}
        (None, None) if stage.incomplete => return,
        (None, None) => {
            without_result(&what, at, &results, diags);
            return;
        }
    }
    let retries = matches!(&handling.result, Some(result) if result.value == ConditionResult::Retry);
    if let Some(mode) = &handling.retry_mode
        && !retries
    {
        diags.emit(
            Diagnostic::new(
                &codes::RETRY_MODE_WITHOUT_RETRY,
                place(mode.origin, at),
                format!("{what} has a retry mode, and its result is not RETRY"),
            )
            .with_help("use the result RETRY, without rules, or remove the retry mode"),
        );
    }
}
