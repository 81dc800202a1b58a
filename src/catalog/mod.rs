//! What the compiler knows about action types and rule types: the signatures that `provider` items declare.
//!
//! The library's own (`stdlib/*.pipe`) are kept in a form that need not be parsed at every start and are decoded when
//! first asked for; a user's file adds its own. Nothing in here names a provider: what can be said in `.pipe` is said there.
//!
//! - [`lower`] reads a `provider` item into a [`Provider`], the library's and a user's alike.
//! - [`Catalog`] finds providers, by the name that `.pipe` uses and by AWS type.
//! - [`library`] is the form in which the library is kept, and how it is made from `stdlib/*.pipe`.
//!
//! # Changing the library
//!
//! Edit `stdlib/<module>.pipe`, then run `UPDATE_LIBRARY=1 cargo test --test main stdlib::`, which writes
//! `src/catalog/library.bin` and `docs/providers.md` anew. Without the variable the same tests fail when either is not
//! what the library says.

pub mod codes;
mod describe;
pub mod drivers;
pub mod library;
mod lookup;
mod lower;
mod names;

pub use describe::type_text;
pub use lookup::Catalog;
pub use lower::lower;
pub use names::{pascal_case, snake_case};

use serde::{Deserialize, Serialize};

use crate::ir::TypeId;
use crate::source::Span;
use crate::syntax::ast;

/// One provider's signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provider {
    /// `build.codebuild`; a user's own: its bare name.
    pub name: String,
    pub doc: Option<String>,
    pub type_id: TypeId,
    /// How many input artifacts it takes.
    pub inputs: Count,
    /// How many output artifacts it gives.
    pub outputs: Count,
    pub fields: Vec<Field>,
    pub exports: Exports,
    /// IAM actions that the pipeline's role needs for it.
    pub permissions: Vec<String>,
    pub requires: Vec<Require>,
    /// The driver that carries it out on this machine.
    pub driver: Option<String>,
    /// `pipeline_type = "V2"`: refused in a V1 pipeline.
    pub v2_only: bool,
    /// `cross_region = false`: must run in the pipeline's region.
    pub cross_region: bool,
    /// `files = true`: an output may say which files it takes (`from […]`).
    pub output_files: bool,
    /// `timeout = true`: takes `timeout`.
    pub timeout: bool,
    /// `open = true`: keys that are not declared are passed on, with a warning.
    pub open: bool,
    /// `deprecated = "why, and what instead"`.
    pub deprecated: Option<String>,
    /// `page = "https://…"`: the AWS page.
    pub page: Option<String>,
    /// The provider's name where it is declared.
    pub span: Span,
}

impl Provider {
    /// The declared field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The field that is sent under this configuration key.
    pub fn field_of_key(&self, key: &str) -> Option<&Field> {
        self.fields
            .iter()
            .find(|field| field.key == key && field.encoding.is_configuration())
    }

    /// AWS's name of the output variable that `.pipe` calls `name`, if the provider fixes its output variables.
    pub fn output_variable(&self, name: &str) -> Option<&str> {
        let Exports::Fixed(names) = &self.exports else {
            return None;
        };
        names.iter().find(|aws| snake_case(aws) == name).map(String::as_str)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub min: u32,
    pub max: u32,
}

/// Which output variables an action has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Exports {
    /// `exports = ["CommitId", …]`: exactly these, referred to in snake_case (`commit_id`).
    Fixed(Vec<String>),
    /// `exports = "open"`: what the user's build or function defines; the action's `export NAME` clauses declare them.
    Open,
    /// `exports = "declared"`: as open, and the `export` clauses become `outputVariables`.
    Declared,
}

/// A field of a provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// snake_case.
    pub name: String,
    /// The configuration key, `ProjectName`; of no meaning where [`Encoding`] says that it stands beside `configuration`.
    pub key: String,
    pub doc: Option<String>,
    pub ty: ast::TypeExpr,
    /// `T?`, or with a default: may be left out.
    pub optional: bool,
    /// Sent when the field is left out.
    pub default: Option<ast::Expr>,
    pub encoding: Encoding,
    pub span: Span,
}

/// How a value becomes what AWS wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// Text as it is, `true`/`false`, decimal numbers, an artifact's AWS name, a file as `Artifact::path`.
    Plain,
    /// `csv`: a list joined with commas, no blanks.
    Csv,
    /// `json`: compact JSON.
    Json,
    /// `env_json`: a JSON array of `{"name", "value", "type"}`.
    EnvJson,
    /// `minutes`: a duration as a number of minutes.
    Minutes,
    /// `commands`: not configuration, but the action's `commands`.
    Commands,
    /// `environment`: not configuration, but the action's `environmentVariables`.
    Environment,
}

impl Encoding {
    /// Every encoding by the name that `encoded` takes; `Plain` is what a field has without one.
    pub const NAMES: [(&'static str, Self); 6] = [
        ("csv", Self::Csv),
        ("json", Self::Json),
        ("env_json", Self::EnvJson),
        ("minutes", Self::Minutes),
        ("commands", Self::Commands),
        ("environment", Self::Environment),
    ];

    /// Whether the value is sent as an entry of `configuration`, and not beside it.
    pub fn is_configuration(self) -> bool {
        !matches!(self, Self::Commands | Self::Environment)
    }

    /// The name that `encoded` takes; none for [`Encoding::Plain`].
    pub fn name(self) -> Option<&'static str> {
        Self::NAMES
            .iter()
            .find(|&&(_, encoding)| encoding == self)
            .map(|&(name, _)| name)
    }
}

/// A condition between fields: `require cond else "message" at field`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Require {
    pub cond: ast::Expr,
    pub message: ast::Expr,
    pub at: Option<String>,
    pub span: Span,
}
