//! Siblings of a parallel block that write the same target: one stack, one service, one bucket key.
//!
//! The target is what the provider's fields of type `string` say: names of things. Enumerations, switches, files and
//! artifacts say how and with what, not where.

use std::collections::HashMap;
use std::rc::Rc;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Action, Pipeline, TypeId};
use crate::sema::signature::Signature;
use crate::sema::ty::Ty;

use super::codes;

/// Reports each deploy action whose target a sibling before it has too.
pub fn same_target(
    pipeline: &Pipeline,
    signature_of: &mut dyn FnMut(&TypeId) -> Option<Rc<Signature>>,
    diags: &mut Diagnostics,
) {
    for stage in &pipeline.stages {
        let mut seen: HashMap<(u32, &TypeId, String), &Action> = HashMap::new();
        for action in stage
            .actions
            .iter()
            .filter(|action| action.type_id.category == "Deploy" && !action.incomplete)
        {
            let Some(signature) = signature_of(&action.type_id) else {
                continue;
            };
            let target = target(action, &signature);
            let key = (action.run_order, &action.type_id, target);
            let Some(first) = seen.get(&key) else {
                seen.insert(key, action);
                continue;
            };
            let message = format!(
                "`{}` and `{}` deploy to the same place at the same time",
                first.handle, action.handle
            );
            let diagnostic = Diagnostic::new(&codes::SAME_TARGET, action.origin, message)
                .with_label("this one")
                .with_other(first.origin, "and this one")
                .with_help(
                    "give them different targets, or take one out of the `parallel`, so that it runs after the other",
                );
            diags.emit(diagnostic);
        }
    }
}

fn target(action: &Action, signature: &Signature) -> String {
    let mut target = action
        .region
        .as_ref()
        .map(|region| region.value.clone())
        .unwrap_or_default();
    for (field, ty) in signature.provider.fields.iter().zip(&signature.types) {
        if !matches!(ty.required(), Ty::String(..)) {
            continue;
        }
        if let Some(entry) = action.configuration.get(&field.key) {
            target.push_str(&format!("\0{}={}", field.key, entry.value));
        }
    }
    target
}
