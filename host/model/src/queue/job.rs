//! Jobs: as they are queued, and as a worker has them.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Queue;
use crate::error::Error;
use crate::{ConnectionId, TenantId, Timestamp};

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
    /// How many attempts ended without a word: the worker or its
    /// process died, or it was too slow for its lease.
    pub deaths: u32,
    /// When it was queued.
    pub enqueued: Timestamp,
    /// What to do.
    pub payload: Bytes,
    /// What went wrong before, the oldest first; at most [`FAILURES_MAX`](super::FAILURES_MAX).
    pub failures: Vec<Failure>,
}
