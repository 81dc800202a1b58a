//! Output artifacts that nothing takes. Real pipelines are full of them, and they cost little: a hint.

use std::collections::HashSet;
use std::rc::Rc;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Pipeline, Stage, TypeId};
use crate::sema::signature::Signature;

use super::codes;

/// Reports each output that no action and no rule takes, except where the provider must have one. One that says its files
/// is meant for someone.
pub fn unused_output(
    pipeline: &Pipeline,
    signature_of: &mut dyn FnMut(&TypeId) -> Option<Rc<Signature>>,
    diags: &mut Diagnostics,
) {
    let gaps = |stage: &Stage| stage.incomplete || stage.actions.iter().any(|action| action.incomplete);
    if pipeline.incomplete || pipeline.stages.iter().any(gaps) {
        return;
    }
    let taken: HashSet<&str> = pipeline.stages.iter().flat_map(taken_in).collect();
    for action in pipeline.stages.iter().flat_map(|stage| &stage.actions) {
        let unused = action
            .outputs
            .iter()
            .filter(|output| output.files.is_empty() && !taken.contains(output.name.value.as_str()));
        for output in unused {
            let needed = signature_of(&action.type_id).is_none_or(|signature| signature.provider.outputs.min > 0);
            if needed {
                continue;
            }
            let message = format!(
                "nothing takes the output `{}` of `{}`",
                output.name.value, action.handle
            );
            let diagnostic = Diagnostic::new(&codes::UNUSED_OUTPUT, output.name.origin, message)
                .with_help("remove it, unless something outside of the pipeline reads it from the artifact store");
            diags.emit(diagnostic);
        }
    }
}

fn taken_in(stage: &Stage) -> impl Iterator<Item = &str> {
    let rules = stage.rules().flat_map(|rule| &rule.inputs);
    let actions = stage.actions.iter().flat_map(|action| &action.inputs);
    actions.chain(rules).map(|input| input.value.as_str())
}
