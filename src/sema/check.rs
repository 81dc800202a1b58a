//! Each file by itself: names in branches that no evaluation takes, types, functions, constants; and what nothing uses.
//!
//! Evaluation finds most mistakes, but only where it goes. This pass goes everywhere, and looks only at names. What both
//! find is reported once, since the message and the place are the same.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::source::Span;
use crate::syntax::ast::{
    Block, CompVars, DeclName, Expr, ExprKind, Ident, Item, ItemKind, ListEntry, Param, Path, RecordEntry, Stmt,
    StmtKind, StrPart, TypeExpr, TypeExprKind,
};

use super::eval::{Env, Evaluator, builtins};
use super::program::{ModuleId, Names, item_name};
use super::value::Value;

/// Something declared that nothing uses.
#[derive(Clone, Debug)]
pub struct Unused {
    pub kind: UnusedKind,
    pub name: String,
    pub span: Span,
    /// The whole item, where removing it mends the matter.
    pub item: Option<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnusedKind {
    Import,
    Param,
    Const,
    Type,
    Function,
    Action,
    Stage,
    Provider,
    /// A pipeline's variable.
    Variable,
    /// A loop's variable, or a parameter of a function or reusable block.
    Binding,
}

/// Checks the names of one file and tells what nothing in it uses.
pub fn check<'p>(ev: &mut Evaluator<'p, '_>, module: ModuleId) -> Vec<Unused> {
    let program = ev.program;
    let file = program.module(module);
    let mut walker = Walker {
        ev,
        module,
        locals: Vec::new(),
        names: None,
        used_items: HashSet::new(),
        used_locals: HashSet::new(),
        used_variables: HashSet::new(),
        unused: Vec::new(),
    };
    for item in &file.ast.items {
        walker.item(item);
    }
    let has_pipeline = file
        .ast
        .items
        .iter()
        .any(|item| matches!(item.kind, ItemKind::Pipeline(_)));
    let mut unused = walker.unused;
    let mut declared = HashMap::<&str, usize>::new();
    for item in &file.ast.items {
        *declared.entry(&item_name(item).text).or_default() += 1;
    }
    if has_pipeline
        || file
            .ast
            .items
            .iter()
            .any(|item| matches!(item.kind, ItemKind::Import(_)))
    {
        for item in &file.ast.items {
            let name = item_name(item);
            let kind = match &item.kind {
                ItemKind::Import(_) => UnusedKind::Import,
                // What a file without a pipeline declares is for others to use.
                _ if !has_pipeline => continue,
                ItemKind::Param(_) => UnusedKind::Param,
                ItemKind::Const(_) => UnusedKind::Const,
                ItemKind::Type(_) => UnusedKind::Type,
                ItemKind::Fn(_) => UnusedKind::Function,
                ItemKind::Action(_) => UnusedKind::Action,
                ItemKind::Stage(_) => UnusedKind::Stage,
                ItemKind::Provider(_) => UnusedKind::Provider,
                ItemKind::Pipeline(_) => continue,
            };
            let declared_once = declared[name.text.as_str()] == 1;
            let lost = matches!(file.imports.get(&name.text), Some(None)) || builtins::is_reserved(&name.text);
            if !walker.used_items.contains(name.text.as_str()) && !name.text.starts_with('_') && declared_once && !lost
            {
                let item = Some(item.span);
                unused.push(Unused {
                    kind,
                    name: name.text.clone(),
                    span: name.span,
                    item,
                });
            }
        }
    }
    unused
}

struct Walker<'p, 'e, 'a> {
    ev: &'e mut Evaluator<'p, 'a>,
    module: ModuleId,
    locals: Vec<&'p Ident>,
    names: Option<Rc<Names<'p>>>,
    used_items: HashSet<&'p str>,
    used_locals: HashSet<Span>,
    used_variables: HashSet<&'p str>,
    unused: Vec<Unused>,
}

impl<'p> Walker<'p, '_, '_> {
    fn item(&mut self, item: &'p Item) {
        match &item.kind {
            ItemKind::Import(_) => {}
            ItemKind::Param(param) => self.param(param),
            ItemKind::Const(constant) => {
                constant.ty.iter().for_each(|ty| self.ty(ty));
                self.expr(&constant.value);
                let index = self
                    .ev
                    .program
                    .module(self.module)
                    .items
                    .get(&constant.name.text)
                    .copied();
                if let Some(index) = index {
                    self.ev.global(self.module, index, constant.name.span);
                }
            }
            ItemKind::Type(def) => {
                self.ty(&def.ty);
                self.ev.lower_type(&def.ty, self.module);
            }
            ItemKind::Fn(function) => {
                self.params(&function.params);
                self.ty(&function.result);
                self.expr(&function.body);
                self.leave(function.params.len());
                let index = self
                    .ev
                    .program
                    .module(self.module)
                    .items
                    .get(&function.name.text)
                    .copied();
                if let Some(index) = index {
                    self.ev.check_function(self.module, index, function);
                }
            }
            ItemKind::Action(template) => {
                self.path(&template.provider);
                self.params(&template.params);
                self.block(&template.body);
                self.leave(template.params.len());
            }
            ItemKind::Stage(template) => {
                self.params(&template.params);
                self.names = Some(self.ev.names_of_template(self.module, template));
                self.block(&template.body);
                self.names = None;
                self.leave(template.params.len());
            }
            ItemKind::Provider(provider) => self.provider(&provider.body),
            ItemKind::Pipeline(pipeline) => {
                let names = Rc::new(Names::of(self.ev.program, self.module, &pipeline.body));
                self.names = Some(names.clone());
                self.used_variables.clear();
                pipeline.aws_name.iter().for_each(|name| self.expr(name));
                self.block(&pipeline.body);
                self.names = None;
                self.unused_variables(&names);
            }
        }
    }

