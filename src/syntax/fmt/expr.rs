//! Expressions.

use super::rows::{BRACES, BRACKETS, Entry, PARENS};
use super::{Doc, Docs, Printer, push};
use crate::syntax::ast::{BinaryOp, CompVars, Expr, ExprKind, Ident, ListEntry, RecordEntry};

impl<'a> Printer<'a> {
    /// An expression with what stands before it.
    pub(super) fn expr_behind(&mut self, docs: &mut Docs<'a>, before: Doc<'a>, expr: &'a Expr) {
        let gap = self.gap(before);
        push(docs, gap);
        docs.push(self.expr(expr));
    }

    pub(super) fn expr(&mut self, expr: &'a Expr) -> Doc<'a> {
        match &expr.kind {
            ExprKind::Str(literal) if literal.multiline => self.multiline(expr, literal),
            ExprKind::Str(_)
            | ExprKind::Int(_)
            | ExprKind::Duration(_)
            | ExprKind::Bool(_)
            | ExprKind::None
            | ExprKind::Name(_)
            | ExprKind::Error => self.verbatim(expr.span),
            ExprKind::Range { .. } => self.compact(expr.span),
            ExprKind::List(entries) => self.brackets(BRACKETS, false, entries, Self::list_entry).group(),
            ExprKind::Record(entries) => {
                let broken = self.is_broken(expr.span);
                self.brackets(BRACES, broken, entries, Self::record_entry).group()
            }
            ExprKind::ListComp { vars, value } => self.comprehension("[", "]", vars, None, value),
            ExprKind::MapComp { vars, key, value } => self.comprehension("{", "}", vars, Some(key), value),
            ExprKind::Field { .. } | ExprKind::Index { .. } | ExprKind::Call { .. } => self.postfix_chain(expr),
            ExprKind::Not(_) => self.not_chain(expr),
            ExprKind::Binary { op, .. } => {
                let (first, rest) = self.binary_chain(expr, level(*op));
                Doc::Concat(vec![first, rest.nest()]).group()
            }
            ExprKind::If { .. } => self.if_chain(expr).nest().group(),
            ExprKind::Paren(inner) => self.paren(inner),
        }
    }

    /// `(x)`: the lines of a broken `x` stand below each other.
    fn paren(&mut self, inner: &'a Expr) -> Doc<'a> {
        let mut docs = Vec::new();
        self.glue(&mut docs, "(");
        let mut inside = Vec::new();
        let gap = self.gap(Doc::Soft);
        push(&mut inside, gap);
        match &inner.kind {
            ExprKind::Binary { op, .. } => {
                let (first, rest) = self.binary_chain(inner, level(*op));
                inside.extend([first, rest]);
            }
            ExprKind::If { .. } => inside.push(self.if_chain(inner)),
            _ => inside.push(self.expr(inner)),
        }
        docs.push(Doc::Concat(inside).nest());
        self.token(&mut docs, Doc::Soft, ")");
        Doc::Concat(docs).group()
    }

    fn list_entry(&mut self, entry: &'a ListEntry) -> Entry<'a> {
        match entry {
            ListEntry::Item(expr) => self.expr(expr).into(),
            ListEntry::Spread(expr) => self.spread(expr),
        }
    }

    fn record_entry(&mut self, entry: &'a RecordEntry) -> Entry<'a> {
        match entry {
            RecordEntry::Field { key, value, .. } => self.field(key, value),
            RecordEntry::Spread(expr) => self.spread(expr),
        }
    }

    fn spread(&mut self, expr: &'a Expr) -> Entry<'a> {
        let mut docs = Vec::new();
        self.glue(&mut docs, "...");
        self.expr_behind(&mut docs, Doc::Nil, expr);
        Doc::Concat(docs).into()
    }

    /// `name = value`, in a record as in a block.
    pub(super) fn field(&mut self, name: &'a Ident, value: &'a Expr) -> Entry<'a> {
        let key = &self.text[name.span.range()];
        self.skip_to(name.span.end as usize);
        let mut assign = Vec::new();
        let mut has_comments = self.has_comments();
        self.token(&mut assign, Doc::Text(" "), "=");
        has_comments |= self.has_comments();
        if !has_comments {
            let body = self.expr(value);
            return Entry { key: Some(key), body };
        }
        let mut docs = vec![Doc::Text(key)];
        docs.append(&mut assign);
        self.expr_behind(&mut docs, Doc::Text(" "), value);
        Doc::Concat(docs).into()
    }

    /// `base.field[index](argument, …)`, of any length.
    fn postfix_chain(&mut self, expr: &'a Expr) -> Doc<'a> {
        let mut links = Vec::new();
        let mut base = expr;
        while let ExprKind::Field { base: inner, .. }
        | ExprKind::Index { base: inner, .. }
        | ExprKind::Call { callee: inner, .. } = &base.kind
        {
            links.push(base);
            base = inner;
        }
        let mut docs = vec![self.expr(base)];
        for link in links.into_iter().rev() {
            match &link.kind {
                ExprKind::Field { name, .. } => {
                    self.glue(&mut docs, ".");
                    self.glue_span(&mut docs, name.span);
                }
                ExprKind::Index { index, .. } => {
                    self.glue(&mut docs, "[");
                    self.expr_behind(&mut docs, Doc::Nil, index);
                    self.glue(&mut docs, "]");
                }
                ExprKind::Call { args, .. } => self.arguments(&mut docs, args),
                _ => unreachable!("only postfix expressions are links"),
            }
        }
        Doc::Concat(docs)
    }

    fn arguments(&mut self, docs: &mut Docs<'a>, args: &'a [Expr]) {
        let gap = self.gap(Doc::Nil);
        push(docs, gap);
        // A sole argument with brackets of its own breaks inside of them, not around them.
        if let [arg] = args
            && has_brackets(arg)
            && self
                .comment_at(self.ahead)
                .is_none_or(|span| span.start >= arg.span.start)
        {
            self.glue(docs, "(");
            self.expr_behind(docs, Doc::Nil, arg);
            self.eat_commas();
            self.glue(docs, ")");
            return;
        }
        let list = self.brackets(PARENS, false, args, |printer, arg| printer.expr(arg).into());
        docs.push(list.group());
    }

    fn not_chain(&mut self, expr: &'a Expr) -> Doc<'a> {
        let mut docs = Vec::new();
        let mut operand = expr;
        while let ExprKind::Not(inner) = &operand.kind {
            self.glue(&mut docs, "!");
            operand = inner;
        }
        self.expr_behind(&mut docs, Doc::Nil, operand);
        Doc::Concat(docs)
    }

    /// `a && b && c`: the first operand and the rest. Operators of one level break together, and behind the operator.
    fn binary_chain(&mut self, expr: &'a Expr, chain_level: u8) -> (Doc<'a>, Doc<'a>) {
        let mut links = Vec::new();
        let mut first = expr;
        while let ExprKind::Binary { op, left, right } = &first.kind
            && level(*op) == chain_level
        {
            links.push((*op, right));
            first = left;
        }
        let head = self.expr(first);
        let mut docs = Vec::new();
        for (op, right) in links.into_iter().rev() {
            self.token(&mut docs, Doc::Text(" "), op.symbol());
            self.expr_behind(&mut docs, Doc::Line, right);
        }
        (head, Doc::Concat(docs))
    }

    /// `if a then b else if c then d else e`: all of it breaks together.
    fn if_chain(&mut self, expr: &'a Expr) -> Doc<'a> {
        let mut docs = Vec::new();
        let mut last = expr;
        while let ExprKind::If { cond, then, otherwise } = &last.kind {
            self.word(&mut docs, "if");
            self.expr_behind(&mut docs, Doc::Text(" "), cond);
            self.token(&mut docs, Doc::Line, "then");
            self.expr_behind(&mut docs, Doc::Text(" "), then);
            self.token(&mut docs, Doc::Line, "else");
            last = otherwise;
        }
        self.expr_behind(&mut docs, Doc::Text(" "), last);
        Doc::Concat(docs)
    }

    /// `[for x in xs if cond: value]`, `{for k, v in m: key = value}`
    fn comprehension(
        &mut self,
        open: &'static str,
        close: &'static str,
        vars: &'a CompVars,
        key: Option<&'a Expr>,
        value: &'a Expr,
    ) -> Doc<'a> {
        let mut docs = Vec::new();
        self.glue(&mut docs, open);
        let mut inside = Vec::new();
        self.token(&mut inside, Doc::Soft, "for");
        self.word_span(&mut inside, vars.first.span);
        if let Some(second) = &vars.second {
            self.glue(&mut inside, ",");
            self.word_span(&mut inside, second.span);
        }
        self.word(&mut inside, "in");
        self.expr_behind(&mut inside, Doc::Text(" "), &vars.iter);
        if let Some(cond) = &vars.cond {
            self.token(&mut inside, Doc::Line, "if");
            self.expr_behind(&mut inside, Doc::Text(" "), cond);
        }
        self.glue(&mut inside, ":");
        if let Some(key) = key {
            self.expr_behind(&mut inside, Doc::Line, key);
            self.word(&mut inside, "=");
            self.expr_behind(&mut inside, Doc::Text(" "), value);
        } else {
            self.expr_behind(&mut inside, Doc::Line, value);
        }
        docs.push(Doc::Concat(inside).nest());
        self.eat_commas();
        self.token(&mut docs, Doc::Soft, close);
        Doc::Concat(docs).group()
    }
}

/// Binary operators of the same level stand in one chain.
fn level(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 0,
        BinaryOp::And => 1,
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::In | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => 2,
    }
}

/// Whether an expression can be broken inside of its own brackets.
fn has_brackets(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::List(_) | ExprKind::Record(_) | ExprKind::ListComp { .. } | ExprKind::MapComp { .. } => true,
        ExprKind::Str(literal) => literal.multiline,
        ExprKind::Int(_)
        | ExprKind::Duration(_)
        | ExprKind::Bool(_)
        | ExprKind::None
        | ExprKind::Name(_)
        | ExprKind::Field { .. }
        | ExprKind::Index { .. }
        | ExprKind::Call { .. }
        | ExprKind::Not(_)
        | ExprKind::Binary { .. }
        | ExprKind::If { .. }
        | ExprKind::Paren(_)
        | ExprKind::Range { .. }
        | ExprKind::Error => false,
    }
}
