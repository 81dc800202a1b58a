//! Calls: functions of the user's files, methods, and the way to the built-in ones.

use std::rc::Rc;

use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind, Function, Ident, ItemKind, Param};

use super::super::codes;
use super::super::program::ModuleId;
use super::super::ty::Ty;
use super::super::value::{Draft, Value};
use super::{Env, Evaluator, builtins};

impl<'p> Evaluator<'p, '_> {
    pub(super) fn eval_call(
        &mut self,
        call: &'p Expr,
        callee: &'p Expr,
        args: &'p [Expr],
        env: &mut Env<'p>,
    ) -> Value<'p> {
        match &callee.kind {
            ExprKind::Name(name) => self.call_name(call, name, callee.span, args, env),
            ExprKind::Field { base, name } => self.call_field(call, base, name, args, env),
            ExprKind::Error => Value::Error,
            _ => self.fail(&codes::NOT_A_VALUE, callee.span, "only a function can be called"),
        }
    }

    fn call_name(
        &mut self,
        call: &'p Expr,
        name: &'p str,
        span: Span,
        args: &'p [Expr],
        env: &mut Env<'p>,
    ) -> Value<'p> {
        if let Some(&index) = self
            .program
            .modules
            .get(env.module.0)
            .and_then(|module| module.items.get(name))
        {
            return self.call_item(call, env.module, index, span, args, env);
        }
        if let Some(builtin) = builtins::find(name) {
            return self.call_builtin(builtin, call.span, args, env);
        }
        if name == "cfn" || name == "execution" {
            return self.fail(&codes::NOT_A_VALUE, span, format!("`{name}` is not a function"));
        }
        let program = self.program;
        let functions = program
            .modules
            .get(env.module.0)
            .into_iter()
            .flat_map(|module| &module.ast.items);
        let functions = functions.filter_map(|item| match &item.kind {
            ItemKind::Fn(function) => Some(function.name.text.as_str()),
            _ => None,
        });
        let builtins = builtins::FUNCTIONS.iter().map(|builtin| builtin.name);
        self.unknown_name("a function ", name, span, functions.chain(builtins))
    }

    fn call_item(
        &mut self,
        call: &'p Expr,
        module: ModuleId,
        index: usize,
        span: Span,
        args: &'p [Expr],
        env: &mut Env<'p>,
    ) -> Value<'p> {
        match &self.program.module(module).ast.items[index].kind {
            ItemKind::Fn(function) => self.call_function(call, module, index, function, args, env),
            _ => self.fail(&codes::NOT_A_VALUE, span, "this is not a function"),
        }
    }

    fn call_field(
        &mut self,
        call: &'p Expr,
        base: &'p Expr,
        name: &'p Ident,
        args: &'p [Expr],
        env: &mut Env<'p>,
    ) -> Value<'p> {
        if let Some(import) = self.imported(base, env) {
            let Some(module) = import else { return Value::Error };
            return match self.program.module(module).items.get(&name.text) {
                Some(&index) => self.call_item(call, module, index, name.span, args, env),
                None => self.not_in_file(module, name),
            };
        }
        if matches!(&base.kind, ExprKind::Name(text) if text == "cfn" && env.local("cfn").is_none()) {
            return match builtins::find_cfn(&name.text) {
                Some(builtin) => self.call_builtin(builtin, call.span, args, env),
                None => {
                    let names = builtins::CFN.iter().map(|builtin| builtin.name);
                    self.unknown_name("a function of `cfn`: ", &name.text, name.span, names)
                }
            };
        }
        let value = self.eval(base, env);
        if name.text != "file" {
            if value.is_error() {
                return Value::Error;
            }
            let message = format!("there is no function `{}` of a value", name.text);
            let help = "an artifact has `file(\"path\")`; other functions are called by their name alone";
            return self.emit(Diagnostic::new(&codes::UNKNOWN_NAME, name.span, message).with_help(help));
        }
        self.file_of(value, base.span, call.span, args, env)
    }

    /// `app.file("path")`
    fn file_of(&mut self, value: Value<'p>, base: Span, call: Span, args: &'p [Expr], env: &mut Env<'p>) -> Value<'p> {
        let [path] = args else {
            let message = format!("`file` takes one argument, a path, and this gives it {}", args.len());
            return self.fail(&codes::WRONG_ARGUMENTS, call, message);
        };
        let file = self.eval_as(path, &Ty::STRING, env);
        let draft = match file.to_draft() {
            Some(draft) => draft,
            None if file.is_error() => return Value::Error,
            None => Draft::default(),
        };
        if let Some(text) = draft.as_text()
            && (text.starts_with('/') || text.is_empty())
            && !matches!(file, Value::Unknown(_))
        {
            let message = "the path of a file in an artifact is relative to the artifact's root";
            let help = "write it without a slash in front, as in `deploy/template.yml`";
            return self.emit(Diagnostic::new(&codes::PATTERN_MISMATCH, path.span, message).with_help(help));
        }
        match value {
            Value::Entity(entity) => match file {
                Value::Unknown(_) => Value::Unknown(Ty::File),
                _ => Value::File(entity, Rc::new(draft)),
            },
            Value::Error => Value::Error,
            Value::Unknown(ty) if ty.may_fit(&Ty::Artifact) => Value::Unknown(Ty::File),
            other => {
                let message = format!("only an artifact holds files, and this is {}", other.described());
                self.fail(&codes::TYPE_MISMATCH, base, message)
            }
        }
    }

    fn call_function(
        &mut self,
        call: &'p Expr,
        module: ModuleId,
        index: usize,
        function: &'p Function,
        args: &'p [Expr],
        env: &mut Env<'p>,
    ) -> Value<'p> {
        if self.calls.contains(&(module, index)) {
            let name = &function.name.text;
            let diagnostic = Diagnostic::new(
                &codes::RECURSIVE_DEFINITION,
                call.span,
                format!("`{name}` calls itself"),
            )
            .with_other(function.name.span, "declared here")
            .with_help("functions cannot be recursive: run over a list with a comprehension instead");
            return self.emit(diagnostic);
        }
        let Some(locals) = self.bind_args(module, function, call.span, args, env) else {
            return Value::Error;
        };
        let result = self.lower_type(&function.result, module);
        let mut inner = Env {
            module,
            locals,
            scope: None,
        };
        self.calls.push((module, index));
        let value = self.eval_as(&function.body, &result, &mut inner);
        self.calls.pop();
        value
    }

    fn bind_args(
        &mut self,
        module: ModuleId,
        function: &'p Function,
        call: Span,
        args: &'p [Expr],
        env: &mut Env<'p>,
    ) -> Option<Vec<(&'p str, Value<'p>)>> {
        let params = &function.params;
        let needed = params.iter().filter(|param| param.default.is_none()).count();
        if args.len() > params.len() || args.len() < needed {
            let wanted = if needed == params.len() {
                needed.to_string()
            } else {
                format!("{needed} to {}", params.len())
            };
            let name = &function.name.text;
            let plural = if wanted == "1" { "" } else { "s" };
            let message = format!(
                "`{name}` takes {wanted} argument{plural}, and this gives it {}",
                args.len()
            );
            let diagnostic = Diagnostic::new(&codes::WRONG_ARGUMENTS, call, message);
            let list: Vec<&str> = params.iter().map(|param| param.name.text.as_str()).collect();
            let diagnostic = diagnostic.with_help(format!("write `{name}({})`", list.join(", ")));
            self.emit(diagnostic.with_other(function.name.span, "declared here"));
            return None;
        }
        let mut locals: Vec<(&'p str, Value<'p>)> = Vec::with_capacity(params.len());
        for (position, param) in params.iter().enumerate() {
            let ty = self.lower_type(&param.ty, module);
            let value = match args.get(position) {
                Some(arg) => self.eval_as(arg, &ty, env),
                None => self.eval_default(param, &ty, module, &locals),
            };
            locals.push((&param.name.text, value));
        }
        Some(locals)
    }

    /// A parameter's default; it may use the parameters before it.
    pub fn eval_default(
        &mut self,
        param: &'p Param,
        ty: &Ty,
        module: ModuleId,
        before: &[(&'p str, Value<'p>)],
    ) -> Value<'p> {
        match &param.default {
            Some(default) => {
                let mut env = Env {
                    module,
                    locals: before.to_vec(),
                    scope: None,
                };
                self.eval_as(default, ty, &mut env)
            }
            None => Value::None,
        }
    }

    /// Checks a function nobody may have called: its body with arguments that are not known.
    pub fn check_function(&mut self, module: ModuleId, index: usize, function: &'p Function) {
        let mut locals = Vec::with_capacity(function.params.len());
        for param in &function.params {
            let ty = self.lower_type(&param.ty, module);
            if param.default.is_some() {
                self.eval_default(param, &ty, module, &locals);
            }
            locals.push((param.name.text.as_str(), Value::Unknown(ty)));
        }
        let result = self.lower_type(&function.result, module);
        self.calls.push((module, index));
        self.eval_as(
            &function.body,
            &result,
            &mut Env {
                module,
                locals,
                scope: None,
            },
        );
        self.calls.pop();
    }
}
