//! The form of a script, read for a pipeline: whatever it names is there.
//!
//! ```yaml
//! jobs: 4                                  # how many actions at once; as many as want to, if not given
//! actions:                                 # how actions end, by attempt; the last one holds for all that follow
//!   Build/image: [fail, fail, succeed]
//!   Build/test: {result: succeed, takes: 10m, outputs: {COVERAGE: "80"}}
//!   Prod/approve: {result: approve, takes: 8d}
//! rules:                                   # how rules end, by attempt of their stage
//!   Prod/before_entry/window: [fail, succeed]
//! events:                                  # what happens when; without a start, one called `first` at once
//!   - start: first
//!     variables: {channel: beta}
//!   - start: second
//!     at: 30m
//!     actions: {Build/image: succeed}      # what is otherwise in this run
//!   - approve: Prod/approve
//!     run: second
//!     at: 2h
//! ```

mod form;
mod names;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_saphyr::Location;

use self::form::{Entries, entry};
use super::{Problem, is_approval, rules_at};
use crate::ir::{Pipeline, RetryMode};
use crate::run::planned::{ActionRef, Position, RuleRef};
use crate::run::yaml::{self, Node, Placed};

/// What is to happen in a simulation.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    pub(super) jobs: usize,
    pub(super) outcomes: Outcomes,
    /// In the order of the file.
    pub(super) events: Vec<Event>,
}

/// How things end.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outcomes {
    pub(super) actions: BTreeMap<ActionRef, Vec<Outcome>>,
    pub(super) rules: BTreeMap<RuleRef, Vec<Outcome>>,
}

/// How one attempt ends.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) is_good: bool,
    pub(super) takes: SignedDuration,
    pub(super) outputs: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    pub(super) at: SignedDuration,
    pub(super) line: u64,
    pub(super) what: Asked,
}

/// What a script asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Asked {
    Start(Box<Begin>),
    Answer {
        run: String,
        action: ActionRef,
        is_approved: bool,
    },
    Stop {
        run: String,
        abandon: bool,
    },
    Retry {
        run: String,
        stage: String,
        mode: RetryMode,
    },
    Rollback {
        stage: String,
        to: String,
    },
    Override {
        run: String,
        stage: String,
        condition: Position,
    },
    Transition {
        stage: String,
        /// Why it is disabled; none: it is enabled.
        disabled: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Begin {
    pub(super) name: String,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) from: Option<String>,
    pub(super) until: Option<String>,
    pub(super) outcomes: Outcomes,
}

/// What takes time and has none given.
pub(super) const USUALLY_TAKES: SignedDuration = SignedDuration::from_mins(1);
/// More than any pipeline has actions.
const MANY_JOBS: usize = 1000;
const POSITIONS: [(&str, Position); 3] = [
    ("before_entry", Position::BeforeEntry),
    ("on_success", Position::OnSuccess),
    ("on_failure", Position::OnFailure),
];
/// What an event may be, with what else it may say.
const EVENTS: [(&str, &[&str]); 9] = [
    ("start", &["variables", "from", "until", "actions", "rules"]),
    ("approve", &["run"]),
    ("reject", &["run"]),
    ("stop", &["abandon"]),
    ("retry", &["run", "mode"]),
    ("rollback", &["to"]),
    ("override", &["run", "condition"]),
    ("disable", &["reason"]),
    ("enable", &[]),
];

pub(super) fn read(text: &str, pipeline: &Pipeline) -> Result<Script, Vec<Problem>> {
    let root = match yaml::read(text) {
        Ok(root) => root,
        Err(malformed) => {
            return Err(vec![Problem {
                at: malformed.at,
                message: malformed.message,
                help: None,
            }]);
        }
    };
    let mut reader = Reader {
        pipeline,
        runs: Vec::new(),
        problems: Vec::new(),
    };
    let script = reader.script(&root);
    if reader.problems.is_empty() {
        Ok(script)
    } else {
        reader.problems.sort_by_key(|problem| problem.at);
        Err(reader.problems)
    }
}

