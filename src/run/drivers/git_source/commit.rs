//! The output variables: what the commit says that is checked out, whatever the working tree has on top of it.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::Job;
use super::git::{answer, git, name_in_url, remote};
use super::origin::{checkout, without_user};
use crate::run::outcome::Failure;
use crate::run::store::Artifact;

/// The output variables that a git source gives.
pub const VARIABLES: &[&str] = &[
    "AuthorDate",
    "AuthorDisplayName",
    "AuthorEmail",
    "AuthorId",
    "BranchName",
    "CommitId",
    "CommitMessage",
    "CommitUrl",
    "CommitterDate",
    "ConnectionArn",
    "FullRepositoryName",
    "ProviderType",
    "RepositoryName",
];

type Variables = BTreeMap<String, String>;

fn set(variables: &mut Variables, name: &str, value: impl Into<String>) {
    variables.insert(name.to_owned(), value.into());
}

/// Sets what the commit says; gives words for people. `branch` is the one that was asked for.
pub(super) async fn of_checkout(
    job: &mut Job,
    folder: &Path,
    branch: Option<String>,
    variables: &mut Variables,
) -> Result<String, Failure> {
    let branch = match branch {
        Some(branch) => Some(branch),
        None => answer(job, folder, &["symbolic-ref", "--quiet", "--short", "HEAD"]).await?,
    };
    // A detached head is on no branch; the declaration says which it stands for.
    let declared = || job.configuration("BranchName").or_else(|| job.configuration("Branch"));
    let branch = branch
        .or_else(|| declared().map(str::to_owned))
        .unwrap_or_else(|| "HEAD".to_owned());
    set(variables, "BranchName", branch.clone());
    let url = remote(job, folder)
        .await?
        .map(|url| without_user(&url))
        .unwrap_or_default();
    set_repository(folder, &url, variables);
    let format = "--format=%H%x00%B%x00%ad%x00%cd%x00%an%x00%ae";
    let date = "--date=format-local:%Y-%m-%dT%H:%M:%SZ";
    let log = git(job, folder, &["log", "-1", date, format]).await?;
    if !log.exit.is_success() {
        set(variables, "CommitId", "0".repeat(40));
        set(variables, "CommitMessage", "no commit yet");
        return Ok(", without a commit yet".to_owned());
    }
    let text = String::from_utf8_lossy(&log.stdout).into_owned();
    let mut fields = text.trim_end_matches('\n').split('\0');
    for name in [
        "CommitId",
        "CommitMessage",
        "AuthorDate",
        "CommitterDate",
        "AuthorDisplayName",
        "AuthorEmail",
    ] {
        set(
            variables,
            name,
            fields.next().unwrap_or_default().trim_end_matches('\n'),
        );
    }
    let id = variables["CommitId"].clone();
    set(variables, "AuthorId", variables["AuthorEmail"].clone());
    set(
        variables,
        "CommitUrl",
        format!("{}/commit/{id}", url.trim_end_matches(".git")),
    );
    let changes = match changes(job, folder).await? {
        0 => String::new(),
        1 => ", with 1 uncommitted change".to_owned(),
        count => format!(", with {count} uncommitted changes"),
    };
    Ok(format!(", commit {} on {branch}{changes}", &id[..id.len().min(8)]))
}

fn set_repository(folder: &Path, url: &str, variables: &mut Variables) {
    let of_folder = || Some(checkout(folder).file_name()?.to_string_lossy().into_owned());
    let name = name_in_url(url).or_else(of_folder).unwrap_or_default();
    set(variables, "RepositoryName", name.rsplit('/').next().unwrap_or(&name));
    set(variables, "FullRepositoryName", name);
    set(variables, "ProviderType", "local");
}

/// How many files differ from the commit.
async fn changes(job: &mut Job, folder: &Path) -> Result<usize, Failure> {
    let arguments = ["status", "--porcelain", "--untracked-files=normal", "--", "."];
    let status = git(job, folder, &arguments).await?;
    let text = String::from_utf8_lossy(&status.stdout);
    Ok(text.lines().filter(|line| !line.ends_with(".pipe/")).count())
}

/// Outside git: by content, and marked as local.
pub(super) fn of_folder(artifact: &Artifact, variables: &mut Variables) {
    set_all(variables, "local");
    set(variables, "CommitId", &artifact.digest[..40]);
    set(variables, "CommitMessage", "local files, not in git");
}

/// A value for each, where there is nothing better to say.
pub(super) fn set_all(variables: &mut Variables, value: &str) {
    for name in VARIABLES {
        set(variables, name, value);
    }
}
