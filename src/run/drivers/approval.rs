//! `approval`: asks on the terminal; with `--yes` the answer is yes.

use super::{Done, Job};
use crate::run::outcome::Failure;
use crate::run::view::Question;

pub async fn carry_out(job: &mut Job) -> Result<Done, Failure> {
    let shown = |key: &str| job.configuration(key).map(|text| job.run.secrets.mask(text));
    let question = Question {
        name: job.name.clone(),
        message: shown("CustomData"),
        link: shown("ExternalEntityLink"),
    };
    if job.run.options.yes {
        job.log.say("approved: --yes answers all approvals");
        return Ok(Done {
            notes: vec!["approved by --yes".to_owned()],
            ..Done::default()
        });
    }
    let answer = tokio::select! {
        answer = job.run.asker.ask(&job.run.screen, &question) => answer,
        _ = job.stop.changed() => return Err(Failure::new("it was still waiting for an answer")),
    };
    match answer {
        Some(true) => {
            job.log.say("approved on the terminal");
            Ok(Done::default())
        }
        Some(false) => {
            job.log.say("rejected on the terminal");
            Err(Failure::new("it was rejected"))
        }
        None => Err(Failure::new("there is nobody left to ask: the terminal was closed")),
    }
}
