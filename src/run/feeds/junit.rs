//! JUnit's XML, which CI systems show: a suite a stage, a case an action. There is no standard; the elements are those that
//! Maven Surefire writes, with its names for what failed and was tried again.

use std::io;
use std::path::{Path, PathBuf};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event as Xml};

use super::Feed;
use crate::run::event::{Event, Record};
use crate::run::outcome::{Failure, Status};
use crate::run::planned::How;
use crate::run::record::{ActionRecord, Attempt, AttemptEnd, ConditionRecord, RunRecord, Runs, StageRecord, State};
use crate::run::view::report::verdict;

/// Writes the report whenever a run ends, and at the end of all.
pub struct Junit {
    path: PathBuf,
    runs: Runs,
    is_written: bool,
}

impl Junit {
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            runs: Runs::default(),
            is_written: false,
        }
    }

    fn write(&mut self) -> Option<String> {
        self.is_written = true;
        let runs: Vec<&RunRecord> = self.runs.iter().collect();
        let result = report(&runs).and_then(|xml| replace(&self.path, &xml));
        let error = result.err()?;
        Some(format!(
            "note: the JUnit report {} could not be written: {error}",
            self.path.display()
        ))
    }
}

/// In one step: whoever reads it finds it whole.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)?;
    io::Write::write_all(&mut file, bytes)?;
    file.persist(path)?;
    Ok(())
}

impl Feed for Junit {
    fn restore(&mut self, execution: &str, records: &[Record]) {
        self.runs.restore(execution, records);
    }

    fn record(&mut self, execution: &str, record: &Record) -> Option<String> {
        self.runs.apply(execution, record);
        self.is_written = false;
        matches!(record.event, Event::RunFinished { .. }).then(|| self.write())?
    }

    fn finish(&mut self) -> Option<String> {
        if self.is_written { None } else { self.write() }
    }
}

/// The report of these runs.
pub fn report(runs: &[&RunRecord]) -> io::Result<Vec<u8>> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Xml::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let name = runs.first().map_or("", |run| run.pipeline.as_str());
    let suites = xml
        .create_element("testsuites")
        .with_attribute(("name", legal(name).as_str()));
    suites.write_inner_content(|xml| {
        for run in runs {
            for stage in run.part() {
                suite(xml, run, stage, runs.len() > 1)?;
            }
        }
        Ok(())
    })?;
    let mut bytes = xml.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

fn suite(xml: &mut Writer<Vec<u8>>, run: &RunRecord, stage: &StageRecord, several: bool) -> io::Result<()> {
    let conditions: Vec<&ConditionRecord> = stage.failed_conditions().collect();
    let counts = stage.counts();
    let name = if several {
        format!("{} (run {})", stage.name, run.short_id())
    } else {
        stage.name.clone()
    };
    let duration = stage.end.map_or(0, |end| end.duration_ms);
    let mut element = xml.create_element("testsuite").with_attributes([
        ("name", legal(&name).as_str()),
        ("tests", (counts.all + conditions.len()).to_string().as_str()),
        ("failures", (counts.failed + conditions.len()).to_string().as_str()),
        ("errors", counts.ended.to_string().as_str()),
        (
            "skipped",
            (counts.skipped + counts.waiting + counts.running).to_string().as_str(),
        ),
        ("time", seconds(duration).as_str()),
    ]);
    if let Some(begun) = stage.started {
        element = element.with_attribute(("timestamp", begun.strftime("%Y-%m-%dT%H:%M:%S").to_string().as_str()));
    }
    element.write_inner_content(|xml| {
        for action in &stage.actions {
            case(xml, run, stage, action)?;
        }
        conditions
            .iter()
            .try_for_each(|condition| condition_case(xml, run, stage, condition))
    })?;
    Ok(())
}

