//! Each test draws a report and looks at it.

use insta::assert_snapshot;

use super::*;
use crate::diagnostic::Code;
use crate::source::Span;

static UNKNOWN: Code = Code::error("unknown-name", "a name that nothing has");
static UNUSED: Code = Code::warning("unused-output", "an output that nothing uses");

/// The sources hold one file, `main.pipe`; labels are given as the texts they cover.
struct Case {
    sources: Sources,
    file: FileId,
}

impl Case {
    fn new(text: &str) -> Self {
        let mut sources = Sources::default();
        let file = sources.add("main.pipe", None, text);
        Self { sources, file }
    }

    fn span(&self, part: &str) -> Span {
        let start = self.sources.file(self.file).text.find(part).unwrap();
        Span::new(self.file, start, start + part.len())
    }

    fn at(&self, start: usize, end: usize) -> Diagnostic {
        Diagnostic::new(&UNKNOWN, Span::new(self.file, start, end), "cannot find `it`").with_label("here")
    }

    fn render(&self, diagnostic: Diagnostic) -> String {
        render(&[diagnostic], &self.sources, Style::PLAIN)
    }
}

const SMALL: &str = "pipeline demo {\n  stage build {\n    action smoke = test.codebuild { input = imagee }\n  }\n}\n";

#[test]
fn shows_the_place_and_the_help() {
    let case = Case::new(SMALL);
    let report = Diagnostic::new(&UNKNOWN, case.span("imagee"), "cannot find `imagee`")
        .with_label("no action or output has this name")
        .with_help("did you mean `image`?");
    assert_snapshot!(case.render(report));
}

#[test]
fn shows_several_labels_in_several_files() {
    let mut case = Case::new("import \"./lib.pipe\" as lib\nstage prod = lib.release {}\n");
    let lib = case
        .sources
        .add("lib.pipe", None, "\nstage release(env: string) {\n}\n");
    let report = Diagnostic::new(&UNKNOWN, case.span("lib.release"), "`release` needs `env`")
        .with_label("used without `env`")
        .with_other(Span::new(lib, 15, 26), "declared here")
        .with_other(case.span("\"./lib.pipe\""), "imported here")
        .with_help("add `env = …`");
    let hint = Diagnostic::new(&UNUSED, Span::new(lib, 7, 14), "nothing uses `release`");
    assert_snapshot!(render(&[report, hint], &case.sources, Style::PLAIN));
}

#[test]
fn distant_labels_get_snippets_of_their_own() {
    let text: String = (1..=30).map(|line| format!("line{line:02}\n")).collect();
    let case = Case::new(&text);
    let report = Diagnostic::new(&UNKNOWN, case.span("line25"), "`a` is used before it is made")
        .with_label("used here")
        .with_other(case.span("line03"), "made here");
    assert_snapshot!(case.render(report));
}

#[test]
fn tabs_and_wide_characters_keep_their_columns() {
    let case = Case::new("\tname = \"🍰 größe 漢字\", other = x\n");
    let report = Diagnostic::new(&UNKNOWN, case.span("other"), "cannot find `other`").with_label("here");
    assert_snapshot!(case.render(report));
}

#[test]
fn carriage_returns_are_not_drawn() {
    let case = Case::new("first\r\nsecond\r\nthird\r\n");
    assert_snapshot!(case.render(case.at(7, 13)));
}

#[test]
fn the_end_of_a_file_can_be_pointed_at() {
    let case = Case::new("pipeline demo {\n");
    assert_snapshot!(case.render(case.at(16, 16)));
    let case = Case::new("pipeline demo {");
    assert_snapshot!(case.render(case.at(15, 15)));
    let case = Case::new("");
    assert_snapshot!(case.render(case.at(0, 0)));
}

#[test]
fn spans_over_lines() {
    let case = Case::new(SMALL);
    assert_snapshot!(case.render(case.at(18, 84)));
    let text = format!("pipeline demo {{\n{}}}\n", "  # no\n".repeat(100));
    let case = Case::new(&text);
    assert_snapshot!(case.render(case.at(0, text.len())));
}

#[test]
fn long_lines_are_cut_around_their_labels() {
    let text = format!(
        "{} bad {} worse {}",
        "x ".repeat(500),
        "y ".repeat(500),
        "z ".repeat(500)
    );
    let case = Case::new(&text);
    let report = Diagnostic::new(&UNKNOWN, case.span("bad"), "cannot find `bad`").with_label("here");
    assert_snapshot!(case.render(report.clone()));
    assert_snapshot!(case.render(report.with_other(case.span("worse"), "and here")));
    assert_snapshot!(case.render(case.at(10, text.len() - 10)));
}

#[test]
fn a_cut_line_fills_the_width() {
    for at in [0, 10, 60, 94] {
        let line: String = (0..95).map(|column| if column == at { '!' } else { 'x' }).collect();
        let case = Case::new(&line);
        let drawn = case.render(case.at(at, at + 1));
        let shown = drawn.lines().find(|line| line.starts_with(" 1 │ ")).unwrap();
        assert!((90..=92).contains(&(shown.chars().count() - 5)), "{drawn}");
    }
}

#[test]
fn what_a_terminal_would_obey_is_replaced() {
    let case = Case::new("name = \"\x1b[31m\u{202e}\0\" bad\n");
    let report = Diagnostic::new(&UNKNOWN, case.span("bad"), "cannot find `\x1b[2J\n`").with_label("\x07");
    assert_snapshot!(case.render(report));
}

#[test]
fn colours_and_ascii() {
    let case = Case::new(SMALL);
    let report = Diagnostic::new(&UNKNOWN, case.span("imagee"), "cannot find `imagee`")
        .with_label("here")
        .with_other(case.span("build"), "there")
        .with_help("look");
    let style = Style {
        color: true,
        ..Style::PLAIN
    };
    assert_snapshot!(render(std::slice::from_ref(&report), &case.sources, style).replace('\x1b', "ESC"));
    let style = Style {
        unicode: false,
        ..Style::PLAIN
    };
    assert_snapshot!(render(&[report], &case.sources, style));
}

#[test]
fn a_report_costs_what_it_shows() {
    let line = "  action compile = build.codebuild { input = app }\n";
    let text = line.repeat(5_000_000 / line.len());
    let case = Case::new(&text);
    case.sources.file(case.file).line_index();
    let started = std::time::Instant::now();
    for _ in 0..100 {
        let report = case.at(text.len() - 20, text.len() - 15);
        assert!(case.render(report).contains("main.pipe"));
    }
    // A walk through the text takes 20 times as long.
    assert!(started.elapsed().as_millis() < 1_000, "{:?}", started.elapsed());
}

#[test]
fn any_span_can_be_drawn() {
    let text = "\u{feff}a\r\n\n\t漢\u{301}\r\r\nlast 🍰\n\n";
    let case = Case::new(text);
    for start in 0..=text.len() {
        for end in start..=text.len() {
            let report = case
                .at(start, end)
                .with_other(Span::new(case.file, end, text.len()), "there");
            assert!(case.render(report).contains("main.pipe:"), "{start}..{end}");
        }
    }
}
