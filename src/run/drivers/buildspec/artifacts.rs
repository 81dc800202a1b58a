//! What a build gives: the files that its `artifacts` section selects. Patterns and folders are those of reports and caches too.
//!
//! Without `enable-symlinks` an artifact holds no links: it gets the files that they lead to.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use globset::GlobSet;

use super::expand::expand;
use super::spec::{Artifacts, OneOrMany, Spec};
use crate::diagnostic::suggest::nearest;
use crate::run::files;
use crate::run::outcome::Failure;

/// Files of an artifact: where each is (absolute, or below the source folder), and where it goes.
pub type Selected = Vec<(PathBuf, PathBuf)>;

/// A build's folder at its end, in which patterns are looked up.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The source folder.
    pub source: &'a Path,
    /// What the variables in patterns are.
    pub variables: &'a BTreeMap<String, String>,
}

/// The section for each of the action's outputs.
pub fn sections<'a>(spec: &'a Spec, outputs: &[&str]) -> Result<Vec<(String, &'a Artifacts)>, Failure> {
    let section = |output: &&str| {
        let Some(artifacts) = &spec.artifacts else {
            return Err(Failure::new(format!(
                "the buildspec has no `artifacts`, and the action has the output `{output}`"
            ))
            .with_help("add an `artifacts` section with `files`, or take the output away"));
        };
        // Of one output the name says nothing.
        if outputs.len() == 1 {
            return with_files(output, artifacts).map(|section| ((*output).to_owned(), section));
        }
        secondary(artifacts, output, output).map(|section| ((*output).to_owned(), section))
    };
    outputs.iter().map(section).collect()
}

/// The secondary artifact `name`, which becomes `output`.
pub fn secondary<'a>(artifacts: &'a Artifacts, name: &str, output: &str) -> Result<&'a Artifacts, Failure> {
    let known = artifacts.secondary_artifacts.iter().flatten();
    let Some((_, section)) = known.clone().find(|(known, _)| *known == name) else {
        let near = nearest(name, known.map(|(name, _)| name.as_str()));
        return Err(Failure::new(format!(
            "the buildspec has no secondary artifact `{name}`, which is an output of the action"
        ))
        .with_help(match near {
            Some(near) => {
                format!("did you mean `{near}`? each output must be called like one of `secondary-artifacts`")
            }
            None => format!("add `{name}` with its `files` to `secondary-artifacts`"),
        }));
    };
    with_files(output, section)
}

/// The section, if it says which files it has.
pub fn with_files<'a>(output: &str, section: &'a Artifacts) -> Result<&'a Artifacts, Failure> {
    match &section.files {
        Some(files) if !files.0.is_empty() => Ok(section),
        _ => Err(Failure::new(format!(
            "the `artifacts` section for the output `{output}` has no `files`"
        ))
        .with_help("name them: everything is `files: '**/*'`")),
    }
}

/// What was selected, and what is to be said of it.
#[derive(Debug, Default)]
pub struct Selection {
    pub files: Selected,
    pub notes: Vec<String>,
}

