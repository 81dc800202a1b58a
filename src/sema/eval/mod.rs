//! Evaluation: what an expression is worth when compiling.
//!
//! Checking and evaluating are one: an expression is checked by evaluating it. A function or reusable block that nobody
//! uses is evaluated with [`Value::Unknown`] arguments, so that its mistakes are found all the same. A mistake is reported
//! once and becomes [`Value::Error`], about which everything else stays silent.
//!
//! Every evaluation ends: there is no recursion, and [`MAX_STEPS`] bounds what loops within loops can amount to.

pub mod builtins;
mod call;
mod deploy;
mod fit;
mod ops;
mod reference;
mod types;

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::ir::DeployCondition;
use crate::source::Span;
use crate::syntax::ast::{CompVars, Expr, ExprKind, Ident, ItemKind, ListEntry, RecordEntry, StrLit, StrPart};

use super::codes;
use super::program::{ModuleId, Names, Program, find_stage};
use super::ty::Ty;
use super::value::{Draft, DraftPart, Record, RecordBuilder, ScopeId, Value};

/// The most steps that one compilation may take; a pipeline of the greatest size allowed needs about a thousandth.
pub const MAX_STEPS: u64 = 30_000_000;
/// How deep evaluations may stand in one another: expressions 128 deep, and what they call.
const MAX_DEPTH: u32 = 600;

/// Where names are looked up.
#[derive(Clone, Debug)]
pub struct Env<'p> {
    pub module: ModuleId,
    /// Loop variables and parameters, the innermost last.
    pub locals: Vec<(&'p str, Value<'p>)>,
    /// Whose actions and outputs are in sight.
    pub scope: Option<ScopeId>,
}

impl<'p> Env<'p> {
    pub fn of_module(module: ModuleId) -> Self {
        Self {
            module,
            locals: Vec::new(),
            scope: None,
        }
    }

    pub fn bind(&mut self, ident: &'p Ident, value: Value<'p>) {
        self.locals.push((&ident.text, value));
    }

    fn local(&self, name: &str) -> Option<&Value<'p>> {
        self.locals
            .iter()
            .rev()
            .find(|(local, _)| *local == name)
            .map(|(_, value)| value)
    }
}

/// What decides between two branches.
#[derive(Clone, Debug)]
pub enum Branch {
    Known(bool),
    /// A condition of the template decides when deploying.
    Deploy(DeployCondition),
    /// Not given yet, or reported.
    Unknown,
}

/// Takes in files for `read`.
pub trait Reader {
    /// The text of a file under the project's root, or why it cannot be had.
    fn read(&self, path: &Path) -> Result<String, String>;
}

/// For places where nothing may be read.
pub struct NoReader;

impl Reader for NoReader {
    fn read(&self, _: &Path) -> Result<String, String> {
        Err("nothing can be read here".to_owned())
    }
}

/// The values of a loop's variables in one round.
pub type LoopEntry<'p> = (Value<'p>, Option<Value<'p>>);

/// A region of names.
#[derive(Debug)]
pub struct Scope<'p> {
    pub names: Rc<Names<'p>>,
    /// `prod.`; empty for the pipeline itself.
    pub prefix: String,
}

type InstanceKey<'p> = (ScopeId, &'p str, Option<Rc<str>>);

/// The state of one evaluation.
pub struct Evaluator<'p, 'a> {
    pub program: &'p Program,
    pub diags: &'a mut Diagnostics,
    pub reader: &'a dyn Reader,
    pub scopes: Vec<Scope<'p>>,
    /// The scope of each instance of a reusable stage.
    instances: HashMap<InstanceKey<'p>, ScopeId>,
    /// What stage templates declare, by the template's address.
    template_names: HashMap<usize, Rc<Names<'p>>>,
    /// Values of constants and parameters; none while one is being evaluated.
    globals: HashMap<(ModuleId, usize), Option<Value<'p>>>,
    /// Values given from outside for the main file's parameters.
    pub given: HashMap<String, Value<'p>>,
    /// The functions being called.
    calls: Vec<(ModuleId, usize)>,
    steps: u64,
    depth: u32,
}

