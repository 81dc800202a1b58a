//! The rules for pipelines, on IR that is built here: for every code a pipeline that breaks the rule, with the place that
//! the report must point at, and one beside it that keeps it.

use std::collections::BTreeSet;

use pipe::diagnostic::{Diagnostic, Diagnostics};
use pipe::ir::{self, *};
use pipe::source::Span;

use crate::support::pipeline::*;

fn report(change: impl FnOnce(&mut Pipeline)) -> Vec<Diagnostic> {
    let mut pipeline = good();
    change(&mut pipeline);
    let mut diags = Diagnostics::default();
    ir::validate(&pipeline, &mut diags);
    diags.into_sorted()
}

/// Message, labels and help of each report, for tests that read them.
fn texts(change: impl FnOnce(&mut Pipeline)) -> Vec<String> {
    report(change)
        .iter()
        .map(|report| {
            let mut lines = vec![
                format!("{}: {}", report.code.name, report.message),
                report.primary.message.clone(),
            ];
            lines.extend(report.others.iter().map(|label| label.message.clone()));
            lines.extend(report.help.clone());
            lines.join(" | ")
        })
        .collect()
}

struct Case {
    code: &'static str,
    /// Where the report must point.
    span: u32,
    breaks: fn(&mut Pipeline),
    /// Near the mistake, and none.
    keeps: fn(&mut Pipeline),
}

