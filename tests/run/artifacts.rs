//! The store: what is in comes out, whoever else uses it at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use pipe::run::RunOutcome;
use pipe::run::archive::{Limits, import};
use pipe::run::event::Event;
use pipe::run::store::{Artifact, Store, Swept};

use crate::support::program::program;
use crate::support::runs::{ActionExt, Project, commands, pipeline, source, stage};

fn file(path: &Path, text: &str, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Every file below a folder.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut out = BTreeSet::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            out.extend(files(&entry.path()));
        } else {
            out.insert(entry.path());
        }
    }
    out
}

fn objects(store: &Path) -> usize {
    files(&store.join("objects")).len()
}

fn nothing() -> std::io::Result<Vec<String>> {
    Ok(Vec::new())
}

#[test]
fn modes_links_empty_folders_and_odd_names_are_kept() {
    let temp = tempfile::tempdir().unwrap();
    let from = temp.path().join("from");
    file(&from.join("bin/run"), "#!/bin/sh", 0o755);
    file(&from.join("a name with spaces"), "x", 0o600);
    file(&from.join("shared"), "x", 0o664);
    fs::create_dir_all(from.join("empty/folder")).unwrap();
    fs::set_permissions(from.join("empty/folder"), fs::Permissions::from_mode(0o500)).unwrap();
    symlink("bin/run", from.join("link")).unwrap();
    symlink("/no/such/place", from.join("broken")).unwrap();
    let odd = Path::new(OsStr::from_bytes(b"odd-\xff\n"));
    file(&from.join(odd), "y", 0o644);
    let store = Store::new(temp.path().join("store"));
    let artifact = store.import(&from).unwrap();
    assert_eq!((artifact.files, artifact.bytes), (6, 12));
    assert_eq!(objects(&temp.path().join("store")), 3);

    let to = temp.path().join("to");
    Store::new(temp.path().join("store")).unpack(&artifact, &to).unwrap();
    let mode = |path: &str| fs::metadata(to.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(
        (mode("bin/run"), mode("a name with spaces"), mode("shared")),
        (0o755, 0o600, 0o664)
    );
    assert_eq!(mode("empty/folder"), 0o500);
    assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("bin/run"));
    assert_eq!(fs::read_link(to.join("broken")).unwrap(), Path::new("/no/such/place"));
    assert_eq!(fs::read(to.join(odd)).unwrap(), b"y");
    assert_eq!(store.import(&to).unwrap(), artifact);
    let times: BTreeSet<i64> = ["bin/run", "shared"]
        .map(|path| fs::metadata(to.join(path)).unwrap().mtime_nsec())
        .into();
    assert_eq!(times.len(), 1);
}

#[test]
fn changing_a_copy_changes_nothing_else() {
    let temp = tempfile::tempdir().unwrap();
    let store = Store::new(temp.path().join("store"));
    let artifact = store.import_texts(&[("f", b"one")]).unwrap();
    for name in ["a", "b"] {
        let to = temp.path().join(name);
        store.unpack(&artifact, &to).unwrap();
        assert_eq!(fs::read(to.join("f")).unwrap(), b"one");
        fs::write(to.join("f"), "two").unwrap();
    }
}

