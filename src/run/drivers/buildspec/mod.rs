//! `buildspec`: carries out what a CodeBuild project would: the phases of a buildspec, with their failure rules, its reports,
//! artifacts, cache and exported variables, one build or a batch of them. `buildspec.md` is the reference; what it leaves open is
//! decided here:
//!
//! - artifacts are taken only from a build that succeeded: those of a failed one would reach nobody;
//! - a retried phase is repeated as a whole, `finally` included;
//! - with `on-failure: CONTINUE` the build goes on and still fails in the end;
//! - keys without a meaning are warned of, and ignored; phases have fixed names;
//! - reports are read before artifacts are taken, and the cache is kept last, by a build that succeeded.

pub mod ahead;
pub mod artifacts;
pub mod batch;
pub mod build;
pub mod cache;
pub mod differences;
pub mod environment;
pub mod expand;
pub mod phases;
pub mod possible;
pub mod reports;
pub mod session;
pub mod spec;

use std::path::PathBuf;

use super::{Done, Job};
use crate::run::outcome::Failure;
use spec::{Batch, Read};

pub async fn carry_out(job: &mut Job) -> Result<Done, Failure> {
    let primary = job.configuration("PrimarySource").map(str::to_owned);
    let folders = job.unpack(primary.as_deref())?;
    let place = ahead::Place {
        local: job.plan.settings.buildspec.as_deref(),
        chosen: job.configuration("BuildspecOverride"),
        source: Some(&job.dir),
        source_name: primary
            .as_deref()
            .unwrap_or_else(|| job.inputs.first().map_or("", |(name, _)| name)),
        project: &job.run.options.project_dir,
    };
    let whole = ahead::read(place)?.ok_or_else(|| Failure::new("there is no buildspec"))?;
    let mut done = if job.configuration("BatchEnabled").is_some_and(is_true) {
        let tasks = ahead::read_tasks(place, &whole)?;
        for warning in &whole.warnings {
            job.log.say(&format!("warning: {warning}"));
        }
        let fast_fail = whole.spec.batch.as_ref().is_some_and(Batch::is_fast_fail);
        batch::carry_out(job, &tasks, fast_fail).await?
    } else {
        one(job, &whole, &folders).await?
    };
    // The log has all of them; a line about the action has room for one.
    match whole.warnings.as_slice() {
        [] => {}
        [one] => done.notes.push(one.clone()),
        many => done
            .notes
            .push(format!("{} warnings of the buildspec in its log", many.len())),
    }
    Ok(done)
}

/// One build, and what it gives.
async fn one(job: &mut Job, read: &Read, folders: &[(String, PathBuf)]) -> Result<Done, Failure> {
    let finished = build::carry_out(job, read, None, folders).await?;
    let mut done = Done::default();
    let action = std::sync::Arc::clone(&job.action);
    let outputs: Vec<&str> = action.outputs.iter().map(|output| output.name.value.as_str()).collect();
    for (output, section) in artifacts::sections(&read.spec, &outputs)? {
        let artifact = finished.take(job, &output, section)?;
        done.artifacts.insert(output, artifact);
    }
    finished.save_cache(job, &read.spec);
    done.notes = finished.notes;
    done.variables = finished.exported;
    Ok(done)
}

/// Whether a configuration's value says yes.
pub fn is_true(value: &str) -> bool {
    value.eq_ignore_ascii_case("true")
}
