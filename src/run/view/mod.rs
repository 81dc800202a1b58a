//! Views: what people and programs see of a run. All of them are drawn from the journal's events; only a running action's
//! output comes beside them.

pub mod json;
pub mod live;
pub mod plain;
pub mod report;

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;

use super::event::{ActionName, Record};
use super::{RunOptions, Show};

/// One way of showing a run.
pub trait View: Send {
    /// Something has happened in an execution.
    fn record(&mut self, execution: &str, record: &Record);
    /// An action printed a line.
    fn output(&mut self, name: &ActionName, line: &str);
    /// Whether every line that an action prints is shown; else it need only be told of the last ones.
    fn shows_every_line(&self) -> bool {
        false
    }
    /// Puts a question on the screen; the answer comes from elsewhere.
    fn question(&mut self, question: &Question);
    /// The run is over: leave the terminal as it should stay.
    fn finish(&mut self);
    /// The program leaves a run that has not ended: what it waits for, and how it goes on.
    fn leave(&mut self, text: &str) {
        self.finish();
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

/// Where things lie and how they are called, for the words of a view.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The run's folder, as people should see it.
    pub run_dir: PathBuf,
    /// The command that runs it again.
    pub command_line: String,
    /// Whether colours may be used.
    pub colour: bool,
}

/// The view that all parts of a run share.
pub struct Screen {
    view: Mutex<Box<dyn View>>,
    shows_every_line: bool,
}

impl Screen {
    pub fn new(view: Box<dyn View>) -> Self {
        Self {
            shows_every_line: view.shows_every_line(),
            view: Mutex::new(view),
        }
    }

    /// The view that the options and the terminal ask for.
    pub fn choose(options: &RunOptions, context: Context) -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        Self::new(match options.show {
            Show::Json => Box::new(json::Json::new(io::stdout(), context)),
            Show::Fitting if io::stderr().is_terminal() && !is_dumb => Box::new(live::Live::new(context)),
            Show::Fitting | Show::Plain => Box::new(plain::Plain::new(io::stderr(), context)),
            Show::Nothing => Box::new(Nothing),
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut dyn View) -> T) -> T {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        work(view.as_mut())
    }

    pub fn record(&self, execution: &str, record: &Record) {
        self.with(|view| view.record(execution, record));
    }

    pub fn output(&self, name: &ActionName, line: &str) {
        self.with(|view| view.output(name, line));
    }

    pub fn shows_every_line(&self) -> bool {
        self.shows_every_line
    }

    pub fn question(&self, question: &Question) {
        self.with(|view| view.question(question));
    }

    pub fn finish(&self) {
        self.with(|view| view.finish());
    }

    /// What is left to say when the program leaves a run that has not ended.
    pub fn leave(&self, text: &str) {
        self.with(|view| view.leave(text));
    }
}

/// Shows nothing.
struct Nothing;

impl View for Nothing {
    fn record(&mut self, _execution: &str, _record: &Record) {}
    fn output(&mut self, _name: &ActionName, _line: &str) {}
    fn question(&mut self, _question: &Question) {}
    fn finish(&mut self) {}
    fn leave(&mut self, _text: &str) {}
}

/// What an approval asks.
#[derive(Clone, Debug)]
pub struct Question {
    pub name: ActionName,
    pub message: Option<String>,
    pub link: Option<String>,
}

/// Gets answers: one question at a time, from lines that somebody types.
#[derive(Default)]
pub struct Asker {
    lines: tokio::sync::Mutex<Option<mpsc::UnboundedReceiver<String>>>,
}

impl Asker {
    /// Asks; none when there is nobody to answer any more.
    pub async fn ask(&self, screen: &Screen, question: &Question) -> Option<bool> {
        let mut lines = self.lines.lock().await;
        let lines = lines.get_or_insert_with(read_lines);
        loop {
            screen.question(question);
            let line = lines.recv().await?;
            match line.trim().to_ascii_lowercase().as_str() {
                "y" | "yes" => return Some(true),
                "n" | "no" => return Some(false),
                _ => {}
            }
        }
    }
}

/// Reads standard input on a thread of its own, which nobody can interrupt and nobody waits for: it ends with the program.
fn read_lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
