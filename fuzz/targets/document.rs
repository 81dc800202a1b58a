//! `cargo +nightly fuzz run document`: see `fuzz/src/properties.rs`.

#![no_main]

use pipe_fuzz::properties;

libfuzzer_sys::fuzz_target!(|text: &str| properties::document(text));
