//! Text that is no statement at all: what is wrong with it, and where to go on.

use pest::Parser as _;

use super::expr::Commas;
use super::grammar::PipeParser;
use super::heads::Head;
use super::node::Node;
use super::{Cursor, Parser, Rule, codes};
use crate::diagnostic::{Diagnostic, suggest};
use crate::source::Span;
use crate::syntax::ast::StmtKind;

/// The words that begin a statement, and the rules for what stands behind them.
const KEYWORDS: [(&str, Rule); 25] = [
    ("action", Rule::action),
    ("before", Rule::before),
    ("const", Rule::const_def),
    ("else", Rule::else_block),
    ("export", Rule::export),
    ("field", Rule::provider_field),
    ("fn", Rule::fn_def),
    ("for", Rule::for_block),
    ("if", Rule::if_block),
    ("import", Rule::import),
    ("local", Rule::local),
    ("on", Rule::on),
    ("output", Rule::output),
    ("parallel", Rule::parallel),
    ("param", Rule::param_def),
    ("pipeline", Rule::pipeline),
    ("provider", Rule::provider),
    ("pull_request", Rule::pull_request),
    ("push", Rule::push),
    ("require", Rule::require),
    ("rule", Rule::rule_use),
    ("stage", Rule::stage),
    ("trigger", Rule::trigger),
    ("type", Rule::type_def),
    ("variable", Rule::variable),
];

/// What people say who come from other languages.
const SYNONYMS: [(&str, &str); 14] = [
    ("def", "fn"),
    ("elif", "else if"),
    ("elseif", "else if"),
    ("func", "fn"),
    ("function", "fn"),
    ("include", "import"),
    ("job", "action"),
    ("let", "const"),
    ("parameter", "param"),
    ("step", "action"),
    ("task", "action"),
    ("use", "import"),
    ("var", "variable"),
    ("workflow", "pipeline"),
];

pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|&(keyword, _)| keyword == word)
}

/// Does the word begin something that stands at the top of a file and nowhere else?
pub(super) fn is_item_keyword(word: &str) -> bool {
    matches!(
        word,
        "import" | "param" | "const" | "type" | "fn" | "provider" | "pipeline"
    )
}

impl<'t> Parser<'t> {
    /// Reads what stands at `at` and is no statement, and gives the place behind it.
    pub(super) fn recover(&mut self, at: usize) -> usize {
        let before = self.text_end_before(at);
        let follows_on = before > 0
            && !self.text[before..at].contains('\n')
            && !self.text[..before].ends_with(['{', '}', ',', ';'])
            && before as u32 >= self.end.min(before as u32);
        let char = self.text[at..].chars().next().unwrap_or('\n');
        if char == ',' {
            self.comma(self.here(at, at + 1));
            return at + 1;
        }
        if let Some(end) = self.foreign(char, at, before) {
            return end;
        }
        if follows_on && self.unseparated.is_some() {
            return self.rest_of_statement(at, before);
        }
        self.unseparated = None;
        let word = self.word_at(at);
        if !word.is_empty()
            && let Some(end) = self.mistaken_statement(at, word)
        {
            return end;
        }
        if let Some(end) = self.mistaken_field(at) {
            return end;
        }
        let behind_word = at + word.len();
        let behind_word = behind_word + self.text[behind_word..].len()
            - self.text[behind_word..].trim_start_matches([' ', '\t']).len();
        if let Some(char) = self.text[behind_word..].chars().next().filter(|_| !word.is_empty())
            && let Some(end) = self.foreign(char, behind_word, before)
        {
            return end;
        }
        let junk = self.junk_end(at);
        if word.is_empty() {
            self.report_junk(at, junk.end);
        } else {
            self.report_unknown(at, word, None);
        }
        self.after_junk(at, junk.end, junk.opens)
    }

