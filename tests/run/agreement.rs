//! The engine and the reference model are given the same random things, and must say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::rc::Rc;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use pipe::ir::RetryMode;
use pipe::run::engine::{
    Answer, Command, Definition, Ended, Engine, Id, Input, Place, Start, State, Task, Verdict, Why,
};
use pipe::run::event::{Event, Inherited, Record, VERSION, Waiting};
use pipe::run::outcome::Failure;
use pipe::run::planned::{ActionRef, Position, RuleRef};
use proptest::prelude::*;

use super::model::spec::{OUTPUT, USES, definition, specs};
use super::model::{self, Job, Model, Said, Spec, Token};

const POSITIONS: [Position; 3] = [Position::BeforeEntry, Position::OnSuccess, Position::OnFailure];

/// Something that happens; what exactly depends on what there is.
#[derive(Clone, Copy, Debug)]
struct Step {
    kind: u8,
    a: u8,
    b: u8,
    c: u8,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (any::<u8>(), any::<u8>(), any::<u8>(), any::<u8>());
    prop::collection::vec(step.prop_map(|(kind, a, b, c)| Step { kind, a, b, c }), 1..70)
}

/// What happens, in numbers and names that both sides understand.
#[derive(Clone, Debug)]
pub(super) enum What {
    Start(model::Start),
    ActionEnded(usize, (usize, usize, u32), bool, Option<String>),
    RuleEnded(usize, (usize, Position, usize, u32), bool),
    Answer(usize, String, String, Token, bool),
    Stop(usize, bool),
    Retry(usize, String, RetryMode),
    Rollback(String, usize),
    Override(usize, String, Position),
    Transition(String, bool),
    Define(Rc<Spec>),
    /// The process ends, and another goes on.
    Crash,
    Tick(u64),
}

fn token_for(number: u8) -> Token {
    match number % 6 {
        0..=1 => Token::Absent,
        2 => Token::Nonsense,
        n => Token::Of(u32::from(n) - 2),
    }
}

/// The engine and the model, side by side.
pub(super) struct Pair {
    engine: Engine,
    model: Model,
    jobs: usize,
    now: Timestamp,
    pub(super) specs: [Rc<Spec>; 3],
    definitions: [Arc<Definition>; 3],
    spec: usize,
    /// The engine's names of the executions.
    ids: Vec<Id>,
    records: Vec<Vec<Record>>,
    /// The last answer's records, with the executions in whose journals they are.
    said_last: Vec<(usize, Record)>,
    tokens: BTreeMap<(usize, usize, usize, u32), String>,
    pub(super) running: BTreeSet<(usize, Job)>,
    past: Vec<(usize, Job)>,
    /// All that was ever started.
    started: BTreeSet<(usize, Job)>,
    story: String,
}

const MAX_EXECUTIONS: usize = 6;

impl Pair {
    pub(super) fn new(first: Spec, second: Spec, jobs: usize) -> Self {
        // The third version differs from the first in its digest alone.
        let mut specs = [first.clone(), second, first];
        for (spec, digest) in specs.iter_mut().zip(["one", "two", "three"]) {
            digest.clone_into(&mut spec.digest);
        }
        let definitions = [0, 1, 2].map(|index| definition(&specs[index]));
        let specs = specs.map(Rc::new);
        Self {
            engine: Engine::new(Arc::clone(&definitions[0]), jobs),
            model: Model::new(Rc::clone(&specs[0]), jobs),
            jobs,
            now: Timestamp::UNIX_EPOCH,
            specs,
            definitions,
            spec: 0,
            ids: Vec::new(),
            records: Vec::new(),
            said_last: Vec::new(),
            tokens: BTreeMap::new(),
            running: BTreeSet::new(),
            past: Vec::new(),
            started: BTreeSet::new(),
            story: String::new(),
        }
    }

