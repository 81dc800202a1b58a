//! How many places there are decides when an action runs, and never whether it runs or how it ends.

use std::hash::{DefaultHasher, Hash, Hasher};

use pipe::ir::RetryMode;
use proptest::prelude::*;

use super::agreement::{Pair, What};
use super::model::spec::specs;
use super::model::{self, Job, Spec};

/// How everything ends, by what it is and not by when it comes.
#[derive(Clone, Copy, Debug)]
struct Script(u64);

impl Script {
    fn number(self, id: usize, job: Job) -> u64 {
        let mut hasher = DefaultHasher::new();
        format!("{} {id} {job:?}", self.0).hash(&mut hasher);
        hasher.finish()
    }

    fn end(self, id: usize, job: Job) -> What {
        let number = self.number(id, job);
        let is_good = !number.is_multiple_of(4);
        match job {
            Job::Rule(stage, position, rule, attempt) => What::RuleEnded(id, (stage, position, rule, attempt), is_good),
            Job::Action(stage, action, attempt) => {
                let value = (!number.is_multiple_of(5)).then(|| number.to_string());
                What::ActionEnded(id, (stage, action, attempt), is_good, value)
            }
        }
    }
}

/// All that is said in two executions, one after the other, and while each stage of them is tried again.
fn said(spec: &Spec, jobs: usize, script: Script, order: &[u8]) -> Vec<String> {
    let mut pair = Pair::new(spec.clone(), spec.clone(), jobs);
    let mut order = order.iter().cycle();
    let mut out = Vec::new();
    let retry = |id, stage: &str| What::Retry(id, stage.to_owned(), RetryMode::FailedActions);
    for id in 0..2 {
        let retries = spec.stages.iter().map(|stage| retry(id, &stage.name));
        for what in std::iter::once(What::Start(model::Start::default())).chain(retries) {
            let mut what = Some(what);
            while let Some(next) = what {
                match pair.take(&next) {
                    Ok(said) => out.extend(said.events.iter().flat_map(|(id, words)| {
                        // In whatever order.
                        words.iter().map(move |words| format!("{id} {words}"))
                    })),
                    Err(refused) => out.push(format!("{next:?}: {refused}")),
                }
                let picked = usize::from(*order.next().unwrap_or(&0)) % pair.running.len().max(1);
                what = pair.running.iter().nth(picked).map(|(id, job)| script.end(*id, *job));
            }
        }
    }
    out.sort();
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_number_of_places_changes_no_outcome(
        spec in specs(),
        seed in any::<u64>(),
        orders in prop::array::uniform3(prop::collection::vec(any::<u8>(), 1..20)),
    ) {
        let [one, two, many] = orders;
        let expected = said(&spec, 100, Script(seed), &many);
        prop_assert_eq!(&said(&spec, 1, Script(seed), &one), &expected);
        prop_assert_eq!(&said(&spec, 2, Script(seed), &two), &expected);
    }
}
