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
use crate::run::record::path::{Span, critical_path};

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
    /// The actions that wait for each other: to make a run shorter, make one of these shorter.
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
    let mut spans = Vec::new();
    for stage in stages.iter().filter(|stage| stage.included) {
        for step in &stage.steps {
            let mut places = Places::new(jobs, out.total_ms);
            for action in step.iter().filter(|action| is_timed(action)) {
                match action.predicted_ms {
                    Some(predicted_ms) => spans.push(places.take(&stage.name, &action.name, predicted_ms)),
                    None => out.unknown.push(format!("{}/{}", stage.name, action.name)),
                }
            }
            out.total_ms = places.end();
        }
    }
    let path = critical_path(spans).into_iter().map(|span| PathMember {
        stage: span.stage,
        action: span.action,
        predicted_ms: span.duration_ms,
    });
    out.critical_path = path.collect();
    out.critical_path_ms = out.critical_path.iter().map(|member| member.predicted_ms).sum();
    Some(out)
}

fn is_timed(action: &ActionReport) -> bool {
    action.driver != Driver::Approval.name()
}

/// Where actions of a step run side by side, each in its turn, as soon as a place is free.
struct Places {
    start: u64,
    /// When each that was taken gets free.
    free: Vec<u64>,
    jobs: usize,
}

impl Places {
    fn new(jobs: usize, start: u64) -> Self {
        let free = Vec::new();
        Self { start, free, jobs }
    }

    fn take(&mut self, stage: &str, action: &str, duration_ms: u64) -> Span<u64> {
        let is_full = self.free.len() >= self.jobs;
        let first = self.free.iter_mut().min().filter(|_| is_full);
        let start = first.as_ref().map_or(self.start, |free| **free);
        let end = start + duration_ms;
        match first {
            Some(free) => *free = end,
            None => self.free.push(end),
        }
        Span {
            stage: stage.to_owned(),
            action: action.to_owned(),
            start,
            end,
            duration_ms,
        }
    }

    /// When all are free again.
    fn end(&self) -> u64 {
        self.free.iter().copied().max().unwrap_or(self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::Places;

    #[test]
    fn places_are_taken_as_they_get_free() {
        let end = |durations: &[u64], jobs| {
            let mut places = Places::new(jobs, 100);
            for duration in durations {
                places.take("Build", "test", *duration);
            }
            places.end()
        };
        let durations = [30, 10, 10, 10];
        assert_eq!([1, 2, 9].map(|jobs| end(&durations, jobs)), [160, 130, 130]);
        assert_eq!(end(&[], 2), 100);
    }
}
