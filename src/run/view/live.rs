//! The view on a terminal: what has ended scrolls up and stays; what runs stands below, with its time and its last line.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::plain::{called, question_words, words};
use super::report::{Summary, count};
use super::{Context, Question, View};
use crate::run::event::{ActionName, Event, Record};
use crate::run::outcome::{RunStatus, Status};

/// How many running actions are shown; of the others, how many there are.
const MOST: usize = 12;

pub struct Live {
    bars: MultiProgress,
    /// The actions that run, in the order of their start; those beyond [`MOST`] have no line.
    running: BTreeMap<ActionName, Option<ProgressBar>>,
    stage: Option<ProgressBar>,
    context: Context,
    summary: Summary,
    done: usize,
    /// Somebody is typing an answer: nothing is drawn over it.
    is_asking: bool,
    asked: Option<ActionName>,
    /// What could not be shown meanwhile.
    held: Vec<String>,
}

impl Live {
    pub fn new(context: Context) -> Self {
        Self {
            bars: MultiProgress::with_draw_target(target()),
            running: BTreeMap::new(),
            stage: None,
            context,
            summary: Summary::default(),
            done: 0,
            is_asking: false,
            asked: None,
            held: Vec::new(),
        }
    }

    fn line(&mut self, text: &str) {
        if self.is_asking {
            self.held.push(text.to_owned());
        } else {
            let _ = self.bars.println(text);
        }
    }

    fn answered(&mut self) {
        if std::mem::take(&mut self.is_asking) {
            self.bars.set_draw_target(target());
            for text in std::mem::take(&mut self.held) {
                let _ = self.bars.println(text);
            }
        }
    }

    fn start(&mut self, name: &ActionName) {
        let shown = self.running.values().flatten().count();
        let bar = (shown < MOST).then(|| {
            // Not before it has its place: on its own it would draw itself anywhere.
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
            bar.set_style(style("  {spinner} {prefix} {elapsed:.dim} {wide_msg:.dim}"));
            bar.set_prefix(called(name));
            let bar = match &self.stage {
                Some(stage) => self.bars.insert_before(stage, bar),
                None => self.bars.add(bar),
            };
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        self.running.insert(name.clone(), bar);
    }

    fn finish_action(&mut self, name: &ActionName) {
        if let Some(Some(bar)) = self.running.remove(name) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
        self.done += 1;
    }

    fn show_stage(&mut self, stage: &str) {
        let bar = self.stage.take().unwrap_or_else(|| {
            let bar = self
                .bars
                .add(ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()));
            bar.set_style(style("  {msg:.dim}"));
            bar
        });
        let total = self.summary.actions.len();
        let hidden = self.running.values().filter(|bar| bar.is_none()).count();
        let hidden = if hidden == 0 {
            String::new()
        } else {
            format!(", {hidden} more running")
        };
        bar.set_message(format!(
            "stage {stage}: {} of {} done{hidden}",
            self.done,
            count(total, "action")
        ));
        self.stage = Some(bar);
    }

    fn clear(&mut self) {
        for bar in std::mem::take(&mut self.running).into_values().flatten() {
            bar.finish_and_clear();
        }
        if let Some(stage) = self.stage.take() {
            stage.finish_and_clear();
        }
        let _ = self.bars.clear();
    }

    fn coloured(&self, event: &Event, text: String) -> String {
        let code = match event {
            _ if !self.context.colour => return text,
            Event::ActionFinished { status, .. } => match status {
                Status::Succeeded => "32",
                Status::Failed => "31",
                Status::Abandoned => "33",
            },
            Event::StageStarted { .. } | Event::RunStarted(_) => "1",
            Event::StopRequested { .. } => "33",
            _ => return text,
        };
        match text.split_once('\n') {
            Some((first, rest)) => format!("\u{1b}[{code}m{first}\u{1b}[0m\n{rest}"),
            None => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

fn target() -> ProgressDrawTarget {
    ProgressDrawTarget::stderr_with_hz(15)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl View for Live {
    fn record(&mut self, _execution: &str, record: &Record) {
        self.summary.apply(&record.event);
        match &record.event {
            Event::ActionStarted { name, .. } => {
                self.start(name);
                let stage = name.stage.clone();
                return self.show_stage(&stage);
            }
            Event::ActionFinished { name, .. } => {
                if self.asked.as_ref() == Some(name) {
                    self.asked = None;
                    self.answered();
                }
                self.finish_action(name);
                let stage = name.stage.clone();
                self.show_stage(&stage);
            }
            Event::StopRequested { .. } => {
                // The terminal shows `^C` where the answer would stand.
                let _ = std::io::stderr().write_all(b"\n");
                self.answered();
            }
            Event::RunFinished { status, .. } => {
                self.answered();
                self.clear();
                let closing = self.summary.closing(&self.context);
                let closing = match (self.context.colour, status, closing.trim_end().rsplit_once('\n')) {
                    (true, RunStatus::Succeeded, None) => format!("\u{1b}[1;32m{}\u{1b}[0m\n", closing.trim_end()),
                    _ => closing,
                };
                let _ = std::io::stderr().write_all(closing.as_bytes());
                return;
            }
            _ => {}
        }
        if let Some(text) = words(&record.event, &self.summary) {
            let text = self.coloured(&record.event, text);
            self.line(&text);
        }
    }

    fn output(&mut self, name: &ActionName, line: &str) {
        if let Some(Some(bar)) = self.running.get(name) {
            bar.set_message(line.to_owned());
        }
    }

    fn question(&mut self, question: &Question) {
        if let Some(Some(bar)) = self.running.get(&question.name) {
            bar.disable_steady_tick();
            bar.set_message("waits for your answer");
        }
        // The line that is being typed must not be drawn over.
        let _ = self.bars.clear();
        self.bars.set_draw_target(ProgressDrawTarget::hidden());
        let _ = std::io::stderr().write_all(question_words(question).as_bytes());
        self.is_asking = true;
        self.asked = Some(question.name.clone());
    }

    fn finish(&mut self) {
        self.clear();
    }
}
