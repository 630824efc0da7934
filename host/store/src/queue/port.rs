//! The port: each method is one change handed to the writer, or one read of a snapshot.

use std::time::Duration;

use async_trait::async_trait;
use model::queue::{
    Claim, DeadFilter, DeadLetter, Enqueued, Finish, Held, JobQueue, LeaseRef, Leased, NewJob,
    Pause, PauseScope, Queue, QueueStats, Redrive,
};
use model::store::{StoreError, StoreErrorKind};
use model::{TenantId, Timestamp};

use crate::Store;

fn absent() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "this store has no queues")
}

#[async_trait]
impl JobQueue for Store {
    async fn enqueue(&self, _: Vec<NewJob>) -> Result<Vec<Enqueued>, StoreError> {
        Err(absent())
    }

    async fn due_tenants(
        &self,
        _: Queue,
        _: Option<&TenantId>,
        _: usize,
    ) -> Result<Vec<TenantId>, StoreError> {
        Err(absent())
    }

    async fn next_due(&self, _: Queue) -> Result<Option<Timestamp>, StoreError> {
        Err(absent())
    }

    async fn claim(&self, _: Claim) -> Result<Vec<Leased>, StoreError> {
        Err(absent())
    }

    async fn renew(&self, _: Vec<LeaseRef>, _: Duration) -> Result<Vec<Held>, StoreError> {
        Err(absent())
    }

    async fn finish(&self, _: Vec<Finish>) -> Result<Vec<Held>, StoreError> {
        Err(absent())
    }

    async fn dead(&self, _: &DeadFilter) -> Result<Vec<DeadLetter>, StoreError> {
        Err(absent())
    }

    async fn redrive(&self, _: &DeadFilter, _: Redrive) -> Result<u64, StoreError> {
        Err(absent())
    }

    async fn discard(&self, _: &DeadFilter, _: &str) -> Result<u64, StoreError> {
        Err(absent())
    }

    async fn pause(&self, _: &TenantId, _: Pause) -> Result<(), StoreError> {
        Err(absent())
    }

    async fn resume(&self, _: &TenantId, _: &PauseScope) -> Result<bool, StoreError> {
        Err(absent())
    }

    async fn pauses(&self, _: &TenantId) -> Result<Vec<Pause>, StoreError> {
        Err(absent())
    }

    async fn stats(&self, _: &TenantId, _: Queue) -> Result<QueueStats, StoreError> {
        Err(absent())
    }
}
