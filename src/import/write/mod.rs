//! IR into `.pipe` source that a person would have written.
//!
//! 1. `normal` brings the actions into the order of their steps, which is the order of the source.
//! 2. `kinds` finds the providers, and declares those that the library does not know; `index` finds who makes which
//!    artifact, and which namespaces the compiler gives by itself.
//! 3. `names` gives everything an identifier; `family` looks for what may be a loop, and `merge` makes it one.
//! 4. `pipeline`, `stage` and `action` make statements: `decode` gives configuration its types back, `text` makes
//!    references of variables.
//! 5. `print` writes the statements out, and the formatter has the last word.
//! 6. `verify` holds what the result means against what was given. What does not come back is written in a plainer form, without loops and without
//!    types; what even that cannot say is reported, so that nothing is lost in silence.

mod action;
mod decode;
mod family;
mod index;
mod json;
mod kinds;
mod merge;
mod named;
mod names;
mod normal;
mod pipeline;
mod print;
mod stage;
mod text;
mod tree;
mod verify;
mod words;

use std::collections::HashSet;

use crate::catalog::Catalog;
use crate::compile;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::Pipeline;
use crate::sema::program::Program;
use crate::source::FileId;
use crate::syntax;

use super::codes;
use action::Ctx;
use family::{Families, Refused};
use index::Index;
use kinds::Kinds;
use names::Names;
use normal::into_order;
use tree::{Item, Stmt};
use verify::Owner;

pub use normal::{in_order, normal};

/// `.pipe` source for pipelines, formatted. `catalog` knows the library's providers.
///
/// Compiled again, it gives equal IR, up to the order of steps' actions in the text, gaps in their numbers, and the spelling
/// of encoded JSON (see [`normal()`]). What cannot be said is reported at its origin.
pub fn write(pipelines: Vec<Pipeline>, catalog: &Catalog, diags: &mut Diagnostics) -> String {
    let pipelines: Vec<Pipeline> = pipelines.into_iter().map(into_order).collect();
    let mut style = Style {
        has_loops: true,
        raw: HashSet::new(),
    };
    let written = |style: &Style| {
        let source = source(&pipelines, catalog, style);
        let lost = verify::differences(&pipelines, source.meant, catalog);
        (source.text, lost)
    };
    let (mut text, mut lost) = written(&style);
    if !lost.is_empty() && text.contains("for ") {
        style.has_loops = false;
        (text, lost) = written(&style);
    }
    if !lost.is_empty() {
        style.raw.extend(lost.iter().filter_map(|difference| difference.owner));
        let (plainer, still_lost) = written(&style);
        if still_lost.len() < lost.len() {
            (text, lost) = (plainer, still_lost);
        }
    }
    for difference in lost {
        let message = format!("`.pipe` cannot say {} as it is here", difference.what);
        let help = "change it in the definition before importing it";
        diags.emit(Diagnostic::new(&codes::IMPORT_NOT_EXPRESSIBLE, difference.origin, message).with_help(help));
    }
    text
}

/// How plain the source is to be.
struct Style {
    has_loops: bool,
    /// By their pipelines' numbers, whose configuration is written as it is sent.
    raw: HashSet<(usize, Owner)>,
}

/// Formatted source, and what it means.
struct Source {
    text: String,
    meant: Vec<Pipeline>,
}

/// The pipelines as source, whatever of them can be said.
fn source(pipelines: &[Pipeline], catalog: &Catalog, style: &Style) -> Source {
    let printed = printed(pipelines, catalog, style);
    let mut silent = Diagnostics::default();
    let file = syntax::parse(&printed, FileId(0), &mut silent);
    // Errors: only functions of a template that stand too deep in one another; the comparison finds that.
    let text = match silent.has_errors() {
        true => printed,
        false => syntax::fmt::format(&printed, &file),
    };
    // Formatting keeps what a file says, so it need not be read a second time.
    let meant = compile::meaning(&Program::of_file(FileId(0), file, &mut silent));
    Source { text, meant }
}

fn printed(pipelines: &[Pipeline], catalog: &Catalog, style: &Style) -> String {
    let kinds = Kinds::of(pipelines, catalog);
    let mut items = kinds.declarations();
    let mut taken: HashSet<String> = kinds.own_names().map(str::to_owned).collect();
    for (number, pipeline) in pipelines.iter().enumerate() {
        let name = pipeline::name(pipeline, number, &taken);
        taken.insert(name.ident.clone());
        let is_raw = |owner| style.raw.contains(&(number, owner));
        let body = body(pipeline, &kinds, &is_raw, style.has_loops);
        items.push(Item::Pipeline(names::head(&name, &pipeline.name.value, '-'), body));
    }
    print::print(&items)
}

/// A pipeline's statements. A family that turns out to be none is taken apart, and all is written again, since the names of
/// its members change wherever they are used.
fn body(pipeline: &Pipeline, kinds: &Kinds, is_raw: &dyn Fn(Owner) -> bool, has_loops: bool) -> Vec<Stmt> {
    let index = Index::of(pipeline, kinds);
    let file_names: HashSet<String> = kinds.own_names().map(str::to_owned).collect();
    let mut refused = Refused::default();
    loop {
        let families = match has_loops {
            true => Families::candidates(&index, &refused),
            false => Families::default(),
        };
        let names = Names::of(&index, &families, &file_names);
        let ctx = Ctx {
            index: &index,
            names: &names,
            kinds,
            is_raw,
        };
        let before = refused.count();
        let stages = stage::stages(&ctx, &families, &mut refused);
        if refused.count() > before {
            continue;
        }
        let mut body = pipeline::settings(pipeline);
        body.extend(pipeline::variables(pipeline));
        body.extend(pipeline::triggers(&ctx));
        body.extend(stages);
        if body.first() == Some(&Stmt::Blank) {
            body.remove(0);
        }
        return body;
    }
}
