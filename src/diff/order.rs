//! What runs before what: stages in a row, steps within them, and approvals ahead of all that follows.

use std::collections::{BTreeSet, HashMap};

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::Found;
use super::change::{Change, Subject};
use super::pairs::{Pairs, in_both};
use super::wiring::{Wiring, steps};
use crate::ir::{Action, Pipeline, Stage};

/// Stages that both have, in another order: as few as explain it.
pub(super) fn stages(old: &Pipeline, new: &Pipeline, found: &mut Found) {
    let names = |pipeline: &Pipeline, other: &Pipeline| -> Vec<String> {
        let stages = pipeline.stages.iter().map(|stage| &stage.name.value);
        let in_other = |name: &&String| other.stages.iter().any(|stage| stage.name.value == **name);
        stages.filter(in_other).cloned().collect()
    };
    let (before, after) = (names(old, new), names(new, old));
    let kept: BTreeSet<usize> = capture_diff_slices(Algorithm::Myers, &before, &after)
        .into_iter()
        .filter_map(|op| match op {
            DiffOp::Equal { new_index, len, .. } => Some(new_index..new_index + len),
            DiffOp::Delete { .. } | DiffOp::Insert { .. } | DiffOp::Replace { .. } => None,
        })
        .flatten()
        .collect();
    for (at, stage) in after.iter().enumerate().filter(|(at, _)| !kept.contains(at)) {
        let Some(was) = before.iter().position(|name| name == stage) else {
            continue;
        };
        let change = Change::Moved {
            old: place(&before, was),
            new: place(&after, at),
        };
        found.add(Subject::Stage { stage: stage.clone() }, change);
    }
}

/// `after stage Build`
pub(super) fn place(stages: &[String], at: usize) -> String {
    match at.checked_sub(1).and_then(|before| stages.get(before)) {
        Some(before) => format!("after stage {before}"),
        None => "at the start".to_owned(),
    }
}

/// What actions of a stage wait for, among those that both pipelines have there. Of approvals it is not told for actions of
/// which it was said whether they have one.
pub(super) fn actions(old: &Stage, new: &Stage, guarded: &BTreeSet<*const Action>, found: &mut Found) {
    let Pairs { both, .. } = in_both(&old.actions, &new.actions);
    let (old_steps, new_steps) = (step_of(old), step_of(new));
    let waits = |steps: &HashMap<*const Action, usize>, one: &Action, other: &Action| {
        steps[&std::ptr::from_ref(other)] < steps[&std::ptr::from_ref(one)]
    };
    for (was, is) in &both {
        let (mut now, mut no_longer) = (Vec::new(), Vec::new());
        for (other_was, other_is) in &both {
            match (waits(&old_steps, was, other_was), waits(&new_steps, is, other_is)) {
                (false, true) if is_approval(other_is) && guarded.contains(&std::ptr::from_ref(*is)) => {}
                (false, true) => now.push(other_is.name.value.clone()),
                (true, false) if is_approval(other_is) && guarded.contains(&std::ptr::from_ref(*is)) => {}
                (true, false) => no_longer.push(other_is.name.value.clone()),
                (true, true) | (false, false) => {}
            }
        }
        let subject = Subject::Action {
            stage: new.name.value.clone(),
            action: is.name.value.clone(),
        };
        if !no_longer.is_empty() {
            found.add(subject.clone(), Change::NoLongerWaits { actions: no_longer });
        }
        if !now.is_empty() {
            found.add(subject, Change::Waits { actions: now });
        }
    }
}

fn step_of(stage: &Stage) -> HashMap<*const Action, usize> {
    let actions = stage.actions.iter().map(std::ptr::from_ref);
    actions.zip(steps(stage)).collect()
}

fn is_approval(action: &Action) -> bool {
    action.type_id.category == "Approval"
}

/// The approvals that an action has before it: of stages before its own, and of steps before its own.
pub(super) fn approvals(wiring: &Wiring<'_>, of: &Action) -> Vec<String> {
    let mut out = Vec::new();
    for stage in &wiring.pipeline.stages {
        let own = stage.actions.iter().position(|action| std::ptr::eq(action, of));
        let steps = steps(stage);
        for (action, step) in stage.actions.iter().zip(&steps) {
            if is_approval(action) && own.is_none_or(|own| *step < steps[own]) {
                out.push(format!("{}/{}", stage.name, action.name));
            }
        }
        if own.is_some() {
            break;
        }
    }
    out
}

/// Whether an approval before an action says something: not before sources, and not before other approvals.
pub(super) fn wants_guard(action: &Action) -> bool {
    !is_approval(action) && !action.type_id.is_source()
}
