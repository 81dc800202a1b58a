//! `git_source`: git repositories. By itself it takes the checkout that holds the `.pipe` file, as it is: tracked files, and
//! untracked ones that are not ignored. `local { path = … }` takes a folder (relative to the `.pipe` file), `--source action=PATH|URL[@REV]` another
//! checkout or a clone. Where there is no git at all, the folder is taken, honouring `.gitignore`.
//!
//! The output variables are those of the commit that is checked out, whatever the working tree has on top of it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Done, Job, blocking};
use crate::ir::Action;
use crate::run::RunOptions;
use crate::run::outcome::Failure;
use crate::run::paths::tidy;
use crate::run::planned::ActionPlan;
use crate::run::process::{self, Captured};
use crate::run::store::Artifact;

/// The output variables it gives.
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

/// Variables of a git hook around us would make git look at another repository.
const GIT_VARIABLES: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
];

/// What a run takes a source from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    /// A folder as it is.
    Folder(PathBuf),
    /// A repository to clone, and the revision to take of it.
    Clone { from: String, revision: Option<String> },
}

fn origin(plan: &ActionPlan, options: &RunOptions) -> Origin {
    match (&plan.source, &plan.settings.path) {
        (Some(source), _) => origin_of(source, |path| options.given_path(path)),
        (None, Some(path)) => Origin::Folder(tidy(options.project_dir.join(path))),
        (None, None) => Origin::Folder(checkout(&options.project_dir)),
    }
}

/// The folder that is taken as it is, if it is one.
pub fn folder(plan: &ActionPlan, options: &RunOptions) -> Option<PathBuf> {
    match origin(plan, options) {
        Origin::Folder(folder) => Some(folder),
        Origin::Clone { .. } => None,
    }
}

pub async fn carry_out(job: &mut Job) -> Result<Done, Failure> {
    let (folder, description, scratch) = match origin(&job.plan, &job.run.options) {
        Origin::Folder(folder) => (folder.clone(), folder.display().to_string(), None),
        Origin::Clone { from, revision } => {
            let folder = job.beside("clone");
            clone(job, &from, revision.as_deref(), &folder).await?;
            let description = revision.map_or_else(|| from.clone(), |revision| format!("{from} at {revision}"));
            (folder.clone(), description, Some(folder))
        }
    };
    if !folder.is_dir() {
        return Err(Failure::new(format!("{} is not a folder", folder.display())));
    }
    let (artifact, is_git) = import(job, &folder).await?;
    let mut done = Done::default();
    let mut note = format!("{} of {description}", artifact.file_count());
    if is_git {
        note.push_str(&commit_variables(job, &folder, &mut done.variables).await?);
    } else {
        note.push_str(", which is not in git");
        local_variables(&artifact, &mut done.variables);
    }
    for (key, variable) in [
        ("ConnectionArn", "ConnectionArn"),
        ("FullRepositoryId", "FullRepositoryName"),
    ] {
        if let Some(value) = job.configuration(key) {
            done.variables.insert(variable.to_owned(), value.to_owned());
        }
    }
    if let Some(scratch) = scratch {
        blocking(|| std::fs::remove_dir_all(scratch))?;
    }
    job.log.say(&note);
    done.notes.push(note);
    for output in &job.action.outputs {
        done.artifacts.insert(output.name.value.clone(), artifact.clone());
    }
    Ok(done)
}

