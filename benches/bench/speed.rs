//! What `pipe` costs, as ratios to an empty program and to a bare runner, all measured in one interleaved run.
//!
//! A round runs every program once; a ratio is the median over the rounds of the ratios within a round, so that a machine
//! that is slow for a while is slow for both sides. `--slack 1.5` lets a bar be missed
//! by half, for a busy machine.

use std::path::Path;
use std::process::Stdio;
use std::{env, fs};

use nix::sys::resource::{UsageWho, getrusage};

use crate::generate::{self, Inputs, RUN_ACTIONS};
use crate::programs::{self, Program};

/// How many actions run at the same time, in `pipe` and in the bare runner.
const JOBS: usize = 16;
/// Measures, prints, and says whether all bars are met.
pub(crate) fn run(arguments: &[&str]) -> Result<bool, String> {
    measure(&Options::read(arguments)?)
}

/// What this program does when it is run to stand in for another one.
pub(crate) fn stand_in(arguments: &[&str]) -> Result<(), String> {
    match arguments {
        ["json", file] => json(Path::new(file)),
        ["spawn", count, jobs] => spawn(count, jobs),
        ["peak", program, rest @ ..] => peak(program, rest),
        other => Err(format!("nothing stands in for {other:?}")),
    }
}

struct Options {
    /// Rounds of what takes milliseconds.
    rounds: usize,
    /// Rounds of what takes up to a second.
    long_rounds: usize,
    /// By how much a bar may be exceeded.
    slack: f64,
}

impl Options {
    fn read(arguments: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            rounds: 101,
            long_rounds: 11,
            slack: 1.0,
        };
        let mut rest = arguments.iter();
        while let Some(&argument) = rest.next() {
            match argument {
                "--quick" => (options.rounds, options.long_rounds) = (31, 3),
                "--slack" => {
                    let value = rest.next().and_then(|value| value.parse().ok());
                    options.slack = value.ok_or("--slack takes a number")?;
                }
                other => return Err(format!("unknown argument {other}")),
            }
        }
        Ok(options)
    }
}

/// A ratio, and the most that it may be.
struct Bar {
    what: &'static str,
    ratio: f64,
    bar: Option<f64>,
}

fn measure(options: &Options) -> Result<bool, String> {
    let folder = programs::work_folder().map_err(|error| error.to_string())?;
    let inputs = generate::write_all(&folder)?;
    let pipe = programs::pipe()?;
    println!(
        "measuring {}, {} and {} rounds",
        pipe.display(),
        options.rounds,
        options.long_rounds
    );

    let mut bars = short_runs(options, &folder, &inputs, &pipe)?;
    bars.extend(long_runs(options, &inputs, &pipe)?);
    bars.extend(runner(options, &folder, &inputs, &pipe)?);
    bars.push(peak_memory(&inputs, &pipe)?);

    println!("\n{:<58} {:>9} {:>9}", "ratio", "measured", "at most");
    let mut met = true;
    for Bar { what, ratio, bar } in &bars {
        let allowed = bar.map_or(String::new(), |bar| format!("{bar:.1}"));
        let missed = bar.is_some_and(|bar| *ratio > bar * options.slack);
        met &= !missed;
        println!(
            "{what:<58} {ratio:>9.2} {allowed:>9}{}",
            if missed { "  MISSED" } else { "" }
        );
    }
    Ok(met)
}

/// What takes milliseconds, against the empty program.
fn short_runs(options: &Options, folder: &Path, inputs: &Inputs, pipe: &Path) -> Result<Vec<Bar>, String> {
    let empty = Program::new("empty program", &programs::empty()?, &[]);
    let file = |path: &Path| path.display().to_string();
    let export = |name, path| Program::new(name, pipe, &["export", &file(path)]);
    let check = |name, path| Program::new(name, pipe, &["check", &file(path)]);
    let json = programs::exported(pipe, &inputs.sixty, folder.join("60.json"))?;
    let large_json = programs::exported(pipe, &inputs.five_hundred, folder.join("500.json"))?;
    let this = env::current_exe().map_err(|error| error.to_string())?;

    let times = Times::take(
        options.rounds,
        vec![
            empty,
            Program::new("pipe --version", pipe, &["--version"]),
            Program::new(
                "serde_json reads and prints 60 actions",
                &this,
                &["stand-in", "json", &file(&json)],
            ),
            check("check 5", &inputs.five),
            export("export 5", &inputs.five),
            check("check 60", &inputs.sixty),
            export("export 60", &inputs.sixty),
            check("check 500", &inputs.five_hundred),
            export("export 500", &inputs.five_hundred),
            check("check 500 in JSON", &large_json),
            Program::new("import 500", pipe, &["import", &file(&large_json)]),
        ],
    )?;
    let bar = |what, index, bar| Bar {
        what,
        ratio: times.ratio(index, 0),
        bar,
    };
    Ok(vec![
        bar("pipe --version / empty program", 1, None),
        bar("serde_json reads and prints 60 actions / empty program", 2, None),
        bar("check 5 actions / empty program", 3, None),
        bar("export 5 actions / empty program", 4, None),
        bar("check 60 actions / empty program", 5, Some(5.0)),
        bar("export 60 actions / empty program", 6, Some(5.0)),
        bar("check 500 actions / empty program", 7, Some(30.0)),
        bar("export 500 actions / empty program", 8, Some(30.0)),
        bar("check 500 actions in JSON / empty program", 9, Some(30.0)),
        bar("import 500 actions / empty program", 10, Some(30.0)),
    ])
}

