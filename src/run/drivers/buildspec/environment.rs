//! The environment of a build.
use super::super::Job;
use crate::run::outcome::Failure;
pub fn of_action(_job: &Job, _json: &str, _lenient: bool) -> Result<Vec<(String, String)>, Failure> {
    Ok(Vec::new())
}
