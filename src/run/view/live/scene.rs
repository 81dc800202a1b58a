//! What goes on, as lines of a terminal: nothing here knows one.

use std::collections::{BTreeMap, HashMap};

use console::{Style, truncate_str};
use jiff::Timestamp;

use super::canvas::Size;
use super::step;
use crate::run::event::{ActionName, Event, Record, Waiting};
use crate::run::outcome::{RunStatus, StageStatus, Status};
use crate::run::view::report::{count, duration, not_real, short, verdict};
use crate::run::view::summary::{Action, AttemptEnd, Stage, Standing, Summary};
use crate::run::view::words::{called, words};
use crate::run::view::{Context, Question};

/// What is drawn over is never taller, however tall the terminal is.
const TALLEST: usize = 40;
/// How many lines of an approval's message are shown.
const MESSAGE_LINES: usize = 3;

/// All that is to be seen.
pub struct Scene {
    context: Context,
    paint: Paint,
    runs: BTreeMap<String, Run>,
    asked: Option<Asked>,
    /// Text that is to stay, and is not on the terminal yet.
    above: String,
}

/// An execution.
#[derive(Default)]
pub(super) struct Run {
    pub(super) summary: Summary,
    /// The last line of each running action.
    pub(super) lines: HashMap<ActionName, String>,
    /// Why it stands in front of a stage.
    waits: Option<String>,
    is_stopping: bool,
}

struct Asked {
    execution: String,
    question: Question,
    typed: String,
}

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

impl Scene {
    pub fn new(context: Context) -> Self {
        Self {
            paint: Paint { colour: context.colour },
            context,
            runs: BTreeMap::new(),
            asked: None,
            above: String::new(),
        }
    }

    pub fn restore(&mut self, execution: &str, records: &[Record]) {
        let run = self.runs.entry(execution.to_owned()).or_default();
        records.iter().for_each(|record| run.summary.apply(record));
    }

    pub fn record(&mut self, execution: &str, record: &Record) {
        let run = self.runs.entry(execution.to_owned()).or_default();
        run.summary.apply(record);
        match &record.event {
            Event::StageWaiting { stage, reason } => run.waits = Some(waits(stage, reason)),
            Event::StageStarted { .. } | Event::StageRetried { .. } | Event::RunFinished { .. } => run.waits = None,
            Event::ActionFinished { name, .. } => drop(run.lines.remove(name)),
            Event::StopRequested { .. } | Event::CancelRequested { .. } => run.is_stopping = true,
            _ => {}
        }
        if let Event::ApprovalAnswered { name, .. } | Event::ActionFinished { name, .. } = &record.event {
            self.asked
                .take_if(|asked| asked.execution == execution && asked.question.name == *name);
        }
        match (self.stays(execution, &record.event), &record.event) {
            // It names the run itself.
            (Some(text), Event::RunStarted(_)) => self.above.push_str(&format!("{text}\n")),
            (Some(text), _) => self.say_of(execution, &text),
            (None, _) => {}
        }
        if matches!(record.event, Event::RunFinished { .. }) {
            self.asked.take_if(|asked| asked.execution == execution);
            self.close(execution);
        }
    }

    /// What of an event stays on the terminal; the rest is seen while it lasts.
    fn stays(&self, execution: &str, event: &Event) -> Option<String> {
        let summary = &self.runs.get(execution)?.summary;
        let text = || words(event, summary).map(|text| cleaned(&text));
        match event {
            Event::StageStarted { .. } | Event::StageWaiting { .. } | Event::ActionStarted { .. } => None,
            // With its stage.
            Event::ActionFinished { .. } => None,
            Event::StageFinished { stage, .. } => Some(self.collapsed(summary.stage(stage)?)),
            Event::StageRetried { stage, .. } => {
                let mut text = self.paint.attention(&text()?);
                for action in &summary.stage(stage)?.actions {
                    if let Some((_, end)) = action.last().filter(|(_, end)| end.status != Status::Succeeded) {
                        text.push_str(&format!("\n    {}", self.ended(Standing::Failed, action, end)));
                    }
                }
                Some(text)
            }
            Event::StopRequested { .. } | Event::CancelRequested { .. } => Some(self.paint.attention(&text()?)),
            Event::RunStarted(_) => {
                let text = text()?;
                let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
                let rest: String = rest.lines().map(|line| format!("\n{}", self.paint.dim(line))).collect();
                Some(format!("{}{rest}", self.paint.bold(first)))
            }
            _ => text(),
        }
    }

