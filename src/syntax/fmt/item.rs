//! Files, items, statements and blocks.

use super::doc::{Row, Rows};
use super::layout::render;
use super::rows::{BRACES, Entry};
use super::{Doc, Docs, Printer, push};
use crate::syntax::ast::{Block, ConditionPosition, DeclName, File, Item, ItemKind, Path, Stmt, StmtKind};

impl<'a> Printer<'a> {
    /// Writes each item as soon as it is known how, so that a large file's documents are never in memory all at once.
    pub(super) fn file(&mut self, file: &'a File, out: &mut String) {
        let mut before: Option<&Item> = None;
        for item in &file.items {
            let has_blank_line = self.has_blank_line();
            let (blank, lead) = self.lead();
            if let Some(before) = before
                && (blank || (!has_blank_line && !may_touch(before, item)))
            {
                out.push('\n');
            }
            let body = self.item(item);
            let row = self.row(false, lead, None, body);
            write_row(row, out);
            before = Some(item);
        }
        if self.has_comments() {
            let row = self.bare_row();
            if row.blank && before.is_some() {
                out.push('\n');
            }
            write_row(row, out);
        }
        if out.is_empty() {
            out.push('\n');
        }
    }

    /// Whether there is a blank line before the next token, above or below comments.
    fn has_blank_line(&self) -> bool {
        let comments = self.comments[self.pending..]
            .iter()
            .map(|comment| comment.span.start as usize);
        let mut things = comments.take_while(|&start| start < self.next);
        things.any(|start| self.blank_above(start)) || self.blank_above(self.next)
    }

