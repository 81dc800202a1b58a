//! The critical path in words.

use crate::run::record::path::Span;
use crate::run::units::duration;

/// How many links are named; of more, the longest.
const MOST: usize = 8;

/// `critical path 41.2 s: Source/app 0.3 s → Build/compile 35.1 s → …`
pub fn path_line<T>(path: &[Span<T>]) -> String {
    let total = path.iter().map(|span| span.duration_ms).sum();
    let mut longest: Vec<usize> = (0..path.len()).collect();
    longest.sort_by_key(|&index| std::cmp::Reverse(path[index].duration_ms));
    longest.truncate(MOST);
    let mut words = Vec::new();
    for (index, span) in path.iter().enumerate() {
        if longest.contains(&index) {
            words.push(format!("{}/{} {}", span.stage, span.action, duration(span.duration_ms)));
        } else if words.last().is_none_or(|last| last != "…") {
            words.push("…".to_owned());
        }
    }
    format!("critical path {}: {}", duration(total), words.join(" → "))
}
