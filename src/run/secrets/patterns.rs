//! Many byte strings, looked for at once.
//!
//! An automaton finds where one of them may begin, by their first few bytes alone: so it stays small, and fast, however long they are.
//! What really stands there is looked up in a sorted list.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// How many bytes of a pattern the automaton knows.
const HEAD: usize = 8;
/// Up to so many bytes, the fastest automaton stays within a few megabytes.
const SMALL: usize = 16 * 1024;

#[derive(Debug)]
pub(super) struct Patterns {
    heads: AhoCorasick,
    /// Sorted.
    patterns: Vec<Vec<u8>>,
    /// Of each pattern, the longest other one that it begins with.
    shorter: Vec<Option<usize>>,
    longest: usize,
}

/// What stands in a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The longest pattern that begins there.
    Whole(Range<usize>),
    /// From here to its end the text is the beginning of a pattern.
    Beginning(usize),
}

impl Patterns {
    /// None if there is nothing to look for.
    pub(super) fn new(mut patterns: Vec<Vec<u8>>) -> Option<Self> {
        patterns.retain(|pattern| !pattern.is_empty());
        patterns.sort();
        patterns.dedup();
        let longest = patterns.iter().map(Vec::len).max()?;
        let mut heads: Vec<&[u8]> = patterns
            .iter()
            .map(|pattern| &pattern[..pattern.len().min(HEAD)])
            .collect();
        heads.dedup();
        let is_small = heads.iter().map(|head| head.len()).sum::<usize>() <= SMALL;
        // It fails only where patterns exceed gigabytes.
        let heads = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .kind(is_small.then_some(AhoCorasickKind::DFA))
            .build(&heads)
            .ok()?;
        let shorter = shorter(&patterns);
        Some(Self {
            heads,
            patterns,
            shorter,
            longest,
        })
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        matches!(self.next(text.as_bytes(), 0, true), Some(Found::Whole(_)))
    }

    /// What comes first in `text` from `from` on. If it is the last text, nothing can be completed any more.
    pub(super) fn next(&self, text: &[u8], mut from: usize, is_last: bool) -> Option<Found> {
        loop {
            let head = self.heads.find(&text[from..]).map(|head| from + head.start());
            let at = head.unwrap_or(text.len());
            // Where the text ends within the head of a pattern, the automaton has not seen it.
            let mut cut_off = from.max(text.len().saturating_sub(HEAD - 1))..at;
            if let Some(beginning) = cut_off.find(|&at| !is_last && self.is_beginning(&text[at..])) {
                return Some(Found::Beginning(beginning));
            }
            head?;
            if !is_last && self.is_beginning(&text[at..]) {
                return Some(Found::Beginning(at));
            }
            if let Some(length) = self.length_at(&text[at..]) {
                return Some(Found::Whole(at..at + length));
            }
            from = at + 1;
        }
    }

    /// Whether some pattern begins with all of `text`, and goes on.
    fn is_beginning(&self, text: &[u8]) -> bool {
        let after = self.patterns.partition_point(|pattern| pattern.as_slice() <= text);
        text.len() < self.longest
            && self
                .patterns
                .get(after)
                .is_some_and(|pattern| pattern.starts_with(text))
    }

    /// The length of the longest pattern that `text` begins with.
    fn length_at(&self, text: &[u8]) -> Option<usize> {
        let after = self.patterns.partition_point(|pattern| pattern.as_slice() <= text);
        // Whatever `text` begins with is the nearest before it in the order, or what that begins with.
        let mut candidate = after.checked_sub(1);
        while let Some(index) = candidate {
            let pattern = &self.patterns[index];
            if text.starts_with(pattern) {
                return Some(pattern.len());
            }
            candidate = self.shorter[index];
        }
        None
    }
}

fn shorter(sorted: &[Vec<u8>]) -> Vec<Option<usize>> {
    let mut out = Vec::with_capacity(sorted.len());
    // Each begins with the one before.
    let mut chain: Vec<usize> = Vec::new();
    for (index, pattern) in sorted.iter().enumerate() {
        while chain.last().is_some_and(|&last| !pattern.starts_with(&sorted[last])) {
            chain.pop();
        }
        out.push(chain.last().copied());
        chain.push(index);
    }
    out
}
