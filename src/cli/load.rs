//! From a file to one of its pipelines, for the commands that want a whole one.

use std::path::Path;

use super::args::Params;
use super::console::Console;
use super::error::Error;
use super::input::Input;
use crate::compile::{Compiled, Options, compile};
use crate::diagnostic::suggest::nearest;
use crate::diagnostic::{Severity, human};
use crate::import;
use crate::ir::Pipeline;
use crate::source::DiskHost;

/// Compiles a file and tells what is wrong with it on standard error; none if that makes it useless.
pub(super) fn load(file: &Path, params: &Params, console: &mut Console) -> Result<Option<Compiled>, Error> {
    let options = params.options()?;
    let input = Input::new(file);
    let compiled = compile_any(&input, &options)?;
    console.note(&human::render(
        &compiled.diagnostics,
        &compiled.sources,
        console.err_style,
    ));
    let has_errors = compiled.diagnostics.iter().any(|it| it.severity == Severity::Error);
    Ok(Some(compiled).filter(|_| !has_errors))
}

/// Compiles what a person wrote, or reads and checks a document of another kind.
pub(super) fn compile_any(input: &Input, options: &Options) -> Result<Compiled, Error> {
    let main = input.to_main()?;
    let result = match import::is_document(&DiskHost, &main) {
        Ok(true) => import::load(&DiskHost, &main).map(|loaded| loaded.compiled),
        Ok(false) => compile(&DiskHost, &main, options),
        Err(why) => Err(why),
    };
    result.map_err(|why| input.unreadable(why))
}

/// The file's pipeline, or that of several which `--pipeline` names: by its identifier, or by the name that AWS sees.
pub(super) fn select(pipelines: Vec<Pipeline>, file: &Path, name: Option<&str>) -> Result<Pipeline, Error> {
    let names: Vec<String> = pipelines.iter().map(|pipeline| pipeline.handle.0.clone()).collect();
    let file = file.to_owned();
    let mut candidates = pipelines.into_iter();
    let Some(name) = name else {
        return match (candidates.next(), candidates.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(Error::NoPipelines { file }),
            (Some(_), Some(_)) => Err(Error::SeveralPipelines { file, names }),
        };
    };
    let found = candidates.find(|pipeline| pipeline.handle.0 == name || pipeline.name.value == name);
    found.ok_or_else(|| Error::NoSuchPipeline {
        name: name.to_owned(),
        near: nearest(name, names.iter().map(String::as_str)).map(str::to_owned),
        file,
        names,
    })
}
