//! Which namespace each action's output variables are referred to by.
//!
//! A namespace is made for an action when someone refers to one of its variables: the action's AWS name where that is a
//! legal namespace and nobody else's name, else `<stage>-<action>`. What writes `.pipe` source asks the same question, to
//! know which namespaces need not be written.

use std::collections::{HashMap, HashSet};

/// What decides on one action's namespace. All names are AWS names.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    pub stage: &'a str,
    pub action: &'a str,
    pub outputs: Vec<&'a str>,
    /// `namespace = "…"`
    pub given: Option<&'a str>,
    /// Somebody refers to one of the action's variables.
    pub referenced: bool,
}

/// The namespace of each action of a pipeline, in their order.
pub fn allocate(claims: &[Claim<'_>]) -> Vec<Option<String>> {
    let mut namespaces: Vec<Option<String>> = claims.iter().map(|claim| claim.given.map(str::to_owned)).collect();
    if !claims.iter().any(|claim| claim.referenced) {
        return namespaces;
    }
    let mut taken: HashSet<String> = namespaces.iter().flatten().cloned().collect();
    taken.extend(["codepipeline".to_owned(), "variables".to_owned()]);
    let mut names: HashMap<&str, usize> = HashMap::new();
    for claim in claims {
        *names.entry(claim.action).or_default() += 1;
        taken.extend(claim.outputs.iter().map(|&output| output.to_owned()));
    }
    for (claim, namespace) in claims.iter().zip(&mut namespaces) {
        if !claim.referenced || namespace.is_some() {
            continue;
        }
        let name = claim.action;
        let own = name.chars().all(is_legal) && names[name] == 1 && !taken.contains(name);
        let found = if own { name.to_owned() } else { long(claim, &taken) };
        taken.insert(found.clone());
        *namespace = Some(found);
    }
    namespaces
}

/// `<stage>-<action>`, with a number behind it in the rare case that even this is somebody's name.
fn long(claim: &Claim<'_>, taken: &HashSet<String>) -> String {
    let long: String = format!("{}-{}", claim.stage, claim.action)
        .chars()
        .map(|c| if is_legal(c) { c } else { '-' })
        .collect();
    let numbered = (2..).map(|number| format!("{long}-{number}"));
    std::iter::once(long.clone())
        .chain(numbered)
        .find(|candidate| !taken.contains(candidate))
        .unwrap_or_default()
}

fn is_legal(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '@' | '-' | '_')
}
