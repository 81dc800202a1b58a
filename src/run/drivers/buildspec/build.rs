//! One build: environment, cache, phases, reports. What it gives is taken when all else went well.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::{Environment, Job, blocking, find_shell, shell};
use super::artifacts::{Ground, Selection, select};
use super::cache::{Cache, Keys, does};
use super::phases::Phases;
use super::possible::possible;
use super::session::Session;
use super::spec::{Artifacts, CacheAction, Read, Spec, Task};
use super::{differences, environment, expand, reports};
use crate::run::outcome::Failure;
use crate::run::paths::quoted;
use crate::run::process::Level;
use crate::run::store::Artifact;

/// CodeBuild's command that makes a cache's key of files.
const HASH_FILES: &str = "codebuild-hash-files";

/// A build whose phases went well.
pub struct Finished {
    /// What it exports.
    pub exported: BTreeMap<String, String>,
    /// What its reports say.
    pub notes: Vec<String>,
    /// The variables that its patterns name, at its end.
    variables: BTreeMap<String, String>,
    keys: Keys,
}

/// Carries a build out in the job's folder; `folders` are those of its sources. What a failed one left to say is in the log.
pub async fn carry_out(
    job: &mut Job,
    read: &Read,
    task: Option<&Task>,
    folders: &[(String, PathBuf)],
) -> Result<Finished, Failure> {
    let spec = &read.spec;
    possible(spec, job.plan.settings.shell.as_deref())?;
    say_what_differs(job, read, task);
    let (exports, notes) = environment::exported(job, spec);
    for note in &notes {
        job.log.say(note);
    }
    let mut environment = environment::of_build(job, spec, folders, task)?;
    let scratch = job.beside("build");
    fs::create_dir_all(&scratch)?;
    add_tools(spec, &job.run.shell, &scratch, &mut environment)?;
    let shell = shell_of(job, spec)?;
    let keys = keys(job, spec, &shell, &environment, &scratch).await?;
    restore(job, spec, &keys, &scratch)?;

    let file = scratch.join("variables");
    let mentioned = mentioned(spec);
    let wanted: Vec<&str> = exports.iter().copied().chain(mentioned).collect();
    let script = shell::export_script(&wanted, &file);
    let dir = job.dir.clone();
    let channels = (&mut job.log, &mut job.stop);
    let mut session = Session::new(shell, &dir, scratch, environment, channels, spec.is_old())?;
    let mut phases = Phases::new(spec, script);
    session.run(|exit| phases.next(exit)).await?;
    let (failure, lines) = phases.end();
    for line in lines {
        session.say(&line);
    }
    let variables = shell::read_variables(&file)?;
    let ground = Ground {
        source: &job.dir,
        variables: &variables,
    };
    let notes = blocking(|| reports::summaries(spec, ground));
    for note in &notes {
        job.log.say(note);
    }
    if let Some(failure) = failure {
        if spec.artifacts.is_some() && !job.action.outputs.is_empty() {
            job.log.say("no artifacts are taken from a build that failed");
        }
        return Err(failure);
    }
    let exported = exports
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), variables.get(*name)?.clone())));
    Ok(Finished {
        exported: exported.collect(),
        notes,
        variables,
        keys,
    })
}

impl Finished {
    /// Takes one output in.
    pub fn take(&self, job: &mut Job, output: &str, section: &Artifacts) -> Result<Artifact, Failure> {
        let selection = self.select(job, output, section)?;
        let files = selection.files.into_iter();
        let artifact = blocking(|| job.run.store.import_files(&job.dir, files))?;
        job.log.say(&format!("artifact {output}: {}", artifact.file_count()));
        Ok(artifact)
    }

    /// The files of one output.
    pub fn select(&self, job: &mut Job, output: &str, section: &Artifacts) -> Result<Selection, Failure> {
        if *job.stop.borrow() > Level::Go {
            return Err(Failure::new("it was stopped"));
        }
        let selection = blocking(|| select(self.ground(&job.dir), section)).map_err(|failure| Failure {
            message: format!("the output `{output}`: {}", failure.message),
            ..failure
        })?;
        for note in &selection.notes {
            job.log.say(&format!("artifact {output}: {note}"));
        }
        Ok(selection)
    }

    /// Keeps what the next build shall find.
    pub fn save_cache(&self, job: &mut Job, spec: &Spec) {
        let Some(section) = spec.cache.as_ref().filter(|section| does(section, CacheAction::Save)) else {
            return;
        };
        let cache = cache_of(job);
        let saved = blocking(|| cache.save(&self.keys, section, self.ground(&job.dir)));
        // A build that succeeded does not fail because the next one will be slower.
        let notes = saved.unwrap_or_else(|failure| vec![format!("cache: not kept: {}", failure.message)]);
        for note in notes {
            job.log.say(&note);
        }
    }

    fn ground<'a>(&'a self, source: &'a Path) -> Ground<'a> {
        Ground {
            source,
            variables: &self.variables,
        }
    }
}

/// Says where this build differs from CodeBuild's, and what is wrong with its buildspec.
fn say_what_differs(job: &mut Job, read: &Read, task: Option<&Task>) {
    // Those of the whole batch's buildspec were said before.
    if task.is_none_or(|task| task.buildspec.is_some()) {
        for warning in &read.warnings {
            job.log.say(&format!("warning: {warning}"));
        }
    }
    let of_task = task.and_then(differences::of_task);
    for difference in differences::of_spec(&read.spec).into_iter().chain(of_task) {
        job.log.say(&difference);
    }
}

