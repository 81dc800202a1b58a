//! Lints: what AWS would accept and its author would regret. One file a family; each tells its codes in [`codes`].
//!
//! To add one: write its function in the family's file, its code in `codes.rs`, its page in `docs/diagnostics/`, and a
//! case in `tests/cases/check/lint/`.

pub mod codes;
pub mod local;
pub mod same_target;
pub mod unused;
