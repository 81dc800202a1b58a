//! Writes a document: what is flat, what is broken, and where each line begins.

use super::cmd::{Cmd, Mode, RowsAt, push_flat_row};
use super::doc::{Doc, INDENT, WIDTH, width};
use super::measure::{Room, Taken, aligned_run};

/// Writes `doc` to the end of `out`, which is empty or ends in a line break.
pub(super) fn render(doc: &Doc, out: &mut String) {
    let mut layout = Layout {
        out,
        column: 0,
        indent: 0,
        stack: vec![Cmd::Doc(doc, 0, Mode::Broken)],
    };
    while let Some(cmd) = layout.stack.pop() {
        layout.step(cmd);
    }
}

struct Layout<'o, 'd, 'a> {
    out: &'o mut String,
    column: usize,
    /// Blanks owed to the line that has just been begun, so that an empty one gets none.
    indent: usize,
    stack: Vec<Cmd<'d, 'a>>,
}

impl<'d, 'a> Layout<'_, 'd, 'a> {
    fn step(&mut self, cmd: Cmd<'d, 'a>) {
        match cmd {
            Cmd::Doc(doc, indent, mode) => self.doc(doc, indent, mode),
            Cmd::Slice(docs, indent, mode) => {
                if let Some((first, rest)) = docs.split_first() {
                    self.stack.push(Cmd::Slice(rest, indent, mode));
                    self.stack.push(Cmd::Doc(first, indent, mode));
                }
            }
            Cmd::FlatRows(rows) => push_flat_row(&mut self.stack, rows),
            Cmd::BrokenRows(at) => self.broken_row(at),
            Cmd::Text(text) => self.text(text),
            Cmd::Blanks(count) => self.blanks(count),
            Cmd::LineEnds => {}
        }
    }

    fn doc(&mut self, doc: &'d Doc<'a>, indent: usize, mode: Mode) {
        match doc {
            Doc::Nil | Doc::Force => {}
            Doc::Text(text) | Doc::Suffix(text) => self.text(text),
            Doc::Raw(text) => {
                self.text(text);
                if let Some((_, last)) = text.rsplit_once('\n') {
                    self.column = width(last);
                }
            }
            Doc::Indented(lines) => {
                for (at, line) in lines.iter().enumerate() {
                    if at > 0 {
                        self.out.push('\n');
                        self.column = 0;
                        self.indent = indent;
                    }
                    self.text(line);
                }
            }
            Doc::Line if mode == Mode::Flat => self.text(" "),
            Doc::Soft if mode == Mode::Flat => {}
            Doc::Line | Doc::Soft | Doc::Hard => self.newline(indent),
            Doc::Nest(inner) => self.stack.push(Cmd::Doc(inner, indent + INDENT, mode)),
            Doc::Group(inner) => {
                let is_flat = mode == Mode::Flat || self.fits(inner);
                let mode = if is_flat { Mode::Flat } else { Mode::Broken };
                self.stack.push(Cmd::Doc(inner, indent, mode));
            }
            Doc::Concat(docs) => self.stack.push(Cmd::Slice(docs, indent, mode)),
            Doc::Rows(rows) if mode == Mode::Flat => self.stack.push(Cmd::FlatRows(&rows.rows)),
            Doc::Rows(rows) => self.stack.push(Cmd::BrokenRows(RowsAt {
                rows,
                next: 0,
                indent,
                run_end: 0,
                key_width: 0,
            })),
        }
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let indent = std::mem::take(&mut self.indent);
        self.blanks(indent);
        self.out.push_str(text);
        self.column += width(text);
    }

    fn blanks(&mut self, count: usize) {
        self.out.extend(std::iter::repeat_n(' ', count));
        self.column += count;
    }

    fn newline(&mut self, indent: usize) {
        let kept = self.out.trim_end_matches(' ').len();
        self.out.truncate(kept);
        self.out.push('\n');
        self.column = 0;
        self.indent = indent;
    }

    /// Writes the next row of `at`, and puts back what is left of them.
    fn broken_row(&mut self, mut at: RowsAt<'d, 'a>) {
        let Some(row) = at.rows.rows.get(at.next) else {
            return;
        };
        if at.next > 0 {
            self.newline(at.indent);
            if row.blank {
                self.newline(at.indent);
            }
        }
        if at.next >= at.run_end {
            (at.run_end, at.key_width) = aligned_run(&at.rows.rows, at.next, at.indent);
        }
        at.next += 1;
        let indent = at.indent;
        self.stack.push(Cmd::BrokenRows(at));
        self.stack.push(Cmd::Doc(&row.trail, indent, Mode::Broken));
        if !row.trail.is_nil() {
            self.stack.push(Cmd::Text("  "));
        }
        self.stack.push(Cmd::LineEnds);
        if at.rows.commas && !row.bare {
            self.stack.push(Cmd::Text(","));
        }
        self.stack.push(Cmd::Doc(&row.body, indent, Mode::Broken));
        if let Some(key) = row.key {
            self.stack.push(Cmd::Text(" = "));
            self.stack.push(Cmd::Blanks(at.key_width.saturating_sub(width(key))));
            self.stack.push(Cmd::Text(key));
        }
        self.stack.push(Cmd::Doc(&row.lead, indent, Mode::Broken));
    }

    /// Whether `doc`, flat, fits in the line together with what follows up to the next place where that may break.
    fn fits(&self, doc: &'d Doc<'a>) -> bool {
        let mut room = Room::new(WIDTH.checked_sub(self.column + self.indent));
        let mut scan = vec![Cmd::Doc(doc, 0, Mode::Flat)];
        let mut behind = self.stack.iter().rev();
        while room.is_left() {
            // Whatever is behind a group that may break is broken itself, or it would have been written flat as a whole.
            let Some(cmd) = scan.pop().or_else(|| behind.next().copied()) else {
                return true;
            };
            match room.take(cmd, &mut scan) {
                Taken::Text => {}
                Taken::LineEnd => return true,
                Taken::NeverFlat => return false,
            }
        }
        false
    }
}
