//! Types, and the parameters that have them.

use super::rows::{BRACES, Entry, PARENS};
use super::{Doc, Docs, Printer, push};
use crate::source::Span;
use crate::syntax::ast::{Param, TypeExpr, TypeExprKind, TypeField};

impl<'a> Printer<'a> {
    /// `: type`
    pub(super) fn annotation(&mut self, docs: &mut Docs<'a>, ty: &'a TypeExpr) {
        self.glue(docs, ":");
        self.ty_behind(docs, Doc::Text(" "), ty);
    }

    /// `(a: type, b: type = default)`
    pub(super) fn params(&mut self, docs: &mut Docs<'a>, params: &'a [Param]) {
        let gap = self.gap(Doc::Nil);
        push(docs, gap);
        let list = self.brackets(PARENS, false, params, |printer, param| printer.param(param).into());
        docs.push(list.group());
    }

    /// `name: type = default`
    pub(super) fn param(&mut self, param: &'a Param) -> Doc<'a> {
        let mut docs = Vec::new();
        self.word_span(&mut docs, param.name.span);
        self.annotation(&mut docs, &param.ty);
        if let Some(default) = &param.default {
            self.word(&mut docs, "=");
            self.expr_behind(&mut docs, Doc::Text(" "), default);
        }
        Doc::Concat(docs)
    }

    /// A type with what stands before it.
    pub(super) fn ty_behind(&mut self, docs: &mut Docs<'a>, before: Doc<'a>, ty: &'a TypeExpr) {
        let gap = self.gap(before);
        push(docs, gap);
        docs.push(self.ty(ty));
    }

    fn ty(&mut self, ty: &'a TypeExpr) -> Doc<'a> {
        match &ty.kind {
            TypeExprKind::Error => self.verbatim(ty.span),
            TypeExprKind::Name(path) => {
                let mut docs = Vec::new();
                for (at, segment) in path.iter().enumerate() {
                    if at > 0 {
                        self.glue(&mut docs, ".");
                    }
                    self.glue_span(&mut docs, segment.span);
                }
                Doc::Concat(docs)
            }
            TypeExprKind::List(inner) => self.generic("list", inner),
            TypeExprKind::Map(inner) => self.generic("map", inner),
            TypeExprKind::Record(fields) => {
                let broken = self.is_broken(ty.span);
                self.brackets(BRACES, broken, fields, Self::type_field).group()
            }
            TypeExprKind::Literal(expr) => self.expr(expr),
            TypeExprKind::Union(types) => {
                let mut first = Doc::Nil;
                let mut docs = Vec::new();
                for (at, ty) in types.iter().enumerate() {
                    if at == 0 {
                        first = self.ty(ty);
                    } else {
                        self.token(&mut docs, Doc::Text(" "), "|");
                        self.ty_behind(&mut docs, Doc::Line, ty);
                    }
                }
                Doc::Concat(vec![first, Doc::Concat(docs).nest()]).group()
            }
            TypeExprKind::Optional(_) | TypeExprKind::Range { .. } | TypeExprKind::Pattern { .. } => {
                self.suffix_chain(ty)
            }
            TypeExprKind::Paren(inner) => {
                let mut docs = Vec::new();
                self.glue(&mut docs, "(");
                self.ty_behind(&mut docs, Doc::Nil, inner);
                self.glue(&mut docs, ")");
                Doc::Concat(docs)
            }
        }
    }

    fn generic(&mut self, name: &'static str, inner: &'a TypeExpr) -> Doc<'a> {
        let mut docs = Vec::new();
        self.glue(&mut docs, name);
        self.glue(&mut docs, "<");
        self.ty_behind(&mut docs, Doc::Nil, inner);
        self.glue(&mut docs, ">");
        Doc::Concat(docs)
    }

    fn type_field(&mut self, field: &'a TypeField) -> Entry<'a> {
        let mut docs = Vec::new();
        self.glue_span(&mut docs, field.name.span);
        if field.optional {
            self.glue(&mut docs, "?");
        }
        self.annotation(&mut docs, &field.ty);
        Doc::Concat(docs).into()
    }

    /// `T?`, `string(1..100)`, `string(/regex/)`, in any number behind each other.
    fn suffix_chain(&mut self, ty: &'a TypeExpr) -> Doc<'a> {
        let mut links = Vec::new();
        let mut base = ty;
        while let TypeExprKind::Optional(inner)
        | TypeExprKind::Range { base: inner, .. }
        | TypeExprKind::Pattern { base: inner, .. } = &base.kind
        {
            links.push(base);
            base = inner;
        }
        let mut docs = vec![self.ty(base)];
        for link in links.into_iter().rev() {
            if let TypeExprKind::Optional(_) = link.kind {
                self.glue(&mut docs, "?");
                continue;
            }
            let gap = self.gap(Doc::Nil);
            push(&mut docs, gap);
            let span = Span::new(link.span.file, self.next, link.span.end as usize);
            docs.push(match link.kind {
                TypeExprKind::Pattern { .. } => self.pattern(span),
                _ => self.compact(span),
            });
        }
        Doc::Concat(docs)
    }

    /// `(/regex/)`
    fn pattern(&mut self, span: Span) -> Doc<'a> {
        if self.has_comments_in(span) {
            return self.verbatim(span);
        }
        let inside = self.text[span.range()].trim_start_matches('(').trim_end_matches(')');
        let regex = inside.trim();
        self.skip_to(span.end as usize);
        Doc::Concat(vec![Doc::Text("("), Doc::Text(regex), Doc::Text(")")])
    }

    /// `1..5`, `(1..100)`, without blanks.
    pub(super) fn compact(&mut self, span: Span) -> Doc<'a> {
        if self.has_comments_in(span) {
            return self.verbatim(span);
        }
        let words = self.text[span.range()].split_ascii_whitespace();
        let words = words.map(Doc::Text).collect();
        self.skip_to(span.end as usize);
        Doc::Concat(words)
    }

    fn has_comments_in(&self, span: Span) -> bool {
        self.comment_at(self.ahead)
            .is_some_and(|comment| comment.start < span.end)
    }
}
