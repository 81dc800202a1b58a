//! Sources: what a run takes in, and what it knows of it.

use std::path::Path;
use std::process::Command;

use pipe::run::RunOutcome;
use serde_json::json;

use crate::support::runs::{ActionExt, Project, Ran, action, build, commands, pipeline, source, stage};

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
    assert_eq!(missing.outcome, RunOutcome::Unusable);
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

/// A repository with one commit of `files`.
fn repository(files: &[(&str, &str)]) -> Project {
    let project = Project::new(files);
    git(project.path(), &["init", "--quiet"]);
    git(project.path(), &["add", "."]);
    git(project.path(), &["commit", "--quiet", "-m", "one"]);
    project
}

/// Runs the listing of `from` as `--source app=…`.
fn taken(project: &Project, from: &str, source: pipe::ir::Action) -> Ran {
    taken_with(project, from, &listing(source))
}

#[test]
fn a_bare_repository_is_cloned() {
    let other = repository(&[("v.txt", "1")]);
    let project = Project::new(&[]);
    let bare = project.path().join("bare.git");
    git(
        other.path(),
        &["clone", "--quiet", "--bare", ".", &bare.to_string_lossy()],
    );
    let ran = taken(&project, "bare.git", source("app"));
    assert_eq!(ran.outcome, RunOutcome::Unusable, "relative to the current folder");
    let ran = taken(&project, &bare.to_string_lossy(), source("app"));
    assert_eq!(listed(&ran), "v.txt");
    assert_eq!(ran.variable("Source/app", "BranchName").as_deref(), Some("main"));
    let ran = project.run(&listing(source("app").local("path", json!("bare.git"))));
    assert_eq!(listed(&ran), "v.txt");
}

#[test]
fn what_is_not_there_is_refused_before_the_start() {
    let project = repository(&[("v.txt", "1")]);
    let file = project.path().join("v.txt").display().to_string();
    for from in ["/no/such/folder", "", "no/such/folder@v1", &file] {
        assert_eq!(
            taken(&project, from, source("app")).outcome,
            RunOutcome::Unusable,
            "{from}"
        );
    }
    let gone = source("app").local("path", json!("gone"));
    assert_eq!(project.run(&listing(gone)).outcome, RunOutcome::Refused);
    let object = action("app", "Source/AWS/S3/1").output("app", &[]);
    assert_eq!(taken(&project, "gone.zip", object).outcome, RunOutcome::Unusable);
}

#[test]
fn a_revision_that_the_repository_has_not_is_named() {
    let project = repository(&[("v.txt", "1")]);
    // What lies here is looked at before the start.
    assert_eq!(taken(&project, "@v9", source("app")).outcome, RunOutcome::Unusable);
    let place = format!("file://{}", project.path().canonicalize().unwrap().display());
    let failure = taken(&project, &format!("{place}@v9"), source("app")).failure("Source/app");
    assert_eq!(failure.message, format!("{place} has no revision `v9`"));
    assert!(failure.help.unwrap().contains("a branch, a tag or a commit"));
}

#[test]
fn an_address_is_shown_without_its_credential() {
    let project = Project::new(&[]);
    // Too short to be masked.
    let ran = taken(&project, "http://me:pw@127.0.0.1:1/x.git", source("app"));
    let told = serde_json::to_string(&ran.records).unwrap();
    assert!(told.contains("http://127.0.0.1:1/x.git"), "{told}");
    assert!(!told.contains("pw@"), "{told}");
}

#[test]
fn archives_of_a_bucket_are_whole_and_nothing_else_is_there() {
    let project = Project::new(&[("in/a.txt", "a")]);
    let deploy = |name: &str, key: &str| {
        let deploy = action(name, "Deploy/AWS/S3/1").input("app");
        deploy
            .set("BucketName", "site")
            .set("Extract", "false")
            .set("ObjectKey", key)
    };
    let demo = pipeline(vec![
        stage("Source", vec![source("app").local("path", json!("in"))]),
        stage("Deploy", vec![deploy("one", "v1/app.zip"), deploy("two", "v1/app.jar")]),
    ]);
    assert_eq!(project.run(&demo).outcome, RunOutcome::Succeeded);
    let folder = project.path().join(".pipe/s3/site/v1");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["app.jar", "app.zip"]);
    let bytes = |name: &str| std::fs::read(folder.join(name)).unwrap();
    assert_eq!(bytes("app.jar"), bytes("app.zip"));
}

