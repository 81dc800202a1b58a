//! The pipeline's service role as IAM sees it: who may assume it, and the least that it must be allowed.
//!
//! `{"trust_policy": {…}, "policy": {…}}`, each of which IAM takes as it is. The permissions are those that the library gives
//! for the providers in use, on the resources that the configuration names (`scopes.rs`); an action that has a role of its own needs
//! no more than to assume it. Nothing is made up: account and partition are those of the role, the region is the
//! action's, and what is not known is `*`.

use std::collections::BTreeSet;

use self::resource::{Home, Subject, pattern, resources};
use self::scopes::{ARTIFACT_BUCKET, ARTIFACT_KEY, ARTIFACTS, Only, SCOPES, Scope, When};
use self::statement::{Condition, Grants, condition};
use super::codes;
use super::document::{Document, Fields, to_json};
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{self, Node, Origin, Stores, Text, TypeId};

mod resource;
mod scopes;
mod statement;

/// The two policies, with two-space indentation and one newline at the end. Warns where a policy allows more than it
/// would have to if more were known.
pub fn export(pipeline: &ir::Pipeline, catalog: &Catalog, diags: &mut Diagnostics) -> String {
    let home = Home::of(pipeline);
    let mut policy = Policy {
        home: &home,
        catalog,
        diags,
        grants: Grants::default(),
    };
    policy.artifacts(pipeline);
    for stage in &pipeline.stages {
        policy.stage(stage);
    }
    let statements = policy.grants.into_statements();
    let document = Fields::default()
        .with("trust_policy", of_statements(vec![trust(&home)]))
        .with("policy", of_statements(statements));
    to_json(&document.into())
}

fn of_statements(statements: Vec<Document>) -> Fields {
    Fields::default()
        .with("Version", "2012-10-17")
        .with("Statement", statements)
}

/// CodePipeline may assume the role, on behalf of this pipeline alone.
fn trust(home: &Home) -> Document {
    let mut conditions = BTreeSet::new();
    if let Some(account) = home.known_account() {
        let arn = format!("arn:{}:codepipeline:*:{account}:{}", home.partition, home.pipeline);
        conditions.insert(equals("aws:SourceAccount", account));
        conditions.insert(("ArnLike".to_owned(), "aws:SourceArn".to_owned(), arn));
    }
    Fields::default()
        .with("Effect", "Allow")
        .with(
            "Principal",
            Fields::default().with("Service", "codepipeline.amazonaws.com"),
        )
        .with("Action", "sts:AssumeRole")
        .with_map("Condition", condition(&conditions))
        .into()
}

fn equals(key: &str, value: &str) -> Condition {
    ("StringEquals".to_owned(), key.to_owned(), value.to_owned())
}

struct Policy<'a> {
    home: &'a Home,
    catalog: &'a Catalog,
    diags: &'a mut Diagnostics,
    grants: Grants,
}

