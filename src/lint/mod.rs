//! Lints: what AWS would accept and its author would regret. One file a family; each tells its codes in [`codes`].
//!
//! To add one: write its function in the family's file, its code in `codes.rs`, its page in `docs/diagnostics/`, and a
//! case in `tests/cases/check/lint/`.

pub mod change_sets;
pub mod codes;
pub mod free_text;
pub mod local;
pub mod plain_secrets;
pub mod same_target;
pub mod sources;
pub mod unused;
pub mod unused_output;
