//! What goes on, as lines of a terminal: nothing here knows one.

use std::borrow::Cow;
use std::collections::HashMap;

use console::{measure_text_width, truncate_str};
use jiff::Timestamp;

use super::canvas::Size;
use super::paint::{Paint, cleaned, elapsed, spinner};
use super::step::{Lines, StageLines};
use crate::run::event::{ActionName, Event, Record};
use crate::run::record::{RunRecord, Runs};
use crate::run::units::{count, short};
use crate::run::view::words::{called, waiting_words};
use crate::run::view::{Context, Question};

/// What is drawn over is never taller, however tall the terminal is.
const TALLEST: usize = 40;
/// How many rows of an approval's message are shown.
const MESSAGE_ROWS: usize = 5;
/// How many rows its link may take: somebody may want to take it from the screen.
const LINK_ROWS: usize = 3;
/// What stands before an answer, and with room enough before the first key of it.
const ASKS: &str = "  approve? ";
const HOW: &str = "[y/n, and a comment if you like] ";
const HOW_IN_SHORT: &str = "[y/n] ";

/// All that is to be seen.
pub struct Scene {
    context: Context,
    paint: Paint,
    runs: Runs,
    /// The last lines of each execution's running actions.
    lines: HashMap<String, Lines>,
    asked: Option<Asked>,
    /// Text that is to stay, and is not on the terminal yet.
    above: String,
}

struct Asked {
    execution: String,
    question: Question,
    typed: String,
}

impl Scene {
    pub fn new(context: Context) -> Self {
        Self {
            paint: Paint { colour: context.colour },
            context,
            runs: Runs::default(),
            lines: HashMap::new(),
            asked: None,
            above: String::new(),
        }
    }

    pub fn restore(&mut self, execution: &str, records: &[Record]) {
        self.runs.restore(execution, records);
    }

    pub fn forget(&mut self, execution: &str) {
        self.runs.forget(execution);
        self.lines.remove(execution);
    }

    pub fn record(&mut self, execution: &str, record: &Record) {
        let Some(run) = self.runs.apply(execution, record) else {
            return;
        };
        let stays = self.paint.event(&record.event, run);
        match &record.event {
            Event::ActionFinished { name, .. } => {
                self.lines.get_mut(execution).and_then(|lines| lines.remove(name));
                self.answered(execution, Some(name));
            }
            Event::ApprovalAnswered { name, .. } => self.answered(execution, Some(name)),
            _ => {}
        }
        match (stays, &record.event) {
            // It names the run itself.
            (Some(text), Event::RunStarted(_)) => self.above.push_str(&format!("{text}\n")),
            (Some(text), _) => self.say_of(execution, &text),
            (None, _) => {}
        }
        if matches!(record.event, Event::RunFinished { .. }) {
            self.answered(execution, None);
            self.lines.remove(execution);
            self.above
                .push_str(&self.paint.closing(&self.runs, execution, &self.context));
        }
    }

    /// Nothing is asked any more of an execution, or of one of its actions.
    fn answered(&mut self, execution: &str, name: Option<&ActionName>) {
        self.asked
            .take_if(|asked| asked.execution == execution && name.is_none_or(|name| asked.question.name == *name));
    }

    pub fn output(&mut self, execution: &str, name: &ActionName, line: &str) {
        if self.runs.get(execution).is_none() || line.trim().is_empty() {
            return;
        }
        let lines = self.lines.entry(execution.to_owned()).or_default();
        match lines.get_mut(name) {
            Some(known) => {
                known.clear();
                known.push_str(line);
            }
            None => drop(lines.insert(name.clone(), line.to_owned())),
        }
    }

    pub fn question(&mut self, execution: &str, question: &Question) {
        self.asked = Some(Asked {
            execution: execution.to_owned(),
            question: question.clone(),
            typed: String::new(),
        });
    }

    pub fn typed(&mut self, text: &str) {
        if let Some(asked) = &mut self.asked {
            asked.typed = cleaned(text);
        }
    }

    pub fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    pub fn say(&mut self, text: &str) {
        self.above.push_str(&self.paint.painted(text));
        self.above.push('\n');
    }

    fn say_of(&mut self, execution: &str, text: &str) {
        if self.runs.are_several() {
            self.above.push_str(&self.paint.dim(short(execution)));
            self.above.push(' ');
        }
        self.above.push_str(text);
        self.above.push('\n');
    }

    /// What is to stay above the frame, once.
    pub fn take_above(&mut self) -> String {
        std::mem::take(&mut self.above)
    }

    /// What goes on at `now`, in lines that fit a terminal of this size.
    pub fn frame(&self, now: Timestamp, size: Size) -> Vec<String> {
        // A row is left for what follows, and a column because some terminals break a line that fills one. A terminal that gets
        // narrower breaks all lines anew: those of a tall one still fit when each takes two rows. What does not goes out of sight, and
        // can never be taken back.
        let rows = match size.rows {
            0..=12 => size.rows.saturating_sub(1),
            rows => (rows / 2).max(11),
        };
        let rows = rows.min(TALLEST);
        let columns = size.columns.saturating_sub(1).max(1);
        let mut question = self.question_lines(now, columns);
        // Its end is where somebody types.
        question.drain(..question.len().saturating_sub(rows));
        let live: Vec<&RunRecord> = self.runs.iter().filter(|run| !run.has_ended()).collect();
        let room = rows.saturating_sub(question.len());
        let mut lines = self.run_lines(&live, now, Size { rows: room, columns });
        lines.truncate(room);
        lines.extend(question);
        lines.truncate(rows);
        let cut = |line: String| truncate_str(&line, columns, "…").into_owned();
        lines.into_iter().map(cut).collect()
    }

