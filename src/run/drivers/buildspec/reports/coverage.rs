//! Reports of coverage.

use roxmltree::Node;
use serde_json::Value;

use super::{Coverage, Part};

fn number(node: Node, attribute: &str) -> Option<u64> {
    node.attribute(attribute)?.trim().parse().ok()
}

/// Clover's: the whole project's numbers are in `metrics` of `project`.
pub(super) fn clover(root: Node) -> Option<Coverage> {
    let element = |parent: Node<'_, '_>, name: &str| {
        parent
            .children()
            .find(|child| child.tag_name().name() == name)
            .map(|child| child.id())
    };
    if root.tag_name().name() != "coverage" {
        return None;
    }
    let project = root.document().get_node(element(root, "project")?)?;
    let metrics = root.document().get_node(element(project, "metrics")?)?;
    let part = |covered: &str, all: &str| Part {
        covered: number(metrics, covered).unwrap_or(0),
        all: number(metrics, all).unwrap_or(0),
    };
    Some(Coverage {
        lines: part("coveredstatements", "statements"),
        branches: part("coveredconditionals", "conditionals"),
    })
}

/// Cobertura's: the numbers stand at the root, or have to be counted.
pub(super) fn cobertura(root: Node) -> Option<Coverage> {
    if root.tag_name().name() != "coverage" || root.attribute("line-rate").is_none() {
        return None;
    }
    let given = |covered: &str, all: &str| {
        Some(Part {
            covered: number(root, covered)?,
            all: number(root, all)?,
        })
    };
    let counted = || {
        let mut part = Part::default();
        // A class has its lines, and its methods have them once more.
        let classes = root.descendants().filter(|node| node.tag_name().name() == "class");
        let lines = classes
            .flat_map(|class| class.children())
            .filter(|node| node.tag_name().name() == "lines");
        for line in lines
            .flat_map(|lines| lines.children())
            .filter(|node| node.tag_name().name() == "line")
        {
            part.all += 1;
            part.covered += u64::from(number(line, "hits").unwrap_or(0) > 0);
        }
        part
    };
    Some(Coverage {
        lines: given("lines-covered", "lines-valid").unwrap_or_else(counted),
        branches: given("branches-covered", "branches-valid").unwrap_or_default(),
    })
}

/// JaCoCo's: the counters at the root are those of everything.
pub(super) fn jacoco(root: Node) -> Option<Coverage> {
    if root.tag_name().name() != "report" {
        return None;
    }
    let part = |kind: &str| {
        let mut counters = root.children().filter(|child| child.tag_name().name() == "counter");
        let counter = counters.find(|counter| counter.attribute("type") == Some(kind))?;
        let covered = number(counter, "covered")?;
        Some(Part {
            covered,
            all: covered.saturating_add(number(counter, "missed")?),
        })
    };
    Some(Coverage {
        lines: part("LINE").unwrap_or_default(),
        branches: part("BRANCH").unwrap_or_default(),
    })
}

/// SimpleCov's: by suite and file the hits of each line, null where there is nothing to cover.
pub(super) fn simplecov(json: &Value) -> Result<Coverage, String> {
    let suites = json
        .as_object()
        .ok_or("it is not SIMPLECOV: suites with their coverage")?;
    let of_suites = suites.values().filter_map(|suite| suite["coverage"].as_object());
    // Its JSON formatter leaves the suites out.
    let files = json["coverage"].as_object().into_iter().chain(of_suites);
    let mut out = Coverage::default();
    let mut any = false;
    for file in files.flat_map(|files| files.values()) {
        let lines = file.as_array().or_else(|| file["lines"].as_array());
        let Some(lines) = lines else { continue };
        any = true;
        for hits in lines.iter().filter_map(Value::as_u64) {
            out.lines.all += 1;
            out.lines.covered += u64::from(hits > 0);
        }
    }
    if any {
        Ok(out)
    } else {
        Err("it is not SIMPLECOV: no file in it has coverage".to_owned())
    }
}
