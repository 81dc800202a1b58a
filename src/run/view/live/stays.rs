//! What stays on the terminal of an event; the rest is seen while it lasts.

use super::paint::{Paint, cleaned};
use crate::run::event::Event;
use crate::run::outcome::{RunStatus, StageStatus, Status};
use crate::run::record::{ActionRecord, AttemptEnd, RunRecord, Runs, StageRecord, State};
use crate::run::units::{count, duration};
use crate::run::view::Context;
use crate::run::view::report::{closing_among, not_real, verdict};
use crate::run::view::words::words;

impl Paint {
    /// None if nothing stays.
    pub(super) fn event(self, event: &Event, run: &RunRecord) -> Option<String> {
        let text = || words(event, run).map(|text| cleaned(&text));
        match event {
            Event::StageStarted { .. } | Event::StageWaiting { .. } | Event::ActionStarted { .. } => None,
            // With its stage.
            Event::ActionFinished { .. } => None,
            Event::StageFinished { stage, .. } => Some(self.stage(run.stage(stage)?)),
            Event::StageRetried { stage, .. } => {
                let mut text = self.attention(&text()?);
                for action in &run.stage(stage)?.actions {
                    if let Some((_, end)) = action.last().filter(|(_, end)| end.status != Status::Succeeded) {
                        text.push_str(&format!("\n    {}", self.action(State::Failed, action, end)));
                    }
                }
                Some(text)
            }
            Event::StopRequested { .. } | Event::CancelRequested { .. } => Some(self.attention(&text()?)),
            Event::RunStarted(_) => {
                let text = text()?;
                let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
                let rest: String = rest.lines().map(|line| format!("\n{}", self.dim(line))).collect();
                Some(format!("{}{rest}", self.bold(first)))
            }
            _ => text(),
        }
    }

    /// A stage that has ended: a line, and below it all of its actions if it did not end well.
    fn stage(self, stage: &StageRecord) -> String {
        let Some(end) = stage.end else { return String::new() };
        let (sign, word) = match end.status {
            StageStatus::Succeeded => (self.good("✓"), self.good("ok")),
            StageStatus::Failed => (self.bad("✗"), self.bad("FAILED")),
            StageStatus::Skipped => (self.dim("-"), "skipped".to_owned()),
            StageStatus::Stopped => (self.attention("-"), self.attention("stopped")),
            StageStatus::Cancelled => (self.attention("-"), self.attention("cancelled")),
        };
        let counts = stage.counts();
        let attempt = match stage.attempt {
            0 | 1 => String::new(),
            attempt => format!("  attempt {attempt}"),
        };
        let mut out = format!(
            "{sign} {}  {word}  {}{}{attempt}  {}",
            self.bold(&stage.name),
            count(counts.all, "action"),
            not_real(&counts),
            duration(end.duration_ms)
        );
        if matches!(end.status, StageStatus::Succeeded | StageStatus::Skipped) {
            return out;
        }
        for action in &stage.actions {
            let state = stage.state(action);
            let line = match action.last() {
                Some((_, end)) if state != State::Waiting => self.action(state, action, end),
                _ => self.dim(&format!("· {}  not started", action.name)),
            };
            out.push_str("\n    ");
            out.push_str(&line);
        }
        out
    }

    /// An action of a stage that stays open.
    fn action(self, state: State, action: &ActionRecord, end: &AttemptEnd) -> String {
        let sign = match state {
            State::Failed => self.bad("✗"),
            State::Succeeded => self.good("✓"),
            _ => self.attention("-"),
        };
        let why = end.failure.as_ref();
        let why = why.map(|failure| format!(": {}", cleaned(&failure.message)));
        format!(
            "{sign} {}  {}  {}{}",
            action.name,
            verdict(end.status, action.how),
            duration(end.duration_ms),
            why.unwrap_or_default()
        )
    }

    /// The report at the end.
    pub(super) fn closing(self, runs: &Runs, execution: &str, context: &Context) -> String {
        let closing = cleaned(&closing_among(runs, execution, context));
        let end = runs.get(execution).and_then(|run| run.end);
        let has_succeeded = end.is_some_and(|end| end.status == RunStatus::Succeeded);
        let last = closing.lines().count().saturating_sub(1);
        let lines = closing.lines().enumerate().map(|(index, line)| {
            let line = if line.starts_with("FAILED ") {
                self.bad(line)
            } else if index == last && has_succeeded {
                self.good(line)
            } else {
                line.to_owned()
            };
            line + "\n"
        });
        lines.collect()
    }
}
