//! Where results and messages go, and how they may look there.

use std::env;
use std::io::{self, IsTerminal, Write};

use clap::builder::styling;

use super::error::Error;
use super::status::Status;
use crate::diagnostic::human::Style;

/// Columns where there is no terminal that could be asked.
const WIDTH: usize = 100;

/// Standard output for results, standard error for everything else.
pub(super) struct Console {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    pub(super) out_style: Style,
    pub(super) err_style: Style,
}

impl Console {
    pub(super) fn of_this_process() -> Self {
        Self {
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            out_style: style(&io::stdout()),
            err_style: style(&io::stderr()),
        }
    }

    /// Writes a result.
    pub(super) fn print(&mut self, text: &str) -> Result<(), Error> {
        self.out.write_all(text.as_bytes()).map_err(Error::Output)
    }

    /// Writes a part of a result, whatever bytes it holds, so that whoever reads has it at once.
    pub(super) fn print_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()
    }

    /// How results may be emphasised.
    pub(super) fn paint(&self) -> Paint {
        Paint {
            color: self.out_style.color,
        }
    }

    /// Writes a message. That it could not be written is nobody's business: the answer is on standard output.
    pub(super) fn note(&mut self, text: &str) {
        let _ = self.err.write_all(text.as_bytes());
    }

    /// Tells an operational error.
    pub(super) fn complain(&mut self, error: &Error) {
        let paint = Paint {
            color: self.err_style.color,
        };
        self.note(&format!("{} {error}\n", paint.alarm("error:")));
        if let Some(help) = error.help() {
            self.note(&format!("  help: {help}\n"));
        }
    }

    /// Makes sure that all results have left before the process ends.
    pub(super) fn finish(&mut self, status: Status) -> Result<Status, Error> {
        self.out.flush().map_err(Error::Output)?;
        Ok(status)
    }
}

/// Emphasis for results that are read by people; none where colours are not wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    color: bool,
}

impl Paint {
    pub(super) fn heading(self, text: &str) -> String {
        self.styled(styling::Style::new().bold(), text)
    }

    pub(super) fn faint(self, text: &str) -> String {
        self.styled(styling::Style::new().dimmed(), text)
    }

    pub(super) fn alarm(self, text: &str) -> String {
        self.styled(styling::AnsiColor::Red.on_default().bold(), text)
    }

    fn styled(self, style: styling::Style, text: &str) -> String {
        match self.color {
            true => format!("{style}{text}{style:#}"),
            false => text.to_owned(),
        }
    }
}

/// Colours only on a terminal that understands them, unless `NO_COLOR` is set.
fn style(stream: &(impl IsTerminal + std::os::fd::AsFd)) -> Style {
    if !stream.is_terminal() {
        return Style {
            width: WIDTH,
            ..Style::PLAIN
        };
    }
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    Style {
        color: !is_dumb && !is_set("NO_COLOR"),
        unicode: !is_dumb && !locale_is_ascii(),
        width: terminal_size::terminal_size_of(stream).map_or(WIDTH, |(width, _)| width.0.into()),
    }
}

/// A locale that was not set says nothing about the terminal; `C` and `POSIX` say that it knows ASCII alone.
fn locale_is_ascii() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(env::var_os)
        .find(|value| !value.is_empty());
    set.is_some_and(|locale| locale == "C" || locale == "POSIX")
}
