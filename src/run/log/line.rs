//! A line of an action's output, as people can be shown it.

use std::borrow::Cow;

use crate::run::units::grouped;

/// Longer lines are cut in reports and views; the file has them whole.
const LINE_LENGTH: usize = 400;
/// Of longer lines only so much is looked at: they would fill the memory.
const MOST_BYTES: usize = LINE_LENGTH * 4;
/// A line with fewer characters that cannot be shown is text with something wrong in it.
const LEAST_BINARY: usize = 4;

/// A line as it comes, of which only what would stand on a terminal is kept: a carriage return begins it anew.
#[derive(Default)]
pub(super) struct Line {
    /// The beginning of what stands behind the last carriage return.
    bytes: Vec<u8>,
    /// A carriage return came last: what comes next stands over `bytes`.
    is_returned: bool,
    /// How much has come, also of what was overwritten.
    length: usize,
}

impl Line {
    /// Goes on with it.
    pub(super) fn push(&mut self, text: &[u8]) {
        self.length += text.len();
        let whole = before_returns(text);
        if !whole.is_empty() {
            let last = behind_return(whole);
            if self.is_returned || last.len() < whole.len() {
                self.bytes.clear();
            }
            let room = MOST_BYTES.saturating_sub(self.bytes.len());
            self.bytes.extend_from_slice(&last[..last.len().min(room)]);
        }
        self.is_returned = whole.len() < text.len() || self.is_returned && whole.is_empty();
    }

    /// Whether nothing would be seen of it.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// As it is now.
    pub(super) fn shown(&self) -> Shown<'_> {
        Shown::of(&self.bytes, self.length)
    }

    /// As it is at its end; the next one begins.
    pub(super) fn end(&mut self) -> Shown<'static> {
        let shown = self.shown().into_owned();
        self.clear();
        shown
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.is_returned = false;
        self.length = 0;
    }
}

/// What people are shown of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown<'a> {
    Text(Cow<'a, str>),
    /// Text with something in it that is none, of so many bytes: behind bytes that are no text it is more of them.
    Damaged(String, usize),
    /// So many bytes that are no text.
    Binary(usize),
}

impl<'a> Shown<'a> {
    /// A whole line.
    pub(super) fn line(bytes: &'a [u8]) -> Self {
        // All of them are looked at, which is faster than to stop at the first: this is what most lines are like.
        let is_plain = bytes.len() <= LINE_LENGTH
            && bytes
                .iter()
                .fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'));
        if is_plain && let Ok(text) = std::str::from_utf8(bytes) {
            return Self::Text(text.into());
        }
        Self::of(behind_return(before_returns(bytes)), bytes.len())
    }

    /// A line of so many bytes, of which these are on top.
    fn of(bytes: &'a [u8], length: usize) -> Self {
        let bytes = &bytes[..bytes.len().min(MOST_BYTES)];
        let text = String::from_utf8_lossy(bytes);
        if is_binary(&text) {
            return Self::Binary(length);
        }
        let mut text = readable(&text);
        if let Some((at, _)) = text.char_indices().nth(LINE_LENGTH) {
            text.truncate(at);
            text.push('…');
        }
        match text.contains(char::REPLACEMENT_CHARACTER) {
            true => Self::Damaged(text, length),
            false => Self::Text(text.into()),
        }
    }

    pub(super) fn into_owned(self) -> Shown<'static> {
        match self {
            Self::Text(text) => Shown::Text(text.into_owned().into()),
            Self::Damaged(text, length) => Shown::Damaged(text, length),
            Self::Binary(length) => Shown::Binary(length),
        }
    }

    /// Takes in the line below with the newline between them, if both are no text; whether it did.
    pub(super) fn join(&mut self, below: &Shown<'_>) -> bool {
        match (self, below) {
            (Self::Binary(length), Shown::Binary(more) | Shown::Damaged(_, more)) => {
                *length += 1 + more;
                true
            }
            _ => false,
        }
    }

    pub(super) fn words(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Damaged(text, _) => Cow::Borrowed(text),
            Self::Binary(length) => format!("({} bytes of binary output)", grouped(*length)).into(),
        }
    }
}

/// What would stand there but for the carriage returns at the end: one before a line's end belongs to that.
fn before_returns(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| byte != b'\r').map_or(0, |at| at + 1);
    &bytes[..end]
}

/// What stands behind the last carriage return.
fn behind_return(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().rposition(|&byte| byte == b'\r').map_or(0, |at| at + 1);
    &bytes[start..]
}

