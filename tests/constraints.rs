//! AWS's rules, one by one: which diagnostic enforces each, or why none can; `tests/constraints/table.json` says it.
//!
//! | in a row | what it says |
//! | --- | --- |
//! | `by` | the diagnostics that enforce the rule: which of them a case shows depends on how it is written |
//! | `json` | the diagnostics that enforce it in documents, where those are others |
//! | `also` | what the case cannot help showing besides |
//! | `unsayable` | why `.pipe` cannot break the rule; then only `<id>.json` does |
//! | `why` | instead of `by`: the kind of reason for which no check of a declaration can enforce it |
//! | `note` | what else there is to know |
//!
//! The cases are `tests/cases/constraints/<id>.pipe`, and `<id>.json` for the same mistake in CodePipeline's own JSON. The
//! rules themselves are a document that does not belong to this repository: where it is missing, the test that walks it
//! says so and checks nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use pipe::cli;
use pipe::compile::Compiled;
use pipe::diagnostic::{Code, Diagnostic, Severity};
use serde::Deserialize;

use crate::support;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    #[serde(default)]
    by: Vec<String>,
    /// What enforces it in JSON, where it is another.
    #[serde(default)]
    json: Vec<String>,
    #[serde(default)]
    also: Vec<String>,
    unsayable: Option<String>,
    why: Option<Why>,
    note: Option<String>,
}

/// Why a rule is beyond the check of a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Why {
    /// Only the account can tell: what exists in it, who may do what, its quotas.
    Account,
    /// Only an execution can tell.
    Running,
    /// The size of real data.
    Size,
    /// The service does it by itself.
    Service,
    /// Nothing that `pipe` writes can break it.
    Construction,
    /// It is about another request than the one that makes a pipeline.
    Elsewhere,
    /// It allows something.
    Allowed,
}

impl Why {
    fn words(self) -> &'static str {
        match self {
            Self::Account => "needs the account",
            Self::Running => "shows when it runs",
            Self::Size => "size of real data",
            Self::Service => "done by the service",
            Self::Construction => "holds by construction",
            Self::Elsewhere => "not about a declaration",
            Self::Allowed => "forbids nothing",
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn table() -> Vec<Row> {
    serde_json::from_str(&std::fs::read_to_string(root().join("tests/constraints/table.json")).unwrap()).unwrap()
}

fn case(id: &str, ending: &str) -> PathBuf {
    root().join("tests/cases/constraints").join(format!("{id}.{ending}"))
}

fn codes() -> BTreeMap<&'static str, &'static Code> {
    cli::codes().map(|code| (code.name, code)).collect()
}

#[test]
fn every_rule_is_in_the_table() {
    #[derive(Deserialize)]
    struct Rule {
        id: String,
    }
    let path = root().join("../shared/reference/constraints.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: there are no rules in {}", path.display());
        return;
    };
    let rules: Vec<Rule> = serde_json::from_str(&text).unwrap();
    let rules: Vec<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
    let rows = table();
    let rows: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(rows, rules);
}

#[test]
fn every_row_makes_sense() {
    let codes = codes();
    let mut wrong = String::new();
    let mut seen = BTreeSet::new();
    for row in table() {
        let id = &row.id;
        let unknown = row
            .by
            .iter()
            .chain(&row.json)
            .chain(&row.also)
            .filter(|name| !codes.contains_key(name.as_str()));
        for name in unknown {
            writeln!(wrong, "{id}: there is no diagnostic `{name}`").unwrap();
        }
        let enforced = !row.by.is_empty() || row.unsayable.is_some();
        if enforced == row.why.is_some() {
            writeln!(wrong, "{id}: it says what enforces it, or why nothing does").unwrap();
        }
        for ending in ["pipe", "json"] {
            let wanted = enforced && (ending == "json" || row.unsayable.is_none());
            if case(id, ending).exists() != wanted {
                writeln!(
                    wrong,
                    "{id}.{ending}: {}",
                    if wanted { "missing" } else { "not wanted" }
                )
                .unwrap();
            }
        }
        assert!(seen.insert(row.id.clone()), "{id} stands twice");
    }
    for entry in std::fs::read_dir(root().join("tests/cases/constraints")).unwrap() {
        let path = entry.unwrap().path();
        let id = path.file_stem().unwrap().to_str().unwrap();
        if !seen.contains(id) {
            writeln!(wrong, "{}: no rule has this name", path.display()).unwrap();
        }
    }
    assert_eq!(wrong, "");
}

#[test]
fn each_case_breaks_its_rule_and_no_other() {
    let rows = table();
    let rows = rows.iter().filter(|row| row.why.is_none() && row.unsayable.is_none());
    insta::assert_snapshot!(broken(rows, |row| {
        support::compile_text(&std::fs::read_to_string(case(&row.id, "pipe")).unwrap())
    }));
}

#[test]
fn each_document_breaks_its_rule_and_no_other() {
    let rows = table();
    insta::assert_snapshot!(broken(rows.iter().filter(|row| row.why.is_none()), |row| {
        support::check_document("main.json", &std::fs::read_to_string(case(&row.id, "json")).unwrap())
    }));
}

/// What is said of the cases of some rows, each of which must break its rule and no other.
fn broken<'r>(rows: impl Iterator<Item = &'r Row>, compile: impl Fn(&Row) -> Compiled) -> String {
    let mut wrong = String::new();
    let mut shown = String::new();
    for row in rows {
        let compiled = compile(row);
        let found: Vec<&Diagnostic> = compiled
            .diagnostics
            .iter()
            .filter(|found| found.severity != Severity::Hint)
            .collect();
        let names: Vec<&str> = found.iter().map(|found| found.code.name).collect();
        let enforcing = || row.by.iter().chain(&row.json);
        let is_right = names.iter().any(|name| enforcing().any(|wanted| wanted == name))
            && names
                .iter()
                .all(|name| enforcing().chain(&row.also).any(|known| known == name));
        if !is_right {
            writeln!(wrong, "{}: wanted {:?}, got {names:?}", row.id, row.by).unwrap();
        }
        writeln!(shown, "{}", row.id).unwrap();
        for diagnostic in found {
            let span = diagnostic.primary.span;
            let file = compiled.sources.file(span.file);
            let place = match &file.pointers {
                Some(pointers) => pointers(span.start),
                None => {
                    let place = file.line_column(span.start);
                    format!("{}:{}", place.line, place.column)
                }
            };
            let text = compiled.sources.text(span).lines().next().unwrap_or_default();
            let message = &diagnostic.message;
            writeln!(shown, "  {place} `{text}`\n    {}: {message}", diagnostic.code.name).unwrap();
        }
    }
    assert_eq!(wrong, "");
    shown
}

