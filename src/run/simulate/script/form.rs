//! The forms that a script is made of: maps, lists, words, times; and what is said when something has another one.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde_saphyr::{Location, Spanned};

use super::super::Problem;
use super::Reader;
use crate::diagnostic::suggest::{listed, nearest};
use crate::run::yaml::{self, Node, Placed};

const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 3650);

/// The entries of a map.
pub(super) type Entries<'n> = &'n [(Spanned<String>, Placed)];

pub(super) fn entry<'n>(entries: Entries<'n>, key: &str) -> Option<&'n Placed> {
    let found = entries.iter().find(|(found, _)| found.value == key);
    found.map(|(_, value)| value)
}

impl Reader<'_> {
    pub(super) fn problem(&mut self, at: Location, message: String, help: Option<String>) {
        let at = yaml::place(at);
        self.problems.push(Problem { at, message, help });
    }

    /// Nothing has this name.
    pub(super) fn unknown<'c>(
        &mut self,
        at: Location,
        message: String,
        name: &str,
        known: impl Iterator<Item = &'c str>,
    ) {
        let known: Vec<&str> = known.collect();
        let near = nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let there_are = || (!known.is_empty()).then(|| format!("choose from {}", listed(known.iter().copied())));
        self.problem(at, message, near.or_else(there_are));
    }

    pub(super) fn map<'n>(&mut self, node: &'n Placed, what: &str) -> Entries<'n> {
        match &node.value {
            Node::Map(entries) => entries,
            Node::Nothing => &[],
            other => {
                let message = format!("{what} is a map, and not {}", other.kind());
                self.problem(node.referenced, message, None);
                &[]
            }
        }
    }

    pub(super) fn list<'n>(&mut self, node: &'n Placed, what: &str) -> &'n [Placed] {
        match &node.value {
            Node::List(items) => items,
            Node::Nothing => &[],
            other => {
                let message = format!("{what} is a list, and not {}", other.kind());
                self.problem(node.referenced, message, None);
                &[]
            }
        }
    }

    pub(super) fn text(&mut self, node: &Placed, what: &str) -> Option<String> {
        match &node.value {
            Node::Text(text) => Some(text.clone()),
            other => {
                let message = format!("{what} is a word, and not {}", other.kind());
                self.problem(node.referenced, message, None);
                None
            }
        }
    }

    pub(super) fn texts(&mut self, node: &Placed, what: &str) -> BTreeMap<String, String> {
        let mut out = BTreeMap::new();
        for (name, value) in self.map(node, what) {
            let text = self.text(value, &format!("the value of `{}`", name.value));
            out.extend(text.map(|text| (name.value.clone(), text)));
        }
        out
    }

    /// One of a few words.
    pub(super) fn word(&mut self, node: &Placed, what: &str, known: &[&str]) -> Option<String> {
        let text = self.text(node, what)?;
        if known.contains(&text.as_str()) {
            return Some(text);
        }
        let choices: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
        let message = format!("{what} is {}, and not `{text}`", choices.join(" or "));
        let near = nearest(&text, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        self.problem(node.referenced, message, near);
        None
    }

    pub(super) fn keys(&mut self, entries: Entries<'_>, what: &str, known: &[&str]) {
        for (key, _) in entries {
            if !known.contains(&key.value.as_str()) {
                let message = format!("{what} has no key `{}`", key.value);
                self.unknown(key.referenced, message, &key.value, known.iter().copied());
            }
        }
    }

    /// `90s`, `10m`, `1h 30m`, `8d`
    pub(super) fn duration(&mut self, node: &Placed) -> Option<SignedDuration> {
        let text = self.text(node, "a time")?;
        let span = text.parse::<Span>().ok();
        let duration = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
        let duration = match text.as_str() {
            "0" => Some(SignedDuration::ZERO),
            _ => duration.filter(|duration| !duration.is_negative() && *duration <= LONGEST),
        };
        if duration.is_none() {
            let help = "write it like `90s`, `10m`, `1h 30m` or `8d`; ten years are the most".to_owned();
            self.problem(node.referenced, format!("`{text}` is no time"), Some(help));
        }
        duration
    }
}