    /// A stage that has ended: a line, and below it all of its actions if it did not end well.
    fn collapsed(&self, stage: &Stage) -> String {
        let Some(end) = stage.end else { return String::new() };
        let (sign, word) = match end.status {
            StageStatus::Succeeded => (self.paint.good("✓"), self.paint.good("ok")),
            StageStatus::Failed => (self.paint.bad("✗"), self.paint.bad("FAILED")),
            StageStatus::Skipped => (self.paint.dim("-"), "skipped".to_owned()),
            StageStatus::Stopped => (self.paint.attention("-"), self.paint.attention("stopped")),
            StageStatus::Cancelled => (self.paint.attention("-"), self.paint.attention("cancelled")),
        };
        let counts = stage.counts();
        let attempt = match stage.attempt {
            0 | 1 => String::new(),
            attempt => format!("  attempt {attempt}"),
        };
        let mut out = format!(
            "{sign} {}  {word}  {}{}{attempt}  {}",
            self.paint.bold(&stage.name),
            count(counts.all, "action"),
            not_real(&counts),
            duration(end.duration_ms)
        );
        if matches!(end.status, StageStatus::Succeeded | StageStatus::Skipped) {
            return out;
        }
        for action in &stage.actions {
            let standing = stage.standing(action);
            let line = match action.last() {
                Some((_, end)) if standing != Standing::Waiting => self.ended(standing, action, end),
                _ => self.paint.dim(&format!("· {}  not started", action.planned.action)),
            };
            out.push_str("\n    ");
            out.push_str(&line);
        }
        out
    }

    /// An action of a stage that stays open.
    fn ended(&self, standing: Standing, action: &Action, end: &AttemptEnd) -> String {
        let sign = match standing {
            Standing::Failed => self.paint.bad("✗"),
            Standing::Succeeded => self.paint.good("✓"),
            _ => self.paint.attention("-"),
        };
        let word = verdict(end.status, action.planned.how);
        let why = end
            .failure
            .as_ref()
            .map(|failure| format!(": {}", cleaned(&failure.message)));
        format!(
            "{sign} {}  {word}  {}{}",
            action.planned.action,
            duration(end.duration_ms),
            why.unwrap_or_default()
        )
    }

    fn close(&mut self, execution: &str) {
        let Some(run) = self.runs.get_mut(execution) else {
            return;
        };
        run.lines.clear();
        let closing = cleaned(&run.summary.closing(&self.context));
        let status = run.summary.end.map(|end| end.status);
        let last = closing.lines().count().saturating_sub(1);
        for (index, line) in closing.lines().enumerate() {
            let line = if line.starts_with("FAILED ") {
                self.paint.bad(line)
            } else if index == last && status == Some(RunStatus::Succeeded) {
                self.paint.good(line)
            } else {
                line.to_owned()
            };
            self.above.push_str(&line);
            self.above.push('\n');
        }
    }

