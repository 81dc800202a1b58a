//! Text without a grammar: where a line ends, where brackets close, what word stands somewhere.

use super::{MAX_NESTING, Parser, codes};
use crate::source::Span;

/// Where text that is no statement ends.
pub(super) struct Junk {
    pub(super) end: usize,
    /// The brace behind it that opens a block: the last thing on its line.
    pub(super) opens: Option<usize>,
}

/// What the scanner is inside of.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Bracket,
    Brace,
    Text,
    MultilineText,
}

/// Walks over text, minding strings and comments.
struct Scanner<'t> {
    bytes: &'t [u8],
    at: usize,
    inside: Vec<Inside>,
}

/// What the scanner has stepped over.
#[derive(PartialEq)]
enum Step {
    Open(u8),
    Close(u8),
    /// A closing bracket that closes nothing.
    StrayClose(u8),
    Newline,
    Comma,
    Other,
}

impl Scanner<'_> {
    fn is_in_text(&self) -> bool {
        matches!(self.inside.last(), Some(Inside::Text | Inside::MultilineText))
    }

    fn step(&mut self) -> Option<Step> {
        let byte = *self.bytes.get(self.at)?;
        let rest = &self.bytes[self.at..];
        self.at += 1;
        if self.is_in_text() {
            return Some(self.step_in_text(byte, rest));
        }
        Some(match byte {
            b'"' => {
                let multiline = rest.starts_with(b"\"\"\"");
                self.at += if multiline { 2 } else { 0 };
                self.inside
                    .push(if multiline { Inside::MultilineText } else { Inside::Text });
                Step::Other
            }
            b'/' if rest.starts_with(b"//") => {
                self.at += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len()) - 1;
                Step::Other
            }
            b'/' if rest.starts_with(b"/*") => {
                self.skip_comment();
                Step::Other
            }
            b'(' | b'[' => {
                self.inside.push(Inside::Bracket);
                Step::Open(byte)
            }
            b'{' => {
                self.inside.push(Inside::Brace);
                Step::Open(byte)
            }
            b')' | b']' | b'}' if self.inside.is_empty() => Step::StrayClose(byte),
            b')' | b']' | b'}' => {
                self.inside.pop();
                Step::Close(byte)
            }
            b'\n' => Step::Newline,
            b',' => Step::Comma,
            _ => Step::Other,
        })
    }

    fn step_in_text(&mut self, byte: u8, rest: &[u8]) -> Step {
        let multiline = self.inside.last() == Some(&Inside::MultilineText);
        match byte {
            b'\\' if rest.get(1).is_some_and(|&next| next != b'\n') => self.at += 1,
            b'$' if rest.starts_with(b"${") => {
                self.at += 1;
                self.inside.push(Inside::Brace);
                return Step::Open(b'$');
            }
            b'"' if !multiline => {
                self.inside.pop();
            }
            b'"' if rest.starts_with(b"\"\"\"") => {
                self.at += 2;
                self.inside.pop();
            }
            b'\n' if !multiline => {
                // It has no end: what it is inside of goes on here.
                self.inside.pop();
                return Step::Newline;
            }
            _ => {}
        }
        Step::Other
    }

    fn skip_comment(&mut self) {
        let mut depth = 1usize;
        self.at += 1;
        while depth > 0 && self.at < self.bytes.len() {
            let rest = &self.bytes[self.at..];
            if rest.starts_with(b"/*") {
                depth += 1;
                self.at += 2;
            } else if rest.starts_with(b"*/") {
                depth -= 1;
                self.at += 2;
            } else {
                self.at += 1;
            }
        }
    }
}