    fn item(&mut self, item: &'a Item) -> Doc<'a> {
        let mut docs = Vec::new();
        match &item.kind {
            ItemKind::Import(import) => {
                self.word(&mut docs, "import");
                self.expr_behind(&mut docs, Doc::Text(" "), &import.path);
                self.word(&mut docs, "as");
                self.word_span(&mut docs, import.name.span);
            }
            ItemKind::Param(param) => {
                self.word(&mut docs, "param");
                let gap = self.gap(Doc::Text(" "));
                push(&mut docs, gap);
                docs.push(self.param(param));
            }
            ItemKind::Const(constant) => {
                self.word(&mut docs, "const");
                self.word_span(&mut docs, constant.name.span);
                if let Some(ty) = &constant.ty {
                    self.annotation(&mut docs, ty);
                }
                self.word(&mut docs, "=");
                self.expr_behind(&mut docs, Doc::Text(" "), &constant.value);
            }
            ItemKind::Type(definition) => {
                self.word(&mut docs, "type");
                self.word_span(&mut docs, definition.name.span);
                self.word(&mut docs, "=");
                self.ty_behind(&mut docs, Doc::Text(" "), &definition.ty);
            }
            ItemKind::Fn(function) => {
                self.word(&mut docs, "fn");
                self.word_span(&mut docs, function.name.span);
                self.params(&mut docs, &function.params);
                self.word(&mut docs, "->");
                self.ty_behind(&mut docs, Doc::Text(" "), &function.result);
                self.word(&mut docs, "=");
                self.expr_behind(&mut docs, Doc::Text(" "), &function.body);
            }
            ItemKind::Action(action) => {
                self.word(&mut docs, "action");
                self.word_span(&mut docs, action.name.span);
                self.params(&mut docs, &action.params);
                self.template(&mut docs, &action.provider, &action.body);
            }
            ItemKind::Stage(stage) => {
                self.word(&mut docs, "stage");
                self.word_span(&mut docs, stage.name.span);
                self.params(&mut docs, &stage.params);
                self.block(&mut docs, &stage.body);
            }
            ItemKind::Provider(provider) => {
                self.word(&mut docs, "provider");
                self.word_span(&mut docs, provider.name.span);
                self.block(&mut docs, &provider.body);
            }
            ItemKind::Pipeline(pipeline) => {
                self.word(&mut docs, "pipeline");
                self.word_span(&mut docs, pipeline.name.span);
                if let Some(aws_name) = &pipeline.aws_name {
                    self.expr_behind(&mut docs, Doc::Text(" "), aws_name);
                }
                self.block(&mut docs, &pipeline.body);
            }
        }
        Doc::Concat(docs)
    }

    /// ` { … }`
    fn block(&mut self, docs: &mut Docs<'a>, block: &'a Block) {
        let mut ungrouped = Vec::new();
        let gap = self.gap(Doc::Text(" "));
        push(docs, gap);
        self.ungrouped_block(&mut ungrouped, self.is_broken(block.span), block);
        docs.push(Doc::Concat(ungrouped).group());
    }

    /// ` { … }`, which breaks together with what it stands in.
    fn ungrouped_block(&mut self, docs: &mut Docs<'a>, broken: bool, block: &'a Block) {
        let before = if docs.is_empty() { Doc::Nil } else { Doc::Text(" ") };
        let gap = self.gap(before);
        push(docs, gap);
        docs.push(self.brackets(BRACES, broken, &block.stmts, Self::stmt));
    }

    fn stmt(&mut self, stmt: &'a Stmt) -> Entry<'a> {
        let mut docs = Vec::new();
        match &stmt.kind {
            StmtKind::Field { name, value } => return self.field(name, value),
            StmtKind::Variable { name, default } => {
                self.word(&mut docs, "variable");
                self.word_span(&mut docs, name.span);
                if let Some(default) = default {
                    self.word(&mut docs, "=");
                    self.expr_behind(&mut docs, Doc::Text(" "), default);
                }
            }
            StmtKind::Trigger { action, body } => {
                self.word(&mut docs, "trigger");
                self.expr_behind(&mut docs, Doc::Text(" "), action);
                self.block(&mut docs, body);
            }
            StmtKind::Push { body } => self.words_block(&mut docs, &["push"], body),
            StmtKind::PullRequest { body } => self.words_block(&mut docs, &["pull_request"], body),
            StmtKind::Parallel { body } => self.words_block(&mut docs, &["parallel"], body),
            StmtKind::Local { body } => self.words_block(&mut docs, &["local"], body),
            StmtKind::Condition { position, body } => {
                let words = match position {
                    ConditionPosition::BeforeEntry => ["before", "entry"],
                    ConditionPosition::OnSuccess => ["on", "success"],
                    ConditionPosition::OnFailure => ["on", "failure"],
                };
                self.words_block(&mut docs, &words, body);
            }
            StmtKind::Stage { name, body } => {
                self.word(&mut docs, "stage");
                self.decl_name(&mut docs, name);
                self.block(&mut docs, body);
            }
            StmtKind::StageUse { name, template, body } => {
                self.declaration(&mut docs, "stage", name, template, body);
            }
            StmtKind::Action { name, provider, body } => {
                self.declaration(&mut docs, "action", name, provider, body);
            }
            StmtKind::Rule { name, provider, body } => {
                self.declaration(&mut docs, "rule", name, provider, body);
            }
            StmtKind::Output { name, from } => {
                self.word(&mut docs, "output");
                self.decl_name(&mut docs, name);
                if let Some(from) = from {
                    self.word(&mut docs, "from");
                    self.expr_behind(&mut docs, Doc::Text(" "), from);
                }
            }
            StmtKind::Export { name } => {
                self.word(&mut docs, "export");
                self.word_span(&mut docs, name.span);
            }
            StmtKind::For {
                first,
                second,
                iter,
                body,
            } => {
                self.word(&mut docs, "for");
                self.word_span(&mut docs, first.span);
                if let Some(second) = second {
                    self.glue(&mut docs, ",");
                    self.word_span(&mut docs, second.span);
                }
                self.word(&mut docs, "in");
                self.expr_behind(&mut docs, Doc::Text(" "), iter);
                self.block(&mut docs, body);
            }
            StmtKind::If { .. } => return self.if_stmt(stmt).into(),
            StmtKind::ProviderField { .. } => self.provider_field(&mut docs, stmt),
            StmtKind::Require { cond, message, at } => {
                self.word(&mut docs, "require");
                self.expr_behind(&mut docs, Doc::Text(" "), cond);
                let mut rest = Vec::new();
                self.token(&mut rest, Doc::Line, "else");
                self.expr_behind(&mut rest, Doc::Text(" "), message);
                if let Some(at) = at {
                    self.word(&mut rest, "at");
                    self.word_span(&mut rest, at.span);
                }
                docs.push(Doc::Concat(rest).nest());
                return Doc::Concat(docs).group().into();
            }
            StmtKind::LocalDriver { driver } => {
                self.word(&mut docs, "local");
                self.word_span(&mut docs, driver.span);
            }
        }
        Doc::Concat(docs).into()
    }

    fn words_block(&mut self, docs: &mut Docs<'a>, words: &[&'static str], body: &'a Block) {
        for word in words {
            self.word(docs, word);
        }
        self.block(docs, body);
    }

    /// `action image[svc] "AWS" = build.codebuild { … }`
    fn declaration(
        &mut self,
        docs: &mut Docs<'a>,
        keyword: &'static str,
        name: &'a DeclName,
        template: &'a Path,
        body: &'a Block,
    ) {
        self.word(docs, keyword);
        self.decl_name(docs, name);
        self.template(docs, template, body);
    }

    fn decl_name(&mut self, docs: &mut Docs<'a>, name: &'a DeclName) {
        self.word_span(docs, name.ident.span);
        if let Some(key) = &name.key {
            self.glue(docs, "[");
            self.expr_behind(docs, Doc::Nil, key);
            self.glue(docs, "]");
        }
        if let Some(aws_name) = &name.aws_name {
            self.expr_behind(docs, Doc::Text(" "), aws_name);
        }
    }

    /// ` = module.name { … }`
    fn template(&mut self, docs: &mut Docs<'a>, template: &'a Path, body: &'a Block) {
        self.word(docs, "=");
        for (at, segment) in template.segments.iter().enumerate() {
            if at == 0 {
                self.word_span(docs, segment.span);
            } else {
                self.glue(docs, ".");
                self.glue_span(docs, segment.span);
            }
        }
        self.block(docs, body);
    }

    /// `if cond { … } else if cond { … } else { … }`: the blocks are broken all or none.
    fn if_stmt(&mut self, stmt: &'a Stmt) -> Doc<'a> {
        let mut docs = Vec::new();
        self.word(&mut docs, "if");
        let broken = self.text[self.next..stmt.span.end as usize].contains('\n');
        let mut rest = Some(stmt);
        while let Some(StmtKind::If { cond, then, otherwise }) = rest.take().map(|stmt| &stmt.kind) {
            self.expr_behind(&mut docs, Doc::Text(" "), cond);
            self.ungrouped_block(&mut docs, broken, then);
            let Some(block) = otherwise else { break };
            let gap = self.level_gap(Doc::Text(" "));
            docs.push(gap);
            self.glue(&mut docs, "else");
            match block.stmts.as_slice() {
                [inner] if inner.span == block.span => {
                    self.word(&mut docs, "if");
                    rest = Some(inner);
                }
                _ => self.ungrouped_block(&mut docs, broken, block),
            }
        }
        Doc::Concat(docs).group()
    }

    /// `field name "AwsKey": type = default encoded csv`
    fn provider_field(&mut self, docs: &mut Docs<'a>, stmt: &'a Stmt) {
        let StmtKind::ProviderField {
            name,
            aws_key,
            ty,
            default,
            encoding,
        } = &stmt.kind
        else {
            unreachable!("the caller looked");
        };
        self.word(docs, "field");
        self.word_span(docs, name.span);
        if let Some(aws_key) = aws_key {
            self.expr_behind(docs, Doc::Text(" "), aws_key);
        }
        self.annotation(docs, ty);
        if let Some(default) = default {
            self.word(docs, "=");
            self.expr_behind(docs, Doc::Text(" "), default);
        }
        if let Some(encoding) = encoding {
            self.word(docs, "encoded");
            self.word_span(docs, encoding.span);
        }
    }
}

fn write_row(row: Row, out: &mut String) {
    let rows = Rows {
        rows: vec![row],
        commas: false,
    };
    render(&Doc::Rows(Box::new(rows)), out);
    out.push('\n');
}

/// Whether no blank line need stand between two items.
fn may_touch(before: &Item, item: &Item) -> bool {
    matches!(
        (&before.kind, &item.kind),
        (ItemKind::Import(_), ItemKind::Import(_))
            | (ItemKind::Param(_), ItemKind::Param(_))
            | (ItemKind::Const(_), ItemKind::Const(_))
    )
}
