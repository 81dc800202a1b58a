//! Comments: which of them stand before the next token, and how each keeps its place.
//!
//! A comment *ends a line* if nothing but other comments follows it there, and *begins* one if nothing is before it. Between
//! two entries of a block or list, those that end the line of the entry before belong to it (they *trail*), and all others
//! *lead* the entry behind. Anywhere else they stay in their gap.

use std::borrow::Cow;

use super::{Doc, Docs, Printer};
use crate::source::Span;
use crate::syntax::ast::CommentKind;

impl<'a> Printer<'a> {
    /// What stands before the next token: `plain`, unless there are comments. Where `plain` could break the line, what
    /// follows is on a level of its own already; elsewhere it goes one deeper if comments break the line.
    pub(super) fn gap(&mut self, plain: Doc<'a>) -> Doc<'a> {
        match plain {
            Doc::Line | Doc::Soft => self.level_gap(plain),
            _ if self.has_comments() => self.level_gap(plain).nest(),
            _ => plain,
        }
    }

    /// A gap behind which the level is that of before.
    pub(super) fn level_gap(&mut self, plain: Doc<'a>) -> Doc<'a> {
        if !self.has_comments() {
            return plain;
        }
        let first = self.comments[self.pending].span;
        let mut docs = vec![match self.line_of_comments() {
            _ if self.begins_line(first) => Doc::Hard,
            (_, true) => Doc::Text("  "),
            (_, false) => Doc::Text(" "),
        }];
        while self.has_comments() {
            let span = self.comment(&mut docs);
            docs.push(if self.ends_line(span) {
                Doc::Hard
            } else {
                Doc::Text(" ")
            });
        }
        Doc::Concat(docs)
    }

    /// Whether there are comments before the next token that have not been written.
    pub(super) fn has_comments(&self) -> bool {
        self.comment_at(self.pending)
            .is_some_and(|span| (span.start as usize) < self.next)
    }

    /// The comments that lead the next entry, each with what is between it and the next thing; and whether a blank line is
    /// above them.
    pub(super) fn lead(&mut self) -> (bool, Doc<'a>) {
        let blank = self.blank_above(self.next_thing());
        let mut docs = Vec::new();
        while self.has_comments() {
            let span = self.comment(&mut docs);
            if !self.ends_line(span) {
                docs.push(Doc::Text(" "));
                continue;
            }
            docs.push(Doc::Hard);
            if self.blank_above(self.next_thing()) {
                docs.push(Doc::Hard);
            }
        }
        (blank, if docs.is_empty() { Doc::Nil } else { Doc::Concat(docs) })
    }

    /// The comments before a closing bracket, or the end of the file, that trail nothing; there must be one.
    pub(super) fn dangling(&mut self) -> (bool, Doc<'a>) {
        let begins_line = self.begins_line(self.comments[self.pending].span);
        let (blank, lead) = self.lead();
        let Doc::Concat(mut docs) = lead else {
            return (blank, lead);
        };
        let mut needs_lines = begins_line;
        while let Some(Doc::Hard | Doc::Text(" ")) = docs.last() {
            needs_lines |= matches!(docs.pop(), Some(Doc::Hard));
        }
        if needs_lines {
            docs.push(Doc::Force);
        }
        (blank, Doc::Concat(docs))
    }

    /// The comments that trail what was written last: those that end its line, or stand between it and a closing bracket.
    pub(super) fn trail(&mut self) -> Doc<'a> {
        let closes = self.text[self.next..].starts_with(['}', ']', ')']);
        self.line_end_comments(closes)
    }

    /// The comments that end the line of an opening bracket.
    pub(super) fn trail_of_open(&mut self) -> Doc<'a> {
        self.line_end_comments(false)
    }

    fn line_end_comments(&mut self, take_without_line_end: bool) -> Doc<'a> {
        if !self.has_comments() || self.begins_line(self.comments[self.pending].span) {
            return Doc::Nil;
        }
        let (last, ends_line) = self.line_of_comments();
        if !ends_line && !take_without_line_end {
            return Doc::Nil;
        }
        let mut docs = Vec::new();
        while self.pending <= last {
            if !docs.is_empty() {
                docs.push(Doc::Text(" "));
            }
            self.comment(&mut docs);
        }
        if ends_line {
            docs.push(Doc::Force);
        }
        Doc::Concat(docs)
    }

    /// The last of the pending comments that stand in one line, and whether they end it.
    fn line_of_comments(&self) -> (usize, bool) {
        let mut last = self.pending;
        loop {
            let next = self.comment_at(last + 1).map(|span| span.start as usize);
            let next = next.filter(|&start| start < self.next);
            if self.breaks_line(self.comments[last].span, next.unwrap_or(self.next)) {
                return (last, true);
            }
            if next.is_none() {
                return (last, false);
            }
            last += 1;
        }
    }

    /// Writes the first pending comment.
    fn comment(&mut self, docs: &mut Docs<'a>) -> Span {
        let comment = self.comments[self.pending];
        self.pending += 1;
        let text = &self.text[comment.span.range()];
        docs.push(match comment.kind {
            CommentKind::Line | CommentKind::Doc => Doc::Suffix(text.trim_end()),
            CommentKind::Block => Doc::Raw(unix_lines(text)),
        });
        comment.span
    }

    /// Where the next comment or token begins.
    fn next_thing(&self) -> usize {
        if self.has_comments() {
            self.comments[self.pending].span.start as usize
        } else {
            self.next
        }
    }

    /// Whether a line ends between a comment, which has been written, and the next thing.
    fn ends_line(&self, comment: Span) -> bool {
        self.breaks_line(comment, self.next_thing())
    }

    fn breaks_line(&self, comment: Span, next: usize) -> bool {
        next == self.text.len() || self.text[comment.end as usize..next].contains('\n')
    }

    /// Whether nothing is before `comment` in its line.
    fn begins_line(&self, comment: Span) -> bool {
        let before = self.text[..comment.start as usize].trim_end_matches([' ', '\t', '\r']);
        before.is_empty() || before.ends_with('\n')
    }

    /// Whether the line above `at` is blank.
    pub(super) fn blank_above(&self, at: usize) -> bool {
        let before = &self.text[..at];
        let blank = &before[before.trim_end().len()..];
        blank.bytes().filter(|&byte| byte == b'\n').count() > 1
    }
}

/// `text` with LF line ends. Where a carriage return stands before a CRLF, that would make a new CRLF of it: all is left.
pub(super) fn unix_lines(text: &str) -> Cow<'_, str> {
    if text.contains("\r\n") && !text.contains("\r\r") {
        Cow::Owned(text.replace("\r\n", "\n"))
    } else {
        Cow::Borrowed(text)
    }
}
