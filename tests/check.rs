//! Checking: each case's source and the whole report, as a person sees it.
//!
//! A case is a file in `tests/cases/check/<topic>/`; a case of several files is a folder in `tests/cases/check-files/`
//! whose `main.pipe` is checked.

use std::path::{Path, PathBuf};

use pipe::compile::{Compiled, Main, Options, compile};
use pipe::source::{DiskHost, MemoryHost};

use crate::support;

#[test]
fn reports() {
    insta::glob!("cases/check/**/*.pipe", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let report = support::report(&text);
        let report = if report.is_empty() { "fine\n".to_owned() } else { report };
        insta::assert_snapshot!(format!("{text}\n────\n{report}"));
    });
}

#[test]
fn reports_over_several_files() {
    insta::glob!("cases/check-files/*/main.pipe", |path| {
        let folder = path.parent().unwrap();
        insta::assert_snapshot!(support::report_of(&compile_folder(folder)));
    });
}

/// The files of a folder in memory, so that paths in reports are the same everywhere.
fn compile_folder(folder: &Path) -> Compiled {
    let mut host = MemoryHost::default();
    for entry in ignore::Walk::new(folder)
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_file())
    {
        let name = entry.path().strip_prefix(folder).unwrap().to_path_buf();
        host.files.insert(name, std::fs::read(entry.path()).unwrap());
    }
    compile(&host, &Main::Path(PathBuf::from("main.pipe")), &Options::default()).unwrap()
}

#[test]
fn parameters_are_read_by_their_types() {
    let text = "param count: int(1..5)\nparam envs: list<string> = []\nparam wait: duration = 1m\nparam on: bool = false\n\
                const all = \"${count} ${join(envs, \"+\")} ${wait} ${on}\"\n\
                pipeline demo {\n  role_arn = \"arn:aws:iam::111122223333:role/x\"\n  artifact_store = \"demo-artifacts\"\n  \
                tags = { all = all }\n  stage s { action app = source.s3 { s3_bucket = \"demo-source\", s3_object_key = \"a.zip\", poll_for_source_changes = false } }\n  \
                stage t { action go = approval.manual {} }\n}\n";
    let define = |pairs: &[(&str, &str)]| {
        let options = Options {
            defines: pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            params: serde_json::Map::from_iter([("wait".to_owned(), "never used: the define wins".into())]),
        };
        let main = Main::Text {
            name: "main.pipe".to_owned(),
            path: None,
            text: text.to_owned(),
        };
        compile(&MemoryHost::default(), &main, &options).unwrap()
    };
    let good = define(&[
        ("count", "3"),
        ("envs", "[\"a\",\"b\"]"),
        ("wait", "1h30m"),
        ("on", "true"),
    ]);
    assert_eq!(support::report_of(&good), "");
    assert_eq!(good.pipelines[0].tags[0].value.value, "3 a+b 1h30m true");
    let bad = define(&[("count", "9"), ("envs", "a,b"), ("wait", "soon"), ("onn", "true")]);
    insta::assert_snapshot!(support::report_of(&bad));
}

#[test]
fn examples_of_every_floor_check_from_disk() {
    let host = DiskHost;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["bakery", "multi-region"] {
        let main = Main::Path(root.join("examples").join(name).join("main.pipe"));
        let compiled = compile(&host, &main, &Options::default()).unwrap();
        assert_eq!(support::report_of(&compiled), "");
        assert_eq!(compiled.pipelines.len(), 1);
    }
}
