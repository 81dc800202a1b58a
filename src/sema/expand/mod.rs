//! Expansion: the statements of a pipeline, evaluated, as a list of stages and actions.
//!
//! Loops and conditions run here; reusable stages and actions are put in where they are used. What comes out is still by
//! name: an action may refer to another that stands further down, so artifacts' names, namespaces and variables are
//! settled by [`super::link`], when all actions are known.

mod action;
mod condition;
mod fields;
pub mod settings;
mod stage;
mod trigger;

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use indexmap::IndexMap;

use crate::diagnostic::Diagnostic;
use crate::ir;
use crate::source::Span;
use crate::syntax::ast::{self, Block, Stmt, StmtKind};

use super::codes;
use super::eval::{Branch, Env, Evaluator};
use super::program::{ModuleId, Names};
use super::signature::{Signature, Signatures};
use super::ty::Ty;
use super::value::{Draft, Entity, ScopeId, Value};

/// An action or output by what the file calls it.
pub type EntityKey<'p> = (ScopeId, &'p str, Option<Rc<str>>);

/// A pipeline in the making.
#[derive(Debug, Default)]
pub struct PipelineDraft<'p> {
    pub settings: settings::Settings<'p>,
    pub variables: IndexMap<String, ir::Variable>,
    pub triggers: Vec<TriggerDraft<'p>>,
    pub stages: Vec<StageDraft<'p>>,
    pub actions: Vec<ActionDraft<'p>>,
    /// Index in `actions`, by name.
    pub by_name: HashMap<EntityKey<'p>, usize>,
    /// Index in `actions` and in the action's outputs, of outputs that are found by their bare name.
    pub outputs: HashMap<EntityKey<'p>, (usize, usize)>,
    /// Something was reported that leaves a gap.
    pub incomplete: bool,
}

#[derive(Debug)]
pub struct StageDraft<'p> {
    pub handle: String,
    pub name: ir::Node<String>,
    pub before_entry: Option<ConditionDraft<'p>>,
    pub on_success: Option<ConditionDraft<'p>>,
    pub on_failure: Option<ConditionDraft<'p>>,
    /// Conditions of a template under which it is there.
    pub when: Vec<ir::DeployCondition>,
    pub origin: Span,
    pub incomplete: bool,
}

#[derive(Debug)]
pub struct ConditionDraft<'p> {
    pub result: Option<ir::Node<ir::ConditionResult>>,
    pub retry_mode: Option<ir::Node<ir::RetryMode>>,
    pub rules: Vec<ActionDraft<'p>>,
    pub origin: Span,
}

/// An action, or a rule of a condition, in the making.
#[derive(Debug)]
pub struct ActionDraft<'p> {
    pub handle: String,
    /// Index of its stage.
    pub stage: usize,
    pub name: ir::Node<String>,
    /// None if the provider is not known, which was reported.
    pub signature: Option<Rc<Signature>>,
    pub run_order: u32,
    pub configuration: BTreeMap<String, ConfigDraft<'p>>,
    pub commands: Vec<(Draft<'p>, Span)>,
    pub environment: Vec<EnvironmentDraft<'p>>,
    pub inputs: Vec<Rc<Entity<'p>>>,
    /// Artifacts referred to by a file in them.
    pub file_inputs: Vec<Rc<Entity<'p>>>,
    pub outputs: Vec<OutputDraft<'p>>,
    /// `export NAME`
    pub exports: IndexMap<String, Span>,
    pub role_arn: Option<(Draft<'p>, Span)>,
    pub region: Option<ir::Node<String>>,
    pub namespace: Option<ir::Node<String>>,
    pub timeout: Option<ir::Node<u64>>,
    /// Conditions of a template under which it is there.
    pub when: Vec<ir::DeployCondition>,
    pub local: ir::Local,
    pub origin: Span,
    pub incomplete: bool,
}

impl<'p> ActionDraft<'p> {
    /// One that says nothing yet.
    fn new(
        handle: String,
        stage: usize,
        name: ir::Node<String>,
        signature: Option<Rc<Signature>>,
        origin: Span,
    ) -> Self {
        Self {
            handle,
            stage,
            name,
            incomplete: signature.is_none(),
            signature,
            run_order: 0,
            configuration: BTreeMap::new(),
            commands: Vec::new(),
            environment: Vec::new(),
            inputs: Vec::new(),
            file_inputs: Vec::new(),
            outputs: Vec::new(),
            exports: IndexMap::new(),
            role_arn: None,
            region: None,
            namespace: None,
            timeout: None,
            when: Vec::new(),
            local: ir::Local::default(),
            origin,
        }
    }
}

#[derive(Debug)]
pub struct ConfigDraft<'p> {
    pub value: Draft<'p>,
    pub origin: Span,
    pub key_origin: Span,
}

