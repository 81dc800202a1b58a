//! Cheap promises about the source tree itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use regex::Regex;

/// The floors, lowest first; what stands together does not know each other.
const FLOORS: [&[&str]; 11] = [
    &["source"],
    &["diagnostic"],
    &["syntax"],
    &["ir"],
    &["catalog"],
    &["sema"],
    &["lint"],
    &["compile"],
    &["diff", "export", "graph", "import"],
    &["run"],
    &["cli"],
];

/// Crates that only one room knows.
const ROOM_OF_CRATE: [(&str, &str); 9] = [
    ("clap", "src/cli/"),
    ("miette", "src/diagnostic/human"),
    ("pest", "src/syntax/"),
    ("minreq", "src/run/feeds/"),
    ("notify", "src/run/"),
    ("quick_xml", "src/run/feeds/"),
    ("rusqlite", "src/run/history/index"),
    ("tokio", "src/run/"),
    ("zip", "src/run/"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the repository that is not ignored, relative to its root.
fn files() -> Vec<PathBuf> {
    let walk = ignore::WalkBuilder::new(root())
        .require_git(false)
        .sort_by_file_name(std::ffi::OsStr::cmp)
        .build();
    walk.map(|entry| entry.unwrap().into_path())
        .filter(|path| path.is_file())
        .map(|path| path.strip_prefix(root()).unwrap().to_owned())
        .collect()
}

fn files_ending(end: &str) -> Vec<PathBuf> {
    let all = files().into_iter();
    all.filter(|path| path.to_str().unwrap().ends_with(end)).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// A Rust file's text without comments.
fn code(path: &Path) -> String {
    let text = read(path);
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

fn rust_files() -> impl Iterator<Item = PathBuf> {
    files_ending(".rs").into_iter().filter(|path| path.starts_with("src"))
}

/// `syntax` for `src/syntax/fmt/doc.rs` and `src/syntax.rs`; none for `lib.rs` and `main.rs`.
fn room(path: &Path) -> Option<(usize, String)> {
    let name = path.iter().nth(1)?.to_str()?.trim_end_matches(".rs").to_owned();
    let floor = FLOORS.iter().position(|rooms| rooms.contains(&name.as_str()))?;
    Some((floor, name))
}

/// The rooms that a text's `crate::…` paths name, with what follows them.
fn rooms_used(code: &str) -> Vec<(String, String)> {
    let one = Regex::new(r"\bcrate::(\w+)((?:::\w+)*)").unwrap();
    let group = Regex::new(r"\bcrate::\{([^;]*)\}").unwrap();
    let entry = Regex::new(r"(?:^|,)\s*(\w+)((?:::\w+)*)").unwrap();
    let in_groups = group.captures_iter(code).flat_map(|found| {
        let inner = found.get(1).map_or("", |inner| inner.as_str());
        entry.captures_iter(inner).collect::<Vec<_>>()
    });
    let all = one.captures_iter(code).chain(in_groups);
    all.map(|found| (found[1].to_owned(), found[2].to_owned())).collect()
}

#[test]
fn floors_import_only_downwards() {
    let mut wrong = Vec::new();
    for path in rust_files() {
        let Some((floor, own)) = room(&path) else { continue };
        for (used, rest) in rooms_used(&code(&path)) {
            let Some(below) = FLOORS.iter().position(|rooms| rooms.contains(&used.as_str())) else {
                continue;
            };
            let is_fine = match (own.as_str(), used.as_str()) {
                ("ir", "syntax") => rest.starts_with("::ast"),
                _ => used == own || below < floor,
            };
            if !is_fine {
                wrong.push(format!("{}: crate::{used}{rest}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports that run upwards:\n{}", wrong.join("\n"));
}

#[test]
fn every_room_has_a_floor() {
    for path in rust_files() {
        let is_entry = ["src/lib.rs", "src/main.rs"]
            .iter()
            .any(|entry| path == Path::new(entry));
        assert!(is_entry || room(&path).is_some(), "{} is on no floor", path.display());
    }
}

#[test]
fn crates_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    for path in rust_files() {
        let code = code(&path);
        for (name, room) in ROOM_OF_CRATE {
            let used = Regex::new(&format!(r"\b{name}(_derive)?::")).unwrap();
            if used.is_match(&code) && !path.to_str().unwrap().starts_with(room) {
                wrong.push(format!("{} uses {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "crates outside their rooms:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<PathBuf> = files_ending(".rs")
        .into_iter()
        .filter(|path| !read(path).trim_start_matches("#![no_main]\n").starts_with("//! "))
        .collect();
    assert!(silent.is_empty(), "modules without docs: {silent:?}");
}

/// A test may be ignored only where another one starts it.
#[test]
fn no_test_is_left_out() {
    let ignored = Regex::new(r"(?m)^\s*#\[ignore").unwrap();
    for path in files_ending(".rs") {
        let code = code(&path);
        let is_started = code.contains("\"--ignored\"");
        assert!(
            !ignored.is_match(&code) || is_started,
            "{} ignores a test",
            path.display()
        );
    }
}

#[test]
fn every_snapshot_has_its_test() {
    let header = |text: &str, key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        line.map(str::to_owned)
    };
    let number = Regex::new(r"-\d+$").unwrap();
    let mut orphans = Vec::new();
    for path in files_ending(".snap") {
        let text = read(&path);
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let name = stem.split('@').next().unwrap().rsplit("__").next().unwrap();
        let name = number.replace(name, "");
        let source = header(&text, "source").map(PathBuf::from);
        let has_test = source.is_some_and(|source| root().join(&source).is_file() && names(&read(&source), &name));
        let has_input = header(&text, "input_file").is_none_or(|input| root().join(input).exists());
        if !has_test || !has_input {
            orphans.push(path);
        }
    }
    assert!(orphans.is_empty(), "snapshots without a test or an input: {orphans:?}");
}

/// Whether a test's source has this snapshot: a function of the name, or one that makes it up: `format!("export_{name}")`.
fn names(source: &str, snapshot: &str) -> bool {
    let made_up = |(at, _): (usize, &str)| source.contains(&format!("\"{}_{{", &snapshot[..at]));
    source.contains(snapshot) || snapshot.match_indices('_').any(made_up)
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut broken = Vec::new();
    for page in files_ending(".md") {
        for target in links(&page) {
            if !root().join(&target).exists() {
                broken.push(format!("{}: {}", page.display(), target.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

/// From the README, by links; a link to a folder leads to all pages in it.
#[test]
fn every_page_can_be_reached() {
    let pages: BTreeSet<PathBuf> = files_ending(".md").into_iter().collect();
    let mut reached = BTreeSet::from([PathBuf::from("README.md")]);
    let mut next = vec![PathBuf::from("README.md")];
    while let Some(page) = next.pop() {
        for target in links(&page) {
            let found = pages
                .iter()
                .filter(|page| **page == target || page.parent() == Some(&target));
            next.extend(found.filter(|page| reached.insert((*page).clone())).cloned());
        }
    }
    let lost: Vec<&PathBuf> = pages
        .difference(&reached)
        .filter(|page| page.starts_with("docs"))
        .collect();
    assert!(lost.is_empty(), "no link leads to {lost:?}");
}

/// The relative links of a page, from the root.
fn links(page: &Path) -> Vec<PathBuf> {
    let link = Regex::new(r"\]\(([^)#\s]+)(?:#[^)]*)?\)").unwrap();
    let text = outside_code(&read(page));
    let targets = link.captures_iter(&text).map(|found| found[1].to_owned());
    let local = targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
    let folder = page.parent().unwrap();
    local.map(|target| normal(&folder.join(target))).collect()
}

/// A page without its code blocks and code spans, where brackets mean something else.
fn outside_code(markdown: &str) -> String {
    let blocks = Regex::new(r"(?ms)^```.*?^```").unwrap();
    let spans = Regex::new(r"`[^`\n]*`").unwrap();
    let text = blocks.replace_all(markdown, "");
    // What stands in a link's text may be a code span: `[`name`](target)`.
    spans.replace_all(&text, "code").into_owned()
}

fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let homes = Regex::new(concat!(r#"(?m)(^|[\s"'`(=])/(wo"#, r#"rk|ro"#, r#"ot|ho"#, r#"me)/"#)).unwrap();
    for path in files() {
        let Ok(text) = fs::read_to_string(root().join(&path)) else {
            continue;
        };
        if let Some(found) = homes.find(&text) {
            panic!("{} says `{}`", path.display(), found.as_str().trim());
        }
    }
}
