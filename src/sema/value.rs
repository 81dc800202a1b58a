//! Values while compiling, by the phase in which they become known.
//!
//! Most values are known now. A [`Value::Text`] holds something known only later: when deploying (`cfn.…`) or when
//! running (a variable). A [`Value::Unknown`] stands for an argument of a function or reusable block that nobody has
//! given yet, while its body is checked on its own.

use std::rc::Rc;

use indexmap::IndexMap;

use crate::ir::{DeployCondition, DeployValue};
use crate::source::Span;

use super::ty::{Bounds, FieldTy, Fields, Literal, Ty};

/// A region of names of actions and outputs: 0 is the pipeline, others are instances of reusable stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeId(pub usize);

/// A value while compiling. `'p` is the life of the AST.
#[derive(Clone, Debug)]
pub enum Value<'p> {
    /// Of something already reported: stay silent about it.
    Error,
    /// Not given yet; only its type is known.
    Unknown(Ty),
    None,
    Bool(bool),
    /// `cfn.condition("…")`: true or false when deploying.
    Condition(Rc<DeployCondition>),
    Int(i64),
    /// In seconds.
    Duration(u64),
    Str(Rc<str>),
    /// A string with a part that is known later.
    Text(Rc<Draft<'p>>),
    List(Rc<Vec<Value<'p>>>),
    Record(Rc<Record<'p>>),
    /// An action, an output, or an instance of a reusable stage.
    Entity(Rc<Entity<'p>>),
    /// `app.file("path")`
    File(Rc<Entity<'p>>, Rc<Draft<'p>>),
    /// `secret("name")`, `parameter("/name")`
    Secret(SecretStore, Rc<Draft<'p>>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretStore {
    SecretsManager,
    ParameterStore,
}

/// A record or a map, in the order written.
pub type Record<'p> = IndexMap<Rc<str>, Value<'p>>;

/// A record in the making: what is written replaces what was spread in, and clashes with what was written.
#[derive(Debug, Default)]
pub struct RecordBuilder<'p> {
    record: Record<'p>,
    /// Where each entry's key is written; none where it was spread in.
    written: Vec<Option<Span>>,
}

impl<'p> RecordBuilder<'p> {
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            record: Record::with_capacity(capacity),
            written: Vec::with_capacity(capacity),
        }
    }

    /// Where `key` is written already; such an entry must not be written again.
    pub fn written(&self, key: &str) -> Option<Span> {
        self.record.get_index_of(key).and_then(|index| self.written[index])
    }

    pub fn write(&mut self, key: &str, span: Span, value: Value<'p>) {
        self.insert(key.into(), value, Some(span));
    }

    pub fn spread(&mut self, key: Rc<str>, value: Value<'p>) {
        self.insert(key, value, None);
    }

    fn insert(&mut self, key: Rc<str>, value: Value<'p>, span: Option<Span>) {
        let (index, _) = self.record.insert_full(key, value);
        match self.written.get_mut(index) {
            Some(written) => *written = written.or(span),
            None => self.written.push(span),
        }
    }

    pub fn finish(self) -> Record<'p> {
        self.record
    }
}

/// A string in the making. Names of artifacts and namespaces are not decided before all actions are known.
#[derive(Clone, Debug, Default)]
pub struct Draft<'p> {
    pub parts: Vec<DraftPart<'p>>,
}

#[derive(Clone, Debug)]
pub enum DraftPart<'p> {
    Text(String),
    /// `app.commit_id`
    ActionVariable {
        entity: Rc<Entity<'p>>,
        key: &'p str,
        span: Span,
    },
    /// A pipeline variable.
    PipelineVariable {
        name: &'p str,
        declared: Span,
        span: Span,
    },
    /// `execution.id`
    ExecutionId {
        span: Span,
    },
    Deploy {
        value: DeployValue,
        span: Span,
    },
    /// The AWS name of an artifact.
    ArtifactName(Rc<Entity<'p>>),
}

