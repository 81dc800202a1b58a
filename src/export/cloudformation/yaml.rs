//! A template as YAML, with the short forms of intrinsic functions: `!Ref Bucket`, `!GetAtt Role.Arn`.

use serde::{Serialize, Serializer};
use serde_saphyr::{Tagged, ser_options};

use super::super::document::{Document, Fields};

/// The template, with two-space indentation and one newline at the end.
pub(super) fn to_yaml(document: &Document) -> String {
    // Long texts stay on one line: what folds them again differs between readers.
    let options = ser_options! { folded_wrap_chars: usize::MAX };
    let mut yaml = serde_saphyr::to_string_with_options(&Yaml(document), options)
        .expect("plain values under tags without special characters have a YAML form");
    if !yaml.ends_with('\n') {
        yaml.push('\n');
    }
    yaml
}

struct Yaml<'a>(&'a Document);

impl Serialize for Yaml<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Document::List(entries) => serializer.collect_seq(entries.iter().map(Yaml)),
            Document::Map(fields) => match short_form(fields) {
                Some((tag, argument)) => match attribute(tag, argument) {
                    Some(name) => Tagged(name, Some(format!("!{tag}"))).serialize(serializer),
                    None => Tagged(Yaml(argument), Some(format!("!{tag}"))).serialize(serializer),
                },
                None => serializer.collect_map(fields.iter().map(|(key, value)| (key, Yaml(value)))),
            },
            plain => plain.serialize(serializer),
        }
    }
}

/// The tag and the argument of an intrinsic function that has a short form. One whose argument is a function has none: a
/// value takes one tag.
fn short_form(fields: &Fields) -> Option<(&str, &Document)> {
    let (tag, argument) = called(fields)?;
    match argument {
        Document::Map(inner) if called(inner).is_some() => None,
        _ => Some((tag, argument)),
    }
}

/// The name, without `Fn::`, and the argument of an intrinsic function.
pub(super) fn called(fields: &Fields) -> Option<(&str, &Document)> {
    let (key, argument) = fields.only()?;
    match key {
        "Ref" => Some((key, argument)),
        _ => key.strip_prefix("Fn::").map(|name| (name, argument)),
    }
}

/// `Role.Arn` for `["Role", "Arn"]`.
fn attribute(tag: &str, argument: &Document) -> Option<String> {
    match (tag, argument) {
        ("GetAtt", Document::List(parts)) => match parts.as_slice() {
            [Document::Text(resource), Document::Text(attribute)] => Some(format!("{resource}.{attribute}")),
            _ => None,
        },
        _ => None,
    }
}
