//! Many byte strings, looked for at once.
//!
//! Automata find where one of them may begin, by their first few bytes alone: so they stay small, and fast, however long the
//! patterns are. What really stands there is looked up in a sorted list.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

/// How many bytes of a pattern the automata know.
const HEAD: usize = 8;
/// For so many heads an automaton can skip text with vector instructions; a few of these are faster than one for all.
const GROUP: usize = 64;
const MOST_GROUPS: usize = 8;

#[derive(Debug)]
pub(super) struct Patterns {
    heads: Vec<AhoCorasick>,
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
        let size = if heads.len() <= GROUP * MOST_GROUPS {
            GROUP
        } else {
            heads.len()
        };
        let automaton = |heads: &[&[u8]]| {
            let mut builder = AhoCorasick::builder();
            builder.match_kind(MatchKind::LeftmostFirst).build(heads)
        };
        // It fails only where patterns exceed gigabytes.
        let heads = heads.chunks(size).map(automaton).collect::<Result<_, _>>().ok()?;
        let shorter = shorter(&patterns);
        Some(Self {
            heads,
            patterns,
            shorter,
            longest,
        })
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.search(text.as_bytes(), true).next(0).is_some()
    }

    /// If it is the last text, nothing can be completed any more.
    pub(super) fn search<'s>(&'s self, text: &'s [u8], is_last: bool) -> Search<'s> {
        Search {
            patterns: self,
            text,
            is_last,
            ahead: vec![Ahead::Unknown; self.heads.len()],
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

/// A way through a text.
pub(super) struct Search<'s> {
    patterns: &'s Patterns,
    text: &'s [u8],
    is_last: bool,
    /// What each automaton has found.
    ahead: Vec<Ahead>,
}

#[derive(Clone, Copy)]
enum Ahead {
    Unknown,
    /// Its next head.
    At(usize),
    Nothing,
}

impl Search<'_> {
    /// What comes first from `from` on, which never goes back.
    pub(super) fn next(&mut self, mut from: usize) -> Option<Found> {
        let (patterns, text) = (self.patterns, self.text);
        let is_beginning = |at: usize| !self.is_last && patterns.is_beginning(&text[at..]);
        loop {
            let head = next_head(patterns, text, from, &mut self.ahead);
            let at = head.unwrap_or(text.len());
            // Where the text ends within the head of a pattern, no automaton has seen it.
            let mut cut_off = from.max(text.len().saturating_sub(HEAD - 1))..at;
            if let Some(beginning) = cut_off.find(|&at| is_beginning(at)) {
                return Some(Found::Beginning(beginning));
            }
            head?;
            if is_beginning(at) {
                return Some(Found::Beginning(at));
            }
            if let Some(length) = patterns.length_at(&text[at..]) {
                return Some(Found::Whole(at..at + length));
            }
            from = at + 1;
        }
    }
}

fn next_head(patterns: &Patterns, text: &[u8], from: usize, ahead: &mut [Ahead]) -> Option<usize> {
    let mut first = None;
    for (heads, ahead) in patterns.heads.iter().zip(ahead) {
        let is_behind = match *ahead {
            Ahead::Unknown => true,
            Ahead::At(at) => at < from,
            Ahead::Nothing => false,
        };
        if is_behind {
            let found = heads.find(&text[from..]);
            *ahead = found.map_or(Ahead::Nothing, |head| Ahead::At(from + head.start()));
        }
        if let Ahead::At(at) = *ahead {
            first = Some(first.map_or(at, |first: usize| first.min(at)));
        }
    }
    first
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
