//! The journal: one append-only file of JSON lines a run, which is at once its state, its history and its event stream.
//!
//! Each line ends with a checksum of what stands before it. A line is written with one call before anything that follows from it
//! is done, so that a reader, or a run that goes on after a crash, never sees a consequence without its cause. [`Journal::sync`]
//! makes that hold for a crash of the whole machine too, where the consequence cannot be taken back.
//!
//! Whoever writes holds a lock on the open file, which the system takes back when the process ends, however it ends.
//! Readers need no lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use super::event::{Event, Record, VERSION};

/// The journal's name in a run's folder.
pub const FILE_NAME: &str = "journal.jsonl";

/// `,"crc":"01234567"}` and the line's end.
const TRAILER: usize = 19;

/// A journal that is written.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Arc<File>,
    seq: u64,
    /// How many bytes hold whole lines.
    length: u64,
    /// Lines that have not been written yet.
    buffer: Vec<u8>,
    /// Something was written that may not be on the disk.
    dirty: bool,
}

/// Why a journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// Not even its first line could be written.
    #[error("{}: {source}", path.display())]
    Unbegun { path: PathBuf, source: io::Error },
    /// Another process writes it.
    #[error("another process is carrying the run out")]
    Busy,
    #[error(
        "{}: it was recorded by another version of this program (form {found}; this one reads form {VERSION})", path.display()
    )]
    Version { path: PathBuf, found: u32 },
    #[error("{}: line {line} is damaged: {why}", path.display())]
    Damaged { path: PathBuf, line: u64, why: String },
}

/// What a journal says.
#[derive(Debug, Default)]
pub struct Contents {
    pub records: Vec<Record>,
    /// How many bytes hold whole lines; what stands behind them was cut off by a crash.
    pub length: u64,
    /// Whether something stands behind them.
    pub is_torn: bool,
}

impl Journal {
    /// Creates the journal of a new run.
    pub fn create(run_dir: &Path) -> Result<Self, JournalError> {
        let path = run_dir.join(FILE_NAME);
        let file = OpenOptions::new().append(true).create_new(true).open(&path);
        let file = file.map_err(|source| io_error(&path, source))?;
        lock(&path, &file)?;
        Ok(Self {
            path,
            file: Arc::new(file),
            seq: 0,
            length: 0,
            buffer: Vec::new(),
            dirty: false,
        })
    }

    /// Opens the journal of a run that goes on, and reads it. What a crash cut off is removed.
    pub fn open(run_dir: &Path) -> Result<(Self, Vec<Record>), JournalError> {
        let path = run_dir.join(FILE_NAME);
        let io = |source| io_error(&path, source);
        let file = OpenOptions::new().read(true).append(true).open(&path).map_err(io)?;
        lock(&path, &file)?;
        let contents = parse(&path, &file)?;
        if contents.is_torn {
            file.set_len(contents.length).map_err(io)?;
        }
        let journal = Self {
            seq: contents.records.last().map_or(0, |record| record.seq),
            length: contents.length,
            path: path.clone(),
            file: Arc::new(file),
            buffer: Vec::new(),
            dirty: contents.is_torn,
        };
        Ok((journal, contents.records))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes in an event; it is on its way when [`Journal::flush`] returns.
    pub fn append(&mut self, time: Timestamp, event: Event) -> Result<Record, JournalError> {
        self.seq += 1;
        let record = Record {
            v: VERSION,
            seq: self.seq,
            time,
            event,
        };
        let start = self.buffer.len();
        serde_json::to_writer(&mut self.buffer, &record).map_err(|error| io_error(&self.path, error.into()))?;
        self.buffer.pop(); // The brace that ends the object.
        let crc = crc32fast::hash(&self.buffer[start..]);
        self.buffer
            .extend_from_slice(format!(",\"crc\":\"{crc:08x}\"}}\n").as_bytes());
        Ok(record)
    }

    /// Hands all lines to the system: a crash of this program cannot lose them any more. If that fails none of them is there.
    pub fn flush(&mut self) -> Result<(), JournalError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        if let Err(source) = (&*self.file).write_all(&self.buffer) {
            // If it cannot be cut off either, whoever reads it does so.
            let _ = self.file.set_len(self.length);
            let path = self.path.clone();
            return Err(match self.length {
                0 => JournalError::Unbegun { path, source },
                _ => JournalError::Io { path, source },
            });
        }
        self.length += self.buffer.len() as u64;
        self.buffer.clear();
        self.dirty = true;
        Ok(())
    }

    /// The file, if something was written that may not be on the disk: for whoever brings it there.
    pub fn unsynced(&mut self) -> Option<Arc<File>> {
        std::mem::take(&mut self.dirty).then(|| Arc::clone(&self.file))
    }

