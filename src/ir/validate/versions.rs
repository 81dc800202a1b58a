//! What needs a V2 pipeline. Providers that do are checked where their signatures are known.

use super::context::{Ctx, place};
use super::words;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{ExecutionMode, Origin, PipelineType, codes};

pub(super) fn check(ctx: &Ctx, diags: &mut Diagnostics) {
    let pipeline = ctx.pipeline;
    // Sources disagree about what a pipeline is that does not say its type (constraint `pipeline-type-explicit`).
    let (code, of_type, help) = match pipeline.pipeline_type.value {
        PipelineType::V2 => return,
        PipelineType::V1 => (&codes::REQUIRES_V2, "is of type V1", "make it a V2 pipeline"),
        PipelineType::Unset => (
            &codes::PIPELINE_TYPE_UNSET,
            "does not say its type",
            "say that it is a V2 pipeline",
        ),
    };
    let mut report = |what: String, at: Origin| {
        let chosen = pipeline.pipeline_type.origin;
        let report = Diagnostic::new(
            code,
            at,
            format!("{what}, and pipeline `{}` {of_type}", words::pipeline(pipeline)),
        )
        .with_help(help);
        diags.emit(
            if chosen == Origin::default() || pipeline.pipeline_type.value == PipelineType::Unset {
                report
            } else {
                report.with_other(chosen, "V1 is chosen here")
            },
        );
    };
    // One report a feature, at the first place that uses it.
    if let Some(mode) = &pipeline.execution_mode {
        let name = match mode.value {
            ExecutionMode::Superseded => None,
            ExecutionMode::Queued => Some("QUEUED"),
            ExecutionMode::Parallel => Some("PARALLEL"),
        };
        if let Some(name) = name {
            report(
                format!("only V2 pipelines have the execution mode {name}"),
                place(mode.origin, pipeline.origin),
            );
        }
    }
    if let Some(variable) = pipeline.variables.first() {
        report(
            "only V2 pipelines have variables".to_owned(),
            place(variable.origin, pipeline.origin),
        );
    }
    if let Some(trigger) = pipeline.triggers.first() {
        report(
            "only V2 pipelines have triggers".to_owned(),
            place(trigger.origin, pipeline.origin),
        );
    }
    let first_condition = pipeline.stages.iter().find_map(|stage| {
        stage
            .conditions()
            .map(|(_, condition)| condition.origin)
            .chain(stage.on_failure.as_ref().map(|handling| handling.origin))
            .next()
            .map(|origin| place(origin, stage.origin))
    });
    if let Some(origin) = first_condition {
        report(
            "only V2 pipelines have conditions, rollback and retry of stages".to_owned(),
            origin,
        );
    }
}
