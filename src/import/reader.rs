//! Reading trees: keys in two spellings, each looked at once, and what is left over reported.

use std::borrow::Cow;
use std::cell::RefCell;

use super::codes;
use super::tree::{Tree, Value};
use crate::diagnostic::suggest::listed;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::ir::{DeployCondition, DeployValue, Node, Origin, Text, TextPart};
use crate::sema::wording::Wording;
use crate::source::{Span, Spanned};

/// The two spellings of one declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `roleArn`; every value is a string or nothing.
    CodePipeline,
    /// `RoleArn`, with intrinsic functions; CloudFormation turns numbers and switches into strings.
    CloudFormation,
}

impl Dialect {
    /// The words that name its keys.
    pub(super) fn wording(self) -> Wording {
        match self {
            Self::CodePipeline => Wording::CodePipeline,
            Self::CloudFormation => Wording::CloudFormation,
        }
    }
}

/// An entry of a list, with the conditions of the template under which it is there.
pub(super) type Conditional<'t> = (&'t Tree, Vec<DeployCondition>);

/// Reads trees of one dialect.
pub(super) struct Reader<'d> {
    pub(super) dialect: Dialect,
    pub(super) diags: &'d mut Diagnostics,
    /// A key or value could not be taken over.
    pub(super) lost: bool,
}

/// The entries of one object, by the API's spelling of their keys.
pub(super) struct Fields<'t> {
    entries: &'t [(Spanned<String>, Tree)],
    pub(super) span: Span,
    /// What it is, for messages: `an action`.
    what: &'static str,
    asked: RefCell<Vec<Cow<'static, str>>>,
}

impl<'t> Fields<'t> {
    fn find(&self, key: Cow<'static, str>) -> Option<&'t Tree> {
        let found = self.entries.iter().find(|(known, _)| known.value == key);
        self.asked.borrow_mut().push(key);
        let (_, value) = found?;
        // `null` and AWS::NoValue are as if the key were not there.
        (!matches!(value.value, Value::Null) && !value.is_no_value()).then_some(value)
    }
}

impl Reader<'_> {
    /// Reports what cannot be taken over.
    pub(super) fn lose(&mut self, diagnostic: Diagnostic) {
        self.lost = true;
        self.diags.emit(diagnostic);
    }

