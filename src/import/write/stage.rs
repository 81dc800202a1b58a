//! Stages: conditions, steps, and what is there only under a condition of the template.

use std::collections::HashSet;

use crate::ir::{Condition, ConditionResult, DeployCondition, RetryMode, Stage};

use super::action::Ctx;
use super::family::{self, Families, Refused};
use super::merge;
use super::names;
use super::tree::{Expr, Name, Stmt};

/// The stages of a pipeline; families that turned out to be none are added to `refused`.
pub(super) fn stages(ctx: &Ctx<'_, '_>, families: &Families, refused: &mut Refused) -> Vec<Stmt> {
    let mut first = 0;
    let mut items = Vec::new();
    let mut family: Vec<Stmt> = Vec::new();
    for (index, stage) in ctx.index.pipeline.stages.iter().enumerate() {
        let mut body = conditions(ctx, stage);
        let steps = steps(ctx, stage, first, families, refused);
        first += stage.actions.len();
        if !body.is_empty() && !steps.is_empty() {
            body.push(Stmt::Blank);
        }
        body.extend(steps);
        let head = names::head(&ctx.names.stages[index], &stage.name.value, '-');
        let stmt = Stmt::Stage(head, body);
        let number = families.stages.iter().position(|family| family.stages.contains(&index));
        let Some(number) = number else {
            items.push((stage.when.as_slice(), stmt));
            continue;
        };
        family.push(stmt);
        if index + 1 == families.stages[number].stages.end {
            match as_loop(ctx, &families.stages[number].keys, &std::mem::take(&mut family)) {
                Some(stmt) => items.push((stage.when.as_slice(), stmt)),
                None => {
                    refused.stages.insert(families.stages[number].stages.start);
                }
            }
        }
    }
    let grouped = group(items);
    let mut body = Vec::with_capacity(2 * grouped.len());
    for stage in grouped {
        body.push(Stmt::Blank);
        body.push(stage);
    }
    body
}

/// The loop for a family's statements, if they are one and worth it.
fn as_loop(ctx: &Ctx<'_, '_>, keys: &[String], stmts: &[Stmt]) -> Option<Stmt> {
    if !family::is_worth_it(stmts) {
        return None;
    }
    let is_free = |name: &str| ctx.names.is_free(name);
    let wish = family::variable(keys);
    let var = [wish, merge::ANY, "each", "member"]
        .into_iter()
        .find(|&var| is_free(var))?;
    merge::as_loop(keys, var, stmts, &is_free)
}

fn steps(ctx: &Ctx<'_, '_>, stage: &Stage, first: usize, families: &Families, refused: &mut Refused) -> Vec<Stmt> {
    let mut steps: Vec<Stmt> = Vec::new();
    let mut at = 0;
    while at < stage.actions.len() {
        let order = stage.actions[at].run_order;
        let count = stage.actions[at..]
            .iter()
            .take_while(|action| action.run_order == order)
            .count();
        let mut members = Vec::with_capacity(count);
        for offset in at..at + count {
            let id = first + offset;
            let when = stage.actions[offset].when.as_slice();
            let Some(family) = families.of_action(id).filter(|family| family.of_stages.is_none()) else {
                members.push((when, ctx.action(id)));
                continue;
            };
            if family.members[0] != id {
                continue;
            }
            let actions: Vec<Stmt> = family.members.iter().map(|&member| ctx.action(member)).collect();
            match as_loop(ctx, &family.keys, &actions) {
                Some(stmt) => members.push((when, stmt)),
                None => {
                    refused.actions.insert(id);
                }
            }
        }
        steps.extend(step(group(members)));
        at += count;
    }
    join(steps)
}

/// One step: an action by itself, or a `parallel` block, also under a condition.
fn step(mut members: Vec<Stmt>) -> Option<Stmt> {
    match members.as_slice() {
        [] => None,
        [Stmt::If { .. }] => {
            let Some(Stmt::If {
                condition,
                then,
                otherwise,
            }) = members.pop()
            else {
                return None;
            };
            Some(Stmt::If {
                condition,
                then: step(then).into_iter().collect(),
                otherwise: step(otherwise).into_iter().collect(),
            })
        }
        [Stmt::Action(..)] => members.pop(),
        _ => Some(Stmt::Block("parallel".to_owned(), members)),
    }
}

