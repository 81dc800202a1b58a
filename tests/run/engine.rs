//! CodePipeline's semantics: tables of what happens and what the engine says to that.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use pipe::ir::{ConditionResult, Pipeline, RetryMode};
use pipe::run::RunOptions;
use pipe::run::engine::{Answer, Command, Definition, Ended, Engine, Id, Input, Start, Task, Verdict};
use pipe::run::event::{Event, Record};
use pipe::run::outcome::{Failure, Status};
use pipe::run::plan::plan;
use pipe::run::planned::{ActionRef, Position, RuleRef};
use serde_json::json;

use crate::support::runs::{
    ActionExt, StandardDrivers, action, commands, condition, pipeline, retry, rule, source, stage,
};

const EXECUTION: &str = "an-id";

struct Bench {
    pipeline: Arc<Pipeline>,
    engine: Engine,
    now: Timestamp,
    attempts: BTreeMap<ActionRef, u32>,
}

/// Runs a table: each line is an input and the engine's answer to it.
fn check(pipeline: Pipeline, jobs: usize, table: &[(&str, &str)]) {
    let options = RunOptions {
        yes: true,
        ..RunOptions::default()
    };
    let plan = plan(&pipeline, &StandardDrivers, &options).unwrap();
    let pipeline = Arc::new(pipeline);
    let definition = Definition::new(Arc::clone(&pipeline), Arc::new(plan), "first".to_owned()).unwrap();
    let mut bench = Bench {
        engine: Engine::new(Arc::new(definition), jobs),
        pipeline,
        now: Timestamp::UNIX_EPOCH,
        attempts: BTreeMap::new(),
    };
    for (line, (input, expected)) in table.iter().enumerate() {
        let found = bench.step(input);
        assert_eq!(found, *expected, "line {}: {input}", line + 1);
    }
}

impl Bench {
    fn step(&mut self, text: &str) -> String {
        let input = self.input(text);
        let commands = match self.engine.handle(self.now, input) {
            Ok(commands) => commands,
            Err(refused) => return format!("refused: {refused}"),
        };
        let words: Vec<String> = commands.iter().filter_map(|command| self.words(command)).collect();
        words.join(", ")
    }

    fn input(&mut self, text: &str) -> Input {
        let words: Vec<&str> = text.split(' ').collect();
        match words.as_slice() {
            ["start"] => Input::Start(Box::new(Start {
                execution: EXECUTION.to_owned(),
                ..Start::default()
            })),
            ["ok", name] => self.ended(name, None),
            [verdict @ ("yes" | "no"), name] => {
                let (stage, action) = name.split_once('/').unwrap();
                Input::Answer {
                    execution: EXECUTION.into(),
                    stage: stage.to_owned(),
                    action: action.to_owned(),
                    token: None,
                    answer: Answer {
                        approved: *verdict == "yes",
                        comment: "because".to_owned(),
                        by: "somebody".to_owned(),
                    },
                }
            }
            ["fail", name] => self.ended(name, Some(Failure::new("oops"))),
            [how @ ("stop" | "abandon")] => Input::Stop {
                execution: EXECUTION.into(),
                reason: "interrupted".to_owned(),
                abandon: *how == "abandon",
            },
            ["after", seconds] => {
                self.now = self
                    .now
                    .checked_add(SignedDuration::from_secs(seconds.parse().unwrap()))
                    .unwrap();
                Input::Tick
            }
            ["rule", stage, position, rule, verdict] => Input::RuleEnded {
                execution: EXECUTION.into(),
                attempt: 1,
                at: RuleRef {
                    stage: self.stage(stage),
                    position: match *position {
                        "before" => Position::BeforeEntry,
                        "success" => Position::OnSuccess,
                        _ => Position::OnFailure,
                    },
                    rule: rule.parse().unwrap(),
                },
                verdict: Verdict {
                    satisfied: *verdict == "yes",
                    simulated: false,
                    message: String::new(),
                },
            },
            other => panic!("{other:?}"),
        }
    }

