//! What executions are executions of.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ir::{self, Condition, ExecutionMode, Rule, Stage};
use crate::run::planned::{ActionRef, Plan, Position, RuleRef};

/// One version of a pipeline's definition, with what is known of its actions on this machine.
#[derive(Debug)]
pub struct Definition {
    pub pipeline: Arc<ir::Pipeline>,
    pub plan: Arc<Plan>,
    /// Tells versions apart.
    pub digest: String,
    /// The stages by name, each with its actions by name.
    names: HashMap<String, (usize, HashMap<String, usize>)>,
}

impl Definition {
    pub fn new(pipeline: Arc<ir::Pipeline>, plan: Arc<Plan>, digest: String) -> Self {
        let stages = pipeline.stages.iter().enumerate();
        let names = stages.map(|(index, stage)| {
            let actions = stage.actions.iter().enumerate();
            let actions = actions.map(|(action, node)| (node.name.value.clone(), action));
            (stage.name.value.clone(), (index, actions.collect()))
        });
        Self {
            names: names.collect(),
            pipeline,
            plan,
            digest,
        }
    }

    pub fn mode(&self) -> ExecutionMode {
        self.pipeline
            .execution_mode
            .as_ref()
            .map_or(ExecutionMode::default(), |mode| mode.value)
    }

    pub fn stage_index(&self, name: &str) -> Option<usize> {
        Some(self.names.get(name)?.0)
    }

    pub fn action_ref(&self, stage: &str, action: &str) -> Option<ActionRef> {
        let (stage, actions) = self.names.get(stage)?;
        let action = *actions.get(action)?;
        Some(ActionRef { stage: *stage, action })
    }

    /// The rule's place; by name, since a condition has five at most.
    pub fn rule_ref(&self, stage: &str, position: Position, rule: &str) -> Option<RuleRef> {
        let stage = self.stage_index(stage)?;
        let rules = &self.condition(stage, position)?.rules;
        let rule = rules.iter().position(|found| found.name.value == rule)?;
        Some(RuleRef { stage, position, rule })
    }

    pub fn stage(&self, index: usize) -> &Stage {
        &self.pipeline.stages[index]
    }

    pub fn action(&self, at: ActionRef) -> &ir::Action {
        &self.pipeline.stages[at.stage].actions[at.action]
    }

    /// The condition there, if it has rules.
    pub fn condition(&self, stage: usize, position: Position) -> Option<&Condition> {
        let stage = self.stage(stage);
        let condition = match position {
            Position::BeforeEntry => stage.before_entry.as_ref(),
            Position::OnSuccess => stage.on_success.as_ref(),
            Position::OnFailure => stage.on_failure.as_ref()?.condition.as_ref(),
        };
        condition.filter(|condition| !condition.rules.is_empty())
    }

    pub fn rule(&self, at: RuleRef) -> Option<&Rule> {
        self.condition(at.stage, at.position)?.rules.get(at.rule)
    }

    /// The steps of a stage in ascending order, each a list of actions: approvals first, since they need no place.
    pub fn steps(&self, stage: usize) -> Vec<Vec<usize>> {
        let mut steps: std::collections::BTreeMap<u32, Vec<usize>> = std::collections::BTreeMap::new();
        for (action, node) in self.stage(stage).actions.iter().enumerate() {
            steps.entry(node.run_order).or_default().push(action);
        }
        let mut steps: Vec<Vec<usize>> = steps.into_values().collect();
        for step in &mut steps {
            step.sort_by_key(|&action| !self.is_approval(ActionRef { stage, action }));
        }
        steps
    }

    /// Whether an action only waits for an answer.
    pub fn is_approval(&self, at: ActionRef) -> bool {
        !self.plan.action(at).driver.takes_a_place()
    }
}
