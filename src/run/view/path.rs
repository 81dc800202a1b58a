//! The critical path: the chain of actions that a run could not have been shorter than.

use jiff::Timestamp;

use super::summary::Summary;
use super::units::duration;

/// How many links are named; of more, the longest.
const MOST: usize = 8;

/// One action on the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// `Build/test`.
    pub name: String,
    pub duration_ms: u64,
}

struct Span {
    link: Link,
    start: Timestamp,
    end: Timestamp,
}

/// The chain that ends with the action that ended last, each link behind the one whose end came last before it began. None
/// where actions never ran at the same time: then it is all of them.
pub fn critical_path(summary: &Summary) -> Option<Vec<Link>> {
    let mut spans = spans(summary);
    spans.sort_by_key(|span| span.end);
    let overlap = spans.iter().zip(spans.iter().skip(1)).any(|(a, b)| b.start < a.end);
    if !overlap {
        return None;
    }
    let mut path = Vec::new();
    let mut at = spans.len().checked_sub(1);
    while let Some(index) = at {
        let span = &spans[index];
        path.push(span.link.clone());
        // Among those before it in the order of ends, so that the chain comes to its beginning.
        at = spans[..index]
            .partition_point(|other| other.end <= span.start)
            .checked_sub(1);
    }
    path.reverse();
    Some(path)
}

fn spans(summary: &Summary) -> Vec<Span> {
    let attempts = summary
        .actions()
        .flat_map(|action| action.attempts.iter().map(move |attempt| (action, attempt)));
    let ended = attempts.filter_map(|(action, attempt)| {
        let end = attempt.end.as_ref()?;
        Some(Span {
            link: Link {
                name: format!("{}/{}", action.planned.stage, action.planned.action),
                duration_ms: end.duration_ms,
            },
            start: attempt.started,
            end: end.at,
        })
    });
    ended.collect()
}

/// `critical path 41.2 s: Source/app 0.3 s → Build/compile 35.1 s → …`
pub fn line(path: &[Link]) -> String {
    let total = path.iter().map(|link| link.duration_ms).sum();
    let mut longest: Vec<usize> = (0..path.len()).collect();
    longest.sort_by_key(|&index| std::cmp::Reverse(path[index].duration_ms));
    longest.truncate(MOST);
    let mut words = Vec::new();
    for (index, link) in path.iter().enumerate() {
        if longest.contains(&index) {
            words.push(format!("{} {}", link.name, duration(link.duration_ms)));
        } else if words.last().is_none_or(|last| last != "…") {
            words.push("…".to_owned());
        }
    }
    format!("critical path {}: {}", duration(total), words.join(" → "))
}
