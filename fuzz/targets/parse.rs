//! `cargo +nightly fuzz run parse`: see `fuzz/src/properties.rs`.

#![no_main]

use pipe_fuzz::properties;

libfuzzer_sys::fuzz_target!(|text: &str| properties::parse(text));