fn shell_of(job: &Job, spec: &Spec) -> Result<PathBuf, Failure> {
    let of_spec = spec.env.as_ref().and_then(|env| env.shell.as_ref());
    match job.plan.settings.shell.as_ref().or(of_spec) {
        Some(name) => find_shell(name),
        None => Ok(job.run.shell.clone()),
    }
}

/// The variables that patterns name.
fn mentioned(spec: &Spec) -> Vec<&str> {
    let mut texts: Vec<&str> = Vec::new();
    let mut sections: Vec<&Artifacts> = spec.artifacts.iter().collect();
    let secondary = spec
        .artifacts
        .iter()
        .flat_map(|artifacts| &artifacts.secondary_artifacts);
    sections.extend(secondary.flat_map(BTreeMap::values));
    for section in sections {
        let patterns = [&section.files, &section.exclude_paths];
        texts.extend(
            patterns
                .into_iter()
                .flatten()
                .flat_map(|list| &list.0)
                .map(String::as_str),
        );
        texts.extend(section.base_directory.as_deref());
    }
    for report in spec.reports.iter().flatten().filter_map(|(_, report)| report.as_ref()) {
        texts.extend(report.files.iter().flat_map(|list| &list.0).map(String::as_str));
        texts.extend(report.base_directory.as_deref());
    }
    let cached = spec.cache.iter().filter_map(|cache| cache.paths.as_ref());
    texts.extend(cached.flat_map(|list| &list.0).map(String::as_str));
    let mut out: Vec<&str> = texts.into_iter().flat_map(expand::names_in).collect();
    out.sort_unstable();
    out.dedup();
    out
}

fn cache_of(job: &Job) -> Cache {
    Cache::new(&job.run.state_dir, job.configuration("ProjectName").unwrap_or("local"))
}

/// The keys of the build's cache, as the shell makes them of their texts: `npm-$(codebuild-hash-files package-lock.json)`.
async fn keys(
    job: &mut Job,
    spec: &Spec,
    shell: &Path,
    environment: &Environment,
    scratch: &Path,
) -> Result<Keys, Failure> {
    let Some((key, section)) = spec
        .cache
        .as_ref()
        .and_then(|section| Some((section.key.as_ref()?, section)))
    else {
        return Ok(Keys::default());
    };
    let texts: Vec<&String> = std::iter::once(key)
        .chain(section.fallback_keys.iter().flatten())
        .collect();
    let file = |index: usize| scratch.join(format!("key-{index}"));
    let mut script = format!("cd -- {} || exit 126\n", quoted(&job.dir.to_string_lossy()));
    for (index, text) in texts.iter().enumerate() {
        let to = quoted(&file(index).to_string_lossy());
        script.push_str(&format!("cat >{to} <<__pipe_key\n{}\n__pipe_key\n", text.trim()));
    }
    let exit = job.shell_at(shell, &script, environment.clone()).await?;
    if !exit.is_success() {
        return Err(Failure::command(None, exit).with_help(format!("look at the key of the cache: `{key}`")));
    }
    let read = |index: usize| fs::read_to_string(file(index)).map(|text| text.trim().to_owned());
    let mut all: Vec<String> = (0..texts.len()).map(read).collect::<io::Result<_>>()?;
    Ok(Keys {
        key: all.remove(0),
        fallbacks: all,
    })
}

fn restore(job: &mut Job, spec: &Spec, keys: &Keys, scratch: &Path) -> Result<(), Failure> {
    if !spec
        .cache
        .as_ref()
        .is_some_and(|section| does(section, CacheAction::Restore))
    {
        return Ok(());
    }
    let cache = cache_of(job);
    let restored = blocking(|| cache.restore(keys, &job.dir, &scratch.join("cache")));
    job.log.say(&restored?);
    Ok(())
}

/// Puts what CodeBuild's machines have besides the usual programs at the end of the path, if the build names it.
fn add_tools(spec: &Spec, shell: &Path, scratch: &Path, environment: &mut Environment) -> io::Result<()> {
    let keys = spec
        .cache
        .iter()
        .flat_map(|cache| cache.key.iter().chain(cache.fallback_keys.iter().flatten()));
    if !keys
        .map(String::as_str)
        .chain(spec.commands())
        .any(|text| text.contains(HASH_FILES))
    {
        return Ok(());
    }
    let tools = scratch.join("tools");
    fs::create_dir_all(&tools)?;
    let text = scratch.join(HASH_FILES);
    fs::write(&text, include_str!("hash_files.sh"))?;
    // Not by ourselves: another action's program, being started at this moment, would hold the file open for writing, and the system
    // runs no such file.
    let copy = "cat <\"$1\" >\"$2\" && chmod 755 \"$2\"";
    let mut program = Command::new(shell);
    program.args(["-c", copy, "sh"]).arg(&text).arg(tools.join(HASH_FILES));
    let status = blocking(|| program.status())?;
    if !status.success() {
        return Err(io::Error::other(format!("{} could not be written", tools.display())));
    }
    let known = environment.variables.iter().find(|(name, _)| name == "PATH");
    let mut path = known.map_or(OsString::new(), |(_, path)| path.clone());
    if !path.is_empty() {
        path.push(":");
    }
    path.push(&tools);
    environment.set_path("PATH", Path::new(&path));
    Ok(())
}
