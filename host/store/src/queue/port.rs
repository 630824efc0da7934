//! The port: each method is one change handed to the writer, or one read of a snapshot.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use model::queue::{
    Claim, DeadFilter, DeadLetter, Enqueued, Finish, Held, JobQueue, LeaseRef, Leased, NewJob,
    Pause, PauseScope, Queue, QueueStats, QueuedJob, Redrive, SessionView,
};
use model::store::StoreError;
use model::{TenantId, Timestamp};

use super::keys::Line;
use super::{check, claim, dead, due, enqueue, finish, pause, renew, view};
use crate::Store;
use crate::check::invalid;

#[async_trait]
impl JobQueue for Store {
    async fn enqueue(&self, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>, StoreError> {
        self.write(enqueue::Enqueue::new(self.clock(), jobs)?).await
    }

    async fn due_tenants(
        &self,
        queue: Queue,
        after: Option<&TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StoreError> {
        let (after, now) = (after.cloned(), self.clock().now());
        self.read(move |snapshot| due::tenants(snapshot, queue, after.as_ref(), limit, now)).await
    }

    async fn next_due(&self, queue: Queue) -> Result<Option<Timestamp>, StoreError> {
        self.read(move |snapshot| due::next(snapshot, queue)).await
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Leased>, StoreError> {
        self.write(claim::Take::new(self.clock(), claim)?).await
    }

    async fn renew(&self, leases: Vec<LeaseRef>, lease: Duration) -> Result<Vec<Held>, StoreError> {
        self.write(renew::Renew::new(self.clock(), leases, lease)?).await
    }

    async fn finish(&self, finishes: Vec<Finish>) -> Result<Vec<Held>, StoreError> {
        self.write(finish::End::new(self.clock(), finishes)?).await
    }

    async fn dead(&self, filter: &DeadFilter) -> Result<Vec<DeadLetter>, StoreError> {
        let filter = filter.clone();
        self.read(move |snapshot| dead::list(snapshot, &filter)).await
    }

    /// The letters are looked for in a snapshot, so that many that do not match hold up no writer.
    async fn redrive(&self, filter: &DeadFilter, redrive: Redrive) -> Result<u64, StoreError> {
        if let Some(payload) = &redrive.payload {
            check::payload(payload)?;
            if filter.ids.as_ref().is_none_or(|ids| ids.len() != 1) {
                return Err(invalid("another payload is for one letter; name it by its id"));
            }
        }
        loop {
            let filter = filter.clone();
            let tenant = filter.tenant.clone();
            let ids = self.read(move |snapshot| dead::ids(snapshot, &filter)).await?;
            let (clock, redrive, none) = (self.clock(), redrive.clone(), ids.is_empty());
            let count = self.write(dead::Return { clock, tenant, ids, redrive }).await?;
            // Zero tells the caller that none is left, so it must not mean that others were faster.
            if count > 0 || none {
                return Ok(count);
            }
        }
    }

    async fn discard(&self, filter: &DeadFilter, reason: &str) -> Result<u64, StoreError> {
        check::reason(reason)?;
        loop {
            let filter = filter.clone();
            let tenant = filter.tenant.clone();
            let ids = self.read(move |snapshot| dead::ids(snapshot, &filter)).await?;
            let (clock, reason, none) = (self.clock(), reason.to_owned(), ids.is_empty());
            let count = self.write(dead::Discard { clock, tenant, ids, reason }).await?;
            if count > 0 || none {
                return Ok(count);
            }
        }
    }

    async fn pause(&self, tenant: &TenantId, pause: Pause) -> Result<(), StoreError> {
        self.write(pause::Begin::new(self.clock(), tenant.clone(), pause)?).await
    }

    async fn resume(&self, tenant: &TenantId, scope: &PauseScope) -> Result<bool, StoreError> {
        let (tenant, scope) = (tenant.clone(), scope.clone());
        self.write(pause::Resume::new(self.clock(), tenant, scope)?).await
    }

    async fn pauses(
        &self,
        tenant: &TenantId,
        after: Option<&PauseScope>,
        limit: usize,
    ) -> Result<Vec<Pause>, StoreError> {
        let (tenant, after, now) = (tenant.clone(), after.cloned(), self.clock().now());
        self.read(move |snapshot| pause::list(snapshot, &tenant, (after.as_ref(), limit), now))
            .await
    }

    async fn sessions(
        &self,
        tenant: &TenantId,
        queue: Queue,
        sessions: Vec<String>,
    ) -> Result<Vec<Option<SessionView>>, StoreError> {
        check::batch("sessions", sessions.len())?;
        sessions.iter().try_for_each(|session| check::session(session))?;
        let tenant = tenant.clone();
        self.read(move |snapshot| view::of(snapshot, &tenant, queue, sessions)).await
    }

    async fn session_jobs(
        &self,
        tenant: &TenantId,
        queue: Queue,
        session: &str,
    ) -> Result<Vec<QueuedJob>, StoreError> {
        check::session(session)?;
        let line = Line { tenant: tenant.clone(), queue, session: session.to_owned() };
        self.read(move |snapshot| view::jobs(snapshot, &line)).await
    }

    async fn stats(&self, tenant: &TenantId, queue: Queue) -> Result<QueueStats, StoreError> {
        let (tenant, now) = (tenant.clone(), self.clock().now());
        self.read(move |snapshot| due::stats(snapshot, &tenant, queue, now)).await
    }

    async fn totals(&self) -> Result<BTreeMap<Queue, QueueStats>, StoreError> {
        let now = self.clock().now();
        self.read(move |snapshot| due::totals(snapshot, now)).await
    }
}
