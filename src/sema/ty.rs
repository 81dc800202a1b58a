//! Static types: what a value may be. Types are structural; a literal checks against refinements when compiling.

use std::cell::OnceCell;
use std::fmt;
use std::rc::Rc;

use indexmap::IndexMap;
use regex::Regex;

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub enum Ty {
    /// Of something already reported: fits everything, everything fits it.
    Error,
    Any,
    /// `string`, `string(1..100)`, `string(/regex/)`; the bounds count Unicode scalar values.
    String(Bounds, Option<Rc<Pattern>>),
    /// `int(1..999)`
    Int(Bounds),
    Bool,
    Duration,
    Artifact,
    File,
    Secret,
    /// `list<T>(1..50)`
    List(Rc<Ty>, Bounds),
    /// `map<T>`
    Map(Rc<Ty>, Bounds),
    /// `{ field: T, other?: T }`
    Record(Rc<Fields>),
    /// `"A"`
    Literal(Literal),
    /// `"A" | "B"`
    Union(Rc<[Ty]>),
    /// `T?`
    Optional(Rc<Ty>),
}

/// A record type's fields by name, in the order written.
pub type Fields = IndexMap<String, FieldTy>;

#[derive(Clone, Debug, PartialEq)]
pub struct FieldTy {
    pub ty: Ty,
    pub optional: bool,
}

impl FieldTy {
    /// A field that may be left out if its type says so.
    pub fn new(ty: Ty) -> Self {
        let optional = ty.is_optional();
        Self { ty, optional }
    }

    /// A field that may not be left out.
    pub fn required(ty: Ty) -> Self {
        Self { ty, optional: false }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    Str(String),
    Int(i64),
    Bool(bool),
}

/// Inclusive bounds, either of which may be open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    pub low: Option<i64>,
    pub high: Option<i64>,
}

impl Bounds {
    pub fn new(low: Option<i64>, high: Option<i64>) -> Self {
        Self { low, high }
    }

    pub fn is_open(self) -> bool {
        self.low.is_none() && self.high.is_none()
    }

    pub fn contains(self, number: i64) -> bool {
        self.low.is_none_or(|low| low <= number) && self.high.is_none_or(|high| number <= high)
    }

    /// `at least 1`, `at most 50`, `from 1 to 50`, `exactly 2`
    pub fn in_words(self) -> String {
        match (self.low, self.high) {
            (Some(low), Some(high)) if low == high => format!("exactly {low}"),
            (Some(low), Some(high)) => format!("from {low} to {high}"),
            (Some(low), None) => format!("at least {low}"),
            (None, Some(high)) => format!("at most {high}"),
            (None, None) => "any number".to_owned(),
        }
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_open() {
            return Ok(());
        }
        f.write_str("(")?;
        if let Some(low) = self.low {
            write!(f, "{low}")?;
        }
        f.write_str("..")?;
        if let Some(high) = self.high {
            write!(f, "{high}")?;
        }
        f.write_str(")")
    }
}

/// A regular expression that the whole text must match; compiled when first needed, since most runs never do.
#[derive(Debug)]
pub struct Pattern {
    pub text: String,
    regex: OnceCell<Option<Regex>>,
}

