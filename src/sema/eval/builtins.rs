//! The built-in functions.

use std::path::Path;
use std::rc::Rc;

use crate::diagnostic::Diagnostic;
use crate::ir::{DeployCondition, DeployValue};
use crate::source::Span;
use crate::syntax::ast::Expr;

use super::super::codes;
use super::super::ty::{Pattern, Ty};
use super::super::value::{Draft, DraftPart, Record, SecretStore, Value};
use super::{Env, Evaluator};

/// A built-in function.
#[derive(Debug)]
pub struct Builtin {
    pub name: &'static str,
    /// How many arguments it takes, at least and at most.
    pub arity: (usize, usize),
    pub usage: &'static str,
    which: Which,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Len,
    Join,
    Split,
    Lines,
    Upper,
    Lower,
    Replace,
    Trim,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    Keys,
    Values,
    Merge,
    Range,
    Name,
    Json,
    Read,
    Secret,
    Parameter,
    CfnRef,
    CfnGetAtt,
    CfnSub,
    CfnImportValue,
    CfnCondition,
    CfnNoValue,
    /// Any other intrinsic function.
    CfnOther,
}

const fn builtin(name: &'static str, arity: (usize, usize), usage: &'static str, which: Which) -> Builtin {
    Builtin {
        name,
        arity,
        usage,
        which,
    }
}

/// Called by their name alone.
pub static FUNCTIONS: &[Builtin] = &[
    builtin("len", (1, 1), "len(list, map or string)", Which::Len),
    builtin("join", (2, 2), "join(list, separator)", Which::Join),
    builtin("split", (2, 2), "split(text, separator)", Which::Split),
    builtin("lines", (1, 1), "lines(text)", Which::Lines),
    builtin("upper", (1, 1), "upper(text)", Which::Upper),
    builtin("lower", (1, 1), "lower(text)", Which::Lower),
    builtin("replace", (3, 3), "replace(text, part, by)", Which::Replace),
    builtin("trim", (1, 1), "trim(text)", Which::Trim),
    builtin("contains", (2, 2), "contains(text or list, part)", Which::Contains),
    builtin("starts_with", (2, 2), "starts_with(text, start)", Which::StartsWith),
    builtin("ends_with", (2, 2), "ends_with(text, end)", Which::EndsWith),
    builtin("matches", (2, 2), "matches(text, regular expression)", Which::Matches),
    builtin("keys", (1, 1), "keys(map)", Which::Keys),
    builtin("values", (1, 1), "values(map)", Which::Values),
    builtin("merge", (1, usize::MAX), "merge(map, map, …)", Which::Merge),
    builtin("range", (1, 2), "range(end) or range(start, end)", Which::Range),
    builtin("name", (1, 1), "name(action or artifact)", Which::Name),
    builtin("json", (1, 1), "json(value)", Which::Json),
    builtin("read", (1, 1), "read(path)", Which::Read),
    builtin("secret", (1, 1), "secret(name)", Which::Secret),
    builtin("parameter", (1, 1), "parameter(name)", Which::Parameter),
];

/// Called as `cfn.…`.
pub static CFN: &[Builtin] = &[
    builtin("ref", (1, 1), "cfn.ref(logical id)", Which::CfnRef),
    builtin(
        "get_att",
        (2, 2),
        "cfn.get_att(logical id, attribute)",
        Which::CfnGetAtt,
    ),
    builtin("sub", (1, 1), "cfn.sub(text)", Which::CfnSub),
    builtin(
        "import_value",
        (1, 1),
        "cfn.import_value(export's name)",
        Which::CfnImportValue,
    ),
    builtin(
        "condition",
        (1, 1),
        "cfn.condition(condition's name)",
        Which::CfnCondition,
    ),
    builtin("no_value", (0, 0), "cfn.no_value()", Which::CfnNoValue),
    builtin("join", (2, 2), "cfn.join(list, separator)", Which::CfnOther),
    builtin("select", (2, 2), "cfn.select(index, list)", Which::CfnOther),
    builtin("split", (2, 2), "cfn.split(text, separator)", Which::CfnOther),
    builtin("find_in_map", (3, 3), "cfn.find_in_map(map, key, key)", Which::CfnOther),
    builtin("base64", (1, 1), "cfn.base64(text)", Which::CfnOther),
    builtin(
        "intrinsic",
        (2, 2),
        "cfn.intrinsic(function's name, its argument)",
        Which::CfnOther,
    ),
];

/// All names of the language itself that a value could be called, for suggestions.
pub static NAMES: &[&str] = &[
    "len",
    "join",
    "split",
    "lines",
    "upper",
    "lower",
    "replace",
    "trim",
    "contains",
    "starts_with",
    "ends_with",
    "matches",
    "keys",
    "values",
    "merge",
    "range",
    "name",
    "json",
    "read",
    "secret",
    "parameter",
    "cfn",
    "execution",
];

