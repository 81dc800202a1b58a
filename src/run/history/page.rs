//! All that is known of a run, as a page for people.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::record::{ActionRecord, Attempt, AttemptStatus, ConditionRecord, RunRecord, StageRecord};
use super::{Standing, list::Row};
use crate::ir::ConditionResult;
use crate::run::event::{By, ConditionStatus, RuleStatus, Waiting};
use crate::run::journal;
use crate::run::outcome::StageStatus;
use crate::run::planned::How;
use crate::run::view::Context;
use crate::run::view::report::{count, duration, short, show_path};
use crate::run::view::summary::Summary;

/// Tells of a run, without the report of its failures.
pub fn page(run: &RunRecord) -> String {
    let mut out = String::new();
    head(&mut out, run);
    stages(&mut out, run);
    critical_path(&mut out, run);
    variables(&mut out, run);
    artifacts(&mut out, run);
    for note in &run.notes {
        let _ = writeln!(out, "\nnote: {note}");
    }
    for rollback in &run.rollbacks {
        let _ = writeln!(
            out,
            "\nstage {} was rolled back to run {}, by run {}",
            rollback.stage,
            short(&rollback.target),
            short(&rollback.execution_id)
        );
    }
    out
}

fn head(out: &mut String, run: &RunRecord) {
    let _ = writeln!(out, "run {} of {}: {}", run.id, run.pipeline, run.standing);
    let took = run.duration_ms.map_or_else(
        || format!("last heard of {}", when(run.last)),
        |took| format!("took {}", duration(took)),
    );
    let _ = writeln!(out, "  started     {}, {took}", when(run.started));
    let _ = writeln!(out, "  trigger     {}", trigger(&Row::of(run)));
    let _ = writeln!(out, "  definition  {}", short(&run.definition));
    let _ = writeln!(out, "  folder      {}", show_path(&run.run_dir));
    if let Some(earlier) = &run.inherited_from {
        let _ = writeln!(out, "  began with  what run {} had made", short(earlier));
    }
    if let Some(reason) = &run.stop_reason {
        let _ = writeln!(out, "  stopped     {reason}");
    }
    if let Some(newer) = &run.superseded_by {
        let _ = writeln!(out, "  superseded  by run {}", short(newer));
    }
}

/// What set a run off, in one line.
pub fn trigger(run: &Row) -> String {
    if run.trigger.detail.is_empty() {
        format!("{:?}", run.trigger.kind)
    } else {
        run.trigger.detail.clone()
    }
}

/// A moment on the user's clock.
pub fn when(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// Rows of cells, each column as wide as it must be, but the last.
pub fn columns(rows: &[Vec<String>], indent: &str) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(out, "{indent}{}", line.trim_end());
    }
    out
}

fn stages(out: &mut String, run: &RunRecord) {
    let mut rows = Vec::new();
    for stage in &run.stages {
        rows.push(stage_row(stage));
        let (before, after): (Vec<_>, Vec<_>) = stage
            .conditions
            .iter()
            .partition(|condition| condition.position == crate::run::planned::Position::BeforeEntry);
        before.into_iter().for_each(|it| condition_rows(&mut rows, it));
        for action in &stage.actions {
            action_rows(&mut rows, action);
        }
        after.into_iter().for_each(|it| condition_rows(&mut rows, it));
    }
    let _ = write!(out, "\nstages\n{}", columns(&rows, "  "));
}

fn stage_row(stage: &StageRecord) -> Vec<String> {
    let status = match (stage.status, &stage.waits_for) {
        (Some(status), _) => status.to_string(),
        (None, Some(_)) => "waited for".to_owned(),
        (None, None) if stage.attempt == 0 => "not started".to_owned(),
        (None, None) => "not ended".to_owned(),
    };
    let mut about = Vec::new();
    match &stage.waits_for {
        Some(Waiting::Occupied { execution_id }) => about.push(format!("run {} is in it", short(execution_id))),
        Some(Waiting::Queued) => about.push("others wait before it".to_owned()),
        Some(Waiting::Disabled { reason }) => about.push(format!("the way into it is disabled: {reason}")),
        None => {}
    }
    if stage.attempt > 1 {
        about.push(format!("attempt {}", stage.attempt));
    }
    let automatic = stage.retries.iter().filter(|by| **by == By::Automatic).count();
    if automatic > 0 {
        about.push("tried again by itself".to_owned());
    }
    let is_over = stage.status.is_some_and(|status| status != StageStatus::Skipped);
    let took = stage.duration_ms.filter(|_| is_over).map(duration).unwrap_or_default();
    vec![stage.name.clone(), status, took, about.join(", ")]
}

