//! The spans of an execution, and their ids.

use super::environment::Parent;
use super::otlp::{INTERNAL, SERVER, Span, SpanStatus, nanoseconds, number, text};
use crate::run::event::ActionName;
use crate::run::outcome::{Exit, RunStatus, StageStatus, Status, signal_name};
use crate::run::record::{ActionRecord, Attempt, RunRecord, StageRecord};

/// Under which ids an execution's spans go.
pub(super) struct Ids<'a> {
    pub execution: &'a str,
    pub parent: Option<&'a Parent>,
}

impl Ids<'_> {
    /// An execution's own id is as long as a trace's.
    pub(super) fn trace(&self) -> String {
        match self.parent {
            Some(parent) => parent.trace.clone(),
            None => self.execution.chars().filter(|&c| c != '-').collect(),
        }
    }

    fn span(&self, parts: &[&str]) -> String {
        let mut hasher = blake3::Hasher::new();
        for part in [self.execution].iter().chain(parts) {
            hasher.update(&part.len().to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }

    pub(super) fn action(&self, name: &ActionName) -> String {
        self.span(&["action", &name.stage, &name.action, &name.attempt.to_string()])
    }
}

/// All spans of an execution that has ended.
pub(super) fn spans(run: &RunRecord, ids: &Ids<'_>) -> Vec<Span> {
    let Some(end) = run.end else {
        return Vec::new();
    };
    let result = match end.status {
        RunStatus::Succeeded => "success",
        RunStatus::Failed => "failure",
        RunStatus::Stopped | RunStatus::Superseded | RunStatus::Cancelled => "cancellation",
    };
    // Its end may come again, and is then another span.
    let root = ids.span(&["run", &end.at.to_string()]);
    let mut attributes = vec![
        text("cicd.pipeline.name", &run.pipeline),
        text("cicd.pipeline.run.id", &run.id),
        text("cicd.pipeline.action.name", "RUN"),
        text("cicd.pipeline.result", result),
    ];
    if result == "failure" {
        attributes.push(text("error.type", "_OTHER"));
    }
    let mut out = vec![Span {
        trace_id: ids.trace(),
        span_id: root.clone(),
        parent_span_id: ids.parent.map(|parent| parent.span.clone()),
        name: format!("RUN {}", run.pipeline),
        kind: SERVER,
        start_time_unix_nano: nanoseconds(run.started),
        end_time_unix_nano: nanoseconds(end.at),
        attributes,
        status: SpanStatus::of(result == "failure", None),
    }];
    for stage in run.part() {
        out.extend(stage_spans(stage, ids, &root));
    }
    out
}

fn stage_spans(stage: &StageRecord, ids: &Ids<'_>, root: &str) -> Vec<Span> {
    let (Some(begun), Some(end)) = (stage.started, stage.end) else {
        return Vec::new();
    };
    let result = match end.status {
        StageStatus::Succeeded => "success",
        StageStatus::Failed => "failure",
        StageStatus::Skipped => "skip",
        StageStatus::Stopped | StageStatus::Cancelled => "cancellation",
    };
    let id = ids.span(&["stage", &stage.name, &end.at.to_string()]);
    let mut out = vec![Span {
        trace_id: ids.trace(),
        span_id: id.clone(),
        parent_span_id: Some(root.to_owned()),
        name: stage.name.clone(),
        kind: INTERNAL,
        start_time_unix_nano: nanoseconds(begun),
        end_time_unix_nano: nanoseconds(end.at),
        attributes: vec![
            text("cicd.pipeline.task.name", &stage.name),
            text(
                "cicd.pipeline.task.run.id",
                &format!("{}/{}", ids.execution, stage.name),
            ),
            text("cicd.pipeline.task.run.result", result),
        ],
        status: SpanStatus::of(result == "failure", None),
    }];
    for action in &stage.actions {
        let attempts = action.attempts.iter();
        out.extend(attempts.filter_map(|attempt| attempt_span(action, attempt, ids, &id)));
    }
    out
}

fn attempt_span(action: &ActionRecord, attempt: &Attempt, ids: &Ids<'_>, parent: &str) -> Option<Span> {
    let end = attempt.end()?;
    let name = action.place();
    let result = match end.status {
        Status::Succeeded => "success",
        Status::Failed => "failure",
        Status::Abandoned => "cancellation",
    };
    let mut attributes = vec![
        text("cicd.pipeline.task.name", &name),
        text(
            "cicd.pipeline.task.run.id",
            &format!("{}/{name}#{}", ids.execution, attempt.attempt),
        ),
        text("cicd.pipeline.task.run.result", result),
        text("pipe.action.type", &action.action_type),
        text("pipe.action.driver", &action.driver),
        number("pipe.action.attempt", attempt.attempt.into()),
    ];
    // The conventions know these three.
    let category = action
        .action_type
        .split('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    if ["build", "test", "deploy"].contains(&category.as_str()) {
        attributes.push(text("cicd.pipeline.task.type", &category));
    }
    let failure = end.failure.as_ref().filter(|_| end.status == Status::Failed);
    if let Some(failure) = failure {
        let error = match failure.exit {
            Some(Exit::Code(code)) => format!("exit {code}"),
            Some(Exit::Signal(signal)) => signal_name(signal),
            None => "_OTHER".to_owned(),
        };
        attributes.push(text("error.type", &error));
    }
    let message = failure.map(|failure| failure.message.clone());
    Some(Span {
        trace_id: ids.trace(),
        span_id: ids.action(&ActionName {
            stage: action.stage.clone(),
            action: action.name.clone(),
            attempt: attempt.attempt,
        }),
        parent_span_id: Some(parent.to_owned()),
        name,
        kind: INTERNAL,
        start_time_unix_nano: nanoseconds(attempt.started),
        end_time_unix_nano: nanoseconds(end.at),
        attributes,
        status: SpanStatus::of(end.status == Status::Failed, message),
    })
}
