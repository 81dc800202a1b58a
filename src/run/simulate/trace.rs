//! A simulation in words: a line for each thing that happens, and how each run ended.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;

use super::{Happened, Simulation, What};
use crate::ir::{ConditionResult, RetryMode};
use crate::run::event::{ActionName, By, ConditionStatus, Event, RuleStatus, Started, Waiting};
use crate::run::outcome::{Failure, Status};

pub(super) fn words(simulation: &Simulation) -> String {
    let names = Names(
        simulation
            .runs
            .iter()
            .map(|run| (run.execution_id.as_str(), run.name.as_str()))
            .collect(),
    );
    let lines = simulation.events.iter().filter_map(|happened| {
        let words = names.happened(happened)?;
        Some((since_start(happened.time), happened.run.as_deref().unwrap_or(""), words))
    });
    let lines: Vec<_> = lines.collect();
    let times = lines.iter().map(|(time, ..)| time.len()).max().unwrap_or(0);
    let runs = simulation.runs.iter().map(|run| run.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for (time, run, words) in &lines {
        let _ = writeln!(out, "{time:times$}  {run:runs$}  {words}");
    }
    out.push('\n');
    for run in &simulation.runs {
        let end = match run.status {
            Some(status) => status.to_string(),
            None => names.still(simulation, &run.name),
        };
        let _ = writeln!(out, "{:runs$}  {end}", run.name);
    }
    out
}

/// `+0s`, `+30m 00s`, `+8d 00h 01m 00s`
fn since_start(time: Timestamp) -> String {
    let seconds = time.as_second();
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    let (days, hours) = (hours / 24, hours % 24);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("+{seconds}s"),
        (0, 0, _) => format!("+{minutes}m {seconds:02}s"),
        (0, ..) => format!("+{hours}h {minutes:02}m {seconds:02}s"),
        _ => format!("+{days}d {hours:02}h {minutes:02}m {seconds:02}s"),
    }
}

/// The script's names of executions, by their ids.
struct Names<'a>(BTreeMap<&'a str, &'a str>);

