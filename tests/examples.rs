//! Every example checks, is formatted, exports, and runs to the end, through the binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

use crate::support::program::program;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The folders of the examples, in alphabetical order.
fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(examples())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// Runs a program with nothing of this environment but `PATH`, in `folder`; it must succeed.
fn run(folder: &Path, name: impl AsRef<Path>, arguments: &[&str]) -> Output {
    let name = name.as_ref();
    let output = program(folder, name).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{} {} in {} ended with {}\n{}{}",
        name.display(),
        arguments.join(" "),
        folder.display(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    output
}

fn pipe(folder: &Path, arguments: &[&str]) -> Output {
    run(folder, cargo_bin("pipe"), arguments)
}

#[test]
fn check_without_a_word_against_them() {
    let output = pipe(&examples(), &["check", ".", "--format", "json", "--deny", "warnings"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["diagnostics"], serde_json::json!([]));
    assert!(report["summary"]["files"].as_u64().unwrap() >= 6, "{report}");
}

#[test]
fn are_formatted() {
    pipe(&examples(), &["fmt", "--check", "."]);
}

#[test]
fn export() {
    for folder in folders() {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let output = pipe(&folder, &["export", "main.pipe"]);
        insta::assert_snapshot!(format!("export_{name}"), String::from_utf8(output.stdout).unwrap());
    }
}

#[test]
fn each_has_a_test_that_runs_it() {
    let tests = include_str!("examples.rs");
    for folder in folders() {
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(
            tests.contains(&format!("Done::of(\"{name}\"")),
            "nothing runs examples/{name}"
        );
    }
}

/// An example that has been run, in a repository of its own.
struct Done {
    folder: TempDir,
    /// What the run said.
    said: String,
}

impl Done {
    fn of(example: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&examples().join(example), folder.path());
        let git = |arguments: &[&str]| {
            let identity = ["-c", "user.name=Baker", "-c", "user.email=baker@example.com"];
            run(folder.path(), "git", &[&identity, arguments].concat());
        };
        git(&["init", "--quiet", "--initial-branch=main"]);
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--message=Open the shop"]);
        let output = pipe(folder.path(), &[&["run", "main.pipe", "--yes"], more].concat());
        let said = [output.stdout, output.stderr].concat();
        Self {
            folder,
            said: String::from_utf8(said).unwrap(),
        }
    }

    /// The text of a file that the run has put into a bucket.
    fn object(&self, path: &str) -> String {
        let path = self.folder.path().join(".pipe/s3").join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}\n{}", path.display(), self.said))
    }

    fn says(&self, text: &str) {
        assert!(self.said.contains(text), "no `{text}` in:\n{}", self.said);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_name() == ".pipe" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn the_bakery_puts_a_cake_into_the_window() {
    let done = Done::of("bakery", &[]);
    done.says("succeeded");
    let cake = done.object("bakery-shop-window/box.txt");
    // 760 g of batter lose a tenth in the oven, and 145 g of icing go on top.
    assert!(cake.contains("lemon cake, 829 g"), "{cake}");
}

#[test]
fn the_bakery_bakes_another_flavour_on_demand() {
    let done = Done::of("bakery", &["--var", "flavour=chocolate"]);
    let cake = done.object("bakery-shop-window/box.txt");
    assert!(cake.contains("chocolate cake, 880 g"), "{cake}");
}

#[test]
fn the_static_site_is_published() {
    let done = Done::of("static-site", &[]);
    let menu = done.object("acme-site-public/menu.html");
    assert!(menu.starts_with("<!doctype html><title>Menu</title>"), "{menu}");
    assert_eq!(menu, done.object("acme-site-preview/menu.html"));
    // The page carries the commit that it was made from.
    let commit = run(done.folder.path(), "git", &["rev-parse", "HEAD"]).stdout;
    assert!(menu.contains(String::from_utf8(commit).unwrap().trim()), "{menu}");
}

#[test]
fn the_monorepo_rolls_every_service_out() {
    let done = Done::of("monorepo", &[]);
    done.says("succeeded");
    for service in ["api", "web", "worker"] {
        done.says(&format!("build-{service}"));
        done.says(&format!("rollout-{service}"));
    }
}

#[test]
fn the_multi_region_release_reaches_every_region() {
    let done = Done::of("multi-region", &[]);
    done.says("succeeded");
    for region in ["eu-west-1", "us-east-1", "ap-southeast-2"] {
        done.says(&format!("Release-{region}"));
    }
}

#[test]
fn the_lambda_release_ends_in_production() {
    let done = Done::of("lambda-release", &[]);
    done.says("succeeded");
    done.says("Prod");
}

#[test]
fn the_triggered_pipeline_publishes_the_handbook() {
    let done = Done::of("triggers", &["--var", "channel=stable"]);
    done.says("succeeded");
    let archive = done.folder.path().join(".pipe/s3/acme-handbook/stable/handbook.zip");
    let mut archive = zip::ZipArchive::new(fs::File::open(archive).unwrap()).unwrap();
    let handbook = std::io::read_to_string(archive.by_name("handbook.txt").unwrap()).unwrap();
    assert!(handbook.starts_with("The Handbook, main at "), "{handbook}");
    assert!(handbook.contains("Chapter 2"), "{handbook}");
}
