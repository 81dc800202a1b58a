//! Another process goes on, or another definition takes the place of this one.

use std::sync::Arc;

use jiff::Timestamp;

use super::definition::Definition;
use super::execution::{Execution, Id, Phase};
use super::{Engine, action_name, rule_name};
use crate::ir::ExecutionMode;
use crate::run::event::Event;
use crate::run::planned::{ActionRef, RuleRef};

impl Engine {
    /// Goes on with what was in progress when the journals ended.
    pub(super) fn resume(&mut self, now: Timestamp, reason: &str, lost: &[(Id, ActionRef)]) {
        let live: Vec<Id> = self.state.live.values().cloned().collect();
        for id in live {
            let reason = reason.to_owned();
            self.emit(now, &id, Event::RunResumed { reason });
            let waiting = self.interrupt(now, &id);
            if !self.execution(&id).is_some_and(Execution::withdraws_approvals) {
                for (at, attempt, token) in waiting {
                    self.send_action(now, &id, at, attempt, token);
                }
            }
            for (_, at) in lost.iter().filter(|(of, _)| *of == id) {
                self.lose(now, &id, *at);
            }
        }
    }

    /// What an action made is gone: as if it had been cut off before its end.
    pub(super) fn lose(&mut self, now: Timestamp, id: &Id, at: ActionRef) {
        let Some(execution) = self.execution(id) else { return };
        let attempt = execution.attempts.get(&at).copied().unwrap_or(1);
        let name = action_name(execution, at, attempt);
        let message = format!(
            "what `{}/{}` made did not survive the end of the machine: it is done again",
            name.stage, name.action
        );
        self.emit(now, id, Event::Note { message });
        self.emit(now, id, Event::ActionInterrupted { name });
    }

    /// Says of what was in progress that it was cut off; gives the approvals, which only go on waiting.
    pub(super) fn interrupt(&mut self, now: Timestamp, id: &Id) -> Vec<(ActionRef, u32, Option<String>)> {
        let Some(execution) = self.execution(id) else {
            return Vec::new();
        };
        let Some(run) = execution.stage_run() else {
            return Vec::new();
        };
        let mut events = Vec::new();
        let mut waiting = Vec::new();
        for (&action, running) in &run.running {
            let at = ActionRef {
                stage: run.index,
                action,
            };
            if run.answered.contains_key(&action) {
                // What follows from the answer comes now.
            } else if execution.definition.is_approval(at) {
                waiting.push((at, running.attempt, running.token.clone()));
            } else {
                let name = action_name(execution, at, running.attempt);
                events.push(Event::ActionInterrupted { name });
            }
        }
        if let Phase::Condition(position) = run.phase {
            for (&rule, running) in &run.rules_running {
                let at = RuleRef {
                    stage: run.index,
                    position,
                    rule,
                };
                let name = rule_name(execution, at, running.attempt);
                events.extend(name.map(|name| Event::RuleInterrupted { name }));
            }
        }
        for event in events {
            self.emit(now, id, event);
        }
        waiting
    }

    pub(super) fn define(&mut self, now: Timestamp, definition: Arc<Definition>) {
        if definition.digest == self.state.definition.digest {
            return;
        }
        let live: Vec<Id> = self.state.live.values().cloned().collect();
        for id in live {
            let Some(execution) = self.execution(&id) else { continue };
            // In PARALLEL mode what runs goes on with its own definition.
            if execution.definition.mode() != ExecutionMode::Parallel && execution.ending.is_none() {
                let reason = "the pipeline's definition was changed".to_owned();
                self.emit(now, &id, Event::CancelRequested { reason });
            }
        }
        // First of all they leave, so that nobody waits in front of stages that may be gone.
        self.settle(now);
        self.state.define(definition);
    }
}