/// Selects the files of one artifact.
pub fn select(ground: Ground<'_>, artifacts: &Artifacts) -> Result<Selection, Failure> {
    let none = OneOrMany::default();
    let files = artifacts.files.as_ref().unwrap_or(&none);
    let patterns = ground.patterns(files);
    let include = files::set(patterns.iter().map(String::as_str))?;
    let exclude = ground.patterns(artifacts.exclude_paths.as_ref().unwrap_or(&none));
    let exclude = files::set(exclude.iter().map(String::as_str))?;
    let discard = artifacts.discard_paths.is_some_and(|switch| switch.0);
    let mut walk = Walk {
        include: &include,
        source: fs::canonicalize(ground.source)?,
        keeps_links: artifacts.enable_symlinks.is_some_and(|switch| switch.0),
        found: Vec::new(),
        notes: Vec::new(),
    };
    let mut out: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    for base in ground.bases(artifacts.base_directory.as_deref())? {
        let base = ground.source.join(base);
        walk.all_below(&base, Path::new(""), &mut Vec::new())?;
        for (path, from) in walk.found.drain(..) {
            if !include.is_match(&path) || exclude.is_match(&path) {
                continue;
            }
            let to = if discard {
                path.file_name().map(PathBuf::from).unwrap_or_default()
            } else {
                path
            };
            if let Some(other) = out.insert(to.clone(), from.clone()) {
                return Err(two_files(ground.source, &other, &from, &to));
            }
        }
    }
    if out.is_empty() {
        let patterns = files.0.join("`, `");
        return Err(Failure::new(format!(
            "no matching artifact paths found: nothing matches `{patterns}`"
        ))
        .with_help("a pattern names files: everything in a folder is `folder/**/*`"));
    }
    walk.notes.sort();
    Ok(Selection {
        files: out.into_iter().map(|(to, from)| (from, to)).collect(),
        notes: walk.notes,
    })
}

fn two_files(source: &Path, one: &Path, other: &Path, to: &Path) -> Failure {
    let relative = |path: &Path| path.strip_prefix(source).unwrap_or(path).display().to_string();
    let (one, other) = (relative(one), relative(other));
    Failure::new(format!(
        "`{one}` and `{other}` would be the same file `{}` in the artifact",
        to.display()
    ))
    .with_help("leave out `discard-paths`, or let one of them be called otherwise")
}

impl Ground<'_> {
    /// Patterns as they are matched: variables replaced, relative to the source folder.
    pub fn patterns(self, patterns: &OneOrMany) -> Vec<String> {
        patterns.0.iter().map(|pattern| self.pattern(pattern)).collect()
    }

    pub fn pattern(self, pattern: &str) -> String {
        let pattern = expand(pattern, self.variables);
        match Path::new(&pattern).strip_prefix(self.source) {
            Ok(relative) => relative.to_string_lossy().into_owned(),
            Err(_) => pattern,
        }
    }

    /// The folders to look in, relative to the source folder: the one that is named, or those at the top that match.
    pub fn bases(self, base: Option<&str>) -> Result<Vec<PathBuf>, Failure> {
        let Some(base) = base else {
            return Ok(vec![PathBuf::new()]);
        };
        let relative = self.pattern(base);
        let relative = Path::new(&relative).components();
        let relative: PathBuf = relative.filter(|part| part.as_os_str() != ".").collect();
        if self.source.join(&relative).is_dir() {
            return Ok(vec![relative]);
        }
        let pattern = files::glob(&relative.to_string_lossy())?.compile_matcher();
        let mut out = Vec::new();
        for entry in fs::read_dir(self.source)? {
            let entry = entry?;
            let name = PathBuf::from(entry.file_name());
            if entry.file_type()?.is_dir() && pattern.is_match(&name) {
                out.push(name);
            }
        }
        out.sort();
        if out.is_empty() {
            return Err(Failure::new(format!(
                "there is no folder `{base}`, which `base-directory` names"
            )));
        }
        Ok(out)
    }

    /// The files that match, absolute: for reports, which are only read.
    pub fn find(self, base: Option<&str>, patterns: &OneOrMany) -> Result<Vec<PathBuf>, Failure> {
        let patterns = self.patterns(patterns);
        let include = files::set(patterns.iter().map(String::as_str))?;
        let mut out = Vec::new();
        for base in self.bases(base)? {
            let folder = self.source.join(base);
            let found = files::select(&folder, &include, &GlobSet::empty())?;
            out.extend(found.into_iter().map(|path| folder.join(path)));
        }
        Ok(out)
    }
}

/// Goes through a folder and through what links in it lead to.
struct Walk<'a> {
    include: &'a GlobSet,
    /// Canonical.
    source: PathBuf,
    keeps_links: bool,
    /// Each file's path below the folder, and where it is.
    found: Vec<(PathBuf, PathBuf)>,
    notes: Vec<String>,
}

