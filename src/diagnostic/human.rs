//! Diagnostics drawn for people.
//!
//! ```text
//! error[unknown-name]: cannot find `imagee`
//!     ╭─[main.pipe:12:17]
//!  11 │     action smoke = test.codebuild {
//!  12 │       input = imagee
//!     ·               ───┬──
//!     ·                  ╰── no action or output has this name
//!  13 │     }
//!     ╰────
//!   help: did you mean `image`?
//! ```
//!
//! The only place that knows miette.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::{self, Display};
use std::ops::Range;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents,
};

use self::excerpt::{CONTEXT, Excerpt};
use super::{Diagnostic, Label, Severity};
use crate::source::{FileId, SourceFile, Sources};

mod excerpt;

/// How reports are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    pub color: bool,
    /// Draw with box characters; else with ASCII.
    pub unicode: bool,
    /// Columns to fill.
    pub width: usize,
}

impl Style {
    /// Without colours, 100 columns wide: for files and tests.
    pub const PLAIN: Style = Style {
        color: false,
        unicode: true,
        width: 100,
    };
}

/// What the gutter with the line numbers takes, about.
const GUTTER: usize = 10;
/// Below this, source is not cut shorter, however narrow the terminal is.
const LEAST_WIDTH: usize = 40;

/// Draws all reports, each followed by an empty line, and how many there are. No reports: an empty text.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, style: Style) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        render_one(&mut out, diagnostic, sources, style);
        out.push('\n');
    }
    if !diagnostics.is_empty() {
        out.push_str(&summary(diagnostics));
        out.push('\n');
    }
    out
}

/// `2 errors, 1 warning in 3 files`
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    let of = |severity| {
        diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == severity)
            .count()
    };
    let files: BTreeSet<FileId> = diagnostics
        .iter()
        .map(|diagnostic| diagnostic.primary.span.file)
        .collect();
    let counts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Hint]
        .into_iter()
        .map(|severity| (of(severity), severity_name(severity)))
        .filter(|&(count, _)| count > 0)
        .map(|(count, what)| counted(count, what))
        .collect();
    format!("{} in {}", counts.join(", "), counted(files.len(), "file"))
}

/// `error`, `warning`, `hint`: the word for a severity in every format.
pub fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "hint",
    }
}

/// `1 file`, `2 files`
pub fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn render_one(out: &mut String, diagnostic: &Diagnostic, sources: &Sources, style: Style) {
    let theme = theme(diagnostic, style);
    let head = draw(&theme, usize::MAX, &Head(diagnostic));
    out.push_str(head.trim_start());
    let mut snippets = snippets(diagnostic, sources).into_iter().peekable();
    while let Some((file, labels)) = snippets.next() {
        let help = diagnostic.help.as_deref().filter(|_| snippets.peek().is_none());
        let view = View::new(sources.file(file), &labels, help, style);
        let theme = GraphicalTheme {
            styles: miette::ThemeStyles {
                highlights: labels
                    .iter()
                    .map(|(_, is_primary)| match is_primary {
                        true => theme.styles.error,
                        false => theme.styles.link,
                    })
                    .collect(),
                ..theme.styles.clone()
            },
            ..theme.clone()
        };
        let drawn = draw(&theme, style.width, &view);
        // miette gives each source a message line; the report has said its message already.
        let (_, snippet) = drawn.split_once('\n').unwrap_or_default();
        push_trimmed(out, snippet);
    }
}

/// A label, and whether it is the primary one.
type Drawn<'a> = (&'a Label, bool);

/// The labels that one snippet of a file shows, by their places; the snippet with the primary label first.
fn snippets<'a>(diagnostic: &'a Diagnostic, sources: &Sources) -> Vec<(FileId, Vec<Drawn<'a>>)> {
    let mut snippets = Vec::new();
    for (file, labels) in labels_by_file(diagnostic) {
        let of_file = clusters(sources.file(file), labels);
        snippets.extend(of_file.into_iter().map(|labels| (file, labels)));
    }
    snippets.sort_by_key(|(_, labels)| !labels.iter().any(|(_, is_primary)| *is_primary));
    snippets
}

/// The labels of each file by their places, the files in the order in which the report names them.
fn labels_by_file(diagnostic: &Diagnostic) -> Vec<(FileId, Vec<Drawn<'_>>)> {
    let others = diagnostic.others.iter().map(|label| (label, false));
    let mut files: Vec<(FileId, Vec<Drawn>)> = Vec::new();
    for (label, is_primary) in std::iter::once((&diagnostic.primary, true)).chain(others) {
        match files.iter_mut().find(|(file, _)| *file == label.span.file) {
            Some((_, labels)) => labels.push((label, is_primary)),
            None => files.push((label.span.file, vec![(label, is_primary)])),
        }
    }
    for (_, labels) in &mut files {
        labels.sort_by_key(|(label, _)| label.span);
    }
    files
}

/// Puts together what is so near that the lines around it meet.
fn clusters<'a>(file: &SourceFile, labels: Vec<Drawn<'a>>) -> Vec<Vec<Drawn<'a>>> {
    let mut clusters: Vec<(usize, Vec<Drawn>)> = Vec::new();
    for drawn in labels {
        let (first, last) = excerpt::drawn_lines(file, drawn.0.span);
        match clusters.last_mut() {
            Some((end, labels)) if first <= *end + 2 * CONTEXT + 1 => {
                *end = last.max(*end);
                labels.push(drawn);
            }
            _ => clusters.push((last, vec![drawn])),
        }
    }
    clusters.into_iter().map(|(_, labels)| labels).collect()
}

