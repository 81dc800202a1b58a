//! Actions: their fields and clauses, and uses of reusable actions.

use std::rc::Rc;

use crate::catalog::{Encoding, Exports};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::suggest::listed;
use crate::ir::{self, Node};
use crate::source::Span;
use crate::syntax::ast::{self, ActionTemplate, Block, DeclName, Expr, ExprKind, Ident, Stmt, StmtKind};

use super::super::codes;
use super::super::encode;
use super::super::eval::Env;
use super::super::program::{ModuleId, emit_duplicate};
use super::super::signature::{Signature, Target};
use super::super::ty::Ty;
use super::super::value::{Draft, Value};
use super::settings::entry_places;
use super::trigger::item_places;
use super::{ActionDraft, ConfigDraft, EnvironmentDraft, Expander, OutputDraft, Place, fields, head};

/// The fields that any action has.
const COMMON: &[&str] = &["input", "region", "role_arn", "timeout", "namespace", "configuration"];

impl<'p> Expander<'p, '_, '_> {
    #[expect(
        clippy::too_many_arguments,
        reason = "an action's parts, its place and its surroundings"
    )]
    pub(super) fn action(
        &mut self,
        stmt: &'p Stmt,
        name: &'p DeclName,
        provider: &'p ast::Path,
        body: &'p Block,
        place: &Place,
        step: u32,
        env: &mut Env<'p>,
    ) {
        let key = self.key_of(name, env);
        let aws_name = match &key {
            Ok(key) => self.aws_name(name, key.as_ref(), '-', env),
            Err(()) => None,
        };
        let target = self.signatures.resolve(provider, env.module, self.ev);
        let signature = self.action_signature(provider, &target);
        let (key, aws_name, known) = match (key, aws_name) {
            (Ok(key), Some(name)) => (key, name, true),
            (key, _) => (
                key.unwrap_or(None),
                Node::new(name.ident.text.clone(), name.span()),
                false,
            ),
        };
        let handle = self.written(place.scope, &name.ident.text, key.as_ref());
        let mut draft = ActionDraft::new(handle, place.stage, aws_name, signature, head(stmt));
        draft.incomplete |= !known;
        draft.run_order = step;
        let outer = std::mem::take(&mut self.when);
        draft.when.clone_from(&outer);
        let prefix = place.output_prefix.as_str();
        match &target {
            Some(Target::Template(module, template)) => {
                let own_prefix = match &key {
                    Some(key) => format!("{prefix}{}_{key}_", name.ident.text),
                    None => format!("{prefix}{}_", name.ident.text),
                };
                self.template_body(&mut draft, *module, template, body, &own_prefix, prefix, env);
            }
            _ => {
                let mut seen = fields::Seen::default();
                self.action_body(&mut draft, body, prefix, &mut seen, env);
            }
        }
        self.when = outer;
        self.add_defaults(&mut draft);
        self.implicit_output(&mut draft, name, key.as_ref(), prefix);
        if known {
            self.declare(draft, name, key, place);
        } else {
            self.draft.incomplete = true;
        }
    }

    fn action_signature(&mut self, path: &'p ast::Path, target: &Option<Target<'p>>) -> Option<Rc<Signature>> {
        let (signature, span) = match target.clone()? {
            Target::Provider(signature) => (signature, path.span),
            Target::Template(module, template) => {
                match self.signatures.resolve(&template.provider, module, self.ev)? {
                    Target::Provider(signature) => (signature, template.provider.span),
                    Target::Template(..) => {
                        let message = "a reusable action is made of a provider, not of another reusable action";
                        self.ev.fail(&codes::UNKNOWN_PROVIDER, template.provider.span, message);
                        return None;
                    }
                }
            }
        };
        if signature.is_rule() {
            let message = format!("`{}` is a rule's provider, not an action's", signature.provider.name);
            let help = "rules stand in conditions: `before entry { rule x = … { … } result = \"FAIL\" }`";
            self.ev
                .emit(Diagnostic::new(&codes::UNKNOWN_PROVIDER, span, message).with_help(help));
            return None;
        }
        Some(signature)
    }

    #[expect(clippy::too_many_arguments, reason = "the two places that make up the action")]
    fn template_body(
        &mut self,
        draft: &mut ActionDraft<'p>,
        module: ModuleId,
        template: &'p ActionTemplate,
        args: &'p Block,
        own_prefix: &str,
        use_prefix: &str,
        env: &mut Env<'p>,
    ) {
        match self.bind_params(&template.params, module, &template.name, args, draft.origin, env) {
            Some(locals) => {
                let mut inner = Env {
                    module,
                    locals,
                    scope: None,
                };
                let mut seen = fields::Seen::default();
                self.action_body(draft, &template.body, own_prefix, &mut seen, &mut inner);
                draft.outputs.iter_mut().for_each(|output| output.of_template = true);
            }
            None => draft.incomplete = true,
        }
        self.walk(args, env, &mut |this, stmt, env| match &stmt.kind {
            StmtKind::Field { .. } => {}
            _ => this.clause(draft, stmt, use_prefix, env),
        });
    }

    fn action_body(
        &mut self,
        draft: &mut ActionDraft<'p>,
        body: &'p Block,
        prefix: &str,
        seen: &mut fields::Seen<'p>,
        env: &mut Env<'p>,
    ) {
        self.walk(body, env, &mut |this, stmt, env| match &stmt.kind {
            StmtKind::Field { name, value } => this.action_field(draft, name, value, seen, env),
            _ => this.clause(draft, stmt, prefix, env),
        });
    }

    fn clause(&mut self, draft: &mut ActionDraft<'p>, stmt: &'p Stmt, prefix: &str, env: &mut Env<'p>) {
        match &stmt.kind {
            StmtKind::Output { name, from } => self.output(draft, stmt, name, from.as_ref(), prefix, env),
            StmtKind::Export { name } => self.export(draft, stmt, name),
            StmtKind::Local { body } => self.local(draft, body, env),
            _ => {
                self.misplaced(stmt, "an action");
                draft.incomplete = true;
            }
        }
    }

    fn output(
        &mut self,
        draft: &mut ActionDraft<'p>,
        stmt: &'p Stmt,
        name: &'p DeclName,
        from: Option<&'p Expr>,
        prefix: &str,
        env: &mut Env<'p>,
    ) {
        let Ok(key) = self.key_of(name, env) else {
            return draft.incomplete = true;
        };
        let Some(mut aws_name) = self.aws_name(name, key.as_ref(), '_', env) else {
            return draft.incomplete = true;
        };
        if name.aws_name.is_none() {
            aws_name.value.insert_str(0, prefix);
        }
        let files = match from {
            Some(from) => {
                let takes_files = draft
                    .signature
                    .as_ref()
                    .is_none_or(|signature| signature.provider.output_files);
                if !takes_files {
                    let owner = draft
                        .signature
                        .as_ref()
                        .map(|signature| signature.provider.name.clone());
                    let message = format!(
                        "an output of `{}` cannot say which files it takes",
                        owner.unwrap_or_default()
                    );
                    let help = "remove `from …`: the build itself decides, in its buildspec's `artifacts`";
                    self.ev
                        .emit(Diagnostic::new(&codes::UNEXPECTED_CLAUSE, from.span, message).with_help(help));
                }
                let texts = self
                    .texts(from, &Ty::list(Ty::STRING), "a file pattern", env)
                    .unwrap_or_default();
                let node = |(text, origin): (Rc<str>, Span)| Node::new(text.to_string(), origin);
                if takes_files {
                    texts.into_iter().map(node).collect()
                } else {
                    Vec::new()
                }
            }
            None => Vec::new(),
        };
        if let Some(signature) = &draft.signature
            && signature.provider.outputs.max == 0
        {
            let message = format!("an action of `{}` gives no output artifacts", signature.provider.name);
            let help = "remove this clause";
            self.ev
                .emit(Diagnostic::new(&codes::UNEXPECTED_CLAUSE, head(stmt), message).with_help(help));
            return;
        }
        draft.outputs.push(OutputDraft {
            name: &name.ident.text,
            key,
            aws_name,
            of_template: false,
            files,
        });
    }

    fn export(&mut self, draft: &mut ActionDraft<'p>, stmt: &'p Stmt, name: &'p Ident) {
        if let Some(&first) = draft.exports.get(&name.text) {
            return emit_duplicate(self.ev.diags, &name.text, first, name.span);
        }
        if let Some(signature) = &draft.signature
            && let Exports::Fixed(_) = &signature.provider.exports
        {
            let message = format!("the output variables of `{}` are fixed", signature.provider.name);
            let known = signature.output_variables();
            let help = match known.is_empty() {
                true => "remove this clause: it has no output variables".to_owned(),
                false => format!(
                    "remove this clause; it has {}",
                    listed(known.iter().map(String::as_str))
                ),
            };
            self.ev
                .emit(Diagnostic::new(&codes::UNEXPECTED_CLAUSE, stmt.span, message).with_help(help));
            return;
        }
        draft.exports.insert(name.text.clone(), name.span);
    }

    fn local(&mut self, draft: &mut ActionDraft<'p>, body: &'p Block, env: &mut Env<'p>) {
        let mut seen = fields::Seen::default();
        self.walk(body, env, &mut |this, stmt, env| {
            let StmtKind::Field { name, value } = &stmt.kind else {
                return this.misplaced(stmt, "a `local` block");
            };
            if !this.first_time(name, &mut seen) {
                return;
            }
            let found = this.ev.eval(value, env);
            if let Some(json) = this.plain_json(&found, value.span) {
                let setting = ir::LocalSetting {
                    value: json,
                    origin: value.span,
                    key_origin: name.span,
                };
                draft.local.settings.insert(name.text.clone(), setting);
            }
        });
    }

    /// A value as JSON, for what only this machine reads; it must be known now.
    fn plain_json(&mut self, value: &Value<'p>, span: Span) -> Option<serde_json::Value> {
        Some(match value {
            Value::None => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Int(number) => (*number).into(),
            Value::Duration(seconds) => (*seconds).into(),
            Value::Str(text) => (**text).into(),
            Value::List(values) => values
                .iter()
                .map(|value| self.plain_json(value, span))
                .collect::<Option<Vec<_>>>()?
                .into(),
            Value::Record(record) => {
                let entry =
                    |(key, value): (&Rc<str>, &Value<'p>)| Some((key.to_string(), self.plain_json(value, span)?));
                record
                    .iter()
                    .map(entry)
                    .collect::<Option<serde_json::Map<_, _>>>()?
                    .into()
            }
            Value::Error | Value::Unknown(_) => return None,
            Value::Text(draft) => {
                self.ev.too_late(draft, span, "what a local run needs");
                return None;
            }
            other => {
                let message = format!("{} cannot stand in a `local` block", other.described());
                self.ev.fail(&codes::TYPE_MISMATCH, span, message);
                return None;
            }
        })
    }

    /// A field of an action or a rule.
    pub(super) fn action_field(
        &mut self,
        draft: &mut ActionDraft<'p>,
        name: &'p Ident,
        value: &'p Expr,
        seen: &mut fields::Seen<'p>,
        env: &mut Env<'p>,
    ) {
        if !self.first_time(name, seen) {
            return;
        }
        let known = match name.text.as_str() {
            "input" => self.input(draft, value, env),
            "region" => {
                draft.region = self.known_text(value, &Ty::STRING, "a region", env);
                draft.region.is_some()
            }
            "role_arn" => {
                draft.role_arn = self.draft_of(value, &Ty::STRING, env);
                draft.role_arn.is_some()
            }
            "namespace" => {
                draft.namespace = self.known_text(value, &Ty::STRING, "a namespace", env);
                draft.namespace.is_some()
            }
            "timeout" => {
                draft.timeout = self.minutes(value, env);
                draft.timeout.is_some()
            }
            "configuration" => self.raw_configuration(draft, value, env),
            _ => self.provider_field(draft, name, value, env),
        };
        draft.incomplete |= !known;
    }

    fn input(&mut self, draft: &mut ActionDraft<'p>, value: &'p Expr, env: &mut Env<'p>) -> bool {
        let ty = Ty::Union([Ty::Artifact, Ty::list(Ty::Artifact)].into());
        // A single artifact is the common case; its own message is the better one for anything that is not a list.
        let ty = if matches!(value.kind, ExprKind::List(_) | ExprKind::ListComp { .. }) {
            Ty::list(Ty::Artifact)
        } else {
            ty
        };
        match self.ev.eval_as(value, &ty, env) {
            Value::Entity(entity) => draft.inputs.push(entity),
            Value::List(values) => {
                let places = item_places(value);
                for (index, entry) in values.iter().enumerate() {
                    if let Value::Entity(entity) = entry {
                        // An artifact that came through a parameter is better shown where it is used.
                        let span = if places.len() == values.len() {
                            places[index]
                        } else {
                            value.span
                        };
                        let entity = super::super::value::Entity {
                            span,
                            ..(**entity).clone()
                        };
                        draft.inputs.push(Rc::new(entity));
                    }
                }
            }
            _ => return false,
        }
        if let [entity] = draft.inputs.as_mut_slice()
            && !matches!(value.kind, ExprKind::List(_))
        {
            *entity = Rc::new(super::super::value::Entity {
                span: value.span,
                ..(**entity).clone()
            });
        }
        true
    }

    /// A duration as whole minutes, as AWS counts time-outs.
    fn minutes(&mut self, value: &'p Expr, env: &mut Env<'p>) -> Option<Node<u64>> {
        match self.ev.eval_as(value, &Ty::Duration, env) {
            Value::Duration(seconds) if seconds % 60 == 0 => Some(Node::new(seconds / 60, value.span)),
            Value::Duration(_) => {
                let message = "AWS counts time-outs in whole minutes";
                let help = "write whole minutes, such as `90m` or `2h`";
                self.ev
                    .emit(Diagnostic::new(&codes::OUT_OF_BOUNDS, value.span, message).with_help(help));
                None
            }
            _ => None,
        }
    }

    /// `configuration = { Key = "raw" }`: sent as it is.
    fn raw_configuration(&mut self, draft: &mut ActionDraft<'p>, value: &'p Expr, env: &mut Env<'p>) -> bool {
        let Value::Record(record) = self.ev.eval_as(value, &Ty::map(Ty::STRING), env) else {
            return false;
        };
        let places = entry_places(value);
        for (key, value_of_key) in record.iter() {
            let origin = places.get(&**key).copied().unwrap_or(value.span);
            if let Some(text) = value_of_key.to_draft() {
                let config = ConfigDraft {
                    value: text,
                    origin,
                    key_origin: origin,
                };
                self.configure(draft, key, config);
            }
        }
        true
    }

    /// Adds a key to the configuration, which no other field may have given.
    fn configure(&mut self, draft: &mut ActionDraft<'p>, key: &str, config: ConfigDraft<'p>) {
        if let Some(first) = draft.configuration.get(key) {
            let message = format!("the configuration key `{key}` is given twice");
            let diagnostic = Diagnostic::new(&codes::DUPLICATE_FIELD, config.key_origin, message)
                .with_label("given again here")
                .with_other(first.key_origin, "first given here")
                .with_help("remove one of the two");
            self.ev.emit(diagnostic);
            return;
        }
        draft.configuration.insert(key.to_owned(), config);
    }

    fn provider_field(
        &mut self,
        draft: &mut ActionDraft<'p>,
        name: &'p Ident,
        value: &'p Expr,
        env: &mut Env<'p>,
    ) -> bool {
        let Some(signature) = draft.signature.clone() else {
            self.ev.eval(value, env);
            return false;
        };
        let provider = &signature.provider;
        let Some(index) = provider.fields.iter().position(|field| field.name == name.text) else {
            let fields = provider.fields.iter().map(|field| field.name.as_str());
            let common = COMMON
                .iter()
                .copied()
                .filter(|name| provider.timeout || *name != "timeout");
            let known: Vec<&str> = fields.chain(common).collect();
            self.unknown_field(&format!("`{}`", provider.name), name, &known);
            self.ev.eval(value, env);
            return false;
        };
        let field = &provider.fields[index];
        let found = self.ev.eval_as(value, &signature.types[index], env);
        if matches!(found, Value::None) {
            return true;
        }
        if found.is_error() || matches!(found, Value::Unknown(_)) {
            return false;
        }
        encode::files_in(&found, &mut draft.file_inputs);
        self.encode_field(draft, &field.key, field.encoding, &found, value, name.span)
    }

    fn encode_field(
        &mut self,
        draft: &mut ActionDraft<'p>,
        key: &str,
        encoding: Encoding,
        found: &Value<'p>,
        expr: &'p Expr,
        key_origin: Span,
    ) -> bool {
        let encoded = match (encoding, found) {
            (Encoding::Commands, Value::List(values)) => {
                let places = item_places(expr);
                for (index, value) in values.iter().enumerate() {
                    let origin = if places.len() == values.len() {
                        places[index]
                    } else {
                        expr.span
                    };
                    draft.commands.extend(value.to_draft().map(|text| (text, origin)));
                }
                return true;
            }
            (Encoding::Environment, Value::Record(record)) => return self.environment(draft, record, expr),
            (Encoding::EnvJson, Value::Record(record)) => encode::env_json(record),
            (Encoding::Csv, value) => encode::csv(value),
            (Encoding::Json, value) => encode::json(value),
            (Encoding::Minutes, Value::Duration(seconds)) if seconds % 60 == 0 => {
                Ok(Draft::text((seconds / 60).to_string()))
            }
            (Encoding::Minutes, Value::Duration(_)) => Err("a part of a minute".to_owned()),
            (_, value) => encode::plain(value),
        };
        match encoded {
            Ok(value) => {
                let config = ConfigDraft {
                    value,
                    origin: expr.span,
                    key_origin,
                };
                self.configure(draft, key, config);
                true
            }
            // An argument that nobody has given yet.
            Err(_) if self.dry => true,
            Err(what) => {
                let message = format!("{what} cannot be sent to AWS here");
                self.ev.fail(&codes::TYPE_MISMATCH, expr.span, message);
                false
            }
        }
    }

    fn environment(
        &mut self,
        draft: &mut ActionDraft<'p>,
        record: &super::super::value::Record<'p>,
        expr: &'p Expr,
    ) -> bool {
        let places = entry_places(expr);
        let entries = match encode::environment(record) {
            Ok(entries) => entries,
            Err(_) if self.dry => return true,
            Err(what) => {
                self.ev.fail(
                    &codes::TYPE_MISMATCH,
                    expr.span,
                    format!("{what} cannot be an environment variable"),
                );
                return false;
            }
        };
        for entry in entries {
            let origin = places.get(&*entry.name).copied().unwrap_or(expr.span);
            if entry.kind == ir::EnvironmentKind::ParameterStore {
                let message = "an action's own environment takes no values from the parameter store";
                let help = "use a secret of Secrets Manager: `secret(\"name\")`";
                self.ev
                    .emit(Diagnostic::new(&codes::TYPE_MISMATCH, origin, message).with_help(help));
                return false;
            }
            draft.environment.push(EnvironmentDraft {
                name: Node::new(entry.name.to_string(), origin),
                value: entry.value,
                kind: entry.kind,
            });
        }
        true
    }

    /// What is sent for fields that are left out.
    pub(super) fn add_defaults(&mut self, draft: &mut ActionDraft<'p>) {
        let Some(signature) = draft.signature.clone() else {
            return;
        };
        for (index, field) in signature.provider.fields.iter().enumerate() {
            let Some(default) = &field.default else { continue };
            if draft.configuration.contains_key(&field.key) || !field.encoding.is_configuration() {
                continue;
            }
            let Some(value) = literal(default) else { continue };
            let value = match (field.encoding, &value) {
                (Encoding::Csv, value) => encode::csv(value),
                (Encoding::Json, value) => encode::json(value),
                (Encoding::Minutes, Value::Duration(seconds)) => Ok(Draft::text((seconds / 60).to_string())),
                (_, value) => encode::plain(value),
            };
            debug_assert!(
                signature.types[index].is_optional(),
                "a field with a default is optional"
            );
            if let Ok(value) = value {
                let origin = draft.origin;
                let config = ConfigDraft {
                    value,
                    origin,
                    key_origin: origin,
                };
                draft.configuration.insert(field.key.clone(), config);
            }
        }
    }

    /// A source without an `output` has one, named like the action.
    fn implicit_output(
        &mut self,
        draft: &mut ActionDraft<'p>,
        name: &'p DeclName,
        key: Option<&Rc<str>>,
        prefix: &str,
    ) {
        let is_source = draft
            .signature
            .as_ref()
            .is_some_and(|signature| signature.provider.type_id.is_source());
        if !is_source || !draft.outputs.is_empty() {
            return;
        }
        let ident = &name.ident.text;
        let aws_name = key.map_or_else(|| format!("{prefix}{ident}"), |key| format!("{prefix}{ident}_{key}"));
        draft.outputs.push(OutputDraft {
            name: ident,
            key: key.cloned(),
            aws_name: Node::new(aws_name, name.span()),
            of_template: false,
            files: Vec::new(),
        });
    }

    /// Takes a finished action into the pipeline, under its name and those of its outputs. One whose name is taken is
    /// left out, so that no other rule speaks of it.
    fn declare(&mut self, draft: ActionDraft<'p>, name: &'p DeclName, key: Option<Rc<str>>, place: &Place) {
        let index = self.draft.actions.len();
        let ident = name.ident.text.as_str();
        let entity = (place.scope, ident, key.clone());
        if !self.dry {
            self.check_family(name, key.is_some(), place);
        }
        if let Some(&first) = self.draft.by_name.get(&entity) {
            // Of two that are never there together the first stands for both.
            if self.exclude_each_other(&self.draft.actions[first], &draft) {
                self.draft.actions.push(draft);
                return;
            }
            let first = self.draft.actions[first].name.origin;
            let written = self.written(place.scope, ident, key.as_ref());
            emit_duplicate(self.ev.diags, &written, first, name.span());
            self.draft.stages[place.stage].incomplete = true;
            return;
        }
        self.draft.by_name.insert(entity, index);
        for (at, output) in draft
            .outputs
            .iter()
            .enumerate()
            .filter(|(_, output)| !output.of_template)
        {
            let entity = (place.scope, output.name, output.key.clone());
            let own = output.name == ident && output.key == key;
            let (other, same_artifact) = match self.draft.outputs.get(&entity) {
                Some(&(action, at)) => {
                    // Two of one action, which is not among the pipeline's yet?
                    let maker = self.draft.actions.get(action).unwrap_or(&draft);
                    let other = &maker.outputs[at].aws_name;
                    (Some(other.origin), other.value == output.aws_name.value)
                }
                None => match self.draft.by_name.get(&entity) {
                    Some(&action) if !own && action != index => (Some(self.draft.actions[action].name.origin), false),
                    _ => (None, false),
                },
            };
            match other {
                // Two artifacts of one name are reported for any pipeline, whatever it was written in.
                Some(_) if same_artifact => {}
                Some(first) => {
                    let written = self.written(place.scope, output.name, output.key.as_ref());
                    emit_duplicate(self.ev.diags, &written, first, output.aws_name.origin);
                }
                None => {
                    self.draft.outputs.insert(entity, (index, at));
                }
            }
        }
        self.draft.actions.push(draft);
    }

    /// Whether a template has one or the other, never both.
    fn exclude_each_other(&self, a: &ActionDraft<'p>, b: &ActionDraft<'p>) -> bool {
        let (in_a, in_b) = (&self.draft.stages[a.stage].when, &self.draft.stages[b.stage].when);
        let pairs = [(&a.when, &b.when), (in_a, in_b), (&a.when, in_b), (in_a, &b.when)];
        pairs.iter().any(|(a, b)| ir::DeployCondition::excludes(a, b))
    }

    /// An action named like a family, or a family named like an action, cannot be told apart.
    fn check_family(&mut self, name: &'p DeclName, is_family: bool, place: &Place) {
        let names = self.ev.scopes[place.scope.0].names.clone();
        let Some(info) = names.get(&name.ident.text) else {
            return;
        };
        let Some(action) = &info.action else { return };
        if action.name.key.is_some() != is_family && action.name.ident.span != name.ident.span {
            let diagnostic = Diagnostic::new(
                &codes::DUPLICATE_NAME,
                name.span(),
                format!("`{}` is both an action and a family of actions", name.ident.text),
            );
            let diagnostic = diagnostic
                .with_other(action.name.span(), "the other one")
                .with_help("rename one of the two");
            self.ev.emit(diagnostic);
        }
    }

    pub(super) fn check_action_template(&mut self, module: ModuleId, template: &'p ActionTemplate) {
        let target = self.signatures.resolve(&template.provider, module, self.ev);
        let signature = match target {
            Some(Target::Provider(signature)) => Some(signature),
            _ => None,
        };
        let locals = self.unknown_params(&template.params, module);
        let mut env = Env {
            module,
            locals,
            scope: None,
        };
        let name = Node::new(template.name.text.clone(), template.name.span);
        let mut draft = ActionDraft::new(template.name.text.clone(), 0, name, signature, template.name.span);
        draft.incomplete = true;
        let mut seen = fields::Seen::default();
        self.action_body(&mut draft, &template.body, "", &mut seen, &mut env);
    }
}

/// The value of a default, which is a literal.
fn literal<'p>(expr: &Expr) -> Option<Value<'p>> {
    Some(match &expr.kind {
        ExprKind::Str(text) => Value::str(text.as_text()?),
        ExprKind::Int(number) => Value::Int(*number),
        ExprKind::Bool(value) => Value::Bool(*value),
        ExprKind::Duration(seconds) => Value::Duration(*seconds),
        ExprKind::Paren(inner) => literal(inner)?,
        ExprKind::List(entries) => {
            let item = |entry: &ast::ListEntry| match entry {
                ast::ListEntry::Item(item) => literal(item),
                ast::ListEntry::Spread(_) => None,
            };
            Value::list(entries.iter().map(item).collect::<Option<Vec<_>>>()?)
        }
        _ => return None,
    })
}
