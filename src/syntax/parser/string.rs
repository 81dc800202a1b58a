//! String literals: escapes, interpolation, and the indentation of multi-line ones.

use pest::iterators::Pair;

use super::{Cursor, Parser, Rule, codes};
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind, StrLit, StrPart};

/// One part of a string before neighbours are joined.
enum Piece<'t> {
    /// As written, at this offset.
    Raw(&'t str, usize),
    /// What an escape stands for.
    Escaped(char),
    Interpolation(Expr),
}

impl<'t> Parser<'t> {
    pub(super) fn is_string(rule: Rule) -> bool {
        matches!(
            rule,
            Rule::plain | Rule::line_string | Rule::multiline | Rule::open_string
        )
    }

    /// Any of the forms of a string literal.
    pub(super) fn string(&mut self, pair: Pair<'t, Rule>) -> Expr {
        let span = self.token(&pair);
        self.height = 1;
        let lit = match pair.as_rule() {
            Rule::plain => {
                let text = pair.as_str();
                literal(&text[1..text.len() - 1])
            }
            Rule::open_string => {
                self.report_open_string(span);
                literal(&pair.as_str()[1..])
            }
            Rule::multiline => self.multiline(pair, span),
            _ => {
                let pieces = self.pieces(pair);
                StrLit {
                    parts: join(pieces),
                    multiline: false,
                }
            }
        };
        self.end = span.end;
        Expr {
            kind: ExprKind::Str(lit),
            span,
        }
    }

    /// A string that its line does not close; what else its quote has put out of order on the line is not worth a word.
    fn report_open_string(&mut self, span: Span) {
        let line_end = self.line_end(span.end as usize);
        let follows = [
            &codes::MISSING_COMMA,
            &codes::MISSING_EQUALS,
            &codes::UNEXPECTED_TEXT,
            &codes::UNKNOWN_STATEMENT,
        ];
        while let Some(last) = self.found.last() {
            let at = last.primary.span.start as usize;
            let is_on_line = at <= span.start as usize && !self.text[at..span.start as usize].contains('\n');
            if !(is_on_line && follows.iter().any(|code| code.name == last.code.name)) {
                break;
            }
            self.found.pop();
        }
        self.quiet_until = self.quiet_until.max(line_end);
        self.report(&codes::UNTERMINATED_STRING, span, "this string has no closing quote")
            .help = Some("write `\"` where it ends; text of several lines stands in `\"\"\"`".to_owned());
    }

