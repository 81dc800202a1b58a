//! What a run costs beside its actions: against a bare spawner that captures output and does nothing else, with as many shells
//! at the same time and the same stages; how long until the first action, how much memory, how fast output is taken in.
//!
//! The journal, the artifact of the source in a folder of its own for each action, and the keeper are always included.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};

use crate::generate::{self, Order};
use crate::programs::{self, Program};
use crate::ratios::{self, Bar, Options, Times, median};
use crate::stand_in::{self, Peak};

const ACTIONS: usize = 1_000;
/// How many actions run at the same time where they may.
const JOBS: usize = 16;

const MIB: usize = 1 << 20;

/// What the runs are made of.
struct Bench {
    folder: PathBuf,
    pipe: PathBuf,
}

/// Measures, prints, and says whether all bars are met.
pub(crate) fn run(arguments: &[&str]) -> Result<bool, String> {
    let options = Options::read(arguments)?;
    let folder = programs::work_folder().map_err(text)?.join("runner");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(text)?;
    }
    let bench = Bench {
        folder,
        pipe: programs::pipe()?,
    };
    println!(
        "measuring {}, {} and {} rounds",
        bench.pipe.display(),
        options.rounds,
        options.long_rounds
    );
    let mut bars = bench.actions(&options)?;
    bars.push(bench.start(&options)?);
    bars.extend(bench.memory(&options)?);
    bars.extend(bench.output(&options)?);
    fs::remove_dir_all(&bench.folder).map_err(text)?;
    Ok(ratios::print(&bars, &options))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Bench {
    /// `pipe run` of a file.
    fn run_of(&self, name: &str, file: &Path, arguments: &[&str]) -> Program {
        let (file, state) = (file.display().to_string(), self.state().display().to_string());
        let run = ["run", &file, "--yes", "--state-dir", &state];
        Program::new(name, &self.pipe, &[&run, arguments].concat())
    }

    fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// A pipeline of actions that do nothing.
    fn trues(&self, name: &str, order: Order) -> Result<PathBuf, String> {
        generate::write_trues(&self.folder, name, ACTIONS, order).map_err(text)
    }

    /// Actions one by one, and side by side.
    fn actions(&self, options: &Options) -> Result<Vec<Bar>, String> {
        let (count, jobs) = (ACTIONS.to_string(), JOBS.to_string());
        let sequential = self.trues("sequential", Order::Sequential)?;
        let parallel = self.trues("parallel", Order::Parallel)?;
        let times = Times::take(
            options.long_rounds,
            &[
                stand_in::program("bare runner: 1,000 × sh -c true, one by one", &["spawn", &count, "1"])?,
                self.run_of("run 1,000 actions of true, one by one", &sequential, &[]),
                stand_in::program(
                    "bare runner: 1,000 × sh -c true, 16 at a time",
                    &["spawn", &count, &jobs],
                )?,
                self.run_of("run 1,000 actions of true, --jobs 16", &parallel, &["--jobs", &jobs]),
            ],
        )?;
        Ok(vec![
            Bar::new("run 1,000 actions one by one / bare runner", times.ratio(1, 0), 1.25),
            Bar::new("run 1,000 actions, 16 at a time / bare runner", times.ratio(3, 2), 1.25),
        ])
    }

    /// From the start of the program to what the first action does first: it opens a named pipe.
    fn start(&self, options: &Options) -> Result<Bar, String> {
        let fifo = self.folder.join("first");
        mkfifo(&fifo, Mode::S_IRWXU).map_err(text)?;
        let open = format!(": > '{}'", fifo.display());
        let file = generate::write_command(&self.folder, "start", &open, &[]).map_err(text)?;
        let run = self.run_of("start of `pipe run` to its first action", &file, &[]);
        let shell = Program::new(
            "start of a shell to its first command",
            Path::new("/bin/sh"),
            &["-c", &open],
        );
        let mut rounds = Vec::new();
        for _ in 0..=options.rounds {
            rounds.push((until_opened(&shell, &fifo)?, until_opened(&run, &fifo)?));
        }
        // The first one is not counted.
        let (shells, runs): (Vec<f64>, Vec<f64>) = rounds.into_iter().skip(1).unzip();
        let first = median(runs);
        println!("\n{:<58} {:>9.2} ms", shell.name, median(shells) * 1e3);
        println!("{:<58} {:>9.2} ms", run.name, first * 1e3);
        Ok(Bar::new(
            "start of `pipe run` to its first action, ms",
            first * 1e3,
            15.0,
        ))
    }

    /// The most memory that a process takes, and whether it grows with what has been done already.
    fn memory(&self, options: &Options) -> Result<Vec<Bar>, String> {
        let jobs = JOBS.to_string();
        let parallel = self.trues("parallel", Order::Parallel)?;
        let once = stand_in::peak_of(&self.run_of("run", &parallel, &["--jobs", &jobs]))?;
        let (twice, many) = (self.peak_of_runs(&parallel, 2)?, self.peak_of_runs(&parallel, 10)?);
        let little = stand_in::peak_of(&self.printing(MIB, &[])?)?;
        let much = stand_in::peak_of(&self.printing(much_output(options), &[])?)?;
        println!();
        for (name, Peak { largest, first }) in [
            ("1,000 actions", once),
            ("2,000 actions, in two runs under --watch", twice),
            ("10,000 actions, in ten runs under --watch", many),
            ("an action that prints 1 MiB", little),
            ("an action that prints a lot", much),
        ] {
            let (largest, first) = (largest / MIB as f64, first / MIB as f64);
            println!("peak memory of {name:<43} {largest:>9.2} MiB, and keeper {first:.2} MiB");
        }
        Ok(vec![
            Bar::new("peak memory of 1,000 actions, MiB", once.largest / MIB as f64, 16.0),
            Bar::new(
                "peak memory of 10,000 actions / of 2,000",
                many.largest / twice.largest,
                1.15,
            ),
            Bar::new(
                "peak memory of much output / of 1 MiB",
                much.largest / little.largest,
                1.1,
            ),
        ])
    }

    /// The peak memory of one process that carries a pipeline out again when its source changes, so many times. (A pipeline has
    /// 1,000 actions at most. The second run compiles it anew, beside the definition that is there; more add nothing to that.)
    fn peak_of_runs(&self, file: &Path, runs: usize) -> Result<Peak, String> {
        let jobs = JOBS.to_string();
        let state = self.state();
        if state.exists() {
            fs::remove_dir_all(&state).map_err(text)?;
        }
        let watch = self.run_of("watch", file, &["--jobs", &jobs, "--watch"]);
        let child = stand_in::peak_command(&watch)?
            .stdout(Stdio::piped())
            .spawn()
            .map_err(text)?;
        let followed = (1..=runs).try_for_each(|count| {
            wait_until("another run has ended", || finished(&state) >= count)?;
            if count == runs {
                return Ok(());
            }
            fs::write(self.folder.join("source/readme.txt"), format!("change {count}\n")).map_err(text)
        });
        interrupt(&child)?;
        let output = child.wait_with_output().map_err(text)?;
        followed?;
        stand_in::read_peak(&output)
    }

    /// A run whose one action prints `bytes`.
    fn printing(&self, bytes: usize, secrets: &[String]) -> Result<Program, String> {
        let printer = stand_in::program("", &["print", &bytes.to_string()])?;
        let command = format!("{} {}", printer.path.display(), printer.arguments.join(" "));
        let name = format!("print-{bytes}-{}", secrets.len());
        let file = generate::write_command(&self.folder, &name, &command, secrets).map_err(text)?;
        Ok(self.run_of("run an action that prints a lot", &file, &[]))
    }

    /// How fast output is taken in and masked.
    fn output(&self, options: &Options) -> Result<Vec<Bar>, String> {
        let bytes = much_output(options);
        let tokens = (0..8).map(|index: usize| format!("ghp_{}", &blake3::hash(&[index as u8]).to_hex()[..36]));
        let printer = stand_in::program("", &["print", &bytes.to_string()])?;
        let (log, path) = (self.folder.join("captured"), printer.path.display().to_string());
        let arguments = printer.arguments.iter().map(String::as_str);
        let bare: Vec<&str> = ["capture", "", &path].into_iter().chain(arguments).collect();
        let log = log.display().to_string();
        let bare: Vec<&str> = bare
            .into_iter()
            .map(|word| if word.is_empty() { &log } else { word })
            .collect();
        let mut run = self.printing(bytes, &tokens.collect::<Vec<_>>())?;
        "run an action that prints it, with eight secrets".clone_into(&mut run.name);
        run.leaves = Some(self.state());
        let times = Times::take(
            options.long_rounds,
            &[stand_in::program("bare runner that captures it in a file", &bare)?, run],
        )?;
        let speed = |index| bytes as f64 / 1e6 / times.median(index);
        println!("{:<58} {:>9.0} MB/s", "bare runner", speed(0));
        println!("{:<58} {:>9.0} MB/s", "run", speed(1));
        Ok(vec![
            Bar::new(
                "output through capture and masking, ms for 500 MB",
                500.0 / speed(1) * 1e3,
                1_000.0,
            ),
            Bar::new(
                "output through capture and masking / bare runner",
                times.ratio(1, 0),
                None,
            ),
        ])
    }
}

