//! Secrets in plain text: whoever may look at the pipeline may read them, and the source repository keeps them for ever.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Action, EnvironmentKind, Origin, Pipeline, Text, TextPart};

use super::codes;

/// How names of secrets end, in capitals and without `_` and `-`.
const ENDINGS: [&str; 9] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "APIKEY",
    "PRIVATEKEY",
    "SECRETKEY",
    "SECRETACCESSKEY",
];

/// What well-known tokens begin with, and how many letters and digits follow at least.
const TOKENS: [(&str, usize); 8] = [
    ("AKIA", 16),
    ("ASIA", 16),
    ("ghp_", 36),
    ("gho_", 36),
    ("ghs_", 36),
    ("github_pat_", 22),
    ("glpat-", 20),
    ("xoxb-", 10),
];

/// Of the tokens above.
const SHORTEST_TOKEN: usize = 15;

/// Reports what looks like a secret, by its name or by its own form.
pub fn plain_secrets(pipeline: &Pipeline, diags: &mut Diagnostics) {
    for action in pipeline.stages.iter().flat_map(|stage| &stage.actions) {
        for (key, entry) in &action.configuration {
            if key == "EnvironmentVariables" {
                encoded(action, &entry.value, entry.origin, diags);
            } else {
                value(action, key, &entry.value, entry.origin, diags);
            }
        }
        for variable in &action.environment {
            if variable.kind == EnvironmentKind::Plaintext {
                value(
                    action,
                    &variable.name.value,
                    &variable.value.value,
                    variable.value.origin,
                    diags,
                );
            }
        }
        for command in &action.commands {
            if let Some(what) = literals(&command.value).find_map(token) {
                report(action, "a command", what, command.origin, diags);
            }
        }
    }
}

fn literals(text: &Text) -> impl Iterator<Item = &str> {
    text.parts().iter().filter_map(|part| match part {
        TextPart::Literal(literal) => Some(literal.as_str()),
        TextPart::Variable(_) | TextPart::Deploy(_) => None,
    })
}

fn value(action: &Action, name: &str, text: &Text, at: Origin, diags: &mut Diagnostics) {
    let what = literals(text).find_map(token).or_else(|| {
        text.as_literal()
            .filter(|literal| is_secret(name, literal))
            .map(|_| "by its name a secret")
    });
    if let Some(what) = what {
        report(action, &format!("`{name}`"), what, at, diags);
    }
}

/// CodeBuild's environment variables, which are JSON in a text.
fn encoded(action: &Action, text: &Text, at: Origin, diags: &mut Diagnostics) {
    // Few variables are secrets, so few texts need to be read as the JSON that they are.
    let suspicious = |literal: &str| holds_part_of_a_name(literal) || token(literal).is_some();
    if !literals(text).any(suspicious) {
        return;
    }
    // References stand inside of the strings, as they are written.
    let Ok(serde_json::Value::Array(variables)) = serde_json::from_str(&text.to_string()) else {
        return;
    };
    for variable in &variables {
        let of = |key: &str| variable.get(key).and_then(serde_json::Value::as_str);
        let (Some(name), Some(literal)) = (of("name"), of("value")) else {
            continue;
        };
        if of("type").is_none_or(|kind| kind == "PLAINTEXT") {
            value(action, name, &Text::literal(literal), at, diags);
        }
    }
}

fn report(action: &Action, holder: &str, what: &str, at: Origin, diags: &mut Diagnostics) {
    let message = format!("{holder} of `{}` stands in plain text, and is {what}", action.handle);
    let diagnostic = Diagnostic::new(&codes::SECRET_IN_PLAIN_TEXT, at, message).with_help(
        "keep it in AWS Secrets Manager: `secret(\"name\")` in environment variables, `{{resolve:secretsmanager:name}}` \
         elsewhere",
    );
    diags.emit(diagnostic);
}

/// Whether a value is a secret by its name. What says where a secret is kept is none, nor is the mask, which has a report
/// of its own.
fn is_secret(name: &str, value: &str) -> bool {
    if !is_named_so(name) {
        return false;
    }
    let kept_elsewhere = ["{{resolve:", "arn:", "#{", "****"]
        .iter()
        .any(|mark| value.contains(mark));
    !value.is_empty() && !kept_elsewhere && !matches!(value, "true" | "false")
}

/// Whether a name ends as those of secrets do, in whatever case and with `_` and `-` anywhere.
fn is_named_so(name: &str) -> bool {
    let bare = || {
        let bytes = name.bytes().rev().filter(u8::is_ascii_alphanumeric);
        bytes.map(|byte| byte.to_ascii_uppercase())
    };
    ENDINGS.iter().any(|ending| {
        let mut bytes = bare();
        ending.bytes().rev().all(|wanted| bytes.next() == Some(wanted))
    })
}

/// What a text holds by its own form, if it holds a secret of a well-known one.
fn token(text: &str) -> Option<&'static str> {
    if text.len() < SHORTEST_TOKEN {
        return None;
    }
    let bytes = text.as_bytes();
    (0..=bytes.len() - SHORTEST_TOKEN).find_map(|at| {
        let rest = &bytes[at..];
        match rest[0] {
            b'A' | b'g' | b'x' => {
                let begins = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
                let is_token = |&(start, length): &(&str, usize)| {
                    let follows = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
                    rest.starts_with(start.as_bytes())
                        && rest[start.len()..].iter().take_while(follows).count() >= length
                };
                (begins && TOKENS.iter().any(is_token)).then_some("by its form a token")
            }
            b'-' if rest.starts_with(b"-----BEGIN") && text.contains("PRIVATE KEY-----") => Some("a private key"),
            _ => None,
        }
    })
}

/// Whether a text holds what every ending of a secret's name has in it: a look at each byte, and no more.
fn holds_part_of_a_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    (0..bytes.len()).any(|at| {
        let begins = |part: &str| {
            bytes
                .get(at..at + part.len())
                .is_some_and(|rest| rest.eq_ignore_ascii_case(part.as_bytes()))
        };
        match bytes[at] {
            b'P' | b'p' => begins("pass"),
            b'S' | b's' => begins("secret"),
            b'T' | b't' => begins("token"),
            b'K' | b'k' => begins("key"),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{is_secret, token};

    #[test]
    fn names() {
        for (name, value) in [
            ("NPM_TOKEN", "x"),
            ("OAuthToken", "x"),
            ("db-password", "x"),
            ("API_KEY", "x"),
        ] {
            assert!(is_secret(name, value), "{name}");
        }
        for (name, value) in [
            ("TOKENS", "x"),
            ("NPM_TOKEN", "{{resolve:secretsmanager:npm}}"),
            ("SECRET", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:x"),
            ("USE_TOKEN", "true"),
        ] {
            assert!(!is_secret(name, value), "{name}");
        }
    }

    #[test]
    fn forms() {
        let bearer = format!("curl -H 'Authorization: ghp_{}' x", "a1".repeat(18));
        assert!(token(&bearer).is_some());
        assert!(token("AKIAIOSFODNN7EXAMPLE").is_some());
        assert!(token("-----BEGIN RSA PRIVATE KEY-----\n").is_some());
        assert_eq!(token("AKIA"), None);
        assert_eq!(token("MAKIAIOSFODNN7EXAMPLE"), None);
    }
}
