//! Where a source action would take its files from, and at which revision.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::ir::Action;
use crate::run::RunOptions;
use crate::run::drivers::{file_source, git_source};
use crate::run::planned::{ActionPlan, Driver};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// A checkout, as it is.
    Checkout {
        path: PathBuf,
        /// None: there is no commit yet.
        #[serde(skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
        /// None: no branch is checked out.
        #[serde(skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
        /// Files that differ from the commit, or are not in it.
        changed: usize,
    },
    /// A repository that is cloned first; which commit it has is found out then.
    Clone {
        from: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        revision: Option<String>,
    },
    /// A file, or a folder outside git.
    Path { path: PathBuf },
    /// Made up from the configuration.
    Nothing,
}

/// None if it is no source, or your own command stands in for it.
pub(super) fn of(action: &Action, plan: &ActionPlan, options: &RunOptions) -> Option<Source> {
    match plan.driver {
        Driver::GitSource => Some(match git_source::Origin::of(plan, options) {
            git_source::Origin::Folder(path) => folder(path),
            git_source::Origin::Clone { from, revision } => Source::Clone {
                from: git_source::without_user(&from),
                revision,
            },
        }),
        Driver::FileSource => Some(match file_source::path(plan, options) {
            Some(path) => Source::Path { path },
            None => Source::Nothing,
        }),
        _ => None,
    }
    .filter(|_| action.type_id.is_source())
}

/// What is worth a remark: the checkout is on another branch than the file says.
pub(super) fn note(action: &Action, source: &Source) -> Option<String> {
    let Source::Checkout {
        branch: Some(branch), ..
    } = source
    else {
        return None;
    };
    let entry = |key: &str| action.configuration.get(key)?.value.as_literal();
    let declared = entry("BranchName").or_else(|| entry("Branch"))?;
    (declared != branch).then(|| format!("the file says branch `{declared}`; here `{branch}` is checked out"))
}

fn folder(path: PathBuf) -> Source {
    match git_source::checkout(&path).join(".git").exists().then(|| status(&path)) {
        Some(Some((commit, branch, changed))) => Source::Checkout {
            path,
            commit,
            branch,
            changed,
        },
        Some(None) | None => Source::Path { path },
    }
}

/// What `git status` says of a folder: commit, branch, how many files differ. One call, which writes nothing.
fn status(folder: &Path) -> Option<(Option<String>, Option<String>, usize)> {
    let arguments = [
        "status",
        "--porcelain=v2",
        "--branch",
        "--untracked-files=normal",
        "--",
        ".",
    ];
    let text = git_source::ask(folder, &arguments)?;
    let header = |name: &str| {
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(name))?.trim();
        // `(initial)`, `(detached)`
        (!value.starts_with('(')).then(|| value.to_owned())
    };
    let changed = text.lines().filter(|line| !line.starts_with("# "));
    let changed = changed.filter(|line| !line.ends_with(".pipe/")).count();
    Some((header("# branch.oid"), header("# branch.head"), changed))
}
