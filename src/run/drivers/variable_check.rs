//! `variable_check`: compares a value with another. Operators: EQ, NE, CONTAINS, MATCHES (a regular expression for the whole
//! value, as Java's `matches` has it).

use super::{Done, Job};
use crate::run::outcome::Failure;

pub fn carry_out(job: &mut Job) -> Result<Done, Failure> {
    let value = job.configuration("Variable").unwrap_or_default().to_owned();
    let wanted = job.configuration("Value").unwrap_or_default().to_owned();
    let operator = job.configuration("Operator").unwrap_or("EQ").to_owned();
    let (satisfied, words) = match operator.as_str() {
        "EQ" | "EQUALS" => (value == wanted, "is"),
        "NE" => (value != wanted, "is not"),
        "CONTAINS" => (value.contains(&wanted), "contains"),
        "MATCHES" => {
            let whole = format!("^(?:{wanted})$");
            let regex = regex::Regex::new(&whole).map_err(|_| {
                Failure::new(format!(
                    "`{wanted}` is not a regular expression that is understood here"
                ))
            })?;
            (regex.is_match(&value), "matches")
        }
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