    fn unused_variables(&mut self, names: &Names<'p>) {
        for name in names.all() {
            let Some(stmt) = names.get(name).and_then(|info| info.variable) else {
                continue;
            };
            let StmtKind::Variable { name: ident, .. } = &stmt.kind else {
                continue;
            };
            if !self.used_variables.contains(name) && !name.starts_with('_') {
                self.unused.push(Unused {
                    kind: UnusedKind::Variable,
                    name: name.to_owned(),
                    span: ident.span,
                    item: Some(stmt.span),
                });
            }
        }
    }

    /// A provider's own types; its conditions speak of its fields and are looked at when they are used.
    fn provider(&mut self, body: &'p Block) {
        for stmt in &body.stmts {
            if let StmtKind::ProviderField { ty, .. } = &stmt.kind {
                self.ty(ty);
            }
        }
    }

    fn param(&mut self, param: &'p Param) {
        self.ty(&param.ty);
        let ty = self.ev.lower_type(&param.ty, self.module);
        if let Some(default) = &param.default {
            self.expr(default);
            self.ev.eval_as(default, &ty, &mut Env::of_module(self.module));
        }
    }

    fn params(&mut self, params: &'p [Param]) {
        let mut seen = HashMap::new();
        for param in params {
            self.ty(&param.ty);
            self.ev.lower_type(&param.ty, self.module);
            param.default.iter().for_each(|default| self.expr(default));
            let first = *seen.entry(param.name.text.as_str()).or_insert(param.name.span);
            if first != param.name.span {
                super::program::emit_duplicate(self.ev.diags, &param.name.text, first, param.name.span);
            }
            self.locals.push(&param.name);
        }
    }

    /// Leaves the region of the last `count` locals.
    fn leave(&mut self, count: usize) {
        for ident in self.locals.split_off(self.locals.len() - count) {
            if !self.used_locals.contains(&ident.span) && !ident.text.starts_with('_') {
                let (kind, name, span) = (UnusedKind::Binding, ident.text.clone(), ident.span);
                self.unused.push(Unused {
                    kind,
                    name,
                    span,
                    item: None,
                });
            }
        }
    }

    fn path(&mut self, path: &'p Path) {
        let first = &path.segments[0].text;
        if self.ev.program.module(self.module).items.contains_key(first) {
            self.used_items.insert(first);
        }
    }

    fn decl(&mut self, name: &'p DeclName) {
        name.key.iter().for_each(|key| self.expr(key));
        name.aws_name.iter().for_each(|name| self.expr(name));
    }

    fn block(&mut self, block: &'p Block) {
        block.stmts.iter().for_each(|stmt| self.stmt(stmt));
    }

    fn stmt(&mut self, stmt: &'p Stmt) {
        match &stmt.kind {
            StmtKind::Field { value, .. } => self.expr(value),
            StmtKind::Variable { default, .. } => default.iter().for_each(|default| self.expr(default)),
            StmtKind::Trigger { action, body } => {
                self.expr(action);
                self.block(body);
            }
            StmtKind::Stage { name, body } => {
                self.decl(name);
                self.block(body);
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
                self.decl(name);
                self.path(path);
                self.block(body);
            }
            StmtKind::Push { body }
            | StmtKind::PullRequest { body }
            | StmtKind::Parallel { body }
            | StmtKind::Condition { body, .. }
            | StmtKind::Local { body } => self.block(body),
            StmtKind::Output { name, from } => {
                self.decl(name);
                from.iter().for_each(|from| self.expr(from));
            }
            StmtKind::For {
                first,
                second,
                iter,
                body,
            } => {
                self.expr(iter);
                self.locals.push(first);
                self.locals.extend(second);
                self.block(body);
                self.leave(1 + usize::from(second.is_some()));
            }
            StmtKind::If { cond, then, otherwise } => {
                self.expr(cond);
                self.block(then);
                otherwise.iter().for_each(|otherwise| self.block(otherwise));
            }
            StmtKind::Export { .. }
            | StmtKind::ProviderField { .. }
            | StmtKind::Require { .. }
            | StmtKind::LocalDriver { .. } => {}
        }
    }

