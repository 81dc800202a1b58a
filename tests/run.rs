//! Runs with real processes, from IR built here.

mod agreement;
mod archives;
mod artifacts;
mod buildspec;
mod buildspec_cases;
mod engine;
mod executions;
mod feeds;
mod full_disk;
mod history;
mod invoke;
mod law;
mod model;
mod part;
mod pipelines;
mod places;
mod resuming;
mod rules;
mod secrets;
mod shell;
mod simulate;
mod sources;
mod stopping;
mod terminal;
mod view;
mod watching;

use pipe::ir::{ConditionResult, EnvironmentKind, RetryMode};
use pipe::run::event::Event;
use pipe::run::{RunOptions, RunOutcome};
use serde_json::json;

use crate::support::runs::{
    ActionExt, Project, Ran, action, build, commands, condition, pipeline, retry, rule, source, stage, variable,
};

#[test]
fn files_and_variables_go_from_action_to_action() {
    let project = Project::new(&[("flour.txt", "500 g"), ("sub/a b.txt", "x"), (".pipe/old", "state")]);
    let mix = commands(
        "mix",
        &[
            "export BATCH=\"#{variables.size}-7\"",
            "mkdir out",
            "cat flour.txt > out/dough",
            "cd out",
            "echo $PWD > where",
        ],
    )
    .input("app")
    .output("dough", &["out/**/*"])
    .gives("BATCH");
    let bake = commands(
        "bake",
        &[
            "test -f out/dough",
            "test ! -e flour.txt",
            "echo \"baking #{mix.BATCH}\"",
        ],
    )
    .input("dough");
    let taste = commands(
        "taste",
        &[
            "cat out/dough \"$CODEBUILD_SRC_DIR_app/sub/a b.txt\"",
            "test ! -e \"$CODEBUILD_SRC_DIR_app/.pipe\"",
        ],
    )
    .input("dough")
    .input("app");
    let mut demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Mix", vec![mix]),
        stage("Bake", vec![bake, taste]),
    ]);
    demo.variables.push(variable("size", Some("small")));
    let ran = project.run(&demo);
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{:#?}", ran.records);
    assert_eq!(ran.variable("Mix/mix", "BATCH").as_deref(), Some("small-7"));
    assert!(
        ran.log("Bake/bake").contains("\nbaking small-7\n"),
        "{}",
        ran.log("Bake/bake")
    );
    assert!(ran.log("Bake/taste").contains("500 gx"), "{}", ran.log("Bake/taste"));
    assert!(!ran.run_dir.join("work").exists());
}

/// Folders change hands between actions; none may lose its second input to the one that had the folder before.
#[test]
fn an_action_keeps_its_inputs_when_folders_change_hands() {
    let project = Project::new(&[("a.txt", "x")]);
    let tool = commands("tool", &["mkdir -p t; for i in $(seq 40); do echo $i > t/$i; done"])
        .input("app")
        .output("tool", &["t/**/*"]);
    let names: Vec<String> = (0..60).map(|index| format!("use-{index}")).collect();
    let uses = names
        .iter()
        .map(|name| {
            commands(name, &["cat \"$CODEBUILD_SRC_DIR_tool/t/40\""])
                .input("app")
                .input("tool")
        })
        .collect();
    let demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Make", vec![tool]),
        stage("Use", uses),
    ]);
    let options = RunOptions {
        jobs: Some(8),
        ..project.options()
    };
    let ran = project.run_with(&demo, &options);
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{:#?}", ran.story());
}

#[test]
fn the_first_failing_command_ends_the_action_and_the_run() {
    let project = Project::new(&[("a.txt", "x")]);
    let test = commands("test", &["echo before", "sh -c 'echo oops >&2; exit 3'", "echo never"]).input("app");
    let sibling = commands("sibling", &["sleep 0.2; echo end"]).input("app");
    let next = commands("next", &["true"]).input("app").step(2);
    let demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Build", vec![test, sibling, next]),
    ]);
    let ran = project.run(&demo);
    assert_eq!(ran.outcome, RunOutcome::Failed);
    let failure = ran.failure("Build/test");
    assert_eq!(failure.message, "the command ended with exit status 3");
    assert_eq!(failure.command.as_deref(), Some("sh -c 'echo oops >&2; exit 3'"));
    assert_eq!(failure.tail.last().map(String::as_str), Some("oops"));
    assert!(failure.directory.unwrap().is_dir());
    assert_eq!(
        ran.endings(),
        ["Source/app succeeded", "Build/test failed", "Build/sibling succeeded"]
    );
}

