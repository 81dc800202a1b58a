//! What the right side of `action x = …` and `rule x = …` stands for.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::catalog::{self, Catalog, Exports, Provider};
use crate::diagnostic::suggest::listed;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::TypeId;
use crate::syntax::ast::{self, ActionTemplate, ItemKind};

use super::codes;
use super::eval::Evaluator;
use super::program::{ModuleId, Program, find_item};
use super::ty::Ty;

/// A provider with its fields' types.
#[derive(Debug)]
pub struct Signature {
    pub provider: Arc<Provider>,
    /// In the order of [`Provider::fields`].
    pub types: Vec<Ty>,
}

impl Signature {
    pub fn is_rule(&self) -> bool {
        self.provider.type_id.category == "Rule"
    }

    /// Names of output variables as `.pipe` has them.
    pub fn output_variables(&self) -> Vec<String> {
        match &self.provider.exports {
            Exports::Fixed(names) => names.iter().map(|name| catalog::snake_case(name)).collect(),
            Exports::Open | Exports::Declared => Vec::new(),
        }
    }
}

/// What a path stands for.
#[derive(Clone, Debug)]
pub enum Target<'p> {
    Provider(Rc<Signature>),
    Template(ModuleId, &'p ActionTemplate),
}

/// All signatures asked for so far.
#[derive(Debug)]
pub struct Signatures {
    pub catalog: Catalog,
    library: HashMap<String, Option<Rc<Signature>>>,
    own: HashMap<(ModuleId, usize), Rc<Signature>>,
    /// Of several providers of one type the first; those of the files before the library's.
    by_type: HashMap<TypeId, Rc<Signature>>,
}