    fn expr(&mut self, expr: &'p Expr) {
        match &expr.kind {
            ExprKind::Str(text) => text.parts.iter().for_each(|part| match part {
                StrPart::Text(text) => self.raw_references(text),
                StrPart::Interpolation(inner) => self.expr(inner),
            }),
            ExprKind::Name(name) => self.name(name, expr.span),
            ExprKind::List(entries) => entries.iter().for_each(|entry| match entry {
                ListEntry::Item(inner) | ListEntry::Spread(inner) => self.expr(inner),
            }),
            ExprKind::Record(entries) => entries.iter().for_each(|entry| match entry {
                RecordEntry::Field { value: inner, .. } | RecordEntry::Spread(inner) => self.expr(inner),
            }),
            ExprKind::ListComp { vars, value } => self.comprehension(vars, &[value]),
            ExprKind::MapComp { vars, key, value } => self.comprehension(vars, &[key, value]),
            ExprKind::Field { base, name } => {
                let qualifier = matches!(&base.kind, ExprKind::Name(base) if base == "execution" && name.text == "id");
                if !qualifier {
                    self.expr(base);
                }
            }
            ExprKind::Index { base, index } => {
                self.expr(base);
                self.expr(index);
            }
            ExprKind::Call { callee, args } => {
                match &callee.kind {
                    ExprKind::Name(name) => self.called(name),
                    ExprKind::Field { base, .. } => match &base.kind {
                        ExprKind::Name(name) if name == "cfn" => {}
                        _ => self.expr(base),
                    },
                    _ => self.expr(callee),
                }
                args.iter().for_each(|arg| self.expr(arg));
            }
            ExprKind::Not(inner) | ExprKind::Paren(inner) => self.expr(inner),
            ExprKind::Binary { left, right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::If { cond, then, otherwise } => {
                self.expr(cond);
                self.expr(then);
                self.expr(otherwise);
            }
            ExprKind::Int(_)
            | ExprKind::Duration(_)
            | ExprKind::Bool(_)
            | ExprKind::None
            | ExprKind::Range { .. }
            | ExprKind::Error => {}
        }
    }

    fn comprehension(&mut self, vars: &'p CompVars, bodies: &[&'p Expr]) {
        self.expr(&vars.iter);
        self.locals.push(&vars.first);
        self.locals.extend(&vars.second);
        vars.cond.iter().for_each(|cond| self.expr(cond));
        bodies.iter().for_each(|body| self.expr(body));
        self.leave(1 + usize::from(vars.second.is_some()));
    }

    fn called(&mut self, name: &'p str) {
        if self.ev.program.module(self.module).items.contains_key(name) {
            self.used_items.insert(name);
        }
    }

    fn name(&mut self, name: &'p str, span: Span) {
        if let Some(local) = self.locals.iter().rev().find(|local| local.text == name) {
            self.used_locals.insert(local.span);
            return;
        }
        if let Some(info) = self.names.as_ref().and_then(|names| names.get(name)) {
            if info.variable.is_some() {
                self.used_variables.insert(name);
            }
            return;
        }
        if self.ev.program.module(self.module).items.contains_key(name) {
            self.used_items.insert(name);
            return;
        }
        if builtins::is_reserved(name) {
            return;
        }
        let locals = self
            .locals
            .iter()
            .map(|local| (local.text.as_str(), Value::Error))
            .collect();
        let mut env = Env {
            module: self.module,
            locals,
            scope: None,
        };
        let names = self.names.clone();
        env.scope = names.map(|names| self.ev.add_scope(names, String::new()));
        self.ev.report_unknown_name(name, span, &env);
    }

    /// `#{variables.channel}` written out in a string uses the variable too.
    fn raw_references(&mut self, text: &str) {
        if !text.contains("#{variables.") {
            return;
        }
        let Some(names) = self.names.clone() else { return };
        for name in names.all() {
            if text.contains(&format!("#{{variables.{name}}}")) {
                self.used_variables.insert(name);
            }
        }
    }

    fn ty(&mut self, ty: &'p TypeExpr) {
        match &ty.kind {
            TypeExprKind::Name(path) => {
                if self.ev.program.module(self.module).items.contains_key(&path[0].text) {
                    self.used_items.insert(&path[0].text);
                }
            }
            TypeExprKind::List(inner)
            | TypeExprKind::Map(inner)
            | TypeExprKind::Optional(inner)
            | TypeExprKind::Paren(inner)
            | TypeExprKind::Range { base: inner, .. }
            | TypeExprKind::Pattern { base: inner, .. } => self.ty(inner),
            TypeExprKind::Record(fields) => fields.iter().for_each(|field| self.ty(&field.ty)),
            TypeExprKind::Union(members) => members.iter().for_each(|member| self.ty(member)),
            TypeExprKind::Literal(_) | TypeExprKind::Error => {}
        }
    }
}
