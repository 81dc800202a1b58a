//! CloudFormation in two steps: a change set is made by one action and executed by a later one. And outputs that no stack
//! fills.

use crate::diagnostic::suggest::nearest;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Action, Pipeline};

use super::codes;

/// An action that makes or executes a change set.
struct Step<'i> {
    /// Stage and run order.
    time: (usize, u32),
    action: &'i Action,
    stack: String,
    set: String,
}

impl Step<'_> {
    /// The same stack: its name, where it is, and in whose account.
    fn same_stack(&self, other: &Step<'_>) -> bool {
        self.stack == other.stack
            && self.action.region == other.action.region
            && self.action.role_arn == other.action.role_arn
    }
}

/// Reports change sets that are made and not executed, executed and not made, and outputs without a file to fill them.
pub fn change_sets(pipeline: &Pipeline, diags: &mut Diagnostics) {
    let mut made: Vec<Step> = Vec::new();
    let mut executed: Vec<Step> = Vec::new();
    for (stage, of) in pipeline.stages.iter().enumerate() {
        let cloudformation = |action: &&Action| {
            let id = &action.type_id;
            (id.category.as_str(), id.owner.as_str(), id.provider.as_str()) == ("Deploy", "AWS", "CloudFormation")
        };
        for action in of.actions.iter().filter(cloudformation) {
            unfilled(action, diags);
            let text = |key: &str| Some(action.configuration.get(key)?.value.to_string());
            let (Some(mode), Some(stack), Some(set)) = (text("ActionMode"), text("StackName"), text("ChangeSetName"))
            else {
                continue;
            };
            let step = Step {
                time: (stage, action.run_order),
                action,
                stack,
                set,
            };
            match mode.as_str() {
                "CHANGE_SET_REPLACE" => made.push(step),
                "CHANGE_SET_EXECUTE" => executed.push(step),
                _ => {}
            }
        }
    }
    // An action that could not be read may be the one that is missed.
    let complete =
        |stage: &crate::ir::Stage| !stage.incomplete && !stage.actions.iter().any(|action| action.incomplete);
    if pipeline.incomplete || !pipeline.stages.iter().all(complete) {
        return;
    }
    for step in &made {
        let pairs = |other: &&Step| step.same_stack(other) && step.set == other.set && step.time < other.time;
        if !executed.iter().any(|other| pairs(&other)) {
            report(step, "no later action executes it", &executed, diags);
        }
    }
    for step in &executed {
        let pairs = |other: &Step| step.same_stack(other) && step.set == other.set && other.time < step.time;
        // A set of the other name has been spoken of where it is made.
        let misnamed = |other: &Step| step.same_stack(other) && other.time < step.time;
        if !made.iter().any(|other| pairs(other) || misnamed(other)) {
            report(step, "no earlier action makes it", &made, diags);
        }
    }
}

fn report(step: &Step, why: &str, others: &[Step], diags: &mut Diagnostics) {
    let entry = &step.action.configuration["ChangeSetName"];
    let message = format!(
        "`{}` has the change set `{}` of stack `{}`, and {why}",
        step.action.handle, step.set, step.stack
    );
    let names = others
        .iter()
        .filter(|other| step.same_stack(other) && other.set != step.set)
        .map(|other| other.set.as_str());
    let near = nearest(&step.set, names.clone()).or_else(|| names.clone().next());
    // A name that differs is what is wrong; else it is the action that stands alone.
    let at = near.map_or(step.action.origin, |_| entry.origin);
    let help = match near {
        Some(name) => format!("use one name: the other action has `{name}`"),
        None => "let one action make the change set (`CHANGE_SET_REPLACE`), and a later one execute it \
                 (`CHANGE_SET_EXECUTE`)"
            .to_owned(),
    };
    diags.emit(Diagnostic::new(&codes::CHANGE_SET_UNPAIRED, at, message).with_help(help));
}

fn unfilled(action: &Action, diags: &mut Diagnostics) {
    let Some(output) = action.outputs.first() else { return };
    if action.incomplete || action.configuration.contains_key("OutputFileName") {
        return;
    }
    let message = format!(
        "`{}` has the output `{}`, which CloudFormation leaves empty: there is no `output_file_name`",
        action.handle, output.name.value
    );
    let diagnostic = Diagnostic::new(&codes::OUTPUT_WITHOUT_FILE, output.name.origin, message)
        .with_help("name the file that the stack's outputs go to, or remove the output");
    diags.emit(diagnostic);
}
