//! What a run's events come to: counts, failures, times; and the words for them, the same in every view.

use std::fmt::Write;
use std::path::Path;

use super::Context;
use crate::run::event::{ActionName, Event};
use crate::run::outcome::{Failure, RunStatus, StageStatus, Status};
use crate::run::planned::{How, PlannedAction};

/// A run so far, folded from its events.
#[derive(Debug, Default)]
pub struct Summary {
    pub pipeline: String,
    pub execution_id: String,
    pub actions: Vec<PlannedAction>,
    pub failures: Vec<Failed>,
    pub notes: Vec<String>,
    succeeded: usize,
    simulated: usize,
    stood_in: usize,
    rules_simulated: usize,
    failed: usize,
    stopped: usize,
    skipped: usize,
    logs: std::collections::BTreeMap<ActionName, String>,
    pub end: Option<(RunStatus, u64)>,
}

#[derive(Debug)]
pub struct Failed {
    pub name: ActionName,
    pub status: Status,
    pub failure: Failure,
    pub duration_ms: u64,
    pub log: Option<String>,
}

impl Summary {
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::RunStarted(started) => {
                self.pipeline.clone_from(&started.pipeline);
                self.execution_id.clone_from(&started.execution_id);
                self.actions.clone_from(&started.actions);
            }
            Event::ActionStarted { name, log, .. } => {
                self.logs.insert(name.clone(), log.clone());
            }
            Event::ActionFinished {
                name,
                status,
                failure,
                duration_ms,
                ..
            } => self.action_finished(name, *status, failure.as_deref(), *duration_ms),
            Event::StageFinished { stage, status, .. } if *status == StageStatus::Skipped => {
                self.skipped += self.actions.iter().filter(|action| action.stage == *stage).count();
            }
            Event::StageRetried { stage, .. } => {
                // What failed the first time is tried again, and counts by how that ends.
                self.failures.retain(|failed| failed.name.stage != *stage);
                self.failed = self
                    .failures
                    .iter()
                    .filter(|failed| failed.status == Status::Failed)
                    .count();
            }
            Event::RuleFinished { simulated, .. } => self.rules_simulated += usize::from(*simulated),
            Event::Note { message } => self.notes.push(message.clone()),
            Event::RunFinished {
                status, duration_ms, ..
            } => self.end = Some((*status, *duration_ms)),
            Event::StageStarted { .. }
            | Event::StageFinished { .. }
            | Event::StageWaiting { .. }
            | Event::RuleStarted { .. }
            | Event::RuleInterrupted { .. }
            | Event::ConditionFinished { .. }
            | Event::ActionInterrupted { .. }
            | Event::ApprovalAnswered { .. }
            | Event::RollbackStarted { .. }
            | Event::CancelRequested { .. }
            | Event::TransitionChanged { .. }
            | Event::RunResumed { .. }
            | Event::StopRequested { .. } => {}
        }
    }

    fn action_finished(&mut self, name: &ActionName, status: Status, failure: Option<&Failure>, duration_ms: u64) {
        let log = self.logs.remove(name);
        match status {
            Status::Succeeded => {
                self.succeeded += 1;
                match self.how(name) {
                    Some(How::Simulated) => self.simulated += 1,
                    Some(How::StoodIn) => self.stood_in += 1,
                    Some(How::CarriedOut) | None => {}
                }
            }
            Status::Failed => self.failed += 1,
            Status::Abandoned => self.stopped += 1,
        }
        if let Some(failure) = failure {
            self.failures.push(Failed {
                name: name.clone(),
                status,
                failure: failure.clone(),
                duration_ms,
                log,
            });
        }
    }

    pub fn how(&self, name: &ActionName) -> Option<How> {
        let found = self
            .actions
            .iter()
            .find(|action| action.stage == name.stage && action.action == name.action);
        found.map(|action| action.how)
    }

    /// The run's id, as people say it.
    pub fn short_id(&self) -> &str {
        short(&self.execution_id)
    }

    /// What the run is going to do, said before it does anything.
    pub fn opening(&self) -> String {
        let mut out = format!(
            "run {} of {}: {}",
            short(&self.execution_id),
            self.pipeline,
            count(self.actions.len(), "action")
        );
        for (how, words) in [
            (How::Simulated, "simulated"),
            (How::StoodIn, "stood in for by your commands"),
        ] {
            let actions: Vec<&PlannedAction> = self.actions.iter().filter(|action| action.how == how).collect();
            if actions.is_empty() {
                continue;
            }
            let _ = write!(out, "\n  {} {words}:", actions.len());
            for (index, action) in actions.iter().enumerate() {
                if index == 8 {
                    let _ = write!(out, " and {} more", actions.len() - index);
                    break;
                }
                let separator = if index == 0 { "" } else { "," };
                let _ = write!(out, "{separator} {}/{}", action.stage, action.action);
            }
        }
        out
    }

    /// The report at the end: each failure with all that helps, then one line that says how it went.
    pub fn closing(&self, context: &Context) -> String {
        let mut out = String::new();
        let real = self.failures.iter().filter(|failed| failed.status == Status::Failed);
        for failed in real {
            out.push('\n');
            self.failure(&mut out, failed, context);
        }
        if !out.is_empty() {
            out.push('\n');
        }
        let Some((status, duration_ms)) = self.end else {
            return out;
        };
        let _ = writeln!(out, "{status}: {} in {}", self.counts(status), duration(duration_ms));
        if status == RunStatus::Failed {
            let _ = writeln!(out, "to try again: {}", context.command_line);
        }
        out
    }

    fn counts(&self, status: RunStatus) -> String {
        let simulated = match (self.simulated, self.stood_in) {
            (0, 0) => String::new(),
            (0, stood_in) => format!(", {stood_in} of them stood in for"),
            (simulated, 0) => format!(", {simulated} of them simulated"),
            (simulated, stood_in) => format!(", {simulated} of them simulated and {stood_in} stood in for"),
        };
        let rules = match self.rules_simulated {
            0 => String::new(),
            rules => format!("; {} simulated", count(rules, "rule")),
        };
        if status == RunStatus::Succeeded && self.skipped == 0 {
            return format!("{}{simulated}{rules},", count(self.succeeded, "action"));
        }
        let mut parts = vec![format!(
            "{} of {} succeeded{simulated}",
            self.succeeded,
            count(self.actions.len(), "action")
        )];
        let ended = self.succeeded + self.failed + self.stopped + self.skipped;
        let not_started = self.actions.len().saturating_sub(ended);
        for (number, words) in [
            (self.failed, "failed"),
            (self.stopped, "ended"),
            (self.skipped, "skipped"),
            (not_started, "not started"),
        ] {
            if number > 0 {
                parts.push(format!("{number} {words}"));
            }
        }
        format!("{}{rules},", parts.join("; "))
    }

    fn failure(&self, out: &mut String, failed: &Failed, context: &Context) {
        let attempt = match failed.name.attempt {
            1 => String::new(),
            attempt => format!(" (attempt {attempt})"),
        };
        let _ = writeln!(
            out,
            "FAILED {}/{}{attempt} after {}: {}",
            failed.name.stage,
            failed.name.action,
            duration(failed.duration_ms),
            failed.failure.message
        );
        let failure = &failed.failure;
        if let Some(command) = &failure.command {
            let mut lines = command.trim_end().lines();
            let _ = writeln!(out, "  command:   {}", lines.next().unwrap_or_default());
            for line in lines.take(10) {
                let _ = writeln!(out, "             {line}");
            }
        }
        if !failure.tail.is_empty() {
            let _ = writeln!(out, "  its last lines:");
            for line in &failure.tail {
                let _ = writeln!(out, "    | {line}");
            }
        }
        if let Some(log) = failed.log.as_ref().map(|log| context.run_dir.join(log))
            && log.exists()
        {
            let _ = writeln!(out, "  whole log: {}", show_path(&log));
        }
        if let Some(directory) = &failure.directory {
            let _ = writeln!(out, "  its files: {}", show_path(directory));
        }
        if let Some(help) = &failure.help {
            let _ = writeln!(out, "  help:      {help}");
        }
    }
}

/// A path as the user would type it: relative where it is below the current folder.
pub fn show_path(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let relative = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    relative.unwrap_or(path).display().to_string()
}

/// The first eight characters of an execution's id.
pub fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// `4 ms`, `0.32 s`, `2.5 s`, `2 min 5 s`, `1 h 2 min`.
pub fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0 if milliseconds < 100 => format!("{milliseconds} ms"),
        0 => format!("0.{:02} s", milliseconds / 10),
        1..60 => format!("{}.{} s", seconds, milliseconds % 1000 / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}
