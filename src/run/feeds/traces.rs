//! OpenTelemetry: a trace an execution, with a span for it, for each stage and for each attempt at an action, named by the
//! semantic conventions for CI/CD; by OTLP over HTTP, in its JSON encoding.
//!
//! Spans are sent when an execution has ended, from a thread of their own. An endpoint that does not answer costs a run
//! `PATIENCE` at its very end, and a note.

use std::collections::{BTreeMap, HashSet};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::Feed;
use crate::run::event::{ActionName, Event, Record};
use crate::run::outcome::{Exit, RunStatus, StageStatus, Status};
use crate::run::view::summary::{Action, Attempt, Stage, Summary};
use crate::run::{Run, RunOptions};

/// How long a run waits at its end for an endpoint.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many spans go into one request.
const BATCH: usize = 1000;

/// Where spans are sent to: what OpenTelemetry's environment variables say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    url: String,
    headers: Vec<(String, String)>,
    service: String,
}

impl Target {
    /// None if nobody wants traces.
    pub fn of(environment: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let given = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
        if given("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return None;
        }
        let url = given("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| {
            let base = given("OTEL_EXPORTER_OTLP_ENDPOINT")?;
            Some(format!("{}/v1/traces", base.trim_end_matches('/')))
        })?;
        let headers = given("OTEL_EXPORTER_OTLP_TRACES_HEADERS").or_else(|| given("OTEL_EXPORTER_OTLP_HEADERS"));
        let headers = headers.unwrap_or_default();
        let pairs = headers.split(',').filter_map(|pair| pair.split_once('='));
        Some(Self {
            url,
            headers: pairs
                .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
                .collect(),
            service: given("OTEL_SERVICE_NAME").unwrap_or_else(|| "pipe".to_owned()),
        })
    }
}

/// The span that an execution belongs under: of whoever started the program, as W3C's `traceparent` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parent {
    trace: String,
    span: String,
}

impl Parent {
    fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.trim().split('-').collect();
        let [version, trace, span, _flags] = parts.as_slice() else {
            return None;
        };
        let is_id = |text: &str, length| {
            text.len() == length
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
                && text.bytes().any(|byte| byte != b'0')
        };
        (*version == "00" && is_id(trace, 32) && is_id(span, 16)).then(|| Self {
            trace: (*trace).to_owned(),
            span: (*span).to_owned(),
        })
    }
}

/// Under which ids an execution's spans go.
struct Ids<'a> {
    execution: &'a str,
    parent: Option<&'a Parent>,
}

