//! The view on a terminal: what has ended scrolls up and stays; below it stands what goes on, drawn anew several times a second.
//!
//! [`scene`] knows what goes on and puts it into lines, [`canvas`] puts lines on the terminal, and a thread between them sees
//! to it that a slow terminal never holds up a run.

pub mod canvas;
mod keys;
mod paint;
pub mod scene;
mod stays;
mod step;

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use console::Term;
use jiff::Timestamp;

use super::{Context, Question, View};
use crate::run::event::{ActionName, Event, Record};
use crate::run::terminal::is_in_front;
use canvas::{Canvas, Size};
use keys::Keys;
use scene::Scene;

/// How long a picture stands.
const PERIOD: Duration = Duration::from_millis(100);

pub struct Live {
    shared: Arc<Shared>,
    painter: Option<JoinHandle<()>>,
    /// While somebody is asked.
    keys: Option<Keys>,
}

struct Shared {
    scene: Mutex<Stage>,
    changed: Condvar,
}

struct Stage {
    scene: Scene,
    is_over: bool,
    /// Somebody types and wants to see it at once.
    is_urgent: bool,
}

impl Live {
    pub fn new(context: Context) -> Self {
        let shared = Arc::new(Shared {
            scene: Mutex::new(Stage {
                scene: Scene::new(context),
                is_over: false,
                is_urgent: false,
            }),
            changed: Condvar::new(),
        });
        let painter = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.paint(Canvas::new(io::stderr()), terminal_size)
        });
        Self {
            shared,
            painter: Some(painter),
            keys: None,
        }
    }

    fn stop_asking_if_answered(&mut self, stage: MutexGuard<'_, Stage>) -> Option<Keys> {
        let is_asking = stage.scene.is_asking();
        drop(stage);
        if is_asking { None } else { self.keys.take() }
    }
}

fn terminal_size() -> Size {
    let (rows, columns) = Term::stderr().size();
    Size {
        rows: rows.into(),
        columns: columns.into(),
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws until all is over. The scene is never held while the terminal is written to.
    fn paint<W: Write>(&self, mut canvas: Canvas<W>, size: impl Fn() -> Size) {
        loop {
            let waiting = self.changed.wait_timeout_while(self.lock(), PERIOD, |stage| {
                !stage.is_over && !std::mem::take(&mut stage.is_urgent)
            });
            let (mut stage, _) = waiting.unwrap_or_else(PoisonError::into_inner);
            let is_over = stage.is_over;
            // Whoever put us into the background works on this terminal now.
            if !is_over && !is_in_front() {
                continue;
            }
            let size = size();
            let above = stage.scene.take_above();
            let frame = if is_over {
                Vec::new()
            } else {
                stage.scene.frame(Timestamp::now(), size)
            };
            drop(stage);
            canvas.draw(&above, frame, size);
            if is_over {
                return;
            }
        }
    }
}

impl View for Live {
    fn restore(&mut self, execution: &str, records: &[Record]) {
        self.shared.lock().scene.restore(execution, records);
    }

    fn forget(&mut self, execution: &str) {
        self.shared.lock().scene.forget(execution);
    }

    fn record(&mut self, execution: &str, record: &Record) {
        let shared = Arc::clone(&self.shared);
        let mut stage = shared.lock();
        stage.scene.record(execution, record);
        if matches!(
            record.event,
            Event::ApprovalAnswered { .. } | Event::ActionFinished { .. } | Event::RunFinished { .. }
        ) {
            drop(self.stop_asking_if_answered(stage));
        }
    }

    fn output(&mut self, execution: &str, name: &ActionName, lines: &[Cow<'_, str>]) {
        let mut stage = self.shared.lock();
        for line in lines {
            stage.scene.output(execution, name, line);
        }
    }

    fn unfinished(&mut self, execution: &str, name: &ActionName, line: &str) {
        self.shared.lock().scene.output(execution, name, line);
    }

    fn question(&mut self, execution: &str, question: &Question) {
        if self.keys.is_none() {
            self.keys = Keys::take();
        }
        self.shared.lock().scene.question(execution, question);
    }

    fn typed(&mut self, text: &str) {
        let mut stage = self.shared.lock();
        stage.scene.typed(text);
        stage.is_urgent = true;
        drop(stage);
        self.shared.changed.notify_all();
    }

    fn say(&mut self, text: &str) {
        self.shared.lock().scene.say(text);
    }

    fn finish(&mut self) {
        self.keys = None;
        if let Some(painter) = self.painter.take() {
            self.shared.lock().is_over = true;
            self.shared.changed.notify_all();
            let _ = painter.join();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.finish();
    }
}
