//! `cargo +nightly fuzz run check`: see `fuzz/src/properties.rs`.

#![no_main]

use pipe_fuzz::properties;

libfuzzer_sys::fuzz_target!(|text: &str| properties::check(text));
