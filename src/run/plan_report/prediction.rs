//! How long a run takes, by earlier ones.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::{ActionReport, StageReport};
use crate::run::event::{Event, Record, Started};
use crate::run::history::find::by_age;
use crate::run::journal;
use crate::run::outcome::{RunStatus, Status};
use crate::run::planned::Driver;

/// How many runs are asked.
const RUNS: usize = 5;
/// How many are looked at to find that many.
const FAR_BACK: usize = 50;

/// How long actions took in earlier runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Durations {
    /// How many runs say it.
    pub runs: usize,
    /// In milliseconds, by stage and action.
    by_action: BTreeMap<(String, String), Vec<u64>>,
}

impl Durations {
    /// The middle of the times that an action took.
    pub(super) fn of(&self, stage: &str, action: &str) -> Option<u64> {
        let mut known = self.by_action.get(&(stage.to_owned(), action.to_owned()))?.clone();
        known.sort_unstable();
        known.get(known.len() / 2).copied()
    }
}

/// What the last runs of a pipeline that succeeded say.
pub(super) fn durations(state_dir: &Path, pipeline: &str) -> Durations {
    let mut out = Durations::default();
    for dir in by_age(state_dir).into_iter().take(FAR_BACK) {
        let records = journal::read(&dir).unwrap_or_default();
        if has_succeeded(&records, pipeline) {
            out.runs += 1;
            out.add(&records);
        }
        if out.runs == RUNS {
            break;
        }
    }
    out
}

fn has_succeeded(records: &[Record], pipeline: &str) -> bool {
    let is_last = |record: &Record| {
        matches!(
            &record.event,
            Event::RunFinished {
                status: RunStatus::Succeeded,
                ..
            }
        )
    };
    Started::of(records).is_some_and(|started| started.pipeline == pipeline) && records.last().is_some_and(is_last)
}

impl Durations {
    fn add(&mut self, records: &[Record]) {
        for record in records {
            if let Event::ActionFinished {
                name,
                status: Status::Succeeded,
                duration_ms,
                ..
            } = &record.event
            {
                let key = (name.stage.clone(), name.action.clone());
                self.by_action.entry(key).or_default().push(*duration_ms);
            }
        }
    }
}

/// What the times of the actions come to. Approvals are left out: nobody knows how long people take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Prediction {
    /// How many earlier runs say it.
    pub runs: usize,
    /// From start to end.
    pub total_ms: u64,
    /// Of each step the action that takes longest: to make a run shorter, make one of these shorter.
    pub critical_path: Vec<PathMember>,
    pub critical_path_ms: u64,
    /// Actions that no earlier run has carried out, by stage and action: they count as nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PathMember {
    pub stage: String,
    pub action: String,
    pub predicted_ms: u64,
}

pub(super) fn predict(stages: &[StageReport], durations: &Durations, jobs: usize) -> Option<Prediction> {
    if durations.runs == 0 {
        return None;
    }
    let mut out = Prediction {
        runs: durations.runs,
        total_ms: 0,
        critical_path: Vec::new(),
        critical_path_ms: 0,
        unknown: Vec::new(),
    };
    for stage in stages.iter().filter(|stage| stage.included) {
        for step in &stage.steps {
            let timed: Vec<&ActionReport> = step.iter().filter(|action| is_timed(action)).collect();
            out.total_ms += side_by_side(timed.iter().filter_map(|action| action.predicted_ms), jobs);
            let unknown = timed.iter().filter(|action| action.predicted_ms.is_none());
            out.unknown
                .extend(unknown.map(|action| format!("{}/{}", stage.name, action.name)));
            let longest = timed.iter().rev().max_by_key(|action| action.predicted_ms);
            if let Some((action, predicted_ms)) = longest.and_then(|action| Some((action, action.predicted_ms?))) {
                out.critical_path_ms += predicted_ms;
                out.critical_path.push(PathMember {
                    stage: stage.name.clone(),
                    action: action.name.clone(),
                    predicted_ms,
                });
            }
        }
    }
    Some(out)
}

fn is_timed(action: &ActionReport) -> bool {
    action.driver != Driver::Approval.name()
}

/// How long some actions take that begin in their order, as soon as one of the places is free.
fn side_by_side(durations: impl Iterator<Item = u64>, jobs: usize) -> u64 {
    let mut places: Vec<u64> = Vec::new();
    for duration in durations {
        let is_full = places.len() >= jobs;
        match places.iter_mut().min().filter(|_| is_full) {
            Some(free) => *free += duration,
            None => places.push(duration),
        }
    }
    places.into_iter().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::side_by_side;

    #[test]
    fn places_are_taken_as_they_get_free() {
        let durations = [30, 10, 10, 10];
        assert_eq!(side_by_side(durations.into_iter(), 1), 60);
        assert_eq!(side_by_side(durations.into_iter(), 2), 30);
        assert_eq!(side_by_side(durations.into_iter(), 9), 30);
        assert_eq!(side_by_side([].into_iter(), 2), 0);
    }
}
