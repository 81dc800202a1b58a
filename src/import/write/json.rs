//! JSON inside a text, with what is known later standing in its strings.
//!
//! CodePipeline and CloudFormation replace such values textually, so a text is JSON here if it is JSON with them taken for
//! characters of its strings. The order of keys is kept; a key that is given twice makes the text no JSON, since a record
//! could not give it back.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::ir::{Text, TextPart};

/// A value of a JSON text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Int(i64),
    /// A number that is not a whole one, or too large.
    Number(String),
    Str(Text),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Reads a text as JSON.
pub(super) fn parse(text: &Text) -> Option<Json> {
    let marks = Marks::of(text);
    let raw: Raw = serde_json::from_str(&marks.marked).ok()?;
    marks.restore(raw)
}

impl Json {
    /// With the keys of its objects in one order.
    pub(super) fn sorted(self) -> Self {
        match self {
            Json::List(values) => Json::List(values.into_iter().map(Json::sorted).collect()),
            Json::Object(entries) => {
                let mut entries: Vec<_> = entries.into_iter().map(|(key, value)| (key, value.sorted())).collect();
                entries.sort_by(|(a, _), (b, _)| a.cmp(b));
                Json::Object(entries)
            }
            other => other,
        }
    }

    /// Compact JSON.
    pub(super) fn to_text(&self) -> Text {
        let mut text = Text::default();
        self.push_to(&mut text);
        text
    }

    fn push_to(&self, out: &mut Text) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(value) => out.push_str(&value.to_string()),
            Json::Int(number) => out.push_str(&number.to_string()),
            Json::Number(number) => out.push_str(number),
            Json::Str(text) => {
                out.push_str("\"");
                for part in text.parts() {
                    match part {
                        TextPart::Literal(text) => out.push_str(quoted(text).trim_matches_once('"')),
                        other => out.push(other.clone()),
                    }
                }
                out.push_str("\"");
            }
            Json::List(values) => {
                out.push_str("[");
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        out.push_str(",");
                    }
                    value.push_to(out);
                }
                out.push_str("]");
            }
            Json::Object(entries) => {
                out.push_str("{");
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push_str(",");
                    }
                    out.push_str(&quoted(key));
                    out.push_str(":");
                    value.push_to(out);
                }
                out.push_str("}");
            }
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

trait TrimOnce {
    fn trim_matches_once(&self, c: char) -> &str;
}

impl TrimOnce for str {
    fn trim_matches_once(&self, c: char) -> &str {
        self.strip_prefix(c)
            .and_then(|text| text.strip_suffix(c))
            .unwrap_or(self)
    }
}

/// A text with each value that is known later replaced by one character, which stands nowhere else in it.
struct Marks<'t> {
    marked: String,
    mark: char,
    values: Vec<&'t TextPart>,
}

impl<'t> Marks<'t> {
    fn of(text: &'t Text) -> Self {
        let stands = |mark: char| {
            text.parts()
                .iter()
                .any(|part| matches!(part, TextPart::Literal(text) if text.contains(mark)))
        };
        // Of a private-use plane; one that the text spells as `\uE000` would be found by its count.
        let mark = ('\u{F0000}'..='\u{F00FF}')
            .find(|&mark| !stands(mark))
            .unwrap_or('\u{F0100}');
        let mut marked = String::new();
        let mut values = Vec::new();
        for part in text.parts() {
            match part {
                TextPart::Literal(text) => marked.push_str(text),
                other => {
                    marked.push(mark);
                    values.push(other);
                }
            }
        }
        Self { marked, mark, values }
    }

    /// The JSON with its values back; none if one of them stands in a key.
    fn restore(&self, raw: Raw) -> Option<Json> {
        let mut next = 0;
        let json = self.value(raw, &mut next)?;
        (next == self.values.len()).then_some(json)
    }

    fn value(&self, raw: Raw, next: &mut usize) -> Option<Json> {
        Some(match raw {
            Raw::Null => Json::Null,
            Raw::Bool(value) => Json::Bool(value),
            Raw::Int(number) => Json::Int(number),
            Raw::Number(number) => Json::Number(number),
            Raw::Str(text) => Json::Str(self.text(&text, next)?),
            Raw::List(values) => Json::List(
                values
                    .into_iter()
                    .map(|value| self.value(value, next))
                    .collect::<Option<_>>()?,
            ),
            Raw::Object(entries) => {
                let entry = |(key, value): (String, Raw)| match key.contains(self.mark) {
                    true => None,
                    false => Some((key, self.value(value, next)?)),
                };
                Json::Object(entries.into_iter().map(entry).collect::<Option<_>>()?)
            }
        })
    }

    fn text(&self, marked: &str, next: &mut usize) -> Option<Text> {
        let mut text = Text::default();
        for (index, piece) in marked.split(self.mark).enumerate() {
            if index > 0 {
                text.push((*self.values.get(*next)?).clone());
                *next += 1;
            }
            text.push_str(piece);
        }
        Some(text)
    }
}

/// Whether one of some names is given twice.
pub(super) fn has_twice<T: Ord>(names: impl Iterator<Item = T>) -> bool {
    let mut names: Vec<T> = names.collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

/// JSON as serde gives it, keys in order.
enum Raw {
    Null,
    Bool(bool),
    Int(i64),
    Number(String),
    Str(String),
    List(Vec<Raw>),
    Object(Vec<(String, Raw)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Raw, E> {
        Ok(Raw::Int(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Raw, E> {
        Ok(i64::try_from(number).map_or_else(|_| Raw::Number(number.to_string()), Raw::Int))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Raw, E> {
        Ok(Raw::Number(serde_json::Value::from(number).to_string()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Str(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element()? {
            list.push(entry);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut object: Vec<(String, Raw)> = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            object.push(entry);
        }
        match has_twice(object.iter().map(|(key, _)| key)) {
            true => Err(A::Error::custom("a key is given twice")),
            false => Ok(Raw::Object(object)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Text, parse};
    use crate::source::Span;

    fn again(text: &str) -> Option<String> {
        let json = parse(&Text::parse(text, Span::default()))?;
        Some(json.to_text().to_string())
    }

    #[test]
    fn what_is_known_later_stands_in_strings() {
        for text in [
            r##"{"b":"x #{a.b} y","a":["#{a.b}#{c.d}",1,null,true,"\"\\"]}"##,
            r#""\u001f""#,
            "[]",
        ] {
            assert_eq!(again(text).as_deref(), Some(text));
        }
        assert_eq!(again(r#"{ "a" : 1.50 }"#).as_deref(), Some(r#"{"a":1.5}"#));
    }

    #[test]
    fn the_rest_is_no_json() {
        for text in [
            "#{a.b}",
            "{\"a\":#{a.b}}",
            "{\"#{a.b}\":1}",
            r#"{"a":1,"a":2}"#,
            "",
            "x",
        ] {
            assert_eq!(again(text), None, "{text}");
        }
    }
}
