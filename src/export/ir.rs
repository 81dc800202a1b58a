//! The IR itself as JSON, for tools and for looking at.

use crate::ir::Pipeline;

/// The pipeline's IR: two-space indentation, one newline at the end. Origins are left out.
pub fn export(pipeline: &Pipeline) -> String {
    let mut json = serde_json::to_string_pretty(pipeline).expect("the IR has string keys only");
    json.push('\n');
    json
}
