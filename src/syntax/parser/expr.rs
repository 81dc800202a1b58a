//! Expressions. The grammar gives operands and operators as one flat list; how tightly they bind is decided here.

use pest::iterators::Pair;

use super::{Braces, Cursor, MAX_NESTING, Parser, Rule, codes};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, CompVars, Expr, ExprKind, Ident, ListEntry, RecordEntry};

impl<'t> Parser<'t> {
    /// An expression, or what marks that it is missing.
    pub(super) fn expr(&mut self, cursor: &mut Cursor<'t>) -> Expr {
        self.binary(cursor, 0)
    }

    /// Operands joined by operators that bind at least as tightly as `loosest`.
    fn binary(&mut self, cursor: &mut Cursor<'t>, loosest: u8) -> Expr {
        let mut left = self.operand(cursor);
        let mut height = self.height;
        let mut last_comparison: Option<Span> = None;
        while self.peek(cursor) == Some(Rule::operator) {
            let Some(op) = cursor.next_text().and_then(operator) else {
                break;
            };
            if strength(op) < loosest {
                break;
            }
            let Some(pair) = self.bump(cursor) else { break };
            let op_span = self.token(&pair);
            let right = self.binary(cursor, strength(op) + 1);
            height = height.max(self.height) + 1;
            let chained = strength(op) == COMPARISON && last_comparison.is_some();
            if strength(op) == COMPARISON {
                if let Some(first) = last_comparison {
                    let diagnostic = self.report(&codes::COMPARISON_CHAIN, op_span, "comparisons cannot be chained");
                    diagnostic.help = Some("put one of them in parentheses, or join two with `&&`".to_owned());
                    *diagnostic = diagnostic.clone().with_other(first, "the first comparison");
                }
                last_comparison = Some(op_span);
            }
            let span = left.span.to(right.span);
            let kind = if chained {
                // Reported: what it was meant to say is not known.
                ExprKind::Error
            } else {
                ExprKind::Binary {
                    op,
                    left: Box::new(left),
                    right: Box::new(right),
                }
            };
            left = self.built(kind, span, height);
            height = self.height;
        }
        self.height = height;
        left
    }

    /// An expression of this height, unless it is too high: walks over it recurse that deep.
    fn built(&mut self, kind: ExprKind, span: Span, height: usize) -> Expr {
        self.height = height;
        if height > 2 * MAX_NESTING {
            self.report_too_deep(span.tail());
            self.height = 1;
            return error(span);
        }
        Expr { kind, span }
    }

    fn operand(&mut self, cursor: &mut Cursor<'t>) -> Expr {
        let mut nots: Vec<u32> = Vec::new();
        while let Some(pair) = self.bump_if(cursor, Rule::not) {
            nots.push(self.token(&pair).start);
        }
        let mut expr = self.primary(cursor);
        loop {
            let height = self.height;
            let kind = match self.peek(cursor) {
                Some(Rule::member) => {
                    let Some(name) = self.member(cursor) else { continue };
                    ExprKind::Field {
                        base: Box::new(expr),
                        name,
                    }
                }
                Some(Rule::index) => {
                    let Some(pair) = self.bump(cursor) else { break };
                    let index = self.index(pair);
                    ExprKind::Index {
                        base: Box::new(expr),
                        index: Box::new(index),
                    }
                }
                Some(Rule::args) => {
                    let Some(pair) = self.bump(cursor) else { break };
                    let args = self.args(pair);
                    ExprKind::Call {
                        callee: Box::new(expr),
                        args,
                    }
                }
                _ => break,
            };
            let start = match &kind {
                ExprKind::Field { base, .. } | ExprKind::Index { base, .. } => base.span,
                ExprKind::Call { callee, .. } => callee.span,
                _ => self.since(self.end),
            };
            let span = start.to(self.since(start.start));
            expr = self.built(kind, span, height.max(self.height) + 1);
        }
        for start in nots.into_iter().rev() {
            let span = Span { start, ..expr.span };
            let height = self.height + 1;
            expr = self.built(ExprKind::Not(Box::new(expr)), span, height);
        }
        expr
    }

