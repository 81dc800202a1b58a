//! The files of one compilation and what each declares: the first half of name resolution.
//!
//! [`load`] reads the main file and all it imports. A [`Names`] is what a block's statements declare, found without
//! evaluating anything: the base names, not the keys of families.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::source::{self, FileId, Host, Sources, Span};
use crate::syntax::ast::{self, ActionTemplate, Block, DeclName, Item, ItemKind, StageTemplate, Stmt, StmtKind};

use super::codes;
use super::eval::builtins;

/// A file's small id among the files of one compilation; 0 is the main file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleId(pub usize);

/// One file.
#[derive(Debug)]
pub struct Module {
    pub file: FileId,
    pub ast: ast::File,
    /// Index in `ast.items` by name.
    pub items: HashMap<String, usize>,
    /// What each import's name stands for; none if it could not be read.
    pub imports: HashMap<String, Option<ModuleId>>,
    /// Syntax errors were reported in it, so something may be missing.
    pub broken: bool,
}

impl Module {
    pub fn item(&self, name: &str) -> Option<&Item> {
        self.items.get(name).map(|&index| &self.ast.items[index])
    }
}

/// All files of one compilation.
#[derive(Debug, Default)]
pub struct Program {
    pub modules: Vec<Module>,
}

impl Program {
    pub fn module(&self, id: ModuleId) -> &Module {
        &self.modules[id.0]
    }

    /// One file by itself, with what parsing it has found; what it imports is not there.
    pub fn of_file(file: FileId, ast: ast::File, diags: &mut Diagnostics) -> Self {
        let broken = diags.has_errors();
        let items = declare(&ast, diags);
        let module = Module {
            file,
            ast,
            items,
            imports: HashMap::new(),
            broken,
        };
        Self { modules: vec![module] }
    }

    /// Whether syntax errors were reported in any of its files.
    pub fn is_broken(&self) -> bool {
        self.modules.iter().any(|module| module.broken)
    }
}

/// Parses the main file, already in `sources`, and everything it imports.
pub fn load(host: &dyn Host, sources: &mut Sources, main: FileId, diags: &mut Diagnostics) -> Program {
    let mut loader = Loader {
        host,
        sources,
        diags,
        program: Program::default(),
        by_path: HashMap::new(),
        stack: Vec::new(),
    };
    loader.load(main);
    loader.program
}

struct Loader<'a> {
    host: &'a dyn Host,
    sources: &'a mut Sources,
    diags: &'a mut Diagnostics,
    program: Program,
    by_path: HashMap<PathBuf, Option<ModuleId>>,
    /// Canonical paths of the files whose imports are being read.
    stack: Vec<PathBuf>,
}

impl Loader<'_> {
    fn load(&mut self, file: FileId) -> ModuleId {
        let text = self.sources.file(file).text.clone();
        let path = self.sources.file(file).path.clone();
        let mut found = Diagnostics::default();
        let ast = crate::syntax::parse(&text, file, &mut found);
        let broken = found.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        self.diags.extend(found);
        let items = declare(&ast, self.diags);
        let id = ModuleId(self.program.modules.len());
        let paths = import_paths(&ast);
        self.program.modules.push(Module {
            file,
            ast,
            items,
            imports: HashMap::new(),
            broken,
        });
        if paths.is_empty() {
            return id;
        }
        let canonical = path
            .as_deref()
            .map(|path| self.host.canonical(path))
            .unwrap_or_default();
        self.by_path.insert(canonical.clone(), Some(id));
        self.stack.push(canonical);
        for (name, import, span) in paths {
            let target = self.import(path.as_deref(), &import, span);
            self.program.modules[id.0].imports.insert(name, target);
        }
        self.stack.pop();
        id
    }

    fn import(&mut self, importer: Option<&Path>, import: &str, span: Span) -> Option<ModuleId> {
        let folder = importer.and_then(Path::parent).unwrap_or(Path::new(""));
        let path = tidy(&folder.join(import));
        let canonical = self.host.canonical(&path);
        if self.stack.contains(&canonical) {
            let message = format!("importing `{import}` leads back to the file that is being imported");
            let help = "move what both files need into a third one, and import that";
            self.diags
                .emit(Diagnostic::new(&codes::IMPORT_CYCLE, span, message).with_help(help));
            return None;
        }
        if let Some(&known) = self.by_path.get(&canonical) {
            return known;
        }
        let loaded = match source::read_text(self.host, &path) {
            Ok(text) => {
                let file = self.sources.add(path.display().to_string(), Some(path), text);
                Some(self.load(file))
            }
            Err(error) => {
                let message = format!("cannot import `{import}`: {error}");
                let label = format!("looked for `{}`", path.display());
                let help = "give the path of a `.pipe` file, relative to this one";
                self.diags.emit(
                    Diagnostic::new(&codes::IMPORT_NOT_FOUND, span, message)
                        .with_label(label)
                        .with_help(help),
                );
                None
            }
        };
        self.by_path.insert(canonical, loaded);
        loaded
    }
}

