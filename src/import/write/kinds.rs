//! What the pipelines' actions and rules are made of: the library's providers, and declarations for the types that it does
//! not know.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::catalog::{Catalog, Count, Encoding, Exports, Field, Provider, pascal_case, snake_case};
use crate::diagnostic::Diagnostics;
use crate::ir::{self, Configuration, TypeId};
use crate::sema::eval::{Evaluator, NoReader};
use crate::sema::program::{ModuleId, Program};
use crate::sema::ty::Ty;
use crate::source::Span;
use crate::syntax::ast::{Ident, TypeExpr, TypeExprKind};

use super::tree::{Expr, Item, Stmt};
use super::words;

/// A provider with its fields' types.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    pub provider: Arc<Provider>,
    /// In the order of the fields.
    pub types: Vec<Ty>,
    /// How `.pipe` calls each output variable that the provider fixes.
    variables: HashMap<String, String>,
}

impl Kind {
    fn new(provider: Arc<Provider>, types: Vec<Ty>) -> Self {
        let fixed = match &provider.exports {
            Exports::Fixed(names) => names.as_slice(),
            Exports::Open | Exports::Declared => &[],
        };
        let variables = fixed
            .iter()
            .filter_map(|key| Some((key.clone(), fixed_name(fixed, key)?)));
        Self {
            variables: variables.collect(),
            provider,
            types,
        }
    }

    /// How `.pipe` calls an output variable.
    pub(super) fn variable<'k>(&'k self, key: &'k str) -> Option<&'k str> {
        match self.provider.exports {
            Exports::Fixed(_) => self.variables.get(key).map(String::as_str),
            Exports::Open | Exports::Declared => Some(key).filter(|key| words::is_ident(key)),
        }
    }
}

/// All types that some pipelines use.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    by_type: BTreeMap<TypeId, Kind>,
    /// Types that the library does not know, in the order of their first use.
    own: Vec<TypeId>,
}

/// Fields that any action has, whatever its provider.
const RESERVED: [&str; 6] = ["input", "region", "role_arn", "timeout", "namespace", "configuration"];
/// The longest configuration key that a provider's field may have.
const KEY_LENGTH: usize = 50;

impl Kinds {
    pub(super) fn of(pipelines: &[ir::Pipeline], catalog: &Catalog) -> Self {
        let mut kinds = Self::default();
        let mut uses: HashMap<&TypeId, Uses> = HashMap::new();
        for pipeline in pipelines {
            let referenced = referenced_namespaces(pipeline);
            for action in actions(pipeline) {
                kinds.meet(&action.type_id, catalog);
                uses.entry(&action.type_id).or_default().action(action, &referenced);
            }
            for rule in rules(pipeline) {
                kinds.meet(&rule.type_id, catalog);
                uses.entry(&rule.type_id).or_default().rule(rule);
            }
        }
        let mut names = BTreeSet::new();
        for id in &kinds.own {
            let provider = uses.remove(id).unwrap_or_default().provider(id, &mut names);
            let types = provider.fields.iter().map(type_of).collect();
            kinds.by_type.insert(id.clone(), Kind::new(Arc::new(provider), types));
        }
        kinds
    }

    pub(super) fn get(&self, id: &TypeId) -> Option<&Kind> {
        self.by_type.get(id)
    }

    /// Names of the providers that are declared in the file itself.
    pub(super) fn own_names(&self) -> impl Iterator<Item = &str> {
        self.own
            .iter()
            .filter_map(|id| Some(self.by_type.get(id)?.provider.name.as_str()))
    }

    /// Notes a type: the library's provider for it, or that it has none.
    fn meet(&mut self, id: &TypeId, catalog: &Catalog) {
        if self.by_type.contains_key(id) || self.own.contains(id) {
            return;
        }
        // One of a user's file would have to be declared here as well.
        match catalog.by_type(id).filter(|provider| provider.name.contains('.')) {
            Some(provider) => {
                let types = types_of(&provider);
                self.by_type.insert(id.clone(), Kind::new(provider, types));
            }
            None => self.own.push(id.clone()),
        }
    }

    /// The `provider` items.
    pub(super) fn declarations(&self) -> Vec<Item> {
        self.own
            .iter()
            .filter_map(|id| self.by_type.get(id))
            .map(declaration)
            .collect()
    }
}

pub(super) fn actions(pipeline: &ir::Pipeline) -> impl Iterator<Item = &ir::Action> {
    pipeline.stages.iter().flat_map(|stage| &stage.actions)
}

pub(super) fn rules(pipeline: &ir::Pipeline) -> impl Iterator<Item = &ir::Rule> {
    pipeline.stages.iter().flat_map(ir::Stage::rules)
}

