//! Small words that messages are made of.

use crate::ir::{Action, ConditionPosition, Handle, Pipeline, Rule, Stage};

/// What the user calls it: the name in their file, else the name that AWS sees.
fn called<'a>(handle: &'a Handle, name: &'a str) -> &'a str {
    if handle.0.is_empty() { name } else { &handle.0 }
}

pub(super) fn pipeline(pipeline: &Pipeline) -> &str {
    called(&pipeline.handle, &pipeline.name.value)
}

pub(super) fn stage(stage: &Stage) -> &str {
    called(&stage.handle, &stage.name.value)
}

pub(super) fn action(action: &Action) -> &str {
    called(&action.handle, &action.name.value)
}

pub(super) fn rule(rule: &Rule) -> &str {
    called(&rule.handle, &rule.name.value)
}

pub(super) fn position(position: ConditionPosition) -> &'static str {
    match position {
        ConditionPosition::BeforeEntry => "before entry",
        ConditionPosition::OnSuccess => "on success",
        ConditionPosition::OnFailure => "on failure",
    }
}

/// `1st`, `2nd`, `3rd`, `11th`.
pub(super) fn ordinal(number: usize) -> String {
    let suffix = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}

/// `1 stage`, `2 stages`.
pub(super) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// `it has 101 characters, and 100 is the most`, for a text that is too long.
pub(super) fn too_long(text: &str, most: usize) -> String {
    format!("it has {} characters, and {most} is the most", text.chars().count())
}

/// A text for a message, cut where it gets long.
pub(super) fn short(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{ordinal, short};

    #[test]
    fn ordinals() {
        let words: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal).into();
        assert_eq!(words.join(" "), "1st 2nd 3rd 4th 11th 12th 13th 21st 102nd 111th");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(short("é"), "é");
        assert_eq!(short(&"é".repeat(61)), format!("{}…", "é".repeat(60)));
    }
}