/// Puts what stands under a condition into `if` statements: neighbours under one condition into one, and those under the
/// opposite behind `else`.
fn group(items: Vec<(&[DeployCondition], Stmt)>) -> Vec<Stmt> {
    let mut out = Vec::with_capacity(items.len());
    let mut items = items.into_iter().peekable();
    while let Some((when, stmt)) = items.next() {
        let Some((condition, inner)) = when.split_first() else {
            out.push(stmt);
            continue;
        };
        let mut branch = |wanted: &DeployCondition, mut found: Vec<_>| {
            while let Some((when, stmt)) = items.next_if(|(when, _)| when.first() == Some(wanted)) {
                found.push((&when[1..], stmt));
            }
            group(found)
        };
        let then = branch(condition, vec![(inner, stmt)]);
        let otherwise = branch(&condition.negated(), Vec::new());
        out.push(Stmt::If {
            condition: condition.clone(),
            then,
            otherwise,
        });
    }
    out
}

/// Joins neighbouring steps under one condition where the branches still begin at the same step.
fn join(steps: Vec<Stmt>) -> Vec<Stmt> {
    let mut out: Vec<Stmt> = Vec::with_capacity(steps.len());
    for stmt in steps {
        if let (
            Some(Stmt::If {
                condition: last,
                then: last_then,
                otherwise: last_otherwise,
            }),
            Stmt::If {
                condition,
                then,
                otherwise,
            },
        ) = (out.last_mut(), &stmt)
        {
            let (yes, no) = (length(last_then), length(last_otherwise));
            let fits = yes == no || (yes > no && otherwise.is_empty());
            if last == condition && fits {
                last_then.extend(then.iter().cloned());
                last_otherwise.extend(otherwise.iter().cloned());
                continue;
            }
        }
        out.push(stmt);
    }
    for stmt in &mut out {
        if let Stmt::If { then, otherwise, .. } = stmt {
            *then = join(std::mem::take(then));
            *otherwise = join(std::mem::take(otherwise));
        }
    }
    out
}

/// How many steps some statements of a stage take.
fn length(stmts: &[Stmt]) -> usize {
    let steps = |stmt: &Stmt| match stmt {
        Stmt::If { then, otherwise, .. } => length(then).max(length(otherwise)),
        _ => 1,
    };
    stmts.iter().map(steps).sum()
}

fn conditions(ctx: &Ctx<'_, '_>, stage: &Stage) -> Vec<Stmt> {
    let mut taken = HashSet::new();
    let mut body = Vec::new();
    let gates = [("before entry", &stage.before_entry), ("on success", &stage.on_success)];
    for (words, condition) in gates {
        if let Some(condition) = condition {
            let mut inner = rules(ctx, condition, &mut taken);
            inner.extend(condition.result.as_ref().map(|result| result_field(result.value)));
            body.push(Stmt::Block(words.to_owned(), inner));
        }
    }
    if let Some(failure) = &stage.on_failure {
        let condition = failure.condition.as_ref();
        let mut inner = condition.map_or_else(Vec::new, |condition| rules(ctx, condition, &mut taken));
        let result = condition.map_or(&failure.result, |condition| &condition.result);
        inner.extend(result.as_ref().map(|result| result_field(result.value)));
        let mode = failure.retry_mode.as_ref().map(|mode| match mode.value {
            RetryMode::FailedActions => "FAILED_ACTIONS",
            RetryMode::AllActions => "ALL_ACTIONS",
        });
        inner.extend(mode.map(|mode| Stmt::Field("retry_mode".to_owned(), Expr::text(mode))));
        body.push(Stmt::Block("on failure".to_owned(), inner));
    }
    body
}

fn rules(ctx: &Ctx<'_, '_>, condition: &Condition, taken: &mut HashSet<String>) -> Vec<Stmt> {
    let mut rules = Vec::with_capacity(condition.rules.len());
    for (index, rule) in condition.rules.iter().enumerate() {
        let ident = names::unique(&rule.name.value, "rule", index, taken);
        taken.insert(ident.clone());
        rules.push(ctx.rule(rule, &Name::plain(ident)));
    }
    rules
}

fn result_field(result: ConditionResult) -> Stmt {
    let text = match result {
        ConditionResult::Rollback => "ROLLBACK",
        ConditionResult::Fail => "FAIL",
        ConditionResult::Retry => "RETRY",
        ConditionResult::Skip => "SKIP",
    };
    Stmt::Field("result".to_owned(), Expr::text(text))
}