    fn stage(&self, name: &str) -> usize {
        self.pipeline
            .stages
            .iter()
            .position(|stage| stage.name.value == name)
            .unwrap()
    }

    fn ended(&self, name: &str, failure: Option<Failure>) -> Input {
        let (stage, action) = name.split_once('/').unwrap();
        let stage = self.stage(stage);
        let actions = &self.pipeline.stages[stage].actions;
        let action = actions.iter().position(|found| found.name.value == action).unwrap();
        let at = ActionRef { stage, action };
        Input::ActionEnded {
            execution: EXECUTION.into(),
            at,
            attempt: self.attempts[&at],
            ended: Box::new(Ended {
                failure,
                variables: BTreeMap::from([("V".to_owned(), "#{variables.x}".to_owned())]),
                ..Ended::default()
            }),
        }
    }

    fn words(&mut self, command: &Command) -> Option<String> {
        Some(match command {
            Command::StartAction(start) => {
                let at = start.at;
                self.attempts.insert(at, start.attempt);
                let stage = &self.pipeline.stages[at.stage];
                let again = if start.attempt > 1 { " again" } else { "" };
                let custom = start.resolved.configuration.get("CustomData");
                let custom = custom.map(|data| format!(" `{data}`")).unwrap_or_default();
                format!("run {}/{}{again}{custom}", stage.name, stage.actions[at.action].name)
            }
            Command::StartRule(start) => format!("rule {}", start.at.rule),
            Command::End { task, why, .. } => match task {
                Task::Action(at, _) => format!("end {} {why:?}", at.action),
                Task::Rule(at, _) => format!("end rule {} {why:?}", at.rule),
            },
            Command::Record { event, .. } => match event {
                Event::StageStarted { stage, .. } => format!("stage {stage}"),
                Event::StageFinished { stage, status, .. } => format!("{stage} {status}"),
                Event::StageRetried { mode, .. } => serde_json::to_value(mode).unwrap().as_str()?.to_owned(),
                Event::RunFinished { status, .. } => format!("the end: {status}"),
                Event::ActionFinished {
                    name, status, failure, ..
                } => {
                    let why = failure
                        .as_ref()
                        .filter(|failure| failure.message != "oops" || *status == Status::Abandoned);
                    let why = why.map(|failure| format!(": {}", failure.message)).unwrap_or_default();
                    format!("{} {status}{why}", name.action)
                }
                Event::ConditionFinished { result, .. } => {
                    result.map_or_else(|| "go on".to_owned(), |result| format!("{result:?}"))
                }
                Event::Note { message } if message.contains("nothing is rolled back") => {
                    "nothing to go back to".to_owned()
                }
                _ => return None,
            },
        })
    }
}

/// A source and one stage of commands: `a` and `b` in the first step, `c` in the second.
fn two_steps() -> Pipeline {
    let actions = vec![
        commands("a", &["true"]),
        commands("b", &["true"]),
        commands("c", &["true"]).step(20),
    ];
    pipeline(vec![stage("S", vec![source("app")]), stage("B", actions)])
}

#[test]
fn steps_and_stages_go_one_after_the_other() {
    check(
        two_steps(),
        8,
        &[
            ("start", "stage S, run S/app"),
            ("ok S/app", "app succeeded, S succeeded, stage B, run B/a, run B/b"),
            ("ok B/b", "b succeeded"),
            ("ok B/a", "a succeeded, run B/c"),
            ("ok B/c", "c succeeded, B succeeded, the end: succeeded"),
        ],
    );
}

