//! Meaning: names, types, phases and values; AST in, IR out.
//!
//! 1. [`program`] loads the imported files and knows what each declares.
//! 2. [`check`] looks at every file by itself: names, types, functions and reusable blocks, used or not.
//! 3. [`expand`] evaluates a pipeline's statements ([`eval`] its expressions) into a list of stages and actions.
//! 4. [`link`] settles artifacts, namespaces and variables, and makes the IR.
//! 5. [`conform`] holds the IR against the providers' signatures; it works on any IR, whatever the front end.

pub mod check;
pub mod codes;
pub mod conform;
pub mod encode;
pub mod eval;
pub mod expand;
mod known_types;
pub mod link;
pub mod namespaces;
pub mod params;
pub mod program;
pub mod signature;
pub mod ty;
pub mod value;
mod values;
pub mod wording;
