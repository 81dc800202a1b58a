//! What stands in for what a pipeline invokes: it is given what the service gives.

use pipe::ir::Action;
use pipe::run::RunOutcome;
use serde_json::{Value, json};

use crate::support::runs::{ActionExt, Project, Ran, action, pipeline, source, stage};

fn ran(action: Action) -> Ran {
    let project = Project::new(&[("in.json", "{\"n\": 1}"), ("broken.json", "{")]);
    project.run(&pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Do", vec![action]),
    ]))
}

/// What the action's `cat` printed.
fn given(ran: &Ran) -> Value {
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{:#?}", ran.records);
    let log = ran.log("Do/call");
    let (_, json) = log.split_once('\n').unwrap();
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

#[test]
fn a_lambda_function_gets_its_job() {
    let call = action("call", "Invoke/AWS/Lambda/1").input("app").output("made", &[]);
    let call = call.set("FunctionName", "notify").set("UserParameters", "a \"b\"");
    let job = &given(&ran(call.local("run", json!("cat; echo x > $PIPE_ARTIFACT_made/x"))))["CodePipeline.job"];
    assert_eq!(job["id"].as_str().unwrap().len(), 36);
    let data = &job["data"];
    assert_eq!(
        data["actionConfiguration"]["configuration"],
        json!({"FunctionName": "notify", "UserParameters": "a \"b\""})
    );
    assert_eq!(data["inputArtifacts"][0]["name"], "app");
    assert_eq!(data["outputArtifacts"][0]["location"]["type"], "S3");
    assert_eq!(data["artifactCredentials"]["accessKeyId"], "");
}

#[test]
fn a_function_that_fails_fails_its_action() {
    let call = action("call", "Invoke/AWS/Lambda/1").set("FunctionName", "notify");
    let ran = ran(call.local("run", json!("echo no >&2; exit 7")));
    assert_eq!(ran.failure("Do/call").tail.last().map(String::as_str), Some("no"));
}

#[test]
fn a_state_machine_gets_its_input() {
    let call = || {
        let call = action("call", "Invoke/AWS/StepFunctions/1").input("app");
        call.set("StateMachineArn", "arn").local("run", json!("cat"))
    };
    assert_eq!(given(&ran(call())), json!({}));
    assert_eq!(given(&ran(call().set("Input", "[1, 2]"))), json!([1, 2]));
    let file = |path: &str| call().set("InputType", "FilePath").set("Input", path);
    assert_eq!(given(&ran(file("in.json"))), json!({"n": 1}));
    assert_eq!(given(&ran(file("app::in.json"))), json!({"n": 1}));
    let message = |path: &str| ran(file(path)).failure("Do/call").message;
    assert_eq!(message("gone.json"), "the artifact `app` has no file `gone.json`");
    assert!(message("broken.json").starts_with("`Input` is not JSON: "));
}
