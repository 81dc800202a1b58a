//! Intrinsic functions of CloudFormation, as JSON that a template can hold.

use serde_json::Value as Json;

use crate::diagnostic::Diagnostic;
use crate::ir::{DeployCondition, DeployValue};
use crate::source::Span;

use super::super::codes;
use super::super::ty::Ty;
use super::super::value::{Draft, DraftPart, Value};
use super::Evaluator;
use super::builtins::Call;

impl<'p> Evaluator<'p, '_> {
    /// `cfn.join(…)` and its like, whose arguments may hold other values known when deploying.
    pub(super) fn intrinsic(&mut self, call: &Call<'p>) -> Value<'p> {
        let mut arguments = Vec::with_capacity(call.values.len());
        for (value, arg) in call.values.iter().zip(call.args) {
            match template_json(value) {
                Ok(Some(json)) => arguments.push(json),
                Ok(None) => return Value::Unknown(Ty::STRING),
                Err(what) => return self.no_template_value(&what, arg.span),
            }
        }
        let (function, argument) = match (call.builtin.name, arguments.as_mut_slice()) {
            // The language has the text first, as its own `join` and `split` do; templates have it last.
            ("join", [list, separator]) => ("Fn::Join", vec![separator.take(), list.take()].into()),
            ("split", [text, separator]) => ("Fn::Split", vec![separator.take(), text.take()].into()),
            ("select", [index, list]) => {
                // Templates take the index as text or number; text is what they usually have.
                let index = index
                    .as_u64()
                    .map_or_else(|| index.take(), |index| index.to_string().into());
                ("Fn::Select", vec![index, list.take()].into())
            }
            ("find_in_map", _) => ("Fn::FindInMap", arguments.into()),
            ("base64", [text]) => ("Fn::Base64", text.take()),
            ("import_value", [name]) => ("Fn::ImportValue", name.take()),
            ("intrinsic", [Json::String(name), argument]) => {
                let name = format!("Fn::{}", name.trim_start_matches("Fn::"));
                return self.deploy_value(
                    DeployValue::Intrinsic {
                        function: name,
                        argument: argument.take(),
                    },
                    call.span,
                );
            }
            _ => {
                let message = "the name of an intrinsic function is a string";
                return self.fail(&codes::TYPE_MISMATCH, call.args[0].span, message);
            }
        };
        let function = function.to_owned();
        self.deploy_value(DeployValue::Intrinsic { function, argument }, call.span)
    }

    /// `if cfn.condition("Prod") then a else b`: `Fn::If`.
    pub(super) fn deploy_if(
        &mut self,
        condition: &DeployCondition,
        yes: (&Value<'p>, Span),
        no: (&Value<'p>, Span),
        span: Span,
    ) -> Value<'p> {
        if yes.0.is_error() || no.0.is_error() {
            return Value::Error;
        }
        let mut branches = Vec::with_capacity(2);
        for (value, place) in [yes, no] {
            match template_json(value) {
                Ok(Some(json)) => branches.push(json),
                Ok(None) => return Value::Unknown(yes.0.ty()),
                Err(what) => return self.no_template_value(&what, place),
            }
        }
        if !condition.holds {
            branches.reverse();
        }
        let mut argument = vec![Json::from(condition.name.as_str())];
        argument.append(&mut branches);
        let function = "Fn::If".to_owned();
        let argument = argument.into();
        self.deploy_value(DeployValue::Intrinsic { function, argument }, span)
    }

    fn deploy_value(&mut self, value: DeployValue, span: Span) -> Value<'p> {
        Value::Text(Draft::part(DraftPart::Deploy { value, span }).into())
    }

    fn no_template_value(&mut self, what: &str, span: Span) -> Value<'p> {
        let message = format!("{what} cannot stand in a template");
        let help = "give a string, a number, a list of them, or another `cfn.…` value";
        self.emit(Diagnostic::new(&codes::TYPE_MISMATCH, span, message).with_help(help))
    }
}

/// A value as a template in JSON has it; none where it is not known yet. `Err` says what has no such form.
fn template_json(value: &Value<'_>) -> Result<Option<Json>, String> {
    Ok(Some(match value {
        Value::Bool(value) => (*value).into(),
        Value::Int(number) => (*number).into(),
        Value::Str(text) => (**text).into(),
        Value::Text(draft) => draft_json(draft)?,
        Value::List(values) => {
            let mut list = Vec::with_capacity(values.len());
            for value in values.iter() {
                match template_json(value)? {
                    Some(json) => list.push(json),
                    None => return Ok(None),
                }
            }
            list.into()
        }
        Value::Record(record) => {
            let mut object = serde_json::Map::new();
            for (key, value) in record.iter() {
                match template_json(value)? {
                    Some(json) => object.insert(key.to_string(), json),
                    None => return Ok(None),
                };
            }
            object.into()
        }
        Value::Unknown(_) => return Ok(None),
        other => return Err(other.described()),
    }))
}

/// Text with values in it, as the exporter writes such a text.
fn draft_json(draft: &Draft<'_>) -> Result<Json, String> {
    let mut text = crate::ir::Text::default();
    for part in &draft.parts {
        match part {
            DraftPart::Text(literal) => text.push_str(literal),
            DraftPart::Deploy { value, .. } => text.push(crate::ir::TextPart::Deploy(value.clone())),
            // The names of variables are settled later; their place inside a function of the template is not theirs.
            _ => return Err("a string that holds a variable".to_owned()),
        }
    }
    Ok(text.to_template())
}
