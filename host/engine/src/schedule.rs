//! Tasks: when they are due, and the tick that queues them.
//!
//! Once a minute whoever has the lead asks the store for what is due and hands it ticks: each
//! queues one job and moves its task on, in one commit under the fence of the lead. So a crash
//! between two ticks queues nothing twice and forgets nothing, and of several schedulers one acts.
//! What was missed while none did is made up for by a single job. A job whose predecessor of the
//! same task still waits or works is not queued; so behind an open breaker one job of it waits,
//! see [`breaker`](crate::breaker).
//!
//! When the clock of the store was set back, which shows in a clock behind the last tick or in a
//! lead that had to begin anew, tasks that stand later than their schedule says are moved to where
//! it says: none waits until the clock has caught up. A time of day that has come before comes no
//! second time; what is due hourly or more often goes on at its pace.

mod cron;
mod edit;
mod hours;
mod job;
mod plans;
mod when;

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::queue::{BATCH_MAX, Enqueued};
use model::store::{StoreError, StoreErrorKind};
use model::task::{Fence, Task, TaskStore};
use model::{Clock, Timestamp};
use tokio::time::{Instant, MissedTickBehavior};

pub use edit::{Desk, Draft, PutError, pause, preview, put, resume, upcoming};
pub use hours::{hour, hour_text};
pub use job::run_now;

use crate::sync::Cancel;
use crate::work::Wake;
use plans::Plans;

/// The time between two ticks: cron knows nothing finer.
pub const TICK: Duration = Duration::from_mins(1);

/// How long the lead is kept without a sign of life. Two ticks may come late or fail before
/// somebody else takes over.
pub const LEAD_LEASE: Duration = Duration::from_secs(150);

/// Batches of one tick. Over a million tasks; what is due beyond that comes with the next tick,
/// so that one tick always ends.
const BATCHES_MAX: usize = 1_024;

/// What is wrong with a schedule, and what to write instead.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(String);

/// Work that whoever has the lead does after each tick: what is kept long enough is swept away.
pub type Sweep =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>> + Send + Sync>;

/// What a scheduler needs from outside.
pub struct Ports {
    /// The tasks.
    pub tasks: Arc<dyn TaskStore>,
    /// The time, of the store.
    pub clock: Clock,
    /// Is given when there are new jobs.
    pub wake: Wake,
    /// What else is to be done once a minute by one process alone.
    pub sweeps: Vec<Sweep>,
}

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Ticked {
    /// Tasks that were due.
    pub due: usize,
    /// Jobs that were queued.
    pub queued: usize,
}

/// Queues tasks when they are due, as long as it has the lead.
pub struct Scheduler {
    ports: Ports,
    holder: String,
    last: Mutex<Option<Led>>,
}

/// A tick that has come to its end.
#[derive(Clone, Copy)]
struct Led {
    fence: Fence,
    at: Timestamp,
}

/// The lead during a tick, kept however long it takes.
struct Lead {
    fence: Fence,
    since: Instant,
}

impl Scheduler {
    /// A scheduler under a name that no other process has, not even its own predecessor.
    pub fn new(ports: Ports, holder: impl Into<String>) -> Self {
        Self { ports, holder: holder.into(), last: Mutex::default() }
    }

    /// Ticks once a minute until it is asked to stop, then gives up the lead.
    pub async fn run(self, stop: Cancel) {
        let mut minutes = tokio::time::interval(TICK);
        minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = minutes.tick() => {}
            }
            match self.tick().await {
                Ok(_) => {}
                Err(error) if error.kind() == StoreErrorKind::Fenced => {
                    tracing::info!(%error, "another scheduler has the lead");
                }
                Err(error) => tracing::warn!(%error, "a tick failed; the next one makes up for it"),
            }
        }
        if let Err(error) = self.resign().await {
            tracing::warn!(%error, "the lead is not given up; it runs out by itself");
        }
    }

    /// Queues what is due and sweeps, if it has or gets the lead; else nothing.
    pub async fn tick(&self) -> Result<Option<Ticked>, StoreError> {
        let now = self.ports.clock.now();
        let Some(fence) = self.lead().await? else { return Ok(None) };
        let mut lead = Lead { fence, since: Instant::now() };
        let mut plans = Plans::default();
        if !self.follows(fence, now) && !self.replan(&mut lead, &mut plans).await? {
            return Ok(Some(Ticked::default()));
        }
        *self.last() = Some(Led { fence, at: now });
        let mut total = Ticked::default();
        for _ in 0..BATCHES_MAX {
            let due = self.ports.tasks.due_tasks(BATCH_MAX).await?;
            if due.is_empty() {
                break;
            }
            if !self.keep(&mut lead).await? {
                return Ok(Some(total));
            }
            total.due += due.len();
            total.queued += self.act(lead.fence, due, &mut plans).await?;
        }
        for sweep in &self.ports.sweeps {
            sweep().await?;
        }
        Ok(Some(total))
    }

    /// Whether the clock went on since the last tick, as far as it is known.
    fn follows(&self, fence: Fence, now: Timestamp) -> bool {
        self.last().is_some_and(|last| last.fence == fence && last.at <= now)
    }

    /// Moves tasks that stand later than they are due. False if the lead was lost meanwhile.
    async fn replan(&self, lead: &mut Lead, plans: &mut Plans) -> Result<bool, StoreError> {
        let mut after = None;
        loop {
            let planned = self.ports.tasks.planned_tasks(after.as_ref(), BATCH_MAX).await?;
            if planned.is_empty() {
                return Ok(true);
            }
            if !self.keep(lead).await? {
                return Ok(false);
            }
            let now = self.ports.clock.now();
            let ticks: Vec<_> = planned.iter().filter_map(|task| plans.sooner(task, now)).collect();
            if !ticks.is_empty() {
                tracing::warn!(tasks = ticks.len(), "tasks are due sooner: the clock was set back");
                self.ports.tasks.tick(lead.fence, ticks).await?;
            }
            after = planned.into_iter().next_back();
        }
    }

    /// Keeps the lead where it may soon run out. False if it was lost.
    async fn keep(&self, lead: &mut Lead) -> Result<bool, StoreError> {
        if lead.since.elapsed() > LEAD_LEASE / 6 {
            let Some(fence) = self.lead().await? else { return Ok(false) };
            *lead = Lead { fence, since: Instant::now() };
        }
        Ok(true)
    }

    fn last(&self) -> MutexGuard<'_, Option<Led>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn act(
        &self,
        fence: Fence,
        due: Vec<Task>,
        plans: &mut Plans,
    ) -> Result<usize, StoreError> {
        let now = self.ports.clock.now();
        let ticks = due.into_iter().filter_map(|task| plans.tick(&task, now)).collect();
        let answers = self.ports.tasks.tick(fence, ticks).await?;
        let new = |answer: &&Option<Enqueued>| matches!(answer, Some(Enqueued::New(_)));
        let queued = answers.iter().filter(new).count();
        if queued > 0 {
            self.ports.wake.wake();
        }
        Ok(queued)
    }

    async fn lead(&self) -> Result<Option<Fence>, StoreError> {
        self.ports.tasks.lead(&self.holder, LEAD_LEASE).await
    }

    async fn resign(&self) -> Result<(), StoreError> {
        // Only who has the lead may end it.
        if self.lead().await?.is_some() {
            self.ports.tasks.lead(&self.holder, Duration::ZERO).await?;
        }
        Ok(())
    }
}
