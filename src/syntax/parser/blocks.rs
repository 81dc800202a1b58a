//! Statements and braces into blocks and items.

use pest::iterators::Pair;

use super::heads::Head;
use super::node::Node;
use super::recover::is_item_keyword;
use super::{Braces, Cursor, MAX_NESTING, MAX_REPORTS, Parser, Rule, codes};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::{Block, CommentKind, Doc, Expr, Item, ItemKind, Stmt, StmtKind};

/// An open block.
pub(super) struct Frame {
    node: Node,
    doc: Doc,
    /// Where its statement begins.
    start: u32,
    /// Its opening brace.
    open: Span,
    stmts: Vec<Stmt>,
}

impl<'t> Parser<'t> {
    /// Takes what one run of statements gave; false if that was nothing.
    pub(super) fn read_run(&mut self, cursor: &mut Cursor<'t>) -> bool {
        let mut progressed = false;
        while let Some(rule) = self.peek(cursor) {
            progressed = true;
            let is_statement = rule == Rule::statement || rule == Rule::definition;
            if self.braces == Braces::ByIndentation
                && let Some(start) = cursor.next_start()
                && (is_statement || rule == Rule::close)
                && self.close_by_indentation(self.base + start, rule == Rule::close)
            {
                self.bump(cursor);
                continue;
            }
            if is_statement {
                self.begin_statement(cursor);
                let doc = self.doc(cursor.next_start().map_or(0, |start| self.base + start));
                if let Some(pair) = self.bump(cursor) {
                    self.statement(pair, doc);
                }
                if self.resume.is_some() || self.found.len() > MAX_REPORTS {
                    return true;
                }
                continue;
            }
            let Some(pair) = self.bump(cursor) else { break };
            let span = self.token(&pair);
            if rule == Rule::close {
                self.close_block(span);
            } else {
                self.comma(span);
            }
        }
        progressed
    }

    /// Checks that a line break or a comma separates the statement that begins now from the one before.
    fn begin_statement(&mut self, cursor: &Cursor<'t>) {
        let Some(start) = cursor.next_start() else { return };
        let start = self.base + start;
        if let Some(end) = self.unseparated.take() {
            let between = &self.text[end..start.max(end)];
            let separated = between.contains('\n') || self.text[..end].ends_with('}');
            if !separated {
                self.report_missing_comma(start, super::expr::Commas::OrLines);
            }
        }
    }

    pub(super) fn comma(&mut self, span: Span) {
        if self.takes_comma {
            self.takes_comma = false;
            self.unseparated = None;
        } else {
            self.report_stray_comma(span);
        }
    }

    fn statement(&mut self, pair: Pair<'t, Rule>, doc: Doc) {
        let start = self.span(&pair).start;
        let mut cursor = Cursor::new(pair.into_inner());
        self.nesting = 0;
        let head = self.statement_head(&mut cursor);
        self.finish(&mut cursor);
        self.take_statement(head, doc, start);
    }

    fn statement_head(&mut self, cursor: &mut Cursor<'t>) -> Head {
        match self.peek(cursor) {
            Some(rule) if rule == Rule::ident || Self::is_string(rule) => {
                let (name, _) = self.key(cursor);
                let value = self.field_value(cursor, &name);
                StmtKind::Field { name, value }.into()
            }
            Some(rule) => match self.bump(cursor) {
                Some(pair) => self.head(rule, &mut Cursor::new(pair.into_inner())),
                None => unreachable!("peeked"),
            },
            None => unreachable!("the grammar gives each statement a child"),
        }
    }

    /// Puts a statement where it belongs, or opens its block.
    pub(super) fn take_statement(&mut self, head: Head, doc: Doc, start: u32) {
        let end = self.end as usize;
        if let Some(open) = head.open {
            self.takes_comma = false;
            self.unseparated = None;
            self.open_block(Frame {
                node: head.node,
                doc,
                start,
                open,
                stmts: Vec::new(),
            });
            return;
        }
        self.takes_comma = true;
        self.unseparated = Some(end);
        let span = self.since(start);
        if self.dropped_frames == 0 {
            self.place(head.node, doc, span);
        }
    }

    fn open_block(&mut self, frame: Frame) {
        if self.frames.len() < MAX_NESTING {
            self.frames.push(frame);
            return;
        }
        if self.dropped_frames == 0 {
            self.report_too_deep(frame.open);
        }
        self.dropped_frames += 1;
    }

    fn close_block(&mut self, brace: Span) {
        self.unseparated = None;
        self.takes_comma = true;
        if self.dropped_frames > 0 {
            self.dropped_frames -= 1;
            return;
        }
        match self.frames.pop() {
            Some(frame) => self.end_block(frame, brace.end),
            None => self.report_stray_brace(brace),
        }
    }

