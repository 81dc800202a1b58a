//! Each kind of statement, up to the brace that opens its block if it has one.

use pest::iterators::Pair;

use super::expr::{Commas, Gap};
use super::node::Node;
use super::{Cursor, Parser, Rule, codes, expr, types};
use crate::source::Span;
use crate::syntax::ast::{
    ActionTemplate, Block, ConditionPosition, Const, DeclName, Expr, Function, Import, ItemKind, Param, Path, Pipeline,
    Provider, StageTemplate, StmtKind, TypeDef, TypeExpr,
};

/// A statement's head.
pub(super) struct Head {
    pub(super) node: Node,
    /// The brace that opens its block.
    pub(super) open: Option<Span>,
}

impl From<StmtKind> for Head {
    fn from(kind: StmtKind) -> Self {
        Self {
            node: Node::Stmt(kind),
            open: None,
        }
    }
}

impl From<ItemKind> for Head {
    fn from(kind: ItemKind) -> Self {
        Self {
            node: Node::Item(kind),
            open: None,
        }
    }
}

impl<'t> Parser<'t> {
    /// What stands behind a statement's keyword, by the rule of that name.
    pub(super) fn head(&mut self, rule: Rule, cursor: &mut Cursor<'t>) -> Head {
        let head = match rule {
            Rule::action => self.action(cursor),
            Rule::stage => self.stage(cursor),
            Rule::rule_use => {
                let name = self.decl_name(cursor);
                self.equals(cursor);
                let provider = self.path(cursor);
                let body = no_body();
                self.with_body(StmtKind::Rule { name, provider, body }, cursor)
            }
            Rule::output => {
                let name = self.decl_name(cursor);
                let from = self.inner(cursor, Rule::from, Self::expr);
                StmtKind::Output { name, from }.into()
            }
            Rule::export => {
                let name = self.ident_or_missing(cursor);
                StmtKind::Export { name }.into()
            }
            Rule::local => match self.bump_if(cursor, Rule::ident) {
                Some(driver) => StmtKind::LocalDriver {
                    driver: self.ident(&driver),
                }
                .into(),
                None => self.with_body(StmtKind::Local { body: no_body() }, cursor),
            },
            Rule::parallel => self.with_body(StmtKind::Parallel { body: no_body() }, cursor),
            Rule::push => self.with_body(StmtKind::Push { body: no_body() }, cursor),
            Rule::pull_request => self.with_body(StmtKind::PullRequest { body: no_body() }, cursor),
            Rule::trigger => {
                let action = self.expr(cursor);
                let body = no_body();
                self.with_body(StmtKind::Trigger { action, body }, cursor)
            }
            Rule::before | Rule::on => self.condition(rule, cursor),
            Rule::for_block => self.for_block(cursor),
            Rule::if_block => {
                let cond = Box::new(self.expr(cursor));
                let kind = StmtKind::If {
                    cond,
                    then: no_body(),
                    otherwise: None,
                };
                self.with_body(kind, cursor)
            }
            Rule::else_block => {
                let cond = self.inner(cursor, Rule::else_if, Self::expr);
                let open = self.body(cursor);
                Head {
                    node: Node::Else(cond),
                    open,
                }
            }
            Rule::variable => {
                let name = self.ident_or_missing(cursor);
                let default = self.default(cursor);
                StmtKind::Variable { name, default }.into()
            }
            Rule::provider_field => self.provider_field(cursor),
            Rule::require => {
                let cond = self.expr(cursor);
                let message = if self.peek(cursor) == Some(Rule::no_else) {
                    self.missing(cursor);
                    expr::error(self.since(self.end))
                } else {
                    self.expr(cursor)
                };
                let at = self.inner(cursor, Rule::at, Self::ident_or_missing);
                let (cond, message) = (Box::new(cond), Box::new(message));
                StmtKind::Require { cond, message, at }.into()
            }
            _ => self.item(rule, cursor),
        };
        self.finish(cursor);
        head
    }

