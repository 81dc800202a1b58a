//! Configuration values read back from the text that is sent, and whether they are what their fields' types say.
//!
//! Values that `.pipe` fields give have met their types before they were encoded. These checks are for the others: raw
//! `configuration`, and declarations from elsewhere, in which all is text. What holds a value that is known later is
//! judged only as far as it is known.

use crate::catalog::{Encoding, Field};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{ConfigEntry, Configuration, Text, TextPart};

use super::codes;
use super::eval::{Evaluator, NoReader};
use super::program::Program;
use super::signature::Signature;
use super::ty::{Literal, Ty};
use super::value::Value;

/// Reports each value that is not of its field's type.
pub(super) fn check(configuration: &Configuration, signature: &Signature, diags: &mut Diagnostics) {
    let program = Program::default();
    for (field, ty) in signature.provider.fields.iter().zip(&signature.types) {
        if !field.encoding.is_configuration() {
            continue;
        }
        let Some(entry) = configuration.get(&field.key) else {
            continue;
        };
        let ty = ty.required();
        if !can_be_read_back(ty) {
            continue;
        }
        if matches!(field.encoding, Encoding::Json | Encoding::EnvJson) {
            check_json(field, ty, entry, &program, diags);
            continue;
        }
        let Some(text) = entry.value.as_literal().filter(|text| is_plain(text)) else {
            continue;
        };
        if !fits_plainly(text, ty) && !is_of_later_check(text, ty) {
            let value = strictly(text, ty, field.encoding);
            Evaluator::new(&program, &NoReader, diags).fit(value, ty, entry.origin);
        }
    }
}

/// Whether the text that is sent tells a value of the type from others: an artifact in a list is but a name there.
fn can_be_read_back(ty: &Ty) -> bool {
    let within = |ty: &Ty| !matches!(ty, Ty::Artifact | Ty::File | Ty::Duration) && can_be_read_back(ty);
    match ty {
        Ty::Any | Ty::Error => false,
        Ty::List(of, _) | Ty::Map(of, _) | Ty::Optional(of) => within(of),
        Ty::Record(fields) => fields.values().all(|field| within(&field.ty)),
        Ty::Union(members) => members.iter().all(can_be_read_back),
        Ty::String(..)
        | Ty::Int(_)
        | Ty::Bool
        | Ty::Duration
        | Ty::Artifact
        | Ty::File
        | Ty::Secret
        | Ty::Literal(_) => true,
    }
}

/// Not empty, which has a report of its own, and without a reference that a front end has left as it stood.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.contains("#{")
}

/// Whether a text is, without further ado, what nearly all of them are.
fn fits_plainly(text: &str, ty: &Ty) -> bool {
    match ty {
        Ty::String(bounds, None) => bounds.high.is_none() && bounds.low.is_none_or(|low| low <= 1),
        Ty::Bool => text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"),
        Ty::Literal(Literal::Str(literal)) => literal == text,
        Ty::Union(members) => members.iter().any(|member| fits_plainly(text, member)),
        _ => false,
    }
}

/// An artifact's name, or a file in an artifact: whether that is an input is checked elsewhere.
fn is_of_later_check(text: &str, ty: &Ty) -> bool {
    match ty {
        Ty::Artifact => true,
        Ty::File => text
            .split_once("::")
            .is_some_and(|(artifact, path)| !artifact.is_empty() && !path.is_empty()),
        Ty::Union(members) => members.iter().any(|member| is_of_later_check(text, member)),
        _ => false,
    }
}

/// The value that a text stands for; the text itself where it stands for none of this type.
fn strictly<'p>(text: &str, ty: &Ty, encoding: Encoding) -> Value<'p> {
    let as_list = |of: &Ty| {
        Value::list(
            text.split(',')
                .map(|entry| strictly(entry, of, Encoding::Plain))
                .collect(),
        )
    };
    match (encoding, ty) {
        (Encoding::Csv, Ty::List(of, _)) => as_list(of),
        (Encoding::Csv, Ty::Union(members)) => members
            .iter()
            .find_map(|member| match member {
                Ty::List(of, _) => Some(as_list(of)),
                _ => None,
            })
            .unwrap_or_else(|| Value::str(text)),
        _ => match decode(text, ty, encoding) {
            Value::Unknown(_) => Value::str(text),
            value => value,
        },
    }
}

