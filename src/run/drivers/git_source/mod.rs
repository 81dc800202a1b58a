//! `git_source`: git repositories. By itself it takes the checkout that holds the `.pipe` file, as it is: tracked files, and
//! untracked ones that are not ignored. `local { path = … }` takes a folder (relative to the `.pipe` file), `--source action=PATH|URL[@REV]` another
//! checkout or a clone, `--source action=@REV` the same one at a revision. Where there is no git at all, the folder is taken, honouring `.gitignore`.
//!
//! With `OutputArtifactFormat = CODEBUILD_CLONE_REF` the artifact is a checkout with its history, as CodeBuild would clone it.

mod commit;
mod files;
mod git;
mod origin;

use std::path::{Path, PathBuf};

use super::{Done, Job, blocking};
use crate::run::RunOptions;
use crate::run::files::words;
use crate::run::outcome::Failure;
use crate::run::planned::ActionPlan;
use crate::run::store::Artifact;
pub use commit::VARIABLES;
use files::Listed;
pub use files::{announce, walk, walk_with_empty};
pub use git::{ask, is_same_repository, remote_name, repository_of};
use git::{git, git_ok};
pub use origin::{Origin, absolute, checkout, without_user};
use origin::{credential, is_remote};

/// The folder that is taken as it is, if it is one.
pub fn folder(plan: &ActionPlan, options: &RunOptions) -> Option<PathBuf> {
    match Origin::of(plan, options) {
        Origin::Folder(folder) => Some(folder),
        Origin::Clone { .. } => None,
    }
}

/// Whether there is something to take, as far as that can be seen on this machine.
pub fn is_there(plan: &ActionPlan, options: &RunOptions) -> bool {
    match Origin::of(plan, options) {
        Origin::Folder(folder) => folder.is_dir(),
        Origin::Clone { from, .. } => is_remote(&from) || Path::new(&from).exists(),
    }
}

/// The revision that was asked for and that a repository on this machine has not, and where that is.
pub fn missing_revision(plan: &ActionPlan, options: &RunOptions) -> Option<(String, String)> {
    let Origin::Clone {
        from,
        revision: Some(revision),
    } = Origin::of(plan, options)
    else {
        return None;
    };
    // What another machine has, or what there is without git, is found out by cloning.
    let folder = Path::new(&from);
    ask(folder, &["rev-parse", "--git-dir"])?;
    let wanted = format!("{revision}^{{commit}}");
    let found = ask(
        folder,
        &["rev-parse", "--quiet", "--verify", "--end-of-options", &wanted],
    );
    found.is_none().then_some((from, revision))
}

/// A working tree to take.
struct Tree {
    folder: PathBuf,
    /// In words.
    from: String,
    /// The branch that was asked for.
    branch: Option<String>,
    /// It was cloned for this action alone.
    is_ours: bool,
}

pub async fn carry_out(job: &mut Job) -> Result<Done, Failure> {
    let tree = find(job).await?;
    if !tree.folder.is_dir() {
        return Err(Failure::new(format!("{} is not a folder", tree.folder.display())));
    }
    let mut done = Done::default();
    let artifact = if checkout(&tree.folder).join(".git").exists() {
        of_checkout(job, &tree, &mut done).await?
    } else {
        of_folder(job, &tree, &mut done)?
    };
    for (key, variable) in [
        ("ConnectionArn", "ConnectionArn"),
        ("FullRepositoryId", "FullRepositoryName"),
    ] {
        if let Some(value) = job.configuration(key) {
            done.variables.insert(variable.to_owned(), value.to_owned());
        }
    }
    for note in &done.notes {
        job.log.say(note);
    }
    for output in &job.action.outputs {
        done.artifacts.insert(output.name.value.clone(), artifact.clone());
    }
    Ok(done)
}

async fn find(job: &mut Job) -> Result<Tree, Failure> {
    match Origin::of(&job.plan, &job.run.options) {
        Origin::Folder(folder) => Ok(Tree {
            from: folder.display().to_string(),
            folder,
            branch: None,
            is_ours: false,
        }),
        Origin::Clone { from, revision } => {
            if let Some(credential) = credential(&from) {
                job.run.secrets.add(credential);
            }
            let folder = job.beside("clone");
            let branch = clone(job, &from, revision.as_deref(), &folder).await?;
            let from = without_user(&from);
            Ok(Tree {
                folder,
                from: revision.map_or_else(|| from.clone(), |revision| format!("{from} at {revision}")),
                branch,
                is_ours: true,
            })
        }
    }
}

/// Clones; gives the branch whose tip it took, if it is one.
async fn clone(job: &mut Job, from: &str, revision: Option<&str>, folder: &Path) -> Result<Option<String>, Failure> {
    if from.starts_with('-') {
        return Err(Failure::new(format!("`{from}` is not an address of a repository")));
    }
    bare_clone(job, from, folder).await?;
    let Some(revision) = revision else {
        let branch = git::answer(job, folder, &["symbolic-ref", "--quiet", "--short", "HEAD"]).await?;
        git_ok(job, folder, &["checkout", "--quiet", "--detach", "HEAD"]).await?;
        return Ok(branch);
    };
    if revision.starts_with('-') {
        return Err(Failure::new(format!("`{revision}` is not a revision")));
    }
    // A branch of the remote first, then whatever else git understands.
    let branch = format!("refs/remotes/origin/{revision}");
    let commit = format!("{branch}^{{commit}}");
    let found = git(job, folder, &["rev-parse", "--quiet", "--verify", &commit]).await?;
    let is_branch = found.exit.is_success();
    let commit = if is_branch { &branch } else { revision };
    let wanted = format!("{commit}^{{commit}}");
    let found = git(job, folder, &["rev-parse", "--quiet", "--verify", &wanted]).await?;
    if !found.exit.is_success() {
        let message = format!("{} has no revision `{revision}`", without_user(from));
        return Err(Failure::new(message).with_help("name a branch, a tag or a commit that it has"));
    }
    git_ok(job, folder, &["checkout", "--quiet", "--detach", commit]).await?;
    Ok(is_branch.then(|| revision.to_owned()))
}

