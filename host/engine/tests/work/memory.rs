//! Queues in memory, for tests in which time is simulated: sessions of one job each.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use model::breaker::{BreakerStore, Key, Open, Opened};
use model::queue::{
    Claim, DeadFilter, DeadLetter, Enqueued, Finish, Held, Job, JobId, JobQueue, LeaseRef, Leased,
    NewJob, Pause, PauseScope, Queue, QueueStats, QueuedJob, Redrive, SessionView,
};
use model::store::{StoreError, StoreErrorKind};
use model::{TenantId, Timestamp};

type Waiting = BTreeMap<TenantId, VecDeque<(JobId, NewJob)>>;

/// The queues.
#[derive(Default)]
pub(crate) struct Memory {
    waiting: Mutex<Waiting>,
    next: AtomicU64,
    /// How often it was asked what is due.
    pub(crate) looks: AtomicUsize,
}

impl Memory {
    /// Queues jobs of a tenant and package, each in a session of its own.
    pub(crate) fn add(&self, tenant: &str, package: &str, count: usize) {
        let tenant: TenantId = tenant.parse().unwrap();
        let mut waiting = self.waiting.lock().unwrap();
        let line = waiting.entry(tenant.clone()).or_default();
        for _ in 0..count {
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            let job = NewJob {
                tenant: tenant.clone(),
                queue: Queue::InboundScheduled,
                session: format!("{package}#{id}"),
                connection: Some(format!("c{id}").parse().unwrap()),
                package: Some(package.to_owned()),
                payload: Bytes::new(),
                run_at: None,
                dedupe: Vec::new(),
            };
            line.push_back((JobId(id), job));
        }
    }
}

fn never<T>() -> Result<T, StoreError> {
    Err(StoreError::new(StoreErrorKind::Invalid, "the test does not expect this call"))
}

#[async_trait]
impl JobQueue for Memory {
    async fn enqueue(&self, _: Vec<NewJob>) -> Result<Vec<Enqueued>, StoreError> {
        never()
    }

    async fn due_tenants(
        &self,
        _: Queue,
        after: Option<&TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StoreError> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        let waiting = self.waiting.lock().unwrap();
        let due = waiting.iter().filter(|(name, line)| Some(*name) > after && !line.is_empty());
        Ok(due.map(|(name, _)| name.clone()).take(limit).collect())
    }

    async fn next_due(&self, _: Queue) -> Result<Option<Timestamp>, StoreError> {
        let waiting = self.waiting.lock().unwrap();
        let due = waiting.values().any(|line| !line.is_empty());
        Ok(due.then_some(Timestamp::UNIX_EPOCH))
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Leased>, StoreError> {
        let mut waiting = self.waiting.lock().unwrap();
        let line = waiting.entry(claim.tenant.clone()).or_default();
        let mut claimed = Vec::new();
        let mut at = 0;
        while claimed.len() < claim.sessions_max && at < line.len() {
            if line[at].1.package.as_ref().is_some_and(|package| claim.skip.contains(package)) {
                at += 1;
                continue;
            }
            let (id, job) = line.remove(at).unwrap();
            claimed.push(leased(id, job));
        }
        Ok(claimed)
    }

    async fn renew(&self, leases: Vec<LeaseRef>, _: Duration) -> Result<Vec<Held>, StoreError> {
        Ok(vec![Held::Held; leases.len()])
    }

    async fn finish(&self, finishes: Vec<Finish>) -> Result<Vec<Held>, StoreError> {
        Ok(vec![Held::Held; finishes.len()])
    }

    async fn dead(&self, _: &DeadFilter) -> Result<Vec<DeadLetter>, StoreError> {
        never()
    }

    async fn redrive(&self, _: &DeadFilter, _: Redrive) -> Result<u64, StoreError> {
        never()
    }

    async fn discard(&self, _: &DeadFilter, _: &str) -> Result<u64, StoreError> {
        never()
    }

    async fn pause(&self, _: &TenantId, _: Pause) -> Result<(), StoreError> {
        never()
    }

    async fn resume(&self, _: &TenantId, _: &PauseScope) -> Result<bool, StoreError> {
        never()
    }

    async fn pauses(
        &self,
        _: &TenantId,
        _: Option<&PauseScope>,
        _: usize,
    ) -> Result<Vec<Pause>, StoreError> {
        never()
    }

    async fn session_jobs(
        &self,
        _: &TenantId,
        _: Queue,
        _: &str,
    ) -> Result<Vec<QueuedJob>, StoreError> {
        never()
    }

    async fn sessions(
        &self,
        _: &TenantId,
        _: Queue,
        _: Vec<String>,
    ) -> Result<Vec<Option<SessionView>>, StoreError> {
        never()
    }

    async fn stats(&self, _: &TenantId, _: Queue) -> Result<QueueStats, StoreError> {
        never()
    }

    async fn totals(&self) -> Result<BTreeMap<Queue, QueueStats>, StoreError> {
        never()
    }
}

#[async_trait]
impl BreakerStore for Memory {
    async fn breakers(&self) -> Result<Vec<Opened>, StoreError> {
        Ok(Vec::new())
    }

    async fn put_breaker(&self, _: &Key, _: Option<Open>) -> Result<(), StoreError> {
        never()
    }
}

fn leased(id: JobId, job: NewJob) -> Leased {
    let NewJob { tenant, queue, session, connection, package, payload, .. } = job;
    let at = Timestamp::UNIX_EPOCH;
    let job = Job { id, attempt: 1, deaths: 0, enqueued: at, payload, failures: Vec::new() };
    Leased {
        lease: LeaseRef { tenant, queue, session, epoch: 1 },
        until: at,
        connection,
        package,
        quarantined: None,
        jobs: vec![job],
    }
}
