//! A provider's encoded strings back into typed values: the inverse of [`crate::sema::encode`].
//!
//! A value is decoded only where encoding it again gives the same text, JSON inside it up to blanks, the order of keys and
//! the `type` of plain environment variables; and only where it fits the field's type. All else stays a raw string.

use std::rc::Rc;

use crate::catalog::{Encoding, Field};
use crate::diagnostic::Diagnostics;
use crate::ir::{EnvironmentKind, Text, TextPart};
use crate::sema::eval::{Evaluator, NoReader};
use crate::sema::program::Program;
use crate::sema::ty::{Literal, Ty};
use crate::sema::value::{Draft, DraftPart, Entity, ScopeId, SecretStore, Value};
use crate::source::Span;

use super::json::{self, Json};
use super::text::{self, References};
use super::tree::{Expr, Name, Part};

/// What decoding asks of the pipeline around a value.
pub(super) trait Surroundings: References {
    /// What an artifact is called, if it is an input here that some action makes.
    fn input(&self, artifact: &str) -> Option<Name>;
}

/// A field's value from what is sent for it; none if it stays raw.
pub(super) fn field(text: &Text, field: &Field, ty: &Ty, around: &dyn Surroundings) -> Option<Expr> {
    let ty = ty.required();
    match field.encoding {
        Encoding::Plain => plain(text, ty, around),
        Encoding::Csv => csv(text, ty, around),
        Encoding::Json => fitting(json_expr(&json::parse(text)?, around)?, ty),
        Encoding::EnvJson => fitting(environment_of_json(text, around)?, ty),
        Encoding::Minutes => {
            let literal = text.as_literal()?;
            let minutes: u64 = literal
                .parse()
                .ok()
                .filter(|minutes: &u64| minutes.to_string() == literal)?;
            fitting(Expr::Plain(duration(minutes)), ty)
        }
        Encoding::Commands | Encoding::Environment => None,
    }
}

fn plain(text: &Text, ty: &Ty, around: &dyn Surroundings) -> Option<Expr> {
    let found = match ty {
        Ty::Optional(inner) => return plain(text, inner, around),
        Ty::Union(members) => return members.iter().find_map(|member| plain(text, member, around)),
        Ty::Bool | Ty::Literal(Literal::Bool(_)) => {
            let literal = text.as_literal()?;
            matches!(literal, "true" | "false").then(|| Expr::Plain(literal.to_owned()))
        }
        Ty::Int(_) | Ty::Literal(Literal::Int(_)) => {
            let literal = text.as_literal()?;
            let number = literal.parse::<i64>().ok();
            let number = number.filter(|&number| number >= 0 && number.to_string() == literal);
            number.map(|number| Expr::Plain(number.to_string()))
        }
        Ty::Artifact => around.input(text.as_literal()?).map(Expr::Name),
        Ty::File => file(text, around),
        Ty::String(..) | Ty::Literal(Literal::Str(_)) | Ty::Any => Some(text::text(text, around)),
        Ty::Duration | Ty::Secret | Ty::List(..) | Ty::Map(..) | Ty::Record(_) | Ty::Error => None,
    };
    fitting(found?, ty)
}

/// `Artifact::path`
fn file(text: &Text, around: &dyn Surroundings) -> Option<Expr> {
    let (first, rest) = text.parts().split_first()?;
    let TextPart::Literal(first) = first else { return None };
    let (artifact, start) = first.split_once("::")?;
    let name = around.input(artifact)?;
    let mut path = Text::literal(start);
    rest.iter().for_each(|part| path.push(part.clone()));
    let is_path = match path.parts().first() {
        Some(TextPart::Literal(start)) => !start.starts_with('/'),
        Some(_) => true,
        None => false,
    };
    is_path.then(|| Expr::File(name, Box::new(text::text(&path, around))))
}

