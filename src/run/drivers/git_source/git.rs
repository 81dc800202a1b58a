//! The program `git`, and what repositories are called.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::super::Job;
use super::origin::without_user;
use crate::ir::Action;
use crate::run::outcome::Failure;
use crate::run::process::{self, Captured};

/// Variables of a git hook around us would make git look at another repository.
const GIT_VARIABLES: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
];

/// Runs git in a folder, whatever comes of it.
pub(super) async fn git(job: &mut Job, folder: &Path, arguments: &[&str]) -> Result<Captured, Failure> {
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

/// Runs git, which has to succeed.
pub(super) async fn git_ok(job: &mut Job, folder: &Path, arguments: &[&str]) -> Result<Captured, Failure> {
    let captured = git(job, folder, arguments).await?;
    if captured.exit.is_success() {
        return Ok(captured);
    }
    let shown: Vec<String> = arguments.iter().map(|argument| without_user(argument)).collect();
    let mut failure = Failure::command(Some(format!("git {}", shown.join(" "))), captured.exit);
    // What is fatal comes first; what follows it is advice.
    let mut lines = captured.stderr.lines();
    let fatal = lines.clone().position(|line| line.starts_with("fatal: "));
    let line = match fatal {
        Some(at) => lines.nth(at),
        None => lines.next_back(),
    };
    if let Some(line) = line {
        failure.message = format!("git: {}", line.trim_start_matches("fatal: "));
    }
    let advice = lines.map(str::trim).filter(|line| !line.is_empty());
    let advice = advice.collect::<Vec<_>>().join(" ");
    failure.help = fatal.is_some().then_some(advice).filter(|advice| !advice.is_empty());
    Err(failure)
}

/// The first line that git prints; none if it has no answer.
pub(super) async fn answer(job: &mut Job, folder: &Path, arguments: &[&str]) -> Result<Option<String>, Failure> {
    let captured = git(job, folder, arguments).await?;
    let text = String::from_utf8_lossy(&captured.stdout);
    let line = text
        .lines()
        .next()
        .filter(|line| captured.exit.is_success() && !line.is_empty());
    Ok(line.map(str::to_owned))
}

/// What the checkout at `folder` was cloned from.
pub(super) async fn remote(job: &mut Job, folder: &Path) -> Result<Option<String>, Failure> {
    answer(job, folder, &["config", "--get", "remote.origin.url"]).await
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
    let url = ask(folder, &["config", "--get", "remote.origin.url"])?;
    name_in_url(url.trim())
}

/// What git says of a folder; none if it says no. For before a run: it cannot be interrupted, and nothing is written.
pub fn ask(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(process::find("git")?);
    command.arg("-C").arg(folder).args(arguments);
    command.env("GIT_OPTIONAL_LOCKS", "0");
    command.stdin(Stdio::null()).stderr(Stdio::null());
    for name in GIT_VARIABLES {
        command.env_remove(name);
    }
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

pub(super) fn name_in_url(url: &str) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