    fn stage(&self, number: u8) -> String {
        let nowhere = "Nowhere".to_owned();
        let stages = &self.specs[self.spec].stages;
        // A stage that is not there is rare.
        if number == 255 {
            nowhere
        } else {
            stages[usize::from(number) % stages.len()].name.clone()
        }
    }

    fn execution(&self, number: u8) -> usize {
        // One more than there are.
        if number == 255 {
            self.ids.len()
        } else {
            usize::from(number) % self.ids.len().max(1)
        }
    }

    /// What a step means now.
    fn what(&self, step: Step) -> Option<What> {
        let Step { kind, a, b, c } = step;
        let pick = |len: usize| usize::from(a) % len.max(1);
        Some(match kind {
            0..30 => {
                if self.ids.len() >= MAX_EXECUTIONS {
                    return None;
                }
                let first_stage = (b % 6 == 1).then(|| self.stage(c));
                let last_stage = (b % 6 == 2).then(|| self.stage(c));
                let mut inherited = BTreeMap::new();
                if first_stage.is_some() {
                    for name in ["s0", "s1", "a0"].iter().take(usize::from(a % 4)) {
                        inherited.insert((*name).to_owned(), format!("old-{name}"));
                    }
                }
                What::Start(model::Start {
                    first_stage,
                    last_stage,
                    inherited,
                })
            }
            30..165 => {
                let (id, job) = *self.running.iter().nth(pick(self.running.len()))?;
                self.end(id, job, b, c)
            }
            165..175 => {
                let (id, job) = *self.past.get(pick(self.past.len()))?;
                self.end(id, job, b, c)
            }
            175..185 => {
                let id = self.execution(a);
                let spec = &self.specs[self.spec];
                let stage = &spec.stages[usize::from(b) % spec.stages.len()];
                let action = &stage.actions[usize::from(b / 8) % stage.actions.len()];
                What::Answer(id, stage.name.clone(), action.name.clone(), token_for(c), c < 170)
            }
            185..195 => {
                let waiting: Vec<_> = self
                    .running
                    .iter()
                    .filter(|(id, job)| self.is_approval(*id, *job))
                    .collect();
                let (id, job) = **waiting.get(pick(waiting.len()))?;
                let Job::Action(stage, action, _) = job else {
                    return None;
                };
                let definition = self.definition_of(id);
                let action = definition.action(ActionRef { stage, action }).name.value.clone();
                What::Answer(
                    id,
                    definition.stage(stage).name.value.clone(),
                    action,
                    token_for(b),
                    c < 170,
                )
            }
            195..202 => {
                let live: Vec<&Id> = self.engine.state().live.values().collect();
                let id = live
                    .get(pick(live.len()))
                    .map_or_else(|| self.execution(a), |id| self.number(id));
                What::Stop(if b < 200 { id } else { self.execution(a) }, b.is_multiple_of(2))
            }
            202..216 => {
                let mode = if c.is_multiple_of(3) {
                    RetryMode::AllActions
                } else {
                    RetryMode::FailedActions
                };
                What::Retry(self.execution(a), self.stage(b), mode)
            }
            216..222 => {
                if self.ids.len() >= 2 * MAX_EXECUTIONS {
                    return None;
                }
                What::Rollback(self.stage(b), self.execution(a))
            }
            222..226 => What::Override(self.execution(a), self.stage(b), POSITIONS[usize::from(c) % 3]),
            226..230 => {
                let evaluated: Vec<_> = self
                    .running
                    .iter()
                    .filter(|(_, job)| matches!(job, Job::Rule(..)))
                    .collect();
                let (id, job) = **evaluated.get(pick(evaluated.len()))?;
                let Job::Rule(stage, position, ..) = job else {
                    return None;
                };
                What::Override(id, self.definition_of(id).stage(stage).name.value.clone(), position)
            }
            230..238 => What::Transition(self.stage(a), b.is_multiple_of(2)),
            238..240 => What::Define(Rc::clone(&self.specs[usize::from(a) % 3])),
            240..248 => What::Tick([1, 10, 60, 10_080][usize::from(a) % 4]),
            248.. => What::Crash,
        })
    }

