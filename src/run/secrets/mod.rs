//! Secrets: where their values come from on this machine, and how they are kept out of everything that is written.

mod forms;
mod masker;
mod patterns;
mod reference;
mod sources;

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

pub use masker::Masker;
pub use reference::{Reference, value_of, value_of_kind};
pub use sources::Sources;

use super::RunOptions;
use super::outcome::Failure;
use crate::ir::EnvironmentKind;
use patterns::Patterns;

/// Shorter values are not masked: that would make a log unreadable, and hide little.
pub const SHORTEST: usize = 4;
/// What stands for a secret.
const MASK: &[u8] = b"***";
/// What the names of environment variables with secrets begin with.
const PREFIX: &str = "PIPE_SECRET_";

/// The environment variable that holds the value of a secret or parameter: `webshop/npm:token` → `PIPE_SECRET_WEBSHOP_NPM_TOKEN`.
pub fn environment_name(name: &str) -> String {
    format!("{PREFIX}{}", super::paths::variable(name).to_uppercase())
}

/// The value of a secret or parameter on this machine: from the environment, the user's file, or the user's command.
pub fn find(name: &str, options: &RunOptions) -> Option<String> {
    let given = options.environment(&environment_name(name));
    given.or_else(|| options.secrets.find(name))
}

/// What is said where a secret or parameter has no value here.
pub fn missing(name: &str, options: &RunOptions) -> Failure {
    if let Some(refusal) = options.secrets.refusal(name) {
        return refusal;
    }
    let variable = environment_name(name);
    let outside = format!("set the environment variable `{variable}`, give a file with `--secrets FILE`");
    let of_field = match Reference::parse(name) {
        Ok(Reference { id, key: Some(_), .. }) => format!("; or give the secret `{id}` a value in JSON"),
        Ok(_) | Err(_) => String::new(),
    };
    match options.secrets.why_gone(name) {
        Some(why) => Failure::new(format!(
            "the secret `{name}` has no value any more: the run had it from its definition, and {why}"
        ))
        .with_help(format!("{outside}, or a command with `--secret-command CMD`{of_field}")),
        None => Failure::new(format!("the secret `{name}` has no value on this machine")).with_help(format!(
            "{outside}, or add `local {{ secrets = {{ \"{name}\" = \"…\" }} }}`{of_field}"
        )),
    }
}

/// What is asked for in the JSON of a build's `EnvironmentVariables`: references to secrets, and parameters.
pub fn wanted_in(environment_json: &str) -> Vec<(EnvironmentKind, String)> {
    #[derive(serde::Deserialize)]
    struct Variable {
        value: String,
        #[serde(default, rename = "type")]
        kind: String,
    }
    let variables: Vec<Variable> = serde_json::from_str(environment_json).unwrap_or_default();
    let wanted = variables
        .into_iter()
        .map(|variable| (kind(&variable.kind), variable.value));
    wanted.filter(|(kind, _)| *kind != EnvironmentKind::Plaintext).collect()
}

/// The type of one of a build's variables.
pub fn kind(text: &str) -> EnvironmentKind {
    match text {
        "SECRETS_MANAGER" => EnvironmentKind::SecretsManager,
        "PARAMETER_STORE" => EnvironmentKind::ParameterStore,
        _ => EnvironmentKind::Plaintext,
    }
}

/// All secret values that a run has come to know, ready to be looked for.
#[derive(Debug, Default)]
pub struct Secrets {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    values: Vec<String>,
    patterns: Option<Arc<Patterns>>,
    /// The names of those that are too short, as far as somebody was told.
    told: BTreeSet<String>,
}

impl Secrets {
    /// Takes in a value; says whether it is masked from now on, which it is not if it is shorter than [`SHORTEST`].
    pub fn add(&self, value: &str) -> bool {
        self.add_all([value])
    }