/// A folder that is deployed to again may hold anything by now.
#[test]
fn laying_out_follows_no_link_and_leaves_other_files() {
    let temp = tempfile::tempdir().unwrap();
    let (to, outside) = (temp.path().join("to"), temp.path().join("outside"));
    file(&outside.join("mine"), "mine", 0o644);
    file(&to.join("other"), "other", 0o644);
    fs::create_dir_all(to.join("was-folder/deep")).unwrap();
    symlink(&outside, to.join("site")).unwrap();
    symlink(outside.join("mine"), to.join("page")).unwrap();
    let store = Store::new(temp.path().join("store"));
    let files: [(&str, &[u8]); 4] = [
        ("site/mine", b"a"),
        ("page", b"b"),
        ("was-folder", b"c"),
        ("site/x/y", b"d"),
    ];
    let artifact = store.import_texts(&files).unwrap();
    store.unpack(&artifact, &to).unwrap();
    for (path, text) in files {
        assert_eq!(fs::read(to.join(path)).unwrap(), text, "{path}");
    }
    assert_eq!(fs::read_to_string(to.join("other")).unwrap(), "other");
    assert_eq!(fs::read_to_string(outside.join("mine")).unwrap(), "mine");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

#[test]
fn no_path_in_an_artifact_leads_out() {
    let temp = tempfile::tempdir().unwrap();
    let store = Store::new(temp.path().join("store"));
    for path in ["../out", "/out", "a/../../out"] {
        let error = store.import_texts(&[(path, b"x")]).unwrap_err().to_string();
        assert!(error.contains("would lead out of the artifact"), "{error}");
    }
}

#[test]
fn a_damaged_file_is_not_handed_on() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("store");
    let artifact = Store::new(root.clone())
        .import_texts(&[("a", b"flour"), ("b", b"sugar")])
        .unwrap();
    let object = files(&root.join("objects")).pop_first().unwrap();
    fs::remove_file(&object).unwrap();
    fs::write(&object, "fl0ur").unwrap();
    let error = Store::new(root.clone())
        .unpack(&artifact, &temp.path().join("to"))
        .unwrap_err();
    assert!(error.to_string().contains("is damaged"), "{error}");
    assert!(error.to_string().contains("run the action again"), "{error}");
    let left = files(&temp.path().join("to"));
    assert!(left.iter().all(|path| fs::read(path).unwrap() != b"fl0ur"), "{left:?}");
    assert!(!Store::new(root.clone()).is_whole(&artifact));
    let again = Store::new(root.clone())
        .import_texts(&[("a", b"flour"), ("b", b"sugar")])
        .unwrap();
    assert_eq!(again, artifact);
    assert!(Store::new(root.clone()).is_whole(&artifact));
    Store::new(root.clone())
        .unpack(&artifact, &temp.path().join("to"))
        .unwrap();
    // Whoever only looks sees more than its length.
    fs::remove_file(&object).unwrap();
    fs::write(&object, "fl0ur").unwrap();
    assert!(!Store::new(root).is_whole(&artifact));
}

#[test]
fn what_nobody_needs_is_swept_away() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("store");
    let store = |files: &[(&str, &[u8])]| Store::new(root.clone()).import_texts(files).unwrap();
    let kept = store(&[("a", b"shared"), ("b", b"of the first")]);
    let unkept = store(&[("a", b"shared"), ("b", b"of the second"), ("c", b"of the third")]);
    // Left by processes that were killed.
    fs::write(root.join("objects/.new-1-2"), "half").unwrap();
    fs::write(root.join("leases/dead"), format!("{}\n", unkept.digest)).unwrap();
    let user = Store::new(root.clone());
    let used = user.import_texts(&[("u", b"used")]).unwrap();

    let keep = || Ok([kept.digest.clone(), "not there any more".to_owned()]);
    let swept = Store::new(root.clone()).sweep(keep).unwrap();
    assert_eq!((swept.artifacts, swept.files), (1, 3));
    assert!(swept.bytes > 26);
    let sweeper = Store::new(root.clone());
    assert!(sweeper.is_whole(&kept) && sweeper.is_whole(&used) && !sweeper.is_whole(&unkept));
    let error = sweeper.unpack(&unkept, &temp.path().join("to")).unwrap_err();
    assert!(error.to_string().contains("not in the store any more"), "{error}");
    drop(sweeper);
    // Its process has ended.
    drop(user);
    assert_eq!(Store::new(root.clone()).sweep(keep).unwrap().artifacts, 1);
    assert_eq!(Store::new(root.clone()).sweep(keep).unwrap(), Swept::default());
    assert_eq!(objects(&root), 2);
    Store::new(root.clone()).sweep(nothing).unwrap();
    assert_eq!(files(&root), BTreeSet::from([root.join("lock")]));
    assert_eq!(
        Store::new(temp.path().join("never")).sweep(nothing).unwrap(),
        Swept::default()
    );
}

