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
    let bare: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let kept_elsewhere = ["{{resolve:", "arn:", "#{", "****"]
        .iter()
        .any(|mark| value.contains(mark));
    let said = !value.is_empty() && !kept_elsewhere && !matches!(value, "true" | "false");
    said && ENDINGS.iter().any(|ending| bare.ends_with(ending))
}

/// What a text holds by its own form, if it holds a secret of a well-known one.
fn token(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    let holds = |&(start, length): &(&str, usize)| {
        text.match_indices(start).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + start.len()..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || "_-".contains(*c))
                .count();
            after >= length && before.is_none_or(|c| !c.is_ascii_alphanumeric())
        })
    };
    TOKENS.iter().any(holds).then_some("by its form a token")
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
