//! Source text: files with small ids, spans in them, and the line index that turns offsets into lines and columns.
//!
//! All text that any part of the compiler points at lives in a [`Sources`]. Files come in through one small door, the
//! [`Host`], which tests replace by an in-memory twin.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

pub mod library;

/// The largest file that is read, in bytes. Larger ones get an error instead of being parsed.
pub const MAX_FILE_SIZE: u64 = 100 * 1024 * 1024;

/// A file's small id in one [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId(pub u32);

/// A byte range in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    pub file: FileId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        debug_assert!(start <= end, "a span ends before it starts: {start}..{end}");
        Self {
            file,
            start: start as u32,
            end: end as u32,
        }
    }

    /// The smallest span that covers both; `other` must be in the same file.
    pub fn to(self, other: Span) -> Span {
        Span {
            file: self.file,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The empty span at this one's start.
    pub fn head(self) -> Span {
        Span {
            end: self.start,
            ..self
        }
    }

    /// The empty span at this one's end.
    pub fn tail(self) -> Span {
        Span {
            start: self.end,
            ..self
        }
    }

    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// A value that carries the place it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

impl<T> Spanned<T> {
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// A position as people count it: both from 1, the column in Unicode scalar values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    pub line: u32,
    pub column: u32,
}

/// Offset to line and column and back.
#[derive(Clone, Debug)]
pub struct LineIndex {
    /// Offset of each line's first byte; never empty.
    line_starts: Vec<u32>,
}

impl LineIndex {
    pub fn new(text: &str) -> Self {
        let mut line_starts = vec![0];
        line_starts.extend(
            text.bytes()
                .enumerate()
                .filter(|&(_, byte)| byte == b'\n')
                .map(|(at, _)| at as u32 + 1),
        );
        Self { line_starts }
    }

    pub fn line_count(&self) -> usize {
        self.line_starts.len()
    }

    /// The 0-based line that holds `offset`.
    pub fn line_of(&self, offset: u32) -> usize {
        self.line_starts.partition_point(|&start| start <= offset) - 1
    }

    /// The byte range of a 0-based line in `text`, its line break not included.
    pub fn line_range(&self, text: &str, line: usize) -> Range<usize> {
        let start = self.line_starts[line] as usize;
        let end = self
            .line_starts
            .get(line + 1)
            .map_or(text.len(), |&next| next as usize - 1);
        let end = if end > start && text.as_bytes()[end - 1] == b'\r' {
            end - 1
        } else {
            end
        };
        start..end
    }

    /// The position of a byte offset, which is moved back to a character boundary if it is inside a character.
    pub fn line_column(&self, text: &str, offset: u32) -> LineColumn {
        let mut offset = (offset as usize).min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.line_of(offset as u32);
        let start = self.line_starts[line] as usize;
        LineColumn {
            line: line as u32 + 1,
            column: text[start..offset].chars().count() as u32 + 1,
        }
    }
}

/// Tells the JSON pointer of the node at an offset.
pub type Pointers = Arc<dyn Fn(u32) -> String + Send + Sync>;

/// One text with its name.
pub struct SourceFile {
    pub id: FileId,
    /// As shown to people: the path as it was given, `<stdin>`, or `<stdlib/build.pipe>`.
    pub name: String,
    /// Where it lies, for resolving what it imports; none for standard input and the library.
    pub path: Option<PathBuf>,
    pub text: Arc<str>,
    line_index: OnceLock<LineIndex>,
    /// Of a document whose nodes have pointers.
    pub pointers: Option<Pointers>,
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFile")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl SourceFile {
    /// Built on first use: a file without diagnostics never pays for it.
    pub fn line_index(&self) -> &LineIndex {
        self.line_index.get_or_init(|| LineIndex::new(&self.text))
    }

    pub fn line_column(&self, offset: u32) -> LineColumn {
        self.line_index().line_column(&self.text, offset)
    }
}

/// All texts of one compilation.
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    pub fn add(&mut self, name: impl Into<String>, path: Option<PathBuf>, text: impl Into<Arc<str>>) -> FileId {
        let id = FileId(self.files.len() as u32);
        self.files.push(SourceFile {
            id,
            name: name.into(),
            path,
            text: text.into(),
            line_index: OnceLock::new(),
            pointers: None,
        });
        id
    }

    /// Says how to find the JSON pointers of a file of this compilation.
    pub fn set_pointers(&mut self, id: FileId, pointers: Option<Pointers>) {
        if let Some(file) = self.files.get_mut(id.0 as usize) {
            file.pointers = pointers;
        }
    }

    /// The file with this id: one of this compilation's own, or of the standard library.
    pub fn file(&self, id: FileId) -> &SourceFile {
        match self.files.get(id.0 as usize) {
            Some(file) => file,
            None => library::file(id).expect("a file's id is used with the sources that gave it"),
        }
    }

    pub fn files(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter()
    }

    pub fn text(&self, span: Span) -> &str {
        &self.file(span.file).text[span.range()]
    }
}

/// Why a file could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{}", in_words(.0))]
    Io(#[from] io::Error),
    #[error("it is not UTF-8: the first bad byte is at offset {offset}")]
    NotUtf8 { offset: usize },
    #[error("it begins as UTF-16 does, and is not UTF-16")]
    NotUtf16,
    #[error("it has {size} bytes, and {MAX_FILE_SIZE} is the most that is read")]
    TooLarge { size: u64 },
}

/// The usual causes as people would say them.
fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}

