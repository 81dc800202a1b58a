//! What is known when deploying: values and conditions that only a CloudFormation template can say.
//!
//! Names, regions and the like are plain strings everywhere in the IR, because CodePipeline wants them plain. A template may
//! compute even those; such a name holds its values in a written form, `${cfn:{"Ref":"Project"}}-source`, whose
//! characters no name of AWS may have.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Pipeline, Text, TextPart};

/// What `cfn.…` gives: a value CloudFormation fills in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeployValue {
    Ref(String),
    GetAtt(String, String),
    /// `Fn::Sub` with a text alone.
    Sub(String),
    ImportValue(String),
    /// Any other intrinsic function, such as `Fn::Join`, with its argument as a template in JSON has it.
    Intrinsic {
        function: String,
        argument: Value,
    },
}

impl DeployValue {
    /// `AWS::NoValue`: as if the key were not there.
    pub fn no_value() -> Self {
        Self::Ref("AWS::NoValue".to_owned())
    }

    pub fn is_no_value(&self) -> bool {
        matches!(self, Self::Ref(name) if name == "AWS::NoValue")
    }

    /// As a template in JSON has it: `{"Ref": "Project"}`.
    pub fn to_json(&self) -> Value {
        let one =
            |function: &str, argument: Value| Value::Object([(function.to_owned(), argument)].into_iter().collect());
        match self {
            Self::Ref(name) => one("Ref", name.as_str().into()),
            Self::GetAtt(name, attribute) => one("Fn::GetAtt", vec![name.as_str(), attribute].into()),
            Self::Sub(text) => one("Fn::Sub", text.as_str().into()),
            Self::ImportValue(name) => one("Fn::ImportValue", name.as_str().into()),
            Self::Intrinsic { function, argument } => one(function, argument.clone()),
        }
    }

    /// The value that a template's JSON stands for, if it is an intrinsic function.
    pub fn from_json(json: &Value) -> Option<Self> {
        let object = json.as_object().filter(|object| object.len() == 1)?;
        let (function, argument) = object.iter().next()?;
        let text = argument.as_str().map(str::to_owned);
        Some(match (function.as_str(), text) {
            ("Ref", Some(name)) => Self::Ref(name),
            ("Fn::Sub", Some(text)) => Self::Sub(text),
            ("Fn::ImportValue", Some(name)) => Self::ImportValue(name),
            ("Fn::GetAtt", Some(text)) => {
                let (name, attribute) = text.split_once('.')?;
                Self::GetAtt(name.to_owned(), attribute.to_owned())
            }
            ("Fn::GetAtt", None)
                if let Some([Value::String(name), Value::String(attribute)]) =
                    argument.as_array().map(Vec::as_slice) =>
            {
                Self::GetAtt(name.clone(), attribute.clone())
            }
            ("Ref" | "Fn::GetAtt", _) => return None,
            (function, _) if function.starts_with("Fn::") => Self::Intrinsic {
                function: function.to_owned(),
                argument: canonical(argument),
            },
            _ => return None,
        })
    }
}

/// An argument in which every `Fn::GetAtt` has a list, as templates in JSON have it, and none the text of YAML's short form.
fn canonical(argument: &Value) -> Value {
    match argument {
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Object(fields) => {
            let value = |(key, value): (&String, &Value)| {
                let parts = value.as_str().and_then(|text| text.split_once('.'));
                let value = match parts.filter(|_| key == "Fn::GetAtt") {
                    Some((name, attribute)) => vec![name, attribute].into(),
                    None => canonical(value),
                };
                (key.clone(), value)
            };
            Value::Object(fields.iter().map(value).collect())
        }
        other => other.clone(),
    }
}

/// How a name begins to hold a value known when deploying.
const MARK: &str = "${cfn:";

impl fmt::Display for DeployValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK}{}}}", self.to_json())
    }
}

