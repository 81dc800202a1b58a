//! Triggers: which source they belong to, and how many filters they have. The filters themselves are in [`super::filters`].

use std::collections::HashMap;

use super::context::{Ctx, place};
use super::filters;
use super::words;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Origin, Trigger, codes, limits};

/// The only provider that triggers work with.
const CONNECTION: &str = "CodeStarSourceConnection";

pub(super) fn check(ctx: &Ctx, diags: &mut Diagnostics) {
    size(ctx, diags);
    let mut seen: HashMap<&str, Origin> = HashMap::new();
    for trigger in &ctx.pipeline.triggers {
        let whole = place(trigger.origin, ctx.pipeline.origin);
        let at = place(trigger.source_action.origin, whole);
        let source = trigger.source_action.value.as_str();
        if let Some(&first) = seen.get(source) {
            diags.emit(
                Diagnostic::new(
                    &codes::TRIGGER_DUPLICATE_SOURCE,
                    at,
                    format!("source `{source}` has a second trigger"),
                )
                .with_label("the second one")
                .with_other(first, "the first one")
                .with_help("put all filters into one trigger"),
            );
        } else {
            seen.insert(source, at);
            source_action(ctx, trigger, at, diags);
        }
        filters::check(trigger, whole, diags);
    }
}

fn size(ctx: &Ctx, diags: &mut Diagnostics) {
    let triggers = &ctx.pipeline.triggers;
    let most = limits::TRIGGERS.max;
    if let Some(trigger) = triggers.get(most) {
        diags.emit(
            Diagnostic::new(
                &codes::TOO_MANY_TRIGGERS,
                place(trigger.origin, ctx.pipeline.origin),
                format!(
                    "pipeline `{}` has {} triggers, and {most} is the most",
                    words::pipeline(ctx.pipeline),
                    triggers.len()
                ),
            )
            .with_label(format!("the {} trigger", words::ordinal(most + 1)))
            .with_help("join filters, or split the pipeline"),
        );
        return;
    }
    // What the patterns alone take: less than the whole, so what is reported is certain.
    let bytes: usize = triggers
        .iter()
        .flat_map(filters::lists)
        .flat_map(|patterns| patterns.includes.iter().chain(&patterns.excludes))
        .map(|pattern| pattern.value.len())
        .sum();
    if bytes > limits::TRIGGERS_SIZE.max
        && let Some(first) = triggers.first()
    {
        diags.emit(
            Diagnostic::new(
                &codes::TOO_MANY_TRIGGERS,
                place(first.origin, ctx.pipeline.origin),
                format!(
                    "the triggers of pipeline `{}` have more than {bytes} bytes, and 200 KB is the most",
                    words::pipeline(ctx.pipeline)
                ),
            )
            .with_help("use fewer or shorter patterns"),
        );
    }
}

fn source_action(ctx: &Ctx, trigger: &Trigger, at: Origin, diags: &mut Diagnostics) {
    let source = trigger.source_action.value.as_str();
    let mut named = ctx
        .actions()
        .map(|(_, action)| action)
        .filter(|action| action.name.value == source)
        .peekable();
    let Some(&first) = named.peek() else {
        if ctx.incomplete {
            return;
        }
        let report = Diagnostic::new(
            &codes::TRIGGER_UNKNOWN_SOURCE,
            at,
            format!(
                "a trigger names the source action `{}`, which is not there",
                words::short(source)
            ),
        );
        let sources = ctx
            .actions()
            .filter(|(_, action)| action.type_id.is_source())
            .map(|(_, action)| action.name.value.as_str());
        diags.emit(match diags.nearest(source, sources) {
            Some(nearest) => report.with_help(format!("did you mean `{nearest}`?")),
            None => report.with_help("name a source action of this pipeline"),
        });
        return;
    };
    if named.any(|action| action.type_id.is_source() && action.type_id.provider == CONNECTION) {
        return;
    }
    let what = if first.type_id.is_source() {
        format!("a source of provider `{}`", first.type_id.provider)
    } else {
        "no source".to_owned()
    };
    diags.emit(
        Diagnostic::new(
            &codes::TRIGGER_NOT_CONNECTION,
            at,
            format!(
                "a trigger names `{}`, which is {what}: triggers work with connections only",
                words::action(first)
            ),
        )
        .with_other(place(first.origin, at), "the action it names")
        .with_help("use a connection as the source (provider CodeStarSourceConnection), or remove the trigger"),
    );
}
