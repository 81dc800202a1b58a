//! The index: an SQLite database beside the runs that answers questions over all of them without reading their journals.
//!
//! It is a projection of the journals and nothing else: it is brought up to date whenever it is opened, and one that is missing,
//! damaged, of another version or locked is made anew or done without. Deleting it loses nothing.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, Transaction, params};

use super::find::{RUNS, id_of, run_dirs};
use super::list::{List, Row, Unreadable};
use super::stored;
use crate::run::journal;

/// The database's name in the state directory.
const FILE_NAME: &str = "index.db";
/// The version of the tables; another one is made anew.
const VERSION: i32 = 2;
/// Longer than any other process writes.
const PATIENCE: Duration = Duration::from_millis(250);
const TABLES: &str = "
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        size INTEGER NOT NULL,
        modified INTEGER NOT NULL,
        pipeline TEXT NOT NULL,
        started INTEGER NOT NULL,
        has_ended INTEGER NOT NULL,
        row TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX runs_by_start ON runs (pipeline, started);
";

/// What is known of all runs of a state directory.
pub struct Index {
    state_dir: PathBuf,
    connection: Connection,
    /// The runs whose journals could not be read.
    unreadable: Vec<Unreadable>,
}

/// Which runs are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub pipeline: Option<String>,
    pub limit: Option<usize>,
}

impl Index {
    /// Opens the index of a state directory and brings it up to date: it reads the journals that it does not know, those that have
    /// changed, and those of runs that had not ended. Where there can be none on the disk it is in memory.
    pub fn open(state_dir: &Path) -> Self {
        let path = state_dir.join(FILE_NAME);
        let opened = on_disk(&path).and_then(|connection| Self::with(state_dir, connection));
        let opened = opened.or_else(|error| {
            // One that is in use by others is not broken.
            let is_unusable = !matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::ReadOnly | ErrorCode::CannotOpen)
            );
            if is_unusable && path.exists() {
                remove(&path).map_err(|_| error)?;
                return on_disk(&path).and_then(|connection| Self::with(state_dir, connection));
            }
            Err(error)
        });
        opened.unwrap_or_else(|_| Self::in_memory(state_dir))
    }

    /// Makes the index anew.
    pub fn rebuild(state_dir: &Path) -> io::Result<Self> {
        remove(&state_dir.join(FILE_NAME))?;
        Ok(Self::open(state_dir))
    }

    fn in_memory(state_dir: &Path) -> Self {
        let connection = Connection::open_in_memory().and_then(|connection| {
            connection.execute_batch(TABLES)?;
            Self::with(state_dir, connection)
        });
        connection.unwrap_or_else(|bug| panic!("a database in memory always works: {bug}"))
    }

    fn with(state_dir: &Path, connection: Connection) -> rusqlite::Result<Self> {
        let mut index = Self {
            state_dir: state_dir.to_owned(),
            connection,
            unreadable: Vec::new(),
        };
        index.update()?;
        Ok(index)
    }

    /// Takes in what has changed since: runs that are new, that went on, that are gone.
    fn update(&mut self) -> rusqlite::Result<()> {
        let mut known = self.known()?;
        let mut changed = Vec::new();
        self.unreadable.clear();
        for dir in run_dirs(&self.state_dir) {
            let known = known.remove(id_of(&dir));
            let stamp = Stamp::of(&dir);
            let before = known.filter(|known| known.stamp == stamp);
            if before.as_ref().is_some_and(|known| known.open.is_none()) {
                continue;
            }
            match stored::read(&dir) {
                // Of a run that has not ended the journal alone does not say how it stands.
                Ok(run) => {
                    let has_ended = run.record.has_ended();
                    let row = Row::of(&run);
                    if before.and_then(|known| known.open).as_ref() != Some(&row) {
                        changed.push((row, has_ended, stamp));
                    }
                }
                Err(error) => self.unreadable.push(Unreadable::of(&dir, &error)),
            }
        }
        // Those that are gone, or cannot be read any more.
        let gone: Vec<String> = known.into_keys().collect();
        let unreadable = self.unreadable.iter().map(|it| it.id.clone());
        let gone: Vec<String> = gone.into_iter().chain(unreadable).collect();
        if changed.is_empty() && gone.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        for id in &gone {
            transaction.execute("DELETE FROM runs WHERE id = ?1", [id])?;
        }
        for (row, has_ended, stamp) in &changed {
            take_in(&transaction, row, *has_ended, *stamp)?;
        }
        transaction.commit()
    }

    fn known(&self) -> rusqlite::Result<HashMap<String, Known>> {
        let sql = "SELECT id, size, modified, CASE WHEN has_ended THEN NULL ELSE row END FROM runs";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |found| {
            let open: Option<String> = found.get(3)?;
            let known = Known {
                stamp: Stamp {
                    size: found.get(1)?,
                    modified: found.get(2)?,
                },
                open: open.map(|text| row(3, &text)).transpose()?,
            };
            Ok((found.get(0)?, known))
        })?;
        rows.collect()
    }

    /// The runs that a filter lets through, the newest first, and those that cannot be read.
    pub fn runs(&self, filter: &Filter) -> List {
        let limit = filter.limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(-1);
        let sql = "SELECT row FROM runs
                   WHERE ?1 IS NULL OR pipeline = ?1 ORDER BY started DESC, id DESC LIMIT ?2";
        // Where the database turns out to be damaged only now, the journals are asked.
        let read = |connection: &Connection| -> rusqlite::Result<Vec<Row>> {
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map(params![filter.pipeline, limit], |found| {
                let text: String = found.get(0)?;
                row(0, &text)
            })?;
            rows.collect()
        };
        let rows = read(&self.connection);
        let rows = rows.or_else(|_| read(&Self::in_memory(&self.state_dir).connection));
        List {
            runs: rows.unwrap_or_default(),
            unreadable: self.unreadable.clone(),
        }
    }
}

