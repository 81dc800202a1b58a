//! The syntax as written.
//!
//! Nothing is known here about what a name refers to, whether a statement may stand where it stands, or what a field
//! means: any statement may be in any block, and [`crate::sema`] says what does not belong. What could not be understood
//! is left out or is an `Error` node, and has been reported.

use serde::{Deserialize, Serialize};

use crate::source::Span;

/// An identifier and its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ident {
    pub text: String,
    pub span: Span,
}

/// One file.
#[derive(Clone, Debug, Default)]
pub struct File {
    pub items: Vec<Item>,
    /// Every comment, doc comments included, in the order of the text; the formatter's side table.
    pub comments: Vec<Comment>,
}

/// A comment with its marks: `// …`, `/// …`, `/* … */`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comment {
    pub kind: CommentKind,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommentKind {
    Line,
    Doc,
    Block,
}

/// The text of the `///` lines right above an item, without the marks and one blank after them; lines joined by `\n`.
pub type Doc = Option<String>;

#[derive(Clone, Debug)]
pub struct Item {
    pub doc: Doc,
    pub kind: ItemKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum ItemKind {
    /// `import "./path.pipe" as name`
    Import(Import),
    /// `param name: type = default`
    Param(Param),
    /// `const name: type = value`
    Const(Const),
    /// `type Name = type`
    Type(TypeDef),
    /// `fn name(a: type, b: type = default) -> type = expr`
    Fn(Function),
    /// `action name(params) = provider { … }`
    Action(ActionTemplate),
    /// `stage name(params) { … }`
    Stage(StageTemplate),
    /// `provider name { … }`
    Provider(Provider),
    /// `pipeline name "AWS name" { … }`
    Pipeline(Pipeline),
}

#[derive(Clone, Debug)]
pub struct Import {
    pub path: Expr,
    pub name: Ident,
}

/// A file's parameter, or a parameter of a function, reusable action or reusable stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Param {
    pub name: Ident,
    pub ty: TypeExpr,
    pub default: Option<Expr>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Const {
    pub name: Ident,
    pub ty: Option<TypeExpr>,
    pub value: Expr,
}

#[derive(Clone, Debug)]
pub struct TypeDef {
    pub name: Ident,
    pub ty: TypeExpr,
}

#[derive(Clone, Debug)]
pub struct Function {
    pub name: Ident,
    pub params: Vec<Param>,
    pub result: TypeExpr,
    pub body: Expr,
}

#[derive(Clone, Debug)]
pub struct ActionTemplate {
    pub name: Ident,
    pub params: Vec<Param>,
    pub provider: Path,
    pub body: Block,
}

#[derive(Clone, Debug)]
pub struct StageTemplate {
    pub name: Ident,
    pub params: Vec<Param>,
    pub body: Block,
}

#[derive(Clone, Debug)]
pub struct Provider {
    pub name: Ident,
    pub body: Block,
}

#[derive(Clone, Debug)]
pub struct Pipeline {
    pub name: Ident,
    /// A string literal.
    pub aws_name: Option<Expr>,
    pub body: Block,
}

/// `name`, `lib.release`, `build.codebuild`.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// At least one.
    pub segments: Vec<Ident>,
    pub span: Span,
}

