//! References to variables, `#{namespace.key}`: that they stand where they are resolved, name what there is, and come after
//! what sets it.
//!
//! CodePipeline resolves them in configuration values, commands and environment variables, right before an action starts,
//! by replacing text. So what a front end has left as literal text is read here as CodePipeline will read it.

use super::context::{Ctx, Maker, place};
use super::namespaces::{EXECUTION, VARIABLES};
use super::order::{self, User, UserKind};
use super::words;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Node, Origin, Text, TextPart, codes};

/// The only documented key of the reserved namespace `codepipeline`.
const EXECUTION_ID: &str = "PipelineExecutionId";
/// By this namespace some tools refer to the rules of conditions; AWS does not document it, so it is not refused.
const RULES: &str = "rule";

pub(super) fn check(ctx: &Ctx, diags: &mut Diagnostics) {
    for (stage, action) in ctx.actions() {
        let user = User::action(stage, action);
        for entry in action.configuration.values() {
            text(ctx, user, &entry.value, place(entry.origin, action.origin), diags);
        }
        for command in &action.commands {
            text(ctx, user, &command.value, place(command.origin, action.origin), diags);
        }
        for variable in &action.environment {
            let at = place(variable.value.origin, action.origin);
            text(ctx, user, &variable.value.value, at, diags);
        }
        if let Some(role) = &action.role_arn {
            unresolved("an action's role", role, action.origin, diags);
        }
    }
    for (stage, position, rule) in ctx.rules() {
        let user = User::rule(stage, position, rule);
        for entry in rule.configuration.values() {
            text(ctx, user, &entry.value, place(entry.origin, rule.origin), diags);
        }
        for command in &rule.commands {
            text(ctx, user, &command.value, place(command.origin, rule.origin), diags);
        }
        if let Some(role) = &rule.role_arn {
            unresolved("a rule's role", role, rule.origin, diags);
        }
    }
    let pipeline = ctx.pipeline;
    if let Some(role) = &pipeline.role_arn {
        unresolved("the pipeline's role", role, pipeline.origin, diags);
    }
    for store in pipeline.stores.all() {
        unresolved("an artifact store", &store.location, pipeline.origin, diags);
        if let Some(key) = &store.encryption_key {
            unresolved("an artifact store's key", key, pipeline.origin, diags);
        }
    }
}

/// Reports a reference where none is resolved.
fn unresolved(what: &str, node: &Node<Text>, whole: Origin, diags: &mut Diagnostics) {
    let at = place(node.origin, whole);
    each_reference(&node.value, at, &mut |found| {
        let shown = match found {
            Found::Reference { namespace, key, .. } => format!("#{{{namespace}.{key}}}"),
            Found::Malformed(inner) => format!("#{{{inner}}}"),
        };
        diags.emit(
            Diagnostic::new(
                &codes::REFERENCE_OUT_OF_PLACE,
                at,
                format!(
                    "{what} cannot hold `{}`: references are not resolved there",
                    words::short(&shown)
                ),
            )
            .with_help("give a value that is known before the pipeline runs"),
        );
    });
}

enum Found<'a> {
    Reference {
        namespace: &'a str,
        key: &'a str,
        origin: Origin,
    },
    /// What stands in the braces.
    Malformed(&'a str),
}

/// Every `#{…}` of a text that stands at `origin`, in its order.
fn each_reference<'a>(text: &'a Text, origin: Origin, found: &mut dyn FnMut(Found<'a>)) {
    for part in text.parts() {
        match part {
            TextPart::Variable(variable) => found(Found::Reference {
                namespace: &variable.namespace,
                key: &variable.key,
                origin: place(variable.origin, origin),
            }),
            TextPart::Literal(literal) => each_in_literal(literal, origin, found),
            TextPart::Deploy(_) => {}
        }
    }
}

fn each_in_literal<'a>(literal: &'a str, origin: Origin, found: &mut dyn FnMut(Found<'a>)) {
    let mut rest = literal;
    while let Some(start) = rest.find("#{") {
        let inner = &rest[start + 2..];
        let Some(end) = inner.find('}') else { break };
        let inner = &inner[..end];
        // `#{a#{b.c}`: the later one is the reference.
        if let Some(nested) = inner.find("#{") {
            rest = &rest[start + 2 + nested..];
            continue;
        }
        found(match inner.split_once('.') {
            Some((namespace, key)) if is_part(namespace) && is_part(key) => Found::Reference { namespace, key, origin },
            _ => Found::Malformed(inner),
        });
        rest = &rest[start + 2 + end + 1..];
    }
}

fn is_part(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"@-_".contains(&byte))
}

fn text(ctx: &Ctx, user: User, text: &Text, at: Origin, diags: &mut Diagnostics) {
    each_reference(text, at, &mut |found| match found {
        Found::Reference { namespace, key, origin } => {
            if let Some(report) = reference(ctx, diags, user, namespace, key, origin) {
                diags.emit(report);
            }
        }
        Found::Malformed(inner) => diags.emit(
            Diagnostic::new(
                &codes::MALFORMED_REFERENCE,
                at,
                format!(
                    "`#{{{}}}` looks like a reference, and CodePipeline wants a namespace, a point and a key in it",
                    words::short(inner)
                ),
            )
            .with_help("write `#{namespace.key}`, or avoid `#{` if it is meant as it stands"),
        ),
    });
}

