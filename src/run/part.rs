//! Which part of a pipeline is meant, and what its parts are called: on the command line, and in messages.

use std::ops::Range;

use super::RunOptions;
use super::planned::Position;
use crate::ir;

/// `Prod/rollout`, as people see it.
pub fn place(stage: &ir::Stage, action: &ir::Action) -> String {
    format!("{}/{}", stage.name, action.name)
}

/// `Prod, before entry, rule alarms`
pub fn rule_place(stage: &ir::Stage, position: Position, rule: &ir::Rule) -> String {
    format!("{}, {}, rule {}", stage.name, position.words(), rule.name)
}

/// The stage of this name, or of this identifier in the file.
pub fn stage_index(pipeline: &ir::Pipeline, name: &str) -> Option<usize> {
    let by = |is: &dyn Fn(&ir::Stage) -> bool| pipeline.stages.iter().position(is);
    by(&|stage| stage.name.value == name).or_else(|| by(&|stage| stage.handle.0 == name))
}

/// The stages that the options ask for; `Err`: one that does not exist.
pub fn part<'a>(pipeline: &ir::Pipeline, options: &'a RunOptions) -> Result<Range<usize>, &'a str> {
    let index = |name: &'a String| stage_index(pipeline, name).ok_or(name.as_str());
    let first = options.first_stage.as_ref().map(index).transpose()?;
    let last = options.last_stage.as_ref().map(index).transpose()?;
    let end = last.map_or(pipeline.stages.len(), |last| last + 1);
    Ok(first.unwrap_or(0).min(end)..end)
}

/// Whether `name` on the command line means this action: its name, or the identifier in the file.
pub fn is_called(action: &ir::Action, name: &str) -> bool {
    action.name.value == name || action.handle.0 == name
}
