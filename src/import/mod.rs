//! Foreign front ends: CodePipeline JSON and CloudFormation templates, down to the IR and back to `.pipe` source.
//!
//! A document becomes a [`tree::Tree`] that knows its places, whatever language it is written in; [`document::read`] turns
//! the tree into the same IR that `.pipe` files become, so all rules about pipelines hold for it as they are.
//! [`mod@write`] turns IR into formatted source, as a person would have written it.

mod action;
pub mod codes;
mod declaration;
pub mod document;
mod json;
mod reader;
pub mod tree;
mod trigger;
pub mod write;
mod yaml;

use std::sync::Arc;

use crate::compile::{Compiled, Main, check_foreign, take_in};
use crate::diagnostic::Diagnostics;
use crate::ir::Pipeline;
use crate::source::{self, FileId, Host, ReadError, Sources};

use document::Document;

/// Whether a file is a foreign document: by its extension, else by how its text begins.
pub fn is_document(host: &dyn Host, main: &Main) -> Result<bool, ReadError> {
    let path = match main {
        Main::Path(path) => Some(path),
        Main::Text { path, .. } => path.as_ref(),
    };
    let extension = path
        .and_then(|path| path.extension())
        .and_then(|extension| extension.to_str());
    Ok(match (extension, main) {
        (Some("pipe"), _) => false,
        (Some("json" | "yaml" | "yml" | "template"), _) => true,
        (_, Main::Text { text, .. }) => begins_as_document(text),
        (_, Main::Path(path)) => begins_as_document(&source::read_text(host, path)?),
    })
}

/// No `.pipe` file begins with a brace, or has a key and a colon at the beginning of a line.
fn begins_as_document(text: &str) -> bool {
    let is_key = |line: &str| {
        ["Resources:", "AWSTemplateFormatVersion:", "pipeline:"]
            .iter()
            .any(|key| line.starts_with(key))
    };
    text.trim_start().starts_with('{') || text.lines().take(1000).any(is_key)
}

/// A foreign document, read: no rule has been held against its pipelines.
#[derive(Debug)]
pub struct Unchecked {
    pub sources: Sources,
    pub pipelines: Vec<Pipeline>,
    /// What is wrong with the document itself.
    pub diagnostics: Diagnostics,
    /// A key or value could not be taken over, and was reported: what there is, is not all.
    pub lost: bool,
}

/// A foreign document, checked like any file.
#[derive(Debug)]
pub struct Loaded {
    pub compiled: Compiled,
    /// As of [`Unchecked`].
    pub lost: bool,
}

/// Reads a document. Fails only if it cannot be read.
pub fn read(host: &dyn Host, main: &Main) -> Result<Unchecked, ReadError> {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let (_, document) = document(host, main, &mut sources, &mut diagnostics)?;
    Ok(Unchecked {
        sources,
        pipelines: document.pipelines,
        diagnostics,
        lost: document.lost,
    })
}

/// Reads and checks a document. Fails only if it cannot be read.
pub fn load(host: &dyn Host, main: &Main) -> Result<Loaded, ReadError> {
    let mut sources = Sources::default();
    let mut diags = Diagnostics::default();
    let (file, document) = document(host, main, &mut sources, &mut diags)?;
    if let Some(tree) = document.tree {
        sources.set_pointers(file, Some(Arc::new(move |offset| tree.pointer_at(offset))));
    }
    Ok(Loaded {
        compiled: check_foreign(sources, document.pipelines, document.wording, diags),
        lost: document.lost,
    })
}

fn document(
    host: &dyn Host,
    main: &Main,
    sources: &mut Sources,
    diags: &mut Diagnostics,
) -> Result<(FileId, Document), ReadError> {
    let (file, _) = take_in(host, main, sources)?;
    let text = sources.file(file).text.clone();
    Ok((file, document::read(&text, file, diags)))
}