    /// `.name`; none if the name is missing, which has been reported.
    fn member(&mut self, cursor: &mut Cursor<'t>) -> Option<Ident> {
        let pair = self.bump(cursor)?;
        let span = self.span(&pair);
        let mut inner = Cursor::new(pair.into_inner());
        if let Some(name) = self.bump_if(&mut inner, Rule::ident) {
            self.height = 0;
            return Some(self.ident(&name));
        }
        self.end = span.end;
        self.missing(&mut inner);
        None
    }

    /// `[index]`
    pub(super) fn index(&mut self, pair: Pair<'t, Rule>) -> Expr {
        let span = self.span(&pair);
        let mut cursor = Cursor::new(pair.into_inner());
        self.nested(span, |parser| {
            let expr = parser.expr(&mut cursor);
            let height = parser.height;
            parser.close_bracket(&mut cursor, span, "[");
            parser.height = height;
            expr
        })
    }

    fn args(&mut self, pair: Pair<'t, Rule>) -> Vec<Expr> {
        let span = self.span(&pair);
        let mut cursor = Cursor::new(pair.into_inner());
        let mut args = Vec::new();
        let mut height = 0;
        if !self.enter(span) {
            return args;
        }
        let mut gap = Gap::default();
        while let Some(rule) = self.peek(&mut cursor) {
            match rule {
                Rule::no_close => break,
                Rule::comma | Rule::stray_comma | Rule::junk => self.between(&mut cursor, &mut gap),
                Rule::named => {
                    let Some(pair) = self.bump(&mut cursor) else { break };
                    match self.named_arg(pair, span) {
                        Some(arg) => args.push(arg),
                        None => break,
                    }
                    height = height.max(self.height);
                }
                _ => {
                    self.separate(&mut cursor, &mut gap, Commas::Always);
                    args.push(self.expr(&mut cursor));
                    height = height.max(self.height);
                }
            }
        }
        self.close_bracket(&mut cursor, span, "(");
        self.leave();
        self.height = height;
        args
    }

    /// `a = 1` among arguments: a name too many, or, on a line of its own, a field behind a call that was not closed.
    fn named_arg(&mut self, pair: Pair<'t, Rule>, call: Span) -> Option<Expr> {
        let span = self.span(&pair);
        if self.indentation(span.start as usize).is_some() {
            self.end_before(span.start as usize, call, "(");
            return None;
        }
        let mut inner = Cursor::new(pair.into_inner());
        let name = self.ident_or_missing(&mut inner);
        let value = self.expr(&mut inner);
        self.finish(&mut inner);
        let naming = Span {
            end: value.span.start,
            ..name.span
        };
        let message = "arguments have no names";
        self.report(&codes::UNEXPECTED_TEXT, name.span, message).help =
            Some("write the value alone, in the order of the parameters".to_owned());
        self.add_fix(naming, "");
        Some(value)
    }

    fn primary(&mut self, cursor: &mut Cursor<'t>) -> Expr {
        let Some(rule) = self.peek(cursor) else {
            return self.expected_value();
        };
        self.height = 1;
        match rule {
            Rule::plain | Rule::line_string | Rule::multiline | Rule::open_string => match self.bump(cursor) {
                Some(pair) => self.string(pair),
                None => self.expected_value(),
            },
            Rule::name | Rule::number | Rule::negative | Rule::list | Rule::record | Rule::if_expr | Rule::paren => {
                let Some(pair) = self.bump(cursor) else {
                    return self.expected_value();
                };
                let span = self.token(&pair);
                match rule {
                    Rule::name => {
                        let kind = match pair.as_str() {
                            "true" => ExprKind::Bool(true),
                            "false" => ExprKind::Bool(false),
                            "none" => ExprKind::None,
                            name => ExprKind::Name(name.to_owned()),
                        };
                        Expr { kind, span }
                    }
                    Rule::number => {
                        let kind = self.number(pair.as_str(), span);
                        self.range_or(cursor, kind, span)
                    }
                    Rule::negative => {
                        self.report_negative(pair.as_str(), span);
                        error(span)
                    }
                    _ => self.compound(rule, pair, span),
                }
            }
            _ => {
                self.missing(cursor);
                error(self.since(self.end))
            }
        }
    }

