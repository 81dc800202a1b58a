//! What is being carried out: each action and rule is a task of its own, and this is how one is ended.

use std::collections::HashMap;
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{self, JoinSet};

use crate::run::engine::{Id, Input, Task, Why};
use crate::run::process::Level;
use crate::run::task::broken;

/// How long what is ended has after INT before it gets TERM, and after that before it is killed.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Tasks {
    set: JoinSet<Input>,
    started: HashMap<task::Id, Started>,
}

struct Started {
    execution: Id,
    task: Task,
    stop: Arc<watch::Sender<Level>>,
}

impl Tasks {
    /// Carries something out; what the engine has to know at its end is given by [`Tasks::next`].
    pub(super) fn start(
        &mut self,
        execution: Id,
        task: Task,
        stop: watch::Sender<Level>,
        work: impl Future<Output = Input> + Send + 'static,
    ) {
        let handle = self.set.spawn(work);
        let stop = Arc::new(stop);
        let started = Started { execution, task, stop };
        self.started.insert(handle.id(), started);
    }

    /// Waits for the next one to end; for ever, if there is none. Safe to be cancelled.
    pub(super) async fn next(&mut self) -> Input {
        match self.set.join_next_with_id().await {
            Some(Ok((id, input))) => {
                self.started.remove(&id);
                input
            }
            Some(Err(error)) => match self.started.remove(&error.id()) {
                Some(Started { execution, task, .. }) if error.is_panic() => broken(execution, task),
                _ => Input::Tick,
            },
            None => pending().await,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.started.is_empty()
    }

    pub(super) fn all(&self, is_so: impl Fn(&Id, Task) -> bool) -> bool {
        self.started
            .values()
            .all(|started| is_so(&started.execution, started.task))
    }

    /// Ends something that runs: it gets time to clean up.
    pub(super) fn end(&self, execution: &Id, task: Task, why: Why) {
        let first = match why {
            Why::Abandoned => Level::Interrupt,
            Why::TimedOut => Level::Terminate,
            Why::Answered => Level::Kill,
        };
        #[expect(clippy::iter_over_hash_type, reason = "at most one is meant")]
        for started in self.started.values() {
            if started.execution == *execution && started.task == task {
                tokio::spawn(insist(Arc::clone(&started.stop), first));
            }
        }
    }

    /// Ends all at once.
    pub(super) fn kill(&self) {
        #[expect(clippy::iter_over_hash_type, reason = "all get it, in whatever order")]
        for started in self.started.values() {
            let _ = started.stop.send(Level::Kill);
        }
    }
}

/// Asks for an end harder and harder, until it has come.
async fn insist(stop: Arc<watch::Sender<Level>>, first: Level) {
    let mut level = first;
    loop {
        // Somebody may have asked harder meanwhile.
        stop.send_if_modified(|known| {
            let is_harder = *known < level;
            *known = level.max(*known);
            is_harder
        });
        if level == Level::Kill {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(PATIENCE) => level = level.next(),
            () = stop.closed() => return,
        }
    }
}
