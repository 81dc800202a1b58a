//! Files of this repository to begin with, and a few that are made here.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use pipe::ir::TypeId;
use pipe::run::store::Store;
use pipe::run::{RunOptions, archive, journal, run};

use super::running;
use crate::support::runs::Project;

/// All `.pipe` files of the repository, and the first `pipe` blocks of its documents.
pub(super) fn pipelines() -> Vec<String> {
    let mut texts = Vec::new();
    for folder in ["examples", "stdlib", "tests/cases", "docs"] {
        for file in files(folder, &["pipe", "md"]) {
            let Ok(text) = fs::read_to_string(&file) else { continue };
            if file.extension().is_some_and(|extension| extension == "pipe") {
                texts.push(text);
            } else {
                let blocks = text.split("```pipe").skip(1).filter_map(|rest| rest.split_once('\n'));
                texts.extend(blocks.filter_map(|(_, rest)| rest.split("```").next().map(str::to_owned)));
            }
        }
    }
    texts.retain(|text| text.len() < 30_000);
    texts
}

/// The documents among the cases: CodePipeline JSON and templates.
pub(super) fn documents() -> Vec<String> {
    read("tests/cases", &["json", "yaml"])
}

/// What the cases of builds run.
pub(super) fn buildspecs() -> Vec<String> {
    read("tests/cases/buildspec", &["yml"])
}

pub(super) fn reports() -> Vec<String> {
    read("tests/cases/buildspec/files", &["xml", "trx", "json"])
}

/// What is said about pipelines like [`running::pipeline`].
pub(super) fn scripts() -> Vec<String> {
    read("tests/cases/simulate", &["yml"])
}

/// What runs leave behind: one that succeeds, and one whose builds fail, are tried again, and fail.
pub(super) fn journals() -> Vec<String> {
    let builds = ["simulate", "buildspec"];
    let journals = builds.map(|build| {
        let drivers = |type_id: &TypeId| {
            let driver = match type_id.category.as_str() {
                "Approval" => "approval",
                "Build" | "Test" => build,
                _ => "simulate",
            };
            Some(driver.to_owned())
        };
        let project = Project::new(&[]);
        let options = RunOptions {
            yes: true,
            ..project.options()
        };
        run(running::pipeline(), &drivers, &options);
        let runs: Vec<_> = fs::read_dir(project.path().join(".pipe/runs")).unwrap().collect();
        assert_eq!(runs.len(), 1);
        let run_dir = runs.into_iter().next().unwrap().unwrap().path();
        fs::read_to_string(run_dir.join(journal::FILE_NAME)).unwrap()
    });
    journals.into()
}

/// Packed here, since what is packed is always the same.
pub(super) fn archives() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().join("store"));
    let few: &[(&str, &[u8])] = &[("a", b"one"), ("b/c", b"two"), ("b/d/e.txt", b"")];
    let large = [b'x'; 5_000];
    let one: &[(&str, &[u8])] = &[("large", &large)];
    let pack = |files: &[(&str, &[u8])]| {
        let artifact = store.import_texts(files).unwrap();
        let mut packed = Cursor::new(Vec::new());
        archive::export(&store, &artifact, &mut packed).unwrap();
        packed.into_inner()
    };
    vec![pack(few), pack(one), pack(&[])]
}

fn read(folder: &str, extensions: &[&str]) -> Vec<String> {
    let texts = files(folder, extensions).into_iter().map(fs::read_to_string);
    texts.filter_map(Result::ok).collect()
}

fn files(folder: &str, extensions: &[&str]) -> Vec<PathBuf> {
    let mut out = Vec::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
        extensions,
        &mut out,
    );
    out.sort();
    out
}

fn collect(folder: &Path, extensions: &[&str], files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, extensions, files);
        } else if path
            .extension()
            .is_some_and(|extension| extensions.iter().any(|known| extension == *known))
        {
            files.push(path);
        }
    }
}
