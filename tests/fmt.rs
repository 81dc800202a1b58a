//! The formatter: cases with their results, and the laws that hold for every file there is.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use pipe::diagnostic::Diagnostics;
use pipe::source::FileId;
use pipe::syntax::{ast, dump, fmt, parse};
use proptest::prelude::*;
use proptest::sample::Index;

#[test]
fn cases() {
    insta::glob!("cases/fmt/*.pipe", |path| {
        let text = fs::read_to_string(path).unwrap();
        let file = parsed(&text).unwrap_or_else(|| panic!("{} has syntax errors", path.display()));
        insta::with_settings!({ omit_expression => true }, {
            insta::assert_snapshot!(fmt::format(&text, &file));
        });
    });
}

#[test]
fn the_laws_hold_for_every_file() {
    let files = valid_files();
    assert!(files.len() > 5, "the cases of the formatter alone are more");
    for (path, text) in files {
        assert_laws(text, &path.display().to_string());
    }
}

#[test]
fn an_empty_file_is_one_line_end() {
    for text in ["", "\n", "\n\n \n"] {
        assert_eq!(fmt::format(text, &parsed(text).unwrap()), "\n", "{text:?}");
    }
}

#[test]
fn line_ends_become_unix_ones() {
    let text = "/* a\r\n b */\r\nconst a = [\r\n  1, // one\r\n]\r\n\r\n\r\n// end\r\n";
    assert_eq!(
        fmt::format(text, &parsed(text).unwrap()),
        "/* a\n b */\nconst a = [\n  1,  // one\n]\n\n// end\n"
    );
    assert_laws(text, "CRLF");
}

#[test]
fn long_and_deep_is_no_trouble() {
    // As much as the parser takes.
    let operands = vec!["abc"; 120].join(" || ");
    let fields = ".field".repeat(120);
    let (open, close) = ("[".repeat(100), "]".repeat(100));
    let entries = "1, ".repeat(50_000);
    let blocks = "a = { ".repeat(100) + &"} ".repeat(100);
    for value in [
        operands,
        format!("b{fields}"),
        format!("{open}{close}"),
        format!("[{entries}]"),
        format!("{{ {blocks} }}"),
        format!("{}b", "!".repeat(100)),
    ] {
        assert_laws(&format!("const a = {value}\n"), &value[..10]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Comments may stand between any two tokens.
    #[test]
    fn comments_survive_anywhere(
        source in any::<Index>(),
        insertions in prop::collection::vec((any::<Index>(), 0..COMMENTS.len()), 1..12),
    ) {
        let files = valid_files();
        let (path, text) = source.get(files);
        let mut text = text.clone();
        for (number, (place, comment)) in insertions.iter().enumerate() {
            let places = boundaries(&text);
            let comment = COMMENTS[*comment].replace('#', &number.to_string());
            let mut with_comment = text.clone();
            with_comment.insert_str(*place.get(&places), &comment);
            // Inside a string it is no comment, and at a few places no line end may stand.
            if parsed(&with_comment).is_some() {
                text = with_comment;
            }
        }
        let broken = laws(&text).err();
        prop_assert!(broken.is_none(), "{}: {}", path.display(), broken.unwrap());
    }

    /// However the blanks are, the result is the same in kind: what parses, obeys the laws.
    #[test]
    fn blanks_do_not_matter(
        source in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), prop::sample::select(vec!["", " ", "\n", "\n\n\n", "\t", " \r\n"])), 1..20),
    ) {
        let files = valid_files();
        let (path, text) = source.get(files);
        let mut text = text.clone();
        for (place, blank) in changes {
            let places = boundaries(&text);
            let mut changed = text.clone();
            let start = *place.get(&places);
            let end = changed.len() - changed[start..].trim_start_matches([' ', '\n']).len();
            changed.replace_range(start..end, blank);
            if parsed(&changed).is_some() {
                text = changed;
            }
        }
        let broken = laws(&text).err();
        prop_assert!(broken.is_none(), "{}: {}", path.display(), broken.unwrap());
    }
}

const COMMENTS: &[&str] = &[
    "/* # */",
    " /* # */ ",
    "\n/* # */\n",
    "/* #\n  over lines */",
    "// #\n",
    " // #  \n",
    "/// #  \n",
    "\n    // #\n\n",
    "\n/// #\n",
    " /// #\n",
    "/*\n*/ // # /* \n",
    "\n\n// # \"\n",
];

/// The AST, if there are no syntax errors.
fn parsed(text: &str) -> Option<ast::File> {
    let mut diags = Diagnostics::default();
    let file = parse(text, FileId::default(), &mut diags);
    (!diags.has_errors()).then_some(file)
}

fn assert_laws(text: &str, name: &str) {
    if let Err(broken) = laws(text) {
        panic!("{name}: {broken}");
    }
}

/// Which law does not hold for `text`, which has no syntax errors.
fn laws(text: &str) -> Result<(), String> {
    let before = parsed(text).ok_or("syntax errors")?;
    let formatted = fmt::format(text, &before);
    let say = |what: &str| format!("{what}\n--- before\n{text}\n--- after\n{formatted}\n---");
    let after = parsed(&formatted).ok_or_else(|| say("the result does not parse"))?;
    let again = fmt::format(&formatted, &after);
    let ast = (dump(&before), dump(&after));
    let claims = [
        (
            ast.0 == ast.1,
            format!("the AST has changed: {}", difference(&ast.0, &ast.1)),
        ),
        (
            comments(text, &before) == comments(&formatted, &after),
            "the comments have changed".into(),
        ),
        (formatted.ends_with('\n'), "no line end at the end".into()),
        (
            formatted == "\n" || !formatted.ends_with("\n\n"),
            "blank lines at the end".into(),
        ),
        (!formatted.replace("\r\r", "").contains("\r\n"), "a CRLF".into()),
        (again == formatted, format!("twice is not once: {again}")),
    ];
    match claims.iter().find(|(holds, _)| !holds) {
        Some((_, what)) => Err(say(what)),
        None => Ok(()),
    }
}

/// The first lines in which two texts differ.
fn difference(before: &str, after: &str) -> String {
    let mut pairs = before.lines().zip(after.lines());
    let pair = pairs.find(|(before, after)| before != after);
    format!("{pair:?}")
}

/// The texts of a file's comments, without what the formatter may change in them.
fn comments(text: &str, file: &ast::File) -> Vec<String> {
    let text_of = |comment: &ast::Comment| text[comment.span.range()].replace("\r\n", "\n").trim_end().to_owned();
    file.comments.iter().map(text_of).collect()
}

/// Where two tokens may meet: all places but the inside of words.
fn boundaries(text: &str) -> Vec<usize> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let is_boundary = |at: &usize| {
        let bytes = text.as_bytes();
        let inside = *at > 0 && *at < bytes.len() && is_word(bytes[*at - 1]) && is_word(bytes[*at]);
        text.is_char_boundary(*at) && !inside
    };
    (0..=text.len()).filter(is_boundary).collect()
}

/// Every `.pipe` file of the project that has no syntax errors.
fn valid_files() -> &'static [(PathBuf, String)] {
    static FILES: OnceLock<Vec<(PathBuf, String)>> = OnceLock::new();
    FILES.get_or_init(|| {
        let mut found = Vec::new();
        for folder in ["tests/cases", "examples", "stdlib"] {
            collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
        }
        found.sort();
        found
    })
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "pipe")
            && let Ok(text) = fs::read_to_string(&path)
            && parsed(&text).is_some()
        {
            found.push((path, text));
        }
    }
}
