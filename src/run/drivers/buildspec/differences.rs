//! Where a build differs from CodeBuild's: the plan says it before, the log again.

use super::spec::{Batch, Spec, Switch, Task};

/// What a buildspec asks for, and does not get here.
pub fn of_spec(spec: &Spec) -> Vec<String> {
    let is_on = |switch: Option<Switch>| switch.is_some_and(|switch| switch.0);
    let mut out = Vec::new();
    if spec.env.as_ref().is_some_and(|env| is_on(env.git_credential_helper)) {
        out.push("`git-credential-helper`: git uses what you have set up for it on this machine".to_owned());
    }
    let proxy = spec.proxy.clone().unwrap_or_default();
    if is_on(proxy.upload_artifacts) || is_on(proxy.logs) {
        out.push("`proxy` has no effect here: nothing is sent to AWS".to_owned());
    }
    let install = spec.phases.install.iter();
    for (runtime, version) in install.flat_map(|phase| phase.runtime_versions.iter().flatten()) {
        out.push(format!("runtime {runtime} {version}: what this machine has is used"));
    }
    out
}

/// What a build of a batch asks of its machine, and does not get here.
pub fn of_task(task: &Task) -> Option<String> {
    (!task.machine.is_empty()).then(|| format!("it runs on this machine, without {}", task.machine.join(", ")))
}

/// How a batch is carried out here.
pub fn of_batch(batch: &Batch, tasks: &[&Task]) -> Vec<String> {
    let mut out = vec![format!("its {} builds run one after the other", tasks.len())];
    if let ([first, .., last], true) = (tasks, batch.names_its_builds()) {
        out.push(format!(
            "the builds are called `{}` to `{}` here: CodeBuild does not say what it calls builds without an `identifier`",
            first.identifier, last.identifier
        ));
    }
    if batch.wants_debug_sessions() {
        out.push("`debug-session` has no effect here: `pipe shell` opens a shell where a build failed".to_owned());
    }
    for task in tasks {
        out.extend(of_task(task).map(|difference| format!("build {}: {difference}", task.identifier)));
    }
    out
}