    /// The end of something: mostly a good one; an approval is answered instead, unless it was told to end.
    fn end(&self, id: usize, job: Job, b: u8, c: u8) -> What {
        match job {
            Job::Rule(stage, position, rule, attempt) => {
                What::RuleEnded(id, (stage, position, rule, attempt), !b.is_multiple_of(4))
            }
            Job::Action(stage, action, attempt) => {
                let definition = self.definition_of(id);
                let node = definition.action(ActionRef { stage, action });
                if self.is_approval(id, job) && !c.is_multiple_of(3) {
                    let token = if c.is_multiple_of(2) {
                        Token::Absent
                    } else {
                        Token::Of(attempt)
                    };
                    let stage = definition.stage(stage).name.value.clone();
                    return What::Answer(id, stage, node.name.value.clone(), token, !b.is_multiple_of(4));
                }
                let value = (!c.is_multiple_of(5)).then(|| format!("{id}-{}-{attempt}", node.name.value));
                What::ActionEnded(id, (stage, action, attempt), !b.is_multiple_of(4), value)
            }
        }
    }

    fn definition_of(&self, id: usize) -> &Definition {
        &self.engine.execution(&self.ids[id]).expect("it was started").definition
    }

    fn is_approval(&self, id: usize, job: Job) -> bool {
        match job {
            Job::Action(stage, action, _) => self.definition_of(id).is_approval(ActionRef { stage, action }),
            Job::Rule(..) => false,
        }
    }

    fn id(&self, number: usize) -> Id {
        self.ids.get(number).cloned().unwrap_or_else(|| "nobody".into())
    }

    fn token(&self, id: usize, stage: &str, action: &str, token: Token) -> Option<String> {
        match token {
            Token::Absent => None,
            Token::Nonsense => Some("nonsense".to_owned()),
            Token::Of(attempt) => {
                let found = self
                    .engine
                    .execution(&self.id(id))?
                    .definition
                    .action_ref(stage, action);
                let token = found.and_then(|at| self.tokens.get(&(id, at.stage, at.action, attempt)));
                Some(token.cloned().unwrap_or_else(|| "not yet given".to_owned()))
            }
        }
    }