    fn wrong(&mut self, tree: &Tree, wanted: &str) {
        let code: &'static Code = match tree.intrinsic() {
            Some(_) => &codes::MISPLACED_INTRINSIC,
            None => &codes::WRONG_KIND,
        };
        let message = format!("AWS wants {wanted} here, and this is {}", tree.described());
        let help = match tree.intrinsic() {
            Some(_) => format!("give {wanted} that is known before the template is deployed"),
            None => format!("write {wanted}"),
        };
        self.lose(Diagnostic::new(code, tree.span, message).with_help(help));
    }

    /// The entries of an object; reports anything else.
    pub(super) fn fields<'t>(&mut self, tree: &'t Tree, what: &'static str) -> Option<Fields<'t>> {
        let (Some(entries), None) = (tree.as_map(), tree.intrinsic()) else {
            self.wrong(tree, "an object");
            return None;
        };
        let mut keys: Vec<&Spanned<String>> = entries.iter().map(|(key, _)| key).collect();
        keys.sort_by(|a, b| a.value.cmp(&b.value));
        for twice in keys.windows(2).filter(|pair| pair[0].value == pair[1].value) {
            let message = format!("the key `{}` is given twice", twice[1].value);
            let diagnostic = Diagnostic::new(&crate::sema::codes::DUPLICATE_KEY, twice[1].span, message)
                .with_label("given again here")
                .with_other(twice[0].span, "first given here")
                .with_help("remove one of the two");
            self.lose(diagnostic);
        }
        Some(Fields {
            entries,
            span: tree.span,
            what,
            asked: RefCell::default(),
        })
    }

    pub(super) fn get<'t>(&self, fields: &Fields<'t>, key: &'static str) -> Option<&'t Tree> {
        fields.find(self.dialect.wording().key(key))
    }

    /// The value of a key that must be there.
    pub(super) fn need<'t>(&mut self, fields: &Fields<'t>, key: &'static str) -> Option<&'t Tree> {
        let found = self.get(fields, key);
        if found.is_none() {
            let key = self.dialect.wording().key(key);
            let message = format!("{} needs the key `{key}`", fields.what);
            let at = head(fields);
            self.lose(Diagnostic::new(&codes::MISSING_KEY, at, message).with_help(format!("add `{key}`")));
        }
        found
    }

    /// Reports the keys that nothing has asked for.
    pub(super) fn finish(&mut self, fields: &Fields<'_>) {
        let asked = fields.asked.borrow();
        for (key, value) in fields.entries {
            if asked.iter().any(|asked| *asked == key.value) {
                continue;
            }
            let message = format!("{} has no key `{}`", fields.what, key.value);
            let near = self.diags.nearest(&key.value, asked.iter().map(AsRef::as_ref));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("remove it; the keys are {}", listed(asked.iter().map(AsRef::as_ref))),
            };
            let diagnostic = Diagnostic::new(&codes::UNKNOWN_KEY, key.span, message).with_help(help);
            // What is empty says nothing that could be lost.
            match value.value {
                Value::Null => self.diags.emit(diagnostic),
                _ => self.lose(diagnostic),
            }
        }
    }

    /// The entries of a list, those under `Fn::If` with their conditions.
    pub(super) fn list<'t>(&mut self, tree: &'t Tree) -> Vec<Conditional<'t>> {
        let mut found = Vec::new();
        self.list_under(tree, &[], &mut found);
        found
    }

    fn list_under<'t>(&mut self, tree: &'t Tree, when: &[DeployCondition], found: &mut Vec<Conditional<'t>>) {
        match (tree.as_list(), tree.intrinsic()) {
            (Some(items), _) => items.iter().for_each(|item| self.entry_under(item, when, found)),
            (None, Some(("Fn::If", argument))) => {
                self.branches(argument, when, |this, branch, when| {
                    this.list_under(branch, when, found);
                });
            }
            _ => self.wrong(tree, "a list"),
        }
    }

    fn entry_under<'t>(&mut self, tree: &'t Tree, when: &[DeployCondition], found: &mut Vec<Conditional<'t>>) {
        match tree.intrinsic() {
            Some(("Fn::If", argument)) => {
                self.branches(argument, when, |this, branch, when| {
                    this.entry_under(branch, when, found);
                });
            }
            _ if tree.is_no_value() => {}
            _ => found.push((tree, when.to_vec())),
        }
    }

    /// Both branches of an `Fn::If`, those that are AWS::NoValue left out.
    fn branches<'t>(
        &mut self,
        argument: &'t Tree,
        when: &[DeployCondition],
        mut each: impl FnMut(&mut Self, &'t Tree, &[DeployCondition]),
    ) {
        let Some([name, yes, no]) = argument.as_list() else {
            return self.wrong(argument, "a list of a condition's name and two values");
        };
        let Some(name) = name.as_str() else {
            return self.wrong(name, "a condition's name");
        };
        for (branch, holds) in [(yes, true), (no, false)] {
            if branch.is_no_value() {
                continue;
            }
            let mut when = when.to_vec();
            when.push(DeployCondition {
                name: name.to_owned(),
                holds,
            });
            each(self, branch, &when);
        }
    }

    /// The entries of a list that no condition may decide about.
    pub(super) fn plain_list<'t>(&mut self, tree: &'t Tree) -> Vec<&'t Tree> {
        match tree.as_list() {
            Some(items) => items.iter().filter(|item| !item.is_no_value()).collect(),
            None => {
                self.wrong(tree, "a list");
                Vec::new()
            }
        }
    }

    /// As [`Reader::plain_list`], for lists of which AWS wants to hear nothing when they are empty.
    pub(super) fn filled_list<'t>(&mut self, tree: &'t Tree) -> Vec<&'t Tree> {
        if tree.as_list().is_some_and(<[Tree]>::is_empty) {
            let message = "this list is empty, and AWS wants it left out";
            let diagnostic = Diagnostic::new(&codes::BLANK_VALUE, tree.span, message);
            self.diags.emit(diagnostic.with_help("remove its key"));
        }
        self.plain_list(tree)
    }

    /// A string that may hold references and values known when deploying.
    pub(super) fn text(&mut self, tree: &Tree) -> Option<Node<Text>> {
        let text = match (&tree.value, self.dialect) {
            (Value::String(text), _) => Text::parse(text, tree.span),
            (Value::Bool(_) | Value::Number(_), dialect) => {
                let text = match &tree.value {
                    Value::Bool(value) => value.to_string(),
                    Value::Number(text) => text.clone(),
                    _ => return None,
                };
                if dialect == Dialect::CodePipeline {
                    let message = format!("AWS wants a string here, and this is {}", tree.described());
                    let diagnostic = Diagnostic::new(&codes::NOT_A_STRING, tree.span, message);
                    let quoted = format!("\"{text}\"");
                    self.diags.emit(
                        diagnostic
                            .with_help(format!("write `{quoted}`"))
                            .with_fix(tree.span, quoted),
                    );
                }
                Text::literal(text)
            }
            (Value::Map(_), Dialect::CloudFormation) if tree.intrinsic().is_some() => match intrinsic(tree) {
                Some(text) => text,
                None => {
                    let message = "the argument of this intrinsic function is not what CloudFormation takes";
                    let diagnostic = Diagnostic::new(&codes::WRONG_KIND, tree.span, message);
                    self.lose(
                        diagnostic.with_help("`Ref` takes a name, `Fn::GetAtt` a resource's name and an attribute"),
                    );
                    return None;
                }
            },
            _ => {
                self.wrong(tree, "a string");
                return None;
            }
        };
        Some(Node::new(text, tree.span))
    }

    /// A name or the like: what is known when deploying stands in it in a written form.
    pub(super) fn name(&mut self, tree: &Tree) -> Option<Node<String>> {
        let text = self.text(tree)?;
        Some(Node::new(text.value.to_string(), text.origin))
    }

    /// A whole number, which some write as a string.
    pub(super) fn number(&mut self, tree: &Tree) -> Option<Node<u64>> {
        let text = match (&tree.value, self.dialect) {
            (Value::Number(text), _) | (Value::String(text), Dialect::CloudFormation) => text,
            _ => {
                self.wrong(tree, "a number");
                return None;
            }
        };
        match text.parse() {
            Ok(number) => Some(Node::new(number, tree.span)),
            Err(_) => {
                self.wrong(tree, "a whole number");
                None
            }
        }
    }

    /// One of the words that AWS knows for a key.
    pub(super) fn word<T: Copy>(&mut self, tree: &Tree, words: &[(&str, T)]) -> Option<Node<T>> {
        let Some(text) = tree.as_str() else {
            self.wrong(tree, "a string");
            return None;
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(Node::new(*value, tree.span));
        }
        let known = words.iter().map(|(word, _)| *word);
        let message = format!("`{text}` is no value that AWS knows here");
        let diagnostic = Diagnostic::new(&codes::UNKNOWN_VALUE, tree.span, message);
        let near = self.diags.nearest(text, known.clone());
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("use one of {}", listed(known)),
        };
        self.lose(diagnostic.with_help(help));
        None
    }
}

