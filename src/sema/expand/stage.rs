//! Stages, their steps, and uses of reusable stages.

use std::rc::Rc;

use crate::diagnostic::Diagnostic;
use crate::ir;
use crate::source::Span;
use crate::syntax::ast::{self, Block, DeclName, Expr, Ident, Param, StageTemplate, Stmt, StmtKind};

use super::super::codes;
use super::super::eval::Env;
use super::super::program::{ModuleId, find_item};
use super::super::ty::Ty;
use super::super::value::{ScopeId, Value};
use super::{Expander, Place, StageDraft, fields, head};

impl<'p> Expander<'p, '_, '_> {
    pub(super) fn stage(
        &mut self,
        stmt: &'p Stmt,
        name: &'p DeclName,
        body: &'p Block,
        scope: ScopeId,
        env: &mut Env<'p>,
    ) {
        let Ok(key) = self.key_of(name, env) else {
            return self.draft.incomplete = true;
        };
        self.begin_stage(stmt, name, key.as_ref(), scope, env);
        let place = Place {
            scope,
            output_prefix: String::new(),
            stage: self.draft.stages.len() - 1,
        };
        self.stage_body(body, &place, env);
    }

    fn begin_stage(
        &mut self,
        stmt: &'p Stmt,
        name: &'p DeclName,
        key: Option<&Rc<str>>,
        scope: ScopeId,
        env: &mut Env<'p>,
    ) {
        let aws_name = self.aws_name(name, key, '-', env);
        let incomplete = aws_name.is_none();
        self.draft.incomplete |= incomplete;
        self.draft.stages.push(StageDraft {
            handle: self.written(scope, &name.ident.text, key),
            name: aws_name.unwrap_or_else(|| ir::Node::new(name.ident.text.clone(), name.span())),
            before_entry: None,
            on_success: None,
            on_failure: None,
            when: self.when.clone(),
            origin: head(stmt),
            incomplete,
        });
    }

    pub(super) fn stage_body(&mut self, body: &'p Block, place: &Place, env: &mut Env<'p>) {
        let outer = (std::mem::replace(&mut self.step, 1), std::mem::take(&mut self.when));
        let before = std::mem::take(&mut self.draft.incomplete);
        self.walk(body, env, &mut |this, stmt, env| match &stmt.kind {
            StmtKind::Action { name, provider, body } => {
                this.action(stmt, name, provider, body, place, this.step, env);
                this.step += 1;
            }
            StmtKind::Parallel { body } => {
                if this.parallel(stmt, body, place, this.step, env) {
                    this.step += 1;
                }
            }
            StmtKind::Condition { position, body } => this.condition(stmt, *position, body, place, env),
            StmtKind::Field { name, .. } => {
                let message = format!("a stage has no field `{}`", name.text);
                let help = "a stage holds actions, `parallel` blocks and conditions; settings belong to the pipeline";
                this.ev
                    .emit(Diagnostic::new(&codes::UNKNOWN_FIELD, name.span, message).with_help(help));
            }
            _ => {
                this.misplaced(stmt, "a stage");
                this.draft.stages[place.stage].incomplete = true;
            }
        });
        (self.step, self.when) = outer;
        // What was lost in here may be all that the stage held.
        self.draft.stages[place.stage].incomplete |= self.draft.incomplete;
        self.draft.incomplete |= before;
    }

