//! The durable queues: jobs in sessions, leases, dead letters, and the port to them.
//!
//! A session is a line of jobs that run one after another; sessions run side by side. A worker
//! claims the session, never the job. Rules that every store keeps:
//! - within a session jobs run in the order in which they were committed;
//! - the attempt is counted when the job is claimed, so a job that kills its worker counts too;
//! - every claim raises the session's epoch, and whoever writes with an older one is refused;
//! - nothing is lost: enqueued = queued + done + dead + discarded, at every instant;
//! - the time is the store's own.

mod claim;
mod dead;
mod job;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use claim::{Claim, Effect, Finish, Held, LeaseRef, Leased, Outcome};
pub use dead::{DeadFilter, DeadLetter, Death, Redrive, RedriveTo};
pub use job::{Dedupe, DedupeUntil, Enqueued, Failure, Job, JobId, NewJob};

use crate::store::StoreError;
use crate::{ConnectionId, TenantId, Timestamp};

/// The longest session or dedupe key, in bytes; they stand in keys of the store. A record's id of
/// the greatest length fits beside the names of its connection and entity.
pub const KEY_BYTES_MAX: usize = 1536;

/// The largest payload of a job, in bytes. Jobs say what to do; what they work on lies in the store.
pub const PAYLOAD_BYTES_MAX: usize = 256 << 10;

/// Payloads in one call, in bytes: they are in memory together.
pub const BATCH_BYTES_MAX: usize = 16 << 20;

/// Dedupe keys of a job: each is looked up when it is queued.
pub const DEDUPES_MAX: usize = 4;

/// The longest lease: so long at most does a session wait whose worker has died; when the store is
/// opened again it does not wait at all.
pub const LEASE_MAX: Duration = Duration::from_hours(24);

/// The longest reason of a pause or a discard, in bytes; people read it.
pub const REASON_BYTES_MAX: usize = 1_024;

/// Failures that a job remembers, the newest ones.
pub const FAILURES_MAX: usize = 16;

/// Jobs, leases or outcomes in one call: a store may hold the transaction of a call open while it
/// works, and others wait for it.
pub const BATCH_MAX: usize = 1_024;

/// Jobs of one session that are counted when people look at it: a longer line is just long.
pub const SESSION_JOBS_COUNTED_MAX: usize = 1_000;

/// A queue, by what flows through it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Queue {
    /// Deliveries of providers.
    InboundWebhook,
    /// Syncs that a schedule or a person asked for.
    InboundScheduled,
    /// Changes to be written to a provider.
    Outbound,
    /// Events to be delivered to the tenant's endpoints.
    Delivery,
}

impl Queue {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::InboundWebhook, Self::InboundScheduled, Self::Outbound, Self::Delivery];

    /// The name in commands, logs and `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InboundWebhook => "inbound-webhook",
            Self::InboundScheduled => "inbound-scheduled",
            Self::Outbound => "outbound",
            Self::Delivery => "delivery",
        }
    }

    /// What becomes of a session whose first job has died. Changes of a record build on each
    /// other, so what follows a lost one waits for a person; reads and deliveries do not.
    pub fn dead_head(self) -> DeadHead {
        match self {
            Self::Outbound => DeadHead::Block,
            Self::InboundWebhook | Self::InboundScheduled | Self::Delivery => DeadHead::Skip,
        }
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Queue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|queue| queue.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            format!("there is no queue {text:?}; choose from: {names}")
        })
    }
}

/// What becomes of a session whose first job has died.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeadHead {
    /// It waits until the dead letter is retried or discarded.
    Block,
    /// It goes on with the next job.
    Skip,
}

/// What is paused.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PauseScope {
    /// A queue of the tenant.
    Queue(Queue),
    /// One session.
    Session(Queue, String),
    /// All work that a package does for the tenant, `publisher/id`.
    Package(String),
    /// All work of a connection.
    Connection(ConnectionId),
    /// All work of a connection whose account must be authorised again. It goes with the
    /// connection's state: nobody begins or ends it by itself.
    Unauthorised(ConnectionId),
}

/// A pause.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Pause {
    /// What is paused.
    pub scope: PauseScope,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

/// How a queue of a tenant stands. `enqueued` = `queued` + `done` + `dead` + `discarded`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct QueueStats {
    /// Jobs ever queued, duplicates not among them.
    pub enqueued: u64,
    /// Jobs that wait or are at work.
    pub queued: u64,
    /// Jobs done.
    pub done: u64,
    /// Dead letters there now.
    pub dead: u64,
    /// Dead letters that people have discarded.
    pub discarded: u64,
    /// Sessions at work, and those that a worker has not given back and nobody has claimed since.
    pub leased: u64,
    /// Since when the session that is due longest waits.
    pub oldest: Option<Timestamp>,
}