fn check_json(field: &Field, ty: &Ty, entry: &ConfigEntry, program: &Program, diags: &mut Diagnostics) {
    // Of a value that is known later as a whole nothing can be told now.
    if matches!(entry.value.parts(), [] | [TextPart::Variable(_) | TextPart::Deploy(_)]) {
        return;
    }
    let mut malformed = |why: String| {
        let message = format!("`{}` is not the JSON that AWS wants: {why}", field.key);
        let help = match field.encoding {
            Encoding::EnvJson => "write it as `[{\"name\":\"NAME\",\"value\":\"text\",\"type\":\"PLAINTEXT\"}]`",
            _ => "mend the JSON, or give the field instead of the key",
        };
        diags.emit(Diagnostic::new(&codes::CONFIG_JSON_INVALID, entry.origin, message).with_help(help));
    };
    let json: serde_json::Value = match serde_json::from_str(&with_stand_ins(&entry.value)) {
        Ok(json) => json,
        Err(why) => return malformed(why.to_string()),
    };
    if field.encoding == Encoding::EnvJson {
        if let Err(why) = environment(&json) {
            malformed(why);
        }
    } else if matches!(ty, Ty::Map(..)) {
        // What the entries may be is the template's matter.
        if !json.is_object() {
            malformed("it is no object".to_owned());
        }
    } else if entry.value.as_literal().is_some_and(is_plain) {
        Evaluator::new(program, &NoReader, diags).fit(Value::from_json(&json), ty, entry.origin);
    }
}

/// The text with a number for each value that is known later: inside quotes and outside, that leaves JSON what it is.
fn with_stand_ins(text: &Text) -> String {
    let mut out = String::new();
    for part in text.parts() {
        match part {
            TextPart::Literal(literal) => out.push_str(literal),
            TextPart::Variable(_) | TextPart::Deploy(_) => out.push('1'),
        }
    }
    out
}

/// What is wrong with the JSON of environment variables, if anything is.
fn environment(json: &serde_json::Value) -> Result<(), String> {
    let Some(entries) = json.as_array() else {
        return Err("it is no list".to_owned());
    };
    for entry in entries {
        let Some(object) = entry.as_object() else {
            return Err("an entry is no object".to_owned());
        };
        for key in ["name", "value"] {
            if object.get(key).is_none_or(|value| !value.is_string()) {
                return Err(format!("an entry has no text as its `{key}`"));
            }
        }
        let kind = object.get("type").map(|kind| kind.as_str().unwrap_or_default());
        if let Some(kind) = kind
            && !["PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER", "1"].contains(&kind)
        {
            return Err(format!("`{kind}` is not PLAINTEXT, PARAMETER_STORE or SECRETS_MANAGER"));
        }
    }
    Ok(())
}

/// A text; unknown where a part of it is known later.
pub(super) fn decode_text<'p>(text: &Text, ty: &Ty) -> Value<'p> {
    text.as_literal().map_or(Value::Unknown(ty.clone()), Value::str)
}

/// What a text stands for in this encoding; unknown where it stands for nothing.
pub(super) fn decode<'p>(text: &str, ty: &Ty, encoding: Encoding) -> Value<'p> {
    match (encoding, ty) {
        (Encoding::Json | Encoding::EnvJson, _) => match serde_json::from_str::<serde_json::Value>(text) {
            Ok(json) => Value::from_json(&json),
            Err(_) => Value::Unknown(Ty::Any),
        },
        (Encoding::Minutes, _) => text
            .parse::<u64>()
            .map_or(Value::Unknown(Ty::Duration), |minutes| Value::Duration(minutes * 60)),
        (Encoding::Csv, Ty::List(of, _)) => Value::list(
            text.split(',')
                .map(|entry| decode(entry, of, Encoding::Plain))
                .collect(),
        ),
        (_, Ty::Bool) => text.parse().map_or(Value::Unknown(Ty::Bool), Value::Bool),
        (_, Ty::Int(_)) => text.parse().map_or(Value::Unknown(Ty::INT), Value::Int),
        (_, Ty::Union(members)) => {
            let is_text = |ty: &Ty| matches!(ty, Ty::String(..) | Ty::Literal(Literal::Str(_)));
            match members.iter().any(is_text) {
                true => Value::str(text),
                false => members
                    .first()
                    .map_or(Value::str(text), |member| decode(text, member, encoding)),
            }
        }
        _ => Value::str(text),
    }
}
