//! An action's log: what it prints, masked, to a file, and line by line to the view.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::event::ActionName;
use super::files::unwritten;
use super::secrets::{Masker, Secrets};
use super::view::Screen;

/// How many last lines are kept for the report of a failure.
const TAIL_LINES: usize = 20;
/// Longer lines are cut in reports and views; the file has them whole.
const LINE_LENGTH: usize = 400;
/// Of longer lines only so much is looked at: they would fill the memory.
const MOST_BYTES: usize = LINE_LENGTH * 4;

pub struct Log {
    path: PathBuf,
    /// Made when the first byte comes: an action that prints nothing leaves no file.
    file: Option<File>,
    failed: Option<io::Error>,
    secrets: Arc<Secrets>,
    masker: Masker,
    screen: Arc<Screen>,
    name: ActionName,
    line: Vec<u8>,
    tail: VecDeque<String>,
    masked: Vec<u8>,
    announced: Option<String>,
}

impl Log {
    pub fn new(path: PathBuf, name: ActionName, secrets: Arc<Secrets>, screen: Arc<Screen>) -> Self {
        Self {
            path,
            file: None,
            failed: None,
            secrets,
            masker: Masker::default(),
            screen,
            name,
            line: Vec::new(),
            tail: VecDeque::new(),
            masked: Vec::new(),
            announced: None,
        }
    }

    /// A line to stand before the first output: an action that prints nothing needs no log.
    pub fn announce(&mut self, text: String) {
        self.announced = Some(text);
    }

    /// Takes in what the action printed.
    pub fn write(&mut self, bytes: &[u8]) {
        if let Some(text) = self.announced.take() {
            self.say(&text);
        }
        let mut masked = std::mem::take(&mut self.masked);
        self.masker.push(&self.secrets, bytes, &mut masked);
        self.emit(&masked);
        masked.clear();
        self.masked = masked;
    }

    /// A line of ours among the action's own.
    pub fn say(&mut self, text: &str) {
        if !self.line.is_empty() {
            self.write(b"\n");
        }
        self.write(text.as_bytes());
        self.write(b"\n");
    }

    /// Shows what was held back. Fails if something could not be written: a log with a gap must not look whole.
    pub fn finish(&mut self) -> io::Result<()> {
        let mut rest = Vec::new();
        self.masker.finish(&self.secrets, &mut rest);
        self.emit(&rest);
        if !self.line.is_empty() {
            let last = self.end_line();
            self.show(&[last]);
        }
        match self.failed.take() {
            Some(error) => Err(unwritten(&self.path, error)),
            None => Ok(()),
        }
    }

    pub fn tail(&self) -> Vec<String> {
        self.tail.iter().cloned().collect()
    }

    fn emit(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.failed.is_none() {
            self.failed = self.write_file(bytes).err();
        }
        let mut lines = Vec::new();
        for part in self
            .without_what_nobody_sees(bytes)
            .split_inclusive(|&byte| byte == b'\n')
        {
            match part.strip_suffix(b"\n") {
                Some(text) if self.line.is_empty() => lines.push(readable(text)),
                Some(text) => {
                    self.go_on(text);
                    lines.push(self.end_line());
                }
                None => self.go_on(part),
            }
        }
        self.show(&lines);
    }

    /// The last lines of `bytes`, if the lines before them would be dropped again.
    fn without_what_nobody_sees<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        if self.screen.shows_every_line() {
            return bytes;
        }
        let mut ends = (0..bytes.len()).rev().filter(|&at| bytes[at] == b'\n');
        match ends.nth(TAIL_LINES) {
            Some(before) => {
                self.line.clear();
                &bytes[before + 1..]
            }
            None => bytes,
        }
    }

    fn write_file(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)?;
            }
            self.file = Some(File::options().create(true).append(true).open(&self.path)?);
        }
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(bytes))
    }

    /// Goes on with a line that has not ended.
    fn go_on(&mut self, text: &[u8]) {
        let room = MOST_BYTES.saturating_sub(self.line.len());
        self.line.extend_from_slice(&text[..text.len().min(room)]);
    }

    fn end_line(&mut self) -> Cow<'static, str> {
        let line = readable(&self.line).into_owned();
        self.line.clear();
        line.into()
    }

    fn show(&mut self, lines: &[Cow<'_, str>]) {
        if lines.is_empty() {
            return;
        }
        self.screen.output(&self.name, lines);
        for line in &lines[lines.len().saturating_sub(TAIL_LINES)..] {
            if self.tail.len() == TAIL_LINES {
                self.tail.pop_front();
            }
            self.tail.push_back(line.to_string());
        }
    }
}

/// A line as people can be shown it: what a progress bar overwrote is dropped, and so are escape sequences and other control
/// characters, which could do anything to a terminal.
fn readable(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = &bytes[..bytes.len().min(MOST_BYTES)];
    // All of them are looked at, which is faster than to stop at the first: this is what most lines are like.
    let is_plain = bytes
        .iter()
        .fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'));
    if is_plain
        && bytes.len() <= LINE_LENGTH
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return text.into();
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches('\r');
    let last = text.rsplit('\r').next().unwrap_or(text);
    let mut out = String::new();
    let mut chars = last.chars().peekable();
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
    match out.char_indices().nth(LINE_LENGTH) {
        Some((at, _)) => format!("{}…", &out[..at]).into(),
        None => out.into(),
    }
}

/// Whether it changes the direction of what follows, also of what is not the action's.
fn turns_around(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn lines_are_readable() {
        assert_eq!(readable(b"10%\r50%\rdone\r"), "done");
        assert_eq!(readable(b"\x1b[1;31merror\x1b[0m: \x1b]0;title\x07x\x08"), "error: x");
        assert_eq!(readable("a\u{202e}b\u{2066}c".as_bytes()), "abc");
        assert_eq!(readable(b"bad \xff byte"), "bad \u{fffd} byte");
        assert_eq!(readable("ä".repeat(500).as_bytes()).chars().count(), 401);
    }
}
