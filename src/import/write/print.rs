//! The tree as text. The formatter has the last word on blanks and breaks; what is decided here is which blocks stand on
//! one line, because the formatter keeps that.

use std::borrow::Cow;
use std::fmt::Write;

use super::tree::{Expr, Head, Item, Key, Name, Part, Stmt};
use super::words;

/// A block of fields may stand on one line up to this width.
const WIDTH: usize = 100;
/// A block of more fields stands on lines of its own: an action's, and those of rules and filters, which are read at a glance.
const FIELDS_ON_A_LINE: usize = 2;
const FIELDS_OF_A_RULE: usize = 3;
/// A doc comment's lines are filled up to this width.
const DOC_WIDTH: usize = 100;

pub(super) fn print(items: &[Item]) -> String {
    let mut printer = Printer::default();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            printer.out.push('\n');
        }
        match item {
            Item::Pipeline(head, body) => printer.block(&format!("pipeline {}", head_text(head)), body),
            Item::Provider(name, body) => printer.block(&format!("provider {name}"), body),
        }
    }
    printer.out
}

#[derive(Default)]
struct Printer {
    out: String,
    depth: usize,
}

impl Printer {
    /// Blanks before it are the formatter's business.
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn block(&mut self, head: &str, body: &[Stmt]) {
        self.block_of(head, body, FIELDS_ON_A_LINE);
    }

    fn block_of(&mut self, head: &str, body: &[Stmt], most: usize) {
        if let Some(line) = one_line(head, body, most)
            && line.chars().count() + 2 * self.depth <= WIDTH
        {
            return self.line(&line);
        }
        self.open(head, body);
        self.line("}");
    }

    fn open(&mut self, head: &str, body: &[Stmt]) {
        self.line(&format!("{head} {{"));
        self.depth += 1;
        body.iter().for_each(|stmt| self.stmt(stmt));
        self.depth -= 1;
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Field(name, value) => {
                field(name, value, &mut self.out);
                self.out.push('\n');
            }
            Stmt::Action(head, provider, body) => {
                self.block(&format!("action {} = {provider}", head_text(head)), body);
            }
            Stmt::Rule(head, provider, body) => {
                let head = format!("rule {} = {provider}", head_text(head));
                self.block_of(&head, body, FIELDS_OF_A_RULE);
            }
            Stmt::Stage(head, body) => {
                self.open(&format!("stage {}", head_text(head)), body);
                self.line("}");
            }
            Stmt::Output(head, from) => {
                let from = from.as_ref().map(|from| format!(" from {}", expr_text(from)));
                self.line(&format!("output {}{}", head_text(head), from.unwrap_or_default()));
            }
            Stmt::Export(name) => self.line(&format!("export {name}")),
            Stmt::Block(words, body) => self.block_of(words, body, FIELDS_OF_A_RULE),
            Stmt::Trigger(name, body) => {
                self.open(&format!("trigger {}", name_text(name)), body);
                self.line("}");
            }
            Stmt::Variable { name, doc, default } => {
                doc.iter().for_each(|doc| self.doc(doc));
                let default = default.as_ref().map(|default| format!(" = {}", expr_text(default)));
                self.line(&format!("variable {name}{}", default.unwrap_or_default()));
            }
            Stmt::For {
                var,
                keys,
                second: None,
                body,
            } => {
                let keys: Vec<String> = keys.iter().map(|key| string(key)).collect();
                self.open(&format!("for {var} in [{}]", keys.join(", ")), body);
                self.line("}");
            }
            Stmt::For {
                var,
                keys,
                second: Some((second, values)),
                body,
            } => {
                let entry = |(key, value): (&String, &String)| format!("{} = {}", key_text(key), string(value));
                let entries: Vec<String> = keys.iter().zip(values).map(entry).collect();
                let map = format!("{{ {} }}", entries.join(", "));
                self.open(&format!("for {var}, {second} in {map}"), body);
                self.line("}");
            }
            Stmt::If {
                condition,
                then,
                otherwise,
            } => {
                let not = if condition.holds { "" } else { "!" };
                let head = format!("if {not}cfn.condition({})", string(&condition.name));
                self.open(&head, then);
                if !otherwise.is_empty() {
                    self.open("} else", otherwise);
                }
                self.line("}");
            }
            Stmt::ProviderField { name, key, ty } => {
                let key = key.as_ref().map(|key| format!(" {}", string(key)));
                self.line(&format!("field {name}{}: {ty}", key.unwrap_or_default()));
            }
            Stmt::Blank => self.out.push('\n'),
        }
    }

    /// A doc comment, filled: its lines are joined again by one blank.
    fn doc(&mut self, doc: &str) {
        // A comment ends with its line; the comparison at the end finds what is lost here.
        let doc = doc.replace(char::is_control, " ");
        let mut line = String::new();
        let mut rest = doc.as_str();
        while !rest.is_empty() {
            // Only a single blank can become a line break.
            let end = rest
                .char_indices()
                .skip(1)
                .find(|&(_, c)| c == ' ')
                .map_or(rest.len(), |(at, _)| at);
            let (word, after) = rest.split_at(end);
            let is_single = word.starts_with(' ') && word.len() > 1 && !line.ends_with(' ');
            if is_single && line.chars().count() + word.chars().count() > DOC_WIDTH {
                self.line(&format!("/// {line}"));
                line = word[1..].to_owned();
            } else {
                line.push_str(word);
            }
            rest = after;
        }
        self.line(format!("/// {line}").trim_end());
    }
}

