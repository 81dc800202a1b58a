//! The words for a run as a whole, the same in every view: what it is going to do, and how it ended.

use std::fmt::Write;
use std::path::PathBuf;

use jiff::Timestamp;

use super::Context;
use super::next::Next;
use super::path::path_line;
use crate::run::event::{Kind, TriggerType};
use crate::run::outcome::{Failure, RunStatus, StageStatus, Status};
use crate::run::planned::How;
use crate::run::record::path::{critical_path, overlap};
use crate::run::record::{
    ActionRecord, Attempt, AttemptEnd, ConditionRecord, Counts, End, RunRecord, Runs, StageRecord, State,
};
use crate::run::units::{count, duration, short, show_path};

/// How many failures are told with all that helps; of more, their first lines.
const FAILURES_IN_FULL: usize = 5;
/// How many names a list gives.
const NAMES: usize = 8;

/// Why a run did not succeed.
enum Cause<'a> {
    Action(&'a ActionRecord, &'a Attempt, &'a AttemptEnd),
    Condition(&'a StageRecord, &'a ConditionRecord),
}

impl Cause<'_> {
    fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Action(_, _, end) => Some(end.at),
            Self::Condition(_, condition) => condition.at,
        }
    }

    fn stage(&self) -> &str {
        match self {
            Self::Action(action, ..) => &action.stage,
            Self::Condition(stage, _) => &stage.name,
        }
    }

    /// What it is called, and why.
    fn words(&self) -> (String, String) {
        match self {
            Self::Action(action, _, end) => {
                let why = end.failure.as_ref().map(|failure| failure.message.clone());
                (action.place(), why.unwrap_or_default())
            }
            Self::Condition(stage, condition) => {
                let why = format!("its condition {} is not met", condition.position.words());
                (stage.name.clone(), why)
            }
        }
    }
}

/// What failed, the first failure first.
fn causes(run: &RunRecord) -> Vec<Cause<'_>> {
    let actions = run.actions_that(State::Failed).filter_map(|action| {
        let (attempt, end) = action.last()?;
        Some(Cause::Action(action, attempt, end))
    });
    let conditions = run.part().iter().flat_map(|stage| {
        let failed = stage.failed_conditions();
        failed.map(move |condition| Cause::Condition(stage, condition))
    });
    let mut causes: Vec<_> = actions.chain(conditions).collect();
    causes.sort_by_key(Cause::at);
    causes
}

/// What failed of a stage: its name and why.
pub fn failures_of(run: &RunRecord, stage: &str) -> Vec<(String, String)> {
    let causes = causes(run).into_iter();
    let such = causes.filter(|cause| cause.stage() == stage);
    such.map(|cause| cause.words()).collect()
}

/// What the run is going to do, said before it does anything.
pub fn opening(run: &RunRecord) -> String {
    let actions: Vec<&ActionRecord> = run.part().iter().flat_map(|stage| &stage.actions).collect();
    let mut out = format!(
        "run {} of {}: {}",
        run.short_id(),
        run.pipeline,
        count(actions.len(), "action")
    );
    for (how, words) in [
        (How::Simulated, "simulated"),
        (How::StoodIn, "stood in for by your commands"),
    ] {
        let such = actions.iter().filter(|action| action.how == how);
        let names: Vec<String> = such.map(|action| action.place()).collect();
        if !names.is_empty() {
            let _ = write!(out, "\n  {} {words}: {}", names.len(), listed(&names));
        }
    }
    out
}

/// The report at the end of a run that others are shown beside: it begins with which one it is.
pub fn closing_among(runs: &Runs, execution: &str, context: &Context) -> String {
    let Some(run) = runs.get(execution) else {
        return String::new();
    };
    let closing = closing(run, context);
    if runs.are_several() {
        format!("\n{} has ended\n{closing}", named(run))
    } else {
        closing
    }
}

/// `run c0ffee00`, and what it was for if it did not run for itself.
fn named(run: &RunRecord) -> String {
    let id = run.short_id();
    match (run.kind, run.part(), &run.inherited_from) {
        (Kind::Rollback, [stage, ..], Some(target)) => {
            format!(
                "run {id}, the rollback of stage {} to run {},",
                stage.name,
                short(target)
            )
        }
        _ => format!("run {id}"),
    }
}

