//! The service's own events: what happens in a run in the form in which EventBridge tells it of a pipeline at AWS
//! (`codepipeline.md`, section 6), so that what listens there can listen here.
//!
//! What the service has no event for goes under a source of our own, with the journal's event as its detail.

mod execution;
mod notice;
mod said;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ir::Pipeline;
use crate::run::engine::derived_id;
use crate::run::event::Record;
use execution::Execution;
use notice::{ACCOUNT, Detail, Own, REGION};
use said::{Said, own_kind};

pub use notice::Notice;

/// Puts journals into the service's words.
pub struct Translator {
    /// The definition of executions that begin.
    pipeline: Arc<Pipeline>,
    executions: BTreeMap<String, Execution>,
}

impl Translator {
    pub fn new(pipeline: Arc<Pipeline>) -> Self {
        Self {
            pipeline,
            executions: BTreeMap::new(),
        }
    }

    /// Takes another definition for the executions that begin from here on.
    pub fn define(&mut self, pipeline: Arc<Pipeline>) {
        self.pipeline = pipeline;
    }

    /// The service's events for one of the journal's, in order: first the service's own, then ours.
    pub fn translate(&mut self, id: &str, record: &Record) -> Vec<Notice> {
        if let Some(execution) = Execution::begin(&self.pipeline, record) {
            self.executions.insert(id.to_owned(), execution);
        }
        let Some(execution) = self.executions.get_mut(id) else {
            return Vec::new();
        };
        execution.remember(record);
        let said = Said { execution, id, record };
        let mut details = said.service();
        if let Some(kind) = own_kind(&record.event) {
            let own = Own {
                pipeline: execution.pipeline.clone(),
                execution_id: id.to_owned(),
                record: record.event.clone(),
            };
            details.push(("pipe", kind, Detail::Own(Box::new(own))));
        }
        execution.forget(record);
        let notices = details.into_iter().enumerate();
        let notice = |(index, (source, detail_type, detail)): (usize, (_, _, Detail))| Notice {
            version: "0",
            // The same line of a journal always has the same id.
            id: derived_id(&["event", id, &record.seq.to_string(), &index.to_string()]),
            detail_type,
            source,
            account: ACCOUNT,
            time: record.time,
            region: REGION,
            resources: [format!(
                "arn:aws:codepipeline:{REGION}:{ACCOUNT}:{}",
                execution.pipeline
            )],
            detail,
        };
        notices.map(notice).collect()
    }
}
