//! Words of the language, and identifiers out of AWS's names.

use crate::catalog::snake_case;
use crate::ir::{DeployValue, Text, TextPart};
use crate::sema::eval::builtins;

/// Words that are no names where an expression may stand.
const KEYWORDS: [&str; 8] = ["if", "then", "else", "in", "for", "true", "false", "none"];

pub(super) fn is_keyword(text: &str) -> bool {
    KEYWORDS.contains(&text)
}

/// Whether this can be an identifier.
pub(super) fn is_ident(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Whether nothing should be called so, since the language itself has the name.
pub(super) fn is_taken_by_language(text: &str) -> bool {
    is_keyword(text) || builtins::is_reserved(text)
}

/// An identifier for what AWS calls `name`, in snake_case; none if no Latin letter or digit is in it. `kind` stands before
/// one that begins with a digit.
pub(super) fn ident_of(name: &str, kind: &str) -> Option<String> {
    let snake = snake(name);
    match snake.chars().next()? {
        first if first.is_ascii_digit() => Some(format!("{kind}_{snake}")),
        _ => Some(snake),
    }
}

/// The words of a name, joined by `_`; of a value known when deploying, its name.
fn snake(name: &str) -> String {
    let mut plain = String::new();
    for part in Text::of_name(name).parts() {
        match part {
            TextPart::Literal(text) => plain.push_str(text),
            TextPart::Deploy(
                DeployValue::Ref(name) | DeployValue::GetAtt(name, _) | DeployValue::ImportValue(name),
            ) => {
                plain.push_str(&format!("-{}-", name.trim_start_matches("AWS::")));
            }
            TextPart::Deploy(_) | TextPart::Variable(_) => plain.push('-'),
        }
    }
    let plain: String = plain
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let snake = snake_case(&plain);
    let mut out = String::with_capacity(snake.len());
    let mut last = 0;
    for word in snake.split('_').filter(|word| !word.is_empty()) {
        if !PROPER_NAMES.contains(&(&out[last..], word)) {
            out.push_str(if out.is_empty() { "" } else { "_" });
            last = out.len();
        }
        out.push_str(word);
    }
    out
}

/// Names with a capital inside that are one word to everybody, as in the library's own names.
const PROPER_NAMES: [(&str, &str); 12] = [
    ("app", "config"),
    ("bit", "bucket"),
    ("cloud", "formation"),
    ("cloud", "front"),
    ("cloud", "watch"),
    ("code", "build"),
    ("code", "commit"),
    ("code", "deploy"),
    ("code", "pipeline"),
    ("dev", "ops"),
    ("git", "hub"),
    ("git", "lab"),
];

#[cfg(test)]
mod tests {
    use super::{ident_of, is_ident};

    #[test]
    fn makes_identifiers() {
        for (name, ident) in [
            ("Source", "source"),
            ("MyApp", "my_app"),
            ("Build-Image", "build_image"),
            ("deploy.to prod", "deploy_to_prod"),
            ("__x__", "x"),
            ("2nd", "stage_2nd"),
            ("CodeBuild-GitHub", "codebuild_github"),
            ("${cfn:{\"Ref\":\"Project\"}}-source", "project_source"),
        ] {
            let found = ident_of(name, "stage").unwrap_or_default();
            assert_eq!(found, ident, "{name}");
            assert!(is_ident(&found));
        }
        assert_eq!(ident_of("ビルド", "stage"), None);
    }
}
