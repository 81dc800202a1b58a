//! Colours, and the small things that lines are made of.

use console::{AnsiCodeIterator, Style};
use jiff::Timestamp;

use crate::run::units::duration;

/// Colours, of the sixteen that every terminal's theme knows; or none.
#[derive(Clone, Copy)]
pub(super) struct Paint {
    pub(super) colour: bool,
}

impl Paint {
    fn with(self, style: Style, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        style.force_styling(true).apply_to(text).to_string()
    }

    /// A text of ours that may have colours already; nothing else in it does anything to a terminal.
    pub(super) fn painted(self, text: &str) -> String {
        let mut out = String::new();
        let mut has_colours = false;
        for (part, is_code) in AnsiCodeIterator::new(text) {
            if !is_code {
                out.push_str(&cleaned(part));
            } else if self.colour && part.starts_with("\u{1b}[") && part.ends_with('m') {
                out.push_str(part);
                has_colours = true;
            }
        }
        if has_colours && !out.ends_with("\u{1b}[0m") {
            out.push_str("\u{1b}[0m");
        }
        out
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.with(Style::new().dim(), text)
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.with(Style::new().green(), text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.with(Style::new().red().bold(), text)
    }

    pub(super) fn attention(self, text: &str) -> String {
        self.with(Style::new().yellow(), text)
    }
}

pub(super) fn spinner(now: Timestamp) -> char {
    const PICTURES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
    let turn = now.as_millisecond().div_euclid(100).rem_euclid(10);
    PICTURES[usize::try_from(turn).unwrap_or(0)]
}

/// In whole seconds, which do not flicker.
pub(super) fn elapsed(from: Timestamp, to: Timestamp) -> String {
    let seconds = u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        _ => duration(seconds * 1000),
    }
}

/// Without what could do anything to a terminal.
pub(super) fn cleaned(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').collect()
}
