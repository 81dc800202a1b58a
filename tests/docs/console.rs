//! Transcripts: commands after `$`, and what they print.
//!
//! The commands of a block run one after the other in a copy of the repository's `examples/`, to which the named files
//! of the page are added; `pipe` is the program that was built, and `cd` holds until the end of the block. Both streams
//! are shown, standard output first. `…` on a line of its own stands for any number of lines, within a line for any
//! text.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::support::program::program;

/// Where transcripts are carried out.
pub(super) struct Place {
    examples: PathBuf,
}

impl Place {
    pub(super) fn new() -> Self {
        Self {
            examples: super::root().join("examples"),
        }
    }

    /// Runs a transcript with these files beside the examples.
    pub(super) fn check(&self, files: &[(&str, &str)], transcript: &str) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        copy(&self.examples, &folder.path().join("examples"));
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut directory = folder.path().to_owned();
        for (command, expected) in steps(transcript)? {
            match command.strip_prefix("cd ") {
                Some(inner) => directory.push(inner.trim()),
                None => {
                    let printed = run(&command, &directory);
                    if !pattern(&expected).is_match(&printed) {
                        return Err(format!("`{command}` prints\n{printed}\nand not\n{expected}"));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Each command with what stands below it.
fn steps(transcript: &str) -> Result<Vec<(String, String)>, String> {
    let mut steps: Vec<(String, String)> = Vec::new();
    for line in transcript.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push((command.to_owned(), String::new())),
            (None, Some((_, output))) => {
                output.push_str(line);
                output.push('\n');
            }
            (None, None) => return Err("a transcript begins with a command: `$ pipe …`".to_owned()),
        }
    }
    Ok(steps)
}

fn run(command: &str, directory: &Path) -> String {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_pipe"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(binary.parent().unwrap().to_owned()).chain(std::env::split_paths(&path));
    let output = program(directory, "sh")
        .args(["-c", command])
        .env("PATH", std::env::join_paths(folders).unwrap())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

fn pattern(expected: &str) -> Regex {
    let lines = expected.trim_end().lines().map(|line| match line.trim() {
        "…" => "(?:.*\n)*".to_owned(),
        _ => format!("{}\n", regex::escape(line).replace('…', ".*")),
    });
    Regex::new(&format!("^{}\\s*$", lines.collect::<String>())).unwrap()
}

fn copy(from: &Path, to: &Path) {
    for entry in ignore::WalkBuilder::new(from).hidden(false).build() {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        match entry.file_type().is_some_and(|kind| kind.is_dir()) {
            true => fs::create_dir_all(target).unwrap(),
            false => {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
}
