//! Walking over pest's pairs: the comments among them are put aside, and what was read last is remembered.

use pest::iterators::{Pair, Pairs};

use super::{Parser, Rule};
use crate::source::Span;
use crate::syntax::ast::{Comment, CommentKind};

/// The children of one pair. Read a compound child to its end before looking at the next, so that comments stay in order.
pub(super) struct Cursor<'t> {
    next: Option<Pair<'t, Rule>>,
    rest: Pairs<'t, Rule>,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(pairs: Pairs<'t, Rule>) -> Self {
        Self {
            next: None,
            rest: pairs,
        }
    }

    /// The text of the token that was peeked at.
    pub(super) fn next_text(&self) -> Option<&'t str> {
        self.next.as_ref().map(Pair::as_str)
    }

    /// Where the token that was peeked at begins, in the slice that pest has seen.
    pub(super) fn next_start(&self) -> Option<usize> {
        self.next.as_ref().map(|pair| pair.as_span().start())
    }
}

impl<'t> Parser<'t> {
    /// The rule of the next token that is not a comment, and not behind the place where reading goes on.
    pub(super) fn peek(&mut self, cursor: &mut Cursor<'t>) -> Option<Rule> {
        loop {
            if let Some(next) = &cursor.next {
                let is_taken_back = self
                    .resume
                    .is_some_and(|resume| self.base + next.as_span().start() >= resume);
                return (!is_taken_back).then(|| next.as_rule());
            }
            let pair = cursor.rest.next()?;
            if pair.as_rule() == Rule::comment {
                self.take_comment(&pair);
            } else {
                cursor.next = Some(pair);
            }
        }
    }

    /// The next token that is not a comment.
    pub(super) fn bump(&mut self, cursor: &mut Cursor<'t>) -> Option<Pair<'t, Rule>> {
        // A comma only separates: a doc comment before it is above what stands behind it.
        if self.peek(cursor)? != Rule::comma {
            self.comments_at_token = self.comments.len();
        }
        cursor.next.take()
    }

    /// The next token, if it is of this rule.
    pub(super) fn bump_if(&mut self, cursor: &mut Cursor<'t>, rule: Rule) -> Option<Pair<'t, Rule>> {
        (self.peek(cursor) == Some(rule)).then(|| self.bump(cursor)).flatten()
    }

    /// Takes the comments at the end; the grammar and the walk disagree if anything else is left.
    pub(super) fn finish(&mut self, cursor: &mut Cursor<'t>) {
        let left = self.peek(cursor);
        debug_assert_eq!(left, None, "a token that the parser does not take");
    }

    /// The span of a pair, trailing space included where the rule includes it.
    pub(super) fn span(&self, pair: &Pair<'t, Rule>) -> Span {
        let span = pair.as_span();
        Span::new(self.file, self.base + span.start(), self.base + span.end())
    }

    /// The span of a token, which is from now on the last one read.
    pub(super) fn token(&mut self, pair: &Pair<'t, Rule>) -> Span {
        let span = self.span(pair);
        self.end = span.end;
        span
    }

    /// From `start` to the end of the last token.
    pub(super) fn since(&self, start: u32) -> Span {
        Span {
            file: self.file,
            start,
            end: self.end.max(start),
        }
    }

    fn take_comment(&mut self, pair: &Pair<'t, Rule>) {
        let mut span = self.span(pair);
        let text = pair.as_str();
        let kind = if text.starts_with("/*") {
            CommentKind::Block
        } else if text.starts_with("///") && !text.starts_with("////") {
            CommentKind::Doc
        } else {
            CommentKind::Line
        };
        if kind == CommentKind::Block {
            self.check_comment_end(text, span);
        } else {
            span.end -= (text.len() - text.trim_end_matches('\r').len()) as u32;
        }
        self.comments.push(Comment { kind, span });
    }
}