#[derive(Debug)]
pub struct EnvironmentDraft<'p> {
    pub name: ir::Node<String>,
    pub value: Draft<'p>,
    pub kind: ir::EnvironmentKind,
}

#[derive(Debug)]
pub struct OutputDraft<'p> {
    pub name: &'p str,
    pub key: Option<Rc<str>>,
    /// The AWS name.
    pub aws_name: ir::Node<String>,
    /// Of a reusable action: found through the action alone, since each of its uses has one.
    pub of_template: bool,
    pub files: Vec<ir::Node<String>>,
}

#[derive(Debug)]
pub struct TriggerDraft<'p> {
    pub action: Option<Rc<Entity<'p>>>,
    pub push: Vec<ir::PushFilter>,
    pub pull_request: Vec<ir::PullRequestFilter>,
    pub origin: Span,
}

/// Where statements stand: what the names inside belong to, and what AWS names of outputs begin with.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub scope: ScopeId,
    /// `prod_`, inside an instance of a reusable stage.
    pub output_prefix: String,
    pub stage: usize,
}

/// The state of one pipeline's expansion.
pub struct Expander<'p, 'e, 'a> {
    pub ev: &'e mut Evaluator<'p, 'a>,
    pub signatures: &'e mut Signatures,
    pub draft: PipelineDraft<'p>,
    /// Conditions of a template around what is being expanded.
    when: Vec<ir::DeployCondition>,
    /// The step of the stage's next action.
    step: u32,
    /// Looking at a reusable block on its own, with unknown arguments: nothing of it will be kept.
    pub dry: bool,
}

impl<'p, 'e, 'a> Expander<'p, 'e, 'a> {
    fn new(ev: &'e mut Evaluator<'p, 'a>, signatures: &'e mut Signatures, dry: bool) -> Self {
        Self {
            ev,
            signatures,
            draft: PipelineDraft::default(),
            when: Vec::new(),
            step: 1,
            dry,
        }
    }
}

/// Expands one pipeline of the main file.
pub fn pipeline<'p>(
    ev: &mut Evaluator<'p, '_>,
    signatures: &mut Signatures,
    module: ModuleId,
    pipeline: &'p ast::Pipeline,
) -> PipelineDraft<'p> {
    let names = Rc::new(Names::of(ev.program, module, &pipeline.body));
    let scope = ev.add_scope(names, String::new());
    let mut expander = Expander::new(ev, signatures, false);
    let mut env = Env {
        module,
        locals: Vec::new(),
        scope: Some(scope),
    };
    expander.pipeline_body(&pipeline.body, scope, &mut env);
    expander.draft
}

/// Checks reusable stages and actions that nothing uses, with arguments that are not known.
pub fn check_unused_templates<'p>(ev: &mut Evaluator<'p, '_>, signatures: &mut Signatures, module: ModuleId) {
    for item in &ev.program.module(module).ast.items {
        let mut expander = Expander::new(ev, signatures, true);
        match &item.kind {
            ast::ItemKind::Stage(template) => expander.check_stage_template(module, template),
            ast::ItemKind::Action(template) => expander.check_action_template(module, template),
            _ => {}
        }
    }
}

impl<'p> Expander<'p, '_, '_> {
    fn pipeline_body(&mut self, body: &'p Block, scope: ScopeId, env: &mut Env<'p>) {
        let mut fields = fields::Seen::default();
        self.walk(body, env, &mut |this, stmt, env| match &stmt.kind {
            StmtKind::Field { name, value } => this.setting(name, value, env, &mut fields),
            StmtKind::Variable { name, default } => this.variable(stmt, name, default.as_ref(), env),
            StmtKind::Trigger { action, body } => this.trigger(stmt, action, body, env),
            StmtKind::Stage { name, body } => this.stage(stmt, name, body, scope, env),
            StmtKind::StageUse { name, template, body } => this.stage_use(stmt, name, template, body, scope, env),
            _ => this.misplaced(stmt, "a pipeline"),
        });
    }