impl Ids<'_> {
    /// An execution's own id is as long as a trace's.
    fn trace(&self) -> String {
        match self.parent {
            Some(parent) => parent.trace.clone(),
            None => self.execution.chars().filter(|&c| c != '-').collect(),
        }
    }

    fn span(&self, parts: &[&str]) -> String {
        let mut hasher = blake3::Hasher::new();
        for part in [self.execution].iter().chain(parts) {
            hasher.update(&part.len().to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }

    fn action(&self, name: &ActionName) -> String {
        self.span(&["action", &name.stage, &name.action, &name.attempt.to_string()])
    }
}

impl Run {
    /// What an action's commands find as `TRACEPARENT`, so that their own spans come under the action's; none without traces.
    pub fn traceparent(&self, name: &ActionName) -> Option<String> {
        Target::of(|name| self.options.environment(name))?;
        let parent = parent(&self.options);
        let ids = Ids {
            execution: &self.execution_id,
            parent: parent.as_ref(),
        };
        Some(format!("00-{}-{}-01", ids.trace(), ids.action(name)))
    }
}

fn parent(options: &RunOptions) -> Option<Parent> {
    Parent::parse(&options.environment("TRACEPARENT")?)
}

/// Sends spans.
pub struct Traces {
    target: Target,
    parent: Option<Parent>,
    runs: BTreeMap<String, Summary>,
    /// The ids of spans that were sent: an execution that is retried ends more than once.
    sent: HashSet<String>,
    under_way: Vec<Receiver<Result<(), String>>>,
}

impl Traces {
    /// None if nobody wants them.
    pub fn of(options: &RunOptions) -> Option<Self> {
        Some(Self {
            target: Target::of(|name| options.environment(name))?,
            parent: parent(options),
            runs: BTreeMap::new(),
            sent: HashSet::new(),
            under_way: Vec::new(),
        })
    }

    fn send(&mut self, execution: &str) {
        let Some(summary) = self.runs.get(execution) else {
            return;
        };
        let ids = Ids {
            execution,
            parent: self.parent.as_ref(),
        };
        let mut spans = spans(summary, &ids);
        spans.retain(|span| self.sent.insert(span.span_id.clone()));
        let target = self.target.clone();
        let pipeline = summary.pipeline.clone();
        let run = summary.execution_id.clone();
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut spans = spans;
            let mut result = Ok(());
            while !spans.is_empty() && result.is_ok() {
                let rest = spans.split_off(spans.len().min(BATCH));
                result = post(&target, &Export::new(&target.service, &pipeline, &run, spans));
                spans = rest;
            }
            let _ = sender.send(result);
        });
        self.under_way.push(receiver);
    }

    /// Waits until all was sent, as long as patience lasts; says what was not.
    fn wait(&mut self) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut why = None;
        for receiver in std::mem::take(&mut self.under_way) {
            let left = deadline.saturating_duration_since(Instant::now());
            match receiver.recv_timeout(left) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => why = Some(error),
                Err(RecvTimeoutError::Timeout) => why = Some("no answer in time".to_owned()),
                Err(RecvTimeoutError::Disconnected) => why = Some("the sender broke".to_owned()),
            }
        }
        Some(format!(
            "note: traces could not be sent to {}: {}",
            self.target.url, why?
        ))
    }
}

impl Feed for Traces {
    fn restore(&mut self, execution: &str, records: &[Record]) {
        let summary = self.runs.entry(execution.to_owned()).or_default();
        records.iter().for_each(|record| summary.apply(record));
    }

    fn record(&mut self, execution: &str, record: &Record) -> Option<String> {
        let summary = self.runs.entry(execution.to_owned()).or_default();
        summary.apply(record);
        if !matches!(record.event, Event::RunFinished { .. }) {
            return None;
        }
        self.send(execution);
        let is_last = self.runs.values().all(|run| run.end.is_some());
        is_last.then(|| self.wait())?
    }

    fn finish(&mut self) -> Option<String> {
        self.wait()
    }
}

fn post(target: &Target, export: &Export) -> Result<(), String> {
    let body = serde_json::to_vec(export).map_err(|error| error.to_string())?;
    let mut request = minreq::post(&target.url)
        .with_header("Content-Type", "application/json")
        .with_timeout(PATIENCE.as_secs())
        .with_body(body);
    for (name, value) in &target.headers {
        request = request.with_header(name, value);
    }
    let response = match request.send() {
        Err(minreq::Error::HttpsFeatureNotEnabled) => {
            return Err("this program was built without HTTPS: build it with the feature `otlp-https`".to_owned());
        }
        Err(error) => return Err(error.to_string()),
        Ok(response) => response,
    };
    match response.status_code {
        200..300 => Ok(()),
        code => Err(format!("it answered {code} {}", response.reason_phrase)),
    }
}

