//! What can be different, as values: for people a line each, for tools JSON.

use std::fmt;

use serde::Serialize;

/// One difference in meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub subject: Subject,
    #[serde(flatten)]
    pub change: Change,
}

/// What is different. Names are those that AWS sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Subject {
    Pipeline,
    Variable {
        name: String,
    },
    Tag {
        key: String,
    },
    /// The trigger of this source action.
    Trigger {
        action: String,
    },
    Stage {
        stage: String,
    },
    Action {
        stage: String,
        action: String,
    },
    Condition {
        stage: String,
        position: Position,
    },
    Rule {
        stage: String,
        position: Position,
        rule: String,
    },
}

/// Where a stage has its conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    BeforeEntry,
    OnSuccess,
    OnFailure,
}

/// How it is different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Only the second pipeline has it.
    Added {
        /// `after stage Build`
        #[serde(skip_serializing_if = "Option::is_none")]
        place: Option<String>,
        /// Names of the actions that come with a stage.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        actions: Vec<String>,
    },
    /// Only the first pipeline has it.
    Removed {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        actions: Vec<String>,
    },
    /// A setting, an argument or a configuration key; none where the pipeline lacks it.
    Value {
        field: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        old: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        new: Option<String>,
    },
    /// It stands elsewhere: `after stage Build`, `in stage Test`.
    Moved { old: String, new: String },
    /// It starts only when these actions of its stage have ended, for which it did not wait.
    Waits { actions: Vec<String> },
    /// It starts without waiting for these actions of its stage, for which it did wait.
    NoLongerWaits { actions: Vec<String> },
    /// It ran after an approval, and runs without one.
    Unguarded,
    /// It ran without an approval, and runs after these.
    Guarded { approvals: Vec<String> },
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeEntry => "before entry",
            Self::OnSuccess => "on success",
            Self::OnFailure => "on failure",
        })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pipeline => f.write_str("pipeline"),
            Self::Variable { name } => write!(f, "variable {name}"),
            Self::Tag { key } => write!(f, "tag {key}"),
            Self::Trigger { action } => write!(f, "trigger of {action}"),
            Self::Stage { stage } => write!(f, "stage {stage}"),
            Self::Action { stage, action } => write!(f, "stage {stage}: action {action}"),
            Self::Condition { stage, position } => write!(f, "stage {stage}: condition {position}"),
            Self::Rule { stage, position, rule } => write!(f, "stage {stage}: rule {rule} {position}"),
        }
    }
}

impl fmt::Display for Difference {
    /// `variable channel: default beta → stable`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = &self.subject;
        match &self.change {
            Change::Added { place, actions } => {
                let place = place.iter().map(|place| format!(" {place}")).collect::<String>();
                write!(f, "{subject} added{place}{}", with(actions))
            }
            Change::Removed { actions } => write!(f, "{subject} removed{}", with(actions)),
            Change::Value { field, old, new } => match (old, new) {
                (Some(old), Some(new)) => write!(f, "{subject}: {field} {} → {}", Shown(old), Shown(new)),
                (None, Some(new)) => write!(f, "{subject}: {field} {} added", Shown(new)),
                (Some(old), None) => write!(f, "{subject}: {field} {} removed", Shown(old)),
                (None, None) => write!(f, "{subject}: {field}"),
            },
            Change::Moved { old, new } => write!(f, "{subject} now stands {new}, not {old}"),
            Change::Waits { actions } => write!(f, "{subject} now waits for {}", listed(actions)),
            Change::NoLongerWaits { actions } => write!(f, "{subject} no longer waits for {}", listed(actions)),
            Change::Unguarded => write!(f, "{subject} now runs without an approval before it"),
            Change::Guarded { approvals } => write!(f, "{subject} now runs after approval {}", listed(approvals)),
        }
    }
}

/// A value, in quotes where it would run into the words around it.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '→' && c != '"';
        match !self.0.is_empty() && self.0.chars().all(is_plain) {
            true => f.write_str(self.0),
            false => write!(f, "{:?}", self.0),
        }
    }
}

fn with(actions: &[String]) -> String {
    match actions {
        [] => String::new(),
        [one] => format!(", with action {one}"),
        several => format!(", with actions {}", listed(several)),
    }
}

/// a, b and c
fn listed(names: &[String]) -> String {
    match names {
        [head @ .., last] if !head.is_empty() => format!("{} and {last}", head.join(", ")),
        _ => names.concat(),
    }
}
