//! Text to AST, whatever the text: it never fails and never panics.
//!
//! [`parse`] reads the file a run of statements at a time (see `grammar/pipe.pest`) and keeps the open blocks on a stack of
//! its own. Where a run ends at something that is no statement, `recover` says what is wrong with it and where to go on.
//!
//! | file | reads |
//! | --- | --- |
//! | `blocks` | statements and braces into blocks and items |
//! | `heads` | each kind of statement |
//! | `expr`, `types`, `string`, `number` | what stands in them |
//! | `missing` | what should have stood there, in words |
//! | `recover` | what is no statement at all |
//! | `scan` | text, without a grammar, to find where to go on |

mod blocks;
mod cursor;
mod expr;
mod heads;
mod missing;
mod node;
mod number;
mod recover;
mod scan;
mod string;
mod types;

use pest::Parser as _;

use self::blocks::Frame;
use self::cursor::Cursor;
use super::{ast, codes};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{FileId, Span};

/// How deep blocks and brackets may nest, together; and how deep operators may pile up besides.
pub const MAX_NESTING: usize = 128;

/// The grammar and what pest makes of it.
mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "grammar/pipe.pest"]
    pub(super) struct PipeParser;
}

use grammar::{PipeParser, Rule};

/// After so many reports the rest of a file is not read.
const MAX_REPORTS: usize = 1000;

/// Parses `text` and reports what is wrong with it; what was understood is in the result.
pub fn parse(text: &str, file: FileId, diags: &mut Diagnostics) -> ast::File {
    let clean = without_control_characters(text, file, diags);
    let text = clean.as_deref().unwrap_or(text);
    let mut parser = Parser::new(text, file, Braces::AsWritten);
    parser.read_file();
    if parser.lacks_braces {
        // A brace is missing or one too many. Where, indentation may know better than the end of the file; if it is
        // wrong too, it leads to more reports, not to fewer.
        let mut by_indentation = Parser::new(text, file, Braces::ByIndentation);
        by_indentation.read_file();
        if by_indentation.found.len() <= parser.found.len() {
            parser = by_indentation;
        }
    }
    for diagnostic in parser.found {
        diags.emit(diagnostic);
    }
    ast::File {
        items: parser.items,
        comments: parser.comments,
    }
}

/// Reports each control character, and gives the text with blanks in their place; none if there are none.
fn without_control_characters(text: &str, file: FileId, diags: &mut Diagnostics) -> Option<String> {
    let is_control = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r') || byte == 0x7f;
    // The whole text at once first, which compiles to a few vector instructions a line.
    if !text.bytes().fold(false, |found, byte| found | is_control(byte)) {
        return None;
    }
    let mut behind = usize::MAX;
    let mut reports = 0;
    let clean = text.char_indices().map(|(at, char)| {
        if !char.is_ascii() || !is_control(char as u8) {
            return char;
        }
        if at != behind && reports < MAX_REPORTS {
            reports += 1;
            let span = Span::new(file, at, at + 1);
            let code = char as u32;
            diags.emit(
                Diagnostic::new(
                    &codes::UNEXPECTED_CHARACTER,
                    span,
                    format!("the control character U+{code:04X} cannot stand in a file"),
                )
                .with_help(format!("remove it; in a string write it as `\\u{{{code:X}}}`")),
            );
        }
        behind = at + 1;
        ' '
    });
    Some(clean.collect())
}

/// How it is decided which brace closes which block.
#[derive(Clone, Copy, PartialEq)]
enum Braces {
    AsWritten,
    /// A line that is indented no deeper than the statement that opened a block is not inside that block.
    ByIndentation,
}

