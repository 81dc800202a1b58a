//! What the facts say in words: what checks each sentence, or why nothing does.
//!
//! `tests/stdlib/texts.json` has a row for each, known by how it begins: `of` the providers that it is said of (`*` is the
//! template for custom types), `by` the diagnostics that enforce it, or `why` there are none. A variant begins with
//! `variant` and its name, the condition of a field with the field's name and a colon.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use pipe::{ir, lint, sema};
use serde::Deserialize;
use serde_json::Value;

use super::agreement::{facts, list};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    of: String,
    says: String,
    #[serde(default)]
    by: Vec<String>,
    why: Option<String>,
}

#[test]
fn every_sentence_is_checked_or_has_its_reason() {
    let Some((actions, rules)) = facts() else { return };
    let rows = rows();
    let mut wrong = String::new();
    let mut used = BTreeSet::new();
    for entry in actions.iter().chain(&rules) {
        let provider = entry["pipe_name"].as_str().unwrap_or("*");
        for text in sentences(entry) {
            let known: Vec<usize> = (0..rows.len())
                .filter(|&index| {
                    let row = &rows[index];
                    row.of.split('|').any(|of| of == provider) && text.starts_with(&row.says)
                })
                .collect();
            if known.len() != 1 {
                writeln!(wrong, "{provider}: {} rows for: {text}", known.len()).unwrap();
            }
            used.extend(known.into_iter().map(|index| (index, provider)));
        }
    }
    for (index, row) in rows.iter().enumerate() {
        for of in row.of.split('|').filter(|of| !used.contains(&(index, of))) {
            writeln!(wrong, "{of}: nothing begins with: {}", row.says).unwrap();
        }
    }
    assert_eq!(wrong, "");
}

#[test]
fn every_row_names_diagnostics_or_a_reason() {
    let codes: BTreeSet<&str> = [sema::codes::ALL, ir::codes::ALL, lint::codes::ALL]
        .into_iter()
        .flatten()
        .map(|code| code.name)
        .collect();
    for row in rows() {
        assert!(row.by.is_empty() != row.why.is_none(), "{}: {}", row.of, row.says);
        for name in &row.by {
            assert!(codes.contains(name.as_str()), "{}: {}: {name}", row.of, row.says);
        }
    }
}

fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stdlib/texts.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn sentences(entry: &Value) -> Vec<String> {
    let many = |key: &str| entry[key].as_array().map_or(&[][..], Vec::as_slice);
    let constraints = many("constraints").iter().map(|text| text.as_str().unwrap().to_owned());
    let variants = many("variants")
        .iter()
        .map(|variant| format!("variant {}", variant["name"].as_str().unwrap()));
    let conditions = list(&entry["configuration"]).iter().filter_map(|key| {
        let condition = key["condition"].as_str()?;
        Some(format!("{}: {condition}", key["field"].as_str()?))
    });
    constraints.chain(variants).chain(conditions).collect()
}
