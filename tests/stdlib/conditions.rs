//! What the library's `require` statements and types say to someone who breaks them.

use pipe::syntax::ast::ExprKind;

use super::from_source;
use crate::support;

#[test]
fn broken_conditions() {
    insta::glob!("../cases/stdlib", "*.pipe", |path| {
        insta::assert_snapshot!(report(path));
    });
}

#[test]
fn every_condition_has_a_case() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/stdlib");
    let files = std::fs::read_dir(folder).unwrap();
    let reports: String = files.map(|entry| report(&entry.unwrap().path())).collect();
    // A report is broken into lines of a terminal's width.
    let reports = reports.split_whitespace().collect::<Vec<_>>().join(" ");
    for provider in from_source() {
        for require in &provider.requires {
            let ExprKind::Str(message) = &require.message.kind else {
                panic!("{}: a message is a string", provider.name);
            };
            let message = message.as_text().unwrap();
            assert!(reports.contains(message), "{}: no case for: {message}", provider.name);
        }
    }
}

fn report(path: &std::path::Path) -> String {
    support::report(&std::fs::read_to_string(path).unwrap())
}
