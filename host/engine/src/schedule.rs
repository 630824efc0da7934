//! Tasks: when they are due, and the tick that queues them.
//!
//! Once a minute whoever has the lead asks the store for what is due and hands it ticks: each
//! queues one job and moves its task on, in one commit under the fence of the lead. So a crash
//! between two ticks queues nothing twice and forgets nothing, and of several schedulers one acts.
//! What was missed while none did is made up for by a single job. A job whose predecessor of the
//! same task still waits or works is not queued. When the clock of the store steps back, what is
//! due waits until it has caught up; nothing is due twice. An open breaker does not stop the ticks:
//! the one job that they queue waits, at no attempt.

mod cron;
mod edit;
mod hours;
mod job;
mod plans;
mod when;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use model::Clock;
use model::queue::{BATCH_MAX, Enqueued};
use model::store::{StoreError, StoreErrorKind};
use model::task::{Fence, Task, TaskStore};
use tokio::time::{Instant, MissedTickBehavior};

pub use edit::{Desk, Draft, PutError, pause, preview, put, resume};
pub use job::run_now;
pub use when::{INTERVAL_MAX, INTERVAL_MIN, JITTER_MAX};

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
}

impl Scheduler {
    /// A scheduler under a name that no other process has, not even its own predecessor.
    pub fn new(ports: Ports, holder: impl Into<String>) -> Self {
        Self { ports, holder: holder.into() }
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
        let Some(mut fence) = self.lead().await? else { return Ok(None) };
        let (mut led, mut total) = (Instant::now(), Ticked::default());
        let mut plans = Plans::default();
        for _ in 0..BATCHES_MAX {
            let due = self.ports.tasks.due_tasks(BATCH_MAX).await?;
            if due.is_empty() {
                break;
            }
            if led.elapsed() > LEAD_LEASE / 6 {
                let Some(kept) = self.lead().await? else { return Ok(Some(total)) };
                (fence, led) = (kept, Instant::now());
            }
            total.due += due.len();
            total.queued += self.act(fence, due, &mut plans).await?;
        }
        for sweep in &self.ports.sweeps {
            sweep().await?;
        }
        Ok(Some(total))
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