    fn item(&mut self, rule: Rule, cursor: &mut Cursor<'t>) -> Head {
        match rule {
            Rule::import => {
                let path = self.expr(cursor);
                if self.peek(cursor) == Some(Rule::no_as) {
                    self.missing(cursor);
                }
                let name = self.ident_or_missing(cursor);
                ItemKind::Import(Import { path, name }).into()
            }
            Rule::param_def => match self.bump_if(cursor, Rule::param) {
                Some(pair) => ItemKind::Param(self.param(pair)).into(),
                None => {
                    let name = self.ident_or_missing(cursor);
                    let ty = types::error(name.span);
                    let span = name.span;
                    let default = None;
                    ItemKind::Param(Param {
                        name,
                        ty,
                        default,
                        span,
                    })
                    .into()
                }
            },
            Rule::const_def => {
                let name = self.ident_or_missing(cursor);
                let ty = self.annotation(cursor);
                let value = self.definition(cursor);
                ItemKind::Const(Const { name, ty, value }).into()
            }
            Rule::type_def => {
                let name = self.ident_or_missing(cursor);
                self.equals(cursor);
                let ty = self.ty(cursor);
                ItemKind::Type(TypeDef { name, ty }).into()
            }
            Rule::fn_def => {
                let name = self.ident_or_missing(cursor);
                let params = self.params(cursor).unwrap_or_else(|| {
                    self.missing(cursor);
                    Vec::new()
                });
                let result = self.inner(cursor, Rule::result, Self::ty).unwrap_or_else(|| {
                    self.missing(cursor);
                    types::error(self.since(self.end))
                });
                let body = self.definition(cursor);
                ItemKind::Fn(Function {
                    name,
                    params,
                    result,
                    body,
                })
                .into()
            }
            Rule::pipeline => {
                let name = self.ident_or_missing(cursor);
                let aws_name = self.aws_name(cursor);
                let body = no_body();
                self.with_body(ItemKind::Pipeline(Pipeline { name, aws_name, body }), cursor)
            }
            _ => {
                debug_assert_eq!(rule, Rule::provider);
                let name = self.ident_or_missing(cursor);
                let body = no_body();
                self.with_body(ItemKind::Provider(Provider { name, body }), cursor)
            }
        }
    }

    /// `action name[key] "AWS" = path {` in a block; `action name(params) = path {` at the top of a file.
    fn action(&mut self, cursor: &mut Cursor<'t>) -> Head {
        let name = self.decl_name(cursor);
        let before_params = self.end;
        let params = self.params(cursor);
        self.equals(cursor);
        let provider = self.path(cursor);
        let body = no_body();
        if self.frames.is_empty() {
            let params = self.template_params(&name, params, before_params, "action");
            let name = name.ident;
            return self.with_body(
                ItemKind::Action(ActionTemplate {
                    name,
                    params,
                    provider,
                    body,
                }),
                cursor,
            );
        }
        if params.is_some() {
            self.report_template_in_block("action", name.ident.span);
        }
        self.with_body(StmtKind::Action { name, provider, body }, cursor)
    }

    /// `stage name "AWS" {` or `stage name = path {` in a pipeline; `stage name(params) {` at the top of a file.
    fn stage(&mut self, cursor: &mut Cursor<'t>) -> Head {
        let name = self.decl_name(cursor);
        let before_params = self.end;
        let params = self.params(cursor);
        let template = self.inner(cursor, Rule::uses, Self::path);
        let body = no_body();
        if self.frames.is_empty() && template.is_none() {
            let params = self.template_params(&name, params, before_params, "stage");
            let name = name.ident;
            return self.with_body(ItemKind::Stage(StageTemplate { name, params, body }), cursor);
        }
        if params.is_some() {
            self.report_template_in_block("stage", name.ident.span);
        }
        match template {
            Some(template) => self.with_body(StmtKind::StageUse { name, template, body }, cursor),
            None => self.with_body(StmtKind::Stage { name, body }, cursor),
        }
    }

    fn template_params(&mut self, name: &DeclName, params: Option<Vec<Param>>, at: u32, what: &str) -> Vec<Param> {
        for extra in [&name.key, &name.aws_name].into_iter().flatten() {
            let message = format!("a reusable {what} takes neither a key nor a name for AWS");
            self.report(&codes::UNEXPECTED_TEXT, extra.span, message).help =
                Some("remove it, and write it where the template is used".to_owned());
        }
        params.unwrap_or_else(|| {
            let at = self.here(at as usize, at as usize);
            let message = format!(
                "at the top of a file {} is reusable, and its parameters are missing here",
                a(what)
            );
            self.report(&codes::MISSING_PARAMETERS, at, message).help = Some(format!(
                "write `()` behind its name, or move the {what} into a pipeline"
            ));
            Vec::new()
        })
    }