    fn compound(&mut self, rule: Rule, pair: Pair<'t, Rule>, span: Span) -> Expr {
        // The pair may end with the space behind what it lacks; its end is set when it has been read.
        self.end = span.start;
        let expr = self.nested(span, |parser| {
            let mut cursor = Cursor::new(pair.into_inner());
            let (kind, height) = match rule {
                Rule::list => parser.list(&mut cursor, span),
                Rule::record => parser.record(&mut cursor, span),
                Rule::if_expr => parser.if_expr(&mut cursor),
                _ => parser.paren(&mut cursor, span),
            };
            parser.finish(&mut cursor);
            let span = parser.since(span.start);
            parser.built(kind, span, height + 1)
        });
        Expr {
            span: self.since(span.start),
            ..expr
        }
    }

    /// `1..5` after its first number
    fn range_or(&mut self, cursor: &mut Cursor<'t>, low: ExprKind, low_span: Span) -> Expr {
        let Some(pair) = self.bump_if(cursor, Rule::range_end) else {
            return Expr {
                kind: low,
                span: low_span,
            };
        };
        let dots = self.token(&pair);
        let span = low_span.to(dots);
        let high = pair.into_inner().next();
        let high = match high {
            Some(high) => {
                let high_span = self.span(&high);
                self.integer(high.as_str(), high_span)
            }
            None => {
                self.report(&codes::MISSING_VALUE, dots.tail(), "this range has no end")
                    .help = Some("write the largest number behind `..`".to_owned());
                None
            }
        };
        let kind = match (low, high) {
            (ExprKind::Int(low), Some(high)) => ExprKind::Range { low, high },
            (ExprKind::Int(_) | ExprKind::Error, _) => ExprKind::Error,
            _ => {
                let message = "a range goes from one integer to another";
                self.report(&codes::INVALID_NUMBER, low_span, message);
                ExprKind::Error
            }
        };
        Expr { kind, span }
    }

    fn paren(&mut self, cursor: &mut Cursor<'t>, span: Span) -> (ExprKind, usize) {
        let inner = self.expr(cursor);
        let height = self.height;
        self.close_bracket(cursor, span, "(");
        (ExprKind::Paren(Box::new(inner)), height)
    }

    fn if_expr(&mut self, cursor: &mut Cursor<'t>) -> (ExprKind, usize) {
        let cond = self.expr(cursor);
        let mut height = self.height;
        let mut branch = |parser: &mut Self, lacking: Rule| {
            if parser.peek(cursor) == Some(lacking) {
                parser.missing(cursor);
                return error(parser.since(parser.end));
            }
            let expr = parser.expr(cursor);
            height = height.max(parser.height);
            expr
        };
        let then = branch(self, Rule::no_then);
        let otherwise = branch(self, Rule::no_else);
        let kind = ExprKind::If {
            cond: Box::new(cond),
            then: Box::new(then),
            otherwise: Box::new(otherwise),
        };
        (kind, height)
    }

