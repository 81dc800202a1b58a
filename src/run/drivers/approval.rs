//! `approval`: asks on the terminal; with `--yes` the answer is yes; from elsewhere it comes by `pipe approve` and `pipe reject`.

use super::Job;
use crate::run::engine::Answer;
use crate::run::view::Question;

/// Waits for an answer; none if the question is withdrawn.
pub async fn ask(job: &mut Job) -> Option<Answer> {
    let shown = |key: &str| job.configuration(key).map(|text| job.run.secrets.mask(text));
    let question = Question {
        name: job.name.clone(),
        message: shown("CustomData"),
        link: shown("ExternalEntityLink"),
    };
    let (approved, by) = if job.run.options.yes {
        (true, "--yes")
    } else {
        tokio::select! {
            answer = ask_here(job.run.as_ref(), &question) => (answer, "the terminal"),
            _ = job.stop.changed() => return None,
        }
    };
    let verdict = if approved { "approved" } else { "rejected" };
    job.log.say(&format!("{verdict} by {by}"));
    Some(Answer {
        approved,
        comment: String::new(),
        by: by.to_owned(),
    })
}

/// The answer from the terminal; where there is nobody to ask it never comes.
async fn ask_here(run: &crate::run::Run, question: &Question) -> bool {
    if run.options.can_ask()
        && let Some(answer) = run.asker.ask(&run.screen, question).await
    {
        return answer;
    }
    std::future::pending().await
}
