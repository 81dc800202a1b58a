//! The view without a terminal: one line for everything that happens, each action's output behind its name.

use std::io::Write;

use super::report::{Summary, duration};
use super::{Context, Question, View};
use crate::run::event::{ActionName, Event, Record};
use crate::run::outcome::{StageStatus, Status};
use crate::run::planned::How;

pub struct Plain<W> {
    out: W,
    context: Context,
    summary: Summary,
}

impl<W: Write> Plain<W> {
    pub fn new(out: W, context: Context) -> Self {
        Self {
            out,
            context,
            summary: Summary::default(),
        }
    }

    /// In one call, so that lines of several programs do not mix. Nobody is left to tell if it fails.
    fn line(&mut self, text: &str) {
        let _ = self.out.write_all(format!("{text}\n").as_bytes());
    }
}

impl<W: Write + Send> View for Plain<W> {
    fn record(&mut self, record: &Record) {
        self.summary.apply(&record.event);
        if let Some(text) = words(&record.event, &self.summary) {
            self.line(&text);
        }
        if matches!(record.event, Event::RunFinished { .. }) {
            let closing = self.summary.closing(&self.context);
            let _ = self.out.write_all(closing.as_bytes());
        }
    }

    fn output(&mut self, name: &ActionName, line: &str) {
        self.line(&format!("{} | {line}", called(name)));
    }

    fn question(&mut self, question: &Question) {
        let text = question_words(question);
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }

    fn finish(&mut self) {
        let _ = self.out.flush();
    }
}

/// `Build/test`, with the attempt from the second on.
pub fn called(name: &ActionName) -> String {
    match name.attempt {
        1 => format!("{}/{}", name.stage, name.action),
        attempt => format!("{}/{}#{attempt}", name.stage, name.action),
    }
}

/// What is asked, up to where the answer is typed.
pub fn question_words(question: &Question) -> String {
    let mut out = format!("{} waits for your approval\n", called(&question.name));
    if let Some(message) = &question.message {
        out.push_str(&format!("  {message}\n"));
    }
    if let Some(link) = &question.link {
        out.push_str(&format!("  to look at: {link}\n"));
    }
    out.push_str("  approve? [y/n] ");
    out
}

/// An event in words; none where nothing need be said.
pub fn words(event: &Event, summary: &Summary) -> Option<String> {
    Some(match event {
        Event::RunStarted { .. } => summary.opening(),
        Event::StageStarted { stage, attempt: 1 } => format!("stage {stage}"),
        Event::StageStarted { stage, attempt } => format!("stage {stage}, attempt {attempt}"),
        Event::RuleFinished {
            stage,
            position,
            rule,
            satisfied,
            simulated,
            message,
        } => {
            let verdict = match (satisfied, simulated) {
                (_, true) => "simulated",
                (true, false) => "satisfied",
                (false, false) => "not satisfied",
            };
            format!("{stage} {}, rule {rule}: {verdict}: {message}", position.words())
        }
        Event::ConditionFinished {
            stage,
            position,
            satisfied,
            result: Some(result),
        } => {
            let verdict = if *satisfied { "is met" } else { "is not met" };
            format!("{stage}: the condition {} {verdict}: {result}", position.words())
        }
        Event::ConditionFinished { result: None, .. } => return None,
        Event::ActionStarted { name, .. } => format!("{} started", called(name)),
        Event::ActionFinished {
            name,
            status,
            duration_ms,
            failure,
            notes,
            ..
        } => {
            let how = match (status, summary.how(name)) {
                (Status::Succeeded, Some(How::Simulated)) => "simulated",
                (Status::Succeeded, Some(How::StoodIn)) => "succeeded (stood in for)",
                (Status::Succeeded, _) => "succeeded",
                (Status::Failed, _) => "FAILED",
                (Status::Stopped, _) => "stopped",
            };
            let why = match failure {
                Some(failure) => format!(": {}", failure.message),
                None if notes.is_empty() => String::new(),
                None => format!(": {}", notes.join("; ")),
            };
            format!("{} {how} in {}{why}", called(name), duration(*duration_ms))
        }
        Event::StageFinished { stage, status, .. } if *status == StageStatus::Skipped => {
            format!("stage {stage} skipped")
        }
        Event::StageFinished { .. } => return None,
        Event::StageRetried { stage, mode } => match mode.as_str() {
            "ALL_ACTIONS" => format!("stage {stage} failed: all its actions are tried once more"),
            _ => format!("stage {stage} failed: the actions that failed are tried once more"),
        },
        Event::StopRequested { reason, action } => format!("{reason}: {action}"),
        Event::Note { message } => message.clone(),
        Event::RunFinished { .. } => return None,
    })
}
