//! What fits in a line, and whose `=` are aligned.

use super::cmd::{Cmd, Mode, push_flat_row};
use super::doc::{Doc, Row, WIDTH, width};

/// What is left of a line while something is tried in it.
pub(super) struct Room {
    /// None: too little.
    left: Option<usize>,
    /// Something was tried that could have been broken.
    is_breakable: bool,
}

pub(super) enum Taken {
    Text,
    LineEnd,
    NeverFlat,
}

impl Room {
    pub(super) fn new(left: Option<usize>) -> Self {
        Self {
            left,
            is_breakable: false,
        }
    }

    pub(super) fn is_left(&self) -> bool {
        self.left.is_some()
    }

    fn take_columns(&mut self, count: usize) -> Taken {
        self.left = self.left.and_then(|left| left.checked_sub(count));
        Taken::Text
    }

    /// Takes the room for `cmd`, or puts its parts on `scan`.
    pub(super) fn take<'d, 'a>(&mut self, cmd: Cmd<'d, 'a>, scan: &mut Vec<Cmd<'d, 'a>>) -> Taken {
        match cmd {
            Cmd::Doc(doc, _, mode) => return self.take_doc(doc, mode, scan),
            Cmd::Slice(docs, _, mode) => {
                if let Some((first, rest)) = docs.split_first() {
                    scan.push(Cmd::Slice(rest, 0, mode));
                    scan.push(Cmd::Doc(first, 0, mode));
                }
            }
            Cmd::FlatRows(rows) => push_flat_row(scan, rows),
            Cmd::Text(text) => return self.take_columns(width(text)),
            Cmd::Blanks(count) => return self.take_columns(count),
            Cmd::BrokenRows(_) | Cmd::LineEnds => return Taken::LineEnd,
        }
        Taken::Text
    }

    fn take_doc<'d, 'a>(&mut self, doc: &'d Doc<'a>, mode: Mode, scan: &mut Vec<Cmd<'d, 'a>>) -> Taken {
        match doc {
            Doc::Nil | Doc::Suffix(_) => {}
            Doc::Text(text) => return self.take_columns(width(text)),
            Doc::Raw(text) if !text.contains('\n') => return self.take_columns(width(text)),
            Doc::Force if mode == Mode::Broken => {}
            Doc::Raw(_) | Doc::Indented(_) | Doc::Hard | Doc::Force if mode == Mode::Flat => return Taken::NeverFlat,
            Doc::Raw(_) | Doc::Indented(_) | Doc::Hard | Doc::Force => return Taken::LineEnd,
            Doc::Line | Doc::Soft if mode == Mode::Broken => return Taken::LineEnd,
            Doc::Line => {
                self.is_breakable = true;
                return self.take_columns(1);
            }
            Doc::Soft => self.is_breakable = true,
            Doc::Nest(inner) | Doc::Group(inner) => scan.push(Cmd::Doc(inner, 0, mode)),
            Doc::Concat(docs) => scan.push(Cmd::Slice(docs, 0, mode)),
            Doc::Rows(_) if mode == Mode::Broken => return Taken::LineEnd,
            Doc::Rows(rows) => scan.push(Cmd::FlatRows(&rows.rows)),
        }
        Taken::Text
    }
}

/// How a field's value stands behind its `=`.
enum Value {
    /// On one line, whatever its width, since it has no place to break.
    Rigid,
    /// On one line of this width.
    OneLine(usize),
    Broken,
}

/// How a row's value stands if nothing but its key is before it in its line.
fn value_of(row: &Row, indent: usize) -> Value {
    let Some(key) = row.key else {
        return Value::Broken;
    };
    let mut room = Room::new(Some(usize::MAX));
    let used = |room: &Room| usize::MAX - room.left.unwrap_or(0);
    let limit = WIDTH.saturating_sub(indent + width(key) + " = ".len());
    let mut scan = vec![Cmd::Doc(&row.body, 0, Mode::Flat)];
    while let Some(cmd) = scan.pop() {
        if let Taken::NeverFlat = room.take(cmd, &mut scan) {
            return Value::Broken;
        }
        if room.is_breakable && used(&room) > limit {
            return Value::Broken;
        }
    }
    if room.is_breakable {
        Value::OneLine(used(&room))
    } else {
        Value::Rigid
    }
}

/// The rows from `start` on whose `=` are aligned: where they end, and the width of their widest key.
///
/// The decision hangs on nothing but what the rows would be on one line each, so it is the same for its own result.
pub(super) fn aligned_run(rows: &[Row], start: usize, indent: usize) -> (usize, usize) {
    let mut end = start;
    let mut widest_key = 0;
    let mut widest_value = 0;
    while let Some(row) = rows.get(end)
        && (end == start || row.continues_run())
        && !row.is_indented_by_comment()
    {
        let value = match value_of(row, indent) {
            Value::Rigid => 0,
            Value::OneLine(width) => width,
            Value::Broken => break,
        };
        let key = widest_key.max(row.key.map_or(0, width));
        let value = widest_value.max(value);
        // Whom the alignment would push over the edge starts a run of its own.
        if end > start && indent + key + " = ".len() + value > WIDTH {
            break;
        }
        (widest_key, widest_value) = (key, value);
        end += 1;
    }
    (end.max(start + 1), widest_key)
}