/// A reference to an action, an output or a stage's instance: by name, since what it refers to may be declared further
/// down.
#[derive(Clone, Debug)]
pub struct Entity<'p> {
    pub scope: ScopeId,
    pub name: &'p str,
    pub key: Option<Rc<str>>,
    /// `image["api"].definition["api"]`: an output of the action.
    pub output: Option<(&'p str, Option<Rc<str>>)>,
    pub span: Span,
}

impl Entity<'_> {
    /// As written: `image["api"]`.
    pub fn written(&self) -> String {
        let part = |name: &str, key: &Option<Rc<str>>| match key {
            Some(key) => format!("{name}[{key:?}]"),
            None => name.to_owned(),
        };
        let mut text = part(self.name, &self.key);
        if let Some((name, key)) = &self.output {
            text.push('.');
            text.push_str(&part(name, key));
        }
        text
    }
}

impl<'p> Draft<'p> {
    pub fn text(text: impl Into<String>) -> Self {
        let mut draft = Self::default();
        draft.push_str(&text.into());
        draft
    }

    pub fn part(part: DraftPart<'p>) -> Self {
        Self { parts: vec![part] }
    }

    pub fn push_str(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(DraftPart::Text(last)) = self.parts.last_mut() {
            last.push_str(text);
        } else {
            if self.parts.is_empty() {
                // Most texts have one.
                self.parts.reserve_exact(1);
            }
            self.parts.push(DraftPart::Text(text.to_owned()));
        }
    }

    pub fn append(&mut self, other: &Draft<'p>) {
        for part in &other.parts {
            match part {
                DraftPart::Text(text) => self.push_str(text),
                other => self.parts.push(other.clone()),
            }
        }
    }

    /// Each text part changed by `change`; what is known later stays as it is.
    pub fn map_text(&self, change: impl Fn(&str) -> String) -> Draft<'p> {
        let mut out = Draft::default();
        for part in &self.parts {
            match part {
                DraftPart::Text(text) => out.push_str(&change(text)),
                other => out.parts.push(other.clone()),
            }
        }
        out
    }

    pub fn as_text(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [DraftPart::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The first part that is not known when compiling.
    pub fn later(&self) -> Option<&DraftPart<'p>> {
        self.parts
            .iter()
            .find(|part| !matches!(part, DraftPart::Text(_) | DraftPart::ArtifactName(_)))
    }

    /// The first part that only CloudFormation can fill in.
    pub fn has_deploy_value(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, DraftPart::Deploy { .. }))
    }

    /// The text as a name that only CloudFormation can complete; none if a part is known later still.
    pub fn deploy_name(&self) -> Option<String> {
        let part = |part: &DraftPart<'p>| match part {
            DraftPart::Text(text) => Some(text.clone()),
            DraftPart::Deploy { value, .. } => Some(value.to_string()),
            _ => None,
        };
        self.parts.iter().map(part).collect()
    }

    /// A plain string where nothing is known later.
    pub fn into_value(self) -> Value<'p> {
        match self.as_text() {
            Some(text) => Value::Str(text.into()),
            None => Value::Text(Rc::new(self)),
        }
    }
}