impl Text {
    /// As a template in JSON has it: plain text, one intrinsic function, or `Fn::Sub` (`Fn::Join` where that cannot hold
    /// a part). References of CodePipeline stand in it as text.
    pub fn to_template(&self) -> Value {
        if let [TextPart::Deploy(value)] = self.parts() {
            return value.to_json();
        }
        if !self.has_deploy_value() {
            return self.to_string().into();
        }
        let mut sub = String::new();
        for part in self.parts() {
            match part {
                TextPart::Literal(text) => sub.push_str(&text.replace("${", "${!")),
                TextPart::Variable(variable) => sub.push_str(&variable.to_string()),
                TextPart::Deploy(DeployValue::Ref(name)) => sub.push_str(&format!("${{{name}}}")),
                TextPart::Deploy(DeployValue::GetAtt(name, attribute)) => {
                    sub.push_str(&format!("${{{name}.{attribute}}}"));
                }
                TextPart::Deploy(_) => return self.to_join(),
            }
        }
        DeployValue::Sub(sub).to_json()
    }

    fn to_join(&self) -> Value {
        let part = |part: &TextPart| match part {
            TextPart::Literal(text) => text.as_str().into(),
            TextPart::Variable(variable) => variable.to_string().into(),
            TextPart::Deploy(value) => value.to_json(),
        };
        let parts: Value = self.parts().iter().map(part).collect();
        let function = "Fn::Join".to_owned();
        let argument = vec![Value::from(""), parts].into();
        DeployValue::Intrinsic { function, argument }.to_json()
    }

    /// What `Fn::Sub` with a text alone stands for: `${Name}` and `${Name.Attribute}` become parts of their own.
    pub fn of_sub(sub: &str, origin: super::Origin) -> Self {
        let mut text = Self::default();
        let mut literal = String::new();
        let mut rest = sub;
        while let Some(start) = rest.find("${") {
            literal.push_str(&rest[..start]);
            let behind = &rest[start + 2..];
            let Some(end) = behind.find('}') else {
                rest = &rest[start..];
                break;
            };
            let name = &behind[..end];
            if let Some(escaped) = name.strip_prefix('!') {
                literal.push_str(&format!("${{{escaped}}}"));
            } else {
                text.append(Self::parse(&std::mem::take(&mut literal), origin));
                text.push(TextPart::Deploy(match name.split_once('.') {
                    Some((name, attribute)) => DeployValue::GetAtt(name.to_owned(), attribute.to_owned()),
                    None => DeployValue::Ref(name.to_owned()),
                }));
            }
            rest = &behind[end + 1..];
        }
        literal.push_str(rest);
        text.append(Self::parse(&literal, origin));
        text
    }

    /// The text of a name: what is known when deploying becomes a part of its own.
    pub fn of_name(name: &str) -> Self {
        let mut text = Self::default();
        let mut rest = name;
        while let Some(start) = rest.find(MARK) {
            let behind = &rest[start + MARK.len()..];
            let mut values = serde_json::Deserializer::from_str(behind).into_iter::<Value>();
            let found = values.next().and_then(Result::ok);
            let end = values.byte_offset();
            let value = found.as_ref().and_then(DeployValue::from_json);
            match (value, behind[end..].strip_prefix('}')) {
                (Some(value), Some(after)) => {
                    text.push_str(&rest[..start]);
                    text.push(TextPart::Deploy(value));
                    rest = after;
                }
                _ => {
                    text.push_str(&rest[..start + MARK.len()]);
                    rest = behind;
                }
            }
        }
        text.push_str(rest);
        text
    }
}

/// Whether a name holds a value known when deploying only.
pub fn is_deploy_name(name: &str) -> bool {
    name.contains(MARK) && Text::of_name(name).has_deploy_value()
}

/// A condition of the template: what it is set on is there only if the condition has this outcome.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeployCondition {
    /// Its name among the template's `Conditions`.
    pub name: String,
    pub holds: bool,
}

