//! Reads a `provider` item into a [`Provider`].
//!
//! What is left out has the meaning that AWS gives a custom action: up to five artifacts on either side, no output
//! variables, any region, any pipeline. What is wrong is reported and then read as if it had been left out, so that one
//! mistake gives one message.

mod types;
mod values;

use std::collections::BTreeMap;

use super::drivers::DRIVERS;
use super::{Count, Encoding, Exports, Field, Provider, Require, codes, pascal_case};
use crate::diagnostic::suggest::nearest;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::TypeId;
use crate::source::Span;
use crate::syntax::ast::{self, Doc, Expr, ExprKind, Ident, Stmt, StmtKind, TypeExpr};

const SETTINGS: [&str; 12] = [
    "type",
    "page",
    "inputs",
    "outputs",
    "exports",
    "permissions",
    "pipeline_type",
    "cross_region",
    "files",
    "timeout",
    "open",
    "deprecated",
];

/// Fields that any action has, whatever its provider.
const RESERVED: [&str; 6] = ["input", "region", "role_arn", "timeout", "namespace", "configuration"];

const CATEGORIES: [&str; 8] = [
    "Source", "Build", "Test", "Deploy", "Approval", "Invoke", "Compute", "Rule",
];

const OWNERS: [&str; 3] = ["AWS", "ThirdParty", "Custom"];

/// AWS's bounds for custom actions, which the API sets for both sides.
const ANY_COUNT: Count = Count { min: 0, max: 5 };

/// Reads `provider`; a provider of the library is named after its `module`.
pub fn lower(provider: &ast::Provider, doc: &Doc, module: Option<&str>, diags: &mut Diagnostics) -> Provider {
    let name = &provider.name.text;
    let mut ctx = Lowering {
        provider: Provider {
            name: module.map_or_else(|| name.clone(), |module| format!("{module}.{name}")),
            doc: doc.clone(),
            type_id: stand_in(name),
            inputs: ANY_COUNT,
            outputs: ANY_COUNT,
            fields: Vec::new(),
            exports: Exports::Fixed(Vec::new()),
            permissions: Vec::new(),
            requires: Vec::new(),
            driver: None,
            v2_only: false,
            cross_region: true,
            output_files: false,
            timeout: false,
            open: false,
            deprecated: None,
            page: None,
            span: provider.name.span,
        },
        settings: BTreeMap::new(),
        keys: BTreeMap::new(),
        driver: None,
        places: Vec::new(),
        diags,
    };
    for stmt in &provider.body.stmts {
        ctx.stmt(stmt);
    }
    ctx.check_places();
    if !ctx.settings.contains_key("type") {
        ctx.report_missing_type(&provider.name);
    }
    ctx.provider
}

/// The type that a provider has until it says a legal one; what is wrong has been reported by then.
fn stand_in(name: &str) -> TypeId {
    TypeId {
        category: "Build".to_owned(),
        owner: "Custom".to_owned(),
        provider: name.to_owned(),
        version: "1".to_owned(),
    }
}

struct Lowering<'a, 'd> {
    provider: Provider,
    /// Where each setting was given.
    settings: BTreeMap<&'a str, Span>,
    /// Which field sends each configuration key, by its place.
    keys: BTreeMap<String, Span>,
    driver: Option<Span>,
    /// The fields that `require` statements point at; those may be declared below them.
    places: Vec<&'a Ident>,
    diags: &'d mut Diagnostics,
}

