//! *Did you mean*: the nearest of the names that could have been meant.

/// Names longer than this are compared up to case and separators only, so that no input makes a suggestion expensive.
const LONGEST: usize = 128;
/// The most names that a sentence lists; the longest list of choices that the library has is shorter.
const MOST_LISTED: usize = 60;

/// The candidate that `name` most likely misspells, if one is near enough.
///
/// Near is: the same up to case, `_` and `-`; the same words in another order; or at most a third of the longer name in
/// edits, where swapping two neighbours is one edit. Of several the nearest is taken, of equally near ones the first in
/// the alphabet, so the order of the candidates has no influence. A candidate equal to `name` is no suggestion.
///
/// ```
/// use pipe::diagnostic::suggest::nearest;
/// assert_eq!(nearest("projectName", ["project_id", "project_name"]), Some("project_name"));
/// assert_eq!(nearest("regoin", ["region", "role_arn"]), Some("region"));
/// assert_eq!(nearest("colour", ["region", "role_arn"]), None);
/// ```
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = folded(name);
    let mut best: Option<(usize, &'a str)> = None;
    for candidate in candidates {
        if candidate == name {
            continue;
        }
        let limit = best.map_or(usize::MAX, |(distance, _)| distance);
        let Some(distance) = distance(name, &wanted, candidate, limit) else {
            continue;
        };
        if best.is_none_or(|found| (distance, candidate) < found) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Names in backticks for a sentence: `a`, `b` and so on; of many, the first and how many more there are.
pub fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    listed_as(names, |name| format!("`{name}`"))
}

/// As [`listed`], each written by `write`.
pub fn listed_as<'a>(names: impl ExactSizeIterator<Item = &'a str>, write: impl Fn(&str) -> String) -> String {
    let more = names.len().saturating_sub(MOST_LISTED);
    let mut list = names.take(MOST_LISTED).map(write).collect::<Vec<_>>().join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    list
}

/// How far `candidate` is from `name` (whose folded form is `wanted`); none if it is too far, or farther than `limit`.
fn distance(name: &str, wanted: &[char], candidate: &str, limit: usize) -> Option<usize> {
    let offered = folded(candidate);
    if wanted == offered {
        return Some(0);
    }
    if sorted_words(name) == sorted_words(candidate) {
        return Some(1);
    }
    let longer = wanted.len().max(offered.len());
    if longer > LONGEST {
        return None;
    }
    edits(wanted, &offered, limit.min(longer / 3))
}

/// Without what people vary: case and separators.
fn folded(name: &str) -> Vec<char> {
    let kept = name.chars().filter(|c| !matches!(c, '_' | '-'));
    kept.flat_map(char::to_lowercase).collect()
}

/// `role_action` and `action-role` have the same ones.
fn sorted_words(name: &str) -> Vec<&str> {
    let mut words: Vec<&str> = name.split(['_', '-', '.']).collect();
    words.sort_unstable();
    words
}

/// The number of insertions, deletions, replacements and swaps of neighbours between two words, if at most `limit`.
fn edits(a: &[char], b: &[char], limit: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        if row.iter().chain(&last).min().is_some_and(|&least| least > limit) {
            return None;
        }
        before_last = std::mem::replace(&mut last, row);
    }
    Some(last[b.len()]).filter(|&distance| distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    const FIELDS: [&str; 6] = [
        "region",
        "role_arn",
        "project_name",
        "input",
        "timeout",
        "environment_variables",
    ];

    #[test]
    fn finds_slips_of_the_hand() {
        for (typed, meant) in [
            ("regoin", "region"),
            ("reigon", "region"),
            ("inputs", "input"),
            ("inptu", "input"),
            ("timout", "timeout"),
            ("enviroment_variables", "environment_variables"),
            ("evironment_variable", "environment_variables"),
        ] {
            assert_eq!(nearest(typed, FIELDS), Some(meant), "{typed}");
        }
    }

    #[test]
    fn finds_other_spellings() {
        for (typed, meant) in [
            ("ProjectName", "project_name"),
            ("project-name", "project_name"),
            ("PROJECT_NAME", "project_name"),
            ("roleArn", "role_arn"),
            ("name_project", "project_name"),
        ] {
            assert_eq!(nearest(typed, FIELDS), Some(meant), "{typed}");
        }
    }

    #[test]
    fn stays_silent_when_nothing_is_near() {
        for typed in ["", "colour", "x", "arn", "project", "vars"] {
            assert_eq!(nearest(typed, FIELDS), None, "{typed}");
        }
        assert_eq!(nearest("a", ["b"]), None);
        assert_eq!(nearest("region", ["region"]), None);
        assert_eq!(nearest("region", []), None);
    }

    #[test]
    fn prefers_the_nearest_then_the_alphabet() {
        assert_eq!(nearest("image", ["imagee", "Image"]), Some("Image"));
        assert_eq!(nearest("bild", ["wild", "build", "bold"]), Some("bold"));
        assert_eq!(nearest("bild", ["bold", "build", "wild"]), Some("bold"));
    }

    #[test]
    fn takes_any_text() {
        let long = "x".repeat(1_000_000);
        assert_eq!(nearest(&long, ["y"]), None);
        assert_eq!(nearest("größe", ["grösse", "größen"]), Some("größen"));
    }
}
