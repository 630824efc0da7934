//! The durable queues: jobs in sessions, leases, dead letters, and the port to them.
//!
//! A session is a line of jobs that run one after another; sessions run side by side. A worker
//! claims the session, never the job. Rules that every store keeps:
//! - within a session jobs run in the order in which they were committed;
//! - the attempt is counted when the job is claimed, so a job that kills its worker counts too;
//! - every claim raises the session's epoch, and whoever writes with an older one is refused;
//! - nothing is lost: enqueued = queued + done + dead + discarded, at every instant;
//! - the time is the store's own.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::store::{RunEnd, StoreError};
use crate::{ConnectionId, TenantId, Timestamp};

/// The longest session or dedupe key, in bytes; they stand in keys of the store. A record's id of
/// the greatest length fits beside the names of its connection and entity.
pub const KEY_BYTES_MAX: usize = 1536;

/// The largest payload of a job, in bytes. Jobs say what to do; what they work on lies in the store.
pub const PAYLOAD_BYTES_MAX: usize = 256 << 10;

/// Failures that a job remembers, the newest ones.
pub const FAILURES_MAX: usize = 16;

/// Jobs, leases or outcomes in one call: a store may hold the transaction of a call open while it
/// works, and others wait for it.
pub const BATCH_MAX: usize = 1_024;

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

/// A job of a tenant; ids grow in the order of commits and are never used again.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(transparent)]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A job to be queued.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewJob {
    /// Whose.
    pub tenant: TenantId,
    /// Where.
    pub queue: Queue,
    /// The line it stands in.
    pub session: String,
    /// The connection it works for; pauses and limits go by it.
    pub connection: Option<ConnectionId>,
    /// The package that does the work, `publisher/id`; limits and breakers go by it.
    pub package: Option<String>,
    /// What to do, as JSON.
    pub payload: Bytes,
    /// Not before; nothing means now.
    pub run_at: Option<Timestamp>,
    /// What makes it a duplicate; one key that holds is enough.
    pub dedupe: Vec<Dedupe>,
}

/// A key under which a second job of the tenant and queue is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dedupe {
    /// The key.
    pub key: String,
    /// For how long.
    pub until: DedupeUntil,
}

/// How long a dedupe key holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DedupeUntil {
    /// Until the job is done, dead or discarded.
    Finished,
    /// For this time after it was queued, whatever becomes of the job.
    Elapsed(Duration),
}

/// What became of a job that was to be queued.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Enqueued {
    /// It is queued.
    New(JobId),
    /// A job of the same dedupe key is there, or was.
    Duplicate(JobId),
}

/// A failed attempt.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Failure {
    /// When.
    pub at: Timestamp,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// Why.
    pub error: Error,
    /// The digest of the package that tried.
    pub digest: Option<String>,
    /// Whether it moved data before it failed.
    #[serde(default)]
    pub progressed: bool,
}

/// A job in the hands of a worker.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Job {
    /// Which one.
    pub id: JobId,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// How many attempts ended without a word: the worker died, or was too slow for its lease.
    pub deaths: u32,
    /// When it was queued.
    pub enqueued: Timestamp,
    /// What to do.
    pub payload: Bytes,
    /// What went wrong before, the oldest first; at most [`FAILURES_MAX`].
    pub failures: Vec<Failure>,
}

/// Which claim of a session writes: the fence.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Deserialize, Serialize)]
pub struct LeaseRef {
    /// Whose.
    pub tenant: TenantId,
    /// Of which queue.
    pub queue: Queue,
    /// The session.
    pub session: String,
    /// Grows with every claim.
    pub epoch: u64,
}

/// A claimed session and the jobs at its head, all of them due.
#[derive(Clone, Debug)]
pub struct Leased {
    /// The fence.
    pub lease: LeaseRef,
    /// When it runs out unless it is renewed.
    pub until: Timestamp,
    /// The connection its jobs work for.
    pub connection: Option<ConnectionId>,
    /// The package that does the work.
    pub package: Option<String>,
    /// The digest of the package that has killed its workers on a job of this session: the last
    /// death as [`Death::Quarantined`] whose letter no person has retried or discarded since.
    pub quarantined: Option<String>,
    /// The jobs, in their order.
    pub jobs: Vec<Job>,
}

/// What a worker wants.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Who asks; shown to operators.
    pub worker: String,
    /// From which queue.
    pub queue: Queue,
    /// Of this tenant.
    pub tenant: TenantId,
    /// Not of these packages: they have enough to do, or are suspended.
    pub skip: BTreeSet<String>,
    /// Sessions at most.
    pub sessions_max: usize,
    /// Jobs of a session at most.
    pub jobs_max: usize,
    /// How long until somebody else may have them.
    pub lease: Duration,
}

/// What a worker says of a claimed session at the end.
#[derive(Clone, Debug)]
pub struct Finish {
    /// The fence.
    pub lease: LeaseRef,
    /// What became of the jobs, in their order. Those without an outcome go back untouched, their
    /// attempt not counted; behind a job that is retried or deferred there can be none.
    pub outcomes: Vec<(JobId, Outcome)>,
    /// What goes with it, in the same transaction.
    pub effects: Vec<Effect>,
}

