//! The values of settings: written out, so that a declaration means the same wherever it is read.
//!
//! Each function gives nothing for an expression that its setting does not take.

use super::{CATEGORIES, OWNERS, one_of};
use crate::catalog::{Count, Exports};
use crate::ir::TypeId;
use crate::syntax::ast::{Expr, ExprKind, ListEntry};

pub(super) fn text(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Str(text) => text.as_text().map(str::to_owned),
        _ => None,
    }
}

pub(super) fn texts(expr: &Expr) -> Option<Vec<String>> {
    let ExprKind::List(entries) = &expr.kind else {
        return None;
    };
    entries
        .iter()
        .map(|entry| match entry {
            ListEntry::Item(item) => text(item),
            ListEntry::Spread(_) => None,
        })
        .collect()
}

pub(super) fn boolean(expr: &Expr) -> Option<bool> {
    match expr.kind {
        ExprKind::Bool(value) => Some(value),
        _ => None,
    }
}

/// `1` or `0..5`.
pub(super) fn count(expr: &Expr) -> Option<Count> {
    let (low, high) = match expr.kind {
        ExprKind::Int(exact) => (exact, exact),
        ExprKind::Range { low, high } => (low, high),
        _ => return None,
    };
    let (min, max) = (u32::try_from(low).ok()?, u32::try_from(high).ok()?);
    (min <= max).then_some(Count { min, max })
}

pub(super) fn exports(expr: &Expr) -> Option<Exports> {
    match text(expr).as_deref() {
        Some("open") => Some(Exports::Open),
        Some("declared") => Some(Exports::Declared),
        Some(_) => None,
        None => texts(expr).map(Exports::Fixed),
    }
}

/// Whether only V2 pipelines take the provider.
pub(super) fn pipeline_type(expr: &Expr) -> Option<bool> {
    match text(expr)?.as_str() {
        "V2" => Some(true),
        "V1" => Some(false),
        _ => None,
    }
}

/// Reads `Build/Custom/Jenkins/1`, or says what is wrong with it. The patterns are the API model's.
pub(super) fn type_id(text: &str) -> Result<TypeId, String> {
    let id = TypeId::parse(text).ok_or_else(|| format!("`{text}` has not four parts"))?;
    if !CATEGORIES.contains(&id.category.as_str()) {
        return Err(format!("`{}` is no category: {}", id.category, one_of(&CATEGORIES)));
    }
    if !OWNERS.contains(&id.owner.as_str()) {
        return Err(format!("`{}` is no owner: {}", id.owner, one_of(&OWNERS)));
    }
    if !is_identifier(&id.provider, 35) {
        return Err(format!(
            "`{}` is no provider's name: 1 to 35 letters, digits, `_` and `-`",
            id.provider
        ));
    }
    if !is_identifier(&id.version, 9) {
        return Err(format!(
            "`{}` is no version: 1 to 9 letters, digits, `_` and `-`",
            id.version
        ));
    }
    Ok(id)
}

fn is_identifier(text: &str, longest: usize) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=longest).contains(&text.len()) && text.bytes().all(legal)
}
