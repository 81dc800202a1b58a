//! `cargo +nightly fuzz run archive`: see `fuzz/src/running.rs`.

#![no_main]

use pipe_fuzz::running;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| running::archive(bytes));
