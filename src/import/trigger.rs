//! Triggers and their filters.

use crate::ir::{Node, Patterns, PullRequestEvent, PullRequestFilter, PushFilter, Trigger};

use super::reader::{Reader, head};
use super::tree::Tree;

pub(super) fn read(reader: &mut Reader<'_>, tree: &Tree) -> Option<Trigger> {
    let fields = reader.fields(tree, "a trigger")?;
    if let Some(provider) = reader.need(&fields, "providerType") {
        reader.word(provider, &[("CodeStarSourceConnection", ())]);
    }
    let git = reader.need(&fields, "gitConfiguration");
    reader.finish(&fields);
    let git = reader.fields(git?, "a trigger's git configuration")?;
    let source_action = reader.need(&git, "sourceActionName").and_then(|tree| reader.name(tree));
    let mut push = Vec::new();
    if let Some(tree) = reader.get(&git, "push") {
        for tree in reader.filled_list(tree) {
            push.extend(push_filter(reader, tree));
        }
    }
    let mut pull_request = Vec::new();
    if let Some(tree) = reader.get(&git, "pullRequest") {
        for tree in reader.filled_list(tree) {
            pull_request.extend(pull_request_filter(reader, tree));
        }
    }
    reader.finish(&git);
    Some(Trigger {
        source_action: source_action?,
        push,
        pull_request,
        origin: head(&fields),
    })
}

fn push_filter(reader: &mut Reader<'_>, tree: &Tree) -> Option<PushFilter> {
    let fields = reader.fields(tree, "a push filter")?;
    let mut patterns_of = |key: &'static str| reader.get(&fields, key).and_then(|tree| patterns(reader, tree));
    let filter = PushFilter {
        tags: patterns_of("tags"),
        branches: patterns_of("branches"),
        file_paths: patterns_of("filePaths"),
        origin: tree.span,
    };
    reader.finish(&fields);
    Some(filter)
}

fn pull_request_filter(reader: &mut Reader<'_>, tree: &Tree) -> Option<PullRequestFilter> {
    let fields = reader.fields(tree, "a pull request filter")?;
    let words = [
        ("OPEN", PullRequestEvent::Open),
        ("UPDATED", PullRequestEvent::Updated),
        ("CLOSED", PullRequestEvent::Closed),
    ];
    let events: Vec<Node<PullRequestEvent>> = match reader.get(&fields, "events") {
        Some(tree) => {
            let found = reader.filled_list(tree);
            found.into_iter().filter_map(|tree| reader.word(tree, &words)).collect()
        }
        None => Vec::new(),
    };
    let mut patterns_of = |key: &'static str| reader.get(&fields, key).and_then(|tree| patterns(reader, tree));
    let filter = PullRequestFilter {
        events,
        branches: patterns_of("branches"),
        file_paths: patterns_of("filePaths"),
        origin: tree.span,
    };
    reader.finish(&fields);
    Some(filter)
}

fn patterns(reader: &mut Reader<'_>, tree: &Tree) -> Option<Patterns> {
    let fields = reader.fields(tree, "a filter's patterns")?;
    let mut list = |key: &'static str| match reader.get(&fields, key) {
        Some(tree) => {
            let found = reader.filled_list(tree);
            found.into_iter().filter_map(|tree| reader.name(tree)).collect()
        }
        None => Vec::new(),
    };
    let patterns = Patterns {
        includes: list("includes"),
        excludes: list("excludes"),
        origin: tree.span,
    };
    reader.finish(&fields);
    Some(patterns)
}
