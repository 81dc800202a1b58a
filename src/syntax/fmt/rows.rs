//! Brackets and their entries.

use super::doc::{Row, Rows};
use super::{Doc, Printer};

/// How a pair of brackets looks.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) open: &'static str,
    pub(super) close: &'static str,
    /// Flat, a blank stands inside of the brackets.
    pub(super) padded: bool,
    /// Broken, each entry ends in a comma.
    pub(super) commas: bool,
}

/// `{ a = 1, b = 2 }`: blocks, records, record types.
pub(super) const BRACES: Style = Style {
    open: "{",
    close: "}",
    padded: true,
    commas: false,
};

/// `[a, b]`
pub(super) const BRACKETS: Style = Style {
    open: "[",
    close: "]",
    padded: false,
    commas: true,
};

/// `(a, b)`
pub(super) const PARENS: Style = Style {
    open: "(",
    close: ")",
    padded: false,
    commas: true,
};

/// An entry: what is left of an `=` that may be aligned, and the rest.
pub(super) struct Entry<'a> {
    pub(super) key: Option<&'a str>,
    pub(super) body: Doc<'a>,
}

impl<'a> From<Doc<'a>> for Entry<'a> {
    fn from(body: Doc<'a>) -> Self {
        Self { key: None, body }
    }
}

impl<'a> Printer<'a> {
    /// A pair of brackets with `entries` in it, which the caller puts into a group; `broken` breaks it anyway.
    pub(super) fn brackets<T>(
        &mut self,
        style: Style,
        broken: bool,
        entries: &'a [T],
        mut entry: impl FnMut(&mut Self, &'a T) -> Entry<'a>,
    ) -> Doc<'a> {
        let mut docs = Vec::new();
        self.glue(&mut docs, style.open);
        let open_trail = self.trail_of_open();
        let mut rows = Vec::with_capacity(entries.len());
        for node in entries {
            let (blank, lead) = self.lead();
            let Entry { key, body } = entry(self, node);
            rows.push(self.row(blank, lead, key, body));
        }
        self.eat_commas();
        if self.has_comments() {
            rows.push(self.bare_row());
        }
        let edge = || match (broken, style.padded) {
            (true, _) => Doc::Hard,
            (false, true) => Doc::Line,
            (false, false) => Doc::Soft,
        };
        let has_trail = !open_trail.is_nil();
        if has_trail {
            docs.extend([Doc::Text("  "), open_trail]);
        }
        if !rows.is_empty() {
            let rows = Doc::Rows(Box::new(Rows {
                rows,
                commas: style.commas,
            }));
            docs.extend([Doc::Concat(vec![edge(), rows]).nest(), edge()]);
        } else if has_trail {
            docs.push(Doc::Hard);
        }
        self.glue(&mut docs, style.close);
        Doc::Concat(docs)
    }

    /// Finishes an entry: the comma behind it, and the comments that end its line.
    pub(super) fn row(&mut self, blank: bool, lead: Doc<'a>, key: Option<&'a str>, body: Doc<'a>) -> Row<'a> {
        self.eat_commas();
        let trail = self.trail();
        Row {
            blank,
            lead,
            key,
            body,
            trail,
            bare: false,
        }
    }

    /// The comments before a closing bracket, or the end of the file; there must be one.
    pub(super) fn bare_row(&mut self) -> Row<'a> {
        let (blank, lead) = self.dangling();
        Row {
            blank,
            lead,
            key: None,
            body: Doc::Nil,
            trail: Doc::Nil,
            bare: true,
        }
    }
}
