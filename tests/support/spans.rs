//! The spans of an AST: each node's, with the node around it.

use pipe::source::Span;
use pipe::syntax::ast::{
    Block, CompVars, DeclName, Expr, ExprKind, File, Ident, ItemKind, ListEntry, Param, Path, RecordEntry, Stmt,
    StmtKind, StrPart, TypeExpr, TypeExprKind,
};

/// Calls `check(outer, inner)` for each node and the one it is part of.
pub(crate) fn walk(file: &File, whole: Span, check: &mut dyn FnMut(Span, Span)) {
    let mut walk = Walk { check };
    for item in &file.items {
        walk.inside(whole, item.span);
        walk.item(&item.kind, item.span);
    }
}

struct Walk<'c> {
    check: &'c mut dyn FnMut(Span, Span),
}

impl Walk<'_> {
    fn inside(&mut self, outer: Span, inner: Span) {
        (self.check)(outer, inner);
    }

    fn ident(&mut self, ident: &Ident, outer: Span) {
        self.inside(outer, ident.span);
    }

    fn path(&mut self, path: &Path, outer: Span) {
        self.inside(outer, path.span);
        for segment in &path.segments {
            self.ident(segment, path.span);
        }
    }

    fn block(&mut self, block: &Block, outer: Span) {
        self.inside(outer, block.span);
        for stmt in &block.stmts {
            self.inside(block.span, stmt.span);
            self.stmt(stmt);
        }
    }

    fn params(&mut self, params: &[Param], outer: Span) {
        for param in params {
            self.inside(outer, param.span);
            self.param(param);
        }
    }

    fn param(&mut self, param: &Param) {
        self.ident(&param.name, param.span);
        self.ty(&param.ty, param.span);
        self.exprs(param.default.as_ref(), param.span);
    }

    fn decl(&mut self, name: &DeclName, outer: Span) {
        self.ident(&name.ident, outer);
        self.exprs(name.key.as_deref(), outer);
        self.exprs(name.aws_name.as_deref(), outer);
    }

    fn item(&mut self, item: &ItemKind, span: Span) {
        match item {
            ItemKind::Import(item) => {
                self.expr(&item.path, span);
                self.ident(&item.name, span);
            }
            ItemKind::Param(item) => {
                self.inside(span, item.span);
                self.param(item);
            }
            ItemKind::Const(item) => {
                self.ident(&item.name, span);
                self.exprs([&item.value], span);
                item.ty.iter().for_each(|ty| self.ty(ty, span));
            }
            ItemKind::Type(item) => {
                self.ident(&item.name, span);
                self.ty(&item.ty, span);
            }
            ItemKind::Fn(item) => {
                self.ident(&item.name, span);
                self.params(&item.params, span);
                self.ty(&item.result, span);
                self.expr(&item.body, span);
            }
            ItemKind::Action(item) => {
                self.ident(&item.name, span);
                self.params(&item.params, span);
                self.path(&item.provider, span);
                self.block(&item.body, span);
            }
            ItemKind::Stage(item) => {
                self.ident(&item.name, span);
                self.params(&item.params, span);
                self.block(&item.body, span);
            }
            ItemKind::Provider(item) => {
                self.ident(&item.name, span);
                self.block(&item.body, span);
            }
            ItemKind::Pipeline(item) => {
                self.ident(&item.name, span);
                self.exprs(&item.aws_name, span);
                self.block(&item.body, span);
            }
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        let span = stmt.span;
        match &stmt.kind {
            StmtKind::Field { name, value } => {
                self.ident(name, span);
                self.expr(value, span);
            }
            StmtKind::Variable { name, default } => {
                self.ident(name, span);
                self.exprs(default, span);
            }
            StmtKind::Trigger { action, body } => {
                self.expr(action, span);
                self.block(body, span);
            }
            StmtKind::Push { body }
            | StmtKind::PullRequest { body }
            | StmtKind::Parallel { body }
            | StmtKind::Local { body }
            | StmtKind::Condition { body, .. } => self.block(body, span),
            StmtKind::Stage { name, body } => {
                self.decl(name, span);
                self.block(body, span);
            }
            StmtKind::StageUse {
                name,
                template: path,
                body,
            }
            | StmtKind::Action {
                name,
                provider: path,
                body,
            }
            | StmtKind::Rule {
                name,
                provider: path,
                body,
            } => {
                self.decl(name, span);
                self.path(path, span);
                self.block(body, span);
            }
            StmtKind::Output { name, from } => {
                self.decl(name, span);
                self.exprs(from, span);
            }
            StmtKind::Export { name } | StmtKind::LocalDriver { driver: name } => self.ident(name, span),
            StmtKind::For {
                first,
                second,
                iter,
                body,
            } => {
                self.ident(first, span);
                second.iter().for_each(|second| self.ident(second, span));
                self.expr(iter, span);
                self.block(body, span);
            }
            StmtKind::If { cond, then, otherwise } => {
                self.expr(cond, span);
                self.block(then, span);
                otherwise.iter().for_each(|block| self.block(block, span));
            }
            StmtKind::ProviderField {
                name,
                aws_key,
                ty,
                default,
                encoding,
            } => {
                self.ident(name, span);
                self.exprs(aws_key.as_deref(), span);
                self.ty(ty, span);
                self.exprs(default.as_deref(), span);
                encoding.iter().for_each(|name| self.ident(name, span));
            }
            StmtKind::Require { cond, message, at } => {
                self.exprs([cond.as_ref(), message.as_ref()], span);
                at.iter().for_each(|name| self.ident(name, span));
            }
        }
    }

    fn exprs<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>, outer: Span) {
        for expr in exprs {
            self.expr(expr, outer);
        }
    }

    fn comp(&mut self, vars: &CompVars, span: Span) {
        self.ident(&vars.first, span);
        vars.second.iter().for_each(|second| self.ident(second, span));
        self.expr(&vars.iter, span);
        self.exprs(vars.cond.as_deref(), span);
    }

    fn expr(&mut self, expr: &Expr, outer: Span) {
        self.inside(outer, expr.span);
        let span = expr.span;
        match &expr.kind {
            ExprKind::Str(lit) => {
                for part in &lit.parts {
                    if let StrPart::Interpolation(inner) = part {
                        self.expr(inner, span);
                    }
                }
            }
            ExprKind::Int(_)
            | ExprKind::Duration(_)
            | ExprKind::Bool(_)
            | ExprKind::None
            | ExprKind::Name(_)
            | ExprKind::Range { .. }
            | ExprKind::Error => {}
            ExprKind::List(entries) => {
                for ListEntry::Item(inner) | ListEntry::Spread(inner) in entries {
                    self.expr(inner, span);
                }
            }
            ExprKind::Record(entries) => {
                for entry in entries {
                    match entry {
                        RecordEntry::Field { key, value, .. } => {
                            self.ident(key, span);
                            self.expr(value, span);
                        }
                        RecordEntry::Spread(inner) => self.expr(inner, span),
                    }
                }
            }
            ExprKind::ListComp { vars, value } => {
                self.comp(vars, span);
                self.expr(value, span);
            }
            ExprKind::MapComp { vars, key, value } => {
                self.comp(vars, span);
                self.expr(key, span);
                self.expr(value, span);
            }
            ExprKind::Field { base, name } => {
                self.expr(base, span);
                self.ident(name, span);
            }
            ExprKind::Index { base, index } => {
                self.expr(base, span);
                self.expr(index, span);
            }
            ExprKind::Call { callee, args } => {
                self.expr(callee, span);
                self.exprs(args, span);
            }
            ExprKind::Not(inner) | ExprKind::Paren(inner) => self.expr(inner, span),
            ExprKind::Binary { left, right, .. } => {
                self.expr(left, span);
                self.expr(right, span);
            }
            ExprKind::If { cond, then, otherwise } => {
                self.expr(cond, span);
                self.expr(then, span);
                self.expr(otherwise, span);
            }
        }
    }

    fn ty(&mut self, ty: &TypeExpr, outer: Span) {
        self.inside(outer, ty.span);
        let span = ty.span;
        match &ty.kind {
            TypeExprKind::Name(words) => words.iter().for_each(|word| self.ident(word, span)),
            TypeExprKind::List(inner)
            | TypeExprKind::Map(inner)
            | TypeExprKind::Optional(inner)
            | TypeExprKind::Paren(inner)
            | TypeExprKind::Range { base: inner, .. }
            | TypeExprKind::Pattern { base: inner, .. } => self.ty(inner, span),
            TypeExprKind::Record(fields) => {
                for field in fields {
                    self.ident(&field.name, span);
                    self.ty(&field.ty, span);
                }
            }
            TypeExprKind::Literal(expr) => self.expr(expr, span),
            TypeExprKind::Union(types) => types.iter().for_each(|ty| self.ty(ty, span)),
            TypeExprKind::Error => {}
        }
    }
}