impl Pattern {
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            regex: OnceCell::new(),
        }
    }

    /// Whether the expression itself is well-formed.
    pub fn is_valid(&self) -> bool {
        self.regex().is_some()
    }

    pub fn matches(&self, text: &str) -> bool {
        match self.literal_start() {
            Some(start) => text
                .strip_prefix(start)
                .is_some_and(|rest| !rest.is_empty() && !rest.contains('\n')),
            None => self.regex().is_none_or(|regex| regex.is_match(text)),
        }
    }

    /// The text before the `.+` of `^text.+$`. The library asks for ARNs so, in almost every file, and compiling a regular
    /// expression costs more than the rest of checking the field.
    fn literal_start(&self) -> Option<&str> {
        let start = self.text.strip_prefix('^')?.strip_suffix(".+$")?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '-' | '_');
        start.chars().all(is_plain).then_some(start)
    }

    fn regex(&self) -> Option<&Regex> {
        self.regex
            .get_or_init(|| Regex::new(&format!("^(?:{})$", self.text)).ok())
            .as_ref()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Ty {
    pub const STRING: Ty = Ty::String(Bounds { low: None, high: None }, None);
    pub const INT: Ty = Ty::Int(Bounds { low: None, high: None });

    pub fn list(of: Ty) -> Ty {
        Ty::List(Rc::new(of), Bounds::default())
    }

    pub fn map(of: Ty) -> Ty {
        Ty::Map(Rc::new(of), Bounds::default())
    }

    pub fn optional(of: Ty) -> Ty {
        match of {
            Ty::Optional(_) | Ty::Any | Ty::Error => of,
            other => Ty::Optional(Rc::new(other)),
        }
    }

    /// `"A" | "B"`
    pub fn one_of(texts: &[&str]) -> Ty {
        Ty::Union(
            texts
                .iter()
                .map(|text| Ty::Literal(Literal::Str((*text).to_owned())))
                .collect(),
        )
    }

    pub fn is_optional(&self) -> bool {
        match self {
            Ty::Optional(_) | Ty::Any | Ty::Error => true,
            Ty::Union(members) => members.iter().any(Ty::is_optional),
            _ => false,
        }
    }

    /// The type without its `?`.
    pub fn required(&self) -> &Ty {
        match self {
            Ty::Optional(inner) => inner.required(),
            other => other,
        }
    }

    /// Whether every value of `self` may stand where `wanted` is asked for, as far as types alone can tell: refinements
    /// that only a value can break are taken to hold.
    pub fn may_fit(&self, wanted: &Ty) -> bool {
        match (self, wanted) {
            (Ty::Error | Ty::Any, _) | (_, Ty::Error | Ty::Any) => true,
            (Ty::Optional(inner), Ty::Optional(wanted)) => inner.may_fit(wanted),
            (_, Ty::Optional(inner)) => self.may_fit(inner),
            // An absent value is found when there is a value; until then it may well be present.
            (Ty::Optional(inner), _) => inner.may_fit(wanted),
            (Ty::Union(members), _) => members.iter().any(|member| member.may_fit(wanted)),
            (_, Ty::Union(members)) => members.iter().any(|member| self.may_fit(member)),
            (Ty::Literal(a), Ty::Literal(b)) => a == b,
            (Ty::Literal(Literal::Str(_)) | Ty::String(..), Ty::String(..))
            | (Ty::String(..), Ty::Literal(Literal::Str(_)))
            | (Ty::Literal(Literal::Int(_)) | Ty::Int(_), Ty::Int(_))
            | (Ty::Int(_), Ty::Literal(Literal::Int(_)))
            | (Ty::Literal(Literal::Bool(_)) | Ty::Bool, Ty::Bool)
            | (Ty::Bool, Ty::Literal(Literal::Bool(_)))
            | (Ty::Duration, Ty::Duration)
            | (Ty::Artifact, Ty::Artifact)
            | (Ty::File, Ty::File)
            | (Ty::Secret, Ty::Secret) => true,
            (Ty::List(a, _), Ty::List(b, _)) | (Ty::Map(a, _), Ty::Map(b, _)) => a.may_fit(b),
            (Ty::Record(fields), Ty::Map(of, _)) => fields.values().all(|field| field.ty.may_fit(of)),
            (Ty::Map(of, _), Ty::Record(fields)) => fields.values().all(|field| of.may_fit(&field.ty)),
            (Ty::Record(a), Ty::Record(b)) => {
                b.iter().all(|(name, wanted)| match a.get(name) {
                    Some(field) => field.ty.may_fit(&wanted.ty),
                    None => wanted.optional,
                }) && a.keys().all(|name| b.contains_key(name))
            }
            _ => false,
        }
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ty::Error | Ty::Any => f.write_str("any"),
            Ty::String(bounds, pattern) => {
                write!(f, "string{bounds}")?;
                pattern
                    .as_ref()
                    .map_or(Ok(()), |pattern| write!(f, "(/{}/)", pattern.text))
            }
            Ty::Int(bounds) => write!(f, "int{bounds}"),
            Ty::Bool => f.write_str("bool"),
            Ty::Duration => f.write_str("duration"),
            Ty::Artifact => f.write_str("artifact"),
            Ty::File => f.write_str("file"),
            Ty::Secret => f.write_str("secret"),
            Ty::List(of, bounds) => write!(f, "list<{of}>{bounds}"),
            Ty::Map(of, bounds) => write!(f, "map<{of}>{bounds}"),
            Ty::Record(fields) => {
                f.write_str("{ ")?;
                for (index, (name, field)) in fields.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    let mark = if field.optional { "?" } else { "" };
                    write!(f, "{comma}{name}{mark}: {}", field.ty.required())?;
                }
                f.write_str(" }")
            }
            Ty::Literal(Literal::Str(text)) => write!(f, "{text:?}"),
            Ty::Literal(Literal::Int(number)) => write!(f, "{number}"),
            Ty::Literal(Literal::Bool(value)) => write!(f, "{value}"),
            Ty::Union(members) => {
                for (index, member) in members.iter().enumerate() {
                    let bar = if index > 0 { " | " } else { "" };
                    write!(f, "{bar}{member}")?;
                }
                Ok(())
            }
            Ty::Optional(inner) => match &**inner {
                Ty::Union(_) => write!(f, "({inner})?"),
                inner => write!(f, "{inner}?"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_start_means_what_the_expression_means() {
        let arn = Pattern::new("^arn:.+$");
        let regex = Regex::new("^arn:.+$").unwrap();
        for text in [
            "arn:aws", "arn:", "", "xarn:aws", "arn:a\nb", "arn:a\n", "arn:é", "ARN:x",
        ] {
            assert_eq!(arn.matches(text), regex.is_match(text), "{text:?}");
        }
        assert!(!Pattern::new("^a.b.+$").matches("ab-"));
        assert!(Pattern::new("^a.b.+$").matches("axbc"));
    }
}