#[test]
fn jobs_limits_what_runs_at_the_same_time_and_approvals_do_not_count() {
    let actions = vec![
        commands("a", &["true"]),
        action("ask", "Approval/AWS/Manual/1"),
        commands("b", &["true"]),
        commands("c", &["true"]),
    ];
    check(
        pipeline(vec![stage("S", vec![source("app")]), stage("B", actions)]),
        1,
        &[
            ("start", "stage S, run S/app"),
            ("ok S/app", "app succeeded, S succeeded, stage B, run B/ask, run B/a"),
            ("yes B/ask", "ask succeeded, end 1 Answered"),
            ("ok B/a", "a succeeded, run B/b"),
            ("ok B/b", "b succeeded, run B/c"),
            ("ok B/c", "c succeeded, B succeeded, the end: succeeded"),
        ],
    );
}

#[test]
fn siblings_of_a_failure_start_and_come_to_their_end_and_no_later_step_begins() {
    let table: &[(&str, &str)] = &[
        ("start", "stage S, run S/app"),
        ("ok S/app", "app succeeded, S succeeded, stage B, run B/a, run B/b"),
        ("fail B/a", "a failed"),
        ("ok B/b", "b succeeded, B failed, the end: failed"),
        ("ok B/b", ""),
    ];
    check(two_steps(), 8, table);
    check(
        two_steps(),
        1,
        &[
            ("start", "stage S, run S/app"),
            ("ok S/app", "app succeeded, S succeeded, stage B, run B/a"),
            ("fail B/a", "a failed, run B/b"),
            ("ok B/b", "b succeeded, B failed, the end: failed"),
        ],
    );
    let stopped: &[(&str, &str)] = &[
        ("start", "stage S, run S/app"),
        ("ok S/app", "app succeeded, S succeeded, stage B, run B/a"),
        ("stop", ""),
        ("fail B/a", "a failed, B stopped, the end: stopped"),
    ];
    check(two_steps(), 1, stopped);
}

#[test]
fn a_failed_stage_is_retried_once() {
    let mut demo = two_steps();
    demo.stages[1].on_failure = Some(retry(RetryMode::FailedActions));
    check(
        demo,
        8,
        &[
            ("start", "stage S, run S/app"),
            ("ok S/app", "app succeeded, S succeeded, stage B, run B/a, run B/b"),
            ("ok B/a", "a succeeded"),
            ("fail B/b", "b failed, FAILED_ACTIONS, run B/b again"),
            ("ok B/b", "b succeeded, run B/c"),
            ("fail B/c", "c failed, B failed, the end: failed"),
        ],
    );
    // With fewer places than actions it comes out the same.
    let mut demo = two_steps();
    demo.stages[1].on_failure = Some(retry(RetryMode::FailedActions));
    check(
        demo,
        1,
        &[
            ("start", "stage S, run S/app"),
            ("ok S/app", "app succeeded, S succeeded, stage B, run B/a"),
            ("fail B/a", "a failed, run B/b"),
            ("ok B/b", "b succeeded, FAILED_ACTIONS, run B/a again"),
            ("ok B/a", "a succeeded, run B/c"),
            ("ok B/c", "c succeeded, B succeeded, the end: succeeded"),
        ],
    );
    let mut demo = two_steps();
    demo.stages[1].on_failure = Some(retry(RetryMode::AllActions));
    check(
        demo,
        8,
        &[
            ("start", "stage S, run S/app"),
            ("ok S/app", "app succeeded, S succeeded, stage B, run B/a, run B/b"),
            ("ok B/a", "a succeeded"),
            ("ok B/b", "b succeeded, run B/c"),
            ("fail B/c", "c failed, ALL_ACTIONS, run B/a again, run B/b again"),
            ("ok B/b", "b succeeded"),
            ("ok B/a", "a succeeded, run B/c again"),
            ("ok B/c", "c succeeded, B succeeded, the end: succeeded"),
        ],
    );
}

