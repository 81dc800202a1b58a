//! YAML text as a [`Tree`]: the first document, anchors resolved, short forms of intrinsic functions made long.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag};

use super::codes;
use super::tree::{Tree, Value};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{FileId, Span, Spanned};

/// The most nodes that aliases may blow a document up to; the largest template that AWS takes has a fraction of it.
const MOST_NODES: usize = 2_000_000;

/// The document, or none and a report of the first place where it is no YAML.
pub(super) fn parse(text: &str, file: FileId, diags: &mut Diagnostics) -> Option<Tree> {
    let mut builder = Builder {
        file,
        length: text.len(),
        stack: Vec::new(),
        root: None,
        anchors: HashMap::new(),
        nodes: 0,
    };
    for event in Parser::new_from_str(text) {
        let outcome = match event {
            Ok((Event::DocumentEnd, _)) => break,
            Ok((event, span)) => builder.take(event, builder.span(span)),
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
                Err((Span::new(file, at, at), error.info().to_string()))
            }
        };
        if let Err((at, why)) = outcome {
            let message = format!("this is not YAML: {why}");
            diags.emit(Diagnostic::new(&codes::INVALID_YAML, at, message));
            return None;
        }
    }
    if builder.root.is_none() {
        let at = Span::new(file, 0, 0);
        diags.emit(Diagnostic::new(&codes::INVALID_YAML, at, "the document is empty"));
    }
    builder.root
}

/// A list or map that is not closed yet.
struct Open {
    function: Option<&'static str>,
    anchor: usize,
    start: Span,
    content: Content,
}

enum Content {
    List(Vec<Tree>),
    /// The entries, and the key whose value comes next.
    Map(Vec<(Spanned<String>, Tree)>, Option<Spanned<String>>),
}

struct Builder {
    file: FileId,
    length: usize,
    stack: Vec<Open>,
    root: Option<Tree>,
    anchors: HashMap<usize, Tree>,
    nodes: usize,
}

type Outcome = Result<(), (Span, String)>;

impl Builder {
    fn span(&self, span: granit_parser::Span) -> Span {
        let at = |marker: granit_parser::Marker| marker.byte_offset().unwrap_or(self.length).min(self.length);
        let (start, end) = (at(span.start), at(span.end));
        Span::new(self.file, start, end.max(start))
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Outcome {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref());
                let tree = wrap(function(tag.as_deref()), Tree::new(value, span));
                self.remember(anchor, &tree);
                self.add(tree)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.open(span, anchor, tag.as_deref(), Content::List(Vec::new()));
                Ok(())
            }
            Event::MappingStart(_, anchor, tag) => {
                self.open(span, anchor, tag.as_deref(), Content::Map(Vec::new(), None));
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.stack.pop() else { return Ok(()) };
                let (value, last) = match open.content {
                    Content::List(items) => {
                        let last = items.last().map(|item| item.span);
                        (Value::List(items), last)
                    }
                    Content::Map(entries, _) => {
                        let last = entries.last().map(|(_, value)| value.span);
                        (Value::Map(entries), last)
                    }
                };
                // A block ends where its last entry does, and not at the next token, lines further down.
                let end = match span.is_empty() {
                    true => last.unwrap_or(open.start),
                    false => span,
                };
                let tree = wrap(open.function, Tree::new(value, open.start.to(end)));
                self.remember(open.anchor, &tree);
                self.add(tree)
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(tree) => {
                    let tree = tree.clone();
                    self.nodes += count(&tree);
                    if self.nodes > MOST_NODES {
                        return Err((span, "its aliases make it too large".to_owned()));
                    }
                    self.add(tree)
                }
                None => Err((span, "an alias stands inside of what it stands for".to_owned())),
            },
            _ => Ok(()),
        }
    }

    fn open(&mut self, start: Span, anchor: usize, tag: Option<&Tag>, content: Content) {
        self.stack.push(Open {
            function: function(tag),
            anchor,
            start,
            content,
        });
    }

    fn remember(&mut self, anchor: usize, tree: &Tree) {
        if anchor > 0 {
            self.anchors.insert(anchor, tree.clone());
        }
    }

    fn add(&mut self, tree: Tree) -> Outcome {
        match self.stack.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(tree),
            Some(Content::List(items)) => items.push(tree),
            Some(Content::Map(entries, key)) => match key.take() {
                None => *key = Some(key_of(&tree)?),
                // `<<: *base` takes in the entries of another map that are not there.
                Some(name) if name.value == "<<" && tree.as_map().is_some() => {
                    if let Value::Map(more) = tree.value {
                        entries.extend(more);
                    }
                }
                Some(name) => entries.push((name, tree)),
            },
        }
        Ok(())
    }
}

fn count(tree: &Tree) -> usize {
    1 + match &tree.value {
        Value::List(items) => items.iter().map(count).sum(),
        Value::Map(entries) => entries.iter().map(|(_, value)| count(value)).sum(),
        _ => 0,
    }
}

fn key_of(tree: &Tree) -> Result<Spanned<String>, (Span, String)> {
    let text = match &tree.value {
        Value::String(text) | Value::Number(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Null => "null".to_owned(),
        Value::List(_) | Value::Map(_) => return Err((tree.span, "a key is a list or a map".to_owned())),
    };
    Ok(Spanned::new(text, tree.span))
}

/// The long form of an intrinsic function's short one: `!GetAtt` is `Fn::GetAtt`.
fn function(tag: Option<&Tag>) -> Option<&'static str> {
    let tag = tag.filter(|tag| tag.handle() == "!")?;
    Some(match tag.suffix() {
        "Ref" => "Ref",
        "Condition" => "Condition",
        "And" => "Fn::And",
        "Base64" => "Fn::Base64",
        "Cidr" => "Fn::Cidr",
        "Equals" => "Fn::Equals",
        "FindInMap" => "Fn::FindInMap",
        "GetAZs" => "Fn::GetAZs",
        "GetAtt" => "Fn::GetAtt",
        "If" => "Fn::If",
        "ImportValue" => "Fn::ImportValue",
        "Join" => "Fn::Join",
        "Length" => "Fn::Length",
        "Not" => "Fn::Not",
        "Or" => "Fn::Or",
        "Select" => "Fn::Select",
        "Split" => "Fn::Split",
        "Sub" => "Fn::Sub",
        "ToJsonString" => "Fn::ToJsonString",
        "Transform" => "Fn::Transform",
        _ => return None,
    })
}

fn wrap(function: Option<&'static str>, argument: Tree) -> Tree {
    let Some(function) = function else { return argument };
    let span = argument.span;
    Tree::new(
        Value::Map(vec![(Spanned::new(function.to_owned(), span), argument)]),
        span,
    )
}

/// Plain scalars as CloudFormation reads them, by YAML 1.1; what is quoted or has a tag is text.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    if style != ScalarStyle::Plain || tag.is_some() {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Value::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Value::Bool(false),
        text if text.parse::<serde_json::Number>().is_ok() => Value::Number(text.to_owned()),
        text => Value::String(text.to_owned()),
    }
}