    fn input(&mut self, what: &What) -> Input {
        match what {
            What::Start(start) => Input::Start(Box::new(Start {
                execution: format!("e{}", self.ids.len()),
                first_stage: start.first_stage.clone(),
                last_stage: start.last_stage.clone(),
                inherited: (!start.inherited.is_empty()).then(|| Inherited {
                    execution_id: "older".to_owned(),
                    artifacts: BTreeMap::new(),
                    masked: Vec::new(),
                    namespaces: start
                        .inherited
                        .iter()
                        .map(|(name, value)| (name.clone(), BTreeMap::from([(OUTPUT.to_owned(), value.clone())])))
                        .collect(),
                }),
                ..Start::default()
            })),
            What::ActionEnded(id, (stage, action, attempt), is_ok, value) => Input::ActionEnded {
                execution: self.id(*id),
                at: ActionRef {
                    stage: *stage,
                    action: *action,
                },
                attempt: *attempt,
                ended: Box::new(Ended {
                    failure: (!is_ok).then(|| Failure::new("oops")),
                    variables: value.iter().map(|value| (OUTPUT.to_owned(), value.clone())).collect(),
                    ..Ended::default()
                }),
            },
            What::RuleEnded(id, (stage, position, rule, attempt), satisfied) => Input::RuleEnded {
                execution: self.id(*id),
                at: RuleRef {
                    stage: *stage,
                    position: *position,
                    rule: *rule,
                },
                attempt: *attempt,
                verdict: Verdict {
                    satisfied: *satisfied,
                    simulated: false,
                    message: String::new(),
                },
            },
            What::Answer(id, stage, action, token, approved) => Input::Answer {
                execution: self.id(*id),
                token: self.token(*id, stage, action, *token),
                stage: stage.clone(),
                action: action.clone(),
                answer: Answer {
                    approved: *approved,
                    comment: String::new(),
                    by: "somebody".to_owned(),
                },
            },
            What::Stop(id, abandon) => Input::Stop {
                execution: self.id(*id),
                reason: "enough".to_owned(),
                abandon: *abandon,
            },
            What::Retry(id, stage, mode) => Input::Retry {
                execution: self.id(*id),
                stage: stage.clone(),
                mode: *mode,
            },
            What::Rollback(stage, target) => Input::Rollback {
                stage: stage.clone(),
                target: self.id(*target),
                detail: "somebody".to_owned(),
            },
            What::Override(id, stage, position) => Input::Override {
                execution: self.id(*id),
                stage: stage.clone(),
                position: *position,
            },
            What::Transition(stage, is_disabled) => Input::Transition {
                stage: stage.clone(),
                disabled: is_disabled.then(|| "closed".to_owned()),
            },
            What::Define(spec) => {
                self.spec = self.specs.iter().position(|found| found == spec).expect("one of them");
                Input::Define(Arc::clone(&self.definitions[self.spec]))
            }
            What::Tick(minutes) => {
                let minutes = i64::try_from(*minutes).expect("few");
                self.now = self
                    .now
                    .checked_add(SignedDuration::from_mins(minutes))
                    .expect("not so late");
                Input::Tick
            }
            What::Crash => {
                self.crash();
                Input::Resume {
                    reason: "crashed".to_owned(),
                    lost: Vec::new(),
                }
            }
        }
    }

    fn tell_model(&mut self, what: &What) -> Result<Said, model::Refused> {
        let model = &mut self.model;
        match what {
            What::Start(start) => model.start(start),
            What::ActionEnded(id, job, is_ok, value) => model.action_ended(*id, *job, *is_ok, value.clone()),
            What::RuleEnded(id, job, satisfied) => model.rule_ended(*id, *job, *satisfied),
            What::Answer(id, stage, action, token, approved) => model.answer(*id, stage, action, *token, *approved),
            What::Stop(id, abandon) => model.stop(*id, *abandon),
            What::Retry(id, stage, mode) => model.retry(*id, stage, *mode),
            What::Rollback(stage, target) => model.roll_back(stage, *target),
            What::Override(id, stage, position) => model.override_condition(*id, stage, *position),
            What::Transition(stage, is_disabled) => model.transition(stage, *is_disabled),
            What::Define(spec) => model.define(Rc::clone(spec)),
            What::Crash => model.resume(),
            What::Tick(minutes) => model.tick(*minutes),
        }
    }

    /// One that knows nothing but the definitions.
    fn fresh_engine(&self) -> Engine {
        let mut engine = Engine::new(Arc::clone(&self.definitions[self.spec]), self.jobs);
        for definition in &self.definitions {
            engine.remember(Arc::clone(definition));
        }
        engine
    }

    /// Puts an engine in the place of this one that knows nothing but the journals.
    fn crash(&mut self) {
        let mut engine = self.fresh_engine();
        let journals: Vec<_> = self.ids.iter().zip(self.records.iter().map(Vec::as_slice)).collect();
        engine.restore_all(&journals);
        let before = snapshot(self.engine.state());
        let after = snapshot(engine.state());
        assert_eq!(
            after, before,
            "the fold of the journals is another state\n{}",
            self.story
        );
        self.engine = engine;
        self.past.extend(std::mem::take(&mut self.running));
    }

    fn step(&mut self, step: Step) {
        if let Some(what) = self.what(step) {
            let _ = self.take(&what);
        }
    }

