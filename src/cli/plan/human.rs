//! A plan for people: the pipeline in its order, and what stands in the way once more at the end.

use std::fmt::Write;

use textwrap::Options;

use crate::cli::console::Paint;
use crate::ir::{ConditionResult, RetryMode};
use crate::run::plan_report::{
    ActionReport, ConditionReport, FailureReport, Fate, Obstacle, PlanReport, Prediction, Source, StageReport,
};
use crate::run::planned::Position;
use crate::run::units::{count, duration, short, show_path, span};

/// Names that are longer do not push what stands beside them to the right.
const MOST_NAME: usize = 24;
/// Lines that are longer are hard to read.
const MOST_WIDTH: usize = 120;

pub(super) fn render(report: &PlanReport, width: usize, paint: Paint) -> String {
    let names = report.stages.iter().flat_map(|stage| stage.steps.iter().flatten());
    let mut page = Page {
        out: String::new(),
        width: width.min(MOST_WIDTH),
        name_width: names.map(|action| action.name.len()).max().unwrap_or(0).min(MOST_NAME),
        based_on: report.based_on.as_deref(),
        paint,
    };
    page.head(report);
    for stage in &report.stages {
        page.stage(stage);
    }
    page.out.push('\n');
    if let Some(prediction) = &report.prediction {
        page.prediction(prediction);
    }
    if report.obstacles.is_empty() {
        page.wrapped("", &format!("it can run here: {}", counts(report)));
    } else {
        page.obstacles(&report.obstacles);
    }
    page.out
}

/// `9 actions, 2 of them simulated`
fn counts(report: &PlanReport) -> String {
    let number = |fate: Fate| report.actions().filter(|action| action.how == fate).count();
    let mut out = count(report.actions().count(), "action");
    for (number, words) in [
        (number(Fate::Simulated), "simulated"),
        (number(Fate::StoodIn), "stood in for"),
    ] {
        if number > 0 {
            let _ = write!(out, ", {number} {words}");
        }
    }
    out
}

struct Page<'a> {
    out: String,
    width: usize,
    name_width: usize,
    based_on: Option<&'a str>,
    paint: Paint,
}

