//! A view of the store that fails or waits where a test wants.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use model::absence::{AbsenceCount, AbsenceQuery, AbsenceStore, Decision, HeldDeletions};
use model::canonical::{
    CanonicalList, CanonicalQuery, CanonicalRecord, CanonicalStore, RecordId, Remap, ReplayList,
    ReplayQuery,
};
use model::run::Run;
use model::store::{
    Event, Lane, PageCommit, PageOutcome, RecordList, RecordQuery, RecordStore, RejectQuery,
    RunEnd, RunQuery, RunRef, RunStart, StoreError, StoreErrorKind, StoredReject,
};
use model::window::LaneState;
use model::{ConnectionId, RunId, TenantId};
use store::Store;
use tokio::sync::Semaphore;

/// What happens to a page.
pub(crate) enum Fault {
    /// It is refused, and pages behind it would not be, as in a store whose changes stand alone.
    Refuse(StoreErrorKind),
    /// Another run of the connection begins before it.
    TakeOver(Box<RunStart>),
    /// It waits for a permit, and so does every other page.
    Wait(Arc<Semaphore>),
}

/// A store with a fault.
pub(crate) struct Faulty<'a> {
    store: &'a Store,
    fault: Fault,
    /// The number of the page that it happens to, from 0.
    at: usize,
    seen: AtomicUsize,
}

impl<'a> Faulty<'a> {
    pub(crate) fn new(store: &'a Store, fault: Fault, at: usize) -> Self {
        Self { store, fault, at, seen: AtomicUsize::new(0) }
    }

    /// How many pages were handed in, refused ones too.
    pub(crate) fn pages(&self) -> usize {
        self.seen.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl AbsenceStore for Faulty<'_> {
    async fn count_absent(&self, query: AbsenceQuery) -> Result<AbsenceCount, StoreError> {
        self.store.count_absent(query).await
    }

    async fn absent(
        &self,
        query: AbsenceQuery,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        self.store.absent(query, after, limit).await
    }

    async fn held(
        &self,
        tenant: &TenantId,
        connection: Option<&ConnectionId>,
    ) -> Result<Vec<HeldDeletions>, StoreError> {
        self.store.held(tenant, connection).await
    }

    async fn decide_held(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        run: RunId,
        decision: Decision,
    ) -> Result<Vec<HeldDeletions>, StoreError> {
        self.store.decide_held(tenant, connection, run, decision).await
    }
}

#[async_trait]
impl CanonicalStore for Faulty<'_> {
    async fn canonical(
        &self,
        tenant: &TenantId,
        ids: Vec<RecordId>,
    ) -> Result<Vec<Option<CanonicalRecord>>, StoreError> {
        self.store.canonical(tenant, ids).await
    }

    async fn canonical_list(&self, query: CanonicalQuery) -> Result<CanonicalList, StoreError> {
        self.store.canonical_list(query).await
    }

    fn canonical_behind(&self, tenant: &TenantId, record_type: &str, id: RecordId) -> String {
        self.store.canonical_behind(tenant, record_type, id)
    }

    async fn canonical_count(
        &self,
        tenant: &TenantId,
        record_type: &str,
        max: u64,
    ) -> Result<u64, StoreError> {
        self.store.canonical_count(tenant, record_type, max).await
    }

    async fn record_ids(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        records: Vec<(String, String)>,
    ) -> Result<Vec<Option<RecordId>>, StoreError> {
        self.store.record_ids(tenant, connection, records).await
    }

    async fn replayable(&self, query: ReplayQuery) -> Result<ReplayList, StoreError> {
        self.store.replayable(query).await
    }

    async fn remap(&self, remap: Remap) -> Result<PageOutcome, StoreError> {
        let here = self.seen.fetch_add(1, Ordering::Relaxed) == self.at;
        match &self.fault {
            Fault::Refuse(kind) if here => Err(StoreError::new(*kind, "refused by the test")),
            Fault::TakeOver(start) if here => {
                self.store.begin_run(RunStart::clone(start)).await?;
                self.store.remap(remap).await
            }
            _ => self.store.remap(remap).await,
        }
    }
}

#[async_trait]
impl RecordStore for Faulty<'_> {
    async fn begin_run(&self, start: RunStart) -> Result<Run, StoreError> {
        self.store.begin_run(start).await
    }

    async fn commit_page(&self, page: PageCommit) -> Result<PageOutcome, StoreError> {
        let here = self.seen.fetch_add(1, Ordering::Relaxed) == self.at;
        match &self.fault {
            Fault::Refuse(kind) if here => Err(StoreError::new(*kind, "refused by the test")),
            Fault::TakeOver(start) if here => {
                self.store.begin_run(RunStart::clone(start)).await?;
                self.store.commit_page(page).await
            }
            Fault::Wait(gate) => {
                gate.acquire().await.unwrap().forget();
                self.store.commit_page(page).await
            }
            _ => self.store.commit_page(page).await,
        }
    }

    async fn finish_run(&self, end: RunEnd) -> Result<Run, StoreError> {
        self.store.finish_run(end).await
    }

    async fn lanes(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<Vec<(Lane, LaneState)>, StoreError> {
        self.store.lanes(tenant, connection).await
    }

    async fn reset_lanes(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<(), StoreError> {
        self.store.reset_lanes(tenant, connection).await
    }

    async fn records(&self, query: RecordQuery) -> Result<RecordList, StoreError> {
        self.store.records(query).await
    }

    async fn run(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        id: RunId,
    ) -> Result<Option<Run>, StoreError> {
        self.store.run(tenant, connection, id).await
    }

    async fn run_list(&self, query: RunQuery) -> Result<Vec<Run>, StoreError> {
        self.store.run_list(query).await
    }

    async fn reject_list(
        &self,
        query: RejectQuery,
    ) -> Result<Vec<(u64, StoredReject)>, StoreError> {
        self.store.reject_list(query).await
    }

    async fn reject_codes(&self, run: &RunRef) -> Result<BTreeMap<String, u64>, StoreError> {
        self.store.reject_codes(run).await
    }

    async fn events(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Event>, StoreError> {
        self.store.events(tenant, after, limit).await
    }
}