impl<'t> Parser<'t> {
    fn scanner(&self, at: usize) -> Scanner<'t> {
        Scanner {
            bytes: self.text.as_bytes(),
            at,
            inside: Vec::new(),
        }
    }

    /// The end of the text at `at` that cannot be read: before the end of its line, a comma, or a brace that closes a
    /// block; brackets that it opens are closed first.
    pub(super) fn junk_end(&self, at: usize) -> Junk {
        self.junk_end_or(at, |parser, behind_brace| parser.is_last_on_line(behind_brace))
    }

    /// As [`Self::junk_end`], where `opens` says whether a brace opens a block, given the place behind it.
    pub(super) fn junk_end_or(&self, at: usize, opens: impl Fn(&Self, usize) -> bool) -> Junk {
        let mut scanner = self.scanner(at);
        loop {
            let before = scanner.at;
            let junk = |end: usize| Junk { end, opens: None };
            match scanner.step() {
                None => return junk(self.text.len()),
                Some(Step::Open(b'{')) if scanner.inside.len() == 1 && opens(self, scanner.at) => {
                    return Junk {
                        end: before,
                        opens: Some(before),
                    };
                }
                Some(Step::Newline) if scanner.inside.is_empty() || self.statement_begins(scanner.at) => {
                    return junk(before);
                }
                Some(Step::Comma) if scanner.inside.is_empty() && before > at => return junk(before),
                Some(Step::StrayClose(b'}')) => return junk(before),
                Some(_) => {}
            }
        }
    }

    /// Does the line that begins at `at` look like a statement, a closing brace, or nothing?
    fn statement_begins(&self, at: usize) -> bool {
        let line = self.text[at..].trim_start_matches([' ', '\t']);
        let word = self.word_at(self.text.len() - line.len());
        let behind = line[word.len()..].trim_start_matches([' ', '\t']);
        let is_field = !word.is_empty() && behind.starts_with('=') && !behind.starts_with("==");
        is_field || line.starts_with(['}', '\n', '\r']) || super::recover::is_keyword(word)
    }

    /// Does nothing but a comment follow on the line?
    fn is_last_on_line(&self, at: usize) -> bool {
        let rest = self.text[at..].trim_start_matches([' ', '\t', '\r']);
        rest.is_empty() || rest.starts_with('\n') || rest.starts_with("//")
    }

    /// The word at an offset; empty if there is none.
    pub(super) fn word_at(&self, at: usize) -> &'t str {
        let text = self.text;
        let rest = &text[at..];
        if !rest.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_') {
            return "";
        }
        let end = rest
            .find(|char: char| !(char.is_ascii_alphanumeric() || char == '_' || char == '-'))
            .unwrap_or(rest.len());
        &rest[..end]
    }

    /// Where the line of `at` ends, its line break not included.
    pub(super) fn line_end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |end| at + end)
    }

    /// How far `at` is indented, if nothing but space stands before it on its line.
    pub(super) fn indentation(&self, at: usize) -> Option<usize> {
        let before = self.text[..at].trim_end_matches([' ', '\t']);
        (before.is_empty() || before.ends_with('\n')).then_some(at - before.len())
    }

    /// How far the line of `at` is indented.
    pub(super) fn line_indentation(&self, at: usize) -> usize {
        let start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let line = &self.text[start..at];
        line.len() - line.trim_start_matches([' ', '\t']).len()
    }

    /// The end of the text before `at`, without the space between.
    pub(super) fn text_end_before(&self, at: usize) -> usize {
        self.text[..at].trim_end_matches([' ', '\t', '\n', '\r']).len()
    }

    /// Reports a block comment that goes on to the end of the file because nothing ends it.
    pub(super) fn check_comment_end(&mut self, text: &str, span: Span) {
        if (span.end as usize) < self.text.len() {
            return;
        }
        let bytes = text.as_bytes();
        let mut depth = 0usize;
        let mut at = 0;
        while at + 1 < bytes.len() {
            match &bytes[at..at + 2] {
                b"/*" => {
                    depth += 1;
                    at += 2;
                }
                b"*/" => {
                    depth = depth.saturating_sub(1);
                    at += 2;
                }
                _ => at += 1,
            }
        }
        if depth > 0 {
            self.report_open_comment(span.start as usize);
        }
    }

    fn report_open_comment(&mut self, at: usize) {
        self.swallowed_rest = true;
        let opening = self.here(at, at + 2);
        self.report(&codes::UNTERMINATED_COMMENT, opening, "this comment is never ended")
            .help =
            Some("write `*/` where it ends; comments nest, so each `/*` inside needs one of its own".to_owned());
    }

    /// Skips a statement that is nested too deeply for pest, and gives the place to go on at: the next item of the file.
    pub(super) fn skip_deep(&mut self, at: usize) -> usize {
        let mut scanner = self.scanner(at);
        let mut deep = None;
        while scanner.step().is_some() {
            if scanner.inside.len() > MAX_NESTING {
                deep = Some(scanner.at - 1);
                break;
            }
        }
        let place = match deep {
            Some(deep) => {
                let deep = (0..=deep).rev().find(|&at| self.text.is_char_boundary(at)).unwrap_or(0);
                self.report_too_deep(self.here(deep, deep));
                deep
            }
            // Only comments nest without a limit: this one ends nowhere, or it would not have been too much.
            None => {
                self.report_too_deep(self.here(at, at));
                at
            }
        };
        self.lacks_braces = false;
        self.frames.clear();
        self.dropped_frames = 0;
        self.unseparated = None;
        let mut line = self.line_end(place);
        while line < self.text.len() {
            let word = self.word_at(line + 1);
            if super::recover::is_item_keyword(word) {
                return line + 1;
            }
            line = self.line_end(line + 1);
        }
        self.text.len()
    }
}
