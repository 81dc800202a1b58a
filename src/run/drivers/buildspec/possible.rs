//! Whether this machine can do what a buildspec asks for.

use std::process::Command;

use super::super::find_shell;
use super::spec::Spec;
use crate::run::outcome::Failure;

/// Fails if the machine cannot do what the buildspec asks for.
pub fn possible(spec: &Spec, local_shell: Option<&str>) -> Result<(), Failure> {
    for user in spec.users() {
        if !is_us(user) {
            return Err(Failure::new(format!(
                "the buildspec has `run-as: {user}`, and commands run as you here"
            ))
            .with_help("run pipe as that user, or leave `run-as` out of the buildspec that `local { buildspec = \"…\" }` names"));
        }
    }
    let of_spec = spec.env.as_ref().and_then(|env| env.shell.as_deref());
    match (local_shell, of_spec) {
        (None, Some(shell @ ("powershell.exe" | "cmd.exe"))) => Err(Failure::new(format!(
            "the buildspec wants the shell `{shell}`, which is of Windows"
        ))
        .with_help(
            "let a command stand in: `local { run = \"…\" }`; or take another shell: `local { shell = \"bash\" }`",
        )),
        (Some(shell), _) | (None, Some(shell)) => find_shell(shell).map(|_| ()),
        (None, None) => Ok(()),
    }
}

/// Whether that user is who runs us; asked of `id`, which knows users from wherever they come.
fn is_us(user: &str) -> bool {
    let id = |arguments: &[&str]| {
        let output = Command::new("id").args(arguments).output().ok()?;
        output.status.success().then_some(output.stdout)
    };
    let us = id(&["-u"]);
    us.is_some() && us == id(&["-u", "--", user])
}
