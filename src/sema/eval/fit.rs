//! Values against types: evaluation where a type is expected, and the messages when they do not fit.

use std::rc::Rc;

use crate::diagnostic::suggest::{listed, listed_as};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind, ListEntry, RecordEntry};

use super::super::codes;
use super::super::ty::{Bounds, Fields, Literal, Ty};
use super::super::value::{Record, RecordBuilder, Value};
use super::{Branch, Env, Evaluator};

/// Why a value does not fit a type.
struct Misfit {
    code: &'static Code,
    message: String,
    help: Option<String>,
}

impl Misfit {
    fn new(code: &'static Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: None,
        }
    }
}

impl<'p> Evaluator<'p, '_> {
    /// What `expr` is worth where a `ty` is wanted: a value that fits, or [`Value::Error`] with a report at the innermost
    /// expression that does not.
    pub fn eval_as(&mut self, expr: &'p Expr, ty: &Ty, env: &mut Env<'p>) -> Value<'p> {
        match &expr.kind {
            ExprKind::Paren(inner) => return self.eval_as(inner, ty, env),
            ExprKind::If { cond, then, otherwise } => {
                return match self.eval_branch(cond, env) {
                    Branch::Known(true) => self.eval_as(then, ty, env),
                    Branch::Known(false) => self.eval_as(otherwise, ty, env),
                    Branch::Deploy(condition) => {
                        let (yes, no) = (self.eval_as(then, ty, env), self.eval_as(otherwise, ty, env));
                        self.deploy_if(&condition, (&yes, then.span), (&no, otherwise.span), expr.span)
                    }
                    Branch::Unknown => {
                        let value = self.eval_as(then, ty, env);
                        let other = self.eval_as(otherwise, ty, env);
                        if value.is_error() || other.is_error() {
                            Value::Error
                        } else {
                            Value::Unknown(ty.clone())
                        }
                    }
                };
            }
            ExprKind::List(entries) => {
                if let Some(Ty::List(of, bounds)) = shape(ty, &|ty| matches!(ty, Ty::List(..))) {
                    let (of, bounds) = (of.clone(), *bounds);
                    return self.eval_list_as(expr, entries, &of, bounds, env);
                }
            }
            ExprKind::Record(entries) => match shape(ty, &|ty| matches!(ty, Ty::Record(_) | Ty::Map(..))) {
                Some(Ty::Record(fields)) => {
                    let fields = fields.clone();
                    return self.eval_record_as(expr, entries, &fields, env);
                }
                Some(Ty::Map(of, bounds)) => {
                    let (of, bounds) = (of.clone(), *bounds);
                    return self.eval_map_as(expr, entries, &of, bounds, env);
                }
                _ => {}
            },
            ExprKind::ListComp { vars, value } => {
                if let Some(Ty::List(of, bounds)) = shape(ty, &|ty| matches!(ty, Ty::List(..))) {
                    let (of, bounds) = (of.clone(), *bounds);
                    let mut values = Vec::new();
                    let known = self.each(vars, env, |this, env| values.push(this.eval_as(value, &of, env)));
                    return self.finish_list(values, known, &of, bounds, expr.span);
                }
            }
            _ => {}
        }
        let value = self.eval(expr, env);
        self.fit(value, ty, expr.span)
    }

    fn eval_list_as(
        &mut self,
        expr: &'p Expr,
        entries: &'p [ListEntry],
        of: &Ty,
        bounds: Bounds,
        env: &mut Env<'p>,
    ) -> Value<'p> {
        let mut values = Vec::with_capacity(entries.len());
        let mut known = true;
        for entry in entries {
            match entry {
                ListEntry::Item(item) => values.push(self.eval_as(item, of, env)),
                ListEntry::Spread(spread) => {
                    let from = values.len();
                    known &= self.spread_list(spread, env, &mut values);
                    for value in &mut values[from..] {
                        *value = self.fit(std::mem::replace(value, Value::Error), of, spread.span);
                    }
                }
            }
        }
        self.finish_list(values, known, of, bounds, expr.span)
    }

    fn finish_list(&mut self, values: Vec<Value<'p>>, known: bool, of: &Ty, bounds: Bounds, span: Span) -> Value<'p> {
        if values.iter().any(Value::is_error) {
            return Value::Error;
        }
        if !known {
            return Value::Unknown(Ty::list(of.clone()));
        }
        match count_misfit(bounds, values.len(), "entries") {
            Some(misfit) => self.report(misfit, span),
            None => Value::list(values),
        }
    }

    fn eval_map_as(
        &mut self,
        expr: &'p Expr,
        entries: &'p [RecordEntry],
        of: &Ty,
        bounds: Bounds,
        env: &mut Env<'p>,
    ) -> Value<'p> {
        let mut record = RecordBuilder::with_capacity(entries.len());
        let mut known = true;
        for entry in entries {
            match entry {
                RecordEntry::Field { key, value, .. } => {
                    let value = self.eval_as(value, of, env);
                    self.put(&mut record, key, value);
                }
                RecordEntry::Spread(spread) => match self.spread_record(spread, env) {
                    Some(more) => {
                        for (key, value) in more.iter() {
                            let value = self.fit(value.clone(), of, spread.span);
                            record.spread(key.clone(), value);
                        }
                    }
                    None => known = false,
                },
            }
        }
        let record = record.finish();
        if record.values().any(Value::is_error) {
            return Value::Error;
        }
        if !known {
            return Value::Unknown(Ty::map(of.clone()));
        }
        match count_misfit(bounds, record.len(), "entries") {
            Some(misfit) => self.report(misfit, expr.span),
            None => Value::Record(Rc::new(record)),
        }
    }

    fn eval_record_as(
        &mut self,
        expr: &'p Expr,
        entries: &'p [RecordEntry],
        fields: &Rc<Fields>,
        env: &mut Env<'p>,
    ) -> Value<'p> {
        let mut record = RecordBuilder::with_capacity(fields.len());
        let mut known = true;
        for entry in entries {
            match entry {
                RecordEntry::Field { key, value, .. } => match fields.get(&key.text) {
                    Some(field) => {
                        let value = self.eval_as(value, &field.ty, env);
                        self.put(&mut record, key, value);
                    }
                    None => {
                        let misfit = unknown_key(&key.text, fields, self.diags);
                        self.report(misfit, key.span);
                    }
                },
                RecordEntry::Spread(spread) => match self.spread_record(spread, env) {
                    Some(more) => {
                        for (key, value) in more.iter() {
                            let Some(field) = fields.get(&**key) else {
                                let misfit = unknown_key(key, fields, self.diags);
                                self.report(misfit, spread.span);
                                continue;
                            };
                            let value = self.fit(value.clone(), &field.ty, spread.span);
                            record.spread(key.clone(), value);
                        }
                    }
                    None => known = false,
                },
            }
        }
        if !known {
            return Value::Unknown(Ty::Record(fields.clone()));
        }
        let mut record = record.finish();
        for (name, field) in fields.iter() {
            if record.contains_key(name.as_str()) {
                continue;
            }
            if field.optional {
                record.insert(name.as_str().into(), Value::None);
            } else {
                let message = format!("the field `{name}` is missing here");
                let help = format!("add `{name} = …`, a value of type `{}`", field.ty);
                return self.emit(Diagnostic::new(&codes::MISSING_FIELD, expr.span, message).with_help(help));
            }
        }
        if record.values().any(Value::is_error) {
            Value::Error
        } else {
            Value::Record(Rc::new(record))
        }
    }

    /// The value, if it fits; else a report at `span` and [`Value::Error`]. Optional fields that a record leaves out
    /// become `none`.
    pub fn fit(&mut self, value: Value<'p>, ty: &Ty, span: Span) -> Value<'p> {
        match misfit(&value, ty, self.diags) {
            None => complete(value, ty),
            Some(misfit) => self.report(misfit, span),
        }
    }

    fn report(&mut self, misfit: Misfit, span: Span) -> Value<'p> {
        let mut diagnostic = Diagnostic::new(misfit.code, span, misfit.message);
        diagnostic.help = misfit.help;
        self.emit(diagnostic)
    }
}