/// A case for every code; several where a code has several sides.
const CASES: &[Case] = &[
    // Structure.
    Case {
        code: "too-few-stages",
        span: PIPELINE,
        breaks: |p| p.stages.truncate(1),
        keeps: |p| p.stages.truncate(2),
    },
    Case {
        code: "too-few-stages",
        span: PIPELINE,
        breaks: |p| p.stages.clear(),
        keeps: |p| {
            p.stages.clear();
            p.incomplete = true;
        },
    },
    Case {
        code: "too-many-stages",
        span: NEW,
        breaks: |p| more_stages(p, 51),
        keeps: |p| more_stages(p, 50),
    },
    Case {
        code: "empty-stage",
        span: DEPLOY,
        breaks: |p| p.stages[2].actions.clear(),
        keeps: |p| {
            p.stages[2].actions.clear();
            p.stages[2].incomplete = true;
        },
    },
    Case {
        code: "first-stage-not-source",
        span: NEW,
        breaks: |p| p.stages[0].actions.push(action("x", "Build/AWS/CodeBuild/1", NEW)),
        keeps: |p| p.stages[0].actions.push(action("x", "Source/AWS/S3/1", NEW)),
    },
    Case {
        // Stages in the wrong order are one mistake: not one a source and one an artifact.
        code: "first-stage-not-source",
        span: COMPILE,
        breaks: |p| p.stages.swap(0, 1),
        keeps: |_| {},
    },
    Case {
        code: "source-outside-first-stage",
        span: NEW,
        breaks: |p| p.stages[2].actions.push(action("x", "Source/AWS/S3/1", NEW)),
        keeps: |p| p.stages[2].actions.push(action("x", "Deploy/AWS/S3/1", NEW)),
    },
    Case {
        code: "no-work-stage",
        span: PIPELINE,
        breaks: |p| {
            p.stages.truncate(2);
            p.stages[1].actions = vec![action("x", "Source/AWS/S3/1", NEW)];
        },
        keeps: |p| {
            p.stages.truncate(2);
            p.stages[1].actions = vec![action("x", "Approval/AWS/Manual/1", NEW)];
        },
    },
    Case {
        code: "too-many-actions",
        span: 1000 + 50,
        breaks: |p| many_actions(p, 51, 1),
        keeps: |p| many_actions(p, 50, 1),
    },
    Case {
        code: "too-many-parallel-actions",
        span: 1000 + 100,
        breaks: |p| many_actions(p, 101, 1000),
        keeps: |p| many_actions(p, 50, 1000),
    },
    Case {
        code: "too-many-sequential-actions",
        span: 1000 + 100,
        breaks: |p| many_actions(p, 101, 1),
        keeps: |p| many_actions(p, 50, 1),
    },
    Case {
        code: "too-many-actions-total",
        span: 3000,
        breaks: |p| {
            more_stages(p, 23);
            for stage in &mut p.stages[3..] {
                stage.actions = actions(50, 1000, 1);
            }
            // 4 in the first three stages, and 20 times 50.
            p.stages[22].actions[46].origin = at(3000);
        },
        keeps: |p| {
            more_stages(p, 22);
            for stage in &mut p.stages[3..] {
                stage.actions = actions(50, 1000, 1);
            }
        },
    },
    Case {
        code: "run-order-range",
        span: SHIP,
        breaks: |p| ship(p).run_order = 1000,
        keeps: |p| ship(p).run_order = 999,
    },
    Case {
        code: "run-order-range",
        span: SHIP,
        breaks: |p| ship(p).run_order = 0,
        keeps: |p| ship(p).run_order = 7,
    },
    // Names.
    Case {
        code: "invalid-name",
        span: NAME,
        breaks: |p| p.name.value = "my shop".to_owned(),
        keeps: |p| p.name.value = "my.sh@p-_1".to_owned(),
    },
    Case {
        code: "invalid-name",
        span: DEPLOY + OF_NAME,
        breaks: |p| p.stages[2].name.value = "x".repeat(101),
        keeps: |p| p.stages[2].name.value = "x".repeat(100),
    },
    Case {
        code: "invalid-name",
        span: SHIP + OF_NAME,
        breaks: |p| ship(p).name.value = String::new(),
        keeps: |p| ship(p).name.value = "s".to_owned(),
    },
    Case {
        code: "invalid-name",
        span: NEW + OF_NAME,
        breaks: |p| p.variables.push(variable("a.b", Some("x"), NEW)),
        keeps: |p| p.variables.push(variable("a-b", Some("x"), NEW)),
    },
    Case {
        code: "invalid-name",
        span: 61,
        breaks: |p| entry_condition(p).rules[0].name.value = "größer".to_owned(),
        keeps: |p| entry_condition(p).rules[0].name.value = "groesser".to_owned(),
    },
    Case {
        code: "action-type-invalid",
        span: SHIP,
        breaks: |p| ship(p).type_id.category = "Deployment".to_owned(),
        keeps: |p| ship(p).type_id.category = "Invoke".to_owned(),
    },
    Case {
        code: "action-type-invalid",
        span: SHIP,
        breaks: |p| ship(p).type_id.version = "1.0".to_owned(),
        keeps: |p| ship(p).type_id.version = "1_0".to_owned(),
    },
    Case {
        code: "action-type-invalid",
        span: 60,
        breaks: |p| entry_condition(p).rules[0].type_id.owner = "Custom".to_owned(),
        keeps: |p| entry_condition(p).rules[0].type_id.version = "2".to_owned(),
    },
    Case {
        code: "duplicate-stage-name",
        span: DEPLOY + OF_NAME,
        breaks: |p| p.stages[2].name.value = "build".to_owned(),
        keeps: |p| p.stages[2].name.value = "Build".to_owned(),
    },
    Case {
        code: "duplicate-action-name",
        span: TEST + OF_NAME,
        breaks: |p| p.stages[1].actions[1].name.value = "compile".to_owned(),
        keeps: |p| ship(p).name.value = "compile".to_owned(),
    },
    Case {
        code: "duplicate-rule-name",
        span: 71,
        breaks: |p| {
            let rule = rule("check", "Rule/AWS/VariableCheck/1", 70);
            entry_condition(p).rules.push(rule);
        },
        keeps: |p| {
            let rule = rule("other", "Rule/AWS/VariableCheck/1", 70);
            entry_condition(p).rules.push(rule);
        },
    },
    Case {
        code: "artifact-name-invalid",
        span: NEW + OF_OUTPUT,
        breaks: |p| output(ship(p), "a.b", NEW),
        keeps: |p| output(ship(p), "a-b", NEW),
    },
    Case {
        code: "artifact-duplicate",
        span: NEW + OF_OUTPUT,
        breaks: |p| output(ship(p), "app", NEW),
        keeps: |p| output(ship(p), "App", NEW),
    },
    Case {
        code: "duplicate-input",
        span: NEW + OF_INPUT,
        breaks: |p| input(ship(p), "bundle", NEW),
        keeps: |p| input(ship(p), "app", NEW),
    },
    Case {
        code: "namespace-invalid",
        span: NEW,
        breaks: |p| ship(p).namespace = Some(name("a.b", NEW)),
        keeps: |p| ship(p).namespace = Some(name("a@b", NEW)),
    },
    Case {
        code: "reserved-namespace",
        span: NEW,
        breaks: |p| ship(p).namespace = Some(name("variables", NEW)),
        keeps: |p| ship(p).namespace = Some(name("Variables", NEW)),
    },
    Case {
        code: "duplicate-namespace",
        span: NEW,
        breaks: |p| ship(p).namespace = Some(name("compile-ns", NEW)),
        keeps: |p| ship(p).namespace = Some(name("Compile-ns", NEW)),
    },
    Case {
        code: "namespace-is-artifact",
        span: NEW,
        breaks: |p| ship(p).namespace = Some(name("bundle", NEW)),
        keeps: |p| ship(p).namespace = Some(name("ship", NEW)),
    },
    // Order.
    Case {
        code: "artifact-undefined",
        span: NEW + OF_INPUT,
        breaks: |p| input(ship(p), "bundel", NEW),
        keeps: |p| {
            input(ship(p), "bundel", NEW);
            p.stages[1].actions[0].incomplete = true;
        },
    },
    Case {
        code: "artifact-used-before-made",
        span: SHIP + OF_INPUT,
        breaks: |p| p.stages.swap(1, 2),
        keeps: |p| {
            p.stages.swap(1, 2);
            ship_of(p, 1).inputs[0].value = "app".to_owned();
            ship_of(p, 1).configuration.clear();
        },
    },
    Case {
        // Within a stage.
        code: "artifact-used-before-made",
        span: TEST + OF_INPUT,
        breaks: |p| p.stages[1].actions[0].run_order = 3,
        // The order of the list means nothing.
        keeps: |p| p.stages[1].actions.swap(0, 1),
    },
    Case {
        code: "artifact-used-before-made",
        span: NEW + OF_INPUT,
        breaks: |p| input(&mut p.stages[1].actions[0], "bundle", NEW),
        keeps: |p| {
            // A maker of two artifacts, both used later.
            output(&mut p.stages[1].actions[0], "other", NEW);
            input(ship(p), "other", NEW);
        },
    },
    Case {
        // A condition before entry runs before the stage's actions.
        code: "artifact-used-before-made",
        span: NEW,
        breaks: |p| {
            p.stages[1].before_entry = Some(condition(ConditionResult::Fail));
            rule_of(&mut p.stages[1].before_entry).inputs.push(name("bundle", NEW));
        },
        keeps: |p| {
            p.stages[1].on_success = Some(condition(ConditionResult::Fail));
            rule_of(&mut p.stages[1].on_success).inputs.push(name("bundle", NEW));
        },
    },
    Case {
        code: "artifact-from-sibling",
        span: TEST + OF_INPUT,
        breaks: |p| p.stages[1].actions[1].run_order = 1,
        keeps: |p| {
            p.stages[1].actions[1].run_order = 1;
            p.stages[1].actions[1].inputs[0].value = "app".to_owned();
        },
    },
    Case {
        code: "variable-used-before-made",
        span: SHIP + OF_VALUE,
        breaks: |p| {
            p.stages.swap(1, 2);
            ship_of(p, 1).inputs[0].value = "app".to_owned();
        },
        keeps: |_| {},
    },
    Case {
        // A condition before entry cannot use what its own stage sets.
        code: "variable-used-before-made",
        span: NEW + OF_VALUE,
        breaks: |p| {
            p.stages[1].before_entry = Some(condition(ConditionResult::Skip));
            let entry = entry("#{compile-ns.TAG}", NEW);
            let rule = rule_of(&mut p.stages[1].before_entry);
            rule.configuration.insert("Variable".to_owned(), entry);
        },
        keeps: |p| {
            p.stages[2].before_entry = Some(condition(ConditionResult::Skip));
            let entry = entry("#{compile-ns.TAG}", NEW);
            let rule = rule_of(&mut p.stages[2].before_entry);
            rule.configuration.insert("Variable".to_owned(), entry);
        },
    },
    Case {
        code: "variable-from-sibling",
        span: NEW + OF_VALUE,
        breaks: |p| {
            let test = &mut p.stages[1].actions[1];
            test.run_order = 1;
            test.inputs.clear();
            test.configuration
                .insert("X".to_owned(), entry("#{compile-ns.TAG}", NEW));
        },
        keeps: |p| {
            let test = &mut p.stages[1].actions[1];
            test.configuration
                .insert("X".to_owned(), entry("#{compile-ns.TAG}", NEW));
        },
    },
    // References.
    Case {
        code: "unknown-namespace",
        span: NEW + OF_VALUE,
        breaks: |p| set(p, "#{nowhere.X}"),
        keeps: |p| set(p, "#{compile-ns.X}"),
    },
    Case {
        // Literal text is read as CodePipeline will read it.
        code: "unknown-namespace",
        span: NEW,
        breaks: |p| commands(p, &["echo #{nowhere.X}"]),
        keeps: |p| commands(p, &["echo #{codepipeline.PipelineExecutionId} #nothing {} #{"]),
    },
    Case {
        // The undocumented namespace of rules.
        code: "unknown-namespace",
        span: NEW + OF_VALUE,
        breaks: |p| set(p, "#{rule.check}"),
        keeps: |p| {
            p.stages[1].before_entry = Some(condition(ConditionResult::Fail));
            set(p, "#{rule.check}");
        },
    },
    Case {
        code: "namespace-missing",
        span: NEW + OF_VALUE,
        breaks: |p| set(p, "#{test.X}"),
        keeps: |p| {
            p.stages[1].actions[1].namespace = Some(name("test", NEW));
            set(p, "#{test.X}");
        },
    },
    Case {
        code: "undeclared-variable",
        span: NEW + OF_VALUE,
        breaks: |p| set(p, "#{variables.channel}"),
        keeps: |p| {
            p.variables.push(variable("channel", Some("beta"), 70));
            set(p, "#{variables.channel}");
        },
    },
    Case {
        code: "unknown-execution-variable",
        span: NEW + OF_VALUE,
        breaks: |p| set(p, "#{codepipeline.channel}"),
        keeps: |p| set(p, "#{codepipeline.PipelineExecutionId}"),
    },
    Case {
        code: "variable-in-source",
        span: NEW + OF_VALUE,
        breaks: |p| {
            p.variables.push(variable("branch", Some("main"), 70));
            let app = &mut p.stages[0].actions[0];
            app.configuration
                .insert("BranchName".to_owned(), entry("#{variables.branch}", NEW));
        },
        keeps: |p| {
            p.variables.push(variable("branch", Some("main"), 70));
            set(p, "#{variables.branch}");
        },
    },
    Case {
        code: "reference-out-of-place",
        span: ROLE,
        breaks: |p| p.role_arn = Some(text("arn:aws:iam::111122223333:role/#{variables.r}", ROLE)),
        keeps: |p| p.role_arn = Some(text("arn:aws:iam::111122223333:role/r", ROLE)),
    },
    Case {
        code: "reference-out-of-place",
        span: SHIP + OF_NAME,
        breaks: |p| ship(p).name.value = "ship-#{variables.x}".to_owned(),
        keeps: |p| ship(p).name.value = "ship-x".to_owned(),
    },
    Case {
        code: "malformed-reference",
        span: NEW + OF_VALUE,
        breaks: |p| set(p, "a #{channel} b"),
        keeps: |p| set(p, "a ${channel} b"),
    },
    // Roles, stores and regions.
    Case {
        code: "missing-role-arn",
        span: PIPELINE,
        breaks: |p| p.role_arn = None,
        keeps: |p| {
            p.role_arn = None;
            p.incomplete = true;
        },
    },
    Case {
        code: "role-arn-format",
        span: NEW,
        breaks: |p| ship(p).role_arn = Some(text("arn:aws:iam::1:role/x", NEW)),
        keeps: |p| ship(p).role_arn = Some(text("arn:aws-cn:iam::111122223333:role/x", NEW)),
    },
    Case {
        code: "role-arn-format",
        span: ROLE,
        breaks: |p| p.role_arn = Some(text(&long_arn(1025), ROLE)),
        keeps: |p| p.role_arn = Some(text(&long_arn(1024), ROLE)),
    },
    Case {
        code: "role-on-foreign-action",
        span: NEW,
        breaks: |p| {
            ship(p).role_arn = Some(text("arn:aws:iam::111122223333:role/x", NEW));
            ship(p).type_id.owner = "Custom".to_owned();
        },
        keeps: |p| ship(p).role_arn = Some(text("arn:aws:iam::111122223333:role/x", NEW)),
    },
    Case {
        code: "encryption-key-elsewhere",
        span: NEW,
        breaks: |p| with_key(p, "arn:aws:kms:eu-west-1:444455556666:key/x"),
        keeps: |p| with_key(p, "arn:aws:kms:eu-west-1:111122223333:key/x"),
    },
    Case {
        code: "parallel-mode-crowd",
        span: NEW,
        breaks: |p| crowd_in_parallel_mode(p, 6),
        keeps: |p| crowd_in_parallel_mode(p, 5),
    },
    // Accounts, and references to clone from.
    Case {
        code: "cross-account-without-key",
        span: NEW,
        breaks: |p| ship(p).role_arn = Some(text(ELSEWHERE, NEW)),
        keeps: |p| {
            ship(p).role_arn = Some(text(ELSEWHERE, NEW));
            with_key(p, "alias/demo");
        },
    },
    Case {
        code: "cross-account-build-output",
        span: COMPILE + OF_OUTPUT,
        breaks: |p| {
            with_key(p, "alias/demo");
            ship_of(p, 1).role_arn = Some(text(ELSEWHERE, NEW));
        },
        keeps: |p| ship_of(p, 1).role_arn = Some(text("arn:aws:iam::111122223333:role/x", NEW)),
    },
    Case {
        code: "artifact-between-accounts",
        span: SHIP + OF_INPUT,
        breaks: |p| {
            with_key(p, "alias/demo");
            ship_of(p, 0).role_arn = Some(text("arn:aws:iam::777788889999:role/x", NEW));
            ship(p).role_arn = Some(text(ELSEWHERE, NEW));
            ship(p).inputs[0].value = "app".to_owned();
        },
        keeps: |p| {
            with_key(p, "alias/demo");
            ship_of(p, 0).role_arn = Some(text("arn:aws:iam::777788889999:role/x", NEW));
            ship(p).role_arn = Some(text(ELSEWHERE, NEW));
        },
    },
    Case {
        code: "clone-ref-consumer",
        span: SHIP + OF_INPUT,
        breaks: |p| {
            clone_ref(p);
            ship(p).inputs[0].value = "app".to_owned();
        },
        keeps: clone_ref,
    },
    Case {
        code: "custom-type-name-long",
        span: SHIP,
        breaks: |p| ship(p).type_id = TypeId::parse("Deploy/Custom/abcdefghijklmnopqrstuvwxyz/1").unwrap(),
        keeps: |p| ship(p).type_id = TypeId::parse("Deploy/Custom/abcdefghijklmnopqrstuvwxy/1").unwrap(),
    },
    Case {
        code: "config-value-too-long",
        span: SHIP,
        breaks: |p| large(p, 103),
        keeps: |p| large(p, 102),
    },
    Case {
        code: "artifact-store-exclusive",
        span: PIPELINE,
        breaks: |p| p.stores = Stores::Missing,
        keeps: |p| {
            p.stores = Stores::Missing;
            p.incomplete = true;
        },
    },
    Case {
        code: "artifact-store-exclusive",
        span: STORE,
        breaks: |p| by_region(p, &["eu-west-1"], Some(at(STORE))),
        keeps: |p| by_region(p, &["eu-west-1"], None),
    },
    Case {
        code: "bucket-name-invalid",
        span: BUCKET,
        breaks: |p| p.stores = Stores::One(store("bucket/folder", STORE)),
        keeps: |p| p.stores = Stores::One(store("bucket.folder", STORE)),
    },
    Case {
        code: "bucket-name-invalid",
        span: BUCKET,
        breaks: |p| p.stores = Stores::One(store("ab", STORE)),
        keeps: |p| p.stores = Stores::One(store("abc", STORE)),
    },
    Case {
        code: "encryption-key-invalid",
        span: NEW,
        breaks: |p| with_key(p, &"k".repeat(401)),
        keeps: |p| with_key(p, "alias/demo"),
    },
    Case {
        code: "region-invalid",
        span: NEW,
        breaks: |p| {
            by_region(p, &["eu-west-1"], None);
            ship(p).region = Some(name("EU (Ireland)", NEW));
        },
        keeps: |p| {
            by_region(p, &["eu-west-1"], None);
            ship(p).region = Some(name("eu-west-1", NEW));
        },
    },
    Case {
        code: "region-without-store",
        span: NEW,
        breaks: |p| {
            by_region(p, &["eu-west-1"], None);
            ship(p).region = Some(name("us-east-1", NEW));
        },
        keeps: |p| {
            by_region(p, &["eu-west-1", "us-east-1"], None);
            ship(p).region = Some(name("us-east-1", NEW));
        },
    },
    Case {
        code: "region-without-store",
        span: NEW,
        breaks: |p| {
            p.stages[1].actions[0].region = Some(name("eu-west-1", 70));
            ship(p).region = Some(name("us-east-1", NEW));
        },
        // As the console writes it: the source says where the pipeline is.
        keeps: |p| {
            p.stages[0].actions[0].region = Some(name("us-east-1", 70));
            ship(p).region = Some(name("us-east-1", NEW));
        },
    },
    Case {
        code: "region-beside-single-store",
        span: NEW,
        breaks: |p| ship(p).region = Some(name("us-east-1", NEW)),
        keeps: |p| p.stages[0].actions[0].region = Some(name("us-east-1", NEW)),
    },
    Case {
        code: "cross-region-unsupported",
        span: NEW,
        breaks: |p| {
            p.stages[0].actions[0].region = Some(name("us-east-1", 70));
            ship(p).type_id.owner = "Custom".to_owned();
            ship(p).region = Some(name("eu-west-1", NEW));
        },
        keeps: |p| {
            p.stages[0].actions[0].region = Some(name("us-east-1", 70));
            ship(p).type_id.owner = "Custom".to_owned();
            ship(p).region = Some(name("us-east-1", NEW));
        },
    },
    // Versions.
    Case {
        code: "pipeline-type-unset",
        span: NEW,
        breaks: |p| {
            p.pipeline_type.value = PipelineType::Unset;
            p.variables.push(variable("a", Some("b"), NEW));
        },
        keeps: |p| p.pipeline_type.value = PipelineType::Unset,
    },
    Case {
        code: "requires-v2",
        span: NEW,
        breaks: |p| {
            p.pipeline_type.value = PipelineType::V1;
            p.variables.push(variable("a", Some("b"), NEW));
            p.variables.push(variable("c", Some("d"), 70));
        },
        keeps: |p| p.pipeline_type.value = PipelineType::V1,
    },
    Case {
        code: "requires-v2",
        span: NEW,
        breaks: |p| {
            p.pipeline_type.value = PipelineType::V1;
            p.execution_mode = Some(node(ExecutionMode::Queued, NEW));
        },
        keeps: |p| {
            p.pipeline_type.value = PipelineType::V1;
            p.execution_mode = Some(node(ExecutionMode::Superseded, NEW));
        },
    },
    Case {
        code: "requires-v2",
        span: NEW,
        breaks: |p| {
            p.pipeline_type.value = PipelineType::V1;
            p.triggers.push(trigger());
        },
        keeps: |p| p.triggers.push(trigger()),
    },
    Case {
        code: "requires-v2",
        span: NEW,
        breaks: |p| {
            p.pipeline_type.value = PipelineType::V1;
            p.stages[2].on_failure = Some(failure(Some(ConditionResult::Retry), None));
        },
        keeps: |p| p.stages[2].on_failure = Some(failure(Some(ConditionResult::Retry), None)),
    },
    // Triggers.
    Case {
        code: "too-many-triggers",
        span: 1050,
        breaks: |p| many_triggers(p, 51),
        keeps: |p| many_triggers(p, 50),
    },
    Case {
        code: "trigger-unknown-source",
        span: NEW + 1,
        breaks: |p| {
            p.triggers.push(trigger());
            p.triggers[0].source_action.value = "ap".to_owned();
        },
        keeps: |p| p.triggers.push(trigger()),
    },
    Case {
        code: "trigger-not-connection",
        span: NEW + 1,
        breaks: |p| {
            p.triggers.push(trigger());
            p.stages[0].actions[0].type_id.provider = "CodeCommit".to_owned();
        },
        // The name may recur in another stage.
        keeps: |p| {
            p.triggers.push(trigger());
            ship(p).name.value = "app".to_owned();
        },
    },
    Case {
        code: "trigger-duplicate-source",
        span: 70,
        breaks: |p| {
            p.triggers = vec![trigger(), trigger()];
            p.triggers[1].source_action = name("app", 70);
        },
        keeps: |p| {
            p.triggers = vec![trigger(), trigger()];
            p.triggers[1].source_action = name("lib", 70);
            let mut lib = action("lib", "Source/AWS/CodeStarSourceConnection/1", 80);
            output(&mut lib, "lib", 80);
            p.stages[0].actions.push(lib);
        },
    },
    Case {
        code: "trigger-without-filter",
        span: NEW,
        breaks: |p| {
            p.triggers.push(trigger());
            p.triggers[0].push.clear();
        },
        keeps: |p| p.triggers.push(trigger()),
    },
    Case {
        code: "trigger-without-filter",
        span: NEW + 2,
        breaks: |p| push(p, |filter| filter.branches = None),
        keeps: |p| branches(p, &[], &["old"]),
    },
    Case {
        code: "trigger-filter-limits",
        span: 83,
        breaks: |p| push_filters(p, 4),
        keeps: |p| push_filters(p, 3),
    },
    Case {
        code: "trigger-filter-limits",
        span: 55 + 10 + 8,
        breaks: |p| branches(p, &NINE, &[]),
        keeps: |p| branches(p, &NINE[..8], &["z"]),
    },
    Case {
        code: "trigger-filter-limits",
        span: 55,
        breaks: |p| branches(p, &[], &[]),
        keeps: |p| branches(p, &["**"], &[]),
    },
    Case {
        code: "trigger-filter-limits",
        span: 65,
        breaks: |p| branches(p, &[&"x".repeat(256)], &[]),
        keeps: |p| branches(p, &[&"x".repeat(255)], &[]),
    },
    Case {
        code: "trigger-filter-duplicate",
        span: 80,
        breaks: |p| {
            p.triggers.push(trigger());
            let mut again = p.triggers[0].push[0].clone();
            again.origin = at(80);
            p.triggers[0].push.push(again);
        },
        keeps: |p| push_filters(p, 2),
    },
    Case {
        code: "trigger-filter-duplicate",
        span: 82,
        breaks: |p| {
            pull_request(
                p,
                &[PullRequestEvent::Open, PullRequestEvent::Closed, PullRequestEvent::Open],
            );
        },
        keeps: |p| {
            pull_request(
                p,
                &[
                    PullRequestEvent::Open,
                    PullRequestEvent::Closed,
                    PullRequestEvent::Updated,
                ],
            );
        },
    },
    Case {
        code: "trigger-filter-combination",
        span: 55,
        breaks: |p| push(p, |filter| filter.tags = Some(patterns(&["v*"], &[], 55))),
        keeps: |p| {
            push(p, |filter| {
                filter.tags = Some(patterns(&["v*"], &[], 55));
                filter.branches = None;
            });
        },
    },
    Case {
        code: "trigger-needs-branches",
        span: NEW + 2,
        breaks: |p| {
            push(p, |filter| {
                filter.branches = None;
                filter.file_paths = Some(patterns(&["src/**"], &[], 55));
            });
        },
        keeps: |p| push(p, |filter| filter.file_paths = Some(patterns(&["src/**"], &[], 55))),
    },
    Case {
        code: "trigger-needs-branches",
        span: 70,
        breaks: |p| {
            pull_request(p, &[PullRequestEvent::Open]);
            p.triggers[0].pull_request[0].branches = None;
        },
        keeps: |p| pull_request(p, &[]),
    },
    Case {
        code: "trigger-glob-invalid",
        span: 65,
        breaks: |p| branches(p, &["{a,{b,c}}"], &[]),
        keeps: |p| branches(p, &["{a,b,c}"], &[]),
    },
    Case {
        code: "trigger-never-fires",
        span: 66,
        breaks: |p| branches(p, &["main", "a"], &["a"]),
        keeps: |p| branches(p, &["main", "a"], &["b"]),
    },
    Case {
        code: "trigger-never-fires",
        span: 65,
        breaks: |p| branches(p, &["refs/heads/main"], &[]),
        keeps: |p| branches(p, &["heads/main"], &[]),
    },
    // Conditions.
    Case {
        code: "condition-result-invalid",
        span: NEW + 1,
        breaks: |p| p.stages[2].before_entry = Some(condition(ConditionResult::Rollback)),
        keeps: |p| p.stages[2].on_success = Some(condition(ConditionResult::Rollback)),
    },
    Case {
        code: "condition-result-invalid",
        span: NEW + 1,
        breaks: |p| p.stages[2].on_success = Some(condition(ConditionResult::Skip)),
        keeps: |p| p.stages[2].before_entry = Some(condition(ConditionResult::Skip)),
    },
    Case {
        code: "condition-result-invalid",
        span: NEW + 1,
        breaks: |p| p.stages[2].on_failure = Some(failure(Some(ConditionResult::Fail), None)),
        keeps: |p| p.stages[2].on_failure = Some(failure(Some(ConditionResult::Rollback), None)),
    },
    Case {
        code: "condition-without-result",
        span: NEW,
        breaks: |p| entry_condition(p).result = None,
        keeps: |p| p.stages[2].on_failure = Some(failure(None, Some(condition(ConditionResult::Rollback)))),
    },
    Case {
        code: "condition-without-result",
        span: NEW,
        breaks: |p| p.stages[2].on_failure = Some(failure(None, None)),
        keeps: |p| {
            p.stages[2].on_failure = Some(failure(None, None));
            p.stages[2].incomplete = true;
        },
    },
    Case {
        code: "condition-without-rules",
        span: NEW,
        breaks: |p| entry_condition(p).rules.clear(),
        keeps: |p| entry_condition(p).rules.truncate(1),
    },
    Case {
        code: "too-many-rules",
        span: 85,
        breaks: |p| many_rules(p, 6),
        keeps: |p| many_rules(p, 5),
    },
    Case {
        code: "failure-result-with-conditions",
        span: NEW + 1,
        breaks: |p| {
            let condition = condition(ConditionResult::Rollback);
            p.stages[2].on_failure = Some(failure(Some(ConditionResult::Rollback), Some(condition)));
        },
        keeps: |p| p.stages[2].on_failure = Some(failure(None, Some(condition(ConditionResult::Rollback)))),
    },
    Case {
        code: "retry-mode-without-retry",
        span: 70,
        breaks: |p| {
            let mut handling = failure(Some(ConditionResult::Rollback), None);
            handling.retry_mode = Some(node(RetryMode::AllActions, 70));
            p.stages[2].on_failure = Some(handling);
        },
        keeps: |p| {
            let mut handling = failure(Some(ConditionResult::Retry), None);
            handling.retry_mode = Some(node(RetryMode::AllActions, 70));
            p.stages[0].on_failure = Some(handling);
        },
    },
    Case {
        code: "parallel-rollback",
        span: NEW + 1,
        breaks: |p| {
            p.execution_mode = Some(node(ExecutionMode::Parallel, 70));
            p.stages[2].on_failure = Some(failure(Some(ConditionResult::Rollback), None));
        },
        keeps: |p| {
            p.execution_mode = Some(node(ExecutionMode::Queued, 70));
            p.stages[2].on_failure = Some(failure(Some(ConditionResult::Rollback), None));
        },
    },
    Case {
        code: "rollback-in-source-stage",
        span: NEW + 1,
        breaks: |p| p.stages[0].on_failure = Some(failure(Some(ConditionResult::Rollback), None)),
        keeps: |p| p.stages[0].on_failure = Some(failure(Some(ConditionResult::Retry), None)),
    },
    Case {
        code: "skip-rule-unsupported",
        span: 60,
        breaks: |p| {
            let condition = entry_condition(p);
            condition.result = Some(node(ConditionResult::Skip, NEW + 1));
            condition.rules = vec![rule("window", "Rule/AWS/DeploymentWindow/1", 60)];
        },
        keeps: |p| {
            let condition = entry_condition(p);
            condition.rules = vec![rule("window", "Rule/AWS/DeploymentWindow/1", 60)];
        },
    },
    // Configuration.
    Case {
        code: "config-key-invalid",
        span: NEW + OF_KEY,
        breaks: |p| set_key(p, &"K".repeat(51), "x"),
        keeps: |p| set_key(p, &"K".repeat(50), "x"),
    },
    Case {
        code: "config-key-invalid",
        span: 60,
        breaks: |p| rule_keys(p, 201),
        keeps: |p| rule_keys(p, 200),
    },
    Case {
        code: "config-value-empty",
        span: NEW + OF_VALUE,
        breaks: |p| set(p, ""),
        keeps: |p| set(p, " "),
    },
    Case {
        code: "config-value-long",
        span: NEW + OF_VALUE,
        breaks: |p| set(p, &"é".repeat(1001)),
        keeps: |p| set(p, &"é".repeat(1000)),
    },
    Case {
        code: "config-value-too-long",
        span: NEW + OF_VALUE,
        breaks: |p| set(p, &"x".repeat(50_001)),
        keeps: |p| set(p, "x"),
    },
    Case {
        code: "config-value-too-long",
        span: NEW + OF_VALUE,
        breaks: |p| {
            let entry = entry(&"x".repeat(10_001), NEW);
            entry_condition(p).rules[0]
                .configuration
                .insert("Value".to_owned(), entry);
        },
        keeps: |p| {
            let entry = entry(&"x".repeat(10_000), NEW);
            entry_condition(p).rules[0]
                .configuration
                .insert("Value".to_owned(), entry);
        },
    },
    Case {
        code: "masked-secret",
        span: NEW + OF_VALUE,
        breaks: |p| set(p, "****"),
        keeps: |p| set(p, "*****"),
    },
    Case {
        code: "commands-limits",
        span: NEW + 50,
        breaks: |p| commands(p, &["true"; 51]),
        keeps: |p| commands(p, &["true"; 50]),
    },
    Case {
        code: "commands-limits",
        span: NEW + 1,
        breaks: |p| commands(p, &["true", "a\nb"]),
        keeps: |p| commands(p, &["true", "a\tb"]),
    },
    Case {
        code: "commands-limits",
        span: NEW,
        breaks: |p| commands(p, &[&"x".repeat(1001)]),
        keeps: |p| commands(p, &[&"x".repeat(1000)]),
    },
    Case {
        code: "commands-misplaced",
        span: NEW,
        breaks: |p| {
            commands(p, &["true", "true"]);
            ship(p).type_id.provider = "S3".to_owned();
        },
        keeps: |p| commands(p, &["true"]),
    },
    Case {
        code: "environment-limits",
        span: NEW + 20,
        breaks: |p| environment(p, 11, "x"),
        keeps: |p| environment(p, 10, "x"),
    },
    Case {
        code: "environment-limits",
        span: NEW,
        breaks: |p| {
            environment(p, 1, "x");
            ship(p).environment[0].name.value = "A-B".to_owned();
        },
        keeps: |p| {
            environment(p, 1, "x");
            ship(p).environment[0].name.value = "1_B".to_owned();
        },
    },
    Case {
        code: "environment-limits",
        span: NEW + 1,
        breaks: |p| environment(p, 1, ""),
        keeps: |p| environment(p, 1, &"x".repeat(2000)),
    },
    Case {
        code: "env-secret-type-unsupported",
        span: NEW + 1,
        breaks: |p| {
            environment(p, 1, "x");
            ship(p).environment[0].kind = EnvironmentKind::ParameterStore;
        },
        keeps: |p| environment(p, 1, "x"),
    },
    Case {
        code: "env-secret-outside-commands",
        span: NEW + 1,
        breaks: |p| {
            environment(p, 1, "x");
            ship(p).environment[0].kind = EnvironmentKind::SecretsManager;
            ship(p).commands.clear();
            ship(p).type_id.provider = "S3".to_owned();
        },
        keeps: |p| {
            environment(p, 1, "x");
            ship(p).environment[0].kind = EnvironmentKind::SecretsManager;
        },
    },
    Case {
        code: "output-variables-limits",
        span: NEW + 15,
        breaks: |p| ship(p).output_variables = names(16),
        keeps: |p| ship(p).output_variables = names(15),
    },
    Case {
        code: "output-variables-limits",
        span: NEW,
        breaks: |p| ship(p).output_variables = vec![name(&"x".repeat(129), NEW)],
        keeps: |p| ship(p).output_variables = vec![name(&"x".repeat(128), NEW)],
    },
    Case {
        code: "output-files-limits",
        span: NEW + 10,
        breaks: |p| p.stages[1].actions[0].outputs[0].files = names(11),
        keeps: |p| p.stages[1].actions[0].outputs[0].files = names(10),
    },
    Case {
        code: "approval-timeout-range",
        span: NEW,
        breaks: |p| approval(p, 4),
        keeps: |p| approval(p, 5),
    },
    Case {
        code: "approval-timeout-range",
        span: NEW,
        breaks: |p| approval(p, 86_401),
        keeps: |p| approval(p, 86_400),
    },
    Case {
        code: "timeout-on-non-approval",
        span: NEW,
        breaks: |p| ship(p).timeout_minutes = Some(node(60, NEW)),
        keeps: |p| approval(p, 60),
    },
    Case {
        code: "rule-timeout-range",
        span: 70,
        breaks: |p| entry_condition(p).rules[0].timeout_minutes = Some(node(1, 70)),
        keeps: |p| entry_condition(p).rules[0].timeout_minutes = Some(node(5, 70)),
    },
    // Variables and tags.
    Case {
        code: "duplicate-variable",
        span: 71,
        breaks: |p| p.variables = vec![variable("a", Some("b"), NEW), variable("a", Some("c"), 70)],
        keeps: |p| p.variables = vec![variable("a", Some("b"), NEW), variable("A", Some("c"), 70)],
    },
    Case {
        code: "too-many-variables",
        span: 1050,
        breaks: |p| {
            p.variables = (0..51)
                .map(|n| variable(&format!("v{n}"), Some("x"), 1000 + n))
                .collect();
        },
        keeps: |p| {
            p.variables = (0..50)
                .map(|n| variable(&format!("v{n}"), Some("x"), 1000 + n))
                .collect();
        },
    },
    Case {
        code: "variable-declaration-limits",
        span: NEW + OF_VALUE,
        breaks: |p| p.variables.push(variable("a", Some(""), NEW)),
        keeps: |p| p.variables.push(variable("a", None, NEW)),
    },
    Case {
        code: "variable-declaration-limits",
        span: NEW + OF_VALUE,
        breaks: |p| p.variables.push(variable("a", Some("b\nc"), NEW)),
        keeps: |p| p.variables.push(variable("a", Some(&"b".repeat(1000)), NEW)),
    },
    Case {
        code: "variable-declaration-limits",
        span: NEW + OF_NAME,
        breaks: |p| {
            p.variables.push(variable("a", Some("b"), NEW));
            p.variables[0].description = Some("x".repeat(201));
        },
        keeps: |p| {
            p.variables.push(variable("a", Some("b"), NEW));
            p.variables[0].description = Some("x".repeat(200));
        },
    },
    Case {
        code: "variable-without-default",
        span: 71,
        breaks: |p| {
            p.triggers.push(trigger());
            p.variables.push(variable("a", None, 70));
        },
        keeps: |p| p.variables.push(variable("a", None, 70)),
    },
    Case {
        code: "too-many-tags",
        span: 1050,
        breaks: |p| p.tags = (0..51).map(|n| tag(&format!("t{n}"), "x", 1000 + n)).collect(),
        keeps: |p| p.tags = (0..50).map(|n| tag(&format!("t{n}"), "x", 1000 + n)).collect(),
    },
    Case {
        code: "tag-invalid",
        span: NEW,
        breaks: |p| p.tags.push(tag("aws:team", "x", NEW)),
        keeps: |p| p.tags.push(tag("team aws:/=+-@._", "Zürich", NEW)),
    },
    Case {
        code: "tag-invalid",
        span: NEW + 1,
        breaks: |p| p.tags.push(tag("team", "a,b", NEW)),
        keeps: |p| p.tags.push(tag("team", "", NEW)),
    },
    Case {
        code: "tag-invalid",
        span: NEW + 1,
        breaks: |p| p.tags.push(tag("team", &"x".repeat(257), NEW)),
        keeps: |p| p.tags.push(tag(&"k".repeat(128), &"x".repeat(256), NEW)),
    },
    Case {
        code: "duplicate-tag",
        span: 70,
        breaks: |p| p.tags = vec![tag("team", "a", NEW), tag("team", "b", 70)],
        keeps: |p| p.tags = vec![tag("team", "a", NEW), tag("Team", "b", 70)],
    },
];

