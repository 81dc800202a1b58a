//! All that is known of a run, as a page for people.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::standing::Standing;
use super::stored::StoredRun;
use crate::run::event::{By, ConditionStatus, Trigger};
use crate::run::outcome::{RunStatus, StageStatus, Status};
use crate::run::planned::How;
use crate::run::record::path::critical_path;
use crate::run::record::{ActionRecord, Attempt, ConditionRecord, MadeArtifact, Progress, RunRecord, StageRecord};
use crate::run::units::{bytes, count, duration, short, show_path};
use crate::run::view::next::Next;
use crate::run::view::path::path_line;
use crate::run::view::words::{answer_words, result_words, rule_words, waiting_words};
use crate::run::view::{Context, report};

/// Tells of a run, without the report of its failures.
pub fn page(stored: &StoredRun) -> String {
    let mut out = String::new();
    head(&mut out, stored);
    let run = &stored.record;
    stages(&mut out, run);
    path(&mut out, run);
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

fn head(out: &mut String, stored: &StoredRun) {
    let run = &stored.record;
    let _ = writeln!(out, "run {} of {}: {}", run.id, run.pipeline, stored.standing);
    let took = run.end.map_or_else(
        || format!("last heard of {}", when(run.last)),
        |end| format!("took {}", duration(end.duration_ms)),
    );
    let _ = writeln!(out, "  started     {}, {took}", when(run.started));
    let _ = writeln!(out, "  trigger     {}", trigger(&run.trigger));
    let _ = writeln!(out, "  definition  {}", short(&run.definition));
    let _ = writeln!(out, "  folder      {}", show_path(&stored.run_dir));
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
pub fn trigger(trigger: &Trigger) -> String {
    if trigger.detail.is_empty() {
        format!("{:?}", trigger.kind)
    } else {
        trigger.detail.clone()
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
    let status = match (stage.end, &stage.waits_for) {
        (Some(end), _) => end.status.to_string(),
        (None, Some(_)) => "waited for".to_owned(),
        (None, None) if stage.attempt == 0 => "not started".to_owned(),
        (None, None) => "not ended".to_owned(),
    };
    let mut about = Vec::new();
    about.extend(stage.waits_for.as_ref().map(waiting_words));
    if stage.attempt > 1 {
        about.push(format!("attempt {}", stage.attempt));
    }
    let automatic = stage.retries.iter().filter(|by| **by == By::Automatic).count();
    if automatic > 0 {
        about.push("tried again by itself".to_owned());
    }
    let over = stage.end.filter(|end| end.status != StageStatus::Skipped);
    let took = over.map(|end| duration(end.duration_ms)).unwrap_or_default();
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
        let took = attempt.end().map(|end| duration(end.duration_ms));
        rows.push(vec![
            name,
            attempt_words(action, attempt).to_owned(),
            took.unwrap_or_default(),
            about(action, attempt),
        ]);
    }
}

fn attempt_words(action: &ActionRecord, attempt: &Attempt) -> &'static str {
    match &attempt.progress {
        Progress::Open if action.is_approval() => "waiting",
        Progress::Open => "not ended",
        Progress::CutOff => "cut off",
        Progress::Ended(end) => match end.status {
            Status::Succeeded if action.how == How::Simulated => "simulated",
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
            Status::Abandoned => "ended",
        },
    }
}

fn about(action: &ActionRecord, attempt: &Attempt) -> String {
    let mut out = match &attempt.answer {
        Some(answer) => answer_words(answer.approved, &answer.by, &answer.comment),
        None if action.how == How::StoodIn => "your command stood in for it".to_owned(),
        None => action.driver.clone(),
    };
    let Some(end) = attempt.end() else { return out };
    if let (Some(failure), None) = (&end.failure, &attempt.answer) {
        let _ = write!(out, ": {}", failure.message);
    } else if !end.notes.is_empty() {
        let _ = write!(out, ": {}", end.notes.join("; "));
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
    let follows = condition.result.map_or("", result_words);
    rows.push(vec![
        format!("  {}", condition.position.words()),
        verdict.to_owned(),
        String::new(),
        follows.to_owned(),
    ]);
    for rule in &condition.rules {
        let verdict = rule
            .status
            .map_or("not decided", |status| rule_words(status, rule.simulated));
        rows.push(vec![
            format!("    {}", rule.rule),
            verdict.to_owned(),
            String::new(),
            rule.message.clone(),
        ]);
    }
}

/// The report of one that succeeded ends with it.
fn path(out: &mut String, run: &RunRecord) {
    let path = critical_path(run.spans());
    let is_told = run.end.is_some_and(|end| end.status == RunStatus::Succeeded);
    if path.len() > 1 && !is_told {
        let _ = writeln!(out, "\n{}", path_line(&path));
    }
}

fn variables(out: &mut String, run: &RunRecord) {
    let mut rows: Vec<Vec<String>> = run
        .variables
        .iter()
        .map(|(name, value)| vec![name.clone(), first_line(value)])
        .collect();
    for action in run.actions() {
        for (name, value) in action.success().iter().flat_map(|end| &end.variables) {
            rows.push(vec![format!("{}: {name}", action.place()), first_line(value)]);
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
    let row = |made: &MadeArtifact| {
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

/// Why it failed, how it went, and what can be done now.
pub fn closing(run: &StoredRun) -> String {
    let context = Context {
        run_dir: run.run_dir.clone(),
        given: String::new(),
        colour: false,
    };
    let out = report::closing(&run.record, &context) + &what_next(run);
    match out.starts_with('\n') || out.is_empty() {
        true => out,
        false => format!("\n{out}"),
    }
}

/// What can be done with a run that has not ended.
fn what_next(run: &StoredRun) -> String {
    let next = Next::new(&run.run_dir);
    match &run.standing {
        Standing::WaitsForAnswer { actions, carried_out } => {
            let answers: String = actions.iter().map(|action| next.answer(action)).collect();
            match carried_out {
                true => answers,
                false => format!("{answers}then, {}", next.resume()),
            }
        }
        Standing::CutOff { .. } | Standing::Paused | Standing::WaitsForStage { carried_out: false, .. } => {
            next.resume()
        }
        Standing::Running { .. } => next.follow(),
        Standing::WaitsForStage { carried_out: true, .. }
        | Standing::Succeeded
        | Standing::Failed { .. }
        | Standing::Stopped
        | Standing::Superseded
        | Standing::Cancelled => String::new(),
    }
}
