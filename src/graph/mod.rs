//! Pictures of a pipeline, as text for the programs that draw: [`mermaid`](mermaid()) and [`dot`](dot()).
//!
//! Both show the same `Drawing`: stages as boxes in their order, in them the steps in theirs, what runs at the same time
//! side by side, and artifacts as arrows from who makes them to who takes them. Sources, approvals and conditions have
//! shapes of their own.

use std::collections::{BTreeMap, HashMap};

use crate::ir::{Condition, ConditionPosition, ConditionResult, Handle, Node, Pipeline, Stage};

mod dot;
mod mermaid;

pub use dot::dot;
pub use mermaid::mermaid;

/// What is to be drawn, without a word about how.
struct Drawing {
    title: String,
    stages: Vec<Cluster>,
    flows: Vec<Flow>,
}

/// A stage.
struct Cluster {
    id: String,
    label: String,
    /// By ascending run order; what runs at the same time stands together.
    steps: Vec<Vec<Item>>,
    before_entry: Option<Item>,
    /// On success and on failure.
    afterwards: Vec<Item>,
}

struct Item {
    id: String,
    /// The lines of its label.
    lines: Vec<String>,
    shape: Shape,
}

#[derive(Clone, Copy)]
enum Shape {
    Source,
    Approval,
    Condition,
    Work,
}

/// Artifacts from one item to another.
struct Flow {
    from: String,
    to: String,
    artifacts: Vec<String>,
}

impl Cluster {
    fn first(&self) -> Option<&Item> {
        self.before_entry
            .as_ref()
            .or_else(|| self.steps.first()?.first())
            .or_else(|| self.afterwards.first())
    }

    fn last(&self) -> Option<&Item> {
        self.afterwards
            .first()
            .or_else(|| self.steps.last()?.first())
            .or_else(|| self.first())
    }

    /// Everything in it, in the order in which it happens.
    fn items(&self) -> impl Iterator<Item = &Item> {
        self.before_entry
            .iter()
            .chain(self.steps.iter().flatten())
            .chain(&self.afterwards)
    }

    /// Pairs of items of which the second comes after the first: enough of them to put everything in order.
    fn sequence(&self) -> Vec<(&Item, &Item)> {
        let mut ranks: Vec<Vec<&Item>> = self.before_entry.iter().map(|item| vec![item]).collect();
        ranks.extend(self.steps.iter().map(|step| step.iter().collect()));
        if !self.afterwards.is_empty() {
            ranks.push(self.afterwards.iter().collect());
        }
        let pairs = ranks.windows(2).flat_map(|pair| {
            let (before, after) = (&pair[0], &pair[1]);
            // Everyone is held by the first of the other rank: not all with all, which would grow with the square.
            let forward = after.iter().map(|item| (before[0], *item));
            let backward = before.iter().skip(1).map(|item| (*item, after[0]));
            forward.chain(backward).collect::<Vec<_>>()
        });
        pairs.collect()
    }
}

impl Drawing {
    fn new(pipeline: &Pipeline) -> Self {
        let mut flows = Flows::new(pipeline);
        Self {
            title: called(&pipeline.handle, &pipeline.name),
            stages: pipeline
                .stages
                .iter()
                .enumerate()
                .map(|(index, stage)| stage_cluster(index, stage, &mut flows))
                .collect(),
            flows: flows.done(),
        }
    }
}

fn called(handle: &Handle, name: &Node<String>) -> String {
    if handle.0.is_empty() {
        name.value.clone()
    } else {
        handle.0.clone()
    }
}

