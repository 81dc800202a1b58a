//! What a document is while it is laid out: a stack of things still to be written, which the measuring reads too.

use super::doc::{Doc, Row, Rows};

/// Whether a document stands in one line or may be broken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Flat,
    Broken,
}

/// What is still to be written.
#[derive(Clone, Copy)]
pub(super) enum Cmd<'d, 'a> {
    Doc(&'d Doc<'a>, usize, Mode),
    /// The rest of a sequence.
    Slice(&'d [Doc<'a>], usize, Mode),
    FlatRows(&'d [Row<'a>]),
    BrokenRows(RowsAt<'d, 'a>),
    Text(&'a str),
    Blanks(usize),
    /// What follows takes no room in the line.
    LineEnds,
}

/// Broken rows, some of which have been written.
#[derive(Clone, Copy)]
pub(super) struct RowsAt<'d, 'a> {
    pub(super) rows: &'d Rows<'a>,
    pub(super) next: usize,
    pub(super) indent: usize,
    /// The keys of the rows before this one are padded to `key_width`.
    pub(super) run_end: usize,
    pub(super) key_width: usize,
}

/// Puts the first of `rows`, flat, on the stack above the others.
pub(super) fn push_flat_row<'d, 'a>(stack: &mut Vec<Cmd<'d, 'a>>, rows: &'d [Row<'a>]) {
    let Some((row, rest)) = rows.split_first() else {
        return;
    };
    stack.push(Cmd::FlatRows(rest));
    if !rest.is_empty() {
        stack.push(Cmd::Text(", "));
    }
    stack.push(Cmd::Doc(&row.trail, 0, Mode::Flat));
    if !row.trail.is_nil() {
        stack.push(Cmd::Text(" "));
    }
    stack.push(Cmd::Doc(&row.body, 0, Mode::Flat));
    if let Some(key) = row.key {
        stack.push(Cmd::Text(" = "));
        stack.push(Cmd::Text(key));
    }
    stack.push(Cmd::Doc(&row.lead, 0, Mode::Flat));
}
