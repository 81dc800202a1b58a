//! `approval`: asks on the terminal; with `--yes` the answer is yes; from elsewhere it comes by `pipe approve` and `pipe reject`.

use super::Job;
use crate::run::engine::Answer;
use crate::run::view::{Answered, Question};

/// Waits for an answer; none if the question is withdrawn.
pub async fn ask(job: &mut Job) -> Option<Answer> {
    let shown = |key: &str| job.configuration(key).map(|text| job.run.secrets.mask(text));
    let question = Question {
        name: job.name.clone(),
        message: shown("CustomData"),
        link: shown("ExternalEntityLink"),
    };
    let (answered, by) = if job.run.options.yes {
        let comment = String::new();
        let approved = true;
        (Answered { approved, comment }, "--yes")
    } else {
        tokio::select! {
            answered = ask_here(job.run.as_ref(), &question) => (answered, "the terminal"),
            _ = job.stop.changed() => return None,
        }
    };
    let Answered { approved, comment } = answered;
    let verdict = if approved { "approved" } else { "rejected" };
    job.log.say(&format!("{verdict} by {by}"));
    Some(Answer {
        approved,
        comment,
        by: by.to_owned(),
    })
}

/// The answer from the terminal; where there is nobody to ask it never comes.
async fn ask_here(run: &crate::run::Run, question: &Question) -> Answered {
    if run.options.can_ask()
        && let Some(answered) = run.asker.ask(&run.screen, question).await
    {
        return answered;
    }
    std::future::pending().await
}
