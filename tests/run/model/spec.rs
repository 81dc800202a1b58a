//! Random pipelines, for the model and for the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use pipe::ir::{self, ConditionResult, ExecutionMode, Node, Origin, RetryMode};
use pipe::run::engine::Definition;
use pipe::run::planned::{ActionPlan, Driver, How, Plan, Position, RuleRef};
use proptest::prelude::*;

use super::{ActionSpec, ConditionSpec, OnFailure, Spec, StageSpec};
use crate::support::runs::{ActionExt, action, commands, condition, pipeline, retry, rule, source, stage};

/// The key of the configuration that uses another action's output variable.
pub(crate) const USES: &str = "CustomData";
/// The output variable that all actions have.
pub(crate) const OUTPUT: &str = "V";

pub(crate) fn specs() -> impl Strategy<Value = Spec> {
    let mode = prop_oneof![
        3 => Just(ExecutionMode::Superseded),
        2 => Just(ExecutionMode::Queued),
        2 => Just(ExecutionMode::Parallel),
    ];
    (mode, prop::collection::vec(stage_spec(), 1..=4)).prop_map(|(mode, stages)| {
        let mut spec = Spec {
            digest: String::new(),
            mode,
            stages,
        };
        name_all(&mut spec);
        spec
    })
}

fn stage_spec() -> impl Strategy<Value = StageSpec> {
    let entry = prop_oneof![Just(ConditionResult::Fail), Just(ConditionResult::Skip)];
    let success = prop_oneof![Just(ConditionResult::Fail), Just(ConditionResult::Rollback)];
    let on_failure = prop_oneof![
        3 => Just(OnFailure::Nothing),
        1 => Just(OnFailure::Retry(RetryMode::FailedActions)),
        1 => Just(OnFailure::Retry(RetryMode::AllActions)),
        2 => Just(OnFailure::Rollback),
        2 => condition_spec(Just(ConditionResult::Rollback)).prop_map(OnFailure::Condition),
    ];
    let actions = prop_oneof![
        9 => prop::collection::vec(action_spec(), 1..=4),
        1 => prop::collection::vec(action_spec(), 6..=7),
    ];
    let before_entry = prop::option::weighted(0.25, condition_spec(entry));
    let on_success = prop::option::weighted(0.25, condition_spec(success));
    (actions, before_entry, on_success, on_failure).prop_map(|(actions, before_entry, on_success, on_failure)| {
        StageSpec {
            name: String::new(),
            actions,
            before_entry,
            on_success,
            on_failure,
        }
    })
}

fn action_spec() -> impl Strategy<Value = ActionSpec> {
    let timeout = prop::option::weighted(0.3, 1_u64..30);
    let uses = prop::option::weighted(
        0.2,
        (0..4_usize, 0..4_usize).prop_map(|(stage, action)| format!("{stage}.{action}")),
    );
    (1_u32..=3, prop::bool::weighted(0.25), timeout, uses).prop_map(|(order, is_approval, timeout_minutes, uses)| {
        ActionSpec {
            name: String::new(),
            order,
            is_approval,
            timeout_minutes: timeout_minutes.filter(|_| is_approval),
            uses,
        }
    })
}

fn condition_spec(result: impl Strategy<Value = ConditionResult>) -> impl Strategy<Value = ConditionSpec> {
    let rules = prop::collection::vec(prop::option::weighted(0.3, 1_u64..30), 1..=2);
    (result, rules).prop_map(|(result, rules)| ConditionSpec { result, rules })
}

/// Gives stages and actions their names, and lets actions use only what runs before them.
fn name_all(spec: &mut Spec) {
    let mut before: BTreeMap<String, String> = BTreeMap::new();
    for (index, stage) in spec.stages.iter_mut().enumerate() {
        stage.name = ["S", "A", "B", "C"][index].to_owned();
        let mut names = BTreeMap::new();
        for (number, action) in stage.actions.iter_mut().enumerate() {
            action.name = format!("{}{number}", ["s", "a", "b", "c"][index]);
            action.is_approval &= index > 0;
            action.timeout_minutes = action.timeout_minutes.filter(|_| action.is_approval);
            action.uses = action.uses.take().and_then(|used| before.get(&used).cloned());
            if !action.is_approval {
                names.insert(format!("{index}.{number}"), action.name.clone());
            }
        }
        before.extend(names);
    }
}

