//! Results of tests in JSON.

use serde_json::Value;

use super::{Results, Verdict};

/// Cucumber's: a list of features with their scenarios, whose steps have results.
pub(super) fn cucumber(json: &Value) -> Result<Results, String> {
    let features = json.as_array().ok_or("it is not CUCUMBERJSON: a list of features")?;
    let mut out = Results::default();
    for feature in features {
        let of_feature = text(feature, "name");
        for scenario in list(feature, "elements") {
            if scenario["type"] == "background" {
                continue;
            }
            let name = || [of_feature, text(scenario, "name")].join(" / ");
            out.add(name, verdict(scenario));
        }
    }
    Ok(out)
}

fn verdict(scenario: &Value) -> Verdict {
    let steps = ["before", "steps", "after"]
        .into_iter()
        .flat_map(|part| list(scenario, part));
    let status = |step: &Value| step["result"]["status"].as_str().unwrap_or_default().to_owned();
    let all: Vec<String> = steps.map(status).collect();
    let has = |names: &[&str]| all.iter().any(|status| names.contains(&status.as_str()));
    if has(&["failed", "ambiguous"]) {
        Verdict::Failed
    } else if has(&["skipped", "pending", "undefined"]) {
        Verdict::Skipped
    } else {
        Verdict::Passed
    }
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
