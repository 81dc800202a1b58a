//! Types.

use pest::iterators::Pair;

use super::expr::{Commas, Gap};
use super::{Cursor, MAX_NESTING, Parser, Rule, codes};
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind, Ident, TypeExpr, TypeExprKind, TypeField};

impl<'t> Parser<'t> {
    /// A type, or what marks that it is missing.
    pub(super) fn ty(&mut self, cursor: &mut Cursor<'t>) -> TypeExpr {
        let first = self.type_term(cursor);
        let mut height = self.height;
        if self.peek(cursor) != Some(Rule::bar) {
            return first;
        }
        let start = first.span;
        let mut terms = vec![first];
        while let Some(pair) = self.bump_if(cursor, Rule::bar) {
            self.token(&pair);
            terms.push(self.type_term(cursor));
            height = height.max(self.height);
        }
        let span = start.to(self.since(start.start));
        self.built_type(TypeExprKind::Union(terms), span, height + 1)
    }

    fn built_type(&mut self, kind: TypeExprKind, span: Span, height: usize) -> TypeExpr {
        self.height = height;
        if height > 2 * MAX_NESTING {
            self.report_too_deep(span.tail());
            self.height = 1;
            return error(span);
        }
        TypeExpr { kind, span }
    }

    fn type_term(&mut self, cursor: &mut Cursor<'t>) -> TypeExpr {
        let mut ty = self.type_primary(cursor);
        loop {
            let start = ty.span;
            let height = self.height;
            let kind = match self.peek(cursor) {
                Some(Rule::optional) => {
                    if let Some(pair) = self.bump(cursor) {
                        self.token(&pair);
                    }
                    TypeExprKind::Optional(Box::new(ty))
                }
                Some(Rule::bounds) => {
                    let Some(pair) = self.bump(cursor) else { break };
                    let (low, high) = self.bounds(pair);
                    TypeExprKind::Range {
                        base: Box::new(ty),
                        low,
                        high,
                    }
                }
                Some(Rule::pattern) => {
                    let Some(pair) = self.bump(cursor) else { break };
                    let pattern = self.pattern(pair);
                    TypeExprKind::Pattern {
                        base: Box::new(ty),
                        pattern,
                    }
                }
                _ => break,
            };
            let span = start.to(self.since(start.start));
            ty = self.built_type(kind, span, height + 1);
        }
        ty
    }

    fn type_primary(&mut self, cursor: &mut Cursor<'t>) -> TypeExpr {
        let Some(rule) = self.peek(cursor) else {
            return error(self.since(self.end));
        };
        self.height = 1;
        match rule {
            Rule::plain | Rule::line_string | Rule::multiline | Rule::open_string => match self.bump(cursor) {
                Some(pair) => {
                    let expr = self.string(pair);
                    self.literal_type(expr)
                }
                None => error(self.since(self.end)),
            },
            Rule::number | Rule::negative | Rule::type_ref | Rule::type_record | Rule::type_paren => {
                let Some(pair) = self.bump(cursor) else {
                    return error(self.since(self.end));
                };
                let span = self.span(&pair);
                match rule {
                    Rule::number => {
                        let span = self.token(&pair);
                        let kind = self.number(pair.as_str(), span);
                        let expr = Expr { kind, span };
                        self.literal_type(expr)
                    }
                    Rule::negative => {
                        let span = self.token(&pair);
                        self.report_negative(pair.as_str(), span);
                        error(span)
                    }
                    _ => self.nested_type(rule, pair, span),
                }
            }
            _ => {
                self.missing(cursor);
                error(self.since(self.end))
            }
        }
    }

    fn literal_type(&mut self, expr: Expr) -> TypeExpr {
        let span = expr.span;
        self.height = 2;
        match &expr.kind {
            ExprKind::Error => error(span),
            ExprKind::Str(lit) if lit.as_text().is_none() => {
                let message = "a type cannot hold `${…}`";
                self.report(&codes::UNEXPECTED_TEXT, span, message).help = Some("write the text itself".to_owned());
                error(span)
            }
            _ => TypeExpr {
                kind: TypeExprKind::Literal(expr),
                span,
            },
        }
    }

    fn nested_type(&mut self, rule: Rule, pair: Pair<'t, Rule>, span: Span) -> TypeExpr {
        if !self.enter(span) {
            self.end = span.end;
            return error(span);
        }
        let mut cursor = Cursor::new(pair.into_inner());
        let kind = match rule {
            Rule::type_ref => self.type_ref(&mut cursor, span),
            Rule::type_record => TypeExprKind::Record(self.type_record(&mut cursor, span)),
            _ => {
                let inner = self.ty(&mut cursor);
                let height = self.height;
                self.close_bracket(&mut cursor, span, "(");
                self.height = height;
                TypeExprKind::Paren(Box::new(inner))
            }
        };
        self.finish(&mut cursor);
        self.leave();
        let span = self.since(span.start);
        let height = self.height + 1;
        self.built_type(kind, span, height)
    }