impl<'p> Value<'p> {
    /// A value that was given as JSON; a number that is not whole, as its text.
    pub fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Value::None,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(number) => Value::Int(number),
                None => Value::str(number.to_string()),
            },
            serde_json::Value::String(text) => Value::str(text),
            serde_json::Value::Array(values) => Value::list(values.iter().map(Value::from_json).collect()),
            serde_json::Value::Object(entries) => {
                let entry =
                    |(key, value): (&String, &serde_json::Value)| (key.as_str().into(), Value::from_json(value));
                Value::Record(Rc::new(entries.iter().map(entry).collect()))
            }
        }
    }

    pub fn str(text: impl AsRef<str>) -> Self {
        Value::Str(text.as_ref().into())
    }

    pub fn list(values: Vec<Value<'p>>) -> Self {
        Value::List(Rc::new(values))
    }

    pub fn is_error(&self) -> bool {
        matches!(self, Value::Error)
    }

    /// The string that this is, whenever it becomes known.
    pub fn to_draft(&self) -> Option<Draft<'p>> {
        match self {
            Value::Str(text) => Some(Draft::text(&**text)),
            Value::Text(draft) => Some((**draft).clone()),
            _ => None,
        }
    }

    /// The type of this very value; strings and numbers as literals.
    pub fn ty(&self) -> Ty {
        match self {
            Value::Error => Ty::Error,
            Value::Unknown(ty) => ty.clone(),
            Value::None => Ty::optional(Ty::Error),
            Value::Bool(_) | Value::Condition(_) => Ty::Bool,
            Value::Int(_) => Ty::INT,
            Value::Duration(_) => Ty::Duration,
            Value::Str(text) => Ty::Literal(Literal::Str(text.to_string())),
            Value::Text(_) => Ty::STRING,
            Value::List(values) => {
                let of = values.first().map_or(Ty::Error, Value::ty);
                Ty::List(Rc::new(of), Bounds::default())
            }
            Value::Record(fields) => Ty::Record(
                fields
                    .iter()
                    .map(|(name, value)| (name.to_string(), FieldTy::required(value.ty())))
                    .collect::<Fields>()
                    .into(),
            ),
            Value::Entity(_) => Ty::Artifact,
            Value::File(..) => Ty::File,
            Value::Secret(..) => Ty::Secret,
        }
    }

    /// In a message: `the string "abc"`, `a list`, `the action or output `app``.
    pub fn described(&self) -> String {
        match self {
            Value::Error => "a value".to_owned(),
            Value::Unknown(ty) => format!("a value of type `{ty}`"),
            Value::None => "`none`".to_owned(),
            Value::Bool(value) => format!("`{value}`"),
            Value::Condition(_) => "a condition that is decided when deploying".to_owned(),
            Value::Int(number) => format!("the number {number}"),
            Value::Duration(_) => "a duration".to_owned(),
            Value::Str(text) if text.chars().count() > 40 => {
                format!(
                    "the string {:?}",
                    text.chars().take(39).chain(['…']).collect::<String>()
                )
            }
            Value::Str(text) => format!("the string {text:?}"),
            Value::Text(_) => "a string that is known later".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Record(_) => "a record".to_owned(),
            Value::Entity(entity) => format!("`{}`", entity.written()),
            Value::File(..) => "a file in an artifact".to_owned(),
            Value::Secret(..) => "a secret".to_owned(),
        }
    }

    /// `==`: by value; `none` equals only `none`. Nothing for what cannot be told yet.
    pub fn equals(&self, other: &Value<'p>) -> Option<bool> {
        Some(match (self, other) {
            (Value::Error | Value::Unknown(_), _) | (_, Value::Error | Value::Unknown(_)) => return None,
            (Value::None, Value::None) => true,
            (Value::None, _) | (_, Value::None) => false,
            (Value::Text(_), Value::Text(_) | Value::Str(_)) | (Value::Str(_), Value::Text(_)) => return None,
            (Value::Condition(_), _) | (_, Value::Condition(_)) => return None,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Duration(a), Value::Duration(b)) => a == b,
            (Value::Str(a), Value::Str(b)) => a == b,
            (Value::List(a), Value::List(b)) => {
                if a.len() != b.len() {
                    return Some(false);
                }
                for (a, b) in a.iter().zip(b.iter()) {
                    if !a.equals(b)? {
                        return Some(false);
                    }
                }
                true
            }
            (Value::Record(a), Value::Record(b)) => {
                if a.len() != b.len() {
                    return Some(false);
                }
                for (key, a) in a.iter() {
                    match b.get(key) {
                        Some(b) if a.equals(b)? => {}
                        _ => return Some(false),
                    }
                }
                true
            }
            (Value::Entity(a), Value::Entity(b)) => {
                a.scope == b.scope && a.name == b.name && a.key == b.key && a.output == b.output
            }
            _ => false,
        })
    }
}
