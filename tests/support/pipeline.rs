//! A good pipeline as IR, for tests that break it.
//!
//! Every node has a place of its own, so that a test can say where a report must point: see [`at`] and the constants.

use pipe::ir::{
    Action, Condition, ConditionResult, ConfigEntry, Handle, Local, Node, OutputArtifact, Patterns, Pipeline,
    PipelineType, PushFilter, Rule, Stage, Store, Stores, Tag, Text, Trigger, TypeId, Variable,
};
use pipe::source::{FileId, Span};

/// A made-up place: the `n`th.
pub(crate) fn at(n: u32) -> Span {
    Span {
        file: FileId(0),
        start: n * 10,
        end: n * 10 + 5,
    }
}

pub(crate) const PIPELINE: u32 = 1;
pub(crate) const NAME: u32 = 2;
pub(crate) const ROLE: u32 = 3;
pub(crate) const STORE: u32 = 4;
pub(crate) const BUCKET: u32 = 5;
pub(crate) const TYPE: u32 = 6;

/// A place for what a test adds.
pub(crate) const NEW: u32 = 50;

/// Parts of a stage or an action, from its own place on.
pub(crate) const OF_NAME: u32 = 1;
pub(crate) const OF_INPUT: u32 = 2;
pub(crate) const OF_OUTPUT: u32 = 3;
pub(crate) const OF_NAMESPACE: u32 = 4;
pub(crate) const OF_VALUE: u32 = 5;
pub(crate) const OF_KEY: u32 = 6;

/// The stages and actions of [`good`].
pub(crate) const SOURCE: u32 = 100;
pub(crate) const APP: u32 = 110;
pub(crate) const BUILD: u32 = 200;
pub(crate) const COMPILE: u32 = 210;
pub(crate) const TEST: u32 = 220;
pub(crate) const DEPLOY: u32 = 300;
pub(crate) const SHIP: u32 = 310;

pub(crate) fn node<T>(value: T, n: u32) -> Node<T> {
    Node::new(value, at(n))
}

pub(crate) fn name(text: &str, n: u32) -> Node<String> {
    node(text.to_owned(), n)
}

pub(crate) fn text(text: &str, n: u32) -> Node<Text> {
    node(Text::parse(text, at(n)), n)
}

/// Stage `source` (action `app`), stage `build` (`compile`, which makes `bundle` and has a namespace, then `test`), stage
/// `deploy` (`ship`, which takes `bundle`).
pub(crate) fn good() -> Pipeline {
    let mut app = action("app", "Source/AWS/CodeStarSourceConnection/1", APP);
    app.configuration.insert("BranchName".to_owned(), entry("main", APP));
    output(&mut app, "app", APP);

    let mut compile = action("compile", "Build/AWS/CodeBuild/1", COMPILE);
    compile
        .configuration
        .insert("ProjectName".to_owned(), entry("demo", COMPILE));
    compile.namespace = Some(name("compile-ns", COMPILE + OF_NAMESPACE));
    input(&mut compile, "app", COMPILE);
    output(&mut compile, "bundle", COMPILE);

    let mut test = action("test", "Test/AWS/CodeBuild/1", TEST);
    test.configuration
        .insert("ProjectName".to_owned(), entry("demo-test", TEST));
    test.run_order = 2;
    input(&mut test, "bundle", TEST);

    let mut ship = action("ship", "Deploy/AWS/S3/1", SHIP);
    ship.configuration
        .insert("BucketName".to_owned(), entry("demo-site", SHIP));
    ship.configuration
        .insert("ObjectKey".to_owned(), entry("#{compile-ns.TAG}", SHIP));
    input(&mut ship, "bundle", SHIP);

    Pipeline {
        handle: Handle("demo".to_owned()),
        name: name("demo", NAME),
        role_arn: Some(text("arn:aws:iam::111122223333:role/demo", ROLE)),
        stores: Stores::One(store("demo-artifacts", STORE)),
        pipeline_type: node(PipelineType::V2, TYPE),
        execution_mode: None,
        variables: Vec::new(),
        triggers: Vec::new(),
        stages: vec![
            stage("source", vec![app], SOURCE),
            stage("build", vec![compile, test], BUILD),
            stage("deploy", vec![ship], DEPLOY),
        ],
        tags: Vec::new(),
        deployment: pipe::ir::Deployment::default(),
        origin: at(PIPELINE),
        incomplete: false,
    }
}

