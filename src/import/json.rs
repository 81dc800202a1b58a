//! JSON text as a [`Tree`].

use jsonc_parser::ast;
use jsonc_parser::common::Range;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::codes;
use super::tree::{Tree, Value};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{FileId, Span, Spanned};

/// The document, or none and a report of the first place where it is no JSON.
pub(super) fn parse(text: &str, file: FileId, diags: &mut Diagnostics) -> Option<Tree> {
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let span = |range: Range| Span::new(file, range.start, range.end);
    match parse_to_ast(text, &CollectOptions::default(), &strict) {
        Ok(parsed) => match parsed.value {
            Some(value) => Some(tree(value, &span)),
            None => {
                let at = Span::new(file, 0, 0);
                diags.emit(Diagnostic::new(&codes::INVALID_JSON, at, "the document is empty"));
                None
            }
        },
        Err(error) => {
            let message = format!("this is not JSON: {}", lower_first(&error.kind().to_string()));
            diags.emit(Diagnostic::new(&codes::INVALID_JSON, span(error.range()), message));
            None
        }
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

fn tree(value: ast::Value<'_>, span: &dyn Fn(Range) -> Span) -> Tree {
    match value {
        ast::Value::StringLit(text) => Tree::new(Value::String(text.value.into_owned()), span(text.range)),
        ast::Value::NumberLit(number) => Tree::new(Value::Number(number.value.to_owned()), span(number.range)),
        ast::Value::BooleanLit(value) => Tree::new(Value::Bool(value.value), span(value.range)),
        ast::Value::NullKeyword(null) => Tree::new(Value::Null, span(null.range)),
        ast::Value::Array(array) => {
            let items = array.elements.into_iter().map(|item| tree(item, span)).collect();
            Tree::new(Value::List(items), span(array.range))
        }
        ast::Value::Object(object) => {
            let entries = object.properties.into_iter().map(|property| {
                let key = match property.name {
                    ast::ObjectPropName::String(text) => Spanned::new(text.value.into_owned(), span(text.range)),
                    ast::ObjectPropName::Word(word) => Spanned::new(word.value.to_owned(), span(word.range)),
                };
                (key, tree(property.value, span))
            });
            Tree::new(Value::Map(entries.collect()), span(object.range))
        }
    }
}