impl Page<'_> {
    /// A text behind what begins its first line; what follows is indented as far.
    fn wrapped(&mut self, first: &str, text: &str) {
        let indent = " ".repeat(textwrap::core::display_width(first));
        self.hanging(first, &indent, text);
    }

    fn hanging(&mut self, first: &str, rest: &str, text: &str) {
        // Names and paths stay whole: they are copied from here.
        let options = Options::new(self.width)
            .initial_indent(first)
            .subsequent_indent(rest)
            .break_words(false)
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        for line in textwrap::wrap(text, options) {
            self.out.push_str(line.trim_end());
            self.out.push('\n');
        }
    }

    fn head(&mut self, report: &PlanReport) {
        let text = format!(
            "{}: {}, {} mode, at most {} at the same time",
            report.pipeline,
            count(report.actions().count(), "action"),
            format!("{:?}", report.mode).to_uppercase(),
            report.jobs
        );
        let start = self.out.len();
        self.wrapped("", &text);
        self.emphasise(start, Paint::heading);
        for (name, value) in &report.variables {
            self.wrapped(&format!("  {name} = "), &format!("{value:?}"));
        }
        if let Some(run) = &report.based_on {
            let text = format!("with the artifacts and variables of run {}", short(run));
            self.wrapped("  ", &text);
        }
    }

    /// Colours what was written since `start`: line breaks are where they would be without.
    fn emphasise(&mut self, start: usize, how: fn(Paint, &str) -> String) {
        let text = self.out.split_off(start);
        for line in text.lines() {
            let painted = how(self.paint, line);
            self.out.push_str(&painted);
            self.out.push('\n');
        }
    }

    fn stage(&mut self, stage: &StageReport) {
        self.out.push('\n');
        let start = self.out.len();
        if !stage.included {
            let why = match self.based_on {
                Some(run) if !self.has_begun() => format!("as in run {}", short(run)),
                _ => "left out".to_owned(),
            };
            self.wrapped("", &format!("stage {} ({why})", stage.name));
            self.emphasise(start, Paint::faint);
            return;
        }
        self.wrapped("", &format!("stage {}", stage.name));
        self.emphasise(start, Paint::heading);
        self.based_on = None;
        if let Some(reason) = &stage.transition_disabled {
            let text = format!("a run waits in front of it: the way into it is disabled: {reason}");
            self.hanging("    ", "      ", text.trim_end_matches(": "));
        }
        let (after, before): (Vec<_>, Vec<_>) = stage
            .conditions
            .iter()
            .partition(|condition| condition.position != Position::BeforeEntry);
        for condition in before {
            self.condition(condition);
        }
        let has_steps = stage.steps.len() > 1;
        for (index, step) in stage.steps.iter().enumerate() {
            for (member, action) in step.iter().enumerate() {
                let mark = match member {
                    0 if has_steps => (index + 1).to_string(),
                    _ => String::new(),
                };
                self.action(&format!("{mark:>3} "), action);
            }
        }
        for condition in after {
            self.condition(condition);
        }
        if let Some(failure) = &stage.on_failure {
            self.hanging("    ", "      ", &on_failure(failure));
        }
    }

    /// Whether a stage that is carried out was told already.
    fn has_begun(&self) -> bool {
        self.based_on.is_none()
    }

    fn action(&mut self, mark: &str, action: &ActionReport) {
        let first = format!("{mark}{:<width$}  ", action.name, width = self.name_width);
        let rest = " ".repeat(mark.len() + self.name_width + 2);
        let mut text = match action.how {
            Fate::CarriedOut => String::new(),
            Fate::StoodIn => "stood in for: ".to_owned(),
            Fate::Simulated => "simulated: ".to_owned(),
            Fate::Impossible => return self.in_the_way(&first, &rest, &action.obstacles),
        };
        match &action.source {
            Some(source) => text.push_str(&source_words(source)),
            None => text.push_str(&action.does),
        }
        if let Some(minutes) = action.timeout_minutes {
            let _ = write!(text, ", {} at most", span(minutes));
        }
        if let Some(predicted) = action.predicted_ms {
            let _ = write!(text, "; about {}", duration(predicted));
        }
        self.hanging(&first, &rest, &text);
        for note in &action.notes {
            self.hanging(&rest, &format!("{rest}  "), &format!("note: {note}"));
        }
    }

    fn condition(&mut self, condition: &ConditionReport) {
        let follows = match condition.result {
            Some(ConditionResult::Fail) => ", else the stage fails",
            Some(ConditionResult::Rollback) => ", else the stage is rolled back",
            Some(ConditionResult::Skip) => ", else the stage is skipped",
            Some(ConditionResult::Retry) => ", else the stage is tried again",
            None => "",
        };
        self.hanging("    ", "      ", &format!("{}{follows}:", condition.position.words()));
        let width = condition.rules.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
        for rule in &condition.rules {
            let first = format!("      rule {:<width$}  ", rule.name);
            let rest = " ".repeat(first.len());
            match rule.how {
                Fate::Impossible => self.in_the_way(&first, &rest, &rule.obstacles),
                Fate::Simulated => self.hanging(&first, &rest, &format!("simulated: {}", rule.does)),
                Fate::CarriedOut | Fate::StoodIn => self.hanging(&first, &rest, &rule.does),
            }
        }
    }

    fn in_the_way(&mut self, first: &str, rest: &str, obstacles: &[Obstacle]) {
        let start = self.out.len();
        let mut first = first;
        for obstacle in obstacles {
            self.hanging(first, rest, &format!("cannot run here: {}", obstacle.message));
            first = rest;
        }
        self.emphasise(start, Paint::alarm);
        for help in obstacles.iter().filter_map(|obstacle| obstacle.help.as_ref()) {
            self.hanging(rest, &format!("{rest}  "), &format!("help: {help}"));
        }
    }

    fn prediction(&mut self, prediction: &Prediction) {
        let runs = count(prediction.runs, "earlier run");
        let text = format!("it takes about {}, by {runs}", duration(prediction.total_ms));
        self.wrapped("", &text);
        if !prediction.critical_path.is_empty() {
            let members = prediction
                .critical_path
                .iter()
                .map(|member| format!("{}/{} ({})", member.stage, member.action, duration(member.predicted_ms)));
            let members: Vec<String> = members.collect();
            let text = format!("the critical path is {}", members.join(", "));
            self.hanging("  ", "    ", &text);
        }
        if !prediction.unknown.is_empty() {
            let text = format!("not counted, because no run tells: {}", prediction.unknown.join(", "));
            self.hanging("  ", "    ", &text);
        }
    }

    fn obstacles(&mut self, obstacles: &[Obstacle]) {
        let start = self.out.len();
        let text = match obstacles.len() {
            1 => "it cannot run here, one thing stands in the way:".to_owned(),
            number => format!("it cannot run here, {number} things stand in the way:"),
        };
        self.wrapped("", &text);
        self.emphasise(start, Paint::alarm);
        for obstacle in obstacles {
            let place = obstacle.place.as_ref().map(|place| format!("{place}: "));
            let text = format!("{}{}", place.unwrap_or_default(), obstacle.message);
            self.hanging("  ", "    ", &text);
            if let Some(help) = &obstacle.help {
                self.hanging("    ", "      ", &format!("help: {help}"));
            }
        }
    }
}

