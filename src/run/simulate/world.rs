//! The world that a simulated pipeline lives in: a clock, and what happens when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::script::{Asked, Begin, Outcome, Outcomes, Script};
use super::{Happened, SimulatedRun, Simulation, What};
use crate::run::engine::{Answer, Command, Definition, Ended, Engine, Id, Input, Start, Task, Verdict, Why};
use crate::run::event::{Event, Trigger};
use crate::run::outcome::Failure;
use crate::run::planned::{ActionRef, Position, RuleRef};

pub(super) struct World<'a> {
    definition: Arc<Definition>,
    script: &'a Script,
    engine: Engine,
    now: Timestamp,
    /// What is to come, in the order of time; of what is due at once, in the order in which it became known.
    agenda: BTreeMap<(Timestamp, u64), Due<'a>>,
    count: u64,
    /// The script's names of the runs, in the order of their start.
    names: Vec<(Id, String)>,
    /// What is otherwise in a run, by its name.
    own: BTreeMap<&'a str, &'a Outcomes>,
    happened: Vec<Happened>,
}

enum Due<'a> {
    Asked(&'a super::script::Event),
    Happens(Box<Input>),
    /// Somebody answers an approval, if it still waits by then.
    Answered {
        run: Id,
        at: ActionRef,
        attempt: u32,
        is_approved: bool,
    },
}

impl<'a> World<'a> {
    pub(super) fn new(definition: Arc<Definition>, script: &'a Script) -> Self {
        let mut world = Self {
            engine: Engine::new(Arc::clone(&definition), script.jobs),
            definition,
            script,
            now: Timestamp::UNIX_EPOCH,
            agenda: BTreeMap::new(),
            count: 0,
            names: Vec::new(),
            own: BTreeMap::new(),
            happened: Vec::new(),
        };
        for event in &script.events {
            world.after(event.at, Due::Asked(event));
        }
        world
    }

    pub(super) fn run(mut self) -> Simulation {
        loop {
            let next = self.agenda.first_key_value().map(|((time, _), _)| *time);
            let deadline = self.engine.next_deadline();
            let time = match (next, deadline) {
                (Some(next), Some(deadline)) => next.min(deadline),
                (Some(time), None) | (None, Some(time)) => time,
                (None, None) => break,
            };
            self.now = time;
            // Whoever answers at the last moment answers in time.
            match self.agenda.first_entry().filter(|_| next == Some(time)) {
                Some(first) => {
                    let due = first.remove();
                    self.take(due);
                }
                None => self.give(Input::Tick, None),
            }
        }
        let status = |id: &Id| self.engine.execution(id).and_then(|execution| execution.status);
        let runs = self.names.iter().map(|(id, name)| SimulatedRun {
            name: name.clone(),
            execution_id: id.to_string(),
            status: status(id),
        });
        Simulation {
            runs: runs.collect(),
            events: self.happened,
        }
    }

    fn after(&mut self, duration: SignedDuration, due: Due<'a>) {
        self.count += 1;
        let time = self.now.checked_add(duration).unwrap_or(Timestamp::MAX);
        self.agenda.insert((time, self.count), due);
    }

    fn take(&mut self, due: Due<'a>) {
        match due {
            Due::Asked(event) => {
                if let Asked::Start(begin) = &event.what {
                    self.own.insert(&begin.name, &begin.outcomes);
                    self.names.push((begin.name.as_str().into(), begin.name.clone()));
                }
                let input = self.input(&event.what);
                self.give(input, Some(event.line));
            }
            Due::Happens(input) => self.give(*input, None),
            Due::Answered {
                run,
                at,
                attempt,
                is_approved,
            } => {
                let waits = self.engine.execution(&run).and_then(|execution| execution.stage_run());
                let waits = waits.filter(|stage| stage.index == at.stage);
                let running = waits.and_then(|stage| stage.running.get(&at.action));
                if running.is_some_and(|running| running.attempt == attempt) {
                    let input = self.answer(run, at, is_approved);
                    self.give(input, None);
                }
            }
        }
    }

    fn input(&self, asked: &Asked) -> Input {
        match asked {
            Asked::Start(begin) => Input::Start(Box::new(start(begin))),
            Asked::Answer {
                run,
                action,
                is_approved,
            } => self.answer(self.id(run), *action, *is_approved),
            Asked::Stop { run, abandon } => Input::Stop {
                execution: self.id(run),
                reason: "the script stops it".to_owned(),
                abandon: *abandon,
            },
            Asked::Retry { run, stage, mode } => Input::Retry {
                execution: self.id(run),
                stage: stage.clone(),
                mode: *mode,
            },
            Asked::Rollback { stage, to } => Input::Rollback {
                stage: stage.clone(),
                target: self.id(to),
                detail: "the script".to_owned(),
            },
            Asked::Override { run, stage, condition } => Input::Override {
                execution: self.id(run),
                stage: stage.clone(),
                position: *condition,
            },
            Asked::Transition { stage, disabled } => Input::Transition {
                stage: stage.clone(),
                disabled: disabled.clone(),
            },
        }
    }

    fn answer(&self, execution: Id, at: ActionRef, approved: bool) -> Input {
        let stage = self.definition.stage(at.stage);
        Input::Answer {
            execution,
            stage: stage.name.value.clone(),
            action: stage.actions[at.action].name.value.clone(),
            token: None,
            answer: Answer {
                approved,
                comment: String::new(),
                by: "the script".to_owned(),
            },
        }
    }