    /// Lets it happen, and gives what both say.
    pub(super) fn take(&mut self, what: &What) -> Result<Said, model::Refused> {
        let _ = writeln!(self.story, "{what:?}");
        self.now = self
            .now
            .checked_add(SignedDuration::from_millis(1))
            .expect("not so late");
        let input = self.input(what);
        let theirs = self.engine.handle(self.now, input);
        self.said_last.clear();
        let ours = self.tell_model(what);
        match what {
            What::ActionEnded(id, (stage, action, attempt), ..) => {
                self.over(*id, Job::Action(*stage, *action, *attempt));
            }
            What::RuleEnded(id, (stage, position, rule, attempt), _) => {
                self.over(*id, Job::Rule(*stage, *position, *rule, *attempt));
            }
            _ => {}
        }
        let theirs = match theirs {
            Ok(commands) => Ok(self.said(&commands)),
            Err(refused) => Err(refused.exception()),
        };
        if let Ok(said) = &theirs {
            for (id, words) in &said.events {
                for words in words {
                    let _ = writeln!(self.story, "        {id}: {words}");
                }
            }
            for started in &said.started {
                let _ = writeln!(self.story, "        start {started:?}");
            }
            for ended in &said.ended {
                let _ = writeln!(self.story, "        end {ended:?}");
            }
        } else {
            let _ = writeln!(self.story, "        {theirs:?}");
        }
        assert_eq!(
            ours,
            theirs,
            "model (left) and engine disagree\n{}{}",
            self.pipelines(),
            self.story
        );
        self.invariants();
        ours
    }

    /// An action that runs, by its name: `B/b0`.
    pub(super) fn job(&self, id: usize, name: &str) -> Job {
        let (stage, action) = name.split_once('/').expect("a stage and an action");
        let at = self
            .definition_of(id)
            .action_ref(stage, action)
            .expect("there is such an action");
        let attempt = self
            .engine
            .execution(&self.ids[id])
            .and_then(|execution| execution.attempts.get(&at));
        Job::Action(at.stage, at.action, attempt.copied().unwrap_or(0))
    }

    fn pipelines(&self) -> String {
        format!("jobs {}\n{:#?}\n{:#?}\n", self.jobs, self.specs[0], self.specs[1])
    }

    fn over(&mut self, id: usize, job: Job) {
        if self.running.remove(&(id, job)) {
            self.past.push((id, job));
        }
    }

    /// What the engine said, in the model's words.
    fn said(&mut self, commands: &[Command]) -> Said {
        let mut said = Said::default();
        for command in commands {
            match command {
                Command::Record { time, execution, event } => {
                    if let Event::RunStarted(_) = event {
                        self.ids.push(Arc::clone(execution));
                        self.records.push(Vec::new());
                    }
                    let id = self.number(execution);
                    let seq = self.records[id].len() as u64 + 1;
                    let record = Record {
                        v: VERSION,
                        seq,
                        time: *time,
                        event: event.clone(),
                    };
                    self.said_last.push((id, record.clone()));
                    self.records[id].push(record);
                    self.check_waiting(event);
                    if let Some(words) = self.words(event) {
                        said.events.entry(id).or_default().push(words);
                    }
                }
                Command::StartAction(start) => {
                    let id = self.number(&start.execution);
                    let job = Job::Action(start.at.stage, start.at.action, start.attempt);
                    if let Some(token) = &start.token {
                        self.tokens
                            .insert((id, start.at.stage, start.at.action, start.attempt), token.clone());
                    }
                    let value = start.resolved.configuration.get(USES).cloned().unwrap_or_default();
                    said.started.insert((id, job, value));
                    self.begun(id, job);
                }
                Command::StartRule(start) => {
                    let id = self.number(&start.execution);
                    let job = Job::Rule(start.at.stage, start.at.position, start.at.rule, start.attempt);
                    said.started.insert((id, job, String::new()));
                    self.begun(id, job);
                }
                Command::End { execution, task, why } => {
                    let id = self.number(execution);
                    let job = match task {
                        Task::Action(at, attempt) => Job::Action(at.stage, at.action, *attempt),
                        Task::Rule(at, attempt) => Job::Rule(at.stage, at.position, at.rule, *attempt),
                    };
                    let why = match why {
                        Why::TimedOut => "TimedOut",
                        Why::Abandoned => "Abandoned",
                        Why::Answered => "Answered",
                    };
                    said.ended.insert((id, job, why));
                }
            }
        }
        said
    }

