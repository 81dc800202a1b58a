//! A pipeline's head: settings, tags, variables, triggers.

use crate::ir::{ExecutionMode, Patterns, Pipeline, PipelineType, PullRequestEvent, Store, Stores, Text, Trigger};

use super::action::Ctx;
use super::text::{self, Spelled};
use super::tree::{Expr, Name, Stmt};
use super::words;

pub(super) fn settings(pipeline: &Pipeline) -> Vec<Stmt> {
    let mut body = Vec::new();
    let mut put = |name: &str, value: Option<Expr>| body.extend(value.map(|value| Stmt::Field(name.to_owned(), value)));
    put("role_arn", pipeline.role_arn.as_ref().map(|role| spelled(&role.value)));
    match &pipeline.stores {
        Stores::Missing => {}
        Stores::One(one) => put("artifact_store", Some(store(one))),
        Stores::ByRegion { stores, .. } => {
            let stores = stores.iter().map(|(region, one)| (region.clone(), store(one)));
            put("artifact_stores", Some(Expr::Record(stores.collect())));
        }
    }
    put(
        "pipeline_type",
        match pipeline.pipeline_type.value {
            PipelineType::V1 => Some(Expr::text("V1")),
            PipelineType::V2 => None,
            PipelineType::Unset => Some(Expr::Plain("none".to_owned())),
        },
    );
    let mode = pipeline.execution_mode.as_ref().map(|mode| match mode.value {
        ExecutionMode::Superseded => "SUPERSEDED",
        ExecutionMode::Queued => "QUEUED",
        ExecutionMode::Parallel => "PARALLEL",
    });
    put("execution_mode", mode.map(Expr::text));
    let tags = pipeline.tags.iter();
    let tags: Vec<_> = tags
        .map(|tag| (tag.key.value.clone(), text::known(&tag.value.value)))
        .collect();
    put("tags", (!tags.is_empty()).then_some(Expr::Record(tags)));
    let restart = pipeline.deployment.restart_execution_on_update.as_ref();
    put(
        "restart_execution_on_update",
        restart.map(|restart| match restart.value.as_literal() {
            Some(literal @ ("true" | "false")) => Expr::Plain(literal.to_owned()),
            _ => spelled(&restart.value),
        }),
    );
    let disabled = pipeline.deployment.disabled_transitions.iter();
    let disabled: Vec<_> = disabled
        .map(|transition| (transition.stage.value.clone(), spelled(&transition.reason.value)))
        .collect();
    put(
        "disabled_transitions",
        (!disabled.is_empty()).then_some(Expr::Record(disabled)),
    );
    body
}

/// Text in which nothing of a run can be referred to.
fn spelled(text: &Text) -> Expr {
    text::text(text, &Spelled)
}

fn store(store: &Store) -> Expr {
    let bucket = spelled(&store.location.value);
    match &store.encryption_key {
        None => bucket,
        Some(key) => Expr::Record(vec![
            ("bucket".to_owned(), bucket),
            ("kms_key".to_owned(), spelled(&key.value)),
        ]),
    }
}

pub(super) fn variables(pipeline: &Pipeline) -> Vec<Stmt> {
    let mut body = Vec::new();
    for variable in &pipeline.variables {
        let name = variable.name.value.clone();
        if !words::is_ident(&name) {
            // It has no other form; the comparison at the end finds that it is not there.
            continue;
        }
        body.push(Stmt::Blank);
        body.push(Stmt::Variable {
            name,
            doc: variable.description.clone(),
            default: variable.default.as_ref().map(|default| text::known(&default.value)),
        });
    }
    body
}

pub(super) fn triggers(ctx: &Ctx<'_, '_>) -> Vec<Stmt> {
    let mut body = Vec::new();
    for trigger in &ctx.index.pipeline.triggers {
        body.push(Stmt::Blank);
        let source = trigger.source_action.value.as_str();
        let name = match ctx.index.action_of_name(source) {
            Some(action) => ctx.names.actions[action].clone(),
            None => ctx.names.of_nothing(source),
        };
        body.push(Stmt::Trigger(name, filters(trigger)));
    }
    body
}

fn filters(trigger: &Trigger) -> Vec<Stmt> {
    let mut body = Vec::new();
    for filter in &trigger.push {
        let mut fields = Vec::new();
        let all = [
            ("branches", &filter.branches),
            ("tags", &filter.tags),
            ("file_paths", &filter.file_paths),
        ];
        all.into_iter()
            .for_each(|(name, found)| patterns(name, found.as_ref(), &mut fields));
        body.push(Stmt::Block("push".to_owned(), fields));
    }
    for filter in &trigger.pull_request {
        let mut fields = Vec::new();
        if !filter.events.is_empty() {
            let events = filter.events.iter().map(|event| match event.value {
                PullRequestEvent::Open => Expr::text("OPEN"),
                PullRequestEvent::Updated => Expr::text("UPDATED"),
                PullRequestEvent::Closed => Expr::text("CLOSED"),
            });
            fields.push(Stmt::Field("events".to_owned(), Expr::List(events.collect())));
        }
        patterns("branches", filter.branches.as_ref(), &mut fields);
        patterns("file_paths", filter.file_paths.as_ref(), &mut fields);
        body.push(Stmt::Block("pull_request".to_owned(), fields));
    }
    body
}

fn patterns(name: &str, patterns: Option<&Patterns>, fields: &mut Vec<Stmt>) {
    let Some(patterns) = patterns else { return };
    let includes = patterns.includes.iter().map(|pattern| text::known(&pattern.value));
    let excludes = patterns
        .excludes
        .iter()
        .map(|pattern| text::known(&format!("!{}", pattern.value)));
    let all = includes.chain(excludes).collect();
    fields.push(Stmt::Field(name.to_owned(), Expr::List(all)));
}

/// The name of a pipeline in the file: what its document calls it, which in a template is the resource's logical id.
pub(super) fn name(pipeline: &Pipeline, index: usize, taken: &std::collections::HashSet<String>) -> Name {
    let called = match pipeline.handle.0.as_str() {
        "" => &pipeline.name.value,
        handle => handle,
    };
    Name::plain(super::names::unique(called, "pipeline", index, taken))
}
