//! Sync tasks: what is synced when, and the port to them.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::id::name;
use crate::queue::{Enqueued, NewJob};
use crate::store::StoreError;
use crate::{ConnectionId, TenantId, Timestamp};

/// The longest text of a task, in bytes: an expression, a time zone, the reason of a pause.
pub const TEXT_BYTES_MAX: usize = 256;

name!(
    /// A sync task of a tenant.
    TaskId,
    "task"
);

/// A schedule, a direction and the entities that it is for.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Task {
    /// Whose.
    pub tenant: TenantId,
    /// Its name within the tenant.
    pub id: TaskId,
    /// What is synced.
    pub connection: ConnectionId,
    /// The package of the connection when the task was put, `publisher/id`.
    pub package: String,
    /// When.
    pub schedule: Schedule,
    /// The hours of the day in which it is queued; nothing means all. What is due at another hour
    /// waits for the window to open.
    pub window: Option<HourWindow>,
    /// It is due up to this much later than its schedule says, so that tasks of one schedule do
    /// not all come at once; always by the same for the same task and instant.
    pub jitter: Duration,
    /// Which way.
    pub direction: Direction,
    /// The entities; none means all.
    pub entities: Vec<String>,
    /// Why it is paused, if it is.
    pub paused: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it is due next; nothing while it is paused, or if its schedule never comes again.
    pub next_sync_at: Option<Timestamp>,
    /// When its schedule last queued it.
    pub last_sync_at: Option<Timestamp>,
    /// Grows by one with every [`TaskStore::put_task`], from 1.
    pub revision: u64,
}

/// When a task is due.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// After every so much time, counted from when the task was made.
    Every(Duration),
    /// By the clock on the wall of a time zone.
    Cron {
        /// Five fields: minute, hour, day of month, month, day of week.
        expression: String,
        /// A name of the IANA time zone database.
        zone: String,
    },
}

/// Hours of the day in a time zone; the end may lie before the begin, on the next day.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct HourWindow {
    /// Minutes after midnight, inclusive.
    pub from: u16,
    /// Minutes after midnight, exclusive.
    pub until: u16,
    /// A name of the IANA time zone database.
    pub zone: String,
}

/// Which way records go.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the provider.
    #[default]
    Inbound,
    /// To the provider.
    Outbound,
    /// Both ways.
    Both,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Both => "both",
        })
    }
}

/// A task that has become due, and what comes of it.
#[derive(Clone, Debug)]
pub struct Tick {
    /// Whose.
    pub tenant: TenantId,
    /// The task.
    pub task: TaskId,
    /// The revision of the task that is meant; another one by now makes the tick void.
    pub revision: u64,
    /// The instant for which it was due, as the task said; another one by now makes the tick void.
    pub due: Timestamp,
    /// When it is due next.
    pub next: Option<Timestamp>,
    /// The job; nothing where the tick is passed over.
    pub job: Option<NewJob>,
}

/// The longest time for which the lead is taken at once: nobody should wait longer for a successor
/// of who is gone.
pub const LEAD_MAX: Duration = Duration::from_mins(10);

/// The lead over what one process does for all: ticks. The newest one counts.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Fence(pub u64);

/// Tasks, and the lead of the one scheduler that acts on them. Every method is one transaction.
#[async_trait]
pub trait TaskStore: Send + Sync {
    /// Creates or replaces a task and answers it with its new revision. With `expected` only if
    /// the task has that revision now, else it is a conflict; 0 means that there must be none.
    async fn put_task(&self, task: Task, expected: Option<u64>) -> Result<Task, StoreError>;

    /// The task of this name.
    async fn task(&self, tenant: &TenantId, id: &TaskId) -> Result<Option<Task>, StoreError>;

    /// Tasks of a tenant by name, from the one behind `after`; fewer than there are where the list
    /// grows large, so that only an empty list tells the end.
    async fn tasks(
        &self,
        tenant: &TenantId,
        after: Option<&TaskId>,
        limit: usize,
    ) -> Result<Vec<Task>, StoreError>;

    /// Removes a task. False if there was none.
    async fn remove_task(&self, tenant: &TenantId, id: &TaskId) -> Result<bool, StoreError>;

    /// Tasks of all tenants that are due by now, the longest due first.
    async fn due_tasks(&self, limit: usize) -> Result<Vec<Task>, StoreError>;

    /// Tasks of all tenants that are due later than now, the soonest first, from the one behind
    /// `after` as it was listed.
    async fn planned_tasks(
        &self,
        after: Option<&Task>,
        limit: usize,
    ) -> Result<Vec<Task>, StoreError>;

    /// Acts on ticks, at most [`BATCH_MAX`](crate::queue::BATCH_MAX): queues their jobs and moves
    /// the tasks on, in one transaction. A tick that is void, or that has no job, answers nothing.
    /// A fence that is not the newest is refused as a whole.
    async fn tick(
        &self,
        fence: Fence,
        ticks: Vec<Tick>,
    ) -> Result<Vec<Option<Enqueued>>, StoreError>;

    /// Takes or keeps the lead for this time from now, at most [`LEAD_MAX`]; nothing if another holder has it. The
    /// fence stays while the holder keeps the lead, and grows when it changes hands or had run out.
    async fn lead(&self, holder: &str, lease: Duration) -> Result<Option<Fence>, StoreError>;

    /// Until when somebody has the lead; nothing where nobody has it now.
    async fn led_until(&self) -> Result<Option<Timestamp>, StoreError>;
}