    /// Runs the statements of a block, its loops and conditions unrolled.
    pub(super) fn walk(
        &mut self,
        block: &'p Block,
        env: &mut Env<'p>,
        each: &mut dyn FnMut(&mut Self, &'p Stmt, &mut Env<'p>),
    ) {
        for stmt in &block.stmts {
            if !self.ev.step(stmt.span) {
                self.draft.incomplete = true;
                return;
            }
            match &stmt.kind {
                StmtKind::For {
                    first,
                    second,
                    iter,
                    body,
                } => {
                    let (entries, known) = self.ev.entries_of(iter, second.is_some(), env);
                    if !known && !self.dry {
                        self.draft.incomplete = true;
                        continue;
                    }
                    let depth = env.locals.len();
                    for (a, b) in entries {
                        env.bind(first, a);
                        if let (Some(second), Some(b)) = (second, b) {
                            env.bind(second, b);
                        }
                        self.walk(body, env, each);
                        env.locals.truncate(depth);
                    }
                }
                StmtKind::If { cond, then, otherwise } => match self.ev.eval_branch(cond, env) {
                    Branch::Known(true) => self.walk(then, env, each),
                    Branch::Known(false) => {
                        if let Some(otherwise) = otherwise {
                            self.walk(otherwise, env, each);
                        }
                    }
                    Branch::Deploy(condition) => self.walk_both(condition, then, otherwise.as_ref(), env, each),
                    Branch::Unknown if self.dry => {
                        self.walk(then, env, each);
                        if let Some(otherwise) = otherwise {
                            self.walk(otherwise, env, each);
                        }
                    }
                    Branch::Unknown => self.draft.incomplete = true,
                },
                StmtKind::Stage { .. }
                | StmtKind::StageUse { .. }
                | StmtKind::Action { .. }
                | StmtKind::Parallel { .. } => each(self, stmt, env),
                _ if !self.when.is_empty() => self.not_when_deploying(stmt),
                _ => each(self, stmt, env),
            }
        }
    }

    fn not_when_deploying(&mut self, stmt: &'p Stmt) {
        let (what, _) = describe(&stmt.kind);
        let message = format!("{what} cannot depend on a condition that is decided when deploying");
        let help = "only stages and actions can; for a value write `if cfn.condition(…) then … else …`";
        let diagnostic = Diagnostic::new(&codes::KNOWN_TOO_LATE, head(stmt), message);
        self.ev.emit(diagnostic.with_help(help));
        self.draft.incomplete = true;
    }

    /// Both branches of what is decided when deploying; of a stage's steps they take the same ones.
    fn walk_both(
        &mut self,
        condition: ir::DeployCondition,
        then: &'p Block,
        otherwise: Option<&'p Block>,
        env: &mut Env<'p>,
        each: &mut dyn FnMut(&mut Self, &'p Stmt, &mut Env<'p>),
    ) {
        let first = self.step;
        let negated = condition.negated();
        self.when.push(condition);
        self.walk(then, env, each);
        self.when.pop();
        if let Some(otherwise) = otherwise {
            let last = std::mem::replace(&mut self.step, first);
            self.when.push(negated);
            self.walk(otherwise, env, each);
            self.when.pop();
            self.step = self.step.max(last);
        }
    }

    pub(super) fn misplaced(&mut self, stmt: &'p Stmt, place: &str) {
        let (what, home) = describe(&stmt.kind);
        let message = format!("{what} cannot stand in {place}");
        let diagnostic = Diagnostic::new(&codes::MISPLACED_STATEMENT, head(stmt), message);
        self.ev.emit(diagnostic.with_help(format!("it belongs in {home}")));
        self.draft.incomplete = true;
    }

    /// The key of one of a family; `Err` if it was reported, or is not known in a dry run.
    pub(super) fn key_of(&mut self, name: &'p ast::DeclName, env: &mut Env<'p>) -> Result<Option<Rc<str>>, ()> {
        let Some(key) = &name.key else { return Ok(None) };
        match self.ev.eval_as(key, &Ty::STRING, env) {
            Value::Str(key) => Ok(Some(key)),
            Value::Text(draft) => {
                self.ev.too_late(&draft, key.span, "a key");
                Err(())
            }
            _ => Err(()),
        }
    }

    /// The name that AWS sees: the string, or the identifier with the key behind it.
    pub(super) fn aws_name(
        &mut self,
        name: &'p ast::DeclName,
        key: Option<&Rc<str>>,
        separator: char,
        env: &mut Env<'p>,
    ) -> Option<ir::Node<String>> {
        let Some(written) = &name.aws_name else {
            let ident = &name.ident.text;
            let text = key.map_or_else(|| ident.clone(), |key| format!("{ident}{separator}{key}"));
            return Some(ir::Node::new(text, name.span()));
        };
        self.known_text(written, &Ty::STRING, "a name", env)
    }

