//! OpenTelemetry: a trace an execution, with a span for it, for each stage and for each attempt at an action, named by the
//! semantic conventions for CI/CD; by OTLP over HTTP, in its JSON encoding.
//!
//! Spans are sent when an execution has ended, from a thread of their own. An endpoint that does not answer costs a run
//! `PATIENCE` at its very end, and a note.

mod environment;
mod otlp;
mod spans;

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::Feed;
use crate::run::event::{ActionName, Event, Record};
use crate::run::record::Runs;
use crate::run::{Run, RunOptions};
use environment::{Parent, Target};
use otlp::Export;
use spans::{Ids, spans};

/// How long a run waits at its end for an endpoint.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many spans go into one request.
const BATCH: usize = 1000;

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
    runs: Runs,
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
            runs: Runs::default(),
            sent: HashSet::new(),
            under_way: Vec::new(),
        })
    }

    fn send(&mut self, execution: &str) {
        let Some(run) = self.runs.get(execution) else {
            return;
        };
        let ids = Ids {
            execution,
            parent: self.parent.as_ref(),
        };
        let mut spans = spans(run, &ids);
        spans.retain(|span| self.sent.insert(span.span_id.clone()));
        let target = self.target.clone();
        let (pipeline, run) = (run.pipeline.clone(), run.id.clone());
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
        self.runs.restore(execution, records);
    }

    fn record(&mut self, execution: &str, record: &Record) -> Option<String> {
        self.runs.apply(execution, record);
        if !matches!(record.event, Event::RunFinished { .. }) {
            return None;
        }
        self.send(execution);
        let is_last = self.runs.iter().all(|run| run.has_ended());
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
            return Err("it wants HTTPS: name a collector that takes HTTP, and sends it on".to_owned());
        }
        Err(error) => return Err(error.to_string()),
        Ok(response) => response,
    };
    match response.status_code {
        200..300 => Ok(()),
        code => Err(format!("it answered {code} {}", response.reason_phrase)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Export, Target, post};

    #[test]
    fn who_wants_https_is_told_what_to_do() {
        let target = Target {
            url: "https://localhost:1/v1/traces".to_owned(),
            headers: Vec::new(),
            service: "pipe".to_owned(),
        };
        let error = post(&target, &Export::new("pipe", "demo", "1", Vec::new())).unwrap_err();
        assert!(error.contains("name a collector that takes HTTP"), "{error}");
    }
}