    fn list(&mut self, cursor: &mut Cursor<'t>, span: Span) -> (ExprKind, usize) {
        if self.peek(cursor) == Some(Rule::list_comp) {
            return self.list_comp(cursor, span);
        }
        // Most lists have one item.
        let mut entries = Vec::with_capacity(1);
        let mut height = 0;
        let mut gap = Gap::default();
        while let Some(rule) = self.peek(cursor) {
            match rule {
                Rule::no_close => break,
                Rule::comma | Rule::stray_comma | Rule::junk => self.between(cursor, &mut gap),
                Rule::spread => {
                    self.separate(cursor, &mut gap, Commas::OrLines);
                    let expr = self.spread(cursor);
                    entries.push(ListEntry::Spread(expr));
                }
                _ => {
                    self.separate(cursor, &mut gap, Commas::OrLines);
                    let expr = self.expr(cursor);
                    entries.push(ListEntry::Item(expr));
                }
            }
            height = height.max(self.height);
        }
        self.close_bracket(cursor, span, "[");
        (ExprKind::List(entries), height)
    }

    fn list_comp(&mut self, cursor: &mut Cursor<'t>, span: Span) -> (ExprKind, usize) {
        let (vars, value, height) = match self.bump(cursor) {
            Some(pair) => {
                let mut inner = Cursor::new(pair.into_inner());
                let (vars, height) = self.comp_vars(&mut inner);
                let value = self.expr(&mut inner);
                self.finish(&mut inner);
                (vars, value, height.max(self.height))
            }
            None => unreachable!("peeked"),
        };
        self.bump_if(cursor, Rule::comma);
        self.close_bracket(cursor, span, "[");
        let (vars, value) = (Box::new(vars), Box::new(value));
        (ExprKind::ListComp { vars, value }, height)
    }

    fn map_comp(&mut self, cursor: &mut Cursor<'t>, span: Span) -> (ExprKind, usize) {
        let (kind, height) = match self.bump(cursor) {
            Some(pair) => {
                let mut inner = Cursor::new(pair.into_inner());
                let (vars, mut height) = self.comp_vars(&mut inner);
                let key = Box::new(self.expr(&mut inner));
                height = height.max(self.height);
                let value = if self.peek(&mut inner) == Some(Rule::no_equals) {
                    self.missing(&mut inner);
                    error(self.since(self.end))
                } else {
                    self.expr(&mut inner)
                };
                height = height.max(self.height);
                self.finish(&mut inner);
                let (vars, value) = (Box::new(vars), Box::new(value));
                (ExprKind::MapComp { vars, key, value }, height)
            }
            None => unreachable!("peeked"),
        };
        self.bump_if(cursor, Rule::comma);
        self.close_bracket(cursor, span, "{");
        (kind, height)
    }

    /// `for x in xs if cond:`
    fn comp_vars(&mut self, cursor: &mut Cursor<'t>) -> (CompVars, usize) {
        let first = self.ident_or_missing(cursor);
        let second = self.bump_if(cursor, Rule::ident).map(|pair| self.ident(&pair));
        if self.peek(cursor) == Some(Rule::no_in) {
            self.missing(cursor);
        }
        let iter = Box::new(self.expr(cursor));
        let mut height = self.height;
        let cond = self.bump_if(cursor, Rule::comp_cond).map(|pair| {
            let mut inner = Cursor::new(pair.into_inner());
            let cond = self.expr(&mut inner);
            self.finish(&mut inner);
            height = height.max(self.height);
            Box::new(cond)
        });
        if self.peek(cursor) == Some(Rule::no_colon) {
            self.missing(cursor);
        }
        let vars = CompVars {
            first,
            second,
            iter,
            cond,
        };
        (vars, height)
    }

