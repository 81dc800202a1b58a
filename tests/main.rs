//! The integration tests: one crate, so that it links once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[allow(dead_code, reason = "each helper is for the areas that need it")]
mod support;

mod check;
mod cli;
mod constraints;
mod diff;
mod docs;
mod examples;
mod export;
mod fmt;
mod fuzz;
mod graph;
mod import;
mod import_write;
mod ir;
mod laws;
mod plan;
mod run;
mod simulate;
mod stdlib;
mod syntax;
mod tidy;
