//! The ports of the store, asked from afar; what refreshing does not need is refused.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use model::catalogue::PendingPackage;
use model::credential::{
    Access, AccessLog, AccessQuery, App, AppStore, Credential, CredentialQuery, CredentialStore,
    Flow, FlowStore, Incident, Leased, NewSecrets, RefreshFailed, RefreshLease, Refreshed,
};
use model::queue::Enqueued;
use model::store::{Catalogue, Installed, StoreError, StoreErrorKind, TrustState};
use model::task::{Fence, Task, TaskId, TaskStore, Tick};
use model::vault::{Canary, KeyId, KeyStore, Owner, Rewrap, Sealed, SealedQuery, WrappedKey};
use model::{Connection, ConnectionId, ConnectionState, ConnectionStatus, TenantId, Timestamp};

use crate::remote::{Call, Remote};

type Found<T> = Result<T, StoreError>;

fn refused<T>() -> Found<T> {
    Err(StoreError::new(StoreErrorKind::Invalid, "this is not served to other processes"))
}

#[async_trait]
impl CredentialStore for Remote {
    async fn authorise(&self, _: Connection, _: NewSecrets) -> Found<Credential> {
        refused()
    }

    async fn remove_connection(&self, _: &TenantId, _: &ConnectionId) -> Found<bool> {
        refused()
    }

    async fn credential(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Found<Option<(Credential, Vec<Sealed>)>> {
        self.ask(&Call::Credential(tenant.clone(), connection.clone())).await
    }

    async fn credentials(&self, _: CredentialQuery) -> Found<Vec<Credential>> {
        refused()
    }

    async fn lease_refresh(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        holder: &str,
        until: Timestamp,
    ) -> Found<Leased> {
        let (tenant, connection) = (tenant.clone(), connection.clone());
        self.ask(&Call::Lease(tenant, connection, holder.to_owned(), until)).await
    }

    async fn intend_refresh(
        &self,
        lease: &RefreshLease,
        generation: u64,
        until: Timestamp,
    ) -> Found<()> {
        self.ask(&Call::Intend(lease.clone(), generation, until)).await
    }

    async fn finish_refresh(&self, lease: &RefreshLease, it: Refreshed) -> Found<Credential> {
        self.ask(&Call::Finish(lease.clone(), Box::new(it))).await
    }

    async fn fail_refresh(&self, lease: &RefreshLease, failed: RefreshFailed) -> Found<()> {
        self.ask(&Call::Fail(lease.clone(), Box::new(failed))).await
    }

    async fn release_refresh(&self, lease: &RefreshLease) -> Found<()> {
        self.ask(&Call::Release(lease.clone())).await
    }
}

#[async_trait]
impl AppStore for Remote {
    async fn put_app(&self, _: App, _: Option<Sealed>) -> Found<()> {
        refused()
    }

    async fn app(
        &self,
        package: &str,
        tenant: Option<&TenantId>,
    ) -> Found<Option<(App, Option<Sealed>)>> {
        self.ask(&Call::App(package.to_owned(), tenant.cloned())).await
    }

    async fn apps(&self) -> Found<Vec<App>> {
        refused()
    }

    async fn remove_app(&self, _: &str, _: Option<&TenantId>) -> Found<bool> {
        refused()
    }

    async fn app_incident(&self, app: &App, incident: Option<Incident>) -> Found<()> {
        self.ask(&Call::AppIncident(Box::new(app.clone()), incident)).await
    }
}

#[async_trait]
impl FlowStore for Remote {
    async fn put_flow(&self, _: Flow, _: Option<Sealed>) -> Found<()> {
        refused()
    }

    async fn take_flow(&self, _: &[u8; 32]) -> Found<Option<(Flow, Option<Sealed>)>> {
        refused()
    }
}

#[async_trait]
impl AccessLog for Remote {
    async fn note_access(&self, access: Access) -> Found<u64> {
        self.ask(&Call::Note(Box::new(access))).await
    }

    async fn close_access(&self, entries: Vec<Access>) -> Found<()> {
        self.ask(&Call::Close(entries)).await
    }

    async fn accesses(&self, _: AccessQuery) -> Found<Vec<Access>> {
        refused()
    }
}

#[async_trait]
impl Catalogue for Remote {
    async fn put_package(&self, _: Installed, _: TrustState) -> Found<()> {
        refused()
    }

