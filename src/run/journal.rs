//! The journal: one append-only file of JSON lines a run, which is at once its state, its history and its event stream.
//!
//! A line is written with one call before anything that follows from it is done, so that a reader (or a run that goes on after
//! a crash of the program) never sees a consequence without its cause. The system's own crash is not guarded against: that
//! would cost a disk flush an event.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;

use super::event::{Event, Record, VERSION};

#[derive(Debug)]
pub struct Journal {
    file: File,
    seq: u64,
    /// Lines that have not been written yet.
    buffer: Vec<u8>,
}

/// The journal's name in a run's folder.
pub const FILE_NAME: &str = "journal.jsonl";

impl Journal {
    /// Creates the journal of a new run.
    pub fn create(run_dir: &Path) -> io::Result<Self> {
        let path = run_dir.join(FILE_NAME);
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        Ok(Self {
            file,
            seq: 0,
            buffer: Vec::new(),
        })
    }

    /// Takes in an event; it is on its way when [`Journal::flush`] returns.
    pub fn append(&mut self, time: Timestamp, event: Event) -> io::Result<Record> {
        self.seq += 1;
        let record = Record {
            v: VERSION,
            seq: self.seq,
            time,
            event,
        };
        serde_json::to_writer(&mut self.buffer, &record)?;
        self.buffer.push(b'\n');
        Ok(record)
    }

    pub fn flush(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            self.file.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }
}

/// Reads a journal. A last line that was cut off by a crash is left out.
pub fn read(run_dir: &Path) -> io::Result<Vec<Record>> {
    let text = std::fs::read_to_string(run_dir.join(FILE_NAME))?;
    let mut out = Vec::new();
    for line in text.split_inclusive('\n') {
        if !line.ends_with('\n') {
            break;
        }
        out.push(serde_json::from_str(line)?);
    }
    Ok(out)
}
