//! A document of a format that is made of lists and maps: its keys stay in the order in which they were added.

use serde::{Serialize, Serializer};
use serde_json::{Number, Value};

/// A value of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Document {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Document>),
    Map(Fields),
}

/// A map in the order of its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<(String, Document)>);

impl Fields {
    /// Adds a value.
    pub(super) fn with(mut self, key: impl Into<String>, value: impl Into<Document>) -> Self {
        self.0.push((key.into(), value.into()));
        self
    }

    /// Adds a value if there is one.
    pub(super) fn with_some(self, key: &str, value: Option<impl Into<Document>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Adds a list unless it is empty.
    pub(super) fn with_list<T: Into<Document>>(self, key: &str, entries: impl IntoIterator<Item = T>) -> Self {
        let entries: Vec<Document> = entries.into_iter().map(Into::into).collect();
        match entries.is_empty() {
            true => self,
            false => self.with(key, Document::List(entries)),
        }
    }

    /// Adds a map unless it is empty.
    pub(super) fn with_map(self, key: &str, fields: Fields) -> Self {
        match fields.0.is_empty() {
            true => self,
            false => self.with(key, fields),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Document)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The one entry of a map that has no other.
    pub(super) fn only(&self) -> Option<(&str, &Document)> {
        match self.0.as_slice() {
            [(key, value)] => Some((key, value)),
            _ => None,
        }
    }
}

impl FromIterator<(String, Document)> for Fields {
    fn from_iter<I: IntoIterator<Item = (String, Document)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl From<&str> for Document {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Document {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Document {
    fn from(number: u64) -> Self {
        Self::Number(number.into())
    }
}

impl From<Fields> for Document {
    fn from(fields: Fields) -> Self {
        Self::Map(fields)
    }
}

impl From<Vec<Document>> for Document {
    fn from(entries: Vec<Document>) -> Self {
        Self::List(entries)
    }
}

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::Text(text),
            Value::Array(entries) => Self::List(entries.into_iter().map(Self::from).collect()),
            Value::Object(entries) => Self::Map(entries.into_iter().map(|(key, it)| (key, it.into())).collect()),
        }
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(entries) => serializer.collect_seq(entries),
            Self::Map(fields) => serializer.collect_map(fields.iter()),
        }
    }
}

/// The document as JSON, with two-space indentation and one newline at the end.
pub(super) fn to_json(document: &Document) -> String {
    let mut json = serde_json::to_string_pretty(document).expect("string keys and plain values have a JSON form");
    json.push('\n');
    json
}
