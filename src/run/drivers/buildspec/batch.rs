//! Batches: several builds for one action.
//!
//! They run one after the other, each after those that it depends on: an action has one of the places that `--jobs` gives, and
//! its log stays readable. What CodeBuild leaves open is decided here:
//!
//! - after a failure that is not ignored, builds that do not depend on it still run, unless `fast-fail` is on; those that do, do not;
//! - combined artifacts lie together, and two builds that give different files of the same name are a failure;
//! - a variable that two builds export with different values is not exported.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::{Done, Job};
use super::artifacts::{secondary, with_files};
use super::build::{self, Finished};
use super::spec::{Artifacts, Read, Spec, Task};
use crate::diagnostic::suggest::nearest;
use crate::run::outcome::Failure;
use crate::run::process::Level;
use crate::run::store::{Artifact, Content, Entry};

/// The builds of a buildspec's `batch`, in the order in which they run.
pub fn tasks(spec: &Spec) -> Result<Vec<Task>, Failure> {
    let Some(batch) = &spec.batch else {
        return Err(
            Failure::new("the buildspec has no `batch`, and the action has `BatchEnabled`")
                .with_help("add `batch` with its builds to the buildspec, or take `BatchEnabled` away"),
        );
    };
    batch.tasks().map_err(Failure::new)
}

/// Fails for an output that no build of the batch gives.
pub fn check_outputs(tasks: &[(Task, Read)], outputs: &[&str], combines: bool) -> Result<(), Failure> {
    for output in outputs {
        sources(tasks, output, outputs.len(), combines)?;
    }
    Ok(())
}

/// The builds (by their number) with the section that gives them an output: one, or all if artifacts are combined.
fn sources<'a>(
    tasks: &'a [(Task, Read)],
    output: &str,
    outputs: usize,
    combines: bool,
) -> Result<Vec<(usize, &'a Artifacts)>, Failure> {
    if combines {
        return combined_sources(tasks, output, outputs);
    }
    let section = |task: &Task, read: &'a Read| {
        let artifacts = read.spec.artifacts.as_ref()?;
        if task.identifier == output {
            return Some(with_files(output, artifacts));
        }
        let name = output.strip_prefix(task.identifier.as_str())?.strip_prefix('_')?;
        let is_known = artifacts.secondary_artifacts.as_ref()?.contains_key(name);
        is_known.then(|| secondary(artifacts, name, output))
    };
    let mut found = tasks.iter().enumerate();
    let found = found.find_map(|(index, (task, read))| Some((index, section(task, read)?)));
    let Some((index, section)) = found else {
        let names: Vec<&str> = tasks.iter().map(|(task, _)| task.identifier.as_str()).collect();
        let near = nearest(output, names.iter().copied());
        let hint = near.map_or(String::new(), |near| format!("did you mean `{near}`? "));
        return Err(
            Failure::new(format!("no build of the batch gives the output `{output}`")).with_help(format!(
                "{hint}an output is called like a build with `artifacts`, or `<build>_<secondary artifact>`; or set `CombineArtifacts`"
            )),
        );
    };
    Ok(vec![(index, section?)])
}

fn combined_sources<'a>(
    tasks: &'a [(Task, Read)],
    output: &str,
    outputs: usize,
) -> Result<Vec<(usize, &'a Artifacts)>, Failure> {
    if outputs != 1 {
        return Err(Failure::new(format!(
            "the action combines its artifacts, which makes one, and has {outputs} outputs"
        ))
        .with_help("leave one output, or take `CombineArtifacts` away"));
    }
    let with_artifacts = tasks.iter().enumerate();
    let found: Vec<(usize, &Artifacts)> = with_artifacts
        .filter_map(|(index, (_, read))| Some((index, read.spec.artifacts.as_ref()?)))
        .collect();
    if found.is_empty() {
        return Err(Failure::new(format!(
            "no buildspec of the batch has `artifacts`, and the action has the output `{output}`"
        )));
    }
    for (_, section) in &found {
        with_files(output, section)?;
    }
    Ok(found)
}

