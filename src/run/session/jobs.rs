//! Gets what an action or a rule needs to be carried out.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::Session;
use crate::ir;
use crate::run::Run;
use crate::run::drivers::Job;
use crate::run::engine::{ActionStart, RuleStart, action_log, rule_log};
use crate::run::event::ActionName;
use crate::run::log::Log;
use crate::run::planned::{ActionPlan, Driver, How};
use crate::run::process::Level;
use crate::run::settings::Settings;
use crate::run::store::Artifact;
use crate::run::task::as_action;
use crate::run::variables::Resolved;

/// What is to be carried out, and the way to end it.
pub(super) type Prepared = (watch::Sender<Level>, Job);

impl Session {
    /// None, if the execution is not this process's.
    pub(super) fn action_job(&self, start: ActionStart) -> Option<Prepared> {
        let hosted = self.runs.get(&start.execution)?;
        let execution = self.engine.execution(&start.execution)?;
        let stage = execution.definition.stage(start.at.stage);
        let action = &stage.actions[start.at.action];
        let name = ActionName {
            stage: stage.name.value.clone(),
            action: action.name.value.clone(),
            attempt: start.attempt,
        };
        let plan = execution.definition.plan.action(start.at).clone();
        let log = action_log(&name);
        let action = Arc::new(action.clone());
        let (stop, mut job) = job(&hosted.run, name, &log, action, plan, start.resolved, start.inputs);
        job.token = start.token;
        Some((stop, job))
    }

    /// None, if the execution is not this process's.
    pub(super) fn rule_job(&self, start: RuleStart) -> Option<Prepared> {
        let hosted = self.runs.get(&start.execution)?;
        let execution = self.engine.execution(&start.execution)?;
        let rule = execution.definition.rule(start.at)?;
        let driver = execution.definition.plan.rules.get(&start.at).copied();
        let driver = driver.unwrap_or(Driver::Simulate);
        let plan = ActionPlan {
            how: if driver == Driver::Simulate {
                How::Simulated
            } else {
                How::CarriedOut
            },
            driver,
            settings: Settings::default(),
            source: None,
            revisions: Vec::new(),
        };
        let stage = execution.definition.stage(start.at.stage);
        let (name, log) = rule_log(&stage.name.value, start.at.position, &rule.name.value, start.attempt);
        let action = Arc::new(as_action(rule));
        let (resolved, inputs) = (start.resolved, start.inputs);
        Some(job(&hosted.run, name, &log, action, plan, resolved, inputs))
    }
}

fn job(
    run: &Arc<Run>,
    name: ActionName,
    log: &str,
    action: Arc<ir::Action>,
    plan: ActionPlan,
    resolved: Resolved,
    inputs: Vec<(String, Artifact)>,
) -> Prepared {
    let (stop, stopped) = watch::channel(Level::Go);
    let run = Arc::clone(run);
    let log = run.run_dir.join(log);
    let log = Log::new(log, name.clone(), Arc::clone(&run.secrets), Arc::clone(&run.screen));
    let job = Job {
        run,
        action,
        plan,
        name,
        resolved,
        inputs,
        dir: PathBuf::new(),
        log,
        stop: stopped,
        token: None,
        notes: Mutex::default(),
    };
    (stop, job)
}