fn much_output(options: &Options) -> usize {
    if options.is_quick { 256 * MIB } else { 1024 * MIB }
}

/// Seconds from the start of a program to when it, or one that it starts, opens the named pipe.
fn until_opened(program: &Program, fifo: &Path) -> Result<f64, String> {
    let path = fifo.to_path_buf();
    let reader = thread::spawn(move || File::open(path).map(|_| Instant::now()));
    let start = Instant::now();
    let ended = program.verify();
    if ended.is_err() {
        // The reader may still wait for somebody to write.
        let _ = File::options().read(true).write(true).open(fifo);
    }
    let opened = reader.join().map_err(|_| "the reader panicked")?.map_err(text)?;
    ended.map(|()| opened.duration_since(start).as_secs_f64())
}

/// How many runs have come to their end.
fn finished(state: &Path) -> usize {
    let runs = fs::read_dir(state.join("runs")).into_iter().flatten().flatten();
    let journals = runs.filter_map(|run| fs::read_to_string(run.path().join("journal.jsonl")).ok());
    journals.filter(|journal| journal.contains("\"run_finished\"")).count()
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) -> Result<(), String> {
    let start = Instant::now();
    while !done() {
        if start.elapsed() > Duration::from_secs(120) {
            return Err(format!("waited too long until {what}"));
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// As Ctrl-C does, to the only child of `parent`.
fn interrupt(parent: &Child) -> Result<(), String> {
    let list = format!("/proc/{0}/task/{0}/children", parent.id());
    let said = fs::read_to_string(list).map_err(text)?;
    let child = said.split_whitespace().next().and_then(|id| id.parse().ok());
    let child = child.ok_or("it has ended by itself")?;
    kill(Pid::from_raw(child), Signal::SIGINT).map_err(text)
}
