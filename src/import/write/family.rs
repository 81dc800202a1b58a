//! Families: neighbours in a `parallel` block that say the same but for one string, as a loop.

use crate::ir::{self, Action, is_deploy_name};

use super::index::{ActionId, Index};
use super::tree::{Expr, Head, Key, Name, Part, Stmt};
use super::words;

/// Actions that may be one loop: whether they are shows when they are written.
#[derive(Clone, Debug)]
pub(super) struct Family {
    pub members: Vec<ActionId>,
    /// By member: where its name differs from the others'.
    pub keys: Vec<String>,
    /// What the names have in common, as an identifier.
    pub base: Option<String>,
    /// The loop's variable.
    pub var: String,
}

/// Two actions are worth a loop only if they say this much.
const LONG: usize = 4;

/// Runs of neighbours that may be families.
pub(super) fn candidates(index: &Index<'_>) -> Vec<Family> {
    let mut families = Vec::new();
    let mut first = 0;
    while first < index.actions.len() {
        let is_same = |id: &ActionId| are_alike(index, first, *id);
        let count = 1 + (first + 1..index.actions.len()).take_while(is_same).count();
        let members: Vec<ActionId> = (first..first + count).collect();
        families.extend(family(index, members));
        first += count;
    }
    families
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

fn family(index: &Index<'_>, members: Vec<ActionId>) -> Option<Family> {
    if members.len() < 2 {
        return None;
    }
    let names: Vec<&str> = members
        .iter()
        .map(|&id| index.actions[id].name.value.as_str())
        .collect();
    if names.iter().any(|name| is_deploy_name(name)) {
        return None;
    }
    let (start, end) = shared(&names)?;
    let keys: Vec<String> = names
        .iter()
        .map(|name| name[start.len()..name.len() - end.len()].to_owned())
        .collect();
    let is_distinct = (1..keys.len()).all(|at| !keys[..at].contains(&keys[at]));
    let base = words::ident_of(&format!("{start}-{end}"), "action");
    let var = variable(index.pipeline, &keys);
    (is_distinct && keys.iter().all(|key| !key.is_empty())).then_some(Family {
        members,
        keys,
        base,
        var,
    })
}

impl Family {
    /// An identifier for a name of the `member`th, without its key.
    pub(super) fn base_of(&self, name: &str, member: usize, kind: &str) -> Option<String> {
        let key = &self.keys[member];
        let rest = match name.contains(key.as_str()) {
            true => name.replace(key.as_str(), "-"),
            // CodeBuild takes no hyphen in a name of an artifact.
            false => name.replace(&key.replace('-', "_"), "-"),
        };
        words::ident_of(&rest, kind)
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

/// A name for the loop's variable that hides nothing.
fn variable(pipeline: &ir::Pipeline, keys: &[String]) -> String {
    let is_region = |key: &String| {
        let parts: Vec<&str> = key.split('-').collect();
        parts.len() >= 3
            && parts[0].len() == 2
            && parts
                .last()
                .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let stages = [
        "dev",
        "test",
        "qa",
        "beta",
        "gamma",
        "staging",
        "stage",
        "prod",
        "production",
    ];
    let is_stage = |key: &String| stages.contains(&key.to_lowercase().as_str());
    let wish = if keys.iter().all(is_region) {
        "region"
    } else if keys.iter().all(is_stage) {
        "env"
    } else {
        "item"
    };
    let is_used = |name: &str| {
        let of_action = |action: &Action| {
            let outputs = action.outputs.iter().map(|output| output.name.value.as_str());
            let mut all = outputs.chain([action.name.value.as_str()]);
            all.any(|found| words::ident_of(found, "").is_some_and(|ident| ident.starts_with(name)))
        };
        let of_variable = |variable: &ir::Variable| variable.name.value == name;
        pipeline.variables.iter().any(of_variable)
            || pipeline.stages.iter().flat_map(|stage| &stage.actions).any(of_action)
    };
    let numbered = (2..).map(|number| format!("{wish}_{number}"));
    std::iter::once(wish.to_owned())
        .chain(numbered)
        .find(|name| !is_used(name))
        .unwrap_or_else(|| wish.to_owned())
}

/// The loop that gives these actions; none if they differ in more than their keys, or it is not worth one.
pub(super) fn as_loop(family: &Family, actions: &[Stmt]) -> Option<Stmt> {
    let is_long = match actions.first()? {
        Stmt::Action(_, _, body) => body.len() >= LONG,
        _ => false,
    };
    if actions.len() < 3 && !is_long {
        return None;
    }
    let merge = Merge { family };
    let actions: Vec<&Stmt> = actions.iter().collect();
    let body = vec![merge.stmt(&actions)?];
    Some(Stmt::For {
        var: family.var.clone(),
        keys: family.keys.clone(),
        body,
    })
}

/// One statement in the place of one of each member.
struct Merge<'f> {
    family: &'f Family,
}

impl Merge<'_> {
    fn stmt(&self, stmts: &[&Stmt]) -> Option<Stmt> {
        Some(match *stmts.first()? {
            Stmt::Field(name, _) => {
                let values = all(stmts, |stmt| match stmt {
                    Stmt::Field(other, value) if other == name => Some(value),
                    _ => None,
                })?;
                Stmt::Field(name.clone(), self.expr(&values)?)
            }
            Stmt::Action(_, provider, _) => {
                let heads = all(stmts, |stmt| match stmt {
                    Stmt::Action(head, other, _) if other == provider => Some(head),
                    _ => None,
                })?;
                let bodies = all(stmts, |stmt| match stmt {
                    Stmt::Action(_, _, body) => Some(body),
                    _ => None,
                })?;
                Stmt::Action(self.head(&heads)?, provider.clone(), self.body(&bodies)?)
            }
            Stmt::Output(_, from) => {
                let heads = all(stmts, |stmt| match stmt {
                    Stmt::Output(head, other) if other.is_some() == from.is_some() => Some(head),
                    _ => None,
                })?;
                let from = match from {
                    None => None,
                    Some(_) => {
                        let all = all(stmts, |stmt| match stmt {
                            Stmt::Output(_, from) => from.as_ref(),
                            _ => None,
                        })?;
                        Some(self.expr(&all)?)
                    }
                };
                Stmt::Output(self.head(&heads)?, from)
            }
            first => stmts.iter().all(|stmt| *stmt == first).then(|| first.clone())?,
        })
    }

    fn body(&self, bodies: &[&Vec<Stmt>]) -> Option<Vec<Stmt>> {
        let count = bodies.first()?.len();
        if bodies.iter().any(|body| body.len() != count) {
            return None;
        }
        let at = |at: usize| bodies.iter().map(|body| &body[at]).collect::<Vec<_>>();
        (0..count).map(|index| self.stmt(&at(index))).collect()
    }

    fn head(&self, heads: &[&Head]) -> Option<Head> {
        let names: Vec<&Name> = heads.iter().map(|head| &head.name).collect();
        let is_named = heads.first()?.aws_name.is_some();
        let aws_name = match is_named {
            false => heads.iter().all(|head| head.aws_name.is_none()).then_some(None)?,
            true => {
                let given = all(heads, |head| head.aws_name.as_ref())?;
                // It must stay a string, even around the variable alone.
                Some(Expr::Str(self.strings(&given)?))
            }
        };
        Some(Head {
            name: self.name(&names)?,
            aws_name,
        })
    }

    /// One name, or one of a family that has this one's keys.
    fn name(&self, names: &[&Name]) -> Option<Name> {
        let first = *names.first()?;
        if names.iter().all(|name| *name == first) {
            return Some(first.clone());
        }
        let is_ours = |(name, key): (&&Name, &String)| {
            name.ident == first.ident && matches!(&name.key, Some(Key::Text(found)) if found == key)
        };
        let fits = names.iter().zip(&self.family.keys).all(is_ours);
        fits.then(|| Name {
            ident: first.ident.clone(),
            key: Some(Key::Loop(self.family.var.clone())),
        })
    }

    fn expr(&self, exprs: &[&Expr]) -> Option<Expr> {
        let first = *exprs.first()?;
        if exprs.iter().all(|expr| *expr == first) {
            return Some(first.clone());
        }
        Some(match first {
            Expr::Str(_) => {
                let mut parts = self.strings(exprs)?;
                match parts.as_mut_slice() {
                    [Part::Value(value)] => value.clone(),
                    _ => Expr::Str(parts),
                }
            }
            Expr::Name(_) => Expr::Name(self.name(&all(exprs, |expr| match expr {
                Expr::Name(name) => Some(name),
                _ => None,
            })?)?),
            Expr::Member(_, key) => {
                let names = all(exprs, |expr| match expr {
                    Expr::Member(name, other) if other == key => Some(name),
                    _ => None,
                })?;
                Expr::Member(self.name(&names)?, key.clone())
            }
            Expr::File(..) => {
                let names = all(exprs, |expr| match expr {
                    Expr::File(name, _) => Some(name),
                    _ => None,
                })?;
                let paths = all(exprs, |expr| match expr {
                    Expr::File(_, path) => Some(&**path),
                    _ => None,
                })?;
                Expr::File(self.name(&names)?, Box::new(self.expr(&paths)?))
            }
            Expr::List(_) => Expr::List(self.rows(&all(exprs, |expr| match expr {
                Expr::List(entries) => Some(entries),
                _ => None,
            })?)?),
            Expr::Call(function, _) => {
                let arguments = all(exprs, |expr| match expr {
                    Expr::Call(other, arguments) if other == function => Some(arguments),
                    _ => None,
                })?;
                Expr::Call(function, self.rows(&arguments)?)
            }
            Expr::Record(_) => {
                let records = all(exprs, |expr| match expr {
                    Expr::Record(entries) => Some(entries),
                    _ => None,
                })?;
                self.record(&records)?
            }
            Expr::Plain(_) | Expr::If { .. } => return None,
        })
    }

    fn rows(&self, rows: &[&Vec<Expr>]) -> Option<Vec<Expr>> {
        let count = rows.first()?.len();
        if rows.iter().any(|row| row.len() != count) {
            return None;
        }
        (0..count)
            .map(|at| self.expr(&rows.iter().map(|row| &row[at]).collect::<Vec<_>>()))
            .collect()
    }

    fn record(&self, records: &[&Vec<(String, Expr)>]) -> Option<Expr> {
        let first = *records.first()?;
        let keys = |record: &Vec<(String, Expr)>| record.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
        if records.iter().any(|record| keys(record) != keys(first)) {
            return None;
        }
        let entry = |at: usize| {
            let values: Vec<&Expr> = records.iter().map(|record| &record[at].1).collect();
            Some((first[at].0.clone(), self.expr(&values)?))
        };
        Some(Expr::Record((0..first.len()).map(entry).collect::<Option<_>>()?))
    }

    fn strings(&self, exprs: &[&Expr]) -> Option<Vec<Part>> {
        let strings = all(exprs, |expr| match expr {
            Expr::Str(parts) => Some(parts),
            _ => None,
        })?;
        let count = strings.first()?.len();
        if strings.iter().any(|parts| parts.len() != count) {
            return None;
        }
        let mut merged = Vec::new();
        for at in 0..count {
            let parts: Vec<&Part> = strings.iter().map(|parts| &parts[at]).collect();
            match parts.first()? {
                Part::Text(_) => merged.extend(self.texts(&all(&parts, |part| match part {
                    Part::Text(text) => Some(text),
                    Part::Value(_) => None,
                })?)?),
                Part::Value(_) => {
                    let values = all(&parts, |part| match part {
                        Part::Value(value) => Some(value),
                        Part::Text(_) => None,
                    })?;
                    merged.push(Part::Value(self.expr(&values)?));
                }
            }
        }
        Some(merged)
    }

    /// The texts with their keys replaced by the variable: the one place where they differ, or else wherever the keys stand.
    fn texts(&self, texts: &[&String]) -> Option<Vec<Part>> {
        let first = texts.first()?.as_str();
        if texts.iter().all(|text| *text == first) {
            return Some(vec![Part::Text(first.to_owned())]);
        }
        let keys = &self.family.keys;
        let pieces = first.match_indices(keys[0].as_str()).find_map(|(at, key)| {
            let (before, after) = (&first[..at], &first[at + key.len()..]);
            let fits = |(text, key): (&&String, &String)| **text == format!("{before}{key}{after}");
            texts.iter().zip(keys).all(fits).then(|| vec![before, after])
        });
        let everywhere = || {
            let pieces: Vec<&str> = first.split(keys[0].as_str()).collect();
            let fits = |(text, key): (&&String, &String)| text.split(key.as_str()).eq(pieces.iter().copied());
            texts.iter().zip(keys).all(fits).then_some(pieces)
        };
        let pieces = pieces.or_else(everywhere)?;
        let mut parts = Vec::new();
        for (index, piece) in pieces.into_iter().enumerate() {
            if index > 0 {
                parts.push(Part::Value(Expr::Name(Name::plain(&self.family.var))));
            }
            if !piece.is_empty() {
                parts.push(Part::Text(piece.to_owned()));
            }
        }
        Some(parts)
    }
}

/// The same part of each, if all have it.
fn all<'t, T, U: ?Sized>(of: &[&'t T], part: impl Fn(&'t T) -> Option<&'t U>) -> Option<Vec<&'t U>> {
    of.iter().map(|one| part(one)).collect()
}
