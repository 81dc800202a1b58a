//! The contract of the command line: arguments, streams, exit status.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use insta::assert_snapshot;
use tempfile::TempDir;

mod control;
mod going_on;
mod mistakes;
mod runs;

/// A pipeline without fault.
const GOOD: &str = r#"pipeline demo {
  role_arn       = "arn:aws:iam::111122223333:role/demo"
  artifact_store = "demo-artifacts"

  stage source {
    action app = source.s3 {
      s3_bucket               = "demo-source"
      s3_object_key           = "app.zip"
      poll_for_source_changes = false
    }
  }

  stage build {
    action compile = build.codebuild { input = app, project_name = "demo" }
  }
}
"#;

/// A folder of its own, and `pipe` run in it with nothing of the environment but what a test gives.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for (name, text) in files {
            place.write(name, text);
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn pipe(&self, args: &[&str]) -> Answer {
        self.pipe_with(args, "")
    }

    fn pipe_with(&self, args: &[&str], stdin: &str) -> Answer {
        Answer(
            command(self.folder.path())
                .args(args)
                .write_stdin(stdin)
                .output()
                .unwrap(),
        )
    }
}

fn command(folder: &Path) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_pipe"));
    command.current_dir(folder).env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

struct Answer(Output);

impl Answer {
    fn status(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    fn out(&self) -> &str {
        std::str::from_utf8(&self.0.stdout).unwrap()
    }

    fn err(&self) -> &str {
        std::str::from_utf8(&self.0.stderr).unwrap()
    }

    /// Everything, for a snapshot.
    fn whole(&self) -> String {
        format!(
            "status {}\n--- standard output\n{}--- standard error\n{}",
            self.status(),
            self.out(),
            self.err()
        )
    }
}

mod help {
    use super::*;

    #[test]
    fn lists_the_commands() {
        let answer = Place::new(&[]).pipe(&["--help"]);
        assert_eq!((answer.status(), answer.err()), (0, ""));
        assert_snapshot!(answer.out());
    }

    #[test]
    fn every_command_has_one() {
        let place = Place::new(&[]);
        for name in [
            "check",
            "fmt",
            "export",
            "graph",
            "plan",
            "run",
            "runs",
            "show",
            "logs",
            "approve",
            "reject",
            "stop",
            "artifacts",
            "shell",
            "clean",
            "index",
            "new",
            "doc",
            "explain",
        ] {
            let answer = place.pipe(&[name, "--help"]);
            assert_eq!((answer.status(), answer.err()), (0, ""), "{name}");
            insta::with_settings!({ snapshot_suffix => name }, { assert_snapshot!(answer.out()) });
        }
    }

    #[test]
    fn wrong_arguments_are_status_2_and_nothing_on_standard_output() {
        let place = Place::new(&[]);
        for args in [
            &["chekc"][..],
            &["check", "--formt", "json"],
            &["check", "--format", "yaml"],
            &["check", "-D", "region"],
            &["export"],
            &[],
        ] {
            let answer = place.pipe(args);
            assert_eq!((answer.status(), answer.out()), (2, ""), "{args:?}");
            assert!(!answer.err().is_empty(), "{args:?}");
        }
    }

    #[test]
    fn says_its_version() {
        let answer = Place::new(&[]).pipe(&["--version"]);
        assert_eq!(answer.out(), concat!("pipe ", env!("CARGO_PKG_VERSION"), "\n"));
    }
}

mod check {
    use super::*;

