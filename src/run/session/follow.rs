//! What a session does about changes of what it watches: another execution for each change, in the same session.
//!
//! What becomes of executions that are in each other's way is for the engine to say, as in the service: in SUPERSEDED mode a newer
//! one takes the place of one that waits. A definition that was changed cancels the executions of the old one.

use std::borrow::Cow;
use std::sync::Arc;

use super::Session;
use crate::ir::Pipeline;
use crate::run::engine::{Definition, Input, Start};
use crate::run::event::{Trigger, TriggerType};
use crate::run::eyes::Change;
use crate::run::journal::JournalError;
use crate::run::outlook::Outlook;
use crate::run::setup::{Pinned, Setup};
use crate::run::units::show_path;
use crate::run::watch::{Compiled, Watch};
use crate::run::{RunOptions, refusal_words};

impl Session {
    /// What follows from a change: inputs, or why there are none.
    pub(super) fn follow(&mut self, change: &Change, watch: &mut Watch<'_>) -> Result<Vec<Input>, String> {
        let mut inputs = Vec::new();
        match watch.compile() {
            Ok(compiled) => {
                let files = compiled.files.clone();
                inputs.extend(self.define(compiled)?);
                let turned = watch.turn_to(&self.template, files);
                turned.map_err(|error| format!("error: {error}\n"))?;
            }
            // Nothing else has changed, so there is nothing that could be run.
            Err(wrong) if change.sources.is_empty() => return Err(wrong),
            Err(wrong) => self
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
            variables: self.template.plan.variables.clone(),
            ..Start::default()
        })));
        Ok(inputs)
    }

    /// Takes another definition for all executions from here on; gives what the engine has to know, if it is really another one.
    fn define(&mut self, compiled: Compiled) -> Result<Option<Input>, String> {
        let options = RunOptions {
            neighbours: compiled.neighbours,
            ..(*self.template.options).clone()
        };
        let outlook = Outlook::new(Cow::Owned(compiled.pipeline), &*compiled.drivers, &options);
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
        if pinned.digest == self.pinned.digest {
            return Ok(None);
        }
        self.template.pipeline = Arc::new(pipeline.into_owned());
        self.template.screen.define(&self.template.pipeline);
        self.pinned = pinned;
        let template = &self.template;
        let (pipeline, plan) = (Arc::clone(&template.pipeline), Arc::clone(&template.plan));
        let definition = Definition::new(pipeline, plan, self.pinned.digest.clone());
        let definition = definition.map_err(|error| format!("error: {error}\n"))?;
        Ok(Some(Input::Define(Arc::new(definition))))
    }

    /// Lets go of runs that have ended: they are in the journal.
    pub(super) fn retire(&mut self) -> Result<(), JournalError> {
        let live: Vec<_> = self.engine.state().live.values().cloned().collect();
        for (id, hosted) in &mut self.runs {
            if !live.contains(id) {
                hosted.journal.sync()?;
            }
        }
        for id in self.runs.keys().filter(|id| !live.contains(id)) {
            self.template.screen.forget(id);
        }
        self.runs.retain(|id, _| live.contains(id));
        Ok(())
    }
}
