//! What is there only under a condition of the template: `Fn::If`.

use super::super::document::Document;
use super::function;
use crate::ir::DeployCondition;

/// The entries of a list, those under conditions as `Fn::If`. Entries that follow each other and exclude each other share
/// one: `Fn::If [C, X, Y]`.
pub(super) fn list<'a>(entries: impl IntoIterator<Item = (&'a [DeployCondition], Document)>) -> Vec<Document> {
    let mut trees: Vec<Tree> = Vec::new();
    for (when, document) in entries {
        let document = match trees.last_mut() {
            Some(last) => last.add(when, document),
            None => Some(document),
        };
        trees.extend(document.map(|document| Tree::new(when, document)));
    }
    trees.into_iter().map(Tree::into_document).collect()
}

/// What stands at one place of the list, by the outcome of conditions.
enum Tree {
    Nothing,
    Entry(Document),
    If {
        condition: String,
        yes: Box<Tree>,
        no: Box<Tree>,
    },
}

impl Tree {
    fn new(when: &[DeployCondition], document: Document) -> Self {
        let Some((first, rest)) = when.split_first() else {
            return Self::Entry(document);
        };
        let (inner, nothing) = (Box::new(Self::new(rest, document)), Box::new(Self::Nothing));
        let (yes, no) = match first.holds {
            true => (inner, nothing),
            false => (nothing, inner),
        };
        Self::If {
            condition: first.name.clone(),
            yes,
            no,
        }
    }

    /// Adds an entry that excludes all that is here already; gives it back if it does not, or if a reader of the list would
    /// find it before them.
    fn add(&mut self, when: &[DeployCondition], document: Document) -> Option<Document> {
        match self {
            Self::Nothing => {
                *self = Self::new(when, document);
                None
            }
            Self::Entry(_) => Some(document),
            Self::If { condition, yes, no } => {
                let Some((first, rest)) = when.split_first().filter(|(first, _)| first.name == *condition) else {
                    return Some(document);
                };
                match (first.holds, &**no) {
                    (true, Self::Nothing) => yes.add(rest, document),
                    (true, _) => Some(document),
                    (false, _) => no.add(rest, document),
                }
            }
        }
    }

    fn into_document(self) -> Document {
        match self {
            Self::Nothing => function("Ref", "AWS::NoValue"),
            Self::Entry(document) => document,
            Self::If { condition, yes, no } => {
                let branches = vec![condition.into(), yes.into_document(), no.into_document()];
                function("Fn::If", branches)
            }
        }
    }
}