fn unknown_key(key: &str, fields: &Fields, diags: &Diagnostics) -> Misfit {
    let mut misfit = Misfit::new(&codes::NO_SUCH_KEY, format!("there is no field `{key}` here"));
    let names = fields.keys().map(String::as_str);
    misfit.help = diags
        .did_you_mean(key, names.clone())
        .or_else(|| Some(format!("the fields are {}", listed(names))));
    misfit
}

/// The part of a type that a literal of some shape can be.
fn shape<'t>(ty: &'t Ty, wanted: &dyn Fn(&Ty) -> bool) -> Option<&'t Ty> {
    match ty {
        Ty::Optional(inner) => shape(inner, wanted),
        Ty::Union(members) => members.iter().find_map(|member| shape(member, wanted)),
        ty if wanted(ty) => Some(ty),
        _ => None,
    }
}

/// A record with `none` for each optional field that it leaves out.
fn complete<'p>(value: Value<'p>, ty: &Ty) -> Value<'p> {
    match (&value, ty) {
        (Value::Record(record), ty) => {
            let Some(Ty::Record(fields)) = shape(ty, &|ty| matches!(ty, Ty::Record(_) | Ty::Map(..))) else {
                return value;
            };
            let missing = |name: &&String| !record.contains_key(name.as_str());
            if !fields.keys().any(|name| missing(&name)) {
                return value;
            }
            let mut all = (**record).clone();
            all.extend(
                fields
                    .keys()
                    .filter(missing)
                    .map(|name| (name.as_str().into(), Value::None)),
            );
            Value::Record(Rc::new(all))
        }
        (Value::List(values), Ty::List(of, _)) if shape(of, &|ty| matches!(ty, Ty::Record(_))).is_some() => {
            Value::list(values.iter().map(|value| complete(value.clone(), of)).collect())
        }
        _ => value,
    }
}

