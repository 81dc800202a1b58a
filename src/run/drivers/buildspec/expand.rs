//! `$NAME` and `${NAME}` in the paths of a buildspec: CodeBuild replaces them by what the variables are at the build's end.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};

static VARIABLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))").ok());

/// The names of the variables in a text.
pub fn names_in(text: &str) -> impl Iterator<Item = &str> {
    let found = VARIABLE.iter().flat_map(|variable| variable.captures_iter(text));
    found.filter_map(|captures| captures.get(1).or(captures.get(2)).map(|name| name.as_str()))
}

/// The text with all variables replaced; one that is not set is empty, as in a shell.
pub fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    let value = |captures: &Captures| {
        let name = captures.get(1).or(captures.get(2)).map_or("", |name| name.as_str());
        variables.get(name).cloned().unwrap_or_default()
    };
    match VARIABLE.as_ref() {
        Some(variable) => variable.replace_all(text, value).into_owned(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_in_paths() {
        let text = "$A/${B_1}x/*.$C-$ $1";
        assert_eq!(names_in(text).collect::<Vec<_>>(), ["A", "B_1", "C"]);
        let variables =
            BTreeMap::from([("A", "a"), ("B_1", "b")].map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(expand(text, &variables), "a/bx/*.-$ $1");
    }
}
