//! A document and the pipelines in it: CodePipeline JSON in its three shapes, or a CloudFormation template.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{DisabledTransition, Node, Pipeline, Tag};
use crate::sema::wording::Wording;
use crate::source::{FileId, Span};

use super::codes;
use super::reader::{Dialect, Fields, Reader};
use super::tree::Tree;
use super::{declaration, json, yaml};

/// What a foreign document says.
#[derive(Debug)]
pub struct Document {
    /// In the order of the text. With something lost, they are not all that the document says.
    pub pipelines: Vec<Pipeline>,
    /// The words of its own kind.
    pub wording: Wording,
    /// None if the text is neither JSON nor YAML.
    pub tree: Option<Tree>,
    /// A key or value could not be taken over, and was reported.
    pub lost: bool,
}

/// The type of the resource that is a pipeline.
const PIPELINE_RESOURCE: &str = "AWS::CodePipeline::Pipeline";

/// A text as a tree: JSON if it begins as JSON does, else YAML. None, and a report, if it is neither.
pub fn parse(text: &str, file: FileId, diags: &mut Diagnostics) -> Option<Tree> {
    match text.trim_start().starts_with(['{', '[']) {
        true => json::parse(text, file, diags),
        false => yaml::parse(text, file, diags),
    }
}

/// Reads a document; `text` is JSON if it begins as JSON does, else YAML.
pub fn read(text: &str, file: FileId, diags: &mut Diagnostics) -> Document {
    let Some(tree) = parse(text, file, diags) else {
        return Document {
            pipelines: Vec::new(),
            wording: Wording::CodePipeline,
            tree: None,
            lost: true,
        };
    };
    let mut lost = false;
    // Documentation and scripts show a template's resources without the rest of it.
    let are_resources = tree.as_map().into_iter().flatten().any(|(_, entry)| is_pipeline(entry));
    let resources = tree.get("Resources").or_else(|| are_resources.then_some(&tree));
    let wording = match resources {
        Some(_) => Wording::CloudFormation,
        None => Wording::CodePipeline,
    };
    let pipelines = match resources {
        Some(resources) => template(resources, diags, &mut lost),
        None => declared(&tree, diags, &mut lost).into_iter().collect(),
    };
    if pipelines.is_empty() && !lost {
        let message = match tree.get("Resources") {
            Some(_) => format!("no resource of this template is of type `{PIPELINE_RESOURCE}`"),
            None => "this is neither CodePipeline JSON nor a CloudFormation template".to_owned(),
        };
        let help = "give the JSON of `aws codepipeline get-pipeline`, or a template with a pipeline in it";
        let at = Span::new(file, tree.span.start as usize, tree.span.start as usize);
        diags.emit(Diagnostic::new(&codes::NO_PIPELINE, at, message).with_help(help));
        lost = true;
    }
    Document {
        pipelines,
        wording,
        tree: Some(tree),
        lost,
    }
}

/// Bare, in `pipeline`, or in `pipeline` beside what `get-pipeline` adds.
fn declared(tree: &Tree, diags: &mut Diagnostics, lost: &mut bool) -> Option<Pipeline> {
    let is_declaration = |tree: &Tree| ["stages", "roleArn", "name"].iter().any(|key| tree.get(key).is_some());
    let wrapped = tree.get("pipeline");
    let inner = wrapped.unwrap_or(tree);
    if wrapped.is_none() && !is_declaration(tree) {
        return None;
    }
    let mut reader = Reader {
        dialect: Dialect::CodePipeline,
        diags,
        lost: false,
    };
    let mut tags = Vec::new();
    if wrapped.is_some() {
        let outer = reader.fields(tree, "the document")?;
        for key in ["pipeline", "metadata", "ResponseMetadata"] {
            reader.get(&outer, key);
        }
        if let Some(list) = reader.get(&outer, "tags") {
            tags = read_tags(&mut reader, list);
        }
        reader.finish(&outer);
    }
    let fields = reader.fields(inner, "a pipeline");
    let pipeline = fields.map(|fields| {
        let handle = inner.get("name").and_then(Tree::as_str).unwrap_or("pipeline");
        let mut pipeline = declaration::read(&mut reader, &fields, handle);
        // CloudFormation's place for tags; the API has them beside the declaration.
        if let Some(list) = reader.get(&fields, "tags") {
            tags.extend(read_tags(&mut reader, list));
        }
        reader.finish(&fields);
        pipeline.tags = tags;
        pipeline.incomplete |= reader.lost;
        pipeline
    });
    *lost |= reader.lost;
    pipeline
}

fn is_pipeline(resource: &Tree) -> bool {
    resource.get("Type").and_then(Tree::as_str) == Some(PIPELINE_RESOURCE)
}

fn template(resources: &Tree, diags: &mut Diagnostics, lost: &mut bool) -> Vec<Pipeline> {
    let mut pipelines = Vec::new();
    for (id, resource) in resources.as_map().into_iter().flatten() {
        if !is_pipeline(resource) {
            continue;
        }
        let mut reader = Reader {
            dialect: Dialect::CloudFormation,
            diags,
            lost: false,
        };
        let Some(properties) = resource.get("Properties") else {
            let message = format!("the resource `{}` has no properties", id.value);
            reader.lose(Diagnostic::new(&codes::MISSING_KEY, id.span, message).with_help("add `Properties`"));
            *lost = true;
            continue;
        };
        if let Some(fields) = reader.fields(properties, "a pipeline") {
            let mut pipeline = declaration::read(&mut reader, &fields, &id.value);
            of_the_resource(&mut reader, &fields, &mut pipeline);
            reader.finish(&fields);
            pipeline.origin = id.span;
            pipeline.incomplete |= reader.lost;
            pipelines.push(pipeline);
        }
        *lost |= reader.lost;
    }
    pipelines
}

/// What the resource has besides the declaration.
fn of_the_resource(reader: &mut Reader<'_>, fields: &Fields<'_>, pipeline: &mut Pipeline) {
    if let Some(list) = reader.get(fields, "tags") {
        pipeline.tags = read_tags(reader, list);
    }
    pipeline.deployment.restart_execution_on_update = reader
        .get(fields, "restartExecutionOnUpdate")
        .and_then(|tree| reader.text(tree));
    let Some(list) = reader.get(fields, "disableInboundStageTransitions") else {
        return;
    };
    for tree in reader.plain_list(list) {
        let Some(fields) = reader.fields(tree, "a disabled transition") else {
            continue;
        };
        let stage = reader.need(&fields, "stageName").and_then(|tree| reader.name(tree));
        let reason = reader.need(&fields, "reason").and_then(|tree| reader.text(tree));
        reader.finish(&fields);
        if let (Some(stage), Some(reason)) = (stage, reason) {
            pipeline
                .deployment
                .disabled_transitions
                .push(DisabledTransition { stage, reason });
        }
    }
}

/// `[{"key": …, "value": …}]`.
fn read_tags(reader: &mut Reader<'_>, tree: &Tree) -> Vec<Tag> {
    let mut tags = Vec::new();
    for tree in reader.plain_list(tree) {
        let Some(fields) = reader.fields(tree, "a tag") else {
            continue;
        };
        let key = reader.need(&fields, "key").and_then(|tree| reader.name(tree));
        let value = reader.need(&fields, "value").and_then(|tree| reader.name(tree));
        reader.finish(&fields);
        if let Some(key) = key {
            let value = value.unwrap_or_else(|| Node::new(String::new(), key.origin));
            tags.push(Tag { key, value });
        }
    }
    tags
}