/// A list joined with commas, no blanks.
fn csv(text: &Text, ty: &Ty, around: &dyn Surroundings) -> Option<Expr> {
    match ty {
        Ty::Union(members) => {
            // `(list | file)`: a file in an input is one; any other text can be a list.
            let is_list = |member: &&Ty| matches!(member, Ty::List(..));
            let others = members.iter().filter(|member| !is_list(member));
            let lists = members.iter().filter(is_list);
            others.chain(lists).find_map(|member| csv(text, member, around))
        }
        Ty::List(of, _) => {
            let entries = split(text)?.into_iter().map(|entry| plain(&entry, of, around));
            fitting(Expr::List(entries.collect::<Option<_>>()?), ty)
        }
        _ => plain(text, ty, around),
    }
}

/// The entries of a text with commas; none if blanks stand around one.
fn split(text: &Text) -> Option<Vec<Text>> {
    let mut entries = vec![Text::default()];
    for part in text.parts() {
        let TextPart::Literal(literal) = part else {
            entries.last_mut()?.push(part.clone());
            continue;
        };
        for (index, piece) in literal.split(',').enumerate() {
            if index > 0 {
                entries.push(Text::default());
            }
            entries.last_mut()?.push_str(piece);
        }
    }
    let is_tight = |entry: &Text| {
        let text = entry.to_string();
        text.trim() == text
    };
    entries.iter().all(is_tight).then_some(entries)
}

fn json_expr(json: &Json, around: &dyn Surroundings) -> Option<Expr> {
    Some(match json {
        // `none` would be left out of a record.
        Json::Null | Json::Number(_) => return None,
        // The language has no numbers below zero.
        Json::Int(number) if *number < 0 => return None,
        Json::Bool(value) => Expr::Plain(value.to_string()),
        Json::Int(number) => Expr::Plain(number.to_string()),
        Json::Str(text) => text::text(text, around),
        Json::List(values) => Expr::List(
            values
                .iter()
                .map(|value| json_expr(value, around))
                .collect::<Option<_>>()?,
        ),
        Json::Object(entries) => {
            let entry = |(key, value): &(String, Json)| Some((key.clone(), json_expr(value, around)?));
            Expr::Record(entries.iter().map(entry).collect::<Option<_>>()?)
        }
    })
}

/// `[{"name", "value", "type"}]`
fn environment_of_json(text: &Text, around: &dyn Surroundings) -> Option<Expr> {
    let Json::List(entries) = json::parse(text)? else {
        return None;
    };
    let variables = entries.iter().map(environment_variable).collect::<Option<Vec<_>>>()?;
    let variables = variables.iter().map(|(name, value, kind)| (*name, *value, *kind));
    environment(variables, around)
}

