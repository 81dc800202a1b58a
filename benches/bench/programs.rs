//! The programs that are measured: where they are, and one run of them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io};

/// The `target` folder of this build.
pub(crate) fn target() -> PathBuf {
    // `target/<triple>/release/deps/speed-…` or `target/release/deps/speed-…`
    let program = env::current_exe().expect("a running program has a path");
    program
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists())
        .map(Path::to_path_buf)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"))
}

/// A folder for what the benches write.
pub(crate) fn work_folder() -> io::Result<PathBuf> {
    let folder = target().join("bench");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The shipped binary: `PIPE_BENCH_BINARY`, else the newest one of `cargo build --profile dist`.
pub(crate) fn pipe() -> Result<PathBuf, String> {
    if let Some(path) = env::var_os("PIPE_BENCH_BINARY") {
        return Ok(PathBuf::from(path));
    }
    let target = target();
    let mut found: Vec<PathBuf> = vec![target.join("dist/pipe")];
    if let Ok(folders) = fs::read_dir(&target) {
        found.extend(folders.flatten().map(|folder| folder.path().join("dist/pipe")));
    }
    found.retain(|path| path.is_file());
    found.sort_by_key(|path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok());
    found
        .pop()
        .ok_or_else(|| "there is no shipped binary yet: run `cargo build --profile dist`".to_owned())
}

/// Writes a pipeline's JSON into a file.
pub(crate) fn exported(pipe: &Path, input: &Path, json: PathBuf) -> Result<PathBuf, String> {
    let mut command = Program::new("export", pipe, &["export", &input.display().to_string()]).command();
    let written = command.stdout(Stdio::piped()).output();
    let written = written.and_then(|written| fs::write(&json, written.stdout));
    written.map(|()| json).map_err(|error| error.to_string())
}

/// An empty, statically linked program, compiled when it is not there yet.
pub(crate) fn empty() -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/bench/empty.rs");
    let out = work_folder().map_err(|error| error.to_string())?.join("empty");
    if !out.exists() {
        let flags = "-O -C lto=fat -C codegen-units=1 -C panic=abort -C strip=symbols -C target-feature=+crt-static";
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let status = Command::new(rustc)
            .args(["--edition", "2024"])
            .args(flags.split(' '))
            .args([OsStr::new("-o"), out.as_os_str(), source.as_os_str()])
            .status();
        match status {
            Ok(status) if status.success() => {}
            other => return Err(format!("rustc did not compile {}: {other:?}", source.display())),
        }
    }
    Ok(out)
}

/// A command line to measure.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// Where it runs; `pipe run` writes beside its file unless told otherwise.
    pub(crate) folder: PathBuf,
    /// A folder that it makes, and that is removed before each run.
    pub(crate) leaves: Option<PathBuf>,
}

impl Program {
    pub(crate) fn new(name: &str, path: &Path, arguments: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            path: path.to_path_buf(),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            folder: env::temp_dir(),
            leaves: None,
        }
    }

    /// Takes away what the run before has left, so that the disk does not fill with what nobody looks at.
    fn clear(&self) {
        if let Some(folder) = &self.leaves {
            let _ = fs::remove_dir_all(folder);
        }
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args(&self.arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Runs it once, to see that what is measured is success; says what it said otherwise.
    pub(crate) fn verify(&self) -> Result<(), String> {
        self.clear();
        let output = self
            .command()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .map_err(|error| format!("{}: {error}", self.path.display()))?;
        if output.status.success() {
            return Ok(());
        }
        let said: String = [output.stdout, output.stderr]
            .iter()
            .map(|bytes| String::from_utf8_lossy(bytes).chars().take(2000).collect::<String>())
            .collect();
        Err(format!("{} ended with {}:\n{said}", self.name, output.status))
    }

    /// The wall time from before its start to after its end.
    pub(crate) fn time(&self) -> Duration {
        self.clear();
        let mut command = self.command();
        let start = Instant::now();
        let status = command.status().expect("it ran when it was verified");
        let time = start.elapsed();
        assert!(status.success(), "{} succeeded when it was verified", self.name);
        time
    }
}
