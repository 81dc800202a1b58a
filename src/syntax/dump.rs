//! The AST as text, for tests and for the formatter's law.

use super::ast::{
    Block, CompVars, ConditionPosition, DeclName, Expr, ExprKind, File, Item, ItemKind, ListEntry, Param, Path,
    RecordEntry, Stmt, StmtKind, StrLit, StrPart, TypeExpr, TypeExprKind,
};

/// An S-expression of the AST without spans and comments: equal for two texts that say the same in the same order.
///
/// Parentheses that the author wrote are kept, and so is whether a string is a multi-line one: the formatter keeps both.
pub fn dump(file: &File) -> String {
    let mut out = Dump::default();
    for item in &file.items {
        out.item(item);
    }
    out.text
}

#[derive(Default)]
struct Dump {
    text: String,
    depth: usize,
}

impl Dump {
    /// One node on a line of its own.
    fn line(&mut self, text: &str) {
        for _ in 0..self.depth {
            self.text.push_str("  ");
        }
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn doc(&mut self, doc: Option<&String>) {
        if let Some(doc) = doc {
            self.line(&format!("(doc {doc:?})"));
        }
    }

    /// A node whose block follows on lines of its own.
    fn block(&mut self, head: &str, block: &Block) {
        self.line(&format!("({head}"));
        self.depth += 1;
        self.stmts(block);
        self.depth -= 1;
        self.line(")");
    }

    fn stmts(&mut self, block: &Block) {
        for stmt in &block.stmts {
            self.stmt(stmt);
        }
    }

    fn item(&mut self, item: &Item) {
        self.doc(item.doc.as_ref());
        match &item.kind {
            ItemKind::Import(item) => self.line(&format!("(import {} as {})", expr(&item.path), item.name.text)),
            ItemKind::Param(item) => self.line(&param("param", item)),
            ItemKind::Const(item) => {
                let ty = item.ty.as_ref().map(ty).map_or(String::new(), |ty| format!(" : {ty}"));
                self.line(&format!("(const {}{ty} {})", item.name.text, expr(&item.value)));
            }
            ItemKind::Type(item) => self.line(&format!("(type {} {})", item.name.text, ty(&item.ty))),
            ItemKind::Fn(item) => {
                let head = format!("fn {} {}", item.name.text, params(&item.params));
                self.line(&format!("({head} -> {} {})", ty(&item.result), expr(&item.body)));
            }
            ItemKind::Action(item) => {
                let provider = path(&item.provider);
                let head = format!(
                    "action-template {} {} = {provider}",
                    item.name.text,
                    params(&item.params)
                );
                self.block(&head, &item.body);
            }
            ItemKind::Stage(item) => {
                let head = format!("stage-template {} {}", item.name.text, params(&item.params));
                self.block(&head, &item.body);
            }
            ItemKind::Provider(item) => self.block(&format!("provider {}", item.name.text), &item.body),
            ItemKind::Pipeline(item) => {
                let aws_name = optional(item.aws_name.as_ref().map(expr));
                self.block(&format!("pipeline {}{aws_name}", item.name.text), &item.body);
            }
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        self.doc(stmt.doc.as_ref());
        match &stmt.kind {
            StmtKind::Field { name, value } => self.line(&format!("(= {} {})", key(&name.text), expr(value))),
            StmtKind::Variable { name, default } => {
                let default = optional(default.as_ref().map(expr));
                self.line(&format!("(variable {}{default})", name.text));
            }
            StmtKind::Trigger { action, body } => self.block(&format!("trigger {}", expr(action)), body),
            StmtKind::Push { body } => self.block("push", body),
            StmtKind::PullRequest { body } => self.block("pull_request", body),
            StmtKind::Stage { name, body } => self.block(&format!("stage {}", decl(name)), body),
            StmtKind::StageUse { name, template, body } => {
                self.block(&format!("stage {} = {}", decl(name), path(template)), body);
            }
            StmtKind::Action { name, provider, body } => {
                self.block(&format!("action {} = {}", decl(name), path(provider)), body);
            }
            StmtKind::Parallel { body } => self.block("parallel", body),
            StmtKind::Condition { position, body } => {
                let head = match position {
                    ConditionPosition::BeforeEntry => "before entry",
                    ConditionPosition::OnSuccess => "on success",
                    ConditionPosition::OnFailure => "on failure",
                };
                self.block(head, body);
            }
            StmtKind::Rule { name, provider, body } => {
                self.block(&format!("rule {} = {}", decl(name), path(provider)), body);
            }
            StmtKind::Output { name, from } => {
                let from = from
                    .as_ref()
                    .map_or(String::new(), |from| format!(" from {}", expr(from)));
                self.line(&format!("(output {}{from})", decl(name)));
            }
            StmtKind::Export { name } => self.line(&format!("(export {})", name.text)),
            StmtKind::Local { body } => self.block("local", body),
            StmtKind::For {
                first,
                second,
                iter,
                body,
            } => {
                let second = second
                    .as_ref()
                    .map_or(String::new(), |second| format!(" {}", second.text));
                self.block(&format!("for {}{second} in {}", first.text, expr(iter)), body);
            }
            StmtKind::If { cond, then, otherwise } => {
                self.line(&format!("(if {}", expr(cond)));
                self.depth += 1;
                self.block("then", then);
                if let Some(otherwise) = otherwise {
                    self.block("else", otherwise);
                }
                self.depth -= 1;
                self.line(")");
            }
            StmtKind::ProviderField {
                name,
                aws_key,
                ty: field_ty,
                default,
                encoding,
            } => {
                let aws_key = optional(aws_key.as_deref().map(expr));
                let default = default
                    .as_ref()
                    .map_or(String::new(), |value| format!(" = {}", expr(value)));
                let encoding = encoding
                    .as_ref()
                    .map_or(String::new(), |name| format!(" encoded {}", name.text));
                let ty = ty(field_ty);
                self.line(&format!("(field {}{aws_key} : {ty}{default}{encoding})", name.text));
            }
            StmtKind::Require { cond, message, at } => {
                let at = at.as_ref().map_or(String::new(), |at| format!(" at {}", at.text));
                self.line(&format!("(require {} {}{at})", expr(cond), expr(message)));
            }
            StmtKind::LocalDriver { driver } => self.line(&format!("(local {})", driver.text)),
        }
    }
}

fn optional(text: Option<String>) -> String {
    text.map_or(String::new(), |text| format!(" {text}"))
}

/// A key, quoted only if it has to be: quotes that change nothing are not part of the meaning.
fn key(text: &str) -> String {
    let is_word = text.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
        && text
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || char == '_' || char == '-');
    if is_word { text.to_owned() } else { format!("{text:?}") }
}

fn path(path: &Path) -> String {
    let words: Vec<&str> = path.segments.iter().map(|segment| segment.text.as_str()).collect();
    words.join(".")
}

fn decl(name: &DeclName) -> String {
    let key = name
        .key
        .as_ref()
        .map_or(String::new(), |key| format!("[{}]", expr(key)));
    let aws_name = optional(name.aws_name.as_deref().map(expr));
    format!("{}{key}{aws_name}", name.ident.text)
}

fn params(params: &[Param]) -> String {
    let params: Vec<String> = params.iter().map(|item| param("param", item)).collect();
    format!("({})", params.join(" "))
}

fn param(word: &str, param: &Param) -> String {
    let default = optional(param.default.as_ref().map(expr));
    format!("({word} {} : {}{default})", param.name.text, ty(&param.ty))
}

fn list<T>(word: &str, entries: &[T], print: impl Fn(&T) -> String) -> String {
    let mut out = format!("({word}");
    for entry in entries {
        out.push(' ');
        out.push_str(&print(entry));
    }
    out.push(')');
    out
}

fn expr(value: &Expr) -> String {
    match &value.kind {
        ExprKind::Str(lit) => string(lit),
        ExprKind::Int(value) => value.to_string(),
        ExprKind::Duration(seconds) => format!("{seconds}s"),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::None => "none".to_owned(),
        ExprKind::Name(name) => name.clone(),
        ExprKind::List(entries) => list("list", entries, |entry| match entry {
            ListEntry::Item(item) => expr(item),
            ListEntry::Spread(item) => format!("...{}", expr(item)),
        }),
        ExprKind::Record(entries) => list("record", entries, |entry| match entry {
            RecordEntry::Field { key: name, value, .. } => format!("({} {})", key(&name.text), expr(value)),
            RecordEntry::Spread(item) => format!("...{}", expr(item)),
        }),
        ExprKind::ListComp { vars, value } => format!("(list-for {} {})", comp(vars), expr(value)),
        ExprKind::MapComp { vars, key, value } => format!("(map-for {} {} {})", comp(vars), expr(key), expr(value)),
        ExprKind::Field { base, name } => format!("(. {} {})", expr(base), name.text),
        ExprKind::Index { base, index } => format!("(index {} {})", expr(base), expr(index)),
        ExprKind::Call { callee, args } => list(&format!("call {}", expr(callee)), args, expr),
        ExprKind::Not(inner) => format!("(! {})", expr(inner)),
        ExprKind::Binary { op, left, right } => format!("({} {} {})", op.symbol(), expr(left), expr(right)),
        ExprKind::If { cond, then, otherwise } => format!("(if {} {} {})", expr(cond), expr(then), expr(otherwise)),
        ExprKind::Paren(inner) => format!("(paren {})", expr(inner)),
        ExprKind::Range { low, high } => format!("{low}..{high}"),
        ExprKind::Error => "<error>".to_owned(),
    }
}

fn comp(vars: &CompVars) -> String {
    let second = vars
        .second
        .as_ref()
        .map_or(String::new(), |second| format!(" {}", second.text));
    let cond = vars
        .cond
        .as_ref()
        .map_or(String::new(), |cond| format!(" if {}", expr(cond)));
    format!("({}{second} in {}{cond})", vars.first.text, expr(&vars.iter))
}

fn string(lit: &StrLit) -> String {
    let word = if lit.multiline { "text" } else { "string" };
    match lit.as_text() {
        Some(text) if !lit.multiline => format!("{text:?}"),
        _ => list(word, &lit.parts, |part| match part {
            StrPart::Text(text) => format!("{text:?}"),
            StrPart::Interpolation(inner) => expr(inner),
        }),
    }
}

fn ty(value: &TypeExpr) -> String {
    match &value.kind {
        TypeExprKind::Name(words) => words
            .iter()
            .map(|word| word.text.as_str())
            .collect::<Vec<_>>()
            .join("."),
        TypeExprKind::List(item) => format!("(list {})", ty(item)),
        TypeExprKind::Map(item) => format!("(map {})", ty(item)),
        TypeExprKind::Record(fields) => list("record", fields, |field| {
            let optional = if field.optional { "?" } else { "" };
            format!("({}{optional} {})", field.name.text, ty(&field.ty))
        }),
        TypeExprKind::Literal(value) => expr(value),
        TypeExprKind::Union(types) => list("|", types, ty),
        TypeExprKind::Optional(inner) => format!("(? {})", ty(inner)),
        TypeExprKind::Range { base, low, high } => {
            let bound = |bound: &Option<i64>| bound.map_or(String::new(), |bound| bound.to_string());
            format!("({} {}..{})", ty(base), bound(low), bound(high))
        }
        TypeExprKind::Pattern { base, pattern } => format!("({} /{pattern}/)", ty(base)),
        TypeExprKind::Paren(inner) => format!("(paren {})", ty(inner)),
        TypeExprKind::Error => "<error>".to_owned(),
    }
}
