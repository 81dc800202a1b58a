//! `local { run = "…" }`: a command of the user's stands in for the action, whatever its type.
//!
//! It starts in a folder that holds the first input; the others are in `PIPE_INPUT_<artifact>`. The configuration is there as
//! `PIPE_CONFIG_<KEY>`, secrets are where the action's environment names them. What it writes to the file `$PIPE_OUTPUT` as
//! `NAME=value` lines becomes output variables; what it puts into the folder `$PIPE_ARTIFACT_<output>` becomes that output.
//! What invokes a Lambda function or a state machine gets on its standard input what those would get: the job's event, the
//! machine's input. Exit status 0 is what `PutJobSuccessResult` is there.
//!
//! With `local { files = ["glob", …] }` an output whose folder stays empty takes the files that match, from the folder the command ran in.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::{Done, Job, job_event};
use crate::run::outcome::Failure;
use crate::run::paths::{component, quoted, variable};

pub async fn carry_out(job: &mut Job) -> Result<Done, Failure> {
    let command = job.plan.settings.run.clone().unwrap_or_default();
    let folders = job.unpack(job.configuration("PrimarySource"))?;
    let mut environment = job.environment()?;
    for (name, folder) in &folders {
        environment.set_path(&format!("PIPE_INPUT_{}", variable(name)), folder);
    }
    for (key, value) in &job.resolved.configuration {
        environment.set(&format!("PIPE_CONFIG_{}", variable(key)), value);
    }
    set_build_variables(job, &mut environment)?;
    environment.set_path("PIPE_PROJECT", &job.run.options.project_dir);
    let output = job.beside("output");
    if let Some(folder) = output.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&output, "")?;
    environment.set_path("PIPE_OUTPUT", &output);
    let mut outputs: Vec<(String, PathBuf)> = Vec::new();
    for artifact in &job.action.outputs {
        let folder = job.beside("outputs").join(component(&artifact.name.value));
        fs::create_dir_all(&folder)?;
        environment.set_path(&format!("PIPE_ARTIFACT_{}", variable(&artifact.name.value)), &folder);
        if artifact.handle.0 != artifact.name.value && !artifact.handle.0.is_empty() {
            environment.set_path(&format!("PIPE_ARTIFACT_{}", variable(&artifact.handle.0)), &folder);
        }
        outputs.push((artifact.name.value.clone(), folder));
    }
    job.log.announce(format!("$ {}", command.trim_end()));
    let mut script = format!("cd -- {} || exit 126\n", quoted(&job.dir.to_string_lossy()));
    let event = job.beside("event");
    if let Some(text) = job_event::input(job)? {
        fs::write(&event, text)?;
        script.push_str(&format!("exec <{}\n", quoted(&event.to_string_lossy())));
    }
    script.push_str(&format!("{command}\n"));
    let exit = job.shell(&script, environment).await?;
    let _ = fs::remove_file(&event);
    if !exit.is_success() {
        return Err(Failure::command(Some(command), exit));
    }
    let mut done = Done {
        variables: read_output(&fs::read_to_string(&output)?)?,
        ..Done::default()
    };
    let _ = fs::remove_file(&output);
    for (name, folder) in outputs {
        let is_empty = fs::read_dir(&folder)?.next().is_none();
        let files = &job.plan.settings.files;
        let artifact = if is_empty && !files.is_empty() {
            job.store_files(&name, &job.dir, files)?
        } else {
            job.store_files(&name, &folder, &[])?
        };
        if artifact.files == 0 {
            let message = format!(
                "the output `{name}` is empty: nothing was put into $PIPE_ARTIFACT_{}",
                variable(&name)
            );
            done.notes.push(message);
        }
        done.artifacts.insert(name, artifact);
    }
    Ok(done)
}

/// A build's `EnvironmentVariables`, so that a stand-in for a build sees what the build would see.
fn set_build_variables(job: &Job, environment: &mut super::Environment) -> Result<(), Failure> {
    if let Some(json) = job.configuration("EnvironmentVariables") {
        for (name, value) in super::buildspec::environment::of_action(job, json, true)? {
            environment.set(&name, &value);
        }
    }
    Ok(())
}

/// `NAME=value` lines.
fn read_output(text: &str) -> Result<BTreeMap<String, String>, Failure> {
    let mut out = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let Some((name, value)) = line.split_once('=') else {
            return Err(Failure::new(format!("`$PIPE_OUTPUT` has a line without `=`: `{line}`"))
                .with_help("write one `NAME=value` a line"));
        };
        out.insert(name.trim().to_owned(), value.to_owned());
    }
    Ok(out)
}
