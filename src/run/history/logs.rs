//! What the actions of a run printed, also while it goes on.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::run::engine::rule_log;
use crate::run::event::{ActionName, Event, Record, RuleName};
use crate::run::journal::{self, JournalError, Tail};
use crate::run::view::words::called;

/// How often a log that is followed is looked at.
const PERIOD: Duration = Duration::from_millis(100);
/// How much is read at once.
const CHUNK: usize = 64 * 1024;

/// Which logs are wanted: those of one action, or of all.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// `Build/test`, `test`, `Build/test#2`.
    pub action: Option<String>,
}

/// Takes what is printed.
pub type Out<'a> = &'a mut dyn FnMut(&[u8]) -> io::Result<()>;

/// Why logs cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("{}: {why}", .path.display())]
    Read { path: PathBuf, why: io::Error },
    /// Whoever takes them in does not any more.
    #[error(transparent)]
    Out(io::Error),
}

impl Wanted {
    /// Whether a log of this name is wanted.
    fn takes(&self, name: &ActionName) -> bool {
        let Some(wanted) = &self.action else { return true };
        let (wanted, attempt) = match wanted.rsplit_once('#') {
            Some((action, attempt)) => (action, attempt.parse::<u32>().ok()),
            None => (wanted.as_str(), None),
        };
        let is_it = match wanted.split_once('/') {
            Some((stage, action)) => name.stage == stage && name.action == action,
            None => name.action == wanted,
        };
        is_it && attempt.is_none_or(|attempt| attempt == name.attempt)
    }

    /// The actions of a run that are meant, `Build/test`, each once.
    pub fn among<'a>(&self, logs: impl IntoIterator<Item = &'a ActionName>) -> Vec<String> {
        let mut out = Vec::new();
        for name in logs.into_iter().filter(|name| self.takes(name)) {
            let place = format!("{}/{}", name.stage, name.action);
            if !out.contains(&place) {
                out.push(place);
            }
        }
        out
    }
}

/// Prints what there is, action by action in the order of their start.
pub fn print(run_dir: &Path, wanted: &Wanted, out: Out) -> Result<(), LogError> {
    let mut logs = Logs::new(run_dir, wanted);
    logs.learn(&journal::read(run_dir)?);
    logs.pump(true, out)
}

/// Prints what there is and what comes, until the run ends or nobody carries it out any more.
pub fn follow(run_dir: &Path, wanted: &Wanted, out: Out) -> Result<(), LogError> {
    let mut logs = Logs::new(run_dir, wanted);
    let mut tail = Tail::open(run_dir)?;
    loop {
        // In this order: what is written before the end is there to be read once the end was seen.
        let is_over = !journal::is_busy(run_dir);
        let records = tail.read()?;
        logs.learn(&records);
        let has_ended = |record: &Record| matches!(record.event, Event::RunFinished { .. });
        let is_over = is_over || records.last().is_some_and(has_ended);
        logs.pump(is_over, out)?;
        if is_over {
            return Ok(());
        }
        std::thread::sleep(PERIOD);
    }
}

/// The logs of a run that have not been printed to their end.
struct Logs<'a> {
    run_dir: &'a Path,
    wanted: &'a Wanted,
    /// In the order of the start.
    open: BTreeMap<usize, Open>,
    numbers: BTreeMap<ActionName, usize>,
}

struct Open {
    name: ActionName,
    path: PathBuf,
    /// Made when there is something to read.
    file: Option<File>,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    /// What stands before each line, if anything.
    prefix: String,
    /// Nothing more will come.
    has_ended: bool,
}

impl<'a> Logs<'a> {
    fn new(run_dir: &'a Path, wanted: &'a Wanted) -> Self {
        Self {
            run_dir,
            wanted,
            open: BTreeMap::new(),
            numbers: BTreeMap::new(),
        }
    }

    fn learn(&mut self, records: &[Record]) {
        let of_rule = |name: &RuleName| rule_log(&name.stage, name.position, &name.rule, name.attempt).0;
        for record in records {
            match &record.event {
                Event::ActionStarted { name, log, .. } => self.start(name.clone(), log),
                Event::RuleStarted { name, log, .. } => self.start(of_rule(name), log),
                Event::ActionFinished { name, .. } | Event::ActionInterrupted { name } => self.end(name),
                Event::RuleFinished { name, .. } => self.end(&of_rule(name)),
                _ => {}
            }
        }
    }

    fn start(&mut self, name: ActionName, log: &str) {
        let number = self.numbers.len();
        if !self.wanted.takes(&name) || *self.numbers.entry(name.clone()).or_insert(number) != number {
            return;
        }
        let prefix = match self.wanted.action {
            None => format!("{} | ", called(&name)),
            Some(_) => String::new(),
        };
        let open = Open {
            name,
            path: self.run_dir.join(log),
            file: None,
            line: Vec::new(),
            prefix,
            has_ended: false,
        };
        self.open.insert(number, open);
    }

    fn end(&mut self, name: &ActionName) {
        let open = self.numbers.get(name).and_then(|number| self.open.get_mut(number));
        if let Some(open) = open {
            open.has_ended = true;
        }
    }

    /// Prints what is new, and lets go of the logs to which nothing will be added.
    fn pump(&mut self, is_over: bool, out: Out) -> Result<(), LogError> {
        for open in self.open.values_mut() {
            open.pump(out)?;
            if open.has_ended || is_over {
                open.finish(out)?;
            }
        }
        self.open.retain(|_, open| !open.has_ended);
        Ok(())
    }
}

impl Open {
    fn pump(&mut self, out: Out) -> Result<(), LogError> {
        let because = |why| LogError::Read {
            path: self.path.clone(),
            why,
        };
        if self.file.is_none() {
            match File::open(&self.path) {
                Ok(file) => self.file = Some(file),
                // An action that prints nothing has no log.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(because(error)),
            }
            if self.prefix.is_empty() && self.name.attempt > 1 {
                out(format!("--- attempt {}\n", self.name.attempt).as_bytes()).map_err(LogError::Out)?;
            }
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut buffer = vec![0; CHUNK];
        loop {
            let count = file.read(&mut buffer).map_err(because)?;
            if count == 0 {
                return Ok(());
            }
            self.line.extend_from_slice(&buffer[..count]);
            let end = self.line.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
            let whole: Vec<u8> = self.line.drain(..end).collect();
            out(&prefixed(&self.prefix, &whole)).map_err(LogError::Out)?;
        }
    }

    /// Nothing more comes: prints a last line whose end never came.
    fn finish(&mut self, out: Out) -> Result<(), LogError> {
        self.file = None;
        let mut rest = std::mem::take(&mut self.line);
        if rest.is_empty() {
            return Ok(());
        }
        rest.push(b'\n');
        out(&prefixed(&self.prefix, &rest)).map_err(LogError::Out)
    }
}

/// Lines, each behind its action's name, as the view without a terminal has them.
fn prefixed(prefix: &str, lines: &[u8]) -> Vec<u8> {
    if prefix.is_empty() {
        return lines.to_vec();
    }
    let mut out = Vec::with_capacity(lines.len() + prefix.len());
    for line in lines.split_inclusive(|&byte| byte == b'\n') {
        out.extend_from_slice(prefix.as_bytes());
        out.extend_from_slice(line);
    }
    out
}
