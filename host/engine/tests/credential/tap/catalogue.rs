//! The calls that are about connections, apps and flows.

use async_trait::async_trait;
use model::catalogue::PendingPackage;
use model::credential::{App, AppStore, Flow, FlowStore, Incident};
use model::store::{Catalogue, Installed, StoreError, TrustState};
use model::vault::Sealed;
use model::{Connection, ConnectionId, ConnectionState, ConnectionStatus, TenantId};

use super::Tapped;

#[async_trait]
impl AppStore for Tapped {
    async fn put_app(&self, app: App, secret: Option<Sealed>) -> Result<(), StoreError> {
        self.tap.call(self.store.put_app(app, secret)).await
    }

    async fn app(
        &self,
        package: &str,
        tenant: Option<&TenantId>,
    ) -> Result<Option<(App, Option<Sealed>)>, StoreError> {
        self.tap.call(self.store.app(package, tenant)).await
    }

    async fn apps(&self) -> Result<Vec<App>, StoreError> {
        self.tap.call(self.store.apps()).await
    }

    async fn remove_app(
        &self,
        package: &str,
        tenant: Option<&TenantId>,
    ) -> Result<bool, StoreError> {
        self.tap.call(self.store.remove_app(package, tenant)).await
    }

    async fn app_incident(&self, app: &App, incident: Option<Incident>) -> Result<(), StoreError> {
        self.tap.call(self.store.app_incident(app, incident)).await
    }
}

#[async_trait]
impl FlowStore for Tapped {
    async fn put_flow(&self, flow: Flow, verifier: Option<Sealed>) -> Result<(), StoreError> {
        self.tap.call(self.store.put_flow(flow, verifier)).await
    }

    async fn take_flow(&self, id: &[u8; 32]) -> Result<Option<(Flow, Option<Sealed>)>, StoreError> {
        self.tap.call(self.store.take_flow(id)).await
    }
}

#[async_trait]
impl Catalogue for Tapped {
    async fn put_package(&self, package: Installed, trust: TrustState) -> Result<(), StoreError> {
        self.store.put_package(package, trust).await
    }

    async fn package(&self, name: &str) -> Result<Option<Installed>, StoreError> {
        self.store.package(name).await
    }

    async fn packages(&self) -> Result<Vec<Installed>, StoreError> {
        self.store.packages().await
    }

    async fn remove_package(&self, name: &str) -> Result<bool, StoreError> {
        self.store.remove_package(name).await
    }

    async fn set_package_disabled(
        &self,
        name: &str,
        disabled: Option<String>,
    ) -> Result<bool, StoreError> {
        self.store.set_package_disabled(name, disabled).await
    }

    async fn put_pending(&self, pending: PendingPackage) -> Result<(), StoreError> {
        self.store.put_pending(pending).await
    }

    async fn pending(&self) -> Result<Vec<PendingPackage>, StoreError> {
        self.store.pending().await
    }

    async fn remove_pending(&self, name: &str, digest: &str) -> Result<bool, StoreError> {
        self.store.remove_pending(name, digest).await
    }

    async fn trust_state(&self) -> Result<TrustState, StoreError> {
        self.store.trust_state().await
    }

    async fn put_trust_state(&self, trust: TrustState) -> Result<(), StoreError> {
        self.store.put_trust_state(trust).await
    }

    async fn put_connection(&self, connection: Connection) -> Result<(), StoreError> {
        self.tap.call(self.store.put_connection(connection)).await
    }

    async fn connection(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
    ) -> Result<Option<Connection>, StoreError> {
        self.tap.call(self.store.connection(tenant, id)).await
    }

    async fn connections(&self, tenant: &TenantId) -> Result<Vec<Connection>, StoreError> {
        self.tap.call(self.store.connections(tenant)).await
    }

    async fn connection_status(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
    ) -> Result<Option<ConnectionStatus>, StoreError> {
        self.tap.call(self.store.connection_status(tenant, id)).await
    }

    async fn set_connection_state(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
        state: ConnectionState,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.tap.call(self.store.set_connection_state(tenant, id, state, reason)).await
    }
}