/// Where to point at when something is missing in an object: its name, or its first line's worth, not pages of it.
pub(super) fn head(fields: &Fields<'_>) -> Origin {
    let named = fields
        .entries
        .iter()
        .find(|(key, _)| key.value.eq_ignore_ascii_case("name"));
    match named.or(fields.entries.first()) {
        Some((key, value)) => key.span.to(match value.value {
            Value::List(_) | Value::Map(_) => key.span,
            _ => value.span,
        }),
        None => fields.span,
    }
}

/// An intrinsic function as text. `Fn::Sub` of a text alone and `Fn::Join` without a separator become their parts, where
/// the function comes back from them.
fn intrinsic(tree: &Tree) -> Option<Text> {
    let json = tree.to_json();
    let value = DeployValue::from_json(&json)?;
    let parts = match &value {
        DeployValue::Sub(sub) => Some(Text::of_sub(sub, tree.span)),
        DeployValue::Intrinsic { function, argument } if function == "Fn::Join" => joined(argument, tree.span),
        _ => None,
    };
    if let Some(text) = parts.filter(|text| text.to_template() == value.to_json()) {
        return Some(text);
    }
    let mut text = Text::default();
    text.push(TextPart::Deploy(value));
    Some(text)
}

/// The parts of `["", ["a", {"Ref": "B"}]]`.
fn joined(argument: &serde_json::Value, origin: Origin) -> Option<Text> {
    let [separator, parts] = argument.as_array()?.as_slice() else {
        return None;
    };
    if separator.as_str() != Some("") {
        return None;
    }
    let mut text = Text::default();
    for part in parts.as_array()? {
        match part.as_str() {
            Some(literal) => text.append(Text::parse(literal, origin)),
            None => text.push(TextPart::Deploy(DeployValue::from_json(part)?)),
        }
    }
    Some(text)
}
