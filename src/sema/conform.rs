//! The IR against the providers' signatures: counts of artifacts, required keys, conditions between fields, versions and
//! regions. Works on any IR, whatever the front end; words fields as `.pipe` has them.

use std::collections::HashMap;
use std::rc::Rc;

use crate::catalog::{Count, Encoding, Exports, Field};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{self, ConfigEntry, Configuration, Node, Origin, PipelineType, Text, TypeId, VariableRef};
use crate::syntax::ast::ExprKind;

use super::codes;
use super::eval::{Env, Evaluator, NoReader};
use super::known_types;
use super::program::{ModuleId, Program};
use super::signature::Signature;
use super::ty::Ty;
use super::value::Value;
use super::values::{self, decode, decode_text};
use super::wording::{REMOVE_TYPE, Wording};

/// Checks every action and rule whose type is known to `signature_of`.
pub fn conform(
    pipeline: &ir::Pipeline,
    signature_of: &mut dyn FnMut(&TypeId) -> Option<Rc<Signature>>,
    wording: Wording,
    diags: &mut Diagnostics,
) {
    let mut fixed: HashMap<&str, Rc<Signature>> = HashMap::new();
    for action in pipeline.stages.iter().flat_map(|stage| &stage.actions) {
        if let Some(namespace) = &action.namespace
            && let Some(signature) = signature_of(&action.type_id)
        {
            fixed.insert(&namespace.value, signature);
        }
    }
    for stage in &pipeline.stages {
        for action in &stage.actions {
            let subject = Subject::of_action(action);
            check_subject(&subject, signature_of(&action.type_id), pipeline, wording, diags);
            check_variables(&subject, &fixed, diags);
        }
        for rule in stage.rules() {
            let subject = Subject::of_rule(rule);
            check_subject(&subject, signature_of(&rule.type_id), pipeline, wording, diags);
            check_variables(&subject, &fixed, diags);
        }
    }
}

/// What the file calls it, or else its name.
fn spoken(handle: &ir::Handle, name: &Node<String>) -> String {
    let given = (!handle.0.is_empty()).then_some(&handle.0);
    given.unwrap_or(&name.value).clone()
}

/// What an action and a rule have in common.
struct Subject<'i> {
    what: &'static str,
    handle: String,
    configuration: &'i Configuration,
    commands: &'i [Node<Text>],
    environment: &'i [ir::EnvironmentVariable],
    inputs: &'i [Node<String>],
    outputs: &'i [ir::OutputArtifact],
    region: Option<&'i Node<String>>,
    type_id: &'i TypeId,
    origin: Origin,
    incomplete: bool,
}

impl<'i> Subject<'i> {
    fn of_action(action: &'i ir::Action) -> Self {
        Self {
            what: "action",
            handle: spoken(&action.handle, &action.name),
            configuration: &action.configuration,
            commands: &action.commands,
            environment: &action.environment,
            inputs: &action.inputs,
            outputs: &action.outputs,
            region: action.region.as_ref(),
            type_id: &action.type_id,
            origin: action.origin,
            incomplete: action.incomplete,
        }
    }

    fn of_rule(rule: &'i ir::Rule) -> Self {
        Self {
            what: "rule",
            handle: spoken(&rule.handle, &rule.name),
            configuration: &rule.configuration,
            commands: &rule.commands,
            environment: &[],
            inputs: &rule.inputs,
            outputs: &[],
            region: rule.region.as_ref(),
            type_id: &rule.type_id,
            origin: rule.origin,
            incomplete: rule.incomplete,
        }
    }

    fn texts(&self) -> impl Iterator<Item = (&'i Text, Origin)> {
        let configuration = self.configuration.values().map(|entry| (&entry.value, entry.origin));
        let commands = self.commands.iter().map(|node| (&node.value, node.origin));
        let environment = self
            .environment
            .iter()
            .map(|variable| (&variable.value.value, variable.value.origin));
        configuration.chain(commands).chain(environment)
    }
}