    /// Something behind a statement, on its line, that does not belong to it.
    fn rest_of_statement(&mut self, at: usize, before: usize) -> usize {
        let junk = self.junk_end(at);
        // What is missing at this very place, or which bracket is still open, has been said.
        let is_explained = self.quiet_until > at
            || self.missing_at.is_some_and(|missing| missing.start as usize == before)
            || self.found.last().is_some_and(|last| {
                let expected = last.others.first();
                expected.is_some_and(|label| label.span.is_empty() && label.span.start as usize == before)
            });
        if !is_explained {
            self.report_junk(at, junk.end);
        }
        self.after_junk(at, junk.end, junk.opens)
    }

    /// Goes on behind text that was reported, where a block may begin.
    fn after_junk(&mut self, at: usize, end: usize, opens: Option<usize>) -> usize {
        self.takes_comma = true;
        self.unseparated = None;
        self.quiet_until = self.quiet_until.max(end);
        if let Some(brace) = opens {
            let open = self.here(brace, brace + 1);
            self.end = open.end;
            let head = Head {
                node: Node::Unknown,
                open: Some(open),
            };
            self.take_statement(head, None, at as u32);
            return brace + 1;
        }
        // A closing bracket without an opening one is passed over, or nothing would be.
        let end = if end == at { self.char_end(at) } else { end };
        self.end = self.end.max(end as u32);
        end
    }

    fn char_end(&self, at: usize) -> usize {
        at + self.text[at..].chars().next().map_or(1, char::len_utf8)
    }

    /// A character that the language does not use outside strings and comments.
    fn foreign(&mut self, char: char, at: usize, before: usize) -> Option<usize> {
        let help = foreign_help(char)?;
        let end = at + char.len_utf8();
        self.forget_missing_at(before);
        if self.quiet_until <= at {
            let span = self.here(at, end);
            let mut diagnostic = Diagnostic::new(
                &codes::UNEXPECTED_CHARACTER,
                span,
                format!("the character `{char}` means nothing here"),
            )
            .with_help(help);
            if char == ';'
                && self.text[end..]
                    .trim_start_matches([' ', '\t', '\r'])
                    .starts_with(['\n', '}', '/'])
            {
                diagnostic = diagnostic.with_fix(span, "");
            }
            self.emit(diagnostic);
        }
        self.unseparated = None;
        if char == ';' {
            self.end = self.end.max(end as u32);
            return Some(end);
        }
        let junk = if char == '#' { None } else { Some(self.junk_end(end)) };
        Some(match junk {
            Some(junk) => self.after_junk(at, junk.end.max(end), junk.opens),
            None => {
                let line_end = self.line_end(end);
                self.after_junk(at, line_end, None)
            }
        })
    }

    /// Takes back that something is missing where it turns out that something wrong stands there.
    fn forget_missing_at(&mut self, before: usize) {
        let same_place = |span: Span| span.is_empty() && span.start as usize == before;
        while let Some(last) = self.found.last() {
            let is_bracket =
                last.code.name == codes::UNCLOSED_BRACKET.name || last.code.name == codes::UNCLOSED_BRACE.name;
            let expected_here = is_bracket && last.others.first().is_some_and(|label| same_place(label.span));
            if !(expected_here || same_place(last.primary.span)) {
                return;
            }
            self.found.pop();
        }
    }