    /// Closes the blocks that a line indented like this one cannot be inside of. True for a brace that closes nothing, and
    /// has been reported.
    fn close_by_indentation(&mut self, start: usize, is_brace: bool) -> bool {
        if self.dropped_frames > 0 {
            return false;
        }
        let Some(indentation) = self.indentation(start) else {
            return false;
        };
        let is_left = |parser: &Self, frame: &Frame| {
            parser.indentation(frame.start as usize).is_some_and(|of_block| {
                if is_brace {
                    of_block > indentation
                } else {
                    of_block >= indentation
                }
            })
        };
        let left = self
            .frames
            .iter()
            .rev()
            .take_while(|frame| is_left(self, frame))
            .count();
        if is_brace && left == self.frames.len() {
            return false;
        }
        if left > 0 {
            let end = self.end as usize;
            let opens: Vec<Span> = self.frames[self.frames.len() - left..]
                .iter()
                .map(|frame| frame.open)
                .collect();
            if let Some((&innermost, others)) = opens.split_last() {
                self.report_unclosed(innermost, others, end);
            }
            for _ in 0..left {
                if let Some(frame) = self.frames.pop() {
                    self.end_block(frame, end as u32);
                }
            }
            self.unseparated = None;
            return false;
        }
        let is_deeper = self.frames.last().is_some_and(|frame| {
            self.indentation(frame.start as usize)
                .is_some_and(|of_block| of_block < indentation)
        });
        if is_brace && is_deeper {
            self.report_stray_brace(self.here(start, start + 1));
        }
        is_brace && is_deeper
    }

    /// Reports the blocks that are still open at the end of the file, and closes them.
    pub(super) fn close_all(&mut self) {
        if self.frames.is_empty() {
            return;
        }
        let end = self.text_end_before(self.text.len()).max(self.end as usize);
        let mut opens: Vec<Span> = self.frames.iter().map(|frame| frame.open).collect();
        if let Some(innermost) = opens.pop().filter(|_| !self.swallowed_rest) {
            self.report_unclosed(innermost, &opens, end);
        }
        while let Some(frame) = self.frames.pop() {
            self.end_block(frame, end as u32);
        }
    }

    fn report_unclosed(&mut self, innermost: Span, others: &[Span], end: usize) {
        self.lacks_braces = true;
        let expected = self.here(end, end);
        let mut diagnostic = Diagnostic::new(&codes::UNCLOSED_BRACE, innermost, "`{` is never closed")
            .with_label("opened here")
            .with_other(expected, "`}` was expected here")
            .with_help("write `}`");
        for &open in others.iter().rev().take(3) {
            diagnostic = diagnostic.with_other(open, "this is open too");
        }
        self.emit(diagnostic);
    }

    fn report_stray_brace(&mut self, brace: Span) {
        self.lacks_braces = true;
        let diagnostic = Diagnostic::new(&codes::STRAY_BRACE, brace, "this `}` closes nothing")
            .with_help("remove it, or write the `{` that it should close");
        self.emit(diagnostic);
    }

    fn end_block(&mut self, mut frame: Frame, end: u32) {
        // Most blocks hold two statements, and a list that grows has room for four: half of the tree's memory.
        frame.stmts.shrink_to_fit();
        let body = Block {
            stmts: frame.stmts,
            span: Span { end, ..frame.open },
        };
        let span = Span {
            start: frame.start,
            ..body.span
        };
        let mut node = frame.node;
        if let Node::Else(cond) = node {
            self.end_else(cond, body, span);
            return;
        }
        node.set_body(body);
        self.place(node, frame.doc, span);
    }

    /// Puts a finished statement into the open block, and an item into the file.
    fn place(&mut self, node: Node, doc: Doc, span: Span) {
        match (node, self.frames.last_mut()) {
            (Node::Stmt(kind), Some(frame)) => frame.stmts.push(Stmt { doc, kind, span }),
            (Node::Item(kind), None) => self.items.push(Item { doc, kind, span }),
            (Node::Item(kind), Some(_)) => {
                let what = item_word(&kind);
                self.items.push(Item { doc, kind, span });
                // The word as written: it may be a misspelt one.
                let written = &self.text[span.range()];
                let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let length = written.find(|c| !is_word(c)).unwrap_or(written.len());
                let at = Span {
                    end: span.start + length as u32,
                    ..span
                };
                let message = format!("`{what}` cannot stand inside a block");
                self.report(&codes::MISPLACED_ITEM, at, message).help =
                    Some("move it to the top of the file".to_owned());
            }
            (Node::Stmt(kind), None) => {
                let is_reported = self.found.last().is_some_and(|last| {
                    last.code.name == codes::MISSING_EQUALS.name && last.primary.span.start > span.start
                });
                if is_reported {
                    return;
                }
                let word = self.word_at(span.start as usize);
                let at = Span {
                    end: span.start + word.len().max(1) as u32,
                    ..span
                };
                let (message, help) = match &kind {
                    StmtKind::Field { name, .. } if is_item_keyword(&name.text) => {
                        self.report(&codes::MISSING_NAME, at.tail(), "a name is missing here")
                            .help = Some(format!("write what this `{}` is called", name.text));
                        return;
                    }
                    StmtKind::Field { name, .. } => (
                        format!("the field `{}` cannot stand outside a block", name.text),
                        format!("move it into a block, or write `const {} = …`", name.text),
                    ),
                    _ => (
                        format!("`{word}` cannot stand outside a block"),
                        "move it into a pipeline or one of its blocks".to_owned(),
                    ),
                };
                self.report(&codes::MISPLACED_STATEMENT, at, message).help = Some(help);
            }
            (Node::Else(_) | Node::Unknown, _) => {}
        }
    }

