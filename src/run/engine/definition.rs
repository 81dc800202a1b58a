//! What executions are executions of.

use std::collections::BTreeSet;
use std::collections::hash_map::{Entry, HashMap};
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

/// A definition in which a name means two things. The compiler refuses it; it comes from a file that somebody has changed. What
/// happens is recorded by name, so such an execution would never come to know what has ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguous {
    #[error("the definition has two stages that are called `{stage}`")]
    Stage { stage: String },
    #[error("the definition has two actions that are called `{action}` in stage `{stage}`")]
    Action { stage: String, action: String },
    #[error("the definition has two rules that are called `{rule}` in the {} condition of stage `{stage}`", position.words())]
    Rule {
        stage: String,
        position: Position,
        rule: String,
    },
}

impl Definition {
    pub fn new(pipeline: Arc<ir::Pipeline>, plan: Arc<Plan>, digest: String) -> Result<Self, Ambiguous> {
        let mut names = HashMap::new();
        for (index, stage) in pipeline.stages.iter().enumerate() {
            let actions = action_names(stage)?;
            check_rules(stage)?;
            match names.entry(stage.name.value.clone()) {
                Entry::Vacant(entry) => entry.insert((index, actions)),
                Entry::Occupied(entry) => {
                    return Err(Ambiguous::Stage {
                        stage: entry.key().clone(),
                    });
                }
            };
        }
        Ok(Self {
            names,
            pipeline,
            plan,
            digest,
        })
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

fn action_names(stage: &Stage) -> Result<HashMap<String, usize>, Ambiguous> {
    let mut names = HashMap::new();
    for (index, action) in stage.actions.iter().enumerate() {
        if names.insert(action.name.value.clone(), index).is_some() {
            return Err(Ambiguous::Action {
                stage: stage.name.value.clone(),
                action: action.name.value.clone(),
            });
        }
    }
    Ok(names)
}

fn check_rules(stage: &Stage) -> Result<(), Ambiguous> {
    for (position, condition) in stage.conditions() {
        let mut names = BTreeSet::new();
        if let Some(rule) = condition.rules.iter().find(|rule| !names.insert(&rule.name.value)) {
            return Err(Ambiguous::Rule {
                stage: stage.name.value.clone(),
                position: position.into(),
                rule: rule.name.value.clone(),
            });
        }
    }
    Ok(())
}
