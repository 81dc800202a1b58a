//! A pipeline's declaration, as CodePipeline's API and CloudFormation's resource both have it.

use crate::ir::{
    self, Condition, ConditionResult, Deployment, ExecutionMode, FailureHandling, Handle, Node, Pipeline, PipelineType,
    RetryMode, Stage, Store, Stores, Variable,
};

use super::action;
use super::codes;
use super::reader::{Conditional, Dialect, Fields, Reader, head};
use super::tree::Tree;
use super::trigger;
use crate::diagnostic::Diagnostic;

/// The pipeline that an object declares; `handle` is what the document calls it.
pub(super) fn read(reader: &mut Reader<'_>, fields: &Fields<'_>, handle: &str) -> Pipeline {
    let name = name(reader, fields);
    let role_arn = reader.need(fields, "roleArn").and_then(|tree| reader.text(tree));
    let stores = stores(reader, fields);
    let stages = match reader.need(fields, "stages") {
        Some(tree) => {
            let found = reader.list(tree);
            found.into_iter().filter_map(|entry| stage(reader, entry)).collect()
        }
        None => Vec::new(),
    };
    let pipeline_type = reader.get(fields, "pipelineType").and_then(|tree| {
        let words = [("V1", PipelineType::V1), ("V2", PipelineType::V2)];
        reader.word(tree, &words)
    });
    let execution_mode = reader.get(fields, "executionMode").and_then(|tree| {
        let words = [
            ("SUPERSEDED", ExecutionMode::Superseded),
            ("QUEUED", ExecutionMode::Queued),
            ("PARALLEL", ExecutionMode::Parallel),
        ];
        reader.word(tree, &words)
    });
    let variables = match reader.get(fields, "variables") {
        Some(tree) => {
            let found = reader.plain_list(tree);
            found.into_iter().filter_map(|tree| variable(reader, tree)).collect()
        }
        None => Vec::new(),
    };
    let triggers = match reader.get(fields, "triggers") {
        Some(tree) => {
            let found = reader.plain_list(tree);
            found
                .into_iter()
                .filter_map(|tree| trigger::read(reader, tree))
                .collect()
        }
        None => Vec::new(),
    };
    if reader.dialect == Dialect::CodePipeline {
        // The service counts versions by itself (constraint pipeline-version-service-assigned).
        reader.get(fields, "version");
    }
    Pipeline {
        handle: Handle(handle.to_owned()),
        name,
        role_arn,
        stores,
        pipeline_type: pipeline_type.unwrap_or_else(|| Node::new(PipelineType::Unset, head(fields))),
        execution_mode,
        variables,
        triggers,
        stages,
        tags: Vec::new(),
        deployment: Deployment::default(),
        origin: head(fields),
        incomplete: reader.lost,
    }
}

