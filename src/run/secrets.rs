//! Secrets: where their values come from on this machine, and how they are kept out of everything that is written.

use std::sync::{Arc, RwLock};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::outcome::Failure;

/// Shorter values are not masked: that would make a log unreadable, and hide little.
pub const SHORTEST: usize = 4;
/// What stands for a secret.
const MASK: &[u8] = b"***";

/// The environment variable that holds the value of a secret or parameter: `webshop/npm:token` → `PIPE_SECRET_WEBSHOP_NPM_TOKEN`.
pub fn environment_name(name: &str) -> String {
    format!("PIPE_SECRET_{}", super::paths::variable(name).to_uppercase())
}

/// What is said where a secret or parameter has no value here.
pub fn missing(name: &str) -> Failure {
    Failure::new(format!("the secret `{name}` has no value on this machine")).with_help(format!(
        "set the environment variable `{}`, or add `local {{ secrets = {{ \"{name}\" = \"…\" }} }}`",
        environment_name(name)
    ))
}

/// The names of secrets and parameters in the JSON of a build's `EnvironmentVariables`.
pub fn names_in(environment_json: &str) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Variable {
        value: String,
        #[serde(default, rename = "type")]
        kind: String,
    }
    let variables: Vec<Variable> = serde_json::from_str(environment_json).unwrap_or_default();
    let secret = |variable: &Variable| matches!(variable.kind.as_str(), "SECRETS_MANAGER" | "PARAMETER_STORE");
    variables
        .into_iter()
        .filter(secret)
        .map(|variable| variable.value)
        .collect()
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
}

#[derive(Debug)]
struct Patterns {
    finder: AhoCorasick,
    patterns: Vec<Vec<u8>>,
    longest: usize,
}

impl Secrets {
    /// Takes in a value; from now on it is masked.
    pub fn add(&self, value: &str) {
        let mut inner = self.inner.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if value.trim().len() < SHORTEST || inner.values.iter().any(|known| known == value) {
            return;
        }
        inner.values.push(value.to_owned());
        let mut patterns: Vec<Vec<u8>> = inner.values.iter().flat_map(|value| forms(value)).collect();
        patterns.sort();
        patterns.dedup();
        let longest = patterns.iter().map(Vec::len).max().unwrap_or(0);
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&patterns);
        // It fails only where patterns exceed gigabytes; then nothing may pass unmasked, and the old ones stay.
        if let Ok(finder) = finder {
            inner.patterns = Some(Arc::new(Patterns {
                finder,
                patterns,
                longest,
            }));
        }
    }

    fn patterns(&self) -> Option<Arc<Patterns>> {
        let inner = self.inner.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        inner.patterns.clone()
    }

    /// Masks a whole text in its place.
    pub fn mask_in(&self, text: &mut String) {
        if self
            .patterns()
            .is_some_and(|patterns| patterns.finder.is_match(text.as_str()))
        {
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

/// The forms in which a value may show up: as it is, each of its lines, escaped in JSON, and in base64 at each of the three
/// offsets that it can have inside a longer text.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut out = vec![value.as_bytes().to_vec()];
    if value.contains('\n') {
        let lines = value.lines().map(str::trim).filter(|line| line.len() >= SHORTEST);
        out.extend(lines.map(|line| line.as_bytes().to_vec()));
    }
    let trimmed = value.trim();
    out.push(trimmed.as_bytes().to_vec());
    if let Ok(json) = serde_json::to_string(trimmed) {
        out.push(json.as_bytes()[1..json.len() - 1].to_vec());
    }
    for before in 0..3 {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(trimmed.as_bytes());
        let text = STANDARD.encode(&bytes);
        // The characters at both ends mix in bits of what stands beside the value.
        let start = (before * 8).div_ceil(6);
        let end = bytes.len() * 8 / 6;
        if end.saturating_sub(start) >= SHORTEST {
            let form = &text[start..end];
            out.push(form.as_bytes().to_vec());
            out.push(form.replace('+', "-").replace('/', "_").into_bytes());
        }
    }
    out
}

/// Masks a stream that comes in chunks: what may be the beginning of a secret is held back until more is known.
#[derive(Debug, Default)]
pub struct Masker {
    held: Vec<u8>,
}

impl Masker {
    /// Appends to `out` what is safe to show.
    pub fn push(&mut self, secrets: &Secrets, chunk: &[u8], out: &mut Vec<u8>) {
        match secrets.patterns() {
            Some(patterns) => {
                self.held.extend_from_slice(chunk);
                let keep = patterns.possible_beginning(&self.held);
                self.drain(&patterns, keep, out);
            }
            None => {
                out.append(&mut self.held);
                out.extend_from_slice(chunk);
            }
        }
    }

    /// Appends what was held back, at the stream's end.
    pub fn finish(&mut self, secrets: &Secrets, out: &mut Vec<u8>) {
        match secrets.patterns() {
            Some(patterns) => self.drain(&patterns, 0, out),
            None => out.append(&mut self.held),
        }
    }

    /// Shows all but the last `keep` bytes, and but a match that reaches into them.
    fn drain(&mut self, patterns: &Patterns, keep: usize, out: &mut Vec<u8>) {
        let border = self.held.len() - keep;
        let mut shown = 0;
        let mut hold_from = border;
        for found in patterns.finder.find_iter(&self.held) {
            if found.end() > border {
                hold_from = hold_from.min(found.start());
                break;
            }
            out.extend_from_slice(&self.held[shown..found.start()]);
            out.extend_from_slice(MASK);
            shown = found.end();
        }
        out.extend_from_slice(&self.held[shown..hold_from]);
        self.held.drain(..hold_from);
    }
}

impl Patterns {
    /// The length of the longest end of `text` that some secret begins with, and that is not all of it.
    fn possible_beginning(&self, text: &[u8]) -> usize {
        let most = text.len().min(self.longest.saturating_sub(1));
        (1..=most)
            .rev()
            .find(|&length| {
                let end = &text[text.len() - length..];
                self.patterns
                    .iter()
                    .any(|pattern| pattern.len() > length && pattern.starts_with(end))
            })
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
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
    fn short_values_are_left_alone() {
        assert_eq!(masked(&["e", "abc"], &["the abc"]), "the abc");
    }
}
