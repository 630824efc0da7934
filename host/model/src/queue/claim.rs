//! Claims: what a worker asks for, what it has, and what it says at the end.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Death, Failure, Job, JobId, NewJob, Queue};
use crate::store::RunEnd;
use crate::{ConnectionId, TenantId, Timestamp};

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
    /// Nothing else is at work beside what is claimed. The death that decides about a job, see
    /// [`is_suspect`](crate::retry::is_suspect), counts under such a claim only.
    pub alone: bool,
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
    /// The end of the run that the job was. Without it the run stays unfinished
    /// until the next one of its connection begins, or the store is opened again, and is marked
    /// interrupted then.
    EndRun(RunEnd),
    /// Where the lanes of records of a connection stand is forgotten, so that the next run reads in
    /// full, as in [`RecordStore::reset_lanes`](crate::store::RecordStore::reset_lanes).
    ForgetLanes {
        /// The connection, of the tenant of the claim.
        connection: ConnectionId,
    },
    /// The account of a connection must be authorised again: its state says so, and its work
    /// rests until it has been.
    Unauthorised {
        /// The connection, of the tenant of the claim.
        connection: ConnectionId,
        /// Why.
        reason: String,
    },
}

/// Whether a lease was still good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Held {
    /// It was, and what was asked for is done.
    Held,
    /// Somebody else has claimed the session; nothing was done.
    Stale,
}