// What the cases do to a good pipeline.

/// A role in another account than the pipeline's.
const ELSEWHERE: &str = "arn:aws:iam::444455556666:role/x";

/// As many configuration values as that, of 1000 characters each.
fn large(pipeline: &mut Pipeline, values: usize) {
    for number in 0..values {
        let entry = entry(&"x".repeat(1000), NEW);
        ship(pipeline).configuration.insert(format!("Key{number}"), entry);
    }
}

fn crowd_in_parallel_mode(pipeline: &mut Pipeline, number: usize) {
    pipeline.execution_mode = Some(node(ExecutionMode::Parallel, 90));
    for index in 0..number {
        let mut one = action(&format!("x{index}"), "Approval/AWS/Manual/1", NEW);
        one.run_order = 2;
        pipeline.stages[2].actions.push(one);
    }
}

fn clone_ref(pipeline: &mut Pipeline) {
    let format = entry("CODEBUILD_CLONE_REF", APP);
    let source = ship_of(pipeline, 0);
    source.configuration.insert("OutputArtifactFormat".to_owned(), format);
}

fn ship(pipeline: &mut Pipeline) -> &mut Action {
    ship_of(pipeline, 2)
}

fn ship_of(pipeline: &mut Pipeline, stage: usize) -> &mut Action {
    &mut pipeline.stages[stage].actions[0]
}