#[test]
fn conditions() {
    let with = |change: &dyn Fn(&mut pipe::ir::Stage)| {
        let mut demo = pipeline(vec![
            stage("S", vec![source("app")]),
            stage("B", vec![commands("a", &["true"])]),
            stage("C", vec![commands("c", &["true"])]),
        ]);
        change(&mut demo.stages[1]);
        demo
    };
    let rules = || vec![rule("one", "VariableCheck", &[]), rule("two", "LambdaInvoke", &[])];
    let begin = [
        ("start", "stage S, run S/app"),
        ("ok S/app", "app succeeded, S succeeded, stage B, rule 0, rule 1"),
    ];
    let entry = |result| with(&|stage| stage.before_entry = Some(condition(result, rules())));
    let table = |rest: &[(&'static str, &'static str)]| [&begin[..], rest].concat();
    let goes_on = table(&[("rule B before 1 yes", ""), ("rule B before 0 yes", "go on, run B/a")]);
    check(entry(ConditionResult::Fail), 8, &goes_on);
    let fails = table(&[
        ("rule B before 0 no", ""),
        ("rule B before 1 yes", "Fail, B failed, the end: failed"),
    ]);
    check(entry(ConditionResult::Fail), 8, &fails);
    let skips = table(&[
        ("rule B before 1 no", ""),
        ("rule B before 0 yes", "Skip, B skipped, stage C, run C/c"),
    ]);
    check(entry(ConditionResult::Skip), 8, &skips);

    let begin = [
        ("start", "stage S, run S/app"),
        ("ok S/app", "app succeeded, S succeeded, stage B, run B/a"),
    ];
    let table = |rest: &[(&'static str, &'static str)]| [&begin[..], rest].concat();
    let success = |result| with(&|stage| stage.on_success = Some(condition(result, rules())));
    let passes = table(&[
        ("ok B/a", "a succeeded, rule 0, rule 1"),
        ("rule B success 0 yes", ""),
        ("rule B success 1 yes", "go on, B succeeded, stage C, run C/c"),
    ]);
    check(success(ConditionResult::Rollback), 8, &passes);
    let rolls_back = table(&[
        ("ok B/a", "a succeeded, rule 0, rule 1"),
        ("rule B success 0 yes", ""),
        (
            "rule B success 1 no",
            "Rollback, B failed, nothing to go back to, the end: failed",
        ),
    ]);
    check(success(ConditionResult::Rollback), 8, &rolls_back);

    let failure = with(&|stage| {
        let mut handling = retry(RetryMode::FailedActions);
        handling.result = None;
        handling.condition = Some(condition(ConditionResult::Rollback, rules()));
        stage.on_failure = Some(handling);
    });
    let rolls_back = table(&[
        ("fail B/a", "a failed, rule 0, rule 1"),
        ("rule B failure 0 yes", ""),
        (
            "rule B failure 1 yes",
            "Rollback, B failed, nothing to go back to, the end: failed",
        ),
    ]);
    check(failure, 8, &rolls_back);
}

#[test]
fn a_stop_waits_for_what_runs_or_ends_it() {
    let begin = [
        ("start", "stage S, run S/app"),
        ("ok S/app", "app succeeded, S succeeded, stage B, run B/a, run B/b"),
    ];
    let table = |rest: &[(&'static str, &'static str)]| [&begin[..], rest].concat();
    let waits = table(&[
        ("stop", ""),
        ("stop", "refused: run `an-id` is stopping already"),
        ("fail B/a", "a failed"),
        ("ok B/b", "b succeeded, B stopped, the end: stopped"),
        ("stop", "refused: run `an-id` has ended already"),
    ]);
    check(two_steps(), 8, &waits);
    let abandons = table(&[
        ("stop", ""),
        ("abandon", "end 0 Abandoned, end 1 Abandoned"),
        ("abandon", "refused: run `an-id` is stopping already"),
        ("fail B/a", "a abandoned: oops"),
        ("ok B/b", "b abandoned, B stopped, the end: stopped"),
    ]);
    check(two_steps(), 8, &abandons);
}

