//! Families: neighbours that may say the same but for one string, in a `parallel` block or among the stages. Whether they do
//! shows when they are written, in [`super::merge`].

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::ir::{Stage, is_deploy_name};

use super::index::{ActionId, Index};
use super::tree::Stmt;
use super::{merge, words};

/// Actions that may be one family.
#[derive(Clone, Debug)]
pub(super) struct Family {
    pub members: Vec<ActionId>,
    /// By member: where its name differs from the others'.
    pub keys: Vec<String>,
    /// What the names have in common, as an identifier.
    pub base: Option<String>,
    /// The family of stages that the members stand in, one in each.
    pub of_stages: Option<usize>,
}

/// Stages that may be one loop.
#[derive(Clone, Debug)]
pub(super) struct StageFamily {
    pub stages: Range<usize>,
    pub keys: Vec<String>,
    pub base: Option<String>,
}

/// All that may be families in a pipeline.
#[derive(Clone, Debug, Default)]
pub(super) struct Families {
    actions: Vec<Family>,
    pub stages: Vec<StageFamily>,
    /// The number of each member's family.
    by_member: HashMap<ActionId, usize>,
}

/// What turned out to be no family, by its first member.
#[derive(Debug, Default)]
pub(super) struct Refused {
    pub actions: HashSet<ActionId>,
    pub stages: HashSet<usize>,
}

/// Two actions, or two stages, are worth a loop only if they say this much.
const LONG_ACTION: usize = 4;
const LONG_STAGE: usize = 12;

/// Whether statements are worth a loop: three are, and two that are long.
pub(super) fn is_worth_it(stmts: &[Stmt]) -> bool {
    let is_long = match stmts.first() {
        Some(Stmt::Action(_, _, body)) => body.len() >= LONG_ACTION,
        Some(stmt) => weight(stmt) >= LONG_STAGE,
        None => false,
    };
    stmts.len() >= 3 || is_long
}

/// How many statements a statement holds.
fn weight(stmt: &Stmt) -> usize {
    match stmt {
        Stmt::Action(_, _, body) | Stmt::Rule(_, _, body) | Stmt::Stage(_, body) | Stmt::Block(_, body) => {
            1 + body.iter().map(weight).sum::<usize>()
        }
        _ => 1,
    }
}

impl Families {
    /// All but those that were refused before.
    pub(super) fn candidates(index: &Index<'_>, refused: &Refused) -> Self {
        let mut families = Self::default();
        families.find_stages(index, refused);
        let stages = families.stages.clone();
        let is_taken = |id: ActionId| stages.iter().any(|family| family.stages.contains(&index.stage_of[id]));
        let mut first = 0;
        while first < index.actions.len() {
            let is_same = |id: &ActionId| are_alike(index, first, *id);
            let count = 1 + (first + 1..index.actions.len()).take_while(is_same).count();
            let members: Vec<ActionId> = (first..first + count).filter(|&id| !is_taken(id)).collect();
            if !refused.actions.contains(&first) && may_be_one(index, &members) {
                family(index, members)
                    .into_iter()
                    .for_each(|family| families.add(family));
            }
            first += count;
        }
        families
    }

    fn add(&mut self, family: Family) {
        let number = self.actions.len();
        self.by_member
            .extend(family.members.iter().map(|&member| (member, number)));
        self.actions.push(family);
    }

    /// The family that an action is of.
    pub(super) fn of_action(&self, id: ActionId) -> Option<&Family> {
        self.by_member.get(&id).map(|&number| &self.actions[number])
    }

    /// Neighbours among the stages that hold the same actions.
    fn find_stages(&mut self, index: &Index<'_>, refused: &Refused) {
        let stages = &index.pipeline.stages;
        let mut first = 0;
        while first < stages.len() {
            let alike = stages[first + 1..]
                .iter()
                .take_while(|stage| hold_the_same(&stages[first], stage));
            let range = first..first + 1 + alike.count();
            first = range.end;
            if refused.stages.contains(&range.start) {
                continue;
            }
            let names: Vec<&str> = stages[range.clone()]
                .iter()
                .map(|stage| stage.name.value.as_str())
                .collect();
            let Some((keys, base)) = keys_of(&names) else { continue };
            let number = self.stages.len();
            let starts: Vec<ActionId> = range
                .clone()
                .map(|stage| stages[..stage].iter().map(|stage| stage.actions.len()).sum())
                .collect();
            for at in 0..stages[range.start].actions.len() {
                let members: Vec<ActionId> = starts.iter().map(|start| start + at).collect();
                let name = &index.actions[members[0]].name.value;
                let base = words::ident_of(&without_key(name, &keys[0]), "action");
                self.add(Family {
                    members,
                    keys: keys.clone(),
                    base,
                    of_stages: Some(number),
                });
            }
            self.stages.push(StageFamily {
                stages: range,
                keys,
                base,
            });
        }
    }
}

impl Refused {
    pub(super) fn count(&self) -> usize {
        self.actions.len() + self.stages.len()
    }
}