    async fn package(&self, _: &str) -> Found<Option<Installed>> {
        refused()
    }

    async fn packages(&self) -> Found<Vec<Installed>> {
        refused()
    }

    async fn remove_package(&self, _: &str) -> Found<bool> {
        refused()
    }

    async fn set_package_disabled(&self, _: &str, _: Option<String>) -> Found<bool> {
        refused()
    }

    async fn put_pending(&self, _: PendingPackage) -> Found<()> {
        refused()
    }

    async fn pending(&self) -> Found<Vec<PendingPackage>> {
        refused()
    }

    async fn remove_pending(&self, _: &str, _: &str) -> Found<bool> {
        refused()
    }

    async fn trust_state(&self) -> Found<TrustState> {
        refused()
    }

    async fn put_trust_state(&self, _: TrustState) -> Found<()> {
        refused()
    }

    async fn put_connection(&self, _: Connection) -> Found<()> {
        refused()
    }

    async fn connection(&self, tenant: &TenantId, id: &ConnectionId) -> Found<Option<Connection>> {
        self.ask(&Call::Connection(tenant.clone(), id.clone())).await
    }

    async fn connections(&self, _: &TenantId) -> Found<Vec<Connection>> {
        refused()
    }

    async fn connection_status(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
    ) -> Found<Option<ConnectionStatus>> {
        self.ask(&Call::Status(tenant.clone(), id.clone())).await
    }

    async fn set_connection_state(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
        state: ConnectionState,
        reason: &str,
    ) -> Found<()> {
        self.ask(&Call::Turn(tenant.clone(), id.clone(), state, reason.to_owned())).await
    }
}

#[async_trait]
impl KeyStore for Remote {
    async fn canary(&self) -> Found<Option<Canary>> {
        self.ask(&Call::Canary).await
    }

    async fn put_canary(&self, canary: Canary, expected: Option<Canary>) -> Found<bool> {
        self.ask(&Call::PutCanary(canary, expected)).await
    }

    async fn keys(&self, owner: &Owner) -> Found<Option<Vec<WrappedKey>>> {
        self.ask(&Call::Keys(owner.clone())).await
    }

    async fn owners(&self, after: Option<&Owner>, limit: usize) -> Found<Vec<Owner>> {
        self.ask(&Call::Owners(after.cloned(), limit)).await
    }

    async fn add_key(&self, key: WrappedKey, active: Option<KeyId>) -> Found<bool> {
        self.ask(&Call::AddKey(Box::new(key), active)).await
    }

    async fn rewrap(&self, _: Vec<Rewrap>) -> Found<u64> {
        refused()
    }

    async fn sealed_under(&self, _: SealedQuery) -> Found<(Vec<Sealed>, Option<String>)> {
        refused()
    }

    async fn reseal(&self, _: Vec<(Sealed, Bytes)>) -> Found<u64> {
        refused()
    }

    async fn retire_key(&self, _: &Owner, _: KeyId) -> Found<bool> {
        refused()
    }

    async fn destroy_keys(&self, _: &Owner, _: &str) -> Found<u64> {
        refused()
    }
}

#[async_trait]
impl TaskStore for Remote {
    async fn put_task(&self, _: Task, _: Option<u64>) -> Found<Task> {
        refused()
    }

    async fn task(&self, _: &TenantId, _: &TaskId) -> Found<Option<Task>> {
        refused()
    }

    async fn tasks(&self, _: &TenantId, _: Option<&TaskId>, _: usize) -> Found<Vec<Task>> {
        refused()
    }

    async fn remove_task(&self, _: &TenantId, _: &TaskId) -> Found<bool> {
        refused()
    }

    async fn due_tasks(&self, _: usize) -> Found<Vec<Task>> {
        refused()
    }

    async fn planned_tasks(&self, _: Option<&Task>, _: usize) -> Found<Vec<Task>> {
        refused()
    }

    async fn tick(&self, _: Fence, _: Vec<Tick>) -> Found<Vec<Option<Enqueued>>> {
        refused()
    }

    async fn lead(&self, _: &str, _: Duration) -> Found<Option<Fence>> {
        refused()
    }

    async fn led_until(&self) -> Found<Option<Timestamp>> {
        refused()
    }
}
