//! The filters of triggers: how many, which combinations, and patterns that can match.

use globset::GlobBuilder;

use super::context::place;
use super::words;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Origin, Patterns, PullRequestFilter, PushFilter, Trigger, codes, limits};

pub(super) fn check(trigger: &Trigger, whole: Origin, diags: &mut Diagnostics) {
    if trigger.push.is_empty() && trigger.pull_request.is_empty() {
        diags.emit(
            Diagnostic::new(
                &codes::TRIGGER_WITHOUT_FILTER,
                whole,
                format!("the trigger of `{}` does not say what starts it", trigger.source_action),
            )
            .with_help("add a filter of pushes or of pull requests, or remove the trigger"),
        );
    }
    let origins = |filter: &PushFilter| filter.origin;
    number(trigger.push.iter().map(origins).collect(), "push filter", whole, diags);
    let origins = |filter: &PullRequestFilter| filter.origin;
    number(
        trigger.pull_request.iter().map(origins).collect(),
        "pull request filter",
        whole,
        diags,
    );
    for (index, filter) in trigger.push.iter().enumerate() {
        let at = place(filter.origin, whole);
        push(filter, at, diags);
        if let Some(first) = trigger.push[..index].iter().find(|other| same_push(other, filter)) {
            duplicate(place(first.origin, whole), at, diags);
        }
    }
    for (index, filter) in trigger.pull_request.iter().enumerate() {
        let at = place(filter.origin, whole);
        pull_request(filter, at, diags);
        let same = |other: &&PullRequestFilter| {
            same_patterns(&other.branches, &filter.branches)
                && same_patterns(&other.file_paths, &filter.file_paths)
                && other.events == filter.events
        };
        if let Some(first) = trigger.pull_request[..index].iter().find(same) {
            duplicate(place(first.origin, whole), at, diags);
        }
    }
}

/// Every pattern list of a trigger.
pub(super) fn lists(trigger: &Trigger) -> impl Iterator<Item = &Patterns> {
    let push = trigger
        .push
        .iter()
        .flat_map(|filter| [&filter.tags, &filter.branches, &filter.file_paths]);
    let pull_request = trigger
        .pull_request
        .iter()
        .flat_map(|filter| [&filter.branches, &filter.file_paths]);
    push.chain(pull_request).flatten()
}

fn number(filters: Vec<Origin>, what: &str, whole: Origin, diags: &mut Diagnostics) {
    let most = limits::TRIGGER_FILTERS.max;
    if let Some(&first_too_many) = filters.get(most) {
        diags.emit(
            Diagnostic::new(
                &codes::TRIGGER_FILTER_LIMITS,
                place(first_too_many, whole),
                format!(
                    "the trigger has {}, and {most} is the most",
                    words::count(filters.len(), what)
                ),
            )
            .with_label(format!("the {} one", words::ordinal(most + 1)))
            .with_help("join filters: a list of patterns matches if any of them does"),
        );
    }
}

fn same_push(one: &PushFilter, other: &PushFilter) -> bool {
    same_patterns(&one.tags, &other.tags)
        && same_patterns(&one.branches, &other.branches)
        && same_patterns(&one.file_paths, &other.file_paths)
}