fn hold_the_same(a: &Stage, b: &Stage) -> bool {
    let same = |(a, b): (&crate::ir::Action, &crate::ir::Action)| {
        a.type_id == b.type_id
            && a.run_order == b.run_order
            && a.when == b.when
            && a.outputs.len() == b.outputs.len()
            && a.configuration.keys().eq(b.configuration.keys())
    };
    a.when == b.when && a.actions.len() == b.actions.len() && a.actions.iter().zip(&b.actions).all(same)
}

fn are_alike(index: &Index<'_>, a: ActionId, b: ActionId) -> bool {
    let (first, second) = (index.actions[a], index.actions[b]);
    index.stage_of[a] == index.stage_of[b]
        && first.run_order == second.run_order
        && first.type_id == second.type_id
        && first.when == second.when
        && first.outputs.len() == second.outputs.len()
        && first.configuration.keys().eq(second.configuration.keys())
}

/// Whether actions say the same where no key can stand. It spares writing all of them to find that they do not.
fn may_be_one(index: &Index<'_>, members: &[ActionId]) -> bool {
    members.windows(2).all(|pair| {
        index.exports[pair[0]] == index.exports[pair[1]]
            && index.is_namespace_written[pair[0]] == index.is_namespace_written[pair[1]]
    })
}

fn family(index: &Index<'_>, members: Vec<ActionId>) -> Option<Family> {
    let names: Vec<&str> = members
        .iter()
        .map(|&id| index.actions[id].name.value.as_str())
        .collect();
    let (keys, base) = keys_of(&names)?;
    Some(Family {
        members,
        keys,
        base,
        of_stages: None,
    })
}

/// Where several names differ, and an identifier for what they have in common.
fn keys_of(names: &[&str]) -> Option<(Vec<String>, Option<String>)> {
    if names.len() < 2 || names.iter().any(|name| is_deploy_name(name)) {
        return None;
    }
    let (start, end) = shared(names)?;
    let keys: Vec<String> = names
        .iter()
        .map(|name| name[start.len()..name.len() - end.len()].to_owned())
        .collect();
    let is_distinct = (1..keys.len()).all(|at| !keys[..at].contains(&keys[at]));
    let base = words::ident_of(&format!("{start}-{end}"), "action");
    (is_distinct && keys.iter().all(|key| !key.is_empty())).then_some((keys, base))
}

impl Family {
    /// An identifier for a name of the first member, without its key.
    pub(super) fn base_of(&self, name: &str, kind: &str) -> Option<String> {
        words::ident_of(&without_key(name, &self.keys[0]), kind)
    }
}

fn without_key(name: &str, key: &str) -> String {
    match name.contains(key) {
        true => name.replace(key, "-"),
        // CodeBuild takes no hyphen in a name of an artifact.
        false => name.replace(&key.replace('-', "_"), "-"),
    }
}

/// What some names begin and end with, cut at the ends of words.
fn shared<'n>(names: &[&'n str]) -> Option<(&'n str, &'n str)> {
    let first = *names.first()?;
    let rest = &names[1..];
    let starts = |end: usize| rest.iter().all(|name| name.starts_with(&first[..end]));
    let start = (0..=first.len())
        .rev()
        .filter(|&end| first.is_char_boundary(end))
        .find(|&end| starts(end) && (end == 0 || names.iter().all(|name| begins_word(name, end))))?;
    let ends = |at: usize| {
        names
            .iter()
            .all(|name| name.len() >= start + first.len() - at && name.ends_with(&first[at..]))
    };
    let end = (start..=first.len())
        .filter(|&at| first.is_char_boundary(at))
        .find(|&at| ends(at) && (at == first.len() || is_word(&first[at..]) && is_cut(first, at)))?;
    Some((&first[..start], &first[end..]))
}

fn is_cut(name: &str, at: usize) -> bool {
    begins_word(name, at) || name[at..].starts_with(['-', '_', '.', '@'])
}

/// A number at the end belongs to what stands before it: `eu-west-1`.
fn is_word(text: &str) -> bool {
    text.chars().any(char::is_alphabetic)
}

/// Whether a word of the name begins at `at`: behind a separator, or with a capital.
fn begins_word(name: &str, at: usize) -> bool {
    let before = name[..at].chars().next_back();
    let after = name[at..].chars().next();
    let is_hump = after.is_some_and(char::is_uppercase) && before.is_some_and(|c| !c.is_uppercase());
    before.is_none_or(|c| matches!(c, '-' | '_' | '.' | '@')) || is_hump
}

/// What the keys are, where they show it.
pub(super) fn variable(keys: &[String]) -> &'static str {
    let is_region = |key: &String| {
        let parts: Vec<&str> = key.split('-').collect();
        parts.len() >= 3
            && parts[0].len() == 2
            && parts
                .last()
                .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is_stage = |key: &String| ENVIRONMENTS.contains(&key.to_lowercase().as_str());
    if keys.iter().all(is_region) {
        "region"
    } else if keys.iter().all(is_stage) {
        "env"
    } else {
        merge::ANY
    }
}

/// What people call the places that they deploy to.
const ENVIRONMENTS: [&str; 10] = [
    "alpha",
    "beta",
    "dev",
    "gamma",
    "prod",
    "production",
    "qa",
    "stage",
    "staging",
    "test",
];