pub fn find(name: &str) -> Option<&'static Builtin> {
    FUNCTIONS.iter().find(|builtin| builtin.name == name)
}

pub fn find_cfn(name: &str) -> Option<&'static Builtin> {
    CFN.iter().find(|builtin| builtin.name == name)
}

/// Whether no item of a file may have this name.
pub fn is_reserved(name: &str) -> bool {
    NAMES.contains(&name)
}

/// The longest list that `range` makes; a pipeline has a thousand actions at most.
const MAX_RANGE: i64 = 10_000;

impl<'p> Evaluator<'p, '_> {
    pub(super) fn call_builtin(
        &mut self,
        builtin: &'static Builtin,
        span: Span,
        args: &'p [Expr],
        env: &mut Env<'p>,
    ) -> Value<'p> {
        if args.len() < builtin.arity.0 || args.len() > builtin.arity.1 {
            let message = match args.len() {
                1 => format!("`{}` does not take 1 argument", builtin.name),
                count => format!("`{}` does not take {count} arguments", builtin.name),
            };
            let help = format!("write `{}`", builtin.usage);
            return self.emit(Diagnostic::new(&codes::WRONG_ARGUMENTS, span, message).with_help(help));
        }
        let mut call = Call {
            builtin,
            span,
            args,
            values: Vec::with_capacity(args.len()),
        };
        for arg in args {
            call.values.push(self.eval(arg, env));
        }
        if call.values.iter().any(Value::is_error) {
            return Value::Error;
        }
        self.apply(&call)
    }

    fn apply(&mut self, call: &Call<'p>) -> Value<'p> {
        match call.builtin.which {
            Which::Len => self.len(call),
            Which::Join => self.join(call),
            Which::Split => {
                let (Some(text), Some(separator)) = (self.text_arg(call, 0), self.text_arg(call, 1)) else {
                    return call.unknown(Ty::list(Ty::STRING));
                };
                if separator.is_empty() {
                    return self.fail(&codes::WRONG_ARGUMENTS, call.args[1].span, "the separator is empty");
                }
                Value::list(text.split(&*separator).map(Value::str).collect())
            }
            Which::Lines => match self.text_arg(call, 0) {
                Some(text) => Value::list(text.lines().map(Value::str).collect()),
                None => call.unknown(Ty::list(Ty::STRING)),
            },
            Which::Upper => self.map_text(call, |text| text.to_uppercase()),
            Which::Lower => self.map_text(call, |text| text.to_lowercase()),
            Which::Trim => self.map_text(call, |text| text.trim().to_owned()),
            Which::Replace => match (self.text_arg(call, 0), self.text_arg(call, 1), self.text_arg(call, 2)) {
                (Some(text), Some(part), Some(by)) if !part.is_empty() => Value::str(text.replace(&*part, &by)),
                (Some(text), Some(_), Some(_)) => Value::Str(text),
                _ => call.unknown(Ty::STRING),
            },
            Which::Contains => match &call.values[0] {
                Value::List(values) => {
                    let found = values.iter().any(|value| value.equals(&call.values[1]) == Some(true));
                    Value::Bool(found)
                }
                _ => self.test_text(call, |text, part| text.contains(part)),
            },
            Which::StartsWith => self.test_text(call, |text, part| text.starts_with(part)),
            Which::EndsWith => self.test_text(call, |text, part| text.ends_with(part)),
            Which::Matches => self.matches(call),
            Which::Keys | Which::Values => self.keys_or_values(call),
            Which::Merge => self.merge(call),
            Which::Range => self.range(call),
            Which::Name => self.name(call),
            Which::Json => self.json(call),
            Which::Read => self.read(call),
            Which::Secret => self.secret(call, SecretStore::SecretsManager),
            Which::Parameter => self.secret(call, SecretStore::ParameterStore),
            Which::CfnRef => self.deploy(call, |args| DeployValue::Ref(args[0].clone())),
            Which::CfnGetAtt => self.deploy(call, |args| DeployValue::GetAtt(args[0].clone(), args[1].clone())),
            Which::CfnSub => self.deploy(call, |args| DeployValue::Sub(args[0].clone())),
            Which::CfnImportValue if matches!(call.values[0], Value::Text(_)) => self.intrinsic(call),
            Which::CfnImportValue => self.deploy(call, |args| DeployValue::ImportValue(args[0].clone())),
            Which::CfnNoValue => self.deploy(call, |_| DeployValue::no_value()),
            Which::CfnOther => self.intrinsic(call),
            Which::CfnCondition => match self.text_arg(call, 0) {
                Some(name) => Value::Condition(Rc::new(DeployCondition {
                    name: name.to_string(),
                    holds: true,
                })),
                None => call.unknown(Ty::Bool),
            },
        }
    }

    fn wrong(&mut self, call: &Call<'p>, at: usize, wanted: &str) -> Value<'p> {
        let found = call.values[at].described();
        let message = format!("`{}` wants {wanted} here, and this is {found}", call.builtin.name);
        let help = format!("write `{}`", call.builtin.usage);
        self.emit(Diagnostic::new(&codes::TYPE_MISMATCH, call.args[at].span, message).with_help(help))
    }

    /// A text known now; none when it is unknown or was reported.
    fn text_arg(&mut self, call: &Call<'p>, at: usize) -> Option<Rc<str>> {
        match &call.values[at] {
            Value::Str(text) => Some(text.clone()),
            Value::Text(draft) => {
                let draft = draft.clone();
                self.too_late(
                    &draft,
                    call.args[at].span,
                    &format!("what `{}` is given", call.builtin.name),
                );
                call.failed()
            }
            Value::Unknown(ty) if ty.may_fit(&Ty::STRING) => None,
            _ => {
                self.wrong(call, at, "a string");
                call.failed()
            }
        }
    }

    fn map_text(&mut self, call: &Call<'p>, change: impl Fn(&str) -> String) -> Value<'p> {
        match self.text_arg(call, 0) {
            Some(text) => Value::str(change(&text)),
            None => call.unknown(Ty::STRING),
        }
    }

    fn test_text(&mut self, call: &Call<'p>, test: impl Fn(&str, &str) -> bool) -> Value<'p> {
        match (self.text_arg(call, 0), self.text_arg(call, 1)) {
            (Some(text), Some(part)) => Value::Bool(test(&text, &part)),
            _ => call.unknown(Ty::Bool),
        }
    }

    fn len(&mut self, call: &Call<'p>) -> Value<'p> {
        match &call.values[0] {
            Value::List(values) => Value::Int(values.len() as i64),
            Value::Record(record) => Value::Int(record.len() as i64),
            Value::Str(text) => Value::Int(text.chars().count() as i64),
            Value::Unknown(_) => Value::Unknown(Ty::INT),
            Value::Text(_) => call.or_unknown(self.text_arg(call, 0).is_none(), Ty::INT),
            _ => self.wrong(call, 0, "a list, a map or a string"),
        }
    }

    fn join(&mut self, call: &Call<'p>) -> Value<'p> {
        let values = match &call.values[0] {
            Value::List(values) => values.clone(),
            Value::Unknown(ty) if ty.may_fit(&Ty::list(Ty::Any)) => return Value::Unknown(Ty::STRING),
            _ => return self.wrong(call, 0, "a list"),
        };
        let Some(separator) = self.text_arg(call, 1) else {
            return call.unknown(Ty::STRING);
        };
        let mut draft = Draft::default();
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                draft.push_str(&separator);
            }
            match super::value_in_string(value) {
                Some(part) => draft.append(&part),
                None if matches!(value, Value::Unknown(_)) => return Value::Unknown(Ty::STRING),
                None => {
                    let message = format!(
                        "`join` joins strings and numbers, and entry {index} is {}",
                        value.described()
                    );
                    return self.fail(&codes::TYPE_MISMATCH, call.args[0].span, message);
                }
            }
        }
        draft.into_value()
    }

    fn matches(&mut self, call: &Call<'p>) -> Value<'p> {
        let Some(pattern) = self.text_arg(call, 1) else {
            return call.unknown(Ty::Bool);
        };
        let pattern = Pattern::new(&*pattern);
        if !pattern.is_valid() {
            let message = format!("`{}` is not a regular expression", pattern.text);
            return self.fail(&codes::WRONG_ARGUMENTS, call.args[1].span, message);
        }
        match self.text_arg(call, 0) {
            Some(text) => Value::Bool(pattern.matches(&text)),
            None => call.unknown(Ty::Bool),
        }
    }

    fn keys_or_values(&mut self, call: &Call<'p>) -> Value<'p> {
        let keys = call.builtin.which == Which::Keys;
        match &call.values[0] {
            Value::Record(record) if keys => Value::list(record.keys().map(|key| Value::Str(key.clone())).collect()),
            Value::Record(record) => Value::list(record.values().cloned().collect()),
            Value::Unknown(_) if keys => Value::Unknown(Ty::list(Ty::STRING)),
            Value::Unknown(_) => Value::Unknown(Ty::list(Ty::Any)),
            _ => self.wrong(call, 0, "a map"),
        }
    }

    fn merge(&mut self, call: &Call<'p>) -> Value<'p> {
        let mut merged = Record::new();
        for (at, value) in call.values.iter().enumerate() {
            match value {
                Value::Record(record) => {
                    merged.extend(record.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
                Value::Unknown(_) => return Value::Unknown(Ty::map(Ty::Any)),
                _ => return self.wrong(call, at, "a map"),
            }
        }
        Value::Record(Rc::new(merged))
    }

    fn range(&mut self, call: &Call<'p>) -> Value<'p> {
        let mut numbers = Vec::with_capacity(2);
        for (at, value) in call.values.iter().enumerate() {
            match value {
                Value::Int(number) => numbers.push(*number),
                Value::Unknown(ty) if ty.may_fit(&Ty::INT) => return Value::Unknown(Ty::list(Ty::INT)),
                _ => return self.wrong(call, at, "a whole number"),
            }
        }
        let (start, end) = if numbers.len() == 1 {
            (0, numbers[0])
        } else {
            (numbers[0], numbers[1])
        };
        if end.saturating_sub(start) > MAX_RANGE {
            let message = format!("this is more than {MAX_RANGE} numbers");
            let diagnostic = Diagnostic::new(&codes::TOO_MUCH_WORK, call.span, message);
            return self
                .emit(diagnostic.with_help("a pipeline has a thousand actions at most: make the range shorter"));
        }
        Value::list((start..end).map(Value::Int).collect())
    }

    /// The identifier without its family: the key, or the name where there is none.
    fn name(&mut self, call: &Call<'p>) -> Value<'p> {
        match &call.values[0] {
            Value::Entity(entity) => match &entity.output {
                Some((_, Some(key))) => Value::Str(key.clone()),
                Some((name, None)) => Value::str(name),
                None => entity
                    .key
                    .as_ref()
                    .map_or_else(|| Value::str(entity.name), |key| Value::Str(key.clone())),
            },
            Value::Unknown(ty) if ty.may_fit(&Ty::Artifact) => Value::Unknown(Ty::STRING),
            _ => self.wrong(call, 0, "an action or an artifact"),
        }
    }

    fn json(&mut self, call: &Call<'p>) -> Value<'p> {
        if matches!(call.values[0], Value::Unknown(_)) {
            return Value::Unknown(Ty::STRING);
        }
        match super::super::encode::json(&call.values[0]) {
            Ok(draft) => draft.into_value(),
            Err(what) => {
                let message = format!("{what} has no JSON form");
                self.fail(&codes::TYPE_MISMATCH, call.args[0].span, message)
            }
        }
    }

    fn read(&mut self, call: &Call<'p>) -> Value<'p> {
        let Some(path) = self.text_arg(call, 0) else {
            return call.unknown(Ty::STRING);
        };
        match self.reader.read(Path::new(&*path)) {
            Ok(text) => Value::str(text),
            Err(why) => {
                let message = format!("cannot read `{path}`: {why}");
                let help = "give the path of a text file under the project's root, relative to it";
                self.emit(Diagnostic::new(&codes::INVALID_READ, call.args[0].span, message).with_help(help))
            }
        }
    }

    fn secret(&mut self, call: &Call<'p>, store: SecretStore) -> Value<'p> {
        match call.values[0].to_draft() {
            Some(draft) => Value::Secret(store, Rc::new(draft)),
            None if matches!(call.values[0], Value::Unknown(_)) => Value::Unknown(Ty::Secret),
            None => self.wrong(call, 0, "the name of a secret, a string"),
        }
    }

    fn deploy(&mut self, call: &Call<'p>, make: impl Fn(&[String]) -> DeployValue) -> Value<'p> {
        let mut texts = Vec::with_capacity(call.args.len());
        for at in 0..call.args.len() {
            match self.text_arg(call, at) {
                Some(text) => texts.push(text.to_string()),
                None => return call.unknown(Ty::STRING),
            }
        }
        Value::Text(Rc::new(Draft::part(DraftPart::Deploy {
            value: make(&texts),
            span: call.span,
        })))
    }
}

/// A call of a built-in function with its arguments' values, none of which is an error.
pub(super) struct Call<'p> {
    pub(super) builtin: &'static Builtin,
    pub(super) span: Span,
    pub(super) args: &'p [Expr],
    pub(super) values: Vec<Value<'p>>,
}

impl<'p> Call<'p> {
    /// What a call gives whose arguments are not known; of one that was reported, nothing more is said either way,
    /// since an unknown value fits wherever its type does.
    fn unknown(&self, ty: Ty) -> Value<'p> {
        let reported = self
            .values
            .iter()
            .any(|value| !matches!(value, Value::Unknown(_) | Value::Str(_) | Value::Int(_)));
        if reported { Value::Error } else { Value::Unknown(ty) }
    }

    fn or_unknown(&self, reported: bool, ty: Ty) -> Value<'p> {
        if reported { Value::Error } else { Value::Unknown(ty) }
    }

    fn failed<T>(&self) -> Option<T> {
        None
    }
}
