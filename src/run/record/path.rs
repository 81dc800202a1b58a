//! The critical path: the chain of actions that a run could not have been shorter than.

use super::RunRecord;

/// When an action ran, or is going to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span<T> {
    pub stage: String,
    pub action: String,
    pub start: T,
    pub end: T,
    pub duration_ms: u64,
}

/// The chain that ends with the action that ended last, each link behind the one whose end came last before it began.
pub fn critical_path<T: Ord>(mut spans: Vec<Span<T>>) -> Vec<Span<T>> {
    // Of those that end together the longest is taken.
    spans.sort_by(|a, b| (&a.end, &b.start).cmp(&(&b.end, &a.start)));
    let mut path = Vec::new();
    while let Some(last) = spans.pop() {
        // Among those before it in the order of ends, so that the chain comes to its beginning.
        let before = spans.partition_point(|other| other.end <= last.start);
        spans.truncate(before);
        path.push(last);
    }
    path.reverse();
    path
}

/// Whether any two ran at the same time: else the critical path is all of them.
pub fn overlap<T: Ord>(spans: &[Span<T>]) -> bool {
    let mut in_order: Vec<&Span<T>> = spans.iter().collect();
    in_order.sort_by(|a, b| a.end.cmp(&b.end));
    in_order.windows(2).any(|pair| pair[1].start < pair[0].end)
}

impl RunRecord {
    /// When each attempt that has ended ran.
    pub fn spans(&self) -> Vec<Span<jiff::Timestamp>> {
        let actions = self.actions();
        let attempts = actions.flat_map(|action| action.attempts.iter().map(move |attempt| (action, attempt)));
        let ended = attempts.filter_map(|(action, attempt)| {
            let end = attempt.end()?;
            Some(Span {
                stage: action.stage.clone(),
                action: action.name.clone(),
                start: attempt.started,
                end: end.at,
                duration_ms: end.duration_ms,
            })
        });
        ended.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Span, critical_path, overlap};

    fn path(spans: &[(&str, u64, u64)]) -> (Vec<String>, bool) {
        let span = |&(action, start, end): &(&str, u64, u64)| Span {
            stage: "Build".to_owned(),
            action: action.to_owned(),
            start,
            end,
            duration_ms: end - start,
        };
        let spans: Vec<_> = spans.iter().map(span).collect();
        let overlap = overlap(&spans);
        (
            critical_path(spans).into_iter().map(|span| span.action).collect(),
            overlap,
        )
    }

    #[test]
    fn each_link_is_what_the_next_one_waited_for() {
        let chain = |names: &str| names.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let spans = [("a", 0, 3), ("b", 3, 5), ("c", 3, 9), ("d", 9, 10)];
        assert_eq!(path(&spans), (chain("a c d"), true));
        assert_eq!(path(&[("a", 0, 3), ("b", 4, 5)]), (chain("a b"), false));
        assert_eq!(path(&[("a", 0, 0), ("b", 0, 0), ("c", 0, 0)]), (chain("a b c"), false));
        assert_eq!(path(&[("a", 0, 2), ("b", 1, 2)]), (chain("a"), true));
        assert_eq!(path(&[]), (chain(""), false));
    }
}
