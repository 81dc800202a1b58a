//! What several rules want to look up: who makes an artifact, who owns a namespace, which variables there are.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use crate::ir::{Action, ConditionPosition, DeployCondition, Origin, Pipeline, Rule, Stage, Variable};

pub(super) struct Ctx<'a> {
    pub(super) pipeline: &'a Pipeline,
    /// Something may be missing anywhere in the pipeline.
    pub(super) incomplete: bool,
    /// By artifact; of several makers the one that runs first, so that a duplicate does not set off errors of order.
    pub(super) makers: HashMap<&'a str, Maker<'a>>,
    /// By namespace; of several owners the one that runs first.
    pub(super) namespaces: HashMap<&'a str, Maker<'a>>,
    pub(super) variables: HashMap<&'a str, &'a Variable>,
    /// The addresses of users and makers whose order has been reported.
    pub(super) disordered: RefCell<HashSet<(usize, usize)>>,
}

/// An action that makes an artifact, or that sets a namespace's variables.
#[derive(Clone, Copy)]
pub(super) struct Maker<'a> {
    /// Index into the pipeline's stages.
    pub(super) stage: usize,
    pub(super) action: &'a Action,
    /// The output or namespace in the action, else the action.
    pub(super) origin: Origin,
}

impl Maker<'_> {
    pub(super) fn time(&self) -> (usize, u32) {
        (self.stage, self.action.run_order)
    }
}

impl<'a> Ctx<'a> {
    pub(super) fn new(pipeline: &'a Pipeline) -> Self {
        let mut ctx = Self {
            pipeline,
            incomplete: pipeline.incomplete
                || pipeline
                    .stages
                    .iter()
                    .any(|stage| stage.incomplete || stage.actions.iter().any(|action| action.incomplete)),
            makers: HashMap::new(),
            namespaces: HashMap::new(),
            variables: pipeline
                .variables
                .iter()
                .map(|variable| (variable.name.value.as_str(), variable))
                .collect(),
            disordered: RefCell::default(),
        };
        for (stage, action) in ctx.actions() {
            for output in &action.outputs {
                let origin = place(output.name.origin, action.origin);
                enter(&mut ctx.makers, &output.name.value, Maker { stage, action, origin });
            }
            if let Some(namespace) = &action.namespace {
                let origin = place(namespace.origin, action.origin);
                enter(&mut ctx.namespaces, &namespace.value, Maker { stage, action, origin });
            }
        }
        ctx
    }

    /// Every action with the index of its stage.
    pub(super) fn actions(&self) -> impl Iterator<Item = (usize, &'a Action)> + use<'a> {
        self.pipeline
            .stages
            .iter()
            .enumerate()
            .flat_map(|(index, stage)| stage.actions.iter().map(move |action| (index, action)))
    }

    /// Every rule with the index of its stage and the position of its condition.
    pub(super) fn rules(&self) -> impl Iterator<Item = (usize, ConditionPosition, &'a Rule)> + use<'a> {
        self.pipeline.stages.iter().enumerate().flat_map(|(index, stage)| {
            stage
                .conditions()
                .flat_map(move |(position, condition)| condition.rules.iter().map(move |rule| (index, position, rule)))
        })
    }

    /// Whether a template has one of two actions or the other, never both. Each comes with the index of its stage.
    pub(super) fn never_together(&self, a: (usize, &Action), b: (usize, &Action)) -> bool {
        let conditions =
            |(stage, action): (usize, &Action)| [self.stage(stage).when.clone(), action.when.clone()].concat();
        DeployCondition::excludes(&conditions(a), &conditions(b))
    }

    pub(super) fn stage(&self, index: usize) -> &'a Stage {
        &self.pipeline.stages[index]
    }
}

fn enter<'a>(map: &mut HashMap<&'a str, Maker<'a>>, name: &'a str, maker: Maker<'a>) {
    let known = map.entry(name).or_insert(maker);
    if maker.time() < known.time() {
        *known = maker;
    }
}

/// The place of a part, or of the whole that holds it where the part has none of its own.
pub(super) fn place(part: Origin, whole: Origin) -> Origin {
    if part == Origin::default() { whole } else { part }
}