/// What takes up to a second.
fn long_runs(options: &Options, inputs: &Inputs, pipe: &Path) -> Result<Vec<Bar>, String> {
    let check = |name, path: &Path| Program::new(name, pipe, &["check", &path.display().to_string()]);
    let times = Times::take(
        options.long_rounds,
        vec![
            Program::new("empty program", &programs::empty()?, &[]),
            check("check 500", &inputs.five_hundred),
            check("check 200 files of 60", &inputs.folder),
            check("check 50,000", &inputs.fifty_thousand),
        ],
    )?;
    let per_action = times.median_of(|round| {
        let start = round[0];
        ((round[3] - start) / 50_000.0) / ((round[1] - start) / 500.0)
    });
    Ok(vec![
        Bar {
            what: "check 200 files of 60 actions / empty program",
            ratio: times.ratio(2, 0),
            bar: Some(350.0),
        },
        Bar {
            what: "check: an action among 50,000 / one among 500",
            ratio: per_action,
            bar: Some(1.2),
        },
    ])
}

/// Running, against a program that only spawns.
fn runner(options: &Options, folder: &Path, inputs: &Inputs, pipe: &Path) -> Result<Vec<Bar>, String> {
    let this = env::current_exe().map_err(|error| error.to_string())?;
    let (actions, jobs) = (RUN_ACTIONS.to_string(), JOBS.to_string());
    let state = folder.join("state");
    if state.exists() {
        fs::remove_dir_all(&state).map_err(|error| error.to_string())?;
    }
    let run = [
        "run",
        &inputs.run.display().to_string(),
        "--yes",
        "--jobs",
        &jobs,
        "--state-dir",
        &state.display().to_string(),
    ];
    let times = Times::take(
        options.long_rounds,
        vec![
            Program::new(
                "bare runner: 1,000 × sh -c true",
                &this,
                &["stand-in", "spawn", &actions, &jobs],
            ),
            Program::new("run 1,000 actions of true", pipe, &run),
        ],
    )?;
    Ok(vec![Bar {
        what: "run 1,000 actions of true / bare runner",
        ratio: times.ratio(1, 0),
        bar: Some(1.3),
    }])
}

/// The peak memory of exporting 60 actions, in megabytes.
fn peak_memory(inputs: &Inputs, pipe: &Path) -> Result<Bar, String> {
    let this = env::current_exe().map_err(|error| error.to_string())?;
    let file = inputs.sixty.display().to_string();
    let pipe = pipe.display().to_string();
    let program = Program::new("peak", &this, &["stand-in", "peak", &pipe, "export", &file]);
    let output = program
        .command()
        .stdout(Stdio::piped())
        .output()
        .map_err(|error| error.to_string())?;
    let kibibytes: f64 = String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .map_err(|_| format!("no peak memory was reported: {output:?}"))?;
    Ok(Bar {
        what: "peak memory of exporting 60 actions, MB",
        ratio: kibibytes * 1024.0 / 1e6,
        bar: Some(10.0),
    })
}

/// Seconds by round and program.
struct Times {
    rounds: Vec<Vec<f64>>,
}

impl Times {
    /// Runs the programs in turns, after a round that is not counted, and prints the median of each.
    fn take(rounds: usize, programs: Vec<Program>) -> Result<Self, String> {
        for program in &programs {
            program.verify()?;
        }
        let round = |_| programs.iter().map(|program| program.time().as_secs_f64()).collect();
        let times = Self {
            rounds: (0..rounds).map(round).collect(),
        };
        println!();
        for (index, program) in programs.iter().enumerate() {
            println!(
                "{:<58} {:>9.2} ms",
                program.name,
                times.median_of(|round| round[index]) * 1e3
            );
        }
        Ok(times)
    }

    fn ratio(&self, index: usize, to: usize) -> f64 {
        self.median_of(|round| round[index] / round[to])
    }

    fn median_of(&self, value: impl Fn(&[f64]) -> f64) -> f64 {
        let mut values: Vec<f64> = self.rounds.iter().map(|round| value(round)).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }
}

/// Stands in for "serde_json reading and printing the exported JSON".
fn json(file: &Path) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    println!("{value:#}");
    Ok(())
}

/// Stands in for a bare runner: `count` shells, `jobs` at a time, their output captured.
fn spawn(count: &str, jobs: &str) -> Result<(), String> {
    let count: usize = count.parse().map_err(|_| "spawn takes a number")?;
    let jobs: usize = jobs.parse().map_err(|_| "spawn takes two numbers")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let limit = std::sync::Arc::new(tokio::sync::Semaphore::new(jobs));
        let mut shells = tokio::task::JoinSet::new();
        for _ in 0..count {
            let permit = limit.clone().acquire_owned().await.map_err(|error| error.to_string())?;
            shells.spawn(async move {
                let output = tokio::process::Command::new("/bin/sh")
                    .args(["-c", "true"])
                    .output()
                    .await;
                drop(permit);
                output
            });
        }
        while let Some(output) = shells.join_next().await {
            let output = output
                .map_err(|error| error.to_string())?
                .map_err(|error| error.to_string())?;
            if !output.status.success() {
                return Err("`sh -c true` failed".to_owned());
            }
        }
        Ok(())
    })
}

/// Runs one program and prints its peak resident memory in kibibytes: what the kernel says of this process's only child.
/// (The kernel counts from the fork on, so this small program's own memory is the least that can be reported.)
fn peak(program: &str, arguments: &[&str]) -> Result<(), String> {
    Program::new("peak", Path::new(program), arguments).verify()?;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| error.to_string())?;
    println!("{}", usage.max_rss());
    Ok(())
}
