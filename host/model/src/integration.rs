//! A tenant's configured use of a provider.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::id::name;
use crate::store::StoreError;
use crate::{ConnectionId, TenantId, Timestamp};

/// Integrations of a tenant: they are listed, searched and sorted in memory.
pub const INTEGRATIONS_MAX: usize = 10_000;

name!(
    /// A tenant's configured use of a provider.
    IntegrationId,
    "integration"
);

impl IntegrationId {
    /// The one of a connection that names none.
    pub fn of(connection: &ConnectionId) -> Self {
        Self(connection.as_str().to_owned())
    }
}

/// A tenant's use of a provider; its accounts are the connections that name it.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Integration {
    /// Whose.
    pub tenant: TenantId,
    /// Its name within the tenant.
    pub id: IntegrationId,
    /// What people call it.
    pub name: String,
    /// The package that serves it, `publisher/id`; it never changes.
    pub package: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
    /// Grows by one with every [`IntegrationStore::put_integration`], from 1.
    pub revision: u64,
}

/// Integrations in the store. Every method is one transaction.
///
/// A connection that is stored under an integration that is not there makes it, under its id, in
/// the same commit; one under an integration of another package is invalid. The last connection
/// that is removed leaves its integration behind.
#[async_trait]
pub trait IntegrationStore: Send + Sync {
    /// Creates or replaces an integration and answers it as it is kept: with its new revision, and
    /// made when it was first made. With `expected` only if it has that revision now, else it is a
    /// conflict; 0 means that there must be none. Another package is invalid, and so is one more
    /// than [`INTEGRATIONS_MAX`].
    async fn put_integration(
        &self,
        integration: Integration,
        expected: Option<u64>,
    ) -> Result<Integration, StoreError>;

    /// The integration of this name.
    async fn integration(
        &self,
        tenant: &TenantId,
        id: &IntegrationId,
    ) -> Result<Option<Integration>, StoreError>;

    /// All integrations of a tenant, by name.
    async fn integrations(&self, tenant: &TenantId) -> Result<Vec<Integration>, StoreError>;

    /// Removes an integration. False if there was none. One with connections is a conflict: they
    /// are removed first, so that their grants are revoked.
    async fn remove_integration(
        &self,
        tenant: &TenantId,
        id: &IntegrationId,
    ) -> Result<bool, StoreError>;
}
