//! The order of things: whether what is used has been made by then.
//!
//! Time is a stage and a run order in it. What an action makes is there for every action of a later stage, and for those of
//! its own stage with a higher run order; not for those with the same, which run beside it. Artifacts and output variables
//! follow the same rule, and share this file.

use super::context::{Ctx, Maker};
use super::words;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Action, ConditionPosition, Origin, Rule, Stage};

/// Who uses something, and when.
#[derive(Clone, Copy)]
pub(super) struct User<'a> {
    pub(super) stage: usize,
    pub(super) kind: UserKind<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum UserKind<'a> {
    Action(&'a Action),
    Rule(ConditionPosition, &'a Rule),
}

impl<'a> User<'a> {
    pub(super) fn action(stage: usize, action: &'a Action) -> Self {
        Self {
            stage,
            kind: UserKind::Action(action),
        }
    }

    pub(super) fn rule(stage: usize, position: ConditionPosition, rule: &'a Rule) -> Self {
        Self {
            stage,
            kind: UserKind::Rule(position, rule),
        }
    }

    pub(super) fn name(&self) -> &'a str {
        match self.kind {
            UserKind::Action(action) => words::action(action),
            UserKind::Rule(_, rule) => words::rule(rule),
        }
    }

    /// Conditions are evaluated before the first step of their stage or after the last.
    fn time(&self) -> (usize, u32) {
        let order = match self.kind {
            UserKind::Action(action) => action.run_order,
            UserKind::Rule(ConditionPosition::BeforeEntry, _) => 0,
            UserKind::Rule(ConditionPosition::OnSuccess | ConditionPosition::OnFailure, _) => u32::MAX,
        };
        (self.stage, order)
    }

    fn address(&self) -> usize {
        match self.kind {
            UserKind::Action(action) => std::ptr::from_ref(action) as usize,
            UserKind::Rule(_, rule) => std::ptr::from_ref(rule) as usize,
        }
    }

    fn is(&self, other: &Action) -> bool {
        matches!(self.kind, UserKind::Action(action) if std::ptr::eq(action, other))
    }
}

/// What to say about one kind of thing.
pub(super) struct Words {
    pub(super) before: &'static Code,
    pub(super) sibling: &'static Code,
    /// What its maker does, and what has happened to it then: `makes` and `made`.
    pub(super) does: &'static str,
    pub(super) done: &'static str,
}

/// Reports a use, at `origin`, of something that is not made by then. `what` names it: ``artifact `bundle` ``.
///
/// Who uses several things of one maker too early has made one mistake, and gets one report.
pub(super) fn check(
    ctx: &Ctx,
    kind: &Words,
    what: &str,
    user: User,
    origin: Origin,
    maker: &Maker,
) -> Option<Diagnostic> {
    if maker.time() < user.time() || is_out_of_place(ctx, maker, user) {
        return None;
    }
    let pair = (user.address(), std::ptr::from_ref(maker.action) as usize);
    if !ctx.disordered.borrow_mut().insert(pair) {
        return None;
    }
    if user.is(maker.action) {
        return Some(from_itself(kind, what, user, origin, maker));
    }
    Some(if maker.time() == user.time() {
        from_sibling(ctx, kind, what, user, origin, maker)
    } else {
        before_made(ctx, kind, what, user, origin, maker)
    })
}

/// A source in a later stage, or another action in the first, has been reported as such: once it is moved, this may be
/// right.
fn is_out_of_place(ctx: &Ctx, maker: &Maker, user: User) -> bool {
    let stranger = matches!(user.kind, UserKind::Action(action) if !action.type_id.is_source());
    (maker.action.type_id.is_source() && maker.stage > 0)
        || (user.stage == 0 && stranger && ctx.pipeline.stages.len() > 1)
}