    fn record(&mut self, cursor: &mut Cursor<'t>, span: Span) -> (ExprKind, usize) {
        if self.peek(cursor) == Some(Rule::map_comp) {
            return self.map_comp(cursor, span);
        }
        // A record without its brace, or perhaps without: what is indented no deeper than its line is not inside it.
        let is_closed = self.text[..span.end as usize].ends_with('}');
        let outside = (!is_closed || self.braces == Braces::ByIndentation)
            .then(|| self.line_indentation(span.start as usize))
            .filter(|_| self.text[span.range()].contains('\n'));
        let mut entries = Vec::new();
        let mut height = 0;
        let mut gap = Gap::default();
        while let Some(rule) = self.peek(cursor) {
            match rule {
                Rule::no_close => break,
                Rule::comma | Rule::stray_comma | Rule::junk => self.between(cursor, &mut gap),
                Rule::spread => {
                    self.separate(cursor, &mut gap, Commas::OrLines);
                    let expr = self.spread(cursor);
                    entries.push(RecordEntry::Spread(expr));
                }
                _ => {
                    if let Some(outside) = outside
                        && let Some(start) = cursor.next_start().map(|start| self.base + start)
                        && self
                            .indentation(start)
                            .is_some_and(|indentation| indentation <= outside)
                    {
                        self.end_before(start, span, "{");
                        return (ExprKind::Record(entries), height);
                    }
                    self.separate(cursor, &mut gap, Commas::OrLines);
                    let (key, quoted) = self.key(cursor);
                    let value = self.field_value(cursor, &key);
                    entries.push(RecordEntry::Field { key, quoted, value });
                }
            }
            height = height.max(self.height);
        }
        if let Some(outside) = outside
            && is_closed
            && self.resume.is_none()
            && self
                .indentation(span.end as usize - 1)
                .is_some_and(|indentation| indentation < outside)
        {
            self.finish(cursor);
            self.end_before(span.end as usize - 1, span, "{");
            return (ExprKind::Record(entries), height);
        }
        self.close_bracket(cursor, span, "{");
        (ExprKind::Record(entries), height)
    }

    /// What stands at `at` belongs to the block around something whose closing bracket is missing.
    fn end_before(&mut self, at: usize, span: Span, open: &str) {
        let end = self.text_end_before(at);
        self.end = end as u32;
        self.report_open_bracket(span.start as usize, open, end);
        self.resume = Some(at);
    }

    /// `...xs`
    fn spread(&mut self, cursor: &mut Cursor<'t>) -> Expr {
        let Some(pair) = self.bump(cursor) else {
            return self.expected_value();
        };
        let mut inner = Cursor::new(pair.into_inner());
        let expr = self.expr(&mut inner);
        self.finish(&mut inner);
        expr
    }

    /// The key of a record's entry, and whether it was quoted.
    pub(super) fn key(&mut self, cursor: &mut Cursor<'t>) -> (Ident, bool) {
        match self.peek(cursor) {
            Some(rule) if Self::is_string(rule) => {
                let Some(pair) = self.bump(cursor) else {
                    return (self.nameless(), true);
                };
                let expr = self.string(pair);
                let text = match &expr.kind {
                    ExprKind::Str(lit) => lit.as_text().map(str::to_owned),
                    _ => None,
                };
                if text.is_none() {
                    let message = "a key cannot hold `${…}`: it is known as it is written";
                    self.report(&codes::UNEXPECTED_TEXT, expr.span, message).help =
                        Some("write `{for k, v in map: key = v}` to make keys".to_owned());
                }
                let ident = Ident {
                    text: text.unwrap_or_default(),
                    span: expr.span,
                };
                (ident, true)
            }
            _ => (self.ident_or_missing(cursor), false),
        }
    }

    /// What stands behind a field's name.
    pub(super) fn field_value(&mut self, cursor: &mut Cursor<'t>, key: &Ident) -> Expr {
        match self.peek(cursor) {
            Some(Rule::colon) => {
                if let Some(pair) = self.bump(cursor) {
                    let span = self.token(&pair);
                    self.report_wrong_equals(pair.as_str(), span, key);
                    self.missing_at = Some(span.tail());
                }
                self.expr(cursor)
            }
            Some(Rule::no_equals) => {
                self.missing(cursor);
                self.expr(cursor)
            }
            _ => self.expr(cursor),
        }
    }

