//! What everything is called: identifiers from AWS's names, each one's own.

use std::collections::{HashMap, HashSet};

use crate::ir;

use super::family::{Families, Family};
use super::index::{ActionId, Index};
use super::tree::{Expr, Head, Key, Name};
use super::words;

/// The names in one pipeline.
pub(super) struct Names {
    pub stages: Vec<Name>,
    pub actions: Vec<Name>,
    /// By action.
    pub outputs: Vec<Vec<Name>>,
    /// Names of actions, outputs and variables.
    taken: HashSet<String>,
}

impl Names {
    /// `file_names`: what the file itself declares.
    pub(super) fn of(index: &Index<'_>, families: &Families, file_names: &HashSet<String>) -> Self {
        let mut taken = file_names.clone();
        taken.extend(
            index
                .pipeline
                .variables
                .iter()
                .map(|variable| variable.name.value.clone()),
        );
        let mut names = Self {
            stages: stages(&index.pipeline.stages, families),
            actions: vec![Name::plain(""); index.actions.len()],
            outputs: index
                .actions
                .iter()
                .map(|action| Vec::with_capacity(action.outputs.len()))
                .collect(),
            taken,
        };
        names.name_actions(index, families);
        names.name_outputs(index, families);
        names
    }

    /// Whether nothing has this name, so that a loop's variable may have it.
    pub(super) fn is_free(&self, name: &str) -> bool {
        words::is_ident(name) && !words::is_taken_by_language(name) && !self.taken.contains(name)
    }

    /// The first of some names that is free, or the last with a number behind it.
    fn free(&self, candidates: &[String]) -> String {
        let last = candidates.last().cloned().unwrap_or_default();
        let numbered = (2..).map(|number| format!("{last}_{number}"));
        candidates
            .iter()
            .cloned()
            .chain(numbered)
            .find(|name| self.is_free(name))
            .unwrap_or_default()
    }

    fn name_actions(&mut self, index: &Index<'_>, families: &Families) {
        // One of each family stands for all of it.
        let speakers = (0..index.actions.len())
            .filter(|&id| families.of_action(id).is_none_or(|family| family.members[0] == id))
            .map(|id| match families.of_action(id) {
                Some(family) => (id, family.base.clone()),
                None => (id, words::ident_of(&index.actions[id].name.value, "action")),
            });
        let speakers: Vec<(ActionId, Option<String>)> = speakers.collect();
        let mut count: HashMap<&str, usize> = HashMap::new();
        for base in speakers.iter().filter_map(|(_, base)| base.as_deref()) {
            *count.entry(base).or_default() += 1;
        }
        let is_shared = |base: &Option<String>| base.as_deref().is_some_and(|base| count[base] > 1);
        // What only one is called keeps its name.
        let (shared, own): (Vec<_>, Vec<_>) = speakers.iter().partition(|(_, base)| is_shared(base));
        for (id, base) in own.into_iter().chain(shared) {
            let id = *id;
            let stage = &self.stages[index.stage_of[id]].ident;
            let candidates = match base {
                Some(name) if is_shared(base) && !says(name, stage) => vec![format!("{name}_{stage}")],
                Some(name) => vec![name.clone(), format!("{name}_{stage}")],
                None => vec![stage.clone(), format!("{stage}_{}", id + 1)],
            };
            let ident = self.free(&candidates);
            self.taken.insert(ident.clone());
            match families.of_action(id) {
                None => self.actions[id] = Name::plain(ident),
                Some(family) => {
                    for (&member, key) in family.members.iter().zip(&family.keys) {
                        self.actions[member] = keyed(&ident, key);
                    }
                }
            }
        }
    }

    fn name_outputs(&mut self, index: &Index<'_>, families: &Families) {
        let mut is_done = vec![false; index.actions.len()];
        for id in 0..index.actions.len() {
            if is_done[id] {
                continue;
            }
            let family = families.of_action(id);
            let members = family.map_or_else(|| vec![id], |family| family.members.clone());
            for at in 0..index.actions[id].outputs.len() {
                let ident = self.output(index, id, at, family, &members);
                for (number, &member) in members.iter().enumerate() {
                    let name = match family {
                        Some(family) => keyed(&ident, &family.keys[number]),
                        None => Name::plain(ident.clone()),
                    };
                    self.outputs[member].push(name);
                }
            }
            members.iter().for_each(|&member| is_done[member] = true);
        }
    }

