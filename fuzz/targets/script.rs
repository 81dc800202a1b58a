//! `cargo +nightly fuzz run script`: see `fuzz/src/running.rs`.

#![no_main]

use pipe_fuzz::running;

libfuzzer_sys::fuzz_target!(|text: &str| running::script(text));
