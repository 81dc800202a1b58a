//! What `pipe plan` says: everything that is known of a run before it starts, as data. The keys are those of `--format json`
//! (`docs/plan.md`), so they are only ever added.
//!
//! Nothing is executed for it but `git`, which is asked what a checkout stands at, and nothing is written.

mod prediction;
mod source;
mod words;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::event::Inherited;
use super::outlook::Outlook;
use super::part::{part, place, rule_place};
use super::planned::{ActionRef, Driver, How, Position, RuleRef};
use super::refusal::{Refusal, RefusalKind};
use super::{Drivers, RunOptions, RunOutcome};
use crate::ir::{self, ConditionResult, ExecutionMode, RetryMode, Stage};

pub use prediction::{PathMember, Prediction};
pub use source::Source;

/// The version of the document's form.
const VERSION: u32 = 1;

#[derive(Clone, Debug, Serialize)]
pub struct PlanReport {
    pub v: u32,
    pub pipeline: String,
    /// Whether a run would start.
    pub can_run: bool,
    pub mode: ExecutionMode,
    /// How many actions run at the same time at most.
    pub jobs: usize,
    /// The pipeline's variables, by name; those without a value are among the obstacles.
    pub variables: BTreeMap<String, String>,
    /// The earlier run whose artifacts and variables are taken, where only a part is carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub based_on: Option<String>,
    pub stages: Vec<StageReport>,
    pub obstacles: Vec<Obstacle>,
    /// None: no run of the pipeline has succeeded here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prediction: Option<Prediction>,
}

#[derive(Clone, Debug, Serialize)]
pub struct StageReport {
    pub name: String,
    /// Whether this run comes through it: see `--from`.
    pub included: bool,
    /// Why the way into it is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition_disabled: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<ConditionReport>,
    /// What follows at once from a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<FailureReport>,
    /// Those of a step run side by side.
    pub steps: Vec<Vec<ActionReport>>,
}

#[derive(Clone, Debug, Serialize)]
pub struct ConditionReport {
    pub position: Position,
    /// What follows if it is not met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<ConditionResult>,
    pub rules: Vec<RuleReport>,
}

#[derive(Clone, Debug, Serialize)]
pub struct RuleReport {
    pub name: String,
    pub rule_type: String,
    pub how: Fate,
    pub driver: String,
    pub does: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<Obstacle>,
}

#[derive(Clone, Debug, Serialize)]
pub struct FailureReport {
    pub result: ConditionResult,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_mode: Option<RetryMode>,
}

#[derive(Clone, Debug, Serialize)]
pub struct ActionReport {
    pub name: String,
    pub action_type: String,
    /// As the language calls it: `deploy.ecs`.
    pub provider: String,
    pub how: Fate,
    pub driver: String,
    /// In words.
    pub does: String,
    /// Of a source action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_minutes: Option<u64>,
    /// By earlier runs; of an approval nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted_ms: Option<u64>,
    /// Where it differs from what AWS does, and what may not be meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<Obstacle>,
}

/// What becomes of an action or a rule here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    CarriedOut,
    StoodIn,
    Simulated,
    /// Something stands in its way.
    Impossible,
}

/// Something that keeps a run from starting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    pub kind: RefusalKind,
    /// `Prod/rollout`; none for the pipeline as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Finds out what a run with these options would do.
pub fn report(pipeline: &ir::Pipeline, drivers: &dyn Drivers, options: &RunOptions) -> PlanReport {
    let outlook = Outlook::new(Cow::Borrowed(pipeline), drivers, options);
    let durations = prediction::durations(&outlook.options.state_folder(), &outlook.pipeline.name.value);
    let reporter = Reporter {
        included: part(&outlook.pipeline, &outlook.options).unwrap_or(0..outlook.pipeline.stages.len()),
        outlook: &outlook,
        drivers,
        durations: &durations,
    };
    let stages = outlook.pipeline.stages.iter().enumerate();
    let stages: Vec<StageReport> = stages.map(|(index, stage)| reporter.stage(index, stage)).collect();
    let jobs = outlook.options.jobs.unwrap_or_else(super::cores);
    PlanReport {
        v: VERSION,
        pipeline: outlook.pipeline.name.value.clone(),
        can_run: outlook.refusals.is_empty(),
        mode: outlook
            .pipeline
            .execution_mode
            .as_ref()
            .map_or_else(ExecutionMode::default, |mode| mode.value),
        jobs,
        variables: outlook.plan.variables.clone(),
        based_on: outlook
            .inherited
            .as_ref()
            .map(|Inherited { execution_id, .. }| execution_id.clone()),
        prediction: prediction::predict(&stages, &durations, jobs),
        stages,
        obstacles: outlook.refusals.iter().map(Obstacle::of).collect(),
    }
}

impl PlanReport {
    /// How a run that is asked for like this would begin.
    pub fn outcome(&self) -> RunOutcome {
        let mut obstacles = self.obstacles.iter();
        match obstacles.any(|obstacle| obstacle.kind == RefusalKind::Usage) {
            true => RunOutcome::Unusable,
            false if self.can_run => RunOutcome::Succeeded,
            false => RunOutcome::Refused,
        }
    }

