//! What stands beside the stages: settings, variables, triggers and tags.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, Subject};
use super::{Found, shown_name};
use crate::ir::{Node, Patterns, Pipeline, Stores, Text, Trigger};

pub(super) fn settings(old: &Pipeline, new: &Pipeline, found: &mut Found) {
    let on = &Subject::Pipeline;
    found.value(on, "name", Some(shown_name(&old.name)), Some(shown_name(&new.name)));
    found.value(on, "role_arn", text(&old.role_arn), text(&new.role_arn));
    let kind = |pipeline: &Pipeline| pipeline.pipeline_type.value.word().map(str::to_owned);
    found.value(on, "pipeline_type", kind(old), kind(new));
    found.value(on, "execution_mode", Some(mode(old)), Some(mode(new)));
    found.values(on, &stores(&old.stores), &stores(&new.stores));
    let restart = |pipeline: &Pipeline| text(&pipeline.deployment.restart_execution_on_update);
    found.value(on, "restart_execution_on_update", restart(old), restart(new));
    let transitions = |pipeline: &Pipeline| {
        let all = pipeline.deployment.disabled_transitions.iter();
        all.map(|it| {
            (
                format!("disabled transition of {}", it.stage),
                it.reason.value.to_string(),
            )
        })
        .collect()
    };
    found.values(on, &transitions(old), &transitions(new));
}

fn text(text: &Option<Node<Text>>) -> Option<String> {
    text.as_ref().map(|text| text.value.to_string())
}

/// One that is not given is the service's own default.
fn mode(pipeline: &Pipeline) -> String {
    let mode = pipeline.execution_mode.as_ref().map(|mode| mode.value);
    mode.unwrap_or_default().word().to_owned()
}

fn stores(stores: &Stores) -> BTreeMap<String, String> {
    let all = match stores {
        Stores::Missing => Vec::new(),
        Stores::One(store) => vec![(String::new(), store)],
        Stores::ByRegion { stores, .. } => stores
            .iter()
            .map(|(region, it)| (format!(" of {region}"), it))
            .collect(),
    };
    let mut out = BTreeMap::new();
    for (of, store) in all {
        if let Some(key) = &store.encryption_key {
            out.insert(format!("artifact key{of}"), key.value.to_string());
        }
        out.insert(format!("artifact store{of}"), store.location.value.to_string());
    }
    out
}

pub(super) fn variables(old: &Pipeline, new: &Pipeline, found: &mut Found) {
    let on = |name: &Node<String>| Subject::Variable {
        name: name.value.clone(),
    };
    for was in &old.variables {
        if !new.variables.iter().any(|is| is.name == was.name) {
            found.add(on(&was.name), Change::Removed { actions: Vec::new() });
        }
    }
    for is in &new.variables {
        let Some(was) = old.variables.iter().find(|was| was.name == is.name) else {
            found.add(on(&is.name), ADDED);
            continue;
        };
        let default = |default: &Option<Node<String>>| default.as_ref().map(shown_name);
        found.value(&on(&is.name), "default", default(&was.default), default(&is.default));
        let description = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let (before, after) = (description(&was.description), description(&is.description));
        found.value(&on(&is.name), "description", before, after);
    }
}

pub(super) const ADDED: Change = Change::Added {
    place: None,
    actions: Vec::new(),
};

pub(super) fn tags(old: &Pipeline, new: &Pipeline, found: &mut Found) {
    for was in &old.tags {
        if !new.tags.iter().any(|is| is.key == was.key) {
            let key = shown_name(&was.key);
            found.add(Subject::Tag { key }, Change::Removed { actions: Vec::new() });
        }
    }
    for is in &new.tags {
        let subject = Subject::Tag {
            key: shown_name(&is.key),
        };
        let was = old.tags.iter().find(|was| was.key == is.key);
        let value = was.map(|was| shown_name(&was.value));
        found.value(&subject, "value", value, Some(shown_name(&is.value)));
    }
}

pub(super) fn triggers(old: &Pipeline, new: &Pipeline, found: &mut Found) {
    let (before, after) = (filters_by_action(old), filters_by_action(new));
    for action in before.keys().chain(after.keys().filter(|it| !before.contains_key(*it))) {
        let subject = Subject::Trigger { action: action.clone() };
        match (before.get(action), after.get(action)) {
            (None, _) => found.add(subject, ADDED),
            (_, None) => found.add(subject, Change::Removed { actions: Vec::new() }),
            (Some(before), Some(after)) => found.entries(&subject, "filter", before, after),
        }
    }
}

fn filters_by_action(pipeline: &Pipeline) -> BTreeMap<String, Vec<String>> {
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for trigger in &pipeline.triggers {
        let action = shown_name(&trigger.source_action);
        out.entry(action).or_default().extend(filters(trigger));
    }
    out
}

/// One of them is enough to start the pipeline, so their order says nothing.
fn filters(trigger: &Trigger) -> BTreeSet<String> {
    let push = trigger.push.iter().map(|filter| {
        let parts = [
            patterns("tags", filter.tags.as_ref()),
            patterns("branches", filter.branches.as_ref()),
            patterns("file_paths", filter.file_paths.as_ref()),
        ];
        described("push", parts.into_iter().flatten())
    });
    let pull_request = trigger.pull_request.iter().map(|filter| {
        let mut events: Vec<String> = filter.events.iter().map(|it| it.value.word().to_owned()).collect();
        events.sort();
        let parts = [
            Some(format!("events {}", events.join(", "))).filter(|_| !events.is_empty()),
            patterns("branches", filter.branches.as_ref()),
            patterns("file_paths", filter.file_paths.as_ref()),
        ];
        described("pull_request", parts.into_iter().flatten())
    });
    push.chain(pull_request).collect()
}

fn described(what: &str, parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    match parts.is_empty() {
        true => format!("{what} of anything"),
        false => format!("{what} of {}", parts.join("; ")),
    }
}

fn patterns(what: &str, patterns: Option<&Patterns>) -> Option<String> {
    let patterns = patterns?;
    let includes: BTreeSet<String> = patterns.includes.iter().map(shown_name).collect();
    let excludes: BTreeSet<String> = patterns
        .excludes
        .iter()
        .map(|it| format!("!{}", shown_name(it)))
        .collect();
    let all: Vec<String> = includes.into_iter().chain(excludes).collect();
    Some(format!("{what} {}", all.join(", ")))
}
