//! A large source goes through ten actions, against `cp -r` of it ten times: what that takes in time, and on the disk.
//!
//! Both sides are measured in turn, on the same file system, each time in a folder of its own. Nothing is removed before the end:
//! ext4 without a journal is slow to make files for a minute after others were removed. A round takes 25 times the source's size.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use crate::programs::{self, Program};
use crate::ratios::median;

const ACTIONS: usize = 10;

/// The most that a run may take of what the copies take.
const BAR: f64 = 1.0 / 3.0;

struct Options {
    files: usize,
    bytes: usize,
    rounds: usize,
}

impl Options {
    fn read(arguments: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            files: 50_000,
            bytes: 20 << 10,
            rounds: 1,
        };
        let mut rest = arguments.iter();
        while let Some(&argument) = rest.next() {
            match argument {
                "--quick" => options.files = 5_000,
                "--rounds" => {
                    let value = rest.next().and_then(|value| value.parse().ok());
                    options.rounds = value.ok_or("--rounds takes a number")?;
                }
                other => return Err(format!("unknown argument {other}")),
            }
        }
        Ok(options)
    }
}

/// What the ten actions do with the source.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    /// One after the other, each with what the one before gave; or all with the source, side by side.
    is_chain: bool,
    command: &'static str,
}

const CASES: [Case; 3] = [
    Case {
        name: "each passes on what it got",
        is_chain: true,
        command: "true",
    },
    Case {
        name: "each adds a file and passes all on",
        is_chain: true,
        command: "echo $PIPE_ACTION > $PIPE_ACTION.txt",
    },
    Case {
        name: "each takes the source, side by side",
        is_chain: false,
        command: "true",
    },
];

/// What one side took.
#[derive(Clone, Copy)]
struct Cost {
    seconds: f64,
    /// Of the processor, by all that was started: what a busy machine says less wrongly.
    processor: f64,
    megabytes: f64,
}

/// Measures, prints, and says whether the bar is met.
pub(crate) fn run(arguments: &[&str]) -> Result<bool, String> {
    let options = Options::read(arguments)?;
    let folder = programs::work_folder()
        .map_err(|error| error.to_string())?
        .join("artifacts");
    let pipe = programs::pipe()?;
    let result = measure(&options, &pipe, &folder);
    fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    result
}

fn measure(options: &Options, pipe: &Path, folder: &Path) -> Result<bool, String> {
    let source = folder.join("source");
    write_source(options, &source).map_err(|error| error.to_string())?;
    println!(
        "measuring {}, {} files of {} bytes",
        pipe.display(),
        options.files,
        options.bytes
    );
    let mut rounds: Vec<Vec<Cost>> = Vec::new();
    for number in 0..options.rounds {
        let mut round = vec![copies(&source, &folder.join(format!("copies-{number}")))?];
        for (index, case) in CASES.into_iter().enumerate() {
            let states = folder.join(format!("states-{number}-{index}"));
            round.push(run_case(case, pipe, folder, &states)?);
        }
        rounds.push(round);
    }
    Ok(print(&rounds))
}

/// The medians, and whether all are within the bar.
fn print(rounds: &[Vec<Cost>]) -> bool {
    let mut met = true;
    println!(
        "\n{:<38} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "median", "seconds", "of cp -r", "CPU s", "of cp -r", "MB", "of cp -r"
    );
    let names = std::iter::once("cp -r, ten times").chain(CASES.map(|case| case.name));
    for (index, name) in names.enumerate() {
        let of = |get: fn(&Cost) -> f64, at: usize| median(rounds.iter().map(|round| get(&round[at])).collect());
        print!("{name:<38}");
        let mut is_missed = false;
        for (get, bar) in [
            ((|cost: &Cost| cost.seconds) as fn(&Cost) -> f64, Some(BAR)),
            (|cost| cost.processor, None),
            (|cost| cost.megabytes, Some(BAR)),
        ] {
            let ratio = of(get, index) / of(get, 0);
            is_missed |= index > 0 && bar.is_some_and(|bar| ratio > bar);
            print!(" {:>8.2} {ratio:>8.2}", of(get, index));
        }
        println!("{}", if is_missed { "  MISSED" } else { "" });
        met &= !is_missed;
    }
    met
}

/// What `work` takes; the disk is weighed later.
fn cost(work: impl FnOnce() -> Result<(), String>) -> Result<Cost, String> {
    settle();
    let (before, start) = (processor()?, Instant::now());
    work()?;
    Ok(Cost {
        seconds: start.elapsed().as_secs_f64(),
        processor: processor()? - before,
        megabytes: 0.0,
    })
}