impl Policy<'_> {
    /// The artifact buckets, which are of the pipeline's account, and their keys.
    fn artifacts(&mut self, pipeline: &ir::Pipeline) {
        let stores: Vec<(Option<&str>, &ir::Store)> = match &pipeline.stores {
            Stores::Missing => Vec::new(),
            Stores::One(store) => vec![(None, store)],
            Stores::ByRegion { stores, .. } => stores.iter().map(|(region, it)| (Some(region.as_str()), it)).collect(),
        };
        let ours: BTreeSet<Condition> = self
            .home
            .known_account()
            .map(|account| equals("aws:ResourceAccount", account))
            .into_iter()
            .collect();
        for (region, store) in stores {
            let bucket = self.pattern("the artifact store", &pipeline.handle.0, &store.location);
            let arn = format!("arn:{}:s3:::{bucket}", self.home.partition);
            for permission in ARTIFACT_BUCKET {
                self.grants.allow(permission, arn.clone(), ours.clone());
            }
            for permission in ARTIFACTS {
                self.grants.allow(permission, format!("{arn}/*"), ours.clone());
            }
            if let Some(key) = &store.encryption_key {
                let key = self.pattern("the artifact store's key", &pipeline.handle.0, key);
                self.key(region, &key);
            }
        }
    }

    /// A key by ARN, by id, or by an alias: IAM knows keys by their ARNs alone.
    fn key(&mut self, region: Option<&str>, key: &str) {
        let arn = |resource: &str| {
            let region = region.unwrap_or("*");
            format!(
                "arn:{}:kms:{region}:{}:{resource}",
                self.home.partition, self.home.account
            )
        };
        let alias = key.rsplit(':').next().filter(|name| name.starts_with("alias/"));
        let (resource, conditions) = match alias {
            Some(alias) => {
                let any_key = match key.strip_suffix(alias) {
                    Some("") | None => arn("key/*"),
                    Some(before) => format!("{before}key/*"),
                };
                let operator = "ForAnyValue:StringEquals".to_owned();
                let is_called = (operator, "kms:ResourceAliases".to_owned(), alias.to_owned());
                (any_key, BTreeSet::from([is_called]))
            }
            None if key.starts_with("arn:") => (key.to_owned(), BTreeSet::new()),
            None => (arn(&format!("key/{key}")), BTreeSet::new()),
        };
        for permission in ARTIFACT_KEY {
            self.grants.allow(permission, resource.clone(), conditions.clone());
        }
    }

    fn stage(&mut self, stage: &ir::Stage) {
        for action in &stage.actions {
            let subject = Subject {
                name: &action.name.value,
                region: known(action.region.as_ref()),
                configuration: &action.configuration,
                environment: &action.environment,
            };
            self.subject(&action.type_id, action.role_arn.as_ref(), subject, action.origin);
        }
        for rule in stage.rules() {
            let subject = Subject {
                name: &rule.name.value,
                region: known(rule.region.as_ref()),
                configuration: &rule.configuration,
                environment: &[],
            };
            self.subject(&rule.type_id, rule.role_arn.as_ref(), subject, rule.origin);
        }
    }

    fn subject(&mut self, id: &TypeId, role: Option<&Node<Text>>, subject: Subject<'_>, at: Origin) {
        if let Some(role) = role {
            let role = self.pattern("the role", subject.name, role);
            self.grants.allow("sts:AssumeRole", role, BTreeSet::new());
            return;
        }
        let Some(provider) = self.catalog.by_type(id) else {
            return;
        };
        let kind = format!("{}/{}", id.category, id.provider);
        let scopes: Vec<&Scope> = SCOPES
            .iter()
            .filter(|scope| id.owner == "AWS" && scope.of.contains(&kind.as_str()))
            .collect();
        for permission in &provider.permissions {
            let of_permission = || scopes.iter().filter(|it| it.permissions.contains(&permission.as_str()));
            if of_permission().next().is_none() {
                self.grants.allow(permission, "*".to_owned(), BTreeSet::new());
            }
            for scope in of_permission().filter(|scope| applies(scope.when, subject.configuration)) {
                self.allow(permission, scope, subject, at);
            }
        }
        for scope in scopes
            .iter()
            .filter(|it| it.is_extra && applies(it.when, subject.configuration))
        {
            for permission in scope.permissions {
                self.allow(permission, scope, subject, at);
            }
        }
        if provider.permissions.iter().any(|permission| permission.ends_with(":*")) {
            let message = format!("AWS says of `{}` only that it needs whole services", subject.name);
            let help = "narrow the statement with `elasticbeanstalk:*` to what your environment is made of";
            self.too_wide(message, at, help);
        }
    }

    fn allow(&mut self, permission: &str, scope: &Scope, subject: Subject<'_>, at: Origin) {
        let permission = in_service(permission, subject.configuration);
        let conditions = match scope.only {
            Only::Always => BTreeSet::new(),
            Only::Equals(key, value) => BTreeSet::from([equals(key, value)]),
            Only::Tagged(key, value) => tagged(subject.configuration, key, value),
        };
        for template in scope.resources {
            let (resources, open) = resources(template, self.home, subject);
            for key in open {
                let place = subject.configuration.get(&key).map_or(at, |entry| entry.origin);
                let message = format!(
                    "`{key}` of `{}` is known later only, so the policy says `*`",
                    subject.name
                );
                self.too_wide(
                    message,
                    place,
                    "narrow the statement by hand, or give a value that is known now",
                );
            }
            for resource in resources {
                self.grants.allow(&permission, resource, conditions.clone());
            }
        }
    }

    /// What a text matches; warns if a part of it is not known.
    fn pattern(&mut self, what: &str, of: &str, text: &Node<Text>) -> String {
        let pattern = pattern(&text.value);
        if pattern.is_open {
            let message = format!("{what} of `{of}` is known later only, so the policy says `*`");
            let help = "narrow the statement by hand, or give a value that is known now";
            self.too_wide(message, text.origin, help);
        }
        pattern.text
    }

    fn too_wide(&mut self, message: String, at: Origin, help: &str) {
        let diagnostic = Diagnostic::new(&codes::POLICY_TOO_WIDE, at, message);
        self.diags.emit(diagnostic.with_help(help));
    }
}