    fn report_template_in_block(&mut self, what: &str, span: Span) {
        let message = format!("{} with parameters cannot stand inside a block", a(what));
        self.report(&codes::MISPLACED_ITEM, span, message).help = Some("move it to the top of the file".to_owned());
    }

    /// `before entry {`, `on success {`, `on failure {`
    fn condition(&mut self, rule: Rule, cursor: &mut Cursor<'t>) -> Head {
        let word = self.ident_or_missing(cursor);
        let position = match (rule, word.text.as_str()) {
            (Rule::before, "entry") => ConditionPosition::BeforeEntry,
            (Rule::on, "success") => ConditionPosition::OnSuccess,
            (Rule::on, "failure") => ConditionPosition::OnFailure,
            (_, text) => {
                let (help, position) = match (rule, text) {
                    (Rule::before, _) => ("write `before entry`", ConditionPosition::BeforeEntry),
                    (_, text) if text.starts_with('f') || text.starts_with("err") => {
                        ("write `on failure`", ConditionPosition::OnFailure)
                    }
                    (_, text) if text.starts_with('s') => ("write `on success`", ConditionPosition::OnSuccess),
                    (_, "entry") => ("write `before entry`", ConditionPosition::BeforeEntry),
                    _ => (
                        "write `before entry`, `on success` or `on failure`",
                        ConditionPosition::OnFailure,
                    ),
                };
                if !text.is_empty() {
                    let keyword = if rule == Rule::before { "before" } else { "on" };
                    let message = format!("`{keyword} {text}` is not a condition");
                    self.report(&codes::UNKNOWN_STATEMENT, word.span, message).help = Some(help.to_owned());
                }
                position
            }
        };
        let body = no_body();
        self.with_body(StmtKind::Condition { position, body }, cursor)
    }

    /// `for x in xs {`, `for k, v in map {`
    fn for_block(&mut self, cursor: &mut Cursor<'t>) -> Head {
        let first = self.ident_or_missing(cursor);
        let second = match self.peek(cursor) {
            Some(Rule::ident | Rule::no_name) => Some(self.ident_or_missing(cursor)),
            _ => None,
        };
        if self.peek(cursor) == Some(Rule::no_in) {
            self.missing(cursor);
        }
        let iter = Box::new(self.expr(cursor));
        let body = no_body();
        let kind = StmtKind::For {
            first,
            second,
            iter,
            body,
        };
        self.with_body(kind, cursor)
    }

    /// `field name "AwsKey": type = default encoded csv`
    fn provider_field(&mut self, cursor: &mut Cursor<'t>) -> Head {
        let name = self.ident_or_missing(cursor);
        let aws_key = self.aws_name(cursor).map(Box::new);
        let ty = self.annotation_or_missing(cursor);
        let default = self.default(cursor).map(Box::new);
        let encoding = self.inner(cursor, Rule::encoded, Self::ident_or_missing);
        StmtKind::ProviderField {
            name,
            aws_key,
            ty,
            default,
            encoding,
        }
        .into()
    }

    fn decl_name(&mut self, cursor: &mut Cursor<'t>) -> DeclName {
        let ident = self.ident_or_missing(cursor);
        let key = self.bump_if(cursor, Rule::index).map(|pair| Box::new(self.index(pair)));
        let aws_name = self.aws_name(cursor).map(Box::new);
        DeclName { ident, key, aws_name }
    }

    fn aws_name(&mut self, cursor: &mut Cursor<'t>) -> Option<Expr> {
        let rule = self.peek(cursor)?;
        if !Self::is_string(rule) {
            return None;
        }
        let pair = self.bump(cursor)?;
        Some(self.string(pair))
    }

    fn equals(&mut self, cursor: &mut Cursor<'t>) {
        if self.peek(cursor) == Some(Rule::no_equals) {
            self.missing(cursor);
        }
    }

