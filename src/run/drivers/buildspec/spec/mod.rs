//! The form of a buildspec, versions 0.1 and 0.2, and the words for what is wrong with one.

mod batch;
mod check;
mod places;
mod values;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use batch::{Batch, Task};
pub use values::{CacheAction, Commands, OnFailure, OneOrMany, ReportFormat, Switch};

/// A buildspec as it was written, and checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Spec {
    pub version: String,
    pub run_as: Option<String>,
    pub env: Option<Env>,
    /// Version 0.1's `env`.
    #[serde(rename = "environment_variables")]
    pub environment_variables: Option<OldEnv>,
    pub proxy: Option<Proxy>,
    pub batch: Option<Batch>,
    pub phases: Phases,
    pub reports: Option<BTreeMap<String, Option<Report>>>,
    pub artifacts: Option<Artifacts>,
    pub cache: Option<Cache>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Env {
    pub shell: Option<String>,
    pub variables: Option<BTreeMap<String, Option<String>>>,
    pub parameter_store: Option<BTreeMap<String, String>>,
    pub secrets_manager: Option<BTreeMap<String, String>>,
    pub exported_variables: Option<Vec<String>>,
    pub git_credential_helper: Option<Switch>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct OldEnv {
    pub plaintext: Option<BTreeMap<String, Option<String>>>,
}

/// How builds behind a proxy reach AWS.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Proxy {
    pub upload_artifacts: Option<Switch>,
    pub logs: Option<Switch>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Phases {
    pub install: Option<Phase>,
    pub pre_build: Option<Phase>,
    pub build: Option<Phase>,
    pub post_build: Option<Phase>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Phase {
    pub run_as: Option<String>,
    pub on_failure: Option<OnFailure>,
    pub runtime_versions: Option<BTreeMap<String, String>>,
    pub commands: Option<Commands>,
    pub finally: Option<Commands>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    pub files: Option<OneOrMany>,
    pub file_format: Option<String>,
    pub base_directory: Option<String>,
    pub discard_paths: Option<Switch>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Artifacts {
    pub files: Option<OneOrMany>,
    pub name: Option<String>,
    pub discard_paths: Option<Switch>,
    pub base_directory: Option<String>,
    pub exclude_paths: Option<OneOrMany>,
    pub enable_symlinks: Option<Switch>,
    pub s3_prefix: Option<String>,
    pub secondary_artifacts: Option<BTreeMap<String, Artifacts>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cache {
    pub key: Option<String>,
    pub fallback_keys: Option<Vec<String>>,
    pub action: Option<CacheAction>,
    pub paths: Option<OneOrMany>,
}

/// A buildspec that can be carried out, and what its author should know of it.
#[derive(Clone, Debug)]
pub struct Read {
    pub spec: Spec,
    /// Each with its place: `buildspec.yml:7: …`.
    pub warnings: Vec<String>,
}

impl Spec {
    /// Reads a buildspec; a problem comes with its place, `buildspec.yml:4:7: …`.
    pub fn parse(text: &str, name: &str) -> Result<Self, String> {
        Self::read(text, name).map(|read| read.spec)
    }

    /// As [`Spec::parse`], with the warnings.
    pub fn read(text: &str, name: &str) -> Result<Read, String> {
        let options = serde_saphyr::options! { with_snippet: false };
        let places = places::read(text, name);
        // Before the form as a whole: a misspelt name is a better explanation than what is missing because of it.
        places.refused_keys()?;
        let spec: Self = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            places
                .misspelt(&error.to_string())
                .unwrap_or_else(|| problem(name, &error))
        })?;
        check::problems(&spec, &places)?;
        let mut warnings = places.unknown_keys();
        warnings.extend(check::warnings(&spec, &places));
        Ok(Read { spec, warnings })
    }

    /// All phases that there can be, in their order.
    pub fn all_phases(&self) -> [(&'static str, Option<&Phase>); 4] {
        let phases = &self.phases;
        [
            ("install", phases.install.as_ref()),
            ("pre_build", phases.pre_build.as_ref()),
            ("build", phases.build.as_ref()),
            ("post_build", phases.post_build.as_ref()),
        ]
    }

    /// The phases there are, in their order.
    pub fn phases(&self) -> impl Iterator<Item = (&'static str, &Phase)> {
        let phases = self.all_phases().into_iter();
        phases.filter_map(|(name, phase)| Some((name, phase?)))
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

    pub fn exported(&self) -> impl Iterator<Item = &str> {
        let exported = self.env.as_ref().and_then(|env| env.exported_variables.as_ref());
        exported.into_iter().flatten().map(String::as_str)
    }

    /// The users that commands are to run as, each once.
    pub fn users(&self) -> Vec<&str> {
        let of_phases = self.phases().filter_map(|(_, phase)| phase.run_as.as_deref());
        let mut out: Vec<&str> = self.run_as.as_deref().into_iter().chain(of_phases).collect();
        out.sort_unstable();
        out.dedup();
        out
    }

    /// All commands, `finally` included.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        let lists = self.phases().flat_map(|(_, phase)| [&phase.commands, &phase.finally]);
        lists.flatten().flat_map(|list| &list.0).map(String::as_str)
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
    let text = text.replace("expected mapping start", "here must be a mapping, `name: value`");
    let text = text.replace(", set DuplicateKeyPolicy in Options if acceptable", "");
    let text = text.replace("duplicate mapping key:", "the same key twice:");
    match error.location() {
        Some(at) => {
            let place = format!(" at line {}, column {}", at.line(), at.column());
            let text = text.replace(&place, "");
            let text = match text.strip_prefix("missing field ") {
                Some(field) => format!("{field} is missing"),
                None => text,
            };
            format!("{name}:{}:{}: {text}", at.line(), at.column())
        }
        None => format!("{name}: {text}"),
    }
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
        assert!(new.exported().eq(["T"]));
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
    }
}