impl<'a> Lowering<'a, '_> {
    fn stmt(&mut self, stmt: &'a Stmt) {
        match &stmt.kind {
            StmtKind::Field { name, value } => self.setting(name, value),
            StmtKind::ProviderField {
                name,
                aws_key,
                ty,
                default,
                encoding,
            } => {
                let key = self.key(name, aws_key.as_deref());
                let encoding = self.encoding(encoding.as_ref(), ty);
                self.field(Field {
                    name: name.text.clone(),
                    key,
                    doc: stmt.doc.clone(),
                    ty: ty.clone(),
                    optional: default.is_some() || types::is_optional(ty),
                    default: default.as_deref().cloned(),
                    encoding,
                    span: name.span,
                });
            }
            StmtKind::Require { cond, message, at } => {
                self.places.extend(at);
                self.provider.requires.push(Require {
                    cond: cond.as_ref().clone(),
                    message: message.as_ref().clone(),
                    at: at.as_ref().map(|at| at.text.clone()),
                    span: stmt.span,
                });
            }
            StmtKind::LocalDriver { driver } => self.local(driver),
            _ => self.misplaced(stmt),
        }
    }

    /// `name = value`: what holds for the provider as a whole.
    fn setting(&mut self, name: &'a Ident, value: &Expr) {
        let Some(&setting) = SETTINGS.iter().find(|&&setting| setting == name.text) else {
            return self.report_unknown_setting(name);
        };
        if let Some(first) = self.settings.insert(setting, name.span) {
            return self.report_duplicate(name.span, first, &format!("`{setting}` is set twice"));
        }
        let provider = &mut self.provider;
        let wanted = match setting {
            "type" => return self.type_id(value),
            "page" => set(&mut provider.page, values::text(value).map(Some), PAGE),
            "inputs" => set(&mut provider.inputs, values::count(value), INPUTS),
            "outputs" => set(&mut provider.outputs, values::count(value), OUTPUTS),
            "exports" => set(&mut provider.exports, values::exports(value), EXPORTS),
            "permissions" => set(&mut provider.permissions, values::texts(value), PERMISSIONS),
            "pipeline_type" => set(&mut provider.v2_only, values::pipeline_type(value), PIPELINE_TYPE),
            "cross_region" => set(&mut provider.cross_region, values::boolean(value), BOOLEAN),
            "files" => set(&mut provider.output_files, values::boolean(value), BOOLEAN),
            "timeout" => set(&mut provider.timeout, values::boolean(value), BOOLEAN),
            "open" => set(&mut provider.open, values::boolean(value), BOOLEAN),
            _ => set(&mut provider.deprecated, values::text(value).map(Some), DEPRECATED),
        };
        // What the parser could not understand it has reported.
        if let Err((wanted, write)) = wanted
            && !matches!(value.kind, ExprKind::Error)
        {
            self.diags.emit(
                Diagnostic::new(
                    &codes::BAD_PROVIDER_SETTING,
                    value.span,
                    format!("`{setting}` wants {wanted}"),
                )
                .with_help(write),
            );
        }
    }

    fn type_id(&mut self, value: &Expr) {
        let problem = match values::text(value).map(|text| values::type_id(&text)) {
            Some(Ok(id)) => {
                self.provider.type_id = id;
                return;
            }
            Some(Err(problem)) => problem,
            None if matches!(value.kind, ExprKind::Error) => return,
            None => "`type` wants a string".to_owned(),
        };
        self.diags.emit(
            Diagnostic::new(&codes::BAD_PROVIDER_TYPE, value.span, problem)
                .with_help("write category, owner, provider and version, as in `\"Build/Custom/Jenkins/1\"`"),
        );
    }

    /// The configuration key of a field: the one written, or its name's words with a capital each.
    fn key(&mut self, name: &Ident, aws_key: Option<&Expr>) -> String {
        let Some(aws_key) = aws_key else {
            return pascal_case(&name.text);
        };
        match values::text(aws_key) {
            Some(key) if (1..=50).contains(&key.chars().count()) => key,
            _ => {
                self.diags.emit(
                    Diagnostic::new(
                        &codes::BAD_PROVIDER_SETTING,
                        aws_key.span,
                        "a field's key has 1 to 50 characters and no interpolation",
                    )
                    .with_help(
                        "write the key as AWS spells it, or leave it out if it is the field's name in PascalCase",
                    ),
                );
                pascal_case(&name.text)
            }
        }
    }

    fn encoding(&mut self, name: Option<&Ident>, ty: &TypeExpr) -> Encoding {
        let Some(name) = name else { return Encoding::Plain };
        let known = Encoding::NAMES.iter().find(|(known, _)| *known == name.text);
        let Some(&(_, encoding)) = known else {
            let names = Encoding::NAMES.map(|(name, _)| name);
            let message = format!("cannot find encoding `{}`", name.text);
            let report = Diagnostic::new(&codes::UNKNOWN_ENCODING, name.span, message);
            self.diags.emit(suggest(report, &name.text, &names));
            return Encoding::Plain;
        };
        if let Some(wanted) = types::encoding_wants(encoding, ty) {
            self.diags.emit(
                Diagnostic::new(
                    &codes::ENCODING_MISMATCH,
                    name.span,
                    format!("`{}` encodes {wanted}", name.text),
                )
                .with_other(ty.span, format!("this is not {wanted}"))
                .with_help(format!(
                    "give the field a type that is {wanted}, or leave out `encoded {}`",
                    name.text
                )),
            );
        }
        encoding
    }

    fn field(&mut self, field: Field) {
        if RESERVED.contains(&field.name.as_str()) {
            self.diags.emit(
                Diagnostic::new(
                    &codes::RESERVED_FIELD_NAME,
                    field.span,
                    format!("every action has a field `{}` already", field.name),
                )
                .with_help(format!(
                    "choose another name and keep the key: `field {}_name \"{}\": …`",
                    field.name, field.key
                )),
            );
            return;
        }
        if let Some(first) = self.provider.field(&field.name) {
            let first = first.span;
            return self.report_duplicate(field.span, first, &format!("field `{}` is declared twice", field.name));
        }
        if field.encoding.is_configuration()
            && let Some(first) = self.keys.insert(field.key.clone(), field.span)
        {
            let message = format!("two fields are sent as `{}`", field.key);
            return self.report_duplicate(field.span, first, &message);
        }
        self.provider.fields.push(field);
    }

    fn local(&mut self, driver: &Ident) {
        if let Some(first) = self.driver.replace(driver.span) {
            return self.report_duplicate(driver.span, first, "a provider has one driver");
        }
        if DRIVERS.contains(&driver.text.as_str()) {
            self.provider.driver = Some(driver.text.clone());
            return;
        }
        let message = format!("cannot find driver `{}`", driver.text);
        let report = Diagnostic::new(&codes::UNKNOWN_DRIVER, driver.span, message);
        self.diags.emit(suggest(report, &driver.text, &DRIVERS));
    }

    /// Reports `require … at` fields that do not exist; `output` stands for the output clauses.
    fn check_places(&mut self) {
        for place in std::mem::take(&mut self.places) {
            let name = place.text.as_str();
            if RESERVED.contains(&name) || name == "output" || self.provider.field(name).is_some() {
                continue;
            }
            let message = format!("this provider has no field `{name}`");
            let report = Diagnostic::new(&codes::UNKNOWN_PROVIDER_FIELD, place.span, message);
            let fields: Vec<&str> = self.provider.fields.iter().map(|field| field.name.as_str()).collect();
            self.diags.emit(suggest(report, name, &fields));
        }
    }

    fn report_unknown_setting(&mut self, name: &Ident) {
        let message = format!("a provider has no setting `{}`", name.text);
        let report = Diagnostic::new(&codes::UNKNOWN_PROVIDER_SETTING, name.span, message);
        let report = match nearest(&name.text, SETTINGS) {
            Some(meant) => {
                // A misspelt `type` is one mistake: nothing is missing besides.
                self.settings.entry(meant).or_insert(name.span);
                suggest(report, &name.text, &SETTINGS)
            }
            None => report.with_help(format!(
                "to declare a field of the action, write `field {}: string`",
                name.text
            )),
        };
        self.diags.emit(report);
    }

    fn report_duplicate(&mut self, second: Span, first: Span, message: &str) {
        self.diags.emit(
            Diagnostic::new(&codes::DUPLICATE_IN_PROVIDER, second, message)
                .with_label("a second time here")
                .with_other(first, "first here")
                .with_help("remove one of the two"),
        );
    }

    fn report_missing_type(&mut self, name: &Ident) {
        self.diags.emit(
            Diagnostic::new(
                &codes::MISSING_PROVIDER_TYPE,
                name.span,
                format!("provider `{}` has no `type`", name.text),
            )
            .with_help("say which type of action it is: `type = \"Build/Custom/Jenkins/1\"`"),
        );
    }

    fn misplaced(&mut self, stmt: &Stmt) {
        let what = match &stmt.kind {
            StmtKind::Local { .. } => "a `local { … }` block belongs in an action",
            StmtKind::Output { .. } => "an `output` belongs in an action",
            StmtKind::Export { .. } => "an `export` belongs in an action",
            StmtKind::For { .. } | StmtKind::If { .. } => "a provider is written out: it has no `for` and no `if`",
            StmtKind::Variable { .. } | StmtKind::Trigger { .. } => "this belongs in a pipeline",
            StmtKind::Stage { .. } | StmtKind::StageUse { .. } => "a stage belongs in a pipeline",
            StmtKind::Push { .. } | StmtKind::PullRequest { .. } => "this belongs in a trigger",
            StmtKind::Action { .. } | StmtKind::Parallel { .. } => "this belongs in a stage",
            StmtKind::Condition { .. } => "a condition belongs in a stage",
            StmtKind::Rule { .. } => "a rule belongs in a condition",
            StmtKind::Field { .. }
            | StmtKind::ProviderField { .. }
            | StmtKind::Require { .. }
            | StmtKind::LocalDriver { .. } => return,
        };
        self.diags.emit(
            Diagnostic::new(&codes::MISPLACED_IN_PROVIDER, stmt.span, what).with_help(
                "a provider has settings, `field` and `require` statements, and the name of its driver: `local simulate`",
            ),
        );
    }
}