struct Parser<'t> {
    text: &'t str,
    file: FileId,
    braces: Braces,
    found: Vec<Diagnostic>,
    /// Offset in `text` of the slice that pest has seen.
    base: usize,
    /// End of the last token read.
    end: u32,
    comments: Vec<ast::Comment>,
    /// How many comments there were when the last token was read.
    comments_at_token: usize,
    items: Vec<ast::Item>,
    /// The open blocks, outermost first.
    frames: Vec<Frame>,
    /// How many blocks are open besides, which are nested too deeply to be kept.
    dropped_frames: usize,
    /// How many brackets are open in the statement at hand.
    nesting: usize,
    /// The height of the expression or type built last.
    height: usize,
    /// Where something was last reported missing.
    missing_at: Option<Span>,
    /// Up to here, reports that only follow from an earlier one are held back.
    quiet_until: usize,
    /// The end of the last statement, if nothing has separated it from the next yet.
    unseparated: Option<usize>,
    /// A comma may stand here.
    takes_comma: bool,
    /// A brace closed nothing, or nothing closed a brace.
    lacks_braces: bool,
    /// What is never ended has swallowed the rest of the file.
    swallowed_rest: bool,
    /// What pest took for part of a statement is not: the next run begins here.
    resume: Option<usize>,
    /// How many more bytes may be read again because of that.
    resume_budget: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, file: FileId, braces: Braces) -> Self {
        Self {
            text,
            file,
            braces,
            found: Vec::new(),
            base: 0,
            end: 0,
            comments: Vec::new(),
            comments_at_token: 0,
            items: Vec::new(),
            frames: Vec::new(),
            dropped_frames: 0,
            nesting: 0,
            height: 0,
            missing_at: None,
            quiet_until: 0,
            unseparated: None,
            takes_comma: false,
            lacks_braces: false,
            swallowed_rest: false,
            resume: None,
            resume_budget: 2 * text.len() + 65_536,
        }
    }

    fn read_file(&mut self) {
        let mut rule = Rule::run;
        while self.base < self.text.len() {
            if self.found.len() > MAX_REPORTS {
                self.give_up();
                return;
            }
            let text = self.text;
            let Ok(mut pairs) = PipeParser::parse(rule, &text[self.base..]) else {
                // Nested so deeply that pest gave up before its stack ended: take the statements before one by one.
                if rule == Rule::run {
                    rule = Rule::step;
                } else {
                    rule = Rule::run;
                    self.base = self.skip_deep(self.base);
                }
                continue;
            };
            let Some(run) = pairs.next() else { break };
            let stop = self.base + run.as_span().end();
            let progressed = self.read_run(&mut Cursor::new(run.into_inner()));
            self.base = match self.resume.take() {
                Some(resume) => self.forget_behind(resume, stop),
                None if progressed || stop == text.len() => stop,
                None => self.recover(stop),
            };
        }
        self.close_all();
    }

    /// Takes back what was read behind `resume`, where reading goes on.
    fn forget_behind(&mut self, resume: usize, stop: usize) -> usize {
        let again = stop.saturating_sub(resume);
        if again > self.resume_budget {
            return stop;
        }
        self.resume_budget -= again;
        let kept = self
            .comments
            .partition_point(|comment| (comment.span.start as usize) < resume);
        self.comments.truncate(kept);
        self.comments_at_token = self.comments_at_token.min(kept);
        self.found
            .retain(|diagnostic| diagnostic.primary.span.start as usize <= resume);
        self.end = self.end.min(resume as u32);
        resume
    }

    fn give_up(&mut self) {
        self.found.truncate(MAX_REPORTS);
        let at = self.here(self.base, self.base);
        self.report(
            &codes::UNEXPECTED_TEXT,
            at,
            "the rest of this file is not read: it has too many syntax errors",
        )
        .help = Some("mend what stands above first".to_owned());
        self.frames.clear();
    }

    fn here(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    /// Adds a repair to the last report.
    fn add_fix(&mut self, span: Span, text: &str) {
        if let Some(last) = self.found.last_mut() {
            *last = last.clone().with_fix(span, text);
        }
    }

    fn report(&mut self, code: &'static Code, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.emit(Diagnostic::new(code, span, message))
    }

    fn emit(&mut self, diagnostic: Diagnostic) -> &mut Diagnostic {
        if self.found.len() > MAX_REPORTS {
            // Enough to give up with; what is more is not worth its memory.
            self.found.pop();
        }
        self.found.push(diagnostic);
        self.found.last_mut().expect("one was just pushed")
    }
}