fn set(pipeline: &mut Pipeline, value: &str) {
    set_key(pipeline, "X", value);
}

fn set_key(pipeline: &mut Pipeline, key: &str, value: &str) {
    ship(pipeline).configuration.insert(key.to_owned(), entry(value, NEW));
}

fn more_stages(pipeline: &mut Pipeline, count: usize) {
    while pipeline.stages.len() < count {
        let number = pipeline.stages.len();
        let mut more = stage(&format!("more-{number}"), actions(1, 1000, 1), 900);
        if number == 50 {
            more.origin = at(NEW);
        }
        pipeline.stages.push(more);
    }
}

/// So many approvals at 1000, 1001, …, so many of them a step.
fn actions(count: u32, first: u32, in_step: u32) -> Vec<Action> {
    (0..count)
        .map(|n| {
            let mut action = action(&format!("a{n}"), "Approval/AWS/Manual/1", first + n);
            action.run_order = n / in_step + 1;
            action
        })
        .collect()
}

fn many_actions(pipeline: &mut Pipeline, count: u32, in_step: u32) {
    pipeline.stages[2].actions = actions(count, 1000, in_step);
}

fn entry_condition(pipeline: &mut Pipeline) -> &mut Condition {
    pipeline.stages[2].before_entry.insert(condition(ConditionResult::Fail))
}

