//! The back ends that write a pipeline out: one file a format, each with output types of its own, so that renaming a field
//! inside never changes a file that people keep.

pub mod cloudformation;
pub mod codepipeline;
pub mod codes;
mod deploy_values;
mod document;
pub mod iam_policy;
pub mod ir;
pub mod terraform;
