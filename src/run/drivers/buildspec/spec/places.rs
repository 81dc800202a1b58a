//! Where in a buildspec what stands, and which keys have no meaning there.

use serde_saphyr::Location;

use crate::diagnostic::suggest::{listed, nearest};
use crate::run::yaml::{self, Node, Placed, place};

/// The text's maps and lists with the places of their keys; of a text that is no YAML, nothing.
pub(super) struct Places {
    name: String,
    root: Option<Placed>,
}

pub(super) fn read(text: &str, name: &str) -> Places {
    Places {
        name: name.to_owned(),
        root: yaml::read(text).ok(),
    }
}

/// What a key may hold, as far as its own keys are concerned.
#[derive(Clone, Copy)]
enum Form {
    /// No keys, or any.
    Free,
    Keys(&'static [(&'static str, Form)]),
    /// A map from names to this.
    Named(&'static Form),
    /// A list of this.
    Each(&'static Form),
}

use Form::{Each, Free, Keys, Named};

const PHASE: Form = Keys(&[
    ("run-as", Free),
    ("on-failure", Free),
    ("runtime-versions", Free),
    ("commands", Free),
    ("finally", Free),
]);

const ARTIFACT_KEYS: &[(&str, Form)] = &[
    ("files", Free),
    ("name", Free),
    ("discard-paths", Free),
    ("base-directory", Free),
    ("exclude-paths", Free),
    ("enable-symlinks", Free),
    ("s3-prefix", Free),
    // Of the guide's first years; it has no effect, and half of the world still writes it.
    ("type", Free),
];

const TASK_ENV: Form = Keys(&[
    ("compute-type", Free),
    ("fleet", Free),
    ("image", Free),
    ("privileged-mode", Free),
    ("type", Free),
    ("variables", Free),
]);

const TASK: Form = Keys(&[
    ("identifier", Free),
    ("buildspec", Free),
    ("debug-session", Free),
    ("depend-on", Free),
    ("env", TASK_ENV),
    ("ignore-failure", Free),
]);

const BUILDSPEC: Form = Keys(&[
    ("version", Free),
    ("run-as", Free),
    (
        "env",
        Keys(&[
            ("shell", Free),
            ("variables", Free),
            ("parameter-store", Free),
            ("secrets-manager", Free),
            ("exported-variables", Free),
            ("git-credential-helper", Free),
        ]),
    ),
    ("environment_variables", Keys(&[("plaintext", Free)])),
    ("proxy", Keys(&[("upload-artifacts", Free), ("logs", Free)])),
    (
        "batch",
        Keys(&[
            ("fast-fail", Free),
            ("build-graph", Each(&TASK)),
            ("build-list", Each(&TASK)),
            (
                "build-matrix",
                Keys(&[
                    ("static", Keys(&[("ignore-failure", Free), ("env", TASK_ENV)])),
                    ("dynamic", Keys(&[("buildspec", Free), ("env", TASK_ENV)])),
                ]),
            ),
            ("build-fanout", Keys(&[("parallelism", Free), ("ignore-failure", Free)])),
        ]),
    ),
    (
        "phases",
        Keys(&[
            ("install", PHASE),
            ("pre_build", PHASE),
            ("build", PHASE),
            ("post_build", PHASE),
        ]),
    ),
    (
        "reports",
        Named(&Keys(&[
            ("files", Free),
            ("file-format", Free),
            ("base-directory", Free),
            ("discard-paths", Free),
        ])),
    ),
    (
        "artifacts",
        Keys(&[
            ("files", Free),
            ("name", Free),
            ("discard-paths", Free),
            ("base-directory", Free),
            ("exclude-paths", Free),
            ("enable-symlinks", Free),
            ("s3-prefix", Free),
            ("type", Free),
            ("secondary-artifacts", Named(&Keys(ARTIFACT_KEYS))),
        ]),
    ),
    (
        "cache",
        Keys(&[
            ("key", Free),
            ("fallback-keys", Free),
            ("action", Free),
            ("paths", Free),
        ]),
    ),
]);

/// A key that means nothing where it stands.
struct Unknown {
    path: String,
    key: String,
    at: Location,
    known: Vec<&'static str>,
}

impl Unknown {
    fn near(&self) -> Option<&'static str> {
        nearest(&self.key, self.known.iter().copied())
    }

    /// `; did you mean `env`?`
    fn hint(&self) -> String {
        self.near()
            .map_or(String::new(), |near| format!("; did you mean `{near}`?"))
    }
}

impl Places {
    /// Fails for names that CodeBuild has a fixed set of, and does not ignore: those of the phases.
    pub(super) fn refused_keys(&self) -> Result<(), String> {
        match self.all_unknown().into_iter().find(|unknown| unknown.path == "phases") {
            None => Ok(()),
            Some(unknown) => {
                let hint = match unknown.hint() {
                    hint if hint.is_empty() => format!("; there are {}", listed(unknown.known.iter().copied())),
                    hint => hint,
                };
                let message = format!("there is no phase `{}`{hint}", unknown.key);
                Err(self.located(Some(unknown.at), &message))
            }
        }
    }

