//! What can be said against a buildspec that has the right form: what CodeBuild refuses, and what its author should know.

use super::places::Places;
use super::values::ReportFormat;
use super::{Artifacts, Spec};
use crate::diagnostic::suggest::{listed, nearest};
use crate::run::secrets::Reference;

/// The most report groups of a build, and the most fallback keys of a cache.
const MOST_REPORT_GROUPS: usize = 5;
const MOST_FALLBACK_KEYS: usize = 5;

/// Fails with the first thing for which CodeBuild would not begin.
pub(super) fn problems(spec: &Spec, places: &Places) -> Result<(), String> {
    version_and_phases(spec, places)?;
    if let Some(env) = &spec.env {
        for (name, reference) in env.secrets_manager.iter().flatten() {
            Reference::parse(reference).map_err(|problem| places.at(&["env", "secrets-manager", name], &problem))?;
        }
    }
    if let Some(batch) = &spec.batch {
        batch.tasks().map_err(|problem| places.at(&["batch"], &problem))?;
    }
    let Some(cache) = &spec.cache else { return Ok(()) };
    let fallbacks = cache.fallback_keys.as_ref().map_or(0, Vec::len);
    if fallbacks > MOST_FALLBACK_KEYS {
        let message = format!("a cache has at most {MOST_FALLBACK_KEYS} `fallback-keys`, not {fallbacks}");
        return Err(places.at(&["cache", "fallback-keys"], &message));
    }
    if cache.paths.is_none() {
        return Err(places.at(&["cache"], "`cache` has no `paths`"));
    }
    Ok(())
}

fn version_and_phases(spec: &Spec, places: &Places) -> Result<(), String> {
    if !matches!(spec.version.trim(), "0.1" | "0.2") {
        let message = format!("the version is `{}`; there are 0.1 and 0.2", spec.version);
        return Err(places.at(&["version"], &message));
    }
    for (name, phase) in spec.phases() {
        if phase.commands.is_none() && name != "install" {
            let message = format!("the phase `{name}` has no `commands`");
            return Err(places.at(&["phases", name], &message));
        }
        if phase
            .runtime_versions
            .as_ref()
            .is_some_and(|versions| versions.is_empty())
        {
            let message = "`runtime-versions` names no runtime";
            return Err(places.at(&["phases", name, "runtime-versions"], message));
        }
    }
    if spec.phases().next().is_none() {
        let message = "there is no phase in `phases`: install, pre_build, build or post_build";
        return Err(places.at(&["phases"], message));
    }
    Ok(())
}

/// What CodeBuild takes without a word, and its author may not have meant.
pub(super) fn warnings(spec: &Spec, places: &Places) -> Vec<String> {
    let mut out = Warnings {
        places,
        list: Vec::new(),
    };
    out.versions(spec);
    out.variables(spec);
    out.exported(spec);
    out.reports(spec);
    out.artifacts(spec);
    out.cache(spec);
    out.commands(spec);
    out.list
}

struct Warnings<'a> {
    places: &'a Places,
    list: Vec<String>,
}