fn check_subject(
    subject: &Subject<'_>,
    signature: Option<Rc<Signature>>,
    pipeline: &ir::Pipeline,
    wording: Wording,
    diags: &mut Diagnostics,
) {
    let provider = signature.as_ref().map(|signature| &*signature.provider);
    known_types::check(&subject.handle, subject.type_id, provider, subject.origin, diags);
    let Some(signature) = &signature else {
        if subject.type_id.owner == "Custom" {
            let any = Count {
                min: 0,
                max: CUSTOM_ARTIFACTS,
            };
            count_artifacts(subject, &subject.type_id.provider, any, any, diags);
        }
        return;
    };
    if wording == Wording::Pipe {
        return check(subject, signature, pipeline, diags);
    }
    let mut found = Diagnostics::default();
    check(subject, signature, pipeline, &mut found);
    for mut diagnostic in found.into_sorted() {
        wording.apply(&mut diagnostic, &signature.provider);
        diags.emit(diagnostic);
    }
}

fn check(subject: &Subject<'_>, signature: &Signature, pipeline: &ir::Pipeline, diags: &mut Diagnostics) {
    let provider = &signature.provider;
    if let Some(why) = &provider.deprecated {
        let message = format!("`{}` is deprecated", provider.name);
        diags.emit(Diagnostic::new(&codes::DEPRECATED_PROVIDER, subject.origin, message).with_help(why.clone()));
    }
    if provider.v2_only && pipeline.pipeline_type.value == PipelineType::V1 {
        let message = format!(
            "`{}` can only be used in V2 pipelines, and this is a V1 pipeline",
            provider.name
        );
        let diagnostic = Diagnostic::new(&codes::PROVIDER_NEEDS_V2, subject.origin, message)
            .with_other(pipeline.pipeline_type.origin, "the pipeline's type is set here")
            .with_help(REMOVE_TYPE);
        diags.emit(diagnostic);
    }
    if let Some(region) = subject.region
        && !provider.cross_region
        && subject.type_id.owner == "AWS"
        && !subject.type_id.is_source()
    {
        let message = format!("`{}` must run in the pipeline's own region", provider.name);
        let diagnostic = Diagnostic::new(&codes::REGION_NOT_SUPPORTED, region.origin, message);
        diags.emit(diagnostic.with_help("remove `region`"));
    }
    check_keys(subject, signature, diags);
    values::check(subject.configuration, signature, diags);
    if subject.incomplete {
        return;
    }
    let reported = check_artifact_fields(subject, signature, diags);
    check_counts(subject, signature, diags);
    let complete = check_required(subject, signature, diags);
    if complete {
        check_requirements(subject, signature, &reported, diags);
    }
}

/// The most artifacts that a custom action takes, and gives (constraint artifact-count-custom-any).
const CUSTOM_ARTIFACTS: u32 = 5;

fn check_counts(subject: &Subject<'_>, signature: &Signature, diags: &mut Diagnostics) {
    let provider = &signature.provider;
    count_artifacts(subject, &provider.name, provider.inputs, provider.outputs, diags);
}

fn count_artifacts(subject: &Subject<'_>, provider: &str, inputs: Count, outputs: Count, diags: &mut Diagnostics) {
    let sides = [
        (
            subject.inputs.len(),
            inputs,
            "input",
            "takes",
            subject.inputs.last().map(|input| input.origin),
        ),
        (
            subject.outputs.len(),
            outputs,
            "output",
            "gives",
            subject.outputs.last().map(|output| output.name.origin),
        ),
    ];
    for (count, allowed, side, verb, last) in sides {
        let (few, many) = (count < allowed.min as usize, count > allowed.max as usize);
        if !few && !many {
            continue;
        }
        let has = match count {
            0 => format!("has no {side} artifact"),
            1 => format!("has 1 {side} artifact"),
            count => format!("has {count} {side} artifacts"),
        };
        let message = format!(
            "`{}` {has}, and `{provider}` {verb} {}",
            subject.handle,
            count_in_words(allowed)
        );
        let span = if many {
            last.unwrap_or(subject.origin)
        } else {
            subject.origin
        };
        let mut diagnostic = Diagnostic::new(&codes::ARTIFACT_COUNT, span, message);
        diagnostic = match (side, few) {
            ("input", true) => diagnostic.with_help("say what it works on: `input = …`"),
            ("output", true) => diagnostic.with_help("name what it gives: add a line `output name`"),
            (_, _) if allowed.max == 0 => diagnostic.with_help(format!("remove the {side}")),
            (_, _) => diagnostic.with_help(format!("leave {} at most", allowed.max)),
        };
        diags.emit(diagnostic);
    }
}

