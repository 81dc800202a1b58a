//! `pipe check`: errors and lints.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::args::{CheckArgs, Deny, ReportFormat};
use super::console::Console;
use super::error::Error;
use super::input::{Found, Input, find};
use super::load::compile_any;
use super::report::Reports;
use super::status::Status;
use crate::compile::Options;
use crate::diagnostic::{Diagnostic, Severity, human, json};
use crate::sema::codes::UNKNOWN_PARAMETER;

/// Compiles all files and reports what is wrong with them.
pub(super) fn check(args: &CheckArgs, console: &mut Console) -> Result<Status, Error> {
    let options = args.params.options()?;
    let Found { inputs, mut failures } = find(&args.paths);
    let mut parts = Vec::with_capacity(inputs.len());
    for result in check_all(&inputs, &options) {
        match result {
            Ok(part) => parts.push(part),
            Err(failure) => failures.push(failure),
        }
    }
    let reports = match parts.len() {
        1 => parts.remove(0),
        _ => {
            leave_out_parameters_of_others(&mut parts);
            Reports::merge(parts)
        }
    };
    if reports.files > 0 || failures.is_empty() || args.format == ReportFormat::Json {
        console.print(&render(&reports, args.format, console.out_style))?;
    }
    for failure in &failures {
        console.complain(failure);
    }
    Ok(match (failures.is_empty(), is_denied(&reports, args.deny)) {
        (false, _) => Status::CouldNotAsk,
        (true, true) => Status::No,
        (true, false) => Status::Fine,
    })
}

/// Of several files checked together, a `-D` is meant for those that declare the parameter: it is unknown only if all say so.
fn leave_out_parameters_of_others(parts: &mut [Reports]) {
    let is_unknown = |it: &Diagnostic| it.code.name == UNKNOWN_PARAMETER.name;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for diagnostic in parts
        .iter()
        .flat_map(|part| &part.diagnostics)
        .filter(|it| is_unknown(it))
    {
        *counts.entry(diagnostic.message.clone()).or_default() += 1;
    }
    let everywhere = parts.len();
    for part in parts {
        part.diagnostics
            .retain(|it| !is_unknown(it) || counts.get(&it.message) == Some(&everywhere));
    }
}

fn is_denied(reports: &Reports, deny: Option<Deny>) -> bool {
    let denied = match deny {
        Some(Deny::Warnings) => reports.has(Severity::Warning),
        None => false,
    };
    denied || reports.has(Severity::Error)
}

fn render(reports: &Reports, format: ReportFormat, style: human::Style) -> String {
    match format {
        ReportFormat::Json => json::render(&reports.diagnostics, &reports.sources, reports.files),
        ReportFormat::Human if reports.diagnostics.is_empty() => {
            format!("no problems in {}\n", human::counted(reports.files, "file"))
        }
        ReportFormat::Human => human::render(&reports.diagnostics, &reports.sources, style),
    }
}

/// Checks every input, several at a time; the results are in the order of the inputs.
fn check_all(inputs: &[Input], options: &Options) -> Vec<Result<Reports, Error>> {
    // Asking how many processors there are reads files: not for a single input.
    let threads = match inputs.len() {
        0 | 1 => 1,
        several => thread::available_parallelism().map_or(1, NonZero::get).min(several),
    };
    if threads == 1 {
        return inputs.iter().map(|input| check_one(input, options)).collect();
    }
    let next = AtomicUsize::new(0);
    let results: Vec<OnceLock<Result<Reports, Error>>> = inputs.iter().map(|_| OnceLock::new()).collect();
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(input) = inputs.get(index) else { break };
            results[index].get_or_init(|| check_one(input, options));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    results.into_iter().filter_map(OnceLock::into_inner).collect()
}

fn check_one(input: &Input, options: &Options) -> Result<Reports, Error> {
    let compiled = compile_any(input, options)?;
    Ok(Reports::of_one(compiled.sources, compiled.diagnostics))
}
