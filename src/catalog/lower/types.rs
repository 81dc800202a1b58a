//! What can be seen of a field's type without knowing what the names in it stand for.

use crate::catalog::Encoding;
use crate::syntax::ast::{TypeExpr, TypeExprKind};

pub(super) fn is_optional(ty: &TypeExpr) -> bool {
    matches!(bare(ty).kind, TypeExprKind::Optional(_))
}

/// The type without parentheses around it.
fn bare(ty: &TypeExpr) -> &TypeExpr {
    match &ty.kind {
        TypeExprKind::Paren(inner) => bare(inner),
        _ => ty,
    }
}

/// The type without `?` and refinements.
fn core(ty: &TypeExpr) -> &TypeExpr {
    match &ty.kind {
        TypeExprKind::Paren(inner)
        | TypeExprKind::Optional(inner)
        | TypeExprKind::Range { base: inner, .. }
        | TypeExprKind::Pattern { base: inner, .. } => core(inner),
        _ => ty,
    }
}

/// What an encoding can be applied to, if `ty` is certainly something else. A type with a name of the user's own may be
/// anything, and one of several alternatives is enough.
pub(super) fn encoding_wants(encoding: Encoding, ty: &TypeExpr) -> Option<&'static str> {
    let wanted = match encoding {
        Encoding::Plain | Encoding::Json => return None,
        Encoding::Csv | Encoding::Commands => "a list",
        Encoding::EnvJson | Encoding::Environment => "a map",
        Encoding::Minutes => "a duration",
    };
    (!may_be(core(ty), wanted)).then_some(wanted)
}

fn may_be(ty: &TypeExpr, wanted: &str) -> bool {
    match &ty.kind {
        TypeExprKind::List(_) => wanted == "a list",
        TypeExprKind::Map(_) | TypeExprKind::Record(_) => wanted == "a map",
        TypeExprKind::Union(types) => types.iter().any(|ty| may_be(core(ty), wanted)),
        TypeExprKind::Literal(_) => false,
        TypeExprKind::Name(path) => match path.as_slice() {
            [name] => match name.text.as_str() {
                "duration" => wanted == "a duration",
                "string" | "int" | "bool" | "artifact" | "file" | "secret" => false,
                _ => true,
            },
            _ => true,
        },
        _ => true,
    }
}
