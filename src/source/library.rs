//! The texts of the standard library, which every [`super::Sources`] can show without having been given them.
//!
//! What the library declares carries spans, so that a report can point into it. The files have fixed ids, counted down
//! from the largest: no compilation has so many files of its own.

use std::sync::OnceLock;

use super::{FileId, SourceFile};

/// The modules and their texts, in the order in which people meet them in a pipeline; the order fixes their ids.
static TEXTS: [(&str, &str); 8] = [
    ("source", include_str!("../../stdlib/source.pipe")),
    ("build", include_str!("../../stdlib/build.pipe")),
    ("test", include_str!("../../stdlib/test.pipe")),
    ("deploy", include_str!("../../stdlib/deploy.pipe")),
    ("approval", include_str!("../../stdlib/approval.pipe")),
    ("invoke", include_str!("../../stdlib/invoke.pipe")),
    ("compute", include_str!("../../stdlib/compute.pipe")),
    ("rule", include_str!("../../stdlib/rule.pipe")),
];

/// The library's modules: name, id and text, in a fixed order.
pub fn modules() -> impl Iterator<Item = (&'static str, FileId, &'static str)> {
    TEXTS
        .iter()
        .enumerate()
        .map(|(at, &(name, text))| (name, id_of(at), text))
}

/// The library's file with this id. Made on first use: only a report that points into the library pays for it.
pub fn file(id: FileId) -> Option<&'static SourceFile> {
    static FILES: [OnceLock<SourceFile>; TEXTS.len()] = [const { OnceLock::new() }; TEXTS.len()];
    let at = (u32::MAX - id.0) as usize;
    let &(name, text) = TEXTS.get(at)?;
    Some(FILES[at].get_or_init(|| SourceFile {
        id,
        name: format!("<stdlib/{name}.pipe>"),
        path: None,
        text: text.into(),
        line_index: OnceLock::new(),
        pointers: None,
    }))
}

fn id_of(at: usize) -> FileId {
    FileId(u32::MAX - at as u32)
}
