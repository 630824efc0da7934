//! Every call that credentials make, counted, and stopped for ever where a test wants that.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use model::credential::{
    Access, AccessLog, AccessQuery, Credential, CredentialQuery, CredentialStore, Leased,
    NewSecrets, RefreshFailed, RefreshLease, Refreshed,
};
use model::outbound::{HostAnswer, HostRequest, Outbound};
use model::store::{StoreError, StoreErrorKind};
use model::vault::{Place, Sealed, Vault, VaultError};
use model::{Connection, ConnectionId, Error, Secret, TenantId, Timestamp};
use store::Store;
use tokio::sync::Notify;

use crate::provider::Simulated;
use crate::world::Masks;

mod catalogue;

/// Where a process dies: at its nth call, before or after it has been done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) call: usize,
    pub(crate) done: bool,
}

/// What one process calls.
pub(crate) struct Tap {
    /// Calls that are on their way, of all processes: time stands still meanwhile.
    pub(crate) busy: Arc<AtomicUsize>,
    pub(crate) calls: AtomicUsize,
    pub(crate) dies: Option<Point>,
    pub(crate) died: Notify,
    /// How often a commit is refused, as one is whose key has just been retired.
    pub(crate) conflicts: AtomicUsize,
}

impl Tap {
    pub(crate) fn new(busy: Arc<AtomicUsize>, dies: Option<Point>) -> Arc<Self> {
        Arc::new(Self {
            busy,
            calls: AtomicUsize::new(0),
            dies,
            died: Notify::new(),
            conflicts: AtomicUsize::new(0),
        })
    }

    async fn call<T>(&self, doing: impl Future<Output = T>) -> T {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let dies = self.dies.filter(|point| point.call == call);
        if dies.is_some_and(|point| !point.done) {
            self.die().await;
        }
        self.busy.fetch_add(1, Ordering::Relaxed);
        let answer = doing.await;
        self.busy.fetch_sub(1, Ordering::Relaxed);
        if dies.is_some() {
            self.die().await;
        }
        answer
    }

    fn conflict(&self) -> Result<(), StoreError> {
        let less = |left: usize| left.checked_sub(1);
        match self.conflicts.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less) {
            Ok(_) => {
                Err(StoreError::new(StoreErrorKind::Conflict, "the key is not there any more"))
            }
            Err(_) => Ok(()),
        }
    }

    async fn die(&self) {
        self.died.notify_one();
        std::future::pending::<()>().await;
    }
}

/// The store, the vault and the way out of one process.
pub(crate) struct Tapped {
    pub(crate) tap: Arc<Tap>,
    pub(crate) store: Arc<Store>,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) outbound: Arc<Simulated>,
    pub(crate) masks: Arc<Masks>,
}

#[async_trait]
impl Outbound for Tapped {
    async fn send(&self, request: HostRequest) -> Result<HostAnswer, Error> {
        // The provider takes its time, which must pass: only its answer is a call.
        let answer = self.tap.call(async { self.outbound.take(&request) }).await;
        self.outbound.deliver(answer).await
    }
}

#[async_trait]
impl Vault for Tapped {
    async fn seal(&self, secrets: Vec<(Place, Secret)>) -> Result<Vec<Sealed>, VaultError> {
        for (place, secret) in &secrets {
            assert!(self.masks.hides(secret), "{place} is at work and not masked");
        }
        self.tap.call(self.vault.seal(secrets)).await
    }

    async fn open(&self, sealed: Vec<Sealed>) -> Result<Vec<Secret>, VaultError> {
        self.tap.call(self.vault.open(sealed)).await
    }
}

#[async_trait]
impl AccessLog for Tapped {
    async fn note_access(&self, access: Access) -> Result<u64, StoreError> {
        self.tap.call(self.store.note_access(access)).await
    }

    async fn close_access(&self, entries: Vec<Access>) -> Result<(), StoreError> {
        self.tap.call(self.store.close_access(entries)).await
    }

    async fn accesses(&self, query: AccessQuery) -> Result<Vec<Access>, StoreError> {
        self.tap.call(self.store.accesses(query)).await
    }
}

#[async_trait]
impl CredentialStore for Tapped {
    async fn authorise(
        &self,
        connection: Connection,
        secrets: NewSecrets,
    ) -> Result<Credential, StoreError> {
        self.tap.conflict()?;
        self.tap.call(self.store.authorise(connection, secrets)).await
    }

    async fn remove_connection(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<bool, StoreError> {
        self.tap.call(self.store.remove_connection(tenant, connection)).await
    }

    async fn credential(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<Option<(Credential, Vec<Sealed>)>, StoreError> {
        self.tap.call(self.store.credential(tenant, connection)).await
    }

    async fn credentials(&self, query: CredentialQuery) -> Result<Vec<Credential>, StoreError> {
        self.tap.call(self.store.credentials(query)).await
    }

    async fn lease_refresh(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        holder: &str,
        until: Timestamp,
    ) -> Result<Leased, StoreError> {
        self.tap.call(self.store.lease_refresh(tenant, connection, holder, until)).await
    }

    async fn intend_refresh(
        &self,
        lease: &RefreshLease,
        generation: u64,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.tap.call(self.store.intend_refresh(lease, generation, until)).await
    }

    async fn finish_refresh(
        &self,
        lease: &RefreshLease,
        refreshed: Refreshed,
    ) -> Result<Credential, StoreError> {
        self.tap.conflict()?;
        self.tap.call(self.store.finish_refresh(lease, refreshed)).await
    }

    async fn fail_refresh(
        &self,
        lease: &RefreshLease,
        failed: RefreshFailed,
    ) -> Result<(), StoreError> {
        self.tap.call(self.store.fail_refresh(lease, failed)).await
    }

    async fn release_refresh(&self, lease: &RefreshLease) -> Result<(), StoreError> {
        self.tap.call(self.store.release_refresh(lease)).await
    }
}