/// How a build ended.
enum End {
    Finished(Finished),
    Failed(Failure),
    /// It was not begun, because of that.
    Skipped(String),
}

/// A build with its folder.
struct Ran {
    dir: PathBuf,
    end: End,
}

/// Carries the builds out, and takes what they give.
pub async fn carry_out(job: &mut Job, tasks: &[(Task, Read)], fast_fail: bool) -> Result<Done, Failure> {
    let own = job.dir.clone();
    let folder = job.beside("build");
    job.log
        .say(&format!("batch of {} builds, one after the other", tasks.len()));
    let mut ran: Vec<Ran> = Vec::new();
    for (task, read) in tasks {
        job.dir = folder.join(&task.identifier).join("src");
        let end = match reason_to_skip(task, tasks, &ran, fast_fail) {
            Some(reason) => {
                job.log.say(&format!("build {}: not begun, {reason}", task.identifier));
                End::Skipped(reason)
            }
            None => one(job, task, read).await?,
        };
        ran.push(Ran {
            dir: job.dir.clone(),
            end,
        });
    }
    if let Some(failure) = failure(job, tasks, &mut ran) {
        return Err(failure);
    }
    let mut done = Done::default();
    outputs(job, tasks, &ran, &mut done)?;
    variables(job, tasks, &ran, &mut done);
    for ((task, read), ran) in tasks.iter().zip(&ran) {
        let name = &task.identifier;
        match &ran.end {
            End::Finished(finished) => {
                job.dir.clone_from(&ran.dir);
                finished.save_cache(job, &read.spec);
                done.notes
                    .extend(finished.notes.iter().map(|note| format!("{name}: {note}")));
            }
            End::Failed(failure) => done
                .notes
                .push(format!("{name} failed, which is ignored: {}", failure.message)),
            End::Skipped(reason) => done.notes.push(format!("{name} was not begun, {reason}")),
        }
    }
    job.dir = own;
    Ok(done)
}

/// Runs one build; fails only if the whole action was stopped.
async fn one(job: &mut Job, task: &Task, read: &Read) -> Result<End, Failure> {
    let name = &task.identifier;
    let variables: Vec<String> = task
        .variables
        .iter()
        .map(|(name, value)| format!(" {name}={value}"))
        .collect();
    job.log.say(&format!("build {name}{}", variables.concat()));
    let primary = job.configuration("PrimarySource").map(str::to_owned);
    let folders = job.unpack(primary.as_deref())?;
    match build::carry_out(job, read, Some(task), &folders).await {
        Ok(finished) => {
            job.log.say(&format!("build {name} succeeded"));
            Ok(End::Finished(finished))
        }
        Err(failure) if *job.stop.borrow() > Level::Go => Err(failure),
        Err(failure) => {
            job.log.say(&format!("build {name} failed: {}", failure.message));
            Ok(End::Failed(failure))
        }
    }
}

fn reason_to_skip(task: &Task, tasks: &[(Task, Read)], ran: &[Ran], fast_fail: bool) -> Option<String> {
    // What was not begun is not complete, whoever would have ignored its failure.
    let stands_in_the_way = |(task, ran): (&Task, &Ran)| match ran.end {
        End::Finished(_) => false,
        End::Failed(_) => !task.ignore_failure,
        End::Skipped(_) => true,
    };
    let others = tasks.iter().map(|(task, _)| task).zip(ran);
    let mut others = others
        .filter(|other| stands_in_the_way(*other))
        .map(|(task, _)| &task.identifier);
    if fast_fail {
        let other = others.next()?;
        return Some(format!("because `{other}` failed and `fast-fail` is on"));
    }
    let other = others.find(|name| task.depends_on.contains(name))?;
    Some(format!("because it depends on `{other}`"))
}

