//! One shell for a whole build: it is fed one command after the other, so that `cd`, `export`, functions and options last from
//! command to command and across phases, and tells how each ended.
//!
//! Commands come to it as names of files by a named pipe, results go back by another. When a command ends the shell (`exit`,
//! `set -e`, a syntax error), that is the command's result, and the next one gets a new shell with the environment and the folder of the old.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use nix::sys::stat::Mode;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::unix::pipe;
use tokio::sync::watch;

use super::super::Environment;
use crate::run::log::Log;
use crate::run::outcome::{Exit, Failure};
use crate::run::paths::quoted;
use crate::run::process::{self, Level, Program};

pub struct Session<'a> {
    shell: PathBuf,
    /// Where the build starts.
    dir: PathBuf,
    /// A folder for our own files.
    scratch: PathBuf,
    environment: Environment,
    log: &'a mut Log,
    stop: &'a mut watch::Receiver<Level>,
    /// Whether each command has a new shell, as in version 0.1.
    always_new: bool,
    step: usize,
    has_state: bool,
}

/// What the shell is given at once.
pub struct Step {
    /// Shell text.
    pub text: String,
    /// Lines that are shown before its output, as CodeBuild's.
    pub shown: Vec<String>,
}

impl<'a> Session<'a> {
    pub fn new(
        shell: PathBuf,
        dir: &Path,
        scratch: PathBuf,
        environment: Environment,
        (log, stop): (&'a mut Log, &'a mut watch::Receiver<Level>),
        always_new: bool,
    ) -> io::Result<Self> {
        fs::create_dir_all(&scratch)?;
        Ok(Self {
            shell,
            dir: dir.to_path_buf(),
            scratch,
            environment,
            log,
            stop,
            always_new,
            step: 0,
            has_state: false,
        })
    }

    /// A line of CodeBuild's.
    pub fn say(&mut self, text: &str) {
        self.log.say(&container_line(text));
    }

    fn is_stopped(&self) -> bool {
        *self.stop.borrow() > Level::Go
    }

    /// Runs the steps that `next` gives, which is told how the last one ended, until it gives none. A new shell is started when there is none or
    /// the last has ended.
    pub async fn run(&mut self, mut next: impl FnMut(Option<Exit>) -> Option<Step>) -> Result<(), Failure> {
        let mut step = next(None);
        while let Some(first) = step.take() {
            step = self.run_in_one_shell(first, &mut next).await?;
        }
        Ok(())
    }

    /// Gives the step that needs a new shell, if any.
    async fn run_in_one_shell(
        &mut self,
        first: Step,
        next: &mut impl FnMut(Option<Exit>) -> Option<Step>,
    ) -> Result<Option<Step>, Failure> {
        let (orders, results) = (self.fresh_fifo("orders")?, self.fresh_fifo("results")?);
        let mut orders_in = pipe::OpenOptions::new().read_write(true).open_sender(&orders)?;
        let results_out = pipe::OpenOptions::new().read_write(true).open_receiver(&results)?;
        let mut results_out = BufReader::new(results_out).lines();
        let mut program = Program::shell(&self.shell, self.script(&orders, &results));
        program.environment = self.environment.variables.clone();
        self.has_state = true;
        let mut files = StepFiles {
            scratch: self.scratch.clone(),
            step: self.step,
        };
        let (log, stop) = (&mut *self.log, &mut *self.stop);
        let shell = process::run(&program, stop, |bytes| log.write(bytes));
        let mut shell: Pin<Box<dyn Future<Output = io::Result<Exit>> + Send + '_>> = Box::pin(shell);
        let mut current = Some(first);
        let mut wants_new = None;
        while let Some(step) = current.take() {
            let file = files.write(&step)?;
            orders_in.write_all(format!("{}\n", file.display()).as_bytes()).await?;
            match result(&mut shell, &mut results_out).await? {
                (exit, true) => {
                    wants_new = next(Some(exit));
                    self.step = files.step;
                    drop(shell);
                    // The signal that ended it was meant for the whole build.
                    return if self.is_stopped() {
                        Err(stopped())
                    } else {
                        Ok(wants_new)
                    };
                }
                (exit, false) => current = next(Some(exit)),
            }
            if self.always_new {
                wants_new = current.take();
            }
        }
        // No more orders: the shell comes to its end.
        drop(orders_in);
        shell.await?;
        self.step = files.step;
        if self.is_stopped() {
            Err(stopped())
        } else {
            Ok(wants_new)
        }
    }

