//! Integrations: what the connections of a tenant are accounts of.

use async_trait::async_trait;
use model::integration::{INTEGRATIONS_MAX, Integration, IntegrationStore};
use model::store::{StoreError, StoreErrorKind};
use model::{Clock, Connection, IntegrationId, TenantId, Timestamp};
use redb::{ReadableTable as _, ReadableTableMetadata as _};

use crate::catalogue::connections;
use crate::codec::{json, key};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;
use crate::{Store, check, tenants};

/// Creates or replaces an integration.
struct Put {
    integration: Integration,
    expected: Option<u64>,
    clock: Clock,
}

impl Change for Put {
    type Answer = Integration;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Integration), StoreError> {
        let Self { integration, expected, clock } = self;
        let Integration { tenant, id, name, package, .. } = &integration;
        check::title("the name of an integration", name)?;
        check::name("the name of a package", package)?;
        let old = find(&tables.integrations, tenant, id)?;
        let stored = old.as_ref().map_or(0, |old| old.revision);
        check::revision(format_args!("integration {tenant}/{id}"), stored, expected)?;
        let mut writes = Writes::default();
        let mut created = integration.created;
        if let Some(old) = &old {
            serves(old, package)?;
            created = old.created;
        } else {
            room(tables, tenant)?;
            tenants::ensure(&mut writes, tables, tenant, clock.now())?;
        }
        let new = Integration { created, revision: stored.saturating_add(1), ..integration };
        put(&mut writes, &new)?;
        Ok((writes, new))
    }
}

/// Removes an integration that has no connection.
struct Remove {
    tenant: TenantId,
    id: IntegrationId,
}

impl Change for Remove {
    type Answer = bool;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, bool), StoreError> {
        let Self { tenant, id } = self;
        let mut writes = Writes::default();
        if find(&tables.integrations, &tenant, &id)?.is_none() {
            return Ok((writes, false));
        }
        let mut connections = connections::all(&tables.connections, &tenant)?.into_iter();
        if let Some(connection) = connections.find(|connection| connection.integration() == id) {
            let message = format!(
                "integration {tenant}/{id} has the connection {}; remove its connections first, so \
                 that their grants are revoked",
                connection.id
            );
            return Err(StoreError::new(StoreErrorKind::Conflict, message));
        }
        writes.remove(Table::Integrations, &row_key(&tenant, &id));
        Ok((writes, true))
    }
}

/// Makes the integration of a connection under its id, unless it is there, and its tenant with it.
pub(crate) fn join(
    writes: &mut Writes,
    tables: &Tables<'_>,
    connection: &Connection,
    now: Timestamp,
) -> Result<(), StoreError> {
    if admit(tables, connection)?.is_some() {
        return Ok(());
    }
    room(tables, &connection.tenant)?;
    make(writes, tables, connection, now)
}

/// Makes what a store of an earlier program lacks: the integrations of its connections.
pub(crate) fn adopt(tables: &Tables<'_>, now: Timestamp) -> Result<Writes, StoreError> {
    let mut writes = Writes::default();
    for row in tables.connections.iter().disk()? {
        // One that does not decode must not keep the store shut: whoever reads it hears of it.
        let row = json::decode::<Connection>(Table::Connections, row.disk()?.1.value());
        let Ok(connection) = row else { continue };
        let key = row_key(&connection.tenant, &connection.integration());
        if tables.integrations.get(key.as_slice()).disk()?.is_none() {
            make(&mut writes, tables, &connection, now)?;
        }
    }
    Ok(writes)
}

fn make(
    writes: &mut Writes,
    tables: &Tables<'_>,
    connection: &Connection,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Connection { tenant, package, .. } = connection;
    tenants::ensure(writes, tables, tenant, now)?;
    let id = connection.integration();
    let name = id.as_str().to_owned();
    let (tenant, package) = (tenant.clone(), package.clone());
    let new = Integration { tenant, id, name, package, created: now, updated: now, revision: 1 };
    put(writes, &new)
}