    fn begun(&mut self, id: usize, job: Job) {
        let is_new = self.started.insert((id, job));
        // A rule that was cut off is evaluated once more in the same attempt, an approval goes on waiting.
        let may_be_again = match job {
            Job::Rule(..) => true,
            Job::Action(stage, action, attempt) => self.tokens.contains_key(&(id, stage, action, attempt)),
        };
        assert!(is_new || may_be_again, "started twice: {job:?}\n{}", self.story);
        self.running.insert((id, job));
    }

    fn number(&self, id: &Id) -> usize {
        self.ids.iter().position(|found| found == id).expect("it was started")
    }

    fn words(&self, event: &Event) -> Option<String> {
        let json = serde_json::to_value(event).expect("an event is written");
        let word = |key: &str| match &json[key] {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Null => "-".to_owned(),
            other => other.to_string(),
        };
        let words = |keys: &[&str]| {
            let mut out = word("event");
            for key in keys {
                out.push(' ');
                out.push_str(&word(key));
            }
            out
        };
        Some(match event {
            Event::RunStarted(started) => format!("run_started {:?}", started.trigger.kind),
            Event::RunResumed { .. } | Event::CancelRequested { .. } | Event::Note { .. } => words(&[]),
            Event::StageWaiting { .. } => words(&["stage"]),
            Event::StageStarted { .. } => words(&["stage", "attempt"]),
            Event::RuleStarted { .. } | Event::RuleInterrupted { .. } => {
                words(&["stage", "position", "rule", "attempt"]).replace(" r", " ")
            }
            Event::RuleFinished { .. } => words(&["stage", "position", "rule", "attempt", "status"]).replace(" r", " "),
            Event::ConditionFinished { .. } => words(&["stage", "position", "status", "result"]),
            Event::ActionStarted { .. } | Event::ActionInterrupted { .. } => words(&["stage", "action", "attempt"]),
            Event::ApprovalAnswered { .. } => words(&["stage", "action", "attempt", "approved"]),
            Event::ActionFinished { .. } => words(&["stage", "action", "attempt", "status"]),
            Event::StageFinished { .. } => words(&["stage", "attempt", "status"]),
            Event::StageRetried { .. } => words(&["stage", "attempt", "mode", "by"]),
            Event::RollbackStarted {
                execution_id, target, ..
            } => {
                let new = self
                    .ids
                    .iter()
                    .position(|id| **id == **execution_id)
                    .unwrap_or(self.ids.len());
                let target = self.number(&target.as_str().into());
                format!("{} {new} to {target} {}", words(&["stage"]), word("by"))
            }
            Event::StopRequested { .. } => words(&["abandon"]),
            Event::TransitionChanged { .. } => return None,
            Event::RunFinished { superseded_by, .. } => match superseded_by {
                Some(by) => format!("{} by {}", words(&["status"]), self.number(&by.as_str().into())),
                None => words(&["status"]),
            },
        })
    }

    /// The reason that someone waits for is one.
    fn check_waiting(&self, event: &Event) {
        let Event::StageWaiting { stage, reason } = event else {
            return;
        };
        // What happens after it in the same answer may have changed it already.
        match reason {
            Waiting::Occupied { execution_id } => {
                assert!(self.ids.iter().any(|id| **id == **execution_id), "{}", self.story);
            }
            Waiting::Disabled { .. } => {
                let gate = self.engine.state().gate_of(stage);
                assert!(gate.is_some_and(|gate| gate.disabled.is_some()), "{}", self.story);
            }
            Waiting::Queued => {}
        }
    }

