//! What should have stood somewhere, in words: each mark of the grammar has its code, its message and its help.

use super::{Cursor, Parser, Rule, codes};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::Ident;

struct Words {
    code: &'static Code,
    message: &'static str,
    help: &'static str,
}

/// The words for a mark; `None` for what is not one.
fn words(rule: Rule) -> Option<Words> {
    let (code, message, help) = match rule {
        Rule::no_value => (&codes::MISSING_VALUE, "a value is missing here", "write the value"),
        Rule::no_type => (
            &codes::MISSING_TYPE,
            "a type is missing here",
            "write the type, for example `string` or `list<string>`",
        ),
        Rule::no_name => (
            &codes::MISSING_NAME,
            "a name is missing here",
            "write the name: a letter or `_`, then letters, digits, `_` and `-`",
        ),
        Rule::no_path => (
            &codes::MISSING_VALUE,
            "what to use is missing here",
            "write its name, for example `build.codebuild`",
        ),
        Rule::no_equals => (&codes::MISSING_EQUALS, "`=` is missing here", "write `=`"),
        Rule::no_colon => (&codes::MISSING_COLON, "`:` is missing here", "write `:`"),
        Rule::no_arrow => (
            &codes::MISSING_TYPE,
            "the type of the result is missing here",
            "write `->` and the type, for example `-> string`",
        ),
        Rule::no_in => (
            &codes::MISSING_KEYWORD,
            "`in` is missing here",
            "write `in` and what to go through",
        ),
        Rule::no_as => (
            &codes::MISSING_KEYWORD,
            "`as` and a name are missing here",
            "write `as` and the name by which this file calls it",
        ),
        Rule::no_then => (
            &codes::MISSING_KEYWORD,
            "`then` is missing here",
            "write the choice between two values as `if … then … else …`",
        ),
        Rule::no_else => (
            &codes::MISSING_KEYWORD,
            "`else` is missing here",
            "write `else` and what holds otherwise",
        ),
        Rule::no_params => (
            &codes::MISSING_PARAMETERS,
            "the parameters are missing here",
            "write them in parentheses, `()` if there are none",
        ),
        Rule::no_open => (&codes::MISSING_BLOCK, "`{` is missing here", "write `{ … }`"),
        _ => return None,
    };
    Some(Words { code, message, help })
}

impl<'t> Parser<'t> {
    /// Takes a mark and says what is missing; several at one place are one mistake.
    pub(super) fn missing(&mut self, cursor: &mut Cursor<'t>) {
        let Some(words) = self.peek(cursor).and_then(words) else {
            return;
        };
        let Some(pair) = self.bump(cursor) else { return };
        let at = self.end_before_mark(self.span(&pair));
        self.end = at as u32;
        let span = self.here(at, at);
        if self.missing_at != Some(span) {
            self.report(words.code, span, words.message).help = Some(words.help.to_owned());
            match pair.as_rule() {
                Rule::no_equals => self.add_fix(span, " ="),
                Rule::no_colon => self.add_fix(span, ":"),
                _ => {}
            }
            self.missing_at = Some(span);
        }
    }

    /// Ends what a bracket has opened; `span` begins with it.
    pub(super) fn close_bracket(&mut self, cursor: &mut Cursor<'t>, span: Span, open: &str) {
        if let Some(junk) = self.bump_if(cursor, Rule::junk) {
            let junk = self.token(&junk);
            self.report_junk(junk.start as usize, junk.end as usize);
        }
        let Some(mark) = self.bump_if(cursor, Rule::no_close) else {
            self.finish(cursor);
            if self.resume.is_none() {
                self.end = span.end;
            }
            return;
        };
        let at = self.end_before_mark(self.span(&mark));
        self.end = at as u32;
        self.report_open_bracket(span.start as usize, open, at);
    }

    /// Where something is missing: behind the last token, which may be one that the grammar does not give.
    fn end_before_mark(&self, mark: Span) -> usize {
        let at = mark.start as usize;
        self.text_end_before(at).max(self.end as usize).min(at)
    }

    /// Reports a bracket that is still open at `at`; several at one place are one mistake.
    pub(super) fn report_open_bracket(&mut self, start: usize, open: &str, at: usize) {
        let opening = self.here(start, start + open.len());
        let expected = self.here(at, at);
        if let Some(last) = self.found.last_mut()
            && last.others.first().is_some_and(|label| label.span == expected)
        {
            if last.others.len() < 4 {
                *last = last.clone().with_other(opening, "this is open too");
            }
            return;
        }
        // A string without its end has swallowed the bracket too.
        if self.quiet_until >= at && self.quiet_until > start {
            return;
        }
        let (code, closing) = match open {
            "[" => (&codes::UNCLOSED_BRACKET, "]"),
            "(" => (&codes::UNCLOSED_BRACKET, ")"),
            "<" => (&codes::UNCLOSED_BRACKET, ">"),
            _ => (&codes::UNCLOSED_BRACE, "}"),
        };
        self.emit(
            Diagnostic::new(code, opening, format!("`{open}` is never closed"))
                .with_label("opened here")
                .with_other(expected, format!("`{closing}` was expected here"))
                .with_help(format!("write `{closing}`")),
        );
    }

    pub(super) fn report_negative(&mut self, text: &str, span: Span) {
        let message = format!("`{text}` is below zero");
        self.report(&codes::NEGATIVE_NUMBER, span, message).help =
            Some("write a number from 0 upwards: there are no others here".to_owned());
    }

    pub(super) fn report_stray_comma(&mut self, span: Span) {
        let diagnostic = Diagnostic::new(&codes::STRAY_COMMA, span, "nothing stands before this comma")
            .with_help("remove the comma")
            .with_fix(span, "");
        self.emit(diagnostic);
    }

    /// `name: value`, `name == value`
    pub(super) fn report_wrong_equals(&mut self, sign: &str, span: Span, key: &Ident) {
        let message = format!("`{}` is set with `{sign}`", key.text);
        let diagnostic = Diagnostic::new(&codes::MISSING_EQUALS, span, message)
            .with_help("write `=`")
            .with_fix(span, if sign == ":" { " =" } else { "=" });
        self.emit(diagnostic);
    }

    pub(super) fn report_too_deep(&mut self, span: Span) {
        self.report(
            &codes::NESTING_TOO_DEEP,
            span,
            format!("this is nested more than {} levels deep", super::MAX_NESTING),
        )
        .help =
            Some("give a part of it a name with `const`, or move it into a function or a reusable stage".to_owned());
    }
}