    /// Warnings for keys that CodeBuild does not know and does not mind.
    pub(super) fn unknown_keys(&self) -> Vec<String> {
        let warning = |unknown: Unknown| {
            let place = if unknown.path.is_empty() {
                "a buildspec".to_owned()
            } else {
                format!("`{}`", unknown.path)
            };
            let message = format!(
                "the key `{}` has no meaning in {place}, and is ignored{}",
                unknown.key,
                unknown.hint()
            );
            self.located(Some(unknown.at), &message)
        };
        self.all_unknown().into_iter().map(warning).collect()
    }

    /// What is wrong if something is missing because its name is misspelt.
    pub(super) fn misspelt(&self, problem: &str) -> Option<String> {
        let (_, rest) = problem.split_once("missing field `")?;
        let (missing, _) = rest.split_once('`')?;
        let is_meant = |unknown: &Unknown| unknown.near() == Some(missing);
        let unknown = self.all_unknown().into_iter().find(is_meant)?;
        let message = format!(
            "`{missing}` is missing, and `{}` has no meaning{}",
            unknown.key,
            unknown.hint()
        );
        Some(self.located(Some(unknown.at), &message))
    }

    fn all_unknown(&self) -> Vec<Unknown> {
        let mut out = Vec::new();
        if let Some(root) = &self.root {
            collect(&root.value, BUILDSPEC, "", &mut out);
        }
        out
    }

    /// A message with the place of a key: `["phases", "build"]`. Of a key that is not there, that of the innermost map around it.
    pub(super) fn at(&self, path: &[&str], message: &str) -> String {
        let mut node = self.root.as_ref();
        let mut at = None;
        for part in path {
            let Some(Node::Map(entries)) = node.map(|node| &node.value) else {
                break;
            };
            let Some((key, value)) = entries.iter().find(|(key, _)| key.value == *part) else {
                break;
            };
            at = Some(key.referenced);
            node = Some(value);
        }
        self.located(at, message)
    }

    fn located(&self, at: Option<Location>, message: &str) -> String {
        match at.and_then(place) {
            Some((line, column)) => format!("{}:{line}:{column}: {message}", self.name),
            None => format!("{}: {message}", self.name),
        }
    }
}

fn collect(node: &Node, form: Form, path: &str, out: &mut Vec<Unknown>) {
    match (node, form) {
        (Node::Map(entries), Keys(known)) => {
            for (key, value) in entries {
                match known.iter().find(|(name, _)| *name == key.value) {
                    Some((name, form)) => collect(&value.value, *form, &joined(path, name), out),
                    None => out.push(Unknown {
                        path: path.to_owned(),
                        key: key.value.clone(),
                        at: key.referenced,
                        known: known.iter().map(|(name, _)| *name).collect(),
                    }),
                }
            }
        }
        (Node::Map(entries), Named(form)) => {
            for (key, value) in entries {
                collect(&value.value, *form, &joined(path, &key.value), out);
            }
        }
        (Node::List(items), Each(form)) => {
            for item in items {
                collect(&item.value, *form, path, out);
            }
        }
        _ => {}
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_noted_with_their_places() {
        let text = "version: 0.2\nenviroment: {}\nenv:\n  varaibles: {A: b}\nartifacts:\n  type: zip\n  secondary-artifacts:\n    a:\n      fils: x\nbatch:\n  build-list:\n    - identifer: x\n";
        let places = read(text, "b.yml");
        assert_eq!(
            places.unknown_keys(),
            [
                "b.yml:2:1: the key `enviroment` has no meaning in a buildspec, and is ignored",
                "b.yml:4:3: the key `varaibles` has no meaning in `env`, and is ignored; did you mean `variables`?",
                "b.yml:9:7: the key `fils` has no meaning in `artifacts.secondary-artifacts.a`, and is ignored; did you mean `files`?",
                "b.yml:12:7: the key `identifer` has no meaning in `batch.build-list`, and is ignored; did you mean `identifier`?",
            ]
        );
    }

    #[test]
    fn any_value_may_stand_beside_an_unknown_key() {
        let text =
            "version: 0.2\nenv:\n  variables:\n    A: !!binary aGk=\n    B: !!set {a, b}\n    C: !mine 1\nenvs: 1.5\n";
        assert_eq!(
            read(text, "b.yml").unknown_keys(),
            ["b.yml:7:1: the key `envs` has no meaning in a buildspec, and is ignored; did you mean `env`?"]
        );
    }

    #[test]
    fn phases_have_fixed_names() {
        let problem = |phase: &str| {
            let text = format!("version: 0.2\nphases:\n  {phase}: {{commands: [ls]}}\n");
            read(&text, "b.yml").refused_keys().unwrap_err()
        };
        assert_eq!(
            problem("prebuild"),
            "b.yml:3:3: there is no phase `prebuild`; did you mean `pre_build`?"
        );
        assert_eq!(
            problem("deploy"),
            "b.yml:3:3: there is no phase `deploy`; there are `install`, `pre_build`, `build`, `post_build`"
        );
    }

    #[test]
    fn a_message_stands_at_the_innermost_key_there_is() {
        let places = read("version: 0.2\nphases:\n  build:\n    finally: [ls]\n", "b.yml");
        assert_eq!(places.at(&["phases", "build", "commands"], "x"), "b.yml:3:3: x");
        assert_eq!(places.at(&["cache"], "x"), "b.yml: x");
        assert_eq!(read("a: [", "b.yml").at(&["a"], "x"), "b.yml: x");
    }
}
