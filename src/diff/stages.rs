//! Stages, their actions, and their conditions.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, Position, Subject};
use super::declarations::ADDED;
use super::order::{approvals, place, wants_guard};
use super::pairs::{Pairs, in_both};
use super::wiring::{Wiring, output_label};
use super::{Found, order, shown_name};
use crate::ir::{
    Action, Condition, DeployCondition, EnvironmentKind, EnvironmentVariable, FailureHandling, Node, Rule, Stage, Text,
};

pub(super) fn stages(old: &Wiring<'_>, new: &Wiring<'_>, found: &mut Found) {
    let Pairs { both, removed, added } = in_both(&old.pipeline.stages, &new.pipeline.stages);
    let moved = Moved::between(&both, &removed, &added);
    for stage in &added {
        let names: Vec<String> = new.pipeline.stages.iter().map(|it| shown_name(&it.name)).collect();
        let at = new.pipeline.stages.iter().position(|it| std::ptr::eq(it, *stage));
        let change = Change::Added {
            place: at.map(|at| place(&names, at)),
            actions: moved.others(&stage.actions),
        };
        found.add(on_stage(stage), change);
        for action in &stage.actions {
            if let Some((from, was)) = moved.origin(action) {
                moved_action((old, from, was), (new, stage, action), found);
            }
        }
    }
    order::stages(old.pipeline, new.pipeline, found);
    for (was, is) in both {
        stage((old, was), (new, is), &moved, found);
    }
    for stage in removed {
        let actions = moved.others(&stage.actions);
        found.add(on_stage(stage), Change::Removed { actions });
    }
}

/// Actions that one stage has lost and another gained.
#[derive(Default)]
struct Moved<'a>(Vec<Move<'a>>);

struct Move<'a> {
    from: &'a Stage,
    was: &'a Action,
    is: &'a Action,
}

impl<'a> Moved<'a> {
    fn between(both: &[(&'a Stage, &'a Stage)], removed: &[&'a Stage], added: &[&'a Stage]) -> Self {
        let of = |stage: &'a Stage| stage.actions.iter().map(move |action| (stage, action));
        let mut gone: Vec<(&Stage, &Action)> = removed.iter().flat_map(|stage| of(stage)).collect();
        let mut come: Vec<&Action> = added.iter().flat_map(|stage| &stage.actions).collect();
        for (was, is) in both {
            let actions = in_both(&was.actions, &is.actions);
            gone.extend(actions.removed.into_iter().map(|action| (*was, action)));
            come.extend(actions.added);
        }
        let mut moves = Vec::new();
        for is in come {
            let is_it = |(_, was): &(&Stage, &Action)| was.name == is.name && was.type_id == is.type_id;
            if let Some(at) = gone.iter().position(is_it) {
                let (from, was) = gone.remove(at);
                moves.push(Move { from, was, is });
            }
        }
        Self(moves)
    }

    /// Where an action of the second pipeline was in the first.
    fn origin(&self, action: &Action) -> Option<(&'a Stage, &'a Action)> {
        let found = self.0.iter().find(|it| std::ptr::eq(it.is, action))?;
        Some((found.from, found.was))
    }

    fn has(&self, action: &Action) -> bool {
        self.0
            .iter()
            .any(|it| std::ptr::eq(it.is, action) || std::ptr::eq(it.was, action))
    }

    /// The names of the actions that are not among them.
    fn others(&self, actions: &[Action]) -> Vec<String> {
        let others = actions.iter().filter(|action| !self.has(action));
        others.map(|action| shown_name(&action.name)).collect()
    }
}

fn on_stage(stage: &Stage) -> Subject {
    Subject::Stage {
        stage: shown_name(&stage.name),
    }
}

fn on_action(stage: &Stage, action: &Action) -> Subject {
    Subject::Action {
        stage: shown_name(&stage.name),
        action: shown_name(&action.name),
    }
}