#[test]
fn time_runs_out() {
    let mut ask = action("ask", "Approval/AWS/Manual/1");
    let other = action("other", "Approval/AWS/Manual/1");
    ask.timeout_minutes = Some(pipe::ir::Node::new(10, pipe::ir::Origin::default()));
    check(
        pipeline(vec![stage("S", vec![source("app")]), stage("B", vec![ask, other])]),
        8,
        &[
            ("start", "stage S, run S/app"),
            (
                "ok S/app",
                "app succeeded, S succeeded, stage B, run B/ask, run B/other",
            ),
            ("after 599", ""),
            ("after 1", "end 0 TimedOut"),
            ("after 5", ""),
            ("fail B/ask", "ask failed: its time was over after 10 min"),
            ("yes B/ask", "refused: `ask` was answered already, or waits no longer"),
            ("after 604800", "end 1 TimedOut"),
            (
                "fail B/other",
                "other failed: its time was over after 7 days, B failed, the end: failed",
            ),
        ],
    );
}

#[test]
fn variables_are_replaced_once_and_just_before_the_start() {
    let show = |name: &str, data: &str| action(name, "Approval/AWS/Manual/1").set("CustomData", data);
    check(
        pipeline(vec![
            stage("S", vec![source("app").local("outputs", json!({"V": ""}))]),
            stage(
                "B",
                vec![
                    show("ask", "#{app.V} in #{codepipeline.PipelineExecutionId}"),
                    commands("run", &["true"]).gives("NOTHING").step(2),
                ],
            ),
            stage("C", vec![show("other", "#{x"), show("what", "#{run.NOTHING}")]),
        ]),
        8,
        &[
            ("start", "stage S, run S/app"),
            (
                "ok S/app",
                "app succeeded, S succeeded, stage B, run B/ask `#{variables.x} in an-id`",
            ),
            ("yes B/ask", "ask succeeded, end 0 Answered, run B/run"),
            (
                "ok B/run",
                "run succeeded, B succeeded, stage C, run C/other `#{x`, what failed: `#{run.NOTHING}` has no value: nothing has set it",
            ),
            (
                "yes C/other",
                "other succeeded, end 0 Answered, C failed, the end: failed",
            ),
        ],
    );
}

/// What a handled input has recorded.
fn events(commands: Vec<Command>) -> Vec<Event> {
    let event = |command| match command {
        Command::Record { event, .. } => Some(event),
        Command::StartAction(_) | Command::StartRule(_) | Command::End { .. } => None,
    };
    commands.into_iter().filter_map(event).collect()
}

fn defined(pipeline: &Pipeline) -> Arc<Definition> {
    let plan = plan(pipeline, &StandardDrivers, &RunOptions::default()).unwrap();
    let definition = Definition::new(Arc::new(pipeline.clone()), Arc::new(plan), "first".to_owned());
    Arc::new(definition.unwrap())
}

/// Starts a run, lets its source succeed, and gives an input; then does the same with a journal that a power cut has ended
/// somewhere behind the first line of what that input led to. Both must say the same in the end, as far as `is_meant` goes.
fn survives_whole(demo: &Pipeline, input: &Input, is_meant: impl Fn(&Event) -> bool) {
    let id: Id = EXECUTION.into();
    let now = Timestamp::UNIX_EPOCH;
    let (mut engine, before) = begun(demo);
    let said = events(engine.handle(now, input.clone()).unwrap());
    let expected: Vec<&Event> = said.iter().filter(|event| is_meant(event)).collect();
    assert!(said.len() > 1 && !expected.is_empty(), "{said:?}");
    for kept in 0..=said.len() {
        let journal = [&before, &said[..kept]].concat();
        let mut engine = Engine::new(defined(demo), 8);
        engine.restore(&id, &records(&journal));
        if kept > 0 && kept < said.len() {
            let again = engine.handle(now, input.clone());
            assert!(again.is_err(), "{again:?}: it was accepted already");
        }
        let resumed = Input::Resume {
            reason: "cut off".to_owned(),
            lost: Vec::new(),
        };
        let resumed = events(engine.handle(now, resumed).unwrap());
        let found = said[..kept].iter().chain(&resumed).filter(|event| is_meant(event));
        let found: Vec<&Event> = found.collect();
        match kept {
            0 => assert!(found.is_empty(), "{found:?}"),
            _ => assert_eq!(found, expected, "after {kept} of {}", said.len()),
        }
    }
}