impl Warnings<'_> {
    fn add(&mut self, path: &[&str], message: impl AsRef<str>) {
        self.list.push(self.places.at(path, message.as_ref()));
    }

    fn versions(&mut self, spec: &Spec) {
        if spec.is_old() {
            self.add(
                &["version"],
                "version 0.1 runs each command in a shell of its own: `cd` and `export` do not last; 0.2 keeps them",
            );
            if spec.env.is_some() {
                self.add(
                    &["env"],
                    "`env` is of version 0.2; version 0.1 has `environment_variables`",
                );
            }
        } else if spec.environment_variables.is_some() {
            self.add(
                &["environment_variables"],
                "`environment_variables` is of version 0.1; version 0.2 has `env`",
            );
        }
        for (name, phase) in spec.phases().filter(|(name, _)| *name != "install") {
            if phase.runtime_versions.is_some() {
                let path = ["phases", name, "runtime-versions"];
                self.add(&path, "only the phase `install` has `runtime-versions`");
            }
        }
    }

    fn variables(&mut self, spec: &Spec) {
        let section = if spec.is_old() {
            ["environment_variables", "plaintext"]
        } else {
            ["env", "variables"]
        };
        for (name, value) in spec.variables() {
            let path = [section[0], section[1], name];
            if name.starts_with("CODEBUILD_") {
                self.add(&path, format!("`{name}`: names with `CODEBUILD_` belong to CodeBuild"));
            }
            if let Some(variable) = super::super::expand::names_in(value).next() {
                self.add(
                    &path,
                    format!("the value of `{name}` is taken as it is written: `${variable}` in it is not replaced"),
                );
            }
        }
        let Some(env) = &spec.env else { return };
        for (name, reference) in env.secrets_manager.iter().flatten() {
            if Reference::parse(reference).is_ok_and(|reference| reference.is_of_older_version()) {
                self.add(
                    &["env", "secrets-manager", name],
                    format!("`{reference}`: of each secret there is one version on this machine"),
                );
            }
        }
    }

    fn exported(&mut self, spec: &Spec) {
        let path = ["env", "exported-variables"];
        let given: Vec<&str> = spec.variables().map(|(name, _)| name.as_str()).collect();
        let looked_up = spec.env.iter().flat_map(|env| {
            let parameters = env.parameter_store.iter().flatten();
            parameters
                .chain(env.secrets_manager.iter().flatten())
                .map(|(name, _)| name)
        });
        let looked_up: Vec<&String> = looked_up.collect();
        // A script that is read in may set anything.
        let reads_scripts = spec.commands().any(|command| {
            let mut words = command.split([' ', '\t', '\n', ';', '&', '(']);
            words.any(|word| word == "." || word == "source" || word == "eval")
        });
        for name in spec.exported() {
            if name.starts_with("AWS_") {
                self.add(&path, format!("`{name}` is not exported: names with `AWS_` cannot be"));
            } else if !reads_scripts
                && !given.contains(&name)
                && !name.starts_with("CODEBUILD_")
                && !looked_up.iter().any(|known| *known == name)
                && !spec.commands().any(|command| command.contains(name))
            {
                self.add(&path, format!("`{name}` is exported, and no command names it"));
            }
        }
    }

    fn reports(&mut self, spec: &Spec) {
        let groups = spec.reports.iter().flatten();
        let count = groups.clone().count();
        if count > MOST_REPORT_GROUPS {
            self.add(
                &["reports"],
                format!("a project has at most {MOST_REPORT_GROUPS} report groups, not {count}"),
            );
        }
        for (name, report) in groups {
            let path = ["reports", name, "file-format"];
            let Some(report) = report else { continue };
            if report.files.is_none() {
                self.add(&path[..2], format!("the report `{name}` has no `files`"));
            }
            let format = report.file_format.as_deref();
            if ReportFormat::from_name(format).is_none() {
                let format = format.unwrap_or_default();
                let upper = format.to_ascii_uppercase();
                let begun = || ReportFormat::names().find(|name| !upper.is_empty() && name.starts_with(&upper));
                let hint = match nearest(&upper, ReportFormat::names()).or_else(begun) {
                    Some(near) => format!("; did you mean `{near}`?"),
                    None => format!("; there are {}", listed(ReportFormat::names())),
                };
                self.add(&path, format!("`{format}` is no format of reports{hint}"));
            }
        }
    }

    fn artifacts(&mut self, spec: &Spec) {
        let Some(artifacts) = &spec.artifacts else { return };
        let has_nothing = |artifacts: &Artifacts| artifacts.files.as_ref().is_none_or(|files| files.0.is_empty());
        if has_nothing(artifacts) {
            self.add(&["artifacts"], "`artifacts` has no `files`");
        }
        for (name, secondary) in artifacts.secondary_artifacts.iter().flatten() {
            if has_nothing(secondary) {
                self.add(
                    &["artifacts", "secondary-artifacts", name],
                    format!("the secondary artifact `{name}` has no `files`"),
                );
            }
        }
    }

    fn cache(&mut self, spec: &Spec) {
        let Some(cache) = &spec.cache else { return };
        if cache.key.is_none() && cache.fallback_keys.is_some() {
            self.add(
                &["cache", "fallback-keys"],
                "`fallback-keys` have no effect without a `key`",
            );
        }
    }

    fn commands(&mut self, spec: &Spec) {
        let stops_at_errors = |command: &str| {
            ["set -e", "set -o errexit", "set -xe", "set -ue", "set -uxe"]
                .iter()
                .any(|set| command.contains(set))
        };
        // An option of the one shell holds for all that follows.
        let mut is_safe = false;
        for (name, phase) in spec.phases() {
            for (key, list) in [("commands", &phase.commands), ("finally", &phase.finally)] {
                let commands = list.iter().flat_map(|list| &list.0);
                if let Some(at) = commands.clone().position(|command| command.trim().is_empty()) {
                    let message = format!("command {} is empty, and does nothing", at + 1);
                    self.add(&["phases", name, key], message);
                }
                for command in commands {
                    is_safe = stops_at_errors(command) || (is_safe && !spec.is_old());
                    if !is_safe && hides_failures(command) {
                        let first = command
                            .lines()
                            .map(str::trim)
                            .find(|line| is_work(line))
                            .unwrap_or_default();
                        self.add(
                            &["phases", name, key],
                            format!(
                                "the block with `{first}` goes on after a failing line, and only its last line counts: begin it with `set -e`"
                            ),
                        );
                    }
                }
            }
        }
    }
}

/// Whether a block of several simple commands goes on after the first that fails. Of anything with structure it is not said.
fn hides_failures(command: &str) -> bool {
    const STRUCTURE: &[&str] = &[
        "if", "for", "while", "until", "case", "function", "{", "}", "(", ")", "then", "else", "do", "done", "fi",
        "esac",
    ];
    let lines: Vec<&str> = command.lines().map(str::trim).filter(|line| is_work(line)).collect();
    let has_structure = command.contains("<<")
        || command.contains("() ")
        || command.contains("()\n")
        || lines.iter().any(|line| {
            let first = line.split([' ', ';', '(']).next().unwrap_or_default();
            first.is_empty() || STRUCTURE.contains(&first)
        });
    let continues = |line: &&str| ["\\", "&&", "||", "|", ";"].iter().any(|end| line.ends_with(end));
    !has_structure && lines.len() > 1 && !lines.iter().any(continues) && !command.contains(['\'', '"', '`'])
}