pub(crate) fn stage(called: &str, actions: Vec<Action>, n: u32) -> Stage {
    Stage {
        handle: Handle(called.to_owned()),
        name: name(called, n + OF_NAME),
        actions,
        before_entry: None,
        on_success: None,
        on_failure: None,
        when: Vec::new(),
        origin: at(n),
        incomplete: false,
    }
}

pub(crate) fn action(called: &str, type_id: &str, n: u32) -> Action {
    Action {
        handle: Handle(called.to_owned()),
        name: name(called, n + OF_NAME),
        type_id: TypeId::parse(type_id).expect("a type id of four parts"),
        run_order: 1,
        configuration: Default::default(),
        commands: Vec::new(),
        environment: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        output_variables: Vec::new(),
        role_arn: None,
        region: None,
        namespace: None,
        timeout_minutes: None,
        exports: Vec::new(),
        when: Vec::new(),
        local: Local::default(),
        origin: at(n),
        incomplete: false,
    }
}

pub(crate) fn input(action: &mut Action, artifact: &str, n: u32) {
    action.inputs.push(name(artifact, n + OF_INPUT));
}

pub(crate) fn output(action: &mut Action, artifact: &str, n: u32) {
    action.outputs.push(OutputArtifact {
        handle: Handle(artifact.to_owned()),
        name: name(artifact, n + OF_OUTPUT),
        files: Vec::new(),
    });
}

pub(crate) fn entry(value: &str, n: u32) -> ConfigEntry {
    ConfigEntry {
        value: Text::parse(value, at(n + OF_VALUE)),
        origin: at(n + OF_VALUE),
        key_origin: at(n + OF_KEY),
    }
}

pub(crate) fn store(bucket: &str, n: u32) -> Store {
    Store {
        location: text(bucket, n + 1),
        encryption_key: None,
        origin: at(n),
    }
}

pub(crate) fn variable(called: &str, default: Option<&str>, n: u32) -> Variable {
    Variable {
        name: name(called, n + OF_NAME),
        default: default.map(|default| name(default, n + OF_VALUE)),
        description: None,
        origin: at(n),
    }
}

pub(crate) fn tag(key: &str, value: &str, n: u32) -> Tag {
    Tag {
        key: name(key, n),
        value: name(value, n + 1),
    }
}

pub(crate) fn patterns(includes: &[&str], excludes: &[&str], n: u32) -> Patterns {
    let nodes = |texts: &[&str], from: u32| -> Vec<Node<String>> {
        texts.iter().zip(from..).map(|(text, n)| name(text, n)).collect()
    };
    Patterns {
        includes: nodes(includes, n + 10),
        excludes: nodes(excludes, n + 30),
        origin: at(n),
    }
}

/// A trigger of `app` for pushes to `main`: the trigger at [`NEW`], its source at 51, the filter at 52, its branches at 53.
pub(crate) fn trigger() -> Trigger {
    Trigger {
        source_action: name("app", NEW + 1),
        push: vec![PushFilter {
            branches: Some(patterns(&["main"], &[], NEW + 3)),
            origin: at(NEW + 2),
            ..PushFilter::default()
        }],
        pull_request: Vec::new(),
        origin: at(NEW),
    }
}

/// A condition with one rule: the condition at [`NEW`], its result at 51, the rule at 60.
pub(crate) fn condition(result: ConditionResult) -> Condition {
    Condition {
        result: Some(node(result, NEW + 1)),
        rules: vec![rule("check", "Rule/AWS/VariableCheck/1", 60)],
        origin: at(NEW),
    }
}

pub(crate) fn rule(called: &str, type_id: &str, n: u32) -> Rule {
    Rule {
        handle: Handle(called.to_owned()),
        name: name(called, n + OF_NAME),
        type_id: TypeId::parse(type_id).expect("a type id of four parts"),
        configuration: Default::default(),
        commands: Vec::new(),
        inputs: Vec::new(),
        role_arn: None,
        region: None,
        timeout_minutes: None,
        origin: at(n),
        incomplete: false,
    }
}