fn stage_cluster(index: usize, stage: &Stage, flows: &mut Flows) -> Cluster {
    let mut steps: BTreeMap<u32, Vec<Item>> = BTreeMap::new();
    for (number, action) in stage.actions.iter().enumerate() {
        let id = action_id(index, number);
        flows.take(&action.inputs, &id);
        let shape = match action.type_id.category.as_str() {
            "Source" => Shape::Source,
            "Approval" => Shape::Approval,
            _ => Shape::Work,
        };
        let lines = vec![called(&action.handle, &action.name), action.type_id.provider.clone()];
        steps
            .entry(action.run_order)
            .or_default()
            .push(Item { id, lines, shape });
    }
    let mut item =
        |position: ConditionPosition, condition: &Condition| condition_item(index, position, condition, flows);
    let before_entry = stage
        .before_entry
        .as_ref()
        .map(|condition| item(ConditionPosition::BeforeEntry, condition));
    let mut afterwards: Vec<Item> = stage
        .on_success
        .iter()
        .map(|condition| item(ConditionPosition::OnSuccess, condition))
        .collect();
    if let Some(handling) = &stage.on_failure {
        afterwards.push(match &handling.condition {
            Some(condition) => item(ConditionPosition::OnFailure, condition),
            None => Item {
                id: condition_id(index, ConditionPosition::OnFailure),
                lines: condition_lines(ConditionPosition::OnFailure, handling.result.as_ref()),
                shape: Shape::Condition,
            },
        });
    }
    Cluster {
        id: format!("s{index}"),
        label: called(&stage.handle, &stage.name),
        steps: steps.into_values().collect(),
        before_entry,
        afterwards,
    }
}

fn action_id(stage: usize, action: usize) -> String {
    format!("s{stage}a{action}")
}

fn condition_id(stage: usize, position: ConditionPosition) -> String {
    let suffix = match position {
        ConditionPosition::BeforeEntry => "entry",
        ConditionPosition::OnSuccess => "success",
        ConditionPosition::OnFailure => "failure",
    };
    format!("s{stage}{suffix}")
}

/// `before entry: FAIL`, and below it, when there are any, the rules.
fn condition_lines(position: ConditionPosition, result: Option<&Node<ConditionResult>>) -> Vec<String> {
    let position = match position {
        ConditionPosition::BeforeEntry => "before entry",
        ConditionPosition::OnSuccess => "on success",
        ConditionPosition::OnFailure => "on failure",
    };
    let result = result.map(|result| match result.value {
        ConditionResult::Rollback => "ROLLBACK",
        ConditionResult::Fail => "FAIL",
        ConditionResult::Retry => "RETRY",
        ConditionResult::Skip => "SKIP",
    });
    vec![match result {
        Some(result) => format!("{position}: {result}"),
        None => position.to_owned(),
    }]
}

fn condition_item(stage: usize, position: ConditionPosition, condition: &Condition, flows: &mut Flows) -> Item {
    let id = condition_id(stage, position);
    let mut lines = condition_lines(position, condition.result.as_ref());
    for rule in &condition.rules {
        flows.take(&rule.inputs, &id);
        lines.push(format!(
            "{} ({})",
            called(&rule.handle, &rule.name),
            rule.type_id.provider
        ));
    }
    Item {
        id,
        lines,
        shape: Shape::Condition,
    }
}

/// Arrows, gathered: one between two items, whatever the number of artifacts.
struct Flows<'a> {
    makers: HashMap<&'a str, String>,
    flows: Vec<Flow>,
    /// By who makes and who takes: the place in `flows`.
    places: HashMap<(String, String), usize>,
}

impl<'a> Flows<'a> {
    fn new(pipeline: &'a Pipeline) -> Self {
        let mut makers = HashMap::new();
        for (index, stage) in pipeline.stages.iter().enumerate() {
            for (number, action) in stage.actions.iter().enumerate() {
                for output in &action.outputs {
                    makers
                        .entry(output.name.value.as_str())
                        .or_insert_with(|| action_id(index, number));
                }
            }
        }
        Self {
            makers,
            flows: Vec::new(),
            places: HashMap::new(),
        }
    }

    /// An artifact that nobody makes has no arrow.
    fn take(&mut self, artifacts: &[Node<String>], to: &str) {
        for artifact in artifacts {
            let Some(from) = self.makers.get(artifact.value.as_str()) else {
                continue;
            };
            let place = *self.places.entry((from.clone(), to.to_owned())).or_insert_with(|| {
                self.flows.push(Flow {
                    from: from.clone(),
                    to: to.to_owned(),
                    artifacts: Vec::new(),
                });
                self.flows.len() - 1
            });
            let artifacts = &mut self.flows[place].artifacts;
            if !artifacts.contains(&artifact.value) {
                artifacts.push(artifact.value.clone());
            }
        }
    }

    fn done(self) -> Vec<Flow> {
        self.flows
    }
}
