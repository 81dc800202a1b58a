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

/// Parses `text` and reports what is wrong with it; what was understood is in the result.
pub fn parse(text: &str, file: FileId, diags: &mut Diagnostics) -> ast::File {
    let mut parser = Parser::new(text, file);
    parser.read_file();
    for diagnostic in parser.found.drain(..) {
        diags.emit(diagnostic);
    }
    ast::File {
        items: parser.items,
        comments: parser.comments,
    }
}

struct Parser<'t> {
    text: &'t str,
    file: FileId,
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
    /// How many brackets are open in the statement at hand.
    nesting: usize,
    /// The height of the expression or type built last.
    height: usize,
    /// Where something was last reported missing.
    missing_at: Option<Span>,
    /// The end of the last statement, if nothing has separated it from the next yet.
    unseparated: Option<usize>,
    /// A comma may stand here.
    takes_comma: bool,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, file: FileId) -> Self {
        Self {
            text,
            file,
            found: Vec::new(),
            base: 0,
            end: 0,
            comments: Vec::new(),
            comments_at_token: 0,
            items: Vec::new(),
            frames: Vec::new(),
            nesting: 0,
            height: 0,
            missing_at: None,
            unseparated: None,
            takes_comma: false,
        }
    }

    fn read_file(&mut self) {
        while self.base < self.text.len() {
            match PipeParser::parse(Rule::run, &self.text[self.base..]) {
                Ok(mut pairs) => {
                    let Some(run) = pairs.next() else { break };
                    let stop = self.base + run.as_span().end();
                    let progressed = self.read_run(&mut Cursor::new(run.into_inner()));
                    self.base = stop;
                    if !progressed && stop < self.text.len() {
                        self.base = self.recover(stop);
                    }
                }
                // Nested so deeply that pest gave up before its stack ended.
                Err(_) => self.base = self.skip_deep(self.base),
            }
        }
        self.close_all();
    }

    fn here(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    fn report(&mut self, code: &'static Code, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.found.push(Diagnostic::new(code, span, message));
        self.found.last_mut().expect("one was just pushed")
    }
}