/// `PATH`, `PATH@REV`, `URL` or `URL@REV`.
fn origin_of(source: &str, resolve: impl Fn(&str) -> PathBuf) -> Origin {
    let path = resolve(source);
    if path.exists() {
        return Origin::Folder(path);
    }
    let (from, revision) = split_revision(source);
    let path = resolve(from);
    let from = if path.exists() {
        path.to_string_lossy().into_owned()
    } else {
        from.to_owned()
    };
    Origin::Clone {
        from,
        revision: revision.map(str::to_owned),
    }
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

/// The root of the checkout that holds `folder`; outside any, the folder itself.
pub fn checkout(folder: &Path) -> PathBuf {
    let mut here = folder.to_path_buf();
    loop {
        if here.join(".git").exists() {
            return here;
        }
        if !here.pop() {
            return folder.to_path_buf();
        }
    }
}

/// `owner/name`, or what else the declaration calls the repository.
pub fn repository_of(action: &Action) -> String {
    let get = |key: &str| action.configuration.get(key).map(|entry| entry.value.to_string());
    if let Some(full) = get("FullRepositoryId") {
        return full;
    }
    match (get("Owner"), get("Repo")) {
        (Some(owner), Some(repo)) => format!("{owner}/{repo}"),
        _ => get("RepositoryName").unwrap_or_else(|| action.name.value.clone()),
    }
}

/// `owner/name` of what the checkout at `folder` was cloned from.
pub fn remote_name(folder: &Path) -> Option<String> {
    let mut command = Command::new(process::find("git")?);
    command
        .arg("-C")
        .arg(folder)
        .args(["config", "--get", "remote.origin.url"]);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    for name in GIT_VARIABLES {
        command.env_remove(name);
    }
    let output = command.output().ok().filter(|output| output.status.success())?;
    name_in_url(String::from_utf8_lossy(&output.stdout).trim())
}

fn name_in_url(url: &str) -> Option<String> {
    let path = url.trim_end_matches('/').trim_end_matches(".git");
    let mut parts = path.rsplit(['/', ':']).filter(|part| !part.is_empty());
    let name = parts.next()?;
    Some(
        parts
            .next()
            .map_or_else(|| name.to_owned(), |owner| format!("{owner}/{name}")),
    )
}

/// Whether a remote's name is that of a declaration, which may lack the owner.
pub fn is_same_repository(remote: &str, declared: &str) -> bool {
    let last = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    remote == declared || (!declared.contains('/') && last(remote) == last(declared))
}

async fn git(job: &mut Job, folder: &Path, arguments: &[&str]) -> Result<Captured, Failure> {
    let git = process::find("git").ok_or_else(|| {
        Failure::new("the program `git` is not on this machine")
            .with_help("install git, or give a folder outside any checkout")
    })?;
    let mut all: Vec<&OsStr> = vec![OsStr::new("-C"), folder.as_os_str()];
    all.extend(arguments.iter().map(OsStr::new));
    // Nobody could answer a question.
    let environment = [
        ("GIT_TERMINAL_PROMPT", "0"),
        ("TZ", "UTC"),
        ("LC_ALL", "C.UTF-8"),
        ("GIT_OPTIONAL_LOCKS", "0"),
    ];
    Ok(process::capture(&git, &all, &environment, GIT_VARIABLES, &mut job.stop).await?)
}

async fn git_ok(job: &mut Job, folder: &Path, arguments: &[&str]) -> Result<Captured, Failure> {
    let captured = git(job, folder, arguments).await?;
    if captured.exit.is_success() {
        return Ok(captured);
    }
    let mut failure = Failure::command(Some(format!("git {}", arguments.join(" "))), captured.exit);
    failure.message = match captured.stderr.lines().last() {
        Some(line) => format!("git: {line}"),
        None => failure.message,
    };
    Err(failure)
}

async fn clone(job: &mut Job, from: &str, revision: Option<&str>, folder: &Path) -> Result<(), Failure> {
    if from.starts_with('-') {
        return Err(Failure::new(format!("`{from}` is not an address of a repository")));
    }
    let parent = folder.parent().unwrap_or(Path::new("/")).to_path_buf();
    std::fs::create_dir_all(&parent)?;
    let target = folder.to_string_lossy().into_owned();
    git_ok(
        job,
        &parent,
        &["clone", "--quiet", "--no-checkout", "--", from, &target],
    )
    .await?;
    // A branch of the remote first, then whatever else git understands.
    let commit = match revision {
        None => "HEAD".to_owned(),
        Some(revision) if revision.starts_with('-') => {
            return Err(Failure::new(format!("`{revision}` is not a revision")));
        }
        Some(revision) => {
            let branch = format!("refs/remotes/origin/{revision}");
            let found = git(
                job,
                folder,
                &["rev-parse", "--quiet", "--verify", &format!("{branch}^{{commit}}")],
            )
            .await?;
            if found.exit.is_success() {
                branch
            } else {
                revision.to_owned()
            }
        }
    };
    git_ok(job, folder, &["checkout", "--quiet", "--detach", &commit]).await?;
    if let Some(revision) = revision {
        // For the variable `BranchName`; no harm if it is a tag or a commit.
        git(job, folder, &["config", "pipe.branch", revision]).await?;
    }
    Ok(())
}

/// The files of a folder: by git's list where it is in a checkout, else all that `.gitignore` does not hold back.
async fn import(job: &mut Job, folder: &Path) -> Result<(Artifact, bool), Failure> {
    let is_git = checkout(folder).join(".git").exists();
    let state = job.run.state_dir.clone();
    let files = if is_git {
        git_files(job, folder, &state).await?
    } else {
        blocking(|| walk(folder, &state))?
    };
    let store = &job.run.store;
    let artifact = blocking(|| store.import_source(folder, files.into_iter()))?;
    Ok((artifact, is_git))
}

async fn git_files(job: &mut Job, folder: &Path, state: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut out = Vec::new();
    let mut repositories = vec![PathBuf::new()];
    while let Some(below) = repositories.pop() {
        let arguments = [
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "--deduplicate",
        ];
        let listed = git_ok(job, &folder.join(&below), &arguments).await?;
        for name in listed.stdout.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
            let path = below.join(OsStr::from_bytes(name));
            if is_state(folder, &path, state) {
                continue;
            }
            // A folder in the list is a repository in the repository.
            match std::fs::symlink_metadata(folder.join(&path)) {
                Ok(metadata) if metadata.is_dir() => {
                    if folder.join(&path).join(".git").exists() {
                        repositories.push(path);
                    }
                }
                Ok(_) => out.push(path),
                // Deleted in the working tree.
                Err(_) => {}
            }
        }
    }
    Ok(out)
}