    fn pieces(&mut self, pair: Pair<'t, Rule>) -> Vec<Piece<'t>> {
        let mut cursor = Cursor::new(pair.into_inner());
        let mut pieces = Vec::new();
        let mut height = 0;
        while let Some(pair) = self.bump(&mut cursor) {
            let span = self.span(&pair);
            match pair.as_rule() {
                Rule::text | Rule::multiline_text => pieces.push(Piece::Raw(pair.as_str(), span.start as usize)),
                Rule::escape => pieces.extend(self.escape(pair.as_str(), span).map(Piece::Escaped)),
                Rule::interpolation => {
                    let expr = self.interpolation(pair, span);
                    height = height.max(self.height);
                    pieces.push(Piece::Interpolation(expr));
                }
                _ => debug_assert_eq!(pair.as_rule(), Rule::no_quote),
            }
        }
        self.height = height + 1;
        pieces
    }

    fn interpolation(&mut self, pair: Pair<'t, Rule>, span: Span) -> Expr {
        let mut cursor = Cursor::new(pair.into_inner());
        if self.bump_if(&mut cursor, Rule::broken).is_some() {
            let open = Span {
                end: span.start + 2,
                ..span
            };
            self.quiet_until = self.quiet_until.max(self.line_end(span.end as usize));
            self.report(&codes::UNCLOSED_BRACKET, open, "`${` is never closed").help =
                Some("write `}` behind the expression; a literal `${` is written `\\${`".to_owned());
            return Expr {
                kind: ExprKind::Error,
                span,
            };
        }
        let expr = self.nested(span, |parser| {
            let expr = parser.expr(&mut cursor);
            parser.finish(&mut cursor);
            expr
        });
        self.end = span.end;
        expr
    }

    /// What an escape stands for; reported if it is not one.
    fn escape(&mut self, text: &str, span: Span) -> Option<char> {
        match text.as_bytes().get(1) {
            Some(b'n') => Some('\n'),
            Some(b't') => Some('\t'),
            Some(b'"') => Some('"'),
            Some(b'\\') => Some('\\'),
            Some(b'$') => Some('$'),
            Some(b'u') => {
                let code = text.strip_prefix("\\u{").and_then(|rest| rest.strip_suffix('}'));
                let char = code
                    .filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()))
                    .and_then(|code| u32::from_str_radix(code, 16).ok())
                    .and_then(char::from_u32);
                if char.is_none() {
                    self.report(&codes::INVALID_ESCAPE, span, format!("`{text}` is not a character"))
                        .help = Some("write the character's number in hexadecimal, as in `\\u{1F370}`".to_owned());
                }
                char
            }
            _ => {
                let message = if text.len() == 1 {
                    "nothing follows this backslash".to_owned()
                } else {
                    format!("`{text}` is not an escape")
                };
                self.report(&codes::INVALID_ESCAPE, span, message).help = Some(
                    "write `\\n`, `\\t`, `\\\"`, `\\\\`, `\\$` or `\\u{…}`; a backslash itself is `\\\\`".to_owned(),
                );
                None
            }
        }
    }

    /// `"""…"""`: the first newline is dropped, and the closing line's indentation is removed from every line.
    fn multiline(&mut self, pair: Pair<'t, Rule>, span: Span) -> StrLit {
        let terminated = pair.as_str().len() >= 6 && pair.as_str().ends_with("\"\"\"");
        let mut pieces = self.pieces(pair);
        if !terminated {
            self.swallowed_rest = true;
            let open = Span {
                end: span.start + 3,
                ..span
            };
            self.report(&codes::UNTERMINATED_STRING, open, "this string has no closing `\"\"\"`")
                .help = Some("write `\"\"\"` on a line of its own where it ends".to_owned());
        } else {
            self.remove_indentation(&mut pieces);
        }
        StrLit {
            parts: join(pieces),
            multiline: true,
        }
    }

    fn remove_indentation(&mut self, pieces: &mut Vec<Piece<'t>>) {
        let closing = match pieces.last() {
            Some(&Piece::Raw(text, _)) => text.rfind('\n').map(|at| &text[at + 1..]),
            _ => None,
        };
        // What stands before the closing quotes is the indentation only if it is blank.
        let indentation = closing.filter(|line| line.bytes().all(|byte| byte == b' ' || byte == b'\t'));
        if let Some(&mut Piece::Raw(ref mut text, ref mut at)) = pieces.first_mut() {
            let newline = text
                .find('\n')
                .filter(|&at| text[..at].bytes().all(|byte| byte == b'\r'));
            if let Some(newline) = newline {
                *text = &text[newline..];
                *at += newline;
            }
        }
        let dropped_first = matches!(pieces.first(), Some(Piece::Raw(text, _)) if text.starts_with('\n'));
        let mut out = Vec::with_capacity(pieces.len());
        let mut is_first = true;
        for piece in pieces.drain(..) {
            let Piece::Raw(text, at) = piece else {
                out.push(piece);
                is_first = false;
                continue;
            };
            let mut offset = at;
            for (index, line) in text.split_inclusive('\n').enumerate() {
                let start = offset;
                offset += line.len();
                let at_line_start = index > 0;
                let mut line = line;
                if is_first && index == 0 && dropped_first {
                    continue;
                }
                if at_line_start && let Some(indentation) = indentation {
                    line = self.strip_indentation(line, indentation, start);
                }
                push_line(&mut out, line, start);
            }
            is_first = false;
        }
        *pieces = out;
    }

    fn strip_indentation(&mut self, line: &'t str, indentation: &str, start: usize) -> &'t str {
        if let Some(rest) = line.strip_prefix(indentation) {
            return rest;
        }
        let blank = line.trim_start_matches([' ', '\t']);
        if blank.trim_matches(['\r', '\n']).is_empty() {
            return blank;
        }
        let end = start + (line.len() - blank.len());
        let span = self.here(start, end.max(start));
        self.report(
            &codes::INVALID_INDENTATION,
            span,
            "this line is indented less than the closing `\"\"\"`",
        )
        .help = Some(
            "indent it at least as far as the closing quotes: their indentation is removed from every line".to_owned(),
        );
        blank
    }
}

/// A line, its CRLF as LF.
fn push_line<'t>(out: &mut Vec<Piece<'t>>, line: &'t str, start: usize) {
    match line.strip_suffix("\r\n") {
        Some(rest) => {
            out.push(Piece::Raw(rest, start));
            out.push(Piece::Escaped('\n'));
        }
        None => out.push(Piece::Raw(line, start)),
    }
}

fn literal(text: &str) -> StrLit {
    StrLit {
        parts: if text.is_empty() {
            Vec::new()
        } else {
            vec![StrPart::Text(text.to_owned())]
        },
        multiline: false,
    }
}

/// Joins neighbouring texts and drops empty ones.
fn join(pieces: Vec<Piece<'_>>) -> Vec<StrPart> {
    let mut parts = Vec::new();
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Raw(raw, _) => text.push_str(raw),
            Piece::Escaped(char) => text.push(char),
            Piece::Interpolation(expr) => {
                if !text.is_empty() {
                    parts.push(StrPart::Text(std::mem::take(&mut text)));
                }
                parts.push(StrPart::Interpolation(expr));
            }
        }
    }
    if !text.is_empty() {
        parts.push(StrPart::Text(text));
    }
    parts
}
