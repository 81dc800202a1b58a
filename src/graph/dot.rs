//! DOT: <https://graphviz.org/doc/info/lang.html>, for Graphviz and all that reads it.

use super::{Cluster, Drawing, Item, Shape};
use crate::ir::Pipeline;

/// The pipeline as a directed graph in DOT.
pub fn dot(pipeline: &Pipeline) -> String {
    let drawing = Drawing::new(pipeline);
    let mut out = vec![
        format!("digraph {} {{", quote(&drawing.title)),
        "  rankdir = LR".to_owned(),
        // Edges may end at the border of a stage.
        "  compound = true".to_owned(),
        "  node [shape = box, style = \"rounded,filled\", fillcolor = white, fontname = \"Helvetica\"]".to_owned(),
        "  edge [fontname = \"Helvetica\", fontsize = 10]".to_owned(),
    ];
    for stage in &drawing.stages {
        cluster(stage, &mut out);
    }
    for pair in drawing.stages.windows(2) {
        out.push(format!(
            "  {} -> {} [ltail = cluster_{}, lhead = cluster_{}, style = bold, color = gray40]",
            end(pair[0].last(), &pair[0]),
            end(pair[1].first(), &pair[1]),
            pair[0].id,
            pair[1].id
        ));
    }
    for flow in &drawing.flows {
        let label = quote(&flow.artifacts.join(", "));
        out.push(format!("  {} -> {} [label = {label}]", flow.from, flow.to));
    }
    out.push("}".to_owned());
    out.push(String::new());
    out.join("\n")
}

fn cluster(stage: &Cluster, out: &mut Vec<String>) {
    out.push(format!("  subgraph cluster_{} {{", stage.id));
    out.push(format!("    label = {}", quote(&stage.label)));
    out.push("    fontname = \"Helvetica\"".to_owned());
    out.push("    style = \"rounded,filled\"".to_owned());
    out.push("    fillcolor = gray95".to_owned());
    if stage.first().is_none() {
        // A cluster without a node would not be drawn.
        out.push(format!("    {} [style = invis]", empty(stage)));
    }
    for item in stage.items() {
        out.push(format!("    {}", node(item)));
    }
    for (before, after) in stage.sequence() {
        out.push(format!("    {} -> {} [style = invis]", before.id, after.id));
    }
    for step in stage.steps.iter().filter(|step| step.len() > 1) {
        let ids: Vec<&str> = step.iter().map(|item| item.id.as_str()).collect();
        out.push(format!("    {{ rank = same; {} }}", ids.join("; ")));
    }
    out.push("  }".to_owned());
}

/// The item at which an edge from stage to stage ends.
fn end(item: Option<&Item>, stage: &Cluster) -> String {
    item.map_or_else(|| empty(stage), |item| item.id.clone())
}

fn empty(stage: &Cluster) -> String {
    format!("{}empty", stage.id)
}

fn node(item: &Item) -> String {
    let label = quote(&item.lines.join("\n"));
    let shape = match item.shape {
        Shape::Source => ", shape = cylinder, style = filled",
        Shape::Approval => ", shape = hexagon, style = filled",
        Shape::Condition => ", shape = note, style = filled",
        Shape::Work => "",
    };
    format!("{} [label = {label}{shape}]", item.id)
}

/// A quoted string. In labels a backslash begins an escape, and an ampersand an entity of HTML.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '&' => out.push_str("&amp;"),
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
