//! The last step to the IR: names become artifacts, namespaces and variables.
//!
//! An artifact's name is its output's AWS name; [`namespaces`] says which namespace an action has.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::catalog::{Exports, snake_case};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::suggest::{listed, listed_as};
use crate::ir::{self, Node, Text, TextPart, VariableRef};
use crate::source::Span;
use crate::syntax::ast;

use super::codes;
use super::eval::Evaluator;
use super::expand::{ActionDraft, ConditionDraft, ConfigDraft, PipelineDraft, StageDraft, TriggerDraft};
use super::namespaces::{self, Claim};
use super::value::{Draft, DraftPart, Entity};

/// Makes the IR of an expanded pipeline.
pub fn link<'p>(
    ev: &mut Evaluator<'p, '_>,
    item: &'p ast::Pipeline,
    head: Span,
    name: Node<String>,
    mut draft: PipelineDraft<'p>,
) -> ir::Pipeline {
    let stages = std::mem::take(&mut draft.stages);
    let triggers = std::mem::take(&mut draft.triggers);
    let settings = std::mem::take(&mut draft.settings);
    let mut linker = Linker {
        ev,
        draft: &draft,
        namespaces: Vec::new(),
        stages: &stages,
    };
    linker.allocate_namespaces();
    let triggers: Vec<_> = triggers
        .into_iter()
        .filter_map(|trigger| linker.trigger(trigger))
        .collect();
    let mut linked: Vec<ir::Stage> = stages.iter().map(|stage| linker.stage(stage)).collect();
    let mut counts = vec![0; linked.len()];
    for action in &draft.actions {
        counts[action.stage] += 1;
    }
    for (stage, count) in linked.iter_mut().zip(counts) {
        stage.actions.reserve_exact(count);
    }
    for (index, action) in draft.actions.iter().enumerate() {
        match linker.action(index, action) {
            Some(found) => linked[action.stage].actions.push(found),
            None => linked[action.stage].incomplete = true,
        }
    }
    let role_arn = settings
        .role_arn
        .as_ref()
        .map(|(draft, origin)| Node::new(linker.text(draft).0, *origin));
    let store = |linker: &mut Linker<'p, '_, '_>, store: &super::expand::settings::StoreDraft<'p>| ir::Store {
        location: Node::new(linker.text(&store.bucket.0).0, store.bucket.1),
        encryption_key: store
            .key
            .as_ref()
            .map(|(draft, origin)| Node::new(linker.text(draft).0, *origin)),
        origin: store.origin,
    };
    let stores = match (&settings.store, &settings.stores) {
        (one, Some((stores, origin))) => ir::Stores::ByRegion {
            stores: stores
                .iter()
                .map(|(region, found)| (region.clone(), store(&mut linker, found)))
                .collect(),
            both: one.as_ref().map(|store| store.origin),
            origin: *origin,
        },
        (Some(one), None) => ir::Stores::One(store(&mut linker, one)),
        (None, None) => ir::Stores::Missing,
    };
    let deployment = ir::Deployment {
        restart_execution_on_update: settings
            .restart_execution_on_update
            .as_ref()
            .map(|(text, origin)| Node::new(linker.text(text).0, *origin)),
        disabled_transitions: settings
            .disabled_transitions
            .iter()
            .map(|(stage, (reason, origin))| ir::DisabledTransition {
                stage: stage.clone(),
                reason: Node::new(linker.text(reason).0, *origin),
            })
            .collect(),
    };
    let stage_incomplete = linked.iter().any(|stage| stage.incomplete);
    ir::Pipeline {
        handle: ir::Handle(item.name.text.clone()),
        name,
        role_arn,
        stores,
        pipeline_type: settings
            .pipeline_type
            .unwrap_or_else(|| Node::new(ir::PipelineType::V2, head)),
        execution_mode: settings.execution_mode,
        variables: draft.variables.into_values().collect(),
        triggers,
        stages: linked,
        tags: settings.tags,
        deployment,
        origin: head,
        incomplete: draft.incomplete || stage_incomplete,
    }
}

