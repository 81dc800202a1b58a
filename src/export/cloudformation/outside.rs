//! What a template names and does not hold.

use std::collections::BTreeSet;

use super::super::codes;
use super::super::document::Document;
use super::yaml::called;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{self, DeployValue, Text, TextPart};

/// The names that a template uses, by what they are names of.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// `Ref`: parameters and resources.
    refs: BTreeSet<String>,
    /// `Fn::GetAtt`: resources.
    resources: BTreeSet<String>,
    conditions: BTreeSet<String>,
    mappings: BTreeSet<String>,
}

impl Uses {
    pub(super) fn of(document: &Document) -> Self {
        let mut uses = Self::default();
        uses.collect(document);
        uses
    }

    /// What can be given to the template from outside: all that is referred to by `Ref` alone.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &str> {
        let outside = self.refs.iter().filter(|name| !name.starts_with("AWS::"));
        outside
            .filter(|name| !self.resources.contains(*name))
            .map(String::as_str)
    }

    /// Warns of all that only another template can add.
    pub(super) fn report(&self, pipeline: &ir::Pipeline, diags: &mut Diagnostics) {
        let named = |what: &str, names: &BTreeSet<String>| -> Vec<String> {
            names.iter().map(|name| format!("{what} `{name}`")).collect()
        };
        let missing = [
            named("resource", &self.resources),
            named("condition", &self.conditions),
            named("mapping", &self.mappings),
        ]
        .concat();
        let message = match missing.as_slice() {
            [] => return,
            [only] => format!("the template names {only}, and does not hold it"),
            [head @ .., last] => format!(
                "the template names {} and {last}, and holds none of them",
                head.join(", ")
            ),
        };
        let help = "put the pipeline into the template that does";
        diags.emit(Diagnostic::new(&codes::TEMPLATE_INCOMPLETE, pipeline.origin, message).with_help(help));
    }

    fn collect(&mut self, document: &Document) {
        match document {
            Document::Null | Document::Bool(_) | Document::Number(_) | Document::Text(_) => {}
            Document::List(entries) => entries.iter().for_each(|entry| self.collect(entry)),
            Document::Map(fields) => {
                if let Some((function, argument)) = called(fields) {
                    self.collect_call(function, argument);
                }
                fields.iter().for_each(|(_, value)| self.collect(value));
            }
        }
    }

    fn collect_call(&mut self, function: &str, argument: &Document) {
        let first = match argument {
            Document::Text(text) => Some(text),
            Document::List(entries) => match entries.first() {
                Some(Document::Text(text)) => Some(text),
                _ => None,
            },
            _ => None,
        };
        let Some(first) = first else { return };
        let names = match function {
            "Ref" => &mut self.refs,
            "GetAtt" => &mut self.resources,
            "If" => &mut self.conditions,
            "FindInMap" => &mut self.mappings,
            "Sub" => return self.collect_sub(first, argument),
            _ => return,
        };
        names.insert(first.clone());
    }

    /// The names in `${…}`, except those that the function itself gives a value.
    fn collect_sub(&mut self, text: &str, argument: &Document) {
        let own: Vec<&str> = match argument {
            Document::List(entries) => match entries.get(1) {
                Some(Document::Map(fields)) => fields.iter().map(|(name, _)| name).collect(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        for part in Text::of_sub(text, ir::Origin::default()).parts() {
            match part {
                TextPart::Deploy(DeployValue::Ref(name)) if !own.contains(&name.as_str()) => {
                    self.refs.insert(name.clone());
                }
                TextPart::Deploy(DeployValue::GetAtt(name, _)) => {
                    self.resources.insert(name.clone());
                }
                _ => {}
            }
        }
    }
}
