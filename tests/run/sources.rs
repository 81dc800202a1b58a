//! Sources: what a run takes in, and what it knows of it.

use std::path::Path;
use std::process::Command;

use pipe::run::RunOutcome;
use serde_json::json;

use crate::support::runs::{ActionExt, Project, Ran, action, commands, pipeline, source, stage};

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args([
        "-c",
        "init.defaultBranch=main",
        "-c",
        "user.name=Ada",
        "-c",
        "user.email=ada@example.com",
    ]);
    let output = command.args(arguments).env_remove("GIT_DIR").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A source, and an action that lists what came of it.
fn listing(source: pipe::ir::Action) -> pipe::ir::Pipeline {
    let name = source.outputs[0].name.value.clone();
    pipeline(vec![
        stage("Source", vec![source]),
        stage("List", vec![commands("list", &["find . -type f | sort"]).input(&name)]),
    ])
}

fn listed(ran: &Ran) -> String {
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{:#?}", ran.records);
    ran.log("List/list")
        .lines()
        .skip(1)
        .map(|line| line.trim_start_matches("./"))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn the_whole_checkout_is_taken_as_it_is() {
    let project = Project::new(&[
        (".gitignore", "*.o\n"),
        ("main.c", ""),
        ("main.o", ""),
        ("gone.c", ""),
        ("ci/demo.pipe", ""),
    ]);
    git(project.path(), &["init", "--quiet"]);
    git(
        project.path(),
        &["remote", "add", "origin", "git@github.com:acme/shop.git"],
    );
    git(project.path(), &["add", "."]);
    git(project.path(), &["commit", "--quiet", "-m", "First\n\nwith a body"]);
    project.file("new.c", "");
    std::fs::remove_file(project.path().join("gone.c")).unwrap();
    let mut options = project.options();
    options.project_dir = project.path().join("ci");
    options.state_dir = Some(project.path().join("state"));
    let ran = project.run_with(&listing(source("app")), &options);
    assert_eq!(listed(&ran), ".gitignore ci/demo.pipe main.c new.c");
    let variable = |name: &str| ran.variable("Source/app", name).unwrap();
    assert_eq!(variable("CommitMessage"), "First\n\nwith a body");
    assert_eq!(variable("CommitId").len(), 40);
    assert_eq!(variable("BranchName"), "main");
    assert_eq!(variable("FullRepositoryName"), "acme/shop");
    assert_eq!(variable("RepositoryName"), "shop");
    assert_eq!(
        (variable("AuthorDisplayName"), variable("AuthorEmail")),
        ("Ada".to_owned(), "ada@example.com".to_owned())
    );
    assert!(variable("AuthorDate").ends_with('Z'), "{}", variable("AuthorDate"));
    assert!(
        ran.log("Source/app").contains("with 2 uncommitted changes"),
        "{}",
        ran.log("Source/app")
    );
}

#[test]
fn outside_git_the_folder_is_taken() {
    let project = Project::new(&[
        (".gitignore", "out/\n"),
        ("a.txt", ""),
        ("out/b", ""),
        (".hidden", ""),
        ("sub/c", ""),
    ]);
    let ran = project.run(&listing(source("app")));
    assert_eq!(listed(&ran), ".gitignore .hidden a.txt sub/c");
    assert_eq!(
        ran.variable("Source/app", "CommitMessage").as_deref(),
        Some("local files, not in git")
    );
    let ran = project.run(&listing(source("app").local("path", json!("sub"))));
    assert_eq!(listed(&ran), "c");
}

#[test]
fn another_checkout_at_a_revision() {
    let project = Project::new(&[]);
    let other = Project::new(&[("v.txt", "1")]);
    git(other.path(), &["init", "--quiet"]);
    git(other.path(), &["add", "."]);
    git(other.path(), &["commit", "--quiet", "-m", "one"]);
    git(other.path(), &["tag", "v1"]);
    other.file("v.txt", "2");
    other.file("w.txt", "");
    git(other.path(), &["add", "."]);
    git(other.path(), &["commit", "--quiet", "-m", "two"]);
    let from = |source_text: String| {
        let mut options = project.options();
        options.sources = vec![("app".to_owned(), source_text)];
        project.run_with(&listing(source("app")), &options)
    };
    let path = other.path().display();
    assert_eq!(listed(&from(format!("{path}"))), "v.txt w.txt");
    let old = from(format!("{path}@v1"));
    assert_eq!(listed(&old), "v.txt");
    assert_eq!(old.variable("Source/app", "CommitMessage").as_deref(), Some("one"));
    assert_eq!(listed(&from(format!("file://{path}@main"))), "v.txt w.txt");
    let missing = from(format!("{path}@nowhere"));
    assert_eq!(missing.outcome, RunOutcome::Failed);
    assert!(
        missing.failure("Source/app").message.contains("nowhere"),
        "{:?}",
        missing.failure("Source/app")
    );
}

#[test]
fn two_repositories_are_not_one_checkout() {
    let project = Project::new(&[("a.txt", "")]);
    let two = || {
        let app = source("app").set("FullRepositoryId", "acme/app");
        let infra = source("infra").set("FullRepositoryId", "acme/infra");
        pipeline(vec![
            stage("Source", vec![app, infra]),
            stage("List", vec![commands("list", &["ls"]).input("app").input("infra")]),
        ])
    };
    let ran = project.run(&two());
    assert_eq!((ran.outcome, ran.records.len()), (RunOutcome::Refused, 0));
    git(project.path(), &["init", "--quiet"]);
    git(
        project.path(),
        &["remote", "add", "origin", "https://github.com/acme/app.git"],
    );
    assert_eq!(
        project.run(&two()).outcome,
        RunOutcome::Refused,
        "there is still no infra"
    );
    let mut options = project.options();
    options.sources = vec![("infra".to_owned(), project.path().display().to_string())];
    assert_eq!(project.run_with(&two(), &options).outcome, RunOutcome::Succeeded);
}

#[test]
fn files_folders_archives_and_images() {
    let project = Project::new(&[("in/a.txt", "a"), ("in/b/c.txt", "c"), ("f.txt", "f")]);
    let s3 = |path: &str| {
        let source = action("bundle", "Source/AWS/S3/1")
            .output("bundle", &[])
            .set("S3Bucket", "b");
        listing(source.set("S3ObjectKey", "k.zip").local("path", json!(path)))
    };
    assert_eq!(listed(&project.run(&s3("in"))), "a.txt b/c.txt");
    assert_eq!(listed(&project.run(&s3("f.txt"))), "f.txt");
    // What S3 deploy packs, an S3 source unpacks.
    let deploy = action("deploy", "Deploy/AWS/S3/1").input("bundle");
    let deploy = deploy
        .set("BucketName", "site")
        .set("Extract", "false")
        .set("ObjectKey", "r/all.zip");
    let mut pack = s3("in");
    pack.stages.push(stage("Deploy", vec![deploy]));
    let ran = project.run(&pack);
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{:#?}", ran.records);
    let ran = project.run(&s3(".pipe/s3/site/r/all.zip"));
    assert_eq!(listed(&ran), "a.txt b/c.txt");
    assert_eq!(ran.variable("Source/bundle", "BucketName").as_deref(), Some("b"));
    assert_eq!(ran.variable("Source/bundle", "ETag").unwrap().len(), 32);

    let image = action("image", "Source/AWS/ECR/1")
        .output("image", &[])
        .set("RepositoryName", "api")
        .set("ImageTag", "v7");
    let ran = project.run(&listing(image));
    assert_eq!(listed(&ran), "imageDetail.json");
    assert!(
        ran.variable("Source/image", "ImageURI")
            .unwrap()
            .contains("/api@sha256:")
    );
}

#[test]
fn a_deployed_site_is_laid_out() {
    let project = Project::new(&[("in/a.txt", "a"), ("in/b/c.txt", "c")]);
    let deploy = action("deploy", "Deploy/AWS/S3/1")
        .input("app")
        .set("BucketName", "site")
        .set("Extract", "true");
    let demo = pipeline(vec![
        stage("Source", vec![source("app").local("path", json!("in"))]),
        stage("Deploy", vec![deploy.set("ObjectKey", "v1")]),
    ]);
    assert_eq!(project.run(&demo).outcome, RunOutcome::Succeeded);
    assert_eq!(
        std::fs::read_to_string(project.path().join(".pipe/s3/site/v1/b/c.txt")).unwrap(),
        "c"
    );
    let escape = action("deploy", "Deploy/AWS/S3/1")
        .input("app")
        .set("BucketName", "site")
        .set("Extract", "true");
    let demo = pipeline(vec![
        stage("Source", vec![source("app").local("path", json!("in"))]),
        stage("Deploy", vec![escape.set("ObjectKey", "../../x")]),
    ]);
    let ran = project.run(&demo);
    assert!(ran.failure("Deploy/deploy").message.contains("lead out of the bucket"));
}