impl<'p, 'a> Evaluator<'p, 'a> {
    pub fn new(program: &'p Program, reader: &'a dyn Reader, diags: &'a mut Diagnostics) -> Self {
        Self {
            program,
            diags,
            reader,
            scopes: Vec::new(),
            instances: HashMap::new(),
            template_names: HashMap::new(),
            globals: HashMap::new(),
            given: HashMap::new(),
            calls: Vec::new(),
            steps: 0,
            depth: 0,
        }
    }

    /// Reports and gives the value of what has been reported.
    pub fn fail(&mut self, code: &'static Code, span: Span, message: impl Into<String>) -> Value<'p> {
        self.emit(Diagnostic::new(code, span, message))
    }

    pub fn emit(&mut self, diagnostic: Diagnostic) -> Value<'p> {
        self.diags.emit(diagnostic);
        Value::Error
    }

    /// Counts work; false when there was too much of it, which is then reported once.
    pub fn step(&mut self, span: Span) -> bool {
        self.steps += 1;
        if self.steps == MAX_STEPS {
            let message = "this grows beyond what a pipeline can be";
            let help = "make the lists that the loops run over shorter";
            self.diags
                .emit(Diagnostic::new(&codes::TOO_MUCH_WORK, span, message).with_help(help));
        }
        self.steps < MAX_STEPS
    }

