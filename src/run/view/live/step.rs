//! The stage that goes on: its steps, and the members of a step beside each other where there is room.

use std::collections::HashMap;

use console::{measure_text_width, pad_str, truncate_str};
use jiff::Timestamp;

use super::canvas::Size;
use super::paint::{Paint, elapsed, spinner};
use crate::run::event::ActionName;
use crate::run::record::{ActionRecord, Counts, StageRecord, State};
use crate::run::units::duration;
use crate::run::view::report::verdict;

/// How narrow a column may be that holds an action with its last line.
const NARROWEST: usize = 60;
const INDENT: usize = 4;
const GAP: usize = 3;

/// An action, as it is drawn.
struct Cell {
    state: State,
    started: Option<Timestamp>,
    head: String,
    /// The last line of a running action's output.
    tail: String,
}

/// The last line of each running action.
pub(super) type Lines = HashMap<ActionName, String>;

/// The stage that goes on, with what is drawn of it.
pub(super) struct StageLines<'a> {
    pub(super) stage: &'a StageRecord,
    pub(super) lines: &'a Lines,
    pub(super) paint: Paint,
    pub(super) now: Timestamp,
}

impl StageLines<'_> {
    /// The stage's own line, then its members.
    pub(super) fn draw(&self, size: Size) -> Vec<String> {
        let Self { stage, paint, now, .. } = *self;
        let counts = stage.counts();
        let attempt = match stage.attempt {
            0 | 1 => String::new(),
            attempt => format!(", attempt {attempt}"),
        };
        let started = stage.attempt_started.unwrap_or(now);
        let mut lines = vec![format!(
            "  {} {}{attempt}  {}{}",
            spinner(now),
            paint.bold(&stage.name),
            elapsed(started, now),
            paint.dim(&format!("  {} of {} done", counts.over(), counts.all))
        )];
        for (condition, rule, since) in stage.running_rules() {
            lines.push(format!(
                "    {} {}, rule {}  {}",
                spinner(now),
                condition.position.words(),
                rule.rule,
                elapsed(since, now)
            ));
        }
        let rows = size.rows.saturating_sub(lines.len());
        lines.extend(self.members(rows, size.columns.saturating_sub(INDENT)));
        lines
    }

    fn members(&self, rows: usize, columns: usize) -> Vec<String> {
        let mut steps: Vec<u32> = self.stage.actions.iter().map(|action| action.step).collect();
        steps.sort_unstable();
        steps.dedup();
        let mut lines = Vec::new();
        // With more than that the lines of all could not be shown, so they need not be made.
        let columns_at_most = (columns / 8).max(1);
        let is_crowd = self.stage.actions.len() > rows * columns_at_most;
        if !is_crowd {
            for step in steps {
                lines.extend(self.step(step, columns));
            }
        }
        if is_crowd || lines.len() > rows {
            lines = self.crowd(rows, columns);
        }
        lines.into_iter().map(|line| format!("{:INDENT$}{line}", "")).collect()
    }

    /// The members of a step: those that can be said in a few words beside each other, then those that print something.
    fn step(&self, step: u32, columns: usize) -> Vec<String> {
        let members = self.stage.actions.iter().filter(|action| action.step == step);
        let (waiting, begun): (Vec<&ActionRecord>, Vec<&ActionRecord>) =
            members.partition(|action| self.stage.state(action) == State::Waiting);
        let cells = begun.into_iter().map(|action| self.cell(action));
        let (short, long): (Vec<Cell>, Vec<Cell>) = cells.partition(|cell| cell.tail.is_empty());
        let mut lines = self.beside(&short, columns);
        lines.extend(self.columns(&long, columns));
        let names: Vec<&str> = waiting.iter().map(|action| action.name.as_str()).collect();
        if let Some((_, rest)) = names.split_first() {
            let verb = if rest.is_empty() { "waits" } else { "wait" };
            lines.push(self.paint.dim(&format!("· {}  {verb}", names.join(", "))));
        }
        lines
    }

    fn cell(&self, action: &ActionRecord) -> Cell {
        let state = self.stage.state(action);
        let name = &action.name;
        let attempt = action.tries().next_back();
        let number = match attempt.map_or(1, |attempt| attempt.attempt) {
            1 => String::new(),
            number => format!(", attempt {number}"),
        };
        let started = attempt.map(|attempt| attempt.started);
        let mut tail = String::new();
        let head = match (state, action.last(), started) {
            (State::Running, _, Some(started)) if action.is_approval() => {
                let time = elapsed(started, self.now);
                format!(
                    "{} {name}{number}  waits for an answer {time}",
                    self.paint.attention("?")
                )
            }
            (State::Running, _, Some(started)) => {
                let key = ActionName {
                    stage: self.stage.name.clone(),
                    action: name.clone(),
                    attempt: attempt.map_or(1, |attempt| attempt.attempt),
                };
                tail = self.lines.get(&key).cloned().unwrap_or_default();
                format!("{} {name}{number}  {}", spinner(self.now), elapsed(started, self.now))
            }
            (_, Some((_, end)), _) => {
                let sign = match state {
                    State::Succeeded => self.paint.good("✓"),
                    State::Failed => self.paint.bad("✗"),
                    _ => self.paint.attention("-"),
                };
                let word = verdict(end.status, action.how);
                format!("{sign} {name}{number}  {word} {}", duration(end.duration_ms))
            }
            _ => format!("· {name}  waits"),
        };
        Cell {
            state,
            started,
            head,
            tail,
        }
    }

    /// As many beside each other as there is room for, in columns.
    fn beside(&self, cells: &[Cell], columns: usize) -> Vec<String> {
        let width = cells
            .iter()
            .map(|cell| measure_text_width(&cell.head))
            .max()
            .unwrap_or(0);
        let in_a_line = ((columns + GAP) / (width + GAP).max(1)).max(1);
        let line = |cells: &[Cell]| {
            let padded: Vec<String> = cells.iter().map(|cell| padded(&cell.head, width)).collect();
            padded.join(&" ".repeat(GAP)).trim_end().to_owned()
        };
        cells.chunks(in_a_line).map(line).collect()
    }

    /// Each with its last line: one a line, or more in a wide terminal.
    fn columns(&self, cells: &[Cell], columns: usize) -> Vec<String> {
        let in_a_line = ((columns + GAP) / (NARROWEST + GAP)).clamp(1, cells.len().max(1));
        let width = (columns + GAP) / in_a_line - GAP;
        // The lines of output begin below each other.
        let head = cells
            .iter()
            .map(|cell| measure_text_width(&cell.head))
            .max()
            .unwrap_or(0);
        let head = head.min(width / 2);
        let line = |cells: &[Cell]| {
            let texts = cells.iter().map(|cell| {
                let tail = self.paint.dim(&cell.tail);
                let text = format!("{}  {tail}", padded(&truncate_str(&cell.head, width, "…"), head));
                padded(&truncate_str(&text, width, "…"), width)
            });
            texts.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end().to_owned()
        };
        cells.chunks(in_a_line).map(line).collect()
    }

    /// Where there are too many: those that failed and those that run longest, and how many the others are.
    fn crowd(&self, rows: usize, columns: usize) -> Vec<String> {
        if rows == 0 {
            return Vec::new();
        }
        let of_interest =
            |action: &&ActionRecord| matches!(self.stage.state(action), State::Failed | State::Ended | State::Running);
        let mut shown: Vec<&ActionRecord> = self.stage.actions.iter().filter(of_interest).collect();
        shown.sort_by_key(|action| {
            let started = action.tries().next_back().map(|attempt| attempt.started);
            (self.stage.state(action), started)
        });
        let in_a_line = ((columns + GAP) / (NARROWEST + GAP)).max(1);
        shown.truncate((rows - 1) * in_a_line);
        let mut cells: Vec<Cell> = shown.into_iter().map(|action| self.cell(action)).collect();
        cells.sort_by_key(|cell| (cell.state, cell.started));
        let mut lines = self.columns(&cells, columns);
        let mut others = self.stage.counts();
        for cell in &cells {
            others.take_out(cell.state);
        }
        lines.push(
            self.paint
                .dim(&format!("… and {} more: {}", others.all, number_words(&others))),
        );
        lines
    }
}

fn number_words(counts: &Counts) -> String {
    let done = counts.succeeded + counts.skipped;
    let words = [
        (counts.failed, "FAILED"),
        (counts.ended, "ended"),
        (done, "done"),
        (counts.running, "running"),
        (counts.waiting, "waiting"),
    ];
    let some = words.into_iter().filter(|(number, _)| *number > 0);
    some.map(|(number, word)| format!("{number} {word}"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn padded(text: &str, width: usize) -> String {
    pad_str(text, width, console::Alignment::Left, None).into_owned()
}