    /// Whether it has actions, and so takes a step.
    fn parallel(&mut self, stmt: &'p Stmt, body: &'p Block, place: &Place, step: u32, env: &mut Env<'p>) -> bool {
        let before = (self.draft.actions.len(), self.draft.incomplete);
        self.walk(body, env, &mut |this, inner, env| match &inner.kind {
            StmtKind::Action { name, provider, body } => this.action(inner, name, provider, body, place, step, env),
            StmtKind::Parallel { .. } => {
                let diagnostic =
                    Diagnostic::new(&codes::NESTED_PARALLEL, head(inner), "a `parallel` inside a `parallel`")
                        .with_label("this one")
                        .with_other(
                            head(stmt),
                            "stands inside this one, whose actions all run at the same time",
                        )
                        .with_help("put its actions into the outer block, or into a step of their own after it");
                this.ev.emit(diagnostic);
                this.draft.incomplete = true;
            }
            _ => this.misplaced(inner, "a `parallel`"),
        });
        let is_empty = self.draft.actions.len() == before.0;
        if is_empty && !self.dry && self.draft.incomplete == before.1 {
            let diagnostic = Diagnostic::new(&codes::EMPTY_PARALLEL, head(stmt), "this `parallel` holds no action");
            self.ev.emit(diagnostic.with_help("put actions into it, or remove it"));
            self.draft.stages[place.stage].incomplete = true;
        }
        !is_empty
    }

    pub(super) fn stage_use(
        &mut self,
        stmt: &'p Stmt,
        name: &'p DeclName,
        template: &'p ast::Path,
        body: &'p Block,
        scope: ScopeId,
        env: &mut Env<'p>,
    ) {
        let found = self.ev.stage_template(env.module, template);
        let Some((module, found)) = found else {
            self.unknown_stage(template, env.module);
            self.draft.incomplete = true;
            return;
        };
        let key = self.key_of(name, env);
        let args = self.bind_params(&found.params, module, &found.name, body, head(stmt), env);
        let (Ok(key), Some(locals)) = (key, args) else {
            self.draft.incomplete = true;
            return;
        };
        let Some(inner) = self.ev.instance(scope, &name.ident.text, key.clone()) else {
            return;
        };
        self.begin_stage(stmt, name, key.as_ref(), scope, env);
        let ident = &name.ident.text;
        let output_prefix = key
            .as_ref()
            .map_or_else(|| format!("{ident}_"), |key| format!("{ident}_{key}_"));
        let place = Place {
            scope: inner,
            output_prefix,
            stage: self.draft.stages.len() - 1,
        };
        let mut env = Env {
            module,
            locals,
            scope: Some(inner),
        };
        self.stage_body(&found.body, &place, &mut env);
    }

    fn unknown_stage(&mut self, path: &ast::Path, module: ModuleId) {
        let program = self.ev.program;
        let written = path
            .segments
            .iter()
            .map(|segment| segment.text.as_str())
            .collect::<Vec<_>>()
            .join(".");
        if let [file, _] = path.segments.as_slice()
            && program
                .module(module)
                .imports
                .get(&file.text)
                .is_some_and(Option::is_none)
        {
            return;
        }
        if find_item(program, module, path).is_some() {
            let diagnostic = Diagnostic::new(
                &codes::NOT_A_VALUE,
                path.span,
                format!("`{written}` is not a reusable stage"),
            );
            self.ev
                .emit(diagnostic.with_help("declare one at the top of a file: `stage name(parameter: type) { … }`"));
            return;
        }
        let home = match path.segments.as_slice() {
            [file, _] => program.module(module).imports.get(&file.text).copied().flatten(),
            _ => Some(module),
        };
        let stages = home
            .into_iter()
            .flat_map(|home| &program.module(home).ast.items)
            .filter_map(|item| match &item.kind {
                ast::ItemKind::Stage(template) => Some(template.name.text.as_str()),
                _ => None,
            });
        let last = &path.segments[path.segments.len() - 1].text;
        let help = self
            .ev
            .diags
            .did_you_mean(last, stages)
            .unwrap_or_else(|| "declare it at the top of a file: `stage name(parameter: type) { … }`".to_owned());
        let message = format!("cannot find the reusable stage `{written}`");
        self.ev
            .emit(Diagnostic::new(&codes::UNKNOWN_NAME, path.span, message).with_help(help));
    }