    /// `string`, `lib.Env`, `true`, `list<T>`
    fn type_ref(&mut self, cursor: &mut Cursor<'t>, span: Span) -> TypeExprKind {
        let Some(pair) = self.bump(cursor) else {
            return TypeExprKind::Error;
        };
        let name_span = self.token(&pair);
        let name = pair.as_str();
        let mut segments = self.segments(name, name_span);
        let Some(argument) = self.bump_if(cursor, Rule::type_arg) else {
            if let "true" | "false" = name {
                return TypeExprKind::Literal(Expr {
                    kind: ExprKind::Bool(name == "true"),
                    span: name_span,
                });
            }
            return TypeExprKind::Name(segments);
        };
        let mut inner = Cursor::new(argument.into_inner());
        let argument = self.ty(&mut inner);
        let height = self.height;
        self.finish(&mut inner);
        self.close_bracket(
            cursor,
            Span {
                start: name_span.end,
                ..span
            },
            "<",
        );
        self.height = height;
        match name {
            "list" => TypeExprKind::List(Box::new(argument)),
            "map" => TypeExprKind::Map(Box::new(argument)),
            _ => {
                let message = format!("`{name}` does not take a type in `<…>`");
                self.report(&codes::UNEXPECTED_TEXT, name_span, message).help =
                    Some("write `list<T>` or `map<T>`, or the name alone".to_owned());
                if segments.is_empty() {
                    segments.push(self.nameless());
                }
                TypeExprKind::Name(segments)
            }
        }
    }

    fn type_record(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Vec<TypeField> {
        let mut fields = Vec::new();
        let mut height = 0;
        let mut gap = Gap::default();
        while let Some(rule) = self.peek(cursor) {
            match rule {
                Rule::no_close => break,
                Rule::comma | Rule::stray_comma | Rule::junk => self.between(cursor, &mut gap),
                _ => {
                    self.separate(cursor, &mut gap, Commas::OrLines);
                    let Some(pair) = self.bump(cursor) else { break };
                    let mut inner = Cursor::new(pair.into_inner());
                    fields.push(self.type_field(&mut inner));
                    self.finish(&mut inner);
                    height = height.max(self.height);
                }
            }
        }
        self.close_bracket(cursor, span, "{");
        self.height = height;
        fields
    }

    fn type_field(&mut self, cursor: &mut Cursor<'t>) -> TypeField {
        let name = self.ident_or_missing(cursor);
        let optional = self
            .bump_if(cursor, Rule::optional)
            .map(|pair| self.token(&pair))
            .is_some();
        if self.peek(cursor) == Some(Rule::no_colon) {
            self.missing(cursor);
        }
        let ty = self.ty(cursor);
        TypeField { name, optional, ty }
    }

    /// `(1..100)`
    fn bounds(&mut self, pair: Pair<'t, Rule>) -> (Option<i64>, Option<i64>) {
        let span = self.span(&pair);
        let mut cursor = Cursor::new(pair.into_inner());
        let low = self.bound(&mut cursor);
        let mut high = None;
        match self.bump_if(&mut cursor, Rule::dots) {
            Some(pair) => {
                self.token(&pair);
                high = self.bound(&mut cursor);
            }
            None => {
                self.bump_if(&mut cursor, Rule::no_dots);
                let message = "these bounds are not a range";
                let at = Span {
                    end: span.end.min(self.end.max(span.start + 1)),
                    ..span
                };
                self.report(&codes::INVALID_BOUNDS, at, message).help =
                    Some("write `(1..5)`, `(1..)`, `(..5)`, or `(/a pattern/)`".to_owned());
            }
        }
        self.close_bracket(&mut cursor, span, "(");
        if let (Some(low), Some(high)) = (low, high)
            && low > high
        {
            let message = format!("the bounds {low}..{high} leave no value");
            self.report(&codes::INVALID_BOUNDS, self.since(span.start), message)
                .help = Some("write the smaller number first".to_owned());
        }
        (low, high)
    }

    fn bound(&mut self, cursor: &mut Cursor<'t>) -> Option<i64> {
        match self.peek(cursor) {
            Some(Rule::number) => {
                let pair = self.bump(cursor)?;
                let span = self.token(&pair);
                self.integer(pair.as_str(), span)
            }
            Some(Rule::negative) => {
                let pair = self.bump(cursor)?;
                let span = self.token(&pair);
                self.report_negative(pair.as_str(), span);
                None
            }
            _ => None,
        }
    }

    /// `(/regex/)`
    fn pattern(&mut self, pair: Pair<'t, Rule>) -> String {
        let span = self.span(&pair);
        let mut cursor = Cursor::new(pair.into_inner());
        let mut pattern = String::new();
        if let Some(regex) = self.bump_if(&mut cursor, Rule::regex) {
            self.token(&regex);
            let text = regex.as_str();
            pattern = text[1..text.len() - 1].replace("\\/", "/");
        }
        self.close_bracket(&mut cursor, span, "(");
        pattern
    }

    /// The words of `lib.release`.
    pub(super) fn segments(&mut self, text: &str, span: Span) -> Vec<Ident> {
        let mut start = span.start;
        text.split('.')
            .map(|word| {
                let span = Span {
                    start,
                    end: start + word.len() as u32,
                    ..span
                };
                start = span.end + 1;
                Ident {
                    text: word.to_owned(),
                    span,
                }
            })
            .collect()
    }
}

pub(super) fn error(span: Span) -> TypeExpr {
    TypeExpr {
        kind: TypeExprKind::Error,
        span,
    }
}