fn same_patterns(one: &Option<Patterns>, other: &Option<Patterns>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.includes == other.includes && one.excludes == other.excludes,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn duplicate(first: Origin, again: Origin, diags: &mut Diagnostics) {
    diags.emit(
        Diagnostic::new(
            &codes::TRIGGER_FILTER_DUPLICATE,
            again,
            "a filter of the trigger is given twice",
        )
        .with_label("given again here")
        .with_other(first, "first given here")
        .with_help("remove one of them"),
    );
}

fn push(filter: &PushFilter, at: Origin, diags: &mut Diagnostics) {
    if let Some(tags) = &filter.tags {
        patterns("tag", tags, at, diags);
    }
    branches_and_paths(&filter.branches, &filter.file_paths, at, diags);
    let beside_tags = [("branches", &filter.branches), ("file paths", &filter.file_paths)]
        .into_iter()
        .find_map(|(what, patterns)| Some((what, patterns.as_ref()?)));
    match (&filter.tags, beside_tags) {
        (Some(tags), Some((what, other))) => diags.emit(
            Diagnostic::new(
                &codes::TRIGGER_FILTER_COMBINATION,
                place(tags.origin, at),
                format!("a push filter has tags and {what}, and AWS takes tags alone"),
            )
            .with_label("the tags")
            .with_other(place(other.origin, at), format!("the {what}"))
            .with_help("make two push filters of it: any of them starts the pipeline"),
        ),
        (None, None) => diags.emit(
            Diagnostic::new(
                &codes::TRIGGER_WITHOUT_FILTER,
                at,
                "a push filter does not say what it lets through",
            )
            .with_help("give it tags or branches, or remove it"),
        ),
        (None, Some(_)) if filter.branches.is_none() => needs_branches("a push filter", at, diags),
        (Some(_), None) | (None, Some(_)) => {}
    }
}

fn pull_request(filter: &PullRequestFilter, at: Origin, diags: &mut Diagnostics) {
    for (index, event) in filter.events.iter().enumerate() {
        if let Some(first) = filter.events[..index].iter().find(|other| *other == event) {
            diags.emit(
                Diagnostic::new(
                    &codes::TRIGGER_FILTER_DUPLICATE,
                    place(event.origin, at),
                    "an event of a pull request filter is named twice",
                )
                .with_label("named again here")
                .with_other(place(first.origin, at), "first named here")
                .with_help("name it once"),
            );
        }
    }
    branches_and_paths(&filter.branches, &filter.file_paths, at, diags);
    if filter.branches.is_none() {
        if filter.events.is_empty() && filter.file_paths.is_none() {
            diags.emit(
                Diagnostic::new(
                    &codes::TRIGGER_WITHOUT_FILTER,
                    at,
                    "a pull request filter does not say what it lets through",
                )
                .with_help("give it branches, or remove it"),
            );
        } else {
            needs_branches("a pull request filter", at, diags);
        }
    }
}

fn branches_and_paths(branches: &Option<Patterns>, file_paths: &Option<Patterns>, at: Origin, diags: &mut Diagnostics) {
    if let Some(branches) = branches {
        patterns("branch", branches, at, diags);
    }
    if let Some(file_paths) = file_paths {
        patterns("file path", file_paths, at, diags);
    }
}

fn needs_branches(what: &str, at: Origin, diags: &mut Diagnostics) {
    diags.emit(
        Diagnostic::new(
            &codes::TRIGGER_NEEDS_BRANCHES,
            at,
            format!("{what} names no branches, and AWS documents none without"),
        )
        .with_help("say which branches it is for: `**` is all of them"),
    );
}

/// One list: `what` is what its patterns match, `branch`.
fn patterns(what: &str, list: &Patterns, whole: Origin, diags: &mut Diagnostics) {
    let whole = place(list.origin, whole);
    if list.includes.is_empty() && list.excludes.is_empty() {
        diags.emit(
            Diagnostic::new(
                &codes::TRIGGER_FILTER_LIMITS,
                whole,
                format!("a list of {what} patterns is empty"),
            )
            .with_help("give it a pattern, or leave it out"),
        );
    }
    let most = limits::TRIGGER_PATTERNS.max;
    for (kind, patterns) in [("include", &list.includes), ("exclude", &list.excludes)] {
        if let Some(pattern) = patterns.get(most) {
            diags.emit(
                Diagnostic::new(
                    &codes::TRIGGER_FILTER_LIMITS,
                    place(pattern.origin, whole),
                    format!(
                        "a filter has {} {what} patterns that {kind}, and {most} is the most",
                        patterns.len()
                    ),
                )
                .with_label(format!("the {} one", words::ordinal(most + 1)))
                .with_help("join patterns, as in `{main,release/*}`, or make a second filter"),
            );
        }
        for pattern in patterns {
            one_pattern(what, &pattern.value, place(pattern.origin, whole), diags);
        }
    }
    never_included(what, list, whole, diags);
}

fn one_pattern(what: &str, pattern: &str, at: Origin, diags: &mut Diagnostics) {
    if !limits::TRIGGER_PATTERN.fits(pattern) {
        let message = match pattern {
            "" => format!("a {what} pattern is empty"),
            long => format!(
                "a {what} pattern is too long: {}",
                words::too_long(long, limits::TRIGGER_PATTERN.max)
            ),
        };
        diags.emit(
            Diagnostic::new(&codes::TRIGGER_FILTER_LIMITS, at, message)
                .with_help(format!("use 1 to {} characters", limits::TRIGGER_PATTERN.max)),
        );
        return;
    }
    if let Some(problem) = glob_problem(pattern) {
        diags.emit(
            Diagnostic::new(
                &codes::TRIGGER_GLOB_INVALID,
                at,
                format!("the {what} pattern `{}` is malformed: {problem}", words::short(pattern)),
            )
            .with_help("close what is open, or put `\\` before a character that stands for itself"),
        );
        return;
    }
    let prefix = match what {
        "file path" => pattern.starts_with('/').then_some("/"),
        _ => ["refs/heads/", "refs/tags/"]
            .into_iter()
            .find(|prefix| pattern.starts_with(prefix)),
    };
    if let Some(prefix) = prefix {
        diags.emit(
            Diagnostic::new(
                &codes::TRIGGER_NEVER_FIRES,
                at,
                format!(
                    "the {what} pattern `{}` can match nothing: AWS compares short names, without `{prefix}`",
                    words::short(pattern)
                ),
            )
            .with_help(format!("write it without `{prefix}`")),
        );
    }
}

/// What is wrong with a glob, if anything is.
fn glob_problem(pattern: &str) -> Option<&'static str> {
    let glob = GlobBuilder::new(pattern)
        .literal_separator(true)
        .backslash_escape(true)
        .build();
    if let Err(error) = glob {
        return Some(match error.kind() {
            globset::ErrorKind::UnclosedClass => "a `[` is not closed",
            globset::ErrorKind::InvalidRange(..) => "a range in `[…]` ends before it begins",
            globset::ErrorKind::UnopenedAlternates => "a `}` has no `{`",
            globset::ErrorKind::UnclosedAlternates => "a `{` is not closed",
            globset::ErrorKind::NestedAlternates => "`{…}` cannot stand in `{…}`",
            globset::ErrorKind::DanglingEscape => "it ends with a `\\`",
            _ => "it is no glob",
        });
    }
    nests(pattern).then_some("`{…}` cannot stand in `{…}`")
}