/// What is looked at with `keep` was stored before, or is not swept.
#[test]
fn sweeping_takes_nothing_from_those_who_store() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("store");
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let sweeper = scope.spawn(|| {
            let mut rounds = 0;
            while !is_over.load(Ordering::Relaxed) {
                Store::new(root.clone()).sweep(nothing).unwrap();
                rounds += 1;
            }
            rounds
        });
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let (root, to) = (root.clone(), temp.path().join(format!("to-{worker}")));
                scope.spawn(move || {
                    for round in 0..30_u8 {
                        // Each time another process, and the same content as others have.
                        let store = Store::new(root.clone());
                        let made: Vec<Artifact> = (0..4_u8)
                            .map(|index| store.import_texts(&[("a", &[index]), ("b", &[round % 3])]).unwrap())
                            .collect();
                        for artifact in &made {
                            assert!(store.is_whole(artifact));
                            store.unpack(artifact, &to).unwrap();
                            assert_eq!(store.import(&to).unwrap(), *artifact);
                        }
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.join().unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(sweeper.join().unwrap() > 0);
    });
}

#[test]
fn a_run_goes_on_while_another_process_sweeps() {
    let project = Project::new(&[("a.txt", "x")]);
    let mut stages = vec![stage("Source", vec![source("app")])];
    let mut input = "app".to_owned();
    for index in 0..12 {
        let output = format!("out{index}");
        let command = format!("echo {index} > now; echo {index} > made-{index}");
        stages.push(stage(
            &format!("S{index}"),
            vec![
                commands(&format!("a{index}"), &[&command])
                    .input(&input)
                    .output(&output, &[]),
            ],
        ));
        input = output;
    }
    let store = project.path().join(".pipe/store");
    let is_over = AtomicBool::new(false);
    let ran = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                Store::new(store.clone()).sweep(nothing).unwrap();
            }
        });
        let ran = project.run(&pipeline(stages));
        is_over.store(true, Ordering::Relaxed);
        ran
    });
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{:#?}", ran.records);
}

/// The artifacts that a run's journal names, by their names.
fn artifacts(ran: &crate::support::runs::Ran) -> BTreeMap<String, Artifact> {
    let records = ran.records.iter();
    let finished = records.filter_map(|record| match &record.event {
        Event::ActionFinished { artifacts, .. } => Some(artifacts.clone()),
        _ => None,
    });
    finished.flatten().collect()
}

#[test]
fn a_large_source_goes_unchanged_from_action_to_action() {
    let project = Project::new(&[]);
    for index in 0..300 {
        project.file(&format!("d{}/f{index}", index % 9), &format!("content {index}"));
    }
    let spoil = "rm -rf d1; ln -s /etc d1; echo other > d2/f2; mkdir d3/new; chmod -R a-w d4";
    let demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("One", vec![commands("one", &["true"]).input("app").output("one", &[])]),
        stage(
            "Two",
            vec![commands("two", &[spoil]).input("one").output("two", &["d3/*"])],
        ),
        stage(
            "Three",
            vec![
                commands("three", &["true"]).input("one").output("three", &[]),
                commands("four", &["true"])
                    .input("two")
                    .input("app")
                    .output("four", &[]),
            ],
        ),
        stage(
            "Four",
            vec![
                commands("five", &["cp -r \"$CODEBUILD_SRC_DIR_app\" app"])
                    .input("two")
                    .input("app")
                    .output("five", &["app/**/*"]),
            ],
        ),
    ]);
    let ran = project.run(&demo);
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{:#?}", ran.records);
    let artifacts = artifacts(&ran);
    assert_eq!(artifacts["app"].files, 300);
    assert_eq!(
        (&artifacts["one"], &artifacts["three"]),
        (&artifacts["app"], &artifacts["app"])
    );
    assert_eq!(artifacts["two"], artifacts["four"]);
    assert_eq!(
        (artifacts["five"].files, artifacts["five"].bytes),
        (300, artifacts["app"].bytes)
    );
    assert_eq!(objects(&project.path().join(".pipe/store")), 300);
    assert!(!ran.run_dir.join("work").exists());
}

/// `ulimit` stands for a full disk: no file may grow beyond 64 KiB.
#[test]
fn a_disk_that_takes_no_more_is_named_and_nothing_half_done_stays() {
    let project = Project::new(&[
        ("large.bin", &"0123456789abcdef".repeat(20_000)),
        ("main.pipe", include_str!("artifacts/large.pipe")),
    ]);
    let script = "ulimit -f 128; trap '' XFSZ; exec \"$0\" run main.pipe";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_pipe")])
        .current_dir(project.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let store = project.path().join(".pipe/store");
    assert!(said.contains("large.bin"), "{said}");
    assert!(said.contains("nothing more can be written to"), "{said}");
    assert!(said.contains("File too large"), "{said}");
    assert!(
        !files(&store)
            .iter()
            .any(|path| fs::metadata(path).unwrap().len() > 60_000),
        "{:?}",
        files(&store)
    );
    let temporary = |path: &PathBuf| path.to_string_lossy().contains(".new-");
    assert!(!files(&store).iter().any(temporary), "{:?}", files(&store));
}

fn pipe(project: &Project, arguments: &[&str]) -> (i32, String) {
    let mut command = program(project.path(), env!("CARGO_BIN_EXE_pipe"));
    let output = command.args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), said)
}