    /// All actions that this run comes to.
    pub fn actions(&self) -> impl Iterator<Item = &ActionReport> {
        let stages = self.stages.iter().filter(|stage| stage.included);
        stages.flat_map(|stage| stage.steps.iter().flatten())
    }
}

impl Obstacle {
    fn of(refusal: &Refusal) -> Self {
        Self {
            kind: refusal.kind,
            place: refusal.place.clone(),
            message: refusal.message.clone(),
            help: refusal.help.clone(),
        }
    }
}

struct Reporter<'a> {
    outlook: &'a Outlook<'a>,
    included: std::ops::Range<usize>,
    drivers: &'a dyn Drivers,
    durations: &'a prediction::Durations,
}

impl Reporter<'_> {
    fn stage(&self, index: usize, stage: &Stage) -> StageReport {
        let disabled = &self.outlook.pipeline.deployment.disabled_transitions;
        let disabled = disabled.iter().find(|transition| transition.stage == stage.name);
        let handling = stage.on_failure.as_ref();
        let mut steps: BTreeMap<u32, Vec<ActionReport>> = BTreeMap::new();
        for (action_index, action) in stage.actions.iter().enumerate() {
            let at = ActionRef {
                stage: index,
                action: action_index,
            };
            let step = steps.entry(action.run_order).or_default();
            step.push(self.action(at, stage, action));
        }
        let mut conditions = Vec::new();
        for (position, condition) in stage.conditions() {
            conditions.push(self.condition(index, stage, position.into(), condition));
        }
        StageReport {
            name: stage.name.value.clone(),
            included: self.included.contains(&index),
            transition_disabled: disabled.map(|transition| transition.reason.value.to_string()),
            conditions,
            on_failure: handling.and_then(|handling| {
                Some(FailureReport {
                    result: handling.result.as_ref()?.value,
                    retry_mode: handling.retry_mode.as_ref().map(|mode| mode.value),
                })
            }),
            steps: steps.into_values().collect(),
        }
    }

    fn action(&self, at: ActionRef, stage: &Stage, action: &ir::Action) -> ActionReport {
        let plan = self.outlook.plan.action(at);
        let obstacles = self.obstacles(&place(stage, action));
        let how = fate(plan.how, &obstacles);
        let is_known = how != Fate::Impossible;
        let source = is_known
            .then(|| source::of(action, plan, &self.outlook.options))
            .flatten();
        let mut notes = self.outlook.plan.notes.get(&at).cloned().unwrap_or_default();
        notes.extend(source.as_ref().and_then(|source| source::note(action, source)));
        ActionReport {
            name: action.name.value.clone(),
            action_type: action.type_id.to_string(),
            provider: provider_name(self.drivers, &action.type_id),
            how,
            driver: plan.driver.name().to_owned(),
            does: words::of_action(action, plan),
            source,
            timeout_minutes: action.timeout_minutes.as_ref().map(|minutes| minutes.value),
            predicted_ms: (plan.driver != Driver::Approval)
                .then(|| self.durations.of(&stage.name.value, &action.name.value))
                .flatten(),
            notes,
            obstacles,
        }
    }

    fn condition(&self, index: usize, stage: &Stage, position: Position, condition: &ir::Condition) -> ConditionReport {
        let rules = condition.rules.iter().enumerate().map(|(rule_index, rule)| {
            let at = RuleRef {
                stage: index,
                position,
                rule: rule_index,
            };
            let driver = self.outlook.plan.rules.get(&at).copied();
            let driver = driver.unwrap_or(Driver::Simulate);
            let obstacles = self.obstacles(&rule_place(stage, position, rule));
            let how = match driver {
                Driver::Simulate => How::Simulated,
                _ => How::CarriedOut,
            };
            RuleReport {
                name: rule.name.value.clone(),
                rule_type: rule.type_id.to_string(),
                how: fate(how, &obstacles),
                driver: driver.name().to_owned(),
                does: words::of_rule(rule, driver),
                obstacles,
            }
        });
        ConditionReport {
            position,
            result: condition.result.as_ref().map(|result| result.value),
            rules: rules.collect(),
        }
    }

    fn obstacles(&self, place: &str) -> Vec<Obstacle> {
        let refusals = self.outlook.refusals.iter();
        let here = refusals.filter(|refusal| refusal.place.as_deref() == Some(place));
        here.map(Obstacle::of).collect()
    }
}

fn fate(how: How, obstacles: &[Obstacle]) -> Fate {
    match how {
        _ if !obstacles.is_empty() => Fate::Impossible,
        How::CarriedOut => Fate::CarriedOut,
        How::StoodIn => Fate::StoodIn,
        How::Simulated => Fate::Simulated,
    }
}

/// What stands for the user's type id in messages: `deploy.ecs`, or the id itself.
fn provider_name(drivers: &dyn Drivers, type_id: &ir::TypeId) -> String {
    drivers.provider(type_id).unwrap_or_else(|| type_id.to_string())
}