/// Whether braces stand in braces, which the library would take and AWS does not.
fn nests(pattern: &str) -> bool {
    let mut is_open = false;
    let mut is_class = false;
    let mut is_escaped = false;
    for character in pattern.chars() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if !is_class => is_escaped = true,
            '[' => is_class = true,
            ']' => is_class = false,
            '{' if !is_class && is_open => return true,
            '{' if !is_class => is_open = true,
            '}' if !is_class => is_open = false,
            _ => {}
        }
    }
    false
}

/// Exclusion wins, so a pattern that is also excluded lets nothing through.
fn never_included(what: &str, list: &Patterns, whole: Origin, diags: &mut Diagnostics) {
    for include in &list.includes {
        let covers = |exclude: &&crate::ir::Node<String>| {
            exclude.value == include.value
                || exclude.value == "**"
                || (exclude.value == "*" && !include.value.contains('/') && !include.value.contains("**"))
        };
        let Some(exclude) = list.excludes.iter().find(covers) else {
            continue;
        };
        diags.emit(
            Diagnostic::new(
                &codes::TRIGGER_NEVER_FIRES,
                place(include.origin, whole),
                format!(
                    "the {what} pattern `{}` lets nothing through: all that it matches is excluded",
                    words::short(&include.value)
                ),
            )
            .with_other(place(exclude.origin, whole), "excluded here")
            .with_help("remove one of them"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::glob_problem;

    #[test]
    fn globs() {
        for good in [
            "main",
            "release/*",
            "**/*.md",
            "v[0-9]",
            "v[!0-9]",
            "{main,dev}",
            "a\\*",
            "[*?\\\\]",
            "feature/**",
        ] {
            assert_eq!(glob_problem(good), None, "{good}");
        }
        for bad in ["v[0-9", "{main,dev", "a}", "{a,{b,c}}", "a\\", "[9-0]"] {
            assert!(glob_problem(bad).is_some(), "{bad}");
        }
    }
}