/// One variable of a build's environment as CodeBuild has it: name, value and kind.
pub(super) fn environment_variable(entry: &Json) -> Option<(&str, &Text, EnvironmentKind)> {
    let Json::Object(entries) = entry else { return None };
    let (mut name, mut value, mut kind) = (None, None, EnvironmentKind::Plaintext);
    for (key, found) in entries {
        let Json::Str(text) = found else { return None };
        match key.as_str() {
            "name" => name = Some(text.as_literal()?),
            "value" => value = Some(text),
            "type" => {
                kind = match text.as_literal()? {
                    "PLAINTEXT" => EnvironmentKind::Plaintext,
                    "SECRETS_MANAGER" => EnvironmentKind::SecretsManager,
                    "PARAMETER_STORE" => EnvironmentKind::ParameterStore,
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
    Some((name?, value?, kind))
}

/// A map of environment variables; none if one is given twice, which a map cannot say.
pub(super) fn environment<'t>(
    variables: impl Iterator<Item = (&'t str, &'t Text, EnvironmentKind)>,
    around: &dyn References,
) -> Option<Expr> {
    let mut entries = Vec::new();
    for (name, value, kind) in variables {
        let value = text::text(value, around);
        let value = match kind {
            EnvironmentKind::Plaintext => value,
            EnvironmentKind::SecretsManager => Expr::Call("secret", vec![value]),
            EnvironmentKind::ParameterStore => Expr::Call("parameter", vec![value]),
        };
        entries.push((name.to_owned(), value));
    }
    (!json::has_twice(entries.iter().map(|(name, _)| name))).then_some(Expr::Record(entries))
}

/// Minutes as a person writes them: `1h30m`, `2d`.
pub(super) fn duration(minutes: u64) -> String {
    let (days, hours, rest) = (minutes / 1440, minutes % 1440 / 60, minutes % 60);
    // Hours read better than one day and some.
    let (days, hours) = if hours > 0 || rest > 0 {
        (0, days * 24 + hours)
    } else {
        (days, hours)
    };
    let parts = [(days, 'd'), (hours, 'h'), (rest, 'm')];
    let text: String = parts
        .into_iter()
        .filter(|&(count, _)| count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if text.is_empty() { "0m".to_owned() } else { text }
}

/// The expression, if its value fits the type.
pub(super) fn fitting(expr: Expr, ty: &Ty) -> Option<Expr> {
    // Each branch must fit, whichever it will be.
    if let Expr::If { then, otherwise, .. } = &expr {
        let branch = |branch: &Expr| fitting(branch.clone(), ty).is_some();
        return (branch(then) && branch(otherwise)).then_some(expr);
    }
    let program = Program::default();
    let mut silent = Diagnostics::default();
    let mut ev = Evaluator::new(&program, &NoReader, &mut silent);
    let fits = !ev.fit(value(&expr), ty, Span::default()).is_error();
    fits.then_some(expr)
}

/// A value of the expression's shape: of what is known later, only when it becomes known matters.
fn value(expr: &Expr) -> Value<'static> {
    match expr {
        Expr::Plain(text) => match (text.as_str(), text.parse::<i64>()) {
            ("true" | "false", _) => Value::Bool(text == "true"),
            ("none", _) => Value::None,
            ("execution.id", _) => later(),
            (_, Ok(number)) => Value::Int(number),
            (_, Err(_)) => Value::Duration(60),
        },
        Expr::Str(parts) => match parts.as_slice() {
            [] => Value::str(""),
            [Part::Text(text)] => Value::str(text),
            _ => later(),
        },
        Expr::Name(name) if name.ident.is_empty() => Value::Error,
        Expr::Name(_) => Value::Unknown(Ty::Union([Ty::Artifact, Ty::STRING].into())),
        Expr::Member(..) | Expr::If { .. } => later(),
        Expr::File(..) => Value::File(entity(), Rc::new(Draft::default())),
        Expr::List(entries) => Value::list(entries.iter().map(value).collect()),
        Expr::Record(entries) => {
            let entry = |(key, expr): &(String, Expr)| (Rc::from(key.as_str()), value(expr));
            Value::Record(Rc::new(entries.iter().map(entry).collect()))
        }
        Expr::Call("secret", _) => Value::Secret(SecretStore::SecretsManager, Rc::new(Draft::default())),
        Expr::Call("parameter", _) => Value::Secret(SecretStore::ParameterStore, Rc::new(Draft::default())),
        Expr::Call(..) => later(),
    }
}

fn later() -> Value<'static> {
    Value::Text(Rc::new(Draft::part(DraftPart::ExecutionId { span: Span::default() })))
}

fn entity() -> Rc<Entity<'static>> {
    Rc::new(Entity {
        scope: ScopeId(0),
        name: "artifact",
        key: None,
        output: None,
        span: Span::default(),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn durations_read_well() {
        for (minutes, text) in [
            (0, "0m"),
            (5, "5m"),
            (60, "1h"),
            (90, "1h30m"),
            (1440, "1d"),
            (2880, "2d"),
            (1500, "25h"),
            (86400, "60d"),
        ] {
            assert_eq!(super::duration(minutes), text);
        }
    }
}
