//! The view for programs: one object of JSON a line on standard output, in the form of the service's own events. The report of a
//! failure goes to standard error, for whoever reads over the program's shoulder.

use std::borrow::Cow;
use std::io::Write;
use std::sync::Arc;

use super::words::question_words;
use super::{Context, Question, View, report};
use crate::ir::Pipeline;
use crate::run::event::{ActionName, Event, Record};
use crate::run::feeds::eventbridge::Translator;
use crate::run::record::Runs;

pub struct Json<W> {
    out: W,
    context: Context,
    translator: Translator,
    runs: Runs,
}

impl<W: Write> Json<W> {
    pub fn new(out: W, context: Context, pipeline: Arc<Pipeline>) -> Self {
        Self {
            out,
            context,
            translator: Translator::new(pipeline),
            runs: Runs::default(),
        }
    }
}

impl<W: Write + Send> View for Json<W> {
    fn restore(&mut self, execution: &str, records: &[Record]) {
        self.runs.restore(execution, records);
        for record in records {
            self.translator.translate(execution, record);
        }
    }

    fn define(&mut self, pipeline: &Arc<Pipeline>) {
        self.translator.define(Arc::clone(pipeline));
    }

    fn forget(&mut self, execution: &str) {
        self.runs.forget(execution);
    }

    fn record(&mut self, execution: &str, record: &Record) {
        self.runs.apply(execution, record);
        for notice in self.translator.translate(execution, record) {
            if let Ok(mut line) = serde_json::to_vec(&notice) {
                line.push(b'\n');
                // A reader that has gone away does not end the run: the journal has it all.
                let _ = self.out.write_all(&line);
            }
        }
        let _ = self.out.flush();
        if matches!(record.event, Event::RunFinished { .. }) {
            let closing = report::closing_among(&self.runs, execution, &self.context);
            let _ = std::io::stderr().write_all(closing.as_bytes());
        }
    }

    fn output(&mut self, _execution: &str, _name: &ActionName, _lines: &[Cow<'_, str>]) {}

    fn question(&mut self, _execution: &str, question: &Question) {
        let _ = std::io::stderr().write_all(question_words(question).as_bytes());
    }

    fn say(&mut self, text: &str) {
        let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
    }

    fn finish(&mut self) {
        let _ = self.out.flush();
    }
}
