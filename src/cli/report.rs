//! The reports of several compilations as one list.
//!
//! Every compilation has its own file ids. A file that several of them reach, and what is reported about it, is
//! shown once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::source::{DiskHost, FileId, Host, SourceFile, Sources, Span};

/// What was reported, about which texts.
#[derive(Debug, Default)]
pub(super) struct Reports {
    pub(super) sources: Sources,
    /// In the order of the files, and of the places in them.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// How many of the user's files were looked at, imported ones included.
    pub(super) files: usize,
}

impl Reports {
    /// The reports of one compilation.
    pub(super) fn of_one(sources: Sources, diagnostics: Vec<Diagnostic>) -> Self {
        let files = sources.files().filter(|file| file.path.is_some()).count();
        Self {
            sources,
            diagnostics,
            files,
        }
    }

    /// The reports of several compilations, in their order.
    pub(super) fn merge(parts: Vec<Reports>) -> Self {
        let mut merge = Merge::default();
        let mut all = Diagnostics::default();
        for part in parts {
            let ids: Vec<FileId> = part.sources.files().map(|file| merge.id(file)).collect();
            for mut diagnostic in part.diagnostics {
                move_to(&mut diagnostic, &ids);
                all.emit(diagnostic);
            }
        }
        Self::of_one(merge.sources, all.into_sorted())
    }

    pub(super) fn has(&self, severity: Severity) -> bool {
        self.diagnostics.iter().any(|it| it.severity == severity)
    }
}

#[derive(Default)]
struct Merge {
    sources: Sources,
    by_name: HashMap<String, FileId>,
    by_path: HashMap<PathBuf, FileId>,
}

impl Merge {
    fn id(&mut self, file: &SourceFile) -> FileId {
        if let Some(&id) = self.by_name.get(&file.name) {
            return id;
        }
        let canonical = file.path.as_deref().map(|path: &Path| DiskHost.canonical(path));
        let known = canonical.as_ref().and_then(|path| self.by_path.get(path)).copied();
        let id = known.unwrap_or_else(|| self.sources.add(&file.name, file.path.clone(), file.text.clone()));
        self.sources.set_pointers(id, file.pointers.clone());
        self.by_name.insert(file.name.clone(), id);
        self.by_path.extend(canonical.map(|path| (path, id)));
        id
    }
}

fn move_to(diagnostic: &mut Diagnostic, ids: &[FileId]) {
    // What has no id of this compilation is the library's, which has the same ids everywhere.
    let moved = |span: &mut Span| span.file = *ids.get(span.file.0 as usize).unwrap_or(&span.file);
    moved(&mut diagnostic.primary.span);
    diagnostic.others.iter_mut().for_each(|label| moved(&mut label.span));
    diagnostic.fix.iter_mut().for_each(|edit| moved(&mut edit.span));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;

    static UNKNOWN: Code = Code::error("unknown-name", "a name that nothing has");

    fn reports(names: &[&str], at: u32) -> Reports {
        let mut sources = Sources::default();
        for name in names {
            sources.add(*name, Some(PathBuf::from(name)), "text");
        }
        let span = Span::new(FileId(at), 0, 4);
        let diagnostic = Diagnostic::new(&UNKNOWN, span, "cannot find `text`").with_other(span, "here");
        Reports::of_one(sources, vec![diagnostic])
    }

    #[test]
    fn what_several_files_import_is_reported_once() {
        let merged = Reports::merge(vec![
            reports(&["a.pipe", "lib.pipe"], 1),
            reports(&["b.pipe", "lib.pipe"], 1),
            reports(&["lib.pipe"], 0),
            reports(&["b.pipe", "lib.pipe"], 0),
        ]);
        let places: Vec<&str> = merged
            .diagnostics
            .iter()
            .map(|it| merged.sources.file(it.primary.span.file).name.as_str())
            .collect();
        assert_eq!(places, ["lib.pipe", "b.pipe"]);
        assert_eq!(merged.diagnostics[1].others[0].span.file, FileId(2));
        assert_eq!(merged.files, 3);
    }
}
