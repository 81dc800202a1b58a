//! The formatter: the one canonical style.
//!
//! The AST says what is written, the text how its literals are spelled, [`ast::File::comments`] what stands between. The
//! printer walks the tree in the order of the text and consumes each token where it stands in the text, so that no
//! comment is passed by: before a token is written, the comments that have not been written yet are.
//!
//! What holds of the result: it parses to the same AST; it has the same comments in the same order; formatted again, it is
//! unchanged. For the last, each choice hangs on something that the result shows again: a block stays broken over lines if
//! it was so; a comment that ends its line still ends it, one that begins its line still begins it.

mod cmd;
mod comments;
mod doc;
mod expr;
mod item;
mod layout;
mod measure;
mod rows;
mod strings;
mod types;

use doc::Doc;

use super::ast;
use crate::source::Span;

/// `file`, which was parsed from `text` without errors, in the canonical style.
///
/// A file with syntax errors must not be formatted: what the parser did not understand is not in the AST.
pub fn format(text: &str, file: &ast::File) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    Printer::new(text, &file.comments).file(file, &mut out);
    out
}

/// Walks the AST in the order of the text.
struct Printer<'a> {
    text: &'a str,
    comments: &'a [ast::Comment],
    /// The first comment that has not been written.
    pending: usize,
    /// Where the last consumed token ends.
    at: usize,
    /// Where the next token begins.
    next: usize,
    /// The first comment behind `next`.
    ahead: usize,
}

/// The pieces of a document, in order.
type Docs<'a> = Vec<Doc<'a>>;

impl<'a> Printer<'a> {
    fn new(text: &'a str, comments: &'a [ast::Comment]) -> Self {
        let mut printer = Self {
            text,
            comments,
            pending: 0,
            at: 0,
            next: 0,
            ahead: 0,
        };
        printer.consume_to(0);
        printer
    }

    /// The first token, or one that stands directly behind the one before: `.`, `(`.
    fn glue(&mut self, docs: &mut Docs<'a>, token: &'static str) {
        self.token(docs, Doc::Nil, token);
    }

    /// A token with a blank before it, unless it is the first.
    fn word(&mut self, docs: &mut Docs<'a>, token: &'static str) {
        let before = if docs.is_empty() { Doc::Nil } else { Doc::Text(" ") };
        self.token(docs, before, token);
    }

    fn token(&mut self, docs: &mut Docs<'a>, before: Doc<'a>, token: &'static str) {
        let gap = self.gap(before);
        push(docs, gap);
        docs.push(Doc::Text(token));
        let is_here = self.text[self.next..].starts_with(token);
        debug_assert!(
            is_here,
            "`{token}` is not at {}: {:?}",
            self.next,
            &self.text[self.at..]
        );
        if is_here {
            self.consume_to(self.next + token.len());
        }
    }

    /// What the text says at `span`, directly behind what was before.
    fn glue_span(&mut self, docs: &mut Docs<'a>, span: Span) {
        let gap = self.gap(Doc::Nil);
        push(docs, gap);
        docs.push(self.verbatim(span));
    }

    /// What the text says at `span`, with a blank before it, unless it is the first.
    fn word_span(&mut self, docs: &mut Docs<'a>, span: Span) {
        let before = if docs.is_empty() { Doc::Nil } else { Doc::Text(" ") };
        let gap = self.gap(before);
        push(docs, gap);
        docs.push(self.verbatim(span));
    }

    /// What the text says at `span`; comments inside it are part of that.
    fn verbatim(&mut self, span: Span) -> Doc<'a> {
        debug_assert_eq!(
            self.next, span.start as usize,
            "the tree is not in the order of the text"
        );
        let text = &self.text[span.range()];
        self.skip_to(span.end as usize);
        if text.contains('\n') {
            Doc::Raw(comments::unix_lines(text))
        } else {
            Doc::Text(text)
        }
    }

    /// Consumes up to `end` what has been written in another way, comments included.
    fn skip_to(&mut self, end: usize) {
        while self
            .comment_at(self.pending)
            .is_some_and(|span| (span.start as usize) < end)
        {
            self.pending += 1;
        }
        self.ahead = self.ahead.max(self.pending);
        self.consume_to(end);
    }

    /// Consumes commas, if there are any: the rows write their own.
    fn eat_commas(&mut self) {
        while self.text[self.next..].starts_with(',') {
            self.consume_to(self.next + 1);
        }
    }

    fn consume_to(&mut self, end: usize) {
        self.at = end;
        self.next = end;
        loop {
            let rest = &self.text[self.next..];
            self.next += rest.len() - rest.trim_start().len();
            match self.comment_at(self.ahead) {
                Some(span) if span.start as usize == self.next => {
                    self.next = span.end as usize;
                    self.ahead += 1;
                }
                _ => return,
            }
        }
    }

    fn comment_at(&self, index: usize) -> Option<Span> {
        self.comments.get(index).map(|comment| comment.span)
    }

    /// Whether the text at `span` is broken over lines.
    fn is_broken(&self, span: Span) -> bool {
        self.text[span.range()].contains('\n')
    }
}

/// Adds what is not nothing.
fn push<'a>(docs: &mut Docs<'a>, doc: Doc<'a>) {
    if !doc.is_nil() {
        docs.push(doc);
    }
}
