//! Names: what AWS takes in them, and where they must differ.

use std::collections::HashMap;

use super::context::{Ctx, place};
use super::words;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::ir::limits::{self, Limit};
use crate::ir::{DeployCondition, Node, Origin, TypeId, codes, is_deploy_name};

/// What a kind of name may hold.
pub(super) struct Rule {
    pub(super) code: &'static Code,
    pub(super) limit: Limit,
    pub(super) takes: fn(u8) -> bool,
    pub(super) help: &'static str,
}

/// Pipelines, stages, actions and rules.
const NAME: Rule = Rule {
    code: &codes::INVALID_NAME,
    limit: limits::NAME,
    takes: |byte| byte.is_ascii_alphanumeric() || b".@-_".contains(&byte),
    help: "use letters, digits and `.` `@` `-` `_` only",
};
const VARIABLE_NAME: Rule = Rule {
    code: &codes::INVALID_NAME,
    limit: limits::VARIABLE_NAME,
    takes: |byte| byte.is_ascii_alphanumeric() || b"@-_".contains(&byte),
    help: "use letters, digits and `@` `-` `_` only",
};
const ARTIFACT_NAME: Rule = Rule {
    code: &codes::ARTIFACT_NAME_INVALID,
    limit: limits::ARTIFACT_NAME,
    takes: |byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte),
    help: "use letters, digits, `-` and `_` only",
};
pub(super) const NAMESPACE: Rule = Rule {
    code: &codes::NAMESPACE_INVALID,
    limit: limits::NAMESPACE,
    takes: |byte| byte.is_ascii_alphanumeric() || b"@-_".contains(&byte),
    help: "use letters, digits and `@` `-` `_` only",
};

pub(super) fn check(ctx: &Ctx, diags: &mut Diagnostics) {
    let pipeline = ctx.pipeline;
    spelling("pipeline", &pipeline.name, pipeline.origin, &NAME, diags);
    for variable in &pipeline.variables {
        spelling("variable", &variable.name, variable.origin, &VARIABLE_NAME, diags);
    }

    let stages = pipeline
        .stages
        .iter()
        .map(|stage| (&stage.name, stage.origin, stage.when.as_slice()));
    unique(stages, diags, |name, report| {
        report(
            &codes::DUPLICATE_STAGE_NAME,
            format!("two stages are named `{name}`"),
            "give one of them another name: AWS wants stage names to differ",
        )
    });
    for stage in &pipeline.stages {
        spelling("stage", &stage.name, stage.origin, &NAME, diags);
        let actions = stage
            .actions
            .iter()
            .map(|action| (&action.name, action.origin, action.when.as_slice()));
        unique(actions, diags, |name, report| {
            report(
                &codes::DUPLICATE_ACTION_NAME,
                format!("two actions of stage `{}` are named `{name}`", words::stage(stage)),
                "give one of them another name: AWS wants the names in a stage to differ",
            )
        });
        for action in &stage.actions {
            spelling("action", &action.name, action.origin, &NAME, diags);
            action_type(&action.type_id, words::action(action), action.origin, diags);
            for output in &action.outputs {
                spelling("artifact", &output.name, action.origin, &ARTIFACT_NAME, diags);
            }
        }
        for (_, condition) in stage.conditions() {
            let rules = condition
                .rules
                .iter()
                .map(|rule| (&rule.name, rule.origin, [].as_slice()));
            unique(rules, diags, |name, report| {
                report(
                    &codes::DUPLICATE_RULE_NAME,
                    format!("two rules of one condition are named `{name}`"),
                    "give one of them another name",
                )
            });
            for rule in &condition.rules {
                spelling("rule", &rule.name, rule.origin, &NAME, diags);
                rule_type(&rule.type_id, words::rule(rule), rule.origin, diags);
            }
        }
    }
}

