//! What can be wrong with a text before anything is known about its meaning.

use crate::diagnostic::Code;

pub static COMPARISON_CHAIN: Code = Code::error("comparison-chain", "comparisons that are chained without parentheses");
pub static INVALID_BOUNDS: Code = Code::error("invalid-bounds", "a type's bounds that are not a range");
pub static INVALID_ESCAPE: Code = Code::error("invalid-escape", "an escape that strings do not have");
pub static INVALID_INDENTATION: Code = Code::error(
    "invalid-indentation",
    "a line of a multi-line string that begins left of its end",
);
pub static INVALID_NUMBER: Code = Code::error("invalid-number", "a number or duration that is not one");
pub static MISPLACED_ITEM: Code = Code::error(
    "misplaced-item",
    "something inside a block that belongs at the top of a file",
);
pub static MISPLACED_STATEMENT: Code = Code::error(
    "misplaced-statement",
    "something at the top of a file that belongs inside a block",
);
pub static MISSING_BLOCK: Code = Code::error("missing-block", "a statement without the braces it needs");
pub static MISSING_COLON: Code = Code::error("missing-colon", "a forgotten colon");
pub static MISSING_COMMA: Code = Code::error(
    "missing-comma",
    "entries that neither a comma nor a line break separates",
);
pub static MISSING_EQUALS: Code = Code::error("missing-equals", "a forgotten equals sign");
pub static MISSING_KEYWORD: Code = Code::error("missing-keyword", "a forgotten word, like `in` or `else`");
pub static MISSING_NAME: Code = Code::error("missing-name", "a declaration or field access without a name");
pub static MISSING_PARAMETERS: Code = Code::error(
    "missing-parameters",
    "a function or template without a list of parameters",
);
pub static MISSING_TYPE: Code = Code::error("missing-type", "a place for a type that is empty");
pub static MISSING_VALUE: Code = Code::error("missing-value", "a place for a value that is empty");
pub static NEGATIVE_NUMBER: Code = Code::error("negative-number", "a number below zero");
pub static NESTING_TOO_DEEP: Code = Code::error("nesting-too-deep", "brackets, blocks or operators nested too deeply");
pub static STRAY_BRACE: Code = Code::error("stray-brace", "a closing brace that closes nothing");
pub static STRAY_COMMA: Code = Code::error("stray-comma", "a comma with nothing before it");
pub static STRAY_ELSE: Code = Code::error("stray-else", "an `else` that does not follow an `if`");
pub static UNCLOSED_BRACE: Code = Code::error("unclosed-brace", "a brace that nothing closes");
pub static UNCLOSED_BRACKET: Code = Code::error("unclosed-bracket", "a bracket or parenthesis that nothing closes");
pub static UNEXPECTED_CHARACTER: Code =
    Code::error("unexpected-character", "a character that the language does not use");
pub static UNEXPECTED_TEXT: Code = Code::error("unexpected-text", "text that means nothing where it stands");
pub static UNKNOWN_STATEMENT: Code = Code::error("unknown-statement", "a statement that begins with an unknown word");
pub static UNTERMINATED_COMMENT: Code = Code::error("unterminated-comment", "a block comment that nothing ends");
pub static UNTERMINATED_STRING: Code = Code::error("unterminated-string", "a string without its closing quote");

pub static ALL: &[&Code] = &[
    &COMPARISON_CHAIN,
    &INVALID_BOUNDS,
    &INVALID_ESCAPE,
    &INVALID_INDENTATION,
    &INVALID_NUMBER,
    &MISPLACED_ITEM,
    &MISPLACED_STATEMENT,
    &MISSING_BLOCK,
    &MISSING_COLON,
    &MISSING_COMMA,
    &MISSING_EQUALS,
    &MISSING_KEYWORD,
    &MISSING_NAME,
    &MISSING_PARAMETERS,
    &MISSING_TYPE,
    &MISSING_VALUE,
    &NEGATIVE_NUMBER,
    &NESTING_TOO_DEEP,
    &STRAY_BRACE,
    &STRAY_COMMA,
    &STRAY_ELSE,
    &UNCLOSED_BRACE,
    &UNCLOSED_BRACKET,
    &UNEXPECTED_CHARACTER,
    &UNEXPECTED_TEXT,
    &UNKNOWN_STATEMENT,
    &UNTERMINATED_COMMENT,
    &UNTERMINATED_STRING,
];
