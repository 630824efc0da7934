//! The tenants of a host.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::store::StoreError;
use crate::{TenantId, Timestamp};

/// The longest name that people give a thing, in bytes: a line that is shown in lists.
pub const TITLE_BYTES_MAX: usize = 256;

/// A customer of the host.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Tenant {
    /// Which one.
    pub id: TenantId,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Grows by one with every [`TenantStore::put_tenant`], from 1.
    pub revision: u64,
}

/// What became of a tenant that was to be removed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TenantRemoval {
    /// It is removed, and its API keys with it.
    Removed,
    /// There was none.
    Absent,
    /// It has integrations; they are removed first, so that their grants are revoked.
    InUse,
}

/// Tenants in the store. Every method is one transaction.
///
/// A tenant that an integration or a connection is made for without being known is made with it,
/// under its id.
#[async_trait]
pub trait TenantStore: Send + Sync {
    /// Creates or replaces a tenant and answers it as it is kept: with its new revision, and made
    /// when it was first made. With `expected` only if it has that revision now, else it is a
    /// conflict; 0 means that there must be none.
    async fn put_tenant(&self, tenant: Tenant, expected: Option<u64>)
    -> Result<Tenant, StoreError>;

    /// The tenant of this id.
    async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError>;

    /// Tenants by id, from the one behind `after`; at most `limit`, and 1 000.
    async fn tenants(
        &self,
        after: Option<&TenantId>,
        limit: usize,
    ) -> Result<Vec<Tenant>, StoreError>;

    /// Removes a tenant that has no integration, with its API keys. What it has synced stays;
    /// whoever makes it again finds it.
    async fn remove_tenant(&self, id: &TenantId) -> Result<TenantRemoval, StoreError>;
}
