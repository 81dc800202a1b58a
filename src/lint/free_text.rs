//! Text that anyone who commits may choose, put where some of its characters mean something.
//!
//! CodePipeline replaces references by text, before the action starts: in a command, a commit message is part of the
//! program; in JSON, a quote in it ends the string.

use std::collections::HashMap;
use std::rc::Rc;

use crate::catalog::Encoding;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Handle, Origin, Pipeline, Text, TextPart, TypeId, VariableRef};
use crate::sema::signature::Signature;

use super::codes;

/// Reports free text of a commit in commands and in JSON.
pub fn free_text(
    pipeline: &Pipeline,
    signature_of: &mut dyn FnMut(&TypeId) -> Option<Rc<Signature>>,
    diags: &mut Diagnostics,
) {
    let sources = Sources::of(pipeline);
    if sources.triggered.is_empty() {
        return;
    }
    for stage in &pipeline.stages {
        for action in &stage.actions {
            for command in &action.commands {
                let help = "put it into `environment_variables`, and write `\"$NAME\"` in the command";
                shell(&sources, &action.handle, &command.value, command.origin, help, diags);
            }
            for (key, entry) in &action.configuration {
                if !holds_message(&sources, &entry.value) {
                    continue;
                }
                let declared = signature_of(&action.type_id)
                    .and_then(|signature| Some(signature.provider.field_of_key(key)?.encoding))
                    .is_some_and(|encoding| matches!(encoding, Encoding::Json | Encoding::EnvJson));
                if declared || looks_like_json(&entry.value) {
                    json(&action.handle, key, entry.origin, diags);
                }
            }
        }
        for rule in stage.rules() {
            for command in &rule.commands {
                let help = "take `commit_id`, and look the rest up in the command";
                shell(&sources, &rule.handle, &command.value, command.origin, help, diags);
            }
        }
    }
}

/// The namespaces of sources, and whether a trigger starts them, so that the branch may be any.
struct Sources<'i> {
    triggered: HashMap<&'i str, bool>,
}

impl<'i> Sources<'i> {
    fn of(pipeline: &'i Pipeline) -> Self {
        let mut triggered = HashMap::new();
        for action in pipeline.stages.iter().flat_map(|stage| &stage.actions) {
            if let Some(namespace) = &action.namespace
                && action.type_id.is_source()
            {
                let by_trigger = |name: &str| pipeline.triggers.iter().any(|one| one.source_action.value == name);
                triggered.insert(namespace.value.as_str(), by_trigger(&action.name.value));
            }
        }
        Self { triggered }
    }

    /// Whether whoever commits chooses the text.
    fn is_free(&self, variable: &VariableRef) -> bool {
        match (self.triggered.get(variable.namespace.as_str()), variable.key.as_str()) {
            (Some(_), "CommitMessage") => true,
            (Some(triggered), "BranchName") => *triggered,
            _ => false,
        }
    }
}

fn variables(text: &Text) -> impl Iterator<Item = &VariableRef> {
    text.parts().iter().filter_map(|part| match part {
        TextPart::Variable(variable) => Some(variable),
        TextPart::Literal(_) | TextPart::Deploy(_) => None,
    })
}

fn holds_message(sources: &Sources, text: &Text) -> bool {
    variables(text).any(|variable| variable.key == "CommitMessage" && sources.is_free(variable))
}

/// `UserParameters` and their like: text by its key, JSON by what it is.
fn looks_like_json(text: &Text) -> bool {
    matches!(text.parts().first(), Some(TextPart::Literal(start)) if start.trim_start().starts_with(['{', '[']))
}

fn shell(sources: &Sources, owner: &Handle, text: &Text, at: Origin, help: &str, diags: &mut Diagnostics) {
    let Some(variable) = variables(text).find(|variable| sources.is_free(variable)) else {
        return;
    };
    let what = match variable.key.as_str() {
        "BranchName" => "the name of a branch",
        _ => "a commit's message",
    };
    let message = format!("a command of `{owner}` holds {what}, so whoever commits can make it run anything");
    diags.emit(Diagnostic::new(&codes::FREE_TEXT_IN_SHELL, at, message).with_help(help));
}

fn json(owner: &Handle, key: &str, at: Origin, diags: &mut Diagnostics) {
    let message = format!(
        "`{key}` of `{owner}` is JSON with a commit's message in it, which breaks it as soon as the message has a quote or \
         a second line"
    );
    let diagnostic = Diagnostic::new(&codes::FREE_TEXT_IN_JSON, at, message)
        .with_help("take `commit_id`, and look the message up in the action");
    diags.emit(diagnostic);
}
