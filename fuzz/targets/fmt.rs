//! `cargo +nightly fuzz run fmt`: see `fuzz/src/properties.rs`.

#![no_main]

#[path = "../src/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| properties::fmt(text));
