//! What a report shows of one file: the lines its labels stand on and one around them, cut where they are too long.
//!
//! A report costs what it shows, however large the file is. Characters that would disturb a terminal are replaced, so
//! offsets in the excerpt differ from those in the file; [`Excerpt::new`] returns the labels' places in the excerpt.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::source::{SourceFile, Span};

/// Lines shown before and after a labelled one.
pub(super) const CONTEXT: usize = 1;
/// A label over more lines than this is drawn at its first line alone.
const TALLEST_LABEL: usize = 6;
/// The least that is shown on each side of a label on a line that is too long, in characters.
const LEAST_MARGIN: usize = 10;

/// Some of a file's lines, each ended by `\n`.
#[derive(Debug)]
pub(super) struct Excerpt {
    pub(super) text: String,
    /// Ascending; never empty.
    pub(super) lines: Vec<Line>,
}

#[derive(Debug)]
pub(super) struct Line {
    /// From 0, in the file.
    pub(super) number: usize,
    /// With its `\n`, in the excerpt.
    pub(super) range: Range<usize>,
    pieces: Vec<Piece>,
}

/// A stretch of a line and what became of it.
#[derive(Debug)]
struct Piece {
    from: Range<usize>,
    to: Range<usize>,
    verbatim: bool,
}

/// A label's place in the file, cut to what is drawn.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    end: usize,
    first_line: usize,
    last_line: usize,
}

impl Excerpt {
    /// The excerpt for labels at `spans`, with lines of about `width` characters at most, and the labels' places in it.
    pub(super) fn new(file: &SourceFile, spans: &[Span], width: usize) -> (Self, Vec<Range<usize>>) {
        let places: Vec<Place> = spans.iter().map(|&span| Place::new(file, span)).collect();
        let mut excerpt = Self {
            text: String::new(),
            lines: Vec::new(),
        };
        for number in shown_lines(file, &places) {
            excerpt.push_line(file, number, &places, width);
        }
        let ranges = places.iter().map(|place| excerpt.locate(place)).collect();
        (excerpt, ranges)
    }

    /// The lines that a range of the excerpt touches, as indices.
    pub(super) fn touched(&self, start: usize, end: usize) -> (usize, usize) {
        let index = |offset: usize| {
            let after = self.lines.partition_point(|line| line.range.start <= offset);
            after.saturating_sub(1)
        };
        (index(start), index(end.saturating_sub(1).max(start)))
    }

    fn push_line(&mut self, file: &SourceFile, number: usize, places: &[Place], width: usize) {
        let range = file.line_index().line_range(&file.text, number);
        let labels: Vec<Range<usize>> = places
            .iter()
            .filter(|place| (place.first_line..=place.last_line).contains(&number))
            .map(|place| place.start.max(range.start)..place.end.min(range.end))
            .collect();
        let start = self.text.len();
        let mut pieces = Vec::new();
        let mut at = range.start;
        for kept in kept_parts(&file.text, range.clone(), &labels, width) {
            self.elide(&mut pieces, at..kept.start);
            at = kept.end;
            self.copy(&mut pieces, &file.text, kept);
        }
        self.elide(&mut pieces, at..range.end);
        self.text.push('\n');
        let range = start..self.text.len();
        self.lines.push(Line { number, range, pieces });
    }

    fn elide(&mut self, pieces: &mut Vec<Piece>, from: Range<usize>) {
        if !from.is_empty() {
            self.replace(pieces, from, '…');
        }
    }

    fn copy(&mut self, pieces: &mut Vec<Piece>, text: &str, from: Range<usize>) {
        let mut start = from.start;
        for (at, c) in text[from.clone()].char_indices() {
            let at = from.start + at;
            if let Some(harmless) = harmless(c) {
                self.copy_verbatim(pieces, text, start..at);
                start = at + c.len_utf8();
                self.replace(pieces, at..start, harmless);
            }
        }
        self.copy_verbatim(pieces, text, start..from.end);
    }

    fn copy_verbatim(&mut self, pieces: &mut Vec<Piece>, text: &str, from: Range<usize>) {
        let start = self.text.len();
        self.text.push_str(&text[from.clone()]);
        pieces.push(Piece {
            from,
            to: start..self.text.len(),
            verbatim: true,
        });
    }

    fn replace(&mut self, pieces: &mut Vec<Piece>, from: Range<usize>, by: char) {
        let start = self.text.len();
        self.text.push(by);
        pieces.push(Piece {
            from,
            to: start..self.text.len(),
            verbatim: false,
        });
    }

    fn locate(&self, place: &Place) -> Range<usize> {
        let line = |number: usize| {
            let found = self.lines.iter().find(|line| line.number == number);
            found.expect("the lines of a label are in its excerpt")
        };
        let start = line(place.first_line).start_of(place.start);
        if place.start == place.end {
            return start..start;
        }
        start..line(place.last_line).end_of(place.end).max(start)
    }
}