#[test]
fn the_same_checkout_at_a_revision() {
    let project = repository(&[("v.txt", "1")]);
    git(project.path(), &["tag", "v1"]);
    project.file("w.txt", "2");
    git(project.path(), &["add", "."]);
    git(project.path(), &["commit", "--quiet", "-m", "two"]);
    project.file("x.txt", "dirty");
    assert_eq!(listed(&project.run(&listing(source("app")))), "v.txt w.txt x.txt");
    assert_eq!(listed(&taken(&project, "@v1", source("app"))), "v.txt");
    assert_eq!(listed(&taken(&project, "@main", source("app"))), "v.txt w.txt");
}

#[test]
fn heads_of_every_kind() {
    let project = repository(&[("v.txt", "1")]);
    let branch = |ran: &Ran| ran.variable("Source/app", "BranchName").unwrap();
    // A worktree has a file where others have a folder.
    let worktree = project.path().join("tree");
    git(
        project.path(),
        &["worktree", "add", "--quiet", "-b", "side", &worktree.to_string_lossy()],
    );
    let ran = taken(&project, &worktree.to_string_lossy(), source("app"));
    assert_eq!((listed(&ran), branch(&ran)), ("v.txt".to_owned(), "side".to_owned()));
    // Detached: the declaration says which branch it stands for.
    git(&worktree, &["checkout", "--quiet", "--detach"]);
    let declared = source("app").set("BranchName", "release");
    assert_eq!(
        branch(&taken(&project, &worktree.to_string_lossy(), declared)),
        "release"
    );
    assert_eq!(
        branch(&taken(&project, &worktree.to_string_lossy(), source("app"))),
        "HEAD"
    );
    // Shallow: what is left of the history is enough.
    let shallow = tempfile::tempdir().unwrap();
    let url = format!("file://{}", project.path().display());
    git(shallow.path(), &["clone", "--quiet", "--depth=1", &url, "s"]);
    let shallow = shallow.path().join("s");
    assert_eq!(
        listed(&taken(&project, &shallow.to_string_lossy(), source("app"))),
        "v.txt"
    );
    // Nothing committed yet.
    let unborn = Project::new(&[("a.txt", "")]);
    git(unborn.path(), &["init", "--quiet"]);
    let ran = unborn.run(&listing(source("app")));
    assert_eq!((listed(&ran), branch(&ran)), ("a.txt".to_owned(), "main".to_owned()));
    assert_eq!(ran.variable("Source/app", "CommitId").unwrap(), "0".repeat(40));
    let ran = unborn.run(&listing(
        source("app").set("OutputArtifactFormat", "CODEBUILD_CLONE_REF"),
    ));
    assert_eq!(
        ran.failure("Source/app").message,
        "there is no commit that could be cloned"
    );
}

#[test]
fn unusual_names_are_kept() {
    let odd = ["line\nbreak", "-dash", "quo\"te", "tab\t", "ünï", " blank ", "glob[*]?"];
    let files: Vec<(&str, &str)> = odd.iter().map(|name| (*name, "x")).collect();
    let project = repository(&files);
    let ran = project.run(&pipeline(vec![
        stage("Source", vec![source("app")]),
        stage(
            "List",
            vec![commands("list", &["ls | wc -l; cat ./* | wc -c"]).input("app")],
        ),
    ]));
    let log = ran.log("List/list");
    // One of the seven names has a line break.
    assert!(log.contains("\n8\n7\n"), "{log}");
}

