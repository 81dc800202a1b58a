//! What must be remembered of an execution to tell of it in the service's words.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::ir::Pipeline;
use crate::run::event::{ActionName, By, Event, Record, Trigger};
use crate::run::store::Artifact;

pub(super) struct Execution {
    pub definition: Arc<Pipeline>,
    pub pipeline: String,
    pub started: Timestamp,
    pub trigger: Trigger,
    /// How often it was begun, with manual retries.
    pub attempt: u32,
    pub has_ended: bool,
    /// The stage that it is in.
    pub stage: Option<String>,
    pub stages: BTreeMap<String, StageTimes>,
    pub actions: BTreeMap<ActionName, Timestamp>,
    pub artifacts: BTreeMap<String, Artifact>,
}

#[derive(Clone, Copy)]
pub(super) struct StageTimes {
    pub started: Timestamp,
    pub retried: Option<Timestamp>,
}

impl Execution {
    /// One that begins with this event, if it does.
    pub(super) fn begin(definition: &Arc<Pipeline>, first: &Record) -> Option<Self> {
        let Event::RunStarted(started) = &first.event else {
            return None;
        };
        let inherited = started.inherited.as_ref();
        Some(Self {
            definition: Arc::clone(definition),
            pipeline: started.pipeline.clone(),
            started: first.time,
            trigger: started.trigger.clone(),
            attempt: 1,
            has_ended: false,
            stage: None,
            stages: BTreeMap::new(),
            actions: BTreeMap::new(),
            artifacts: inherited
                .map(|inherited| inherited.artifacts.clone())
                .unwrap_or_default(),
        })
    }

    /// What the event says that its own notices need.
    pub(super) fn remember(&mut self, record: &Record) {
        let now = record.time;
        match &record.event {
            Event::StageStarted { stage, .. } => {
                let retried = self.stages.get(stage).and_then(|times| times.retried);
                self.stages.insert(stage.clone(), StageTimes { started: now, retried });
                self.stage = Some(stage.clone());
            }
            Event::StageRetried { stage, by, .. } => {
                let started = self.stages.get(stage).map_or(now, |times| times.started);
                let retried = Some(now);
                self.stages.insert(stage.clone(), StageTimes { started, retried });
                self.stage = Some(stage.clone());
                self.attempt += u32::from(*by == By::Manual);
            }
            Event::ActionStarted { name, .. } => drop(self.actions.insert(name.clone(), now)),
            Event::ActionFinished { artifacts, .. } => self.artifacts.extend(artifacts.clone()),
            _ => {}
        }
    }

    /// What is over once the event has been told.
    pub(super) fn forget(&mut self, record: &Record) {
        match &record.event {
            Event::StageFinished { .. } => self.stage = None,
            Event::ActionFinished { name, .. } => drop(self.actions.remove(name)),
            Event::RunFinished { .. } => self.has_ended = true,
            Event::StageRetried { .. } => self.has_ended = false,
            _ => {}
        }
    }
}
