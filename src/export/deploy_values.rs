//! Values that are known when deploying: only a CloudFormation template can hold them.

use super::codes;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{self, Node, Origin, Text};

/// Reports every value that only CloudFormation can fill in, for a `format` that it does not read; true if there is none.
pub(super) fn check(pipeline: &ir::Pipeline, format: &str, diags: &mut Diagnostics) -> bool {
    let mut look = Look {
        format,
        found: Vec::new(),
    };
    look.pipeline(pipeline);
    for stage in &pipeline.stages {
        look.stage(stage);
    }
    look.only_in_a_template(&pipeline.deployment);
    let is_fine = look.found.is_empty();
    look.found.into_iter().for_each(|diagnostic| diags.emit(diagnostic));
    is_fine
}

struct Look<'a> {
    format: &'a str,
    found: Vec<Diagnostic>,
}

impl Look<'_> {
    fn report(&mut self, message: String, at: Origin, help: &str) {
        let diagnostic = Diagnostic::new(&codes::DEPLOY_TIME_VALUE, at, message);
        self.found.push(diagnostic.with_help(help));
    }

    fn value(&mut self, what: &str, owner: &str, text: &Text, at: Origin) {
        if text.has_deploy_value() {
            let message = format!(
                "{what} of `{owner}` is known when deploying only, and {} cannot say it",
                self.format
            );
            self.report(
                message,
                at,
                "export to CloudFormation, or give a value that is known now",
            );
        }
    }

    fn text<'n>(&mut self, what: &str, owner: &str, texts: impl IntoIterator<Item = &'n Node<Text>>) {
        for text in texts {
            self.value(what, owner, &text.value, text.origin);
        }
    }

    fn name<'n>(&mut self, what: &str, owner: &str, names: impl IntoIterator<Item = &'n Node<String>>) {
        for name in names {
            if ir::is_deploy_name(&name.value) {
                self.value(what, owner, &Text::of_name(&name.value), name.origin);
            }
        }
    }

    fn pipeline(&mut self, pipeline: &ir::Pipeline) {
        let owner = match ir::is_deploy_name(&pipeline.name.value) {
            true => &pipeline.handle.0,
            false => &pipeline.name.value,
        };
        self.name("the name", owner, [&pipeline.name]);
        self.text("the role", owner, &pipeline.role_arn);
        for store in pipeline.stores.all() {
            self.text("the artifact store", owner, [&store.location]);
            self.text("the artifact store's key", owner, &store.encryption_key);
        }
        for variable in &pipeline.variables {
            self.name("the name", &variable.name.value, [&variable.name]);
            self.name("the default", &variable.name.value, &variable.default);
        }
        for tag in &pipeline.tags {
            self.name("a tag", owner, [&tag.key, &tag.value]);
        }
        for trigger in &pipeline.triggers {
            self.trigger(trigger);
        }
    }

    fn trigger(&mut self, trigger: &ir::Trigger) {
        let owner = &trigger.source_action.value;
        self.name("the trigger", owner, [&trigger.source_action]);
        let push = trigger.push.iter();
        let of_push = push.flat_map(|filter| [&filter.tags, &filter.branches, &filter.file_paths]);
        let pull_request = trigger.pull_request.iter();
        let of_pull_request = pull_request.flat_map(|filter| [&filter.branches, &filter.file_paths]);
        for patterns in of_push.chain(of_pull_request).flatten() {
            let all = patterns.includes.iter().chain(&patterns.excludes);
            self.name("a pattern of the trigger", owner, all);
        }
    }

    fn stage(&mut self, stage: &ir::Stage) {
        self.name("the name", &stage.name.value, [&stage.name]);
        self.when("stage", &stage.name.value, &stage.when, stage.origin);
        for action in &stage.actions {
            self.action(action);
        }
        for rule in stage.rules() {
            self.rule(rule);
        }
    }

    fn action(&mut self, action: &ir::Action) {
        let owner = &action.name.value;
        self.when("action", owner, &action.when, action.origin);
        self.name("the name", owner, [&action.name]);
        self.type_id(owner, &action.type_id, action.origin);
        self.configuration(owner, &action.configuration);
        self.text("a command", owner, &action.commands);
        for variable in &action.environment {
            self.name("an environment variable", owner, [&variable.name]);
            self.text("an environment variable", owner, [&variable.value]);
        }
        self.name("an input", owner, &action.inputs);
        for output in &action.outputs {
            self.name("an output", owner, [&output.name]);
            self.name("a pattern of an output", owner, &output.files);
        }
        self.name("an output variable", owner, &action.output_variables);
        self.text("the role", owner, &action.role_arn);
        self.name("the region", owner, &action.region);
        self.name("the namespace", owner, &action.namespace);
    }

    fn rule(&mut self, rule: &ir::Rule) {
        let owner = &rule.name.value;
        self.name("the name", owner, [&rule.name]);
        self.type_id(owner, &rule.type_id, rule.origin);
        self.configuration(owner, &rule.configuration);
        self.text("a command", owner, &rule.commands);
        self.name("an input", owner, &rule.inputs);
        self.text("the role", owner, &rule.role_arn);
        self.name("the region", owner, &rule.region);
    }

    fn type_id(&mut self, owner: &str, id: &ir::TypeId, at: Origin) {
        for part in [&id.category, &id.owner, &id.provider, &id.version] {
            if ir::is_deploy_name(part) {
                self.value("the type", owner, &Text::of_name(part), at);
            }
        }
    }

    fn configuration(&mut self, owner: &str, configuration: &ir::Configuration) {
        for (key, entry) in configuration {
            self.value(key, owner, &entry.value, entry.origin);
        }
    }

    /// What depends on a condition of the template.
    fn when(&mut self, what: &str, name: &str, when: &[ir::DeployCondition], at: Origin) {
        if let Some(condition) = when.first() {
            let message = format!("{what} `{name}` depends on the template's condition {condition}");
            let help = "export to CloudFormation, or decide it when compiling: `if` over a `param`";
            self.report(message, at, help);
        }
    }

    /// What belongs to the resource of a template alone.
    fn only_in_a_template(&mut self, deployment: &ir::Deployment) {
        let restart = deployment.restart_execution_on_update.as_ref();
        let restart = restart.map(|it| ("restart_execution_on_update", it.origin));
        let transition = deployment.disabled_transitions.first();
        let transition = transition.map(|it| ("disabled_transitions", it.stage.origin));
        for (what, at) in restart.into_iter().chain(transition) {
            let message = format!(
                "`{what}` is a property of the CloudFormation resource, and {} cannot say it",
                self.format
            );
            self.report(message, at, "export to CloudFormation, or remove it");
        }
    }
}
