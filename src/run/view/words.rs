//! Events in words, the same in every view.

use super::Question;
use super::report::{opening, verdict};
use crate::ir::{ConditionResult, RetryMode};
use crate::run::event::{ActionName, By, ConditionStatus, Event, RuleStatus, Waiting};
use crate::run::outcome::{StageStatus, Status};
use crate::run::planned::How;
use crate::run::record::RunRecord;
use crate::run::units::{duration, short};

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
    out.push_str("  approve? [y/n, and a comment if you like] ");
    out
}

/// What answers are understood, to somebody who has typed another.
pub fn no_answer_words(typed: &str) -> String {
    const SHOWN: usize = 40;
    let typed = typed.trim();
    let what = match typed.char_indices().nth(SHOWN) {
        _ if typed.is_empty() => "an empty line".to_owned(),
        Some((at, _)) => format!("`{}…`", &typed[..at]),
        None => format!("`{typed}`"),
    };
    format!("{what} is no answer: say `y` or `yes`, or `n` or `no`; a comment may follow")
}

/// Why a run stands in front of a stage.
pub fn waiting_words(reason: &Waiting) -> String {
    match reason {
        Waiting::Occupied { execution_id } => format!("run {} is in it", short(execution_id)),
        Waiting::Queued => "others wait before it".to_owned(),
        Waiting::Disabled { reason } if reason.is_empty() => "the way into it is disabled".to_owned(),
        Waiting::Disabled { reason } => format!("the way into it is disabled: {reason}"),
    }
}

/// How somebody answered.
pub fn answer_words(approved: bool, by: &str, comment: &str) -> String {
    let verdict = if approved { "approved" } else { "rejected" };
    match comment {
        "" => format!("{verdict} by {by}"),
        comment => format!("{verdict} by {by}: {comment}"),
    }
}

/// What was found of a rule.
pub fn rule_words(status: RuleStatus, simulated: bool) -> &'static str {
    match (status, simulated) {
        (RuleStatus::Abandoned, _) => "abandoned",
        (_, true) => "simulated",
        (RuleStatus::Succeeded, false) => "satisfied",
        (RuleStatus::Failed, false) => "not satisfied",
    }
}

/// What follows from a condition for its stage.
pub fn result_words(result: ConditionResult) -> &'static str {
    match result {
        ConditionResult::Skip => "the stage is skipped",
        ConditionResult::Rollback => "the stage is rolled back",
        ConditionResult::Fail | ConditionResult::Retry => "the stage fails",
    }
}

/// An event in words; none where nothing need be said.
pub fn words(event: &Event, run: &RunRecord) -> Option<String> {
    Some(match event {
        Event::RunStarted(_) => opening(run),
        Event::StageStarted { stage, attempt: 1 } => format!("stage {stage}"),
        Event::StageStarted { stage, attempt } => format!("stage {stage}, attempt {attempt}"),
        Event::RuleFinished {
            name,
            status,
            simulated,
            message,
        } => {
            let verdict = rule_words(*status, *simulated);
            let (stage, position) = (&name.stage, name.position.words());
            format!("{stage} {position}, rule {}: {verdict}: {message}", name.rule)
        }
        Event::ConditionFinished {
            stage,
            position,
            status,
            result,
        } => {
            let verdict = match status {
                ConditionStatus::Succeeded => "is met",
                ConditionStatus::Failed => "is not met",
                ConditionStatus::Overridden => "was overridden",
            };
            let follows = match (status, result) {
                (_, Some(result)) => result_words(*result),
                (ConditionStatus::Overridden, None) => "the stage goes on",
                (ConditionStatus::Succeeded | ConditionStatus::Failed, None) => return None,
            };
            format!("{stage}: the condition {} {verdict}: {follows}", position.words())
        }
        Event::ActionStarted { name, .. } => format!("{} started", called(name)),
        Event::ActionFinished {
            name,
            status,
            duration_ms,
            failure,
            notes,
            ..
        } => {
            let action = run.action(&name.stage, &name.action);
            let how = verdict(*status, action.map_or(How::CarriedOut, |action| action.how));
            let why = match failure {
                Some(failure) => format!(": {}", failure.message),
                None if notes.is_empty() => String::new(),
                None => format!(": {}", notes.join("; ")),
            };
            match status {
                Status::Succeeded => format!("{} {how} in {}{why}", called(name), duration(*duration_ms)),
                Status::Failed | Status::Abandoned => {
                    format!("{} {how} after {}{why}", called(name), duration(*duration_ms))
                }
            }
        }
        Event::StageFinished { stage, status, .. } if *status == StageStatus::Skipped => {
            format!("stage {stage} skipped")
        }
        Event::StageFinished { .. } => return None,
        Event::StageRetried { stage, mode, by, .. } => {
            let what = match mode {
                RetryMode::AllActions => "all its actions are",
                RetryMode::FailedActions => "the actions that failed are",
            };
            match by {
                By::Automatic => format!("stage {stage} failed: {what} tried once more"),
                By::Manual => format!("stage {stage}: {what} tried again"),
            }
        }
        Event::StopRequested { reason, abandon: false } => {
            format!("{reason}: what runs comes to its end, nothing new starts; again: end it")
        }
        Event::StopRequested { reason, abandon: true } if run.has_nothing_to_end() => {
            format!("{reason}: nothing runs that would have to end first, so the run ends at once")
        }
        Event::StopRequested { reason, abandon: true } => {
            format!("{reason}: what runs is asked to end (INT, after 5 s TERM, then KILL); again: kill it")
        }
        Event::CancelRequested { reason } => format!("{reason}: what runs comes to its end, nothing new starts"),
        Event::RunResumed { reason } => format!("going on with run {}: {reason}", run.short_id()),
        Event::ActionInterrupted { name } => format!("{} was cut off: it starts anew", called(name)),
        Event::RuleInterrupted { name } => format!("{}, rule {} was cut off: it starts anew", name.stage, name.rule),
        Event::StageWaiting { stage, reason } => {
            format!("waiting in front of stage {stage}: {}", waiting_words(reason))
        }
        Event::ApprovalAnswered {
            name,
            approved,
            comment,
            by,
        } => {
            format!("{} {}", called(name), answer_words(*approved, by, comment))
        }
        Event::RollbackStarted {
            stage,
            execution_id,
            target,
            ..
        } => format!(
            "stage {stage} is rolled back to run {}, by run {}",
            short(target),
            short(execution_id)
        ),
        Event::TransitionChanged { stage, enabled, .. } => {
            let how = if *enabled { "enabled" } else { "disabled" };
            format!("the way into stage {stage} is {how}")
        }
        Event::RuleStarted { .. } => return None,
        Event::Note { message } => message.clone(),
        Event::RunFinished { superseded_by, .. } => {
            let newer = superseded_by.as_ref()?;
            format!("superseded by run {}", short(newer))
        }
    })
}