    pub fn output(&mut self, execution: &str, name: &ActionName, line: &str) {
        let Some(run) = self.runs.get_mut(execution) else {
            return;
        };
        if line.trim().is_empty() {
            return;
        }
        match run.lines.get_mut(name) {
            Some(known) => {
                known.clear();
                known.push_str(line);
            }
            None => drop(run.lines.insert(name.clone(), line.to_owned())),
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
        self.above.push_str(&cleaned(text));
        self.above.push('\n');
    }

    fn say_of(&mut self, execution: &str, text: &str) {
        if self.runs.len() > 1 {
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
        // A row is left for the cursor, and a column because some terminals break a line that fills one. What scrolls out of sight
        // when the terminal gets smaller can never be taken back: a tall one has room to spare.
        let rows = match size.rows {
            0..=12 => size.rows.saturating_sub(1),
            rows => rows * 2 / 3,
        };
        let rows = rows.min(TALLEST);
        let columns = size.columns.saturating_sub(1).max(1);
        let question = self.question_lines(now);
        let is_live = |run: &&Run| run.summary.end.is_none() && run.summary.started.is_some();
        let live: Vec<&Run> = self.runs.values().filter(is_live).collect();
        let room = rows.saturating_sub(question.len());
        let mut lines = self.run_lines(&live, now, Size { rows: room, columns });
        lines.truncate(room);
        lines.extend(question);
        lines.truncate(rows);
        let cut = |line: String| truncate_str(&line, columns, "…").into_owned();
        lines.into_iter().map(cut).collect()
    }

    fn run_lines(&self, live: &[&Run], now: Timestamp, size: Size) -> Vec<String> {
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
            lines.extend(run.lines(self.paint, now, Size { rows, ..size }));
        }
        if shown < live.len() {
            lines.push(format!("… and {} more in progress", count(live.len() - shown, "run")));
        }
        lines
    }

    fn question_lines(&self, now: Timestamp) -> Vec<String> {
        let Some(asked) = &self.asked else { return Vec::new() };
        let question = &asked.question;
        let run = self.runs.get(&asked.execution);
        let started = run.and_then(|run| Some(run.summary.action(&question.name)?.attempts.last()?.started));
        let elapsed = started.map(|started| format!("  {}", elapsed(started, now)));
        let of = match run {
            Some(run) if self.runs.len() > 1 => format!(" of run {}", run.summary.short_id()),
            _ => String::new(),
        };
        let head = format!("? {}{of} waits for your approval", called(&question.name));
        let mut lines = vec![format!(
            "{}{}",
            self.paint.attention(&head),
            elapsed.unwrap_or_default()
        )];
        let message = question.message.as_deref().map(cleaned).unwrap_or_default();
        lines.extend(message.lines().take(MESSAGE_LINES).map(|line| format!("  {line}")));
        if let Some(link) = &question.link {
            lines.push(format!("  to look at: {}", cleaned(link)));
        }
        let typed = &asked.typed;
        let how = if typed.is_empty() {
            "[y/n, and a comment if you like] "
        } else {
            ""
        };
        lines.push(format!(
            "  approve? {}{typed}{}",
            self.paint.dim(how),
            self.paint.bold("_")
        ));
        lines
    }
}

impl Run {
    fn lines(&self, paint: Paint, now: Timestamp, size: Size) -> Vec<String> {
        let summary = &self.summary;
        let counts = summary.counts();
        let stopping = if self.is_stopping { "  stopping" } else { "" };
        let started = summary.started.unwrap_or(now);
        let mut lines = vec![format!(
            "{} {}  {}{}",
            spinner(now),
            paint.bold(&format!("run {} of {}", summary.short_id(), summary.pipeline)),
            elapsed(started, now),
            paint.dim(&format!(
                "  {} of {} done{stopping}",
                counts.over(),
                count(counts.all, "action")
            ))
        )];
        if let Some(waits) = &self.waits {
            lines.push(format!("  {}", paint.attention(&cleaned(waits))));
        }
        let current = |stage: &&Stage| stage.started.is_some() && stage.end.is_none();
        let rest: Vec<&str> = summary
            .stages
            .iter()
            .filter(|stage| stage.started.is_none())
            .map(|stage| stage.name.as_str())
            .collect();
        let has_rest = !rest.is_empty() && size.rows > 4;
        if let Some(stage) = summary.stages.iter().find(current) {
            let rows = size.rows.saturating_sub(lines.len() + usize::from(has_rest));
            lines.extend(step::stage_lines(self, stage, paint, now, Size { rows, ..size }));
        }
        if has_rest {
            lines.push(paint.dim(&format!("  then {}", rest.join(", "))));
        }
        lines.truncate(size.rows);
        lines
    }
}

fn waits(stage: &str, reason: &Waiting) -> String {
    let why = match reason {
        Waiting::Occupied { execution_id } => format!("run {} is in it", short(execution_id)),
        Waiting::Queued => "others wait before it".to_owned(),
        Waiting::Disabled { reason } if reason.is_empty() => "the way into it is disabled".to_owned(),
        Waiting::Disabled { reason } => format!("the way into it is disabled: {reason}"),
    };
    format!("waits in front of stage {stage}: {why}")
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
fn cleaned(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').collect()
}
