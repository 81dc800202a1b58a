//! What checking, exporting and importing cost, as ratios to an empty program.

use std::env;
use std::path::Path;

use crate::generate::{self, Inputs};
use crate::programs::{self, Program};
use crate::ratios::{self, Bar, Options, Times};
use crate::stand_in;

/// Measures, prints, and says whether all bars are met.
pub(crate) fn run(arguments: &[&str]) -> Result<bool, String> {
    measure(&Options::read(arguments)?)
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
    bars.push(peak_memory(&inputs, &pipe)?);

    Ok(ratios::print(&bars, options))
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
        &[
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
    let bar = |what, index, bar: Option<f64>| Bar::new(what, times.ratio(index, 0), bar);
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
        &[
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
        Bar::new(
            "check 200 files of 60 actions / empty program",
            times.ratio(2, 0),
            350.0,
        ),
        Bar::new("check: an action among 50,000 / one among 500", per_action, 1.2),
    ])
}

/// The peak memory of exporting 60 actions, in megabytes.
fn peak_memory(inputs: &Inputs, pipe: &Path) -> Result<Bar, String> {
    let export = Program::new("export 60", pipe, &["export", &inputs.sixty.display().to_string()]);
    let peak = stand_in::peak_of(&export)?;
    Ok(Bar::new(
        "peak memory of exporting 60 actions, MB",
        peak.largest / 1e6,
        10.0,
    ))
}
