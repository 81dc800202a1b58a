//! Several executions at once, crashes and changes of the definition: tables of what happens, and what the engine and the
//! reference model both say to it. Each is a mistake that the engine once made.

use pipe::ir::{ConditionResult, ExecutionMode, RetryMode};
use pipe::run::planned::Position;

use super::agreement::{Pair, What};
use super::model::spec::named;
use super::model::{self, ConditionSpec, Job, OnFailure, Said, Spec, Token};

fn rules(result: ConditionResult) -> ConditionSpec {
    ConditionSpec {
        result,
        rules: vec![None],
    }
}

/// Runs a table: each line is what happens, and what is said to it, by execution.
fn check(first: &Spec, second: &Spec, jobs: usize, table: &[(&str, &str)]) {
    let mut pair = Pair::new(first.clone(), second.clone(), jobs);
    for (line, (what, expected)) in table.iter().enumerate() {
        let what = parse(&pair, what);
        let found = match pair.take(&what) {
            Ok(said) => words(&said),
            Err(refused) => refused.to_owned(),
        };
        assert_eq!(found, *expected, "line {}: {what:?}", line + 1);
    }
    pair.finish();
}

/// Without what is started: that follows from the events.
fn words(said: &Said) -> String {
    let events = said
        .events
        .iter()
        .flat_map(|(id, words)| words.iter().map(move |words| format!("{id} {words}")));
    let ended = said.ended.iter().map(|(id, _, why)| format!("{id} end {why}"));
    events.chain(ended).collect::<Vec<_>>().join(", ")
}

