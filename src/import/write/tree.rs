//! Source in the making: statements and expressions without places, as [`super::print`] writes them.
//!
//! It knows no more than it takes to print, and to see that two actions say the same but for one string.

use crate::ir::DeployCondition;

/// What something is called: `image`, `image["api"]`, `image[x]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub ident: String,
    pub key: Option<Key>,
}

impl Name {
    pub(super) fn plain(ident: impl Into<String>) -> Self {
        Self {
            ident: ident.into(),
            key: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// `["api"]`
    Text(String),
    /// `[x]`, a loop's variable.
    Loop(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    /// A number, a duration, `true`, `none`, `execution.id`: as it stands.
    Plain(String),
    /// `"text ${value}"`
    Str(Vec<Part>),
    /// `app`
    Name(Name),
    /// `app.commit_id`
    Member(Name, String),
    /// `app.file("path")`
    File(Name, Box<Expr>),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `{ key = value }`
    Record(Vec<(String, Expr)>),
    /// `secret("name")`
    Call(&'static str, Vec<Expr>),
    /// `if cfn.condition("C") then a else b`
    If {
        condition: String,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Text(String),
    Value(Expr),
}

impl Expr {
    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Expr::Str(if text.is_empty() {
            Vec::new()
        } else {
            vec![Part::Text(text)]
        })
    }
}

/// What stands behind `action`, `rule` or `stage`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Head {
    pub name: Name,
    /// The name that AWS sees, where it is not the name itself: a string.
    pub aws_name: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stmt {
    /// `name = value`
    Field(String, Expr),
    /// `action image "Image" = build.codebuild { … }`
    Action(Head, String, Vec<Stmt>),
    /// `rule window = rule.deployment_window { … }`
    Rule(Head, String, Vec<Stmt>),
    /// `stage build "Build" { … }`
    Stage(Head, Vec<Stmt>),
    /// `output app "App" from ["**"]`
    Output(Head, Option<Expr>),
    /// `export IMAGE_TAG`
    Export(String),
    /// `parallel { … }`, `before entry { … }`, `push { … }`: a few words and a block.
    Block(String, Vec<Stmt>),
    /// `trigger app { … }`
    Trigger(Name, Vec<Stmt>),
    /// `variable channel = "beta"`, with its doc comment.
    Variable {
        name: String,
        doc: Option<String>,
        default: Option<Expr>,
    },
    /// `for x in ["a", "b"] { … }`; `for x, y in { a = "1", b = "2" } { … }` with a second variable and its values.
    For {
        var: String,
        keys: Vec<String>,
        second: Option<(String, Vec<String>)>,
        body: Vec<Stmt>,
    },
    /// `if cfn.condition("C") { … } else { … }`
    If {
        condition: DeployCondition,
        then: Vec<Stmt>,
        otherwise: Vec<Stmt>,
    },
    /// `field name "Key": string?`: of a provider.
    ProviderField {
        name: String,
        key: Option<String>,
        ty: String,
    },
    /// An empty line.
    Blank,
}

/// `pipeline webshop "acme-webshop" { … }`, `provider jenkins { … }`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Pipeline(Head, Vec<Stmt>),
    Provider(String, Vec<Stmt>),
}
