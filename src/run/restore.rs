//! Takes up a run that its folder holds: what it was started with, what its journal says, and an engine that stands where the
//! journal ends.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::RunOptions;
use super::engine::{Ambiguous, Definition, Engine, Id};
use super::event::{Record, Started};
use super::journal::{self, Journal, JournalError};
use super::planned::{ActionPlan, Driver, How, Plan, PlannedAction};
use super::settings::Settings;
use super::setup::{self, Setup};
use crate::ir::{Action, Pipeline};

/// A run of an earlier process, with the right to write its journal: nobody else carries it out while this lives.
#[derive(Debug)]
pub struct Stored {
    pub id: Id,
    pub journal: Journal,
    pub records: Vec<Record>,
    pub started: Started,
    pub pipeline: Arc<Pipeline>,
    pub setup: Setup,
}

/// Why a run cannot be taken up.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{}: nothing is recorded of it: it ended before it began", .run_dir.display())]
    Empty { run_dir: PathBuf },
    #[error("{}: {source}", .run_dir.display())]
    Ambiguous { run_dir: PathBuf, source: Ambiguous },
}

/// Opens a stored run.
pub fn open(run_dir: &Path) -> Result<Stored, RestoreError> {
    let (journal, records) = Journal::open(run_dir)?;
    let started = begun(run_dir, &records)?;
    Ok(Stored {
        id: started.execution_id.as_str().into(),
        started: started.clone(),
        pipeline: Arc::new(setup::read_pipeline(run_dir)?),
        setup: Setup::read(run_dir)?,
        journal,
        records,
    })
}

/// What a stored run has come to, by an engine that knows it alone. Only looks: whoever carries the run out goes on meanwhile.
pub fn look(run_dir: &Path) -> Result<(Id, Engine), RestoreError> {
    look_at(run_dir, &journal::read(run_dir)?)
}

/// As [`look`], with what the run's journal says.
pub fn look_at(run_dir: &Path, records: &[Record]) -> Result<(Id, Engine), RestoreError> {
    let started = begun(run_dir, records)?;
    let pipeline = Arc::new(setup::read_pipeline(run_dir)?);
    let plan = recorded_plan(&pipeline, started);
    let id: Id = started.execution_id.as_str().into();
    let engine = engine(&id, pipeline, plan, started, records).map_err(|source| RestoreError::Ambiguous {
        run_dir: run_dir.to_owned(),
        source,
    })?;
    Ok((id, engine))
}

fn begun<'a>(run_dir: &Path, records: &'a [Record]) -> Result<&'a Started, RestoreError> {
    Started::of(records).ok_or_else(|| RestoreError::Empty {
        run_dir: run_dir.to_owned(),
    })
}

fn engine(
    id: &Id,
    pipeline: Arc<Pipeline>,
    plan: Plan,
    started: &Started,
    records: &[Record],
) -> Result<Engine, Ambiguous> {
    let definition = Definition::new(pipeline, Arc::new(plan), started.definition.clone())?;
    let mut engine = Engine::new(Arc::new(definition), started.jobs);
    engine.restore(id, records);
    Ok(engine)
}

fn recorded_plan(pipeline: &Pipeline, started: &Started) -> Plan {
    let mut planned = started.actions.iter();
    let stages = pipeline.stages.iter();
    let actions = stages.map(|stage| {
        let actions = stage.actions.iter();
        actions.map(|action| recorded(action, planned.next())).collect()
    });
    Plan {
        actions: actions.collect(),
        variables: started.variables.clone(),
        ..Plan::default()
    }
}

impl Stored {
    /// What the run was started with, for planning what is left of it.
    pub fn options(&self) -> RunOptions {
        RunOptions {
            file: self.setup.file.clone(),
            project_dir: self.setup.project_dir.clone(),
            sources: self.setup.sources.clone(),
            revisions: self.setup.revisions.clone(),
            neighbours: self.setup.neighbours.clone(),
            variables: self.started.variables.clone().into_iter().collect(),
            first_stage: self.started.first_stage.clone(),
            last_stage: self.started.last_stage.clone(),
            ..RunOptions::default()
        }
    }

    /// The plan that the run began with. Nothing is looked up again, so it is no plan to start anything by: it has no secrets.
    pub fn recorded_plan(&self) -> Plan {
        recorded_plan(&self.pipeline, &self.started)
    }

    /// An engine that knows of this run what its journal says.
    pub fn engine(&self, plan: Plan) -> Result<Engine, RestoreError> {
        let pipeline = Arc::clone(&self.pipeline);
        let engine = engine(&self.id, pipeline, plan, &self.started, &self.records);
        engine.map_err(|source| RestoreError::Ambiguous {
            run_dir: self.journal.path().parent().unwrap_or(self.journal.path()).to_owned(),
            source,
        })
    }
}

/// How an action was to be done; the plan's lines are in the order of the definition's actions.
fn recorded(action: &Action, planned: Option<&PlannedAction>) -> ActionPlan {
    ActionPlan {
        how: planned.map_or(How::Simulated, |planned| planned.how),
        driver: planned.map_or(Driver::Simulate, |planned| match planned.how {
            How::StoodIn => Driver::StandIn,
            How::CarriedOut | How::Simulated => Driver::from_name(&planned.driver).unwrap_or(Driver::Simulate),
        }),
        settings: Settings::read(&action.local).unwrap_or_default(),
        source: None,
        revisions: Vec::new(),
    }
}
