//! Where a git source takes its files from.

use std::path::{Path, PathBuf};

use crate::run::RunOptions;
use crate::run::paths::tidy;
use crate::run::planned::ActionPlan;
use crate::run::revision::RevisionType;

/// What a run takes a source from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A folder as it is.
    Folder(PathBuf),
    /// A repository to clone, and the revision to take of it.
    Clone { from: String, revision: Option<String> },
}

impl Origin {
    pub fn of(plan: &ActionPlan, options: &RunOptions) -> Self {
        let by_itself = || match &plan.settings.path {
            Some(path) => Self::at(tidy(options.project_dir.join(path))),
            None => Self::Folder(checkout(&options.project_dir)),
        };
        let origin = match plan.source.as_deref().map(|source| (source, source.strip_prefix('@'))) {
            None => by_itself(),
            // The same place at another revision.
            Some((_, Some(revision))) if !revision.is_empty() => by_itself().revised(revision),
            Some((source, _)) => Self::read(source, |path| options.given_path(path)),
        };
        match plan.revision(RevisionType::CommitId) {
            Some(commit) => origin.revised(commit),
            None => origin,
        }
    }

    /// `PATH`, `PATH@REV`, `URL` or `URL@REV`.
    fn read(source: &str, resolve: impl Fn(&str) -> PathBuf) -> Self {
        let path = resolve(source);
        if path.exists() {
            return Self::at(path);
        }
        let (from, revision) = split_revision(source);
        let path = resolve(from);
        let from = if path.exists() {
            path.to_string_lossy().into_owned()
        } else {
            from.to_owned()
        };
        Self::Clone {
            from,
            revision: revision.map(str::to_owned),
        }
    }

    /// A folder as it is, unless it is a repository without a working tree.
    fn at(folder: PathBuf) -> Self {
        if is_bare(&folder) {
            let from = folder.to_string_lossy().into_owned();
            return Self::Clone { from, revision: None };
        }
        Self::Folder(folder)
    }

    fn revised(self, revision: &str) -> Self {
        let from = match self {
            Self::Folder(folder) => folder.to_string_lossy().into_owned(),
            Self::Clone { from, .. } => from,
        };
        Self::Clone {
            from,
            revision: Some(revision.to_owned()),
        }
    }
}

/// What `--source` names, wherever a run goes on: a path that is there becomes absolute.
pub fn absolute(source: &str, options: &RunOptions) -> String {
    let found = |path: &str| {
        let path = (!path.is_empty()).then(|| options.given_path(path))?;
        path.exists().then(|| path.to_str().map(str::to_owned))?
    };
    let (from, revision) = split_revision(source);
    match (found(source), found(from), revision) {
        (Some(whole), ..) => whole,
        (None, Some(from), Some(revision)) => format!("{from}@{revision}"),
        _ => source.to_owned(),
    }
}

/// The root of the checkout that holds `folder`; outside any, the folder itself.
pub fn checkout(folder: &Path) -> PathBuf {
    let root = folder.ancestors().find(|ancestor| ancestor.join(".git").exists());
    root.unwrap_or(folder).to_path_buf()
}

fn is_bare(folder: &Path) -> bool {
    folder.join("HEAD").is_file() && folder.join("objects").is_dir() && folder.join("refs").is_dir()
}

/// The last `@` parts off a revision, unless it belongs to the address: `git@host:path`, `https://user@host/path`.
fn split_revision(source: &str) -> (&str, Option<&str>) {
    let Some((from, revision)) = source.rsplit_once('@') else {
        return (source, None);
    };
    let is_user = !from.contains('/') || from.split_once("://").is_some_and(|(_, rest)| !rest.contains('/'));
    if revision.is_empty() || revision.contains(':') || (is_user && !Path::new(from).exists()) {
        return (source, None);
    }
    (from, Some(revision))
}

/// Whether an address leads to another machine: `https://host/path`, `host:path`. A file's URL may hold anything too.
pub(super) fn is_remote(address: &str) -> bool {
    let host = address.split('/').next().unwrap_or_default();
    address.contains("://") || host.contains(':')
}

/// The password or token in an address, `https://user:TOKEN@host/path`.
pub(super) fn credential(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    let (user, _) = rest.split('/').next()?.rsplit_once('@')?;
    Some(user.split_once(':').map_or(user, |(_, password)| password)).filter(|password| !password.is_empty())
}

/// An address on the web without whom it is read as, which is nobody else's business.
pub fn without_user(address: &str) -> String {
    if let Some((scheme @ ("http" | "https"), rest)) = address.split_once("://") {
        let host_at = rest.split('/').next().and_then(|host| host.rfind('@'));
        return format!("{scheme}://{}", &rest[host_at.map_or(0, |at| at + 1)..]);
    }
    address.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_told_from_addresses() {
        assert_eq!(
            split_revision("https://host/a/b.git@v1.2"),
            ("https://host/a/b.git", Some("v1.2"))
        );
        assert_eq!(
            split_revision("https://me@host/a/b.git"),
            ("https://me@host/a/b.git", None)
        );
        assert_eq!(
            split_revision("https://me@host/a/b@feature/x"),
            ("https://me@host/a/b", Some("feature/x"))
        );
        assert_eq!(split_revision("git@host:a/b.git"), ("git@host:a/b.git", None));
        assert_eq!(
            split_revision("git@host:a/b.git@main"),
            ("git@host:a/b.git", Some("main"))
        );
        assert_eq!(split_revision("../other@abc123"), ("../other", Some("abc123")));
        assert_eq!(split_revision("../other"), ("../other", None));
    }

    #[test]
    fn addresses_are_told_from_paths() {
        for address in ["https://host/a", "file:///a/b", "host:a", "git@host:a/b.git"] {
            assert!(is_remote(address), "{address}");
        }
        for path in ["", "/a/b:c", "../a", "a"] {
            assert!(!is_remote(path), "{path}");
        }
    }

    #[test]
    fn credentials_stay_out_of_addresses() {
        let address = "https://me:t0ken@host/a/b@x.git";
        assert_eq!(credential(address), Some("t0ken"));
        assert_eq!(without_user(address), "https://host/a/b@x.git");
        assert_eq!(credential("https://t0ken@host/a"), Some("t0ken"));
        assert_eq!(credential("https://host/a@b"), None);
        assert_eq!(without_user("git@host:a/b.git"), "git@host:a/b.git");
    }
}