#[test]
fn an_answer_is_kept_whole_or_not_at_all() {
    let demo = pipeline(vec![
        stage("S", vec![source("app")]),
        stage(
            "B",
            vec![
                action("ask", "Approval/AWS/Manual/1"),
                commands("a", &["true"]),
                commands("b", &["true"]).step(2),
            ],
        ),
        stage("C", vec![commands("c", &["true"])]),
    ]);
    for approved in [true, false] {
        let input = Input::Answer {
            execution: EXECUTION.into(),
            stage: "B".to_owned(),
            action: "ask".to_owned(),
            token: None,
            answer: Answer {
                approved,
                comment: "because".to_owned(),
                by: "somebody".to_owned(),
            },
        };
        survives_whole(&demo, &input, |event| {
            matches!(event, Event::ApprovalAnswered { .. } | Event::ActionFinished { .. })
        });
    }
}

#[test]
fn an_override_is_kept_whole_or_not_at_all() {
    for position in [Position::BeforeEntry, Position::OnSuccess] {
        let rules = vec![rule("one", "VariableCheck", &[]), rule("two", "LambdaInvoke", &[])];
        let mut demo = pipeline(vec![
            stage("S", vec![source("app")]),
            stage("B", vec![commands("b", &["true"])]),
        ]);
        let at = usize::from(position == Position::BeforeEntry);
        let guarded = &mut demo.stages[at];
        let guard = Some(condition(ConditionResult::Fail, rules));
        match position {
            Position::BeforeEntry => guarded.before_entry = guard,
            Position::OnSuccess | Position::OnFailure => guarded.on_success = guard,
        }
        let input = Input::Override {
            execution: EXECUTION.into(),
            stage: demo.stages[at].name.value.clone(),
            position,
        };
        survives_whole(&demo, &input, |event| {
            matches!(
                event,
                Event::ConditionFinished { .. }
                    | Event::RuleFinished { .. }
                    | Event::StageFinished { .. }
                    | Event::StageStarted { .. }
            )
        });
    }
}

/// Whatever the last lines are that a power cut has taken away: nobody is asked again, and all comes to the same end at once.
#[test]
fn a_run_that_is_stopped_or_cancelled_while_it_only_waits_asks_nobody_again() {
    let asks = || ["one", "two"].map(|name| action(name, "Approval/AWS/Manual/1"));
    let demo = pipeline(vec![
        stage("S", vec![source("app")]),
        stage("B", asks().into()),
        stage("C", vec![commands("c", &["true"])]),
    ]);
    let now = Timestamp::UNIX_EPOCH;
    let id: Id = EXECUTION.into();
    let other = Definition::new(
        Arc::new(demo.clone()),
        Arc::clone(&defined(&demo).plan),
        "other".to_owned(),
    );
    let stop = Input::Stop {
        execution: id.clone(),
        reason: "enough".to_owned(),
        abandon: true,
    };
    for input in [stop, Input::Define(Arc::new(other.unwrap()))] {
        let (mut engine, mut journal) = begun(&demo);
        let said = events(engine.handle(now, input.clone()).unwrap());
        assert!(matches!(said.last(), Some(Event::RunFinished { .. })), "{said:?}");
        let lines = journal.len();
        journal.extend(said);
        for kept in lines + 1..journal.len() {
            let mut engine = Engine::new(defined(&demo), 8);
            engine.restore(&id, &records(&journal[..kept]));
            let resumed = Input::Resume {
                reason: "cut off".to_owned(),
                lost: Vec::new(),
            };
            let commands = engine.handle(now, resumed).unwrap();
            let asks_again = |command: &Command| matches!(command, Command::StartAction(_));
            assert!(!commands.iter().any(asks_again), "{commands:?}");
            let found = events(commands);
            assert!(matches!(found[0], Event::RunResumed { .. }), "{found:?}");
            assert_eq!(found[1..], journal[kept..], "{input:?} after {kept} lines");
        }
    }
}

