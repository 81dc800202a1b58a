//! The values in a buildspec that are more than text.

use std::fmt;

use regex::Regex;
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

/// A list of commands; each is a string. One of which only a comment is left (`- # make`) is empty, and does nothing.
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
                while let Some(command) = items.next_element::<Option<Command>>()? {
                    out.push(command.map_or(String::new(), |Command(text)| text));
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
                f.write_str("a command")
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

/// A list of strings; one string stands for a list of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OneOrMany(pub Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Either {
            Many(Vec<String>),
            One(String),
        }
        let either = Either::deserialize(deserializer)
            .map_err(|_| de::Error::custom("here must be a list of strings, each after a dash"))?;
        Ok(match either {
            Either::One(one) => Self(vec![one]),
            Either::Many(many) => Self(many),
        })
    }
}

/// `yes` or `no`, as a word or a boolean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// What a cache is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheAction {
    Restore,
    Save,
}

/// The formats of reports that CodeBuild reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    JunitXml,
    CucumberJson,
    NunitXml,
    Nunit3Xml,
    TestngXml,
    VisualStudioTrx,
    CloverXml,
    CoberturaXml,
    JacocoXml,
    SimpleCov,
}

impl ReportFormat {
    const ALL: [(&str, Self); 10] = [
        ("JUNITXML", Self::JunitXml),
        ("CUCUMBERJSON", Self::CucumberJson),
        ("NUNITXML", Self::NunitXml),
        ("NUNIT3XML", Self::Nunit3Xml),
        ("TESTNGXML", Self::TestngXml),
        ("VISUALSTUDIOTRX", Self::VisualStudioTrx),
        ("CLOVERXML", Self::CloverXml),
        ("COBERTURAXML", Self::CoberturaXml),
        ("JACOCOXML", Self::JacocoXml),
        ("SIMPLECOV", Self::SimpleCov),
    ];

    /// By its name in any case; without a name it is JUnit's.
    pub fn from_name(name: Option<&str>) -> Option<Self> {
        let Some(name) = name else { return Some(Self::JunitXml) };
        Self::ALL
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name.trim()))
            .map(|(_, format)| format)
    }

    pub fn name(self) -> &'static str {
        let found = Self::ALL.into_iter().find(|(_, format)| *format == self);
        found.map_or("", |(name, _)| name)
    }

    pub fn names() -> impl ExactSizeIterator<Item = &'static str> + Clone {
        Self::ALL.into_iter().map(|(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn formats_have_names_in_any_case() {
        assert_eq!(ReportFormat::from_name(None), Some(ReportFormat::JunitXml));
        assert_eq!(ReportFormat::from_name(Some("JunitXml")), Some(ReportFormat::JunitXml));
        assert_eq!(ReportFormat::from_name(Some("JUNIT")), None);
        assert_eq!(ReportFormat::Nunit3Xml.name(), "NUNIT3XML");
    }
}