fn case(xml: &mut Writer<Vec<u8>>, run: &RunRecord, stage: &StageRecord, action: &ActionRecord) -> io::Result<()> {
    let duration = action.last().map_or(0, |(_, end)| end.duration_ms);
    let element = xml.create_element("testcase").with_attributes([
        ("name", legal(&action.name).as_str()),
        ("classname", legal(&format!("{}.{}", run.pipeline, stage.name)).as_str()),
        ("time", seconds(duration).as_str()),
    ]);
    let state = stage.state(action);
    element.write_inner_content(|xml| {
        let earlier = action.tries().count().saturating_sub(1);
        match (state, action.last()) {
            (State::Failed, Some((_, end))) => failure(xml, "failure", end)?,
            (State::Ended, Some((_, end))) => failure(xml, "error", end)?,
            (State::Running, _) => skipped(xml, "it has not ended")?,
            (State::Waiting, _) => skipped(xml, "not started")?,
            (State::Skipped, _) => skipped(xml, "the stage was skipped")?,
            (State::Failed | State::Ended | State::Succeeded, _) => {}
        }
        let again = if state == State::Succeeded {
            "flakyFailure"
        } else {
            "rerunFailure"
        };
        let earlier = action.tries().take(earlier);
        for end in earlier.filter_map(Attempt::end) {
            if end.status != Status::Succeeded {
                failure(xml, again, end)?;
            }
        }
        match action.last() {
            Some((_, end)) if state == State::Succeeded => printed(xml, action, end),
            _ => Ok(()),
        }
    })?;
    Ok(())
}

/// What a reader of a green case should know.
fn printed(xml: &mut Writer<Vec<u8>>, action: &ActionRecord, end: &AttemptEnd) -> io::Result<()> {
    let mut lines = end.notes.clone();
    if action.how != How::CarriedOut {
        lines.insert(0, verdict(end.status, action.how).to_owned());
    }
    if !lines.is_empty() {
        let text = legal(&lines.join("\n"));
        xml.create_element("system-out")
            .write_text_content(BytesText::new(&text))?;
    }
    Ok(())
}

fn failure(xml: &mut Writer<Vec<u8>>, element: &str, end: &AttemptEnd) -> io::Result<()> {
    let unknown = Failure::new("it did not succeed");
    let failure = end.failure.as_ref().unwrap_or(&unknown);
    let mut lines: Vec<&str> = Vec::new();
    lines.extend(failure.command.as_deref());
    lines.extend(failure.tail.iter().map(String::as_str));
    lines.extend(failure.help.as_deref());
    let text = legal(&lines.join("\n"));
    xml.create_element(element)
        .with_attributes([
            ("message", legal(&failure.message).as_str()),
            ("type", &end.status.to_string()),
        ])
        .write_text_content(BytesText::new(&text))?;
    Ok(())
}

fn condition_case(
    xml: &mut Writer<Vec<u8>>,
    run: &RunRecord,
    stage: &StageRecord,
    condition: &ConditionRecord,
) -> io::Result<()> {
    let name = format!("condition {}", condition.position.words());
    let rules: Vec<String> = condition
        .failed_rules()
        .map(|rule| format!("rule {}: {}", rule.rule, rule.message))
        .collect();
    let element = xml.create_element("testcase").with_attributes([
        ("name", name.as_str()),
        ("classname", legal(&format!("{}.{}", run.pipeline, stage.name)).as_str()),
        ("time", "0.000"),
    ]);
    element.write_inner_content(|xml| {
        let text = legal(&rules.join("\n"));
        xml.create_element("failure")
            .with_attributes([("message", "the condition is not met"), ("type", "condition")])
            .write_text_content(BytesText::new(&text))?;
        Ok(())
    })?;
    Ok(())
}

fn skipped(xml: &mut Writer<Vec<u8>>, message: &str) -> io::Result<()> {
    let element = xml.create_element("skipped").with_attribute(("message", message));
    element.write_empty()?;
    Ok(())
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

/// Without the characters that XML cannot hold, not even escaped.
fn legal(text: &str) -> String {
    let is_legal =
        |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().filter(is_legal).collect()
}
