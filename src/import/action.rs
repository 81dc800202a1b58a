//! Actions and rules.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::ir::{
    Action, ConfigEntry, Configuration, EnvironmentKind, EnvironmentVariable, Handle, Local, Node, OutputArtifact,
    Rule, Text, TypeId,
};

use super::codes;
use super::reader::{Conditional, Dialect, Fields, Reader, head};
use super::tree::{Tree, Value};

pub(super) fn read(reader: &mut Reader<'_>, (tree, when): Conditional<'_>) -> Option<Action> {
    let fields = reader.fields(tree, "an action")?;
    let before = std::mem::take(&mut reader.lost);
    let name = reader.need(&fields, "name").and_then(|tree| reader.name(tree));
    let type_id = reader
        .need(&fields, "actionTypeId")
        .and_then(|tree| type_id(reader, tree, "an action's type"));
    let run_order = reader.get(&fields, "runOrder").and_then(|tree| run_order(reader, tree));
    let configuration = configuration(reader, &fields);
    let action = Action {
        handle: Handle::default(),
        name: name.clone().unwrap_or_default(),
        type_id: type_id.clone().unwrap_or_else(unknown_type),
        run_order: run_order.unwrap_or(1),
        configuration,
        commands: commands(reader, &fields),
        environment: environment(reader, &fields),
        inputs: artifacts(reader, &fields, "inputArtifacts")
            .into_iter()
            .map(|output| output.name)
            .collect(),
        outputs: artifacts(reader, &fields, "outputArtifacts"),
        output_variables: names(reader, &fields, "outputVariables"),
        role_arn: reader.get(&fields, "roleArn").and_then(|tree| reader.text(tree)),
        region: reader.get(&fields, "region").and_then(|tree| reader.name(tree)),
        namespace: reader.get(&fields, "namespace").and_then(|tree| reader.name(tree)),
        timeout_minutes: reader
            .get(&fields, "timeoutInMinutes")
            .and_then(|tree| reader.number(tree)),
        exports: Vec::new(),
        when,
        local: Local::default(),
        origin: head(&fields),
        incomplete: reader.lost,
    };
    reader.finish(&fields);
    reader.lost |= before;
    (name.is_some() && type_id.is_some()).then_some(action)
}

fn unknown_type() -> TypeId {
    TypeId {
        category: String::new(),
        owner: String::new(),
        provider: String::new(),
        version: String::new(),
    }
}

pub(super) fn read_rule(reader: &mut Reader<'_>, tree: &Tree) -> Option<Rule> {
    let fields = reader.fields(tree, "a rule")?;
    let before = std::mem::take(&mut reader.lost);
    let name = reader.need(&fields, "name").and_then(|tree| reader.name(tree));
    let type_id = reader
        .need(&fields, "ruleTypeId")
        .and_then(|tree| rule_type(reader, tree));
    let configuration = configuration(reader, &fields);
    let rule = Rule {
        handle: Handle::default(),
        name: name.clone().unwrap_or_default(),
        type_id: type_id.clone().unwrap_or_else(unknown_type),
        configuration,
        commands: commands(reader, &fields),
        inputs: artifacts(reader, &fields, "inputArtifacts")
            .into_iter()
            .map(|output| output.name)
            .collect(),
        role_arn: reader.get(&fields, "roleArn").and_then(|tree| reader.text(tree)),
        region: reader.get(&fields, "region").and_then(|tree| reader.name(tree)),
        timeout_minutes: reader
            .get(&fields, "timeoutInMinutes")
            .and_then(|tree| reader.number(tree)),
        origin: head(&fields),
        incomplete: reader.lost,
    };
    reader.finish(&fields);
    reader.lost |= before;
    (name.is_some() && type_id.is_some()).then_some(rule)
}

fn type_id(reader: &mut Reader<'_>, tree: &Tree, what: &'static str) -> Option<TypeId> {
    let fields = reader.fields(tree, what)?;
    let mut part = |key: &'static str| Some(reader.need(&fields, key).and_then(|tree| reader.name(tree))?.value);
    let parts = [part("category"), part("owner"), part("provider"), part("version")];
    reader.finish(&fields);
    let [category, owner, provider, version] = parts;
    Some(TypeId {
        category: category?,
        owner: owner?,
        provider: provider?,
        version: version?,
    })
}

/// Owner and version may be left out: there is one of each (constraint rule-required-fields).
fn rule_type(reader: &mut Reader<'_>, tree: &Tree) -> Option<TypeId> {
    let fields = reader.fields(tree, "a rule's type")?;
    let category = reader.need(&fields, "category").and_then(|tree| reader.name(tree));
    let provider = reader.need(&fields, "provider").and_then(|tree| reader.name(tree));
    let mut or = |key: &'static str, usual: &str| {
        let found = reader.get(&fields, key).and_then(|tree| reader.name(tree));
        found.map_or_else(|| usual.to_owned(), |node| node.value)
    };
    let (owner, version) = (or("owner", "AWS"), or("version", "1"));
    reader.finish(&fields);
    Some(TypeId {
        category: category?.value,
        owner,
        provider: provider?.value,
        version,
    })
}

