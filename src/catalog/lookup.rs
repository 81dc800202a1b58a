//! Finding providers: by the name that `.pipe` uses, and by AWS type.

use std::sync::Arc;

use super::Provider;
use super::library::Library;
use crate::ir::TypeId;
use crate::source;

/// The providers that one compilation knows: the library's, and those that its own files declare.
#[derive(Clone, Debug)]
pub struct Catalog {
    library: &'static Library,
    /// In the order in which they were added.
    own: Vec<Arc<Provider>>,
}

impl Default for Catalog {
    fn default() -> Self {
        Self::builtin()
    }
}

impl Catalog {
    /// The library alone. Costs nothing the second time: what has been decoded is kept for the whole process.
    pub fn builtin() -> Self {
        Self {
            library: Library::get(),
            own: Vec::new(),
        }
    }

    /// Adds a provider that a user's file declares. The first of a name, or of a type, is the one that is found.
    pub fn add(&mut self, provider: Provider) -> Arc<Provider> {
        let provider = Arc::new(provider);
        self.own.push(Arc::clone(&provider));
        provider
    }

    /// The provider of this name: `build.codebuild` from the library, a bare name from a user's file.
    pub fn get(&self, name: &str) -> Option<Arc<Provider>> {
        if name.contains('.') {
            return self.library.by_name(name).cloned();
        }
        self.own.iter().find(|provider| provider.name == name).cloned()
    }

    /// The provider of this AWS type; what a user's file says about a type goes before what the library says.
    pub fn by_type(&self, id: &TypeId) -> Option<Arc<Provider>> {
        let own = self.own.iter().find(|provider| provider.type_id == *id);
        own.or_else(|| self.library.by_type(id)).cloned()
    }

    /// The library's modules, in the order in which people meet them in a pipeline.
    pub fn modules(&self) -> impl Iterator<Item = &'static str> {
        source::library::modules().map(|(name, ..)| name)
    }

    /// The names of a module's providers without the module's, sorted: `codebuild`, `jenkins`, …
    pub fn names<'a>(&self, module: &'a str) -> impl Iterator<Item = &'static str> + use<'a> {
        self.library
            .names()
            .filter_map(move |name| name.strip_prefix(module)?.strip_prefix('.'))
    }

    /// The providers that the compilation's own files declare, in the order in which they were added.
    pub fn own(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.own.iter()
    }
}
