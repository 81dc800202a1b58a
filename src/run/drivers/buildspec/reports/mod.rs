//! `reports`: the results of tests and the coverage that a build wrote down, summarised. What they say never decides over a
//! build: one that cannot be read is a note, as with CodeBuild.

mod coverage;
mod tests_json;
mod tests_xml;

use std::fs;
use std::path::Path;

use super::artifacts::Ground;
use super::spec::{Report, ReportFormat, Spec};

/// Larger files are not read: no report has this many bytes, and all of it would be in memory.
const LARGEST: u64 = 64 * 1024 * 1024;
/// How many names of failed tests a summary has.
const MOST_NAMES: usize = 5;

/// The results of tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Results {
    pub tests: u64,
    pub failed: Vec<String>,
    pub skipped: u64,
}

/// How much of the code the tests went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    pub lines: Part,
    pub branches: Part,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    pub covered: u64,
    pub all: u64,
}

/// What one file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Results(Results),
    Coverage(Coverage),
}

/// One test's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    Skipped,
}

impl Results {
    fn add(&mut self, name: impl FnOnce() -> String, verdict: Verdict) {
        self.tests += 1;
        match verdict {
            Verdict::Passed => {}
            Verdict::Failed => self.failed.push(name()),
            Verdict::Skipped => self.skipped += 1,
        }
    }
}

/// A line for each group of reports that the buildspec names.
pub fn summaries(spec: &Spec, ground: Ground<'_>) -> Vec<String> {
    let groups = spec.reports.iter().flatten();
    groups
        .filter_map(|(name, report)| Some((name, report.as_ref()?)))
        .flat_map(|(name, report)| {
            let lines = group(report, ground);
            // Of an ARN what is behind the last slash.
            let name = name.rsplit('/').next().unwrap_or(name);
            lines.into_iter().map(move |line| format!("report {name}: {line}"))
        })
        .collect()
}

fn group(report: &Report, ground: Ground<'_>) -> Vec<String> {
    let format = report.file_format.as_deref();
    let Some(format) = ReportFormat::from_name(format) else {
        return vec![format!(
            "not read: `{}` is no format of reports",
            format.unwrap_or_default()
        )];
    };
    let Some(patterns) = &report.files else {
        return vec!["not read: it has no `files`".to_owned()];
    };
    let files = match ground.find(report.base_directory.as_deref(), patterns) {
        Ok(files) if files.is_empty() => {
            return vec![format!("not found: nothing matches `{}`", patterns.0.join("`, `"))];
        }
        Ok(files) => files,
        Err(failure) => return vec![format!("not found: {}", failure.message)],
    };
    let mut total: Option<Content> = None;
    let mut notes = Vec::new();
    for file in files {
        match read(&file, format) {
            Ok(content) => total = Some(total.map_or(content.clone(), |total| total.with(content))),
            Err(problem) => {
                let path = file.strip_prefix(ground.source).unwrap_or(&file);
                notes.push(format!("`{}` is not read: {problem}", path.display()));
            }
        }
    }
    total.iter().map(Content::summary).chain(notes).collect()
}

fn read(file: &Path, format: ReportFormat) -> Result<Content, String> {
    let size = fs::metadata(file).map_err(|error| error.to_string())?.len();
    if size > LARGEST {
        return Err(format!("it has {size} bytes, and at most {LARGEST} are read"));
    }
    let bytes = fs::read(file).map_err(|error| error.to_string())?;
    let text = crate::source::decode(bytes).map_err(|error| error.to_string())?;
    parse(&text, format)
}

/// What a report of that format says, or why it says nothing.
pub fn parse(text: &str, format: ReportFormat) -> Result<Content, String> {
    if matches!(format, ReportFormat::CucumberJson | ReportFormat::SimpleCov) {
        let json = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        return match format {
            ReportFormat::CucumberJson => tests_json::cucumber(&json).map(Content::Results),
            _ => coverage::simplecov(&json).map(Content::Coverage),
        };
    }
    // JaCoCo's and Cobertura's files name their definition; it is not fetched.
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..roxmltree::ParsingOptions::default()
    };
    let document =
        roxmltree::Document::parse_with_options(text, options).map_err(|error| format!("it is not XML: {error}"))?;
    let root = document.root_element();
    let found = match format {
        ReportFormat::JunitXml => tests_xml::junit(root).map(Content::Results),
        ReportFormat::NunitXml => tests_xml::nunit(root).map(Content::Results),
        ReportFormat::Nunit3Xml => tests_xml::nunit3(root).map(Content::Results),
        ReportFormat::TestngXml => tests_xml::testng(root).map(Content::Results),
        ReportFormat::VisualStudioTrx => tests_xml::trx(root).map(Content::Results),
        ReportFormat::CloverXml => coverage::clover(root).map(Content::Coverage),
        ReportFormat::CoberturaXml => coverage::cobertura(root).map(Content::Coverage),
        ReportFormat::JacocoXml => coverage::jacoco(root).map(Content::Coverage),
        ReportFormat::CucumberJson | ReportFormat::SimpleCov => None,
    };
    found.ok_or_else(|| {
        let root = root.tag_name().name();
        format!("a file with the root `{root}` is not {}", format.name())
    })
}