#[test]
fn a_clock_that_was_put_back_turns_no_journal_around() {
    let (engine, journal) = begun(&two_steps());
    let id: Id = EXECUTION.into();
    let mut records = records(&journal);
    for (index, record) in records.iter_mut().rev().enumerate() {
        record.time = Timestamp::from_second(i64::try_from(index).unwrap()).unwrap();
    }
    let mut again = Engine::new(defined(&two_steps()), 8);
    again.restore_all(&[(&id, &records)]);
    let running = |engine: &Engine| {
        let run = engine.execution(EXECUTION).unwrap().stage_run().unwrap();
        (run.index, run.running.keys().copied().collect::<Vec<_>>())
    };
    assert_eq!(running(&again), running(&engine));
    assert_eq!(running(&again), (1, vec![0, 1]));
}

/// A run whose source has succeeded, and what it has recorded.
fn begun(demo: &Pipeline) -> (Engine, Vec<Event>) {
    let now = Timestamp::UNIX_EPOCH;
    let start = Input::Start(Box::new(Start {
        execution: EXECUTION.to_owned(),
        ..Start::default()
    }));
    let source = Input::ActionEnded {
        execution: EXECUTION.into(),
        at: ActionRef { stage: 0, action: 0 },
        attempt: 1,
        ended: Box::default(),
    };
    let mut engine = Engine::new(defined(demo), 8);
    let mut journal = events(engine.handle(now, start).unwrap());
    journal.extend(events(engine.handle(now, source).unwrap()));
    (engine, journal)
}

/// As they stand in a journal.
fn records(events: &[Event]) -> Vec<Record> {
    let record = |(index, event): (usize, &Event)| Record {
        v: 2,
        seq: index as u64 + 1,
        time: Timestamp::UNIX_EPOCH,
        event: event.clone(),
    };
    events.iter().enumerate().map(record).collect()
}

#[test]
fn two_things_of_one_name_are_refused() {
    let error = |pipeline: Pipeline| {
        let plan = plan(&pipeline, &StandardDrivers, &RunOptions::default()).unwrap();
        let definition = Definition::new(Arc::new(pipeline), Arc::new(plan), "first".to_owned());
        definition.unwrap_err().to_string()
    };
    let mut demo = two_steps();
    demo.stages[1].name.value = "S".to_owned();
    assert_eq!(error(demo), "the definition has two stages that are called `S`");
    let mut demo = two_steps();
    demo.stages[1].actions[2].name.value = "a".to_owned();
    assert_eq!(
        error(demo),
        "the definition has two actions that are called `a` in stage `B`"
    );
    let mut demo = two_steps();
    let rules = vec![rule("one", "VariableCheck", &[]), rule("one", "LambdaInvoke", &[])];
    demo.stages[1].on_success = Some(condition(ConditionResult::Fail, rules));
    assert_eq!(
        error(demo),
        "the definition has two rules that are called `one` in the on success condition of stage `B`"
    );
    // In other stages, or for another kind of thing, a name may come again.
    let mut demo = two_steps();
    demo.stages[1].actions[0].name.value = "S".to_owned();
    demo.stages[1].actions[1].name.value = "app".to_owned();
    defined(&demo);
}