/// A clone with nothing in its working tree.
async fn bare_clone(job: &mut Job, from: &str, folder: &Path) -> Result<(), Failure> {
    let parent = folder.parent().unwrap_or(Path::new("/")).to_path_buf();
    std::fs::create_dir_all(&parent)?;
    let target = folder.to_string_lossy().into_owned();
    // No template: its sample hooks would only fill the artifact.
    let arguments = ["clone", "--quiet", "--no-checkout", "--template=", "--", from, &target];
    git_ok(job, &parent, &arguments).await?;
    Ok(())
}

async fn of_checkout(job: &mut Job, tree: &Tree, done: &mut Done) -> Result<Artifact, Failure> {
    commit::set_all(&mut done.variables, "local");
    let is_clone = job.configuration("OutputArtifactFormat") == Some("CODEBUILD_CLONE_REF");
    let Listed { files, submodules } = files::in_checkout(job, &tree.folder).await?;
    let commit = commit::of_checkout(job, &tree.folder, tree.branch.clone(), &mut done.variables).await?;
    let mut notes: Vec<String> = files::submodule_note(&submodules, is_clone).into_iter().collect();
    notes.extend(files::lfs_notes(job, &tree.folder, &files, is_clone).await?);
    let history = if is_clone {
        Some(history(job, tree).await?)
    } else {
        None
    };
    announce(job, &tree.folder, &files);
    let store = &job.run.store;
    let artifact = blocking(|| {
        let mut pairs: Vec<(PathBuf, PathBuf)> = files.into_iter().map(|file| (file.clone(), file)).collect();
        if let Some(history) = &history {
            pairs.extend(submodules.into_iter().map(|folder| (folder.clone(), folder)));
            for file in below(history)? {
                pairs.push((history.join(&file), Path::new(".git").join(file)));
            }
        }
        store.import_files(&tree.folder, pairs.into_iter())
    })?;
    let with_history = if is_clone { ", with its history" } else { "" };
    done.notes.push(format!(
        "{} of {}{commit}{with_history}",
        artifact.file_count(),
        tree.from
    ));
    done.notes.extend(notes);
    Ok(artifact)
}

fn of_folder(job: &mut Job, tree: &Tree, done: &mut Done) -> Result<Artifact, Failure> {
    let files = blocking(|| walk(&tree.folder, &job.run.state_dir)).map_err(|error| untaken(&tree.folder, &error))?;
    announce(job, &tree.folder, &files);
    let pairs = files.into_iter().map(|file| (file.clone(), file));
    let artifact = blocking(|| job.run.store.import_files(&tree.folder, pairs))?;
    commit::of_folder(&artifact, &mut done.variables);
    done.notes.push(format!(
        "{} of {}, which is not in git",
        artifact.file_count(),
        tree.from
    ));
    Ok(artifact)
}

/// Why nothing was taken of a folder or file.
pub fn untaken(from: &Path, error: &std::io::Error) -> Failure {
    // An error with words of its own names what is below.
    let why = error.get_ref().map_or_else(|| words(error), ToString::to_string);
    Failure::new(format!("{} could not be taken in: {why}", from.display()))
}

/// A `.git` folder of its own that belongs to the tree's commit: a checkout's own may be a file, or hold what is nobody's
/// business. Its remote is the checkout's.
async fn history(job: &mut Job, tree: &Tree) -> Result<PathBuf, Failure> {
    let top = checkout(&tree.folder);
    if top != tree.folder {
        let message = format!(
            "{} is not the top of a checkout, which alone has a history",
            tree.folder.display()
        );
        return Err(Failure::new(message).with_help("name the checkout itself, or leave out `CODEBUILD_CLONE_REF`"));
    }
    let commit = git::answer(job, &top, &["rev-parse", "--quiet", "--verify", "HEAD^{commit}"]).await?;
    let Some(commit) = commit else {
        return Err(Failure::new("there is no commit that could be cloned").with_help("commit something first"));
    };
    let remote = git::remote(job, &top).await?.map(|url| without_user(&url));
    let clone = if tree.is_ours {
        top
    } else {
        let clone = job.beside("history");
        bare_clone(job, &top.to_string_lossy(), &clone).await?;
        clone
    };
    git_ok(job, &clone, &["update-ref", "--no-deref", "HEAD", &commit]).await?;
    git_ok(job, &clone, &["read-tree", "HEAD"]).await?;
    if let Some(remote) = remote {
        git_ok(job, &clone, &["remote", "set-url", "origin", &remote]).await?;
    }
    Ok(clone.join(".git"))
}

/// All that is below a folder, relative to it.
fn below(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    let mut stack = vec![PathBuf::new()];
    while let Some(below) = stack.pop() {
        for entry in std::fs::read_dir(folder.join(&below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                stack.push(path.clone());
            }
            out.push(path);
        }
    }
    Ok(out)
}