/// A template may leave the name to CloudFormation.
fn name(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Node<String> {
    let found = match reader.dialect {
        Dialect::CodePipeline => reader.need(fields, "name"),
        Dialect::CloudFormation => reader.get(fields, "name"),
    };
    match found {
        Some(tree) => reader.name(tree).unwrap_or_else(|| Node::new(String::new(), tree.span)),
        None => Node::new(ir::DeployValue::no_value().to_string(), head(fields)),
    }
}

fn stores(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Stores {
    let one = reader.get(fields, "artifactStore");
    let many = reader.get(fields, "artifactStores");
    let one = one.and_then(|tree| store(reader, tree));
    let Some(tree) = many else {
        return one.map_or(Stores::Missing, Stores::One);
    };
    let mut stores = std::collections::BTreeMap::new();
    match reader.dialect {
        Dialect::CodePipeline => {
            if let Some(entries) = tree.as_map() {
                for (region, tree) in entries {
                    if let Some(store) = store(reader, tree) {
                        stores.insert(region.value.clone(), store);
                    }
                }
            } else {
                reader.fields(tree, "the artifact stores");
            }
        }
        Dialect::CloudFormation => {
            for tree in reader.plain_list(tree) {
                let Some(fields) = reader.fields(tree, "an artifact store of a region") else {
                    continue;
                };
                let region = reader.need(&fields, "region").and_then(|tree| reader.name(tree));
                let found = reader
                    .need(&fields, "artifactStore")
                    .and_then(|tree| store(reader, tree));
                reader.finish(&fields);
                if let (Some(region), Some(store)) = (region, found) {
                    stores.insert(region.value, store);
                }
            }
        }
    }
    Stores::ByRegion {
        stores,
        both: one.map(|store| store.origin),
        origin: tree.span,
    }
}

fn store(reader: &mut Reader<'_>, tree: &Tree) -> Option<Store> {
    let fields = reader.fields(tree, "an artifact store")?;
    if let Some(kind) = reader.need(&fields, "type") {
        reader.word(kind, &[("S3", ())]);
    }
    let location = reader.need(&fields, "location").and_then(|tree| reader.text(tree));
    let encryption_key = reader
        .get(&fields, "encryptionKey")
        .and_then(|tree| encryption_key(reader, tree));
    reader.finish(&fields);
    Some(Store {
        location: location?,
        encryption_key,
        origin: tree.span,
    })
}

fn encryption_key(reader: &mut Reader<'_>, tree: &Tree) -> Option<Node<ir::Text>> {
    let fields = reader.fields(tree, "an encryption key")?;
    if let Some(kind) = reader.need(&fields, "type") {
        reader.word(kind, &[("KMS", ())]);
    }
    let id = reader.need(&fields, "id").and_then(|tree| reader.text(tree));
    reader.finish(&fields);
    id
}

fn variable(reader: &mut Reader<'_>, tree: &Tree) -> Option<Variable> {
    let fields = reader.fields(tree, "a variable")?;
    let name = reader.need(&fields, "name").and_then(|tree| reader.name(tree));
    let default = reader.get(&fields, "defaultValue").and_then(|tree| reader.name(tree));
    let description = reader.get(&fields, "description").and_then(|tree| reader.name(tree));
    reader.finish(&fields);
    Some(Variable {
        name: name?,
        default,
        description: description.map(|text| text.value),
        origin: tree.span,
    })
}

fn stage(reader: &mut Reader<'_>, (tree, when): Conditional<'_>) -> Option<Stage> {
    let fields = reader.fields(tree, "a stage")?;
    let before = std::mem::take(&mut reader.lost);
    let name = reader.need(&fields, "name").and_then(|tree| reader.name(tree));
    let actions = match reader.need(&fields, "actions") {
        Some(tree) => {
            let found = reader.list(tree);
            found
                .into_iter()
                .filter_map(|entry| action::read(reader, entry))
                .collect()
        }
        None => Vec::new(),
    };
    let before_entry = reader
        .get(&fields, "beforeEntry")
        .and_then(|tree| only_condition(reader, tree));
    let on_success = reader
        .get(&fields, "onSuccess")
        .and_then(|tree| only_condition(reader, tree));
    let on_failure = reader
        .get(&fields, "onFailure")
        .and_then(|tree| on_failure(reader, tree));
    if let Some(blockers) = reader.get(&fields, "blockers")
        && blockers.as_list().is_none_or(|list| !list.is_empty())
    {
        let message = "`blockers` are kept for AWS's own use, and are left out";
        let diagnostic = Diagnostic::new(&codes::RESERVED_KEY, blockers.span, message);
        reader
            .diags
            .emit(diagnostic.with_help("remove them; a disabled transition keeps executions out of a stage"));
    }
    reader.finish(&fields);
    let lost = std::mem::replace(&mut reader.lost, before);
    reader.lost |= lost;
    Some(Stage {
        handle: Handle::default(),
        name: name?,
        actions,
        before_entry,
        on_success,
        on_failure,
        when,
        origin: head(&fields),
        incomplete: lost,
    })
}

const RESULTS: [(&str, ConditionResult); 4] = [
    ("ROLLBACK", ConditionResult::Rollback),
    ("FAIL", ConditionResult::Fail),
    ("RETRY", ConditionResult::Retry),
    ("SKIP", ConditionResult::Skip),
];

/// `{"conditions": [{…}]}`: exactly one, as the API has it (constraint condition-count).
fn only_condition(reader: &mut Reader<'_>, tree: &Tree) -> Option<Condition> {
    let fields = reader.fields(tree, "the conditions of a stage")?;
    let found = reader
        .need(&fields, "conditions")
        .and_then(|tree| first_condition(reader, tree));
    reader.finish(&fields);
    found
}

fn first_condition(reader: &mut Reader<'_>, tree: &Tree) -> Option<Condition> {
    let list = reader.filled_list(tree);
    if let [_, second, ..] = list.as_slice() {
        let message = format!("a stage has one condition here, and these are {}", list.len());
        let diagnostic = Diagnostic::new(&codes::WRONG_KIND, second.span, message);
        reader.lose(diagnostic.with_help("put all rules into one condition"));
    }
    let tree = list.first()?;
    let fields = reader.fields(tree, "a condition")?;
    let result = reader
        .get(&fields, "result")
        .and_then(|tree| reader.word(tree, &RESULTS));
    let rules = match reader.get(&fields, "rules") {
        Some(tree) => {
            let found = reader.plain_list(tree);
            found
                .into_iter()
                .filter_map(|tree| action::read_rule(reader, tree))
                .collect()
        }
        None => Vec::new(),
    };
    reader.finish(&fields);
    Some(Condition {
        result,
        rules,
        origin: head(&fields),
    })
}

fn on_failure(reader: &mut Reader<'_>, tree: &Tree) -> Option<FailureHandling> {
    let fields = reader.fields(tree, "what happens on failure")?;
    let result = reader
        .get(&fields, "result")
        .and_then(|tree| reader.word(tree, &RESULTS));
    let retry_mode = reader.get(&fields, "retryConfiguration").and_then(|tree| {
        let fields = reader.fields(tree, "the retry configuration")?;
        let words = [
            ("FAILED_ACTIONS", RetryMode::FailedActions),
            ("ALL_ACTIONS", RetryMode::AllActions),
        ];
        let mode = reader
            .get(&fields, "retryMode")
            .and_then(|tree| reader.word(tree, &words));
        reader.finish(&fields);
        mode
    });
    let condition = reader
        .get(&fields, "conditions")
        .and_then(|tree| first_condition(reader, tree));
    reader.finish(&fields);
    Some(FailureHandling {
        result,
        retry_mode,
        condition,
        origin: head(&fields),
    })
}
