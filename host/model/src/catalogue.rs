//! The port to what is installed and connected.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::connection::{Connection, ConnectionState, ConnectionStatus};
use crate::store::StoreError;
use crate::{ConnectionId, TenantId, Timestamp};

/// An installed package.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Installed {
    /// `publisher/id`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its identity: `sha256:…` of its contents.
    pub digest: String,
    /// The whole package file; verified again at every load.
    pub file: Bytes,
    /// What the operator granted: JSON of `package::Permissions`.
    pub grant: String,
    /// When.
    pub at: Timestamp,
    /// Why it may not run at present, if it may not.
    pub disabled: Option<String>,
}

/// Packages that wait for approval: their files are read together, and somebody has to look at
/// each.
pub const PENDING_MAX: u64 = 32;

/// A package file that waits for an operator to approve what it asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PendingPackage {
    /// `publisher/id`, as its manifest says.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its digest; approval names it, so that nothing else is approved.
    pub digest: String,
    /// The whole package file; verified again when it is approved.
    pub file: Bytes,
    /// Who has brought it.
    pub author: String,
    /// When.
    pub at: Timestamp,
}

/// What the store remembers of trust, so that a file swapped for an older one changes nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub struct TrustState {
    /// Package name → the highest version ever installed, or the one a downgrade has set.
    pub floors: BTreeMap<String, String>,
    /// What was ever revoked, and stays so: `digest:sha256:…`, `key:…`, `package:…` → reason.
    pub revoked: BTreeMap<String, String>,
}

/// Packages, connections and what is remembered of trust.
#[async_trait]
pub trait Catalogue: Send + Sync {
    /// Installs or replaces a package and sets the trust state, together. Whether one that is there
    /// may run stays as it is.
    async fn put_package(&self, package: Installed, trust: TrustState) -> Result<(), StoreError>;

    /// The package of this name.
    async fn package(&self, name: &str) -> Result<Option<Installed>, StoreError>;

    /// All packages, by name.
    async fn packages(&self) -> Result<Vec<Installed>, StoreError>;

    /// The names of all packages, in their order; without their files.
    async fn package_names(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.packages().await?.into_iter().map(|package| package.name).collect())
    }

    /// Removes a package; its floor stays. False if there was none.
    async fn remove_package(&self, name: &str) -> Result<bool, StoreError>;

    /// Says why a package may not run, or that it may. It is refused where it is loaded next.
    /// Another version that is installed in its place may not run either, until it is said again
    /// that it may. False if there is none.
    async fn set_package_disabled(
        &self,
        name: &str,
        disabled: Option<String>,
    ) -> Result<bool, StoreError>;

    /// Keeps a package that waits for approval, in place of one of its name that does; at most
    /// [`PENDING_MAX`].
    async fn put_pending(&self, pending: PendingPackage) -> Result<(), StoreError>;

    /// All packages that wait for approval, by name.
    async fn pending(&self) -> Result<Vec<PendingPackage>, StoreError>;

    /// Removes a package that waits for approval; only the one of this digest. False if there is
    /// none.
    async fn remove_pending(&self, name: &str, digest: &str) -> Result<bool, StoreError>;

    /// What is remembered of trust.
    async fn trust_state(&self) -> Result<TrustState, StoreError>;

    /// Remembers trust.
    async fn put_trust_state(&self, trust: TrustState) -> Result<(), StoreError>;

    /// Creates or replaces what is known of a connection. Its secrets stay as they are:
    /// [`CredentialStore::authorise`](crate::credential::CredentialStore::authorise) replaces both.
    async fn put_connection(&self, connection: Connection) -> Result<(), StoreError>;

    /// The connection of this name.
    async fn connection(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
    ) -> Result<Option<Connection>, StoreError>;

    /// All connections of a tenant, by name.
    async fn connections(&self, tenant: &TenantId) -> Result<Vec<Connection>, StoreError>;

    /// In which state a connection is; nothing where it is active and always was. A run or
    /// a claim that ends because the account must be authorised again changes it. New secrets make it active.
    /// What people have paused stays paused.
    async fn connection_status(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
    ) -> Result<Option<ConnectionStatus>, StoreError>;

    /// The same of several connections, in their order.
    async fn connection_statuses(
        &self,
        tenant: &TenantId,
        ids: Vec<ConnectionId>,
    ) -> Result<Vec<Option<ConnectionStatus>>, StoreError> {
        let mut statuses = Vec::with_capacity(ids.len());
        for id in &ids {
            statuses.push(self.connection_status(tenant, id).await?);
        }
        Ok(statuses)
    }

    /// Sets the state of a connection, and logs it as an event. Work of one that is not active
    /// rests ([`PauseScope::Unauthorised`](crate::queue::PauseScope::Unauthorised)). The state that it is in already changes nothing.
    async fn set_connection_state(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
        state: ConnectionState,
        reason: &str,
    ) -> Result<(), StoreError>;
}
