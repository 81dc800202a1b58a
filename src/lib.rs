//! `pipe`: a language for delivery pipelines, and the one program that understands it.
//!
//! A file's way down the hourglass:
//!
//! 1. [`source`] reads it and gives it a [`source::FileId`]; every later place is a [`source::Span`] in it.
//! 2. [`syntax`] parses text into an AST and says what is wrong with it; it also prints the AST in the one canonical style.
//! 3. [`catalog`] knows the providers: the signatures that `stdlib/*.pipe` declares, and those of the user's own files.
//! 4. [`sema`] resolves names, checks types and phases, evaluates, and expands the AST into the IR.
//! 5. [`ir`] is the waist: a typed model of a CodePipeline declaration, and the rules that hold for any of them.
//! 6. [`lint`] names what AWS would accept and its author would regret.
//! 7. [`compile`] is the way through all of these in one call; [`export`] and [`graph`] write the IR out, [`diff`] compares two, and
//!    [`import`] is the front end for foreign definitions, and writes them as source; [`run`] carries it out on this machine.
//! 8. [`cli`] is the command line around all of it.
//!
//! Floors import only downwards: `cli` → `run` → `diff`, `export`, `graph`, `import` → `compile` → `lint` → `sema` → `catalog` → `syntax`, `ir` →
//! `diagnostic` → `source`. A test keeps it so.

pub mod catalog;
pub mod cli;
pub mod compile;
pub mod diagnostic;
pub mod diff;
pub mod export;
pub mod graph;
pub mod import;
pub mod ir;
pub mod lint;
pub mod run;
pub mod sema;
pub mod source;
pub mod syntax;