struct Reader<'a> {
    pipeline: &'a Pipeline,
    /// The names of all runs that are started.
    runs: Vec<String>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn script(&mut self, root: &Placed) -> Script {
        const KEYS: [&str; 4] = ["jobs", "actions", "rules", "events"];
        let entries = self.map(root, "a script");
        self.keys(entries, "a script", &KEYS);
        let events = entry(entries, "events").map_or(&[][..], |events| self.list(events, "`events`"));
        // First of all the runs, since events may name those that are started further down.
        for event in events {
            if let Node::Map(entries) = &event.value
                && let Some(name) = entry(entries, "start")
            {
                self.run_name(name);
            }
        }
        if self.runs.is_empty() {
            self.runs.push("first".to_owned());
        }
        let mut events: Vec<Event> = events.iter().filter_map(|event| self.event(event)).collect();
        if !events.iter().any(|event| matches!(event.what, Asked::Start(_))) {
            let first = Begin {
                name: "first".to_owned(),
                variables: self.variables(None, root.referenced),
                from: None,
                until: None,
                outcomes: Outcomes::default(),
            };
            let what = Asked::Start(Box::new(first));
            let (at, line) = (SignedDuration::ZERO, 1);
            events.insert(0, Event { at, line, what });
        }
        let jobs = entry(entries, "jobs").and_then(|jobs| {
            let text = self.text(jobs, "`jobs`")?;
            let parsed = text.parse().ok().filter(|jobs| *jobs > 0);
            if parsed.is_none() {
                self.problem(
                    jobs.referenced,
                    format!("`jobs` is a number from 1, and not `{text}`"),
                    None,
                );
            }
            parsed
        });
        Script {
            jobs: jobs.unwrap_or(MANY_JOBS),
            outcomes: self.outcomes(entries),
            events,
        }
    }

    fn run_name(&mut self, name: &Placed) {
        let Some(text) = self.text(name, "a run's name") else {
            return;
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if text.is_empty() || !text.chars().all(is_plain) || text.starts_with("rollback-") {
            let message = format!("a run cannot be called `{text}`");
            let help = "use letters, digits, `-` and `_`; `rollback-1` and so on are the names of rollbacks";
            self.problem(name.referenced, message, Some(help.to_owned()));
        } else if self.runs.contains(&text) {
            self.problem(name.referenced, format!("there are two runs called `{text}`"), None);
            return;
        }
        self.runs.push(text);
    }

    fn outcomes(&mut self, entries: Entries<'_>) -> Outcomes {
        let mut out = Outcomes::default();
        for (name, outcomes) in entry(entries, "actions").map_or(&[][..], |actions| self.map(actions, "`actions`")) {
            if let Some(at) = self.action(&name.value, name.referenced) {
                let is_approval = is_approval(&self.pipeline.stages[at.stage].actions[at.action]);
                let (good, bad) = if is_approval {
                    ("approve", "reject")
                } else {
                    ("succeed", "fail")
                };
                let outcomes = self.attempts(outcomes, good, bad, !is_approval);
                out.actions.insert(at, outcomes);
            }
        }
        for (name, outcomes) in entry(entries, "rules").map_or(&[][..], |rules| self.map(rules, "`rules`")) {
            if let Some(at) = self.rule(&name.value, name.referenced) {
                let outcomes = self.attempts(outcomes, "succeed", "fail", false);
                out.rules.insert(at, outcomes);
            }
        }
        out
    }

    /// One outcome for all attempts, or a list.
    fn attempts(&mut self, node: &Placed, good: &str, bad: &str, has_outputs: bool) -> Vec<Outcome> {
        match &node.value {
            Node::List(items) if items.is_empty() => {
                let message = "the list of outcomes is empty".to_owned();
                self.problem(
                    node.referenced,
                    message,
                    Some(format!("write `{good}` or `{bad}` into it")),
                );
                Vec::new()
            }
            Node::List(items) => items
                .iter()
                .filter_map(|item| self.outcome(item, good, bad, has_outputs))
                .collect(),
            _ => self.outcome(node, good, bad, has_outputs).into_iter().collect(),
        }
    }

    fn outcome(&mut self, node: &Placed, good: &str, bad: &str, has_outputs: bool) -> Option<Outcome> {
        let Node::Map(entries) = &node.value else {
            let is_good = self.word(node, "an outcome", &[good, bad])? == good;
            return Some(Outcome {
                is_good,
                ..Outcome::default()
            });
        };
        let keys: &[&str] = if has_outputs {
            &["result", "takes", "outputs"]
        } else {
            &["result", "takes"]
        };
        self.keys(entries, "an outcome", keys);
        let result = entry(entries, "result").map(|result| self.word(result, "`result`", &[good, bad]));
        let takes = entry(entries, "takes").and_then(|takes| self.duration(takes));
        let outputs = entry(entries, "outputs").filter(|_| has_outputs);
        Some(Outcome {
            is_good: result.is_none_or(|result| result.as_deref() == Some(good)),
            takes: takes.unwrap_or(USUALLY_TAKES),
            outputs: outputs
                .map(|outputs| self.texts(outputs, "`outputs`"))
                .unwrap_or_default(),
        })
    }

    fn event(&mut self, node: &Placed) -> Option<Event> {
        let entries = self.map(node, "an event");
        let verbs = || EVENTS.iter().map(|(verb, _)| *verb);
        let found: Vec<_> = entries
            .iter()
            .filter(|(key, _)| verbs().any(|verb| verb == key.value))
            .collect();
        let [(verb, object)] = found.as_slice() else {
            let problem = match found.as_slice() {
                [_, (second, _), ..] => (second.referenced, format!("`{}` is an event of its own", second.value)),
                _ if entries.is_empty() => return None,
                _ => {
                    let (first, _) = &entries[0];
                    let stray = entries
                        .iter()
                        .map(|(key, _)| key)
                        .find(|key| key.value != "at")
                        .unwrap_or(first);
                    let message = format!("`{}` is no event", stray.value);
                    self.unknown(stray.referenced, message, &stray.value, verbs());
                    return None;
                }
            };
            self.problem(
                problem.0,
                problem.1,
                Some("begin another item of the list with it".to_owned()),
            );
            return None;
        };
        let (name, others) = EVENTS.iter().find(|(name, _)| *name == verb.value)?;
        let keys: Vec<&str> = [*name, "at"].iter().chain(*others).copied().collect();
        self.keys(entries, &format!("the event `{name}`"), &keys);
        let at = entry(entries, "at").and_then(|at| self.duration(at));
        Some(Event {
            at: at.unwrap_or(SignedDuration::ZERO),
            line: yaml::place(verb.referenced).map_or(0, |(line, _)| line),
            what: self.asked(name, object, entries)?,
        })
    }

    fn asked(&mut self, verb: &str, object: &Placed, entries: Entries<'_>) -> Option<Asked> {
        Some(match verb {
            "start" => {
                let variables = entry(entries, "variables");
                Asked::Start(Box::new(Begin {
                    name: self.text(object, "a run's name")?,
                    variables: self.variables(variables, object.referenced),
                    from: entry(entries, "from").and_then(|stage| self.stage(stage)),
                    until: entry(entries, "until").and_then(|stage| self.stage(stage)),
                    outcomes: self.outcomes(entries),
                }))
            }
            "approve" | "reject" => Asked::Answer {
                action: self.approval(object)?,
                run: self.run(entry(entries, "run"), object)?,
                is_approved: verb == "approve",
            },
            "stop" => Asked::Stop {
                run: self.run(Some(object), object)?,
                abandon: match entry(entries, "abandon") {
                    Some(abandon) => self.word(abandon, "`abandon`", &["true", "false"])? == "true",
                    None => false,
                },
            },
            "retry" => Asked::Retry {
                stage: self.stage(object)?,
                run: self.run(entry(entries, "run"), object)?,
                mode: match entry(entries, "mode") {
                    Some(mode) if self.word(mode, "`mode`", &["failed_actions", "all_actions"])? == "all_actions" => {
                        RetryMode::AllActions
                    }
                    _ => RetryMode::FailedActions,
                },
            },
            "rollback" => {
                let stage = self.stage(object)?;
                let Some(to) = entry(entries, "to") else {
                    let help = "add `to:` with the run that is gone back to";
                    self.problem(
                        object.referenced,
                        "a rollback needs a target".to_owned(),
                        Some(help.to_owned()),
                    );
                    return None;
                };
                let to = self.run(Some(to), object)?;
                Asked::Rollback { stage, to }
            }
            "override" => {
                let stage = self.stage(object)?;
                let words: Vec<&str> = POSITIONS.iter().map(|(word, _)| *word).collect();
                let word = match entry(entries, "condition") {
                    Some(condition) => self.word(condition, "`condition`", &words)?,
                    None => "before_entry".to_owned(),
                };
                let (_, condition) = *POSITIONS.iter().find(|(known, _)| *known == word)?;
                let node = self.pipeline.stages.iter().find(|found| found.name.value == stage)?;
                if rules_at(node, condition).is_empty() {
                    let message = format!("stage `{stage}` has no condition {}", condition.words());
                    self.problem(object.referenced, message, None);
                    return None;
                }
                Asked::Override {
                    stage,
                    run: self.run(entry(entries, "run"), object)?,
                    condition,
                }
            }
            "disable" => Asked::Transition {
                stage: self.stage(object)?,
                disabled: Some(match entry(entries, "reason") {
                    Some(reason) => self.text(reason, "`reason`")?,
                    None => String::new(),
                }),
            },
            _ => Asked::Transition {
                stage: self.stage(object)?,
                disabled: None,
            },
        })
    }

    /// Values for the pipeline's variables: those that are given, or else their defaults.
    fn variables(&mut self, node: Option<&Placed>, start: Location) -> BTreeMap<String, String> {
        let declared = &self.pipeline.variables;
        let entries = node.map_or(&[][..], |node| self.map(node, "`variables`"));
        for (name, _) in entries {
            if !declared.iter().any(|variable| variable.name.value == name.value) {
                let message = format!("the pipeline has no variable `{}`", name.value);
                let known = declared.iter().map(|variable| variable.name.value.as_str());
                self.unknown(name.referenced, message, &name.value, known);
            }
        }
        let given = node.map(|node| self.texts(node, "`variables`")).unwrap_or_default();
        let mut out = BTreeMap::new();
        for variable in declared {
            let name = &variable.name.value;
            let default = variable.default.as_ref().map(|default| &default.value);
            match given.get(name).or(default) {
                Some(value) => drop(out.insert(name.clone(), value.clone())),
                None => {
                    let message = format!("the pipeline variable `{name}` has no value and no default");
                    let help = format!("give the start `variables: {{{name}: …}}`");
                    self.problem(start, message, Some(help));
                }
            }
        }
        out
    }
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            is_good: true,
            takes: USUALLY_TAKES,
            outputs: BTreeMap::new(),
        }
    }
}
