//! What the parser makes of a statement before it knows where it stands.

use crate::syntax::ast::{Block, Expr, ItemKind, StmtKind};

/// What a statement turns out to be.
pub(super) enum Node {
    Stmt(StmtKind),
    Item(ItemKind),
    /// `else {` or, with its condition, `else if c {`
    Else(Option<Expr>),
    /// A block that begins with an unknown word: it is read for what is wrong inside, and dropped.
    Unknown,
}

impl Node {
    /// Gives a statement or item its block.
    pub(super) fn set_body(&mut self, body: Block) {
        match self {
            Self::Stmt(kind) => set_stmt_body(kind, body),
            Self::Item(kind) => set_item_body(kind, body),
            Self::Else(_) | Self::Unknown => {}
        }
    }
}

fn set_stmt_body(kind: &mut StmtKind, block: Block) {
    match kind {
        StmtKind::Trigger { body, .. }
        | StmtKind::Push { body }
        | StmtKind::PullRequest { body }
        | StmtKind::Stage { body, .. }
        | StmtKind::StageUse { body, .. }
        | StmtKind::Action { body, .. }
        | StmtKind::Parallel { body }
        | StmtKind::Condition { body, .. }
        | StmtKind::Rule { body, .. }
        | StmtKind::Local { body }
        | StmtKind::For { body, .. }
        | StmtKind::If { then: body, .. } => *body = block,
        StmtKind::Field { .. }
        | StmtKind::Variable { .. }
        | StmtKind::Output { .. }
        | StmtKind::Export { .. }
        | StmtKind::ProviderField { .. }
        | StmtKind::Require { .. }
        | StmtKind::LocalDriver { .. } => {}
    }
}

fn set_item_body(kind: &mut ItemKind, block: Block) {
    match kind {
        ItemKind::Action(item) => item.body = block,
        ItemKind::Stage(item) => item.body = block,
        ItemKind::Provider(item) => item.body = block,
        ItemKind::Pipeline(item) => item.body = block,
        ItemKind::Import(_) | ItemKind::Param(_) | ItemKind::Const(_) | ItemKind::Type(_) | ItemKind::Fn(_) => {}
    }
}