/// All spans of an execution that has ended.
fn spans(summary: &Summary, ids: &Ids<'_>) -> Vec<Span> {
    let (Some(start), Some(end)) = (summary.started, summary.end) else {
        return Vec::new();
    };
    let result = match end.status {
        RunStatus::Succeeded => "success",
        RunStatus::Failed => "failure",
        RunStatus::Stopped | RunStatus::Superseded | RunStatus::Cancelled => "cancellation",
    };
    // Its end may come again, and is then another span.
    let root = ids.span(&["run", &end.at.to_string()]);
    let mut attributes = vec![
        text("cicd.pipeline.name", &summary.pipeline),
        text("cicd.pipeline.run.id", &summary.execution_id),
        text("cicd.pipeline.action.name", "RUN"),
        text("cicd.pipeline.result", result),
    ];
    if result == "failure" {
        attributes.push(text("error.type", "_OTHER"));
    }
    let mut out = vec![Span {
        trace_id: ids.trace(),
        span_id: root.clone(),
        parent_span_id: ids.parent.map(|parent| parent.span.clone()),
        name: format!("RUN {}", summary.pipeline),
        kind: SERVER,
        start_time_unix_nano: nanoseconds(start),
        end_time_unix_nano: nanoseconds(end.at),
        attributes,
        status: SpanStatus::of(result == "failure", None),
    }];
    for stage in &summary.stages {
        out.extend(stage_spans(stage, ids, &root));
    }
    out
}

fn stage_spans(stage: &Stage, ids: &Ids<'_>, root: &str) -> Vec<Span> {
    let (Some(begun), Some(end)) = (stage.begun, stage.end) else {
        return Vec::new();
    };
    let result = match end.status {
        StageStatus::Succeeded => "success",
        StageStatus::Failed => "failure",
        StageStatus::Skipped => "skip",
        StageStatus::Stopped | StageStatus::Cancelled => "cancellation",
    };
    let id = ids.span(&["stage", &stage.name, &end.at.to_string()]);
    let mut out = vec![Span {
        trace_id: ids.trace(),
        span_id: id.clone(),
        parent_span_id: Some(root.to_owned()),
        name: stage.name.clone(),
        kind: INTERNAL,
        start_time_unix_nano: nanoseconds(begun),
        end_time_unix_nano: nanoseconds(end.at),
        attributes: vec![
            text("cicd.pipeline.task.name", &stage.name),
            text(
                "cicd.pipeline.task.run.id",
                &format!("{}/{}", ids.execution, stage.name),
            ),
            text("cicd.pipeline.task.run.result", result),
        ],
        status: SpanStatus::of(result == "failure", None),
    }];
    for action in &stage.actions {
        let attempts = action.attempts.iter();
        out.extend(attempts.filter_map(|attempt| attempt_span(action, attempt, ids, &id)));
    }
    out
}

fn attempt_span(action: &Action, attempt: &Attempt, ids: &Ids<'_>, parent: &str) -> Option<Span> {
    let end = attempt.end.as_ref()?;
    let planned = &action.planned;
    let name = format!("{}/{}", planned.stage, planned.action);
    let result = match end.status {
        Status::Succeeded => "success",
        Status::Failed => "failure",
        Status::Abandoned => "cancellation",
    };
    let mut attributes = vec![
        text("cicd.pipeline.task.name", &name),
        text(
            "cicd.pipeline.task.run.id",
            &format!("{}/{name}#{}", ids.execution, attempt.number),
        ),
        text("cicd.pipeline.task.run.result", result),
        text("pipe.action.type", &planned.action_type),
        text("pipe.action.driver", &planned.driver),
        number("pipe.action.attempt", attempt.number.into()),
    ];
    // The conventions know these three.
    let category = planned
        .action_type
        .split('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    if ["build", "test", "deploy"].contains(&category.as_str()) {
        attributes.push(text("cicd.pipeline.task.type", &category));
    }
    let failure = end.failure.as_ref().filter(|_| end.status == Status::Failed);
    if let Some(failure) = failure {
        let error = match failure.exit {
            Some(Exit::Code(code)) => format!("exit {code}"),
            Some(Exit::Signal(signal)) => crate::run::outcome::signal_name(signal),
            None => "_OTHER".to_owned(),
        };
        attributes.push(text("error.type", &error));
    }
    let message = failure.map(|failure| failure.message.clone());
    Some(Span {
        trace_id: ids.trace(),
        span_id: ids.action(&ActionName {
            stage: planned.stage.clone(),
            action: planned.action.clone(),
            attempt: attempt.number,
        }),
        parent_span_id: Some(parent.to_owned()),
        name,
        kind: INTERNAL,
        start_time_unix_nano: nanoseconds(attempt.started),
        end_time_unix_nano: nanoseconds(end.at),
        attributes,
        status: SpanStatus::of(end.status == Status::Failed, message),
    })
}