    /// The arguments of a reusable block, from the fields where it is used.
    pub(super) fn bind_params(
        &mut self,
        params: &'p [Param],
        module: ModuleId,
        template: &'p Ident,
        args: &'p Block,
        use_head: Span,
        env: &mut Env<'p>,
    ) -> Option<Vec<(&'p str, Value<'p>)>> {
        let mut given: Vec<(&'p Ident, &'p Expr)> = Vec::new();
        let mut seen = fields::Seen::default();
        self.walk(args, env, &mut |this, stmt, _| match &stmt.kind {
            StmtKind::Field { name, value } => {
                if this.first_time(name, &mut seen) {
                    given.push((name, value));
                }
            }
            StmtKind::Output { .. } | StmtKind::Export { .. } | StmtKind::Local { .. } => {}
            _ => this.misplaced(stmt, "the arguments of a reusable block"),
        });
        self.bind_given(params, module, template, &given, use_head, env)
    }

    pub(super) fn bind_given(
        &mut self,
        params: &'p [Param],
        module: ModuleId,
        template: &'p Ident,
        given: &[(&'p Ident, &'p Expr)],
        use_head: Span,
        env: &mut Env<'p>,
    ) -> Option<Vec<(&'p str, Value<'p>)>> {
        let names: Vec<&str> = params.iter().map(|param| param.name.text.as_str()).collect();
        for (name, value) in given {
            if !names.contains(&name.text.as_str()) {
                self.unknown_field(&format!("`{}`", template.text), name, &names);
                self.ev.eval(value, env);
            }
        }
        let mut locals: Vec<(&'p str, Value<'p>)> = Vec::with_capacity(params.len());
        let mut complete = true;
        for param in params {
            let ty = self.ev.lower_type(&param.ty, module);
            let value = match given.iter().find(|(name, _)| name.text == param.name.text) {
                Some((_, value)) => self.ev.eval_as(value, &ty, env),
                None if param.default.is_some() || ty.is_optional() => {
                    self.ev.eval_default(param, &ty, module, &locals)
                }
                None => {
                    let name = &param.name.text;
                    let message = format!("`{}` needs `{name}`", template.text);
                    let diagnostic = Diagnostic::new(&codes::MISSING_FIELD, use_head, message)
                        .with_other(param.name.span, "declared here, without a default")
                        .with_help(format!("add `{name} = …`, a value of type `{ty}`"));
                    self.ev.emit(diagnostic);
                    Value::Error
                }
            };
            complete &= !value.is_error();
            locals.push((&param.name.text, value));
        }
        complete.then_some(locals)
    }

    pub(super) fn check_stage_template(&mut self, module: ModuleId, template: &'p StageTemplate) {
        let names = self.ev.names_of_template(module, template);
        let scope = self.ev.add_scope(names, String::new());
        let locals = self.unknown_params(&template.params, module);
        let mut env = Env {
            module,
            locals,
            scope: Some(scope),
        };
        self.draft.stages.push(StageDraft {
            handle: template.name.text.clone(),
            name: ir::Node::new(template.name.text.clone(), template.name.span),
            before_entry: None,
            on_success: None,
            on_failure: None,
            when: Vec::new(),
            origin: template.name.span,
            incomplete: true,
        });
        let place = Place {
            scope,
            output_prefix: String::new(),
            stage: 0,
        };
        self.stage_body(&template.body, &place, &mut env);
    }

    pub(super) fn unknown_params(&mut self, params: &'p [Param], module: ModuleId) -> Vec<(&'p str, Value<'p>)> {
        let mut locals = Vec::with_capacity(params.len());
        for param in params {
            let ty = self.ev.lower_type(&param.ty, module);
            if param.default.is_some() {
                self.ev.eval_default(param, &ty, module, &locals);
            }
            let value = if ty == Ty::Error {
                Value::Error
            } else {
                Value::Unknown(ty)
            };
            locals.push((param.name.text.as_str(), value));
        }
        locals
    }
}