    /// Waits until all lines are on the disk: a crash of the machine cannot lose them any more.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.flush()?;
        self.dirty = false;
        let synced = self.file.sync_data();
        synced.map_err(|source| io_error(&self.path, source))
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Whoever brings the last lines to the disk may still have the file.
        let _ = self.file.unlock();
    }
}

fn io_error(path: &Path, source: io::Error) -> JournalError {
    JournalError::Io {
        path: path.to_owned(),
        source,
    }
}

fn lock(path: &Path, file: &File) -> Result<(), JournalError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => JournalError::Busy,
        TryLockError::Error(source) => io_error(path, source),
    })
}

/// Whether a process writes the run's journal now.
pub fn is_busy(run_dir: &Path) -> bool {
    let file = File::open(run_dir.join(FILE_NAME));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Reads a journal, whoever writes it. A last line that is not whole yet, or was cut off by a crash, is left out.
pub fn read(run_dir: &Path) -> Result<Vec<Record>, JournalError> {
    let path = run_dir.join(FILE_NAME);
    let file = File::open(&path).map_err(|source| io_error(&path, source))?;
    Ok(parse(&path, &file)?.records)
}

/// Follows a journal that somebody else writes.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    file: File,
    /// The beginning of a line whose end has not come.
    rest: Vec<u8>,
    seq: u64,
}

impl Tail {
    pub fn open(run_dir: &Path) -> Result<Self, JournalError> {
        let path = run_dir.join(FILE_NAME);
        let file = File::open(&path).map_err(|source| io_error(&path, source))?;
        Ok(Self {
            path,
            file,
            rest: Vec::new(),
            seq: 0,
        })
    }

    /// What has been written since the last time.
    pub fn read(&mut self) -> Result<Vec<Record>, JournalError> {
        let read = self.file.read_to_end(&mut self.rest);
        read.map_err(|source| io_error(&self.path, source))?;
        let end = self.rest.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = self.rest.drain(..end).collect();
        let mut out = Vec::new();
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            let path = self.path.clone();
            let record = parse_line(line, self.seq + 1).map_err(|error| match error {
                LineError::Version(found) => JournalError::Version { path, found },
                other => JournalError::Damaged {
                    path,
                    line: self.seq + 1,
                    why: other.to_string(),
                },
            })?;
            self.seq = record.seq;
            out.push(record);
        }
        Ok(out)
    }
}

fn parse(path: &Path, mut file: &File) -> Result<Contents, JournalError> {
    let mut bytes = Vec::new();
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes));
    read.map_err(|source| io_error(path, source))?;
    let mut out = Contents::default();
    let mut bad: Option<(u64, String)> = None;
    for (index, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let expected = out.records.last().map_or(1, |record| record.seq + 1);
        match (parse_line(line, expected), &bad) {
            (Ok(record), None) => {
                out.records.push(record);
                out.length += line.len() as u64;
            }
            // Something whole behind something broken: no crash does that, and nobody may guess what stood there.
            (Ok(_) | Err(LineError::OutOfOrder), Some((line, why))) => {
                return Err(JournalError::Damaged {
                    path: path.to_owned(),
                    line: *line,
                    why: why.clone(),
                });
            }
            (Err(LineError::Version(found)), None) => {
                let path = path.to_owned();
                return Err(JournalError::Version { path, found });
            }
            (Err(error), None) => bad = Some((index as u64 + 1, error.to_string())),
            (Err(_), Some(_)) => {}
        }
    }
    out.is_torn = bad.is_some();
    Ok(out)
}

#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error("it is cut off")]
    CutOff,
    #[error("its checksum is wrong")]
    Checksum,
    #[error("it is no event: {0}")]
    Form(serde_json::Error),
    #[error("its number does not follow on the one before it")]
    OutOfOrder,
    #[error("it is of form {0}")]
    Version(u32),
}

fn parse_line(line: &[u8], expected: u64) -> Result<Record, LineError> {
    let is_whole = line.len() > TRAILER && line.ends_with(b"\"}\n");
    if !is_whole {
        return Err(other_version(line).unwrap_or(LineError::CutOff));
    }
    let (body, trailer) = line.split_at(line.len() - TRAILER);
    let crc = crc32fast::hash(body);
    if trailer != format!(",\"crc\":\"{crc:08x}\"}}\n").as_bytes() {
        return Err(other_version(line).unwrap_or(LineError::Checksum));
    }
    let record: Record = serde_json::from_slice(line).map_err(|error| match other_version(line) {
        Some(other) => other,
        None => LineError::Form(error),
    })?;
    if record.v != VERSION {
        return Err(LineError::Version(record.v));
    }
    if record.seq != expected {
        return Err(LineError::OutOfOrder);
    }
    Ok(record)
}

/// A line of another version, which may have another form.
fn other_version(line: &[u8]) -> Option<LineError> {
    #[derive(Deserialize)]
    struct Head {
        v: u32,
    }
    let head: Head = serde_json::from_slice(line).ok()?;
    (head.v != VERSION).then_some(LineError::Version(head.v))
}
