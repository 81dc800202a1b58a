//! The pipeline's variables and tags.

use std::collections::HashMap;

use super::context::{Ctx, place};
use super::words;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Node, Origin, Tag, Variable, codes, is_deploy_name, limits};

pub(super) fn check(ctx: &Ctx, diags: &mut Diagnostics) {
    variables(ctx, diags);
    tags(ctx, diags);
}

fn variables(ctx: &Ctx, diags: &mut Diagnostics) {
    let pipeline = ctx.pipeline;
    let most = limits::VARIABLES.max;
    if let Some(variable) = pipeline.variables.get(most) {
        diags.emit(
            Diagnostic::new(
                &codes::TOO_MANY_VARIABLES,
                place(variable.origin, pipeline.origin),
                format!(
                    "pipeline `{}` has {} variables, and {most} is the most",
                    words::pipeline(pipeline),
                    pipeline.variables.len()
                ),
            )
            .with_label(format!("the {} variable", words::ordinal(most + 1)))
            .with_help("remove those that nobody chooses when an execution starts"),
        );
    }
    let mut seen: HashMap<&str, Origin> = HashMap::new();
    for variable in &pipeline.variables {
        let at = place(variable.name.origin, place(variable.origin, pipeline.origin));
        let name = variable.name.value.as_str();
        if let Some(&first) = seen.get(name) {
            diags.emit(
                Diagnostic::new(
                    &codes::DUPLICATE_VARIABLE,
                    at,
                    format!("variable `{name}` is declared twice"),
                )
                .with_label("declared again here")
                .with_other(first, "first declared here")
                .with_help("remove one of them, or give it another name"),
            );
        } else {
            seen.insert(name, at);
        }
        texts(variable, at, diags);
        if variable.default.is_none()
            && let Some(trigger) = pipeline.triggers.first()
        {
            diags.emit(
                Diagnostic::new(
                    &codes::VARIABLE_WITHOUT_DEFAULT,
                    at,
                    format!("variable `{name}` has no default, so every execution that a trigger starts fails"),
                )
                .with_other(
                    place(trigger.origin, pipeline.origin),
                    "a trigger gives variables no values",
                )
                .with_help("give it a default"),
            );
        }
    }
}

fn texts(variable: &Variable, at: Origin, diags: &mut Diagnostics) {
    let name = &variable.name.value;
    if let Some(default) = &variable.default
        && let Some((problem, help)) = wrong_default(&default.value)
    {
        let message = format!("the default of variable `{name}` {problem}");
        diags.emit(
            Diagnostic::new(&codes::VARIABLE_DECLARATION_LIMITS, place(default.origin, at), message).with_help(help),
        );
    }
    if let Some(description) = &variable.description
        && !limits::VARIABLE_DESCRIPTION.fits(description)
    {
        let why = words::too_long(description, limits::VARIABLE_DESCRIPTION.max);
        diags.emit(
            Diagnostic::new(
                &codes::VARIABLE_DECLARATION_LIMITS,
                at,
                format!("the description of variable `{name}` is too long: {why}"),
            )
            .with_help("shorten it"),
        );
    }
}

/// What is wrong with a default, and what to do about it.
fn wrong_default(default: &str) -> Option<(String, &'static str)> {
    if default.is_empty() {
        let problem = "is empty, and AWS refuses empty values".to_owned();
        Some((problem, "give it a value, or no default"))
    } else if !limits::VARIABLE_DEFAULT.fits(default) {
        let why = words::too_long(default, limits::VARIABLE_DEFAULT.max);
        Some((format!("is too long: {why}"), "shorten it"))
    } else if default.contains(['\n', '\r']) {
        let problem = "has several lines, and AWS takes one".to_owned();
        Some((problem, "write it on one line"))
    } else {
        None
    }
}

fn tags(ctx: &Ctx, diags: &mut Diagnostics) {
    let pipeline = ctx.pipeline;
    let most = limits::TAGS.max;
    if let Some(tag) = pipeline.tags.get(most) {
        diags.emit(
            Diagnostic::new(
                &codes::TOO_MANY_TAGS,
                place(tag.key.origin, pipeline.origin),
                format!(
                    "pipeline `{}` has {} tags, and {most} is the most",
                    words::pipeline(pipeline),
                    pipeline.tags.len()
                ),
            )
            .with_label(format!("the {} tag", words::ordinal(most + 1)))
            .with_help("remove some"),
        );
    }
    let mut seen: HashMap<&str, Origin> = HashMap::new();
    for tag in &pipeline.tags {
        let at = place(tag.key.origin, pipeline.origin);
        if let Some(&first) = seen.get(tag.key.value.as_str()) {
            diags.emit(
                Diagnostic::new(
                    &codes::DUPLICATE_TAG,
                    at,
                    format!("tag `{}` is given twice", tag.key.value),
                )
                .with_label("given again here")
                .with_other(first, "first given here")
                .with_help("remove one of them"),
            );
        } else {
            seen.insert(&tag.key.value, at);
        }
        tag_texts(tag, at, diags);
    }
}

fn tag_texts(tag: &Tag, at: Origin, diags: &mut Diagnostics) {
    let key = tag.key.value.as_str();
    let mut report = |at: Origin, message: String, help: &'static str| {
        diags.emit(Diagnostic::new(&codes::TAG_INVALID, at, message).with_help(help));
    };
    if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
        report(
            at,
            format!(
                "tag `{}` begins with `aws:`, which AWS keeps for itself",
                words::short(key)
            ),
            "rename it",
        );
    }
    if key.is_empty() {
        report(at, "a tag's key is empty".to_owned(), "give it a key");
    }
    let value_at = place(tag.value.origin, at);
    for (what, node, at, limit) in [
        ("key", &tag.key, at, limits::TAG_KEY),
        ("value", &tag.value, value_at, limits::TAG_VALUE),
    ] {
        if is_deploy_name(&node.value) {
            continue;
        }
        if node.value.chars().count() > limit.max {
            let why = words::too_long(&node.value, limit.max);
            report(at, format!("the {what} of a tag is too long: {why}"), "shorten it");
        }
        if let Some(character) = illegal(node) {
            report(
                at,
                format!(
                    "AWS does not take `{}` in the {what} of a tag: `{}`",
                    character.escape_default(),
                    words::short(&node.value)
                ),
                "use letters, digits, blanks and `+` `-` `=` `.` `_` `:` `/` `@` only",
            );
        }
    }
}

/// Letters of any script are letters to AWS.
fn illegal(text: &Node<String>) -> Option<char> {
    text.value
        .chars()
        .find(|&c| !(c.is_alphanumeric() || c == ' ' || "+-=._:/@".contains(c)))
}
