//! What a plan says: the data that the engine, the drivers, the events and the views share.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::revision::{Revision, RevisionType};
use super::settings::Settings;
use crate::ir;

/// What carries an action or a rule out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    GitSource,
    FileSource,
    Shell,
    Buildspec,
    Approval,
    S3Deploy,
    /// Another pipeline of the file.
    Pipeline,
    Simulate,
    /// The user's own command: `local { run = … }`.
    StandIn,
    VariableCheck,
    DeploymentWindow,
}

impl Driver {
    const ALL: [Self; 11] = [
        Self::GitSource,
        Self::FileSource,
        Self::Shell,
        Self::Buildspec,
        Self::Approval,
        Self::S3Deploy,
        Self::Pipeline,
        Self::Simulate,
        Self::StandIn,
        Self::VariableCheck,
        Self::DeploymentWindow,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::GitSource => "git_source",
            Self::FileSource => "file_source",
            Self::Shell => "shell",
            Self::Buildspec => "buildspec",
            Self::Approval => "approval",
            Self::S3Deploy => "s3_deploy",
            Self::Pipeline => "pipeline",
            Self::Simulate => "simulate",
            Self::StandIn => "run",
            Self::VariableCheck => "variable_check",
            Self::DeploymentWindow => "deployment_window",
        }
    }

    /// The driver that a provider's `local` clause names.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|driver| driver.name() == name && *driver != Self::StandIn)
    }

    /// Whether it takes one of the places that `--jobs` gives: whoever only waits does not.
    pub fn takes_a_place(self) -> bool {
        self != Self::Approval
    }
}

/// How an action is done on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    CarriedOut,
    /// The user's own command runs in its place: `local { run = … }`.
    StoodIn,
    /// Checked as far as can be, and not done.
    Simulated,
}

/// One line of the plan, as the journal and the views have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedAction {
    pub stage: String,
    pub action: String,
    /// `Deploy/AWS/ECS/1`.
    pub action_type: String,
    /// The step within its stage, from 1.
    pub step: u32,
    pub how: How,
    pub driver: String,
}

/// An action's place in the pipeline: indices into its stages and the stage's actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionRef {
    pub stage: usize,
    pub action: usize,
}

/// A rule's place in the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleRef {
    pub stage: usize,
    pub position: Position,
    pub rule: usize,
}

/// How one action is done.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionPlan {
    pub how: How,
    pub driver: Driver,
    pub settings: Settings,
    /// Where a source takes its files from, when the driver has not to find out.
    pub source: Option<String>,
    /// What a source takes in place of its newest revision.
    pub revisions: Vec<Revision>,
}

impl ActionPlan {
    pub fn revision(&self, kind: RevisionType) -> Option<&str> {
        let found = self.revisions.iter().rev().find(|revision| revision.kind == kind);
        found.map(|revision| revision.value.as_str())
    }
}

/// All that was found out before the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// By stage and action.
    pub actions: Vec<Vec<ActionPlan>>,
    pub rules: BTreeMap<RuleRef, Driver>,
    /// What is to be known of an action before it runs: where it differs from what AWS does, and what may not be meant.
    pub notes: BTreeMap<ActionRef, Vec<String>>,
    /// The pipeline's variables with their values.
    pub variables: BTreeMap<String, String>,
    /// Values of secrets and parameters, by name.
    pub secrets: BTreeMap<String, String>,
}

impl Plan {
    pub fn action(&self, at: ActionRef) -> &ActionPlan {
        &self.actions[at.stage][at.action]
    }

    pub fn lines(&self, pipeline: &ir::Pipeline) -> Vec<PlannedAction> {
        let mut out = Vec::new();
        for (stage, plans) in pipeline.stages.iter().zip(&self.actions) {
            for (action, plan) in stage.actions.iter().zip(plans) {
                out.push(PlannedAction {
                    stage: stage.name.value.clone(),
                    action: action.name.value.clone(),
                    action_type: action.type_id.to_string(),
                    step: action.run_order,
                    how: plan.how,
                    driver: plan.driver.name().to_owned(),
                });
            }
        }
        out
    }
}

/// Where a condition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    BeforeEntry,
    OnSuccess,
    OnFailure,
}

impl From<ir::ConditionPosition> for Position {
    fn from(position: ir::ConditionPosition) -> Self {
        match position {
            ir::ConditionPosition::BeforeEntry => Self::BeforeEntry,
            ir::ConditionPosition::OnSuccess => Self::OnSuccess,
            ir::ConditionPosition::OnFailure => Self::OnFailure,
        }
    }
}

impl Position {
    pub fn words(self) -> &'static str {
        match self {
            Self::BeforeEntry => "before entry",
            Self::OnSuccess => "on success",
            Self::OnFailure => "on failure",
        }
    }
}
