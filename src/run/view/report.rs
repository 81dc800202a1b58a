//! The words for a run as a whole, the same in every view: what it is going to do, and how it ended.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::Context;
use super::path::{critical_path, line};
use super::summary::{Action, Attempt, AttemptEnd, Counts, FailedCondition, Stage, Standing, Summary};
pub use super::units::{count, duration, short, show_path};
use crate::run::event::TriggerType;
use crate::run::outcome::{RunStatus, StageStatus, Status};
use crate::run::planned::{How, PlannedAction};

/// How many failures are told with all that helps; of more, their first lines.
const FAILURES_IN_FULL: usize = 5;
/// How many names a list gives.
const NAMES: usize = 8;

/// Why a run did not succeed.
enum Cause<'a> {
    Action(&'a Action, &'a Attempt, &'a AttemptEnd),
    Condition(&'a FailedCondition),
}

impl Summary {
    /// What the run is going to do, said before it does anything.
    pub fn opening(&self) -> String {
        let actions: Vec<&Action> = self.actions().collect();
        let mut out = format!(
            "run {} of {}: {}",
            self.short_id(),
            self.pipeline,
            count(actions.len(), "action")
        );
        for (how, words) in [
            (How::Simulated, "simulated"),
            (How::StoodIn, "stood in for by your commands"),
        ] {
            let such = actions.iter().filter(|action| action.planned.how == how);
            let names: Vec<String> = such.map(|action| name(&action.planned)).collect();
            if !names.is_empty() {
                let _ = write!(out, "\n  {} {words}: {}", names.len(), listed(&names));
            }
        }
        out
    }

    /// The report at the end, cause first: each failure with all that helps, what became of the others, and last what to do.
    pub fn closing(&self, context: &Context) -> String {
        let mut out = String::new();
        let causes = self.causes();
        for (index, cause) in causes.iter().enumerate() {
            if index < FAILURES_IN_FULL {
                out.push('\n');
            }
            match cause {
                Cause::Action(action, attempt, end) => {
                    self.headline(&mut out, action, attempt, end);
                    if index < FAILURES_IN_FULL {
                        self.details(&mut out, action, attempt, end, context);
                    }
                }
                Cause::Condition(condition) => self.condition(&mut out, condition, context),
            }
        }
        let Some(end) = self.end else { return out };
        if !causes.is_empty() {
            out.push('\n');
        }
        if end.status != RunStatus::Succeeded {
            self.others(&mut out);
        } else if let Some(path) = critical_path(self) {
            let _ = writeln!(out, "{}", line(&path));
        }
        let _ = writeln!(
            out,
            "{}: {} in {}",
            end.status,
            self.totals(end.status),
            duration(end.duration_ms)
        );
        if self.can_be_retried() {
            let _ = writeln!(out, "retry: pipe retry {}{}", self.short_id(), self.state_dir(context));
        } else if end.status != RunStatus::Succeeded && self.trigger.kind == TriggerType::StartPipelineExecution {
            let _ = writeln!(out, "again: {}", self.trigger.detail);
        }
        out
    }

    /// Whether the stage that ended the run has something left to do.
    fn can_be_retried(&self) -> bool {
        let ended = |stage: &&Stage| {
            let status = stage.end.map(|end| end.status);
            matches!(status, Some(StageStatus::Failed | StageStatus::Stopped))
        };
        let is_left = |stage: &Stage| {
            let counts = stage.counts();
            counts.succeeded < counts.all
        };
        self.stages.iter().rev().find(ended).is_some_and(is_left)
    }

    /// What failed, the first failure first.
    fn causes(&self) -> Vec<Cause<'_>> {
        let failed = |stage: &Stage, action: &Action| stage.standing(action) == Standing::Failed;
        let stages = self.stages.iter();
        let actions = stages.flat_map(|stage| stage.actions.iter().filter(move |action| failed(stage, action)));
        let actions = actions.filter_map(|action| {
            let (attempt, end) = action.last()?;
            Some((end.at, Cause::Action(action, attempt, end)))
        });
        let conditions = self.conditions.iter();
        let conditions = conditions.map(|condition| (condition.at, Cause::Condition(condition)));
        let mut causes: Vec<_> = actions.chain(conditions).collect();
        causes.sort_by_key(|(at, _)| *at);
        causes.into_iter().map(|(_, cause)| cause).collect()
    }

    /// What failed of a stage: its name and why.
    pub fn failures_of(&self, stage: &str) -> Vec<(String, String)> {
        let causes = self.causes().into_iter();
        let such = causes.filter_map(|cause| match cause {
            Cause::Action(action, _, end) => {
                let why = end.failure.as_ref().map(|failure| failure.message.clone());
                (action.planned.stage == stage).then(|| (name(&action.planned), why.unwrap_or_default()))
            }
            Cause::Condition(condition) => (condition.stage == stage).then(|| {
                let why = format!("its condition {} is not met", condition.position.words());
                (stage.to_owned(), why)
            }),
        });
        such.collect()
    }

    fn headline(&self, out: &mut String, action: &Action, attempt: &Attempt, end: &AttemptEnd) {
        let number = match attempt.number {
            1 => String::new(),
            number => format!(" (attempt {number})"),
        };
        let message = end.failure.as_ref().map(|failure| failure.message.as_str());
        let _ = writeln!(
            out,
            "FAILED {}{number} after {}: {}",
            name(&action.planned),
            duration(end.duration_ms),
            message.unwrap_or("it did not succeed")
        );
    }

    fn details(&self, out: &mut String, action: &Action, attempt: &Attempt, end: &AttemptEnd, context: &Context) {
        let Some(failure) = &end.failure else { return };
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
        self.log(out, Some(&attempt.log), context);
        if let Some(directory) = &failure.directory {
            let _ = writeln!(out, "  its files: {}, kept", show_path(directory));
            let _ = writeln!(
                out,
                "  a shell:   pipe shell {} {}{}",
                self.short_id(),
                name(&action.planned),
                self.state_dir(context)
            );
        }
        if let Some(help) = &failure.help {
            let _ = writeln!(out, "  help:      {help}");
        }
    }

    fn condition(&self, out: &mut String, condition: &FailedCondition, context: &Context) {
        let _ = writeln!(
            out,
            "FAILED {}: its condition {} is not met",
            condition.stage,
            condition.position.words()
        );
        for rule in &condition.rules {
            let _ = writeln!(out, "  rule {}: {}", rule.name.rule, rule.message);
            self.log(out, rule.log.as_ref(), context);
        }
    }

    fn log(&self, out: &mut String, log: Option<&String>, context: &Context) {
        if let Some(log) = log.map(|log| self.run_dir(context).join(log))
            && log.exists()
        {
            let _ = writeln!(out, "  whole log: {}", show_path(&log));
        }
    }

    /// What became of all actions that did not fail.
    fn others(&self, out: &mut String) {
        for (standing, words) in [
            (Standing::Succeeded, "finished:   "),
            (Standing::Ended, "ended:      "),
            (Standing::Skipped, "skipped:    "),
            (Standing::Waiting, "not started:"),
        ] {
            let stages = self.stages.iter();
            let such = stages.flat_map(|stage| {
                let actions = stage.actions.iter();
                actions.filter(move |action| stage.standing(action) == standing)
            });
            let names: Vec<String> = such.map(|action| name(&action.planned)).collect();
            if !names.is_empty() {
                let _ = writeln!(out, "{words} {}", listed(&names));
            }
        }
    }

    fn totals(&self, status: RunStatus) -> String {
        let counts = self.counts();
        let rules = match self.rules_simulated {
            0 => String::new(),
            rules => format!("; {} simulated", count(rules, "rule")),
        };
        if status == RunStatus::Succeeded && counts.skipped == 0 {
            return format!("{}{}{rules},", count(counts.succeeded, "action"), not_real(&counts));
        }
        let all = count(counts.all, "action");
        let mut parts = vec![format!("{} of {all} succeeded{}", counts.succeeded, not_real(&counts))];
        for (number, words) in [
            (counts.failed, "failed"),
            (counts.ended, "ended"),
            (counts.skipped, "skipped"),
            (counts.waiting, "not started"),
        ] {
            if number > 0 {
                parts.push(format!("{number} {words}"));
            }
        }
        format!("{}{rules},", parts.join("; "))
    }

    /// The folder of this execution, which need not be the one that the program was started for.
    fn run_dir(&self, context: &Context) -> PathBuf {
        if self.execution_id.is_empty() {
            return context.run_dir.clone();
        }
        context.run_dir.with_file_name(&self.execution_id)
    }

    /// What a command needs to find the run; nothing where it looks by itself.
    fn state_dir(&self, context: &Context) -> String {
        let state_dir = context.run_dir.parent().and_then(Path::parent).map(show_path);
        match state_dir.as_deref() {
            None | Some("" | ".pipe") => String::new(),
            Some(state_dir) => format!(" --state-dir {}", crate::run::paths::shell_word(state_dir)),
        }
    }
}

/// `, 2 of them simulated`
pub fn not_real(counts: &Counts) -> String {
    match (counts.simulated, counts.stood_in) {
        (0, 0) => String::new(),
        (0, stood_in) => format!(", {stood_in} of them stood in for"),
        (simulated, 0) => format!(", {simulated} of them simulated"),
        (simulated, stood_in) => format!(", {simulated} of them simulated and {stood_in} stood in for"),
    }
}

/// How an action ended, in a word.
pub fn verdict(status: Status, how: How) -> &'static str {
    match (status, how) {
        (Status::Succeeded, How::Simulated) => "simulated",
        (Status::Succeeded, How::StoodIn) => "ok (stood in for)",
        (Status::Succeeded, How::CarriedOut) => "ok",
        (Status::Failed, _) => "FAILED",
        (Status::Abandoned, _) => "ended",
    }
}

fn name(action: &PlannedAction) -> String {
    format!("{}/{}", action.stage, action.action)
}

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(NAMES).map(String::as_str);
    let mut out = shown.collect::<Vec<_>>().join(", ");
    if names.len() > NAMES {
        let _ = write!(out, " and {} more", names.len() - NAMES);
    }
    out
}
