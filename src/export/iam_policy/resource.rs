//! ARNs of resources, from what the pipeline says of them.

use crate::ir::{self, EnvironmentKind, Text, TextPart};

/// Partition and account of the pipeline, as its role tells them; `*` where it does not.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) partition: String,
    pub(super) account: String,
    /// The pipeline's AWS name.
    pub(super) pipeline: String,
}

impl Home {
    pub(super) fn of(pipeline: &ir::Pipeline) -> Self {
        let role = pipeline.role_arn.as_ref().and_then(|role| role.value.as_literal());
        let parts: Vec<&str> = role.unwrap_or_default().split(':').collect();
        let (partition, account) = match parts.as_slice() {
            ["arn", partition, "iam", "", account, ..] => (*partition, *account),
            _ => ("*", "*"),
        };
        Self {
            partition: partition.to_owned(),
            account: account.to_owned(),
            pipeline: pattern(&Text::of_name(&pipeline.name.value)).text,
        }
    }

    /// The account, if it is known.
    pub(super) fn known_account(&self) -> Option<&str> {
        Some(self.account.as_str()).filter(|account| *account != "*")
    }
}

/// An action or a rule, as far as resources go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) name: &'a str,
    pub(super) region: Option<&'a str>,
    pub(super) configuration: &'a ir::Configuration,
    pub(super) environment: &'a [ir::EnvironmentVariable],
}

/// Some text of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) text: String,
    /// A part is known only later, and stands as `*` in it.
    pub(super) is_open: bool,
}

/// What a text matches in a policy: what is known, with `*` for what is not.
pub(super) fn pattern(text: &Text) -> Pattern {
    let mut out = Pattern {
        text: String::new(),
        is_open: false,
    };
    for part in text.parts() {
        match part {
            TextPart::Literal(text) => out.text.push_str(&escape(text)),
            TextPart::Variable(_) | TextPart::Deploy(_) => {
                out.text.push('*');
                out.is_open = true;
            }
        }
    }
    out
}

/// Policies take `*`, `?` and `${` for more than they are.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '*' | '?' | '$' => out.push_str(&format!("${{{c}}}")),
            other => out.push(other),
        }
    }
    out
}

/// The resources that a template of `scopes.rs` stands for, and the configuration keys that leave them open.
pub(super) fn resources(template: &str, home: &Home, subject: Subject<'_>) -> (Vec<String>, Vec<String>) {
    let mut done = vec![String::new()];
    let mut open = Vec::new();
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        let Some(length) = rest[start..].find('}') else { break };
        done.iter_mut().for_each(|text| text.push_str(&rest[..start]));
        let placeholder = &rest[start + 1..start + length];
        rest = &rest[start + length + 1..];
        done = match placeholder {
            "partition" => extended(&done, &[&home.partition]),
            "account" => extended(&done, &[&home.account]),
            "pipeline" => extended(&done, &[&home.pipeline]),
            "region" => extended(&done, &[subject.region.unwrap_or("*")]),
            "secrets" => secrets(home, subject, &mut open),
            key => of_key(&done, key, subject, &mut open),
        };
    }
    done.iter_mut().for_each(|text| text.push_str(rest));
    (done, open)
}

/// Each beginning with each continuation; an ARN begins anew.
fn extended(beginnings: &[String], values: &[&str]) -> Vec<String> {
    let join = |beginning: &String, value: &str| match value.starts_with("arn:") {
        true => value.to_owned(),
        false => format!("{beginning}{value}"),
    };
    beginnings
        .iter()
        .flat_map(|beginning| values.iter().map(move |value| join(beginning, value)))
        .collect()
}

fn of_key(done: &[String], placeholder: &str, subject: Subject<'_>, open: &mut Vec<String>) -> Vec<String> {
    let (key, form) = placeholder.split_once('|').unwrap_or((placeholder, ""));
    let Some(entry) = subject.configuration.get(key) else {
        return extended(done, &["*"]);
    };
    let Pattern { text, is_open } = pattern(&entry.value);
    if is_open {
        open.push(key.to_owned());
    }
    match form {
        "each" => extended(done, &text.split(',').map(str::trim).collect::<Vec<_>>()),
        "name" if text.starts_with("arn:") => extended(done, &[text.rsplit('/').next().unwrap_or(&text)]),
        "execution" => extended(done, &[&text.replacen(":stateMachine:", ":execution:", 1)]),
        _ => extended(done, &[&text]),
    }
}

/// The secrets that the environment names: by ARN, or by a name to which Secrets Manager adds six characters.
fn secrets(home: &Home, subject: Subject<'_>, open: &mut Vec<String>) -> Vec<String> {
    let secrets = subject.environment.iter();
    let secrets = secrets.filter(|variable| variable.kind == EnvironmentKind::SecretsManager);
    let mut out = Vec::new();
    for variable in secrets {
        let pattern = pattern(&variable.value.value);
        if pattern.is_open {
            open.push(variable.name.value.clone());
        }
        // Behind it: the key within the secret, and its version.
        let parts: Vec<&str> = pattern.text.split(':').collect();
        out.push(match parts.as_slice() {
            ["arn", ..] => parts[..parts.len().min(7)].join(":"),
            _ => {
                let (partition, account) = (&home.partition, &home.account);
                let region = subject.region.unwrap_or("*");
                let name = parts.first().copied().unwrap_or("*");
                format!("arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-??????")
            }
        });
    }
    out
}
