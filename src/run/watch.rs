//! `pipe run --watch`: another execution for each change, in the same session.
//!
//! What becomes of executions that are in each other's way is for the engine to say, as in the service: in SUPERSEDED mode a newer
//! one takes the place of one that waits. A definition that was changed cancels the executions of the old one.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::drivers::pipeline::Neighbours;
use super::drivers::{file_source, git_source};
use super::engine::{Definition, Input, Start};
use super::event::{Trigger, TriggerType};
use super::eyes::{Change, Eyes, View};
use super::outlook::Outlook;
use super::planned::Driver;
use super::session::Session;
use super::setup::{Pinned, Setup};
use super::view::report::show_path;
use super::{Drivers, Run, RunOptions, refusal_words};
use crate::ir::Pipeline;

/// A definition as the compiler gives it.
pub struct Compiled {
    pub pipeline: Pipeline,
    pub drivers: Box<dyn Drivers>,
    pub neighbours: Neighbours,
    /// What it was made of; absolute.
    pub files: Vec<PathBuf>,
}

/// Compiles again; `Err`: what is wrong, as people should see it.
pub type Compile<'a> = Box<dyn FnMut() -> Result<Compiled, String> + 'a>;

/// What a run that watches needs besides what it starts with.
pub struct Changes<'a> {
    /// What the definition was made of; absolute.
    pub files: Vec<PathBuf>,
    pub compile: Compile<'a>,
}

/// Watches, for a session.
pub(super) struct Watch<'a> {
    compile: Compile<'a>,
    eyes: Eyes,
}

impl<'a> Watch<'a> {
    /// What happens from here on is noticed.
    pub(super) fn new(changes: Changes<'a>, template: &Run) -> io::Result<Self> {
        Ok(Self {
            eyes: Eyes::open(view(template, changes.files))?,
            compile: changes.compile,
        })
    }

    pub(super) async fn next(&mut self) -> io::Result<Change> {
        self.eyes.next().await
    }

    /// What follows from a change: inputs, or why there are none.
    pub(super) fn follow(&mut self, change: &Change, session: &mut Session) -> Result<Vec<Input>, String> {
        let mut inputs = Vec::new();
        match (self.compile)() {
            Ok(compiled) => {
                let files = compiled.files.clone();
                inputs.extend(session.define(compiled)?);
                let turned = self.eyes.turn_to(view(&session.template, files));
                turned.map_err(|error| format!("error: {error}\n"))?;
            }
            // Nothing else has changed, so there is nothing that could be run.
            Err(wrong) if change.sources.is_empty() => return Err(wrong),
            Err(wrong) => session
                .template
                .screen
                .say(&format!("{wrong}going on with the definition before that")),
        }
        inputs.push(Input::Start(Box::new(Start {
            execution: uuid::Uuid::new_v4().to_string(),
            trigger: Trigger {
                kind: TriggerType::CloudWatchEvent,
                detail: change.words(show_path),
            },
            variables: session.template.plan.variables.clone(),
            ..Start::default()
        })));
        Ok(inputs)
    }
}

/// What the sources of a definition take, as far as it can be looked at.
fn view(template: &Run, definition: Vec<PathBuf>) -> View {
    let plans = template.plan.actions.iter().flatten();
    let sources = plans.filter_map(|plan| match plan.driver {
        Driver::GitSource => git_source::folder(plan, &template.options),
        Driver::FileSource => file_source::path(plan, &template.options),
        _ => None,
    });
    View {
        sources: sources.collect(),
        definition,
        // By the name that a walk finds it under.
        state_dir: std::fs::canonicalize(&template.state_dir).unwrap_or_else(|_| template.state_dir.clone()),
    }
}

impl Session {
    /// Takes another definition for all executions from here on; gives what the engine has to know, if it is really another one.
    fn define(&mut self, compiled: Compiled) -> Result<Option<Input>, String> {
        let options = RunOptions {
            neighbours: compiled.neighbours,
            ..(*self.template.options).clone()
        };
        let outlook = Outlook::new(&compiled.pipeline, &*compiled.drivers, &options);
        if !outlook.refusals.is_empty() {
            return Err(refusal_words(&outlook.refusals));
        }
        let Outlook { pipeline, plan, .. } = outlook;
        let mode = |pipeline: &Pipeline| {
            pipeline
                .execution_mode
                .as_ref()
                .map(|mode| mode.value)
                .unwrap_or_default()
        };
        let old = &self.template.pipeline;
        if old.name != pipeline.name || mode(old) != mode(&pipeline) {
            return Err(
                "error: the pipeline's name or execution mode has changed\n  help: end this run, and start it again\n"
                    .to_owned(),
            );
        }
        let pinned = Pinned::new(&pipeline).map_err(|error| format!("error: {error}\n"))?;
        self.template.secrets.add_all(plan.secrets.values().map(String::as_str));
        self.setup = Setup::new(&pipeline, &*compiled.drivers, &options);
        self.template.plan = Arc::new(plan);
        self.template.options = Arc::new(options);
        let is_same = pinned.digest == self.pinned.digest;
        self.template.pipeline = Arc::new(pipeline.into_owned());
        self.pinned = pinned;
        let template = &self.template;
        Ok((!is_same).then(|| {
            let (pipeline, plan) = (Arc::clone(&template.pipeline), Arc::clone(&template.plan));
            Input::Define(Arc::new(Definition::new(pipeline, plan, self.pinned.digest.clone())))
        }))
    }

    /// Lets go of runs that have ended: they are in the journal.
    pub(super) fn retire(&mut self) -> Result<(), super::journal::JournalError> {
        let live: Vec<_> = self.engine.state().live.values().cloned().collect();
        for (id, hosted) in &mut self.runs {
            if !live.contains(id) {
                hosted.journal.sync()?;
            }
        }
        self.runs.retain(|id, _| live.contains(id));
        Ok(())
    }
}
