//! What other programs are told of runs.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use pipe::ir::{ConditionResult, RetryMode};
use pipe::run::RunOutcome;
use pipe::run::event::{By, Event, Record, VERSION};
use pipe::run::feeds::eventbridge::Translator;
use pipe::run::view::json::Json;
use pipe::run::view::{Context, View};
use serde_json::Value;

use crate::support::runs::{
    ActionExt, Project, Ran, action, commands, condition, pipeline, retry, rule, source, stage, variable,
};
use crate::support::story::Story;

/// What `codepipeline.md`, section 6, says of each kind: its states, the keys that its details have, and those they may have.
const COMMON: &[&str] = &[
    "pipeline",
    "execution-id",
    "start-time",
    "state",
    "version",
    "pipeline-execution-attempt",
];
const ACTION: &[&str] = &[
    "stage",
    "action",
    "action-execution-id",
    "region",
    "type",
    "input-artifacts",
    "output-artifacts",
];
type Kind = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);
const KINDS: [Kind; 3] = [
    (
        "CodePipeline Pipeline Execution State Change",
        "STARTED RESUMED SUCCEEDED FAILED CANCELED STOPPING STOPPED SUPERSEDED",
        &["execution-trigger"],
        &["stop-execution-comments"],
    ),
    (
        "CodePipeline Stage Execution State Change",
        "STARTED RESUMED SUCCEEDED FAILED CANCELED STOPPING STOPPED",
        &["stage"],
        &["stage-last-retry-attempt-time"],
    ),
    (
        "CodePipeline Action Execution State Change",
        "STARTED SUCCEEDED FAILED CANCELED ABANDONED",
        ACTION,
        &["execution-result"],
    ),
];

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Holds a line against the field lists; gives it in short.
fn check(line: &str) -> String {
    let value: Value = serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
    let envelope = [
        "account",
        "detail",
        "detail-type",
        "id",
        "region",
        "resources",
        "source",
        "time",
        "version",
    ];
    assert_eq!(keys(&value), envelope.into(), "{line}");
    assert!(value["id"].as_str().unwrap().len() == 36, "{line}");
    value["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let detail = &value["detail"];
    let name = value["detail-type"].as_str().unwrap();
    if value["source"] == "pipe" {
        assert!(name.starts_with("Pipe "), "{line}");
        assert!(keys(detail) == ["pipeline", "execution-id", "record"].into(), "{line}");
        return format!("{name}: {}", detail["record"]["event"].as_str().unwrap());
    }
    assert_eq!(value["source"], "aws.codepipeline", "{line}");
    let found = KINDS.iter().find(|(kind, ..)| *kind == name);
    let (_, states, required, optional) = found.unwrap_or_else(|| panic!("{line}"));
    let state = detail["state"].as_str().unwrap();
    assert!(states.split(' ').any(|known| known == state), "{line}");
    let required: BTreeSet<&str> = COMMON.iter().chain(*required).copied().collect();
    let missing: Vec<_> = required.difference(&keys(detail)).copied().collect();
    assert!(missing.is_empty(), "{missing:?} in {line}");
    let allowed = required.iter().chain(*optional).copied().collect();
    let unknown: Vec<_> = keys(detail).difference(&allowed).copied().collect();
    assert!(unknown.is_empty(), "{unknown:?} in {line}");
    assert!(
        detail["version"].is_number() && detail["pipeline-execution-attempt"].is_number(),
        "{line}"
    );
    if let Some(trigger) = detail.get("execution-trigger") {
        assert_eq!(keys(trigger), ["trigger-detail", "trigger-type"].into(), "{line}");
    }
    if detail.get("action").is_some() {
        assert_eq!(
            keys(&detail["type"]),
            ["category", "owner", "provider", "version"].into(),
            "{line}"
        );
        for artifact in ["input-artifacts", "output-artifacts"]
            .into_iter()
            .flat_map(|key| detail[key].as_array().unwrap())
        {
            assert_eq!(keys(artifact), ["name", "s3location"].into(), "{line}");
            assert_eq!(keys(&artifact["s3location"]), ["bucket", "key"].into(), "{line}");
        }
        assert_eq!(detail.get("execution-result").is_some(), state != "STARTED", "{line}");
    }
    let what = [detail.get("stage"), detail.get("action")].map(|part| part.and_then(Value::as_str));
    let what: Vec<&str> = what.into_iter().flatten().collect();
    format!(
        "{} {state}",
        if what.is_empty() {
            "pipeline".to_owned()
        } else {
            what.join("/")
        }
    )
}

fn told(pipeline: &pipe::ir::Pipeline, execution: &str, records: &[Record]) -> Vec<String> {
    let mut out = Vec::new();
    let mut view = Json::new(&mut out, Context::default(), Arc::new(pipeline.clone()));
    records.iter().for_each(|record| view.record(execution, record));
    view.finish();
    let text = String::from_utf8(out).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn execution(ran: &Ran) -> String {
    ran.run_dir.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn runs_are_told_in_the_services_words() {
    let project = Project::new(&[("a.txt", "x")]);
    let counter = project.path().join("counter");
    let flaky = format!("echo x >> {0}; test $(wc -l < {0}) = 2", counter.display());
    let mut demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage(
            "Build",
            vec![
                commands("make", &["cp a.txt b.txt"])
                    .input("app")
                    .output("made", &["b.txt"]),
            ],
        ),
        stage("Test", vec![commands("flaky", &[&flaky]).input("made")]),
        stage("Skipped", vec![commands("never", &["true"])]),
        stage(
            "Deploy",
            vec![
                action("ecs", "Deploy/AWS/Custom/1").input("made"),
                action("go", "Approval/AWS/Manual/1"),
            ],
        ),
        stage("Last", vec![commands("fail", &["exit 3"])]),
    ]);
    demo.variables.push(variable("channel", Some("beta")));
    demo.stages[2].on_failure = Some(retry(RetryMode::FailedActions));
    let never = rule(
        "never",
        "VariableCheck",
        &[("Variable", "#{variables.channel}"), ("Value", "x"), ("Operator", "EQ")],
    );
    demo.stages[3].before_entry = Some(condition(ConditionResult::Skip, vec![never]));
    let options = pipe::run::RunOptions {
        yes: true,
        ..project.options()
    };
    let ran = project.run_with(&demo, &options);
    assert_eq!(ran.outcome, RunOutcome::Failed, "{:#?}", ran.records);
    let lines = told(&demo, &execution(&ran), &ran.records);
    let short: Vec<String> = lines.iter().map(|line| check(line)).collect();
    let service: Vec<&str> = short
        .iter()
        .filter(|line| !line.starts_with("Pipe "))
        .map(String::as_str)
        .collect();
    let expected = [
        "pipeline STARTED",
        "Source STARTED",
        "Source/app STARTED",
        "Source/app SUCCEEDED",
        "Source SUCCEEDED",
        "Build STARTED",
        "Build/make STARTED",
        "Build/make SUCCEEDED",
        "Build SUCCEEDED",
        "Test STARTED",
        "Test/flaky STARTED",
        "Test/flaky FAILED",
        "Test RESUMED",
        "Test/flaky STARTED",
        "Test/flaky SUCCEEDED",
        "Test SUCCEEDED",
        "Skipped STARTED",
    ];
    assert_eq!(service[..expected.len()], expected);
    assert_eq!(service.last(), Some(&"pipeline FAILED"));
    let ours = [
        "Pipe Run Planned: run_started",
        "Pipe Stage Retried: stage_retried",
        "Pipe Rule Finished: rule_finished",
        "Pipe Stage Skipped: stage_finished",
        "Pipe Approval Needed: action_started",
        "Pipe Approval Answered: approval_answered",
    ];
    for line in ours {
        assert!(short.iter().any(|found| found == line), "{line} in {short:#?}");
    }
    let made = lines
        .iter()
        .find(|line| line.contains("\"make\"") && line.contains("SUCCEEDED"))
        .unwrap();
    let made: Value = serde_json::from_str(made).unwrap();
    let artifacts = |key: &str| made["detail"][key][0]["name"].clone();
    assert_eq!(
        [artifacts("input-artifacts"), artifacts("output-artifacts")],
        ["app", "made"]
    );
    assert_eq!(
        lines,
        told(&demo, &execution(&ran), &ran.records),
        "a journal is always told in the same words"
    );
}

#[test]
fn every_event_has_its_notices() {
    let mut story = Story::new("an-id", &["Source/app", "Build/a", "Build/b"]);
    story.stage("Source").starts("Source/app").ok("Source/app");
    story.stage_ends("Source", pipe::run::outcome::StageStatus::Succeeded);
    story.stage("Build").starts("Build/a").starts("Build/b");
    story.tell(Event::StopRequested {
        reason: "enough".to_owned(),
        abandon: true,
    });
    story.abandoned("Build/a").fails("Build/b");
    story.stage_ends("Build", pipe::run::outcome::StageStatus::Stopped);
    story.ends_as(pipe::run::outcome::RunStatus::Stopped).after(1000);
    story.tell(Event::StageRetried {
        stage: "Build".to_owned(),
        attempt: 2,
        mode: RetryMode::FailedActions,
        by: By::Manual,
    });
    story.starts("Build/a#2").ok("Build/a#2");
    story.tell(Event::Note {
        message: "mind".to_owned(),
    });
    story.ends_as(pipe::run::outcome::RunStatus::Cancelled);
    let short: Vec<String> = told(&pipeline(Vec::new()), "an-id", &story.records)
        .iter()
        .map(|line| check(line))
        .collect();
    let after = short.iter().position(|line| line == "pipeline STOPPING").unwrap();
    assert_eq!(
        short[after..],
        [
            "pipeline STOPPING",
            "Build STOPPING",
            "Build/a ABANDONED",
            "Pipe Action Finished: action_finished",
            "Build/b FAILED",
            "Pipe Action Finished: action_finished",
            "Build STOPPED",
            "pipeline STOPPED",
            "pipeline RESUMED",
            "Build RESUMED",
            "Pipe Stage Retried: stage_retried",
            "Build/a STARTED",
            "Build/a SUCCEEDED",
            "Pipe Action Finished: action_finished",
            "Pipe Note: note",
            "pipeline CANCELED",
        ]
    );
}

#[test]
fn what_is_not_known_to_have_begun_is_not_told() {
    let record = Record {
        v: VERSION,
        seq: 1,
        time: jiff::Timestamp::UNIX_EPOCH,
        event: Event::Note { message: String::new() },
    };
    let mut translator = Translator::new(Arc::new(pipeline(Vec::new())));
    assert!(translator.translate("an-id", &record).is_empty());
}

/// What a source, a flaky and a failing action leave, with an option set.
fn failing_run(change: impl FnOnce(&mut pipe::run::RunOptions, &Project)) -> (Ran, Project) {
    let project = Project::new(&[]);
    let counter = project.path().join("counter");
    let flaky = format!(
        "echo x >> {0}; test $(wc -l < {0}) = 2 || {{ printf 'bad \\001 <tag> ]]>'; exit 9; }}",
        counter.display()
    );
    let mut demo = pipeline(vec![
        stage("Source", vec![source("app")]),
        stage("Test", vec![commands("flaky", &[&flaky])]),
        stage("Deploy", vec![action("ecs", "Deploy/AWS/Custom/1")]),
        stage(
            "Last",
            vec![
                commands("fail & more", &["echo \"<$TRACEPARENT>\" >&2; exit 3"]),
                commands("next", &["true"]).step(2),
            ],
        ),
    ]);
    demo.stages[1].on_failure = Some(retry(RetryMode::FailedActions));
    let mut options = project.options();
    change(&mut options, &project);
    let ran = project.run_with(&demo, &options);
    assert_eq!(ran.outcome, RunOutcome::Failed, "{:#?}", ran.records);
    (ran, project)
}

#[test]
fn a_junit_report_has_a_suite_a_stage_and_a_case_an_action() {
    let (_, project) = failing_run(|options, project| options.junit = Some(project.path().join("report.xml")));
    let xml = std::fs::read_to_string(project.path().join("report.xml")).unwrap();
    let times = regex::Regex::new(r#"(time|timestamp)="[^"]*""#).unwrap();
    let paths = project.path().display().to_string();
    insta::assert_snapshot!(times.replace_all(&xml, "$1=\"…\"").replace(&paths, "PROJECT"));
    let mut reader = quick_xml::Reader::from_str(&xml);
    while !matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {}
}

#[test]
fn a_junit_report_that_cannot_be_written_ends_no_run() {
    let (_, project) = failing_run(|options, project| {
        project.file("out", "a file, no folder");
        options.junit = Some(project.path().join("out/report.xml"));
    });
    assert!(project.path().join("out").is_file());
}

/// One request: its first line and headers, and its body.
fn receive(listener: &TcpListener) -> (String, Value) {
    let (stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().unwrap())
    });
    let mut body = vec![0; length.unwrap()];
    reader.read_exact(&mut body).unwrap();
    reader
        .get_mut()
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        .unwrap();
    (head, serde_json::from_slice(&body).unwrap())
}