const ODD: &str = r"
mkdir -p bin empty/folder
echo '<h1>Shop</h1>' >page.html
echo '#!/bin/sh' >bin/run
printf odd >'- odd é*
'
ln -s bin/run link
chmod 750 bin/run
chmod 500 empty/folder
";

#[test]
fn an_artifact_is_packed_the_same_each_time_and_survives_it() {
    let project = Project::new(&[
        ("app/make.sh", ODD),
        ("main.pipe", include_str!("artifacts/packed.pipe")),
    ]);
    let path = |name: &str| project.path().join(name);
    assert_eq!(pipe(&project, &["run", "main.pipe"]).0, 0);
    assert_eq!(
        pipe(&project, &["artifacts", "made", "--zip", "first.zip"]),
        (0, "made: 5 files in first.zip\n".to_owned())
    );
    file(&path("second.zip"), "replaced", 0o600);
    assert_eq!(pipe(&project, &["run", "main.pipe"]).0, 0);
    assert_eq!(pipe(&project, &["artifacts", "made", "--zip", "second.zip"]).0, 0);
    assert_eq!(
        fs::read(path("first.zip")).unwrap(),
        fs::read(path("second.zip")).unwrap()
    );
    let through = "exec \"$0\" artifacts made --zip /dev/stdout | tail -c +1 >third.zip";
    let mut shell = Command::new("sh");
    shell.args(["-c", through, env!("CARGO_BIN_EXE_pipe")]);
    assert!(shell.current_dir(project.path()).status().unwrap().success());
    let third = fs::read(path("third.zip")).unwrap();
    assert!(third.starts_with(&fs::read(path("first.zip")).unwrap()));

    let store = Store::new(path("elsewhere"));
    let taken = import(&store, &path("first.zip"), &Limits::default()).unwrap();
    let laid_out = path("laid-out");
    assert_eq!(pipe(&project, &["artifacts", "made", "-o", "laid-out"]).0, 0);
    assert_eq!(taken, store.import(&laid_out).unwrap());
    let mode = |name: &str| fs::metadata(laid_out.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("bin/run"), mode("empty/folder")), (0o750, 0o500));
    assert_eq!(fs::read_link(laid_out.join("link")).unwrap(), Path::new("bin/run"));
    assert_eq!(fs::read_to_string(laid_out.join("- odd é*\n")).unwrap(), "odd");
}

#[test]
fn what_cannot_be_packed_leaves_the_file_as_it_was() {
    let project = Project::new(&[
        ("app/make.sh", "touch c:"),
        ("main.pipe", include_str!("artifacts/packed.pipe")),
        ("there.zip", "as it was"),
    ]);
    assert_eq!(pipe(&project, &["run", "main.pipe"]).0, 0);
    let (status, said) = pipe(&project, &["artifacts", "made", "--zip", "there.zip"]);
    assert_eq!(status, 2, "{said}");
    assert!(
        said.contains("the artifact `made` cannot be packed into `there.zip`: `c:`"),
        "{said}"
    );
    assert_eq!(fs::read(project.path().join("there.zip")).unwrap(), b"as it was");
    assert_eq!(fs::read_dir(project.path()).unwrap().count(), 4, "{said}");
}

#[test]
fn an_archive_holds_one_artifact() {
    let project = Project::new(&[
        ("app/make.sh", ""),
        ("main.pipe", include_str!("artifacts/packed.pipe")),
    ]);
    assert_eq!(pipe(&project, &["run", "main.pipe"]).0, 0);
    let said = "error: the run has several artifacts: `app` and `made`\n  help: say which one: `pipe artifacts NAME --zip FILE`\n";
    assert_eq!(pipe(&project, &["artifacts", "--zip", "all.zip"]), (2, said.to_owned()));
}