impl Signatures {
    /// The library, and the providers that the files declare.
    pub fn new<'p>(program: &'p Program, evaluator: &mut Evaluator<'p, '_>) -> Self {
        let mut catalog = Catalog::builtin();
        let mut own = HashMap::new();
        let mut by_type = HashMap::new();
        for (id, module) in program.modules.iter().enumerate() {
            for (index, item) in module.ast.items.iter().enumerate() {
                let ItemKind::Provider(provider) = &item.kind else {
                    continue;
                };
                let mut found = Diagnostics::default();
                let lowered = catalog::lower(provider, &item.doc, None, &mut found);
                evaluator.diags.extend(found);
                let provider = catalog.add(lowered);
                let found = Rc::new(signature(provider, ModuleId(id), evaluator));
                by_type
                    .entry(found.provider.type_id.clone())
                    .or_insert_with(|| found.clone());
                own.insert((ModuleId(id), index), found);
            }
        }
        Self {
            catalog,
            library: HashMap::new(),
            own,
            by_type,
        }
    }

    /// What `path` stands for in a file; none, and a report, if nothing.
    pub fn resolve<'p>(
        &mut self,
        path: &ast::Path,
        module: ModuleId,
        evaluator: &mut Evaluator<'p, '_>,
    ) -> Option<Target<'p>> {
        let program = evaluator.program;
        if let Some((home, item)) = find_item(program, module, path) {
            let name = &path.segments[path.segments.len() - 1];
            match &item.kind {
                ItemKind::Action(template) => return Some(Target::Template(home, template)),
                ItemKind::Provider(_) => {
                    let index = program.module(home).items[&name.text];
                    return self.own.get(&(home, index)).cloned().map(Target::Provider);
                }
                _ => {
                    let message = format!("`{}` is not a provider or a reusable action", name.text);
                    evaluator.fail(&codes::UNKNOWN_PROVIDER, path.span, message);
                    return None;
                }
            }
        }
        let segments: Vec<&str> = path.segments.iter().map(|segment| segment.text.as_str()).collect();
        if let [file, _] = segments.as_slice()
            && program.module(module).imports.get(*file).is_some_and(Option::is_none)
        {
            // The file could not be read, which has been said.
            return None;
        }
        let written = segments.join(".");
        if let Some(known) = self.library.get(&written) {
            if let Some(signature) = known {
                return Some(Target::Provider(signature.clone()));
            }
        } else {
            let provider = self.catalog.get(&written);
            let found = provider.map(|provider| Rc::new(signature(provider, module, evaluator)));
            self.library.insert(written.clone(), found.clone());
            if let Some(signature) = found {
                return Some(Target::Provider(signature));
            }
        }
        self.unknown(path, &segments, module, evaluator);
        None
    }

    /// The signature of an action's or rule's type: of a provider that the files declare, or of the library's.
    pub fn by_type(&mut self, id: &TypeId, evaluator: &mut Evaluator<'_, '_>) -> Option<Rc<Signature>> {
        if let Some(known) = self.by_type.get(id) {
            return Some(known.clone());
        }
        let provider = self.catalog.by_type(id)?;
        let found = match self.library.get(&provider.name) {
            Some(Some(known)) => known.clone(),
            _ => Rc::new(signature(provider, ModuleId(0), evaluator)),
        };
        self.by_type.insert(id.clone(), found.clone());
        Some(found)
    }

    fn unknown(&self, path: &ast::Path, segments: &[&str], module: ModuleId, evaluator: &mut Evaluator<'_, '_>) {
        let written = segments.join(".");
        let program = evaluator.program;
        let own = program
            .module(module)
            .ast
            .items
            .iter()
            .filter_map(|item| match &item.kind {
                ItemKind::Provider(provider) => Some(provider.name.text.as_str()),
                ItemKind::Action(template) => Some(template.name.text.as_str()),
                _ => None,
            });
        let own: Vec<&str> = own.collect();
        let modules: Vec<&str> = self.catalog.modules().collect();
        let (span, message, help) = match segments {
            [module, name] if modules.contains(module) => {
                let names: Vec<&str> = self.catalog.names(module).collect();
                let elsewhere = modules
                    .iter()
                    .find(|other| self.catalog.names(other).any(|found| found == *name));
                let help = evaluator
                    .diags
                    .nearest(name, names.iter().copied())
                    .map(|near| format!("did you mean `{module}.{near}`?"))
                    .or_else(|| elsewhere.map(|other| format!("did you mean `{other}.{name}`?")))
                    .unwrap_or_else(|| format!("`pipe doc {module}` lists what there is"));
                (
                    path.segments[1].span,
                    format!("the module `{module}` has no provider `{name}`"),
                    help,
                )
            }
            [first, ..] if segments.len() > 1 => {
                let imports: Vec<&str> = own_imports(program, module);
                let help = evaluator
                    .diags
                    .did_you_mean(first, modules.iter().copied().chain(imports))
                    .unwrap_or_else(|| format!("the modules are {}", listed(modules.iter().copied())));
                let known_import = program.module(module).imports.contains_key(*first);
                match known_import {
                    true => (
                        path.segments[1].span,
                        format!("cannot find the provider `{written}`"),
                        format!("declare it in the file that is imported as `{first}`"),
                    ),
                    false => (path.segments[0].span, format!("there is no module `{first}`"), help),
                }
            }
            _ => {
                let homes: Vec<String> = modules
                    .iter()
                    .filter(|module| self.catalog.names(module).any(|found| found == written))
                    .map(|module| format!("`{module}.{written}`"))
                    .collect();
                let help = if homes.is_empty() {
                    evaluator
                        .diags
                        .did_you_mean(&written, own)
                        .unwrap_or_else(|| "write a module and a provider, such as `build.codebuild`".to_owned())
                } else {
                    format!("did you mean {}?", homes.join(" or "))
                };
                (path.span, format!("cannot find the provider `{written}`"), help)
            }
        };
        evaluator.emit(Diagnostic::new(&codes::UNKNOWN_PROVIDER, span, message).with_help(help));
    }
}

fn own_imports(program: &Program, module: ModuleId) -> Vec<&str> {
    let import = |item: &'_ ast::Item| matches!(item.kind, ItemKind::Import(_));
    program
        .module(module)
        .ast
        .items
        .iter()
        .filter(|item| import(item))
        .map(|item| super::program::item_name(item).text.as_str())
        .collect()
}

fn signature(provider: Arc<Provider>, module: ModuleId, evaluator: &mut Evaluator<'_, '_>) -> Signature {
    let types = provider.fields.iter().map(|field| {
        let ty = evaluator.lower_type(&field.ty, module);
        if field.optional { Ty::optional(ty) } else { ty }
    });
    let types = types.collect();
    Signature { provider, types }
}