fn count_misfit(bounds: Bounds, count: usize, unit: &str) -> Option<Misfit> {
    if bounds.contains(count as i64) {
        return None;
    }
    let unit = match (count, unit) {
        (1, "entries") => "entry",
        (1, "characters") => "character",
        _ => unit,
    };
    let message = format!("this has {count} {unit}, and must have {}", bounds.in_words());
    Some(Misfit::new(&codes::OUT_OF_BOUNDS, message))
}

fn misfit(value: &Value<'_>, ty: &Ty, diags: &Diagnostics) -> Option<Misfit> {
    let wrong_type = || {
        let message = format!("expected {}, found {}", expected(ty), value.described());
        let mut misfit = Misfit::new(&codes::TYPE_MISMATCH, message);
        misfit.help = conversion_help(value, ty);
        Some(misfit)
    };
    match (value, ty) {
        (Value::Error, _) | (_, Ty::Error | Ty::Any) => None,
        (Value::Unknown(known), ty) => {
            if known.may_fit(ty) {
                None
            } else {
                wrong_type()
            }
        }
        (Value::None, Ty::Optional(_)) => None,
        (value, Ty::Optional(inner)) => misfit(value, inner, diags),
        (value, Ty::Union(members)) => union_misfit(value, ty, members, diags),
        (Value::Str(text), Ty::String(bounds, pattern)) => {
            if !bounds.is_open()
                && let Some(misfit) = count_misfit(*bounds, text.chars().count(), "characters")
            {
                return Some(misfit);
            }
            match pattern {
                Some(pattern) if !pattern.matches(text) => {
                    let message = format!("{} does not match the pattern `{}`", value.described(), pattern.text);
                    let mut misfit = Misfit::new(&codes::PATTERN_MISMATCH, message);
                    misfit.help = Some("change the text, so that all of it matches".to_owned());
                    Some(misfit)
                }
                _ => None,
            }
        }
        (Value::Text(_), Ty::String(..) | Ty::Literal(Literal::Str(_))) => None,
        (Value::Int(number), Ty::Int(bounds)) if !bounds.contains(*number) => {
            let message = format!("this is {number}, and must be {}", bounds.in_words());
            Some(Misfit::new(&codes::OUT_OF_BOUNDS, message))
        }
        (Value::Str(text), Ty::Literal(Literal::Str(wanted))) if **text == *wanted => None,
        (Value::Int(number), Ty::Literal(Literal::Int(wanted))) if number == wanted => None,
        (Value::Bool(value), Ty::Literal(Literal::Bool(wanted))) if value == wanted => None,
        (Value::Int(_), Ty::Int(_))
        | (Value::Bool(_) | Value::Condition(_), Ty::Bool)
        | (Value::Duration(_), Ty::Duration)
        | (Value::Entity(_), Ty::Artifact)
        | (Value::File(..), Ty::File)
        | (Value::Secret(..), Ty::Secret) => None,
        (Value::List(values), Ty::List(of, bounds)) => count_misfit(*bounds, values.len(), "entries")
            .or_else(|| values.iter().find_map(|value| misfit(value, of, diags))),
        (Value::Record(record), Ty::Map(of, bounds)) => count_misfit(*bounds, record.len(), "entries")
            .or_else(|| record.values().find_map(|value| misfit(value, of, diags))),
        (Value::Record(record), Ty::Record(fields)) => record_misfit(record, fields, diags),
        _ => wrong_type(),
    }
}

