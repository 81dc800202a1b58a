//! `variable_check`: compares a value with another. Operators: EQ, NE, CONTAINS, MATCHES (a regular expression for the whole
//! value, as Java's `matches` has it).

use regex::Regex;

use super::{Done, Job};
use crate::ir;
use crate::run::outcome::Failure;

/// Whether the comparison can be made here: Java knows regular expressions that are not understood here, with look-around or
/// back references.
pub fn can_be_made(rule: &ir::Rule) -> bool {
    let literal = |key: &str| rule.configuration.get(key).and_then(|entry| entry.value.as_literal());
    literal("Operator") != Some("MATCHES") || literal("Value").is_none_or(|pattern| whole(pattern).is_ok())
}

/// A pattern for all of a text.
fn whole(pattern: &str) -> Result<Regex, Failure> {
    Regex::new(&format!(r"\A(?:{pattern})\z")).map_err(|_| {
        Failure::new(format!(
            "`{pattern}` is not a regular expression that is understood here"
        ))
        .with_help("write it without look-around and back references")
    })
}

pub fn carry_out(job: &mut Job) -> Result<Done, Failure> {
    let value = job.configuration("Variable").unwrap_or_default().to_owned();
    let wanted = job.configuration("Value").unwrap_or_default().to_owned();
    let operator = job.configuration("Operator").unwrap_or("EQ").to_owned();
    let (satisfied, words) = match operator.as_str() {
        "EQ" | "EQUALS" => (value == wanted, "is"),
        "NE" => (value != wanted, "is not"),
        "CONTAINS" => (value.contains(&wanted), "contains"),
        "MATCHES" => (whole(&wanted)?.is_match(&value), "matches"),
        other => return Err(Failure::new(format!("there is no operator `{other}`"))),
    };
    let message = format!("`{value}` {words} `{wanted}`: {}", if satisfied { "yes" } else { "no" });
    if satisfied {
        Ok(Done {
            notes: vec![message],
            ..Done::default()
        })
    } else {
        Err(Failure::new(message))
    }
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn patterns_are_for_the_whole_text() {
        assert!(whole("pro.*").unwrap().is_match("prod"));
        assert!(!whole("pro").unwrap().is_match("prod"));
        assert!(!whole("a|b").unwrap().is_match("ab"));
        assert!(!whole("a").unwrap().is_match("a\n"));
        assert!(whole("(?!x)a").is_err());
    }
}