fn count_in_words(count: Count) -> String {
    match (count.min, count.max) {
        (0, 0) => "none".to_owned(),
        (min, max) if min == max => format!("exactly {min}"),
        (0, max) => format!("at most {max}"),
        (min, max) => format!("{min} to {max}"),
    }
}

/// Whether a field was given.
fn is_given(subject: &Subject<'_>, field: &Field) -> bool {
    match field.encoding {
        Encoding::Commands => !subject.commands.is_empty(),
        Encoding::Environment => !subject.environment.is_empty(),
        _ => subject.configuration.contains_key(&field.key),
    }
}

fn check_required(subject: &Subject<'_>, signature: &Signature, diags: &mut Diagnostics) -> bool {
    let provider = &signature.provider;
    let mut complete = true;
    for (field, ty) in provider.fields.iter().zip(&signature.types) {
        if field.optional || is_given(subject, field) {
            continue;
        }
        complete = false;
        let message = format!("`{}` needs `{}`", provider.name, field.name);
        let label = format!("this {} leaves it out", subject.what);
        let about = field
            .doc
            .as_deref()
            .and_then(|doc| doc.lines().next())
            .map(|line| format!(" ({})", trimmed(line)));
        let help = format!(
            "add `{} = …`, a value of type `{ty}`{}",
            field.name,
            about.unwrap_or_default()
        );
        diags.emit(
            Diagnostic::new(&codes::MISSING_FIELD, subject.origin, message)
                .with_label(label)
                .with_help(help),
        );
    }
    complete
}

/// The first sentence of a doc comment, without its full stop.
fn trimmed(line: &str) -> &str {
    let end = line.find(". ").unwrap_or(line.len());
    line[..end].trim_end_matches('.')
}

fn check_keys(subject: &Subject<'_>, signature: &Signature, diags: &mut Diagnostics) {
    let provider = &signature.provider;
    for (key, entry) in subject.configuration {
        if provider.field_of_key(key).is_some() {
            continue;
        }
        let message = format!(
            "the library does not know the key `{key}` of `{}`, so it is sent unchecked",
            provider.name
        );
        let mut diagnostic = Diagnostic::new(&codes::OPEN_FIELD, entry.key_origin, message);
        let keys = provider
            .fields
            .iter()
            .filter(|field| field.encoding.is_configuration())
            .map(|field| field.key.as_str());
        diagnostic.help = diags.did_you_mean(key, keys);
        diags.emit(diagnostic);
    }
}

/// A field that names an artifact, or a file in one, must name an input.
/// Gives the fields it has spoken of.
fn check_artifact_fields<'s>(subject: &Subject<'_>, signature: &'s Signature, diags: &mut Diagnostics) -> Vec<&'s str> {
    let mut reported = Vec::new();
    for (field, ty) in signature.provider.fields.iter().zip(&signature.types) {
        let of_artifact = matches!(ty.required(), Ty::Artifact);
        if !of_artifact && !matches!(ty.required(), Ty::File) {
            continue;
        }
        let Some(entry) = subject.configuration.get(&field.key) else {
            continue;
        };
        let Some(name) = artifact_of(entry, of_artifact) else {
            continue;
        };
        if subject.inputs.iter().any(|input| input.value == name) {
            continue;
        }
        reported.push(field.name.as_str());
        let message = format!(
            "`{}` names the artifact `{name}`, which is not among the inputs",
            field.name
        );
        let inputs: Vec<String> = subject
            .inputs
            .iter()
            .map(|input| format!("`{}`", input.value))
            .collect();
        let help = match inputs.is_empty() {
            true => format!("add it: `input = {name}`"),
            false => format!("add it to `input`, or name one that is there: {}", inputs.join(", ")),
        };
        diags.emit(Diagnostic::new(&codes::ARTIFACT_NOT_INPUT, entry.origin, message).with_help(help));
    }
    reported
}

fn artifact_of(entry: &ConfigEntry, whole: bool) -> Option<&str> {
    let first = match entry.value.parts().first() {
        Some(ir::TextPart::Literal(text)) => text.as_str(),
        _ => return None,
    };
    if whole {
        entry.value.as_literal()
    } else {
        first.split_once("::").map(|(artifact, _)| artifact)
    }
}

