//! The way through a buildspec's phases, as a pure state machine: told how a command ended, it gives the next.

use super::session::Step;
use super::spec::{OnFailure, Phase, Spec};
use crate::run::outcome::{Exit, Failure};

pub struct Phases<'a> {
    phases: Vec<(&'static str, &'a Phase)>,
    /// The phase, and where in it.
    phase: usize,
    is_in_finally: bool,
    index: usize,
    /// The command whose end is awaited.
    current: Option<&'a str>,
    phase_failed: bool,
    retries: u32,
    /// The build's failure as it was when the phase began.
    before: Option<Failure>,
    failure: Option<Failure>,
    /// What the environment says of `CODEBUILD_BUILD_SUCCEEDING`.
    says_succeeding: bool,
    /// Lines to show before the next command.
    lines: Vec<String>,
    /// A last step that reads variables.
    export: Option<String>,
}

impl<'a> Phases<'a> {
    /// `export` is shell text to run at the end.
    pub fn new(spec: &'a Spec, export: String) -> Self {
        let mut out = Self {
            phases: spec.phases().collect(),
            phase: 0,
            is_in_finally: false,
            index: 0,
            current: None,
            phase_failed: false,
            retries: 0,
            before: None,
            failure: None,
            says_succeeding: true,
            lines: Vec::new(),
            export: Some(export).filter(|export| !export.is_empty()),
        };
        out.begin_phase();
        out
    }

    /// The build's failure, if it failed, and what is still to be said.
    pub fn end(self) -> (Option<Failure>, Vec<String>) {
        (self.failure, self.lines)
    }

    /// The next step; none when the build is over.
    pub fn next(&mut self, exit: Option<Exit>) -> Option<Step> {
        if let (Some(exit), Some(command)) = (exit, self.current.take())
            && !exit.is_success()
        {
            self.phase_failed = true;
            self.failure
                .get_or_insert_with(|| Failure::command(Some(command.to_owned()), exit));
            // The rest of this list is skipped.
            self.index = usize::MAX;
        }
        loop {
            let Some(&(_, phase)) = self.phases.get(self.phase) else {
                return self.last_step();
            };
            let list = if self.is_in_finally {
                &phase.finally
            } else {
                &phase.commands
            };
            if let Some(command) = list.as_ref().and_then(|list| list.0.get(self.index)) {
                self.index += 1;
                if command.trim().is_empty() {
                    continue;
                }
                return Some(self.step(command));
            }
            self.index = 0;
            if self.is_in_finally {
                self.end_phase(phase);
            } else {
                self.is_in_finally = true;
            }
        }
    }

    fn step(&mut self, command: &'a str) -> Step {
        self.current = Some(command);
        self.lines.push(format!("$ {}", command.trim_end()));
        let succeeding = self.failure.is_none();
        let flag = match (std::mem::replace(&mut self.says_succeeding, succeeding), succeeding) {
            (true, false) => "export CODEBUILD_BUILD_SUCCEEDING=0\n",
            (false, true) => "export CODEBUILD_BUILD_SUCCEEDING=1\n",
            _ => "",
        };
        Step {
            text: format!("{flag}{command}"),
            shown: Some(std::mem::take(&mut self.lines).join("\n")),
        }
    }

    fn last_step(&mut self) -> Option<Step> {
        let text = self.export.take()?;
        Some(Step { text, shown: None })
    }

    fn begin_phase(&mut self) {
        self.is_in_finally = false;
        self.index = 0;
        self.phase_failed = false;
        if let Some((name, phase)) = self.phases.get(self.phase) {
            self.lines.push(format!("phase {name}"));
            for (runtime, version) in phase.runtime_versions.iter().flatten() {
                self.lines
                    .push(format!("runtime {runtime} {version}: what this machine has is used"));
            }
        }
    }