#[test]
fn an_action_has_a_clean_environment() {
    let project = Project::new(&[]);
    let show = commands("show", &["env"])
        .input("app")
        .env("CHANNEL", "beta", EnvironmentKind::Plaintext)
        .local("env", json!({"EXTRA": "1"}));
    let demo = pipeline(vec![stage("Source", vec![source("app")]), stage("Build", vec![show])]);
    let ran = project.run(&demo);
    let log = ran.log("Build/show");
    for line in ["CHANNEL=beta", "EXTRA=1", "TERM=dumb", "PIPE_STAGE=Build"] {
        assert!(log.lines().any(|found| found == line), "{line} in {log}");
    }
    assert!(!log.contains("CARGO"), "{log}");
}

#[test]
fn a_command_of_the_users_stands_in() {
    let project = Project::new(&[("notes.md", "hello")]);
    let invoke = action("ask", "Invoke/AWS/Lambda/1")
        .input("app")
        .output("answer", &[])
        .set("FunctionName", "oracle")
        .local("run", json!("cp notes.md \"$PIPE_ARTIFACT_answer/\"; echo \"ANSWER=$PIPE_CONFIG_FunctionName says 42\" >> \"$PIPE_OUTPUT\""));
    let read = commands("read", &["cat notes.md; echo '#{ask.ANSWER}'"]).input("answer");
    let demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Ask", vec![invoke]),
        stage("Read", vec![read]),
    ]);
    let ran = project.run(&demo);
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{:#?}", ran.records);
    assert!(
        ran.log("Read/read").contains("hellooracle says 42"),
        "{}",
        ran.log("Read/read")
    );
}

/// A run of a source and one more action.
fn ran(action: pipe::ir::Action, change: impl FnOnce(&mut RunOptions)) -> Ran {
    let project = Project::new(&[
        (
            "data.json",
            "{\"Resources\": {\"Topic\": {\"Type\": \"AWS::SNS::Topic\"}}}",
        ),
        ("broken.json", "{"),
    ]);
    let mut options = project.options();
    change(&mut options);
    project.run_with(
        &pipeline(vec![stage("Source", vec![source("app")]), stage("Do", vec![action])]),
        &options,
    )
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_starts() {
    let refused = |action: pipe::ir::Action| {
        let ran = ran(action, |_| ());
        assert!(ran.records.is_empty(), "{:#?}", ran.records);
        ran.outcome
    };
    assert_eq!(refused(action("a", "Deploy/Custom/Unknown/1")), RunOutcome::Refused);
    let secret = commands("a", &["true"]).env("TOKEN", "npm", EnvironmentKind::SecretsManager);
    assert_eq!(refused(secret), RunOutcome::Refused);
    let unknown_output = action("a", "Invoke/AWS/Lambda/1");
    let user = commands("b", &["echo #{a.ANSWER}"]).step(2);
    let project = Project::new(&[]);
    let demo = |invoke| {
        pipeline(vec![
            stage("Source", vec![source("app")]),
            stage("Do", vec![invoke, user.clone()]),
        ])
    };
    assert_eq!(project.run(&demo(unknown_output.clone())).outcome, RunOutcome::Refused);
    let known = unknown_output.local("outputs", json!({"ANSWER": 42}));
    let ran_known = project.run(&demo(known));
    assert_eq!(ran_known.outcome, RunOutcome::Succeeded);
    assert!(ran_known.log("Do/b").ends_with("42\n"));
    assert_eq!(
        refused(action("a", "Deploy/AWS/ECS/1").local("outputs", json!([1]))),
        RunOutcome::Refused
    );

    let mut demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Do", vec![commands("a", &["true"])]),
    ]);
    demo.variables.push(variable("channel", None));
    assert_eq!(project.run(&demo).outcome, RunOutcome::Refused);
    let mut options = project.options();
    options.variables = vec![("chanel".to_owned(), "x".to_owned())];
    assert_eq!(project.run_with(&demo, &options).outcome, RunOutcome::Unusable);
    let codes = [RunOutcome::Unusable, RunOutcome::Refused, RunOutcome::Waits];
    assert_eq!(codes.map(|outcome| outcome.exit_code()), [2, 3, 75]);
}

#[test]
fn a_run_that_nobody_can_answer_is_left_waiting() {
    let ran = ran(action("go", "Approval/AWS/Manual/1"), |_| ());
    assert_eq!(ran.outcome, RunOutcome::Waits);
    assert!(matches!(ran.records.last().unwrap().event, Event::ActionStarted { .. }));
}

