//! `local { … }` blocks: settings that no driver knows, and values of the wrong form. AWS never sees them, but a run would.

use crate::catalog::drivers::LOCAL_SETTINGS;
use crate::diagnostic::suggest::listed;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::Pipeline;

use super::codes::{UNKNOWN_LOCAL_SETTING, WRONG_LOCAL_SETTING};

/// Checks the `local` blocks of all actions.
pub fn local(pipeline: &Pipeline, diags: &mut Diagnostics) {
    for action in pipeline.stages.iter().flat_map(|stage| &stage.actions) {
        for (name, setting) in &action.local.settings {
            let Some((_, form)) = LOCAL_SETTINGS.iter().find(|(known, _)| known == name) else {
                let message = format!("a local run knows no setting `{name}`");
                let diagnostic = Diagnostic::new(&UNKNOWN_LOCAL_SETTING, setting.key_origin, message);
                let names = || LOCAL_SETTINGS.iter().map(|(known, _)| *known);
                let near = diags.nearest(name, names());
                diags.emit(match near {
                    Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")),
                    None => diagnostic.with_help(format!("use one of {}", listed(names()))),
                });
                continue;
            };
            // A value that could not be evaluated has its own report.
            if !setting.value.is_null() && !form.accepts(&setting.value) {
                let message = format!("the local setting `{name}` must be {}", form.words());
                let diagnostic = Diagnostic::new(&WRONG_LOCAL_SETTING, setting.origin, message);
                diags.emit(diagnostic.with_help("give it a value of that form"));
            }
        }
    }
}
