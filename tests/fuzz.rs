//! Any text goes through parser, compiler, formatter and the readers of documents: a seeded loop that spoils the `.pipe`,
//! JSON and YAML files of this repository for a while and looks at what holds of any text.
//!
//! `PIPE_FUZZ_SECONDS` (default 5) says how long; `PIPE_FUZZ_SEED` starts from another place. What goes wrong is printed
//! with the text that did it, which is also kept in `target/fuzz-failure.pipe`.

#[path = "../fuzz/src/properties.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets are crates of their own")]
mod properties;

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use fastrand::Rng;

/// An input that takes longer hangs. (The largest ones have some ten kilobytes, and take milliseconds.)
const HANGS: Duration = Duration::from_secs(20);

#[test]
fn any_text_is_taken() {
    let seconds = setting("PIPE_FUZZ_SECONDS", 5);
    let seed = setting("PIPE_FUZZ_SEED", 1);
    let texts = texts();
    assert!(texts.len() > 10, "hardly any .pipe files were found: {}", texts.len());
    let documents = documents();
    assert!(
        documents.len() > 10,
        "hardly any documents were found: {}",
        documents.len()
    );
    for text in &texts {
        hold(text);
    }
    for text in &documents {
        hold_document(text);
    }
    let watch = watch();
    let mut rng = Rng::with_seed(seed);
    let start = Instant::now();
    let mut inputs: u64 = 0;
    while start.elapsed() < Duration::from_secs(seconds) {
        let is_document = rng.u8(..3) == 0;
        let text = spoil(&mut rng, if is_document { &documents } else { &texts });
        watch.send(text.clone()).unwrap();
        match is_document {
            true => hold_document(&text),
            false => hold(&text),
        }
        inputs += 1;
    }
    println!("{inputs} texts in {seconds} s, seed {seed}");
    assert!(inputs > 0 || seconds == 0);
}

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// Everything that holds of any text, held against this one.
fn hold(text: &str) {
    hold_all(text, || {
        properties::parse(text);
        properties::fmt(text);
        properties::check(text);
    });
}

/// The same of JSON and YAML.
fn hold_document(text: &str) {
    hold_all(text, || properties::document(text));
}

fn hold_all(text: &str, laws: impl FnOnce()) {
    let held = catch_unwind(AssertUnwindSafe(laws));
    if held.is_err() {
        report("this text breaks a law", text);
        panic!("see above");
    }
}

#[expect(clippy::print_stderr, reason = "a failing test says what it failed on")]
fn report(what: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fuzz-failure.pipe");
    let kept = fs::write(&file, text).is_ok();
    eprintln!(
        "{what}{}:\n{text}\n{text:?}",
        if kept {
            " (kept in target/fuzz-failure.pipe)"
        } else {
            ""
        }
    );
}

/// Ends the process if the text that it was told of last is not followed by another one in time.
fn watch() -> Sender<String> {
    let (sender, receiver) = mpsc::channel::<String>();
    thread::spawn(move || {
        let mut last = String::new();
        loop {
            match receiver.recv_timeout(HANGS) {
                Ok(text) => last = text,
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    report("this text hangs", &last);
                    process::abort();
                }
            }
        }
    });
    sender
}

/// All `.pipe` files of the repository, and the first `pipe` blocks of its documents.
fn texts() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["examples", "stdlib", "tests/cases", "docs"] {
        collect(&root.join(folder), &mut files);
    }
    files.sort();
    let mut texts = Vec::new();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        if file.extension().is_some_and(|extension| extension == "pipe") {
            texts.push(text);
        } else if file.extension().is_some_and(|extension| extension == "md") {
            let blocks = text.split("```pipe").skip(1).filter_map(|rest| rest.split_once('\n'));
            texts.extend(blocks.filter_map(|(_, rest)| rest.split("```").next().map(str::to_owned)));
        }
    }
    texts.retain(|text| text.len() < 30_000);
    texts
}

/// The documents among the cases: CodePipeline JSON and templates.
fn documents() -> Vec<String> {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"), &mut files);
    files.sort();
    let is_document = |file: &&PathBuf| {
        file.extension()
            .is_some_and(|extension| extension == "json" || extension == "yaml")
    };
    let texts = files.iter().filter(is_document).map(fs::read_to_string);
    texts.filter_map(Result::ok).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path
            .extension()
            .is_some_and(|extension| ["pipe", "md", "json", "yaml"].iter().any(|known| extension == *known))
        {
            files.push(path);
        }
    }
}

/// What means something to the language, and what means trouble to readers of text.
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
fn spoil(rng: &mut Rng, texts: &[String]) -> String {
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
