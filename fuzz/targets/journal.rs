//! `cargo +nightly fuzz run journal`: see `fuzz/src/running.rs`.

#![no_main]

use pipe_fuzz::running;

libfuzzer_sys::fuzz_target!(|text: &str| running::journal(text));
