//! Triggers and their filters.

use std::rc::Rc;

use crate::diagnostic::Diagnostic;
use crate::ir::{Node, Patterns, PullRequestEvent, PullRequestFilter, PushFilter};
use crate::source::Span;
use crate::syntax::ast::{Block, Expr, ExprKind, Ident, ListEntry, Stmt, StmtKind};

use super::super::codes;
use super::super::eval::Env;
use super::super::ty::Ty;
use super::super::value::Value;
use super::{Expander, TriggerDraft, fields, head};

impl<'p> Expander<'p, '_, '_> {
    pub(super) fn trigger(&mut self, stmt: &'p Stmt, action: &'p Expr, body: &'p Block, env: &mut Env<'p>) {
        let entity = match self.ev.eval(action, env) {
            Value::Entity(entity) => Some(entity),
            Value::Error | Value::Unknown(_) => None,
            other => {
                let message = format!(
                    "a trigger belongs to a source action, and this is {}",
                    other.described()
                );
                self.ev.fail(&codes::TYPE_MISMATCH, action.span, message);
                None
            }
        };
        let mut trigger = TriggerDraft {
            action: entity,
            push: Vec::new(),
            pull_request: Vec::new(),
            origin: head(stmt),
        };
        self.walk(body, env, &mut |this, stmt, env| match &stmt.kind {
            StmtKind::Push { body } => trigger.push.push(this.push_filter(stmt, body, env)),
            StmtKind::PullRequest { body } => trigger.pull_request.push(this.pull_request_filter(stmt, body, env)),
            StmtKind::Field { name, .. } => {
                let message = format!("a trigger has no field `{}`", name.text);
                let help = "put it into a filter: `push { branches = […] }` or `pull_request { … }`";
                this.ev
                    .emit(Diagnostic::new(&codes::UNKNOWN_FIELD, name.span, message).with_help(help));
            }
            _ => this.misplaced(stmt, "a trigger"),
        });
        self.draft.triggers.push(trigger);
    }

    fn push_filter(&mut self, stmt: &'p Stmt, body: &'p Block, env: &mut Env<'p>) -> PushFilter {
        let mut filter = PushFilter {
            origin: head(stmt),
            ..PushFilter::default()
        };
        self.filter_fields(body, env, &mut |this, name, value, env| match name.text.as_str() {
            "branches" => filter.branches = this.patterns(value, env),
            "tags" => filter.tags = this.patterns(value, env),
            "file_paths" => filter.file_paths = this.patterns(value, env),
            _ => this.unknown_field("a `push` filter", name, &["branches", "tags", "file_paths"]),
        });
        filter
    }

    fn pull_request_filter(&mut self, stmt: &'p Stmt, body: &'p Block, env: &mut Env<'p>) -> PullRequestFilter {
        let mut filter = PullRequestFilter {
            origin: head(stmt),
            ..PullRequestFilter::default()
        };
        self.filter_fields(body, env, &mut |this, name, value, env| match name.text.as_str() {
            "branches" => filter.branches = this.patterns(value, env),
            "file_paths" => filter.file_paths = this.patterns(value, env),
            "events" => filter.events = this.events(value, env),
            _ => this.unknown_field("a `pull_request` filter", name, &["events", "branches", "file_paths"]),
        });
        filter
    }

    /// Each field of a filter, once.
    fn filter_fields(
        &mut self,
        body: &'p Block,
        env: &mut Env<'p>,
        take: &mut dyn FnMut(&mut Self, &'p Ident, &'p Expr, &mut Env<'p>),
    ) {
        let mut seen = fields::Seen::default();
        self.walk(body, env, &mut |this, stmt, env| {
            let StmtKind::Field { name, value } = &stmt.kind else {
                return this.misplaced(stmt, "a filter");
            };
            if this.first_time(name, &mut seen) {
                take(this, name, value, env);
            }
        });
    }

    /// Patterns, those that begin with `!` as excludes.
    fn patterns(&mut self, value: &'p Expr, env: &mut Env<'p>) -> Option<Patterns> {
        let mut patterns = Patterns {
            origin: value.span,
            ..Patterns::default()
        };
        for (text, origin) in self.texts(value, &Ty::list(Ty::STRING), "a pattern", env)? {
            match text.strip_prefix('!') {
                Some(exclude) => patterns.excludes.push(Node::new(exclude.to_owned(), origin)),
                None => patterns.includes.push(Node::new(text.to_string(), origin)),
            }
        }
        Some(patterns)
    }

    fn events(&mut self, value: &'p Expr, env: &mut Env<'p>) -> Vec<Node<PullRequestEvent>> {
        let ty = Ty::list(Ty::one_of(&["OPEN", "UPDATED", "CLOSED"]));
        let texts = self.texts(value, &ty, "an event", env).unwrap_or_default();
        let event = |(text, origin): (Rc<str>, Span)| {
            let event = match &*text {
                "OPEN" => PullRequestEvent::Open,
                "UPDATED" => PullRequestEvent::Updated,
                _ => PullRequestEvent::Closed,
            };
            Node::new(event, origin)
        };
        texts.into_iter().map(event).collect()
    }

    /// A list of strings known when compiling, each with its place; where any string may stand, a template may compute it.
    pub(super) fn texts(
        &mut self,
        value: &'p Expr,
        ty: &Ty,
        what: &str,
        env: &mut Env<'p>,
    ) -> Option<Vec<(Rc<str>, Span)>> {
        let Value::List(values) = self.ev.eval_as(value, ty, env) else {
            return None;
        };
        let places = item_places(value);
        let mut texts = Vec::with_capacity(values.len());
        for (index, entry) in values.iter().enumerate() {
            let origin = if places.len() == values.len() {
                places[index]
            } else {
                value.span
            };
            match entry {
                Value::Str(text) => texts.push((text.clone(), origin)),
                Value::Text(draft) => match draft.deploy_name().filter(|_| *ty == Ty::list(Ty::STRING)) {
                    Some(text) => texts.push((text.into(), origin)),
                    None => {
                        self.ev.too_late(draft, origin, what);
                    }
                },
                _ => {}
            }
        }
        Some(texts)
    }
}

/// Where the entries of a list literal without spreads stand.
pub(super) fn item_places(expr: &Expr) -> Vec<Span> {
    let ExprKind::List(entries) = &expr.kind else {
        return Vec::new();
    };
    let item = |entry: &ListEntry| match entry {
        ListEntry::Item(item) => Some(item.span),
        ListEntry::Spread(_) => None,
    };
    entries.iter().map(item).collect::<Option<Vec<_>>>().unwrap_or_default()
}
