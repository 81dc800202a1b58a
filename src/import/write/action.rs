//! Actions and rules: their fields in the order of the design, and their clauses.

use crate::catalog::Encoding;
use crate::ir::{Action, Configuration, EnvironmentVariable, Node, Rule, Text, TypeId, VariableRef};

use super::decode::{self, Surroundings};
use super::index::{ActionId, Index};
use super::kinds::{self, Kinds};
use super::named::Named;
use super::names::{self, Names};
use super::text::{self, References, Spelled};
use super::tree::{Expr, Head, Name, Stmt};
use super::verify::Owner;

/// Values by their names.
type Fields = Vec<(String, Expr)>;

/// All that writing one pipeline needs.
pub(super) struct Ctx<'c, 'i> {
    pub index: &'c Index<'i>,
    pub names: &'c Names,
    pub kinds: &'c Kinds,
    /// Whose configuration is written as it is sent, because decoding lost something.
    pub is_raw: &'c dyn Fn(Owner) -> bool,
}

impl Ctx<'_, '_> {
    pub(super) fn action(&self, id: ActionId) -> Stmt {
        let action = self.index.actions[id];
        let name = &self.names.actions[id];
        let mut body = self.fields(&Subject::of_action(action, (self.is_raw)(Owner::Action(id))));
        if self.index.is_namespace_written[id]
            && let Some(namespace) = &action.namespace
        {
            body.push(Stmt::Field("namespace".to_owned(), text::known(&namespace.value)));
        }
        for (output, name) in action.outputs.iter().zip(&self.names.outputs[id]) {
            let head = names::head(name, &output.name.value, '_');
            if self.is_implicit(id, &head) && output.files.is_empty() {
                continue;
            }
            let files = output.files.iter().map(|pattern| text::known(&pattern.value));
            let from = (!output.files.is_empty()).then(|| Expr::List(files.collect()));
            body.push(Stmt::Output(head, from));
        }
        let exports = self.index.exports[id].iter().cloned();
        body.extend(exports.map(Stmt::Export));
        Stmt::Action(
            names::head(name, &action.name.value, '-'),
            self.provider(&action.type_id),
            body,
        )
    }

    /// A source's only output, named like the source, goes without saying.
    fn is_implicit(&self, id: ActionId, output: &Head) -> bool {
        let action = self.index.actions[id];
        action.type_id.is_source()
            && action.outputs.len() == 1
            && output.name == self.names.actions[id]
            && output.aws_name.is_none()
    }

    pub(super) fn rule(&self, rule: &Rule, name: &Name) -> Stmt {
        let number = kinds::rules(self.index.pipeline).position(|other| std::ptr::eq(rule, other));
        let is_raw = number.is_some_and(|number| (self.is_raw)(Owner::Rule(number)));
        let body = self.fields(&Subject::of_rule(rule, is_raw));
        Stmt::Rule(
            names::head(name, &rule.name.value, '-'),
            self.provider(&rule.type_id),
            body,
        )
    }

    fn provider(&self, id: &TypeId) -> String {
        self.kinds
            .get(id)
            .map(|kind| kind.provider.name.clone())
            .unwrap_or_default()
    }

    fn fields(&self, subject: &Subject<'_>) -> Vec<Stmt> {
        let mut body = Vec::new();
        let mut put =
            |name: &str, value: Option<Expr>| body.extend(value.map(|value| Stmt::Field(name.to_owned(), value)));
        let (fields, raw) = self.configuration(subject);
        put("input", self.input(subject, &fields));
        put("region", subject.region.map(|region| text::known(&region.value)));
        put(
            "role_arn",
            subject.role_arn.map(|role| text::text(&role.value, &Spelled)),
        );
        for (name, value) in fields {
            put(&name, Some(value));
        }
        put("configuration", (!raw.is_empty()).then_some(Expr::Record(raw)));
        let minutes = subject.timeout.map(|minutes| minutes.value);
        put("timeout", minutes.map(|minutes| Expr::Plain(decode::duration(minutes))));
        body
    }

