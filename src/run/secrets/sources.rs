//! Where the values of secrets come from on this machine: the environment, a file, a command; never the command line itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;

use super::environment_name;
use crate::run::files::words;
use crate::run::outcome::{Exit, Failure};

/// In what environment variable the command finds the name that is asked for.
const NAME: &str = "PIPE_SECRET_NAME";

/// The file and the command that the user gives. What they said is kept in memory, for as long as the run lasts.
#[derive(Clone, Default)]
pub struct Sources {
    file: Option<PathBuf>,
    command: Option<String>,
    local: Option<Arc<Local>>,
    read: Arc<OnceLock<Result<BTreeMap<String, String>, Failure>>>,
    answers: Arc<Mutex<BTreeMap<String, Result<String, Failure>>>>,
}

/// What a run that goes on takes from its definition again.
struct Local {
    /// The secrets that the run had from there.
    names: BTreeSet<String>,
    /// What is there now, or why nothing is.
    values: Result<BTreeMap<String, String>, String>,
}

/// Without any value.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Sources");
        out.field("file", &self.file)
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}

impl Sources {
    pub fn new(file: Option<PathBuf>, command: Option<String>) -> Self {
        Self {
            file,
            command,
            ..Self::default()
        }
    }

    /// The same, and what the definition of a run that goes on says now of the secrets that the run had from it.
    pub fn and_local(self, names: BTreeSet<String>, values: Result<BTreeMap<String, String>, String>) -> Self {
        Self {
            local: Some(Arc::new(Local { names, values })),
            ..self
        }
    }

    /// The values that the definition gives again; they come before all others, as they do in its actions.
    pub(in crate::run) fn local_values(&self) -> BTreeMap<String, String> {
        let local = self.local.as_ref().and_then(|local| local.values.as_ref().ok());
        local.cloned().unwrap_or_default()
    }

    /// Why a secret that a run had from its definition is not there any more.
    pub(super) fn why_gone(&self, name: &str) -> Option<&str> {
        let local = self.local.as_ref().filter(|local| local.names.contains(name))?;
        Some(match &local.values {
            Ok(_) => "that says nothing of it any more",
            Err(why) => why,
        })
    }

    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub fn command(&self) -> Option<&str> {
        self.command.as_deref()
    }

    /// Fails if there is a file that cannot be read.
    pub fn check(&self) -> Result<(), Failure> {
        self.values().map(|_| ())
    }

    /// What others may do with the file, if they may do anything.
    pub fn warning(&self) -> Option<String> {
        let path = self.file.as_deref()?;
        let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
        let path = path.display();
        (mode & 0o077 != 0)
            .then(|| format!("the secrets in {path} can be read by others (mode {mode:o}): `chmod 600 {path}`"))
    }

    /// The value that the file has for a name, or else the command gives.
    pub fn find(&self, name: &str) -> Option<String> {
        let in_environment = environment_name(name);
        let short = in_environment.strip_prefix(super::PREFIX).unwrap_or_default();
        let values = self.values().ok().flatten();
        let found = values.and_then(|values| [name, &in_environment, short].iter().find_map(|key| values.get(*key)));
        found.cloned().or_else(|| self.ask(name)?.ok())
    }

    /// Why the command gave no value, if it was asked for one.
    pub fn refusal(&self, name: &str) -> Option<Failure> {
        self.ask(name)?.err()
    }

    fn values(&self) -> Result<Option<&BTreeMap<String, String>>, Failure> {
        let Some(path) = &self.file else { return Ok(None) };
        let read = self.read.get_or_init(|| {
            read(path).map_err(|problem| Failure::new(format!("the secrets in {}: {problem}", path.display())))
        });
        read.as_ref().map(Some).map_err(Clone::clone)
    }

    fn ask(&self, name: &str) -> Option<Result<String, Failure>> {
        let command = self.command.as_ref()?;
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answers.get(name) {
            return Some(answer.clone());
        }
        let answer = run(command, name);
        answers.insert(name.to_owned(), answer.clone());
        Some(answer)
    }
}

/// JSON, an object of values; or else lines `NAME=value`.
fn read(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let text = fs::read_to_string(path).map_err(|error| words(&error))?;
    if text.trim_start().starts_with('{') {
        let values: BTreeMap<String, Value> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        return values.into_iter().map(|(name, value)| from_json(name, value)).collect();
    }
    check_quotes(&text)?;
    dotenvy::Iter::new(text.as_bytes())
        .collect::<Result<_, _>>()
        // The library's words hold the line, which holds a secret.
        .map_err(|error| {
            let which = line_of(&error, &text).map_or("a line".to_owned(), |line| format!("line {line}"));
            format!("{which} is not understood: write `NAME=value` or `NAME='value'`, or an object in JSON")
        })
}

/// The number of the line that an error is about, which holds it, and more lines if a quote is open.
fn line_of(error: &dotenvy::Error, text: &str) -> Option<usize> {
    let dotenvy::Error::LineParse(broken, _) = error else {
        return None;
    };
    let first = broken.lines().next()?.trim_end();
    Some(text.lines().position(|line| line.trim_end() == first)? + 1)
}

/// What an object or a list holds is a secret in JSON, as AWS keeps it.
fn from_json(name: String, value: Value) -> Result<(String, String), String> {
    let text = match value {
        Value::Null => return Err(format!("`{name}` is null: give it a value, or leave it out")),
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok((name, text))
}

/// In such files `$NAME` outside of single quotes is replaced, which changes a secret without a word.
fn check_quotes(text: &str) -> Result<(), String> {
    for (index, line) in text.lines().enumerate() {
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        if !line.trim_start().starts_with('#') && value.contains('$') && !value.trim_start().starts_with('\'') {
            let name = name.trim();
            return Err(format!(
                "line {}: the value of `{name}` holds `$`, which would be replaced: put it in single quotes",
                index + 1
            ));
        }
    }
    Ok(())
}

/// Runs the user's command, which prints a value. One line break at its end is not part of it.
fn run(command: &str, name: &str) -> Result<String, Failure> {
    let output = Command::new("/bin/sh")
        .args(["-c", command])
        .env(NAME, name)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::new(format!("the command for secrets could not be started: {error}")))?;
    let exit = Exit::from(output.status);
    let failed = |why: String| {
        let help = format!("try it: `{NAME}='{name}' sh -c '…'`");
        Err(Failure::new(format!("the secret `{name}` has no value: {why}")).with_help(help))
    };
    if !exit.is_success() {
        let ended = Failure::command(None, exit)
            .message
            .replace("the command", "the command for secrets");
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().map(|line| format!(": {}", line.trim()));
        return failed(format!("{ended}{}", last.unwrap_or_default()));
    }
    let Ok(mut value) = String::from_utf8(output.stdout) else {
        return failed("what the command for secrets printed is not UTF-8".to_owned());
    };
    if value.ends_with('\n') {
        value.pop();
    }
    if value.is_empty() {
        return failed("the command for secrets printed nothing".to_owned());
    }
    Ok(value)
}
