//! What is lost when the machine ends without warning: artifacts are not flushed to the disk, so the last ones may not be whole.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::engine::{Execution, Phase, Place};
use super::part::{place, stage_index};
use super::planned::ActionRef;
use super::refusal::{Refusal, RefusalKind};
use super::store::Store;
use super::units::short;
use crate::ir::{RetryMode, Stage};

/// The stages that are still to be carried out.
pub(super) struct Rest<'a> {
    execution: &'a Execution,
    stages: RangeInclusive<usize>,
    /// What has succeeded in the first of them and is not done again.
    done: BTreeSet<usize>,
    /// Whether an action of the first of them can be done again besides.
    can_repeat: bool,
}

impl<'a> Rest<'a> {
    /// Of an execution that goes on.
    pub(super) fn of(execution: &'a Execution) -> Self {
        let (first, can_repeat) = match &execution.place {
            Place::In(run) => {
                let goes_on = !run.failed && execution.ending.is_none();
                (run.index, goes_on && run.phase == Phase::Actions)
            }
            Place::Arriving(stage) | Place::Waiting(stage) => (*stage, false),
            Place::Leaving { .. } | Place::Done => (usize::MAX, false),
        };
        let done = execution.stages.get(first).map(|stage| stage.succeeded.clone());
        Self {
            execution,
            stages: first..=execution.last_stage,
            done: done.unwrap_or_default(),
            can_repeat,
        }
    }

    /// Of an execution a stage of which is tried again: all of it, or what has not succeeded.
    pub(super) fn retried(execution: &'a Execution, stage: usize, all: bool) -> Self {
        let done = execution.stages[stage].succeeded.clone();
        Self {
            execution,
            stages: stage..=execution.last_stage,
            done: if all { BTreeSet::new() } else { done },
            can_repeat: false,
        }
    }

    /// Of an execution that a stage is put back to.
    pub(super) fn rolled_back(execution: &'a Execution, stage: usize) -> Self {
        Self {
            execution,
            stages: stage..=stage,
            done: BTreeSet::new(),
            can_repeat: false,
        }
    }

    /// Whether something stands in the way of what is left. What has been done cannot, unless its stage may begin all over.
    pub(super) fn is_concerned(&self, refusal: &Refusal) -> bool {
        let pipeline = &self.execution.definition.pipeline;
        let Some(index) = refusal.stage().and_then(|stage| stage_index(pipeline, stage)) else {
            return true;
        };
        if index != *self.stages.start() {
            return self.stages.contains(&index);
        }
        let stage = &pipeline.stages[index];
        let is_done = |action: &usize| refusal.place.as_ref() == Some(&place(stage, &stage.actions[*action]));
        may_begin_again(stage) || !self.done.iter().any(is_done)
    }

    /// The actions that have to be done again, because what they made is needed and is not whole; or what is lost for good.
    pub(super) fn check(mut self, store: &Store) -> Result<Vec<ActionRef>, Vec<Refusal>> {
        let mut seen = BTreeSet::new();
        let mut again = Vec::new();
        let mut refusals = Vec::new();
        // What is done again needs something itself.
        loop {
            let needed: BTreeSet<&str> = self.needed().filter(|name| !seen.contains(name)).collect();
            let lost: Vec<&str> = needed
                .iter()
                .copied()
                .filter(|name| {
                    self.execution
                        .artifacts
                        .get(*name)
                        .is_some_and(|known| !store.is_whole(known))
                })
                .collect();
            seen.extend(needed);
            let found = again.len();
            for name in lost {
                match self.maker(name) {
                    Some(at) if self.can_repeat && self.done.remove(&at.action) => again.push(at),
                    maker => refusals.push(self.refusal(name, maker)),
                }
            }
            if again.len() == found {
                break;
            }
        }
        if refusals.is_empty() { Ok(again) } else { Err(refusals) }
    }

    /// The artifacts that what is to be done takes in.
    fn needed(&self) -> impl Iterator<Item = &'a str> {
        let stages = &self.execution.definition.pipeline.stages;
        let first = *self.stages.start();
        let left = stages
            .iter()
            .enumerate()
            .filter(|(index, _)| self.stages.contains(index));
        left.flat_map(move |(index, stage)| {
            let actions = stage.actions.iter().enumerate();
            let left = actions.filter(move |(action, _)| index != first || !self.done.contains(action));
            let of_actions = left.flat_map(|(_, action)| &action.inputs);
            of_actions.chain(rule_inputs(stage)).map(|input| input.value.as_str())
        })
    }

    /// The action of the first stage that is left which made an artifact.
    fn maker(&self, artifact: &str) -> Option<ActionRef> {
        let stage = *self.stages.start();
        let actions = &self.execution.definition.stage(stage).actions;
        let makes = |action: &crate::ir::Action| action.outputs.iter().any(|output| output.name.value == artifact);
        let action = actions.iter().position(makes)?;
        Some(ActionRef { stage, action })
    }

    fn refusal(&self, artifact: &str, maker: Option<ActionRef>) -> Refusal {
        let stage = self.execution.definition.stage(*self.stages.start());
        let id = short(&self.execution.id);
        Refusal {
            kind: RefusalKind::Impossible,
            place: maker.map(|at| place(stage, &stage.actions[at.action])),
            message: format!(
                "the artifact `{artifact}` did not survive the end of the machine, and what is left of run {id} needs it"
            ),
            help: Some(if maker.is_some() && !self.execution.is_live() {
                format!("`pipe retry {id} --all` makes it again")
            } else {
                format!("end this run with `pipe stop {id}`, and start a new one")
            }),
        }
    }
}

/// Whether a failure may lead to all actions of a stage being done again, those that have succeeded too.
fn may_begin_again(stage: &Stage) -> bool {
    let retries_all = stage.on_failure.as_ref().is_some_and(|handling| {
        let mode = handling.retry_mode.as_ref();
        mode.is_some_and(|mode| mode.value == RetryMode::AllActions)
    });
    retries_all || stage.can_roll_back()
}

fn rule_inputs(stage: &Stage) -> impl Iterator<Item = &crate::ir::Node<String>> {
    stage.rules().flat_map(|rule| &rule.inputs)
}
