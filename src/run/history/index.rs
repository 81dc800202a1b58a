//! The index: an SQLite database beside the runs that answers questions over all of them without reading their journals.
//!
//! It is a projection of the journals and nothing else: it is brought up to date whenever it is opened, and one that is missing,
//! damaged, of another version or locked is made anew or done without. Deleting it loses nothing.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, Row as SqlRow, ToSql, Transaction, params};

use super::find::{RUNS, id_of, run_dirs};
use super::list::{List, Row, Unreadable};
use super::stored::{self, StoredRun};
use crate::run::journal;

/// The database's name in the state directory.
const FILE_NAME: &str = "index.db";
/// The version of the tables; another one is made anew.
const VERSION: i32 = 1;
/// Longer than any other process writes.
const PATIENCE: Duration = Duration::from_millis(250);
/// How many of an action's last successes its duration is predicted from.
const SAMPLES: usize = 5;
/// How many of a pipeline's last runs are looked at for them.
const RECENT: u32 = 50;

const TABLES: &str = "
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        size INTEGER NOT NULL,
        modified INTEGER NOT NULL,
        pipeline TEXT NOT NULL,
        definition TEXT NOT NULL,
        status TEXT NOT NULL,
        standing TEXT NOT NULL,
        started INTEGER NOT NULL,
        took INTEGER,
        trigger TEXT NOT NULL,
        failed TEXT
    ) WITHOUT ROWID;
    CREATE INDEX runs_by_start ON runs (pipeline, started);
    CREATE TABLE actions (
        run TEXT NOT NULL,
        stage TEXT NOT NULL,
        action TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        pipeline TEXT NOT NULL,
        driver TEXT NOT NULL,
        status TEXT NOT NULL,
        took INTEGER,
        PRIMARY KEY (run, stage, action, attempt)
    ) WITHOUT ROWID;
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
    /// Opens the index of a state directory and brings it up to date: it reads the journals of runs that it does not know, and of
    /// those that had not ended. Where there can be none on the disk it is in memory.
    pub fn open(state_dir: &Path) -> Self {
        Self::open_with(state_dir, Trust::Ended)
    }

    /// As [`Index::open`], and looks at all journals to see whether they have changed, which nobody does to those of runs that
    /// have ended without saying so by [`Index::forget`].
    pub fn check(state_dir: &Path) -> Self {
        Self::open_with(state_dir, Trust::Unchanged)
    }

    fn open_with(state_dir: &Path, trust: Trust) -> Self {
        let path = state_dir.join(FILE_NAME);
        let opened = on_disk(&path).and_then(|connection| Self::with(state_dir, connection, trust));
        let opened = opened.or_else(|error| {
            // One that is in use by others is not broken.
            let is_unusable = !matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::ReadOnly | ErrorCode::CannotOpen)
            );
            if is_unusable && path.exists() {
                remove(&path).map_err(|_| error)?;
                return on_disk(&path).and_then(|connection| Self::with(state_dir, connection, trust));
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

    /// Reads a run anew when the index is opened the next time: for a run that had ended and goes on.
    pub fn forget(&self, id: &str) {
        // If it cannot be said now, the next check finds it.
        let _ = self.connection.execute("DELETE FROM runs WHERE id = ?1", [id]);
    }

    fn in_memory(state_dir: &Path) -> Self {
        let connection = Connection::open_in_memory().and_then(|connection| {
            connection.execute_batch(TABLES)?;
            Self::with(state_dir, connection, Trust::Ended)
        });
        connection.unwrap_or_else(|bug| panic!("a database in memory always works: {bug}"))
    }

    fn with(state_dir: &Path, connection: Connection, trust: Trust) -> rusqlite::Result<Self> {
        let mut index = Self {
            state_dir: state_dir.to_owned(),
            connection,
            unreadable: Vec::new(),
        };
        index.update(trust)?;
        Ok(index)
    }

    /// Takes in what has changed since: runs that are new, that went on, that are gone.
    fn update(&mut self, trust: Trust) -> rusqlite::Result<()> {
        let mut known = self.known()?;
        let mut changed = Vec::new();
        self.unreadable.clear();
        for dir in run_dirs(&self.state_dir) {
            let known = known.remove(id_of(&dir));
            if trust == Trust::Ended && known.as_ref().is_some_and(Known::has_ended) {
                continue;
            }
            let stamp = Stamp::of(&dir);
            let before = known.filter(|known| known.stamp == stamp);
            if before.as_ref().is_some_and(Known::has_ended) {
                continue;
            }
            match stored::read(&dir) {
                // Of a run that has not ended the journal alone does not say how it stands.
                Ok(run) if before.and_then(|known| known.standing) == Some(standing(&run)) => {}
                Ok(run) => changed.push((run, stamp)),
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
            forget(&transaction, id)?;
        }
        for (run, stamp) in &changed {
            forget(&transaction, &run.record.id)?;
            take_in(&transaction, run, *stamp)?;
        }
        transaction.commit()
    }

    fn known(&self) -> rusqlite::Result<HashMap<String, Known>> {
        let sql = "SELECT id, size, modified, CASE WHEN took IS NULL THEN standing END FROM runs";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            let known = Known {
                stamp: Stamp {
                    size: row.get(1)?,
                    modified: row.get(2)?,
                },
                standing: row.get(3)?,
            };
            Ok((row.get(0)?, known))
        })?;
        rows.collect()
    }

    /// The runs that a filter lets through, the newest first, and those that cannot be read.
    pub fn runs(&self, filter: &Filter) -> List {
        let limit = filter.limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(-1);
        let sql = "SELECT id, pipeline, standing, started, took, trigger, definition FROM runs
                   WHERE ?1 IS NULL OR pipeline = ?1 ORDER BY started DESC, id DESC LIMIT ?2";
        List {
            runs: self.rows(sql, &[&filter.pipeline, &limit]),
            unreadable: self.unreadable.clone(),
        }
    }

    /// The runs of a pipeline that have not ended, the oldest first.
    pub fn unfinished(&self, pipeline: &str) -> Vec<Row> {
        let sql = "SELECT id, pipeline, standing, started, took, trigger, definition FROM runs
                   WHERE pipeline = ?1 AND took IS NULL ORDER BY started, id";
        self.rows(sql, &[&pipeline])
    }

    /// How long each action of a pipeline is going to take, by stage and action: the median of its last successes.
    pub fn durations(&self, pipeline: &str) -> BTreeMap<(String, String), Duration> {
        let sql = "SELECT stage, action, took FROM actions JOIN (
                     SELECT id, started FROM runs WHERE pipeline = ?1 ORDER BY started DESC LIMIT ?2
                   ) ON run = id WHERE status = 'succeeded' AND took IS NOT NULL ORDER BY started DESC, attempt DESC";
        let samples = || -> rusqlite::Result<BTreeMap<(String, String), Vec<u64>>> {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query(params![pipeline, RECENT])?;
            let mut out: BTreeMap<(String, String), Vec<u64>> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let samples = out.entry((row.get(0)?, row.get(1)?)).or_default();
                if samples.len() < SAMPLES {
                    samples.push(row.get(2)?);
                }
            }
            Ok(out)
        };
        let medians = samples().unwrap_or_default().into_iter().map(|(name, mut samples)| {
            samples.sort_unstable();
            (name, Duration::from_millis(samples[samples.len() / 2]))
        });
        medians.collect()
    }

    /// Rows, as [`row`] reads them. Where the database turns out to be damaged only now, the journals are asked.
    fn rows(&self, sql: &str, params: &[&dyn ToSql]) -> Vec<Row> {
        let read = |connection: &Connection| -> rusqlite::Result<Vec<Row>> {
            let mut statement = connection.prepare(sql)?;
            statement.query_map(params, row)?.collect()
        };
        let rows = read(&self.connection);
        let rows = rows.or_else(|_| read(&Self::in_memory(&self.state_dir).connection));
        rows.unwrap_or_default()
    }
}

