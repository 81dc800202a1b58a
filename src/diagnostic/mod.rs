//! Diagnostics: reports about the user's files.
//!
//! Each kind of report is a [`Code`], declared beside the pass that finds it; its page, with an example that fails and the
//! same one mended, is `docs/diagnostics/<name>.md`. A pass emits [`Diagnostic`]s into [`Diagnostics`]; terminal, JSON and
//! editor read the same value. Messages are lower case without a full stop, names in backticks; a help is an order.

use std::cell::Cell;

use crate::source::Span;

pub mod human;
pub mod json;
pub mod suggest;

/// How much a report weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// AWS would refuse it, or it could never work.
    Error,
    /// AWS would accept it, and its author would regret it.
    Warning,
    /// Worth knowing.
    Hint,
}

/// One kind of report.
#[derive(Debug)]
pub struct Code {
    /// Kebab-case; never changes once published.
    pub name: &'static str,
    /// Unless the user sets another level.
    pub severity: Severity,
    /// One line for lists: what it reports.
    pub summary: &'static str,
}

impl Code {
    pub const fn error(name: &'static str, summary: &'static str) -> Self {
        Self {
            name,
            severity: Severity::Error,
            summary,
        }
    }

    pub const fn warning(name: &'static str, summary: &'static str) -> Self {
        Self {
            name,
            severity: Severity::Warning,
            summary,
        }
    }

    pub const fn hint(name: &'static str, summary: &'static str) -> Self {
        Self {
            name,
            severity: Severity::Hint,
            summary,
        }
    }
}

/// A place and what it is in this report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    /// May be empty: the place alone.
    pub message: String,
}

/// One replacement of a fix that is certain to be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

/// A report about the user's files.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub code: &'static Code,
    pub severity: Severity,
    pub message: String,
    /// Where a reader would look first; its label is what this place is.
    pub primary: Label,
    /// Other places that take part.
    pub others: Vec<Label>,
    /// How to mend it.
    pub help: Option<String>,
    /// Empty unless the repair is certain.
    pub fix: Vec<Edit>,
}

impl Diagnostic {
    /// A report at `span`; add what else is known with the `with_` methods.
    pub fn new(code: &'static Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity,
            message: message.into(),
            primary: Label {
                span,
                message: String::new(),
            },
            others: Vec::new(),
            help: None,
            fix: Vec::new(),
        }
    }

    /// Says what the primary place is.
    pub fn with_label(mut self, message: impl Into<String>) -> Self {
        self.primary.message = message.into();
        self
    }

    /// Adds another place.
    pub fn with_other(mut self, span: Span, message: impl Into<String>) -> Self {
        self.others.push(Label {
            span,
            message: message.into(),
        });
        self
    }

    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub fn with_fix(mut self, span: Span, text: impl Into<String>) -> Self {
        self.fix.push(Edit {
            span,
            text: text.into(),
        });
        self
    }
}

/// How many names one compilation compares for suggestions: enough for every file a person writes, and an end to the work
/// that a file of a hundred thousand unknown names would be.
const MOST_COMPARISONS: usize = 500_000;

/// What the passes have reported so far.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    /// How many names have been compared for suggestions.
    compared: Cell<usize>,
}

impl Diagnostics {
    pub fn emit(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    pub fn extend(&mut self, other: Diagnostics) {
        self.compared.set(self.compared.get() + other.compared.get());
        self.list.extend(other.list);
    }

    /// The candidate that `name` most likely misspells ([`suggest::nearest`]); after very many questions, none.
    pub fn nearest<'a>(&self, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        let compared = |_: &&str| {
            let before = self.compared.replace(self.compared.get() + 1);
            before < MOST_COMPARISONS
        };
        suggest::nearest(name, candidates.into_iter().take_while(compared))
    }

    /// `did you mean `image`?`
    pub fn did_you_mean<'a>(&self, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
        self.nearest(name, candidates)
            .map(|near| format!("did you mean `{near}`?"))
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn has_errors(&self) -> bool {
        self.list
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.list.retain(keep);
    }

    /// In the order of the files and of the places in them; what was reported twice, once.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list
            .sort_by(|a, b| (a.primary.span, a.code.name, &a.message).cmp(&(b.primary.span, b.code.name, &b.message)));
        self.list
            .dedup_by(|a, b| a.primary.span == b.primary.span && a.code.name == b.code.name && a.message == b.message);
        self.list
    }
}