    /// `stgae build {`: a statement whose keyword is misspelled, or lacks the space behind it.
    fn mistaken_statement(&mut self, at: usize, word: &'t str) -> Option<usize> {
        let synonym = SYNONYMS
            .iter()
            .find(|&&(other, _)| other == word)
            .map(|&(_, keyword)| keyword);
        let keyword = match KEYWORDS.iter().find(|&&(keyword, _)| keyword == word) {
            Some(&(keyword, _)) => keyword,
            None => synonym.or_else(|| suggest::nearest(word, KEYWORDS.map(|(keyword, _)| keyword)))?,
        };
        let rule = KEYWORDS
            .iter()
            .find(|&&(name, _)| name == keyword)
            .map(|&(_, rule)| rule);
        let is_exact = keyword == word;
        let word_end = at + word.len();
        let rest = &self.text[word_end..];
        let behind = word_end + (rest.len() - rest.trim_start().len());
        if is_exact && rest.trim_start_matches([' ', '\t']).starts_with(':') {
            return None;
        }
        let tail = rule.and_then(|rule| PipeParser::parse(rule, &self.text[behind..]).ok()?.next());
        let tail = tail.filter(|tail| {
            let is_whole = !tail.clone().into_inner().any(|pair| is_mark(pair.as_rule()));
            is_exact || is_whole && tail.as_span().end() > 0
        });
        let Some(tail) = tail else {
            // Not that statement; but a block behind the line is read all the same.
            if self.looks_like_field(word_end) {
                return None;
            }
            let junk = self.junk_end(at);
            self.report_unknown(at, word, Some(keyword));
            return Some(self.after_junk(at, junk.end, junk.opens));
        };
        if !is_exact {
            let span = self.here(at, word_end);
            let diagnostic = Diagnostic::new(
                &codes::UNKNOWN_STATEMENT,
                span,
                format!("no statement begins with `{word}`"),
            )
            .with_help(format!("did you mean `{keyword}`?"))
            .with_fix(span, keyword);
            self.emit(diagnostic);
        }
        let doc = self.doc(at);
        self.end = word_end as u32;
        self.base = behind;
        self.nesting = 0;
        let stop = behind + tail.as_span().end();
        let rule = tail.as_rule();
        self.comments_at_token = self.comments.len();
        let head = self.head(rule, &mut Cursor::new(tail.into_inner()));
        self.take_statement(head, doc, at as u32);
        Some(match self.resume.take() {
            Some(resume) => self.forget_behind(resume, stop),
            None => stop.max(word_end),
        })
    }

    /// Does what stands behind a word make it a field whose equals sign is missing or wrong?
    fn looks_like_field(&self, behind_word: usize) -> bool {
        let rest = self.text[behind_word..].trim_start_matches([' ', '\t']);
        rest.starts_with([':', '"', '[', '=']) || rest.starts_with(|char: char| char.is_ascii_digit())
    }

    /// `name: value`, `name value`
    fn mistaken_field(&mut self, at: usize) -> Option<usize> {
        // An error of pest's own would look through the whole text for its line.
        let pair = PipeParser::parse(Rule::maybe_mistaken_field, &self.text[at..])
            .ok()?
            .next()?;
        let doc = self.doc(at);
        let stop = at + pair.as_span().end();
        self.base = at;
        self.nesting = 0;
        let mut cursor = Cursor::new(pair.into_inner());
        let (name, _) = self.key(&mut cursor);
        let value = self.field_value(&mut cursor, &name);
        self.finish(&mut cursor);
        self.take_statement(StmtKind::Field { name, value }.into(), doc, at as u32);
        Some(match self.resume.take() {
            Some(resume) => self.forget_behind(resume, stop),
            None => stop,
        })
    }