    /// A string that must be known before the pipeline runs: when compiling, or when deploying.
    pub(super) fn known_text(
        &mut self,
        expr: &'p ast::Expr,
        ty: &Ty,
        what: &str,
        env: &mut Env<'p>,
    ) -> Option<ir::Node<String>> {
        match self.ev.eval_as(expr, ty, env) {
            Value::Str(text) => Some(ir::Node::new(text.to_string(), expr.span)),
            Value::Text(draft) => match draft.deploy_name() {
                Some(name) => Some(ir::Node::new(name, expr.span)),
                None => {
                    self.ev.too_late(&draft, expr.span, what);
                    None
                }
            },
            _ => None,
        }
    }

    pub(super) fn written(&self, scope: ScopeId, name: &str, key: Option<&Rc<str>>) -> String {
        let prefix = &self.ev.scopes[scope.0].prefix;
        match key {
            Some(key) => format!("{prefix}{name}[{key:?}]"),
            None => format!("{prefix}{name}"),
        }
    }
}

/// The part of a statement that a reader would point at: all of a short one, the first word of a long one.
fn head(stmt: &Stmt) -> Span {
    let words = match &stmt.kind {
        StmtKind::Field { name, .. } | StmtKind::Variable { name, .. } | StmtKind::Export { name } => {
            return stmt.span.to(name.span);
        }
        StmtKind::Stage { name, .. } | StmtKind::StageUse { name, .. } => return stmt.span.head().to(name.span()),
        StmtKind::Action { name, .. } | StmtKind::Rule { name, .. } | StmtKind::Output { name, .. } => {
            return stmt.span.head().to(name.span());
        }
        StmtKind::Trigger { action, .. } => return stmt.span.head().to(action.span),
        StmtKind::ProviderField { name, .. } => return stmt.span.head().to(name.span),
        StmtKind::Require { .. } => "require",
        StmtKind::Local { .. } | StmtKind::LocalDriver { .. } => "local",
        StmtKind::Push { .. } => "push",
        StmtKind::PullRequest { .. } => "pull_request",
        StmtKind::Parallel { .. } => "parallel",
        StmtKind::Condition {
            position: ast::ConditionPosition::BeforeEntry,
            ..
        } => "before entry",
        StmtKind::Condition {
            position: ast::ConditionPosition::OnSuccess,
            ..
        } => "on success",
        StmtKind::Condition {
            position: ast::ConditionPosition::OnFailure,
            ..
        } => "on failure",
        StmtKind::For { .. } => "for",
        StmtKind::If { .. } => "if",
    };
    let body = match &stmt.kind {
        StmtKind::Local { body }
        | StmtKind::Push { body }
        | StmtKind::PullRequest { body }
        | StmtKind::Parallel { body }
        | StmtKind::Condition { body, .. }
        | StmtKind::For { body, .. } => Some(body.span.start),
        _ => None,
    };
    // A misspelt word may be shorter than the right one.
    let end = (stmt.span.start + words.len() as u32).min(body.unwrap_or(stmt.span.end));
    Span { end, ..stmt.span }
}

/// What a statement is, and where it belongs.
fn describe(kind: &StmtKind) -> (String, &'static str) {
    let (what, home) = match kind {
        StmtKind::Field { name, .. } => {
            return (format!("the field `{}`", name.text), "a pipeline, an action or a rule");
        }
        StmtKind::Variable { .. } => ("a `variable`", "a pipeline, outside of its stages"),
        StmtKind::Trigger { .. } => ("a `trigger`", "a pipeline, outside of its stages"),
        StmtKind::Push { .. } => ("a `push` filter", "a `trigger`"),
        StmtKind::PullRequest { .. } => ("a `pull_request` filter", "a `trigger`"),
        StmtKind::Stage { .. } | StmtKind::StageUse { .. } => ("a `stage`", "a pipeline"),
        StmtKind::Action { .. } => ("an `action`", "a stage, or a `parallel` of a stage"),
        StmtKind::Parallel { .. } => ("a `parallel`", "a stage"),
        StmtKind::Condition { .. } => ("a condition", "a stage, outside of its actions"),
        StmtKind::Rule { .. } => ("a `rule`", "a condition: `before entry`, `on success` or `on failure`"),
        StmtKind::Output { .. } => ("an `output`", "an action"),
        StmtKind::Export { .. } => ("an `export`", "an action"),
        StmtKind::Local { .. } => ("a `local` block", "an action"),
        StmtKind::For { .. } => ("a `for`", "a block"),
        StmtKind::If { .. } => ("an `if`", "a block"),
        StmtKind::ProviderField { .. } => ("a `field`", "a `provider`"),
        StmtKind::Require { .. } => ("a `require`", "a `provider`"),
        StmtKind::LocalDriver { .. } => ("a `local` driver", "a `provider`; in an action write `local { … }`"),
    };
    (what.to_owned(), home)
}
