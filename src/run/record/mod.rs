//! A run so far, as its journal tells it: what every view, report, feed and page is drawn from.
//!
//! `fold` knows what each event means for what people are told; all else asks questions of what it has made.

mod fold;
pub mod path;
mod runs;
pub mod state;

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::event::{By, ConditionStatus, Kind, RuleStatus, Trigger, Waiting};
use super::outcome::{Failure, RunStatus, StageStatus, Status};
use super::paths::component;
use super::planned::{How, Position};
use super::store::Artifact;
use super::units::short;
use crate::ir::ConditionResult;

pub use runs::Runs;
pub use state::{Counts, State};

/// What has become of a run.
#[derive(Clone, Debug, Serialize)]
pub struct RunRecord {
    pub id: String,
    pub pipeline: String,
    pub started: Timestamp,
    /// When the last event was.
    pub last: Timestamp,
    /// None while it goes on.
    #[serde(rename = "duration_ms", serialize_with = "duration_ms")]
    pub end: Option<End>,
    #[serde(rename = "type")]
    pub kind: Kind,
    pub trigger: Trigger,
    /// The definition's digest.
    pub definition: String,
    pub variables: BTreeMap<String, String>,
    /// The run whose artifacts and output variables it began with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited_from: Option<String>,
    /// All that the definition has, in order.
    pub stages: Vec<StageRecord>,
    /// Those of them that the run has to do with.
    #[serde(skip)]
    part: Range<usize>,
    /// In the order of their making, the latest of each name.
    pub artifacts: Vec<MadeArtifact>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rollbacks: Vec<Rollback>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Why it was asked to stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    pub status: RunStatus,
    pub at: Timestamp,
    pub duration_ms: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct StageRecord {
    pub name: String,
    /// None if it has not ended.
    #[serde(flatten, serialize_with = "stage_end")]
    pub end: Option<StageEnd>,
    /// How often it was begun; 0: never.
    pub attempt: u32,
    /// Its first attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// Its latest attempt.
    #[serde(skip)]
    pub attempt_started: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<Waiting>,
    pub retries: Vec<By>,
    pub conditions: Vec<ConditionRecord>,
    /// In the order of the definition.
    pub actions: Vec<ActionRecord>,
}

#[derive(Clone, Copy, Debug)]
pub struct StageEnd {
    pub status: StageStatus,
    pub at: Timestamp,
    pub duration_ms: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct ConditionRecord {
    pub position: Position,
    /// The stage's attempt.
    pub attempt: u32,
    /// None if it is not decided.
    pub status: Option<ConditionStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<ConditionResult>,
    /// When it was decided.
    #[serde(skip)]
    pub at: Option<Timestamp>,
    pub rules: Vec<RuleRecord>,
}

#[derive(Clone, Debug, Serialize)]
pub struct RuleRecord {
    pub rule: String,
    pub status: Option<RuleStatus>,
    pub simulated: bool,
    pub message: String,
    /// None while it does not run.
    #[serde(skip)]
    pub running_since: Option<Timestamp>,
    /// The log's path within the run's folder.
    #[serde(skip)]
    pub log: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct ActionRecord {
    #[serde(skip)]
    pub stage: String,
    pub name: String,
    pub action_type: String,
    pub step: u32,
    pub how: How,
    pub driver: String,
    pub attempts: Vec<Attempt>,
    /// It is to be tried once more.
    #[serde(skip)]
    again: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    pub attempt: u32,
    pub started: Timestamp,
    #[serde(flatten)]
    pub progress: Progress,
    /// The log's path within the run's folder.
    pub log: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answered>,
}

/// How far an attempt has come.
#[derive(Clone, Debug)]
pub enum Progress {
    /// It has not ended, as far as the journal knows.
    Open,
    /// The end of the program cut it off; another attempt takes its place.
    CutOff,
    Ended(Box<AttemptEnd>),
}

#[derive(Clone, Debug, Serialize)]
pub struct AttemptEnd {
    #[serde(skip)]
    pub status: Status,
    #[serde(skip)]
    pub at: Timestamp,
    pub duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Answered {
    pub approved: bool,
    pub by: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comment: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct MadeArtifact {
    pub name: String,
    /// `Build/compile`; of one that was taken over, the run that made it.
    pub made_by: String,
    #[serde(flatten)]
    pub artifact: Artifact,
}

#[derive(Clone, Debug, Serialize)]
pub struct Rollback {
    pub stage: String,
    pub execution_id: String,
    pub target: String,
}

impl RunRecord {
    /// The run's id, as people say it.
    pub fn short_id(&self) -> &str {
        short(&self.id)
    }

    /// The stages that the run has to do with, in order.
    pub fn part(&self) -> &[StageRecord] {
        &self.stages[self.part.clone()]
    }

    /// All actions in the order of the definition.
    pub fn actions(&self) -> impl Iterator<Item = &ActionRecord> {
        self.stages.iter().flat_map(|stage| &stage.actions)
    }

    pub fn stage(&self, name: &str) -> Option<&StageRecord> {
        self.stages.iter().find(|stage| stage.name == name)
    }

    pub fn action(&self, stage: &str, name: &str) -> Option<&ActionRecord> {
        let mut actions = self.stage(stage)?.actions.iter();
        actions.find(|action| action.name == name)
    }

    /// Whether the run has ended, so that nothing more happens unless somebody tries it again.
    pub fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Whether nothing goes on but questions that wait for an answer.
    pub fn has_nothing_to_end(&self) -> bool {
        self.stages.iter().all(|stage| {
            let mut actions = stage.actions.iter();
            let runs = |action: &ActionRecord| stage.state(action) == State::Running && !action.is_approval();
            !actions.any(runs) && stage.running_rules().next().is_none()
        })
    }

    pub fn rules_simulated(&self) -> usize {
        let conditions = self.stages.iter().flat_map(|stage| &stage.conditions);
        let rules = conditions.flat_map(|condition| &condition.rules);
        rules.filter(|rule| rule.simulated).count()
    }
}

impl StageRecord {
    /// Whether it goes on.
    pub fn is_current(&self) -> bool {
        self.started.is_some() && self.end.is_none()
    }

    /// The rules that run, each with its condition.
    pub fn running_rules(&self) -> impl Iterator<Item = (&ConditionRecord, &RuleRecord, Timestamp)> {
        let conditions = self.conditions.iter();
        conditions.flat_map(|condition| {
            let rules = condition.rules.iter();
            rules.filter_map(move |rule| Some((condition, rule, rule.running_since?)))
        })
    }

    /// The conditions that made its latest attempt fail. What a condition on failure decides has an action's failure as its cause.
    pub fn failed_conditions(&self) -> impl Iterator<Item = &ConditionRecord> {
        let fails = |result| {
            matches!(
                result,
                Some(ConditionResult::Fail | ConditionResult::Rollback | ConditionResult::Retry)
            )
        };
        self.conditions.iter().filter(move |condition| {
            condition.attempt == self.attempt
                && condition.status == Some(ConditionStatus::Failed)
                && condition.position != Position::OnFailure
                && fails(condition.result)
        })
    }
}

impl ConditionRecord {
    /// The rules that it is not met for.
    pub fn failed_rules(&self) -> impl Iterator<Item = &RuleRecord> {
        let rules = self.rules.iter();
        rules.filter(|rule| rule.status == Some(RuleStatus::Failed))
    }
}

impl ActionRecord {
    /// `Prod/rollout`, as people see it.
    pub fn place(&self) -> String {
        format!("{}/{}", self.stage, self.name)
    }

    pub fn is_approval(&self) -> bool {
        self.driver == "approval"
    }

    /// The attempts that nothing took the place of.
    pub fn tries(&self) -> impl DoubleEndedIterator<Item = &Attempt> {
        let attempts = self.attempts.iter();
        attempts.filter(|attempt| !matches!(attempt.progress, Progress::CutOff))
    }

    /// The last attempt, if it has ended.
    pub fn last(&self) -> Option<(&Attempt, &AttemptEnd)> {
        let attempt = self.tries().next_back()?;
        Some((attempt, attempt.end()?))
    }

    /// The last attempt that went well.
    pub fn success(&self) -> Option<&AttemptEnd> {
        let mut ends = self.attempts.iter().rev().filter_map(Attempt::end);
        ends.find(|end| end.status == Status::Succeeded)
    }

    /// Whether its last attempt goes on, as far as the journal knows.
    pub fn is_open(&self) -> bool {
        let last = self.attempts.last();
        last.is_some_and(|attempt| matches!(attempt.progress, Progress::Open))
    }
}

impl Attempt {
    /// How it ended, if it came to its end.
    pub fn end(&self) -> Option<&AttemptEnd> {
        match &self.progress {
            Progress::Ended(end) => Some(end),
            Progress::Open | Progress::CutOff => None,
        }
    }
}

impl Progress {
    /// As `pipe show --format json` calls it.
    fn word(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::CutOff => "cut_off",
            Self::Ended(end) => match end.status {
                Status::Succeeded => "succeeded",
                Status::Failed => "failed",
                Status::Abandoned => "abandoned",
            },
        }
    }
}

impl Serialize for Progress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'a> {
            status: &'static str,
            #[serde(flatten)]
            end: Option<&'a AttemptEnd>,
        }
        let end = match self {
            Self::Ended(end) => Some(&**end),
            Self::Open | Self::CutOff => None,
        };
        let status = self.word();
        Form { status, end }.serialize(serializer)
    }
}

impl MadeArtifact {
    /// The name as that of a folder.
    pub fn folder_name(&self) -> String {
        component(&self.name)
    }
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn duration_ms<S: Serializer>(end: &Option<End>, serializer: S) -> Result<S::Ok, S::Error> {
    end.map(|end| end.duration_ms).serialize(serializer)
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn stage_end<S: Serializer>(end: &Option<StageEnd>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Form {
        status: Option<StageStatus>,
        #[serde(skip_serializing_if = "Option::is_none")]
        duration_ms: Option<u64>,
    }
    let form = Form {
        status: end.map(|end| end.status),
        duration_ms: end.map(|end| end.duration_ms),
    };
    form.serialize(serializer)
}