    #[test]
    fn is_silent_about_faultless_files_but_for_one_line() {
        let answer = Place::new(&[("main.pipe", GOOD)]).pipe(&["check", "main.pipe"]);
        assert_snapshot!(answer.whole(), @r"
        status 0
        --- standard output
        no problems in 1 file
        --- standard error
        ");
    }

    #[test]
    fn reports_go_to_standard_output_and_the_answer_is_no() {
        let place = Place::new(&[("main.pipe", &GOOD.replace("input = app", "input = ap"))]);
        assert_snapshot!(place.pipe(&["check", "main.pipe"]).whole());
        let json = place.pipe(&["check", "main.pipe", "--format", "json"]);
        assert_eq!((json.status(), json.err()), (1, ""));
        assert_snapshot!(json.out());
    }

    #[test]
    fn directories_are_walked_and_hidden_ones_are_not() {
        let bad = GOOD.replace("input = app", "input = ap");
        let place = Place::new(&[
            ("b/main.pipe", &bad),
            ("a.pipe", &bad),
            (".pipe/runs/old.pipe", "nonsense"),
            ("notes.txt", "nonsense"),
        ]);
        let answer = place.pipe(&["check"]);
        assert_eq!(answer.status(), 1);
        let heads: Vec<&str> = answer.out().lines().filter(|line| line.contains("─[")).collect();
        assert_eq!(heads.len(), 2, "{}", answer.out());
        assert!(
            heads[0].contains("[a.pipe:") && heads[1].contains("[b/main.pipe:"),
            "{heads:?}"
        );
        assert!(answer.out().ends_with("2 errors in 2 files\n"), "{}", answer.out());
    }

    #[test]
    fn what_two_files_import_is_reported_once() {
        let main = |name: &str| {
            format!(
                "import \"./lib.pipe\" as lib\n{}",
                GOOD.replace("\"demo\"", &format!("lib.{name}"))
            )
        };
        let place = Place::new(&[
            ("one.pipe", &main("fine")),
            ("two.pipe", &main("fine")),
            ("lib.pipe", "const fine = \"x\"\nconst bad = nothing\n"),
        ]);
        let answer = place.pipe(&["check"]);
        assert_eq!(answer.out().matches("error[").count(), 1, "{}", answer.out());
        let again = place.pipe(&["check", "two.pipe", "lib.pipe", "./two.pipe"]);
        assert_eq!(again.out().matches("error[").count(), 1, "{}", again.out());
    }

    #[test]
    fn standard_input_is_a_file_called_stdin() {
        let answer = Place::new(&[]).pipe_with(&["check", "-"], &GOOD.replace("input = app", "input = ap"));
        assert_eq!(answer.status(), 1);
        assert!(answer.out().contains("[<stdin>:14:"), "{}", answer.out());
    }

    #[test]
    fn what_cannot_be_read_is_told_and_the_rest_is_checked() {
        let place = Place::new(&[("good.pipe", GOOD)]);
        place.write("latin.pipe", b"// caf\xe9\n");
        place.write("folder/inner.txt", "");
        let answer = place.pipe(&["check", "missing.pipe", "good.pipe", "latin.pipe", "folder"]);
        assert_snapshot!(answer.whole());
    }

    #[test]
    fn warnings_can_be_denied() {
        let unused = GOOD.replace("  stage build", "  variable nobody = \"uses it\"\n\n  stage build");
        let place = Place::new(&[("main.pipe", &unused)]);
        let answer = place.pipe(&["check"]);
        assert!(answer.out().contains("warning["), "{}", answer.out());
        assert_eq!(answer.status(), 0);
        assert_eq!(place.pipe(&["check", "--deny", "warnings"]).status(), 1);
    }

    #[test]
    fn parameters_come_from_arguments_and_files() {
        let text = format!("param project: string\n{}", GOOD.replace("\"demo\"", "project"));
        let place = Place::new(&[
            ("main.pipe", &text),
            ("params.json", r#"{"project": "from-file"}"#),
            ("bad.json", "["),
        ]);
        assert_eq!(place.pipe(&["check", "main.pipe", "-D", "project=x"]).status(), 0);
        assert_eq!(
            place.pipe(&["check", "main.pipe", "--params", "params.json"]).status(),
            0
        );
        let answer = place.pipe(&["check", "main.pipe", "--params", "bad.json"]);
        assert_eq!(answer.status(), 2);
        assert!(
            answer.err().contains("`bad.json`: it is not a JSON object"),
            "{}",
            answer.err()
        );
    }

    #[test]
    fn a_closed_pipe_is_success() {
        let bad = GOOD.replace("input = app", "input = ap");
        let place = Place::new(&[("main.pipe", &bad)]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = std::process::Command::new(env!("CARGO_BIN_EXE_pipe"))
            .args(["check", "main.pipe"])
            .current_dir(place.folder.path())
            .stdout(writer)
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(0));
    }
}

mod fmt {
    use super::*;

    /// [`GOOD`], as nobody would keep it.
    fn ugly() -> String {
        GOOD.replace("  stage", "stage").replace(" = ", "=")
    }

    #[test]
    fn formats_in_place() {
        let place = Place::new(&[("a.pipe", &ugly()), ("b.pipe", GOOD)]);
        let answer = place.pipe(&["fmt"]);
        assert_eq!(
            (answer.status(), answer.out(), answer.err()),
            (0, "formatted a.pipe\n", "")
        );
        assert_eq!(place.read("a.pipe"), GOOD);
        assert_eq!(place.pipe(&["fmt"]).out(), "");
    }

    #[test]
    fn checks_and_writes_nothing() {
        let place = Place::new(&[("a.pipe", &ugly()), ("b.pipe", GOOD)]);
        let answer = place.pipe(&["fmt", "--check"]);
        assert_snapshot!(answer.whole());
        assert_eq!(place.read("a.pipe"), ugly());
        assert_eq!(
            place.pipe(&["fmt", "--check", "b.pipe"]).whole(),
            "status 0\n--- standard output\n--- standard error\n"
        );
    }

    #[test]
    fn standard_input_goes_to_standard_output() {
        let place = Place::new(&[]);
        for args in [&["fmt", "--stdin"][..], &["fmt", "-"]] {
            let answer = place.pipe_with(args, &ugly());
            assert_eq!((answer.status(), answer.out(), answer.err()), (0, GOOD, ""));
        }
        assert_eq!(place.pipe_with(&["fmt", "--stdin", "--check"], &ugly()).status(), 1);
    }

    #[test]
    fn files_with_errors_are_left_as_they_are() {
        let broken = "pipeline demo {\n    stage build {\n";
        let place = Place::new(&[("a.pipe", broken), ("b.pipe", &ugly())]);
        let answer = place.pipe(&["fmt"]);
        assert_eq!((answer.status(), answer.out()), (1, "formatted b.pipe\n"));
        assert!(answer.err().contains("error["), "{}", answer.err());
        assert_eq!(place.read("a.pipe"), broken);
        let answer = place.pipe_with(&["fmt", "--stdin"], broken);
        assert_eq!((answer.status(), answer.out()), (1, ""));
    }
}

mod export {
    use super::*;

    #[test]
    fn writes_json_to_standard_output_or_a_file() {
        let place = Place::new(&[("main.pipe", GOOD)]);
        let answer = place.pipe(&["export", "main.pipe"]);
        assert_eq!((answer.status(), answer.err()), (0, ""));
        assert_snapshot!(answer.out());
        let to_file = place.pipe(&["export", "main.pipe", "-o", "out.json"]);
        assert_eq!((to_file.status(), to_file.out()), (0, ""));
        assert_eq!(place.read("out.json"), answer.out());
        assert_eq!(place.pipe_with(&["export", "-"], GOOD).out(), answer.out());
    }

    #[test]
    fn writes_nothing_if_there_are_errors() {
        let place = Place::new(&[
            ("main.pipe", &GOOD.replace("input = app", "input = ap")),
            ("out.json", "old"),
        ]);
        let answer = place.pipe(&["export", "main.pipe", "-o", "out.json"]);
        assert_eq!((answer.status(), answer.out()), (1, ""));
        assert!(answer.err().contains("error["), "{}", answer.err());
        assert_eq!(place.read("out.json"), "old");
    }

    #[test]
    fn asks_which_of_several_pipelines() {
        let place = Place::new(&[(
            "main.pipe",
            &format!("{GOOD}\n{}", GOOD.replace("pipeline demo", "pipeline other")),
        )]);
        assert_snapshot!(place.pipe(&["export", "main.pipe"]).whole());
        assert_snapshot!(place.pipe(&["export", "main.pipe", "--pipeline", "othre"]).whole());
        let answer = place.pipe(&["export", "main.pipe", "--pipeline", "other"]);
        assert_eq!(answer.status(), 0);
        assert!(answer.out().contains(r#""name": "other""#), "{}", answer.out());
    }

    #[test]
    fn a_file_without_a_pipeline_has_nothing_to_export() {
        let answer = Place::new(&[("lib.pipe", "const a = 1\n")]).pipe(&["export", "lib.pipe"]);
        assert_eq!((answer.status(), answer.out()), (2, ""));
        assert!(
            answer.err().contains("there is no pipeline in `lib.pipe`"),
            "{}",
            answer.err()
        );
    }

    #[test]
    fn the_ir_is_json_too() {
        let answer = Place::new(&[("main.pipe", GOOD)]).pipe(&["export", "main.pipe", "--to", "ir"]);
        let value: serde_json::Value = serde_json::from_str(answer.out()).unwrap();
        assert_eq!(value["name"], "demo");
    }
}

#[test]
fn graphs_are_drawn() {
    let place = Place::new(&[("main.pipe", GOOD)]);
    let mermaid = place.pipe(&["graph", "main.pipe"]);
    assert_eq!((mermaid.status(), mermaid.err()), (0, ""));
    assert!(mermaid.out().starts_with("flowchart"), "{}", mermaid.out());
    let dot = place.pipe(&["graph", "main.pipe", "--to", "dot"]);
    assert!(dot.out().starts_with("digraph"), "{}", dot.out());
}

mod import {
    use super::*;

    fn document(action: &str) -> String {
        format!(
            r#"{{ "pipeline": {{
                "name": "demo", "roleArn": "arn:aws:iam::111122223333:role/demo",
                "artifactStore": {{ "type": "S3", "location": "demo-artifacts" }},
                "stages": [{{ "name": "source", "actions": [{{
                    "name": "app", "actionTypeId": {{
                        "category": "Source", "owner": "ThirdParty", "provider": "GitHub", "version": "1" }},
                    "outputArtifacts": [{{ "name": "app" }}],
                    {action}
                }}] }}]
            }} }}"#
        )
    }