/// The integration of a connection, if it is there; refuses one that another package serves.
pub(crate) fn admit(
    tables: &Tables<'_>,
    connection: &Connection,
) -> Result<Option<Integration>, StoreError> {
    let found = find(&tables.integrations, &connection.tenant, &connection.integration())?;
    found.as_ref().map_or(Ok(()), |found| serves(found, &connection.package))?;
    Ok(found)
}

/// Tells whether a tenant has an integration.
pub(crate) fn any(rows: &impl Rows, tenant: &TenantId) -> Result<bool, StoreError> {
    Ok(of(rows, tenant)?.next().is_some())
}

fn serves(integration: &Integration, package: &str) -> Result<(), StoreError> {
    let Integration { tenant, id, package: own, .. } = integration;
    if own == package {
        return Ok(());
    }
    Err(check::invalid(format!(
        "integration {tenant}/{id} is one of the package {own}, not of {package}; choose another, or \
         remove it first"
    )))
}

/// Refuses one integration more than a tenant may have.
fn room(tables: &Tables<'_>, tenant: &TenantId) -> Result<(), StoreError> {
    // How many all tenants have is told at once, and on most hosts is fewer than one may have.
    let all = tables.integrations.len().disk()?;
    let few = usize::try_from(all).is_ok_and(|all| all < INTEGRATIONS_MAX);
    if few || of(&tables.integrations, tenant)?.count() < INTEGRATIONS_MAX {
        return Ok(());
    }
    Err(check::invalid(format!(
        "tenant {tenant} has {INTEGRATIONS_MAX} integrations already; remove one first"
    )))
}

fn put(writes: &mut Writes, integration: &Integration) -> Result<(), StoreError> {
    let key = row_key(&integration.tenant, &integration.id);
    writes.put(Table::Integrations, &key, &json::encode(integration)?);
    Ok(())
}

fn find(
    rows: &impl Rows,
    tenant: &TenantId,
    id: &IntegrationId,
) -> Result<Option<Integration>, StoreError> {
    let row = rows.get(row_key(tenant, id).as_slice()).disk()?;
    row.map(|row| json::decode(Table::Integrations, row.value())).transpose()
}

/// The rows of a tenant, by name.
fn of<'r>(
    rows: &'r impl Rows,
    tenant: &TenantId,
) -> Result<redb::Range<'r, &'static [u8], &'static [u8]>, StoreError> {
    let prefix = key::tenant(tenant);
    rows.range(prefix.as_slice()..key::behind(&prefix).as_slice()).disk()
}

fn row_key(tenant: &TenantId, id: &IntegrationId) -> Vec<u8> {
    key::with(key::tenant(tenant), id.as_str().as_bytes())
}

#[async_trait]
impl IntegrationStore for Store {
    async fn put_integration(
        &self,
        integration: Integration,
        expected: Option<u64>,
    ) -> Result<Integration, StoreError> {
        self.write(Put { integration, expected, clock: self.clock() }).await
    }

    async fn integration(
        &self,
        tenant: &TenantId,
        id: &IntegrationId,
    ) -> Result<Option<Integration>, StoreError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.read(move |snapshot| find(&Table::Integrations.read(snapshot)?, &tenant, &id)).await
    }

    async fn integrations(&self, tenant: &TenantId) -> Result<Vec<Integration>, StoreError> {
        let tenant = tenant.clone();
        self.read(move |snapshot| {
            let rows = Table::Integrations.read(snapshot)?;
            of(&rows, &tenant)?
                .map(|row| json::decode(Table::Integrations, row.disk()?.1.value()))
                .collect()
        })
        .await
    }

    async fn remove_integration(
        &self,
        tenant: &TenantId,
        id: &IntegrationId,
    ) -> Result<bool, StoreError> {
        self.write(Remove { tenant: tenant.clone(), id: id.clone() }).await
    }
}
