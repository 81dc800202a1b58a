//! The library beside the facts about AWS that it was written from.
//!
//! The facts are one JSON document for actions and one for rules; they do not belong to this repository. Where they are
//! missing, these tests say so and check nothing.

use std::collections::BTreeSet;
use std::path::Path;

use pipe::catalog::{Encoding, Exports, Field, Provider, snake_case, type_text};
use pipe::syntax::ast::{ExprKind, TypeExpr, TypeExprKind};
use serde_json::Value;

use super::from_source;

/// AWS's pages on these are newer than what could be read of them, so keys that the library does not know are passed on.
const OPEN: [&str; 2] = [
    "deploy.cloudformation_stack_instances",
    "deploy.cloudformation_stack_set",
];

/// The longest value that the API model gives any key; only a tighter bound is a field's own.
const ANY_LENGTH: [u64; 2] = [1_000, 10_000];

/// Patterns that are no part of a type: one is known for some state machines only, one is a `require` with words of its own.
const OTHER_PATTERNS: [&str; 2] = [
    "deploy.lambda.deploy_strategy",
    "invoke.step_functions.execution_name_prefix",
];

#[test]
fn the_library_agrees_with_the_facts() {
    let Some((actions, rules)) = facts() else { return };
    let library = from_source();
    let mut differences = Differences::default();
    let mut names = BTreeSet::new();
    for entry in actions.iter().chain(&rules) {
        let Some(name) = entry["pipe_name"].as_str() else {
            continue;
        };
        names.insert(name);
        let provider = library.iter().find(|provider| provider.name == name);
        differences.check(name, "in the library", true, provider.is_some());
        if let Some(provider) = provider {
            compare(&mut differences, entry, provider);
        }
    }
    let unknown = library.iter().filter(|provider| !names.contains(&*provider.name));
    for provider in unknown {
        differences.check(&provider.name, "in the facts", true, false);
    }
    assert_eq!(differences.0, Vec::<String>::new());
    assert_eq!(library.len(), 32 + 9 + 6);
}

/// The entries for actions and for rules.
#[expect(clippy::print_stderr, reason = "a test that checks nothing should say so")]
pub(super) fn facts() -> Option<(Vec<Value>, Vec<Value>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference");
    let read = |name: &str| -> Option<Value> {
        let text = std::fs::read_to_string(folder.join(name)).ok()?;
        Some(serde_json::from_str(&text).unwrap())
    };
    let (Some(actions), Some(rules)) = (read("actions.json"), read("rules.json")) else {
        eprintln!("skipped: there are no facts in {}", folder.display());
        return None;
    };
    Some((list(&actions).to_vec(), list(&rules["rules"]).to_vec()))
}

/// What differs: one line each, so that a run shows all of it.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn check<T: PartialEq + std::fmt::Debug>(&mut self, of: &str, what: &str, fact: T, library: T) {
        if fact != library {
            self.0.push(format!("{of}: {what}: AWS {fact:?}, library {library:?}"));
        }
    }
}

fn compare(differences: &mut Differences, entry: &Value, provider: &Provider) {
    let name = provider.name.as_str();
    let is_rule = entry["category"] == "Rule";
    compare_type(differences, entry, provider);
    let counts = [
        ("input_artifacts", provider.inputs),
        ("output_artifacts", provider.outputs),
    ];
    for (side, count) in counts {
        for (end, found) in [("min", count.min), ("max", count.max)] {
            if let Some(wanted) = entry[side][end].as_u64() {
                differences.check(name, &format!("{side}.{end}"), wanted, found.into());
            }
        }
    }
    let v2_only = entry["v2_only"] == true;
    differences.check(name, "V2 only", v2_only, provider.v2_only);
    differences.check(
        name,
        "own region only",
        entry["cross_region"] == false,
        !provider.cross_region,
    );
    differences.check(
        name,
        "deprecated",
        entry["deprecated"] == true,
        provider.deprecated.is_some(),
    );
    let documented = entry["configuration_documented"] != false;
    let open = !documented || OPEN.contains(&name);
    differences.check(name, "open", open, provider.open);
    let permissions: Vec<&str> = strings(&entry["iam"]["service_role_actions"]);
    differences.check(name, "permissions", permissions, refs(&provider.permissions));
    compare_variables(differences, entry, provider);

    let mut named: BTreeSet<&str> = BTreeSet::new();
    for key in list(&entry["configuration"]) {
        let wanted = key["field"].as_str().unwrap();
        named.insert(wanted);
        match provider.field(wanted) {
            Some(field) => compare_field(differences, name, key, field),
            None => differences.check(name, "field", wanted, ""),
        }
    }
    named.extend(compare_beside(differences, entry, provider, is_rule));
    for field in &provider.fields {
        if !named.contains(&*field.name) {
            differences.check(name, "field", "", &field.name);
        }
    }
}