#[test]
fn submodules_are_left_out_and_named() {
    let library = repository(&[("lib.c", "")]);
    let project = repository(&[("main.c", "")]);
    let path = library.path().to_string_lossy();
    let add = [
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        &path,
        "lib",
    ];
    git(project.path(), &add);
    git(project.path(), &["commit", "--quiet", "-m", "two"]);
    let ran = project.run(&listing(source("app")));
    assert_eq!(listed(&ran), ".gitmodules main.c");
    let log = ran.log("Source/app");
    assert!(
        log.contains("submodules are left out, as by CodePipeline: `lib`"),
        "{log}"
    );
    let clone = source("app").set("OutputArtifactFormat", "CODEBUILD_CLONE_REF");
    let ran = project.run(&pipeline(vec![
        stage("Source", vec![clone]),
        stage(
            "Build",
            vec![
                commands(
                    "list",
                    &["git -c protocol.file.allow=always submodule --quiet update --init && ls lib"],
                )
                .input("app"),
            ],
        ),
    ]));
    assert!(ran.log("Build/list").ends_with("\nlib.c\n"), "{:#?}", ran.records);
}

#[test]
fn pointers_of_git_lfs_are_named() {
    let project = repository(&[
        (".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n"),
        (
            "a.bin",
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n",
        ),
        ("b.bin", "content"),
        ("c.txt", "version https://git-lfs.github.com/spec/v1"),
    ]);
    let ran = project.run(&listing(source("app")));
    let log = ran.log("Source/app");
    for note in [
        "pointers of git LFS are taken in place of what they stand for: `a.bin`\n",
        "CodePipeline would take pointers of git LFS in place of `b.bin`\n",
    ] {
        assert!(log.contains(note), "{log}");
    }
}