fn rule_of(condition: &mut Option<Condition>) -> &mut ir::Rule {
    &mut condition.as_mut().unwrap().rules[0]
}

fn many_rules(pipeline: &mut Pipeline, count: u32) {
    entry_condition(pipeline).rules = (0..count)
        .map(|n| rule(&format!("r{n}"), "Rule/AWS/VariableCheck/1", 80 + n))
        .collect();
}

fn rule_keys(pipeline: &mut Pipeline, count: u32) {
    entry_condition(pipeline).rules[0].configuration = (0..count).map(|n| (format!("K{n}"), entry("x", NEW))).collect();
}

fn failure(result: Option<ConditionResult>, condition: Option<Condition>) -> FailureHandling {
    FailureHandling {
        result: result.map(|result| node(result, NEW + 1)),
        retry_mode: None,
        condition,
        origin: at(NEW),
    }
}

fn commands(pipeline: &mut Pipeline, lines: &[&str]) {
    let ship = ship(pipeline);
    ship.type_id = TypeId::parse("Compute/AWS/Commands/1").unwrap();
    // As literal text, whatever it holds.
    ship.commands = lines
        .iter()
        .zip(NEW..)
        .map(|(line, n)| node(Text::literal(*line), n))
        .collect();
}

fn environment(pipeline: &mut Pipeline, count: u32, value: &str) {
    commands(pipeline, &["true"]);
    ship(pipeline).environment = (0..count)
        .map(|n| EnvironmentVariable {
            name: name(&format!("V{n}"), NEW + 2 * n),
            value: text(value, NEW + 2 * n + 1),
            kind: EnvironmentKind::Plaintext,
        })
        .collect();
}

