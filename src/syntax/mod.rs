//! Text to AST and back: the grammar's binding, the parser, and the formatter.

pub mod ast;