/// What a setting wants, and what to write: settings are written out, so a name or a call is a wrong value too.
type Wanted = (&'static str, &'static str);

const PAGE: Wanted = ("a web address in quotes", "write it out: `page = \"https://…\"`");
const INPUTS: Wanted = (
    "a number of artifacts or a range, the smaller first",
    "write `inputs = 1`, or `inputs = 0..5`",
);
const OUTPUTS: Wanted = (
    "a number of artifacts or a range, the smaller first",
    "write `outputs = 1`, or `outputs = 0..5`",
);
const EXPORTS: Wanted = (
    "a list of names, `\"open\"` or `\"declared\"`",
    "write the variables' names, `exports = [\"ImageId\"]`, or `exports = \"open\"` where the user's build defines them",
);
const PERMISSIONS: Wanted = (
    "a list of IAM actions",
    "write them out: `permissions = [\"codebuild:StartBuild\"]`",
);
const PIPELINE_TYPE: Wanted = (
    "`\"V1\"` or `\"V2\"`",
    "write `pipeline_type = \"V2\"` if a V1 pipeline cannot use it, or leave it out",
);
const BOOLEAN: Wanted = ("`true` or `false`", "write `true` or `false`");
const DEPRECATED: Wanted = (
    "a sentence in quotes",
    "say why, and what to use instead: `deprecated = \"use `source.connection`\"`",
);

/// Takes over a value that was understood.
fn set<T>(place: &mut T, value: Option<T>, wanted: Wanted) -> Result<(), Wanted> {
    *place = value.ok_or(wanted)?;
    Ok(())
}

fn one_of(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Adds the name that was probably meant, or else all that there are.
fn suggest(report: Diagnostic, name: &str, candidates: &[&str]) -> Diagnostic {
    let span = report.primary.span;
    match nearest(name, candidates.iter().copied()) {
        Some(meant) => report
            .with_help(format!("did you mean `{meant}`?"))
            .with_fix(span, meant),
        None if candidates.is_empty() => report,
        None => report.with_help(format!("use one of {}", one_of(candidates))),
    }
}
