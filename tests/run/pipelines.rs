//! Pipelines that invoke pipelines of the same file.

use assert_cmd::Command;

use crate::support::runs::Project;

const HEAD: &str = r#"
const role = "arn:aws:iam::111122223333:role/pipelines"

"#;

/// A pipeline whose one action after the source is written out.
fn pipeline(name: &str, variables: &str, action: &str) -> String {
    format!(
        r#"
pipeline {name} {{
  role_arn       = role
  artifact_store = "artifacts"
{variables}
  stage source {{
    action app = source.codecommit {{
      repository_name         = "shop"
      branch_name             = "main"
      poll_for_source_changes = false
    }}
  }}
  stage work {{
    action act = {action}
  }}
}}
"#
    )
}

fn invoke(name: &str, more: &str) -> String {
    format!("invoke.codepipeline {{\n      pipeline_name = \"{name}\"\n{more}    }}")
}

fn commands(command: &str) -> String {
    format!("compute.commands {{ input = app, commands = [{command:?}] }}")
}

fn project(pipelines: &[String]) -> Project {
    Project::new(&[("main.pipe", &format!("{HEAD}{}", pipelines.concat())), ("a.txt", "")])
}

/// Runs `outer`; gives what it said.
fn run(project: &Project, status: i32) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipe"));
    command.current_dir(project.path());
    let assert = command.args(["run", "main.pipe", "--pipeline", "outer"]).assert();
    String::from_utf8(assert.code(status).get_output().stderr.clone()).unwrap()
}

#[test]
fn the_other_one_runs_with_its_variables() {
    let given = "      variables = [{ name = \"who\", value = \"moon\" }]\n";
    let project = project(&[
        pipeline("outer", "", &invoke("inner", given)),
        pipeline("inner", "  variable who = \"world\"", &commands("echo hello ${who}")),
    ]);
    let shown = run(&project, 0);
    assert!(shown.contains("hello moon"), "{shown}");
    let runs: Vec<String> = std::fs::read_dir(project.path().join(".pipe/runs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(runs.len(), 2, "each is a run of its own");
    assert!(
        runs.iter()
            .any(|run| shown.contains(&format!("run {run} of the pipeline `inner`")))
    );
}

#[test]
fn its_failure_is_the_action_s() {
    let project = project(&[
        pipeline("outer", "", &invoke("inner", "")),
        pipeline("inner", "", &commands("echo inner trouble; exit 3")),
    ]);
    let shown = run(&project, 1);
    assert!(shown.contains("of the pipeline `inner` failed"), "{shown}");
    assert!(shown.contains("inner trouble"), "{shown}");
}

#[test]
fn what_would_keep_it_from_running_is_known_before() {
    let refused = |pipelines: &[String], message: &str| {
        let said = run(&project(pipelines), 3);
        assert!(said.contains(message), "{said}");
    };
    refused(
        &[pipeline("outer", "", &invoke("elsewhere", ""))],
        "the pipeline `elsewhere`, which it invokes, is not in this file",
    );
    refused(
        &[
            pipeline("outer", "", &invoke("iner", "")),
            pipeline("inner", "", &commands("true")),
        ],
        "help: did you mean `inner`?",
    );
    refused(
        &[
            pipeline("outer", "", &invoke("inner", "")),
            pipeline("inner", "", &invoke("outer", "")),
        ],
        "pipelines invoke each other in a circle: `outer` → `inner` → `outer`",
    );
    refused(
        &[
            pipeline("outer", "", &invoke("inner", "")),
            pipeline("inner", "  variable must", &commands("echo ${must}")),
        ],
        "the pipeline `inner`: the pipeline variable `must` has no value and no default",
    );
    refused(
        &[
            pipeline("outer", "", &invoke("inner", "")),
            pipeline("inner", "", "approval.manual {}"),
        ],
        "the pipeline `inner`, work/act: it waits for an approval",
    );
}

#[test]
fn it_can_be_simulated_or_stood_in_for() {
    let runs = |local: &str| {
        let action = invoke("elsewhere", &format!("      local {{ {local} }}\n"));
        run(&project(&[pipeline("outer", "", &action)]), 0);
    };
    runs("outputs = {}");
    runs("run = \"true\"");
}