impl Names<'_> {
    fn of<'n>(&'n self, id: &'n str) -> &'n str {
        self.0.get(id).copied().unwrap_or(id)
    }

    fn happened(&self, happened: &Happened) -> Option<String> {
        match &happened.what {
            What::Event(event) => self.event(event),
            What::Refused {
                line,
                exception,
                refused,
            } => Some(format!("refused (line {line}): {refused} [{exception}]")),
        }
    }

    /// Where a run stands that has not ended.
    fn still(&self, simulation: &Simulation, run: &str) -> String {
        let of_run = simulation
            .events
            .iter()
            .filter(|happened| happened.run.as_deref() == Some(run));
        let last = of_run.rev().find_map(|happened| match &happened.what {
            What::Event(event) => match &**event {
                Event::StageWaiting { stage, reason } => Some(self.waiting(stage, reason)),
                _ => None,
            },
            What::Refused { .. } => None,
        });
        last.unwrap_or_else(|| "goes on".to_owned())
    }

    fn waiting(&self, stage: &str, reason: &Waiting) -> String {
        let why = match reason {
            Waiting::Occupied { execution_id } => format!("{} is in it", self.of(execution_id)),
            Waiting::Queued => "others wait before it".to_owned(),
            Waiting::Disabled { reason } if reason.is_empty() => "the transition is disabled".to_owned(),
            Waiting::Disabled { reason } => format!("the transition is disabled ({reason})"),
        };
        format!("waits in front of {stage}: {why}")
    }

    fn event(&self, event: &Event) -> Option<String> {
        Some(match event {
            Event::RunStarted(started) => self.started(started),
            Event::StageWaiting { stage, reason } => self.waiting(stage, reason),
            Event::StageStarted { stage, .. } => format!("enters {stage}"),
            Event::ActionStarted { name, .. } => format!("{} started{}", called(name), attempt(name)),
            Event::ActionFinished {
                name, status, failure, ..
            } => finished(name, *status, failure.as_deref()),
            Event::ApprovalAnswered { .. } | Event::RuleStarted { .. } => return None,
            Event::RuleFinished { name, status, .. } => {
                let how = match status {
                    RuleStatus::Succeeded => "succeeded",
                    RuleStatus::Failed => "failed",
                    RuleStatus::Abandoned => "abandoned",
                };
                format!("{} {}: rule {} {how}", name.stage, name.position.words(), name.rule)
            }
            Event::ConditionFinished {
                stage,
                position,
                status,
                result,
            } => {
                let how = match status {
                    ConditionStatus::Succeeded => "met",
                    ConditionStatus::Failed => "not met",
                    ConditionStatus::Overridden => "overridden",
                };
                let follows = match result {
                    None => "",
                    Some(ConditionResult::Fail) => ": the stage fails",
                    Some(ConditionResult::Skip) => ": the stage is skipped",
                    Some(ConditionResult::Rollback) => ": the stage is rolled back",
                    Some(ConditionResult::Retry) => ": the stage is tried again",
                };
                format!("{stage} {}: the condition is {how}{follows}", position.words())
            }
            Event::StageFinished { stage, status, .. } => format!("leaves {stage}: {status}"),
            Event::StageRetried { stage, mode, by, .. } => {
                let what = match mode {
                    RetryMode::FailedActions => "its failed actions",
                    RetryMode::AllActions => "all its actions",
                };
                let by = match by {
                    By::Automatic => "automatically",
                    By::Manual => "by hand",
                };
                format!("tries {stage} again {by}, {what}")
            }
            Event::RollbackStarted {
                stage,
                execution_id,
                target,
                ..
            } => format!(
                "{stage} is rolled back to {} by {}",
                self.of(target),
                self.of(execution_id)
            ),
            Event::StopRequested { abandon: false, .. } => "is to stop when its actions have ended".to_owned(),
            Event::StopRequested { abandon: true, .. } => "is to stop, and to abandon its actions".to_owned(),
            Event::TransitionChanged {
                stage, enabled: true, ..
            } => format!("the transition into {stage} is enabled"),
            Event::TransitionChanged { stage, reason, .. } if reason.is_empty() => {
                format!("the transition into {stage} is disabled")
            }
            Event::TransitionChanged { stage, reason, .. } => {
                format!("the transition into {stage} is disabled ({reason})")
            }
            Event::CancelRequested { reason } | Event::RunResumed { reason } => reason.clone(),
            Event::ActionInterrupted { name } => format!("{} was cut off", called(name)),
            Event::RuleInterrupted { name } => format!("{}, rule {} was cut off", name.stage, name.rule),
            Event::Note { message } => message.clone(),
            Event::RunFinished {
                status, superseded_by, ..
            } => match superseded_by {
                Some(newer) => format!("{status} by {}", self.of(newer)),
                None => format!("{status}"),
            },
        })
    }

    fn started(&self, started: &Started) -> String {
        let mut out = match &started.inherited {
            Some(inherited) => format!("starts, to go back to {}", self.of(&inherited.execution_id)),
            None => "starts".to_owned(),
        };
        let variables = started
            .variables
            .iter()
            .map(|(name, value)| format!("{name} = {value}"));
        let variables: Vec<String> = variables.collect();
        if !variables.is_empty() && started.inherited.is_none() {
            let _ = write!(out, " with {}", variables.join(", "));
        }
        out
    }
}

fn called(name: &ActionName) -> String {
    format!("{}/{}", name.stage, name.action)
}

fn attempt(name: &ActionName) -> String {
    match name.attempt {
        1 => String::new(),
        attempt => format!(" (attempt {attempt})"),
    }
}

fn finished(name: &ActionName, status: Status, failure: Option<&Failure>) -> String {
    let mut out = format!("{} {status}", called(name));
    if status == Status::Failed {
        // Which of several attempts failed is what one looks for.
        let _ = write!(out, " (attempt {})", name.attempt);
    } else {
        out.push_str(&attempt(name));
    }
    let why = failure.filter(|failure| !failure.message.is_empty() && failure.message != super::SCRIPTED);
    if let Some(why) = why {
        let _ = write!(out, ": {}", why.message);
    }
    out
}
