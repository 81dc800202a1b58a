//! Clone references: artifacts that hold no files but say where CodeBuild can clone them from.

use std::collections::HashMap;

use super::context::{Ctx, place};
use super::words;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Action, Node, Origin, codes};

const FORMAT: &str = "OutputArtifactFormat";
const CLONE: &str = "CODEBUILD_CLONE_REF";
/// The provider of the actions and rules that can clone.
const CODEBUILD: &str = "CodeBuild";

pub(super) fn check(ctx: &Ctx, diags: &mut Diagnostics) {
    let mut clones: HashMap<&str, &Action> = HashMap::new();
    for (_, action) in ctx.actions() {
        let format = action.configuration.get(FORMAT);
        if action.type_id.is_source() && format.and_then(|entry| entry.value.as_literal()) == Some(CLONE) {
            clones.extend(action.outputs.iter().map(|output| (output.name.value.as_str(), action)));
        }
    }
    if clones.is_empty() {
        return;
    }
    for (_, action) in ctx.actions() {
        let name = words::action(action);
        inputs(
            &clones,
            name,
            &action.type_id.provider,
            &action.inputs,
            action.origin,
            diags,
        );
    }
    for (_, _, rule) in ctx.rules() {
        let name = words::rule(rule);
        inputs(&clones, name, &rule.type_id.provider, &rule.inputs, rule.origin, diags);
    }
}

fn inputs(
    clones: &HashMap<&str, &Action>,
    name: &str,
    provider: &str,
    inputs: &[Node<String>],
    whole: Origin,
    diags: &mut Diagnostics,
) {
    if provider == CODEBUILD {
        return;
    }
    for input in inputs {
        let Some(source) = clones.get(input.value.as_str()) else {
            continue;
        };
        let format = source.configuration.get(FORMAT);
        let at = format.map_or(source.origin, |entry| place(entry.origin, source.origin));
        diags.emit(
            Diagnostic::new(
                &codes::CLONE_REF_CONSUMER,
                place(input.origin, whole),
                format!(
                    "`{name}` takes artifact `{}`, which only CodeBuild can use: it is a reference to clone from",
                    input.value
                ),
            )
            .with_other(at, "the format is chosen here")
            .with_help(format!(
                "let `{}` give a zip (`CODE_ZIP`), or give `{name}` what a build makes of it",
                words::action(source)
            )),
        );
    }
}