/// The index of each item by name.
fn declare(ast: &ast::File, diags: &mut Diagnostics) -> HashMap<String, usize> {
    let mut items: HashMap<String, usize> = HashMap::with_capacity(ast.items.len());
    for (index, item) in ast.items.iter().enumerate() {
        let name = item_name(item);
        if let Some(&first) = items.get(&name.text) {
            let first = item_name(&ast.items[first]).span;
            emit_duplicate(diags, &name.text, first, name.span);
        } else if builtins::is_reserved(&name.text) && !matches!(item.kind, ItemKind::Pipeline(_)) {
            let message = format!("`{}` is a name of the language itself", name.text);
            let diagnostic = Diagnostic::new(&codes::DUPLICATE_NAME, name.span, message);
            diags.emit(diagnostic.with_help("choose another name"));
        } else {
            items.insert(name.text.clone(), index);
        }
    }
    items
}

/// `a/./b/../c` as `a/c`, so that messages show paths as people write them.
fn tidy(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

fn import_paths(ast: &ast::File) -> Vec<(String, String, Span)> {
    let path = |item: &Item| match &item.kind {
        ItemKind::Import(import) => match &import.path.kind {
            ast::ExprKind::Str(text) => text
                .as_text()
                .map(|path| (import.name.text.clone(), path.to_owned(), import.path.span)),
            _ => None,
        },
        _ => None,
    };
    ast.items.iter().filter_map(path).collect()
}

pub fn emit_duplicate(diags: &mut Diagnostics, name: &str, first: Span, second: Span) {
    let diagnostic = Diagnostic::new(&codes::DUPLICATE_NAME, second, format!("`{name}` is declared twice"))
        .with_label("declared again here")
        .with_other(first, "first declared here")
        .with_help("rename one of the two");
    diags.emit(diagnostic);
}

pub fn item_name(item: &Item) -> &ast::Ident {
    match &item.kind {
        ItemKind::Import(import) => &import.name,
        ItemKind::Param(param) => &param.name,
        ItemKind::Const(constant) => &constant.name,
        ItemKind::Type(def) => &def.name,
        ItemKind::Fn(function) => &function.name,
        ItemKind::Action(template) => &template.name,
        ItemKind::Stage(template) => &template.name,
        ItemKind::Provider(provider) => &provider.name,
        ItemKind::Pipeline(pipeline) => &pipeline.name,
    }
}

/// What a block declares, by base name.
#[derive(Debug, Default)]
pub struct Names<'p> {
    map: HashMap<&'p str, NameInfo<'p>>,
    order: Vec<&'p str>,
}

/// All that one base name stands for.
#[derive(Debug, Default)]
pub struct NameInfo<'p> {
    pub action: Option<ActionInfo<'p>>,
    /// An output found by its bare name.
    pub output: Option<&'p DeclName>,
    /// `variable name`
    pub variable: Option<&'p Stmt>,
    /// An instance of a reusable stage.
    pub stage: Option<StageInfo<'p>>,
}

#[derive(Debug)]
pub struct ActionInfo<'p> {
    pub name: &'p DeclName,
    /// The outputs its clauses declare, those of a reusable action included.
    pub outputs: Vec<&'p DeclName>,
}

#[derive(Debug)]
pub struct StageInfo<'p> {
    pub name: &'p DeclName,
    pub template: Option<(ModuleId, &'p StageTemplate)>,
}