    #[test]
    fn what_only_checking_finds_does_not_stop_it() {
        let broken = document(r#""configuration": { "Owner": "acme", "Branch": "" }"#);
        let answer = Place::new(&[("old.json", &broken)]).pipe(&["import", "old.json"]);
        assert_eq!((answer.status(), answer.err()), (0, ""));
        assert!(answer.out().contains("owner = \"acme\""), "{}", answer.out());
    }

    #[test]
    fn what_would_be_lost_is_told_and_nothing_is_written() {
        let masked = document(r#""configuration": { "Owner": "acme", "OAuthToken": "****" }"#);
        let twice = document(r#""configuration": { "Owner": "acme" }, "namespace": "one", "namespace": "two""#);
        for (text, told) in [(masked, "error[masked-secret]"), (twice, "error[duplicate-key]")] {
            let answer = Place::new(&[("old.json", &text)]).pipe(&["import", "old.json"]);
            assert_eq!((answer.status(), answer.out()), (1, ""));
            assert!(answer.err().contains(told), "{}", answer.err());
        }
    }
}

mod new {
    use super::*;

    #[test]
    fn the_first_pipeline_checks_formats_and_exports() {
        let place = Place::new(&[]);
        assert_snapshot!(place.pipe(&["new", "hello"]).whole());
        assert_eq!(
            place.pipe(&["check", "--deny", "warnings"]).out(),
            "no problems in 1 file\n"
        );
        assert_eq!(
            place.pipe(&["fmt", "--check"]).whole(),
            "status 0\n--- standard output\n--- standard error\n"
        );
        assert_eq!(place.pipe(&["export", "hello/main.pipe"]).status(), 0);
    }

    #[test]
    fn the_first_pipeline_runs() {
        let place = Place::new(&[]);
        place.pipe(&["new"]);
        let answer = place.pipe(&["run", "main.pipe", "--yes", "--var", "who=moon"]);
        assert_eq!(answer.status(), 0, "{}", answer.whole());
        assert!(place.read(".pipe/s3/hello-site/index.html").contains("Hello, moon!"));
    }

    #[test]
    fn nothing_is_overwritten() {
        let place = Place::new(&[("app/page.sh", "mine")]);
        assert_snapshot!(place.pipe(&["new"]).whole());
        assert_eq!(place.read("app/page.sh"), "mine");
        assert!(!place.path("main.pipe").exists());
    }
}

mod doc {
    use super::*;

    #[test]
    fn shows_modules_providers_and_fields() {
        let place = Place::new(&[]);
        for name in [
            None,
            Some("approval"),
            Some("build.codebuild"),
            Some("manual"),
            Some("codebuild"),
        ] {
            let args: Vec<&str> = std::iter::once("doc").chain(name).collect();
            let answer = place.pipe(&args);
            assert_eq!((answer.status(), answer.err()), (0, ""), "{args:?}");
            insta::with_settings!({ snapshot_suffix => name.unwrap_or("all") }, { assert_snapshot!(answer.out()) });
        }
    }

    #[test]
    fn misspelt_names_get_a_suggestion() {
        let place = Place::new(&[]);
        for (name, meant) in [
            ("biuld", "build"),
            ("build.codebild", "build.codebuild"),
            ("cloudfromation", "deploy.cloudformation"),
        ] {
            let answer = place.pipe(&["doc", name]);
            assert_eq!((answer.status(), answer.out()), (2, ""));
            assert!(
                answer.err().contains(&format!("did you mean `{meant}`?")),
                "{}",
                answer.err()
            );
        }
    }
}

mod explain {
    use super::*;

    #[test]
    fn lists_all_and_tells_of_one() {
        let place = Place::new(&[]);
        let list = place.pipe(&["explain"]);
        assert_eq!((list.status(), list.err()), (0, ""));
        assert!(list.out().starts_with("errors\n"), "{}", list.out());
        assert_snapshot!(place.pipe(&["explain", "error[unknown-name]"]).whole());
    }

    #[test]
    fn misspelt_names_get_a_suggestion() {
        let answer = Place::new(&[]).pipe(&["explain", "unknwon-name"]);
        assert_eq!((answer.status(), answer.out()), (2, ""));
        assert!(
            answer.err().contains("did you mean `unknown-name`?"),
            "{}",
            answer.err()
        );
    }
}

mod color {
    use super::*;

    #[test]
    fn is_for_terminals_alone() {
        let place = Place::new(&[("main.pipe", &GOOD.replace("input = app", "input = ap"))]);
        for args in [
            &["check"][..],
            &["explain"],
            &["doc"],
            &["--help"],
            &["check", "missing"],
        ] {
            let answer = place.pipe(args);
            assert!(!answer.whole().contains('\x1b'), "{args:?}");
        }
    }
}
