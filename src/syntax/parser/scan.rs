//! Text without a grammar: where a line ends, where brackets close, what word stands somewhere.

use super::{Parser, codes};
use crate::source::Span;

impl<'t> Parser<'t> {
    /// The word at an offset; empty if there is none.
    pub(super) fn word_at(&self, at: usize) -> &'t str {
        let text = self.text;
        let rest = &text[at..];
        let end = rest
            .find(|char: char| !(char.is_ascii_alphanumeric() || char == '_' || char == '-'))
            .unwrap_or(rest.len());
        &rest[..end]
    }

    /// Where the line of `at` ends, its line break not included.
    pub(super) fn line_end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |end| at + end)
    }

    /// How far the line of `at` is indented.
    pub(super) fn indentation(&self, at: usize) -> usize {
        let start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        self.text[start..].len() - self.text[start..].trim_start_matches([' ', '\t']).len()
    }

    /// Reports a block comment that goes on to the end of the file because nothing ends it.
    pub(super) fn check_comment_end(&mut self, text: &str, span: Span) {
        if (span.end as usize) < self.text.len() {
            return;
        }
        let bytes = text.as_bytes();
        let mut depth = 0usize;
        let mut at = 0;
        while at + 1 < bytes.len() {
            match &bytes[at..at + 2] {
                b"/*" => {
                    depth += 1;
                    at += 2;
                }
                b"*/" => {
                    depth -= 1;
                    at += 2;
                }
                _ => at += 1,
            }
        }
        if depth > 0 {
            let opening = Span {
                end: span.start + 2,
                ..span
            };
            self.report(&codes::UNTERMINATED_COMMENT, opening, "this comment is never ended")
                .help =
                Some("write `*/` where it ends; comments nest, so each `/*` inside needs one of its own".to_owned());
        }
    }
}
