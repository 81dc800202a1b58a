//! The way through the passes: a main file and what it imports, down to checked IR.

use crate::diagnostic::Diagnostic;
use crate::ir;
use crate::source::{Host, Sources};

/// A file to compile.
#[derive(Clone, Debug)]
pub enum Main {
    /// A path, as it was given.
    Path(std::path::PathBuf),
    /// Text that is not on disk: standard input, an editor's buffer, a test. Imports resolve against `path`'s folder.
    Text {
        name: String,
        path: Option<std::path::PathBuf>,
        text: String,
    },
}

/// Values for the main file's parameters.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `-D name=value`, in the order given; the value's text is read by the parameter's type.
    pub defines: Vec<(String, String)>,
    /// `--params file.json`: an object.
    pub params: serde_json::Map<String, serde_json::Value>,
}

/// All that a back end or a reporter wants to know of a compilation.
#[derive(Debug, Default)]
pub struct Compiled {
    pub sources: Sources,
    /// In the order of the file. With errors among the diagnostics these may be incomplete: look, do not export or run.
    pub pipelines: Vec<ir::Pipeline>,
    /// Sorted by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Takes `main` as far down as it goes; the diagnostics say how far that was. Fails only if `main` itself cannot be read.
pub fn compile(_host: &dyn Host, _main: &Main, _options: &Options) -> Result<Compiled, crate::source::ReadError> {
    Ok(Compiled::default())
}
