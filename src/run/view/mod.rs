//! Views: what people and programs see of a run. All of them are drawn from the journal's events; only a running action's
//! output comes beside them.

pub mod json;
pub mod live;
pub mod next;
pub mod path;
pub mod plain;
pub mod prompt;
pub mod report;
pub mod words;

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::event::{ActionName, Record};
use super::feeds::{self, Feed};
use super::{RunOptions, Show, terminal};
use crate::ir::Pipeline;

pub use prompt::{Answered, Asker, Question};

/// One way of showing runs. A process may carry out several executions at the same time.
pub trait View: Send {
    /// What an execution's journal said before this process took it up.
    fn restore(&mut self, execution: &str, records: &[Record]);
    /// The executions that begin from here on have another definition.
    fn define(&mut self, _pipeline: &Arc<Pipeline>) {}
    /// Nothing more will be told of an execution that has ended.
    fn forget(&mut self, _execution: &str) {}
    /// Something has happened in an execution.
    fn record(&mut self, execution: &str, record: &Record);
    /// An action printed lines.
    fn output(&mut self, execution: &str, name: &ActionName, lines: &[Cow<'_, str>]);
    /// A line that an action has not ended yet, as it is now. It comes once more when it has ended.
    fn unfinished(&mut self, _execution: &str, _name: &ActionName, _line: &str) {}
    /// Whether every line that an action prints is shown; else it need only be told of the last ones.
    fn shows_every_line(&self) -> bool {
        false
    }
    /// Puts a question on the screen; the answer comes from elsewhere.
    fn question(&mut self, execution: &str, question: &Question);
    /// What somebody has typed so far as an answer.
    fn typed(&mut self, _text: &str) {}
    /// A line of the program's own.
    fn say(&mut self, text: &str);
    /// All is over: leave the terminal as it should stay.
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
    /// The folder of the run that the program was started for.
    pub run_dir: PathBuf,
    /// What a command that goes on with the run has to be given again: ` --secrets FILE`.
    pub given: String,
    /// Whether colours may be used.
    pub colour: bool,
}

/// The view that all parts of a run share, from where one execution stands.
#[derive(Clone)]
pub struct Screen {
    shared: Arc<Mutex<Shared>>,
    execution: Arc<str>,
    shows_every_line: bool,
}

struct Shared {
    view: Box<dyn View>,
    feeds: Vec<Box<dyn Feed>>,
}

impl Screen {
    pub fn new(view: Box<dyn View>, feeds: Vec<Box<dyn Feed>>) -> Self {
        Self {
            shows_every_line: view.shows_every_line(),
            shared: Arc::new(Mutex::new(Shared { view, feeds })),
            execution: "".into(),
        }
    }

    /// One that shows nothing.
    pub fn silent() -> Self {
        Self::new(Box::new(Nothing), Vec::new())
    }

    /// The view that the options and the terminal ask for, and the feeds.
    pub fn choose(options: &RunOptions, pipeline: &Arc<Pipeline>, context: Context) -> Self {
        let feeds = feeds::chosen(options, &context.run_dir);
        let dialect = plain::Dialect::detect(|name| options.environment(name));
        let view: Box<dyn View> = match options.show {
            Show::Json => Box::new(json::Json::new(io::stdout(), context, Arc::clone(pipeline))),
            Show::Fitting if terminal::can_be_drawn_on() => Box::new(live::Live::new(context)),
            Show::Fitting | Show::Plain => Box::new(plain::Plain::new(io::stderr(), context, dialect)),
            Show::Nothing => Box::new(Nothing),
        };
        Self::new(view, feeds)
    }

    /// The same screen for another execution.
    pub fn of(&self, execution: &str) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            execution: execution.into(),
            shows_every_line: self.shows_every_line,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what an execution's journal said before this process took it up.
    pub fn restore(&self, execution: &str, records: &[Record]) {
        let mut shared = self.lock();
        for feed in &mut shared.feeds {
            feed.restore(execution, records);
        }
        shared.view.restore(execution, records);
    }

    /// Tells that the executions that begin from here on have another definition.
    pub fn define(&self, pipeline: &Arc<Pipeline>) {
        self.lock().view.define(pipeline);
    }

    /// Tells that nothing more will be told of an execution that has ended: the view need not know of it any more.
    pub fn forget(&self, execution: &str) {
        self.lock().view.forget(execution);
    }

    /// The feeds are first, so that the view's report of the end stays the last word.
    pub fn record(&self, execution: &str, record: &Record) {
        let mut shared = self.lock();
        let Shared { view, feeds } = &mut *shared;
        for note in feeds.iter_mut().filter_map(|feed| feed.record(execution, record)) {
            view.say(&note);
        }
        view.record(execution, record);
    }

    pub fn output(&self, name: &ActionName, lines: &[Cow<'_, str>]) {
        self.lock().view.output(&self.execution, name, lines);
    }

    pub fn unfinished(&self, name: &ActionName, line: &str) {
        self.lock().view.unfinished(&self.execution, name, line);
    }

    pub fn shows_every_line(&self) -> bool {
        self.shows_every_line
    }

    pub fn question(&self, question: &Question) {
        self.lock().view.question(&self.execution, question);
    }

    /// Something that is no event of a run.
    pub fn say(&self, text: &str) {
        self.lock().view.say(text.trim_end());
    }

    pub fn typed(&self, text: &str) {
        self.lock().view.typed(text);
    }

    pub fn finish(&self) {
        let mut shared = self.lock();
        shared.finish_feeds();
        shared.view.finish();
    }

    /// What is left to say when the program leaves a run that has not ended.
    pub fn leave(&self, text: &str) {
        let mut shared = self.lock();
        shared.finish_feeds();
        shared.view.leave(text);
    }
}

impl Shared {
    fn finish_feeds(&mut self) {
        let Self { view, feeds } = self;
        for note in feeds.iter_mut().filter_map(|feed| feed.finish()) {
            view.say(&note);
        }
    }
}

/// Shows nothing.
struct Nothing;

impl View for Nothing {
    fn restore(&mut self, _execution: &str, _records: &[Record]) {}
    fn record(&mut self, _execution: &str, _record: &Record) {}
    fn output(&mut self, _execution: &str, _name: &ActionName, _lines: &[Cow<'_, str>]) {}
    fn question(&mut self, _execution: &str, _question: &Question) {}
    fn say(&mut self, _text: &str) {}
    fn finish(&mut self) {}
    fn leave(&mut self, _text: &str) {}
}