fn from_itself(kind: &Words, what: &str, user: User, origin: Origin, maker: &Maker) -> Diagnostic {
    let name = user.name();
    Diagnostic::new(
        kind.before,
        origin,
        format!("`{name}` uses {what}, which it {} itself", kind.does),
    )
    .with_label("used here")
    .with_other(maker.origin, format!("{} here, when the action is done", kind.done))
    .with_help(format!("let `{name}` use what an earlier action makes"))
}

fn from_sibling(ctx: &Ctx, kind: &Words, what: &str, user: User, origin: Origin, maker: &Maker) -> Diagnostic {
    let (name, made_by) = (user.name(), words::action(maker.action));
    let stage = words::stage(ctx.stage(user.stage));
    Diagnostic::new(
        kind.sibling,
        origin,
        format!("`{name}` uses {what} of `{made_by}`, and these run at the same time"),
    )
    .with_label(format!("used by `{name}` in stage `{stage}`"))
    .with_other(maker.origin, format!("{} by `{made_by}` in the same step", kind.done))
    .with_help(format!(
        "move `{name}` to a later step of stage `{stage}`, or to a later stage"
    ))
}

fn before_made(ctx: &Ctx, kind: &Words, what: &str, user: User, origin: Origin, maker: &Maker) -> Diagnostic {
    let (name, made_by) = (user.name(), words::action(maker.action));
    let (used_in, made_in) = (ctx.stage(user.stage), ctx.stage(maker.stage));
    let report = Diagnostic::new(
        kind.before,
        origin,
        format!("`{name}` uses {what} before it is {}", kind.done),
    );
    if let UserKind::Rule(position, _) = user.kind
        && user.stage == maker.stage
    {
        let stage = words::stage(used_in);
        return report
            .with_label(format!("used {} of stage `{stage}`", words::position(position)))
            .with_other(maker.origin, format!("{} by `{made_by}` in that stage", kind.done))
            .with_help(format!("move `{made_by}` to a stage before `{stage}`"));
    }
    if user.stage == maker.stage {
        let stage = words::stage(used_in);
        let report = report
            .with_label(format!("used in {} of stage `{stage}`", step(used_in, user.time().1)))
            .with_other(
                maker.origin,
                format!("{} by `{made_by}` in {}", kind.done, step(made_in, maker.time().1)),
            );
        return if maker_can_go_before(ctx, maker, user) {
            report.with_help(format!("move `{made_by}` before `{name}` in stage `{stage}`"))
        } else {
            report.with_help(format!("move `{name}` after `{made_by}` in stage `{stage}`"))
        };
    }
    let (used_stage, made_stage) = (words::stage(used_in), words::stage(made_in));
    let report = report
        .with_label(format!(
            "used in stage `{used_stage}`, the {}",
            words::ordinal(user.stage + 1)
        ))
        .with_other(
            maker.origin,
            format!(
                "{} by `{made_by}` in stage `{made_stage}`, the {}",
                kind.done,
                words::ordinal(maker.stage + 1)
            ),
        );
    if maker_can_go_before(ctx, maker, user) {
        report.with_help(format!("move `{made_by}` to a stage before `{used_stage}`"))
    } else {
        report.with_help(format!("move `{name}` to a stage after `{made_stage}`"))
    }
}

/// Whether all that the maker needs is there before the user runs; if not, it is the user that must move.
fn maker_can_go_before(ctx: &Ctx, maker: &Maker, user: User) -> bool {
    maker.action.inputs.iter().all(|input| {
        ctx.makers
            .get(input.value.as_str())
            .is_none_or(|needed| needed.time() < user.time() && !user.is(needed.action))
    })
}

/// `step 2`: the place of a run order among those of its stage.
fn step(stage: &Stage, run_order: u32) -> String {
    let mut earlier: Vec<u32> = stage
        .actions
        .iter()
        .map(|action| action.run_order)
        .filter(|&order| order < run_order)
        .collect();
    earlier.sort_unstable();
    earlier.dedup();
    format!("step {}", earlier.len() + 1)
}