/// Reports a name that AWS does not take; `whole` is the place of what is named.
pub(super) fn spelling(what: &str, name: &Node<String>, whole: Origin, rule: &Rule, diags: &mut Diagnostics) {
    let text = name.value.as_str();
    let at = place(name.origin, whole);
    if is_deploy_name(text) {
        return;
    }
    let bare = what;
    let what = match what.starts_with(['a', 'e', 'i', 'o', 'u']) {
        true => format!("an {what}"),
        false => format!("a {what}"),
    };
    // A reference is resolved in configuration only, so here it would be part of the name.
    if text.contains("#{") {
        let message = format!(
            "`{}`: references are not resolved in the name of {what}",
            words::short(text)
        );
        diags.emit(
            Diagnostic::new(&codes::REFERENCE_OUT_OF_PLACE, at, message)
                .with_help("give a name that is known before the pipeline runs"),
        );
        return;
    }
    let problem = if text.is_empty() {
        format!("the name of {what} is empty")
    } else if let Some(character) = text.chars().find(|&c| !(c.is_ascii() && (rule.takes)(c as u8))) {
        let character = match character {
            ' ' => "a blank".to_owned(),
            c if c.is_control() => format!("the character {}", c.escape_default()),
            c => format!("`{c}`"),
        };
        format!(
            "AWS does not take {character} in the name of {what}: `{}`",
            words::short(text)
        )
    } else if !rule.limit.fits(text) {
        format!(
            "the name of {bare} `{}` is too long: {}",
            words::short(text),
            words::too_long(text, rule.limit.max)
        )
    } else {
        return;
    };
    diags.emit(Diagnostic::new(rule.code, at, problem).with_help(rule.help));
}

/// Reports each name that was there before, unless the two are never there together.
fn unique<'a>(
    names: impl Iterator<Item = (&'a Node<String>, Origin, &'a [DeployCondition])>,
    diags: &mut Diagnostics,
    report: impl Fn(&str, &dyn Fn(&'static Code, String, &'static str) -> Diagnostic) -> Diagnostic,
) {
    let mut seen: HashMap<&str, (Origin, &[DeployCondition])> = HashMap::new();
    for (name, whole, when) in names {
        let at = place(name.origin, whole);
        if let Some(&(first, other)) = seen.get(name.value.as_str()) {
            if DeployCondition::excludes(when, other) {
                continue;
            }
            let build = |code, message, help: &'static str| {
                Diagnostic::new(code, at, message)
                    .with_label("named so again")
                    .with_other(first, "first named so")
                    .with_help(help)
            };
            diags.emit(report(&name.value, &build));
        } else {
            seen.insert(&name.value, (at, when));
        }
    }
}

const CATEGORIES: [&str; 7] = ["Source", "Build", "Deploy", "Test", "Invoke", "Approval", "Compute"];
const OWNERS: [&str; 3] = ["AWS", "ThirdParty", "Custom"];

fn action_type(id: &TypeId, name: &str, origin: Origin, diags: &mut Diagnostics) {
    if !CATEGORIES.contains(&id.category.as_str()) {
        let help = format!("use one of {}", CATEGORIES.join(", "));
        type_part(name, "category", &id.category, help, origin, diags);
    }
    if !OWNERS.contains(&id.owner.as_str()) {
        let help = format!("use one of {}", OWNERS.join(", "));
        type_part(name, "owner", &id.owner, help, origin, diags);
    }
    provider_and_version(id, name, origin, diags);
    let (documented, taken) = (limits::CUSTOM_PROVIDER, limits::PROVIDER);
    if id.owner == "Custom" && id.provider.len() > documented.max && taken.fits(&id.provider) {
        let message = format!(
            "the custom type of `{name}` is called `{}`, of {} characters, and AWS documents {} as the most",
            id.provider,
            id.provider.len(),
            documented.max
        );
        diags.emit(Diagnostic::new(&codes::CUSTOM_TYPE_NAME_LONG, origin, message).with_help("give it a shorter name"));
    }
}

fn rule_type(id: &TypeId, name: &str, origin: Origin, diags: &mut Diagnostics) {
    if id.category != "Rule" {
        type_part(name, "category", &id.category, "use `Rule`".to_owned(), origin, diags);
    }
    if id.owner != "AWS" {
        type_part(name, "owner", &id.owner, "use `AWS`".to_owned(), origin, diags);
    }
    provider_and_version(id, name, origin, diags);
}

fn provider_and_version(id: &TypeId, name: &str, origin: Origin, diags: &mut Diagnostics) {
    for (part, text, limit) in [
        ("provider", &id.provider, limits::PROVIDER),
        ("version", &id.version, limits::VERSION),
    ] {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if !is_deploy_name(text) && (!limit.fits(text) || !text.bytes().all(legal)) {
            let help = format!("use 1 to {} letters, digits, `_` and `-`", limit.max);
            type_part(name, part, text, help, origin, diags);
        }
    }
}

fn type_part(name: &str, part: &str, text: &str, help: String, origin: Origin, diags: &mut Diagnostics) {
    let message = format!(
        "the type of `{name}` has the {part} `{}`, which AWS does not have",
        words::short(text)
    );
    diags.emit(Diagnostic::new(&codes::ACTION_TYPE_INVALID, origin, message).with_help(help));
}
