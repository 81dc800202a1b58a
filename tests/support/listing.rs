//! Diagnostics as plain lines, places included.

use pipe::diagnostic::{Diagnostic, Label, Severity};
use pipe::source::Sources;

/// Diagnostics one after the other, plainly: `line:column-line:column error[name]: message`, then labels, help and fix.
pub(crate) fn list_diagnostics(sources: &Sources, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    let place = |label: &Label| {
        let file = sources.file(label.span.file);
        let (start, end) = (file.line_column(label.span.start), file.line_column(label.span.end));
        format!("{}:{}-{}:{}", start.line, start.column, end.line, end.column)
    };
    for diagnostic in diagnostics {
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        };
        out += &format!(
            "{} {severity}[{}]: {}\n",
            place(&diagnostic.primary),
            diagnostic.code.name,
            diagnostic.message
        );
        if !diagnostic.primary.message.is_empty() {
            out += &format!("    here: {}\n", diagnostic.primary.message);
        }
        for other in &diagnostic.others {
            out += &format!("    {}: {}\n", place(other), other.message);
        }
        if let Some(help) = &diagnostic.help {
            out += &format!("    help: {help}\n");
        }
        for edit in &diagnostic.fix {
            let label = Label {
                span: edit.span,
                message: String::new(),
            };
            out += &format!("    fix: {} becomes {:?}\n", place(&label), edit.text);
        }
    }
    out
}
