//! Text to AST and back: the grammar's binding, the parser, and the formatter.

pub mod ast;
pub mod codes;
mod dump;
pub mod fmt;
mod parser;

pub use dump::dump;
pub use parser::{MAX_NESTING, parse};
