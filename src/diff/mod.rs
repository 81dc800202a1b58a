//! What differs in meaning between two pipelines.
//!
//! Names of artifacts, namespaces and the numbers of run orders are bookkeeping: two pipelines that wire the same actions in
//! the same order are equal, whatever these are called. Stages, actions, rules, variables and tags are known by the names
//! that AWS sees; an action that its stage lost and another gained has moved. An order is told by what it means: which
//! action waits for which, and which has lost the approval before it. Texts that hold JSON are compared by what is in it.
//!
//! [`diff`] gives the differences as values; a [`Difference`] shows itself as a line, and [`to_json`] is for tools.

use std::collections::BTreeMap;

use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use self::wiring::Wiring;
use crate::ir::{Node, Pipeline, Text};

mod change;
mod declarations;
mod order;
mod pairs;
mod stages;
mod wiring;

pub use change::{Change, Difference, Position, Subject};

/// All that differs: first what stands beside the stages, then the stages in the order of the second pipeline.
pub fn diff(old: &Pipeline, new: &Pipeline) -> Vec<Difference> {
    let mut found = Found::default();
    declarations::settings(old, new, &mut found);
    declarations::tags(old, new, &mut found);
    declarations::variables(old, new, &mut found);
    declarations::triggers(old, new, &mut found);
    stages::stages(&Wiring::of(old), &Wiring::of(new), &mut found);
    found.0
}

/// The differences as one document: two-space indentation, one newline at the end.
pub fn to_json(differences: &[Difference]) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        differences: Vec<Entry<'a>>,
        summary: Summary,
    }
    #[derive(Serialize)]
    struct Entry<'a> {
        message: String,
        #[serde(flatten)]
        difference: &'a Difference,
    }
    #[derive(Serialize)]
    struct Summary {
        differences: usize,
    }
    let entry = |difference| Entry {
        message: ToString::to_string(difference),
        difference,
    };
    let document = Document {
        differences: differences.iter().map(entry).collect(),
        summary: Summary {
            differences: differences.len(),
        },
    };
    let mut json =
        serde_json::to_string_pretty(&document).expect("plain structs of texts and numbers have a JSON form");
    json.push('\n');
    json
}

/// A name as people read it.
fn shown_name(name: &Node<String>) -> String {
    Text::of_name(&name.value).to_string()
}

/// The differences so far.
#[derive(Default)]
struct Found(Vec<Difference>);

impl Found {
    fn add(&mut self, subject: Subject, change: Change) {
        self.0.push(Difference { subject, change });
    }

    /// One value; none where the pipeline lacks it.
    fn value(&mut self, subject: &Subject, field: &str, old: Option<String>, new: Option<String>) {
        if old != new {
            let field = field.to_owned();
            self.add(subject.clone(), Change::Value { field, old, new });
        }
    }

    /// Values by their fields.
    fn values(&mut self, subject: &Subject, old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) {
        let lost = old.keys().filter(|field| !new.contains_key(*field));
        for field in new.keys().chain(lost) {
            self.value(subject, field, old.get(field).cloned(), new.get(field).cloned());
        }
    }

    /// Entries of a list whose order says nothing, sorted.
    fn entries(&mut self, subject: &Subject, field: &str, old: &[String], new: &[String]) {
        for entry in old.iter().filter(|entry| !new.contains(entry)) {
            self.value(subject, field, Some(entry.clone()), None);
        }
        for entry in new.iter().filter(|entry| !old.contains(entry)) {
            self.value(subject, field, None, Some(entry.clone()));
        }
    }

    /// Entries of a list that are carried out in their order.
    fn lines(&mut self, subject: &Subject, field: &str, old: &[String], new: &[String]) {
        for op in capture_diff_slices(Algorithm::Myers, old, new) {
            if let DiffOp::Equal { .. } = op {
                continue;
            }
            let (lost, gained) = (&old[op.old_range()], &new[op.new_range()]);
            for at in 0..lost.len().max(gained.len()) {
                self.value(subject, field, lost.get(at).cloned(), gained.get(at).cloned());
            }
        }
    }
}