    /// Takes in values; says whether all are masked from now on.
    pub fn add_all<'a>(&self, values: impl IntoIterator<Item = &'a str>) -> bool {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let (mut all_are_masked, before) = (true, inner.values.len());
        for value in values {
            if value.trim().len() < SHORTEST {
                all_are_masked = false;
            } else if !inner.values.iter().any(|known| known == value) {
                inner.values.push(value.to_owned());
            }
        }
        if inner.values.len() > before {
            let forms = inner.values.iter().flat_map(|value| forms::forms(value));
            inner.patterns = Patterns::new(forms.collect()).map(Arc::new);
        }
        all_are_masked
    }

    /// Whether nobody was told yet that the secret of this name is not masked.
    pub fn is_news(&self, name: &str) -> bool {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.told.insert(name.to_owned())
    }

    fn patterns(&self) -> Option<Arc<Patterns>> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.patterns.clone()
    }

    /// Masks a whole text in its place.
    pub fn mask_in(&self, text: &mut String) {
        if self.patterns().is_some_and(|patterns| patterns.is_match(text)) {
            *text = self.mask(text);
        }
    }

    /// Masks a whole text.
    pub fn mask(&self, text: &str) -> String {
        let mut masker = Masker::default();
        let mut out = Vec::new();
        masker.push(self, text.as_bytes(), &mut out);
        masker.finish(self, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn masked(secrets: &[&str], chunks: &[&str]) -> String {
        let known = Secrets::default();
        for secret in secrets {
            known.add(secret);
        }
        let mut masker = Masker::default();
        let mut out = Vec::new();
        for chunk in chunks {
            masker.push(&known, chunk.as_bytes(), &mut out);
        }
        masker.finish(&known, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_secret_is_masked_wherever_it_is_cut() {
        let text = "the token is s3cr3t-t0ken, again s3cr3t-t0ken.";
        for cut in 0..text.len() {
            for cut2 in cut..text.len() {
                let chunks = [&text[..cut], &text[cut..cut2], &text[cut2..]];
                assert_eq!(masked(&["s3cr3t-t0ken"], &chunks), "the token is ***, again ***.");
            }
        }
    }

    #[test]
    fn secrets_that_overlap_are_both_masked() {
        assert_eq!(masked(&["abcd", "abcdefgh"], &["x abcdef", "gh abcd y"]), "x *** *** y");
        assert_eq!(masked(&["abcd", "cdef"], &["ab", "cd", "cdef"]), "******");
    }

    #[test]
    fn base64_is_masked_at_every_offset() {
        for prefix in ["", "a", "ab", "abc", "user:"] {
            let text = STANDARD.encode(format!("{prefix}correct horse battery"));
            let out = masked(&["correct horse battery"], &[&text]);
            assert!(out.contains("***"), "{text} → {out}");
            let left = out.replace("***", "");
            assert!(left.len() <= prefix.len() * 4 / 3 + 6, "{text} → {out}");
        }
    }

    #[test]
    fn each_line_of_a_long_secret_is_masked() {
        assert_eq!(masked(&["line one\nline two\n"], &["got line two\n"]), "got ***\n");
        assert_eq!(masked(&["quo\"te\n"], &[r#"{"a":"quo\"te"}"#]), r#"{"a":"***"}"#);
    }

    #[test]
    fn overlapping_secrets_leave_nothing_of_each_other() {
        assert_eq!(masked(&["abcdef", "defghij"], &["x abcd", "efghij y"]), "x *** y");
        assert_eq!(masked(&["aaaa"], &["baaa", "aaaa", "aaab"]), "b***b");
    }

    #[test]
    fn values_in_urls_and_json_are_masked() {
        for text in [
            "p%40ss%20w%c3%b6rd%2f1",
            "p%40ss%20w%C3%B6rd%2F1",
            "p%40ss+w%C3%B6rd%2F1",
            "p@ss w\\u00f6rd/1",
        ] {
            assert_eq!(masked(&["p@ss wörd/1"], &[text]), "***", "{text}");
        }
    }

    #[test]
    fn base64_is_masked_over_broken_lines() {
        let secret =
            "0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 abcdefghijklmnopqrstuvwxyz";
        let text = STANDARD.encode(secret);
        let (first, second) = text.split_at(76);
        assert_eq!(masked(&[secret], &[first, "\n", second, "\n"]), "***\n***\n");
    }

    #[test]
    fn secrets_in_json_leave_short_fields_readable() {
        let secret = "{\n  \"user\": \"root\",\n  \"level\": \"e\",\n  \"password\": \"correct horse\"\n}";
        let log = "the root user: correct horse; {\"level\":\"e\",\"password\":\"correct horse\",\"user\":\"root\"}";
        assert_eq!(masked(&[secret], &[log]), "the root user: ***; ***");
    }

    #[test]
    fn short_values_are_left_alone() {
        assert_eq!(masked(&["e", "abc"], &["the abc"]), "the abc");
    }
}