/// The report at the end, cause first: each failure with all that helps, what became of the others, and last what to do.
pub fn closing(run: &RunRecord, context: &Context) -> String {
    let mut out = String::new();
    let causes = causes(run);
    let report = Report {
        next: Next::new(&run_dir(run, context)),
        run_dir: run_dir(run, context),
    };
    for (index, cause) in causes.iter().enumerate() {
        if index < FAILURES_IN_FULL {
            out.push('\n');
        }
        match cause {
            Cause::Action(action, attempt, end) => {
                headline(&mut out, action, attempt, end);
                if let (true, Some(failure)) = (index < FAILURES_IN_FULL, &end.failure) {
                    report.details(&mut out, action, attempt, failure);
                }
            }
            Cause::Condition(stage, condition) => report.condition(&mut out, stage, condition),
        }
    }
    let Some(end) = run.end else { return out };
    if !causes.is_empty() {
        out.push('\n');
    }
    ending(&mut out, run, end);
    if can_be_retried(run) {
        out.push_str(&report.next.retry(&context.given));
    } else if end.status != RunStatus::Succeeded && run.trigger.kind == TriggerType::StartPipelineExecution {
        let _ = writeln!(out, "again: {}", run.trigger.detail);
    }
    out
}

/// What became of the actions that did not fail, and the numbers.
fn ending(out: &mut String, run: &RunRecord, end: End) {
    if end.status == RunStatus::Succeeded {
        let spans = run.spans();
        if overlap(&spans) {
            let _ = writeln!(out, "{}", path_line(&critical_path(spans)));
        }
    } else {
        others(out, run);
    }
    let _ = writeln!(
        out,
        "{}: {} in {}",
        end.status,
        totals(run, end.status),
        duration(end.duration_ms)
    );
}

/// Whether the stage that ended the run has something left to do.
fn can_be_retried(run: &RunRecord) -> bool {
    let ended = |stage: &&StageRecord| {
        let status = stage.end.map(|end| end.status);
        matches!(status, Some(StageStatus::Failed | StageStatus::Stopped))
    };
    let is_left = |stage: &StageRecord| {
        let counts = stage.counts();
        counts.succeeded < counts.all
    };
    run.part().iter().rev().find(ended).is_some_and(is_left)
}

fn headline(out: &mut String, action: &ActionRecord, attempt: &Attempt, end: &AttemptEnd) {
    let number = match attempt.attempt {
        1 => String::new(),
        number => format!(" (attempt {number})"),
    };
    let message = end.failure.as_ref().map(|failure| failure.message.as_str());
    let _ = writeln!(
        out,
        "FAILED {}{number} after {}: {}",
        action.place(),
        duration(end.duration_ms),
        message.unwrap_or("it did not succeed")
    );
}

/// What failures are told with.
struct Report {
    run_dir: PathBuf,
    next: Next,
}

impl Report {
    fn details(&self, out: &mut String, action: &ActionRecord, attempt: &Attempt, failure: &Failure) {
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
        self.log(out, &attempt.log);
        if let Some(directory) = &failure.directory {
            let _ = writeln!(out, "  its files: {}, kept", show_path(directory));
            let _ = writeln!(out, "  a shell:   {}", self.next.shell(&action.place()));
        }
        if let Some(help) = &failure.help {
            let _ = writeln!(out, "  help:      {help}");
        }
    }

    fn condition(&self, out: &mut String, stage: &StageRecord, condition: &ConditionRecord) {
        let position = condition.position.words();
        let _ = writeln!(out, "FAILED {}: its condition {position} is not met", stage.name);
        for rule in condition.failed_rules() {
            let _ = writeln!(out, "  rule {}: {}", rule.rule, rule.message);
            self.log(out, &rule.log);
        }
    }

    fn log(&self, out: &mut String, log: &str) {
        let log = self.run_dir.join(log);
        if log.exists() {
            let _ = writeln!(out, "  whole log: {}", show_path(&log));
        }
    }
}

/// What became of all actions that did not fail.
fn others(out: &mut String, run: &RunRecord) {
    for (state, words) in [
        (State::Succeeded, "finished:   "),
        (State::Ended, "ended:      "),
        (State::Skipped, "skipped:    "),
        (State::Waiting, "not started:"),
    ] {
        let names: Vec<String> = run.actions_that(state).map(ActionRecord::place).collect();
        if !names.is_empty() {
            let _ = writeln!(out, "{words} {}", listed(&names));
        }
    }
}

fn totals(run: &RunRecord, status: RunStatus) -> String {
    let counts = run.counts();
    let rules = match run.rules_simulated() {
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
fn run_dir(run: &RunRecord, context: &Context) -> PathBuf {
    context.run_dir.with_file_name(&run.id)
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

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(NAMES).map(String::as_str);
    let mut out = shown.collect::<Vec<_>>().join(", ");
    if names.len() > NAMES {
        let _ = write!(out, " and {} more", names.len() - NAMES);
    }
    out
}
