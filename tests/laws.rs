//! What holds of any text that is parsed.

use std::path::Path;

use pipe::diagnostic::Diagnostics;
use pipe::source::{FileId, Span};
use pipe::syntax;
use proptest::prelude::*;

use crate::support::spans;

const TOKENS: &[&str] = &[
    "action",
    "stage",
    "pipeline",
    "parallel",
    "for",
    "in",
    "if",
    "else",
    "then",
    "local",
    "output",
    "from",
    "export",
    "rule",
    "on",
    "failure",
    "before",
    "entry",
    "field",
    "require",
    "at",
    "encoded",
    "param",
    "const",
    "type",
    "fn",
    "import",
    "as",
    "provider",
    "variable",
    "trigger",
    "push",
    "pull_request",
    "x",
    "build.codebuild",
    "true",
    "none",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    "=",
    "==",
    "!=",
    "&&",
    "||",
    "!",
    ":",
    ",",
    ".",
    "..",
    "...",
    "->",
    "?",
    "|",
    "\"",
    "\"\"\"",
    "\"text\"",
    "\"a ${b} c\"",
    "${",
    "\\",
    "\\n",
    "'",
    ";",
    "@",
    "-1",
    "42",
    "1_000",
    "30m",
    "5w",
    "(1..5)",
    "(/re/)",
    "/",
    "//",
    "///",
    "/*",
    "*/",
    "\n",
    "\n  ",
    "\n    ",
    " ",
    "\r\n",
    "\t",
    "é",
    "\u{0}",
    "\u{a0}",
    "string",
    "list<string>",
    "map<",
    "stgae",
    "actoin",
    "name =",
    "= \"x\"",
];

/// Parses, and holds what is true of every text against the result.
fn hold(text: &str) -> (syntax::ast::File, Diagnostics) {
    let mut diags = Diagnostics::default();
    let file = syntax::parse(text, FileId(3), &mut diags);
    let whole = Span::new(FileId(3), 0, text.len());
    let check = |outer: Span, inner: Span| {
        assert_eq!(inner.file, FileId(3));
        assert!(inner.start <= inner.end, "{inner:?} in {text:?}");
        assert!(text.get(inner.range()).is_some(), "{inner:?} is no place in {text:?}");
        assert!(
            outer.start <= inner.start && inner.end <= outer.end,
            "{inner:?} is not inside {outer:?} in {text:?}"
        );
    };
    spans::walk(&file, whole, &mut |outer, inner| check(outer, inner));
    let mut last = 0;
    for comment in &file.comments {
        check(whole, comment.span);
        assert!(comment.span.start >= last, "comments are not in order in {text:?}");
        assert!(text[comment.span.range()].starts_with('/'), "{comment:?} in {text:?}");
        last = comment.span.end;
    }
    for diagnostic in diags.iter() {
        check(whole, diagnostic.primary.span);
        diagnostic.others.iter().for_each(|label| check(whole, label.span));
        diagnostic.fix.iter().for_each(|edit| check(whole, edit.span));
        assert!(!diagnostic.message.is_empty());
    }
    syntax::dump(&file);
    (file, diags)
}

/// The files of the tests that have no mistakes.
fn valid_files() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/syntax/ok");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the cases are there")
        .map(|entry| entry.expect("a readable entry").path())
        .collect();
    paths.sort();
    let texts: Vec<String> = paths
        .iter()
        .map(|path| std::fs::read_to_string(path).expect("a readable case"))
        .collect();
    assert!(texts.len() >= 5);
    texts
}

/// A text cut into words, spaces and signs.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |char: char| char.is_alphanumeric() || char == '_';
        let same = |char: char| is_word(char) && is_word(first) || char == ' ' && first == ' ';
        let end = rest
            .find(|char| !same(char))
            .unwrap_or(rest.len())
            .max(first.len_utf8());
        pieces.push(&rest[..end]);
        rest = &rest[end..];
    }
    pieces
}

