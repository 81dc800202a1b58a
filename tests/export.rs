//! What goes out: CodePipeline JSON and the IR as JSON, from IR that is built here.

mod formats;

use pipe::diagnostic::Diagnostics;
use pipe::export::{codepipeline, ir as ir_json};
use pipe::ir::{self, *};

use crate::support::pipeline::*;

fn exported(pipeline: &Pipeline) -> String {
    let mut diags = Diagnostics::default();
    let json = codepipeline::export(pipeline, &mut diags);
    assert!(diags.is_empty(), "{diags:?}");
    json.expect("without reports there is an export")
}

/// Everything that a declaration can hold.
fn full() -> Pipeline {
    let mut pipeline = good();
    let p = &mut pipeline;
    p.execution_mode = Some(node(ExecutionMode::Queued, 1));
    p.tags = vec![tag("team", "checkout", 1), tag("cost", "", 1)];
    p.variables = vec![variable("channel", Some("beta"), 1), variable("note", Some("-"), 1)];
    p.variables[0].description = Some("Where this run is going: \"beta\" or \"stable\"".to_owned());

    let mut east = store("demo-east", 1);
    east.encryption_key = Some(text("alias/demo", 1));
    p.stores = Stores::ByRegion {
        stores: [
            ("us-east-1".to_owned(), east),
            ("eu-west-1".to_owned(), store("demo-west", 1)),
        ]
        .into(),
        both: None,
        origin: at(1),
    };

    let mut trigger = trigger();
    trigger.push.push(PushFilter {
        tags: Some(patterns(&["v*"], &["v0.*"], 1)),
        ..PushFilter::default()
    });
    trigger.pull_request.push(PullRequestFilter {
        events: vec![node(PullRequestEvent::Open, 1), node(PullRequestEvent::Updated, 1)],
        branches: Some(patterns(&["main"], &[], 1)),
        file_paths: Some(patterns(&["src/**"], &["**/*.md"], 1)),
        origin: at(1),
    });
    p.triggers.push(trigger);

    let mut lint = action("lint", "Compute/AWS/Commands/1", 400);
    lint.run_order = 2;
    lint.commands = vec![text("npm ci", 1), text("npm run lint -- #{variables.channel}", 1)];
    lint.environment = vec![
        EnvironmentVariable {
            name: name("CHANNEL", 1),
            value: text("#{variables.channel}", 1),
            kind: EnvironmentKind::Plaintext,
        },
        EnvironmentVariable {
            name: name("TOKEN", 1),
            value: text("demo/npm:token", 1),
            kind: EnvironmentKind::SecretsManager,
        },
    ];
    input(&mut lint, "app", 400);
    output(&mut lint, "report", 400);
    lint.outputs[0].files = vec![name("report/**", 1), name("*.xml", 1)];
    lint.output_variables = vec![name("WARNINGS", 1)];
    p.stages[1].actions.push(lint);

    let mut go = action("go", "Approval/AWS/Manual/1", 400);
    go.timeout_minutes = Some(node(2880, 1));
    p.stages[2].actions.insert(0, go);
    let ship = &mut p.stages[2].actions[1];
    ship.run_order = 2;
    ship.region = Some(name("us-east-1", 1));
    ship.role_arn = Some(text("arn:aws:iam::111122223333:role/ship", 1));

    let mut gate = condition(ConditionResult::Fail);
    let rule = &mut gate.rules[0];
    rule.configuration.insert("Value".to_owned(), entry("x", 1));
    rule.configuration.insert("Operator".to_owned(), entry("EQ", 1));
    rule.timeout_minutes = Some(node(30, 1));
    rule.region = Some(name("eu-west-1", 1));
    let mut check = ir::Rule::clone(rule);
    check.name.value = "smoke".to_owned();
    check.type_id = TypeId::parse("Rule/AWS/Commands/1").expect("a type id of four parts");
    check.configuration.clear();
    check.commands = vec![text("./smoke.sh", 1)];
    check.inputs = vec![name("app", 1)];
    check.role_arn = Some(text("arn:aws:iam::111122223333:role/check", 1));
    gate.rules.push(check);
    p.stages[2].before_entry = Some(gate);
    p.stages[2].on_success = Some(condition(ConditionResult::Rollback));
    p.stages[2].on_failure = Some(FailureHandling {
        result: None,
        retry_mode: None,
        condition: Some(condition(ConditionResult::Rollback)),
        origin: at(1),
    });
    p.stages[1].on_failure = Some(FailureHandling {
        result: Some(node(ConditionResult::Retry, 1)),
        retry_mode: Some(node(RetryMode::FailedActions, 1)),
        condition: None,
        origin: at(1),
    });
    pipeline
}

#[test]
fn a_full_pipeline_is_valid() {
    let mut diags = Diagnostics::default();
    ir::validate(&full(), &mut diags);
    let reports: Vec<_> = diags.iter().map(|report| &report.message).collect();
    assert!(reports.is_empty(), "{reports:?}");
}

#[test]
fn codepipeline_json_holds_all_in_the_order_of_the_api() {
    insta::assert_snapshot!(exported(&full()));
}

#[test]
fn codepipeline_json_leaves_out_what_is_empty() {
    insta::assert_snapshot!(exported(&good()));
}

#[test]
fn codepipeline_json_ends_with_one_newline_and_is_the_same_each_time() {
    let json = exported(&full());
    assert!(json.ends_with("}\n") && !json.ends_with("\n\n"));
    assert_eq!(json, exported(&full()));
}

#[test]
fn strings_are_kept_to_the_letter() {
    let value = "tab\t quote\" backslash\\ newline\n NUL\0 ü 🍰 </script> #{x} ${y}";
    let mut pipeline = good();
    let ship = &mut pipeline.stages[2].actions[0];
    ship.configuration.insert("X".to_owned(), entry(value, NEW));
    let json: serde_json::Value = serde_json::from_str(&exported(&pipeline)).unwrap();
    assert_eq!(json["pipeline"]["stages"][2]["actions"][0]["configuration"]["X"], value);
}

#[test]
fn a_value_known_when_deploying_is_refused_where_it_stands() {
    let mut pipeline = good();
    let mut value = Text::literal("stack-");
    value.push(TextPart::Deploy(DeployValue::Ref("AWS::StackName".to_owned())));
    let mut bucket = entry("", NEW);
    bucket.value = value.clone();
    pipeline.stages[2].actions[0]
        .configuration
        .insert("BucketName".to_owned(), bucket);
    pipeline.role_arn = Some(Node::new(value, at(ROLE)));

    let mut diags = Diagnostics::default();
    assert_eq!(codepipeline::export(&pipeline, &mut diags), None);
    let reports: Vec<_> = diags
        .into_sorted()
        .into_iter()
        .map(|report| (report.code.name, report.primary.span, report.message))
        .collect();
    let says = |what: &str| format!("{what} is known when deploying only, and CodePipeline JSON cannot say it");
    assert_eq!(
        reports,
        [
            ("deploy-time-value", at(ROLE), says("the role of `demo`")),
            ("deploy-time-value", at(NEW + OF_VALUE), says("BucketName of `ship`")),
        ]
    );
}

#[test]
fn the_ir_survives_its_json() {
    let pipeline = full();
    let json = ir_json::export(&pipeline);
    assert!(json.ends_with("}\n"));
    let again: Pipeline = serde_json::from_str(&json).unwrap();
    assert_eq!(ir_json::export(&again), json);
    assert_eq!(exported(&again), exported(&pipeline));
}
