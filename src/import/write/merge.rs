//! Statements that say the same but for one string, as a loop over that string.

use std::cell::RefCell;

use crate::catalog::snake_case;

use super::tree::{Expr, Head, Key, Name, Part, Stmt};
use super::words;

/// The loop that gives these statements, one for each key; none if they differ in more than their keys. `is_free` says which
/// names a variable may have.
pub(super) fn as_loop(keys: &[String], var: &str, stmts: &[Stmt], is_free: &dyn Fn(&str) -> bool) -> Option<Stmt> {
    let stmts: Vec<&Stmt> = stmts.iter().collect();
    let mut merge = Merge::new(keys, var, is_free);
    let mut body = merge.stmt(&stmts)?;
    // A field that takes the key as it is says what the key is.
    let wish = merge.wish.take().filter(|wish| var == ANY && is_free(wish));
    if let Some(wish) = wish {
        let better = Merge::new(keys, &wish, is_free);
        if let Some(found) = better.stmt(&stmts) {
            (merge, body) = (better, found);
        }
    }
    Some(Stmt::For {
        var: merge.var,
        keys: keys.to_vec(),
        second: merge.second.take().map(|second| (second.var, second.values)),
        body: vec![body],
    })
}

/// What a loop's variable is called if nothing says it better.
pub(super) const ANY: &str = "item";

/// A second variable is worth its place only in a loop over as many.
const MANY: usize = 3;

/// A string that differs, and is no form of the key.
struct Second {
    var: String,
    values: Vec<String>,
}

/// One statement in the place of one of each member.
struct Merge<'f> {
    keys: &'f [String],
    var: String,
    is_free: &'f dyn Fn(&str) -> bool,
    /// The field or key whose value is being merged.
    context: RefCell<Option<String>>,
    /// A good name for the variable.
    wish: RefCell<Option<String>>,
    second: RefCell<Option<Second>>,
}

impl<'f> Merge<'f> {
    fn new(keys: &'f [String], var: &str, is_free: &'f dyn Fn(&str) -> bool) -> Self {
        Self {
            keys,
            var: var.to_owned(),
            is_free,
            context: RefCell::default(),
            wish: RefCell::default(),
            second: RefCell::default(),
        }
    }

    /// A field's or an entry's value.
    fn value_of(&self, name: &str, values: &[&Expr]) -> Option<Expr> {
        self.context.replace(Some(name.to_owned()));
        let merged = match self.expr(values) {
            Some(merged) => merged,
            None => self.second(name, values)?,
        };
        self.context.replace(None);
        if merged == Expr::Name(Name::plain(&self.var)) {
            let name = snake_case(name);
            let wish = name.strip_suffix("_name").unwrap_or(&name).to_owned();
            self.wish.borrow_mut().get_or_insert(wish);
        }
        Some(merged)
    }

    /// The second variable, if one is worth it and this is the only other string that differs.
    fn second(&self, name: &str, values: &[&Expr]) -> Option<Expr> {
        let texts = values.iter().map(|value| match value {
            Expr::Str(parts) => match parts.as_slice() {
                [Part::Text(text)] if !text.contains('\n') => Some(text.clone()),
                _ => None,
            },
            _ => None,
        });
        let values: Vec<String> = texts.collect::<Option<_>>()?;
        let mut second = self.second.borrow_mut();
        let second = match second.as_mut() {
            Some(second) => second,
            None => {
                let var = snake_case(name);
                let is_good = words::is_ident(&var) && var != self.var && (self.is_free)(&var);
                let is_good = is_good && values.len() >= MANY;
                let values = values.clone();
                is_good.then(|| second.insert(Second { var, values }))?
            }
        };
        (second.values == values).then(|| Expr::Name(Name::plain(&second.var)))
    }
    fn stmt(&self, stmts: &[&Stmt]) -> Option<Stmt> {
        Some(match *stmts.first()? {
            Stmt::Field(name, _) => {
                let values = all(stmts, |stmt| match stmt {
                    Stmt::Field(other, value) if other == name => Some(value),
                    _ => None,
                })?;
                Stmt::Field(name.clone(), self.value_of(name, &values)?)
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
            Stmt::Stage(..) => {
                let heads = all(stmts, |stmt| match stmt {
                    Stmt::Stage(head, _) => Some(head),
                    _ => None,
                })?;
                let bodies = all(stmts, |stmt| match stmt {
                    Stmt::Stage(_, body) => Some(body),
                    _ => None,
                })?;
                Stmt::Stage(self.head(&heads)?, self.body(&bodies)?)
            }
            Stmt::Rule(_, provider, _) => {
                let heads = all(stmts, |stmt| match stmt {
                    Stmt::Rule(head, other, _) if other == provider => Some(head),
                    _ => None,
                })?;
                let bodies = all(stmts, |stmt| match stmt {
                    Stmt::Rule(_, _, body) => Some(body),
                    _ => None,
                })?;
                Stmt::Rule(self.head(&heads)?, provider.clone(), self.body(&bodies)?)
            }
            Stmt::Block(words, _) => {
                let bodies = all(stmts, |stmt| match stmt {
                    Stmt::Block(other, body) if other == words => Some(body),
                    _ => None,
                })?;
                Stmt::Block(words.clone(), self.body(&bodies)?)
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
        let fits = names.iter().zip(self.keys).all(is_ours);
        fits.then(|| Name {
            ident: first.ident.clone(),
            key: Some(Key::Loop(self.var.clone())),
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
            Some((first[at].0.clone(), self.value_of(&first[at].0, &values)?))
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
        let keys = self.keys;
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
                parts.push(Part::Value(Expr::Name(Name::plain(&self.var))));
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