/// The first failure that is not ignored; the job's folder is then that build's.
fn failure(job: &mut Job, tasks: &[(Task, Read)], ran: &mut [Ran]) -> Option<Failure> {
    let all = tasks.iter().zip(ran);
    let mut all = all.filter(|((task, _), _)| !task.ignore_failure);
    let ((task, _), ran) = all.find(|(_, ran)| matches!(ran.end, End::Failed(_)))?;
    let End::Failed(failure) = &mut ran.end else {
        return None;
    };
    job.dir.clone_from(&ran.dir);
    let failure = std::mem::take(failure);
    Some(Failure {
        message: format!("the build `{}`: {}", task.identifier, failure.message),
        ..failure
    })
}

fn outputs(job: &mut Job, tasks: &[(Task, Read)], ran: &[Ran], done: &mut Done) -> Result<(), Failure> {
    let action = std::sync::Arc::clone(&job.action);
    let combines = job.configuration("CombineArtifacts").is_some_and(super::is_true);
    for output in action.outputs.iter().map(|output| output.name.value.as_str()) {
        let mut parts = Vec::new();
        for (index, section) in sources(tasks, output, action.outputs.len(), combines)? {
            let (name, ran) = (&tasks[index].0.identifier, &ran[index]);
            job.dir.clone_from(&ran.dir);
            match &ran.end {
                End::Finished(finished) => parts.push((name, finished.take(job, output, section)?)),
                _ if combines => job
                    .log
                    .say(&format!("artifact {output}: without that of `{name}`, which failed")),
                _ => {
                    return Err(
                        Failure::new(format!("the output `{output}` is of the build `{name}`, which failed"))
                            .with_help("its failure is ignored, but nothing else gives this output"),
                    );
                }
            }
        }
        let artifact = combine(job, output, parts)?;
        done.artifacts.insert(output.to_owned(), artifact);
    }
    Ok(())
}

/// One artifact with the files of all.
fn combine(job: &mut Job, output: &str, mut parts: Vec<(&String, Artifact)>) -> Result<Artifact, Failure> {
    if parts.len() == 1 {
        return Ok(parts.remove(0).1);
    }
    let mut files: BTreeMap<PathBuf, (&String, Content)> = BTreeMap::new();
    let folder = job.beside("combined");
    for (name, artifact) in &parts {
        for Entry { path, content } in &job.run.store.manifest(artifact)?.entries {
            let path = path.to_path();
            match files.get(&path) {
                Some((other, known)) if known != content => {
                    return Err(Failure::new(format!(
                        "the builds `{other}` and `{name}` give different files `{}`, and the artifacts are combined",
                        path.display()
                    ))
                    .with_help("let each build call its files otherwise, or take `CombineArtifacts` away"));
                }
                Some(_) => {}
                None => {
                    files.insert(path, (name, content.clone()));
                }
            }
        }
        job.run.store.unpack(artifact, &folder)?;
    }
    let artifact = job.run.store.import(&folder)?;
    job.log
        .say(&format!("artifact {output}: combined, {}", artifact.file_count()));
    Ok(artifact)
}

/// What the builds export, as far as they agree.
fn variables(job: &mut Job, tasks: &[(Task, Read)], ran: &[Ran], done: &mut Done) {
    let mut values: BTreeMap<&String, Vec<(&str, &String)>> = BTreeMap::new();
    for ((task, _), ran) in tasks.iter().zip(ran) {
        if let End::Finished(finished) = &ran.end {
            for (name, value) in &finished.exported {
                values.entry(name).or_default().push((&task.identifier, value));
            }
        }
    }
    for (name, values) in values {
        let (first, value) = values[0];
        match values.iter().find(|(_, other)| *other != value) {
            None => {
                done.variables.insert(name.clone(), value.clone());
            }
            Some((other, _)) => {
                let note = format!("`{name}` is not exported: `{first}` and `{other}` give it different values");
                job.log.say(&note);
                done.notes.push(note);
            }
        }
    }
}