/// All files of a folder that `.gitignore` does not hold back; never our own state.
pub fn walk(folder: &Path, state: &Path) -> io::Result<Vec<PathBuf>> {
    let (state, root) = (state.to_path_buf(), folder.to_path_buf());
    let walker = ignore::WalkBuilder::new(folder)
        .hidden(false)
        .require_git(false)
        .parents(false)
        .git_global(false)
        .follow_links(false)
        .filter_entry(move |entry| {
            let below = entry.path().strip_prefix(&root).unwrap_or(Path::new(""));
            entry.file_name() != ".git" && !is_state(&root, below, &state)
        })
        .build();
    let mut out = Vec::new();
    for entry in walker {
        let entry = entry.map_err(io::Error::other)?;
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        if let Ok(path) = entry.path().strip_prefix(folder)
            && !is_folder
        {
            out.push(path.to_path_buf());
        }
    }
    Ok(out)
}

/// Whether `path` below `folder` is our own state. A clone lies in the state folder itself, and all of it is wanted.
fn is_state(folder: &Path, path: &Path, state: &Path) -> bool {
    let is_inside = !folder.starts_with(state) && folder.join(path).starts_with(state);
    is_inside || path.components().any(|part| part.as_os_str() == ".pipe")
}

/// Sets what the commit says; gives words for people.
async fn commit_variables(
    job: &mut Job,
    folder: &Path,
    variables: &mut BTreeMap<String, String>,
) -> Result<String, Failure> {
    let format = "--format=%H%x00%B%x00%ad%x00%cd%x00%an%x00%ae";
    let date = "--date=format-local:%Y-%m-%dT%H:%M:%SZ";
    let log = git(job, folder, &["log", "-1", date, format]).await?;
    if !log.exit.is_success() {
        variables.insert("CommitId".to_owned(), "0".repeat(40));
        variables.insert("CommitMessage".to_owned(), "no commit yet".to_owned());
        return Ok(", without a commit yet".to_owned());
    }
    let text = String::from_utf8_lossy(&log.stdout).into_owned();
    let mut fields = text.trim_end_matches('\n').split('\0');
    let names = [
        "CommitId",
        "CommitMessage",
        "AuthorDate",
        "CommitterDate",
        "AuthorDisplayName",
        "AuthorEmail",
    ];
    for name in names {
        let value = fields.next().unwrap_or_default().trim_end_matches('\n');
        variables.insert(name.to_owned(), value.to_owned());
    }
    let id = variables["CommitId"].clone();
    let author = variables["AuthorEmail"].clone();
    variables.insert("AuthorId".to_owned(), author);
    let branch = git(job, folder, &["config", "--get", "pipe.branch"]).await?;
    let branch = match String::from_utf8_lossy(&branch.stdout).trim() {
        "" => {
            let branch = git(job, folder, &["symbolic-ref", "--quiet", "--short", "HEAD"]).await?;
            String::from_utf8_lossy(&branch.stdout).trim().to_owned()
        }
        branch => branch.to_owned(),
    };
    let branch = if branch.is_empty() { "HEAD".to_owned() } else { branch };
    variables.insert("BranchName".to_owned(), branch.clone());
    let remote = git(job, folder, &["config", "--get", "remote.origin.url"]).await?;
    let url = String::from_utf8_lossy(&remote.stdout).trim().to_owned();
    let name = name_in_url(&url)
        .or_else(|| {
            checkout(folder)
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
        })
        .unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or(&name).to_owned();
    variables.insert("RepositoryName".to_owned(), last);
    variables.insert("FullRepositoryName".to_owned(), name);
    variables.insert("ProviderType".to_owned(), "local".to_owned());
    variables.insert(
        "CommitUrl".to_owned(),
        format!("{}/commit/{id}", url.trim_end_matches(".git")),
    );
    let status = git(
        job,
        folder,
        &["status", "--porcelain", "--untracked-files=normal", "--", "."],
    )
    .await?;
    let changed = String::from_utf8_lossy(&status.stdout)
        .lines()
        .filter(|line| !line.ends_with(".pipe/"))
        .count();
    let changes = match changed {
        0 => String::new(),
        1 => ", with 1 uncommitted change".to_owned(),
        count => format!(", with {count} uncommitted changes"),
    };
    Ok(format!(", commit {} on {branch}{changes}", &id[..id.len().min(8)]))
}

/// Outside git: by content, and marked as local.
fn local_variables(artifact: &Artifact, variables: &mut BTreeMap<String, String>) {
    for name in VARIABLES {
        variables.insert((*name).to_owned(), "local".to_owned());
    }
    variables.insert("CommitId".to_owned(), artifact.digest[..40].to_owned());
    variables.insert("CommitMessage".to_owned(), "local files, not in git".to_owned());
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
    fn repositories_are_recognised() {
        assert_eq!(
            name_in_url("git@github.com:acme/webshop.git").as_deref(),
            Some("acme/webshop")
        );
        assert_eq!(
            name_in_url("https://github.com/acme/webshop").as_deref(),
            Some("acme/webshop")
        );
        assert_eq!(
            name_in_url("https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/shop").as_deref(),
            Some("repos/shop")
        );
        assert!(is_same_repository("acme/webshop", "acme/webshop"));
        assert!(is_same_repository("repos/shop", "shop"));
        assert!(!is_same_repository("acme/webshop", "other/webshop"));
    }
}
