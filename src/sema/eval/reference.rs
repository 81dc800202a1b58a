//! Names, fields and keys: what `app`, `app.commit_id` and `image["api"]` refer to.

use std::rc::Rc;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::suggest::listed;
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind, Ident, ItemKind, StmtKind};

use super::super::codes;
use super::super::program::{ModuleId, item_name};
use super::super::ty::Ty;
use super::super::value::{Draft, DraftPart, Entity, Value};
use super::{Env, Evaluator, builtins};

impl<'p> Evaluator<'p, '_> {
    pub(super) fn eval_name(&mut self, name: &'p str, span: Span, env: &Env<'p>) -> Value<'p> {
        if let Some(value) = env.local(name) {
            return value.clone();
        }
        if let Some(scope) = env.scope {
            let names = self.scopes[scope.0].names.clone();
            if let Some(info) = names.get(name) {
                if info.variable.is_some() && (info.action.is_some() || info.output.is_some()) {
                    // The clash of the two names is reported where the variable is declared.
                    return Value::Error;
                }
                if let Some(stmt) = info.variable
                    && let StmtKind::Variable { name: ident, .. } = &stmt.kind
                {
                    let part = DraftPart::PipelineVariable {
                        name,
                        declared: ident.span,
                        span,
                    };
                    return Value::Text(Rc::new(Draft::part(part)));
                }
                return Value::Entity(Rc::new(Entity {
                    scope,
                    name,
                    key: None,
                    output: None,
                    span,
                }));
            }
        }
        if let Some(&index) = self
            .program
            .modules
            .get(env.module.0)
            .and_then(|module| module.items.get(name))
        {
            return self.eval_item(env.module, index, span);
        }
        if builtins::is_reserved(name) {
            let help = match name {
                "execution" => "write `execution.id`",
                "cfn" => "write `cfn.ref(…)`, `cfn.get_att(…)`, `cfn.sub(…)` or `cfn.import_value(…)`",
                _ => "call it, with its arguments in parentheses",
            };
            let message = format!("`{name}` is no value by itself");
            return self.emit(Diagnostic::new(&codes::NOT_A_VALUE, span, message).with_help(help));
        }
        self.report_unknown_name(name, span, env)
    }

    pub fn report_unknown_name(&mut self, name: &str, span: Span, env: &Env<'p>) -> Value<'p> {
        let near = self.diags.nearest(name, self.names_in_sight(env));
        let mut diagnostic = Diagnostic::new(&codes::UNKNOWN_NAME, span, format!("cannot find `{name}`"))
            .with_label("nothing has this name here");
        diagnostic = match near {
            Some(near) => diagnostic
                .with_help(format!("did you mean `{near}`?"))
                .with_fix(span, near),
            None => diagnostic.with_help("declare it, or put quotes around it if it is a string"),
        };
        self.emit(diagnostic)
    }

    /// All names that a value could have here, for suggestions.
    fn names_in_sight<'s>(&'s self, env: &'s Env<'p>) -> impl Iterator<Item = &'s str> {
        let locals = env.locals.iter().rev().map(|(name, _)| *name);
        let scope = env.scope.into_iter().flat_map(|scope| self.scopes[scope.0].names.all());
        let module = self.program.modules.get(env.module.0).into_iter();
        let items = module.flat_map(|module| module.ast.items.iter().map(|item| item_name(item).text.as_str()));
        locals.chain(scope).chain(items).chain(builtins::NAMES.iter().copied())
    }

    fn eval_item(&mut self, module: ModuleId, index: usize, span: Span) -> Value<'p> {
        let item = &self.program.module(module).ast.items[index];
        let (what, help) = match &item.kind {
            ItemKind::Const(_) | ItemKind::Param(_) => return self.global(module, index, span),
            ItemKind::Import(_) => ("a file", "name something in it, with a dot"),
            ItemKind::Type(_) => ("a type", "types stand after a colon"),
            ItemKind::Fn(_) => ("a function", "call it, with its arguments in parentheses"),
            ItemKind::Action(_) => ("a reusable action", "use it as the right side of `action x = …`"),
            ItemKind::Stage(_) => ("a reusable stage", "use it as the right side of `stage x = …`"),
            ItemKind::Provider(_) => ("a provider", "use it as the right side of `action x = …`"),
            ItemKind::Pipeline(_) => ("a pipeline", "only its AWS name can be used, as a string"),
        };
        let message = format!("`{}` is {what}, not a value", item_name(item).text);
        self.emit(Diagnostic::new(&codes::NOT_A_VALUE, span, message).with_help(help))
    }

    /// The file that a name stands for, if it is an import and nothing nearer hides it.
    pub(super) fn imported(&self, base: &Expr, env: &Env<'p>) -> Option<Option<ModuleId>> {
        let ExprKind::Name(name) = &base.kind else { return None };
        let hidden = env.local(name).is_some()
            || env
                .scope
                .is_some_and(|scope| self.scopes[scope.0].names.get(name).is_some());
        if hidden {
            return None;
        }
        self.program.modules.get(env.module.0)?.imports.get(name).copied()
    }

    pub(super) fn eval_field(&mut self, base: &'p Expr, name: &'p Ident, env: &mut Env<'p>) -> Value<'p> {
        if let Some(import) = self.imported(base, env) {
            let Some(module) = import else { return Value::Error };
            return match self.program.module(module).items.get(&name.text) {
                Some(&index) => self.eval_item(module, index, name.span),
                None => self.not_in_file(module, name),
            };
        }
        if let ExprKind::Name(text) = &base.kind
            && text == "execution"
            && env.local(text).is_none()
        {
            if name.text == "id" {
                return Value::Text(Rc::new(Draft::part(DraftPart::ExecutionId {
                    span: base.span.to(name.span),
                })));
            }
            let message = format!("`execution` has no `{}`", name.text);
            let help = "the one value of an execution is `execution.id`";
            return self.emit(Diagnostic::new(&codes::UNKNOWN_NAME, name.span, message).with_help(help));
        }
        let value = self.eval(base, env);
        self.field_of(value, base.span, name)
    }

    pub(super) fn not_in_file(&mut self, module: ModuleId, name: &Ident) -> Value<'p> {
        let program = self.program;
        let items = &program.module(module).ast.items;
        let names = items.iter().map(|item| item_name(item).text.as_str());
        self.unknown_name("", &name.text, name.span, names)
    }

    fn field_of(&mut self, value: Value<'p>, base: Span, name: &'p Ident) -> Value<'p> {
        match value {
            Value::Error => Value::Error,
            Value::Record(record) => match record.get(name.text.as_str()) {
                Some(value) => value.clone(),
                None => self.no_such_key(&name.text, name.span, record.keys().map(|key| &**key)),
            },
            Value::Entity(entity) => self.field_of_entity(&entity, name),
            Value::Unknown(ty) => match ty.required() {
                Ty::Record(fields) => match fields.get(&name.text) {
                    Some(field) => Value::Unknown(field.ty.clone()),
                    None => self.no_such_key(&name.text, name.span, fields.keys().map(String::as_str)),
                },
                Ty::Map(of, _) => Value::Unknown((**of).clone()),
                Ty::Any | Ty::Error => Value::Unknown(Ty::Any),
                // An output variable, or an output, of an action that is not given yet.
                Ty::Artifact => Value::Unknown(Ty::Any),
                other => {
                    let message = format!("a value of type `{other}` has no fields");
                    self.fail(&codes::TYPE_MISMATCH, base, message)
                }
            },
            Value::None => {
                let message = format!("this is `none` here, which has no `{}`", name.text);
                let help = "ask first whether it is there: `if x != none then x.… else …`";
                self.emit(Diagnostic::new(&codes::TYPE_MISMATCH, base, message).with_help(help))
            }
            other => {
                let message = format!("{} has no fields", other.described());
                self.fail(&codes::TYPE_MISMATCH, base, message)
            }
        }
    }

    fn no_such_key<'k>(
        &mut self,
        key: &str,
        span: Span,
        keys: impl ExactSizeIterator<Item = &'k str> + Clone,
    ) -> Value<'p> {
        let message = format!("there is no `{key}` in it");
        let help = self
            .diags
            .did_you_mean(key, keys.clone())
            .unwrap_or_else(|| match keys.len() {
                0 => "it is empty".to_owned(),
                _ => format!("it has {}", listed(keys)),
            });
        self.emit(Diagnostic::new(&codes::NO_SUCH_KEY, span, message).with_help(help))
    }

    /// `prod.rollout`, `image.definition`, `app.commit_id`.
    fn field_of_entity(&mut self, entity: &Rc<Entity<'p>>, name: &'p Ident) -> Value<'p> {
        let names = self.scopes[entity.scope.0].names.clone();
        let Some(info) = names.get(entity.name) else {
            return Value::Error;
        };
        let span = entity.span.to(name.span);
        if entity.output.is_some() {
            let message = format!("the output `{}` has no `{}`", entity.written(), name.text);
            let help = "output variables belong to the action; a file in the output is `….file(\"path\")`";
            return self.emit(Diagnostic::new(&codes::UNKNOWN_NAME, name.span, message).with_help(help));
        }
        if info.stage.is_some() {
            return self.field_of_stage(entity, name, span);
        }
        let Some(action) = &info.action else {
            let message = format!("the output `{}` has no `{}`", entity.written(), name.text);
            let help = "output variables belong to the action: write the action's name before the dot";
            return self.emit(Diagnostic::new(&codes::UNKNOWN_NAME, name.span, message).with_help(help));
        };
        if action.outputs.iter().any(|output| output.ident.text == name.text) {
            let output = Some((name.text.as_str(), None));
            return Value::Entity(Rc::new(Entity {
                output,
                span,
                ..(**entity).clone()
            }));
        }
        let part = DraftPart::ActionVariable {
            entity: entity.clone(),
            key: &name.text,
            span,
        };
        Value::Text(Rc::new(Draft::part(part)))
    }

    fn field_of_stage(&mut self, entity: &Entity<'p>, name: &'p Ident, span: Span) -> Value<'p> {
        let Some(scope) = self.instance(entity.scope, entity.name, entity.key.clone()) else {
            return Value::Error;
        };
        let names = self.scopes[scope.0].names.clone();
        if names.get(&name.text).is_none() {
            let what = format!("an action or output of the stage `{}`: ", entity.written());
            return self.unknown_name(&what, &name.text, name.span, names.all());
        }
        Value::Entity(Rc::new(Entity {
            scope,
            name: &name.text,
            key: None,
            output: None,
            span,
        }))
    }

    pub(super) fn eval_index(&mut self, base: &'p Expr, index: &'p Expr, env: &mut Env<'p>) -> Value<'p> {
        let value = self.eval(base, env);
        let key = self.eval(index, env);
        match (value, key) {
            (Value::Error, _) | (_, Value::Error) => Value::Error,
            (_, Value::Text(draft)) => self.too_late(&draft, index.span, "a key"),
            (Value::List(values), Value::Int(at)) => match values.get(usize::try_from(at).unwrap_or(usize::MAX)) {
                Some(value) => value.clone(),
                None => {
                    let message = match values.len() {
                        0 => "the list is empty".to_owned(),
                        1 => format!("there is no entry {at}: the list has one, and its number is 0"),
                        len => format!(
                            "there is no entry {at}: the list has {len}, numbered from 0 to {}",
                            len - 1
                        ),
                    };
                    self.fail(&codes::NO_SUCH_KEY, index.span, message)
                }
            },
            (Value::Record(record), Value::Str(key)) => match record.get(&key) {
                Some(value) => value.clone(),
                None => self.no_such_key(&key, index.span, record.keys().map(|key| &**key)),
            },
            (Value::Entity(entity), Value::Str(key)) => {
                let span = entity.span.to(index.span);
                let mut entity = Entity {
                    span,
                    ..(*entity).clone()
                };
                match &mut entity.output {
                    Some((_, output_key)) => *output_key = Some(key),
                    None => entity.key = Some(key),
                }
                Value::Entity(Rc::new(entity))
            }
            (Value::Entity(_), Value::Unknown(ty)) if ty.may_fit(&Ty::STRING) => Value::Unknown(Ty::Artifact),
            (Value::Unknown(ty), _) => match ty.required() {
                Ty::List(of, _) | Ty::Map(of, _) => Value::Unknown((**of).clone()),
                Ty::Any | Ty::Error | Ty::Record(_) => Value::Unknown(Ty::Any),
                other => {
                    let message = format!("a value of type `{other}` has no entries");
                    self.fail(&codes::TYPE_MISMATCH, base.span, message)
                }
            },
            (Value::List(_) | Value::Record(_), Value::Unknown(_)) => Value::Unknown(Ty::Any),
            (Value::List(_), key) => {
                let message = format!("the entries of a list are numbered, and this is {}", key.described());
                self.fail(&codes::TYPE_MISMATCH, index.span, message)
            }
            (Value::Record(_) | Value::Entity(_), key) => {
                let message = format!("a key is a string, and this is {}", key.described());
                self.fail(&codes::TYPE_MISMATCH, index.span, message)
            }
            (value, _) => {
                let message = format!("{} has no entries", value.described());
                self.fail(&codes::TYPE_MISMATCH, base.span, message)
            }
        }
    }
}