    fn invariants(&self) {
        let state = self.engine.state();
        let mut holders: BTreeMap<&str, &Id> = BTreeMap::new();
        let mut waiting: BTreeMap<&str, usize> = BTreeMap::new();
        for id in &self.ids {
            let execution = self.engine.execution(id).expect("it was started");
            if execution.definition.mode() == pipe::ir::ExecutionMode::Parallel {
                continue;
            }
            if let Some(run) = execution.stage_run() {
                let name = execution.definition.stage(run.index).name.value.as_str();
                assert_eq!(holders.insert(name, id), None, "two in stage {name}\n{}", self.story);
            }
            if let Place::Waiting(stage) = &execution.place
                && execution.definition.mode() == pipe::ir::ExecutionMode::Superseded
            {
                let name = execution.definition.stage(*stage).name.value.as_str();
                let count = waiting.entry(name).or_default();
                *count += 1;
                assert_eq!(*count, 1, "two in front of stage {name}\n{}", self.story);
            }
        }
        if self.engine.is_idle() {
            for id in state.live.values() {
                let execution = self.engine.execution(id).expect("it is live");
                assert!(
                    matches!(execution.place, Place::Waiting(_)),
                    "{id} hangs\n{}",
                    self.story
                );
            }
        }
    }

    /// Lets all that runs come to its end: every execution must end, or stand in front of a closed stage.
    /// Whatever the last answer's last records are cut off by a power failure: what follows from the first one follows again.
    fn loses_nothing(&mut self, what: &What, cut: u8) {
        let follows = matches!(
            what,
            What::Start(_)
                | What::ActionEnded(..)
                | What::RuleEnded(..)
                | What::Answer(..)
                | What::Override(..)
                | What::Stop(..)
                | What::Retry(..)
                | What::Rollback(..)
        );
        let before = self.records.clone();
        let ids = self.ids.clone();
        if self.take(what).is_err() || !follows {
            return;
        }
        // A crash ends by itself what was to be abandoned, and others go on sooner.
        let mut live = self
            .engine
            .state()
            .live
            .values()
            .filter_map(|id| self.engine.execution(id));
        if live.any(|execution| execution.ending.is_some()) {
            return;
        }
        let count = self.said_last.len();
        if count < 2 {
            return;
        }
        let kept = 1 + usize::from(cut) % (count - 1);
        let mut journals = before;
        let mut known = ids;
        for (id, record) in &self.said_last[..kept] {
            if *id == journals.len() {
                journals.push(Vec::new());
                known.push(Arc::clone(&self.ids[*id]));
            }
            journals[*id].push(record.clone());
        }
        let cut_off = after_resuming(self, &known, &journals);
        let whole = after_resuming(self, &self.ids, &self.records);
        assert_eq!(
            cut_off,
            whole,
            "after {kept} of {count} records it goes on elsewhere (left)\n{}{}",
            self.pipelines(),
            self.story
        );
    }

    pub(super) fn finish(&mut self) {
        for _ in 0..2000 {
            let Some(&(id, job)) = self.running.first() else { break };
            let what = match job {
                Job::Action(stage, action, attempt) => What::ActionEnded(id, (stage, action, attempt), true, None),
                Job::Rule(stage, position, rule, attempt) => {
                    What::RuleEnded(id, (stage, position, rule, attempt), true)
                }
            };
            let _ = self.take(&what);
        }
        assert!(self.running.is_empty(), "it never ends\n{}", self.story);
    }
}

