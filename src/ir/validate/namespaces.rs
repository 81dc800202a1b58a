//! Namespaces, by which output variables are referred to: well-formed, and each one's own.

use std::collections::HashMap;

use super::context::{Ctx, place};
use super::names;
use super::words;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Action, Origin, codes};

/// The execution's own: `#{codepipeline.PipelineExecutionId}`.
pub(super) const EXECUTION: &str = "codepipeline";
/// The pipeline's variables: `#{variables.channel}`.
pub(super) const VARIABLES: &str = "variables";

pub(super) fn check(ctx: &Ctx, diags: &mut Diagnostics) {
    let mut owners: HashMap<&str, (usize, &Action, Origin)> = HashMap::new();
    for (stage, action) in ctx.actions() {
        let Some(namespace) = &action.namespace else { continue };
        let name = namespace.value.as_str();
        let at = place(namespace.origin, action.origin);
        let owner = words::action(action);
        names::spelling("namespace", namespace, action.origin, &names::NAMESPACE, diags);
        if name == EXECUTION || name == VARIABLES {
            diags.emit(
                Diagnostic::new(
                    &codes::RESERVED_NAMESPACE,
                    at,
                    format!("`{owner}` has the namespace `{name}`, which CodePipeline keeps for itself"),
                )
                .with_help("give it another namespace"),
            );
            continue;
        }
        if let Some(&(first_stage, first, first_at)) = owners.get(name) {
            if ctx.never_together((first_stage, first), (stage, action)) {
                continue;
            }
            diags.emit(
                Diagnostic::new(
                    &codes::DUPLICATE_NAMESPACE,
                    at,
                    format!(
                        "`{}` and `{owner}` have the same namespace, `{name}`",
                        words::action(first)
                    ),
                )
                .with_label("claimed again here")
                .with_other(first_at, "first claimed here")
                .with_help("give one of them another: a namespace belongs to one action of a pipeline"),
            );
            continue;
        }
        owners.insert(name, (stage, action, at));
        if let Some(maker) = ctx.makers.get(name) {
            diags.emit(
                Diagnostic::new(
                    &codes::NAMESPACE_IS_ARTIFACT,
                    at,
                    format!("the namespace of `{owner}`, `{name}`, is an artifact's name too"),
                )
                .with_other(maker.origin, "the artifact is made here")
                .with_help("give one of them another name: AWS wants them to differ"),
            );
        }
    }
}