    fn id(&self, name: &str) -> Id {
        let found = self.names.iter().find(|(_, known)| known == name);
        found.map_or_else(|| name.into(), |(id, _)| Arc::clone(id))
    }

    fn name(&self, id: &Id) -> String {
        let found = self.names.iter().find(|(known, _)| known == id);
        found.map_or_else(|| id.to_string(), |(_, name)| name.clone())
    }

    fn give(&mut self, input: Input, line: Option<u64>) {
        let about = match &input {
            Input::Stop { execution, .. }
            | Input::Retry { execution, .. }
            | Input::Override { execution, .. }
            | Input::Answer { execution, .. } => Some(self.name(execution)),
            Input::Start(start) => Some(start.execution.clone()),
            _ => None,
        };
        match self.engine.handle(self.now, input) {
            Ok(commands) => self.carry_out(commands),
            Err(refused) => {
                self.names.retain(|(id, _)| self.engine.execution(id).is_some());
                self.happened.push(Happened {
                    time: self.now,
                    run: about,
                    what: What::Refused {
                        line: line.unwrap_or(0),
                        exception: refused.exception(),
                        refused: refused.to_string(),
                    },
                });
            }
        }
    }

    fn carry_out(&mut self, commands: Vec<Command>) {
        let mut changed = BTreeSet::new();
        for command in commands {
            match command {
                Command::Record { execution, event, .. } => {
                    if let Event::RunStarted(started) = &event
                        && !self.names.iter().any(|(id, _)| *id == execution)
                    {
                        let known = self
                            .names
                            .iter()
                            .filter(|(_, name)| name.starts_with("rollback-"))
                            .count();
                        self.names
                            .push((started.execution_id.as_str().into(), format!("rollback-{}", known + 1)));
                    }
                    let mut run = Some(self.name(&execution));
                    if let Event::TransitionChanged { stage, .. } = &event {
                        // It is about the pipeline, though every journal has it.
                        run = None;
                        if !changed.insert(stage.clone()) {
                            continue;
                        }
                    }
                    self.happened.push(Happened {
                        time: self.now,
                        run,
                        what: What::Event(Box::new(event)),
                    });
                }
                Command::StartAction(start) => self.start_action(start.execution, start.at, start.attempt),
                Command::StartRule(start) => self.start_rule(start.execution, start.at, start.attempt),
                Command::End { execution, task, why } => {
                    // It ends as soon as it is told to; of an answered one nothing runs.
                    if why != Why::Answered {
                        self.after(SignedDuration::ZERO, Due::Happens(Box::new(ended(execution, task))));
                    }
                }
            }
        }
    }

    fn start_action(&mut self, execution: Id, at: ActionRef, attempt: u32) {
        let is_approval = self.definition.is_approval(at);
        let outcome = self.outcome(&execution, attempt, |outcomes| outcomes.actions.get(&at));
        if is_approval {
            // Nobody answers unless the script says so.
            if let Some(outcome) = outcome {
                let answered = Due::Answered {
                    run: execution,
                    at,
                    attempt,
                    is_approved: outcome.is_good,
                };
                self.after(outcome.takes, answered);
            }
            return;
        }
        let outcome = outcome.unwrap_or_default();
        let mut variables = self.definition.plan.action(at).settings.outputs.clone();
        variables.extend(outcome.outputs);
        let input = Input::ActionEnded {
            execution,
            at,
            attempt,
            ended: Box::new(Ended {
                failure: (!outcome.is_good).then(|| Failure::new(super::SCRIPTED)),
                variables,
                ..Ended::default()
            }),
        };
        self.after(outcome.takes, Due::Happens(Box::new(input)));
    }

    fn start_rule(&mut self, execution: Id, at: RuleRef, attempt: u32) {
        let outcome = self.outcome(&execution, attempt, |outcomes| outcomes.rules.get(&at));
        // A failure condition acts when it is met, which is not the usual case.
        let usual = Outcome {
            is_good: at.position != Position::OnFailure,
            ..Outcome::default()
        };
        let outcome = outcome.unwrap_or(usual);
        let input = Input::RuleEnded {
            execution,
            at,
            attempt,
            verdict: Verdict {
                satisfied: outcome.is_good,
                simulated: true,
                message: String::new(),
            },
        };
        self.after(outcome.takes, Due::Happens(Box::new(input)));
    }

    /// What the script says of an attempt: for its run, or else for all.
    fn outcome(
        &self,
        execution: &Id,
        attempt: u32,
        of: impl Fn(&'a Outcomes) -> Option<&'a Vec<Outcome>>,
    ) -> Option<Outcome> {
        let own = self.own.get(&**execution).and_then(|own| of(own));
        let outcomes = own.or_else(|| of(&self.script.outcomes))?;
        let index = usize::try_from(attempt).unwrap_or(usize::MAX).saturating_sub(1);
        outcomes.get(index).or(outcomes.last()).cloned()
    }
}

fn start(begin: &Begin) -> Start {
    Start {
        execution: begin.name.clone(),
        trigger: Trigger::default(),
        variables: begin.variables.clone(),
        first_stage: begin.from.clone(),
        last_stage: begin.until.clone(),
        inherited: None,
    }
}

fn ended(execution: Id, task: Task) -> Input {
    match task {
        Task::Action(at, attempt) => Input::ActionEnded {
            execution,
            at,
            attempt,
            ended: Box::default(),
        },
        Task::Rule(at, attempt) => Input::RuleEnded {
            execution,
            at,
            attempt,
            verdict: Verdict {
                satisfied: false,
                simulated: true,
                message: String::new(),
            },
        },
    }
}
