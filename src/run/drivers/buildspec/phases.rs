//! The way through a buildspec's phases, as a pure state machine: told how a command ended, it gives the next, and what CodeBuild's
//! log says of it.

use super::session::Step;
use super::spec::{OnFailure, Phase, Spec};
use crate::run::outcome::{Exit, Failure};

pub struct Phases<'a> {
    phases: [(&'static str, Option<&'a Phase>); 4],
    /// The phase, and where in it.
    phase: usize,
    is_in_finally: bool,
    index: usize,
    /// The command whose end is awaited.
    current: Option<&'a str>,
    /// The first failure in the phase.
    phase_failure: Option<Failure>,
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
            phases: spec.all_phases(),
            phase: 0,
            is_in_finally: false,
            index: 0,
            current: None,
            phase_failure: None,
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
            let failure = Failure::command(Some(command.to_owned()), exit);
            self.lines.push(format!(
                "Command did not exit successfully {} {}",
                command.trim_end(),
                reason(&failure)
            ));
            self.failure.get_or_insert_with(|| failure.clone());
            self.phase_failure.get_or_insert(failure);
            // The rest of this list is skipped.
            self.index = usize::MAX;
        }
        loop {
            let Some(&(_, phase)) = self.phases.get(self.phase) else {
                return self.last_step();
            };
            let list = match phase {
                Some(phase) if self.is_in_finally => phase.finally.as_ref(),
                Some(phase) => phase.commands.as_ref(),
                None => None,
            };
            if let Some(command) = list.and_then(|list| list.0.get(self.index)) {
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
        self.lines.push(format!("Running command {}", command.trim_end()));
        let succeeding = self.failure.is_none();
        let flag = match (std::mem::replace(&mut self.says_succeeding, succeeding), succeeding) {
            (true, false) => "export CODEBUILD_BUILD_SUCCEEDING=0\n",
            (false, true) => "export CODEBUILD_BUILD_SUCCEEDING=1\n",
            _ => "",
        };
        Step {
            text: format!("{flag}{command}"),
            shown: std::mem::take(&mut self.lines),
        }
    }

    fn last_step(&mut self) -> Option<Step> {
        let text = self.export.take()?;
        Some(Step {
            text,
            shown: Vec::new(),
        })
    }

    fn begin_phase(&mut self) {
        self.is_in_finally = false;
        self.index = 0;
        self.phase_failure = None;
        if let Some((name, Some(_))) = self.phases.get(self.phase) {
            self.lines.push(format!("Entering phase {}", name.to_uppercase()));
        }
    }

    fn end_phase(&mut self, phase: Option<&Phase>) {
        let (name, _) = self.phases[self.phase];
        let on_failure = phase.and_then(|phase| phase.on_failure.as_ref());
        self.say_how_it_ended(name);
        if self.wants_retry(on_failure) {
            self.retries += 1;
            self.lines.push(format!("phase {name} failed; retry {}", self.retries));
            self.failure.clone_from(&self.before);
            return self.begin_phase();
        }
        let goes_on = match (self.phase_failure.is_some(), on_failure, name) {
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

    fn say_how_it_ended(&mut self, name: &str) {
        let name = name.to_uppercase();
        let Some(failure) = &self.phase_failure else {
            self.lines.push(format!("Phase complete: {name} State: SUCCEEDED"));
            return;
        };
        let why = format!("Phase context status code: {CODE} Message: {}", error_message(failure));
        self.lines.push(format!("Phase complete: {name} State: FAILED"));
        self.lines.push(why);
    }

    fn wants_retry(&self, on_failure: Option<&OnFailure>) -> bool {
        let (Some(failure), Some(OnFailure::Retry { count, pattern })) = (&self.phase_failure, on_failure) else {
            return false;
        };
        // People write patterns for what they see in the log.
        let error = format!("{CODE}: {}", error_message(failure));
        self.retries < *count && pattern.as_ref().is_none_or(|pattern| pattern.is_match(&error))
    }
}

/// What CodeBuild calls the failure of a command.
const CODE: &str = "COMMAND_EXECUTION_ERROR";

fn error_message(failure: &Failure) -> String {
    let command = failure.command.as_deref().unwrap_or_default().trim_end();
    format!("Error while executing command: {command}. Reason: {}", reason(failure))
}

fn reason(failure: &Failure) -> String {
    match failure.exit {
        Some(Exit::Code(code)) => format!("exit status {code}"),
        _ => failure.message.clone(),
    }
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

    #[test]
    fn a_pattern_is_for_the_failure_of_its_own_phase() {
        let spec = "
version: 0.2
phases:
  install: {on-failure: CONTINUE, commands: [first]}
  build: {on-failure: 'RETRY-1-command: second', commands: [second]}
";
        let (commands, _) = way(spec, &["first", "second"]);
        assert_eq!(commands.join(" "), "first second second");
    }
}