fn action_rows(rows: &mut Vec<Vec<String>>, action: &ActionRecord) {
    if action.attempts.is_empty() {
        rows.push(vec![format!("  {}", action.name), "not started".to_owned()]);
    }
    for attempt in &action.attempts {
        let name = match attempt.attempt {
            1 => format!("  {}", action.name),
            number => format!("  {}#{number}", action.name),
        };
        let took = attempt.duration_ms.map(duration).unwrap_or_default();
        rows.push(vec![
            name,
            attempt_words(action, attempt).to_owned(),
            took,
            about(action, attempt),
        ]);
    }
}

fn attempt_words(action: &ActionRecord, attempt: &Attempt) -> &'static str {
    match attempt.status {
        AttemptStatus::Open if action.is_approval() => "waiting",
        AttemptStatus::Open => "not ended",
        AttemptStatus::Succeeded if action.how == How::Simulated => "simulated",
        AttemptStatus::Succeeded => "succeeded",
        AttemptStatus::Failed => "failed",
        AttemptStatus::Abandoned => "ended",
        AttemptStatus::CutOff => "cut off",
    }
}

fn about(action: &ActionRecord, attempt: &Attempt) -> String {
    let mut out = match &attempt.answer {
        Some(answer) => {
            let verdict = if answer.approved { "approved" } else { "rejected" };
            let comment = match answer.comment.as_str() {
                "" => String::new(),
                comment => format!(": {comment}"),
            };
            format!("{verdict} by {}{comment}", answer.by)
        }
        None if action.how == How::StoodIn => "your command stood in for it".to_owned(),
        None => action.driver.clone(),
    };
    if let (Some(failure), None) = (&attempt.failure, &attempt.answer) {
        let _ = write!(out, ": {}", failure.message);
    } else if !attempt.notes.is_empty() {
        let _ = write!(out, ": {}", attempt.notes.join("; "));
    }
    out
}

fn condition_rows(rows: &mut Vec<Vec<String>>, condition: &ConditionRecord) {
    let verdict = match condition.status {
        None => "not decided",
        Some(ConditionStatus::Succeeded) => "met",
        Some(ConditionStatus::Failed) => "not met",
        Some(ConditionStatus::Overridden) => "overridden",
    };
    let follows = match condition.result {
        None => "",
        Some(ConditionResult::Skip) => "the stage is skipped",
        Some(ConditionResult::Rollback) => "the stage is rolled back",
        Some(ConditionResult::Fail | ConditionResult::Retry) => "the stage fails",
    };
    rows.push(vec![
        format!("  {}", condition.position.words()),
        verdict.to_owned(),
        String::new(),
        follows.to_owned(),
    ]);
    for rule in &condition.rules {
        let verdict = match (rule.status, rule.simulated) {
            (None, _) => "not decided",
            (Some(RuleStatus::Abandoned), _) => "abandoned",
            (Some(_), true) => "simulated",
            (Some(RuleStatus::Succeeded), false) => "satisfied",
            (Some(RuleStatus::Failed), false) => "not satisfied",
        };
        rows.push(vec![
            format!("    {}", rule.rule),
            verdict.to_owned(),
            String::new(),
            rule.message.clone(),
        ]);
    }
}