/// The compiler's only way to the outside world.
pub trait Host: Sync {
    /// The bytes of a file. Fails with `InvalidData`-free plain errors; decoding is [`read_text`]'s work.
    fn read(&self, path: &Path) -> Result<Vec<u8>, ReadError>;
    /// A form of `path` by which the same file is recognised, however it was reached.
    fn canonical(&self, path: &Path) -> PathBuf;
}

/// Reads a file as text: UTF-8, with or without a byte-order mark (which is dropped).
pub fn read_text(host: &dyn Host, path: &Path) -> Result<String, ReadError> {
    decode(host.read(path)?)
}

/// Bytes as text: UTF-8, with or without a byte-order mark (which is dropped), or UTF-16 with one, as PowerShell's `>`
/// writes it. Offsets count from behind the mark, those in UTF-16 as if the text were UTF-8.
pub fn decode(bytes: Vec<u8>) -> Result<String, ReadError> {
    let unit: Option<fn([u8; 2]) -> u16> = match bytes.as_slice() {
        [0xff, 0xfe, ..] => Some(u16::from_le_bytes),
        [0xfe, 0xff, ..] => Some(u16::from_be_bytes),
        _ => None,
    };
    if let Some(unit) = unit {
        let (pairs, rest) = bytes[2..].as_chunks::<2>();
        let text: Result<String, _> = char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect();
        return match text {
            Ok(text) if rest.is_empty() => Ok(text),
            _ => Err(ReadError::NotUtf16),
        };
    }
    let mut text = String::from_utf8(bytes).map_err(|error| ReadError::NotUtf8 {
        offset: error.utf8_error().valid_up_to(),
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// The file system.
#[derive(Debug, Default)]
pub struct DiskHost;

impl Host for DiskHost {
    fn read(&self, path: &Path) -> Result<Vec<u8>, ReadError> {
        let metadata = std::fs::metadata(path)?;
        if metadata.is_dir() {
            return Err(ReadError::Io(io::Error::new(
                io::ErrorKind::IsADirectory,
                "it is a directory",
            )));
        }
        if metadata.len() > MAX_FILE_SIZE {
            return Err(ReadError::TooLarge { size: metadata.len() });
        }
        Ok(std::fs::read(path)?)
    }

    fn canonical(&self, path: &Path) -> PathBuf {
        std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
    }
}

/// Files in memory, for tests and for text that is not on disk.
#[derive(Debug, Default)]
pub struct MemoryHost {
    pub files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Host for MemoryHost {
    fn read(&self, path: &Path) -> Result<Vec<u8>, ReadError> {
        let missing = || ReadError::Io(io::Error::new(io::ErrorKind::NotFound, "there is no such file"));
        self.files.get(&self.canonical(path)).cloned().ok_or_else(missing)
    }

    fn canonical(&self, path: &Path) -> PathBuf {
        let mut out = PathBuf::new();
        for part in path.components() {
            match part {
                std::path::Component::CurDir => {}
                std::path::Component::ParentDir => {
                    out.pop();
                }
                other => out.push(other),
            }
        }
        out
    }
}
