//! The pipeline that an action invokes: what would keep it from running keeps this run from starting.

use crate::diagnostic::suggest::nearest;
use crate::ir::{self, Pipeline};
use crate::run::drivers::pipeline::Given;
use crate::run::outcome::Failure;
use crate::run::part::place;
use crate::run::planned::{ActionPlan, Driver, Plan};
use crate::run::refusal::{Refusal, RefusalKind};
use crate::run::{Drivers, RunOptions};

/// The text of a configuration's entry, with references as they are written.
fn written(action: &ir::Action, key: &str) -> Option<String> {
    action.configuration.get(key).map(|entry| entry.value.to_string())
}

/// Looks at the pipeline that an action invokes, as far as it can be seen before the start: what would keep it from running
/// keeps this run from starting.
pub(super) fn check(
    action: &ir::Action,
    from: &Pipeline,
    drivers: &dyn Drivers,
    options: &RunOptions,
) -> Result<(), Vec<Failure>> {
    let way_out =
        "let a command of yours stand in for it: `local { run = \"…\" }`; or simulate it: `local { outputs = {} }`";
    let refused = |message: String| Err(vec![Failure::new(message).with_help(way_out)]);
    let name = action
        .configuration
        .get("PipelineName")
        .and_then(|entry| entry.value.as_literal());
    let Some(name) = name else {
        return refused("which pipeline it invokes is not known before the start".to_owned());
    };
    let Some(invoked) = options.neighbours.find(name) else {
        let message = format!("the pipeline `{name}`, which it invokes, is not in this file");
        let neighbours = &options.neighbours.pipelines;
        let names = neighbours.iter().map(|pipeline| pipeline.name.value.as_str());
        let Some(near) = nearest(name, names) else {
            return refused(message);
        };
        return Err(vec![
            Failure::new(message).with_help(format!("did you mean `{near}`? Or {way_out}")),
        ]);
    };
    if let Some(circle) = circle(&from.name.value, name, options) {
        let circle: Vec<String> = circle.iter().map(|name| format!("`{name}`")).collect();
        return refused(format!(
            "pipelines invoke each other in a circle: {}",
            circle.join(" → ")
        ));
    }
    let given = Given::read(
        written(action, "Variables").as_deref(),
        written(action, "SourceRevisions").as_deref(),
    );
    let given = given.map_err(|failure| vec![failure])?;
    let outcomes = options.conditions.iter().cloned().collect();
    let refusals = match invoked.decided(&outcomes) {
        Err(open) => Refusal::undecided(&open),
        Ok(invoked) => match super::plan(&invoked, drivers, &given.options(options)) {
            Ok(plan) => match unanswered(&invoked, &plan, options) {
                None => return Ok(()),
                Some(refusal) => vec![refusal],
            },
            Err(refusals) => refusals,
        },
    };
    let failures = refusals.into_iter().map(|refusal| {
        let place = refusal.place.map(|place| format!(", {place}")).unwrap_or_default();
        Failure {
            message: format!("the pipeline `{name}`{place}: {}", refusal.message),
            help: refusal.help,
            ..Failure::default()
        }
    });
    Err(failures.collect())
}

/// The invoked run has no terminal to ask on: it must be known how its approvals are answered.
fn unanswered(invoked: &Pipeline, plan: &Plan, options: &RunOptions) -> Option<Refusal> {
    let is_approval = |plan: &ActionPlan| plan.driver == Driver::Approval;
    let actions = invoked.stages.iter().zip(&plan.actions).flat_map(|(stage, plans)| {
        let actions = stage.actions.iter().zip(plans);
        actions.map(move |(action, plan)| (stage, action, plan))
    });
    let mut approvals = actions.filter(|(_, _, plan)| is_approval(plan));
    let (stage, action, _) = approvals.next().filter(|_| !options.yes && !options.wait)?;
    Some(Refusal {
        kind: RefusalKind::Impossible,
        place: Some(place(stage, action)),
        message: "it waits for an approval, and an invoked run has no terminal to ask on".to_owned(),
        help: Some("answer yes to all approvals, `--yes`; or `--wait` for `pipe approve` from elsewhere".to_owned()),
    })
}

/// The way back to `start` by what `name` invokes, if there is one; or a circle that is met on the way.
fn circle(start: &str, name: &str, options: &RunOptions) -> Option<Vec<String>> {
    let mut way = vec![start.to_owned()];
    fn walk(name: &str, way: &mut Vec<String>, options: &RunOptions) -> bool {
        let is_known = way.iter().any(|known| known == name);
        way.push(name.to_owned());
        let actions = || {
            options
                .neighbours
                .find(name)
                .into_iter()
                .flat_map(|pipeline| &pipeline.stages)
        };
        let mut invoked = actions().flat_map(|stage| &stage.actions).filter_map(|action| {
            let entry = action.configuration.get("PipelineName")?;
            (action.type_id.category == "Invoke")
                .then(|| entry.value.as_literal())
                .flatten()
        });
        if is_known || invoked.any(|next| walk(next, way, options)) {
            return true;
        }
        way.pop();
        false
    }
    walk(name, &mut way, options).then_some(way)
}
