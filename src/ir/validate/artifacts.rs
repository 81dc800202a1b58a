//! Artifacts: made once, and before they are used.

use std::collections::{HashMap, HashSet};

use super::context::{Ctx, place};
use super::order::{self, User};
use super::words;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Action, Node, Origin, codes};

pub(super) fn check(ctx: &Ctx, diags: &mut Diagnostics) {
    made_once(ctx, diags);
    for (stage, action) in ctx.actions() {
        uses(ctx, User::action(stage, action), &action.inputs, action.origin, diags);
    }
    for (stage, position, rule) in ctx.rules() {
        uses(ctx, User::rule(stage, position, rule), &rule.inputs, rule.origin, diags);
    }
}

fn made_once(ctx: &Ctx, diags: &mut Diagnostics) {
    let mut makers: HashMap<&str, (usize, &Action, Origin)> = HashMap::new();
    for (stage, action) in ctx.actions() {
        for output in &action.outputs {
            let name = output.name.value.as_str();
            let at = place(output.name.origin, action.origin);
            let Some(&(first_stage, first, first_at)) = makers.get(name) else {
                makers.insert(name, (stage, action, at));
                continue;
            };
            if ctx.never_together((first_stage, first), (stage, action)) {
                continue;
            }
            let message = if std::ptr::eq(first, action) {
                format!("`{}` makes artifact `{name}` twice", words::action(action))
            } else {
                format!(
                    "artifact `{name}` is made by both `{}` and `{}`",
                    words::action(first),
                    words::action(action)
                )
            };
            diags.emit(
                Diagnostic::new(&codes::ARTIFACT_DUPLICATE, at, message)
                    .with_label("made again here")
                    .with_other(first_at, "first made here")
                    .with_help("give one of them another name: an artifact has one maker in a pipeline"),
            );
        }
    }
}

const WORDS: order::Words = order::Words {
    before: &codes::ARTIFACT_USED_BEFORE_MADE,
    sibling: &codes::ARTIFACT_FROM_SIBLING,
    does: "makes",
    done: "made",
};

fn uses(ctx: &Ctx, user: User, inputs: &[Node<String>], whole: Origin, diags: &mut Diagnostics) {
    let mut seen: HashSet<&str> = HashSet::new();
    for input in inputs {
        let name = input.value.as_str();
        let at = place(input.origin, whole);
        if inputs.len() > 1 && !seen.insert(name) {
            diags.emit(
                Diagnostic::new(
                    &codes::DUPLICATE_INPUT,
                    at,
                    format!("`{}` takes artifact `{name}` twice", user.name()),
                )
                .with_help("name it once"),
            );
            continue;
        }
        match ctx.makers.get(name) {
            Some(maker) => {
                if let Some(report) = order::check(ctx, &WORDS, &format!("artifact `{name}`"), user, at, maker) {
                    diags.emit(report);
                }
            }
            None if ctx.incomplete => {}
            None => {
                let report = undefined(ctx, diags, user, name, at);
                diags.emit(report);
            }
        }
    }
}

fn undefined(ctx: &Ctx, diags: &Diagnostics, user: User, name: &str, at: Origin) -> Diagnostic {
    let report = Diagnostic::new(
        &codes::ARTIFACT_UNDEFINED,
        at,
        format!(
            "`{}` takes artifact `{}`, which no action makes",
            user.name(),
            words::short(name)
        ),
    );
    let outputs = ctx
        .actions()
        .flat_map(|(_, action)| action.outputs.iter().map(|output| output.name.value.as_str()));
    match diags.nearest(name, outputs) {
        Some(nearest) => report.with_help(format!("did you mean `{nearest}`?")),
        None => report.with_help("let an earlier action make it, or take one that is made"),
    }
}
