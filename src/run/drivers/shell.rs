//! `shell`: the commands of compute.commands and of the Commands rule.
//!
//! All commands run in one shell, in the order written, so that folder, variables and functions carry over from one to the
//! next; the first that fails ends the action. The first input is the folder they start in, the others are in
//! `CODEBUILD_SRC_DIR_<artifact>`. Output variables are read from the environment at the end: what was set has to be exported.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Done, Job};
use crate::ir::Action;
use crate::run::outcome::Failure;
use crate::run::paths::{quoted, variable};

/// After so long AWS ends the commands.
const CEILING: Duration = Duration::from_secs(55 * 60);

/// Whether the commands can run here at all; a problem is said in words.
pub fn check(action: &Action) -> Result<(), Failure> {
    let system = action.configuration.get("EnvironmentType");
    match system.and_then(|entry| entry.value.as_literal()) {
        Some(system) if system.starts_with("WINDOWS") => {
            let message = "its commands are written for Windows, and there is none here";
            Err(Failure::new(message).with_help("let a command of yours stand in for it: `local { run = \"…\" }`"))
        }
        _ => Ok(()),
    }
}

pub async fn carry_out(job: &mut Job) -> Result<Done, Failure> {
    let folders = job.unpack(None)?;
    let mut environment = job.environment()?;
    environment.set_path("CODEBUILD_SRC_DIR", &job.dir);
    for (name, folder) in &folders {
        environment.set_path(&format!("CODEBUILD_SRC_DIR_{}", variable(name)), folder);
    }
    let action = std::sync::Arc::clone(&job.action);
    let names: Vec<&str> = action.output_variables.iter().map(|name| name.value.as_str()).collect();
    let failed_at = job.beside("failed");
    let exports = job.beside("variables");
    let commands = job.resolved.commands.clone();
    let script = script(&job.dir, &commands, &failed_at, &names, &exports);
    if let [command] = commands.as_slice() {
        job.log.announce(format!("$ {command}"));
    }
    let start = Instant::now();
    let exit = job.shell(&script, environment).await?;
    let took = start.elapsed();
    if !exit.is_success() {
        let index = fs::read_to_string(&failed_at)
            .ok()
            .and_then(|text| text.trim().parse::<usize>().ok());
        let _ = fs::remove_file(&failed_at);
        let index = index.unwrap_or(usize::from(commands.len() == 1));
        let command = index.checked_sub(1).and_then(|index| commands.get(index)).cloned();
        return Err(Failure::command(command, exit));
    }
    let mut done = Done::default();
    if !names.is_empty() {
        done.variables = read_variables(&exports)?;
        done.notes.extend(unset(&names, &done.variables));
    }
    done.notes.extend(too_long(took));
    for output in &job.action.outputs {
        let local = &job.plan.settings.files;
        let patterns: Vec<String> = if local.is_empty() {
            output.files.iter().map(|pattern| pattern.value.clone()).collect()
        } else {
            local.clone()
        };
        let artifact = job.store_files(&output.name.value, &job.dir, &patterns)?;
        done.artifacts.insert(output.name.value.clone(), artifact);
    }
    Ok(done)
}

/// One shell's script: each command on its own (a quote left open in one cannot swallow the next), the first failure its end.
fn script(dir: &Path, commands: &[String], failed_at: &Path, exported: &[&str], exports: &Path) -> String {
    let mut out = format!("cd -- {} || exit 126\n", quoted(&dir.to_string_lossy()));
    if let ([command], []) = (commands, exported) {
        let _ = writeln!(out, "eval {}", quoted(command));
        return out;
    }
    // Also where a command ends the shell itself.
    let _ = writeln!(
        out,
        "__pipe_end() {{ if [ $? -eq 0 ]; then\n{}:; else echo \"$__pipe_step\" >{}; fi; }}; trap __pipe_end EXIT",
        export_script(exported, exports),
        quoted(&failed_at.to_string_lossy())
    );
    for (index, command) in commands.iter().enumerate() {
        let _ = writeln!(out, "__pipe_step={}", index + 1);
        if commands.len() > 1 {
            let _ = writeln!(out, "printf '%s\\n' {}", quoted(&format!("$ {command}")));
        }
        let _ = writeln!(out, "eval {}", quoted(command));
        let _ = writeln!(
            out,
            "{{ __pipe_status=$?; [ $__pipe_status -eq 0 ] || exit $__pipe_status; }} 2>/dev/null"
        );
    }
    out
}

/// Names without a value: whoever refers to them will fail.
fn unset(names: &[&str], given: &BTreeMap<String, String>) -> Option<String> {
    let missing = names.iter().filter(|name| !given.contains_key(**name));
    let missing: Vec<String> = missing.map(|name| format!("`{name}`")).collect();
    (!missing.is_empty()).then(|| format!("no value for {}: no command exported it", missing.join(", ")))
}

fn too_long(took: Duration) -> Option<String> {
    let minutes = |duration: Duration| duration.as_secs() / 60;
    (took > CEILING).then(|| {
        let (took, most) = (minutes(took), minutes(CEILING));
        format!("it took {took} minutes: AWS ends commands after {most}")
    })
}

/// Shell text that writes the named variables, as a child process sees them, to a file.
pub fn export_script(names: &[&str], file: &Path) -> String {
    if names.is_empty() {
        return String::new();
    }
    let mut inner = String::new();
    for name in names.iter().filter(|name| is_variable_name(name)) {
        let _ = write!(
            inner,
            "[ -z \"${{{name}+x}}\" ] || printf '%s=%s\\0' {name} \"${name}\"; "
        );
    }
    inner.push_str("true");
    format!("/bin/sh -c {} >{}\n", quoted(&inner), quoted(&file.to_string_lossy()))
}

fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Reads what [`export_script`] wrote.
pub fn read_variables(file: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        // A command took over what happens at the shell's end: then nothing was exported.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error.into()),
    };
    let _ = fs::remove_file(file);
    let text = String::from_utf8_lossy(&bytes);
    let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_would_have_ended_is_said() {
        assert_eq!(too_long(CEILING), None);
        let note = too_long(Duration::from_secs(61 * 60)).unwrap();
        assert_eq!(note, "it took 61 minutes: AWS ends commands after 55");
    }
}