/// In OTLP's JSON 64-bit numbers are text.
fn nanoseconds(time: Timestamp) -> String {
    time.as_nanosecond().to_string()
}

const INTERNAL: u8 = 1;
const SERVER: u8 = 2;

/// The messages of OTLP (`opentelemetry/proto/collector/trace/v1`), as far as they are needed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Export {
    resource_spans: [ResourceSpans; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans {
    resource: Resource,
    scope_spans: [ScopeSpans; 1],
}

#[derive(Debug, Serialize)]
struct Resource {
    attributes: Vec<Attribute>,
}

#[derive(Debug, Serialize)]
struct ScopeSpans {
    scope: Scope,
    spans: Vec<Span>,
}

#[derive(Debug, Serialize)]
struct Scope {
    name: &'static str,
    version: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<String>,
    name: String,
    kind: u8,
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    attributes: Vec<Attribute>,
    status: SpanStatus,
}

#[derive(Debug, Serialize)]
struct SpanStatus {
    code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl SpanStatus {
    /// An error, or nothing said.
    fn of(is_error: bool, message: Option<String>) -> Self {
        let code = if is_error { 2 } else { 0 };
        Self { code, message }
    }
}

#[derive(Debug, Serialize)]
struct Attribute {
    key: &'static str,
    value: Value,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Value {
    StringValue(String),
    IntValue(String),
}

fn text(key: &'static str, value: &str) -> Attribute {
    let value = Value::StringValue(value.to_owned());
    Attribute { key, value }
}

fn number(key: &'static str, value: u64) -> Attribute {
    let value = Value::IntValue(value.to_string());
    Attribute { key, value }
}

impl Export {
    fn new(service: &str, pipeline: &str, run: &str, spans: Vec<Span>) -> Self {
        let resource = Resource {
            attributes: vec![
                text("service.name", service),
                text("service.version", env!("CARGO_PKG_VERSION")),
                text("cicd.pipeline.name", pipeline),
                text("cicd.pipeline.run.id", run),
            ],
        };
        let scope = Scope {
            name: "pipe",
            version: env!("CARGO_PKG_VERSION"),
        };
        let scope_spans = [ScopeSpans { scope, spans }];
        Self {
            resource_spans: [ResourceSpans { resource, scope_spans }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Parent, Target};

    #[test]
    fn the_environment_says_where_to() {
        let target = |pairs: &[(&str, &str)]| {
            Target::of(|name| {
                let found = pairs.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let url = |pairs: &[(&str, &str)]| target(pairs).map(|target| target.url);
        assert_eq!(url(&[]), None);
        assert_eq!(url(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), None);
        let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318/");
        assert_eq!(url(&[base]).as_deref(), Some("http://localhost:4318/v1/traces"));
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://here/x");
        assert_eq!(url(&[base, own]).as_deref(), Some("http://here/x"));
        assert_eq!(url(&[base, ("OTEL_SDK_DISABLED", "true")]), None);
        let headers = target(&[base, ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a=b, x = y")]).unwrap();
        let pairs = [("api-key", "a=b"), ("x", "y")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(headers.headers, pairs);
    }

    #[test]
    fn a_parent_is_taken_only_if_it_is_whole() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(Parent::parse(good).unwrap().span, "00f067aa0ba902b7");
        for bad in [
            "",
            "00-x-y-01",
            &good[..50],
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Parent::parse(bad), None, "{bad}");
        }
    }
}