    fn report_unknown(&mut self, at: usize, word: &str, near: Option<&str>) {
        if self.quiet_until > at {
            return;
        }
        let span = self.here(at, at + word.len());
        let near = near.or_else(|| suggest::nearest(word, KEYWORDS.map(|(keyword, _)| keyword)));
        // `foo` is one letter from `for`, and means nothing of the kind.
        let near = near.filter(|_| word.len() > 3);
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.frames.is_empty() => {
                "begin with `pipeline`, `import`, `param`, `const`, `type`, `fn`, `stage`, `action` or `provider`"
                    .to_owned()
            }
            None => format!("write a field as `{word} = value`, or begin with a keyword like `action` or `output`"),
        };
        self.report(
            &codes::UNKNOWN_STATEMENT,
            span,
            format!("no statement begins with `{word}`"),
        )
        .help = Some(help);
    }

    /// Text that is nothing, inside brackets or between statements.
    pub(super) fn report_junk(&mut self, start: usize, end: usize) {
        let end = self.text_end_before(end).max(self.char_end(start).min(self.text.len()));
        let text = &self.text[start..end];
        let char = text.chars().next().unwrap_or(' ');
        if self.quiet_until > start {
            return;
        }
        if let Some(help) = foreign_help(char) {
            let span = self.here(start, start + char.len_utf8());
            let message = format!("the character `{char}` means nothing here");
            self.report(&codes::UNEXPECTED_CHARACTER, span, message).help = Some(help.to_owned());
            return;
        }
        let span = self.here(start, end);
        let short: String = text.chars().take_while(|&char| char != '\n').take(40).collect();
        let message = match char {
            ')' | ']' => format!("this `{char}` closes nothing"),
            _ if short.len() < text.len() => "this text means nothing here".to_owned(),
            _ => format!("`{short}` means nothing here"),
        };
        let help = match char {
            ')' | ']' => "remove it, or write the bracket that it should close",
            '"' => "remove it, or write an operator or a comma before it",
            _ => "remove it",
        };
        self.report(&codes::UNEXPECTED_TEXT, span, message).help = Some(help.to_owned());
    }

    pub(super) fn report_missing_comma(&mut self, next: usize, commas: Commas) {
        let at = self.text_end_before(next);
        if self.quiet_until > at {
            return;
        }
        let span = self.here(at, at);
        let help = match commas {
            Commas::Always => "write `,` between them",
            Commas::OrLines => "write `,` between them, or put each on a line of its own",
        };
        let diagnostic = Diagnostic::new(&codes::MISSING_COMMA, span, "a comma is missing here")
            .with_help(help)
            .with_fix(span, ",");
        self.emit(diagnostic);
    }

    /// A statement whose brace is missing: what stands between it and the brace at the end of its line, or the block that
    /// follows without one.
    pub(super) fn block_follows(&mut self) -> Option<Span> {
        let at = self.end as usize;
        let junk = self.junk_end_or(at, |_, _| true);
        let between = &self.text[at..junk.end];
        let line = between.trim_start_matches([' ', '\t']);
        if let Some(brace) = junk.opens.filter(|_| !line.is_empty() && !line.contains('\n')) {
            let missing = self
                .found
                .last()
                .is_some_and(|last| last.code.name == codes::MISSING_BLOCK.name);
            if missing {
                // It is not missing: something else stands before it.
                self.found.pop();
                let start = junk.end - line.len();
                if line.starts_with('=') {
                    let sign = self.here(start, start + 1);
                    self.report(&codes::UNEXPECTED_TEXT, sign, "`=` does not compare").help =
                        Some("write `==`".to_owned());
                    self.add_fix(sign, "==");
                } else {
                    self.report_junk(start, junk.end);
                }
            }
            self.quiet_until = self.quiet_until.max(brace);
            self.resume = Some(brace + 1);
            self.end = brace as u32 + 1;
            return Some(self.here(brace, brace + 1));
        }
        let rest = &self.text[at..];
        let next = at + (rest.len() - rest.trim_start().len());
        let is_deeper = self.text[at..next].contains('\n') && self.line_indentation(next) > self.line_indentation(at);
        is_deeper.then(|| self.here(at, at))
    }
}

/// Does this rule say that something is missing?
fn is_mark(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::no_value
            | Rule::no_type
            | Rule::no_name
            | Rule::no_path
            | Rule::no_equals
            | Rule::no_colon
            | Rule::no_arrow
            | Rule::no_in
            | Rule::no_as
            | Rule::no_then
            | Rule::no_else
            | Rule::no_params
            | Rule::no_open
    )
}

/// What to do about a character that stands for nothing in the language; `None` for all that do.
fn foreign_help(char: char) -> Option<&'static str> {
    Some(match char {
        '\'' | '`' => "write strings in double quotes",
        '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}' => "write strings in straight double quotes, `\"`",
        ';' => "remove it: a statement ends with its line, or with a comma",
        '#' => "write comments as `// …`",
        '+' => "join texts as `\"${a}${b}\"`, lists as `[...a, ...b]`",
        '-' | '*' | '%' => "remove it: there is no arithmetic in this language",
        '&' => "write `&&`",
        '|' => "write `||`",
        '@' | '$' | '^' | '~' | '\\' => "remove it",
        '\u{a0}' | '\u{2000}'..='\u{200f}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}' => {
            "replace this invisible character by a plain space"
        }
        char if char.is_alphabetic() && !char.is_ascii() => "write names with the letters a to z, digits, `_` and `-`",
        char if !char.is_ascii() => "remove it, or put it in a string",
        _ => return None,
    })
}