/// How the line of a session stands.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct SessionView {
    /// Jobs that wait or are at work, counted up to [`SESSION_JOBS_COUNTED_MAX`].
    pub queued: u64,
    /// Until when a worker has it; past where the worker has not given it back and nobody has
    /// claimed it since.
    pub leased_until: Option<Timestamp>,
    /// When its first job is due, pauses not considered, where no worker has it; nothing where it
    /// waits for a dead letter.
    pub due: Option<Timestamp>,
    /// The first job.
    pub head: JobId,
    /// Attempts of the first job so far, the one at work among them.
    pub attempts: u32,
    /// Why the first job failed last.
    pub failure: Option<Failure>,
}

/// A job that waits or is at work.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QueuedJob {
    /// Which one.
    pub id: JobId,
    /// When it was queued.
    pub enqueued: Timestamp,
    /// What to do.
    pub payload: Bytes,
}

/// The durable queues. Every method is one transaction, and an error means that nothing of it
/// was done.
///
/// A claimed session returns to the queue when its lease runs out, so an attempt may run twice
/// and must be idempotent. A method that takes a batch answers in its order. When the clock steps
/// back, what was due then waits until the clock has come there again.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Queues jobs, in their order; at most [`BATCH_MAX`] with [`BATCH_BYTES_MAX`] of payload.
    async fn enqueue(&self, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>, StoreError>;

    /// The tenants that have something due in a queue, paused sessions not counted, by name from
    /// the one after `after`.
    async fn due_tenants(
        &self,
        queue: Queue,
        after: Option<&TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StoreError>;

    /// When the next session of a queue becomes due, past or future: until then there is nothing
    /// to claim unless something is queued.
    async fn next_due(&self, queue: Queue) -> Result<Option<Timestamp>, StoreError>;

    /// Claims the sessions of a tenant that have been due longest; fewer than there are where the
    /// answer grows large.
    ///
    /// A batch of jobs ends where another connection or package begins. A job that has lost a
    /// worker is handed out alone, so that what kills its workers is known. The cost goes by the
    /// packages of the tenant and what is handed out, not by what waits, is skipped or is paused.
    async fn claim(&self, claim: Claim) -> Result<Vec<Leased>, StoreError>;

    /// Extends leases to this time from now, also those that have run out and that nobody else has
    /// claimed since.
    async fn renew(&self, leases: Vec<LeaseRef>, lease: Duration) -> Result<Vec<Held>, StoreError>;

    /// Ends claims, each with its effects or, where it is stale, not at all. An outcome or effect
    /// that is refused refuses the call: a run that another has followed, for example, cannot end.
    async fn finish(&self, finishes: Vec<Finish>) -> Result<Vec<Held>, StoreError>;

    /// Lists dead letters by id; fewer than there are where the list grows large, so that only an
    /// empty list tells the end.
    async fn dead(&self, filter: &DeadFilter) -> Result<Vec<DeadLetter>, StoreError>;

    /// Queues dead letters again, their attempts counted from zero; how many, at most
    /// [`BATCH_MAX`]. Called again it goes on with those that are left, until it answers zero.
    ///
    /// Letters of one session keep their order within a call. A dedupe key that the job held until
    /// it was finished is taken again if it is free.
    async fn redrive(&self, filter: &DeadFilter, redrive: Redrive) -> Result<u64, StoreError>;

    /// Discards dead letters; how many, at most [`BATCH_MAX`], and called again as for
    /// [`Self::redrive`]. The reason goes into the log of events.
    async fn discard(&self, filter: &DeadFilter, reason: &str) -> Result<u64, StoreError>;

    /// Pauses; a pause of the same scope is replaced. What is at work ends as ever. Work rests
    /// while any pause holds that it is under; [`PauseScope::Unauthorised`] is refused here and in
    /// [`Self::resume`].
    async fn pause(&self, tenant: &TenantId, pause: Pause) -> Result<(), StoreError>;

    /// Ends a pause. False if there was none.
    async fn resume(&self, tenant: &TenantId, scope: &PauseScope) -> Result<bool, StoreError>;

    /// Lists pauses that hold, from the one behind that of `after`; fewer than there are where the
    /// list grows large, so that only an empty list tells the end.
    async fn pauses(
        &self,
        tenant: &TenantId,
        after: Option<&PauseScope>,
        limit: usize,
    ) -> Result<Vec<Pause>, StoreError>;

    /// How these sessions of a queue stand, at most [`BATCH_MAX`]; nothing of one without a job.
    async fn sessions(
        &self,
        tenant: &TenantId,
        queue: Queue,
        sessions: Vec<String>,
    ) -> Result<Vec<Option<SessionView>>, StoreError>;

    /// The first jobs of a session, in their order; at most [`SESSION_JOBS_COUNTED_MAX`].
    async fn session_jobs(
        &self,
        tenant: &TenantId,
        queue: Queue,
        session: &str,
    ) -> Result<Vec<QueuedJob>, StoreError>;

    /// Counts.
    async fn stats(&self, tenant: &TenantId, queue: Queue) -> Result<QueueStats, StoreError>;

    /// Counts of all tenants together, for queues that ever had a job. It costs a row for each
    /// tenant and queue.
    async fn totals(&self) -> Result<BTreeMap<Queue, QueueStats>, StoreError>;
}