impl Line {
    /// Where what stands at `offset` of the file begins in the excerpt.
    fn start_of(&self, offset: usize) -> usize {
        let piece = self.pieces.iter().find(|piece| piece.from.contains(&offset));
        piece.map_or(self.range.end - 1, |piece| match piece.verbatim {
            true => piece.to.start + (offset - piece.from.start),
            false => piece.to.start,
        })
    }

    /// Where what stands before `offset` of the file ends in the excerpt.
    fn end_of(&self, offset: usize) -> usize {
        let piece = self.pieces.iter().find(|piece| offset <= piece.from.end);
        piece.map_or(self.range.end - 1, |piece| match piece.verbatim {
            true => piece.to.start + offset.saturating_sub(piece.from.start),
            false => piece.to.end,
        })
    }
}

impl Place {
    fn new(file: &SourceFile, span: Span) -> Self {
        let text: &str = &file.text;
        let index = file.line_index();
        let start = boundary(text, span.start as usize);
        let mut end = boundary(text, span.end as usize).max(start);
        let first_line = index.line_of(start as u32);
        let mut last_line = index.line_of(end as u32);
        if last_line > first_line && index.line_range(text, last_line).start == end {
            // It ends with a line break: nothing of the next line is meant.
            last_line -= 1;
            end = index.line_range(text, last_line).end.max(start);
        }
        if last_line - first_line >= TALLEST_LABEL {
            last_line = first_line;
            end = index.line_range(text, first_line).end.max(start);
        }
        Self {
            start,
            end,
            first_line,
            last_line,
        }
    }
}

/// The character boundary at or before `offset`.
fn boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// The first and the last line, from 0, on which a label is drawn.
pub(super) fn drawn_lines(file: &SourceFile, span: Span) -> (usize, usize) {
    let place = Place::new(file, span);
    (place.first_line, place.last_line)
}

fn shown_lines(file: &SourceFile, places: &[Place]) -> BTreeSet<usize> {
    let index = file.line_index();
    let mut shown = BTreeSet::new();
    for place in places {
        shown.extend(place.first_line.saturating_sub(CONTEXT)..=place.last_line);
        let after = place.last_line + 1..(place.last_line + 1 + CONTEXT).min(index.line_count());
        // After the file's last line break there is no line that a reader would know of.
        shown.extend(after.filter(|&line| index.line_range(&file.text, line).start < file.text.len()));
    }
    shown
}

/// The parts of the line at `range` that are shown: all of it if it is short, else what surrounds the labels.
fn kept_parts(text: &str, range: Range<usize>, labels: &[Range<usize>], width: usize) -> Vec<Range<usize>> {
    let line = &text[range.clone()];
    if line.len() <= width || line.chars().count() <= width {
        return vec![range];
    }
    if labels.is_empty() {
        let head = range.start..forward(text, range.start, width, range.end);
        return vec![head];
    }
    let share = width / labels.len();
    let mut kept: Vec<Range<usize>> = Vec::new();
    for label in sorted(labels) {
        let length = text[label.clone()].chars().take(share).count();
        let margin = (share.saturating_sub(length) / 2).max(LEAST_MARGIN);
        let tail = forward(text, label.start, length, range.end);
        // What one side does not need, the other may have.
        let unused = |available: &str| margin - available.chars().take(margin).count();
        let start = backward(text, label.start, margin + unused(&text[tail..range.end]), range.start);
        let end = forward(text, tail, margin + unused(&text[range.start..label.start]), range.end);
        match kept.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => kept.push(start..end),
        }
    }
    kept
}

fn sorted(labels: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut labels = labels.to_vec();
    labels.sort_by_key(|label| (label.start, label.end));
    labels
}

/// `count` characters after `from`, at most `limit`.
fn forward(text: &str, from: usize, count: usize, limit: usize) -> usize {
    let rest = &text[from..limit];
    rest.char_indices().nth(count).map_or(limit, |(at, _)| from + at)
}

/// `count` characters before `from`, at least `limit`.
fn backward(text: &str, from: usize, count: usize, limit: usize) -> usize {
    let rest = &text[limit..from];
    match count {
        0 => from,
        _ => rest
            .char_indices()
            .rev()
            .nth(count - 1)
            .map_or(limit, |(at, _)| limit + at),
    }
}

/// What is drawn instead of a character that a terminal would obey: control characters as their pictures, those that
/// change the direction of text as a replacement character.
pub(super) fn harmless(c: char) -> Option<char> {
    match c {
        '\t' => None,
        '\0'..='\x1f' => char::from_u32(0x2400 + c as u32),
        '\x7f' => Some('\u{2421}'),
        '\u{80}'..='\u{9f}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some('\u{fffd}')
        }
        _ => None,
    }
}