fn known(region: Option<&Node<String>>) -> Option<&str> {
    region
        .map(|region| region.value.as_str())
        .filter(|region| !ir::is_deploy_name(region))
}

/// Whether a scope applies; what is not known yet may come out as it says.
fn applies(when: When, configuration: &ir::Configuration) -> bool {
    let value = |key: &str| configuration.get(key).map(|entry| entry.value.as_literal());
    match when {
        When::Always => true,
        When::Has(key) => configuration.contains_key(key),
        When::Lacks(key) => !configuration.contains_key(key),
        When::All(all) => all.iter().all(|when| applies(*when, configuration)),
        When::Is(key, wanted) => value(key).is_some_and(|value| value.is_none_or(|value| value == wanted)),
        When::IsNot(key, other) => value(key).is_none_or(|value| value.is_none_or(|value| value != other)),
        When::In(key, wanted) => value(key).is_some_and(|value| value.is_none_or(|value| wanted.contains(&value))),
    }
}

fn tagged(configuration: &ir::Configuration, key: &str, value: &str) -> BTreeSet<Condition> {
    let literal = |key: &str| configuration.get(key).and_then(|entry| entry.value.as_literal());
    match (literal(key), literal(value)) {
        (Some(key), Some(value)) => BTreeSet::from([equals(&format!("aws:ResourceTag/{key}"), value)]),
        _ => BTreeSet::new(),
    }
}

/// Connections made before 2024 are of a service with another name, which their ARNs tell.
fn in_service(permission: &str, configuration: &ir::Configuration) -> String {
    let connection = configuration.get("ConnectionArn").map(|entry| entry.value.to_string());
    match (permission, connection) {
        ("codeconnections:UseConnection", Some(arn)) if arn.contains(":codestar-connections:") => {
            "codestar-connections:UseConnection".to_owned()
        }
        _ => permission.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_of_the_library_has_a_scope() {
        let catalog = Catalog::builtin();
        let mut without = Vec::new();
        for module in catalog.modules() {
            for name in catalog.names(module) {
                let provider = catalog.get(&format!("{module}.{name}")).unwrap();
                let kind = format!("{}/{}", provider.type_id.category, provider.type_id.provider);
                let is_scoped = |permission: &str| {
                    let mut scopes = SCOPES.iter().filter(|scope| scope.of.contains(&kind.as_str()));
                    scopes.any(|scope| scope.permissions.contains(&permission))
                };
                let missing = provider.permissions.iter().filter(|permission| !is_scoped(permission));
                without.extend(missing.map(|permission| format!("{kind}: {permission}")));
            }
        }
        assert!(without.is_empty(), "add to scopes.rs:\n{}", without.join("\n"));
    }

    #[test]
    fn every_scope_is_of_the_library() {
        let catalog = Catalog::builtin();
        let mut kinds = std::collections::BTreeMap::new();
        for module in catalog.modules() {
            for name in catalog.names(module) {
                let provider = catalog.get(&format!("{module}.{name}")).unwrap();
                let kind = format!("{}/{}", provider.type_id.category, provider.type_id.provider);
                kinds.insert(kind, provider);
            }
        }
        for scope in SCOPES {
            for kind in scope.of {
                assert!(kinds.contains_key(*kind), "nothing in the library is {kind}");
            }
            let used = |permission: &&&str| {
                let mut of = scope.of.iter().map(|kind| &kinds[*kind]);
                of.any(|provider| provider.permissions.iter().any(|it| it == **permission))
            };
            let unused: Vec<_> = scope.permissions.iter().filter(|it| !used(it)).collect();
            assert!(scope.is_extra || unused.is_empty(), "{:?}: {unused:?}", scope.of);
            let keys = scope.resources.iter().flat_map(|resource| resource.split('{').skip(1));
            for key in keys.filter_map(|text| text.split(['}', '|']).next()) {
                let known = ["partition", "account", "pipeline", "region", "secrets"].contains(&key);
                let is_key = scope.of.iter().all(|kind| kinds[*kind].field_of_key(key).is_some());
                assert!(known || is_key, "{:?}: {key}", scope.of);
            }
        }
    }
}
