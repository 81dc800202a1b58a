//! Values from outside for the main file's parameters: `-D name=value` and `--params file.json`.

use crate::diagnostic::suggest::listed;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{FileId, Sources, Span};
use crate::syntax::ast::{ExprKind, Item, ItemKind};

use super::codes;
use super::eval::Evaluator;
use super::program::ModuleId;
use super::ty::{Literal, Ty};
use super::value::Value;

/// Reads the given values by their parameters' types and hands them to the evaluator. A value from `-D` wins over one
/// from a file.
pub fn give<'p>(
    ev: &mut Evaluator<'p, '_>,
    sources: &mut Sources,
    defines: &[(String, String)],
    params: &serde_json::Map<String, serde_json::Value>,
) {
    for (name, value) in params {
        if defines.iter().any(|(defined, _)| defined == name) {
            continue;
        }
        let span = place(sources, "<parameters>", &format!("{name:?}: {value}"));
        let Some(ty) = parameter(ev, name, span) else { continue };
        let value = Value::from_json(value);
        let value = ev.fit(value, &ty, span);
        ev.given.insert(name.clone(), value);
    }
    for (name, text) in defines {
        let span = place(sources, "<command line>", &format!("-D {name}={text}"));
        let Some(ty) = parameter(ev, name, span) else { continue };
        let value = match from_text(text, &ty) {
            Some(value) => ev.fit(value, &ty, span),
            None => {
                let message = format!("`{text}` is not a value of type `{ty}`");
                let help = match ty.required() {
                    Ty::List(..) | Ty::Map(..) | Ty::Record(_) => "write it as JSON",
                    Ty::Duration => "write a number and a unit, such as `30m`",
                    _ => "give a value of that type",
                };
                ev.emit(Diagnostic::new(&codes::TYPE_MISMATCH, span, message).with_help(help))
            }
        };
        ev.given.insert(name.clone(), value);
    }
}

/// A text of its own for what was given, so that reports can point at it.
fn place(sources: &mut Sources, name: &str, text: &str) -> Span {
    let file = sources.add(name, None, text);
    Span::new(file, 0, text.len())
}

/// The type of the main file's parameter of this name.
fn parameter(ev: &mut Evaluator<'_, '_>, name: &str, span: Span) -> Option<Ty> {
    let module = ModuleId(0);
    let params = ev
        .program
        .module(module)
        .ast
        .items
        .iter()
        .filter_map(|item| match &item.kind {
            ItemKind::Param(param) => Some(param),
            _ => None,
        });
    let params: Vec<_> = params.collect();
    match params.iter().find(|param| param.name.text == name) {
        Some(param) => Some(ev.lower_type(&param.ty, module)),
        None => {
            let names = params.iter().map(|param| param.name.text.as_str());
            let help = ev
                .diags
                .did_you_mean(name, names.clone())
                .unwrap_or_else(|| match params.is_empty() {
                    true => "the file declares no parameters".to_owned(),
                    false => format!("its parameters are {}", listed(names)),
                });
            let message = format!("the file has no parameter `{name}`");
            ev.emit(Diagnostic::new(&codes::UNKNOWN_PARAMETER, span, message).with_help(help));
            None
        }
    }
}

fn from_text<'p>(text: &str, ty: &Ty) -> Option<Value<'p>> {
    match ty.required() {
        Ty::String(..) | Ty::Literal(Literal::Str(_)) | Ty::Any | Ty::Error => Some(Value::str(text)),
        Ty::Int(_) | Ty::Literal(Literal::Int(_)) => text.parse().ok().map(Value::Int),
        Ty::Bool | Ty::Literal(Literal::Bool(_)) => text.parse().ok().map(Value::Bool),
        Ty::Duration => duration(text).map(Value::Duration),
        Ty::List(..) | Ty::Map(..) | Ty::Record(_) => {
            serde_json::from_str(text).ok().map(|json| Value::from_json(&json))
        }
        Ty::Union(members) => {
            let rank = |ty: &Ty| matches!(ty, Ty::String(..) | Ty::Literal(Literal::Str(_)));
            let others = members.iter().filter(|ty| !rank(ty)).find_map(|ty| from_text(text, ty));
            others.or_else(|| members.iter().find_map(|ty| from_text(text, ty)))
        }
        Ty::Artifact | Ty::File | Ty::Secret | Ty::Optional(_) => None,
    }
}

/// A duration as a file would have it.
fn duration(text: &str) -> Option<u64> {
    let mut found = Diagnostics::default();
    let file = crate::syntax::parse(&format!("const it = {text}"), FileId::default(), &mut found);
    match (file.items.as_slice(), found.is_empty()) {
        (
            [
                Item {
                    kind: ItemKind::Const(constant),
                    ..
                },
            ],
            true,
        ) => match constant.value.kind {
            ExprKind::Duration(seconds) => Some(seconds),
            _ => None,
        },
        _ => None,
    }
}