#[test]
fn yes_approves() {
    let ran = ran(action("go", "Approval/AWS/Manual/1"), |options| options.yes = true);
    assert_eq!(ran.outcome, RunOutcome::Succeeded);
    assert_eq!(ran.log("Do/go"), "approved by --yes\n");
}

#[test]
fn secrets_reach_the_action_and_no_log() {
    let show = commands(
        "show",
        &["echo $TOKEN; echo \"<$TOKEN>\" | base64; test $TOKEN = s3cr3t-t0ken; exit 1"],
    );
    let show = show.env("TOKEN", "npm:token", EnvironmentKind::SecretsManager);
    let ran = ran(show, |options| {
        options
            .environment
            .insert("PIPE_SECRET_NPM_TOKEN".to_owned(), "s3cr3t-t0ken".to_owned());
    });
    let log = ran.log("Do/show");
    assert!(log.contains("\n***\n") && !log.contains("s3cr3t"), "{log}");
    let journal = std::fs::read_to_string(ran.run_dir.join("journal.jsonl")).unwrap_or_default();
    assert!(
        !journal.contains("s3cr3t") && !journal.contains("czNjcjN0"),
        "{journal}"
    );
    assert!(!log.contains("zM2NyM3QtdDBrZW"), "{log}");
}

#[test]
fn secrets_in_output_variables_reach_later_actions_and_no_record() {
    let project = Project::new(&[]);
    let log_in = commands("login", &["export SESSION=\"user:$TOKEN\""])
        .env("TOKEN", "npm", EnvironmentKind::SecretsManager)
        .local("secrets", json!({"npm": "s3cr3t-t0ken"}))
        .gives("SESSION");
    let publish = commands(
        "publish",
        &[
            "test \"#{login.SESSION}\" = user:s3cr3t-\"t0ken\"",
            "echo \"as #{login.SESSION}\"",
            "echo '#{login.SESSION}' >&2; false '#{login.SESSION}'",
        ],
    );
    let demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Login", vec![log_in]),
        stage("Publish", vec![publish]),
    ]);
    let ran = project.run(&demo);
    assert_eq!(ran.variable("Login/login", "SESSION").as_deref(), Some("user:***"));
    let failure = ran.failure("Publish/publish");
    assert_eq!(
        failure.command.as_deref(),
        Some("echo 'user:***' >&2; false 'user:***'"),
        "{failure:#?}"
    );
    assert_eq!(failure.tail.last().map(String::as_str), Some("user:***"));
    assert!(ran.log("Publish/publish").contains("\nas user:***\n"));
    for entry in ["journal.jsonl", "pipeline.json", "logs/Publish/publish.log"] {
        let text = std::fs::read_to_string(ran.run_dir.join(entry)).unwrap();
        assert!(!text.contains("s3cr3t-t0ken"), "{entry}: {text}");
    }
}

#[test]
fn simulated_actions_check_what_they_are_given() {
    let deploy = |path: &str| {
        let action = action("deploy", "Deploy/AWS/CloudFormation/1").input("app");
        ran(action.set("TemplatePath", path).output("made", &[]), |_| ())
    };
    let good = deploy("app::data.json");
    assert_eq!(good.outcome, RunOutcome::Succeeded);
    assert!(
        good.log("Do/deploy").starts_with("simulated: "),
        "{}",
        good.log("Do/deploy")
    );
    let missing = deploy("app::nothing.yml").failure("Do/deploy");
    assert_eq!(
        missing.message,
        "`TemplatePath` names `app::nothing.yml`: the artifact `app` has no file `nothing.yml`"
    );
    let broken = deploy("app::broken.json").failure("Do/deploy");
    assert!(
        broken.message.contains("`broken.json` in `app` does not parse"),
        "{}",
        broken.message
    );
    let ecs = ran(action("ecs", "Deploy/AWS/ECS/1").input("app"), |_| ());
    assert!(
        ecs.failure("Do/ecs")
            .message
            .contains("no file `imagedefinitions.json`")
    );
}