/// Where each execution stands when another process has read the journals and goes on.
fn after_resuming(pair: &Pair, ids: &[Id], journals: &[Vec<Record>]) -> Vec<String> {
    let mut engine = pair.fresh_engine();
    let journals: Vec<_> = ids.iter().zip(journals.iter().map(Vec::as_slice)).collect();
    engine.restore_all(&journals);
    let reason = "crashed".to_owned();
    let _ = engine.handle(
        pair.now,
        Input::Resume {
            reason,
            lost: Vec::new(),
        },
    );
    let mut executions: Vec<_> = engine.state().executions.values().collect();
    executions.sort_by_key(|execution| execution.number);
    let words = executions.into_iter().map(|execution| {
        let stages: Vec<_> = execution
            .stages
            .iter()
            .map(|stage| (stage.status, stage.attempt, &stage.succeeded))
            .collect();
        let place = match &execution.place {
            Place::In(run) => {
                let (actions, rules): (Vec<_>, Vec<_>) =
                    (run.running.keys().collect(), run.rules_running.keys().collect());
                format!("in {} {:?} {actions:?} {rules:?} {:?}", run.index, run.phase, run.todo)
            }
            other => format!("{other:?}"),
        };
        format!(
            "{:?} {:?} {:?} {stages:?} {place}",
            execution.kind, execution.status, execution.ending
        )
    });
    words.collect()
}

/// All of a state that its events must give back, in words.
fn snapshot(state: &State) -> String {
    let mut executions: Vec<_> = state.executions.values().collect();
    executions.sort_by_key(|execution| execution.number);
    let mut out = format!("{} {:?} {}\n", state.definition.digest, state.live, state.places_taken);
    for stage in ["S", "A", "B", "C", "D"] {
        let _ = writeln!(out, "{stage}: {:?}", state.gate_of(stage));
    }
    for execution in executions {
        let attempts: BTreeMap<_, _> = execution.attempts.iter().collect();
        let _ = writeln!(
            out,
            "{} {} {} {:?} {:?} {:?} {:?} {} {attempts:?} {:?}",
            execution.number,
            execution.id,
            execution.definition.digest,
            execution.kind,
            execution.trigger,
            execution.status,
            execution.ending,
            execution.last_stage,
            execution.variables,
        );
        let _ = writeln!(out, "    {:?}", execution.stages);
        let place = format!("{:?}", execution.place);
        // Whether something was told to end is no event: after a crash nothing runs.
        let place = ["TimedOut", "Abandoned"].iter().fold(place, |place, why| {
            place.replace(&format!("why: Some({why})"), "why: None")
        });
        let _ = writeln!(out, "    {place}");
    }
    out
}

fn agree(first: Spec, mut second: Spec, jobs: usize, steps: &[Step]) {
    // Stages change their places from one version to the other.
    for (stage, name) in second.stages.iter_mut().zip(["S", "B", "A", "D"]) {
        name.clone_into(&mut stage.name);
    }
    let mut pair = Pair::new(first, second, jobs);
    let _ = pair.take(&What::Start(model::Start::default()));
    for step in steps {
        pair.step(*step);
    }
    pair.finish();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_power_cut_takes_away_follows_again(
        first in specs(),
        jobs in 1_usize..=4,
        steps in prop::collection::vec(any::<[u8; 5]>(), 1..40),
    ) {
        let mut pair = Pair::new(first.clone(), first, jobs);
        let _ = pair.take(&What::Start(model::Start::default()));
        for [kind, a, b, c, cut] in steps {
            let Some(what) = pair.what(Step { kind, a, b, c }) else { continue };
            // What is cut off would be the choice of another version, or of nobody.
            if !matches!(what, What::Define(_)) {
                pair.loses_nothing(&what, cut);
            }
        }
    }

    #[test]
    fn the_engine_and_the_model_say_the_same(
        first in specs(),
        second in specs(),
        jobs in 1_usize..=4,
        steps in steps(),
    ) {
        agree(first, second, jobs, &steps);
    }
}