fn moved_action(
    (old, from, was): (&Wiring<'_>, &Stage, &Action),
    (new, to, is): (&Wiring<'_>, &Stage, &Action),
    found: &mut Found,
) {
    let place = |stage: &Stage| format!("in stage {}", shown_name(&stage.name));
    let change = Change::Moved {
        old: place(from),
        new: place(to),
    };
    found.add(on_action(to, is), change);
    guard((old, was), (new, is), &on_action(to, is), found);
    action((old, was), (new, is), &on_action(to, is), found);
}

fn stage((old, was): (&Wiring<'_>, &Stage), (new, is): (&Wiring<'_>, &Stage), moved: &Moved<'_>, found: &mut Found) {
    when(&on_stage(is), &was.when, &is.when, found);
    conditions((old, was), (new, is), found);
    let Pairs { both, removed, added } = in_both(&was.actions, &is.actions);
    for action in added {
        match moved.origin(action) {
            Some((from, was)) => moved_action((old, from, was), (new, is, action), found),
            None => found.add(on_action(is, action), ADDED),
        }
    }
    let mut guarded: BTreeSet<*const Action> = BTreeSet::new();
    for (was, action) in &both {
        if guard((old, was), (new, action), &on_action(is, action), found) {
            guarded.insert(std::ptr::from_ref(*action));
        }
    }
    order::actions(was, is, &guarded, found);
    for (before, after) in both {
        action((old, before), (new, after), &on_action(is, after), found);
    }
    for action in removed.into_iter().filter(|action| !moved.has(action)) {
        found.add(on_action(was, action), Change::Removed { actions: Vec::new() });
    }
}

/// Tells whether an action has lost its last approval, or got a first; true if it did.
fn guard(
    (old, was): (&Wiring<'_>, &Action),
    (new, is): (&Wiring<'_>, &Action),
    subject: &Subject,
    found: &mut Found,
) -> bool {
    let (before, after) = (approvals(old, was), approvals(new, is));
    match (before.is_empty(), after.is_empty()) {
        _ if !wants_guard(is) => false,
        (false, true) => {
            found.add(subject.clone(), Change::Unguarded);
            true
        }
        (true, false) => {
            found.add(subject.clone(), Change::Guarded { approvals: after });
            true
        }
        (true, true) | (false, false) => false,
    }
}

fn when(subject: &Subject, old: &[DeployCondition], new: &[DeployCondition], found: &mut Found) {
    let shown = |when: &[DeployCondition]| {
        let names: Vec<String> = when.iter().map(ToString::to_string).collect();
        Some(names.join(" and ")).filter(|text| !text.is_empty())
    };
    found.value(subject, "condition of the template", shown(old), shown(new));
}

fn action((old, was): (&Wiring<'_>, &Action), (new, is): (&Wiring<'_>, &Action), on: &Subject, found: &mut Found) {
    let provider = |action: &Action| Some(action.type_id.to_string());
    found.value(on, "type", provider(was), provider(is));
    when(on, &was.when, &is.when, found);
    let inputs = |wiring: &Wiring<'_>, action: &Action| wiring.inputs(&action.type_id.provider, &action.inputs);
    found.entries(on, "input", &inputs(old, was), &inputs(new, is));
    found.values(on, &outputs(was), &outputs(is));
    let configuration =
        |wiring: &Wiring<'_>, action: &Action| wiring.configuration(&action.configuration, &action.inputs);
    found.values(on, &configuration(old, was), &configuration(new, is));
    found.lines(on, "command", &texts(old, &was.commands), &texts(new, &is.commands));
    found.values(on, &environment(old, was), &environment(new, is));
    found.entries(
        on,
        "output variable",
        &names(&was.output_variables),
        &names(&is.output_variables),
    );
    let role = |wiring: &Wiring<'_>, action: &Action| action.role_arn.as_ref().map(|role| wiring.text(&role.value));
    found.value(on, "role_arn", role(old, was), role(new, is));
    let region = |action: &Action| action.region.as_ref().map(shown_name);
    found.value(on, "region", region(was), region(is));
    let timeout = |action: &Action| minutes(action.timeout_minutes.as_ref());
    found.value(on, "timeout", timeout(was), timeout(is));
}

fn minutes(timeout: Option<&Node<u64>>) -> Option<String> {
    timeout.map(|timeout| format!("{}m", timeout.value))
}

/// Sorted.
fn names(nodes: &[Node<String>]) -> Vec<String> {
    let mut names: Vec<String> = nodes.iter().map(shown_name).collect();
    names.sort();
    names
}

fn texts(wiring: &Wiring<'_>, texts: &[Node<Text>]) -> Vec<String> {
    texts.iter().map(|text| wiring.text(&text.value)).collect()
}

/// What an action gives, and which files go into it.
fn outputs(action: &Action) -> BTreeMap<String, String> {
    let labelled = action.outputs.iter().enumerate().map(|(at, output)| {
        let files = match names(&output.files) {
            files if files.is_empty() => "all files".to_owned(),
            files => files.join(", "),
        };
        (format!("output {}", output_label(action, at, output)), files)
    });
    labelled.collect()
}

fn environment(wiring: &Wiring<'_>, action: &Action) -> BTreeMap<String, String> {
    let value = |variable: &EnvironmentVariable| {
        let text = wiring.text(&variable.value.value);
        match variable.kind {
            EnvironmentKind::Plaintext => text,
            kind => format!("{} {text}", kind.word()),
        }
    };
    let entries = action.environment.iter();
    entries
        .map(|variable| (format!("environment variable {}", variable.name), value(variable)))
        .collect()
}

fn conditions((old, was): (&Wiring<'_>, &Stage), (new, is): (&Wiring<'_>, &Stage), found: &mut Found) {
    let of_failure = |stage: &Stage| stage.on_failure.as_ref().and_then(|it| it.condition.clone());
    let positions = [
        (Position::BeforeEntry, was.before_entry.clone(), is.before_entry.clone()),
        (Position::OnSuccess, was.on_success.clone(), is.on_success.clone()),
        (Position::OnFailure, of_failure(was), of_failure(is)),
    ];
    for (position, before, after) in positions {
        let subject = Subject::Condition {
            stage: shown_name(&is.name),
            position,
        };
        match (&before, &after) {
            (None, None) => {}
            (Some(_), None) => found.add(subject, Change::Removed { actions: Vec::new() }),
            (None, Some(_)) => found.add(subject, ADDED),
            (Some(before), Some(after)) => condition((old, before), (new, after), &subject, found),
        }
    }
    let at_once = |stage: &Stage| stage.on_failure.as_ref().and_then(result_at_once);
    found.value(&on_stage(is), "on failure", at_once(was), at_once(is));
}

/// `RETRY of FAILED_ACTIONS`
fn result_at_once(handling: &FailureHandling) -> Option<String> {
    let result = handling.result.as_ref()?.value.word();
    Some(match &handling.retry_mode {
        Some(mode) => format!("{result} of {}", mode.value.word()),
        None => result.to_owned(),
    })
}

fn condition(
    (old, was): (&Wiring<'_>, &Condition),
    (new, is): (&Wiring<'_>, &Condition),
    on: &Subject,
    found: &mut Found,
) {
    let result = |condition: &Condition| condition.result.as_ref().map(|result| result.value.word().to_owned());
    found.value(on, "result", result(was), result(is));
    let Subject::Condition { stage, position } = on else {
        return;
    };
    let of = |rule: &Rule| Subject::Rule {
        stage: stage.clone(),
        position: *position,
        rule: shown_name(&rule.name),
    };
    let Pairs { both, removed, added } = in_both(&was.rules, &is.rules);
    added.into_iter().for_each(|it| found.add(of(it), ADDED));
    both.into_iter()
        .for_each(|(before, after)| rule((old, before), (new, after), &of(after), found));
    for rule in removed {
        found.add(of(rule), Change::Removed { actions: Vec::new() });
    }
}

fn rule((old, was): (&Wiring<'_>, &Rule), (new, is): (&Wiring<'_>, &Rule), on: &Subject, found: &mut Found) {
    found.value(on, "type", Some(was.type_id.to_string()), Some(is.type_id.to_string()));
    let inputs = |wiring: &Wiring<'_>, rule: &Rule| wiring.inputs(&rule.type_id.provider, &rule.inputs);
    found.entries(on, "input", &inputs(old, was), &inputs(new, is));
    let configuration = |wiring: &Wiring<'_>, rule: &Rule| wiring.configuration(&rule.configuration, &rule.inputs);
    found.values(on, &configuration(old, was), &configuration(new, is));
    found.lines(on, "command", &texts(old, &was.commands), &texts(new, &is.commands));
    let role = |wiring: &Wiring<'_>, rule: &Rule| rule.role_arn.as_ref().map(|role| wiring.text(&role.value));
    found.value(on, "role_arn", role(old, was), role(new, is));
    let region = |rule: &Rule| rule.region.as_ref().map(shown_name);
    found.value(on, "region", region(was), region(is));
    let timeout = |rule: &Rule| minutes(rule.timeout_minutes.as_ref());
    found.value(on, "timeout", timeout(was), timeout(is));
}