#[test]
fn conditions_decide() {
    let project = Project::new(&[]);
    let mut demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Beta", vec![commands("beta", &["true"])]),
        stage("Prod", vec![commands("prod", &["true"])]),
    ]);
    demo.variables.push(variable("channel", Some("beta")));
    let channel = |wanted: &str, operator: &str| {
        rule(
            "channel",
            "VariableCheck",
            &[
                ("Variable", "#{variables.channel}"),
                ("Value", wanted),
                ("Operator", operator),
            ],
        )
    };
    demo.stages[1].before_entry = Some(condition(ConditionResult::Skip, vec![channel("prod", "NE")]));
    demo.stages[2].before_entry = Some(condition(ConditionResult::Skip, vec![channel("pro.*", "MATCHES")]));
    let mut shell = rule("smoke", "Commands", &[]);
    shell.commands = demo.stages[1].actions[0].commands.clone();
    demo.stages[1].on_success = Some(condition(
        ConditionResult::Fail,
        vec![shell, rule("alarm", "CloudWatchAlarm", &[])],
    ));
    let ran = project.run(&demo);
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{:#?}", ran.records);
    assert_eq!(ran.endings(), ["Source/app succeeded", "Beta/beta succeeded"]);
    let simulated = |record: &pipe::run::event::Record| match &record.event {
        Event::RuleFinished { name, simulated, .. } => Some((name.rule.clone(), *simulated)),
        _ => None,
    };
    let mut rules: Vec<(String, bool)> = ran.records.iter().filter_map(simulated).collect();
    rules.sort();
    let expected = [
        ("alarm", true),
        ("channel", false),
        ("channel", false),
        ("smoke", false),
    ];
    assert_eq!(rules, expected.map(|(rule, simulated)| (rule.to_owned(), simulated)));
}

#[test]
fn a_retry_starts_from_a_clean_folder() {
    let project = Project::new(&[]);
    let counter = project.path().join("counter");
    let flaky = commands(
        "flaky",
        &[&format!(
            "test ! -e left && touch left && echo x >> {0} && test $(wc -l < {0}) = 2",
            counter.display()
        )],
    );
    let mut demo = pipeline(vec![stage("Source", vec![source("app")]), stage("Do", vec![flaky])]);
    demo.stages[1].on_failure = Some(retry(RetryMode::FailedActions));
    let ran = project.run(&demo);
    assert_eq!(ran.outcome, RunOutcome::Succeeded, "{:#?}", ran.records);
    assert_eq!(
        ran.endings(),
        ["Source/app succeeded", "Do/flaky failed", "Do/flaky succeeded"]
    );
}

#[test]
fn a_failed_build_says_what_to_do() {
    // What an action makes is not known before the start.
    let made = commands("make", &["echo x > x"]).input("app").output("made", &["x"]);
    let ran = Project::new(&[]).run(&pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Make", vec![made]),
        stage("Do", vec![build("build").input("made")]),
    ]));
    let failure = ran.failure("Do/build");
    assert_eq!(
        failure.message,
        "there is no buildspec `buildspec.yml` in the source `made`"
    );
    assert!(failure.help.unwrap().contains("local { buildspec"));
}

#[test]
fn the_journal_tells_the_whole_story() {
    let ran = ran(commands("a", &["true"]), |_| ());
    assert_eq!(
        ran.story(),
        [
            "run_started",
            "stage_started",
            "action_started",
            "action_finished",
            "stage_finished",
            "stage_started",
            "action_started",
            "action_finished",
            "stage_finished",
            "run_finished",
        ]
    );
    let numbers: Vec<u64> = ran.records.iter().map(|record| record.seq).collect();
    assert_eq!(numbers, (1..=10).collect::<Vec<u64>>());
    for record in &ran.records {
        let json = serde_json::to_string(record).unwrap();
        assert_eq!(
            serde_json::from_str::<pipe::run::event::Record>(&json).unwrap(),
            *record
        );
    }
}

#[test]
fn conditions_of_a_template_are_decided_before_a_run() {
    let project = Project::new(&[]);
    let mut only = commands("only", &["true"]).input("app");
    only.when = vec![pipe::ir::DeployCondition {
        name: "Prod".to_owned(),
        holds: true,
    }];
    let build = stage("Build", vec![commands("always", &["true"]).input("app"), only]);
    let pipeline = pipeline(vec![stage("Source", vec![source("app")]), build]);
    let run = |conditions: &[(&str, bool)]| {
        let conditions = conditions.iter().map(|(name, holds)| ((*name).to_owned(), *holds));
        project.run_with(
            &pipeline,
            &RunOptions {
                conditions: conditions.collect(),
                ..project.options()
            },
        )
    };
    assert_eq!(run(&[]).outcome.exit_code(), 3);
    assert_eq!(run(&[("Prod", true)]).endings().len(), 3);
    assert_eq!(run(&[("Prod", false)]).endings().len(), 2);
}
