//! The form of a buildspec, versions 0.1 and 0.2, and the words for what is wrong with one.

use std::collections::BTreeMap;
use std::fmt;

use regex::Regex;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A buildspec as it was written, and checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    pub version: String,
    #[serde(default, rename = "run-as")]
    pub run_as: Option<String>,
    #[serde(default)]
    pub env: Option<Env>,
    /// Version 0.1's `env`.
    #[serde(default)]
    pub environment_variables: Option<OldEnv>,
    pub phases: Phases,
    #[serde(default)]
    pub artifacts: Option<Artifacts>,
    #[serde(default)]
    pub reports: Option<Value>,
    #[serde(default)]
    pub cache: Option<Value>,
    #[serde(default)]
    pub batch: Option<Value>,
    #[serde(default)]
    pub proxy: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Env {
    pub shell: Option<String>,
    #[serde(default)]
    pub variables: Option<BTreeMap<String, Option<String>>>,
    #[serde(default)]
    pub parameter_store: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub secrets_manager: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub exported_variables: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
pub struct OldEnv {
    #[serde(default)]
    pub plaintext: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phases {
    #[serde(default)]
    pub install: Option<Phase>,
    #[serde(default)]
    pub pre_build: Option<Phase>,
    #[serde(default)]
    pub build: Option<Phase>,
    #[serde(default)]
    pub post_build: Option<Phase>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Phase {
    #[serde(default)]
    pub run_as: Option<String>,
    #[serde(default)]
    pub on_failure: Option<OnFailure>,
    #[serde(default)]
    pub runtime_versions: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub commands: Option<Commands>,
    #[serde(default)]
    pub finally: Option<Commands>,
}

/// A list of commands; each is a string.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commands(pub Vec<String>);

impl<'de> Deserialize<'de> for Commands {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Commands;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of commands")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Commands, A::Error> {
                let mut out = Vec::new();
                while let Some(Command(command)) = items.next_element()? {
                    out.push(command);
                }
                Ok(Commands(out))
            }
        }
        // Not by the parser's own words: they know nothing of commands.
        deserializer
            .deserialize_seq(List)
            .map_err(|error| match error.to_string() {
                text if text.contains("expected sequence") => {
                    de::Error::custom("expected a list of commands, each on a line of its own after a dash")
                }
                _ => error,
            })
    }
}

struct Command(String);

impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Command;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a command, which is a string: put it in quotes if it holds a colon and a blank, or begins with a special character")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Command, E> {
                Ok(Command(text.to_owned()))
            }
        }
        // As text, so that `true` and `1.10` keep their spelling; a mapping is what an unquoted colon makes of a command.
        deserializer.deserialize_string(Text).map_err(|_| {
            de::Error::custom(
                "a command is a string: put it in quotes if it holds a colon and a blank, or begins with a special character",
            )
        })
    }
}

/// What a failing phase does.
#[derive(Clone, Debug)]
pub enum OnFailure {
    Abort,
    Continue,
    /// Again, at most so often, if the error matches.
    Retry {
        count: u32,
        pattern: Option<Regex>,
    },
}

impl<'de> Deserialize<'de> for OnFailure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_on_failure(&text).map_err(de::Error::custom)
    }
}

/// `ABORT`, `CONTINUE`, `RETRY`, `RETRY-<count>`, `RETRY-<regex>`, `RETRY-<count>-<regex>`.
fn parse_on_failure(text: &str) -> Result<OnFailure, String> {
    const DEFAULT_COUNT: u32 = 3;
    match text {
        "ABORT" => return Ok(OnFailure::Abort),
        "CONTINUE" => return Ok(OnFailure::Continue),
        "RETRY" => {
            return Ok(OnFailure::Retry {
                count: DEFAULT_COUNT,
                pattern: None,
            });
        }
        _ => {}
    }
    let rest = text.strip_prefix("RETRY-").ok_or_else(|| {
        format!("`on-failure: {text}` is none of ABORT, CONTINUE, RETRY, RETRY-<count>, RETRY-<pattern>")
    })?;
    let (count, pattern) = match rest.split_once('-') {
        Some((count, pattern)) if is_number(count) => (Some(count), Some(pattern)),
        None if is_number(rest) => (Some(rest), None),
        _ => (None, Some(rest)),
    };
    let count = count.map_or(Ok(DEFAULT_COUNT), |count| {
        let count = count.parse().ok().filter(|count| *count <= 100);
        count.ok_or_else(|| format!("`on-failure: {text}`: the count must be from 0 to 100"))
    })?;
    let pattern = pattern
        .map(|pattern| {
            Regex::new(pattern).map_err(|_| format!("`on-failure: {text}`: `{pattern}` is not a regular expression"))
        })
        .transpose()?;
    Ok(OnFailure::Retry { count, pattern })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Artifacts {
    #[serde(default)]
    pub files: Option<OneOrMany>,
    #[serde(default)]
    pub discard_paths: Option<Switch>,
    #[serde(default)]
    pub base_directory: Option<String>,
    #[serde(default)]
    pub exclude_paths: Option<OneOrMany>,
    #[serde(default)]
    pub secondary_artifacts: Option<BTreeMap<String, Artifacts>>,
}

/// A list; one string stands for a list of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OneOrMany(pub Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Many(Vec<String>),
            One(String),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::One(one) => Self(vec![one]),
            Either::Many(many) => Self(many),
        })
    }
}