fn approval(pipeline: &mut Pipeline, minutes: u64) {
    let mut approval = action("go", "Approval/AWS/Manual/1", 80);
    approval.timeout_minutes = Some(node(minutes, NEW));
    pipeline.stages[2].actions.push(approval);
}

fn names(count: u32) -> Vec<Node<String>> {
    (0..count).map(|n| name(&format!("n{n}"), NEW + n)).collect()
}

fn by_region(pipeline: &mut Pipeline, regions: &[&str], both: Option<Span>) {
    pipeline.stores = Stores::ByRegion {
        stores: regions
            .iter()
            .map(|region| ((*region).to_owned(), store("demo-artifacts", 40)))
            .collect(),
        both,
        origin: at(45),
    };
}

fn with_key(pipeline: &mut Pipeline, key: &str) {
    let mut store = store("demo-artifacts", STORE);
    store.encryption_key = Some(text(key, NEW));
    pipeline.stores = Stores::One(store);
}

fn long_arn(length: usize) -> String {
    let start = "arn:aws:iam::111122223333:role/";
    format!("{start}{}", "r".repeat(length - start.len()))
}

const NINE: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];

fn push(pipeline: &mut Pipeline, change: impl FnOnce(&mut PushFilter)) {
    pipeline.triggers.push(trigger());
    change(&mut pipeline.triggers[0].push[0]);
}

