//! Stages and steps: how many there are, what the first stage holds, where sources stand.

use std::collections::BTreeMap;

use super::context::{Ctx, place};
use super::words;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Action, ExecutionMode, Stage, codes, limits};

pub(super) fn check(ctx: &Ctx, diags: &mut Diagnostics) {
    number_of_stages(ctx, diags);
    number_of_actions(ctx, diags);
    for stage in &ctx.pipeline.stages {
        actions_of_stage(stage, diags);
        parallel_mode(ctx, stage, diags);
    }
    sources(ctx, diags);
}

fn number_of_stages(ctx: &Ctx, diags: &mut Diagnostics) {
    let pipeline = ctx.pipeline;
    let stages = pipeline.stages.len();
    let name = words::pipeline(pipeline);
    if stages < limits::STAGES.min && !pipeline.incomplete {
        let has = match stages {
            0 => "no stages".to_owned(),
            _ => "only one stage".to_owned(),
        };
        diags.emit(
            Diagnostic::new(
                &codes::TOO_FEW_STAGES,
                pipeline.origin,
                format!("pipeline `{name}` has {has}, and AWS wants two at least"),
            )
            .with_help("add a stage: the first holds the sources, the others do the work"),
        );
    } else if stages > limits::STAGES.max {
        let first_too_many = &pipeline.stages[limits::STAGES.max];
        diags.emit(
            Diagnostic::new(
                &codes::TOO_MANY_STAGES,
                place(first_too_many.origin, pipeline.origin),
                format!(
                    "pipeline `{name}` has {stages} stages, and {} is the most",
                    limits::STAGES.max
                ),
            )
            .with_label(format!("the {} stage", words::ordinal(limits::STAGES.max + 1)))
            .with_help("join stages, or let this pipeline start a second one"),
        );
    }
}

fn number_of_actions(ctx: &Ctx, diags: &mut Diagnostics) {
    let most = limits::ACTIONS_IN_PIPELINE.max;
    let count: usize = ctx.pipeline.stages.iter().map(|stage| stage.actions.len()).sum();
    if count <= most {
        return;
    }
    let Some((_, first_too_many)) = ctx.actions().nth(most) else {
        return;
    };
    diags.emit(
        Diagnostic::new(
            &codes::TOO_MANY_ACTIONS_TOTAL,
            place(first_too_many.origin, ctx.pipeline.origin),
            format!(
                "pipeline `{}` has {count} actions, and {most} is the most",
                words::pipeline(ctx.pipeline)
            ),
        )
        .with_label(format!("the {} action", words::ordinal(most + 1)))
        .with_help("split the pipeline in two, of which the first starts the second"),
    );
}

fn actions_of_stage(stage: &Stage, diags: &mut Diagnostics) {
    let name = words::stage(stage);
    if stage.actions.is_empty() && !stage.incomplete {
        diags.emit(
            Diagnostic::new(
                &codes::EMPTY_STAGE,
                stage.origin,
                format!("stage `{name}` has no actions"),
            )
            .with_help("add an action, or remove the stage"),
        );
    }
    for action in &stage.actions {
        if !limits::RUN_ORDER.holds(action.run_order as usize) {
            diags.emit(
                Diagnostic::new(
                    &codes::RUN_ORDER_RANGE,
                    place(action.origin, stage.origin),
                    format!(
                        "action `{}` has run order {}, and AWS takes 1 to {}",
                        words::action(action),
                        action.run_order,
                        limits::RUN_ORDER.max
                    ),
                )
                .with_help("count the steps of a stage from 1; gaps are allowed"),
            );
        }
    }
    if stage.actions.len() > limits::ACTIONS_IN_STAGE.max {
        crowd(stage, diags);
    }
}

/// A quota of executions that are not alone. What AWS does with the others is not said: they may wait.
fn parallel_mode(ctx: &Ctx, stage: &Stage, diags: &mut Diagnostics) {
    let Some(mode) = &ctx.pipeline.execution_mode else {
        return;
    };
    let most = limits::PARALLEL_MODE_ACTIONS.max;
    if mode.value != ExecutionMode::Parallel || stage.actions.len() <= most {
        return;
    }
    let Some(step) = stage.steps().into_iter().find(|step| step.len() > most) else {
        return;
    };
    diags.emit(
        Diagnostic::new(
            &codes::PARALLEL_MODE_CROWD,
            place(step[most].origin, stage.origin),
            format!(
                "{} actions of stage `{}` run at the same time, and an execution in PARALLEL mode runs {most}",
                step.len(),
                words::stage(stage)
            ),
        )
        .with_label(format!("the {} of them", words::ordinal(most + 1)))
        .with_other(place(mode.origin, ctx.pipeline.origin), "the mode is chosen here")
        .with_help("spread them over several steps, or choose the execution mode QUEUED or SUPERSEDED"),
    );
}