    /// What stands behind `const name` or `fn name() -> type`.
    fn definition(&mut self, cursor: &mut Cursor<'t>) -> Expr {
        if self.peek(cursor) == Some(Rule::no_equals) {
            self.missing(cursor);
            if self.peek(cursor).is_none() {
                return expr::error(self.since(self.end));
            }
        }
        self.expr(cursor)
    }

    fn path(&mut self, cursor: &mut Cursor<'t>) -> Path {
        let Some(pair) = self.bump_if(cursor, Rule::path) else {
            if self.peek(cursor) == Some(Rule::no_path) {
                self.missing(cursor);
            }
            let nameless = self.nameless();
            return Path {
                span: nameless.span,
                segments: vec![nameless],
            };
        };
        let span = self.token(&pair);
        Path {
            segments: self.segments(pair.as_str(), span),
            span,
        }
    }

    fn default(&mut self, cursor: &mut Cursor<'t>) -> Option<Expr> {
        self.inner(cursor, Rule::default, Self::expr)
    }

    fn annotation(&mut self, cursor: &mut Cursor<'t>) -> Option<TypeExpr> {
        self.inner(cursor, Rule::annotation, Self::ty)
    }

    fn annotation_or_missing(&mut self, cursor: &mut Cursor<'t>) -> TypeExpr {
        if let Some(ty) = self.annotation(cursor) {
            return ty;
        }
        self.missing(cursor);
        match self.peek(cursor) {
            None | Some(Rule::default | Rule::encoded) => types::error(self.since(self.end)),
            Some(_) => self.ty(cursor),
        }
    }

    /// Reads the children of the next token, if it is of this rule.
    fn inner<T>(
        &mut self,
        cursor: &mut Cursor<'t>,
        rule: Rule,
        read: impl FnOnce(&mut Self, &mut Cursor<'t>) -> T,
    ) -> Option<T> {
        let pair = self.bump_if(cursor, rule)?;
        let mut inner = Cursor::new(pair.into_inner());
        let value = read(self, &mut inner);
        self.finish(&mut inner);
        Some(value)
    }

    /// `(a: type, b: type = default)`
    fn params(&mut self, cursor: &mut Cursor<'t>) -> Option<Vec<Param>> {
        let pair = self.bump_if(cursor, Rule::params)?;
        let span = self.span(&pair);
        let mut inner = Cursor::new(pair.into_inner());
        let mut params = Vec::new();
        let mut gap = Gap::default();
        while let Some(rule) = self.peek(&mut inner) {
            match rule {
                Rule::no_close => break,
                Rule::comma | Rule::stray_comma | Rule::junk => self.between(&mut inner, &mut gap),
                _ => {
                    self.separate(&mut inner, &mut gap, Commas::Always);
                    let Some(pair) = self.bump(&mut inner) else { break };
                    params.push(self.param(pair));
                }
            }
        }
        self.close_bracket(&mut inner, span, "(");
        Some(params)
    }

    fn param(&mut self, pair: Pair<'t, Rule>) -> Param {
        let start = self.span(&pair).start;
        let mut cursor = Cursor::new(pair.into_inner());
        let name = self.ident_or_missing(&mut cursor);
        let ty = self.annotation_or_missing(&mut cursor);
        let default = self.default(&mut cursor);
        self.finish(&mut cursor);
        Param {
            name,
            ty,
            default,
            span: self.since(start),
        }
    }

    fn with_body(&mut self, kind: impl Into<Head>, cursor: &mut Cursor<'t>) -> Head {
        let mut head = kind.into();
        head.open = self.body(cursor);
        if head.open.is_none() {
            head.node.set_body(Block {
                stmts: Vec::new(),
                span: self.since(self.end),
            });
        }
        head
    }

    /// The brace that opens the block.
    fn body(&mut self, cursor: &mut Cursor<'t>) -> Option<Span> {
        if let Some(pair) = self.bump_if(cursor, Rule::open) {
            return Some(self.token(&pair));
        }
        self.missing(cursor);
        self.block_follows()
    }
}

/// Stands until the block has been read.
fn no_body() -> Block {
    Block {
        stmts: Vec::new(),
        span: Span::default(),
    }
}

fn a(what: &str) -> String {
    let article = if what.starts_with('a') { "an" } else { "a" };
    format!("{article} {what}")
}
