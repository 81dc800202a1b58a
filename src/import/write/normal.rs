//! What two pipelines have in common that mean the same: steps in their order and numbered without gaps, references in texts
//! as parts of their own, encoded JSON in one spelling.

use crate::catalog::{Catalog, Encoding, Provider};
use crate::ir::{self, Configuration, EnvironmentKind, Node, Pipeline, Stores, Text, TextPart, TypeId};
use crate::source::Span;

use super::decode::environment_variable;
use super::json::{self, Json};

/// The pipeline with its actions in the order of their steps, the steps numbered from 1, and every reference read. That is
/// all that `.pipe` source does not keep of the order of a foreign definition.
#[must_use]
pub fn in_order(pipeline: &Pipeline) -> Pipeline {
    into_order(pipeline.clone())
}

/// As [`in_order`], of a pipeline that nobody needs as it is.
pub(super) fn into_order(mut pipeline: Pipeline) -> Pipeline {
    for stage in &mut pipeline.stages {
        stage.actions.sort_by_key(|action| action.run_order);
        let (mut last, mut step) = (None, 0);
        for action in &mut stage.actions {
            step += u32::from(last.replace(action.run_order) != Some(action.run_order));
            action.run_order = step;
        }
    }
    for_each_text(&mut pipeline, &mut |text| {
        if text.parts().iter().any(has_reference) {
            *text = reread(text);
        }
    });
    pipeline
}

/// As [`in_order`], and encoded JSON spelled in one way: no blanks, keys sorted, the type of each environment variable said.
/// Two definitions with equal normal forms are the same to AWS.
#[must_use]
pub fn normal(pipeline: &Pipeline, catalog: &Catalog) -> Pipeline {
    let mut pipeline = in_order(pipeline);
    for stage in &mut pipeline.stages {
        for action in &mut stage.actions {
            respell(&action.type_id, &mut action.configuration, catalog);
        }
        for rule in rules_mut(stage) {
            respell(&rule.type_id, &mut rule.configuration, catalog);
        }
    }
    pipeline
}

fn respell(id: &TypeId, configuration: &mut Configuration, catalog: &Catalog) {
    let Some(provider) = catalog.by_type(id) else { return };
    for (key, entry) in configuration {
        if let Some(json) = encoded(&provider, key, &entry.value) {
            entry.value = json.to_text();
        }
    }
}

/// Gives `meant` the spelling of `wanted` wherever both mean the same; what still differs then, differs in meaning.
pub(super) fn adopt_spelling(meant: &mut Pipeline, wanted: &Pipeline, catalog: &Catalog) {
    for (meant, wanted) in meant.stages.iter_mut().zip(&wanted.stages) {
        for (meant, wanted) in meant.actions.iter_mut().zip(&wanted.actions) {
            adopt(
                &wanted.type_id,
                &mut meant.configuration,
                &wanted.configuration,
                catalog,
            );
        }
        for (meant, wanted) in rules_mut(meant).zip(wanted.rules()) {
            adopt(
                &wanted.type_id,
                &mut meant.configuration,
                &wanted.configuration,
                catalog,
            );
        }
    }
}

fn adopt(id: &TypeId, meant: &mut Configuration, wanted: &Configuration, catalog: &Catalog) {
    for (key, entry) in meant {
        let Some(wanted) = wanted.get(key).filter(|wanted| wanted.value != entry.value) else {
            continue;
        };
        let Some(provider) = catalog.by_type(id) else { return };
        let json = encoded(&provider, key, &wanted.value);
        if json.is_some() && json == encoded(&provider, key, &entry.value) {
            entry.value = wanted.value.clone();
        }
    }
}

/// What a key's encoded JSON says: keys sorted, the type of each environment variable said. None if it is no JSON.
fn encoded(provider: &Provider, key: &str, value: &Text) -> Option<Json> {
    let encoding = &provider.field_of_key(key)?.encoding;
    let json = match encoding {
        Encoding::EnvJson => with_types(json::parse(value)?),
        Encoding::Json => json::parse(value)?,
        _ => return None,
    };
    Some(json.sorted())
}

/// Says the type of each variable; what is no list of variables stays as it is.
fn with_types(json: Json) -> Json {
    let Json::List(entries) = json else { return json };
    let typed = |entry: Json| match environment_variable(&entry) {
        Some((name, value, EnvironmentKind::Plaintext)) => Json::Object(vec![
            ("name".to_owned(), Json::Str(Text::literal(name))),
            ("value".to_owned(), Json::Str(value.clone())),
            ("type".to_owned(), Json::Str(Text::literal("PLAINTEXT"))),
        ]),
        _ => entry,
    };
    Json::List(entries.into_iter().map(typed).collect())
}

/// Whether a reference may stand in what is taken for plain text.
fn has_reference(part: &TextPart) -> bool {
    matches!(part, TextPart::Literal(literal) if literal.contains("#{"))
}

/// The text as CodePipeline reads it.
fn reread(text: &Text) -> Text {
    let mut out = Text::default();
    for part in text.parts() {
        match part {
            TextPart::Literal(literal) if has_reference(part) => out.append(Text::parse(literal, Span::default())),
            other => out.push(other.clone()),
        }
    }
    out
}

fn for_each_text(pipeline: &mut Pipeline, change: &mut dyn FnMut(&mut Text)) {
    let mut node = |node: &mut Node<Text>| change(&mut node.value);
    pipeline.role_arn.iter_mut().for_each(&mut node);
    let stores: Vec<&mut ir::Store> = match &mut pipeline.stores {
        Stores::Missing => Vec::new(),
        Stores::One(store) => vec![store],
        Stores::ByRegion { stores, .. } => stores.values_mut().collect(),
    };
    for store in stores {
        node(&mut store.location);
        store.encryption_key.iter_mut().for_each(&mut node);
    }
    for stage in &mut pipeline.stages {
        for action in &mut stage.actions {
            let configuration = action.configuration.values_mut().map(|entry| &mut entry.value);
            let commands = action.commands.iter_mut().map(|node| &mut node.value);
            let environment = action.environment.iter_mut().map(|variable| &mut variable.value.value);
            let role = action.role_arn.iter_mut().map(|node| &mut node.value);
            let all = configuration.chain(commands).chain(environment).chain(role);
            all.for_each(&mut *change);
        }
        for rule in rules_mut(stage) {
            let configuration = rule.configuration.values_mut().map(|entry| &mut entry.value);
            let commands = rule.commands.iter_mut().map(|node| &mut node.value);
            let role = rule.role_arn.iter_mut().map(|node| &mut node.value);
            configuration.chain(commands).chain(role).for_each(&mut *change);
        }
    }
}

fn rules_mut(stage: &mut ir::Stage) -> impl Iterator<Item = &mut ir::Rule> {
    let failure = stage.on_failure.as_mut().and_then(|failure| failure.condition.as_mut());
    let conditions = [stage.before_entry.as_mut(), stage.on_success.as_mut(), failure];
    conditions
        .into_iter()
        .flatten()
        .flat_map(|condition| &mut condition.rules)
}
