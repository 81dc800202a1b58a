//! The settings of a pipeline, its tags and its variables.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::ir::{self, ExecutionMode, Node, PipelineType};
use crate::source::Span;
use crate::syntax::ast::{Expr, Ident, Stmt};

use super::super::codes;
use super::super::eval::Env;
use super::super::program::emit_duplicate;
use super::super::ty::{FieldTy, Fields, Ty};
use super::super::value::{Draft, Value};
use super::{Expander, fields};

/// What the fields of a pipeline say.
#[derive(Debug, Default)]
pub struct Settings<'p> {
    pub role_arn: Option<(Draft<'p>, Span)>,
    pub store: Option<StoreDraft<'p>>,
    pub stores: Option<(BTreeMap<String, StoreDraft<'p>>, Span)>,
    pub pipeline_type: Option<Node<PipelineType>>,
    pub execution_mode: Option<Node<ExecutionMode>>,
    pub tags: Vec<ir::Tag>,
    pub restart_execution_on_update: Option<(Draft<'p>, Span)>,
    /// By the AWS name of the stage, with the reason.
    pub disabled_transitions: Vec<(Node<String>, (Draft<'p>, Span))>,
}

#[derive(Debug)]
pub struct StoreDraft<'p> {
    pub bucket: (Draft<'p>, Span),
    pub key: Option<(Draft<'p>, Span)>,
    pub origin: Span,
}

const SETTINGS: &[&str] = &[
    "role_arn",
    "artifact_store",
    "artifact_stores",
    "pipeline_type",
    "execution_mode",
    "tags",
    "restart_execution_on_update",
    "disabled_transitions",
];

impl<'p> Expander<'p, '_, '_> {
    pub(super) fn setting(&mut self, name: &'p Ident, value: &'p Expr, env: &mut Env<'p>, seen: &mut fields::Seen<'p>) {
        if !SETTINGS.contains(&name.text.as_str()) {
            self.unknown_field("a pipeline", name, SETTINGS);
            self.ev.eval(value, env);
            return;
        }
        if !self.first_time(name, seen) {
            return;
        }
        match name.text.as_str() {
            "role_arn" => {
                self.draft.settings.role_arn = self.draft_of(value, &Ty::STRING, env);
                self.draft.incomplete |= self.draft.settings.role_arn.is_none();
            }
            "artifact_store" => {
                let found = self.ev.eval_as(value, &store_type(), env);
                self.draft.settings.store = self.store(found, value.span);
                self.draft.incomplete |= self.draft.settings.store.is_none();
            }
            "artifact_stores" => self.stores(value, env),
            "pipeline_type" => {
                let ty = Ty::optional(Ty::one_of(&["V1", "V2"]));
                let kind = match self.ev.eval_as(value, &ty, env) {
                    Value::None => PipelineType::Unset,
                    Value::Str(text) if *text == *"V1" => PipelineType::V1,
                    Value::Str(_) => PipelineType::V2,
                    Value::Text(draft) => {
                        self.ev.too_late(&draft, value.span, "the pipeline's type");
                        return self.draft.incomplete = true;
                    }
                    _ => return self.draft.incomplete = true,
                };
                self.draft.settings.pipeline_type = Some(Node::new(kind, value.span));
            }
            "restart_execution_on_update" => self.restart_execution_on_update(value, env),
            "disabled_transitions" => self.disabled_transitions(value, env),
            "execution_mode" => {
                let ty = Ty::one_of(&["SUPERSEDED", "QUEUED", "PARALLEL"]);
                if let Some(text) = self.known_text(value, &ty, "the execution mode", env) {
                    let mode = match text.value.as_str() {
                        "QUEUED" => ExecutionMode::Queued,
                        "PARALLEL" => ExecutionMode::Parallel,
                        _ => ExecutionMode::Superseded,
                    };
                    self.draft.settings.execution_mode = Some(Node::new(mode, text.origin));
                }
            }
            _ => self.tags(value, env),
        }
    }

    fn restart_execution_on_update(&mut self, value: &'p Expr, env: &mut Env<'p>) {
        let ty = Ty::Union([Ty::Bool, Ty::STRING].into());
        let draft = match self.ev.eval_as(value, &ty, env) {
            Value::Bool(value) => Draft::text(value.to_string()),
            Value::Text(draft) if draft.deploy_name().is_some() => (*draft).clone(),
            Value::Text(draft) => {
                self.ev.too_late(&draft, value.span, "this");
                return;
            }
            Value::Error | Value::Unknown(_) => return,
            other => {
                let message = format!("this is `true` or `false`, and not {}", other.described());
                self.ev.fail(&codes::TYPE_MISMATCH, value.span, message);
                return;
            }
        };
        self.draft.settings.restart_execution_on_update = Some((draft, value.span));
    }

    /// `{ Prod = "frozen until Monday" }`: by the AWS name of a stage, the reason.
    fn disabled_transitions(&mut self, value: &'p Expr, env: &mut Env<'p>) {
        let Value::Record(record) = self.ev.eval_as(value, &Ty::map(Ty::STRING), env) else {
            return;
        };
        let places = entry_places(value);
        for (stage, reason) in record.iter() {
            let origin = places.get(&**stage).copied().unwrap_or(value.span);
            match reason.to_draft() {
                Some(draft) if draft.later().is_none() || draft.deploy_name().is_some() => {
                    let stage = Node::new(stage.to_string(), origin);
                    self.draft.settings.disabled_transitions.push((stage, (draft, origin)));
                }
                Some(draft) => {
                    self.ev.too_late(&draft, origin, "a reason");
                }
                None => {}
            }
        }
    }

    /// A string that may be known later, with its place.
    pub(super) fn draft_of(&mut self, expr: &'p Expr, ty: &Ty, env: &mut Env<'p>) -> Option<(Draft<'p>, Span)> {
        let value = self.ev.eval_as(expr, ty, env);
        if let Value::Text(draft) = &value
            && draft.later().is_some()
            && !draft.has_deploy_value()
        {
            self.ev.too_late(draft, expr.span, "this");
            return None;
        }
        Some((value.to_draft()?, expr.span))
    }

    fn store(&mut self, value: Value<'p>, origin: Span) -> Option<StoreDraft<'p>> {
        let text = |this: &mut Self, value: &Value<'p>| {
            if let Value::Text(draft) = value
                && !draft.has_deploy_value()
            {
                this.ev.too_late(draft, origin, "a bucket's name");
                return None;
            }
            Some((value.to_draft()?, origin))
        };
        match &value {
            Value::Record(record) => {
                let bucket = text(self, record.get("bucket")?)?;
                let key = match record.get("kms_key") {
                    None | Some(Value::None) => None,
                    Some(key) => Some(text(self, key)?),
                };
                Some(StoreDraft { bucket, key, origin })
            }
            other => Some(StoreDraft {
                bucket: text(self, other)?,
                key: None,
                origin,
            }),
        }
    }

    fn stores(&mut self, value: &'p Expr, env: &mut Env<'p>) {
        let found = self.ev.eval_as(value, &Ty::map(store_type()), env);
        let Value::Record(record) = found else {
            self.draft.incomplete = true;
            return;
        };
        let mut stores = BTreeMap::new();
        let places = entry_places(value);
        for (region, store) in record.iter() {
            let origin = places.get(&**region).copied().unwrap_or(value.span);
            match self.store(store.clone(), origin) {
                Some(store) => {
                    stores.insert(region.to_string(), store);
                }
                None => self.draft.incomplete = true,
            }
        }
        self.draft.settings.stores = Some((stores, value.span));
    }

    fn tags(&mut self, value: &'p Expr, env: &mut Env<'p>) {
        let Value::Record(record) = self.ev.eval_as(value, &Ty::map(Ty::STRING), env) else {
            return;
        };
        let places = entry_places(value);
        for (key, text) in record.iter() {
            let origin = places.get(&**key).copied().unwrap_or(value.span);
            let Some(draft) = text.to_draft() else { continue };
            match draft.deploy_name() {
                Some(text) => self.draft.settings.tags.push(ir::Tag {
                    key: Node::new(key.to_string(), origin),
                    value: Node::new(text, origin),
                }),
                None => {
                    self.ev.too_late(&draft, origin, "a tag");
                }
            }
        }
    }

    pub(super) fn variable(&mut self, stmt: &'p Stmt, name: &'p Ident, default: Option<&'p Expr>, env: &mut Env<'p>) {
        if let Some(first) = self.draft.variables.get(&name.text) {
            let first = first.name.origin;
            emit_duplicate(self.ev.diags, &name.text, first, name.span);
            return;
        }
        let default = match default {
            Some(expr) => match self.known_text(expr, &Ty::STRING, "a variable's default", env) {
                Some(text) => Some(text),
                None => {
                    self.draft.incomplete = true;
                    None
                }
            },
            None => None,
        };
        let variable = ir::Variable {
            name: Node::new(name.text.clone(), name.span),
            default,
            description: stmt
                .doc
                .as_ref()
                .map(|doc| doc.lines().map(str::trim).collect::<Vec<_>>().join(" ")),
            origin: stmt.span,
        };
        self.draft.variables.insert(name.text.clone(), variable);
        let scope = env.scope;
        let names = scope.map(|scope| self.ev.scopes[scope.0].names.clone());
        if let Some(info) = names.as_ref().and_then(|names| names.get(&name.text)) {
            let other = info.action.as_ref().map(|action| action.name).or(info.output);
            if let Some(other) = other {
                let message = format!("`{}` is both a variable and an action or output", name.text);
                let diagnostic = Diagnostic::new(&codes::DUPLICATE_NAME, name.span, message)
                    .with_other(other.ident.span, "the other one")
                    .with_help("rename one of the two");
                self.ev.emit(diagnostic);
            }
        }
    }
}

/// `"bucket"` or `{ bucket = "…", kms_key = "…" }`
fn store_type() -> Ty {
    let field = |name: &str, ty: Ty| (name.to_owned(), FieldTy::new(ty));
    let fields = Fields::from_iter([field("bucket", Ty::STRING), field("kms_key", Ty::optional(Ty::STRING))]);
    Ty::Union([Ty::STRING, Ty::Record(fields.into())].into())
}

/// Where each entry of a record literal stands.
pub(super) fn entry_places(expr: &Expr) -> std::collections::HashMap<&str, Span> {
    use crate::syntax::ast::{ExprKind, RecordEntry};
    let mut places = std::collections::HashMap::new();
    if let ExprKind::Record(entries) = &expr.kind {
        for entry in entries {
            if let RecordEntry::Field { key, value, .. } = entry {
                places.insert(key.text.as_str(), key.span.to(value.span));
            }
        }
    }
    places
}