/// What the index says of a run.
struct Known {
    stamp: Stamp,
    /// How it stood, if it had not ended.
    open: Option<Row>,
}

/// How a run's journal looked when it was read.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    size: u64,
    /// Nanoseconds.
    modified: i64,
}

impl Stamp {
    fn of(run_dir: &Path) -> Self {
        let metadata = fs::metadata(run_dir.join(journal::FILE_NAME)).ok();
        metadata.map_or(Self { size: 0, modified: 0 }, |metadata| Self {
            size: metadata.size(),
            modified: metadata
                .mtime()
                .saturating_mul(1_000_000_000)
                .saturating_add(metadata.mtime_nsec()),
        })
    }
}

/// Opens the database on the disk, and makes its tables if it is new.
fn on_disk(path: &Path) -> rusqlite::Result<Connection> {
    // Without a state directory there is nothing to index.
    if !path.with_file_name(RUNS).is_dir() {
        return Err(rusqlite::Error::InvalidPath(path.to_owned()));
    }
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == 0 {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // Another process may be making them.
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let version: i32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version == 0 {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        transaction.commit()?;
    } else if version != VERSION {
        return Err(rusqlite::Error::InvalidQuery);
    }
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

fn remove(path: &Path) -> io::Result<()> {
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        match fs::remove_file(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn take_in(transaction: &Transaction, row: &Row, has_ended: bool, stamp: Stamp) -> rusqlite::Result<()> {
    let text = serde_json::to_string(row).unwrap_or_default();
    transaction.execute(
        "INSERT OR REPLACE INTO runs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            row.id,
            stamp.size,
            stamp.modified,
            row.pipeline,
            row.started.as_microsecond(),
            has_ended,
            text,
        ],
    )?;
    Ok(())
}

/// What a column holds.
fn row(column: usize, text: &str) -> rusqlite::Result<Row> {
    serde_json::from_str(text).map_err(|error| {
        let why = format!("{error}: {text}");
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, why.into())
    })
}