impl<'p> Names<'p> {
    /// What `block` of a file `module` declares.
    pub fn of(program: &'p Program, module: ModuleId, block: &'p Block) -> Self {
        let mut names = Names::default();
        names.collect(program, module, block);
        names
    }

    pub fn get(&self, name: &str) -> Option<&NameInfo<'p>> {
        self.map.get(name)
    }

    /// In the order of the text.
    pub fn all(&self) -> impl Iterator<Item = &'p str> + '_ {
        self.order.iter().copied()
    }

    fn entry(&mut self, name: &'p str) -> &mut NameInfo<'p> {
        self.map.entry(name).or_insert_with(|| {
            self.order.push(name);
            NameInfo::default()
        })
    }

    fn collect(&mut self, program: &'p Program, module: ModuleId, block: &'p Block) {
        for stmt in &block.stmts {
            match &stmt.kind {
                StmtKind::Variable { name, .. } => {
                    self.entry(&name.text).variable.get_or_insert(stmt);
                }
                StmtKind::Stage { body, .. } | StmtKind::Parallel { body } | StmtKind::For { body, .. } => {
                    self.collect(program, module, body);
                }
                StmtKind::If { then, otherwise, .. } => {
                    self.collect(program, module, then);
                    if let Some(otherwise) = otherwise {
                        self.collect(program, module, otherwise);
                    }
                }
                StmtKind::StageUse { name, template, .. } => {
                    let template = find_stage(program, module, template);
                    self.entry(&name.ident.text)
                        .stage
                        .get_or_insert(StageInfo { name, template });
                }
                StmtKind::Action { name, provider, body } => self.collect_action(program, module, name, provider, body),
                _ => {}
            }
        }
    }

    fn collect_action(
        &mut self,
        program: &'p Program,
        module: ModuleId,
        name: &'p DeclName,
        provider: &'p ast::Path,
        body: &'p Block,
    ) {
        let mut outputs = Vec::new();
        collect_outputs(body, &mut outputs);
        for output in &outputs {
            self.entry(&output.ident.text).output.get_or_insert(output);
        }
        if let Some((_, template)) = find_action(program, module, provider) {
            collect_outputs(&template.body, &mut outputs);
        }
        let info = self.entry(&name.ident.text);
        match &mut info.action {
            Some(known) => known.outputs.extend(outputs),
            None => info.action = Some(ActionInfo { name, outputs }),
        }
    }
}

fn collect_outputs<'p>(block: &'p Block, outputs: &mut Vec<&'p DeclName>) {
    for stmt in &block.stmts {
        match &stmt.kind {
            StmtKind::Output { name, .. } => outputs.push(name),
            StmtKind::For { body, .. } => collect_outputs(body, outputs),
            StmtKind::If { then, otherwise, .. } => {
                collect_outputs(then, outputs);
                if let Some(otherwise) = otherwise {
                    collect_outputs(otherwise, outputs);
                }
            }
            _ => {}
        }
    }
}

/// The item that a path of one or two names stands for, and its file: `release`, `lib.release`.
pub fn find_item<'p>(program: &'p Program, module: ModuleId, path: &ast::Path) -> Option<(ModuleId, &'p Item)> {
    match path.segments.as_slice() {
        [name] => Some((module, program.module(module).item(&name.text)?)),
        [file, name] => {
            let target = (*program.module(module).imports.get(&file.text)?)?;
            Some((target, program.module(target).item(&name.text)?))
        }
        _ => None,
    }
}

pub fn find_stage<'p>(
    program: &'p Program,
    module: ModuleId,
    path: &ast::Path,
) -> Option<(ModuleId, &'p StageTemplate)> {
    match find_item(program, module, path)? {
        (
            module,
            Item {
                kind: ItemKind::Stage(template),
                ..
            },
        ) => Some((module, template)),
        _ => None,
    }
}

pub fn find_action<'p>(
    program: &'p Program,
    module: ModuleId,
    path: &ast::Path,
) -> Option<(ModuleId, &'p ActionTemplate)> {
    match find_item(program, module, path)? {
        (
            module,
            Item {
                kind: ItemKind::Action(template),
                ..
            },
        ) => Some((module, template)),
        _ => None,
    }
}