    /// Gives an `else` to the `if` right before it.
    fn end_else(&mut self, cond: Option<Expr>, body: Block, span: Span) {
        let last = self.frames.last_mut().and_then(|frame| frame.stmts.last_mut());
        let at = Span {
            end: span.start + 4,
            ..span
        };
        let Some(last) = last else {
            self.report_stray_else(at);
            return;
        };
        last.span.end = last.span.end.max(span.start);
        let Some((otherwise, depth)) = innermost_else(&mut last.kind, 0) else {
            self.report_stray_else(at);
            return;
        };
        if depth >= MAX_NESTING {
            self.report_too_deep(at);
            return;
        }
        *otherwise = Some(match cond {
            None => body,
            Some(cond) => {
                let span = Span {
                    start: cond.span.start.min(body.span.start),
                    ..span
                };
                let stmt = Stmt {
                    doc: None,
                    kind: StmtKind::If {
                        cond: Box::new(cond),
                        then: body,
                        otherwise: None,
                    },
                    span,
                };
                Block {
                    stmts: vec![stmt],
                    span,
                }
            }
        });
        extend(last, span.end);
    }

    fn report_stray_else(&mut self, span: Span) {
        self.report(&codes::STRAY_ELSE, span, "this `else` does not follow an `if`")
            .help = Some("write it right behind the closing brace of an `if` block".to_owned());
    }

    /// The text of the `///` lines right above what begins at `start`.
    pub(super) fn doc(&self, start: usize) -> Doc {
        let mut lines: Vec<&str> = Vec::new();
        let mut below = start;
        for comment in self.comments[self.comments_at_token..].iter().rev() {
            let range = comment.span.range();
            let between = &self.text[range.end.min(below)..below];
            if comment.kind == CommentKind::Doc {
                // Commas only separate, wherever they stand.
                let own_line = self.text[..range.start].trim_end_matches([' ', '\t', ',']);
                let blank = &between[between.trim_end().len()..];
                let is_apart = !lines.is_empty() && blank.matches('\n').count() > 1;
                if is_apart || !(own_line.is_empty() || own_line.ends_with('\n')) {
                    break;
                }
                let line = self.text[range.start + 3..range.end].trim_end();
                lines.push(line.strip_prefix(' ').unwrap_or(line));
            }
            below = range.start;
        }
        if lines.is_empty() {
            return None;
        }
        lines.reverse();
        Some(lines.join("\n"))
    }
}

/// The place for the next `else` of an `if`, and how many there are already.
fn innermost_else(kind: &mut StmtKind, depth: usize) -> Option<(&mut Option<Block>, usize)> {
    let StmtKind::If { otherwise, .. } = kind else {
        return None;
    };
    if otherwise.is_none() {
        return Some((otherwise, depth));
    }
    let block = otherwise.as_mut()?;
    let span = block.span;
    match block.stmts.as_mut_slice() {
        [only] if only.span == span => innermost_else(&mut only.kind, depth + 1),
        _ => None,
    }
}

/// Moves the end of an `if` and of its chain of `else if`.
fn extend(stmt: &mut Stmt, end: u32) {
    stmt.span.end = end;
    if let StmtKind::If {
        otherwise: Some(block), ..
    } = &mut stmt.kind
        && let [only] = block.stmts.as_mut_slice()
        && only.span == block.span
    {
        block.span.end = end;
        extend(only, end);
    }
}

fn item_word(kind: &ItemKind) -> &'static str {
    match kind {
        ItemKind::Import(_) => "import",
        ItemKind::Param(_) => "param",
        ItemKind::Const(_) => "const",
        ItemKind::Type(_) => "type",
        ItemKind::Fn(_) => "fn",
        ItemKind::Action(_) => "action",
        ItemKind::Stage(_) => "stage",
        ItemKind::Provider(_) => "provider",
        ItemKind::Pipeline(_) => "pipeline",
    }
}
