//! References to variables by the names that a pipeline's source gives.

use crate::ir::VariableRef;

use super::index::{Index, Meaning};
use super::names::Names;
use super::text::References;
use super::tree::{Expr, Name};

/// By the names of the pipeline.
pub(super) struct Named<'n, 'i> {
    pub index: &'n Index<'i>,
    pub names: &'n Names,
}

impl References for Named<'_, '_> {
    fn reference(&self, variable: &VariableRef) -> Option<Expr> {
        Some(match self.index.meaning(variable)? {
            Meaning::Pipeline(name) => Expr::Name(Name::plain(name)),
            Meaning::Execution => Expr::Plain("execution.id".to_owned()),
            Meaning::Output(action, key) => Expr::Member(self.names.actions[action].clone(), key.to_owned()),
        })
    }
}