impl DeployCondition {
    /// The condition with the other outcome.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self {
            name: self.name.clone(),
            holds: !self.holds,
        }
    }

    /// Whether the two can never be there together.
    pub fn excludes(a: &[Self], b: &[Self]) -> bool {
        a.iter()
            .any(|a| b.iter().any(|b| a.name == b.name && a.holds != b.holds))
    }
}

impl fmt::Display for DeployCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.holds { "" } else { "not " };
        write!(f, "{not}`{}`", self.name)
    }
}

impl Pipeline {
    /// The pipeline as a template's conditions make it: what does not hold is left out. `Err`: the conditions whose outcome is
    /// not among `outcomes`, in order of their names.
    pub fn decided(&self, outcomes: &BTreeMap<String, bool>) -> Result<Cow<'_, Self>, Vec<String>> {
        let conditions = || {
            let of_actions = self
                .stages
                .iter()
                .flat_map(|stage| &stage.actions)
                .flat_map(|action| &action.when);
            self.stages.iter().flat_map(|stage| &stage.when).chain(of_actions)
        };
        if conditions().next().is_none() {
            return Ok(Cow::Borrowed(self));
        }
        let open: BTreeSet<&String> = conditions()
            .map(|condition| &condition.name)
            .filter(|name| !outcomes.contains_key(*name))
            .collect();
        if !open.is_empty() {
            return Err(open.into_iter().cloned().collect());
        }
        let holds = |when: &[DeployCondition]| {
            when.iter()
                .all(|condition| outcomes[&condition.name] == condition.holds)
        };
        let mut decided = self.clone();
        decided.stages.retain(|stage| holds(&stage.when));
        for stage in &mut decided.stages {
            stage.when.clear();
            stage.actions.retain(|action| holds(&action.when));
            stage.actions.iter_mut().for_each(|action| action.when.clear());
        }
        Ok(Cow::Owned(decided))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_what_it_holds() {
        for name in [
            "plain",
            "",
            "${cfn:",
            "${cfn:}",
            "${cfn:{\"Ref\":\"A\"}",
            "a${cfn:{\"X\":1}}b",
        ] {
            assert_eq!(Text::of_name(name), Text::literal(name), "{name}");
        }
        for name in [
            r#"${cfn:{"Ref":"Project"}}-source"#,
            r#"a-${cfn:{"Fn::GetAtt":["A","B.C"]}}${cfn:{"Fn::Join":["}",["${cfn:",{"Ref":"B"}]]}}"#,
        ] {
            let text = Text::of_name(name);
            assert!(text.has_deploy_value(), "{name}");
            assert_eq!(text.to_string(), name);
        }
    }

    #[test]
    fn json_is_the_same_there_and_back() {
        for json in [
            r#"{"Ref":"A"}"#,
            r#"{"Fn::GetAtt":["A","B"]}"#,
            r#"{"Fn::Sub":"${A}"}"#,
            r#"{"Fn::Sub":["${A}",{"A":"b"}]}"#,
            r#"{"Fn::ImportValue":{"Ref":"A"}}"#,
            r#"{"Fn::Join":["",["a",{"Ref":"B"}]]}"#,
        ] {
            let value = DeployValue::from_json(&serde_json::from_str(json).unwrap()).unwrap();
            assert_eq!(value.to_json().to_string(), json);
        }
        assert_eq!(DeployValue::from_json(&serde_json::json!({"Ref": "A", "B": 1})), None);
        assert_eq!(DeployValue::from_json(&serde_json::json!({"Name": "A"})), None);
    }

    #[test]
    fn opposite_conditions_exclude_each_other() {
        let condition = |name: &str, holds| DeployCondition {
            name: name.to_owned(),
            holds,
        };
        let prod = condition("Prod", true);
        assert!(DeployCondition::excludes(
            std::slice::from_ref(&prod),
            &[prod.negated()]
        ));
        assert!(!DeployCondition::excludes(
            std::slice::from_ref(&prod),
            std::slice::from_ref(&prod)
        ));
        assert!(!DeployCondition::excludes(&[prod], &[condition("Test", false)]));
    }
}