/// Of the three quotas on a stage's actions, the worst that is broken speaks.
fn crowd(stage: &Stage, diags: &mut Diagnostics) {
    let name = words::stage(stage);
    let mut steps: BTreeMap<u32, Vec<&Action>> = BTreeMap::new();
    for action in &stage.actions {
        steps.entry(action.run_order).or_default().push(action);
    }
    let mut refused = false;
    let parallel = limits::PARALLEL_ACTIONS.max;
    for actions in steps.values().filter(|actions| actions.len() > parallel) {
        refused = true;
        diags.emit(
            Diagnostic::new(
                &codes::TOO_MANY_PARALLEL_ACTIONS,
                place(actions[parallel].origin, stage.origin),
                format!(
                    "{} actions of stage `{name}` run at the same time, and {parallel} is the most",
                    actions.len()
                ),
            )
            .with_label(format!("the {} of them", words::ordinal(parallel + 1)))
            .with_help("spread them over several steps or stages"),
        );
    }
    let sequential = limits::SEQUENTIAL_ACTIONS.max;
    if let Some(actions) = steps.values().nth(sequential) {
        refused = true;
        diags.emit(
            Diagnostic::new(
                &codes::TOO_MANY_SEQUENTIAL_ACTIONS,
                place(actions[0].origin, stage.origin),
                format!(
                    "stage `{name}` has {} steps one after the other, and {sequential} is the most",
                    steps.len()
                ),
            )
            .with_label(format!("the {} step", words::ordinal(sequential + 1)))
            .with_help("spread them over several stages, or let some run at the same time"),
        );
    }
    if !refused {
        let most = limits::ACTIONS_IN_STAGE.max;
        diags.emit(
            Diagnostic::new(
                &codes::TOO_MANY_ACTIONS,
                place(stage.actions[most].origin, stage.origin),
                format!(
                    "stage `{name}` has {} actions, and AWS's list of quotas allows {most}",
                    stage.actions.len()
                ),
            )
            .with_label(format!("the {} action", words::ordinal(most + 1)))
            .with_help("spread them over several stages: the same list also allows 100, so AWS may or may not take it"),
        );
    }
}

/// Sources in the first stage, all of them, and nothing else there.
///
/// A pipeline of sources only, and one whose stages stand in the wrong order, each get one report; one with a single stage
/// has got its own already.
fn sources(ctx: &Ctx, diags: &mut Diagnostics) {
    let Some((first, later)) = ctx.pipeline.stages.split_first() else {
        return;
    };
    if later.is_empty() {
        return;
    }
    let is_source = |action: &&Action| action.type_id.is_source();
    let works = |stage: &Stage| !stage.actions.iter().all(|action| action.type_id.is_source());
    if !works(first) && !later.iter().any(works) {
        only_sources(ctx, diags);
        return;
    }

    let misplaced = |stage: &Stage, action: &Action| {
        Diagnostic::new(
            &codes::SOURCE_OUTSIDE_FIRST_STAGE,
            place(action.origin, stage.origin),
            format!(
                "source `{}` stands in stage `{}`, and AWS takes sources in the first stage only",
                words::action(action),
                words::stage(stage)
            ),
        )
    };
    let strangers: Vec<&Action> = first.actions.iter().filter(|action| !is_source(action)).collect();
    if let Some(stranger) = strangers.first()
        && strangers.len() == first.actions.len()
    {
        no_source_first(first, stranger, later, diags);
        // The sources of the stage that should be first, or of all if there is none such, have been spoken of.
        let is_sources = |stage: &Stage| !stage.actions.is_empty() && !works(stage);
        if let Some(swapped) = later.iter().position(is_sources) {
            for (_, stage) in later.iter().enumerate().filter(|&(index, _)| index != swapped) {
                for action in stage.actions.iter().filter(is_source) {
                    diags.emit(misplaced(stage, action).with_help("move it to the stage that holds the sources"));
                }
            }
        }
        return;
    }
    for action in strangers {
        diags.emit(
            Diagnostic::new(
                &codes::FIRST_STAGE_NOT_SOURCE,
                place(action.origin, first.origin),
                format!(
                    "`{}` is no source, and the first stage of a pipeline holds nothing else",
                    words::action(action)
                ),
            )
            .with_other(first.origin, format!("`{}` is the first stage", words::stage(first)))
            .with_help(format!(
                "move `{}` to a stage after `{}`",
                words::action(action),
                words::stage(first)
            )),
        );
    }
    for stage in later {
        for action in stage.actions.iter().filter(is_source) {
            diags.emit(
                misplaced(stage, action)
                    .with_other(first.origin, "the first stage")
                    .with_help(format!(
                        "move `{}` to stage `{}`",
                        words::action(action),
                        words::stage(first)
                    )),
            );
        }
    }
}

fn no_source_first(first: &Stage, stranger: &Action, later: &[Stage], diags: &mut Diagnostics) {
    let name = words::stage(first);
    let report = Diagnostic::new(
        &codes::FIRST_STAGE_NOT_SOURCE,
        place(stranger.origin, first.origin),
        format!("the first stage, `{name}`, holds no source, and a pipeline begins with its sources"),
    )
    .with_label("this is no source");
    let source = later
        .iter()
        .flat_map(|stage| stage.actions.iter().map(move |action| (stage, action)))
        .find(|(_, action)| action.type_id.is_source());
    diags.emit(match source {
        None if first.incomplete => return,
        None => report.with_help(format!("put a stage with a source action before `{name}`")),
        Some((stage, source)) => {
            let report = report.with_other(
                place(source.origin, stage.origin),
                format!("the first source is in stage `{}`", words::stage(stage)),
            );
            if stage.actions.iter().all(|action| action.type_id.is_source()) {
                report.with_help(format!("move stage `{}` before `{name}`", words::stage(stage)))
            } else {
                report.with_help(format!(
                    "put a stage before `{name}` and move the sources there, `{}` and any others",
                    words::action(source)
                ))
            }
        }
    });
}

/// Silent where something else says already what is missing: a stage's actions.
fn only_sources(ctx: &Ctx, diags: &mut Diagnostics) {
    let stages = &ctx.pipeline.stages;
    if ctx.incomplete || stages.iter().any(|stage| stage.actions.is_empty()) {
        return;
    }
    diags.emit(
        Diagnostic::new(
            &codes::NO_WORK_STAGE,
            ctx.pipeline.origin,
            format!(
                "pipeline `{}` only fetches sources: it has no action that does something with them",
                words::pipeline(ctx.pipeline)
            ),
        )
        .with_help("move the sources into the first stage, and add a stage that builds, tests or deploys"),
    );
}