/// AWS's list has names that no declaration could hold; then the library chooses one, and says so.
fn compare_type(differences: &mut Differences, entry: &Value, provider: &Provider) {
    let id = &provider.type_id;
    let parts = [
        ("category", &id.category),
        ("owner", &id.owner),
        ("provider", &id.provider),
        ("version", &id.version),
    ];
    for (part, found) in parts {
        if let Some(wanted) = entry[part].as_str() {
            differences.check(&provider.name, part, wanted, found);
        }
    }
}

fn compare_variables(differences: &mut Differences, entry: &Value, provider: &Provider) {
    let name = provider.name.as_str();
    let variables = entry["output_variables"].as_array().map_or(&[][..], Vec::as_slice);
    for variable in variables {
        let aws = variable["name"].as_str().unwrap();
        differences.check(name, aws, variable["field"].as_str().unwrap(), &snake_case(aws));
        differences.check(
            name,
            aws,
            Some(aws),
            provider.output_variable(variable["field"].as_str().unwrap()),
        );
    }
    let wanted: Vec<&str> = variables
        .iter()
        .map(|variable| variable["name"].as_str().unwrap())
        .collect();
    let dynamic = entry["dynamic_output_variables"].is_string();
    match &provider.exports {
        Exports::Fixed(found) => {
            differences.check(name, "output variables", wanted, refs(found));
            differences.check(name, "output variables of the user's", dynamic, false);
        }
        Exports::Open | Exports::Declared => {
            differences.check(name, "output variables", wanted, Vec::new());
            differences.check(name, "output variables of the user's", dynamic, true);
        }
    }
}

/// What stands beside `configuration`; gives the names of the fields that send it.
fn compare_beside(
    differences: &mut Differences,
    entry: &Value,
    provider: &Provider,
    is_rule: bool,
) -> Vec<&'static str> {
    let name = provider.name.as_str();
    let beside = |wanted: &str| {
        let mut fields = list(&entry["action_fields"]).iter();
        fields.find(|field| field["field"] == wanted)
    };
    // Every rule takes a time-out; an action only where it says so.
    let timeout = is_rule || beside("timeoutInMinutes").is_some();
    differences.check(name, "timeout", timeout, provider.timeout);
    let files = beside("outputArtifacts[].files").is_some();
    differences.check(name, "files of outputs", files, provider.output_files);
    let declared = beside("outputVariables").is_some();
    differences.check(
        name,
        "declared variables",
        declared,
        provider.exports == Exports::Declared,
    );

    let mut names = Vec::new();
    let encoded = |encoding: Encoding| provider.fields.iter().find(|field| field.encoding == encoding);
    let environment = encoded(Encoding::Environment);
    differences.check(
        name,
        "environment variables",
        beside("environmentVariables").is_some(),
        environment.is_some(),
    );
    names.extend(environment.map(|_| "environment_variables"));
    if let Some(field) = environment {
        let kinds = strings(&entry["environment_variable_types"]);
        let secrets = type_text(&field.ty).contains("secret");
        differences.check(name, "secrets", kinds.contains(&"SECRETS_MANAGER"), secrets);
    }
    let commands = encoded(Encoding::Commands);
    differences.check(name, "commands", beside("commands").is_some(), commands.is_some());
    if let (Some(fact), Some(field)) = (beside("commands"), commands) {
        let shape = Shape::of(&field.ty);
        let (low, high) = (fact["min_items"].as_i64(), fact["max_items"].as_i64());
        differences.check(name, "number of commands", (low, high), (shape.low, shape.high));
        let item = Shape::of(shape.item.unwrap());
        differences.check(name, "length of a command", fact["item_max_len"].as_i64(), item.high);
        differences.check(name, "commands required", fact["required"] == true, !field.optional);
        names.push("commands");
    }
    names
}

