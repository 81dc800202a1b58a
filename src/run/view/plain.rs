//! The view without a terminal: one line for everything that happens, each action's output behind its name.
//!
//! A CI system's log gets that system's marks besides: a group that can be folded for each stage, and a failure where it shows them.

use std::borrow::Cow;
use std::io::Write;

use jiff::Timestamp;

use super::words::{called, question_words, words};
use super::{Context, Question, View, report};
use crate::run::event::{ActionName, Event, Record};
use crate::run::outcome::StageStatus;
use crate::run::record::Runs;
use crate::run::units::short;

/// So many bytes that are written at once stay together in a pipe that others write to as well.
const WHOLE: usize = 4096;

/// Whose log the lines become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    #[default]
    Plain,
    GitHub,
    Buildkite,
    GitLab,
}

pub struct Plain<W> {
    out: W,
    context: Context,
    dialect: Dialect,
    runs: Runs,
    /// The execution whose stage's group is open: groups do not nest.
    group: Option<(String, String)>,
}

impl Dialect {
    /// That of the system which says by its environment that it runs us.
    pub fn detect(environment: impl Fn(&str) -> Option<String>) -> Self {
        let says = |name: &str| environment(name).is_some_and(|value| value == "true");
        if says("GITHUB_ACTIONS") {
            Self::GitHub
        } else if says("BUILDKITE") {
            Self::Buildkite
        } else if says("GITLAB_CI") {
            Self::GitLab
        } else {
            Self::Plain
        }
    }

    fn open(self, now: Timestamp, stage: &str, title: &str) -> String {
        match self {
            Self::Plain => title.to_owned(),
            Self::GitHub => format!("::group::{}", escaped(title)),
            Self::Buildkite => format!("--- {title}"),
            Self::GitLab => format!(
                "\u{1b}[0Ksection_start:{}:{}\r\u{1b}[0K{title}",
                now.as_second(),
                section(stage)
            ),
        }
    }

    fn close(self, now: Timestamp, stage: &str) -> Option<String> {
        match self {
            Self::Plain | Self::Buildkite => None,
            Self::GitHub => Some("::endgroup::".to_owned()),
            Self::GitLab => Some(format!(
                "\u{1b}[0Ksection_end:{}:{}\r\u{1b}[0K",
                now.as_second(),
                section(stage)
            )),
        }
    }

    /// What calls attention to a failure, once it is final.
    fn failure(self, title: &str, message: &str) -> Option<String> {
        match self {
            Self::Plain | Self::GitLab => None,
            Self::GitHub => {
                let title = escaped(title).replace(':', "%3A").replace(',', "%2C");
                Some(format!("::error title=FAILED {title}::{}", escaped(message)))
            }
            // Opens the group that it stands in.
            Self::Buildkite => Some("^^^ +++".to_owned()),
        }
    }
}

/// As GitHub's workflow commands want their data.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A name as GitLab wants a section's.
fn section(stage: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    stage
        .chars()
        .map(|c| if fits(c) { c.to_ascii_lowercase() } else { '_' })
        .collect()
}

impl<W: Write> Plain<W> {
    pub fn new(out: W, context: Context, dialect: Dialect) -> Self {
        Self {
            out,
            context,
            dialect,
            runs: Runs::default(),
            group: None,
        }
    }

    /// In one call, so that lines of several programs do not mix. Nobody is left to tell if it fails.
    fn line(&mut self, execution: &str, text: &str) {
        let prefix = self.prefix(execution);
        let _ = self.out.write_all(format!("{prefix}{text}\n").as_bytes());
    }

    /// Says which execution it is about, where there are several.
    fn prefix(&self, execution: &str) -> String {
        if self.runs.are_several() {
            format!("{} ", short(execution))
        } else {
            String::new()
        }
    }

    fn mark(&mut self, text: &str) {
        let _ = self.out.write_all(format!("{text}\n").as_bytes());
    }

    fn open_group(&mut self, execution: &str, now: Timestamp, stage: &str, title: &str) {
        if self.group.is_some() || self.dialect == Dialect::Plain {
            return self.line(execution, title);
        }
        let title = format!("{}{title}", self.prefix(execution));
        let mark = self.dialect.open(now, stage, &title);
        self.mark(&mark);
        self.group = Some((execution.to_owned(), stage.to_owned()));
    }

    fn close_group(&mut self, execution: &str, now: Timestamp) {
        if let Some((_, stage)) = self.group.take_if(|(open, _)| open == execution)
            && let Some(mark) = self.dialect.close(now, &stage)
        {
            self.mark(&mark);
        }
    }
}

impl<W: Write + Send> View for Plain<W> {
    fn restore(&mut self, execution: &str, records: &[Record]) {
        self.runs.restore(execution, records);
    }

    fn forget(&mut self, execution: &str) {
        self.runs.forget(execution);
    }

    fn record(&mut self, execution: &str, record: &Record) {
        let Some(run) = self.runs.apply(execution, record) else {
            return;
        };
        let text = words(&record.event, run);
        match &record.event {
            Event::StageStarted { stage, .. } => {
                let title = text.unwrap_or_default();
                return self.open_group(execution, record.time, stage, &title);
            }
            Event::StageFinished {
                stage,
                status: StageStatus::Failed,
                ..
            } => {
                for (title, message) in report::failures_of(run, stage) {
                    if let Some(mark) = self.dialect.failure(&title, &message) {
                        self.mark(&mark);
                    }
                }
            }
            _ => {}
        }
        match (text, &record.event) {
            // It names the run itself.
            (Some(text), Event::RunStarted(_)) => self.mark(&text),
            (Some(text), _) => self.line(execution, &text),
            (None, _) => {}
        }
        match &record.event {
            Event::StageFinished { .. } => self.close_group(execution, record.time),
            Event::RunFinished { .. } => {
                self.close_group(execution, record.time);
                let closing = report::closing_among(&self.runs, execution, &self.context);
                let _ = self.out.write_all(closing.as_bytes());
            }
            _ => {}
        }
    }

    fn output(&mut self, execution: &str, name: &ActionName, lines: &[Cow<'_, str>]) {
        let prefix = format!("{}{} | ", self.prefix(execution), called(name));
        let mut text = String::new();
        for line in lines {
            if text.len() + prefix.len() + line.len() >= WHOLE {
                let _ = self.out.write_all(text.as_bytes());
                text.clear();
            }
            text.push_str(&prefix);
            text.push_str(line);
            text.push('\n');
        }
        let _ = self.out.write_all(text.as_bytes());
    }

    fn shows_every_line(&self) -> bool {
        true
    }

    fn question(&mut self, _execution: &str, question: &Question) {
        let text = question_words(question);
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }

    fn say(&mut self, text: &str) {
        self.mark(text);
    }

    fn finish(&mut self) {
        let _ = self.out.flush();
    }
}