/// `{ … }`, its braces included in the span.
#[derive(Clone, Debug)]
pub struct Block {
    pub stmts: Vec<Stmt>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Stmt {
    pub doc: Doc,
    pub kind: StmtKind,
    pub span: Span,
}

/// What a declaration is called: `image`, `image[svc]`, `build "Build"`.
#[derive(Clone, Debug)]
pub struct DeclName {
    pub ident: Ident,
    /// The key of one of a family: `[svc]`.
    pub key: Option<Box<Expr>>,
    /// The name that AWS sees: a string, possibly with interpolation.
    pub aws_name: Option<Box<Expr>>,
}

impl DeclName {
    /// From the identifier to the end of the key.
    pub fn span(&self) -> Span {
        self.key
            .as_ref()
            .map_or(self.ident.span, |key| self.ident.span.to(key.span))
    }
}

#[derive(Clone, Debug)]
pub enum StmtKind {
    /// `name = expr`; in a map-like block also `"any key" = expr`.
    Field { name: Ident, value: Expr },
    /// `variable channel = "beta"`
    Variable { name: Ident, default: Option<Expr> },
    /// `trigger app { push { … } pull_request { … } }`; also `trigger image["api"] { … }`.
    Trigger { action: Expr, body: Block },
    /// `push { … }`
    Push { body: Block },
    /// `pull_request { … }`
    PullRequest { body: Block },
    /// `stage build "Build" { … }`
    Stage { name: DeclName, body: Block },
    /// `stage prod "Prod" = lib.release { env = "prod" }`
    StageUse {
        name: DeclName,
        template: Path,
        body: Block,
    },
    /// `action image[svc] "AWS" = build.codebuild { … }`
    Action {
        name: DeclName,
        provider: Path,
        body: Block,
    },
    /// `parallel { … }`
    Parallel { body: Block },
    /// `before entry { … }`, `on success { … }`, `on failure { … }`
    Condition { position: ConditionPosition, body: Block },
    /// `rule window = rule.deployment_window { … }`
    Rule {
        name: DeclName,
        provider: Path,
        body: Block,
    },
    /// `output definition[svc] "AWS" from ["dist/**"]`
    Output { name: DeclName, from: Option<Expr> },
    /// `export IMAGE_TAG`
    Export { name: Ident },
    /// `local { … }`
    Local { body: Block },
    /// `for x in xs { … }`, `for k, v in map { … }`
    For {
        first: Ident,
        second: Option<Ident>,
        iter: Box<Expr>,
        body: Block,
    },
    /// `if cond { … } else { … }`; an `else if` is an else block that holds one `If` and has its span.
    If {
        cond: Box<Expr>,
        then: Block,
        otherwise: Option<Block>,
    },
    /// In a provider: `field name "AwsKey": type = default encoded csv`
    ProviderField {
        name: Ident,
        aws_key: Option<Box<Expr>>,
        ty: TypeExpr,
        default: Option<Box<Expr>>,
        encoding: Option<Ident>,
    },
    /// In a provider: `require cond else "message" at field`
    Require {
        cond: Box<Expr>,
        message: Box<Expr>,
        at: Option<Ident>,
    },
    /// In a provider: `local buildspec`
    LocalDriver { driver: Ident },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ConditionPosition {
    /// `before entry`
    BeforeEntry,
    /// `on success`
    OnSuccess,
    /// `on failure`
    OnFailure,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ExprKind {
    /// `"text ${expr}"`, `"""…"""`
    Str(StrLit),
    /// `42`, `1_000`
    Int(i64),
    /// `45s`, `1h30m`, in seconds
    Duration(u64),
    /// `true`
    Bool(bool),
    /// `none`
    None,
    /// `app`
    Name(String),
    /// `[a, ...xs]`
    List(Vec<ListEntry>),
    /// `{ key = value, "any key" = value, ...base }`
    Record(Vec<RecordEntry>),
    /// `[for x in xs if cond: expr]`
    ListComp { vars: Box<CompVars>, value: Box<Expr> },
    /// `{for k, v in m if cond: key = value}`
    MapComp {
        vars: Box<CompVars>,
        key: Box<Expr>,
        value: Box<Expr>,
    },
    /// `x.field`
    Field { base: Box<Expr>, name: Ident },
    /// `xs[0]`, `m["key"]`
    Index { base: Box<Expr>, index: Box<Expr> },
    /// `f(a, b)`
    Call { callee: Box<Expr>, args: Vec<Expr> },
    /// `!x`
    Not(Box<Expr>),
    /// `a == b`
    Binary {
        op: BinaryOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `if c then a else b`
    If {
        cond: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    /// `(x)`: kept, so that the formatter keeps it
    Paren(Box<Expr>),
    /// `1..5`: how many artifacts a provider takes
    Range { low: i64, high: i64 },
    /// Not understood, and reported.
    Error,
}

/// A string literal, its escapes resolved and, in `"""…"""`, the indentation removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StrLit {
    /// Neighbouring texts are joined: `"abc"` is one `Text`, `""` none.
    pub parts: Vec<StrPart>,
    /// Written with three quotes.
    pub multiline: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StrPart {
    Text(String),
    Interpolation(Expr),
}

impl StrLit {
    /// The text, if nothing is interpolated.
    pub fn as_text(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [StrPart::Text(text)] => Some(text),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ListEntry {
    Item(Expr),
    /// `...xs`
    Spread(Expr),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RecordEntry {
    /// `key = value`, `"any key" = value`
    Field { key: Ident, quoted: bool, value: Expr },
    /// `...base`
    Spread(Expr),
}

/// `for x in xs if cond:`, `for k, v in m:`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompVars {
    pub first: Ident,
    pub second: Option<Ident>,
    pub iter: Box<Expr>,
    pub cond: Option<Box<Expr>>,
}

/// Loosest first: `||`; `&&`; then `==`, `!=` and `in`, which do not chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BinaryOp {
    /// `a || b`
    Or,
    /// `a && b`
    And,
    /// `a == b`
    Eq,
    /// `a != b`
    Ne,
    /// `a in b`
    In,
    /// `a < b`, and the three after it: in `require` conditions on numbers, `len(input) <= 1`
    Lt,
    Le,
    Gt,
    Ge,
}

impl BinaryOp {
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::In => "in",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TypeExpr {
    pub kind: TypeExprKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TypeExprKind {
    /// `string`, `Env`, `lib.Env`
    Name(Vec<Ident>),
    /// `list<T>`
    List(Box<TypeExpr>),
    /// `map<T>`
    Map(Box<TypeExpr>),
    /// `{ field: T, other?: T }`
    Record(Vec<TypeField>),
    /// `"A"`, `42`, `true`
    Literal(Expr),
    /// `"A" | "B"`
    Union(Vec<TypeExpr>),
    /// `T?`
    Optional(Box<TypeExpr>),
    /// `string(1..100)`, `int(1..)`, `string(..50)`, `list<T>(1..50)`
    Range {
        base: Box<TypeExpr>,
        low: Option<i64>,
        high: Option<i64>,
    },
    /// `string(/regex/)`
    Pattern { base: Box<TypeExpr>, pattern: String },
    /// `(T)`
    Paren(Box<TypeExpr>),
    /// Not understood, and reported.
    Error,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TypeField {
    pub name: Ident,
    pub optional: bool,
    pub ty: TypeExpr,
}