/// So many that whoever looks at all of them for each would not come to an end here.
#[test]
fn many_approvals_wait_at_once() {
    let asked = |index: usize| {
        let mut ask = action(&format!("ask{index}"), "Approval/AWS/Manual/1");
        let minutes = 5 + (index as u64 * 7919) % 10_000;
        ask.timeout_minutes = Some(pipe::ir::Node::new(minutes, pipe::ir::Origin::default()));
        ask
    };
    let many = 10_000;
    let demo = pipeline(vec![
        stage("S", vec![source("app")]),
        stage("B", (0..many).map(asked).collect()),
    ]);
    let start = Timestamp::UNIX_EPOCH;
    let mut engine = Engine::new(defined(&demo), 8);
    engine
        .handle(
            start,
            Input::Start(Box::new(Start {
                execution: EXECUTION.to_owned(),
                ..Start::default()
            })),
        )
        .unwrap();
    let ended = |stage, action, failure: Option<Failure>| Input::ActionEnded {
        execution: EXECUTION.into(),
        at: ActionRef { stage, action },
        attempt: 1,
        ended: Box::new(Ended {
            failure,
            ..Ended::default()
        }),
    };
    engine.handle(start, ended(0, 0, None)).unwrap();
    // The first half is answered, in whatever order; with each the next deadline is asked for, as a runner does.
    for index in (0..many / 2).rev() {
        let answer = Input::Answer {
            execution: EXECUTION.into(),
            stage: "B".to_owned(),
            action: format!("ask{index}"),
            token: None,
            answer: Answer {
                approved: true,
                comment: String::new(),
                by: "somebody".to_owned(),
            },
        };
        engine.handle(start, answer).unwrap();
        assert!(engine.next_deadline().is_some());
    }
    // The other half is late, one after the other.
    let mut late = 0;
    let mut now = start;
    while let Some(deadline) = engine.next_deadline() {
        assert!(deadline > now);
        now = deadline;
        for command in engine.handle(now, Input::Tick).unwrap() {
            let Command::End {
                task: Task::Action(at, _),
                ..
            } = command
            else {
                panic!("{command:?}");
            };
            assert!(at.action >= many / 2);
            late += 1;
            engine
                .handle(now, ended(1, at.action, Some(Failure::new("late"))))
                .unwrap();
        }
    }
    assert_eq!(late, many / 2);
    assert!(engine.is_idle());
}

/// `a` in the first step has succeeded, `ask` and `b` in the second were in progress, and `c` stands in the third.
#[test]
fn what_is_lost_is_done_again_before_what_needs_it() {
    let mut demo = two_steps();
    demo.stages[1].actions = vec![
        commands("a", &["true"]),
        action("ask", "Approval/AWS/Manual/1").step(2),
        commands("b", &["true"]).step(2),
        commands("c", &["true"]).step(3),
    ];
    let mut bench = Bench {
        engine: Engine::new(defined(&demo), 8),
        pipeline: Arc::new(demo),
        now: Timestamp::UNIX_EPOCH,
        attempts: BTreeMap::new(),
    };
    for input in ["start", "ok S/app", "ok B/a"] {
        bench.step(input);
    }
    let lost = ActionRef { stage: 1, action: 0 };
    let resume = Input::Resume {
        reason: "the power is back".to_owned(),
        lost: vec![(EXECUTION.into(), lost)],
    };
    let commands = bench.engine.handle(bench.now, resume).unwrap();
    let words: Vec<String> = commands.iter().filter_map(|command| bench.words(command)).collect();
    assert_eq!(words.join(", "), "run B/ask, run B/a again");
    for (input, expected) in [
        ("ok B/b", ""),
        ("ok B/a", "a succeeded"),
        ("yes B/ask", "ask succeeded, end 1 Answered, run B/b again"),
        ("ok B/b", "b succeeded, run B/c"),
        ("ok B/c", "c succeeded, B succeeded, the end: succeeded"),
    ] {
        assert_eq!(bench.step(input), expected, "{input}");
    }
}