    /// An identifier for an output: its own, or its action's where it has none of its own.
    fn output(
        &mut self,
        index: &Index<'_>,
        id: ActionId,
        at: usize,
        family: Option<&Family>,
        members: &[ActionId],
    ) -> String {
        let outputs = &index.actions[id].outputs;
        let action = self.actions[id].ident.clone();
        let base = match family {
            Some(family) => family.base_of(&outputs[at].name.value, "artifact"),
            None => words::ident_of(&outputs[at].name.value, "artifact"),
        };
        let refers = |name: &str| members.iter().any(|&member| index.referred[member].contains(name));
        let is_ours = |name: &str| {
            // An output may share its action's name; as an artifact the name is the output then.
            let shares = name == action && !self.outputs[id].iter().any(|other| other.ident == action);
            (shares || self.is_free(name)) && !refers(name)
        };
        let mut candidates: Vec<String> = base.iter().cloned().collect();
        if outputs.len() == 1 {
            candidates.push(action.clone());
        }
        candidates.extend(base.map(|base| format!("{action}_{base}")));
        candidates.push(format!("{action}_output"));
        let numbered = (2..).map(|number| format!("{action}_output_{number}"));
        let ident = candidates
            .into_iter()
            .chain(numbered)
            .find(|name| is_ours(name))
            .unwrap_or_default();
        self.taken.insert(ident.clone());
        ident
    }

    /// A name for an artifact that no action makes: one that nothing else has, so that the mistake is seen.
    pub(super) fn of_nothing(&self, artifact: &str) -> Name {
        let base = words::ident_of(artifact, "artifact").unwrap_or_else(|| "artifact_1".to_owned());
        Name::plain(self.free(&[base.clone(), format!("{base}_artifact")]))
    }

    /// What an artifact is called where it is used: by its action if that makes no other.
    pub(super) fn artifact(&self, (action, output): (ActionId, usize)) -> &Name {
        match self.outputs[action].len() {
            1 => &self.actions[action],
            _ => &self.outputs[action][output],
        }
    }
}

/// `deploy_beta` needs no `beta` behind it.
fn says(base: &str, stage: &str) -> bool {
    base == stage || base.ends_with(&format!("_{stage}")) || base.starts_with(&format!("{stage}_"))
}

fn keyed(ident: &str, key: &str) -> Name {
    Name {
        ident: ident.to_owned(),
        key: Some(Key::Text(key.to_owned())),
    }
}

fn stages(stages: &[ir::Stage], families: &Families) -> Vec<Name> {
    let mut taken = HashSet::new();
    let mut names: Vec<Name> = Vec::with_capacity(stages.len());
    for (index, stage) in stages.iter().enumerate() {
        let family = families.stages.iter().find(|family| family.stages.contains(&index));
        let name = match family {
            Some(family) if family.stages.start < index => keyed(
                &names[family.stages.start].ident,
                &family.keys[index - family.stages.start],
            ),
            Some(family) => {
                let base = family.base.as_deref().unwrap_or("stage");
                keyed(&unique(base, "stage", index, &taken), &family.keys[0])
            }
            None => Name::plain(unique(&stage.name.value, "stage", index, &taken)),
        };
        taken.insert(name.ident.clone());
        names.push(name);
    }
    names
}

/// An identifier for the `index`th of its kind that is not among `taken`.
pub(super) fn unique(name: &str, kind: &str, index: usize, taken: &HashSet<String>) -> String {
    let base = words::ident_of(name, kind).unwrap_or_else(|| format!("{kind}_{}", index + 1));
    let numbered = (2..).map(|number| format!("{base}_{number}"));
    std::iter::once(base.clone())
        .chain(numbered)
        .find(|name| !taken.contains(name))
        .unwrap_or(base)
}

/// A name and, where it is another, the name that AWS sees. `separator` stands between a family's name and a key in the
/// name that AWS sees by itself.
pub(super) fn head(name: &Name, aws_name: &str, separator: char) -> Head {
    let own = match &name.key {
        Some(Key::Text(key) | Key::Loop(key)) => format!("{}{separator}{key}", name.ident),
        None => name.ident.clone(),
    };
    Head {
        name: name.clone(),
        aws_name: (own != aws_name).then(|| Expr::Str(super::text::name_parts(aws_name))),
    }
}