    fn run_lines(&self, live: &[&RunRecord], now: Timestamp, size: Size) -> Vec<String> {
        let mut lines = Vec::new();
        // Each needs a line at least, and one is for the others.
        let shown = if live.len() <= size.rows {
            live.len()
        } else {
            size.rows.saturating_sub(1)
        };
        for (index, run) in live.iter().take(shown).enumerate() {
            let left = size.rows - lines.len() - usize::from(shown < live.len());
            let rows = left / (shown - index);
            lines.extend(self.one_run(run, now, Size { rows, ..size }));
        }
        if shown < live.len() {
            lines.push(format!("… and {} more in progress", count(live.len() - shown, "run")));
        }
        lines
    }

    fn question_lines(&self, now: Timestamp, columns: usize) -> Vec<String> {
        let Some(asked) = &self.asked else { return Vec::new() };
        let question = &asked.question;
        let run = self.runs.get(&asked.execution);
        let name = &question.name;
        let started = run.and_then(|run| Some(run.action(&name.stage, &name.action)?.attempts.last()?.started));
        let elapsed = started.map(|started| format!("  {}", elapsed(started, now)));
        let of = match run {
            Some(run) if self.runs.are_several() => format!(" of run {}", run.short_id()),
            _ => String::new(),
        };
        let head = format!(
            "? {}{of} waits for your approval{}",
            called(&question.name),
            elapsed.unwrap_or_default()
        );
        let mut lines = wrapped(&head, columns, MESSAGE_ROWS);
        for line in &mut lines {
            *line = self.paint.attention(line);
        }
        let indented = |text: &str, rows| {
            let lines = wrapped(&cleaned(text), columns.saturating_sub(2), rows);
            lines.into_iter().map(|line| format!("  {line}"))
        };
        if let Some(message) = &question.message {
            lines.extend(indented(message, MESSAGE_ROWS));
        }
        if let Some(link) = &question.link {
            lines.extend(indented(&format!("to look at: {link}"), LINK_ROWS));
        }
        lines.push(self.answer_line(&asked.typed, columns));
        lines
    }

    /// What is typed; of more than there is room for, the end.
    fn answer_line(&self, typed: &str, columns: usize) -> String {
        let room = columns.saturating_sub(ASKS.len() + 1);
        let how = match room {
            _ if !typed.is_empty() => "",
            room if room >= HOW.len() => HOW,
            _ => HOW_IN_SHORT,
        };
        let asks = if room < HOW_IN_SHORT.len() { "" } else { ASKS };
        let room = columns.saturating_sub(asks.len() + 1);
        format!(
            "{asks}{}{}{}",
            self.paint.dim(how),
            end_of(typed, room),
            self.paint.bold("_")
        )
    }

    fn one_run(&self, run: &RunRecord, now: Timestamp, size: Size) -> Vec<String> {
        let paint = self.paint;
        let counts = run.counts();
        let stopping = if run.stop_reason.is_some() { "  stopping" } else { "" };
        let mut lines = vec![format!(
            "{} {}  {}{}",
            spinner(now),
            paint.bold(&format!("run {} of {}", run.short_id(), run.pipeline)),
            elapsed(run.started, now),
            paint.dim(&format!(
                "  {} of {} done{stopping}",
                counts.over(),
                count(counts.all, "action")
            ))
        )];
        for stage in run.part() {
            if let Some(reason) = &stage.waits_for {
                let waits = format!("waits in front of stage {}: {}", stage.name, waiting_words(reason));
                lines.push(format!("  {}", paint.attention(&cleaned(&waits))));
            }
        }
        let rest = run.part().iter().filter(|stage| stage.started.is_none());
        let rest: Vec<&str> = rest.map(|stage| stage.name.as_str()).collect();
        let has_rest = !rest.is_empty() && size.rows > 4;
        if let Some(stage) = run.part().iter().find(|stage| stage.is_current()) {
            let rows = size.rows.saturating_sub(lines.len() + usize::from(has_rest));
            let none = Lines::new();
            let stage = StageLines {
                stage,
                lines: self.lines.get(&run.id).unwrap_or(&none),
                paint,
                now,
            };
            lines.extend(stage.draw(Size { rows, ..size }));
        }
        if has_rest {
            lines.push(paint.dim(&format!("  then {}", rest.join(", "))));
        }
        lines.truncate(size.rows);
        lines
    }
}

/// A text in rows of so many columns, and no more rows than that.
fn wrapped(text: &str, columns: usize, rows: usize) -> Vec<String> {
    let lines = textwrap::wrap(text, columns.max(1));
    let has_more = lines.len() > rows;
    let mut lines: Vec<String> = lines.into_iter().take(rows).map(Cow::into_owned).collect();
    if let Some(last) = lines.last_mut().filter(|_| has_more) {
        *last = format!("{}…", truncate_str(last, columns.saturating_sub(1), ""));
    }
    lines
}

/// The text, or as much of its end as so many columns have room for.
fn end_of(text: &str, columns: usize) -> Cow<'_, str> {
    if measure_text_width(text) <= columns {
        return text.into();
    }
    let fits = |&(at, _): &(usize, char)| measure_text_width(&text[at..]) < columns;
    let start = text.char_indices().rev().take_while(fits).last();
    format!("…{}", start.map_or("", |(at, _)| &text[at..])).into()
}