fn attribute(span: &Value, key: &str) -> Value {
    let attributes = span["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|attribute| attribute["key"] == key);
    found.map_or(Value::Null, |found| {
        found["value"].as_object().unwrap().values().next().unwrap().clone()
    })
}

#[test]
fn traces_are_sent_where_the_environment_says() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let receiver = std::thread::spawn(move || receive(&listener));
    let (ran, _) = failing_run(|options, _| {
        options.environment.extend(
            [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
                ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=abc"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
    });
    let (head, body) = receiver.join().unwrap();
    assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
    assert!(
        head.contains("api-key: abc") && head.contains("application/json"),
        "{head}"
    );
    let spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let find = |name: &str| -> Vec<&Value> { spans.iter().filter(|span| span["name"] == name).collect() };
    let trace = execution(&ran).replace('-', "");
    assert!(spans.iter().all(|span| span["traceId"] == trace.as_str()), "{body:#}");
    let root = find("RUN demo")[0];
    assert_eq!(attribute(root, "cicd.pipeline.result"), "failure");
    assert_eq!(attribute(root, "cicd.pipeline.run.id"), execution(&ran).as_str());
    assert!(root.get("parentSpanId").is_none(), "{root:#}");
    let test = find("Test")[0];
    assert_eq!(test["parentSpanId"], root["spanId"]);
    let attempts = find("Test/flaky");
    let results: Vec<Value> = attempts
        .iter()
        .map(|span| attribute(span, "cicd.pipeline.task.run.result"))
        .collect();
    assert_eq!(results, ["failure", "success"]);
    assert_eq!(attribute(attempts[0], "error.type"), "exit 9");
    assert!(
        attempts.iter().all(|span| span["parentSpanId"] == test["spanId"]),
        "{body:#}"
    );
    let failed = find("Last/fail & more")[0];
    assert_eq!(
        (failed["kind"].clone(), failed["status"]["code"].clone()),
        (1.into(), 2.into())
    );
    let handed = format!("<00-{trace}-{}-01>", failed["spanId"].as_str().unwrap());
    assert!(
        ran.log("Last/fail+++more").contains(&handed),
        "{handed} in {}",
        ran.log("Last/fail+++more")
    );
    assert_eq!(spans.len(), 1 + 4 + 5, "{body:#}");
    let times = |span: &Value| {
        ["startTimeUnixNano", "endTimeUnixNano"].map(|key| span[key].as_str().unwrap().parse::<u64>().unwrap())
    };
    assert!(spans.iter().all(|span| times(span)[0] <= times(span)[1]), "{body:#}");
}

#[test]
fn an_endpoint_that_does_not_answer_ends_no_run() {
    // It takes the connection and says nothing, ever.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (ran, _) = failing_run(|options, _| {
        options
            .environment
            .insert("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), endpoint);
    });
    assert!(matches!(ran.records.last().unwrap().event, Event::RunFinished { .. }));
}
