//! The queues of a store, which tell when a job is done for good.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use model::queue::{
    Claim, DeadFilter, DeadLetter, Enqueued, Finish, Held, JobId, JobQueue, LeaseRef, Leased,
    NewJob, Pause, PauseScope, Queue, QueueStats, QueuedJob, Redrive, SessionView,
};
use model::store::StoreError;
use model::{TenantId, Timestamp};
use store::Store;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

pub(crate) struct Told {
    pub(crate) store: Store,
    pub(crate) done: UnboundedSender<(TenantId, JobId, Instant)>,
}

#[async_trait]
impl JobQueue for Told {
    async fn finish(&self, finishes: Vec<Finish>) -> Result<Vec<Held>, StoreError> {
        let ended = |finish: &Finish| (finish.lease.tenant.clone(), finish.outcomes[0].0);
        let jobs: Vec<_> = finishes.iter().map(ended).collect();
        let held = self.store.finish(finishes).await?;
        for (tenant, job) in jobs {
            self.done.send((tenant, job, Instant::now())).unwrap();
        }
        Ok(held)
    }

    async fn enqueue(&self, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>, StoreError> {
        self.store.enqueue(jobs).await
    }

    async fn due_tenants(
        &self,
        queue: Queue,
        after: Option<&TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StoreError> {
        self.store.due_tenants(queue, after, limit).await
    }

    async fn next_due(&self, queue: Queue) -> Result<Option<Timestamp>, StoreError> {
        self.store.next_due(queue).await
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Leased>, StoreError> {
        self.store.claim(claim).await
    }

    async fn renew(&self, leases: Vec<LeaseRef>, lease: Duration) -> Result<Vec<Held>, StoreError> {
        self.store.renew(leases, lease).await
    }

    async fn dead(&self, filter: &DeadFilter) -> Result<Vec<DeadLetter>, StoreError> {
        self.store.dead(filter).await
    }

    async fn redrive(&self, filter: &DeadFilter, redrive: Redrive) -> Result<u64, StoreError> {
        self.store.redrive(filter, redrive).await
    }

    async fn discard(&self, filter: &DeadFilter, reason: &str) -> Result<u64, StoreError> {
        self.store.discard(filter, reason).await
    }

    async fn pause(&self, tenant: &TenantId, pause: Pause) -> Result<(), StoreError> {
        self.store.pause(tenant, pause).await
    }

    async fn resume(&self, tenant: &TenantId, scope: &PauseScope) -> Result<bool, StoreError> {
        self.store.resume(tenant, scope).await
    }

    async fn pauses(
        &self,
        tenant: &TenantId,
        after: Option<&PauseScope>,
        limit: usize,
    ) -> Result<Vec<Pause>, StoreError> {
        self.store.pauses(tenant, after, limit).await
    }

    async fn session_jobs(
        &self,
        tenant: &TenantId,
        queue: Queue,
        session: &str,
    ) -> Result<Vec<QueuedJob>, StoreError> {
        self.store.session_jobs(tenant, queue, session).await
    }

    async fn sessions(
        &self,
        tenant: &TenantId,
        queue: Queue,
        sessions: Vec<String>,
    ) -> Result<Vec<Option<SessionView>>, StoreError> {
        self.store.sessions(tenant, queue, sessions).await
    }

    async fn stats(&self, tenant: &TenantId, queue: Queue) -> Result<QueueStats, StoreError> {
        self.store.stats(tenant, queue).await
    }

    async fn totals(&self) -> Result<BTreeMap<Queue, QueueStats>, StoreError> {
        self.store.totals().await
    }
}