#[test]
fn a_reference_to_clone_from_has_its_history() {
    let project = repository(&[("v.txt", "1")]);
    git(
        project.path(),
        &[
            "remote",
            "add",
            "origin",
            "https://me:t0ken-of-mine@host.example/acme/shop.git",
        ],
    );
    git(project.path(), &["commit", "--quiet", "--allow-empty", "-m", "two"]);
    project.file("new.txt", "");
    let clone = || source("app").set("OutputArtifactFormat", "CODEBUILD_CLONE_REF");
    let look = commands(
        "look",
        &[
            "git log --format=%s | tr '\\n' ' '",
            "git status --short",
            "git remote get-url origin",
            "git symbolic-ref HEAD || echo detached",
        ],
    );
    let demo = |source| {
        pipeline(vec![
            stage("Source", vec![source]),
            stage("Look", vec![look.clone().input("app")]),
        ])
    };
    let ran = project.run(&demo(clone()));
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{:#?}", ran.records);
    let log = ran.log("Look/look");
    for line in [
        "two one ",
        "?? new.txt",
        "https://host.example/acme/shop.git",
        "detached",
    ] {
        assert!(log.lines().any(|found| found.starts_with(line)), "{line} in {log}");
    }
    let built = pipeline(vec![
        stage("Source", vec![clone()]),
        stage("Build", vec![build("b").input("app")]),
    ]);
    let spec = "version: 0.2\nphases: {build: {commands: ['[ $CODEBUILD_RESOLVED_SOURCE_VERSION = $(git rev-parse HEAD) ]']}}\n";
    project.file("buildspec.yml", spec);
    let built = project.run(&built);
    assert_eq!(built.outcome, RunOutcome::Succeeded, "{:#?}", built.records);
    let url = ran.variable("Source/app", "CommitUrl").unwrap();
    assert!(url.starts_with("https://host.example/acme/shop/commit/"), "{url}");
    let ran = taken_with(&project, "@HEAD~1", &demo(clone()));
    assert!(ran.log("Look/look").contains("\none "), "{}", ran.log("Look/look"));
    let archive = project.run(&demo(source("app"))).log("Look/look");
    assert!(archive.contains("not a git repository"), "{archive}");
}

fn taken_with(project: &Project, from: &str, demo: &pipe::ir::Pipeline) -> Ran {
    let mut options = project.options();
    options.sources = vec![("app".to_owned(), from.to_owned())];
    project.run_with(demo, &options)
}

#[test]
fn an_image_is_what_its_description_says() {
    let detail = json!({
        "ImageDigest": "sha256:abc", "RegistryId": "111122223333", "RepositoryName": "api",
        "ImageURI": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/api@sha256:abc", "ImageTags": ["v7"],
    });
    let project = Project::new(&[
        ("api.json", &detail.to_string()),
        ("half.json", "{\"ImageDigest\": \"x\"}"),
    ]);
    let image = |path: &str| {
        let image = action("image", "Source/AWS/ECR/1").output("image", &[]);
        listing(image.set("RepositoryName", "api").local("path", json!(path)))
    };
    let ran = project.run(&image("api.json"));
    assert_eq!(listed(&ran), "imageDetail.json");
    let variable = |ran: &Ran, name: &str| ran.variable("Source/image", name);
    assert_eq!(variable(&ran, "ImageDigest").as_deref(), Some("sha256:abc"));
    assert_eq!(variable(&ran, "RegistryId").as_deref(), Some("111122223333"));
    assert_eq!(variable(&ran, "ImageTag").as_deref(), Some("latest"));
    let half = project.run(&image("half.json")).failure("Source/image");
    assert!(
        half.message.contains("half.json: missing field `RegistryId`"),
        "{}",
        half.message
    );

    let revised = |revision: &str| {
        let mut options = project.options();
        options.revisions = vec![("image".to_owned(), revision.to_owned())];
        project.run_with(&image("api.json"), &options)
    };
    assert_eq!(variable(&revised("sha256:abc"), "ImageTag"), None);
    let other = revised("IMAGE_DIGEST:sha256:def").failure("Source/image");
    assert!(other.message.contains("not `sha256:def`"), "{}", other.message);
    assert_eq!(revised("v7").outcome, RunOutcome::Unusable);
    assert_eq!(revised("COMMIT_ID:abc").outcome, RunOutcome::Unusable);
}

#[test]
fn revisions_of_objects_and_commits() {
    let project = repository(&[("v.txt", "1")]);
    project.file("w.txt", "");
    git(project.path(), &["add", "."]);
    git(project.path(), &["commit", "--quiet", "-m", "two"]);
    let object = |allowed: &str| {
        let object = action("app", "Source/AWS/S3/1").output("app", &[]);
        let object = object.set("S3Bucket", "b").set("S3ObjectKey", "k.txt");
        object
            .set("AllowOverrideForS3ObjectKey", allowed)
            .local("path", json!("v.txt"))
    };
    let revised = |source: pipe::ir::Action, revisions: &[&str]| {
        let mut options = project.options();
        options.revisions = revisions
            .iter()
            .map(|text| ("app".to_owned(), (*text).to_owned()))
            .collect();
        project.run_with(&listing(source), &options)
    };
    assert_eq!(listed(&revised(source("app"), &["HEAD~1"])), "v.txt");
    let ran = revised(object("true"), &["S3_OBJECT_KEY:other.txt", "v77"]);
    let variable = |name: &str| ran.variable("Source/app", name).unwrap();
    assert_eq!(
        (variable("ObjectKey"), variable("VersionId")),
        ("other.txt".to_owned(), "v77".to_owned())
    );
    assert!(
        ran.log("Source/app")
            .contains("S3_OBJECT_KEY `other.txt` is taken to be what lies here")
    );
    assert_eq!(
        revised(object("false"), &["S3_OBJECT_KEY:x"]).outcome,
        RunOutcome::Unusable
    );
}

#[test]
fn what_only_s3_keeps_is_said() {
    let project = Project::new(&[("in/a.txt", "a")]);
    let deploy = action("deploy", "Deploy/AWS/S3/1")
        .input("app")
        .set("BucketName", "site");
    let deploy = deploy
        .set("Extract", "true")
        .set("CacheControl", "max-age=60")
        .set("CannedACL", "private");
    let ran = project.run(&pipeline(vec![
        stage("Source", vec![source("app").local("path", json!("in"))]),
        stage("Deploy", vec![deploy]),
    ]));
    let log = ran.log("Deploy/deploy");
    assert!(
        log.contains("only S3 keeps its objects' CacheControl `max-age=60`, CannedACL `private`"),
        "{log}"
    );
}
