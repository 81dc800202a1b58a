//! The view for programs: each event as one line of JSON on standard output, as the journal has it. The report of a failure
//! goes to standard error, for whoever reads over the program's shoulder.

use std::io::Write;

use super::plain::question_words;
use super::report::Summary;
use super::{Context, Question, View};
use crate::run::event::{ActionName, Event, Record};

pub struct Json<W> {
    out: W,
    context: Context,
    summary: Summary,
}

impl<W: Write> Json<W> {
    pub fn new(out: W, context: Context) -> Self {
        Self {
            out,
            context,
            summary: Summary::default(),
        }
    }
}

impl<W: Write + Send> View for Json<W> {
    fn record(&mut self, _execution: &str, record: &Record) {
        self.summary.apply(&record.event);
        if let Ok(mut line) = serde_json::to_vec(record) {
            line.push(b'\n');
            // A reader that has gone away does not end the run: the journal has it all.
            let _ = self.out.write_all(&line);
            let _ = self.out.flush();
        }
        if matches!(record.event, Event::RunFinished { .. }) {
            let _ = std::io::stderr().write_all(self.summary.closing(&self.context).as_bytes());
        }
    }

    fn output(&mut self, _name: &ActionName, _line: &str) {}

    fn question(&mut self, question: &Question) {
        let _ = std::io::stderr().write_all(question_words(question).as_bytes());
    }

    fn finish(&mut self) {
        let _ = self.out.flush();
    }
}
