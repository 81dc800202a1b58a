//! A foreign document as a tree whose every node knows its place: JSON and YAML alike.
//!
//! The short forms of a template's intrinsic functions (`!Ref A`) become the long ones (`{"Ref": "A"}`), so nothing above
//! knows which language a document is written in.

use crate::source::{Span, Spanned};

/// A node of a document.
#[derive(Clone, Debug)]
pub struct Tree {
    pub value: Value,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Value {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    String(String),
    List(Vec<Tree>),
    /// In the order written; a key may stand there twice.
    Map(Vec<(Spanned<String>, Tree)>),
}

impl Tree {
    pub fn new(value: Value, span: Span) -> Self {
        Self { value, span }
    }

    pub fn as_map(&self) -> Option<&[(Spanned<String>, Tree)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Tree]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a key of a map.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        self.as_map()?
            .iter()
            .find(|(known, _)| known.value == key)
            .map(|(_, value)| value)
    }

    /// In a message: `a list`, `the number 1`.
    pub fn described(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(value) => format!("`{value}`"),
            Value::Number(text) => format!("the number {text}"),
            Value::String(_) => "a string".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) if self.intrinsic().is_some() => "an intrinsic function".to_owned(),
            Value::Map(_) => "an object".to_owned(),
        }
    }

    /// The function and its argument, if this is an intrinsic function of a template.
    pub fn intrinsic(&self) -> Option<(&str, &Tree)> {
        match self.as_map()? {
            [(name, argument)] if name.value == "Ref" || name.value.starts_with("Fn::") => {
                Some((&name.value, argument))
            }
            _ => None,
        }
    }

    /// Whether an intrinsic function stands anywhere in it.
    pub fn has_intrinsic(&self) -> bool {
        self.intrinsic().is_some()
            || match &self.value {
                Value::List(items) => items.iter().any(Tree::has_intrinsic),
                Value::Map(entries) => entries.iter().any(|(_, value)| value.has_intrinsic()),
                _ => false,
            }
    }

    /// `AWS::NoValue`: as if it were not there.
    pub fn is_no_value(&self) -> bool {
        matches!(self.intrinsic(), Some(("Ref", name)) if name.as_str() == Some("AWS::NoValue"))
    }

    /// Without the places. Numbers that JSON does not have become their text.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(text) => {
                let number: Option<serde_json::Number> = text.parse().ok();
                number.map_or_else(|| text.as_str().into(), Into::into)
            }
            Value::String(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Tree::to_json).collect(),
            Value::Map(entries) => {
                let entry = |(key, value): &(Spanned<String>, Tree)| (key.value.clone(), value.to_json());
                serde_json::Value::Object(entries.iter().map(entry).collect())
            }
        }
    }

    /// The JSON pointer (RFC 6901) of the innermost node that covers an offset; empty for the document itself.
    pub fn pointer_at(&self, offset: u32) -> String {
        let mut pointer = String::new();
        let mut node = self;
        loop {
            let inside = |span: Span| span.start <= offset && offset < span.end.max(span.start + 1);
            let next = match &node.value {
                Value::Map(entries) => entries
                    .iter()
                    .find(|(key, value)| inside(key.span) || inside(value.span))
                    .map(|(key, value)| (key.value.replace('~', "~0").replace('/', "~1"), value)),
                Value::List(items) => items
                    .iter()
                    .enumerate()
                    .find(|(_, item)| inside(item.span))
                    .map(|(index, item)| (index.to_string(), item)),
                _ => None,
            };
            let Some((step, below)) = next else { return pointer };
            pointer.push('/');
            pointer.push_str(&step);
            node = below;
        }
    }
}