    pub(super) fn ident(&mut self, pair: &Pair<'t, Rule>) -> Ident {
        Ident {
            text: pair.as_str().to_owned(),
            span: self.token(pair),
        }
    }

    pub(super) fn ident_or_missing(&mut self, cursor: &mut Cursor<'t>) -> Ident {
        match self.bump_if(cursor, Rule::ident) {
            Some(pair) => self.ident(&pair),
            None => {
                if self.peek(cursor) == Some(Rule::no_name) {
                    self.missing(cursor);
                }
                self.nameless()
            }
        }
    }

    /// Stands where a name is missing.
    pub(super) fn nameless(&self) -> Ident {
        Ident {
            text: String::new(),
            span: self.since(self.end),
        }
    }

    fn expected_value(&mut self) -> Expr {
        self.height = 1;
        error(self.since(self.end))
    }

    /// Reads what is inside brackets, unless they are nested too deeply.
    pub(super) fn nested(&mut self, span: Span, read: impl FnOnce(&mut Self) -> Expr) -> Expr {
        if !self.enter(span) {
            self.height = 1;
            self.end = span.end;
            return error(span);
        }
        let expr = read(self);
        self.leave();
        expr
    }

    pub(super) fn enter(&mut self, span: Span) -> bool {
        if self.nesting + self.frames.len() >= MAX_NESTING {
            self.report_too_deep(Span {
                end: span.start + 1,
                ..span
            });
            return false;
        }
        self.nesting += 1;
        true
    }

    pub(super) fn leave(&mut self) {
        self.nesting -= 1;
    }
}

/// What has been seen since the last entry of a list.
#[derive(Default)]
pub(super) struct Gap {
    has_entry: bool,
    has_comma: bool,
    /// What cannot be read stands there, and has been reported.
    has_junk: bool,
}

/// What separates the entries of a list.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Commas {
    Always,
    OrLines,
}

impl<'t> Parser<'t> {
    /// Takes a comma, a comma too many, or text that is no entry.
    pub(super) fn between(&mut self, cursor: &mut Cursor<'t>, gap: &mut Gap) {
        let Some(pair) = self.bump(cursor) else { return };
        let span = self.token(&pair);
        match pair.as_rule() {
            Rule::comma => gap.has_comma = true,
            Rule::stray_comma => {
                if !gap.has_junk {
                    self.report_stray_comma(span);
                }
                gap.has_comma = true;
                gap.has_junk = false;
            }
            _ => {
                self.report_junk(span.start as usize, span.end as usize);
                gap.has_junk = true;
            }
        }
    }

    /// Checks what stands between the last entry and the one that begins now.
    pub(super) fn separate(&mut self, cursor: &mut Cursor<'t>, gap: &mut Gap, commas: Commas) {
        if gap.has_entry && !gap.has_comma && !gap.has_junk {
            let next = cursor.next_start().map_or(self.end as usize, |start| self.base + start);
            let between = &self.text[(self.end as usize).min(next)..next];
            if commas == Commas::Always || !between.contains('\n') {
                self.report_missing_comma(next, commas);
            }
        }
        *gap = Gap {
            has_entry: true,
            ..Gap::default()
        };
    }
}

pub(super) fn error(span: Span) -> Expr {
    Expr {
        kind: ExprKind::Error,
        span,
    }
}

const COMPARISON: u8 = 2;

/// How tightly an operator binds.
fn strength(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 0,
        BinaryOp::And => 1,
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::In | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
            COMPARISON
        }
    }
}

fn operator(text: &str) -> Option<BinaryOp> {
    Some(match text {
        "||" => BinaryOp::Or,
        "&&" => BinaryOp::And,
        "==" => BinaryOp::Eq,
        "!=" => BinaryOp::Ne,
        "in" => BinaryOp::In,
        "<" => BinaryOp::Lt,
        "<=" => BinaryOp::Le,
        ">" => BinaryOp::Gt,
        ">=" => BinaryOp::Ge,
        _ => return None,
    })
}
