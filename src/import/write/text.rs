//! Texts and values known when deploying, as expressions.

use serde_json::Value;

use crate::ir::{DeployValue, Text, TextPart, VariableRef};

use super::tree::{Expr, Part};

/// How references to variables are written.
pub(super) trait References {
    /// The expression for a reference; none if it stays as CodePipeline spells it.
    fn reference(&self, variable: &VariableRef) -> Option<Expr>;
}

/// As CodePipeline spells them: where the language has no references.
pub(super) struct Spelled;

impl References for Spelled {
    fn reference(&self, _: &VariableRef) -> Option<Expr> {
        None
    }
}

/// A text: a string, a reference alone, or a string with references in it.
pub(super) fn text(text: &Text, references: &dyn References) -> Expr {
    unwrapped(parts(text, references))
}

/// A value alone needs no quotes.
fn unwrapped(mut parts: Vec<Part>) -> Expr {
    if let [Part::Value(_)] = parts.as_slice()
        && let Some(Part::Value(value)) = parts.pop()
    {
        return value;
    }
    Expr::Str(parts)
}

fn parts(text: &Text, references: &dyn References) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::with_capacity(text.parts().len());
    for part in text.parts() {
        let part = match part {
            TextPart::Literal(text) => Part::Text(text.clone()),
            TextPart::Variable(variable) => match references.reference(variable) {
                Some(value) => Part::Value(value),
                None => Part::Text(variable.to_string()),
            },
            TextPart::Deploy(value) => Part::Value(deploy(value)),
        };
        match (parts.last_mut(), part) {
            (Some(Part::Text(last)), Part::Text(more)) => last.push_str(&more),
            (_, part) => parts.push(part),
        }
    }
    parts
}

/// A name, which may hold values known when deploying: always a string.
pub(super) fn name_parts(name: &str) -> Vec<Part> {
    parts(&Text::of_name(name), &Spelled)
}

/// A string known before the pipeline runs, where a value may also stand alone.
pub(super) fn known(name: &str) -> Expr {
    unwrapped(name_parts(name))
}

/// `cfn.ref("X")` and its like.
pub(super) fn deploy(value: &DeployValue) -> Expr {
    if value.is_no_value() {
        return Expr::Call("cfn.no_value", Vec::new());
    }
    match value {
        DeployValue::Ref(name) => Expr::Call("cfn.ref", vec![Expr::text(name)]),
        DeployValue::GetAtt(name, attribute) => {
            Expr::Call("cfn.get_att", vec![Expr::text(name), Expr::text(attribute)])
        }
        DeployValue::Sub(text) => Expr::Call("cfn.sub", vec![Expr::text(text)]),
        DeployValue::ImportValue(name) => Expr::Call("cfn.import_value", vec![Expr::text(name)]),
        DeployValue::Intrinsic { function, argument } => intrinsic(function, argument),
    }
}

/// A function by its own name in the language where that says exactly the same, else by `cfn.intrinsic`.
fn intrinsic(function: &str, argument: &Value) -> Expr {
    let arguments = argument.as_array().map(Vec::as_slice);
    let is_value = |argument: &Value| value_of(argument).is_some();
    match (function, arguments) {
        ("Fn::Join", Some([separator, list])) if separator.is_string() && (list.is_array() || is_value(list)) => {
            Expr::Call("cfn.join", vec![json(list), json(separator)])
        }
        ("Fn::Split", Some([separator, text])) if separator.is_string() => {
            Expr::Call("cfn.split", vec![json(text), json(separator)])
        }
        ("Fn::Select", Some([Value::String(index), list])) => match index.parse::<u32>() {
            Ok(number) if number.to_string() == *index => {
                Expr::Call("cfn.select", vec![Expr::Plain(index.clone()), json(list)])
            }
            _ => Expr::Call("cfn.select", vec![Expr::text(index), json(list)]),
        },
        ("Fn::FindInMap", Some([map, first, second])) => {
            Expr::Call("cfn.find_in_map", vec![json(map), json(first), json(second)])
        }
        ("Fn::If", Some([Value::String(condition), then, otherwise])) => Expr::If {
            condition: condition.clone(),
            then: Box::new(json(then)),
            otherwise: Box::new(json(otherwise)),
        },
        ("Fn::Base64", _) => Expr::Call("cfn.base64", vec![json(argument)]),
        ("Fn::ImportValue", _) if is_value(argument) => Expr::Call("cfn.import_value", vec![json(argument)]),
        _ => {
            let name = function.strip_prefix("Fn::").unwrap_or(function);
            Expr::Call("cfn.intrinsic", vec![Expr::text(name), json(argument)])
        }
    }
}

/// The intrinsic function that an object is, if the language gives back exactly this object for it.
fn value_of(json: &Value) -> Option<Expr> {
    let object = json.as_object().filter(|object| object.len() == 1)?;
    let (function, argument) = object.iter().next()?;
    match DeployValue::from_json(json) {
        Some(value) if value.to_json() == *json => Some(deploy(&value)),
        // The short form of `Fn::GetAtt`, for one.
        Some(_) => Some(Expr::Call(
            "cfn.intrinsic",
            vec![
                Expr::text(function.strip_prefix("Fn::").unwrap_or(function)),
                self::json(argument),
            ],
        )),
        None => None,
    }
}

/// A function's argument.
fn json(argument: &Value) -> Expr {
    match argument {
        Value::String(text) => Expr::text(text),
        Value::Array(values) => Expr::List(values.iter().map(json).collect()),
        Value::Object(entries) => value_of(argument)
            .unwrap_or_else(|| Expr::Record(entries.iter().map(|(key, value)| (key.clone(), json(value))).collect())),
        Value::Bool(value) => Expr::Plain(value.to_string()),
        Value::Number(number) if number.as_i64().is_some_and(|number| number >= 0) => Expr::Plain(number.to_string()),
        // These have no form in the language; the comparison at the end finds that they are not there.
        Value::Null | Value::Number(_) => Expr::text(argument.to_string()),
    }
}