/// `reported`: fields that something has been said about already.
fn check_requirements(subject: &Subject<'_>, signature: &Signature, reported: &[&str], diags: &mut Diagnostics) {
    let provider = &signature.provider;
    if provider.requires.is_empty() {
        return;
    }
    let program = Program::default();
    let mut silent = Diagnostics::default();
    let mut ev = Evaluator::new(&program, &NoReader, &mut silent);
    let mut locals: Vec<(&str, Value<'_>)> = Vec::with_capacity(provider.fields.len() + 2);
    let names = |nodes: &mut dyn Iterator<Item = &String>| Value::list(nodes.map(Value::str).collect());
    locals.push(("input", names(&mut subject.inputs.iter().map(|input| &input.value))));
    locals.push((
        "output",
        names(&mut subject.outputs.iter().map(|output| &output.name.value)),
    ));
    for (field, ty) in provider.fields.iter().zip(&signature.types) {
        locals.push((&field.name, decoded(subject, field, ty)));
    }
    let mut env = Env {
        module: ModuleId(0),
        locals,
        scope: None,
    };
    for require in &provider.requires {
        if require.at.as_deref().is_some_and(|at| reported.contains(&at)) {
            continue;
        }
        if ev.eval_condition(&require.cond, &mut env) != Some(false) {
            continue;
        }
        let message = match ev.eval(&require.message, &mut env) {
            Value::Str(text) => text.to_string(),
            _ => match &require.message.kind {
                ExprKind::Str(text) => text
                    .as_text()
                    .unwrap_or("a condition of the provider does not hold")
                    .to_owned(),
                _ => "a condition of the provider does not hold".to_owned(),
            },
        };
        let field = require.at.as_ref().and_then(|at| provider.field(at));
        let entry = field.and_then(|field| subject.configuration.get(&field.key));
        let artifacts = match require.at.as_deref() {
            Some("input") => subject.inputs.last().map(|input| input.origin),
            Some("output") => subject.outputs.last().map(|output| output.name.origin),
            _ => None,
        };
        let span = entry
            .map(|entry| entry.key_origin)
            .or(artifacts)
            .unwrap_or(subject.origin);
        let message = format!("`{}`: {message}", subject.handle);
        let help = match (field, entry) {
            (Some(field), None) => format!("give it `{} = …`", field.name),
            (Some(field), Some(_)) => format!(
                "change `{}`; `pipe doc {}` tells what goes together",
                field.name, provider.name
            ),
            (None, _) => format!("`pipe doc {}` tells what goes together", provider.name),
        };
        diags.emit(Diagnostic::new(&codes::REQUIREMENT, span, message).with_help(help));
    }
}

/// A field's value, read back from what is sent; unknown where a part is known later.
fn decoded<'p>(subject: &Subject<'_>, field: &Field, ty: &Ty) -> Value<'p> {
    match field.encoding {
        _ if !is_given(subject, field) => Value::None,
        Encoding::Commands => Value::list(
            subject
                .commands
                .iter()
                .map(|node| decode_text(&node.value, &Ty::STRING))
                .collect(),
        ),
        Encoding::Environment => {
            let entry = |variable: &ir::EnvironmentVariable| {
                (
                    Rc::from(variable.name.value.as_str()),
                    decode_text(&variable.value.value, &Ty::STRING),
                )
            };
            Value::Record(Rc::new(subject.environment.iter().map(entry).collect()))
        }
        encoding => match subject.configuration[&field.key].value.as_literal() {
            Some(text) => decode(text, ty.required(), encoding),
            None => Value::Unknown(Ty::Any),
        },
    }
}

/// A reference to a variable that its provider does not have. Whether AWS refuses it is not confirmed, so it is a warning
/// (constraint `variable-key-known`).
fn check_variables(subject: &Subject<'_>, fixed: &HashMap<&str, Rc<Signature>>, diags: &mut Diagnostics) {
    for (text, origin) in subject.texts() {
        for VariableRef { namespace, key, .. } in text.variables() {
            let Some(signature) = fixed.get(namespace.as_str()) else {
                continue;
            };
            let Exports::Fixed(names) = &signature.provider.exports else {
                continue;
            };
            if names.iter().any(|name| name == key) {
                continue;
            }
            let message = format!("`{}` has no output variable `{key}`", signature.provider.name);
            let mut diagnostic = Diagnostic::new(&codes::UNKNOWN_VARIABLE_KEY, origin, message);
            diagnostic.help = diags.did_you_mean(key, names.iter().map(String::as_str));
            diags.emit(diagnostic);
        }
    }
}