/// `yes` or `no`, as a word or a boolean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Switch(pub bool);

impl<'de> Deserialize<'de> for Switch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.to_ascii_lowercase().as_str() {
            "yes" | "true" | "on" | "y" => Ok(Self(true)),
            "no" | "false" | "off" | "n" => Ok(Self(false)),
            _ => Err(de::Error::custom(format!("`{text}` is neither yes nor no"))),
        }
    }
}

impl Spec {
    /// Reads a buildspec; a problem comes with its place, `buildspec.yml:4:7: …`.
    pub fn parse(text: &str, name: &str) -> Result<Self, String> {
        let options = serde_saphyr::options! { with_snippet: false };
        let spec: Self = serde_saphyr::from_str_with_options(text, options).map_err(|error| problem(name, &error))?;
        spec.check().map_err(|problem| format!("{name}: {problem}"))?;
        Ok(spec)
    }

    fn check(&self) -> Result<(), String> {
        if !matches!(self.version.trim(), "0.1" | "0.2") {
            return Err(format!("the version is `{}`; there are 0.1 and 0.2", self.version));
        }
        let mut any = false;
        for (name, phase) in self.phases() {
            any = true;
            if phase.commands.is_none() && name != "install" {
                return Err(format!("the phase `{name}` has no `commands`"));
            }
        }
        if !any {
            return Err("there is no phase in `phases`: install, pre_build, build or post_build".to_owned());
        }
        Ok(())
    }

    /// The phases there are, in their order.
    pub fn phases(&self) -> impl Iterator<Item = (&'static str, &Phase)> {
        let phases = &self.phases;
        [
            ("install", &phases.install),
            ("pre_build", &phases.pre_build),
            ("build", &phases.build),
            ("post_build", &phases.post_build),
        ]
        .into_iter()
        .filter_map(|(name, phase)| Some((name, phase.as_ref()?)))
    }

    pub fn is_old(&self) -> bool {
        self.version.trim() == "0.1"
    }

    /// The plain variables, of either version.
    pub fn variables(&self) -> impl Iterator<Item = (&String, &str)> {
        let new = self.env.as_ref().and_then(|env| env.variables.as_ref());
        let old = self
            .environment_variables
            .as_ref()
            .and_then(|env| env.plaintext.as_ref());
        let all = old.into_iter().chain(new).flatten();
        all.map(|(name, value)| (name, value.as_deref().unwrap_or_default()))
    }

    pub fn exported(&self) -> Vec<&str> {
        let exported = self.env.as_ref().and_then(|env| env.exported_variables.as_ref());
        exported.into_iter().flatten().map(String::as_str).collect()
    }
}

fn problem(name: &str, error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    let text = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("it is not YAML")
        .trim();
    let text = text.trim_start_matches("error: ");
    let text = text.replace(
        "expected string scalar",
        "here must be a string: put it in quotes if it holds a colon and a blank, or begins with a special character",
    );
    let text = text.replace(
        "expected sequence start",
        "here must be a list, such as a list of commands",
    );
    match error.location() {
        Some(at) => {
            let place = format!(" at line {}, column {}", at.line(), at.column());
            format!("{name}:{}:{}: {}", at.line(), at.column(), text.replace(&place, ""))
        }
        None => format!("{name}: {text}"),
    }
}

