//! Carrying out one action or rule: a driver does it, its log is closed, its folder given back.

use super::drivers::{self, Job, approval};
use super::engine::{Ended, Id, Input, Task, UNANSWERED, Verdict};
use super::outcome::Failure;
use super::planned::{ActionRef, Driver, How, RuleRef};
use super::slots::remove_all;
use crate::ir;

/// A task that ended in a bug of ours: its action failed, and the run comes to an orderly end.
pub(super) fn broken(execution: Id, task: Task) -> Input {
    match task {
        Task::Action(at, attempt) => Input::ActionEnded {
            execution,
            at,
            attempt,
            ended: Box::new(Ended {
                failure: Some(Failure::new(
                    "the program itself failed while carrying it out; please report this",
                )),
                ..Ended::default()
            }),
        },
        Task::Rule(at, attempt) => Input::RuleEnded {
            execution,
            at,
            attempt,
            verdict: Verdict {
                satisfied: false,
                simulated: false,
                message: "the program itself failed while looking; please report this".to_owned(),
            },
        },
    }
}

/// Carries an action out.
pub(super) async fn run_action(execution: Id, at: ActionRef, attempt: u32, mut job: Job) -> Input {
    if job.plan.driver == Driver::Approval {
        return run_approval(execution, at, attempt, job).await;
    }
    let ended = Box::new(carry_out(&mut job).await);
    Input::ActionEnded {
        execution,
        at,
        attempt,
        ended,
    }
}

async fn run_approval(execution: Id, at: ActionRef, attempt: u32, mut job: Job) -> Input {
    let answer = approval::ask(&mut job).await;
    let _ = job.log.finish();
    match answer {
        Some(answer) => Input::Answer {
            execution,
            stage: job.name.stage,
            action: job.name.action,
            token: job.token,
            answer,
        },
        None => Input::ActionEnded {
            execution,
            at,
            attempt,
            ended: Box::new(Ended {
                failure: Some(Failure::new(UNANSWERED)),
                ..Ended::default()
            }),
        },
    }
}

async fn carry_out(job: &mut Job) -> Ended {
    job.dir = job.run.slots.take();
    let result = drivers::carry_out(job).await;
    let result = match (result, job.log.finish()) {
        (Ok(_), Err(error)) => Err(Failure::new(format!("its log could not be kept: {error}"))),
        (result, _) => result,
    };
    match result {
        Ok(done) => {
            give_back(job);
            Ended {
                failure: None,
                variables: done.variables,
                artifacts: done.artifacts,
                notes: done.notes,
            }
        }
        Err(mut failure) => {
            if failure.tail.is_empty() {
                failure.tail = job.log.tail();
            }
            let has_files = std::fs::read_dir(&job.dir).is_ok_and(|mut entries| entries.next().is_some());
            if has_files {
                failure.directory = Some(job.dir.clone().into());
            } else {
                give_back(job);
            }
            Ended {
                failure: Some(failure),
                ..Ended::default()
            }
        }
    }
}

/// Evaluates a rule.
pub(super) async fn run_rule(execution: Id, at: RuleRef, attempt: u32, mut job: Job) -> Input {
    job.dir = job.run.slots.take();
    let result = drivers::carry_out(&mut job).await;
    let _ = job.log.finish();
    give_back(&job);
    let simulated = job.plan.how == How::Simulated;
    let verdict = match result {
        Ok(_) if simulated => Verdict {
            satisfied: true,
            simulated,
            message: format!(
                "{} is not evaluated on this machine; taken as satisfied",
                job.action.type_id.provider
            ),
        },
        Ok(done) => Verdict {
            satisfied: true,
            simulated,
            message: if done.notes.is_empty() {
                "yes".to_owned()
            } else {
                done.notes.join("; ")
            },
        },
        Err(failure) => Verdict {
            satisfied: false,
            simulated,
            message: match failure.command {
                Some(command) => format!("{} (`{command}`)", failure.message),
                None => failure.message,
            },
        },
    };
    Input::RuleEnded {
        execution,
        at,
        attempt,
        verdict,
    }
}

/// Removes the folders beside the action's own, and empties that for the next one: in this order, since with it the next one
/// gets those beside it too.
fn give_back(job: &Job) {
    if job.inputs.len() > 1 {
        job.run.slots.keep_trees(&job.beside("inputs"));
        remove_all(&job.beside("inputs"));
    }
    for what in ["outputs", "build", "clone", "history"] {
        if has_such_folder(job, what) {
            remove_all(&job.beside(what));
        }
    }
    job.run.slots.give_back(&job.dir);
}

/// Which drivers make which folders, so that a thousand small actions do not ask for what was never there.
fn has_such_folder(job: &Job, what: &str) -> bool {
    match what {
        "outputs" => job.plan.driver == Driver::StandIn && !job.action.outputs.is_empty(),
        "build" => job.plan.driver == Driver::Buildspec,
        _ => job.plan.driver == Driver::GitSource,
    }
}

/// A rule in the form of an action, for the drivers.
pub(super) fn as_action(rule: &ir::Rule) -> ir::Action {
    ir::Action {
        handle: rule.handle.clone(),
        name: rule.name.clone(),
        type_id: rule.type_id.clone(),
        run_order: 1,
        configuration: rule.configuration.clone(),
        commands: rule.commands.clone(),
        environment: Vec::new(),
        inputs: rule.inputs.clone(),
        outputs: Vec::new(),
        output_variables: Vec::new(),
        role_arn: rule.role_arn.clone(),
        region: rule.region.clone(),
        namespace: None,
        timeout_minutes: rule.timeout_minutes.clone(),
        exports: Vec::new(),
        when: Vec::new(),
        local: ir::Local::default(),
        origin: rule.origin,
        incomplete: rule.incomplete,
    }
}