/// Whether more than a few of its characters, and more than three of ten, cannot be shown.
fn is_binary(text: &str) -> bool {
    let is_odd =
        |c: &char| *c == char::REPLACEMENT_CHARACTER || c.is_control() && !matches!(c, '\t' | '\u{8}' | '\u{1b}');
    let odd = text.chars().filter(is_odd).count();
    odd >= LEAST_BINARY && odd * 10 > text.chars().count() * 3
}

/// Without escape sequences and other control characters, which could do anything to a terminal.
fn readable(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                Some(']') => while chars.next().is_some_and(|c| c != '\u{7}' && c != '\u{1b}') {},
                _ => {}
            },
            '\t' => out.push_str("    "),
            c if c.is_control() || turns_around(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// Whether it changes the direction of what follows, also of what is not the action's.
fn turns_around(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{Line, Shown};

    fn shown(bytes: &[u8]) -> String {
        Shown::line(bytes).words().into_owned()
    }

    #[test]
    fn lines_are_readable() {
        assert_eq!(shown(b"10%\r50%\rdone\r"), "done");
        assert_eq!(shown(b"\x1b[1;31merror\x1b[0m: \x1b]0;title\x07x\x08"), "error: x");
        assert_eq!(shown("a\u{202e}b\u{2066}c".as_bytes()), "abc");
        assert_eq!(shown(b"bad \xff byte"), "bad \u{fffd} byte");
        assert_eq!(shown("ä".repeat(500).as_bytes()).chars().count(), 401);
    }

    #[test]
    fn what_is_no_text_is_counted() {
        assert_eq!(shown(b"\x00\x01\xfe\xff\x80\x81PK"), "(8 bytes of binary output)");
        assert_eq!(shown(&b"\xc0\x9f\x02k".repeat(3000)), "(12,000 bytes of binary output)");
        assert_eq!(shown(b"Gr\xf6\xdfe"), "Gr\u{fffd}\u{fffd}e");
        assert_eq!(shown(b"./a\0./b\0./c\0./d\0./e\0"), "./a./b./c./d./e");
    }

    #[test]
    fn lines_that_are_no_text_are_one() {
        let mut lines: Vec<Shown<'_>> = Vec::new();
        for bytes in [&b"a\xff"[..], b"\0\x01\xfe\xff", b"\xff", b"\0\x01\xfe\xff", b"end"] {
            let line = Shown::line(bytes);
            if !lines.last_mut().is_some_and(|last| last.join(&line)) {
                lines.push(line);
            }
        }
        let words: Vec<_> = lines.iter().map(Shown::words).collect();
        assert_eq!(words, ["a\u{fffd}", "(11 bytes of binary output)", "end"]);
    }

    /// However it comes, in one piece or in many.
    #[test]
    fn a_line_is_what_stands_behind_its_last_return() {
        let parts: String = (1..=1000)
            .map(|part| format!("\ruploading part {part} of 1000"))
            .collect();
        for (printed, seen) in [
            ("10%\r50%\rdone\r", "done".to_owned()),
            ("\r\r10%\r\r", "10%".to_owned()),
            ("10%\r   \r", "   ".to_owned()),
            ("10%\r\u{1b}[K\r", String::new()),
            (
                &format!("{parts}\rERROR: the disk is full"),
                "ERROR: the disk is full".to_owned(),
            ),
            (&parts, "uploading part 1000 of 1000".to_owned()),
            (&format!("50%\r{}", "x".repeat(5000)), format!("{}…", "x".repeat(400))),
            ("\r", String::new()),
        ] {
            assert_eq!(shown(printed.as_bytes()), seen);
            for size in [1, 2, 3, 7, 64] {
                let mut line = Line::default();
                for piece in printed.as_bytes().chunks(size) {
                    line.push(piece);
                }
                assert_eq!(line.shown().words(), seen, "in pieces of {size}");
                assert_eq!(line.end().words(), seen);
                assert!(line.is_empty());
            }
        }
    }

    #[test]
    fn a_return_can_be_the_last_of_a_piece() {
        let mut line = Line::default();
        let mut seen = Vec::new();
        for piece in ["10%\r", "50", "%", "\r", "\r", "ok\r"] {
            line.push(piece.as_bytes());
            seen.push(line.shown().words().into_owned());
        }
        assert_eq!(seen, ["10%", "50", "50%", "50%", "50%", "ok"]);
    }
}