const WORDS: order::Words = order::Words {
    before: &codes::VARIABLE_USED_BEFORE_MADE,
    sibling: &codes::VARIABLE_FROM_SIBLING,
    does: "sets",
    done: "set",
};

fn reference(ctx: &Ctx, diags: &Diagnostics, user: User, namespace: &str, key: &str, at: Origin) -> Option<Diagnostic> {
    match namespace {
        EXECUTION => execution_variable(ctx, key, at),
        VARIABLES => pipeline_variable(ctx, diags, user, key, at),
        _ => match ctx.namespaces.get(namespace) {
            Some(maker) => output_variable(ctx, user, key, at, maker),
            None if namespace == RULES && ctx.rules().any(|(_, _, rule)| rule.name.value == key) => None,
            None if ctx.incomplete => None,
            None => Some(unknown_namespace(ctx, diags, user, namespace, key, at)),
        },
    }
}

fn output_variable(ctx: &Ctx, user: User, key: &str, at: Origin, maker: &Maker) -> Option<Diagnostic> {
    let what = format!("variable `{key}`");
    order::check(ctx, &WORDS, &what, user, at, maker)
}

fn execution_variable(ctx: &Ctx, key: &str, at: Origin) -> Option<Diagnostic> {
    if key == EXECUTION_ID {
        return None;
    }
    let report = Diagnostic::new(
        &codes::UNKNOWN_EXECUTION_VARIABLE,
        at,
        format!("the execution has no variable `{key}`: all it has is `{EXECUTION_ID}`"),
    );
    Some(if ctx.variables.contains_key(key) {
        report.with_help(format!(
            "`{key}` is a variable of the pipeline: use `#{{{VARIABLES}.{key}}}`"
        ))
    } else {
        report.with_help(format!("use `#{{{EXECUTION}.{EXECUTION_ID}}}`"))
    })
}

fn pipeline_variable(ctx: &Ctx, diags: &Diagnostics, user: User, key: &str, at: Origin) -> Option<Diagnostic> {
    let Some(variable) = ctx.variables.get(key) else {
        if ctx.pipeline.incomplete {
            return None;
        }
        let report = Diagnostic::new(
            &codes::UNDECLARED_VARIABLE,
            at,
            format!(
                "`{}` uses the pipeline variable `{}`, which is not declared",
                user.name(),
                words::short(key)
            ),
        );
        let declared = ctx
            .pipeline
            .variables
            .iter()
            .map(|variable| variable.name.value.as_str());
        return Some(match diags.nearest(key, declared) {
            _ if key == EXECUTION_ID => report.with_help(format!(
                "it belongs to the execution: use `#{{{EXECUTION}.{EXECUTION_ID}}}`"
            )),
            Some(nearest) => report.with_help(format!("did you mean `{nearest}`?")),
            None => report.with_help(format!("declare a pipeline variable `{key}`")),
        });
    };
    let UserKind::Action(action) = user.kind else {
        return None;
    };
    action.type_id.is_source().then(|| {
        Diagnostic::new(
            &codes::VARIABLE_IN_SOURCE,
            at,
            format!(
                "source `{}` uses the pipeline variable `{key}`, and sources cannot",
                user.name()
            ),
        )
        .with_other(place(variable.name.origin, variable.origin), "declared here")
        .with_help("give the source a value that is known before the pipeline runs")
    })
}

fn unknown_namespace(ctx: &Ctx, diags: &Diagnostics, user: User, namespace: &str, key: &str, at: Origin) -> Diagnostic {
    let meant = ctx
        .actions()
        .map(|(_, action)| action)
        .find(|action| action.name.value == namespace || action.handle.0 == namespace);
    if let Some(action) = meant
        && action.namespace.is_none()
    {
        let name = words::action(action);
        return Diagnostic::new(
            &codes::NAMESPACE_MISSING,
            at,
            format!(
                "`{}` uses variable `{key}` of `{name}`, which has no namespace to refer to it by",
                user.name()
            ),
        )
        .with_other(action.origin, "this action sets it")
        .with_help(format!("give `{name}` the namespace `{namespace}`"));
    }
    let report = Diagnostic::new(
        &codes::UNKNOWN_NAMESPACE,
        at,
        format!(
            "`{}` refers to `#{{{}}}`, and no action has the namespace `{}`",
            user.name(),
            words::short(&format!("{namespace}.{key}")),
            words::short(namespace)
        ),
    );
    if let Some((action, has)) = meant.and_then(|action| Some((action, action.namespace.as_ref()?))) {
        return report.with_help(format!(
            "`{}` has the namespace `{has}`: use that",
            words::action(action)
        ));
    }
    let known = ctx
        .actions()
        .filter_map(|(_, action)| Some(action.namespace.as_ref()?.value.as_str()))
        .chain([EXECUTION, VARIABLES]);
    match diags.nearest(namespace, known) {
        Some(nearest) => report.with_help(format!("did you mean `{nearest}`?")),
        None => report.with_help(format!(
            "give the action that sets `{key}` the namespace `{}`",
            words::short(namespace)
        )),
    }
}
