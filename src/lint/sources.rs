//! How sources notice changes: polling that AWS does unless told not to, and change detection beside a trigger.

use std::rc::Rc;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Action, Pipeline, TypeId};
use crate::sema::signature::Signature;

use super::codes;

const POLL: &str = "PollForSourceChanges";
const DETECT: &str = "DetectChanges";

/// Reports sources that poll, and those that start the pipeline by themselves although a trigger decides.
pub fn sources(
    pipeline: &Pipeline,
    signature_of: &mut dyn FnMut(&TypeId) -> Option<Rc<Signature>>,
    diags: &mut Diagnostics,
) {
    let sources = pipeline
        .stages
        .iter()
        .flat_map(|stage| &stage.actions)
        .filter(|action| action.type_id.is_source());
    for action in sources {
        let polls =
            signature_of(&action.type_id).is_some_and(|signature| signature.provider.field_of_key(POLL).is_some());
        if polls {
            polling(action, diags);
        }
        detecting(pipeline, action, diags);
    }
}

fn polling(action: &Action, diags: &mut Diagnostics) {
    let (at, why) = match action.configuration.get(POLL) {
        Some(entry) if entry.value.as_literal() == Some("true") => (entry.origin, "it is told to"),
        Some(_) => return,
        None if action.incomplete => return,
        None => (action.origin, "AWS does unless told not to"),
    };
    let message = format!("`{}` looks for changes from time to time: {why}", action.handle);
    let diagnostic = Diagnostic::new(&codes::POLLING_SOURCE, at, message)
        .with_help("say `poll_for_source_changes = false`, and let an event rule or a webhook start the pipeline");
    diags.emit(diagnostic);
}

fn detecting(pipeline: &Pipeline, action: &Action, diags: &mut Diagnostics) {
    let Some(trigger) = pipeline
        .triggers
        .iter()
        .find(|trigger| trigger.source_action.value == action.name.value)
    else {
        return;
    };
    let Some(entry) = action.configuration.get(DETECT) else {
        return;
    };
    if entry.value.as_literal() != Some("true") {
        return;
    }
    let message = format!(
        "`{}` starts the pipeline at every push to its branch, and its trigger is there to choose",
        action.handle
    );
    let diagnostic = Diagnostic::new(&codes::DETECT_CHANGES_CONFLICT, entry.origin, message)
        .with_other(trigger.origin, "the trigger")
        .with_help("say `detect_changes = false`, or remove the trigger");
    diags.emit(diagnostic);
}