impl Content {
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Results(mut one), Self::Results(other)) => {
                one.tests += other.tests;
                one.skipped += other.skipped;
                one.failed.extend(other.failed);
                Self::Results(one)
            }
            (Self::Coverage(one), Self::Coverage(other)) => Self::Coverage(Coverage {
                lines: one.lines.with(other.lines),
                branches: one.branches.with(other.branches),
            }),
            // One group has one format, and one format one kind of content.
            (one, _) => one,
        }
    }

    /// `12 tests, 11 passed, 1 failed: a.B.c`, or `81.3% of 120 lines covered`.
    pub fn summary(&self) -> String {
        match self {
            Self::Results(results) => results.summary(),
            Self::Coverage(coverage) => coverage.summary(),
        }
    }
}

impl Results {
    fn summary(&self) -> String {
        let failed = self.failed.len() as u64;
        let passed = self.tests.saturating_sub(failed + self.skipped);
        let mut out = format!("{} test{}, {passed} passed", self.tests, plural(self.tests));
        if self.skipped > 0 {
            out.push_str(&format!(", {} skipped", self.skipped));
        }
        if failed > 0 {
            let names = self
                .failed
                .iter()
                .take(MOST_NAMES)
                .cloned()
                .collect::<Vec<_>>()
                .join(", ");
            out.push_str(&format!(", {failed} failed: {names}"));
            if self.failed.len() > MOST_NAMES {
                out.push_str(&format!(" and {} more", self.failed.len() - MOST_NAMES));
            }
        }
        out
    }
}

impl Coverage {
    fn summary(&self) -> String {
        let parts = [("line", self.lines), ("branch", self.branches)];
        let words = parts.iter().filter(|(_, part)| part.all > 0).map(|(name, part)| {
            let ending = match (*name, part.all) {
                (_, 1) => "",
                ("branch", _) => "es",
                _ => "s",
            };
            format!("{} of {} {name}{ending} covered", part.percent(), part.all)
        });
        let words: Vec<String> = words.collect();
        if words.is_empty() {
            "nothing to cover".to_owned()
        } else {
            words.join(", ")
        }
    }
}

impl Part {
    fn with(self, other: Self) -> Self {
        Self {
            covered: self.covered + other.covered,
            all: self.all + other.all,
        }
    }

    /// Rounded down: 100% is all.
    fn percent(self) -> String {
        let thousandths = u128::from(self.covered) * 1000 / u128::from(self.all.max(1));
        format!("{}.{}%", thousandths / 10, thousandths % 10)
    }
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_have_all_that_counts() {
        let mut results = Results {
            tests: 12,
            failed: vec!["a.b".to_owned()],
            skipped: 0,
        };
        assert_eq!(results.summary(), "12 tests, 11 passed, 1 failed: a.b");
        results.failed = (1..=7).map(|number| format!("t{number}")).collect();
        results.skipped = 2;
        assert_eq!(
            results.summary(),
            "12 tests, 3 passed, 2 skipped, 7 failed: t1, t2, t3, t4, t5 and 2 more"
        );
        let part = |covered, all| Part { covered, all };
        let coverage = |lines, branches| Coverage { lines, branches }.summary();
        assert_eq!(coverage(part(1999, 2000), part(0, 0)), "99.9% of 2000 lines covered");
        assert_eq!(
            coverage(part(1, 1), part(1, 3)),
            "100.0% of 1 line covered, 33.3% of 3 branches covered"
        );
        assert_eq!(coverage(part(0, 0), part(0, 0)), "nothing to cover");
    }

    #[test]
    fn what_is_no_report_is_said_to_be_none() {
        let problem = |text: &str, format| parse(text, format).unwrap_err();
        assert!(problem("<a>", ReportFormat::JunitXml).starts_with("it is not XML"));
        assert_eq!(
            problem("<coverage/>", ReportFormat::JunitXml),
            "a file with the root `coverage` is not JUNITXML"
        );
        assert!(problem("[", ReportFormat::CucumberJson).starts_with("it is not JSON"));
        assert!(problem("3", ReportFormat::CucumberJson).contains("CUCUMBERJSON"));
        assert!(problem("[]", ReportFormat::SimpleCov).contains("SIMPLECOV"));
    }

    #[test]
    fn hostile_files_do_no_harm() {
        let deep = format!("{}{}", "<a>".repeat(50_000), "</a>".repeat(50_000));
        let _ = parse(&deep, ReportFormat::JunitXml);
        let laughs = "<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'><!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'><!ENTITY f '&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;'>]><testsuite name='&f;'/>";
        assert!(parse(laughs, ReportFormat::JunitXml).is_err());
        let json = "[".repeat(100_000);
        assert!(parse(&json, ReportFormat::CucumberJson).is_err());
    }
}