/// `head { a = b, c = d }`, for a few short fields.
fn one_line(head: &str, body: &[Stmt], most: usize) -> Option<String> {
    if body.len() > most {
        return None;
    }
    let mut line = format!("{head} {{");
    for (index, stmt) in body.iter().enumerate() {
        let Stmt::Field(name, value) = stmt else { return None };
        line.push_str(if index > 0 { ", " } else { " " });
        field(name, value, &mut line);
    }
    line.push_str(if body.is_empty() { "}" } else { " }" });
    (!line[head.len()..].contains('\n')).then_some(line)
}

fn field(name: &str, value: &Expr, out: &mut String) {
    out.push_str(name);
    out.push_str(" = ");
    expr(value, out);
}

fn head_text(head: &Head) -> String {
    let mut text = String::new();
    name(&head.name, &mut text);
    if let Some(aws_name) = &head.aws_name {
        text.push(' ');
        expr(aws_name, &mut text);
    }
    text
}

fn name_text(of: &Name) -> String {
    let mut text = String::new();
    name(of, &mut text);
    text
}

fn expr_text(of: &Expr) -> String {
    let mut text = String::new();
    expr(of, &mut text);
    text
}

fn name(name: &Name, out: &mut String) {
    out.push_str(&name.ident);
    match &name.key {
        None => {}
        Some(Key::Text(key)) => {
            let _ = write!(out, "[{}]", string(key));
        }
        Some(Key::Loop(var)) => {
            let _ = write!(out, "[{var}]");
        }
    }
}

fn expr(of: &Expr, out: &mut String) {
    match of {
        Expr::Plain(text) => out.push_str(text),
        Expr::Str(parts) => str_of(parts, out),
        Expr::Name(of) => name(of, out),
        Expr::Member(of, key) => {
            name(of, out);
            out.push('.');
            out.push_str(key);
        }
        Expr::File(of, path) => {
            name(of, out);
            out.push_str(".file(");
            expr(path, out);
            out.push(')');
        }
        Expr::List(entries) => {
            out.push('[');
            comma_separated(entries, out);
            out.push(']');
        }
        Expr::Record(entries) => record(entries, out),
        Expr::Call(function, arguments) => {
            out.push_str(function);
            out.push('(');
            comma_separated(arguments, out);
            out.push(')');
        }
        Expr::If {
            condition,
            then,
            otherwise,
        } => {
            let _ = write!(out, "if cfn.condition({}) then ", string(condition));
            expr(then, out);
            out.push_str(" else ");
            expr(otherwise, out);
        }
    }
}

fn comma_separated(entries: &[Expr], out: &mut String) {
    for (index, entry) in entries.iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        expr(entry, out);
    }
}

fn record(entries: &[(String, Expr)], out: &mut String) {
    let (open, between, close) = match entries.len() {
        0 => return out.push_str("{}"),
        1..=FIELDS_ON_A_LINE => ("{ ", ", ", " }"),
        _ => ("{\n", "\n", "\n}"),
    };
    for (index, (key, value)) in entries.iter().enumerate() {
        out.push_str(if index > 0 { between } else { open });
        field(&key_text(key), value, out);
    }
    out.push_str(close);
}

fn key_text(key: &str) -> Cow<'_, str> {
    match words::is_ident(key) && !words::is_keyword(key) {
        true => key.into(),
        false => string(key).into(),
    }
}

/// A text in quotes.
fn string(text: &str) -> String {
    expr_text(&Expr::text(text))
}

fn str_of(parts: &[Part], out: &mut String) {
    let is_long = |part: &Part| matches!(part, Part::Text(text) if text.contains('\n'));
    if parts.iter().any(is_long)
        && let Some(text) = multiline(parts)
    {
        return out.push_str(&text);
    }
    out.push('"');
    for part in parts {
        match part {
            Part::Text(text) => escape(text, false, out),
            Part::Value(value) => {
                out.push_str("${");
                expr(value, out);
                out.push('}');
            }
        }
    }
    out.push('"');
}

/// `"""…"""`, for text of several lines. Text that does not end with its line keeps the closing quotes on the last line, and
/// only where that line cannot be taken for an indentation.
fn multiline(parts: &[Part]) -> Option<String> {
    let mut body = String::new();
    for part in parts {
        match part {
            Part::Text(text) => escape(text, true, &mut body),
            Part::Value(value) => {
                let value = expr_text(value);
                if value.contains('\n') {
                    return None;
                }
                let _ = write!(body, "${{{value}}}");
            }
        }
    }
    let ends = matches!(parts.last(), Some(Part::Text(text)) if text.ends_with('\n'));
    let lines = body.matches('\n').count();
    let last = body.rsplit('\n').next().unwrap_or_default();
    if !ends && (lines < 3 || last.trim_matches([' ', '\t']).is_empty() || last.ends_with('"')) {
        return None;
    }
    Some(format!("\"\"\"\n{body}\"\"\""))
}

/// Adds text with what a string gives a meaning to escaped.
fn escape(text: &str, multiline: bool, out: &mut String) {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' if multiline => out.push('\n'),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '"' if multiline && !out.ends_with('"') => out.push('"'),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '$' if chars.peek() == Some(&'{') => out.push_str("\\$"),
            c if c.is_control() || is_unseen(c) => {
                let _ = write!(out, "\\u{{{:X}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

/// What changes how text looks without being seen, a byte order mark for one.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{FEFF}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}')
}