/// What became of a job.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is done.
    Done,
    /// It failed and is to be tried again, after this time.
    Retry {
        /// The wait.
        after: Duration,
        /// Why it failed.
        failure: Failure,
    },
    /// It could not be tried: an open breaker, a limit, a pause. The attempt is not counted.
    Defer {
        /// Not before.
        until: Timestamp,
    },
    /// It failed for good.
    Dead {
        /// Why it failed.
        failure: Failure,
        /// What decided it.
        why: Death,
    },
}

/// What goes with the end of a job.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Follow-up work.
    Enqueue(NewJob),
    /// The end of the run that the job was. Without it the run goes on with the next attempt.
    EndRun(RunEnd),
}

/// Whether a lease was still good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Held {
    /// It was, and what was asked for is done.
    Held,
    /// Somebody else has claimed the session; nothing was done.
    Stale,
}

/// Why a job is dead.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Death {
    /// Another attempt would end the same.
    Permanent,
    /// It was tried as often as it may be.
    Exhausted,
    /// It has killed its workers.
    Quarantined,
}

/// A dead job as it is kept for people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeadLetter {
    /// Which one.
    pub id: JobId,
    /// Whose.
    pub tenant: TenantId,
    /// From which queue.
    pub queue: Queue,
    /// From which session.
    pub session: String,
    /// The connection it worked for.
    pub connection: Option<ConnectionId>,
    /// The package that did the work.
    pub package: Option<String>,
    /// What it was to do.
    pub payload: Bytes,
    /// How often it was tried.
    pub attempts: u32,
    /// What went wrong, the oldest first.
    pub failures: Vec<Failure>,
    /// What decided it.
    pub why: Death,
    /// When it was queued.
    pub enqueued: Timestamp,
    /// When it died.
    pub died: Timestamp,
}

/// Which dead letters; every condition that is set must hold.
#[derive(Clone, Debug)]
pub struct DeadFilter {
    /// Whose.
    pub tenant: TenantId,
    /// From this queue.
    pub queue: Option<Queue>,
    /// Of this connection.
    pub connection: Option<ConnectionId>,
    /// Of this package.
    pub package: Option<String>,
    /// Whose last error has this code.
    pub code: Option<String>,
    /// These.
    pub ids: Option<BTreeSet<JobId>>,
    /// With a greater id.
    pub after: Option<JobId>,
    /// At most this many.
    pub limit: usize,
}

/// How dead letters come back.
#[derive(Clone, Debug)]
pub struct Redrive {
    /// Where in their session.
    pub to: RedriveTo,
    /// Another payload; for a single letter.
    pub payload: Option<Bytes>,
    /// The time between two of them; zero means all at once.
    pub spacing: Duration,
}

/// Where in its session a job comes back.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RedriveTo {
    /// Before all others: what follows was waiting for it.
    Head,
    /// Behind all others.
    Tail,
}

/// What is paused.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PauseScope {
    /// A queue of the tenant.
    Queue(Queue),
    /// One session.
    Session(Queue, String),
    /// All work of a connection.
    Connection(ConnectionId),
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
    /// Sessions at work now.
    pub leased: u64,
    /// Since when the session that is due longest waits.
    pub oldest: Option<Timestamp>,
}

/// The durable queues. Every method is one transaction.
///
/// A claimed session returns to the queue when its lease runs out, so an attempt may run twice
/// and must be idempotent. A method that takes a batch answers in its order.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Queues jobs, in their order.
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

    /// Claims the sessions of a tenant that have been due longest.
    async fn claim(&self, claim: Claim) -> Result<Vec<Leased>, StoreError>;

    /// Extends leases to this time from now.
    async fn renew(&self, leases: Vec<LeaseRef>, lease: Duration) -> Result<Vec<Held>, StoreError>;

    /// Ends claims, each with its effects or not at all.
    async fn finish(&self, finishes: Vec<Finish>) -> Result<Vec<Held>, StoreError>;

    /// Lists dead letters by id.
    async fn dead(&self, filter: &DeadFilter) -> Result<Vec<DeadLetter>, StoreError>;

    /// Queues dead letters again, their attempts counted from zero; how many.
    async fn redrive(&self, filter: &DeadFilter, redrive: Redrive) -> Result<u64, StoreError>;

    /// Discards dead letters; how many. The reason goes into the log of events.
    async fn discard(&self, filter: &DeadFilter, reason: &str) -> Result<u64, StoreError>;

    /// Pauses; a pause of the same scope is replaced.
    async fn pause(&self, tenant: &TenantId, pause: Pause) -> Result<(), StoreError>;

    /// Ends a pause. False if there was none.
    async fn resume(&self, tenant: &TenantId, scope: &PauseScope) -> Result<bool, StoreError>;

    /// Lists pauses.
    async fn pauses(&self, tenant: &TenantId) -> Result<Vec<Pause>, StoreError>;

    /// Counts.
    async fn stats(&self, tenant: &TenantId, queue: Queue) -> Result<QueueStats, StoreError>;
}
