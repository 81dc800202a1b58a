//! Who makes what in one pipeline: the actions behind artifacts, namespaces and names.

use std::collections::{HashMap, HashSet};

use indexmap::IndexSet;

use crate::catalog::Exports;
use crate::ir::{Action, Pipeline, VariableRef};
use crate::sema::namespaces::{self, Claim};

use super::kinds::{self, Kind, Kinds};
use super::words;

/// One action among all of its pipeline's, in the order of the text.
pub(super) type ActionId = usize;

pub(super) struct Index<'i> {
    pub pipeline: &'i Pipeline,
    pub actions: Vec<&'i Action>,
    /// The stage of each action.
    pub stage_of: Vec<usize>,
    /// The first action that makes each artifact, and which of its outputs that is.
    makers: HashMap<&'i str, (ActionId, usize)>,
    /// The first action that has each namespace.
    owners: HashMap<&'i str, ActionId>,
    /// The first action of each name.
    by_name: HashMap<&'i str, ActionId>,
    variables: HashSet<&'i str>,
    /// By which names other statements refer to each action's output variables: its outputs must not be called so.
    pub referred: Vec<HashSet<&'i str>>,
    /// What each action's `export` clauses declare.
    pub exports: Vec<IndexSet<String>>,
    /// Whether each action's namespace must be written: the compiler would not give it this one by itself.
    pub is_namespace_written: Vec<bool>,
    kinds: &'i Kinds,
}

/// What a reference to a variable is in `.pipe`.
pub(super) enum Meaning<'i> {
    /// A variable of the pipeline.
    Pipeline(&'i str),
    /// `execution.id`
    Execution,
    /// An output variable, by the name that `.pipe` has for it.
    Output(ActionId, &'i str),
}

impl<'i> Index<'i> {
    pub(super) fn of(pipeline: &'i Pipeline, kinds: &'i Kinds) -> Self {
        let actions: Vec<&Action> = kinds::actions(pipeline).collect();
        let stage_of = pipeline
            .stages
            .iter()
            .enumerate()
            .flat_map(|(index, stage)| stage.actions.iter().map(move |_| index))
            .collect();
        let mut index = Self {
            pipeline,
            stage_of,
            makers: HashMap::new(),
            owners: HashMap::new(),
            by_name: HashMap::new(),
            variables: pipeline
                .variables
                .iter()
                .map(|variable| variable.name.value.as_str())
                .collect(),
            referred: vec![HashSet::new(); actions.len()],
            exports: vec![IndexSet::new(); actions.len()],
            is_namespace_written: Vec::new(),
            kinds,
            actions,
        };
        for (id, action) in index.actions.iter().enumerate() {
            for (at, output) in action.outputs.iter().enumerate() {
                index.makers.entry(&output.name.value).or_insert((id, at));
            }
            if let Some(namespace) = &action.namespace {
                index.owners.entry(&namespace.value).or_insert(id);
            }
            index.by_name.entry(&action.name.value).or_insert(id);
        }
        let referenced = index.collect_exports();
        index.settle_namespaces(&referenced);
        index
    }

    pub(super) fn maker(&self, artifact: &str) -> Option<(ActionId, usize)> {
        self.makers.get(artifact).copied()
    }

    pub(super) fn action_of_name(&self, name: &str) -> Option<ActionId> {
        self.by_name.get(name).copied()
    }

    pub(super) fn kind(&self, action: ActionId) -> Option<&'i Kind> {
        self.kinds.get(&self.actions[action].type_id)
    }

    /// What a reference means; none if it must stay as CodePipeline spells it.
    pub(super) fn meaning(&self, variable: &'i VariableRef) -> Option<Meaning<'i>> {
        let key = variable.key.as_str();
        match variable.namespace.as_str() {
            "variables" => {
                let is_name = words::is_ident(key) && !words::is_keyword(key);
                (is_name && self.variables.contains(key)).then_some(Meaning::Pipeline(key))
            }
            "codepipeline" => (key == "PipelineExecutionId").then_some(Meaning::Execution),
            namespace => {
                let action = *self.owners.get(namespace)?;
                let kind = self.kind(action)?;
                let is_declared = || {
                    let declared = &self.actions[action].output_variables;
                    declared.iter().any(|declared| declared.value == key)
                };
                let is_sayable = kind.provider.exports != Exports::Declared || is_declared();
                let name = kind.variable(key).filter(|_| is_sayable)?;
                Some(Meaning::Output(action, name))
            }
        }
    }

    /// Fills in the `export` clauses; gives which actions' variables are referred to.
    fn collect_exports(&mut self) -> Vec<bool> {
        for (id, action) in self.actions.iter().enumerate() {
            let given = match self.kind(id).map(|kind| &kind.provider.exports) {
                Some(Exports::Open) => &action.exports,
                Some(Exports::Declared) => &action.output_variables,
                Some(Exports::Fixed(_)) | None => continue,
            };
            let given = given.iter().map(|name| name.value.clone());
            self.exports[id].extend(given.filter(|name| words::is_ident(name)));
        }
        let mut referenced = vec![false; self.actions.len()];
        for variable in kinds::texts(self.pipeline).flat_map(|text| text.variables()) {
            let Some(Meaning::Output(id, name)) = self.meaning(variable) else {
                continue;
            };
            referenced[id] = true;
            self.referred[id].insert(name);
            if self.kind(id).is_some_and(|kind| kind.provider.exports == Exports::Open) {
                self.exports[id].insert(name.to_owned());
            }
        }
        referenced
    }

    /// Finds which namespaces must be written, by asking the compiler which ones it would give.
    fn settle_namespaces(&mut self, referenced: &[bool]) {
        let wanted: Vec<Option<&str>> = self
            .actions
            .iter()
            .map(|action| action.namespace.as_ref().map(|node| node.value.as_str()))
            .collect();
        let mut written: Vec<bool> = wanted
            .iter()
            .zip(referenced)
            .map(|(wanted, &referenced)| wanted.is_some() && !referenced)
            .collect();
        loop {
            let claims: Vec<Claim<'_>> = self
                .actions
                .iter()
                .enumerate()
                .map(|(id, action)| Claim {
                    stage: &self.pipeline.stages[self.stage_of[id]].name.value,
                    action: &action.name.value,
                    outputs: action.outputs.iter().map(|output| output.name.value.as_str()).collect(),
                    given: wanted[id].filter(|_| written[id]),
                    referenced: referenced[id],
                })
                .collect();
            let given = namespaces::allocate(&claims);
            let mut is_settled = true;
            for (id, given) in given.iter().enumerate() {
                if given.as_deref() != wanted[id] && wanted[id].is_some() && !written[id] {
                    written[id] = true;
                    is_settled = false;
                }
            }
            if is_settled {
                break;
            }
        }
        self.is_namespace_written = written;
    }
}