    /// The provider's fields, and the keys that are sent as they are.
    fn configuration(&self, subject: &Subject<'_>) -> (Fields, Fields) {
        let around = Around {
            ctx: self,
            inputs: subject.inputs,
        };
        let mut fields = Vec::new();
        let mut is_typed = |key: &str, name: &str, value: Option<Expr>| {
            let found = value.is_some();
            fields.extend(value.map(|value| (name.to_owned(), value)));
            found.then(|| key.to_owned())
        };
        let mut typed: Vec<String> = Vec::new();
        let kind = self.kinds.get(subject.type_id);
        let signature = kind
            .iter()
            .flat_map(|kind| kind.provider.fields.iter().zip(&kind.types));
        for (field, ty) in signature {
            let value = match field.encoding {
                Encoding::Commands if subject.commands.is_empty() => None,
                Encoding::Commands => {
                    let commands = subject
                        .commands
                        .iter()
                        .map(|command| text::text(&command.value, &around));
                    Some(Expr::List(commands.collect()))
                }
                Encoding::Environment if subject.environment.is_empty() => None,
                Encoding::Environment => {
                    let variables = subject.environment.iter();
                    let variables =
                        variables.map(|variable| (variable.name.value.as_str(), &variable.value.value, variable.kind));
                    decode::environment(variables, &around)
                }
                _ if subject.is_raw => None,
                _ => subject
                    .configuration
                    .get(&field.key)
                    .and_then(|entry| decode::field(&entry.value, field, ty, &around)),
            };
            let key = is_typed(&field.key, &field.name, value);
            typed.extend(key.filter(|_| field.encoding.is_configuration()));
        }
        let raw = subject.configuration.iter().filter(|(key, _)| !typed.contains(key));
        let raw = raw
            .map(|(key, entry)| (key.clone(), text::text(&entry.value, &around)))
            .collect();
        (fields, raw)
    }

    /// What `input` must name: the inputs but for those at the end that `.file(…)` puts there by itself.
    fn input(&self, subject: &Subject<'_>, fields: &[(String, Expr)]) -> Option<Expr> {
        let mut files: Vec<&Name> = Vec::new();
        fields.iter().for_each(|(_, value)| files_in(value, &mut files));
        let names: Vec<Name> = subject
            .inputs
            .iter()
            .map(|input| match self.index.maker(&input.value) {
                Some(maker) => self.names.artifact(maker).clone(),
                None => self.names.of_nothing(&input.value),
            })
            .collect();
        let derives = |count: usize| {
            let mut given: Vec<&Name> = names[..count].iter().collect();
            for file in &files {
                if !given.contains(file) {
                    given.push(file);
                }
            }
            given.into_iter().eq(&names)
        };
        let count = (0..=names.len()).find(|&count| derives(count)).unwrap_or(names.len());
        let mut given: Vec<Expr> = names[..count].iter().cloned().map(Expr::Name).collect();
        match given.len() {
            0 => None,
            1 => given.pop(),
            _ => Some(Expr::List(given)),
        }
    }
}

/// The artifacts whose files a value names, in order.
fn files_in<'e>(value: &'e Expr, found: &mut Vec<&'e Name>) {
    match value {
        Expr::File(name, _) => found.push(name),
        Expr::List(entries) => entries.iter().for_each(|entry| files_in(entry, found)),
        Expr::Record(entries) => entries.iter().for_each(|(_, entry)| files_in(entry, found)),
        _ => {}
    }
}

/// What an action and a rule have in common.
struct Subject<'i> {
    type_id: &'i TypeId,
    configuration: &'i Configuration,
    commands: &'i [Node<Text>],
    environment: &'i [EnvironmentVariable],
    inputs: &'i [Node<String>],
    role_arn: Option<&'i Node<Text>>,
    region: Option<&'i Node<String>>,
    timeout: Option<&'i Node<u64>>,
    is_raw: bool,
}

impl<'i> Subject<'i> {
    fn of_action(action: &'i Action, is_raw: bool) -> Self {
        Self {
            type_id: &action.type_id,
            configuration: &action.configuration,
            commands: &action.commands,
            environment: &action.environment,
            inputs: &action.inputs,
            role_arn: action.role_arn.as_ref(),
            region: action.region.as_ref(),
            timeout: action.timeout_minutes.as_ref(),
            is_raw,
        }
    }

    fn of_rule(rule: &'i Rule, is_raw: bool) -> Self {
        Self {
            type_id: &rule.type_id,
            configuration: &rule.configuration,
            commands: &rule.commands,
            environment: &[],
            inputs: &rule.inputs,
            role_arn: rule.role_arn.as_ref(),
            region: rule.region.as_ref(),
            timeout: rule.timeout_minutes.as_ref(),
            is_raw,
        }
    }
}

struct Around<'a, 'c, 'i> {
    ctx: &'a Ctx<'c, 'i>,
    inputs: &'a [Node<String>],
}

impl References for Around<'_, '_, '_> {
    fn reference(&self, variable: &VariableRef) -> Option<Expr> {
        let (index, names) = (self.ctx.index, self.ctx.names);
        Named { index, names }.reference(variable)
    }
}

impl Surroundings for Around<'_, '_, '_> {
    fn input(&self, artifact: &str) -> Option<Name> {
        let is_input = self.inputs.iter().any(|input| input.value == artifact);
        let maker = self.ctx.index.maker(artifact).filter(|_| is_input)?;
        Some(self.ctx.names.artifact(maker).clone())
    }
}
