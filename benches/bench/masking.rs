//! What capturing an action's output costs: [`Log`] with its masker, as a ratio to a plain copy of the same chunks to a file.
//! Measured is the processor's time, which does not depend on who else is busy.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use nix::sys::resource::{UsageWho, getrusage};
use pipe::run::event::ActionName;
use pipe::run::log::Log;
use pipe::run::secrets::Secrets;
use pipe::run::view::Screen;

use crate::programs;

/// As much as is read from a pipe at once.
const CHUNK: usize = 16 * 1024;
/// So much that the system need not wait for its disk.
const CHUNKS: usize = 4 * 1024;
const ROUNDS: usize = 7;

/// How often secrets stand in the output.
struct Case {
    name: &'static str,
    secrets: Vec<String>,
    /// One line in so many holds a secret; none: no line.
    every: Option<usize>,
    /// In bytes a second at least, as a share of the plain copy.
    bar: f64,
}

pub(crate) fn run() -> Result<bool, String> {
    let folder = programs::work_folder().map_err(|error| error.to_string())?;
    let random = |seed: usize| blake3::hash(&seed.to_le_bytes()).to_hex().to_string();
    let key: String = (0..40).map(|line| random(line) + "\n").collect();
    let tokens = (0..8).map(|index| format!("ghp_{}", &random(100 + index)[..36]));
    let secrets: Vec<String> = tokens.chain([format!("-----BEGIN KEY-----\n{key}")]).collect();
    let case = |name, secrets: &[String], every, bar| Case {
        name,
        secrets: secrets.to_vec(),
        every,
        bar,
    };
    let cases = [
        case("no secrets", &[], None, 3.0),
        case("one secret, never printed", &secrets[..1], None, 4.0),
        case("nine secrets, never printed", &secrets, None, 4.0),
        case("nine secrets, one in 100 lines", &secrets, Some(100), 4.0),
        case("nine secrets, in each line", &secrets, Some(1), 20.0),
    ];
    let mut met = true;
    println!(
        "{:<40} {:>9} {:>9} {:>9}",
        "log / plain copy", "measured", "at most", "MB/s"
    );
    for case in cases {
        let lines = lines(case.every.map(|every| (every, case.secrets.as_slice())));
        let mut rounds: Vec<(f64, f64)> = Vec::new();
        for _ in 0..ROUNDS {
            let plain = plain_copy(&folder.join("plain"), &lines)?;
            let log = log(&folder, &case.secrets, &lines)?;
            rounds.push((log / plain, log));
        }
        rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (ratio, seconds) = rounds[ROUNDS / 2];
        let speed = (CHUNK * CHUNKS) as f64 / 1e6 / seconds;
        let missed = if ratio > case.bar { "  MISSED" } else { "" };
        println!("{:<40} {ratio:>9.2} {:>9.1} {speed:>9.0}{missed}", case.name, case.bar);
        met &= ratio <= case.bar;
    }
    Ok(met)
}

/// The output of a build, as far as it matters: lines of words and figures, long enough that chunks end anywhere.
///
/// One line in so many holds one of the secrets.
pub(crate) fn lines(every: Option<(usize, &[String])>) -> Vec<u8> {
    let mut out = Vec::new();
    for line in 0_usize.. {
        if out.len() >= CHUNK * 64 {
            break;
        }
        let _ = write!(
            out,
            "[{line:>6}] compiling module_{} ({} of 4096) ",
            line * 7919 % 1009,
            line % 4096
        );
        if let Some((every, secrets)) = every
            && line % every == 0
        {
            let secret = &secrets[line % secrets.len()];
            out.extend_from_slice(secret.lines().last().unwrap_or_default().as_bytes());
        }
        out.extend_from_slice(b" -> target/debug/deps/libmodule.rlib\n");
    }
    out.truncate(CHUNK * 64);
    out
}

fn chunks(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines.chunks(CHUNK).cycle().take(CHUNKS)
}

/// The processor's time of this process, in seconds.
fn used() -> Result<f64, String> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).map_err(|error| error.to_string())?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

fn plain_copy(path: &Path, lines: &[u8]) -> Result<f64, String> {
    let start = used()?;
    let mut file = File::create(path).map_err(|error| error.to_string())?;
    for chunk in chunks(lines) {
        file.write_all(chunk).map_err(|error| error.to_string())?;
    }
    Ok(used()? - start)
}

fn log(folder: &Path, secrets: &[String], lines: &[u8]) -> Result<f64, String> {
    let known = Arc::new(Secrets::default());
    known.add_all(secrets.iter().map(String::as_str));
    let screen = Arc::new(Screen::silent());
    let name = ActionName {
        stage: "Build".to_owned(),
        action: "build".to_owned(),
        attempt: 1,
    };
    let path = folder.join("log");
    let _ = std::fs::remove_file(&path);
    let start = used()?;
    let mut log = Log::new(path, name, known, screen);
    for chunk in chunks(lines) {
        log.write(chunk);
    }
    log.finish().map_err(|error| error.to_string())?;
    Ok(used()? - start)
}