/// What the index says of a run.
struct Known {
    stamp: Stamp,
    /// How it stood, if it had not ended.
    standing: Option<String>,
}

impl Known {
    fn has_ended(&self) -> bool {
        self.standing.is_none()
    }
}

/// What need not be looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// The journals of runs that have ended.
    Ended,
    /// Those of them that look as they did when they were read.
    Unchanged,
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

fn standing(run: &StoredRun) -> String {
    serde_json::to_string(&run.standing).unwrap_or_default()
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

fn forget(transaction: &Transaction, id: &str) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM runs WHERE id = ?1", [id])?;
    transaction.execute("DELETE FROM actions WHERE run = ?1", [id])?;
    Ok(())
}

fn take_in(transaction: &Transaction, run: &StoredRun, stamp: Stamp) -> rusqlite::Result<()> {
    let record = &run.record;
    let standing = serde_json::to_value(&run.standing).unwrap_or_default();
    let failed = standing["actions"][0]
        .as_str()
        .filter(|_| standing["status"] == "failed");
    transaction.execute(
        "INSERT INTO runs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            record.id,
            stamp.size,
            stamp.modified,
            record.pipeline,
            record.definition,
            standing["status"].as_str(),
            self::standing(run),
            record.started.as_millisecond(),
            record.end.map(|end| end.duration_ms),
            serde_json::to_string(&record.trigger).unwrap_or_default(),
            failed,
        ],
    )?;
    let mut statement = transaction.prepare("INSERT INTO actions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    for action in record.actions() {
        for attempt in &action.attempts {
            statement.execute(params![
                record.id,
                action.stage,
                action.name,
                attempt.attempt,
                record.pipeline,
                action.driver,
                attempt.progress.word(),
                attempt.end().map(|end| end.duration_ms),
            ])?;
        }
    }
    Ok(())
}

fn row(row: &SqlRow) -> rusqlite::Result<Row> {
    let json = |index, text: String| {
        move |error: serde_json::Error| {
            rusqlite::Error::FromSqlConversionFailure(
                index,
                rusqlite::types::Type::Text,
                format!("{error}: {text}").into(),
            )
        }
    };
    let (standing, trigger): (String, String) = (row.get(2)?, row.get(5)?);
    Ok(Row {
        id: row.get(0)?,
        pipeline: row.get(1)?,
        standing: serde_json::from_str(&standing).map_err(json(2, standing))?,
        started: Timestamp::from_millisecond(row.get(3)?).unwrap_or_default(),
        duration_ms: row.get(4)?,
        trigger: serde_json::from_str(&trigger).map_err(json(5, trigger))?,
        definition: row.get(6)?,
    })
}