/// What all processes have used that were started here and have ended, in seconds.
fn processor() -> Result<f64, String> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| error.to_string())?;
    let time = usage.user_time() + usage.system_time();
    Ok(time.num_microseconds() as f64 / 1e6)
}

fn write_source(options: &Options, source: &Path) -> std::io::Result<()> {
    let mut seed = blake3::Hasher::new();
    for index in 0..options.files {
        let folder = source.join(format!("d{}/d{}", index / 2_500, index / 100 % 25));
        fs::create_dir_all(&folder)?;
        // Nothing that could be compressed, or stored once for several files.
        seed.update(&index.to_le_bytes());
        let mut content = vec![0; options.bytes];
        seed.finalize_xof().fill(&mut content);
        fs::write(folder.join(format!("f{index}")), content)?;
    }
    Ok(())
}

fn copies(source: &Path, folder: &Path) -> Result<Cost, String> {
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let copy = |index: usize| {
        succeed(
            Command::new("cp")
                .arg("-r")
                .arg(source)
                .arg(folder.join(index.to_string())),
        )
    };
    let mut cost = cost(|| (0..ACTIONS).try_for_each(copy))?;
    cost.megabytes = used(folder)?;
    Ok(cost)
}

/// The time of one run, and what another one, the same, has on the disk when its last action ends.
fn run_case(case: Case, pipe: &Path, folder: &Path, states: &Path) -> Result<Cost, String> {
    let program = |state: &Path, last: &str| -> Result<Program, String> {
        let file = folder.join("main.pipe");
        fs::write(&file, pipeline(case, last)).map_err(|error| error.to_string())?;
        let arguments = [
            "run",
            &file.display().to_string(),
            "--state-dir",
            &state.display().to_string(),
        ];
        Ok(Program::new(case.name, pipe, &arguments))
    };
    let timed = program(&states.join("timed"), "true")?;
    let mut cost = cost(|| timed.verify())?;
    let (state, size) = (states.join("weighed"), folder.join("size"));
    program(&state, &format!("du -sk '{}' > '{}'", state.display(), size.display()))?.verify()?;
    let said = fs::read_to_string(size).map_err(|error| error.to_string())?;
    cost.megabytes = megabytes(&said)?;
    Ok(cost)
}

/// The pipeline of a case; its last action does `last`, too.
fn pipeline(case: Case, last: &str) -> String {
    let mut out = String::from(
        "pipeline large {\n  role_arn = \"arn:aws:iam::111122223333:role/large\"\n  artifact_store = \"large\"\n\n  \
         stage source \"Source\" {\n    action out0 = source.s3 {\n      s3_bucket = \"large\"\n      s3_object_key = \"large.zip\"\n      \
         poll_for_source_changes = false\n      local { path = \"source\" }\n    }\n  }\n\n  stage work \"Work\" {\n",
    );
    if !case.is_chain {
        out.push_str("    parallel {\n");
    }
    for index in 1..=ACTIONS {
        let input = if case.is_chain { index - 1 } else { 0 };
        let command = if index == ACTIONS {
            format!("{} && {last}", case.command)
        } else {
            case.command.to_owned()
        };
        out.push_str(&format!(
            "    action out{index} = compute.commands {{\n      input = out{input}\n      commands = [\"{command}\"]\n      output out{index} from [\"**/*\"]\n    }}\n"
        ));
    }
    if !case.is_chain {
        out.push_str("    }\n");
    }
    out.push_str("  }\n}\n");
    out
}

/// What is still to be written would be written while the next one is measured.
fn settle() {
    nix::unistd::sync();
}

fn used(folder: &Path) -> Result<f64, String> {
    let output = Command::new("du")
        .arg("-sk")
        .arg(folder)
        .output()
        .map_err(|error| error.to_string())?;
    megabytes(&String::from_utf8_lossy(&output.stdout))
}

fn megabytes(said: &str) -> Result<f64, String> {
    let kibibytes = said
        .split_whitespace()
        .next()
        .and_then(|number| number.parse::<f64>().ok());
    kibibytes
        .map(|kibibytes| kibibytes * 1_024.0 / 1e6)
        .ok_or_else(|| format!("du said {said:?}"))
}

fn succeed(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        other => Err(format!("{command:?}: {other:?}")),
    }
}
