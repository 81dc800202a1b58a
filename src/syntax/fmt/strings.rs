//! Strings over several lines, which are moved to where their level is.

use super::{Doc, Printer};
use crate::syntax::ast::{Expr, StrLit, StrPart};

impl<'a> Printer<'a> {
    /// A `"""…"""` string: its lines are indented anew, which its value does not show, since the closing line's
    /// indentation is taken from all of them. Where they do not share that indentation, they are left as they are.
    pub(super) fn multiline(&mut self, expr: &'a Expr, literal: &'a StrLit) -> Doc<'a> {
        let spans_lines = |part: &StrPart| match part {
            StrPart::Text(_) => false,
            StrPart::Interpolation(inner) => self.is_broken(inner.span),
        };
        let lines = if literal.parts.iter().any(spans_lines) {
            None
        } else {
            unindented(&self.text[expr.span.range()])
        };
        let Some(lines) = lines else {
            return self.verbatim(expr.span);
        };
        self.skip_to(expr.span.end as usize);
        Doc::Indented(lines).nest()
    }
}

/// The lines of a multi-line string with its quotes, without the closing line's indentation.
fn unindented(text: &str) -> Option<Vec<&str>> {
    if text.contains("\r\r") {
        return None;
    }
    let mut lines: Vec<&str> = text.lines().collect();
    let closing = lines.pop()?;
    let margin = closing.strip_suffix("\"\"\"")?;
    let is_blank = |text: &str| text.bytes().all(|byte| byte == b' ' || byte == b'\t');
    if lines.first() != Some(&"\"\"\"") || !is_blank(margin) {
        return None;
    }
    for line in &mut lines[1..] {
        if !line.is_empty() {
            *line = line.strip_prefix(margin)?;
        }
    }
    lines.push("\"\"\"");
    Some(lines)
}