/// A push filter for these branches: the list at 55, what it includes at 65, 66, ….
fn branches(pipeline: &mut Pipeline, includes: &[&str], excludes: &[&str]) {
    push(pipeline, |filter| {
        filter.branches = Some(patterns(includes, excludes, 55));
    });
}

/// So many push filters, each for a branch of its own, at 80, 81, ….
fn push_filters(pipeline: &mut Pipeline, count: u32) {
    pipeline.triggers.push(trigger());
    pipeline.triggers[0].push = (0..count)
        .map(|n| PushFilter {
            branches: Some(patterns(&[NINE[n as usize]], &[], 200)),
            origin: at(80 + n),
            ..PushFilter::default()
        })
        .collect();
}

/// A pull request filter at 70, with events at 80, 81, ….
fn pull_request(pipeline: &mut Pipeline, events: &[PullRequestEvent]) {
    pipeline.triggers.push(trigger());
    pipeline.triggers[0].pull_request.push(PullRequestFilter {
        events: events.iter().zip(80..).map(|(&event, n)| node(event, n)).collect(),
        branches: Some(patterns(&["main"], &[], 200)),
        file_paths: None,
        origin: at(70),
    });
}

/// Triggers at 1000, 1001, …, each with a source of its own.
fn many_triggers(pipeline: &mut Pipeline, count: u32) {
    pipeline.stages[0].actions.truncate(1);
    for n in 0..count {
        let called = if n == 0 { "app".to_owned() } else { format!("app{n}") };
        if n > 0 && n < 50 {
            let mut source = action(&called, "Source/AWS/CodeStarSourceConnection/1", 2000 + n);
            output(&mut source, &called, 2000 + n);
            pipeline.stages[0].actions.push(source);
        }
        let mut trigger = trigger();
        trigger.source_action.value = called;
        trigger.origin = at(1000 + n);
        pipeline.triggers.push(trigger);
    }
    if count > 50 {
        // The stage is full: the last trigger's source is in the next one, and is one mistake too many for this case.
        pipeline.incomplete = true;
    }
}

