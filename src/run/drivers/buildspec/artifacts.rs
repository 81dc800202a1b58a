//! What a build gives: the files that its `artifacts` section selects.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::spec::Artifacts;
use crate::run::files;
use crate::run::outcome::Failure;

/// One file of an artifact: where it is below the source folder, and where it goes.
pub type Selected = Vec<(PathBuf, PathBuf)>;

/// Selects the files of one artifact below `source`.
pub fn select(source: &Path, artifacts: &Artifacts) -> Result<Selected, Failure> {
    let Some(patterns) = &artifacts.files else {
        return Err(Failure::new("the `artifacts` section has no `files`"));
    };
    let include = files::set(patterns.0.iter().map(String::as_str))?;
    let exclude = artifacts.exclude_paths.iter().flat_map(|patterns| &patterns.0);
    let exclude = files::set(exclude.map(String::as_str))?;
    let discard = artifacts.discard_paths.is_some_and(|switch| switch.0);
    let mut out: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    for base in bases(source, artifacts.base_directory.as_deref())? {
        for path in files::select(&source.join(&base), &include, &exclude)? {
            let from = base.join(&path);
            let to = if discard {
                path.file_name().map(PathBuf::from).unwrap_or_default()
            } else {
                path
            };
            if let Some(other) = out.insert(to.clone(), from.clone()) {
                return Err(Failure::new(format!(
                    "`{}` and `{}` would be the same file `{}` in the artifact",
                    other.display(),
                    from.display(),
                    to.display()
                ))
                .with_help("leave out `discard-paths`, or let one of them be called otherwise"));
            }
        }
    }
    if out.is_empty() {
        let patterns = patterns.0.join("`, `");
        return Err(Failure::new(format!(
            "no matching artifact paths found: nothing matches `{patterns}`"
        ))
        .with_help("a pattern names files: everything in a folder is `folder/**/*`"));
    }
    Ok(out.into_iter().map(|(to, from)| (from, to)).collect())
}

/// The folders to look in, relative to the source folder: the one that is named, or those at the top that match.
fn bases(source: &Path, base: Option<&str>) -> Result<Vec<PathBuf>, Failure> {
    let Some(base) = base else {
        return Ok(vec![PathBuf::new()]);
    };
    let relative = Path::new(base).strip_prefix(source).unwrap_or(Path::new(base));
    let relative: PathBuf = relative.components().filter(|part| part.as_os_str() != ".").collect();
    if source.join(&relative).is_dir() {
        return Ok(vec![relative]);
    }
    let pattern = files::glob(&relative.to_string_lossy())?.compile_matcher();
    let mut out = Vec::new();
    for entry in fs::read_dir(source)? {
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

#[cfg(test)]
mod tests {
    use super::super::spec::{OneOrMany, Switch};
    use super::*;

    fn selected(files: &[&str], base: Option<&str>, exclude: &[&str], discard: bool) -> Result<Vec<String>, String> {
        let temp = tempfile::tempdir().unwrap();
        for path in [
            "my-build-1/my-file-1.txt",
            "my-build-2/my-file-2.txt",
            "my-build-2/my-subdirectory/my-file-3.txt",
            "com/mycompany/app/HelloWorld.java",
            "top.txt",
        ] {
            let path = temp.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let list = |patterns: &[&str]| OneOrMany(patterns.iter().map(|pattern| (*pattern).to_owned()).collect());
        let artifacts = Artifacts {
            files: Some(list(files)),
            discard_paths: Some(Switch(discard)),
            base_directory: base.map(str::to_owned),
            exclude_paths: Some(list(exclude)),
            secondary_artifacts: None,
        };
        let selected = select(temp.path(), &artifacts).map_err(|failure| failure.message)?;
        Ok(selected.into_iter().map(|(_, to)| to.display().to_string()).collect())
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
}