#[test]
fn the_page_says_what_the_table_says() {
    let path = root().join("docs/constraints.md");
    let wanted = page(&table());
    if std::env::var_os("UPDATE_CONSTRAINTS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == wanted,
        "run `UPDATE_CONSTRAINTS=1 cargo test --test main constraints::`"
    );
}

const HEAD: &str = "# AWS's rules, and what checks them

Written from `tests/constraints/table.json`: a row for each rule that AWS documents, or that its service was seen to hold
pipelines to. Each rule that a declaration can break has a file that breaks it, and nothing else, in `tests/cases/constraints/`.
";

fn page(rows: &[Row]) -> String {
    let codes = codes();
    let mut out = HEAD.to_owned();
    let enforced = rows.iter().filter(|row| row.why.is_none()).count();
    let unsayable = rows.iter().filter(|row| row.unsayable.is_some()).count();
    let mut kinds: BTreeMap<Why, usize> = BTreeMap::new();
    for why in rows.iter().filter_map(|row| row.why) {
        *kinds.entry(why).or_default() += 1;
    }
    writeln!(out, "\nOf {} rules, a declaration can break {enforced}.", rows.len()).unwrap();
    writeln!(
        out,
        "{unsayable} of those cannot be broken in `.pipe`, only in CodePipeline's own JSON."
    )
    .unwrap();
    out.push_str("\nThe others, by why no check of a declaration can decide them:\n\n");
    for (why, count) in kinds {
        writeln!(out, "- {}: {count}", why.words()).unwrap();
    }
    out.push_str("\n| rule | checked by | remark |\n| --- | --- | --- |\n");
    for row in rows {
        let by: Vec<String> = row
            .by
            .iter()
            .chain(row.json.iter().filter(|name| !row.by.contains(name)))
            .map(|name| {
                let warning = matches!(codes.get(name.as_str()), Some(code) if code.severity == Severity::Warning);
                format!(
                    "[`{name}`](diagnostics/{name}.md){}",
                    if warning { " (warning)" } else { "" }
                )
            })
            .collect();
        let by = match row.why {
            Some(why) => why.words().to_owned(),
            None => by.join(", "),
        };
        let unsayable = row
            .unsayable
            .as_ref()
            .map(|why| format!("cannot be said in `.pipe`: {why}"));
        let remarks: Vec<&str> = [unsayable.as_deref(), row.note.as_deref()]
            .into_iter()
            .flatten()
            .collect();
        writeln!(out, "| `{}` | {by} | {} |", row.id, remarks.join("; ")).unwrap();
    }
    out
}
