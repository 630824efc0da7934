//! The tenants of the host.

use std::ops::Bound;

use async_trait::async_trait;
use model::store::StoreError;
use model::tenant::{Tenant, TenantRemoval, TenantStore};
use model::{TenantId, Timestamp};
use redb::{ReadTransaction, ReadableTable as _};

use crate::codec::json;
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;
use crate::{Store, api_keys, check, integrations};

/// Tenants in one list.
const LIST_MAX: usize = 1_000;

/// Creates or replaces a tenant.
struct Put {
    tenant: Tenant,
    expected: Option<u64>,
}

impl Change for Put {
    type Answer = Tenant;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Tenant), StoreError> {
        let Self { tenant, expected } = self;
        check::title("the name of a tenant", &tenant.name)?;
        let old = find(&tables.tenants, &tenant.id)?;
        let stored = old.as_ref().map_or(0, |old| old.revision);
        check::revision(format_args!("tenant {}", tenant.id), stored, expected)?;
        let created = old.map_or(tenant.created, |old| old.created);
        let new = Tenant { created, revision: stored.saturating_add(1), ..tenant };
        let mut writes = Writes::default();
        put(&mut writes, &new)?;
        Ok((writes, new))
    }
}

/// Removes a tenant with its API keys.
struct Remove(TenantId);

impl Change for Remove {
    type Answer = TenantRemoval;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, TenantRemoval), StoreError> {
        let mut writes = Writes::default();
        if find(&tables.tenants, &self.0)?.is_none() {
            return Ok((writes, TenantRemoval::Absent));
        }
        if integrations::any(&tables.integrations, &self.0)? {
            return Ok((writes, TenantRemoval::InUse));
        }
        api_keys::forget(&mut writes, tables, &self.0)?;
        writes.remove(Table::Tenants, self.0.as_str().as_bytes());
        Ok((writes, TenantRemoval::Removed))
    }
}

/// Makes a tenant under its id, unless it is there.
pub(crate) fn ensure(
    writes: &mut Writes,
    tables: &Tables<'_>,
    id: &TenantId,
    now: Timestamp,
) -> Result<(), StoreError> {
    if tables.tenants.get(id.as_str().as_bytes()).disk()?.is_some() {
        return Ok(());
    }
    let name = id.as_str().to_owned();
    put(writes, &Tenant { id: id.clone(), name, created: now, revision: 1 })
}

/// The tenant of this id.
pub(crate) fn find(rows: &impl Rows, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
    let row = rows.get(id.as_str().as_bytes()).disk()?;
    row.map(|row| json::decode(Table::Tenants, row.value())).transpose()
}

fn put(writes: &mut Writes, tenant: &Tenant) -> Result<(), StoreError> {
    writes.put(Table::Tenants, tenant.id.as_str().as_bytes(), &json::encode(tenant)?);
    Ok(())
}

fn list(
    snapshot: &ReadTransaction,
    after: Option<&TenantId>,
    limit: usize,
) -> Result<Vec<Tenant>, StoreError> {
    let from = after.map_or(Bound::Unbounded, |id| Bound::Excluded(id.as_str().as_bytes()));
    let rows = Table::Tenants.read(snapshot)?;
    let rows = rows.range::<&[u8]>((from, Bound::Unbounded)).disk()?;
    rows.take(limit.min(LIST_MAX))
        .map(|row| json::decode(Table::Tenants, row.disk()?.1.value()))
        .collect()
}

#[async_trait]
impl TenantStore for Store {
    async fn put_tenant(
        &self,
        tenant: Tenant,
        expected: Option<u64>,
    ) -> Result<Tenant, StoreError> {
        self.write(Put { tenant, expected }).await
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
        let id = id.clone();
        self.read(move |snapshot| find(&Table::Tenants.read(snapshot)?, &id)).await
    }

    async fn tenants(
        &self,
        after: Option<&TenantId>,
        limit: usize,
    ) -> Result<Vec<Tenant>, StoreError> {
        let after = after.cloned();
        self.read(move |snapshot| list(snapshot, after.as_ref(), limit)).await
    }

    async fn remove_tenant(&self, id: &TenantId) -> Result<TenantRemoval, StoreError> {
        self.write(Remove(id.clone())).await
    }
}