    /// What `expr` is worth.
    pub fn eval(&mut self, expr: &'p Expr, env: &mut Env<'p>) -> Value<'p> {
        if self.depth >= MAX_DEPTH {
            return self.fail(
                &codes::TOO_MUCH_WORK,
                expr.span,
                "definitions stand too deep in one another here",
            );
        }
        if !self.step(expr.span) {
            return Value::Error;
        }
        self.depth += 1;
        let value = self.eval_kind(expr, env);
        self.depth -= 1;
        value
    }

    fn eval_kind(&mut self, expr: &'p Expr, env: &mut Env<'p>) -> Value<'p> {
        match &expr.kind {
            ExprKind::Str(text) => self.eval_str(text, env),
            ExprKind::Int(number) => Value::Int(*number),
            ExprKind::Duration(seconds) => Value::Duration(*seconds),
            ExprKind::Bool(value) => Value::Bool(*value),
            ExprKind::None => Value::None,
            ExprKind::Name(name) => self.eval_name(name, expr.span, env),
            ExprKind::List(entries) => self.eval_list(entries, env),
            ExprKind::Record(entries) => self.eval_record(entries, env),
            ExprKind::ListComp { vars, value } => {
                let mut values = Vec::new();
                let known = self.each(vars, env, |this, env| values.push(this.eval(value, env)));
                if known {
                    Value::list(values)
                } else {
                    unknown_list(values)
                }
            }
            ExprKind::MapComp { vars, key, value } => {
                let mut record = Record::new();
                let known = self.each(vars, env, |this, env| this.eval_map_entry(key, value, env, &mut record));
                if known {
                    Value::Record(Rc::new(record))
                } else {
                    unknown_map(record)
                }
            }
            ExprKind::Field { base, name } => self.eval_field(base, name, env),
            ExprKind::Index { base, index } => self.eval_index(base, index, env),
            ExprKind::Call { callee, args } => self.eval_call(expr, callee, args, env),
            ExprKind::Not(inner) => match self.eval_branch(inner, env) {
                Branch::Known(value) => Value::Bool(!value),
                Branch::Deploy(condition) => Value::Condition(Rc::new(condition.negated())),
                Branch::Unknown => Value::Unknown(Ty::Bool),
            },
            ExprKind::Binary { op, left, right } => self.eval_binary(*op, left, right, env),
            ExprKind::If { cond, then, otherwise } => match self.eval_branch(cond, env) {
                Branch::Known(true) => self.eval(then, env),
                Branch::Known(false) => self.eval(otherwise, env),
                Branch::Deploy(condition) => {
                    let (yes, no) = (self.eval(then, env), self.eval(otherwise, env));
                    self.deploy_if(&condition, (&yes, then.span), (&no, otherwise.span), expr.span)
                }
                Branch::Unknown => {
                    let value = self.eval(then, env);
                    let other = self.eval(otherwise, env);
                    if value.is_error() || other.is_error() {
                        Value::Error
                    } else {
                        Value::Unknown(value.ty())
                    }
                }
            },
            ExprKind::Paren(inner) => self.eval(inner, env),
            ExprKind::Range { .. } => {
                let message = "a range counts a provider's artifacts and has no other use";
                self.fail(&codes::TYPE_MISMATCH, expr.span, message)
            }
            ExprKind::Error => Value::Error,
        }
    }

    fn eval_str(&mut self, text: &'p StrLit, env: &mut Env<'p>) -> Value<'p> {
        if let Some(text) = text.as_text() {
            return Value::str(text);
        }
        let mut draft = Draft::default();
        let mut known = true;
        let mut failed = false;
        for part in &text.parts {
            match part {
                StrPart::Text(text) => draft.push_str(text),
                StrPart::Interpolation(expr) => match self.eval(expr, env) {
                    Value::Error => failed = true,
                    Value::Unknown(ty) => {
                        known = false;
                        let fits = [Ty::STRING, Ty::INT, Ty::Bool].iter().any(|wanted| ty.may_fit(wanted));
                        failed |= !fits && self.not_in_a_string(&Value::Unknown(ty), expr.span);
                    }
                    value => match value_in_string(&value) {
                        Some(inner) => draft.append(&inner),
                        None => failed |= self.not_in_a_string(&value, expr.span),
                    },
                },
            }
        }
        match (failed, known) {
            (true, _) => Value::Error,
            (false, true) => draft.into_value(),
            (false, false) => Value::Unknown(Ty::STRING),
        }
    }

    fn not_in_a_string(&mut self, value: &Value<'p>, span: Span) -> bool {
        let message = format!("{} cannot stand inside a string", value.described());
        let mut diagnostic = Diagnostic::new(&codes::TYPE_MISMATCH, span, message);
        let help = match value {
            Value::Entity(entity) => Some(format!(
                "write `name({0})` for its name, or one of its output variables, as in `{0}.commit_id`",
                entity.written()
            )),
            Value::List(_) => Some("write `join(…, \",\")` for its entries in one string".to_owned()),
            Value::Record(_) => Some("write `json(…)` for its JSON text".to_owned()),
            Value::Secret(..) => Some("give the secret as a value of its own, so that it stays one".to_owned()),
            _ => None,
        };
        diagnostic.help = help;
        self.diags.emit(diagnostic);
        true
    }

    fn eval_list(&mut self, entries: &'p [ListEntry], env: &mut Env<'p>) -> Value<'p> {
        let mut values = Vec::with_capacity(entries.len());
        let mut known = true;
        for entry in entries {
            match entry {
                ListEntry::Item(expr) => values.push(self.eval(expr, env)),
                ListEntry::Spread(expr) => known &= self.spread_list(expr, env, &mut values),
            }
        }
        if known {
            Value::list(values)
        } else {
            unknown_list(values)
        }
    }

    /// Adds a list's values; false when they are not known.
    fn spread_list(&mut self, expr: &'p Expr, env: &mut Env<'p>, values: &mut Vec<Value<'p>>) -> bool {
        match self.eval(expr, env) {
            Value::List(more) => {
                values.extend(more.iter().cloned());
                true
            }
            Value::Error => false,
            Value::Unknown(ty) if ty.may_fit(&Ty::list(Ty::Any)) => false,
            other => {
                let message = format!(
                    "only a list can be spread into a list, and this is {}",
                    other.described()
                );
                self.fail(&codes::TYPE_MISMATCH, expr.span, message);
                false
            }
        }
    }

    fn eval_record(&mut self, entries: &'p [RecordEntry], env: &mut Env<'p>) -> Value<'p> {
        let mut record = RecordBuilder::with_capacity(entries.len());
        let mut known = true;
        for entry in entries {
            match entry {
                RecordEntry::Field { key, value, .. } => {
                    let value = self.eval(value, env);
                    self.put(&mut record, key, value);
                }
                RecordEntry::Spread(expr) => match self.spread_record(expr, env) {
                    Some(more) => more
                        .iter()
                        .for_each(|(key, value)| record.spread(key.clone(), value.clone())),
                    None => known = false,
                },
            }
        }
        let record = record.finish();
        if known {
            Value::Record(Rc::new(record))
        } else {
            unknown_map(record)
        }
    }

    /// Writes an entry into a record, unless one was written under this key before.
    fn put(&mut self, record: &mut RecordBuilder<'p>, key: &'p Ident, value: Value<'p>) {
        if let Some(first) = record.written(&key.text) {
            let message = format!("the key `{}` is given twice", key.text);
            let diagnostic = Diagnostic::new(&codes::DUPLICATE_KEY, key.span, message)
                .with_label("given again here")
                .with_other(first, "first given here")
                .with_help("remove one of the two");
            self.diags.emit(diagnostic);
            return;
        }
        record.write(&key.text, key.span, value);
    }

    /// The entries that are spread into a record; none when they are not known.
    fn spread_record(&mut self, expr: &'p Expr, env: &mut Env<'p>) -> Option<Rc<Record<'p>>> {
        match self.eval(expr, env) {
            Value::Record(more) => Some(more),
            Value::Error | Value::Unknown(_) => None,
            other => {
                let message = format!(
                    "only a record or a map can be spread here, and this is {}",
                    other.described()
                );
                self.fail(&codes::TYPE_MISMATCH, expr.span, message);
                None
            }
        }
    }

    fn eval_map_entry(&mut self, key: &'p Expr, value: &'p Expr, env: &mut Env<'p>, record: &mut Record<'p>) {
        let span = key.span;
        let key = self.eval_as(key, &Ty::STRING, env);
        let value = self.eval(value, env);
        match key {
            Value::Str(key) if record.contains_key(&key) => {
                self.fail(
                    &codes::DUPLICATE_KEY,
                    span,
                    format!("the key `{key}` comes up twice in this map"),
                );
            }
            Value::Str(key) => {
                record.insert(key, value);
            }
            Value::Text(draft) => {
                self.too_late(&draft, span, "the key of a map");
            }
            _ => {}
        }
    }

    /// A condition's value, which must be known when compiling; none when it is not known or was reported.
    pub fn eval_condition(&mut self, expr: &'p Expr, env: &mut Env<'p>) -> Option<bool> {
        match self.eval_branch(expr, env) {
            Branch::Known(value) => Some(value),
            Branch::Unknown => None,
            Branch::Deploy(_) => {
                let message = "this condition must be known when compiling";
                let diagnostic = Diagnostic::new(&codes::KNOWN_TOO_LATE, expr.span, message)
                    .with_label("decided only when CloudFormation deploys the template")
                    .with_help("ask for it alone: in an `if` around stages or actions, or in `if … then … else …`");
                self.emit(diagnostic);
                None
            }
        }
    }

    /// What decides between two branches.
    pub fn eval_branch(&mut self, expr: &'p Expr, env: &mut Env<'p>) -> Branch {
        match self.eval(expr, env) {
            Value::Bool(value) => Branch::Known(value),
            Value::Condition(condition) => Branch::Deploy((*condition).clone()),
            Value::Error => Branch::Unknown,
            Value::Unknown(ty) if ty.may_fit(&Ty::Bool) => Branch::Unknown,
            other => {
                let message = format!("a condition is `true` or `false`, and this is {}", other.described());
                self.fail(&codes::TYPE_MISMATCH, expr.span, message);
                Branch::Unknown
            }
        }
    }

    /// Runs `body` for each entry of what a loop runs over, its variables bound. False when the entries are not known:
    /// then `body` has run once, with unknown values.
    pub fn each(
        &mut self,
        vars: &'p CompVars,
        env: &mut Env<'p>,
        mut body: impl FnMut(&mut Self, &mut Env<'p>),
    ) -> bool {
        let (entries, mut known) = self.entries_of(&vars.iter, vars.second.is_some(), env);
        let depth = env.locals.len();
        for (first, second) in entries {
            if !self.step(vars.iter.span) {
                return false;
            }
            env.bind(&vars.first, first);
            if let (Some(ident), Some(value)) = (&vars.second, second) {
                env.bind(ident, value);
            }
            let holds = match vars.cond.as_deref().map(|cond| self.eval_condition(cond, env)) {
                None | Some(Some(true)) => true,
                Some(Some(false)) => false,
                Some(None) => {
                    known = false;
                    true
                }
            };
            if holds {
                body(self, env);
            }
            env.locals.truncate(depth);
        }
        known
    }

    /// What a loop runs over, entry by entry, for one variable or two. The flag is false when the entries are not known:
    /// then there is one, with unknown values, so that the loop's body is still looked at.
    pub fn entries_of(&mut self, iter: &'p Expr, two: bool, env: &mut Env<'p>) -> (Vec<LoopEntry<'p>>, bool) {
        let unknown = |a: Ty, b: Ty| (vec![(Value::Unknown(a), two.then_some(Value::Unknown(b)))], false);
        match self.eval(iter, env) {
            Value::List(values) if !two => (values.iter().map(|value| (value.clone(), None)).collect(), true),
            Value::Record(record) if two => {
                let entry = |(key, value): (&Rc<str>, &Value<'p>)| (Value::Str(key.clone()), Some(value.clone()));
                (record.iter().map(entry).collect(), true)
            }
            Value::Error => (vec![(Value::Error, two.then_some(Value::Error))], false),
            Value::Unknown(ty) => match (ty.required(), two) {
                (Ty::List(of, _), false) => unknown((**of).clone(), Ty::Any),
                (Ty::Map(of, _), true) => unknown(Ty::STRING, (**of).clone()),
                (Ty::Any | Ty::Error, false) => unknown(Ty::Any, Ty::Any),
                (Ty::Any | Ty::Error | Ty::Record(_), true) => unknown(Ty::STRING, Ty::Any),
                (other, _) => self.not_iterable(format!("a value of type `{other}`"), iter.span, two),
            },
            other => self.not_iterable(other.described(), iter.span, two),
        }
    }

    fn not_iterable(&mut self, what: String, span: Span, two: bool) -> (Vec<LoopEntry<'p>>, bool) {
        let (wanted, help) = match two {
            true => ("`for k, v in …` runs over a map", "use one variable to run over a list"),
            false => (
                "`for x in …` runs over a list",
                "use two variables, `for key, value in …`, to run over a map",
            ),
        };
        let diagnostic = Diagnostic::new(&codes::TYPE_MISMATCH, span, format!("{wanted}, and this is {what}"));
        self.diags.emit(diagnostic.with_help(help));
        (Vec::new(), false)
    }

    /// Reports that a value is known too late for where it stands.
    pub fn too_late(&mut self, draft: &Draft<'p>, span: Span, what: &str) -> Value<'p> {
        let message = format!("{what} must be known when compiling");
        let diagnostic = Diagnostic::new(&codes::KNOWN_TOO_LATE, span, message);
        let diagnostic = match draft.later() {
            Some(DraftPart::PipelineVariable { name, declared, .. }) => diagnostic
                .with_label(format!("`{name}` is known only when the pipeline runs"))
                .with_other(*declared, "its value is chosen when an execution starts")
                .with_help("use a `param` (given with -D) or a `const` instead"),
            Some(DraftPart::ActionVariable { entity, key, .. }) => diagnostic
                .with_label(format!(
                    "`{}.{key}` is known only when the pipeline runs",
                    entity.written()
                ))
                .with_help("use a `param` (given with -D) or a `const` instead"),
            Some(DraftPart::ExecutionId { .. }) => {
                diagnostic.with_label("the execution's id is known only when the pipeline runs")
            }
            Some(DraftPart::Deploy { .. }) => diagnostic
                .with_label("known only when CloudFormation deploys the template")
                .with_help("use a `param` (given with -D) or a `const` instead"),
            _ => diagnostic,
        };
        self.emit(diagnostic)
    }

    /// Whether the main file holds no pipeline.
    fn is_library(&self) -> bool {
        let main = self.program.modules.first();
        main.is_some_and(|main| {
            !main
                .ast
                .items
                .iter()
                .any(|item| matches!(item.kind, ItemKind::Pipeline(_)))
        })
    }

    /// The value of a constant or parameter of a file.
    pub fn global(&mut self, module: ModuleId, index: usize, span: Span) -> Value<'p> {
        match self.globals.get(&(module, index)) {
            Some(Some(value)) => return value.clone(),
            Some(None) => {
                let message = "this definition needs its own value";
                let diagnostic = Diagnostic::new(&codes::RECURSIVE_DEFINITION, span, message);
                return self.emit(diagnostic.with_help("give one of the definitions in the circle a value of its own"));
            }
            None => {}
        }
        self.globals.insert((module, index), None);
        let mut env = Env::of_module(module);
        let value = match &self.program.module(module).ast.items[index].kind {
            ItemKind::Const(constant) => match &constant.ty {
                Some(ty) => {
                    let ty = self.lower_type(ty, module);
                    self.eval_as(&constant.value, &ty, &mut env)
                }
                None => self.eval(&constant.value, &mut env),
            },
            ItemKind::Param(param) => {
                let ty = self.lower_type(&param.ty, module);
                match (self.given.get(&param.name.text), &param.default) {
                    (Some(value), _) if module == ModuleId(0) => value.clone(),
                    (_, Some(default)) => self.eval_as(default, &ty, &mut env),
                    (_, None) if ty.is_optional() => Value::None,
                    // A file for others to import is checked as it is: nothing of it is expanded.
                    (_, None) if self.is_library() => Value::Unknown(ty),
                    (_, None) => {
                        let name = &param.name.text;
                        let message = format!("the parameter `{name}` has no value");
                        let help = if module == ModuleId(0) {
                            format!("give it one with -D {name}=…, or a default: `param {name}: {ty} = …`")
                        } else {
                            format!("give it a default: `param {name}: {ty} = …`")
                        };
                        self.emit(Diagnostic::new(&codes::MISSING_PARAMETER, param.name.span, message).with_help(help))
                    }
                }
            }
            _ => Value::Error,
        };
        self.globals.insert((module, index), Some(value.clone()));
        value
    }

    /// The scope of an instance of a reusable stage.
    pub fn instance(&mut self, parent: ScopeId, name: &'p str, key: Option<Rc<str>>) -> Option<ScopeId> {
        if let Some(&scope) = self.instances.get(&(parent, name, key.clone())) {
            return Some(scope);
        }
        let template = self.scopes[parent.0].names.get(name)?.stage.as_ref()?.template;
        let (module, template) = template?;
        let names = self.names_of_template(module, template);
        let written = match &key {
            Some(key) => format!("{}{name}[{key:?}].", self.scopes[parent.0].prefix),
            None => format!("{}{name}.", self.scopes[parent.0].prefix),
        };
        let scope = self.add_scope(names, written);
        self.instances.insert((parent, name, key), scope);
        Some(scope)
    }

    pub fn names_of_template(
        &mut self,
        module: ModuleId,
        template: &'p crate::syntax::ast::StageTemplate,
    ) -> Rc<Names<'p>> {
        let address = std::ptr::from_ref(template) as usize;
        let program = self.program;
        let names = self.template_names.entry(address);
        names
            .or_insert_with(|| Rc::new(Names::of(program, module, &template.body)))
            .clone()
    }

    pub fn add_scope(&mut self, names: Rc<Names<'p>>, prefix: String) -> ScopeId {
        self.scopes.push(Scope { names, prefix });
        ScopeId(self.scopes.len() - 1)
    }

    pub fn unknown_name<'n>(
        &mut self,
        what: &str,
        name: &str,
        span: Span,
        candidates: impl IntoIterator<Item = &'n str>,
    ) -> Value<'p> {
        let mut diagnostic = Diagnostic::new(&codes::UNKNOWN_NAME, span, format!("cannot find {what}`{name}`"));
        diagnostic.help = self.diags.did_you_mean(name, candidates);
        self.emit(diagnostic)
    }

    pub fn stage_template(
        &self,
        module: ModuleId,
        path: &crate::syntax::ast::Path,
    ) -> Option<(ModuleId, &'p crate::syntax::ast::StageTemplate)> {
        find_stage(self.program, module, path)
    }
}

/// A value as part of a string.
fn value_in_string<'p>(value: &Value<'p>) -> Option<Draft<'p>> {
    Some(match value {
        Value::Str(text) => Draft::text(&**text),
        Value::Text(draft) => (**draft).clone(),
        Value::Int(number) => Draft::text(number.to_string()),
        Value::Bool(value) => Draft::text(value.to_string()),
        Value::Duration(seconds) => Draft::text(duration_text(*seconds)),
        _ => return None,
    })
}

/// `1h30m`
pub fn duration_text(seconds: u64) -> String {
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm'), (1, 's')];
    let mut rest = seconds;
    let mut text = String::new();
    for (size, unit) in units {
        if rest >= size {
            text.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

fn unknown_list<'p>(values: Vec<Value<'p>>) -> Value<'p> {
    if values.iter().any(Value::is_error) {
        return Value::Error;
    }
    Value::Unknown(Ty::list(values.first().map_or(Ty::Any, Value::ty)))
}

fn unknown_map<'p>(record: Record<'p>) -> Value<'p> {
    if record.values().any(Value::is_error) {
        return Value::Error;
    }
    Value::Unknown(Ty::map(Ty::Any))
}