/// One change of a text: what, where, and another place.
fn change(text: &str, what: u8, at: prop::sample::Index, other: prop::sample::Index) -> String {
    let mut pieces = pieces(text);
    let (at, other) = (at.index(pieces.len()), other.index(pieces.len()));
    match what {
        0 => {
            pieces.remove(at);
        }
        1 => pieces.insert(at, pieces[at]),
        2 => pieces.swap(at, other),
        3 => pieces.insert(at, pieces[other]),
        4 => pieces.truncate(at),
        _ => pieces.insert(at, TOKENS[other.index_in(TOKENS.len())]),
    }
    pieces.concat()
}

trait IndexIn {
    fn index_in(&self, len: usize) -> usize;
}

impl IndexIn for usize {
    fn index_in(&self, len: usize) -> usize {
        self % len
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_parses(text in "\\PC{0,200}") {
        hold(&text);
    }

    #[test]
    fn any_ascii_parses(text in "[ -~\n\t\r]{0,300}") {
        hold(&text);
    }

    #[test]
    fn any_row_of_tokens_parses(
        tokens in prop::collection::vec((prop::sample::select(TOKENS), prop::sample::select(&["", " ", " ", "\n"][..])), 0..80)
    ) {
        let text: String = tokens.iter().flat_map(|&(token, space)| [token, space]).collect();
        hold(&text);
    }

    #[test]
    fn any_broken_file_parses(
        file in any::<prop::sample::Index>(),
        changes in prop::collection::vec((0..6u8, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
    ) {
        let files = valid_files();
        let mut text = files[file.index(files.len())].clone();
        for (what, at, other) in changes {
            if !text.is_empty() {
                text = change(&text, what, at, other);
            }
        }
        hold(&text);
    }
}

#[test]
fn valid_files_give_no_report() {
    for text in valid_files() {
        let (file, diags) = hold(&text);
        assert!(diags.is_empty(), "{diags:?}");
        let crlf = text.replace('\n', "\r\n");
        let (same, diags) = hold(&crlf);
        assert!(diags.is_empty(), "{diags:?}");
        assert_eq!(syntax::dump(&file), syntax::dump(&same));
    }
}

/// Cutting a file anywhere is reported, unless it is cut between two items.
#[test]
fn cut_files_are_reported() {
    let text = &valid_files()[4];
    for end in (0..text.len()).filter(|&end| text.is_char_boundary(end)) {
        hold(&text[..end]);
    }
}

/// A million of anything that opens something is too much, and no more than that.
#[test]
fn deep_nesting_is_refused() {
    for open in [
        "[",
        "(",
        "{",
        "!",
        "\"${",
        "/*",
        "a = {",
        "a = [",
        "x(",
        "x[",
        "if a then ",
        "list<",
        "(1..",
        "action a = b {",
        "parallel {\n",
        "if a { } else ",
        "a.",
        "a && ",
        "-",
    ] {
        for start in ["", "const a = ", "type a = ", "pipeline p {\n  x = "] {
            let text = format!("{start}{}", open.repeat(10_000));
            let (_, diags) = hold(&text);
            assert!(diags.has_errors(), "{start}{open}…");
        }
    }
}

#[test]
fn as_deep_as_allowed_is_fine() {
    for (open, close) in [
        ("[", "]"),
        ("(", ")"),
        ("{ a = ", " }"),
        ("f(", ")"),
        ("x[", "]"),
        ("\"${", "}\""),
    ] {
        let text = |depth: usize| format!("const a = {}1{}\n", open.repeat(depth), close.repeat(depth));
        assert!(!hold(&text(syntax::MAX_NESTING)).1.has_errors(), "{open}");
        assert!(hold(&text(syntax::MAX_NESTING + 1)).1.has_errors(), "{open}");
    }
    let blocks = |depth: usize| {
        format!(
            "{}{}",
            "pipeline p {\n".to_owned() + &"parallel {\n".repeat(depth - 1),
            "}\n".repeat(depth)
        )
    };
    assert!(!hold(&blocks(syntax::MAX_NESTING)).1.has_errors());
    assert!(hold(&blocks(syntax::MAX_NESTING + 1)).1.has_errors());
}
