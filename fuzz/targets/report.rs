//! `cargo +nightly fuzz run report`: see `fuzz/src/running.rs`.

#![no_main]

use pipe_fuzz::running;

libfuzzer_sys::fuzz_target!(|text: &str| running::report(text));