/// A pipeline with stages S, A, B … of the actions that are named: `b0`, `b1:2` in the second step, `b2?` an approval.
pub(crate) fn named(mode: ExecutionMode, stages: &[&str]) -> Spec {
    let action = |text: &str| {
        let (name, order) = text.split_once(':').unwrap_or((text, "1"));
        ActionSpec {
            name: name.trim_end_matches('?').to_owned(),
            order: order.parse().expect("a number"),
            is_approval: name.ends_with('?'),
            timeout_minutes: None,
            uses: None,
        }
    };
    let stage = |text: &&str| StageSpec {
        // As its actions are called.
        name: text[..1].to_uppercase(),
        actions: text.split(' ').map(action).collect(),
        before_entry: None,
        on_success: None,
        on_failure: OnFailure::Nothing,
    };
    Spec {
        digest: String::new(),
        mode,
        stages: stages.iter().map(stage).collect(),
    }
}

/// The same pipeline for the engine.
pub(crate) fn definition(spec: &Spec) -> Arc<Definition> {
    let mut out = pipeline(spec.stages.iter().map(stage_of).collect());
    out.execution_mode = Some(Node::new(spec.mode, Origin::default()));
    let mut plan = Plan::default();
    for (index, stage) in spec.stages.iter().enumerate() {
        plan.actions
            .push(stage.actions.iter().map(|action| plan_of(index, action)).collect());
        for position in [Position::BeforeEntry, Position::OnSuccess, Position::OnFailure] {
            let rules = stage.condition(position).map_or(0, |condition| condition.rules.len());
            for rule in 0..rules {
                let at = RuleRef {
                    stage: index,
                    position,
                    rule,
                };
                plan.rules.insert(at, Driver::Simulate);
            }
        }
    }
    Arc::new(Definition::new(Arc::new(out), Arc::new(plan), spec.digest.clone()).unwrap())
}

fn plan_of(stage: usize, action: &ActionSpec) -> ActionPlan {
    ActionPlan {
        how: How::CarriedOut,
        driver: match (stage, action.is_approval) {
            (_, true) => Driver::Approval,
            (0, false) => Driver::GitSource,
            _ => Driver::Shell,
        },
        settings: Default::default(),
        source: None,
        revisions: Vec::new(),
    }
}

fn stage_of(spec: &StageSpec) -> ir::Stage {
    let is_first = spec.name == "S";
    let actions = spec.actions.iter().map(|action| action_of(is_first, action)).collect();
    let mut out = stage(&spec.name, actions);
    let as_condition = |spec: &ConditionSpec| {
        let rules = spec.rules.iter().enumerate();
        let rules = rules.map(|(index, minutes)| {
            let mut rule = rule(&format!("r{index}"), "LambdaInvoke", &[]);
            rule.timeout_minutes = minutes.map(|minutes| Node::new(minutes, Origin::default()));
            rule
        });
        condition(spec.result, rules.collect())
    };
    out.before_entry = spec.before_entry.as_ref().map(as_condition);
    out.on_success = spec.on_success.as_ref().map(as_condition);
    out.on_failure = match &spec.on_failure {
        OnFailure::Nothing => None,
        OnFailure::Retry(mode) => Some(retry(*mode)),
        OnFailure::Rollback => Some(ir::FailureHandling {
            result: Some(Node::new(ConditionResult::Rollback, Origin::default())),
            retry_mode: None,
            ..retry(RetryMode::FailedActions)
        }),
        OnFailure::Condition(spec) => Some(ir::FailureHandling {
            result: None,
            retry_mode: None,
            condition: Some(as_condition(spec)),
            origin: Origin::default(),
        }),
    };
    out
}

fn action_of(is_first: bool, spec: &ActionSpec) -> ir::Action {
    let mut out = match (is_first, spec.is_approval) {
        (_, true) => action(&spec.name, "Approval/AWS/Manual/1"),
        (true, false) => source(&spec.name),
        (false, false) => commands(&spec.name, &["true"]),
    };
    if let Some(used) = &spec.uses {
        out = out.set(USES, &format!("#{{{used}.{OUTPUT}}}"));
    }
    out.timeout_minutes = spec
        .timeout_minutes
        .map(|minutes| Node::new(minutes, Origin::default()));
    out.step(spec.order)
}
