//! The messages of OTLP (`opentelemetry/proto/collector/trace/v1`), as far as they are needed.

use jiff::Timestamp;
use serde::Serialize;

/// In OTLP's JSON 64-bit numbers are text.
pub(super) fn nanoseconds(time: Timestamp) -> String {
    time.as_nanosecond().to_string()
}

pub(super) const INTERNAL: u8 = 1;
pub(super) const SERVER: u8 = 2;

/// All that one request says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Export {
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
pub(super) struct Span {
    pub trace_id: String,
    pub span_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<String>,
    pub name: String,
    pub kind: u8,
    pub start_time_unix_nano: String,
    pub end_time_unix_nano: String,
    pub attributes: Vec<Attribute>,
    pub status: SpanStatus,
}

#[derive(Debug, Serialize)]
pub(super) struct SpanStatus {
    code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl SpanStatus {
    /// An error, or nothing said.
    pub(super) fn of(is_error: bool, message: Option<String>) -> Self {
        let code = if is_error { 2 } else { 0 };
        Self { code, message }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Attribute {
    key: &'static str,
    value: Value,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Value {
    StringValue(String),
    IntValue(String),
}

pub(super) fn text(key: &'static str, value: &str) -> Attribute {
    let value = Value::StringValue(value.to_owned());
    Attribute { key, value }
}

pub(super) fn number(key: &'static str, value: u64) -> Attribute {
    let value = Value::IntValue(value.to_string());
    Attribute { key, value }
}

impl Export {
    pub(super) fn new(service: &str, pipeline: &str, run: &str, spans: Vec<Span>) -> Self {
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
