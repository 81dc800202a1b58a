//! How many instructions checking, exporting and importing take, by callgrind: unlike a wall time, a number that can gate a change.
//!
//! A count may differ from the recorded one by [`TOLERANCE`] either way: more is a loss; less is a gain that has to be
//! recorded, so that it is not lost again unnoticed. Without valgrind nothing is counted, and a line says so.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{generate, programs};

/// Hash tables with random seeds and another machine's paths make a difference of well under a hundredth.
const TOLERANCE: f64 = 0.05;
const SIZES: [usize; 3] = [5, 60, 500];

/// Compares with what is recorded, and says whether it holds.
pub(crate) fn gate() -> Result<bool, String> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("instructions: skipped, because valgrind is not installed");
        return Ok(true);
    }
    let counts = count_all()?;
    let recorded = read(&file())?;
    println!(
        "{:<20} {:>15} {:>15} {:>8}",
        "instructions", "recorded", "now", "change"
    );
    let mut held = true;
    for (name, now) in &counts {
        let before = *recorded
            .get(name)
            .ok_or_else(|| format!("{name} is not recorded: run with --record"))?;
        let change = *now as f64 / before as f64 - 1.0;
        let verdict = match change {
            change if change > TOLERANCE => "  TOO MANY",
            change if change < -TOLERANCE => {
                "  FEWER: record the gain with `cargo bench --profile dist --bench bench -- instructions --record`"
            }
            _ => "",
        };
        held &= verdict.is_empty();
        println!("{name:<20} {before:>15} {now:>15} {:>+7.1}%{verdict}", change * 100.0);
    }
    Ok(held)
}

/// Writes what is counted now to the file that later runs are compared with.
pub(crate) fn record() -> Result<bool, String> {
    let text: String = count_all()?
        .iter()
        .map(|(name, count)| format!("{name} {count}\n"))
        .collect();
    let file = file();
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    println!("recorded in {}", file.display());
    Ok(true)
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/bench/instructions.txt")
}

fn count_all() -> Result<BTreeMap<String, u64>, String> {
    let pipe = programs::pipe()?;
    let folder = programs::work_folder().map_err(|error| error.to_string())?;
    let mut counts = BTreeMap::new();
    for size in SIZES {
        let file = generate::write_file(&folder, size).map_err(|error| error.to_string())?;
        for command in ["check", "export"] {
            counts.insert(format!("{command}-{size:03}"), count(&pipe, command, &file)?);
        }
        let json = programs::exported(&pipe, &file, folder.join(format!("{size}.json")))?;
        counts.insert(format!("import-{size:03}"), count(&pipe, "import", &json)?);
    }
    Ok(counts)
}

/// The instructions of `pipe command file`, all threads together.
fn count(pipe: &PathBuf, command: &str, file: &Path) -> Result<u64, String> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(pipe)
        .arg(command)
        .arg(file)
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{command} {} failed under valgrind:\n{said}", file.display()));
    }
    // ==123== Collected : 1234567
    said.lines()
        .find_map(|line| line.split_once("Collected :"))
        .and_then(|(_, count)| count.trim().parse().ok())
        .ok_or_else(|| format!("valgrind told no count:\n{said}"))
}

fn read(file: &Path) -> Result<BTreeMap<String, u64>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    text.lines()
        .map(|line| {
            let (name, count) = line
                .split_once(' ')
                .ok_or_else(|| format!("{line}: not a name and a count"))?;
            let count = count.parse().map_err(|_| format!("{line}: not a name and a count"))?;
            Ok((name.to_owned(), count))
        })
        .collect()
}