fn critical_path(out: &mut String, run: &RunRecord) {
    let path = run.critical_path();
    if path.len() > 1 {
        let total = path.iter().map(|(_, took)| took).sum();
        let steps: Vec<String> = path
            .iter()
            .map(|(place, took)| format!("{place} {}", duration(*took)))
            .collect();
        let _ = writeln!(out, "\ncritical path {}: {}", duration(total), steps.join(" → "));
    }
}

fn variables(out: &mut String, run: &RunRecord) {
    let mut rows: Vec<Vec<String>> = run
        .variables
        .iter()
        .map(|(name, value)| vec![name.clone(), first_line(value)])
        .collect();
    for (stage, action) in run.actions() {
        let last = action
            .attempts
            .iter()
            .rfind(|attempt| attempt.status == AttemptStatus::Succeeded);
        for (name, value) in last.iter().flat_map(|attempt| &attempt.variables) {
            rows.push(vec![
                format!("{}/{}: {name}", stage.name, action.name),
                first_line(value),
            ]);
        }
    }
    if !rows.is_empty() {
        let _ = write!(out, "\nvariables\n{}", columns(&rows, "  "));
    }
}

fn first_line(value: &str) -> String {
    let mut lines = value.lines();
    let first = lines.next().unwrap_or_default();
    match lines.count() {
        0 => first.to_owned(),
        more => format!("{first} … ({} more)", count(more, "line")),
    }
}

fn artifacts(out: &mut String, run: &RunRecord) {
    if !run.artifacts.is_empty() {
        let _ = write!(out, "\nartifacts\n{}", columns(&artifact_rows(run), "  "));
    }
}

/// Name, who made it, how much it holds, its digest.
pub fn artifact_rows(run: &RunRecord) -> Vec<Vec<String>> {
    let row = |made: &super::record::MadeArtifact| {
        vec![
            made.name.clone(),
            made.made_by.clone(),
            made.artifact.file_count(),
            bytes(made.artifact.bytes),
            made.artifact
                .digest
                .get(..12)
                .unwrap_or(&made.artifact.digest)
                .to_owned(),
        ]
    };
    run.artifacts.iter().map(row).collect()
}

/// `512 B`, `1.5 kB`, `3.0 MB`.
#[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
pub fn bytes(number: u64) -> String {
    let mut value = number as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 {
            return match unit {
                "B" => format!("{number} B"),
                _ => format!("{value:.1} {unit}"),
            };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// Why it failed, how it went, and what can be done now.
pub fn closing(run: &RunRecord) -> String {
    let records = journal::read(&run.run_dir).unwrap_or_default();
    let mut summary = Summary::default();
    records.iter().for_each(|record| summary.apply(record));
    let context = Context {
        run_dir: run.run_dir.clone(),
        colour: false,
    };
    let mut out = summary.closing(&context);
    let next = what_next(run);
    if !out.ends_with(&next) {
        out.push_str(&next);
    }
    match out.starts_with('\n') || out.is_empty() {
        true => out,
        false => format!("\n{out}"),
    }
}

/// What can be done with a run now.
pub fn what_next(run: &RunRecord) -> String {
    let id = short(&run.id);
    let resume = format!("to go on: pipe resume {id}\n");
    match &run.standing {
        Standing::Failed { .. } | Standing::Stopped => format!("to try again: pipe retry {id}\n"),
        Standing::WaitsForAnswer { actions, carried_out } => {
            let mut out: String = actions
                .iter()
                .map(|action| format!("to answer: pipe approve {id} {action}, or pipe reject {id} {action}\n"))
                .collect();
            if !carried_out {
                out.push_str(&format!("then, {resume}"));
            }
            out
        }
        Standing::CutOff { .. } | Standing::Paused | Standing::WaitsForStage { carried_out: false, .. } => resume,
        Standing::Running { .. } => format!("to watch it: pipe logs -f {id}\n"),
        Standing::WaitsForStage { carried_out: true, .. }
        | Standing::Succeeded
        | Standing::Superseded
        | Standing::Cancelled => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_have_units() {
        let sizes = [0, 999, 1000, 1_550_000, 3_000_000_000_000].map(bytes);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "1.6 MB", "3.0 TB"]);
    }
}
