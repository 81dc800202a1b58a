//! Which action of the one pipeline is which of the other.

use crate::ir::{Action, Node, Rule, Stage};

/// What has a name.
pub(super) trait Named {
    fn name(&self) -> &Node<String>;

    /// Whether the two are there under the same conditions: a name may stand for one action or another, as a template
    /// decides.
    fn is_there_like(&self, _other: &Self) -> bool {
        true
    }
}

impl Named for Action {
    fn name(&self) -> &Node<String> {
        &self.name
    }

    fn is_there_like(&self, other: &Self) -> bool {
        self.when == other.when
    }
}

impl Named for Stage {
    fn name(&self) -> &Node<String> {
        &self.name
    }

    fn is_there_like(&self, other: &Self) -> bool {
        self.when == other.when
    }
}

impl Named for Rule {
    fn name(&self) -> &Node<String> {
        &self.name
    }
}

/// What both have, in the order of the second; and what one has alone.
pub(super) struct Pairs<'o, 'n, T> {
    pub(super) both: Vec<(&'o T, &'n T)>,
    pub(super) removed: Vec<&'o T>,
    pub(super) added: Vec<&'n T>,
}

/// By name, and first of all those that are there under the same conditions.
pub(super) fn in_both<'o, 'n, T: Named>(old: &'o [T], new: &'n [T]) -> Pairs<'o, 'n, T> {
    let mut partner: Vec<Option<usize>> = vec![None; new.len()];
    let mut is_taken = vec![false; old.len()];
    for exactly in [true, false] {
        for (at, is) in new.iter().enumerate() {
            let fits = |was: &T| was.name() == is.name() && (!exactly || was.is_there_like(is));
            let free = (0..old.len()).find(|was| partner[at].is_none() && !is_taken[*was] && fits(&old[*was]));
            if let Some(was) = free {
                partner[at] = Some(was);
                is_taken[was] = true;
            }
        }
    }
    let mut pairs = Pairs {
        both: Vec::new(),
        removed: Vec::new(),
        added: Vec::new(),
    };
    for (is, partner) in new.iter().zip(partner) {
        match partner {
            Some(was) => pairs.both.push((&old[was], is)),
            None => pairs.added.push(is),
        }
    }
    let left = old.iter().zip(is_taken).filter(|(_, is_taken)| !is_taken);
    pairs.removed.extend(left.map(|(was, _)| was));
    pairs
}
