//! Conditions of a stage and their rules.

use crate::diagnostic::Diagnostic;
use crate::ir::{ConditionResult, Node, RetryMode};
use crate::syntax::ast::{self, Block, ConditionPosition, DeclName, Stmt, StmtKind};

use super::super::codes;
use super::super::eval::Env;
use super::super::signature::Target;
use super::super::ty::Ty;
use super::{ActionDraft, ConditionDraft, Expander, Place, fields, head};

impl<'p> Expander<'p, '_, '_> {
    pub(super) fn condition(
        &mut self,
        stmt: &'p Stmt,
        position: ConditionPosition,
        body: &'p Block,
        place: &Place,
        env: &mut Env<'p>,
    ) {
        let mut condition = ConditionDraft {
            result: None,
            retry_mode: None,
            rules: Vec::new(),
            origin: head(stmt),
        };
        let mut seen = fields::Seen::default();
        self.walk(body, env, &mut |this, stmt, env| match &stmt.kind {
            StmtKind::Rule { name, provider, body } => {
                let rule = this.rule(stmt, name, provider, body, place, env);
                let lost = rule.as_ref().is_none_or(|rule| rule.signature.is_none());
                this.draft.stages[place.stage].incomplete |= lost;
                condition.rules.extend(rule);
            }
            StmtKind::Field { name, value } => {
                if !this.first_time(name, &mut seen) {
                    return;
                }
                match name.text.as_str() {
                    "result" => {
                        let ty = Ty::one_of(&["FAIL", "ROLLBACK", "SKIP", "RETRY"]);
                        condition.result = this
                            .known_text(value, &ty, "a condition's result", env)
                            .map(result_node);
                        this.draft.stages[place.stage].incomplete |= condition.result.is_none();
                    }
                    "retry_mode" => {
                        let ty = Ty::one_of(&["FAILED_ACTIONS", "ALL_ACTIONS"]);
                        let text = this.known_text(value, &ty, "a retry mode", env);
                        condition.retry_mode = text.map(retry_node);
                    }
                    _ => this.unknown_field("a condition", name, &["result", "retry_mode"]),
                }
            }
            _ => this.misplaced(stmt, "a condition"),
        });
        let (slot, name) = {
            let stage = &mut self.draft.stages[place.stage];
            match position {
                ConditionPosition::BeforeEntry => (&mut stage.before_entry, "before entry"),
                ConditionPosition::OnSuccess => (&mut stage.on_success, "on success"),
                ConditionPosition::OnFailure => (&mut stage.on_failure, "on failure"),
            }
        };
        if let Some(first) = slot {
            let first = first.origin;
            let diagnostic = Diagnostic::new(&codes::DUPLICATE_FIELD, head(stmt), format!("`{name}` is given twice"))
                .with_label("given again here")
                .with_other(first, "first given here")
                .with_help("put all rules into one block: it takes up to five");
            self.ev.emit(diagnostic);
            return;
        }
        *slot = Some(condition);
    }

    fn rule(
        &mut self,
        stmt: &'p Stmt,
        name: &'p DeclName,
        provider: &'p ast::Path,
        body: &'p Block,
        place: &Place,
        env: &mut Env<'p>,
    ) -> Option<ActionDraft<'p>> {
        let key = self.key_of(name, env).ok()?;
        let aws_name = self.aws_name(name, key.as_ref(), '-', env)?;
        let signature = match self.signatures.resolve(provider, env.module, self.ev) {
            Some(Target::Provider(signature)) if signature.is_rule() => Some(signature),
            Some(_) => {
                let message = "a rule is made of a rule's provider, not of an action's";
                let diagnostic = Diagnostic::new(&codes::UNKNOWN_PROVIDER, provider.span, message);
                self.ev
                    .emit(diagnostic.with_help("`pipe doc rule` lists the rules there are"));
                None
            }
            None => None,
        };
        let handle = self.written(place.scope, &name.ident.text, key.as_ref());
        let mut draft = ActionDraft::new(handle, place.stage, aws_name, signature, head(stmt));
        let mut seen = fields::Seen::default();
        self.walk(body, env, &mut |this, stmt, env| match &stmt.kind {
            StmtKind::Field { name, value } => this.action_field(&mut draft, name, value, &mut seen, env),
            _ => this.misplaced(stmt, "a rule"),
        });
        self.add_defaults(&mut draft);
        Some(draft)
    }
}

fn result_node(text: Node<String>) -> Node<ConditionResult> {
    let result = match text.value.as_str() {
        "ROLLBACK" => ConditionResult::Rollback,
        "SKIP" => ConditionResult::Skip,
        "RETRY" => ConditionResult::Retry,
        _ => ConditionResult::Fail,
    };
    Node::new(result, text.origin)
}

fn retry_node(text: Node<String>) -> Node<RetryMode> {
    let mode = if text.value == "ALL_ACTIONS" {
        RetryMode::AllActions
    } else {
        RetryMode::FailedActions
    };
    Node::new(mode, text.origin)
}
