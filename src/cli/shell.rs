//! `pipe shell`: a shell where an action failed.

use std::io::IsTerminal;
use std::os::unix::process::CommandExt;

use super::args::ShellArgs;
use super::console::Console;
use super::error::Error;
use super::history::{action, read, with_word};
use super::status::Status;
use crate::run::history::shell::Scene;
use crate::run::units::show_path;

/// Becomes the shell, so that its answers to signals and its exit status are its own.
pub(super) fn shell(args: &ShellArgs, console: &mut Console) -> Result<Status, Error> {
    let (run_dir, word) = with_word(&args.choice)?;
    let run = read(&run_dir)?;
    let place = word.map(|word| action(&run.record, &word)).transpose()?;
    let scene = Scene::find(&run, place.as_deref())?;
    console.note(&format!("{} failed: {}\n", scene.place, scene.failure.message));
    if let Some(command) = &scene.failure.command {
        console.note(&format!(
            "  command:   {}\n",
            command.trim_end().replace('\n', "\n             ")
        ));
    }
    console.note(&format!("  its files: {}\n", show_path(&scene.directory)));
    if !scene.withheld.is_empty() {
        console.note(&format!("  not set, because secret: {}\n", scene.withheld.join(", ")));
    }
    let mut command = scene.command(std::io::stdin().is_terminal());
    let why = command.exec();
    Err(Error::Shell {
        shell: command.get_program().into(),
        why,
    })
}