fn source_words(source: &Source) -> String {
    let shown = |path| match show_path(path).as_str() {
        "" => "this folder".to_owned(),
        path => path.to_owned(),
    };
    match source {
        Source::Checkout {
            path,
            commit,
            branch,
            changed,
        } => {
            let commit = commit.as_deref().map_or("without a commit yet".to_owned(), |commit| {
                format!("commit {}", short(commit))
            });
            let branch = branch
                .as_ref()
                .map(|branch| format!(" on {branch}"))
                .unwrap_or_default();
            let changes = match changed {
                0 => String::new(),
                number => format!(", with {}", count(*number, "uncommitted change")),
            };
            format!("takes {}, {commit}{branch}{changes}", shown(path))
        }
        Source::Clone { from, revision: None } => format!("clones {from}"),
        Source::Clone {
            from,
            revision: Some(revision),
        } => format!("clones {from} at {revision}"),
        Source::Path { path } => format!("takes {}", shown(path)),
        Source::Nothing => "makes its file up from the configuration".to_owned(),
    }
}

fn on_failure(failure: &FailureReport) -> String {
    let follows = match (failure.result, failure.retry_mode) {
        (ConditionResult::Fail, _) => "the stage fails",
        (ConditionResult::Rollback, _) => "the stage is rolled back to the last run that succeeded in it",
        (ConditionResult::Skip, _) => "the stage is skipped",
        (ConditionResult::Retry, Some(RetryMode::AllActions)) => "all its actions are tried once more",
        (ConditionResult::Retry, Some(RetryMode::FailedActions) | None) => "what failed is tried once more",
    };
    format!("on failure: {follows}")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use insta::assert_snapshot;

    use super::*;
    use crate::cli::console::Console;
    use crate::compile::{Main, Options as Params, compile};
    use crate::run::{RunOptions, plan_report};
    use crate::source::MemoryHost;

    const SHOP: &str = r#"
const places = ["north", "south"]

pipeline webshop {
  role_arn             = "arn:aws:iam::111122223333:role/webshop"
  artifact_store       = "webshop-artifacts"
  disabled_transitions = { Production = "the shop is closed over the holidays" }

  variable channel = "beta"
  variable ticket

  stage source "Source" {
    action app = source.codecommit {
      repository_name         = "webshop"
      branch_name             = "main"
      poll_for_source_changes = false
    }
    action base "BaseImage" = source.s3 {
      s3_bucket               = "webshop-base"
      s3_object_key           = "base.zip"
      poll_for_source_changes = false
    }
  }

  stage build "Build" {
    parallel {
      action image = build.codebuild {
        input        = app
        project_name = "webshop-${channel}-${ticket}"
        local { buildspec = "kitchen/image.yml" }
        output image
      }
      action lint = compute.commands { input = [app, base], commands = ["make lint", "make check"] }
    }
    action scan = compute.commands {
      input    = image
      commands = ["scan"]
      local { run = "./scan-locally.sh --everything --with-a-long-line-of-arguments" }
    }
  }

  stage prod "Production" {
    before entry {
      rule hours = rule.deployment_window { cron = "* * 8-16 ? * MON-FRI" }
      result = "FAIL"
    }
    on success {
      rule alarm = rule.cloudwatch_alarm { alarm_name = "errors", wait_time = 10 }
      result = "ROLLBACK"
    }
    action go = approval.manual { timeout = 36h }
    parallel {
      for place in places {
        action roll[place] = deploy.s3 { input = image, bucket_name = "webshop-${place}", extract = true }
      }
      action tell = deploy.ecs { input = image, cluster_name = "prod", service_name = "web" }
    }
    on failure { result = "RETRY", retry_mode = "ALL_ACTIONS" }
  }
}
"#;

    fn rendered(width: usize, options: RunOptions) -> String {
        let host = MemoryHost {
            files: [(PathBuf::from("main.pipe"), SHOP.as_bytes().to_vec())].into(),
        };
        let main = Main::Path(PathBuf::from("main.pipe"));
        let compiled = compile(&host, &main, &Params::default()).unwrap();
        assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
        let report = plan_report::report(&compiled.pipelines[0], &compiled.catalog, &options);
        render(&report, width, Console::of_this_process().paint())
    }

    fn options() -> RunOptions {
        RunOptions {
            project_dir: PathBuf::from("/nowhere"),
            jobs: Some(4),
            sources: vec![
                ("app".to_owned(), "https://example.com/acme/webshop.git@main".to_owned()),
                ("base".to_owned(), "/dev/null".to_owned()),
            ],
            variables: vec![("ticket".to_owned(), "A-1".to_owned())],
            ..RunOptions::default()
        }
    }

    #[test]
    fn a_plan_is_told_within_80_columns() {
        let text = rendered(80, options());
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert_snapshot!(text);
    }

    #[test]
    fn what_stands_in_the_way_is_told_at_its_place_and_at_the_end() {
        let options = RunOptions {
            variables: Vec::new(),
            sources: vec![("app".to_owned(), "https://example.com/webshop".to_owned())],
            ..options()
        };
        assert_snapshot!(rendered(80, options));
    }
}