/// Keys that CodeBuild does not know and does not mind, for a note.
pub fn unknown_keys(text: &str) -> Vec<String> {
    const KNOWN: &[(&str, &[&str])] = &[
        (
            "env",
            &[
                "shell",
                "variables",
                "parameter-store",
                "secrets-manager",
                "exported-variables",
                "git-credential-helper",
            ],
        ),
        (
            "artifacts",
            &[
                "files",
                "name",
                "discard-paths",
                "base-directory",
                "exclude-paths",
                "enable-symlinks",
                "s3-prefix",
                "secondary-artifacts",
                "type",
            ],
        ),
    ];
    let Ok(Value::Object(spec)) = serde_saphyr::from_str::<Value>(text) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for (section, known) in KNOWN {
        let keys = spec
            .get(*section)
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|section| section.keys());
        out.extend(
            keys.filter(|key| !known.contains(&key.as_str()))
                .map(|key| format!("{section}.{key}")),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem_of(text: &str) -> String {
        Spec::parse(text, "b.yml").unwrap_err()
    }

    #[test]
    fn both_versions_are_read() {
        let new = Spec::parse(
            "version: 0.2\nenv:\n  variables:\n    A: 1.0\n    B: yes\n    C: $PATH:/x\n  exported-variables: [T]\nphases:\n  build:\n    commands:\n      - echo hi\n      - true\n",
            "b.yml",
        )
        .unwrap();
        let variables: Vec<(&str, &str)> = new.variables().map(|(name, value)| (name.as_str(), value)).collect();
        assert_eq!(variables, [("A", "1.0"), ("B", "yes"), ("C", "$PATH:/x")]);
        assert_eq!(
            new.phases.build.as_ref().unwrap().commands.as_ref().unwrap().0,
            ["echo hi", "true"]
        );
        assert_eq!(new.exported(), ["T"]);
        let old =
            "version: 0.1\nenvironment_variables:\n  plaintext:\n    A: b\nphases:\n  build:\n    commands: [ls]\n";
        let old = Spec::parse(old, "b.yml").unwrap();
        assert!(old.is_old());
        assert_eq!(old.variables().count(), 1);
    }

    #[test]
    fn problems_have_places() {
        let phases = |text: &str| format!("version: 0.2\nphases:\n{text}");
        let colon = problem_of(&phases("  build:\n    commands:\n      - echo a: b\n"));
        assert!(colon.starts_with("b.yml:5:"), "{colon}");
        assert!(colon.contains("in quotes"), "{colon}");
        let phase = problem_of(&phases("  prebuild:\n    commands: [ls]\n"));
        assert!(phase.starts_with("b.yml:3:") && phase.contains("pre_build"), "{phase}");
        let scalar = problem_of(&phases("  build:\n    commands: ls\n"));
        assert!(
            scalar.starts_with("b.yml:4:") && scalar.contains("list of commands"),
            "{scalar}"
        );
        let yaml = problem_of("version: 0.2\nphases: [\n");
        assert!(yaml.starts_with("b.yml:"), "{yaml}");
        assert!(problem_of(&phases("  build:\n    finally: [ls]\n")).contains("has no `commands`"));
        assert!(problem_of("version: 0.3\nphases:\n  build:\n    commands: [ls]\n").contains("0.1 and 0.2"));
        assert!(problem_of(&phases("  build:\n    on-failure: STOP\n    commands: [ls]\n")).contains("none of ABORT"));
    }

    #[test]
    fn retries() {
        let retry = |text: &str| match parse_on_failure(text) {
            Ok(OnFailure::Retry { count, pattern }) => (count, pattern.map(|pattern| pattern.to_string())),
            other => panic!("{other:?}"),
        };
        assert_eq!(retry("RETRY"), (3, None));
        assert_eq!(retry("RETRY-5"), (5, None));
        assert_eq!(retry("RETRY-time.*out"), (3, Some("time.*out".to_owned())));
        assert_eq!(retry("RETRY-2-a-b"), (2, Some("a-b".to_owned())));
        assert!(parse_on_failure("RETRY-101").is_err());
        assert!(parse_on_failure("RETRY-(").is_err());
    }

    #[test]
    fn unknown_keys_are_noted() {
        let text = "version: 0.2\nenv:\n  region: x\nphases:\n  build:\n    commands: [ls]\nartifacts:\n  type: zip\n  files: '**/*'\n";
        assert!(Spec::parse(text, "b.yml").is_ok());
        assert_eq!(unknown_keys(text), ["env.region"]);
    }
}