/// The texts in which CodePipeline resolves references.
pub(super) fn texts(pipeline: &ir::Pipeline) -> impl Iterator<Item = &ir::Text> {
    let of_actions = actions(pipeline).flat_map(|action| {
        let configuration = action.configuration.values().map(|entry| &entry.value);
        let commands = action.commands.iter().map(|node| &node.value);
        let environment = action.environment.iter().map(|variable| &variable.value.value);
        configuration.chain(commands).chain(environment)
    });
    let of_rules = rules(pipeline).flat_map(|rule| {
        let configuration = rule.configuration.values().map(|entry| &entry.value);
        configuration.chain(rule.commands.iter().map(|node| &node.value))
    });
    of_actions.chain(of_rules)
}

fn referenced_namespaces(pipeline: &ir::Pipeline) -> HashSet<&str> {
    texts(pipeline)
        .flat_map(|text| text.variables().map(|variable| variable.namespace.as_str()))
        .collect()
}

/// The types of a library provider's fields: they name nothing but the language's own types.
fn types_of(provider: &Provider) -> Vec<Ty> {
    let program = Program::default();
    let mut silent = Diagnostics::default();
    let mut ev = Evaluator::new(&program, &NoReader, &mut silent);
    let lowered = provider.fields.iter().map(|field| {
        let ty = ev.lower_type(&field.ty, ModuleId(0));
        if field.optional { Ty::optional(ty) } else { ty }
    });
    lowered.collect()
}

/// The type of a field that is declared here.
fn type_of(field: &Field) -> Ty {
    let ty = match field.encoding {
        Encoding::Commands => Ty::list(Ty::STRING),
        Encoding::Environment => Ty::map(Ty::Union([Ty::STRING, Ty::Secret].into())),
        _ => Ty::STRING,
    };
    if field.optional { Ty::optional(ty) } else { ty }
}

/// How a type that the library does not know is used.
#[derive(Debug, Default)]
struct Uses {
    count: usize,
    inputs: Option<Count>,
    outputs: Option<Count>,
    /// How many of the uses give each key.
    keys: BTreeMap<String, usize>,
    commands: usize,
    environment: bool,
    files: bool,
    timeout: bool,
    /// Someone refers to an output variable.
    referenced: bool,
    declares_variables: bool,
}

impl Uses {
    fn action(&mut self, action: &ir::Action, referenced: &HashSet<&str>) {
        self.count += 1;
        grow(&mut self.inputs, action.inputs.len());
        grow(&mut self.outputs, action.outputs.len());
        self.keys(&action.configuration);
        self.commands += usize::from(!action.commands.is_empty());
        self.environment |= !action.environment.is_empty();
        self.files |= action.outputs.iter().any(|output| !output.files.is_empty());
        self.timeout |= action.timeout_minutes.is_some();
        self.declares_variables |= !action.output_variables.is_empty();
        let namespace = action.namespace.as_ref().map(|node| node.value.as_str());
        self.referenced |= namespace.is_some_and(|namespace| referenced.contains(namespace));
        self.referenced |= !action.exports.is_empty();
    }

    fn rule(&mut self, rule: &ir::Rule) {
        self.count += 1;
        grow(&mut self.inputs, rule.inputs.len());
        grow(&mut self.outputs, 0);
        self.keys(&rule.configuration);
        self.commands += usize::from(!rule.commands.is_empty());
        self.timeout |= rule.timeout_minutes.is_some();
    }

    fn keys(&mut self, configuration: &Configuration) {
        for key in configuration.keys() {
            *self.keys.entry(key.clone()).or_default() += 1;
        }
    }

    fn provider(self, id: &TypeId, names: &mut BTreeSet<String>) -> Provider {
        let name = provider_name(id, names);
        names.insert(name.clone());
        let mut fields: Vec<Field> = Vec::new();
        for (key, &count) in &self.keys {
            let name = field_name(key, &fields);
            if key.is_empty() || key.chars().count() > KEY_LENGTH {
                continue;
            }
            fields.extend(name.map(|name| field(name, key, count < self.count, Encoding::Plain)));
        }
        if self.commands > 0 && fields.iter().all(|field| field.name != "commands") {
            let optional = self.commands < self.count;
            fields.push(field("commands".to_owned(), "Commands", optional, Encoding::Commands));
        }
        let variables = "environment_variables";
        if self.environment && fields.iter().all(|field| field.name != variables) {
            fields.push(field(variables.to_owned(), "", true, Encoding::Environment));
        }
        Provider {
            name,
            doc: None,
            type_id: id.clone(),
            inputs: self.inputs.unwrap_or(Count { min: 0, max: 0 }),
            outputs: self.outputs.unwrap_or(Count { min: 0, max: 0 }),
            fields,
            exports: match (self.declares_variables, self.referenced) {
                (true, _) => Exports::Declared,
                (false, true) => Exports::Open,
                (false, false) => Exports::Fixed(Vec::new()),
            },
            permissions: Vec::new(),
            requires: Vec::new(),
            driver: None,
            v2_only: false,
            cross_region: true,
            output_files: self.files,
            timeout: self.timeout,
            open: false,
            deprecated: None,
            page: None,
            span: Span::default(),
        }
    }
}

