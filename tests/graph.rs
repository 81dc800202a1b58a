//! What the drawings show.

use pipe::graph::{dot, mermaid};
use pipe::ir::*;

use crate::support::pipeline::*;

/// Parallel members, an approval, conditions, two artifacts on one way, and names that must be escaped.
fn varied() -> Pipeline {
    let mut pipeline = good();
    let build = &mut pipeline.stages[1];
    build.actions[0].handle = Handle("image[\"api\"]".to_owned());
    build.actions[1].handle = Handle("prüfen #1 <a> `b` \\n &amp; {c}".to_owned());
    let mut lint = action("lint", "Compute/AWS/Commands/1", 400);
    lint.run_order = 2;
    input(&mut lint, "app", 400);
    output(&mut lint, "report", 400);
    build.actions.push(lint);
    output(&mut build.actions[0], "extra", 410);
    build.on_failure = Some(FailureHandling {
        result: Some(node(ConditionResult::Retry, 1)),
        retry_mode: None,
        condition: None,
        origin: at(1),
    });
    let deploy = &mut pipeline.stages[2];
    deploy.handle = Handle("the \"end\"".to_owned());
    deploy.before_entry = Some(condition(ConditionResult::Fail));
    deploy.actions[0].run_order = 2;
    input(&mut deploy.actions[0], "extra", 420);
    deploy.actions.insert(0, action("go", "Approval/AWS/Manual/1", 430));
    pipeline
}

#[test]
fn mermaid_shows_stages_steps_and_artifacts() {
    insta::assert_snapshot!(mermaid(&varied()));
}

#[test]
fn dot_shows_stages_steps_and_artifacts() {
    insta::assert_snapshot!(dot(&varied()));
}

#[test]
fn an_empty_stage_is_drawn() {
    let mut pipeline = good();
    pipeline.stages[1].actions.clear();
    insta::assert_snapshot!(dot(&pipeline));
}

/// A step of 100 after a step of 100 takes 199 lines to put in order, not 10,000.
#[test]
fn wide_steps_stay_small() {
    let mut pipeline = good();
    pipeline.stages[2].actions = (0..200)
        .map(|n| {
            let mut action = action(&format!("a{n}"), "Deploy/AWS/S3/1", 500);
            action.run_order = n / 100 + 1;
            action
        })
        .collect();
    assert_eq!(mermaid(&pipeline).matches("~~~").count(), 199 + 1);
}
