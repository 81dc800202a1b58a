//! The way through the passes: a main file and what it imports, down to checked IR.

use std::path::{Path, PathBuf};

use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::sema::eval::{Env, Evaluator, NoReader, Reader};
use crate::sema::program::{self, ModuleId, Program};
use crate::sema::signature::Signatures;
use crate::sema::ty::Ty;
use crate::sema::value::Value;
use crate::sema::wording::Wording;
use crate::sema::{check, codes, conform, expand, link, params};
use crate::source::{self, FileId, Host, ReadError, Sources};
use crate::syntax::ast::{self, ItemKind};
use crate::{ir, lint};

/// A file to compile.
#[derive(Clone, Debug)]
pub enum Main {
    /// A path, as it was given.
    Path(PathBuf),
    /// Text that is not on disk: standard input, an editor's buffer, a test. Imports resolve against `path`'s folder.
    Text {
        name: String,
        path: Option<PathBuf>,
        text: String,
    },
}

/// Values for the main file's parameters.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `-D name=value`, in the order given; the value's text is read by the parameter's type.
    pub defines: Vec<(String, String)>,
    /// `--params file.json`: an object.
    pub params: serde_json::Map<String, serde_json::Value>,
}

/// All that a back end or a reporter wants to know of a compilation.
#[derive(Debug, Default)]
pub struct Compiled {
    pub sources: Sources,
    /// In the order of the file. With errors among the diagnostics these may be incomplete: look, do not export or run.
    pub pipelines: Vec<ir::Pipeline>,
    /// The providers: the library's, and those that the files declare.
    pub catalog: Catalog,
    /// Sorted by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Takes `main` as far down as it goes; the diagnostics say how far that was. Fails only if `main` itself cannot be read.
pub fn compile(host: &dyn Host, main: &Main, options: &Options) -> Result<Compiled, ReadError> {
    let mut sources = Sources::default();
    let mut diags = Diagnostics::default();
    let (file, root) = take_in(host, main, &mut sources)?;
    let program = program::load(host, &mut sources, file, &mut diags);
    let reader = RootReader { host, root };
    let mut ev = Evaluator::new(&program, &reader, &mut diags);
    params::give(&mut ev, &mut sources, &options.defines, &options.params);
    let (pipelines, catalog) = pipelines(&program, &mut ev);
    Ok(Compiled {
        sources,
        pipelines,
        catalog,
        diagnostics: diags.into_sorted(),
    })
}

/// Reads a main file into `sources`; with it comes the folder against which its paths resolve.
pub fn take_in(host: &dyn Host, main: &Main, sources: &mut Sources) -> Result<(FileId, PathBuf), ReadError> {
    let folder = |path: &Path| path.parent().map(Path::to_path_buf).unwrap_or_default();
    Ok(match main {
        Main::Path(path) => {
            let text = source::read_text(host, path)?;
            (
                sources.add(path.display().to_string(), Some(path.clone()), text),
                folder(path),
            )
        }
        Main::Text { name, path, text } => {
            let root = path.as_deref().map(folder).unwrap_or_default();
            (sources.add(name.clone(), path.clone(), text.as_str()), root)
        }
    })
}

/// Checks pipelines that another front end has read, by the same rules.
pub fn check_foreign(
    sources: Sources,
    pipelines: Vec<ir::Pipeline>,
    wording: Wording,
    mut diags: Diagnostics,
) -> Compiled {
    let program = Program::default();
    let mut ev = Evaluator::new(&program, &NoReader, &mut diags);
    let mut signatures = Signatures::new(&program, &mut ev);
    for pipeline in &pipelines {
        check_ir(pipeline, &mut signatures, wording, &mut ev);
    }
    let catalog = signatures.catalog;
    Compiled {
        sources,
        pipelines,
        catalog,
        diagnostics: diags.into_sorted(),
    }
}

/// What the pipelines of a program mean, by the passes that make IR and no others: no rule is held against them, and nobody
/// is told what is wrong with them.
pub fn meaning(program: &Program) -> Vec<ir::Pipeline> {
    let mut silent = Diagnostics::default();
    let mut ev = Evaluator::new(program, &NoReader, &mut silent);
    let mut signatures = Signatures::new(program, &mut ev);
    let mut meant = Vec::new();
    for pipeline in declared_pipelines(program) {
        meant.push(to_ir(pipeline, &mut signatures, &mut ev));
    }
    meant
}

fn pipelines<'p>(program: &'p Program, ev: &mut Evaluator<'p, '_>) -> (Vec<ir::Pipeline>, Catalog) {
    let main = ModuleId(0);
    let mut signatures = Signatures::new(program, ev);
    let mut compiled: Vec<ir::Pipeline> = Vec::new();
    for pipeline in declared_pipelines(program) {
        let ir = to_ir(pipeline, &mut signatures, ev);
        check_ir(&ir, &mut signatures, Wording::Pipe, ev);
        compiled.push(ir);
    }
    expand::check_unused_templates(ev, &mut signatures, main);
    let unused = check::check(ev, main);
    // A misspelt use makes what it meant look unused.
    let misspelt = ev
        .diags
        .iter()
        .any(|diagnostic| diagnostic.code.name == codes::UNKNOWN_NAME.name);
    if !program.is_broken() && !misspelt {
        lint::unused::unused(&unused, ev.diags);
    }
    (compiled, signatures.catalog)
}