    fn fresh_fifo(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.scratch.join(name);
        let _ = fs::remove_file(&path);
        nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        Ok(path)
    }

    /// The shell's own script: takes orders, tells results, and keeps environment and folder for a shell after it.
    fn script(&self, orders: &Path, results: &Path) -> String {
        let path = |path: &Path| quoted(&path.to_string_lossy());
        let (variables, folder) = (
            path(&self.scratch.join("environment")),
            path(&self.scratch.join("folder")),
        );
        let mut out = format!("exec 8>{} 9<{}\n", path(results), path(orders));
        if self.has_state && !self.always_new {
            let _ = writeln!(out, "[ ! -f {variables} ] || . {variables}");
            let _ = writeln!(
                out,
                "cd -- \"$(cat {folder} 2>/dev/null)\" 2>/dev/null || cd -- {} || exit 126",
                path(&self.dir)
            );
        } else {
            let _ = writeln!(out, "cd -- {} || exit 126", path(&self.dir));
        }
        let keep = format!("export -p >{variables}; pwd >{folder};");
        let _ = write!(
            out,
            "trap {} EXIT\n\
             while IFS= read -r __pipe_step <&9; do\n\
             . \"$__pipe_step\"\n\
             {{ __pipe_status=$?; {keep} printf '%s\\n' \"$__pipe_status\" >&8; }} 2>/dev/null\n\
             done\n\
             {{ trap - EXIT; }} 2>/dev/null\n",
            quoted(&format!("{{ {keep} }} 2>/dev/null")),
        );
        out
    }
}

/// A line as CodeBuild's logs have it: `[Container] 2026/11/22 13:16:38.123456 Entering phase BUILD`.
fn container_line(text: &str) -> String {
    let now = jiff::Timestamp::now().strftime("%Y/%m/%d %H:%M:%S%.6f");
    format!("[Container] {now} {text}")
}

struct StepFiles {
    scratch: PathBuf,
    step: usize,
}

impl StepFiles {
    fn write(&mut self, step: &Step) -> io::Result<PathBuf> {
        self.step += 1;
        let path = self.scratch.join(format!("step-{}", self.step));
        let mut text = String::new();
        if !step.shown.is_empty() {
            let lines: Vec<String> = step.shown.iter().map(|line| container_line(line)).collect();
            let shown = quoted(&lines.join("\n"));
            let _ = writeln!(text, "{{ printf '%s\\n' {shown}; }} 2>/dev/null");
        }
        text.push_str(&step.text);
        text.push('\n');
        fs::write(&path, text)?;
        Ok(path)
    }
}

/// A command's result, and whether the shell ended with it.
async fn result(
    shell: &mut Pin<Box<dyn Future<Output = io::Result<Exit>> + Send + '_>>,
    results: &mut Lines<BufReader<pipe::Receiver>>,
) -> Result<(Exit, bool), Failure> {
    tokio::select! {
        // What the shell still said counts more than that it ended.
        biased;
        line = results.next_line() => {
            let line = line?.unwrap_or_default();
            Ok((Exit::Code(line.trim().parse().unwrap_or(1)), false))
        }
        exit = shell.as_mut() => Ok((exit?, true)),
    }
}

fn stopped() -> Failure {
    Failure::new("it was stopped")
}