/// Whether a line does something that can fail.
fn is_work(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#') && !line.starts_with("echo ")
}

#[cfg(test)]
mod tests {
    use super::super::Spec;

    fn warnings(text: &str) -> Vec<String> {
        Spec::read(text, "b.yml").unwrap().warnings
    }

    fn problem(text: &str) -> String {
        Spec::read(text, "b.yml").unwrap_err()
    }

    const BUILD: &str = "phases:\n  build:\n    commands: [ls]\n";

    #[test]
    fn what_codebuild_refuses_is_refused() {
        let good = format!("version: 0.2\n{BUILD}");
        assert!(warnings(&good).is_empty());
        let refused = [
            (
                "version: 0.3\nphases: {build: {commands: [ls]}}\n".to_owned(),
                "b.yml:1:1: the version is `0.3`",
            ),
            (
                "version: 0.2\nphases:\n  build:\n    finally: [ls]\n".to_owned(),
                "b.yml:3:3: the phase `build` has no `commands`",
            ),
            ("version: 0.2\nphases: {}\n".to_owned(), "b.yml:2:1: there is no phase"),
            (
                format!("version: 0.2\nenv:\n  secrets-manager:\n    T: 'a:b:c:d'\n{BUILD}"),
                "b.yml:4:5: `a:b:c:d`",
            ),
            (
                format!("version: 0.2\nbatch:\n  build-list: [{{identifier: a-b}}]\n{BUILD}"),
                "b.yml:2:1: the identifier `a-b`",
            ),
            (
                format!("version: 0.2\n{BUILD}cache:\n  key: x\n"),
                "b.yml:5:1: `cache` has no `paths`",
            ),
            (
                format!("version: 0.2\n{BUILD}cache:\n  paths: [a]\n  fallback-keys: [a, b, c, d, e, f]\n"),
                "b.yml:7:3: a cache has at most 5",
            ),
            (
                "version: 0.2\nphases:\n  install:\n    runtime-versions: {}\n".to_owned(),
                "b.yml:4:5: `runtime-versions` names no runtime",
            ),
        ];
        for (text, expected) in refused {
            let problem = problem(&text);
            assert!(problem.starts_with(expected), "{problem}");
        }
    }

    #[test]
    fn what_codebuild_takes_without_a_word_is_warned_of() {
        let warned = [
            (
                format!("version: 0.2\nenv:\n  variables:\n    CODEBUILD_X: a\n    P: $PATH:/x\n{BUILD}"),
                vec![
                    "b.yml:4:5: `CODEBUILD_X`",
                    "b.yml:5:5: the value of `P` is taken as it is written",
                ],
            ),
            (
                format!("version: 0.2\nenv:\n  exported-variables: [AWS_REGION, TAG]\n{BUILD}"),
                vec![
                    "b.yml:3:3: `AWS_REGION` is not exported",
                    "b.yml:3:3: `TAG` is exported, and no command",
                ],
            ),
            (
                format!("version: 0.2\n{BUILD}reports:\n  unit:\n    files: x\n    file-format: JUNIT\n"),
                vec!["b.yml:8:5: `JUNIT` is no format of reports; did you mean `JUNITXML`?"],
            ),
            (
                format!("version: 0.1\n{BUILD}"),
                vec!["b.yml:1:1: version 0.1 runs each command in a shell of its own"],
            ),
            (
                format!("version: 0.2\n{BUILD}cache: {{paths: [a], fallback-keys: [b]}}\n"),
                vec!["b.yml:5:21: `fallback-keys` have no effect"],
            ),
            (
                "version: 0.2\nphases:\n  build:\n    commands:\n      - |\n        make\n        make install\n"
                    .to_owned(),
                vec!["b.yml:4:5: the block with `make` goes on"],
            ),
        ];
        for (text, expected) in warned {
            let found = warnings(&text);
            assert_eq!(found.len(), expected.len(), "{text}: {found:?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(found.starts_with(expected), "{found}");
            }
        }
    }

    #[test]
    fn blocks_with_structure_or_set_e_are_left_alone() {
        for block in [
            "set -e\nmake\nmake install",
            "if true; then\n  make\nfi\nls",
            "make &&\nmake install",
            "make \\\n  install",
            "cat <<END\na\nEND\nls",
            "# a note\nmake",
            "echo hi\nmake",
        ] {
            let indented = block.replace('\n', "\n        ");
            let text = format!("version: 0.2\nphases:\n  build:\n    commands:\n      - |\n        {indented}\n");
            assert!(warnings(&text).is_empty(), "{block}: {:?}", warnings(&text));
        }
    }
}
