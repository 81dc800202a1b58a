//! Every format of `pipe export`, over the cases in `cases/export/` and over the examples.

use std::path::Path;

use pipe::compile::{Main, Options, compile};
use pipe::diagnostic::human::{Style, render};
use pipe::diagnostic::{Diagnostics, Severity};
use pipe::export::cloudformation::Syntax;
use pipe::export::{cloudformation, iam_policy, terraform};
use pipe::source::DiskHost;

const FORMATS: [&str; 4] = ["cloudformation", "cloudformation-json", "terraform", "iam-policy"];

/// What each pipeline of a file becomes, with what is said about it before.
fn exported(path: &Path, format: &str) -> String {
    let compiled = compile(&DiskHost, &Main::Path(path.to_owned()), &Options::default()).unwrap();
    let errors: Vec<_> = compiled
        .diagnostics
        .iter()
        .filter(|it| it.severity == Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
    let mut out = String::new();
    for pipeline in &compiled.pipelines {
        let mut diags = Diagnostics::default();
        let text = match format {
            "cloudformation" => cloudformation::export(pipeline, Syntax::Yaml, &mut diags),
            "cloudformation-json" => cloudformation::export(pipeline, Syntax::Json, &mut diags),
            "terraform" => terraform::export(pipeline, &mut diags),
            "iam-policy" => Some(iam_policy::export(pipeline, &compiled.catalog, &mut diags)),
            other => panic!("there is no format {other}"),
        };
        let report = render(&diags.into_sorted(), &compiled.sources, Style::PLAIN);
        out.push_str(&report.replace(&path.display().to_string(), "main.pipe"));
        out.push_str(&text.unwrap_or_default());
    }
    out
}

#[test]
fn cases() {
    insta::glob!("../cases/export", "*.pipe", |path| {
        for format in FORMATS {
            insta::assert_snapshot!(format, exported(path, format));
        }
    });
}

#[test]
fn examples() {
    insta::glob!("../../examples", "*/main.pipe", |path| {
        for format in FORMATS {
            insta::assert_snapshot!(format!("example_{format}"), exported(path, format));
        }
    });
}
