//! Texts and files with some changes.

use std::fmt::Write as _;

use fastrand::Rng;

/// What means something to the language or in YAML and XML, and what means trouble to readers of text.
const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "\"\"\"",
    "${",
    "//",
    "/*",
    "*/",
    "///",
    "=",
    "==",
    "!",
    "!=",
    "&&",
    "||",
    "<=",
    "..",
    "...",
    ",",
    ":",
    ".",
    "?",
    "->",
    "|",
    "\\",
    "\\u{1F370}",
    "\\u{",
    "#{variables.x}",
    "0",
    "1_000",
    "99999999999999999999",
    "-1",
    "1h30m",
    "7d",
    "true",
    "none",
    "in",
    "if",
    "then",
    "else",
    "for",
    "import",
    "param",
    "const",
    "type",
    "fn",
    "action",
    "stage",
    "provider",
    "pipeline",
    "variable",
    "trigger",
    "push",
    "pull_request",
    "parallel",
    "before entry",
    "on failure",
    "rule",
    "output",
    "export",
    "local",
    "from",
    "field",
    "require",
    "encoded",
    "at",
    "name",
    "string(1..3)",
    "list<",
    "map<",
    "string(/[/)",
    "- ",
    "&a ",
    "*a",
    "<<:",
    "<a>",
    "</a>",
    "&amp;",
    "<!DOCTYPE",
    "null",
    "1e999",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\0",
    "\u{feff}",
    "\u{2028}",
    "é",
    "🍰",
    "e\u{301}",
    "x",
    " ",
]; // fmt: skip

/// One of the texts with some changes, rarely none that matter.
pub(super) fn text(rng: &mut Rng, texts: &[String]) -> String {
    let mut text: Vec<char> = texts[rng.usize(..texts.len())].chars().collect();
    // Much of what goes wrong needs no more than one statement; small texts are fast.
    if rng.bool() {
        text = window(rng, &text, 600);
    }
    for _ in 0..rng.usize(1..6) {
        change(rng, &mut text, texts);
    }
    text.into_iter().collect()
}

fn change(rng: &mut Rng, text: &mut Vec<char>, texts: &[String]) {
    let at = rng.usize(..=text.len());
    match rng.u8(..10) {
        0..3 => {
            text.splice(at..at, rng.choice(WORDS).unwrap_or(&"").chars());
        }
        3..5 => {
            let end = (at + rng.usize(1..20)).min(text.len());
            text.drain(at..end);
        }
        5 => {
            let end = (at + rng.usize(1..200)).min(text.len());
            let piece: Vec<char> = text[at..end].to_vec();
            let to = rng.usize(..=text.len());
            text.splice(to..to, piece);
        }
        6 => {
            let other: Vec<char> = texts[rng.usize(..texts.len())].chars().collect();
            let piece = window(rng, &other, 300);
            text.splice(at..at, piece);
        }
        7 => text.truncate(at),
        8 => {
            // Nesting, deeper than anybody means it.
            let open = rng
                .choice([
                    "[",
                    "{",
                    "(",
                    "!",
                    "${",
                    "if true { ",
                    "list<",
                    "a.",
                    "f(",
                    "\"${",
                    "/*",
                    "x || ",
                    "- ",
                    "<a>",
                ])
                .unwrap_or("[");
            let mut deep = String::new();
            for _ in 0..rng.usize(1..400) {
                let _ = write!(deep, "{open}");
            }
            text.splice(at..at, deep.chars());
        }
        _ => {
            if at < text.len() {
                text[at] = rng.char(..);
            }
        }
    }
}

/// At most `length` characters of `text`.
fn window(rng: &mut Rng, text: &[char], length: usize) -> Vec<char> {
    let start = rng.usize(..=text.len());
    let end = (start + rng.usize(1..=length)).min(text.len());
    text[start..end].to_vec()
}

/// One of the files with some bytes changed, moved or missing.
pub(super) fn bytes(rng: &mut Rng, files: &[Vec<u8>]) -> Vec<u8> {
    let mut file = files[rng.usize(..files.len())].clone();
    for _ in 0..rng.usize(1..6) {
        let at = rng.usize(..=file.len());
        let end = (at + rng.usize(1..40)).min(file.len());
        match rng.u8(..5) {
            0 => file.truncate(at),
            1 => drop(file.drain(at..end)),
            2 => {
                let piece = file[at..end].to_vec();
                let to = rng.usize(..=file.len());
                file.splice(to..to, piece);
            }
            3 if at < file.len() => file[at] = *rng.choice(&[0, 1, 0x7f, 0x80, 0xff]).unwrap_or(&0),
            _ if at < file.len() => file[at] ^= 1 << rng.u8(..8),
            _ => file.push(rng.u8(..)),
        }
    }
    file
}
