//! Single permissions, and the statements they are gathered into.

use std::collections::{BTreeMap, BTreeSet};

use super::super::document::{Document, Fields};

/// Operator, key and value of a condition: `("StringEquals", "iam:PassedToService", "…")`.
pub(super) type Condition = (String, String, String);

/// All that is allowed.
#[derive(Debug, Default)]
pub(super) struct Grants {
    /// On which resources, by permission and conditions.
    resources: BTreeMap<(String, BTreeSet<Condition>), BTreeSet<String>>,
}

impl Grants {
    pub(super) fn allow(&mut self, permission: &str, resource: String, conditions: BTreeSet<Condition>) {
        let key = (permission.to_owned(), conditions);
        self.resources.entry(key).or_default().insert(resource);
    }

    /// Permissions for the same resources under the same conditions share a statement; statements, permissions and
    /// resources are sorted.
    pub(super) fn into_statements(self) -> Vec<Document> {
        let mut statements: BTreeMap<(BTreeSet<Condition>, BTreeSet<String>), BTreeSet<String>> = BTreeMap::new();
        for ((permission, conditions), resources) in self.resources {
            let resources = without_covered(resources);
            statements
                .entry((conditions, resources))
                .or_default()
                .insert(permission);
        }
        let mut sorted: Vec<_> = statements.into_iter().collect();
        sorted.sort_by(|(a, of_a), (b, of_b)| (of_a, a).cmp(&(of_b, b)));
        let statement = |((conditions, resources), permissions)| statement(permissions, resources, &conditions);
        sorted.into_iter().map(statement).collect()
    }
}

/// Leaves out what a resource that ends with `*` stands for anyway.
fn without_covered(resources: BTreeSet<String>) -> BTreeSet<String> {
    let is_covered = |resource: &String| {
        let mut others = resources.iter().filter(|other| *other != resource);
        others.any(|other| other.strip_suffix('*').is_some_and(|start| resource.starts_with(start)))
    };
    resources
        .iter()
        .filter(|resource| !is_covered(resource))
        .cloned()
        .collect()
}

fn statement(permissions: BTreeSet<String>, resources: BTreeSet<String>, conditions: &BTreeSet<Condition>) -> Document {
    Fields::default()
        .with("Effect", "Allow")
        .with_list("Action", permissions)
        .with_list("Resource", resources)
        .with_map("Condition", condition(conditions))
        .into()
}

/// `{"StringEquals": {"iam:PassedToService": "…"}}`
pub(super) fn condition(conditions: &BTreeSet<Condition>) -> Fields {
    let mut operators: BTreeMap<&str, Vec<(String, Document)>> = BTreeMap::new();
    for (operator, key, value) in conditions {
        let entries = operators.entry(operator).or_default();
        entries.push((key.clone(), value.as_str().into()));
    }
    operators
        .into_iter()
        .map(|(operator, entries)| (operator.to_owned(), entries.into_iter().collect::<Fields>().into()))
        .collect()
}