struct Linker<'p, 'd, 'a> {
    ev: &'d mut Evaluator<'p, 'a>,
    draft: &'d PipelineDraft<'p>,
    stages: &'d [StageDraft<'p>],
    /// By action.
    namespaces: Vec<Option<String>>,
}

impl<'p> Linker<'p, '_, '_> {
    fn allocate_namespaces(&mut self) {
        let draft = self.draft;
        let mut referenced = vec![false; draft.actions.len()];
        let mut note = |text: &Draft<'p>| {
            for part in &text.parts {
                if let DraftPart::ActionVariable { entity, .. } = part
                    && let Some(&action) = draft.by_name.get(&(entity.scope, entity.name, entity.key.clone()))
                {
                    referenced[action] = true;
                }
            }
        };
        for action in &draft.actions {
            texts_of(action, &mut note);
        }
        for stage in self.stages {
            for condition in [&stage.before_entry, &stage.on_success, &stage.on_failure]
                .into_iter()
                .flatten()
            {
                condition.rules.iter().for_each(|rule| texts_of(rule, &mut note));
            }
        }
        let claims: Vec<Claim<'_>> = draft
            .actions
            .iter()
            .zip(referenced)
            .map(|(action, referenced)| Claim {
                stage: &self.stages[action.stage].name.value,
                action: &action.name.value,
                outputs: action
                    .outputs
                    .iter()
                    .map(|output| output.aws_name.value.as_str())
                    .collect(),
                given: action.namespace.as_ref().map(|node| node.value.as_str()),
                referenced,
            })
            .collect();
        self.namespaces = namespaces::allocate(&claims);
    }

    fn stage(&mut self, stage: &StageDraft<'p>) -> ir::Stage {
        ir::Stage {
            handle: ir::Handle(stage.handle.clone()),
            name: stage.name.clone(),
            actions: Vec::new(),
            before_entry: stage.before_entry.as_ref().map(|condition| self.condition(condition)),
            on_success: stage.on_success.as_ref().map(|condition| self.condition(condition)),
            on_failure: stage.on_failure.as_ref().map(|failure| ir::FailureHandling {
                result: if failure.rules.is_empty() {
                    failure.result.clone()
                } else {
                    None
                },
                retry_mode: failure.retry_mode.clone(),
                condition: if failure.rules.is_empty() {
                    None
                } else {
                    Some(self.condition(failure))
                },
                origin: failure.origin,
            }),
            when: stage.when.clone(),
            origin: stage.origin,
            incomplete: stage.incomplete,
        }
    }

    fn condition(&mut self, condition: &ConditionDraft<'p>) -> ir::Condition {
        ir::Condition {
            result: condition.result.clone(),
            rules: condition.rules.iter().filter_map(|rule| self.rule(rule)).collect(),
            origin: condition.origin,
        }
    }

    fn rule(&mut self, rule: &ActionDraft<'p>) -> Option<ir::Rule> {
        let signature = rule.signature.as_ref()?;
        let mut incomplete = rule.incomplete;
        let inputs = self.inputs(rule, &mut incomplete);
        let configuration = self.configuration(&rule.configuration, &mut incomplete);
        let commands = self.texts(&rule.commands, &mut incomplete);
        Some(ir::Rule {
            handle: ir::Handle(rule.handle.clone()),
            name: rule.name.clone(),
            type_id: signature.provider.type_id.clone(),
            configuration,
            commands,
            inputs,
            role_arn: rule
                .role_arn
                .as_ref()
                .map(|(draft, origin)| Node::new(self.text(draft).0, *origin)),
            region: rule.region.clone(),
            timeout_minutes: rule.timeout.clone(),
            origin: rule.origin,
            incomplete,
        })
    }

    fn action(&mut self, index: usize, action: &ActionDraft<'p>) -> Option<ir::Action> {
        let signature = action.signature.as_ref()?;
        let mut incomplete = action.incomplete;
        let declared = signature.provider.exports == Exports::Declared;
        let exports = action.exports.iter().map(|(name, span)| Node::new(name.clone(), *span));
        let (output_variables, exports) = if declared {
            (exports.collect(), Vec::new())
        } else {
            (Vec::new(), exports.collect())
        };
        let inputs = self.inputs(action, &mut incomplete);
        let configuration = self.configuration(&action.configuration, &mut incomplete);
        let commands = self.texts(&action.commands, &mut incomplete);
        let mut environment = Vec::with_capacity(action.environment.len());
        for variable in &action.environment {
            let (text, complete) = self.text(&variable.value);
            incomplete |= !complete;
            environment.push(ir::EnvironmentVariable {
                name: variable.name.clone(),
                value: Node::new(text, variable.name.origin),
                kind: variable.kind,
            });
        }
        let output = |output: &super::expand::OutputDraft<'p>| ir::OutputArtifact {
            handle: ir::Handle(match &output.key {
                Some(key) => format!("{}[{key:?}]", output.name),
                None => output.name.to_owned(),
            }),
            name: output.aws_name.clone(),
            files: output.files.clone(),
        };
        let namespace_origin = action.namespace.as_ref().map_or(action.origin, |node| node.origin);
        Some(ir::Action {
            handle: ir::Handle(action.handle.clone()),
            name: action.name.clone(),
            type_id: signature.provider.type_id.clone(),
            run_order: action.run_order,
            configuration,
            commands,
            environment,
            inputs,
            outputs: action.outputs.iter().map(output).collect(),
            output_variables,
            role_arn: action
                .role_arn
                .as_ref()
                .map(|(draft, origin)| Node::new(self.text(draft).0, *origin)),
            region: action.region.clone(),
            namespace: self.namespaces[index]
                .clone()
                .map(|name| Node::new(name, namespace_origin)),
            timeout_minutes: action.timeout.clone(),
            exports,
            when: action.when.clone(),
            local: action.local.clone(),
            origin: action.origin,
            incomplete,
        })
    }

    /// What `input` names, then what `.file(…)` refers to, each once.
    fn inputs(&mut self, action: &ActionDraft<'p>, incomplete: &mut bool) -> Vec<Node<String>> {
        let mut inputs: Vec<Node<String>> = Vec::with_capacity(action.inputs.len());
        for entity in &action.inputs {
            match self.artifact(entity) {
                Some(name) => inputs.push(Node::new(name, entity.span)),
                None => *incomplete = true,
            }
        }
        for entity in &action.file_inputs {
            match self.artifact(entity) {
                Some(name) if inputs.iter().all(|input| input.value != name) => {
                    inputs.push(Node::new(name, entity.span));
                }
                Some(_) => {}
                None => *incomplete = true,
            }
        }
        inputs
    }

    fn configuration(
        &mut self,
        drafts: &BTreeMap<String, ConfigDraft<'p>>,
        incomplete: &mut bool,
    ) -> ir::Configuration {
        let mut configuration = BTreeMap::new();
        for (key, config) in drafts {
            let (value, complete) = self.text(&config.value);
            if complete {
                let entry = ir::ConfigEntry {
                    value,
                    origin: config.origin,
                    key_origin: config.key_origin,
                };
                configuration.insert(key.clone(), entry);
            } else {
                *incomplete = true;
            }
        }
        configuration
    }

    fn texts(&mut self, drafts: &[(Draft<'p>, Span)], incomplete: &mut bool) -> Vec<Node<Text>> {
        let mut texts = Vec::with_capacity(drafts.len());
        for (draft, origin) in drafts {
            let (text, complete) = self.text(draft);
            *incomplete |= !complete;
            texts.push(Node::new(text, *origin));
        }
        texts
    }

    /// The text with its names settled; false if one of them was reported.
    fn text(&mut self, draft: &Draft<'p>) -> (Text, bool) {
        let mut text = Text::default();
        let mut complete = true;
        for part in &draft.parts {
            match part {
                // Text that is already in CodePipeline's own form refers to variables all the same.
                DraftPart::Text(literal) if literal.contains("#{") => {
                    text.append(Text::parse(literal, Span::default()));
                }
                DraftPart::Text(literal) => text.push_str(literal),
                DraftPart::ActionVariable { entity, key, span } => match self.variable(entity, key, *span) {
                    Some(variable) => text.push(TextPart::Variable(variable)),
                    None => complete = false,
                },
                DraftPart::PipelineVariable { name, span, .. } => text.push(TextPart::Variable(VariableRef {
                    namespace: "variables".to_owned(),
                    key: (*name).to_owned(),
                    origin: *span,
                })),
                DraftPart::ExecutionId { span } => text.push(TextPart::Variable(VariableRef {
                    namespace: "codepipeline".to_owned(),
                    key: "PipelineExecutionId".to_owned(),
                    origin: *span,
                })),
                DraftPart::Deploy { value, .. } => text.push(TextPart::Deploy(value.clone())),
                DraftPart::ArtifactName(entity) => match self.artifact(entity) {
                    Some(name) => text.push_str(&name),
                    None => complete = false,
                },
            }
        }
        (text, complete)
    }

    /// The name of the artifact that a reference stands for.
    fn artifact(&mut self, entity: &Rc<Entity<'p>>) -> Option<String> {
        let key = (entity.scope, entity.name, entity.key.clone());
        let draft = self.draft;
        if let Some((name, output_key)) = &entity.output {
            let action = &draft.actions[self.action_index(entity)?];
            let found = action
                .outputs
                .iter()
                .find(|output| output.name == *name && output.key == *output_key);
            if found.is_none() {
                let keys: Vec<&str> = action
                    .outputs
                    .iter()
                    .filter(|output| output.name == *name)
                    .filter_map(|output| output.key.as_deref())
                    .collect();
                self.wrong_key(entity, name, output_key.as_deref(), &keys);
            }
            return found.map(|output| output.aws_name.value.clone());
        }
        if let Some(&(action, output)) = draft.outputs.get(&key) {
            return Some(draft.actions[action].outputs[output].aws_name.value.clone());
        }
        let action = &draft.actions[self.action_index(entity)?];
        match action.outputs.as_slice() {
            [output] => Some(output.aws_name.value.clone()),
            [] if action.incomplete => None,
            [] => {
                let written = entity.written();
                let message = format!("`{written}` has no output, so it cannot be used as an artifact");
                let can = action
                    .signature
                    .as_ref()
                    .is_some_and(|signature| signature.provider.outputs.max > 0);
                let help = match can {
                    true => format!("add a line to it, such as `output {}`", suggested_output(entity)),
                    false => "this kind of action gives no artifacts: use one that does".to_owned(),
                };
                let diagnostic = Diagnostic::new(&codes::NO_OUTPUT, entity.span, message)
                    .with_label("used as an artifact here")
                    .with_other(action.origin, "the action is declared here, without an `output`")
                    .with_help(help);
                self.ev.emit(diagnostic);
                None
            }
            outputs => {
                let written = entity.written();
                let names = outputs.iter().map(|output| output.name);
                let list = listed_as(names, |name| format!("`{written}.{name}`"));
                let message = format!("`{written}` has {} outputs: say which is meant", outputs.len());
                let diagnostic = Diagnostic::new(&codes::AMBIGUOUS_OUTPUT, entity.span, message)
                    .with_label("used as an artifact here")
                    .with_other(action.origin, "the action is declared here")
                    .with_help(format!("write one of {list}"));
                self.ev.emit(diagnostic);
                None
            }
        }
    }

    /// The action that a reference stands for; none, and a report, if there is none.
    fn action_index(&mut self, entity: &Rc<Entity<'p>>) -> Option<usize> {
        let key = (entity.scope, entity.name, entity.key.clone());
        if let Some(&index) = self.draft.by_name.get(&key) {
            return Some(index);
        }
        let draft = self.draft;
        let same = |(scope, name, _): &&super::expand::EntityKey<'p>| *scope == entity.scope && *name == entity.name;
        let mut keys: Vec<&str> = draft
            .by_name
            .keys()
            .chain(draft.outputs.keys())
            .filter(same)
            .filter_map(|(_, _, key)| key.as_deref())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let plain = draft.by_name.contains_key(&(entity.scope, entity.name, None))
            || draft.outputs.contains_key(&(entity.scope, entity.name, None));
        if plain && entity.key.is_some() {
            let message = format!("`{}` is not a family, so it has no keys", entity.name);
            let help = format!("write `{}` alone", entity.name);
            self.ev
                .emit(Diagnostic::new(&codes::NOT_A_FAMILY, entity.span, message).with_help(help));
            return None;
        }
        self.wrong_key(entity, entity.name, entity.key.as_deref(), &keys);
        None
    }

    fn wrong_key(&mut self, entity: &Entity<'p>, name: &str, key: Option<&str>, keys: &[&str]) {
        if self.draft.incomplete && keys.is_empty() {
            return;
        }
        let list = || listed_as(keys.iter().copied(), |key| format!("`{name}[{key:?}]`"));
        let (code, message, help) = match (key, keys.is_empty()) {
            (_, true) => (
                &codes::UNKNOWN_NAME,
                format!("`{}` is not there in this pipeline", entity.written()),
                "it is declared inside a `for` or `if` that leaves it out".to_owned(),
            ),
            (None, false) => (
                &codes::NOT_A_FAMILY,
                format!("`{name}` is a family: say which one is meant"),
                format!("write one of {}", list()),
            ),
            (Some(key), false) => (
                &codes::UNKNOWN_NAME,
                format!("the family `{name}` has no `{key}`"),
                match self.ev.diags.nearest(key, keys.iter().copied()) {
                    Some(near) => format!("did you mean `{name}[{near:?}]`?"),
                    None => format!("it has {}", list()),
                },
            ),
        };
        self.ev
            .emit(Diagnostic::new(code, entity.span, message).with_help(help));
    }

    fn variable(&mut self, entity: &Rc<Entity<'p>>, key: &str, span: Span) -> Option<VariableRef> {
        let index = self.action_index(entity)?;
        let action = &self.draft.actions[index];
        let signature = action.signature.as_ref()?;
        let namespace = self.namespaces[index].clone()?;
        let found = match &signature.provider.exports {
            Exports::Fixed(names) => names
                .iter()
                .find(|name| snake_case(name) == key || *name == key)
                .cloned(),
            Exports::Open | Exports::Declared => action.exports.contains_key(key).then(|| key.to_owned()),
        };
        if let Some(key) = found {
            return Some(VariableRef {
                namespace,
                key,
                origin: span,
            });
        }
        let written = entity.written();
        let fixed = signature.output_variables();
        let help = match &signature.provider.exports {
            Exports::Fixed(names) if names.is_empty() => {
                format!("`{}` has no output variables", signature.provider.name)
            }
            Exports::Fixed(_) => {
                let names = fixed.iter().map(String::as_str);
                let near = self.ev.diags.did_you_mean(key, names.clone());
                near.unwrap_or_else(|| format!("it has {}", listed(names)))
            }
            _ => self
                .ev
                .diags
                .did_you_mean(key, action.exports.keys().map(String::as_str))
                .unwrap_or_else(|| format!("add a line to `{written}`: `export {key}`")),
        };
        let diagnostic = Diagnostic::new(
            &codes::UNKNOWN_OUTPUT_VARIABLE,
            span,
            format!("`{written}` has no output variable `{key}`"),
        );
        let diagnostic = diagnostic
            .with_other(action.origin, "the action is declared here")
            .with_help(help);
        self.ev.emit(diagnostic);
        None
    }

    fn trigger(&mut self, trigger: TriggerDraft<'p>) -> Option<ir::Trigger> {
        let entity = trigger.action?;
        let index = self.action_index(&entity)?;
        Some(ir::Trigger {
            source_action: Node::new(self.draft.actions[index].name.value.clone(), entity.span),
            push: trigger.push,
            pull_request: trigger.pull_request,
            origin: trigger.origin,
        })
    }
}

/// A name for an output that an action could have.
fn suggested_output(entity: &Entity<'_>) -> String {
    match &entity.key {
        Some(key) => format!("{}[{key:?}]", entity.name),
        None => entity.name.to_owned(),
    }
}

fn texts_of<'p>(action: &ActionDraft<'p>, note: &mut dyn FnMut(&Draft<'p>)) {
    action.configuration.values().for_each(|config| note(&config.value));
    action.commands.iter().for_each(|(text, _)| note(text));
    action.environment.iter().for_each(|variable| note(&variable.value));
}
