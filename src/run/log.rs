//! An action's log: what it prints, masked, to a file, and line by line to the view.

mod line;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::event::ActionName;
use super::files::unwritten;
use super::secrets::{Masker, Secrets};
use super::view::Screen;
use line::{Line, Shown};

/// How many last lines are kept for the report of a failure.
const TAIL_LINES: usize = 20;

pub struct Log {
    path: PathBuf,
    /// Made when the first byte comes: an action that prints nothing leaves no file.
    file: Option<File>,
    failed: Option<io::Error>,
    secrets: Arc<Secrets>,
    masker: Masker,
    screen: Arc<Screen>,
    name: ActionName,
    line: Line,
    tail: VecDeque<Shown<'static>>,
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
            line: Line::default(),
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
            let last = self.line.end();
            self.show(vec![last]);
        }
        match self.failed.take() {
            Some(error) => Err(unwritten(&self.path, error)),
            None => Ok(()),
        }
    }

    pub fn tail(&self) -> Vec<String> {
        self.tail.iter().map(|line| line.words().into_owned()).collect()
    }

    fn emit(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.failed.is_none() {
            self.failed = self.write_file(bytes).err();
        }
        let mut lines: Vec<Shown<'_>> = Vec::new();
        let mut is_unfinished = false;
        let mut rest = self.without_what_nobody_sees(bytes);
        while !rest.is_empty() {
            let Some(end) = memchr::memchr(b'\n', rest) else {
                self.line.push(rest);
                is_unfinished = true;
                break;
            };
            let text = &rest[..end];
            rest = &rest[end + 1..];
            let line = if self.line.is_empty() {
                self.line.clear();
                Shown::line(text)
            } else {
                self.line.push(text);
                self.line.end()
            };
            if !lines.last_mut().is_some_and(|last| last.join(&line)) {
                lines.push(line);
            }
        }
        self.show(lines);
        if is_unfinished && !self.screen.shows_every_line() {
            self.screen.unfinished(&self.name, &self.line.shown().words());
        }
    }

    /// The last lines of `bytes`, if the lines before them would be dropped again.
    fn without_what_nobody_sees<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        // What is no text is counted.
        if self.screen.shows_every_line() || bytes.contains(&0) {
            return bytes;
        }
        match memchr::memrchr_iter(b'\n', bytes).nth(TAIL_LINES) {
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

    fn show(&mut self, lines: Vec<Shown<'_>>) {
        if lines.is_empty() {
            return;
        }
        let words: Vec<_> = lines.iter().map(Shown::words).collect();
        self.screen.output(&self.name, &words);
        for line in lines.into_iter().rev().take(TAIL_LINES).rev() {
            if self.tail.back_mut().is_some_and(|last| last.join(&line)) {
                continue;
            }
            if self.tail.len() == TAIL_LINES {
                self.tail.pop_front();
            }
            self.tail.push_back(line.into_owned());
        }
    }
}
