//! Dead letters, and how they come back.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{BATCH_MAX, Failure, JobId, Queue};
use crate::{ConnectionId, TenantId, Timestamp};

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

impl DeadFilter {
    /// All of a tenant, as many as are given at once.
    pub fn all(tenant: TenantId) -> Self {
        Self {
            tenant,
            queue: None,
            connection: None,
            package: None,
            code: None,
            ids: None,
            after: None,
            limit: BATCH_MAX,
        }
    }
}

/// How dead letters come back.
#[derive(Clone, Debug)]
pub struct Redrive {
    /// Where in their session.
    pub to: RedriveTo,
    /// Another payload; for a single letter, named by its id.
    pub payload: Option<Bytes>,
    /// The time until the first of them. Whoever goes on with more letters under the same spacing
    /// adds what the calls before have taken: their count times the spacing.
    pub delay: Duration,
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
