//! A file of an artifact, read with its places, and what is wrong with it.

use crate::diagnostic::Diagnostics;
use crate::import::document::parse;
use crate::import::tree::{Tree, Value};
use crate::run::outcome::Failure;
use crate::source::{FileId, LineIndex, Span, Spanned};

/// A file in JSON or YAML.
#[derive(Debug)]
pub(super) struct Document {
    /// `appspec.yml` in `app`
    pub(super) name: String,
    text: String,
    pub(super) tree: Tree,
}

/// What is wrong at a place of a document.
#[derive(Debug)]
pub(super) struct Problem {
    span: Span,
    message: String,
    help: Option<String>,
}

pub(super) type Checked<T = ()> = Result<T, Problem>;

impl Problem {
    pub(super) fn at(tree: &Tree, message: impl Into<String>) -> Self {
        Self::on(tree.span, message)
    }

    pub(super) fn on(span: Span, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            help: None,
        }
    }

    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Document {
    pub(super) fn read(name: String, bytes: Vec<u8>) -> Result<Self, Failure> {
        let help = "correct the file: AWS would not take it either";
        let text = String::from_utf8(bytes)
            .map_err(|_| Failure::new(format!("{name} does not parse: it is not UTF-8")).with_help(help))?;
        let mut diagnostics = Diagnostics::default();
        if let Some(tree) = parse(&text, FileId(0), &mut diagnostics) {
            return Ok(Self { name, text, tree });
        }
        let report = diagnostics.into_sorted().into_iter().next();
        let (span, message) = report.map_or_else(
            || (Span::new(FileId(0), 0, 0), "it is neither JSON nor YAML".to_owned()),
            |report| (report.primary.span, report.message),
        );
        let place = place(&text, span);
        Err(Failure::new(format!("{name} does not parse: {place}: {message}")).with_help(help))
    }

    pub(super) fn failure(&self, problem: Problem) -> Failure {
        let place = place(&self.text, problem.span);
        let help = problem
            .help
            .as_deref()
            .unwrap_or("correct the file: AWS would not take it either");
        Failure::new(format!("{}, {place}: {}", self.name, problem.message)).with_help(help)
    }
}

fn place(text: &str, span: Span) -> String {
    let at = LineIndex::new(text).line_column(text, span.start);
    format!("line {}, column {}", at.line, at.column)
}

/// The entries of what has to be an object; `what` begins a sentence.
pub(super) fn object<'t>(tree: &'t Tree, what: &str) -> Checked<&'t [(Spanned<String>, Tree)]> {
    let entries = tree.as_map();
    entries.ok_or_else(|| Problem::at(tree, format!("{what} has to be an object, not {}", tree.described())))
}

/// The items of what has to be a list with something in it.
pub(super) fn list<'t>(tree: &'t Tree, what: &str) -> Checked<&'t [Tree]> {
    match tree.as_list() {
        Some([]) => Err(Problem::at(tree, format!("{what} is empty"))),
        Some(items) => Ok(items),
        None => Err(Problem::at(
            tree,
            format!("{what} has to be a list, not {}", tree.described()),
        )),
    }
}

pub(super) fn text<'t>(tree: &'t Tree, what: &str) -> Checked<&'t str> {
    match tree.as_str() {
        Some("") => Err(Problem::at(tree, format!("{what} is empty"))),
        Some(text) => Ok(text),
        None => Err(Problem::at(
            tree,
            format!("{what} has to be a string, not {}", tree.described()),
        )),
    }
}

/// A field that has to be there.
pub(super) fn field<'t>(tree: &'t Tree, key: &str, what: &str) -> Checked<&'t Tree> {
    object(tree, what)?;
    tree.get(key)
        .ok_or_else(|| Problem::at(tree, format!("{what} has no `{key}`")))
}

/// Refuses keys that nobody knows.
pub(super) fn only(tree: &Tree, what: &str, known: &[&str]) -> Checked {
    for (key, _) in object(tree, what)? {
        if !known.contains(&key.value.as_str()) {
            let message = format!("{what} cannot have `{}`", key.value);
            let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            return Err(Problem::on(key.span, message).with_help(format!("it may have {}", names.join(", "))));
        }
    }
    Ok(())
}

/// A scalar as it is written.
pub(super) fn scalar(tree: &Tree) -> Option<String> {
    match &tree.value {
        Value::Number(text) | Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}
