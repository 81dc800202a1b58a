//! What the parser makes of texts, right and wrong.

use std::path::Path;

use pipe::diagnostic::Diagnostics;
use pipe::source::Sources;
use pipe::syntax;

use crate::support;

#[test]
fn right_texts_give_this_ast() {
    insta::glob!("cases/syntax/ok/**/*.pipe", |path| {
        let (ast, report, _) = parse(path);
        assert_eq!(report, "", "{}", path.display());
        insta::assert_snapshot!(ast);
    });
}

#[test]
fn wrong_texts_give_these_reports() {
    insta::glob!("cases/syntax/err/**/*.pipe", |path| {
        let (ast, report, text) = parse(path);
        assert_ne!(report, "", "{}", path.display());
        insta::assert_snapshot!(format!("{text}\n──── report\n{report}\n──── understood\n{ast}"));
    });
}

/// The AST, the reports and the text of a file.
fn parse(path: &Path) -> (String, String, String) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut sources = Sources::default();
    let file = sources.add(path.display().to_string(), None, text.as_str());
    let mut diags = Diagnostics::default();
    let ast = syntax::parse(&text, file, &mut diags);
    let report = support::listing::list_diagnostics(&sources, &diags.into_sorted());
    (syntax::dump(&ast), report, text)
}
