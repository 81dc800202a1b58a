//! Text that is no statement at all: what is wrong with it, and where to go on.

use super::expr::Commas;
use super::{Parser, codes};
use crate::source::Span;

impl Parser<'_> {
    /// Reports what stands at `at`, and gives the place behind it.
    pub(super) fn recover(&mut self, at: usize) -> usize {
        let end = self.line_end(at).max(at + 1).min(self.text.len());
        let end = (end..=self.text.len())
            .find(|&end| self.text.is_char_boundary(end))
            .unwrap_or(end);
        self.report_junk(at, end);
        end
    }

    pub(super) fn report_junk(&mut self, start: usize, end: usize) {
        let end = self.text_end_before(end).max(start);
        let span = self.here(start, end);
        self.report(&codes::UNEXPECTED_TEXT, span, "this text means nothing here");
    }

    pub(super) fn report_missing_comma(&mut self, next: usize, commas: Commas) {
        let at = self.text_end_before(next);
        let span = self.here(at, at);
        let help = match commas {
            Commas::Always => "write `,` between them",
            Commas::OrLines => "write `,` between them, or put each on a line of its own",
        };
        self.report(&codes::MISSING_COMMA, span, "a comma is missing here").help = Some(help.to_owned());
    }

    /// A statement whose brace was forgotten: is what follows its block?
    pub(super) fn block_follows(&mut self, _is_only_brace: bool) -> Option<Span> {
        let at = self.end as usize;
        let rest = &self.text[at..];
        let next = at + (rest.len() - rest.trim_start().len());
        let is_deeper = rest[..next - at].contains('\n') && self.indentation(next) > self.indentation(at);
        is_deeper.then(|| self.here(at, at))
    }

    /// Skips what is nested too deeply for pest.
    pub(super) fn skip_deep(&mut self, at: usize) -> usize {
        let span = self.here(at, at);
        self.report_too_deep(span);
        self.text.len()
    }
}