impl Walk<'_> {
    /// `above` are the folders that we came through by links: one of them again would be a circle.
    fn all_below(&mut self, folder: &Path, below: &Path, above: &mut Vec<PathBuf>) -> Result<(), Failure> {
        let mut stack = vec![PathBuf::new()];
        while let Some(inner) = stack.pop() {
            for entry in fs::read_dir(folder.join(&inner))? {
                let entry = entry?;
                let inner = inner.join(entry.file_name());
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    stack.push(inner);
                } else if kind.is_symlink() {
                    self.link(&folder.join(&inner), below.join(&inner), above)?;
                } else {
                    self.found.push((below.join(&inner), folder.join(&inner)));
                }
            }
        }
        Ok(())
    }

    fn link(&mut self, link: &Path, path: PathBuf, above: &mut Vec<PathBuf>) -> Result<(), Failure> {
        let Ok(target) = fs::canonicalize(link) else {
            self.note_left_out(&path, "nowhere");
            return Ok(());
        };
        let is_inside = target.starts_with(&self.source);
        if self.keeps_links && is_inside {
            self.found.push((path, link.to_path_buf()));
        } else if !target.is_dir() {
            self.found.push((path, target));
        } else if !is_inside || above.contains(&target) || link.starts_with(&target) {
            let why = if is_inside {
                "in a circle"
            } else {
                "out of the build's folder"
            };
            let note = format!("the link `{}` leads {why}, and is left out", path.display());
            self.notes.push(note);
        } else {
            above.push(target.clone());
            self.all_below(&target, &path, above)?;
            above.pop();
        }
        Ok(())
    }

    /// Of links that nobody asked for nothing is said.
    fn note_left_out(&mut self, path: &Path, whereto: &str) {
        if self.include.is_match(path) || self.include.is_match(path.join("file")) {
            let note = format!("the link `{}` leads {whereto}, and is left out", path.display());
            self.notes.push(note);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::spec::Switch;
    use super::*;

    fn tree(folder: &Path, paths: &[&str]) {
        for path in paths {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
    }

    fn list(patterns: &[&str]) -> Option<OneOrMany> {
        Some(OneOrMany(
            patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
        ))
    }

    fn select_in(source: &Path, artifacts: &Artifacts) -> Result<Vec<String>, String> {
        let variables = BTreeMap::from([
            ("CODEBUILD_SRC_DIR".to_owned(), source.display().to_string()),
            ("NAME".to_owned(), "my-build-2".to_owned()),
        ]);
        let ground = Ground {
            source,
            variables: &variables,
        };
        let selection = select(ground, artifacts).map_err(|failure| failure.message)?;
        let paths = selection.files.into_iter().map(|(_, to)| to.display().to_string());
        Ok(paths.chain(selection.notes).collect())
    }

    fn selected(files: &[&str], base: Option<&str>, exclude: &[&str], discard: bool) -> Result<Vec<String>, String> {
        let temp = tempfile::tempdir().unwrap();
        tree(
            temp.path(),
            &[
                "my-build-1/my-file-1.txt",
                "my-build-2/my-file-2.txt",
                "my-build-2/my-subdirectory/my-file-3.txt",
                "com/mycompany/app/HelloWorld.java",
                "top.txt",
            ],
        );
        let artifacts = Artifacts {
            files: list(files),
            discard_paths: Some(Switch(discard)),
            base_directory: base.map(str::to_owned),
            exclude_paths: list(exclude),
            ..Artifacts::default()
        };
        select_in(temp.path(), &artifacts)
    }

    #[test]
    fn the_guides_examples() {
        assert_eq!(
            selected(&["*/my-file-3.txt"], Some("my-build-2"), &[], false).unwrap(),
            ["my-subdirectory/my-file-3.txt"]
        );
        assert_eq!(
            selected(&["**/*"], Some("my-build*"), &[], true).unwrap(),
            ["my-file-1.txt", "my-file-2.txt", "my-file-3.txt"]
        );
        assert_eq!(
            selected(&["com/mycompany/app/HelloWorld.java"], None, &[], true).unwrap(),
            ["HelloWorld.java"]
        );
    }

    #[test]
    fn stars_and_folders() {
        assert_eq!(selected(&["*"], None, &[], false).unwrap(), ["top.txt"]);
        assert_eq!(
            selected(&["my-build-2/*"], None, &[], false).unwrap(),
            ["my-build-2/my-file-2.txt"]
        );
        assert_eq!(selected(&["my-build-2/**/*"], None, &[], false).unwrap().len(), 2);
        assert_eq!(selected(&["./top.txt"], Some("."), &[], false).unwrap(), ["top.txt"]);
        assert_eq!(
            selected(&["**/*"], None, &["my-build-*/**/*", "com/**/*"], false).unwrap(),
            ["top.txt"]
        );
    }

    #[test]
    fn variables_in_paths_are_replaced() {
        assert_eq!(
            selected(&["$CODEBUILD_SRC_DIR/top.txt"], None, &[], false).unwrap(),
            ["top.txt"]
        );
        assert_eq!(
            selected(&["*.txt"], Some("${CODEBUILD_SRC_DIR}/$NAME"), &[], false).unwrap(),
            ["my-file-2.txt"]
        );
        assert!(
            selected(&["$NOTHING/x"], None, &[], false)
                .unwrap_err()
                .contains("`$NOTHING/x`")
        );
    }

    #[test]
    fn nothing_found_is_a_failure() {
        assert!(
            selected(&["dist/**/*"], None, &[], false)
                .unwrap_err()
                .contains("no matching artifact paths found")
        );
        assert!(
            selected(&["**/*"], Some("out"), &[], false)
                .unwrap_err()
                .contains("no folder `out`")
        );
    }

    #[test]
    fn two_files_of_one_name_are_a_failure() {
        let problem = selected(&["**/*.txt", "**/*.java"], None, &[], true);
        assert!(problem.is_ok(), "{problem:?}");
        let temp = tempfile::tempdir().unwrap();
        tree(temp.path(), &["a/x", "b/x"]);
        let artifacts = Artifacts {
            files: list(&["**/*"]),
            discard_paths: Some(Switch(true)),
            ..Artifacts::default()
        };
        let problem = select_in(temp.path(), &artifacts).unwrap_err();
        assert!(problem.contains("would be the same file `x`"), "{problem}");
    }

    #[test]
    fn links_are_followed_or_kept() {
        let temp = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        tree(temp.path(), &["lib/a.so.1", "folder/f"]);
        tree(outside.path(), &["secret"]);
        symlink("a.so.1", temp.path().join("lib/a.so")).unwrap();
        symlink("folder", temp.path().join("again")).unwrap();
        symlink("..", temp.path().join("folder/up")).unwrap();
        symlink("nowhere", temp.path().join("dangling")).unwrap();
        symlink(outside.path(), temp.path().join("out")).unwrap();
        let artifacts = |keep| Artifacts {
            files: list(&["**/*"]),
            enable_symlinks: Some(Switch(keep)),
            ..Artifacts::default()
        };
        let followed = select_in(temp.path(), &artifacts(false)).unwrap();
        assert_eq!(followed[..4], ["again/f", "folder/f", "lib/a.so", "lib/a.so.1"]);
        let notes = followed[4..].join("\n");
        for link in [
            "`dangling` leads nowhere",
            "`folder/up` leads in a circle",
            "`out` leads out of",
        ] {
            assert!(notes.contains(link), "{notes}");
        }
        let kept = select_in(temp.path(), &artifacts(true)).unwrap();
        assert_eq!(kept[..5], ["again", "folder/f", "folder/up", "lib/a.so", "lib/a.so.1"]);
    }
}