fn grow(count: &mut Option<Count>, found: usize) {
    let found = u32::try_from(found).unwrap_or(u32::MAX);
    *count = Some(count.map_or(Count { min: found, max: found }, |count| Count {
        min: count.min.min(found),
        max: count.max.max(found),
    }));
}

/// `jenkins`; where several types have one provider's name, `jenkins_test` and `jenkins_test_2`.
fn provider_name(id: &TypeId, names: &BTreeSet<String>) -> String {
    let short = words::ident_of(&id.provider, "provider").unwrap_or_else(|| "provider_1".to_owned());
    let category = words::ident_of(&id.category, "provider").unwrap_or_default();
    let long = format!("{short}_{category}");
    let versioned = words::ident_of(&format!("{long}_{}", id.version), "provider").unwrap_or_default();
    let numbered = (2..).map(|number| format!("{versioned}_{number}"));
    let free = |name: &String| !names.contains(name) && words::is_ident(name) && !words::is_taken_by_language(name);
    [short, long, versioned.clone()]
        .into_iter()
        .chain(numbered)
        .find(free)
        .unwrap_or_default()
}

/// The name of the field for a key; none if there is no good one, so that the key stays a raw one.
fn field_name(key: &str, fields: &[Field]) -> Option<String> {
    let plain = Some(snake_case(key)).filter(|name| pascal_case(name) == *key && words::is_ident(name));
    let name = plain.or_else(|| words::ident_of(key, "field"))?;
    let other = format!("{name}_value");
    let free = |name: &String| {
        let is_known = fields.iter().any(|field| field.name == *name);
        !is_known && !RESERVED.contains(&name.as_str())
    };
    [name, other].into_iter().find(free)
}

fn field(name: String, key: &str, optional: bool, encoding: Encoding) -> Field {
    let span = Span::default();
    let text = "string".to_owned();
    let ty = TypeExpr {
        kind: TypeExprKind::Name(vec![Ident { text, span }]),
        span,
    };
    Field {
        name,
        key: key.to_owned(),
        doc: None,
        ty,
        optional,
        default: None,
        encoding,
        span,
    }
}

fn declaration(kind: &Kind) -> Item {
    let provider = &kind.provider;
    let count = |count: Count| match count.min == count.max {
        true => Expr::Plain(count.min.to_string()),
        false => Expr::Plain(format!("{}..{}", count.min, count.max)),
    };
    let mut body = vec![
        Stmt::Field("type".to_owned(), Expr::text(provider.type_id.to_string())),
        Stmt::Field("inputs".to_owned(), count(provider.inputs)),
        Stmt::Field("outputs".to_owned(), count(provider.outputs)),
    ];
    let switches = [("files", provider.output_files), ("timeout", provider.timeout)];
    for (name, _) in switches.into_iter().filter(|(_, is_on)| *is_on) {
        body.push(Stmt::Field(name.to_owned(), Expr::Plain("true".to_owned())));
    }
    match provider.exports {
        Exports::Open => body.push(Stmt::Field("exports".to_owned(), Expr::text("open"))),
        Exports::Declared => body.push(Stmt::Field("exports".to_owned(), Expr::text("declared"))),
        Exports::Fixed(_) => {}
    }
    if !provider.fields.is_empty() {
        body.push(Stmt::Blank);
    }
    for (field, ty) in provider.fields.iter().zip(&kind.types) {
        let encoded = field.encoding.name().map(|name| format!(" encoded {name}"));
        let is_derived = !field.encoding.is_configuration() || pascal_case(&field.name) == field.key;
        body.push(Stmt::ProviderField {
            name: field.name.clone(),
            key: (!is_derived).then(|| field.key.clone()),
            ty: format!("{ty}{}", encoded.unwrap_or_default()),
        });
    }
    Item::Provider(provider.name.clone(), body)
}

/// In snake_case, where that leads back to the variable.
fn fixed_name(names: &[String], key: &str) -> Option<String> {
    let called = |name: &str| names.iter().find(|fixed| snake_case(fixed) == name || **fixed == name);
    let name = snake_case(key);
    let spelled = if called(&name)? == key { name } else { key.to_owned() };
    (called(&spelled)? == key && words::is_ident(&spelled)).then_some(spelled)
}
