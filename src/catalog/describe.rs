//! Types as people write them, for messages and for the reference.

use std::fmt::{self, Display, Formatter};

use crate::syntax::ast::{Expr, ExprKind, TypeExpr, TypeExprKind};

/// A type on one line: `list<string(1..100)>?`.
pub fn type_text(ty: &TypeExpr) -> String {
    Written(ty).to_string()
}

struct Written<'a>(&'a TypeExpr);

impl Display for Written<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            TypeExprKind::Name(path) => {
                let words: Vec<&str> = path.iter().map(|word| word.text.as_str()).collect();
                f.write_str(&words.join("."))
            }
            TypeExprKind::List(inner) => write!(f, "list<{}>", Written(inner)),
            TypeExprKind::Map(inner) => write!(f, "map<{}>", Written(inner)),
            TypeExprKind::Record(fields) => {
                let fields = fields.iter().map(|field| {
                    let mark = if field.optional { "?" } else { "" };
                    format!("{}{mark}: {}", field.name.text, Written(&field.ty))
                });
                write!(f, "{{ {} }}", fields.collect::<Vec<_>>().join(", "))
            }
            TypeExprKind::Literal(value) => f.write_str(&literal(value)),
            TypeExprKind::Union(types) => {
                let types: Vec<String> = types.iter().map(type_text).collect();
                f.write_str(&types.join(" | "))
            }
            TypeExprKind::Optional(inner) => write!(f, "{}?", Written(inner)),
            TypeExprKind::Range { base, low, high } => {
                let bound = |bound: &Option<i64>| bound.map(|bound| bound.to_string()).unwrap_or_default();
                write!(f, "{}({}..{})", Written(base), bound(low), bound(high))
            }
            TypeExprKind::Pattern { base, pattern } => write!(f, "{}(/{pattern}/)", Written(base)),
            TypeExprKind::Paren(inner) => write!(f, "({})", Written(inner)),
            TypeExprKind::Error => f.write_str("…"),
        }
    }
}

/// A type's literal; the parser takes no others than these.
fn literal(value: &Expr) -> String {
    match &value.kind {
        ExprKind::Str(text) => format!("{:?}", text.as_text().unwrap_or_default()),
        ExprKind::Int(number) => number.to_string(),
        ExprKind::Bool(value) => value.to_string(),
        _ => "…".to_owned(),
    }
}
