//! `pipe run --watch`: notices changes of what a pipeline takes and of its definition.

use std::io;
use std::path::PathBuf;

use super::drivers::pipeline::Neighbours;
use super::drivers::{file_source, git_source};
use super::eyes::{Change, Eyes, View};
use super::planned::Driver;
use super::{Drivers, Run};
use crate::ir::Pipeline;

/// A definition as the compiler gives it.
pub struct Compiled {
    pub pipeline: Pipeline,
    pub drivers: Box<dyn Drivers>,
    pub neighbours: Neighbours,
    /// What it was made of; absolute.
    pub files: Vec<PathBuf>,
}

/// Compiles again; `Err`: what is wrong, as people should see it.
pub type Compile<'a> = Box<dyn FnMut() -> Result<Compiled, String> + 'a>;

/// What a run that watches needs besides what it starts with.
pub struct Changes<'a> {
    /// What the definition was made of; absolute.
    pub files: Vec<PathBuf>,
    pub compile: Compile<'a>,
}

/// Watches, for a session.
pub(super) struct Watch<'a> {
    compile: Compile<'a>,
    eyes: Eyes,
}

impl<'a> Watch<'a> {
    /// What happens from here on is noticed.
    pub(super) fn new(changes: Changes<'a>, template: &Run) -> io::Result<Self> {
        Ok(Self {
            eyes: Eyes::open(view(template, changes.files))?,
            compile: changes.compile,
        })
    }

    pub(super) async fn next(&mut self) -> io::Result<Change> {
        self.eyes.next().await
    }

    /// The definition as it is now; `Err`: what is wrong, as people should see it.
    pub(super) fn compile(&mut self) -> Result<Compiled, String> {
        (self.compile)()
    }

    /// Watches what another definition takes, which was made of these files.
    pub(super) fn turn_to(&mut self, template: &Run, files: Vec<PathBuf>) -> io::Result<()> {
        self.eyes.turn_to(view(template, files))
    }
}

/// What the sources of a definition take, as far as it can be looked at.
fn view(template: &Run, definition: Vec<PathBuf>) -> View {
    let plans = template.plan.actions.iter().flatten();
    let sources = plans.filter_map(|plan| match plan.driver {
        Driver::GitSource => git_source::folder(plan, &template.options),
        Driver::FileSource => file_source::path(plan, &template.options),
        _ => None,
    });
    View {
        sources: sources.collect(),
        definition,
        // By the name that a walk finds it under.
        state_dir: std::fs::canonicalize(&template.state_dir).unwrap_or_else(|_| template.state_dir.clone()),
    }
}
