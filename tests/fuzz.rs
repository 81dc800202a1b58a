//! Any text goes through parser, compiler, formatter and the readers of documents, and any file through the readers of what a
//! run finds: a seeded loop that spoils the files of this repository for a while and looks at what holds of any.
//!
//! `PIPE_FUZZ_SECONDS` (default 5) says how long; `PIPE_FUZZ_SEED` starts from another place. What goes wrong is printed
//! with the text that did it, which is also kept in `target/fuzz-failure`. What went wrong once, and is a case of nothing else,
//! stands in `tests/cases/fuzz`.

#[path = "../fuzz/src/properties.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets are crates of their own")]
mod properties;
#[path = "../fuzz/src/running.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets are crates of their own")]
mod running;
#[path = "fuzz/seeds.rs"]
mod seeds;
#[path = "fuzz/spoil.rs"]
mod spoil;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use fastrand::Rng;

/// An input that takes longer hangs. (The largest ones have some ten kilobytes and take milliseconds; the worst that was seen, hundreds
/// of strings opened inside each other, took seconds in a build for tests.)
const HANGS: Duration = Duration::from_secs(120);

/// A kind of file that something here reads.
struct Kind {
    name: &'static str,
    /// How often its turn comes, beside the others.
    weight: u32,
    seeds: Seeds,
    /// Panics, if not all that holds of any such file holds of this one.
    law: fn(&[u8]),
}

enum Seeds {
    Texts(Vec<String>),
    Files(Vec<Vec<u8>>),
}

impl Kind {
    fn texts(name: &'static str, weight: u32, seeds: Vec<String>, law: fn(&[u8])) -> Self {
        let seeds = Seeds::Texts(seeds);
        Self {
            name,
            weight,
            seeds,
            law,
        }
    }

    fn seeds(&self) -> Vec<&[u8]> {
        match &self.seeds {
            Seeds::Texts(texts) => texts.iter().map(String::as_bytes).collect(),
            Seeds::Files(files) => files.iter().map(Vec::as_slice).collect(),
        }
    }

    fn spoiled(&self, rng: &mut Rng) -> Vec<u8> {
        match &self.seeds {
            Seeds::Texts(texts) => spoil::text(rng, texts).into_bytes(),
            Seeds::Files(files) => spoil::bytes(rng, files),
        }
    }

    fn hold(&self, input: &[u8]) {
        if catch_unwind(AssertUnwindSafe(|| (self.law)(input))).is_err() {
            report(&format!("this {} breaks a law", self.name), input);
            panic!("see above");
        }
    }
}

fn kinds() -> Vec<Kind> {
    let archives = Seeds::Files(seeds::archives());
    vec![
        Kind::texts("pipeline", 8, seeds::pipelines(), |input| {
            properties::parse(text(input));
            properties::fmt(text(input));
            properties::check(text(input));
        }),
        Kind::texts("document", 4, seeds::documents(), |input| {
            properties::document(text(input));
        }),
        Kind::texts("buildspec", 2, seeds::buildspecs(), |input| {
            running::buildspec(text(input));
        }),
        Kind::texts("report", 2, seeds::reports(), |input| running::report(text(input))),
        Kind::texts("script", 2, seeds::scripts(), |input| running::script(text(input))),
        Kind::texts("journal", 2, seeds::journals(), |input| running::journal(text(input))),
        Kind {
            name: "archive",
            weight: 2,
            seeds: archives,
            law: running::archive,
        },
    ]
}

/// Seeds and what becomes of them when characters are changed are text.
fn text(input: &[u8]) -> &str {
    std::str::from_utf8(input).unwrap()
}

#[test]
fn any_text_is_taken() {
    let seconds = setting("PIPE_FUZZ_SECONDS", 5);
    let seed = setting("PIPE_FUZZ_SEED", 1);
    let kinds = kinds();
    let watch = watch();
    for kind in &kinds {
        let seeds = kind.seeds();
        assert!(seeds.len() > 1, "hardly any {} was found", kind.name);
        for seed in seeds {
            watch.send(seed.to_vec()).unwrap();
            kind.hold(seed);
        }
    }
    let turns: Vec<&Kind> = kinds
        .iter()
        .flat_map(|kind| (0..kind.weight).map(move |_| kind))
        .collect();
    let mut rng = Rng::with_seed(seed);
    let start = Instant::now();
    let mut inputs: u64 = 0;
    while start.elapsed() < Duration::from_secs(seconds) {
        let kind = turns[rng.usize(..turns.len())];
        let input = kind.spoiled(&mut rng);
        watch.send(input.clone()).unwrap();
        kind.hold(&input);
        inputs += 1;
    }
    println!("{inputs} texts in {seconds} s, seed {seed}");
    assert!(inputs > 0 || seconds == 0);
}

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| value.parse().unwrap())
}

#[expect(clippy::print_stderr, reason = "a failing test says what it failed on")]
fn report(what: &str, input: &[u8]) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fuzz-failure");
    let kept = if fs::write(&file, input).is_ok() {
        " (kept in target/fuzz-failure)"
    } else {
        ""
    };
    let text = String::from_utf8_lossy(input);
    eprintln!("{what}{kept}:\n{text}\n{text:?}");
}

/// Ends the process if the input that it was told of last is not followed by another one in time.
fn watch() -> Sender<Vec<u8>> {
    let (sender, receiver) = mpsc::channel::<Vec<u8>>();
    thread::spawn(move || {
        let mut last = Vec::new();
        loop {
            match receiver.recv_timeout(HANGS) {
                Ok(input) => last = input,
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    report("this hangs", &last);
                    process::abort();
                }
            }
        }
    });
    sender
}