fn record_misfit(record: &Record<'_>, fields: &Fields, diags: &Diagnostics) -> Option<Misfit> {
    for (key, value) in record {
        match fields.get(&**key) {
            Some(field) => {
                if let Some(mut misfit) = misfit(value, &field.ty, diags) {
                    misfit.message = format!("in the field `{key}`: {}", misfit.message);
                    return Some(misfit);
                }
            }
            None => return Some(unknown_key(key, fields, diags)),
        }
    }
    let (missing, _) = fields
        .iter()
        .find(|(name, field)| !field.optional && !record.contains_key(name.as_str()))?;
    Some(Misfit::new(
        &codes::MISSING_FIELD,
        format!("the field `{missing}` is missing here"),
    ))
}

fn union_misfit(value: &Value<'_>, ty: &Ty, members: &[Ty], diags: &Diagnostics) -> Option<Misfit> {
    let literals: Vec<&str> = members
        .iter()
        .filter_map(|member| match member {
            Ty::Literal(Literal::Str(text)) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    if let Value::Str(text) = value
        && literals.len() == members.len()
    {
        if literals.contains(&&**text) {
            return None;
        }
        let list = listed_as(literals.iter().copied(), |literal| format!("{literal:?}"));
        let mut misfit = Misfit::new(
            &codes::TYPE_MISMATCH,
            format!("{text:?} is not one of the values allowed here"),
        );
        misfit.help = Some(match diags.nearest(text, literals) {
            Some(near) => format!("did you mean {near:?}? allowed are {list}"),
            None => format!("allowed are {list}"),
        });
        return Some(misfit);
    }
    if members.iter().any(|member| misfit(value, member, diags).is_none()) {
        return None;
    }
    // The member of the value's own kind says best what is wrong.
    let close = members.iter().find_map(|member| {
        misfit(value, member, diags).filter(|found| !std::ptr::eq(found.code, &codes::TYPE_MISMATCH))
    });
    close.or_else(|| {
        let message = format!("expected {}, found {}", expected(ty), value.described());
        let mut misfit = Misfit::new(&codes::TYPE_MISMATCH, message);
        misfit.help = members.iter().find_map(|member| conversion_help(value, member));
        Some(misfit)
    })
}

fn expected(ty: &Ty) -> String {
    match ty {
        Ty::String(..) => "a string".to_owned(),
        Ty::Int(_) => "a whole number".to_owned(),
        Ty::Bool => "`true` or `false`".to_owned(),
        Ty::Duration => "a duration such as `30m`".to_owned(),
        Ty::Artifact => "an artifact".to_owned(),
        Ty::File => "a file in an artifact, such as `app.file(\"path\")`".to_owned(),
        Ty::Secret => "a secret, such as `secret(\"name\")`".to_owned(),
        Ty::List(of, _) => format!("a list (`list<{of}>`)"),
        Ty::Map(of, _) => format!("a map (`map<{of}>`)"),
        Ty::Record(_) => format!("a record (`{ty}`)"),
        Ty::Optional(inner) => expected(inner),
        Ty::Union(members) if !members.iter().any(|member| matches!(member, Ty::Literal(_))) => {
            members.iter().map(expected).collect::<Vec<_>>().join(" or ")
        }
        other => format!("`{other}`"),
    }
}

/// How to turn this value into what is wanted, where that is plain.
fn conversion_help(value: &Value<'_>, ty: &Ty) -> Option<String> {
    match (value, ty.required()) {
        (Value::Str(text), Ty::Bool) if matches!(&**text, "true" | "false") => {
            Some(format!("write `{text}` without quotes"))
        }
        (Value::Str(text), Ty::Int(_)) if text.parse::<i64>().is_ok() => Some(format!("write `{text}` without quotes")),
        (Value::Int(number), Ty::String(..)) => Some(format!("write `\"{number}\"`")),
        (Value::Bool(value), Ty::String(..)) => Some(format!("write `\"{value}\"`")),
        (Value::Int(number), Ty::Duration) => Some(format!("write the unit: `{number}s`, `{number}m` or `{number}h`")),
        (Value::Entity(entity), Ty::String(..)) => Some(format!(
            "write `name({0})` for its name, or an output variable of it",
            entity.written()
        )),
        (Value::Entity(entity), Ty::File) => {
            Some(format!("name the file in it: `{}.file(\"path\")`", entity.written()))
        }
        (Value::Str(text), Ty::File) => Some(match text.split_once("::") {
            Some((artifact, path)) => format!("write `{artifact}.file({path:?})`"),
            None => format!("say which artifact holds it: `app.file({text:?})`"),
        }),
        (Value::Str(text), Ty::Artifact) => {
            Some(format!("refer to the action or output itself: `{text}` without quotes"))
        }
        (Value::List(_), _) => None,
        (_, Ty::List(..)) => Some("put it in a list: `[…]`".to_owned()),
        _ => None,
    }
}
