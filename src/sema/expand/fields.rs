//! Fields in a block: each once, each of a known name.

use std::collections::HashMap;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::suggest::listed;
use crate::source::Span;
use crate::syntax::ast::Ident;

use super::super::codes;
use super::Expander;

/// The fields given so far in one block.
#[derive(Debug, Default)]
pub(super) struct Seen<'p> {
    places: HashMap<&'p str, Span>,
}

impl<'p> Expander<'p, '_, '_> {
    /// Whether this is the field's first time; a second one is reported.
    pub(super) fn first_time(&mut self, name: &'p Ident, seen: &mut Seen<'p>) -> bool {
        let Some(first) = seen.places.insert(&name.text, name.span) else {
            return true;
        };
        let diagnostic = Diagnostic::new(
            &codes::DUPLICATE_FIELD,
            name.span,
            format!("`{}` is given twice", name.text),
        )
        .with_label("given again here")
        .with_other(first, "first given here")
        .with_help("remove one of the two");
        self.ev.emit(diagnostic);
        false
    }

    pub(super) fn unknown_field(&mut self, owner: &str, name: &Ident, known: &[&str]) {
        let message = format!("{owner} has no field `{}`", name.text);
        let diagnostic = Diagnostic::new(&codes::UNKNOWN_FIELD, name.span, message);
        let near = self.ev.diags.nearest(&name.text, known.iter().copied());
        self.ev.emit(match (near, known.is_empty()) {
            (Some(near), _) => diagnostic
                .with_help(format!("did you mean `{near}`?"))
                .with_fix(name.span, near),
            (None, true) => diagnostic,
            (None, false) => diagnostic.with_help(format!("its fields are {}", listed(known.iter().copied()))),
        });
    }
}
