//! `cargo +nightly fuzz run buildspec`: see `fuzz/src/running.rs`.

#![no_main]

use pipe_fuzz::running;

libfuzzer_sys::fuzz_target!(|text: &str| running::buildspec(text));