    fn end_phase(&mut self, phase: &Phase) {
        let (name, _) = self.phases[self.phase];
        if self.phase_failed && self.wants_retry(phase) {
            self.retries += 1;
            self.lines.push(format!("phase {name} failed; retry {}", self.retries));
            self.failure.clone_from(&self.before);
            return self.begin_phase();
        }
        let goes_on = match (self.phase_failed, &phase.on_failure, name) {
            (false, ..) | (true, Some(OnFailure::Continue), _) => true,
            (true, Some(OnFailure::Abort), _) => false,
            // Of itself a failed build still has its post_build, in which it can say so to the world.
            (true, Some(OnFailure::Retry { .. }) | None, name) => name == "build",
        };
        self.phase = if goes_on { self.phase + 1 } else { self.phases.len() };
        self.retries = 0;
        self.before.clone_from(&self.failure);
        self.begin_phase();
    }

    fn wants_retry(&self, phase: &Phase) -> bool {
        let Some(OnFailure::Retry { count, pattern }) = &phase.on_failure else {
            return false;
        };
        let error = self.failure.as_ref().map(error_text).unwrap_or_default();
        self.retries < *count && pattern.as_ref().is_none_or(|pattern| pattern.is_match(&error))
    }
}

/// The words of CodeBuild, which people write patterns for.
fn error_text(failure: &Failure) -> String {
    let command = failure.command.as_deref().unwrap_or_default();
    let reason = match failure.exit {
        Some(Exit::Code(code)) => format!("exit status {code}"),
        _ => failure.message.clone(),
    };
    format!("COMMAND_EXECUTION_ERROR: Error while executing command: {command}. Reason: {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands that run when those in `failing` fail.
    fn way(spec: &str, failing: &[&str]) -> (Vec<String>, bool) {
        let spec = Spec::parse(spec, "b.yml").unwrap();
        let mut phases = Phases::new(&spec, String::new());
        let mut out = Vec::new();
        let mut exit = None;
        while let Some(step) = phases.next(exit) {
            let command = step.text.lines().last().unwrap_or_default().to_owned();
            exit = Some(Exit::Code(i32::from(failing.contains(&command.as_str()))));
            out.push(command);
            assert!(out.len() < 100, "{out:?}");
        }
        (out, phases.end().0.is_none())
    }

    const ALL: &str = "
version: 0.2
phases:
  install: {commands: [i1, i2], finally: [if]}
  pre_build: {commands: [p1, p2], finally: [pf]}
  build: {commands: [b1, b2], finally: [bf]}
  post_build: {commands: [o1, o2], finally: [of]}
";

    #[test]
    fn transitions() {
        let ways: &[(&[&str], &str)] = &[
            (&[], "i1 i2 if p1 p2 pf b1 b2 bf o1 o2 of"),
            (&["i1"], "i1 if"),
            (&["if"], "i1 i2 if"),
            (&["p2"], "i1 i2 if p1 p2 pf"),
            (&["b1"], "i1 i2 if p1 p2 pf b1 bf o1 o2 of"),
            (&["bf"], "i1 i2 if p1 p2 pf b1 b2 bf o1 o2 of"),
            (&["o1"], "i1 i2 if p1 p2 pf b1 b2 bf o1 of"),
        ];
        for (failing, expected) in ways {
            let (commands, succeeded) = way(ALL, failing);
            assert_eq!(commands.join(" "), *expected, "{failing:?}");
            assert_eq!(succeeded, failing.is_empty());
        }
    }

    #[test]
    fn failure_rules() {
        let with = |rule: &str| {
            let spec = format!(
                "
version: 0.2
phases:
  pre_build: {{on-failure: {rule}, commands: [p1, p2], finally: [pf]}}
  build: {{commands: [b1]}}
"
            );
            let (commands, succeeded) = way(&spec, &["p1"]);
            assert!(!succeeded);
            commands.join(" ")
        };
        assert_eq!(with("ABORT"), "p1 pf");
        assert_eq!(with("CONTINUE"), "p1 pf b1");
        assert_eq!(with("RETRY-2"), "p1 pf p1 pf p1 pf");
        assert_eq!(with("RETRY-0"), "p1 pf");
        assert_eq!(with("RETRY-exit status 2"), "p1 pf");
        assert_eq!(with("RETRY-1-exit status 1"), "p1 pf p1 pf");
    }
}