/// The theme in which `error` is this severity's style and mark, and `link` that of whatever only takes part.
fn theme(diagnostic: &Diagnostic, style: Style) -> GraphicalTheme {
    let mut theme = match (style.unicode, style.color) {
        (true, true) => GraphicalTheme::unicode(),
        (true, false) => GraphicalTheme::unicode_nocolor(),
        (false, true) => GraphicalTheme::ascii(),
        (false, false) => GraphicalTheme::none(),
    };
    let styles = &mut theme.styles;
    let severity = match diagnostic.severity {
        Severity::Error => styles.error,
        Severity::Warning => styles.warning,
        Severity::Hint => styles.advice,
    };
    if style.color {
        styles.error = severity.bold();
        styles.link = styles.help;
    }
    theme.characters.error = format!("{}[{}]:", severity_name(diagnostic.severity), diagnostic.code.name);
    theme
}

fn draw(theme: &GraphicalTheme, width: usize, report: &dyn miette::Diagnostic) -> String {
    let mut out = String::new();
    GraphicalReportHandler::new_themed(theme.clone())
        .with_width(width)
        .with_wrap_lines(width != usize::MAX)
        .with_break_words(false)
        .with_context_lines(CONTEXT)
        .with_urls(false)
        .without_cause_chain()
        .without_syntax_highlighting()
        .render_report(&mut out, report)
        .expect("excerpts cover all labels, and writing to a string does not fail");
    out
}

fn push_trimmed(out: &mut String, text: &str) {
    for line in text.lines() {
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// Message text that a terminal can be trusted with.
fn harmless(text: &str, keep_lines: bool) -> Cow<'_, str> {
    let replaced = |c: char| match c {
        '\n' if keep_lines => None,
        _ => excerpt::harmless(c),
    };
    if text.chars().all(|c| replaced(c).is_none()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| replaced(c).unwrap_or(c)).collect())
}

/// The report without a place: `error[name]: message`.
#[derive(Debug)]
struct Head<'a>(&'a Diagnostic);

impl Display for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&harmless(&self.0.message, false))
    }
}

impl std::error::Error for Head<'_> {}
impl miette::Diagnostic for Head<'_> {}

/// A report's places in one file.
#[derive(Debug)]
struct View<'a> {
    file: &'a SourceFile,
    excerpt: Excerpt,
    labels: Vec<LabeledSpan>,
    /// The labels' places in the excerpt, and in the file.
    places: Vec<(Range<usize>, u32)>,
    help: Option<&'a str>,
}

impl<'a> View<'a> {
    fn new(file: &'a SourceFile, labels: &[Drawn], help: Option<&'a str>, style: Style) -> Self {
        let spans: Vec<_> = labels.iter().map(|(label, _)| label.span).collect();
        let width = style.width.saturating_sub(GUTTER).max(LEAST_WIDTH);
        let (excerpt, ranges) = Excerpt::new(file, &spans, width);
        let drawn = labels.iter().zip(&ranges).map(|((label, is_primary), range)| {
            let text = (!label.message.is_empty()).then(|| harmless(&label.message, false).into_owned());
            match is_primary {
                true => LabeledSpan::new_primary_with_span(text, range.clone()),
                false => LabeledSpan::new_with_span(text, range.clone()),
            }
        });
        Self {
            file,
            labels: drawn.collect(),
            places: ranges.into_iter().zip(spans.iter().map(|span| span.start)).collect(),
            excerpt,
            help,
        }
    }

    /// Where a label stands in the file: what the snippet's first line says.
    fn position(&self, span: &SourceSpan) -> (usize, usize) {
        let (first, _) = self.excerpt.touched(span.offset(), span.offset());
        let of_label = self.places.iter().find(|(range, _)| range.start == span.offset());
        let column = of_label.map_or(1, |(_, start)| self.file.line_column(*start).column as usize);
        (self.excerpt.lines[first].number, column - 1)
    }
}

impl Display for View<'_> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl std::error::Error for View<'_> {}

impl miette::Diagnostic for View<'_> {
    fn help<'b>(&'b self) -> Option<Box<dyn Display + 'b>> {
        self.help
            .map(|help| Box::new(harmless(help, true)) as Box<dyn Display + 'b>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

impl SourceCode for View<'_> {
    fn read_span<'b>(
        &'b self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'b> + 'b>, MietteError> {
        let lines = &self.excerpt.lines;
        let (mut first, mut last) = self.excerpt.touched(span.offset(), span.offset() + span.len());
        let follows = |index: usize| index < lines.len() && lines[index - 1].number + 1 == lines[index].number;
        for _ in 0..before {
            first -= usize::from(first > 0 && follows(first));
        }
        for _ in 0..after {
            last += usize::from(follows(last + 1));
        }
        // Without context it is asked for the position alone.
        let (line, column) = match (before, after) {
            (0, 0) => self.position(span),
            _ => (lines[first].number, 0),
        };
        let range = lines[first].range.start..lines[last].range.end;
        Ok(Box::new(MietteSpanContents::new_named(
            self.file.name.clone(),
            self.excerpt.text[range.clone()].as_bytes(),
            range.into(),
            line,
            column,
            last - first + 1,
        )))
    }
}

#[cfg(test)]
mod tests;
