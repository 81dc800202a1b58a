//! A small document algebra after Wadler, "A prettier printer": what the text is made of, and where it may break.
//!
//! A [`Doc`] is laid out either *flat*, all on one line, or *broken*. [`Doc::Group`] is the unit of that choice: it is flat
//! if it fits in what is left of the line together with what must follow it there. Two pieces go beyond the paper:
//! [`Doc::Force`], which no flat text can hold, and [`Rows`], the entries of a pair of brackets, whose `=` are aligned.
//!
//! Layout takes time and space linear in the text: whether a group fits is decided after at most [`WIDTH`] columns.

use std::borrow::Cow;

/// The widest line that is written if there is a choice.
pub(super) const WIDTH: usize = 100;

/// How far a level is indented.
pub(super) const INDENT: usize = 2;

pub(super) enum Doc<'a> {
    Nil,
    /// Text without a line break.
    Text(&'a str),
    /// A comment that ends its line, and so takes no room on it: the line breaks as if it were not there.
    Suffix(&'a str),
    /// Lines that are written as they are, the first one where we stand.
    Raw(Cow<'a, str>),
    /// Lines of which all but the first are indented by as much as the current level; empty ones are not.
    Indented(Vec<&'a str>),
    /// A blank if flat, else a line break.
    Line,
    /// Nothing if flat, else a line break.
    Soft,
    /// A line break, whatever the group wants.
    Hard,
    /// Nothing, but a group that holds it is broken.
    Force,
    /// One level deeper.
    Nest(Box<Doc<'a>>),
    Group(Box<Doc<'a>>),
    Concat(Vec<Doc<'a>>),
    Rows(Box<Rows<'a>>),
}

/// The entries between two brackets. Flat, they are separated by commas; broken, each starts a line.
pub(super) struct Rows<'a> {
    pub(super) rows: Vec<Row<'a>>,
    /// Each row of broken brackets ends in a comma.
    pub(super) commas: bool,
}

/// One entry with the comments before and behind it.
pub(super) struct Row<'a> {
    /// A blank line stands above.
    pub(super) blank: bool,
    /// Comments above, or before it in its line, each with what separates it from the next thing.
    pub(super) lead: Doc<'a>,
    /// What stands before the `=` that is aligned with that of the neighbours; `body` is what stands behind it.
    pub(super) key: Option<&'a str>,
    pub(super) body: Doc<'a>,
    /// Comments that end the entry's line.
    pub(super) trail: Doc<'a>,
    /// Only comments: no comma follows.
    pub(super) bare: bool,
}

impl<'a> Doc<'a> {
    pub(super) fn group(self) -> Self {
        Self::Group(Box::new(self))
    }

    pub(super) fn nest(self) -> Self {
        Self::Nest(Box::new(self))
    }

    pub(super) fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }
}

impl Row<'_> {
    /// Whether a comment is before it in its own line.
    pub(super) fn is_indented_by_comment(&self) -> bool {
        matches!(&self.lead, Doc::Concat(docs) if !matches!(docs.last(), Some(Doc::Hard)))
    }

    /// Has an `=` to align, and stands right below its neighbour.
    pub(super) fn continues_run(&self) -> bool {
        self.key.is_some() && !self.blank && self.lead.is_nil()
    }
}

/// The number of columns that `text` takes.
pub(super) fn width(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.chars().count()
    }
}
