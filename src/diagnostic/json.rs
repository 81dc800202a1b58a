//! Diagnostics as one JSON document, for tools.
//!
//! The shape is a promise: it has types of its own, so that nothing renamed inside changes it. Lines and columns count
//! from 1, columns in Unicode scalar values, offsets in bytes. Keys that do not apply are left out.

use serde::Serialize;

use super::human::severity_name;
use super::{Diagnostic, Edit, Label, Severity};
use crate::source::{Sources, Span};

/// The document for these reports of `files` checked files: indented, with a line break at its end.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, files: usize) -> String {
    let document = Document {
        diagnostics: diagnostics.iter().map(|it| Report::new(it, sources)).collect(),
        summary: Summary {
            errors: count(diagnostics, Severity::Error),
            warnings: count(diagnostics, Severity::Warning),
            files,
        },
    };
    let mut out = serde_json::to_string_pretty(&document).expect("plain structs of texts and numbers have a JSON form");
    out.push('\n');
    out
}

fn count(diagnostics: &[Diagnostic], severity: Severity) -> usize {
    diagnostics.iter().filter(|it| it.severity == severity).count()
}

#[derive(Serialize)]
struct Document<'a> {
    diagnostics: Vec<Report<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct Report<'a> {
    name: &'a str,
    severity: &'a str,
    message: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
    /// The JSON pointer (RFC 6901) of the innermost node there, in a document that is JSON or YAML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// The primary place's own words first, then the other places.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    labels: Vec<LabelledPlace<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fix: Vec<Replacement<'a>>,
}

#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    start: Position,
    end: Position,
}

#[derive(Serialize)]
struct Position {
    line: u32,
    column: u32,
    offset: u32,
}

#[derive(Serialize)]
struct LabelledPlace<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
}

#[derive(Serialize)]
struct Replacement<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    text: &'a str,
}

#[derive(Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    files: usize,
}

impl<'a> Report<'a> {
    fn new(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Self {
        let primary = Some(&diagnostic.primary).filter(|label| !label.message.is_empty());
        let labels = primary.into_iter().chain(&diagnostic.others);
        Self {
            name: diagnostic.code.name,
            severity: severity_name(diagnostic.severity),
            message: &diagnostic.message,
            place: Place::new(diagnostic.primary.span, sources),
            pointer: pointer(diagnostic.primary.span, sources),
            labels: labels.map(|label| LabelledPlace::new(label, sources)).collect(),
            help: diagnostic.help.as_deref(),
            fix: diagnostic
                .fix
                .iter()
                .map(|edit| Replacement::new(edit, sources))
                .collect(),
        }
    }
}

fn pointer(span: Span, sources: &Sources) -> Option<String> {
    let pointers = sources.file(span.file).pointers.as_ref()?;
    Some(pointers(span.start))
}

impl<'a> LabelledPlace<'a> {
    fn new(label: &'a Label, sources: &'a Sources) -> Self {
        Self {
            message: &label.message,
            place: Place::new(label.span, sources),
        }
    }
}

impl<'a> Replacement<'a> {
    fn new(edit: &'a Edit, sources: &'a Sources) -> Self {
        Self {
            place: Place::new(edit.span, sources),
            text: &edit.text,
        }
    }
}

impl<'a> Place<'a> {
    fn new(span: Span, sources: &'a Sources) -> Self {
        let file = sources.file(span.file);
        let position = |offset: u32| {
            let at = file.line_column(offset);
            Position {
                line: at.line,
                column: at.column,
                offset,
            }
        };
        Self {
            file: &file.name,
            start: position(span.start),
            end: position(span.end),
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::diagnostic::Code;

    static UNKNOWN: Code = Code::error("unknown-field", "a field that the provider does not have");
    static UNUSED: Code = Code::warning("unused-output", "an output that nothing uses");

    #[test]
    fn has_every_key_that_applies_and_no_other() {
        let mut sources = Sources::default();
        let main = sources.add("main.pipe", None, "a = \"größe\"\r\nprojectname = 1\n");
        let lib = sources.add("lib/b.pipe", None, "x");
        let full = Diagnostic::new(
            &UNKNOWN,
            Span::new(main, 15, 26),
            "`build.codebuild` has no field `projectname`",
        )
        .with_label("no such field")
        .with_other(Span::new(lib, 0, 1), "declared here")
        .with_help("did you mean `project_name`?")
        .with_fix(Span::new(main, 15, 26), "project_name");
        let bare = Diagnostic::new(&UNUSED, Span::new(lib, 1, 1), "nothing uses `x`");
        assert_snapshot!(render(&[full, bare], &sources, 2));
    }

    #[test]
    fn says_that_nothing_is_wrong() {
        assert_snapshot!(render(&[], &Sources::default(), 3));
    }
}
