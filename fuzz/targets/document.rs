//! `cargo +nightly fuzz run document`: see `fuzz/src/properties.rs`.

#![no_main]

#[path = "../src/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| properties::document(text));