fn compare_field(differences: &mut Differences, provider: &str, key: &Value, field: &Field) {
    let of = format!("{provider}.{}", field.name);
    differences.check(&of, "key", key["key"].as_str().unwrap(), &field.key);
    differences.check(&of, "required", key["required"] == true, !field.optional);

    let shape = Shape::of(&field.ty);
    let (kind, encoding) = expected(key);
    differences.check(&of, "kind", kind, shape.kind.as_str());
    if key["type"] == "json" {
        let is_json = matches!(field.encoding, Encoding::Json | Encoding::EnvJson);
        differences.check(&of, "JSON", true, is_json);
    } else {
        differences.check(&of, "encoding", encoding, field.encoding);
    }
    let takes_path = key["accepts_artifact_path"] == true;
    differences.check(&of, "takes a file", takes_path, shape.takes_file);

    let doc = field.doc.as_deref().unwrap_or_default();
    differences.check(&of, "secret", key["secret"] == true, doc.contains(": a secret."));
    // Nothing is sent for a field that is left out, so what AWS takes then is the reader's to know. Switches are off.
    if let Some(default) = key["default"].as_str().filter(|default| *default != "false") {
        let told = [default, "AWS's default", "AWS polls", "AWS looks at its root"]
            .iter()
            .any(|words| doc.contains(words));
        differences.check(&of, "default that is told", default, if told { default } else { "" });
    }

    // The values of a key that is only text are examples, not all there are.
    if key["type"] == "enum" || key["type"] == "list" {
        let wanted: BTreeSet<&str> = strings(&key["allowed"]).into_iter().collect();
        let found = shape.item.map_or(shape.literals, |item| Shape::of(item).literals);
        let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        differences.check(&of, "values", wanted, found);
    }
    if key["type"] == "int" {
        let wanted = (key["min"].as_i64(), key["max"].as_i64());
        differences.check(&of, "bounds", wanted, (shape.low, shape.high));
    }
    if kind == "string" {
        let longest = key["max_len"].as_u64().filter(|length| !ANY_LENGTH.contains(length));
        differences.check(&of, "length", longest, shape.high.map(|high| high as u64));
        let pattern = key["pattern"].as_str().filter(|_| !OTHER_PATTERNS.contains(&&*of));
        let pattern = match pattern {
            Some(pattern) => Some(format!("^{pattern}$")),
            None if key["type"] == "arn" => Some("^arn:.+$".to_owned()),
            None => None,
        };
        differences.check(&of, "pattern", pattern.as_deref(), shape.pattern);
    }
    if kind == "list" {
        let most = key["max_items"].as_i64().or(key["json_schema"]["max_items"].as_i64());
        differences.check(&of, "most items", most, shape.high);
    }
}

/// What a key's type is in `.pipe`, and how it is sent.
fn expected(key: &Value) -> (&'static str, Encoding) {
    let is_path = key["accepts_artifact_path"] == true;
    match key["type"].as_str().unwrap() {
        _ if key["references"] == "input_artifact" => ("artifact", Encoding::Plain),
        "bool" => ("bool", Encoding::Plain),
        "int" => ("int", Encoding::Plain),
        "enum" => ("literals", Encoding::Plain),
        "list" if key["delimiter"] == "," => ("list", Encoding::Csv),
        "path" if is_path => ("file", Encoding::Plain),
        "json" if key["json_schema"]["object_of"].is_string() => ("map", Encoding::Json),
        "json" if key["json_schema"]["type_default"].is_string() => ("map", Encoding::EnvJson),
        "json" => ("list", Encoding::Json),
        "string" | "path" | "arn" | "list" => ("string", Encoding::Plain),
        other => panic!("a type that is new: {other}"),
    }
}

/// What the comparison wants to know of a type.
#[derive(Default)]
pub(super) struct Shape<'a> {
    /// `string`, `int`, …, `list`, `map`, or `literals`.
    pub(super) kind: String,
    low: Option<i64>,
    high: Option<i64>,
    pattern: Option<&'a str>,
    literals: Vec<String>,
    /// Of a list.
    item: Option<&'a TypeExpr>,
    /// A file, or something else or a file.
    takes_file: bool,
}

impl<'a> Shape<'a> {
    pub(super) fn of(ty: &'a TypeExpr) -> Self {
        match &ty.kind {
            TypeExprKind::Paren(inner) | TypeExprKind::Optional(inner) => Self::of(inner),
            TypeExprKind::Range { base, low, high } => Self {
                low: *low,
                high: *high,
                ..Self::of(base)
            },
            TypeExprKind::Pattern { base, pattern } => Self {
                pattern: Some(pattern),
                ..Self::of(base)
            },
            TypeExprKind::Name(path) => Self {
                kind: path[0].text.clone(),
                takes_file: path[0].text == "file",
                ..Self::default()
            },
            TypeExprKind::List(item) => Self {
                kind: "list".to_owned(),
                item: Some(item),
                ..Self::default()
            },
            TypeExprKind::Map(_) => Self {
                kind: "map".to_owned(),
                ..Self::default()
            },
            TypeExprKind::Literal(value) => match &value.kind {
                ExprKind::Str(text) => Self {
                    kind: "literals".to_owned(),
                    literals: vec![text.as_text().unwrap().to_owned()],
                    ..Self::default()
                },
                other => panic!("a literal that is new: {other:?}"),
            },
            TypeExprKind::Union(types) => Self::of_union(types),
            TypeExprKind::Record(_) | TypeExprKind::Error => panic!("a type that is new: {ty:?}"),
        }
    }

    /// Literals, or something else and a file.
    fn of_union(types: &'a [TypeExpr]) -> Self {
        let mut shapes = types.iter().map(Self::of);
        let mut out = shapes.next().unwrap();
        for shape in shapes {
            out.takes_file |= shape.takes_file;
            out.literals.extend(shape.literals);
        }
        out
    }
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

pub(super) fn strings(value: &Value) -> Vec<&str> {
    list(value).iter().map(|text| text.as_str().unwrap()).collect()
}

fn refs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}
