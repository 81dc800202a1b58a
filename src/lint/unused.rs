//! Things declared that nothing uses.

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::sema::check::{Unused, UnusedKind};

use super::codes;

/// Reports each of them; a name that begins with `_` is meant to be unused and is not among them.
pub fn unused(found: &[Unused], diags: &mut Diagnostics) {
    for unused in found {
        let (code, what) = describe(unused.kind);
        let message = format!("nothing uses {what} `{}`", unused.name);
        let help = match unused.kind {
            UnusedKind::Binding => format!("write `_{}` if that is meant", unused.name),
            _ => "remove it".to_owned(),
        };
        let diagnostic = Diagnostic::new(code, unused.span, message).with_help(help);
        diags.emit(diagnostic);
    }
}

fn describe(kind: UnusedKind) -> (&'static Code, &'static str) {
    match kind {
        UnusedKind::Import => (&codes::UNUSED_IMPORT, "the import"),
        UnusedKind::Param => (&codes::UNUSED_PARAM, "the parameter"),
        UnusedKind::Const => (&codes::UNUSED_CONST, "the constant"),
        UnusedKind::Type => (&codes::UNUSED_TYPE, "the type"),
        UnusedKind::Function => (&codes::UNUSED_FUNCTION, "the function"),
        UnusedKind::Action => (&codes::UNUSED_ACTION, "the reusable action"),
        UnusedKind::Stage => (&codes::UNUSED_STAGE, "the reusable stage"),
        UnusedKind::Provider => (&codes::UNUSED_PROVIDER, "the provider"),
        UnusedKind::Variable => (&codes::UNUSED_VARIABLE, "the variable"),
        UnusedKind::Binding => (&codes::UNUSED_BINDING, "the name"),
    }
}
