//! Mermaid: <https://mermaid.js.org/syntax/flowchart.html>, as GitHub and many editors draw it.

use super::{Drawing, Item, Shape};
use crate::ir::Pipeline;

/// The pipeline as a Mermaid flowchart.
pub fn mermaid(pipeline: &Pipeline) -> String {
    let drawing = Drawing::new(pipeline);
    let mut out = Vec::new();
    out.push("flowchart LR".to_owned());
    out.push(format!("  accTitle: {}", plain(&drawing.title)));
    for stage in &drawing.stages {
        out.push(format!("  subgraph {}[\"{}\"]", stage.id, escape(&stage.label)));
        for item in stage.items() {
            out.push(format!("    {}", node(item)));
        }
        for (before, after) in stage.sequence() {
            out.push(format!("    {} ~~~ {}", before.id, after.id));
        }
        out.push("  end".to_owned());
    }
    for pair in drawing.stages.windows(2) {
        out.push(format!("  {} ==> {}", pair[0].id, pair[1].id));
    }
    for flow in &drawing.flows {
        let label = escape(&flow.artifacts.join(", "));
        out.push(format!("  {} -->|\"{label}\"| {}", flow.from, flow.to));
    }
    out.push(String::new());
    out.join("\n")
}

fn node(item: &Item) -> String {
    let lines: Vec<String> = item.lines.iter().map(|line| escape(line)).collect();
    let label = lines.join("<br/>");
    let (open, close) = match item.shape {
        Shape::Source => ("([", "])"),
        Shape::Approval => ("{{", "}}"),
        Shape::Condition => (">", "]"),
        Shape::Work => ("[", "]"),
    };
    format!("{}{open}\"{label}\"{close}", item.id)
}

/// Text between quotes: Mermaid reads entities that begin with `#`, a backquote as Markdown, and angle brackets as HTML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => out.push_str("#quot;"),
            '#' => out.push_str("#35;"),
            '&' => out.push_str("#amp;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '`' => out.push_str("#96;"),
            '\\' => out.push_str("#92;"),
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

/// Text on a line of its own, where there are no quotes and nothing to escape with.
fn plain(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '#' | ';' | '%' | '{' | '}' => ' ',
            control if control.is_control() => ' ',
            other => other,
        })
        .collect()
}