fn shown(reports: &[Diagnostic]) -> String {
    reports
        .iter()
        .map(|report| {
            format!(
                "  {} at {:?}: {}\n",
                report.code.name, report.primary.span, report.message
            )
        })
        .collect()
}

#[test]
fn the_good_pipeline_is_good() {
    assert_eq!(shown(&report(|_| {})), "");
}

#[test]
fn each_rule_speaks_alone_and_points_at_its_place() {
    let mut wrong = String::new();
    for (number, case) in CASES.iter().enumerate() {
        let broken = report(case.breaks);
        let is_right =
            matches!(broken.as_slice(), [one] if one.code.name == case.code && one.primary.span == at(case.span));
        if !is_right {
            let wanted = at(case.span);
            wrong += &format!(
                "case {number}: wanted only {} at {wanted:?}, got\n{}",
                case.code,
                shown(&broken)
            );
        }
        let kept = report(case.keeps);
        if !kept.is_empty() {
            wrong += &format!("case {number}, {}: wanted nothing, got\n{}", case.code, shown(&kept));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_code_has_a_case() {
    let tested: BTreeSet<&str> = CASES.iter().map(|case| case.code).collect();
    let codes: BTreeSet<&str> = codes::ALL.iter().map(|code| code.name).collect();
    assert_eq!(tested, codes);
}

#[test]
fn a_wrong_order_points_at_both_ends_and_says_what_must_move() {
    assert_eq!(
        texts(|p| {
            p.stages.swap(1, 2);
            ship_of(p, 1).configuration.clear();
        }),
        [
            "artifact-used-before-made: `ship` uses artifact `bundle` before it is made \
          | used in stage `deploy`, the 2nd | made by `compile` in stage `build`, the 3rd \
          | move `compile` to a stage before `deploy`"
        ]
    );
    // The maker needs what is made after the user: it is the user that must move.
    assert_eq!(
        texts(|p| {
            p.stages.swap(1, 2);
            ship_of(p, 1).configuration.clear();
            output(&mut p.stages[2].actions[1], "report", NEW);
            ship_of(p, 1).inputs[0].value = "report".to_owned();
        }),
        [
            "artifact-used-before-made: `ship` uses artifact `report` before it is made \
          | used in stage `deploy`, the 2nd | made by `test` in stage `build`, the 3rd \
          | move `ship` to a stage after `build`"
        ]
    );
    assert_eq!(
        texts(|p| p.stages[1].actions[0].run_order = 9),
        [
            "artifact-used-before-made: `test` uses artifact `bundle` before it is made \
          | used in step 1 of stage `build` | made by `compile` in step 2 \
          | move `compile` before `test` in stage `build`"
        ]
    );
    assert_eq!(
        texts(|p| p.stages[1].actions[1].run_order = 1),
        [
            "artifact-from-sibling: `test` uses artifact `bundle` of `compile`, and these run at the same time \
          | used by `test` in stage `build` | made by `compile` in the same step \
          | move `test` to a later step of stage `build`, or to a later stage"
        ]
    );
    assert_eq!(
        texts(|p| {
            p.stages.swap(1, 2);
            ship_of(p, 1).inputs.clear();
        }),
        [
            "variable-used-before-made: `ship` uses variable `TAG` before it is set \
          | used in stage `deploy`, the 2nd | set by `compile` in stage `build`, the 3rd \
          | move `compile` to a stage before `deploy`"
        ]
    );
}

#[test]
fn misspelt_names_meet_the_right_one() {
    assert_eq!(
        texts(|p| input(ship(p), "bundel", NEW)),
        ["artifact-undefined: `ship` takes artifact `bundel`, which no action makes |  | did you mean `bundle`?"]
    );
    assert_eq!(
        texts(|p| set(p, "#{compile_ns.TAG}")),
        [
            "unknown-namespace: `ship` refers to `#{compile_ns.TAG}`, and no action has the namespace `compile_ns` \
          |  | did you mean `compile-ns`?"
        ]
    );
    assert_eq!(
        texts(|p| set(p, "#{compile.TAG}")),
        [
            "unknown-namespace: `ship` refers to `#{compile.TAG}`, and no action has the namespace `compile` \
          |  | `compile` has the namespace `compile-ns`: use that"
        ]
    );
    assert_eq!(
        texts(|p| set(p, "#{variables.PipelineExecutionId}")),
        [
            "undeclared-variable: `ship` uses the pipeline variable `PipelineExecutionId`, which is not declared \
          |  | it belongs to the execution: use `#{codepipeline.PipelineExecutionId}`"
        ]
    );
    assert_eq!(
        texts(|p| {
            p.variables.push(variable("channel", Some("beta"), 70));
            set(p, "#{codepipeline.channel}");
        }),
        [
            "unknown-execution-variable: the execution has no variable `channel`: all it has is `PipelineExecutionId` \
          |  | `channel` is a variable of the pipeline: use `#{variables.channel}`"
        ]
    );
}

#[test]
fn names_stand_in_for_missing_handles() {
    assert_eq!(
        texts(|p| {
            for stage in &mut p.stages {
                stage.handle = Handle::default();
                stage.name.value = stage.name.value.to_uppercase();
            }
            p.stages[1].actions[1].run_order = 1;
        }),
        [
            "artifact-from-sibling: `test` uses artifact `bundle` of `compile`, and these run at the same time \
          | used by `test` in stage `BUILD` | made by `compile` in the same step \
          | move `test` to a later step of stage `BUILD`, or to a later stage"
        ]
    );
}

/// An artifact with two makers is one mistake, also when the second stands after its users.
#[test]
fn a_duplicate_sets_off_no_errors_of_order() {
    let reports = report(|p| {
        output(ship(p), "bundle", NEW);
        ship(p).inputs.clear();
    });
    assert_eq!(
        shown(&reports),
        format!(
            "  artifact-duplicate at {:?}: artifact `bundle` is made by both `compile` and `ship`\n",
            at(NEW + OF_OUTPUT)
        )
    );
}
