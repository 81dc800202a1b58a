//! What happens in a run, told event by event without running anything.

use jiff::{SignedDuration, Timestamp};
use pipe::ir::{ExecutionMode, RetryMode};
use pipe::run::event::{ActionName, By, Event, Inherited, Kind, Record, Started, Trigger, VERSION};
use pipe::run::outcome::{Exit, Failure, RunStatus, StageStatus, Status};
use pipe::run::planned::{How, PlannedAction};

/// Events with their times; time goes on only by [`Story::after`].
pub(crate) struct Story {
    pub(crate) execution: String,
    pub(crate) records: Vec<Record>,
    pub(crate) now: Timestamp,
    begun: Vec<(String, Timestamp)>,
}

impl Story {
    /// `Stage/action`, `Stage/action@2` in the second step, `Stage/action~` simulated, `Stage/action?` an approval.
    pub(crate) fn new(execution: &str, actions: &[&str]) -> Self {
        let actions: Vec<PlannedAction> = actions.iter().map(|text| planned(text)).collect();
        let mut stages: Vec<String> = actions.iter().map(|action| action.stage.clone()).collect();
        stages.dedup();
        let mut story = Self {
            execution: execution.to_owned(),
            records: Vec::new(),
            now: "2026-03-01T12:00:00Z".parse().unwrap(),
            begun: Vec::new(),
        };
        story.tell(Event::RunStarted(Box::new(Started {
            pipeline: "demo".to_owned(),
            execution_id: execution.to_owned(),
            definition: "digest".to_owned(),
            mode: ExecutionMode::Superseded,
            kind: Kind::Standard,
            trigger: Trigger {
                detail: "pipe run main.pipe".to_owned(),
                ..Trigger::default()
            },
            variables: [("channel".to_owned(), "beta".to_owned())].into(),
            masked: Vec::new(),
            first_stage: None,
            last_stage: None,
            inherited: None,
            jobs: 8,
            stages,
            actions,
        })));
        story
    }

    /// Makes it a rollback of a stage to what another execution left there.
    pub(crate) fn puts_back(&mut self, stage: &str, target: &str) -> &mut Self {
        if let Event::RunStarted(started) = &mut self.records[0].event {
            started.kind = Kind::Rollback;
            started.first_stage = Some(stage.to_owned());
            started.last_stage = Some(stage.to_owned());
            started.inherited = Some(Box::new(Inherited {
                execution_id: target.to_owned(),
                ..Inherited::default()
            }));
        }
        self
    }

    pub(crate) fn tell(&mut self, event: Event) -> &mut Self {
        self.records.push(Record {
            v: VERSION,
            seq: self.records.len() as u64 + 1,
            time: self.now,
            event,
        });
        self
    }

    pub(crate) fn after(&mut self, milliseconds: i64) -> &mut Self {
        self.now += SignedDuration::from_millis(milliseconds);
        self
    }

    fn since(&self, what: &str) -> u64 {
        let begun = self.begun.iter().rev().find(|(name, _)| name == what);
        let begun = begun.map_or(self.records[0].time, |(_, at)| *at);
        self.now.duration_since(begun).as_millis() as u64
    }

    pub(crate) fn stage(&mut self, stage: &str) -> &mut Self {
        self.begun.push((stage.to_owned(), self.now));
        self.tell(Event::StageStarted {
            stage: stage.to_owned(),
            attempt: 1,
        })
    }

    pub(crate) fn stage_ends(&mut self, stage: &str, status: StageStatus) -> &mut Self {
        let duration_ms = self.since(stage);
        self.tell(Event::StageFinished {
            stage: stage.to_owned(),
            attempt: 1,
            status,
            duration_ms,
        })
    }

    pub(crate) fn retried(&mut self, stage: &str, attempt: u32) -> &mut Self {
        self.tell(Event::StageRetried {
            stage: stage.to_owned(),
            attempt,
            mode: RetryMode::FailedActions,
            by: By::Automatic,
        })
    }

    /// `Stage/action`, or `Stage/action#2`.
    pub(crate) fn starts(&mut self, action: &str) -> &mut Self {
        self.begun.push((action.to_owned(), self.now));
        let name = action_name(action);
        let log = format!("logs/{}/{}.log", name.stage, name.action);
        self.tell(Event::ActionStarted {
            name,
            driver: "shell".to_owned(),
            log,
            token: None,
        })
    }

    pub(crate) fn ok(&mut self, action: &str) -> &mut Self {
        self.ends(action, Status::Succeeded, None)
    }

    pub(crate) fn fails(&mut self, action: &str) -> &mut Self {
        let mut failure = Failure::command(Some("npm test\nnpm run lint".to_owned()), Exit::Code(3));
        failure.tail = vec!["1 test failed".to_owned(), "  at cart.js:7".to_owned()];
        failure.directory = Some(std::path::Path::new("/state/runs/x/work/3").into());
        self.ends(action, Status::Failed, Some(failure))
    }

    pub(crate) fn abandoned(&mut self, action: &str) -> &mut Self {
        self.ends(action, Status::Abandoned, Some(Failure::new("the run was stopped")))
    }

    fn ends(&mut self, action: &str, status: Status, failure: Option<Failure>) -> &mut Self {
        let duration_ms = self.since(action);
        self.tell(Event::ActionFinished {
            name: action_name(action),
            status,
            duration_ms,
            failure: failure.map(Box::new),
            variables: Default::default(),
            masked: Vec::new(),
            artifacts: Default::default(),
            notes: Vec::new(),
        })
    }

    pub(crate) fn ends_as(&mut self, status: RunStatus) -> &mut Self {
        let duration_ms = self.since("");
        self.tell(Event::RunFinished {
            status,
            duration_ms,
            superseded_by: None,
        })
    }
}

pub(crate) fn action_name(text: &str) -> ActionName {
    let (stage, action) = text.split_once('/').unwrap();
    let (action, attempt) = action.split_once('#').unwrap_or((action, "1"));
    ActionName {
        stage: stage.to_owned(),
        action: action.to_owned(),
        attempt: attempt.parse().unwrap(),
    }
}

fn planned(text: &str) -> PlannedAction {
    let (text, step) = text.split_once('@').unwrap_or((text, "1"));
    let (stage, action) = text.split_once('/').unwrap();
    let (action, how, action_type, driver) = match (action.strip_suffix('~'), action.strip_suffix('?')) {
        (Some(action), _) => (action, How::Simulated, "Deploy/AWS/ECS/1", "simulate"),
        (_, Some(action)) => (action, How::CarriedOut, "Approval/AWS/Manual/1", "approval"),
        _ if stage == "Source" => (
            action,
            How::CarriedOut,
            "Source/AWS/CodeStarSourceConnection/1",
            "git_source",
        ),
        _ => (action, How::CarriedOut, "Compute/AWS/Commands/1", "shell"),
    };
    PlannedAction {
        stage: stage.to_owned(),
        action: action.to_owned(),
        action_type: action_type.to_owned(),
        step: step.parse().unwrap(),
        how,
        driver: driver.to_owned(),
    }
}