fn run_order(reader: &mut Reader<'_>, tree: &Tree) -> Option<u32> {
    let number = reader.number(tree)?;
    // Larger ones are out of range all the same, and reported by the rules about pipelines.
    Some(u32::try_from(number.value).unwrap_or(u32::MAX))
}

/// `configuration`: strings by key. Lists and objects are what AWS refuses and people write all the same.
fn configuration(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Configuration {
    let mut configuration = BTreeMap::new();
    let Some(tree) = reader.get(fields, "configuration") else {
        return configuration;
    };
    if reader.fields(tree, "a configuration").is_none() {
        return configuration;
    }
    for (key, value) in tree.as_map().into_iter().flatten() {
        if matches!(value.value, Value::Null) || value.is_no_value() {
            continue;
        }
        let Some(text) = config_value(reader, value) else {
            continue;
        };
        configuration.insert(
            key.value.clone(),
            ConfigEntry {
                value: text,
                origin: value.span,
                key_origin: key.span,
            },
        );
    }
    configuration
}

fn config_value(reader: &mut Reader<'_>, value: &Tree) -> Option<Text> {
    let is_nested = match &value.value {
        Value::List(_) => true,
        Value::Map(_) => value.intrinsic().is_none() || reader.dialect == Dialect::CodePipeline,
        _ => false,
    };
    if !is_nested {
        return Some(reader.text(value)?.value);
    }
    let message = format!("AWS wants a string here, and this is {}", value.described());
    if value.has_intrinsic() {
        let diagnostic = Diagnostic::new(&codes::MISPLACED_INTRINSIC, value.span, message);
        reader.lose(diagnostic.with_help("write its JSON in one string, with `Fn::Sub` for what is filled in"));
        return None;
    }
    let diagnostic = Diagnostic::new(&codes::NOT_A_STRING, value.span, message);
    let scalars: Option<Vec<&str>> = value
        .as_list()
        .and_then(|items| items.iter().map(Tree::as_str).collect());
    let (text, help) = match scalars {
        Some(items) => (items.join(","), "join its entries with commas in one string"),
        None => (value.to_json().to_string(), "write its JSON in one string"),
    };
    reader.diags.emit(diagnostic.with_help(help));
    Some(Text::parse(&text, value.span))
}

fn commands(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Vec<Node<Text>> {
    let Some(tree) = reader.get(fields, "commands") else {
        return Vec::new();
    };
    let found = reader.filled_list(tree);
    found.into_iter().filter_map(|tree| reader.text(tree)).collect()
}

fn names(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &'static str) -> Vec<Node<String>> {
    let Some(tree) = reader.get(fields, key) else {
        return Vec::new();
    };
    let found = reader.filled_list(tree);
    found.into_iter().filter_map(|tree| reader.name(tree)).collect()
}

fn environment(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Vec<EnvironmentVariable> {
    let Some(tree) = reader.get(fields, "environmentVariables") else {
        return Vec::new();
    };
    let mut variables = Vec::new();
    for tree in reader.filled_list(tree) {
        let Some(fields) = reader.fields(tree, "an environment variable") else {
            continue;
        };
        let name = reader.need(&fields, "name").and_then(|tree| reader.name(tree));
        let value = reader.need(&fields, "value").and_then(|tree| reader.text(tree));
        let words = [
            ("PLAINTEXT", EnvironmentKind::Plaintext),
            ("SECRETS_MANAGER", EnvironmentKind::SecretsManager),
        ];
        let kind = reader.get(&fields, "type").and_then(|tree| reader.word(tree, &words));
        reader.finish(&fields);
        if let (Some(name), Some(value)) = (name, value) {
            let kind = kind.map_or(EnvironmentKind::Plaintext, |kind| kind.value);
            variables.push(EnvironmentVariable { name, value, kind });
        }
    }
    variables
}

/// `[{"name": "app"}]`; those that go out may list files.
fn artifacts(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &'static str) -> Vec<OutputArtifact> {
    let Some(tree) = reader.get(fields, key) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for tree in reader.plain_list(tree) {
        let Some(fields) = reader.fields(tree, "an artifact") else {
            continue;
        };
        let name = reader.need(&fields, "name").and_then(|tree| reader.name(tree));
        let files = match key {
            "outputArtifacts" => names(reader, &fields, "files"),
            _ => Vec::new(),
        };
        reader.finish(&fields);
        found.extend(name.map(|name| OutputArtifact {
            handle: Handle::default(),
            name,
            files,
        }));
    }
    found
}