/// The pipelines of the main file.
fn declared_pipelines(program: &Program) -> impl Iterator<Item = &ast::Pipeline> {
    let items = program.modules.first().into_iter().flat_map(|main| &main.ast.items);
    items.filter_map(|item| match &item.kind {
        ItemKind::Pipeline(pipeline) => Some(pipeline),
        _ => None,
    })
}

/// One pipeline of the main file as IR, before anything is checked of it.
fn to_ir<'p>(pipeline: &'p ast::Pipeline, signatures: &mut Signatures, ev: &mut Evaluator<'p, '_>) -> ir::Pipeline {
    let name = pipeline_name(ev, pipeline);
    let draft = expand::pipeline(ev, signatures, ModuleId(0), pipeline);
    let mut ir = link::link(ev, pipeline, pipeline.name.span, name, draft);
    if ev.program.is_broken() {
        ir.incomplete = true;
        ir.stages.iter_mut().for_each(|stage| stage.incomplete = true);
    }
    ir
}

/// All rules about one pipeline: those of any declaration, those of its providers, and the lints.
fn check_ir<'p>(ir: &ir::Pipeline, signatures: &mut Signatures, wording: Wording, ev: &mut Evaluator<'p, '_>) {
    let mut found = Diagnostics::default();
    let already_wrong = ev.diags.has_errors();
    let mut signature_of = |id: &ir::TypeId| signatures.by_type(id, ev);
    conform::conform(ir, &mut signature_of, wording, &mut found);
    lint::same_target::same_target(ir, &mut signature_of, &mut found);
    lint::sources::sources(ir, &mut signature_of, &mut found);
    lint::change_sets::change_sets(ir, &mut found);
    lint::free_text::free_text(ir, &mut signature_of, &mut found);
    lint::plain_secrets::plain_secrets(ir, &mut found);
    lint::local::local(ir, &mut found);
    ir::validate(ir, &mut found);
    // What an error leaves out may be what takes it.
    if !found.has_errors() && !already_wrong {
        lint::unused_output::unused_output(ir, &mut signature_of, &mut found);
    }
    ev.diags.extend(found);
}

/// The name that AWS sees.
fn pipeline_name<'p>(ev: &mut Evaluator<'p, '_>, pipeline: &'p ast::Pipeline) -> ir::Node<String> {
    let ident = ir::Node::new(pipeline.name.text.clone(), pipeline.name.span);
    let Some(written) = &pipeline.aws_name else {
        return ident;
    };
    match ev.eval_as(written, &Ty::STRING, &mut Env::of_module(ModuleId(0))) {
        Value::Str(text) => ir::Node::new(text.to_string(), written.span),
        Value::Text(draft) => match draft.deploy_name() {
            Some(name) => ir::Node::new(name, written.span),
            None => {
                ev.too_late(&draft, written.span, "a pipeline's name");
                ident
            }
        },
        _ => ident,
    }
}

/// `read("file")`: text files under the project's root, the main file's folder.
struct RootReader<'h> {
    host: &'h dyn Host,
    root: PathBuf,
}

impl Reader for RootReader<'_> {
    fn read(&self, path: &Path) -> Result<String, String> {
        if path.is_absolute() {
            return Err("the path is absolute".to_owned());
        }
        let root = if self.root.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &self.root
        };
        let file = root.join(path);
        let outside = || "it lies outside of the project's root, the main file's folder".to_owned();
        if path.components().any(|part| part == std::path::Component::ParentDir) {
            return Err(outside());
        }
        let text = source::read_text(self.host, &file).map_err(|error| error.to_string())?;
        // A link may lead elsewhere.
        if self.host.canonical(&file).starts_with(self.host.canonical(root)) {
            Ok(text)
        } else {
            Err(outside())
        }
    }
}
