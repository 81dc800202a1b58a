//! Secrets that a definition does not have, because AWS does not show them.

use super::context::place;
use super::words;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Configuration, Origin, Pipeline, codes};

/// What AWS shows in place of a secret.
const MASK: &str = "****";

/// Reports each value that is the mask of a secret, and not the secret.
pub fn masked_secrets(pipeline: &Pipeline, diags: &mut Diagnostics) {
    for stage in &pipeline.stages {
        for action in &stage.actions {
            check(words::action(action), &action.configuration, action.origin, diags);
        }
        for rule in stage.rules() {
            check(words::rule(rule), &rule.configuration, rule.origin, diags);
        }
    }
}

fn check(name: &str, entries: &Configuration, whole: Origin, diags: &mut Diagnostics) {
    let masked = entries
        .iter()
        .filter(|(_, entry)| entry.value.as_literal() == Some(MASK));
    for (key, entry) in masked {
        let key = words::short(key);
        let message = format!("`{key}` of `{name}` is `{MASK}`: what AWS shows in place of the secret, not the secret");
        let help = "give the secret, better by a reference to where it is kept";
        diags.emit(Diagnostic::new(&codes::MASKED_SECRET, place(entry.origin, whole), message).with_help(help));
    }
}