fn parse(pair: &Pair, text: &str) -> What {
    let words: Vec<&str> = text.split(' ').collect();
    let number = |text: &str| text.parse::<usize>().unwrap();
    let position = |text: &str| match text {
        "before_entry" => Position::BeforeEntry,
        "on_success" => Position::OnSuccess,
        _ => Position::OnFailure,
    };
    match words.as_slice() {
        ["start"] => What::Start(model::Start::default()),
        ["start", first, last] => What::Start(model::Start {
            first_stage: Some((*first).to_owned()),
            last_stage: Some((*last).to_owned()),
            ..model::Start::default()
        }),
        [how @ ("ok" | "fail"), id, action] => match pair.job(number(id), action) {
            Job::Action(stage, action, attempt) => {
                What::ActionEnded(number(id), (stage, action, attempt), *how == "ok", None)
            }
            Job::Rule(..) => unreachable!("it is an action"),
        },
        [verdict @ ("met" | "unmet"), id] => {
            let (_, job) = *pair.running.iter().find(|(of, _)| *of == number(id)).unwrap();
            match job {
                Job::Rule(stage, position, rule, attempt) => {
                    What::RuleEnded(number(id), (stage, position, rule, attempt), *verdict == "met")
                }
                Job::Action(..) => panic!("no rule is evaluated"),
            }
        }
        [how @ ("yes" | "no"), id, action] => {
            let (stage, action) = action.split_once('/').unwrap();
            What::Answer(
                number(id),
                stage.to_owned(),
                action.to_owned(),
                Token::Absent,
                *how == "yes",
            )
        }
        [how @ ("stop" | "abandon"), id] => What::Stop(number(id), *how == "abandon"),
        ["retry", id, stage] => What::Retry(number(id), (*stage).to_owned(), RetryMode::FailedActions),
        ["rollback", stage, target] => What::Rollback((*stage).to_owned(), number(target)),
        ["override", id, stage, at] => What::Override(number(id), (*stage).to_owned(), position(at)),
        [how @ ("close" | "open"), stage] => What::Transition((*stage).to_owned(), *how == "close"),
        ["define", which] => What::Define(pair.specs[number(which)].clone()),
        ["crash"] => What::Crash,
        ["tick", minutes] => What::Tick(number(minutes) as u64),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_crash_cuts_off_runs_again_beside_a_failure_and_in_spite_of_a_stop() {
    let demo = named(ExecutionMode::Superseded, &["s0 s1"]);
    let begin = (
        "start",
        "0 run_started StartPipelineExecution, 0 stage_started S 1, 0 action_started S s0 1, 0 action_started S s1 1",
    );
    let failed = [
        begin,
        ("fail 0 S/s0", "0 action_finished S s0 1 failed"),
        (
            "crash",
            "0 run_resumed, 0 action_interrupted S s1 1, 0 action_started S s1 2",
        ),
        (
            "ok 0 S/s1",
            "0 action_finished S s1 2 succeeded, 0 stage_finished S 1 failed, 0 run_finished failed",
        ),
    ];
    check(&demo, &demo, 2, &failed);
    let stopped = [
        begin,
        ("ok 0 S/s0", "0 action_finished S s0 1 succeeded"),
        ("stop 0", "0 stop_requested false"),
        (
            "crash",
            "0 run_resumed, 0 action_interrupted S s1 1, 0 action_started S s1 2",
        ),
        (
            "ok 0 S/s1",
            "0 action_finished S s1 2 succeeded, 0 stage_finished S 1 stopped, 0 run_finished stopped",
        ),
    ];
    check(&demo, &demo, 2, &stopped);
    let abandoned = [
        begin,
        ("ok 0 S/s0", "0 action_finished S s0 1 succeeded"),
        ("abandon 0", "0 stop_requested true, 0 end Abandoned"),
        (
            "crash",
            "0 run_resumed, 0 action_interrupted S s1 1, 0 action_finished S s1 1 abandoned, 0 stage_finished S 1 stopped, 0 run_finished stopped",
        ),
    ];
    check(&demo, &demo, 2, &abandoned);
}

#[test]
fn what_a_crash_cuts_off_keeps_its_place() {
    let demo = named(ExecutionMode::Parallel, &["s0 s1"]);
    check(
        &demo,
        &demo,
        2,
        &[
            (
                "start",
                "0 run_started StartPipelineExecution, 0 stage_started S 1, 0 action_started S s0 1, 0 action_started S s1 1",
            ),
            ("start", "1 run_started StartPipelineExecution, 1 stage_started S 1"),
            ("start", "2 run_started StartPipelineExecution, 2 stage_started S 1"),
            (
                "ok 0 S/s0",
                "0 action_finished S s0 1 succeeded, 1 action_started S s0 1",
            ),
            (
                "ok 0 S/s1",
                "0 action_finished S s1 1 succeeded, 0 stage_finished S 1 succeeded, 0 run_finished succeeded, 1 action_started S s1 1",
            ),
            (
                "ok 1 S/s0",
                "1 action_finished S s0 1 succeeded, 2 action_started S s0 1",
            ),
            (
                "crash",
                "1 run_resumed, 1 action_interrupted S s1 1, 1 action_started S s1 2, 2 run_resumed, 2 action_interrupted S s0 1, 2 action_started S s0 2",
            ),
        ],
    );
}

#[test]
fn a_transition_stays_as_it_was_left() {
    let demo = named(ExecutionMode::Superseded, &["s0", "a0"]);
    check(
        &demo,
        &demo,
        2,
        &[
            (
                "start S S",
                "0 run_started StartPipelineExecution, 0 stage_started S 1, 0 action_started S s0 1",
            ),
            ("close A", ""),
            (
                "ok 0 S/s0",
                "0 action_finished S s0 1 succeeded, 0 stage_finished S 1 succeeded, 0 run_finished succeeded",
            ),
            ("open A", ""),
            ("close S", ""),
            ("crash", ""),
            ("start", "1 run_started StartPipelineExecution, 1 stage_waiting S"),
            ("define 1", "1 cancel_requested, 1 run_finished cancelled"),
            ("start", "2 run_started StartPipelineExecution, 2 stage_waiting S"),
            ("open S", "2 stage_started S 1, 2 action_started S s0 1"),
        ],
    );
}

#[test]
fn parallel_executions_wait_for_no_lock_and_are_not_rolled_back() {
    let demo = named(ExecutionMode::Superseded, &["s0"]);
    let mut parallel = named(ExecutionMode::Parallel, &["s0"]);
    parallel.stages[0].on_failure = OnFailure::Rollback;
    check(
        &demo,
        &parallel,
        2,
        &[
            (
                "start",
                "0 run_started StartPipelineExecution, 0 stage_started S 1, 0 action_started S s0 1",
            ),
            ("define 1", "0 cancel_requested"),
            (
                "start",
                "1 run_started StartPipelineExecution, 1 stage_started S 1, 1 action_started S s0 1",
            ),
            (
                "ok 1 S/s0",
                "1 action_finished S s0 1 succeeded, 1 stage_finished S 1 succeeded, 1 run_finished succeeded",
            ),
            (
                "start",
                "2 run_started StartPipelineExecution, 2 stage_started S 1, 2 action_started S s0 1",
            ),
            (
                "fail 2 S/s0",
                "2 action_finished S s0 1 failed, 2 stage_finished S 1 failed, 2 note, 2 run_finished failed",
            ),
        ],
    );
}

#[test]
fn a_newer_execution_supersedes_no_parallel_one() {
    let parallel = named(ExecutionMode::Parallel, &["s0", "a0"]);
    let superseded = named(ExecutionMode::Superseded, &["s0", "b0", "a0"]);
    check(
        &parallel,
        &superseded,
        2,
        &[
            (
                "start",
                "0 run_started StartPipelineExecution, 0 stage_started S 1, 0 action_started S s0 1",
            ),
            ("define 1", ""),
            ("close A", ""),
            (
                "ok 0 S/s0",
                "0 action_finished S s0 1 succeeded, 0 stage_finished S 1 succeeded, 0 stage_waiting A",
            ),
            ("start A A", "1 run_started StartPipelineExecution, 1 stage_waiting A"),
            (
                "open A",
                "0 stage_started A 1, 0 action_started A a0 1, 1 stage_started A 1, 1 action_started A a0 1",
            ),
        ],
    );
}

#[test]
fn a_rollback_that_fails_is_not_rolled_back() {
    let mut demo = named(ExecutionMode::Superseded, &["s0", "a0"]);
    demo.stages[1].on_failure = OnFailure::Rollback;
    let done = |id: usize| {
        format!("{id} action_finished A a0 1 succeeded, {id} stage_finished A 1 succeeded, {id} run_finished succeeded")
    };
    let begun = |id: usize| {
        format!("{id} run_started StartPipelineExecution, {id} stage_started A 1, {id} action_started A a0 1")
    };
    check(
        &demo,
        &demo,
        2,
        &[
            ("start A A", &begun(0)),
            ("ok 0 A/a0", &done(0)),
            ("start A A", &begun(1)),
            (
                "fail 1 A/a0",
                "1 action_finished A a0 1 failed, 1 stage_finished A 1 failed, 1 rollback_started A 2 to 0 automatic, 1 run_finished failed, \
                 2 run_started AutomatedRollback, 2 stage_started A 1, 2 action_started A a0 1",
            ),
            (
                "fail 2 A/a0",
                "2 action_finished A a0 1 failed, 2 stage_finished A 1 failed, 2 run_finished failed",
            ),
        ],
    );
}

#[test]
fn a_rollback_goes_back_to_what_succeeded_last() {
    let mut demo = named(ExecutionMode::Queued, &["s0", "a0"]);
    demo.stages[1].on_failure = OnFailure::Rollback;
    check(
        &demo,
        &demo,
        2,
        &[
            (
                "start",
                "0 run_started StartPipelineExecution, 0 stage_started S 1, 0 action_started S s0 1",
            ),
            (
                "start A A",
                "1 run_started StartPipelineExecution, 1 stage_started A 1, 1 action_started A a0 1",
            ),
            (
                "ok 1 A/a0",
                "1 action_finished A a0 1 succeeded, 1 stage_finished A 1 succeeded, 1 run_finished succeeded",
            ),
            (
                "ok 0 S/s0",
                "0 action_finished S s0 1 succeeded, 0 stage_finished S 1 succeeded, 0 stage_started A 1, 0 action_started A a0 1",
            ),
            (
                "ok 0 A/a0",
                "0 action_finished A a0 1 succeeded, 0 stage_finished A 1 succeeded, 0 run_finished succeeded",
            ),
            (
                "start A A",
                "2 run_started StartPipelineExecution, 2 stage_started A 1, 2 action_started A a0 1",
            ),
            (
                "fail 2 A/a0",
                "2 action_finished A a0 1 failed, 2 stage_finished A 1 failed, 2 rollback_started A 3 to 0 automatic, 2 run_finished failed, \
                 3 run_started AutomatedRollback, 3 stage_started A 1, 3 action_started A a0 1",
            ),
        ],
    );
}

#[test]
fn an_approval_that_is_to_end_takes_no_answer() {
    let demo = named(ExecutionMode::Superseded, &["s0", "a0?"]);
    let begin = (
        "start A A",
        "0 run_started StartPipelineExecution, 0 stage_started A 1, 0 action_started A a0 1",
    );
    let refused = ("yes 0 A/a0", "ApprovalAlreadyCompletedException");
    let abandoned = (
        "abandon 0",
        "0 stop_requested true, 0 action_finished A a0 1 abandoned, 0 stage_finished A 1 stopped, 0 run_finished stopped, \
         0 end Abandoned",
    );
    check(&demo, &demo, 1, &[begin, abandoned, refused]);
    check(&demo, &demo, 1, &[begin, ("tick 10080", "0 end TimedOut"), refused]);
}

#[test]
fn a_condition_is_overridden_by_the_executions_own_definition_and_never_while_it_stops() {
    let mut parallel = named(ExecutionMode::Parallel, &["s0", "a0"]);
    parallel.stages[1].before_entry = Some(rules(ConditionResult::Fail));
    let second = named(ExecutionMode::Parallel, &["s0", "b0", "a0"]);
    let begin = (
        "start A A",
        "0 run_started StartPipelineExecution, 0 stage_started A 1, 0 rule_started A before_entry 0 1",
    );
    let goes_on = [
        begin,
        ("define 1", ""),
        (
            "override 0 A before_entry",
            "0 condition_finished A before_entry overridden -, 0 rule_finished A before_entry 0 1 abandoned, \
             0 action_started A a0 1, 0 end Answered",
        ),
    ];
    check(&parallel, &second, 1, &goes_on);
    let stops = [
        begin,
        ("stop 0", "0 stop_requested false"),
        ("override 0 A before_entry", "ConditionNotOverridableException"),
        (
            "met 0",
            "0 rule_finished A before_entry 0 1 succeeded, 0 stage_finished A 1 stopped, 0 run_finished stopped",
        ),
    ];
    check(&parallel, &second, 1, &stops);
}

#[test]
fn who_was_in_a_stage_is_known_even_if_the_stage_was_gone_meanwhile() {
    let demo = named(ExecutionMode::Superseded, &["s0", "a0"]);
    let without = named(ExecutionMode::Superseded, &["s0"]);
    let failed = |id: usize| {
        format!("{id} action_finished A a0 1 failed, {id} stage_finished A 1 failed, {id} run_finished failed")
    };
    let begun = |id: usize| {
        format!("{id} run_started StartPipelineExecution, {id} stage_started A 1, {id} action_started A a0 1")
    };
    check(
        &demo,
        &without,
        1,
        &[
            ("start A A", &begun(0)),
            ("fail 0 A/a0", &failed(0)),
            ("start A A", &begun(1)),
            ("fail 1 A/a0", &failed(1)),
            ("define 1", ""),
            ("define 0", ""),
            ("retry 0 A", "NotLatestPipelineExecutionException"),
            (
                "retry 1 A",
                "1 stage_retried A 2 FAILED_ACTIONS manual, 1 action_started A a0 2",
            ),
        ],
    );
}

#[test]
fn the_same_definition_changes_nothing_and_ends_stand_behind_beginnings() {
    let demo = named(ExecutionMode::Queued, &["s0", "a0"]);
    check(
        &demo,
        &demo,
        1,
        &[
            (
                "start",
                "0 run_started StartPipelineExecution, 0 stage_started S 1, 0 action_started S s0 1",
            ),
            ("define 0", ""),
            ("start A S", "ValidationException"),
            ("define 2", "0 cancel_requested"),
            ("stop 0", "0 stop_requested false"),
            (
                "ok 0 S/s0",
                "0 action_finished S s0 1 succeeded, 0 stage_finished S 1 stopped, 0 run_finished stopped",
            ),
        ],
    );
}

#[test]
fn places_go_to_the_oldest_execution() {
    let demo = named(ExecutionMode::Queued, &["s0", "a0", "b0"]);
    check(
        &demo,
        &demo,
        1,
        &[
            (
                "start A B",
                "0 run_started StartPipelineExecution, 0 stage_started A 1, 0 action_started A a0 1",
            ),
            ("start B B", "1 run_started StartPipelineExecution, 1 stage_started B 1"),
            (
                "ok 0 A/a0",
                "0 action_finished A a0 1 succeeded, 0 stage_finished A 1 succeeded, 0 stage_waiting B, 1 action_started B b0 1",
            ),
            ("start A A", "2 run_started StartPipelineExecution, 2 stage_started A 1"),
            (
                "ok 1 B/b0",
                "0 stage_started B 1, 0 action_started B b0 1, \
                 1 action_finished B b0 1 succeeded, 1 stage_finished B 1 succeeded, 1 run_finished succeeded",
            ),
        ],
    );
}

#[test]
fn beside_an_action_that_cannot_start_the_others_of_its_step_start() {
    let mut demo = named(ExecutionMode::Superseded, &["s0", "a0 a1 a2:2"]);
    demo.stages[1].actions[0].uses = Some("s0".to_owned());
    let table = [
        (
            "start",
            "0 run_started StartPipelineExecution, 0 stage_started S 1, 0 action_started S s0 1",
        ),
        (
            // It gives no value.
            "ok 0 S/s0",
            "0 action_finished S s0 1 succeeded, 0 stage_finished S 1 succeeded, 0 stage_started A 1, \
             0 action_started A a0 1, 0 action_finished A a0 1 failed, 0 action_started A a1 1",
        ),
        (
            "ok 0 A/a1",
            "0 action_finished A a1 1 succeeded, 0 stage_finished A 1 failed, 0 run_finished failed",
        ),
    ];
    check(&demo, &demo, 4, &table);
    check(&demo, &demo, 1, &table);
}

#[test]
fn a_retry_beside_what_waits_for_a_place_leaves_it_its_turn() {
    let demo = named(ExecutionMode::Superseded, &["s0", "a0 a1 a2 a3:2"]);
    check(
        &demo,
        &demo,
        1,
        &[
            (
                "start A A",
                "0 run_started StartPipelineExecution, 0 stage_started A 1, 0 action_started A a0 1",
            ),
            (
                "fail 0 A/a0",
                "0 action_finished A a0 1 failed, 0 action_started A a1 1",
            ),
            ("retry 0 A", "0 stage_retried A 2 FAILED_ACTIONS manual"),
            (
                "ok 0 A/a1",
                "0 action_finished A a1 1 succeeded, 0 action_started A a0 2",
            ),
            (
                "ok 0 A/a0",
                "0 action_finished A a0 2 succeeded, 0 action_started A a2 1",
            ),
            (
                "ok 0 A/a2",
                "0 action_finished A a2 1 succeeded, 0 action_started A a3 1",
            ),
        ],
    );
}

#[test]
fn the_place_of_what_cannot_start_is_given_away_when_its_stage_has_gone_on() {
    let mut demo = named(ExecutionMode::Parallel, &["s0", "a0"]);
    demo.stages[1].actions[0].uses = Some("s0".to_owned());
    demo.stages[1].on_failure = OnFailure::Retry(RetryMode::FailedActions);
    check(
        &demo,
        &demo,
        1,
        &[
            (
                "start",
                "0 run_started StartPipelineExecution, 0 stage_started S 1, 0 action_started S s0 1",
            ),
            ("start", "1 run_started StartPipelineExecution, 1 stage_started S 1"),
            (
                "ok 0 S/s0",
                "0 action_finished S s0 1 succeeded, 0 stage_finished S 1 succeeded, 0 stage_started A 1, \
                 0 action_started A a0 1, 0 action_finished A a0 1 failed, 0 stage_retried A 2 FAILED_ACTIONS automatic, \
                 0 action_started A a0 2, 0 action_finished A a0 2 failed, 0 stage_finished A 2 failed, 0 run_finished failed, \
                 1 action_started S s0 1",
            ),
        ],
    );
}

#[test]
fn a_changed_definition_withdraws_what_waits_for_an_answer_and_the_next_execution_goes_on() {
    let demo = named(ExecutionMode::Queued, &["s0", "a0?"]);
    check(
        &demo,
        &demo,
        1,
        &[
            (
                "start A A",
                "0 run_started StartPipelineExecution, 0 stage_started A 1, 0 action_started A a0 1",
            ),
            ("start A A", "1 run_started StartPipelineExecution, 1 stage_waiting A"),
            (
                "define 2",
                "0 cancel_requested, 0 action_finished A a0 1 abandoned, 0 stage_finished A 1 cancelled, 0 run_finished cancelled, \
                 1 cancel_requested, 1 run_finished cancelled, 0 end Abandoned",
            ),
            ("yes 0 A/a0", "ApprovalAlreadyCompletedException"),
            (
                "start A A",
                "2 run_started StartPipelineExecution, 2 stage_started A 1, 2 action_started A a0 1",
            ),
        ],
    );
}

#[test]
fn what_runs_beside_a_withdrawn_approval_comes_to_its_end() {
    let demo = named(ExecutionMode::Superseded, &["s0", "a0? a1 a2?:2"]);
    let begin = (
        "start A A",
        "0 run_started StartPipelineExecution, 0 stage_started A 1, 0 action_started A a0 1, 0 action_started A a1 1",
    );
    let ended =
        |status| format!("0 action_finished A a1 1 succeeded, 0 stage_finished A 1 {status}, 0 run_finished {status}");
    let cancelled = (
        "define 2",
        "0 cancel_requested, 0 action_finished A a0 1 abandoned, 0 end Abandoned",
    );
    check(&demo, &demo, 1, &[begin, cancelled, ("ok 0 A/a1", &ended("cancelled"))]);
    let crash = (
        "crash",
        "0 run_resumed, 0 action_interrupted A a1 1, 0 action_started A a1 2",
    );
    let ended_later = ended("cancelled").replacen("a1 1", "a1 2", 1);
    check(&demo, &demo, 1, &[begin, cancelled, crash, ("ok 0 A/a1", &ended_later)]);
    // One that is late already and has not ended yet does not have to.
    let late = ("tick 10080", "0 end TimedOut");
    let cancelled = ("define 2", "0 cancel_requested, 0 action_finished A a0 1 abandoned");
    check(
        &demo,
        &demo,
        1,
        &[begin, late, cancelled, ("ok 0 A/a1", &ended("cancelled"))],
    );
    // A stop that waits does so for answers, too.
    let waits = [
        begin,
        ("stop 0", "0 stop_requested false"),
        ("ok 0 A/a1", "0 action_finished A a1 1 succeeded"),
        ("crash", "0 run_resumed"),
        (
            "yes 0 A/a0",
            "0 approval_answered A a0 1 true, 0 action_finished A a0 1 succeeded, 0 stage_finished A 1 stopped, \
             0 run_finished stopped, 0 end Answered",
        ),
    ];
    check(&demo, &demo, 1, &waits);
}

#[test]
fn who_came_into_a_stage_last_is_known_even_if_another_left_it_in_the_same_moment() {
    let mut demo = named(ExecutionMode::Queued, &["s0", "a0"]);
    demo.stages[1].actions[0].uses = Some("s0".to_owned());
    check(
        &demo,
        &demo,
        1,
        &[
            (
                "start",
                "0 run_started StartPipelineExecution, 0 stage_started S 1, 0 action_started S s0 1",
            ),
            ("close A", ""),
            ("start A A", "1 run_started StartPipelineExecution, 1 stage_waiting A"),
            (
                "ok 0 S/s0",
                "0 action_finished S s0 1 succeeded, 0 stage_finished S 1 succeeded, 0 stage_waiting A",
            ),
            (
                // One after the other: both miss a value.
                "open A",
                "0 stage_started A 1, 0 action_started A a0 1, 0 action_finished A a0 1 failed, 0 stage_finished A 1 failed, \
                 0 run_finished failed, \
                 1 stage_started A 1, 1 action_started A a0 1, 1 action_finished A a0 1 failed, 1 stage_finished A 1 failed, \
                 1 run_finished failed",
            ),
            ("crash", ""),
            ("retry 1 A", "NotLatestPipelineExecutionException"),
        ],
    );
}
