//! What this program does when it is run in the place of another one: `bench stand-in WHAT…`.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, thread};

use nix::sys::resource::{UsageWho, getrusage};
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::generate::RUN_STAGE_ACTIONS;
use crate::masking;
use crate::programs::Program;

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    match arguments {
        ["json", file] => json(Path::new(file)),
        ["spawn", count, jobs] => spawn(number(count)?, number(jobs)?),
        ["print", bytes] => print(number(bytes)?),
        ["capture", file, program, rest @ ..] => capture(Path::new(file), program, rest),
        ["peak", program, rest @ ..] => peak(program, rest),
        other => Err(format!("nothing stands in for {other:?}")),
    }
}

/// This program, in the place of another one.
pub(crate) fn program(name: &str, arguments: &[&str]) -> Result<Program, String> {
    let this = env::current_exe().map_err(|error| error.to_string())?;
    Ok(Program::new(name, &this, &[&["stand-in"], arguments].concat()))
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

/// serde_json reading and printing the exported JSON.
fn json(file: &Path) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    println!("{value:#}");
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().build().map_err(|error| error.to_string())
}

/// A bare runner: `count` shells, `jobs` at a time, their output captured. It waits where a pipeline's stage ends.
fn spawn(count: usize, jobs: usize) -> Result<(), String> {
    runtime()?.block_on(async {
        let limit = Arc::new(Semaphore::new(jobs));
        for stage in 0..count.div_ceil(RUN_STAGE_ACTIONS) {
            let mut shells = JoinSet::new();
            for _ in 0..RUN_STAGE_ACTIONS.min(count - stage * RUN_STAGE_ACTIONS) {
                let permit = limit.clone().acquire_owned().await.map_err(|error| error.to_string())?;
                shells.spawn(async move {
                    let output = Command::new("/bin/sh").args(["-c", "true"]).output().await;
                    drop(permit);
                    output
                });
            }
            while let Some(output) = shells.join_next().await {
                let output = output.map_err(|error| error.to_string())?;
                if !output.map_err(|error| error.to_string())?.status.success() {
                    return Err("`sh -c true` failed".to_owned());
                }
            }
        }
        Ok(())
    })
}

/// A build that prints a lot.
fn print(bytes: usize) -> Result<(), String> {
    let lines = masking::lines(None);
    let mut out = std::io::stdout();
    let mut left = bytes;
    while left > 0 {
        let part = &lines[..left.min(lines.len())];
        out.write_all(part).map_err(|error| error.to_string())?;
        left -= part.len();
    }
    Ok(())
}

/// A bare runner that captures the output of one program in a file.
fn capture(file: &Path, program: &str, arguments: &[&str]) -> Result<(), String> {
    let capture = async {
        let mut child = Command::new(program).args(arguments).stdout(Stdio::piped()).spawn()?;
        let mut file = fs::File::create(file)?;
        if let Some(mut stdout) = child.stdout.take() {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                match stdout.read(&mut buffer).await? {
                    0 => break,
                    count => file.write_all(&buffer[..count])?,
                }
            }
        }
        child.wait().await
    };
    match runtime()?.block_on(capture) {
        Ok(status) if status.success() => Ok(()),
        other => Err(format!("{program}: {other:?}")),
    }
}

/// The peak memory of a program and of all that it started, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peak {
    /// Of the process that has the most.
    pub(crate) largest: f64,
    /// Of the one that was started: of `pipe run` the keeper.
    pub(crate) first: f64,
}

/// Runs a program to its end and gives its peak memory.
pub(crate) fn peak_of(program: &Program) -> Result<Peak, String> {
    let output = peak_command(program)?
        .stdout(Stdio::piped())
        .output()
        .map_err(|error| error.to_string())?;
    read_peak(&output)
}

/// What runs a program and prints its peak memory for [`read_peak`].
pub(crate) fn peak_command(measured: &Program) -> Result<std::process::Command, String> {
    let path = measured.path.display().to_string();
    let arguments = measured.arguments.iter().map(String::as_str);
    let arguments: Vec<&str> = ["peak", &path].into_iter().chain(arguments).collect();
    Ok(program("peak", &arguments)?.command())
}

pub(crate) fn read_peak(output: &std::process::Output) -> Result<Peak, String> {
    let said = String::from_utf8_lossy(&output.stdout);
    let mut kibibytes = said.split_whitespace().map(|word| word.parse::<f64>().ok());
    match (kibibytes.next().flatten(), kibibytes.next().flatten()) {
        (Some(largest), Some(first)) => Ok(Peak {
            largest: largest * 1024.0,
            first: first * 1024.0,
        }),
        _ => Err(format!("no peak memory was reported: {output:?}")),
    }
}

/// Runs one program and prints peaks of resident memory in kibibytes: what the kernel says of this process's only child and of
/// all that came from it, and what that child itself has had, as far as somebody who looks now and then can see.
/// (The kernel counts from the fork on, so this small program's own memory is the least that can be reported.)
fn peak(program: &str, arguments: &[&str]) -> Result<(), String> {
    let mut child = Program::new("peak", Path::new(program), arguments)
        .command()
        .spawn()
        .map_err(|error| error.to_string())?;
    let status = format!("/proc/{}/status", child.id());
    let mut first = String::from("0");
    loop {
        let said = fs::read_to_string(&status).unwrap_or_default();
        let line = said.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(size) = line.and_then(|line| line.split_whitespace().next()) {
            size.clone_into(&mut first);
        }
        if child.try_wait().map_err(|error| error.to_string())?.is_some() {
            break;
        }
        thread::sleep(Duration::from_millis(2));
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| error.to_string())?;
    println!("{} {first}", usage.max_rss());
    Ok(())
}
